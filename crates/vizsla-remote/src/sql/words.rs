//! The words of a question, for query languages in which everything but words means something.

use vizsla::{Clause, Query};

/// More words only cost time.
const MOST_WORDS: usize = 200;
/// English words that nearly every passage has. Databases without idf would rank by them.
const STOP_WORDS: &str = " a an and are as at be but by for if in into is it no not of on or such that the their then there \
                          these they this to was will with what which who how why when where do does did can could should \
                          would has have had i you he she we from about ";

/// The distinct words of a text, in order.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        if words.len() < MOST_WORDS && !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// The words of a query, without those that say nothing if there are others.
pub(super) fn searched(query: &Query) -> Vec<String> {
    let all = words(&query.text);
    let telling = all.iter().filter(|word| !STOP_WORDS.contains(&format!(" {word} ")));
    let telling: Vec<String> = telling.cloned().collect();
    if telling.is_empty() { all } else { telling }
}

/// The words of a clause, side by side.
pub(super) fn phrase(clause: &Clause) -> String {
    words_in_order(&clause.words).join(" ")
}

fn words_in_order(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_of_databases_are_words_or_nothing() {
        let query = Query::words("What's the AND of a NEAR(b) \"x* -y & z");
        assert_eq!(searched(&query), ["s", "near", "b", "x", "y", "z"]);
        assert_eq!(searched(&Query::words("to be or not to be")), ["to", "be", "or", "not"]);
        assert!(searched(&Query::words("?!")).is_empty());
    }
}
