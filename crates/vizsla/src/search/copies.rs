//! Copies among candidates. In: a ranking. Out: the same without passages that say what a better one says, and which they
//! were, so that depth is spent on different texts.
//!
//! Two passages of eight words or more are copies when they have the same words in the same order, whatever their case,
//! marks and layout, or when the resemblance of their shingles (runs of three words) is at least .9: the size of the
//! intersection by that of the union (Broder, On the resemblance and containment of documents, SEQUENCES 1997). There are
//! few candidates, so resemblance is counted from all shingles rather than estimated from a sketch of them. A passage that
//! differs from another in a word of the query is never its copy: that word may be what was asked for.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hasher;

use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};
use vizsla_core::{Candidate, Location, NonFiniteScore, Ranking};

/// Words in a shingle.
const SHINGLE: usize = 3;
/// Copies have at least so many of ten shingles in common.
const SHARED_OF_TEN: usize = 9;
/// Shorter passages are alike by chance, and what they are of tells them apart.
const FEWEST_WORDS: usize = 8;
/// In a shorter passage each word matters: its copies have the very same words.
const FEWEST_SHINGLES: usize = 20;

/// A passage of another document that says the same as the one shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PassageCopy {
    /// Id of its document.
    pub doc_id: String,
    /// The file it was read from.
    pub path: Option<String>,
    /// Where in it the passage is.
    pub location: Location,
}

/// A ranking without copies.
pub(super) struct Folded {
    pub(super) ranking: Ranking<Candidate>,
    /// The copies of each candidate of the ranking in other documents, best first.
    pub(super) copies: Vec<Vec<PassageCopy>>,
}

/// Keeps the best of passages that are copies of each other, and the best `depth` of what is kept. The ranking alone
/// decides, so the same ranking gives the same copies. Cost: linear in the words, and in
/// those of passages that are nearly copies.
pub(super) fn fold(
    ranking: Ranking<Candidate>,
    query: &str,
    depth: usize,
) -> Result<Folded, NonFiniteScore> {
    let asked: HashSet<u64> = words(query).collect();
    let mut kept: Vec<(f32, Candidate)> = Vec::new();
    let mut copies: Vec<Vec<PassageCopy>> = Vec::new();
    let mut texts = Texts::default();
    for found in ranking {
        let text = Text::new(&found.item.passage.text, &asked);
        if let Some(original) = texts.original(&text) {
            let (shown, passage) = (&kept[original].1.passage, found.item.passage);
            if shown.document() != passage.document() {
                let (doc_id, path) = (passage.doc_id, passage.path);
                copies[original].push(PassageCopy { doc_id, path, location: passage.location });
            }
        } else if kept.len() < depth {
            texts.add(text);
            kept.push((found.score, found.item));
            copies.push(Vec::new());
        }
    }
    Ok(Folded { ranking: Ranking::new(kept)?, copies })
}

/// What is compared of a passage: its words and shingles, as their hashes.
struct Text {
    /// Whether it may be a copy, or have copies.
    compared: bool,
    /// The hash of all words, one after the other.
    words: [u8; 32],
    /// In order, each once.
    shingles: Vec<u64>,
    asked: BTreeSet<u64>,
}

impl Text {
    fn new(text: &str, asked: &HashSet<u64>) -> Self {
        let words: Vec<u64> = words(text).collect();
        let shingle = |words: &[u64]| {
            let mut hasher = FxHasher::default();
            words.iter().for_each(|word| hasher.write_u64(*word));
            hasher.finish()
        };
        let mut shingles: Vec<u64> = words.windows(SHINGLE).map(shingle).collect();
        shingles.sort_unstable();
        shingles.dedup();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self {
            compared: words.len() >= FEWEST_WORDS,
            words: *blake3::hash(&bytes).as_bytes(),
            shingles,
            asked: words.into_iter().filter(|word| asked.contains(word)).collect(),
        }
    }

    /// The first of its shingles, of which a copy must have one among its own first: it lacks too few to lack them all
    /// (Chaudhuri and others, A primitive operator for similarity joins in data cleaning, ICDE 2006).
    fn telling(&self) -> &[u64] {
        let shared = (self.shingles.len() * SHARED_OF_TEN).div_ceil(10);
        &self.shingles[..(self.shingles.len() + 1 - shared).min(self.shingles.len())]
    }

    fn resembles(&self, other: &Self) -> bool {
        let (mut one, mut two) = (self.shingles.as_slice(), other.shingles.as_slice());
        let mut shared = 0;
        while let ([first, rest @ ..], [second, others @ ..]) = (one, two) {
            shared += usize::from(first == second);
            let (past_first, past_second) = (first <= second, second <= first);
            one = if past_first { rest } else { one };
            two = if past_second { others } else { two };
        }
        let union = self.shingles.len() + other.shingles.len() - shared;
        shared * 10 >= union * SHARED_OF_TEN && self.asked == other.asked
    }
}

/// The texts kept so far, by number.
#[derive(Default)]
struct Texts {
    all: Vec<Text>,
    by_words: HashMap<[u8; 32], usize>,
    by_shingle: HashMap<u64, Vec<usize>>,
}

impl Texts {
    /// The first text that this one is a copy of.
    fn original(&self, text: &Text) -> Option<usize> {
        if !text.compared {
            return None;
        }
        if let Some(same) = self.by_words.get(&text.words) {
            return Some(*same);
        }
        if text.shingles.len() < FEWEST_SHINGLES {
            return None;
        }
        let sharing = text.telling().iter().filter_map(|shingle| self.by_shingle.get(shingle));
        let numbers: BTreeSet<usize> = sharing.flatten().copied().collect();
        numbers.into_iter().find(|number| text.resembles(&self.all[*number]))
    }

    fn add(&mut self, text: Text) {
        let number = self.all.len();
        self.by_words.entry(text.words).or_insert(number);
        for shingle in text.telling() {
            self.by_shingle.entry(*shingle).or_default().push(number);
        }
        self.all.push(text);
    }
}

/// The hashes of the words of a text, whatever their case and what stands between them.
fn words(text: &str) -> impl Iterator<Item = u64> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut lower = String::new();
    words.map(move |word| {
        if word.is_ascii() {
            lower.clear();
            lower.push_str(word);
            lower.make_ascii_lowercase();
        } else {
            lower = word.to_lowercase();
        }
        let mut hasher = FxHasher::default();
        hasher.write(lower.as_bytes());
        hasher.finish()
    })
}

#[cfg(test)]
mod tests {
    use vizsla_core::Passage;

    use super::*;

    fn folded(texts: &[&str], query: &str, depth: usize) -> Vec<(String, Vec<String>)> {
        let score = |number: usize| (texts.len() - number) as f32;
        let candidates = texts.iter().enumerate().map(|(number, text)| {
            (score(number), Candidate::new(Passage::new(format!("d{number}"), 0, *text)))
        });
        let folded = fold(Ranking::new(candidates).unwrap(), query, depth).unwrap();
        let ids = |copies: &[PassageCopy]| copies.iter().map(|copy| copy.doc_id.clone()).collect();
        let kept = folded.ranking.iter().zip(&folded.copies);
        kept.map(|(found, copies)| (found.item.passage.doc_id.clone(), ids(copies))).collect()
    }

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_same_words_are_one_passage() {
        let (dog, again) =
            ("A dog that barks at night wakes its master.", "a  DOG that barks (at night)");
        let again = &format!("** {again} wakes its master **");
        let (cat, hen) =
            ("A cat that purrs at night wakes nobody.", "A hen that sleeps wakes nobody at night.");
        let found = folded(&[dog, cat, again, again, "", "", "a dog", "a dog"], "dog", 9);
        assert_eq!(found[0], ("d0".to_owned(), ids(&["d2", "d3"])));
        assert_eq!(found.len(), 6, "short texts are alike by chance: {found:?}");
        let found = folded(&[dog, again, cat, hen, cat], "dog", 2);
        assert_eq!(found, [("d0".to_owned(), ids(&["d1"])), ("d2".to_owned(), ids(&["d4"]))]);
    }

    #[test]
    fn a_word_that_differs_in_a_long_passage_does_not_matter_unless_it_was_asked_for() {
        let long = (0..60).map(|number| format!("word{number}")).collect::<Vec<_>>().join(" ");
        let (one, other) = (long.replace("word30", "alpha"), long.replace("word30", "beta"));
        assert_eq!(folded(&[&one, &other], "word1 gamma", 9).len(), 1);
        assert_eq!(folded(&[&one, &other], "word1 beta", 9).len(), 2);
        let different = (0..60).map(|number| format!("name{number}")).collect::<Vec<_>>().join(" ");
        assert_eq!(folded(&[&one, &different, &long[..200]], "word1", 9).len(), 3);
        let short = "a long walk from the station to the lake in";
        assert_eq!(
            folded(&[&format!("{short} May"), &format!("{short} June")], "walk", 9).len(),
            2
        );
    }
}
