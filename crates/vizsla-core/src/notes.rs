//! What a retriever reports about a query besides its candidates.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the user may want to know about how the query was interpreted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct QueryNotes {
    /// Words that occur nowhere, each with the likeliest word that does.
    pub suggestions: Vec<SpellingSuggestion>,
    /// Required phrases and fielded words that no passage has; the search ignored them.
    pub dropped: Vec<String>,
    /// Words and phrases that the query excludes from all candidates.
    pub excluded: Vec<String>,
    /// What the words with a star stood for.
    pub prefixes: Vec<PrefixNote>,
}

/// A word with a star, and how many words it stood for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixNote {
    /// The letters before the star.
    pub prefix: String,
    /// How many words begin with it.
    pub words: usize,
    /// How many of them were searched for, the most frequent.
    pub used: usize,
}

impl fmt::Display for PrefixNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prefix, words, used } = self;
        if *words == 1 {
            write!(f, "{prefix}* stood for one word")
        } else if words == used {
            write!(f, "{prefix}* stood for {words} words")
        } else {
            write!(f, "{prefix}* stood for the {used} most frequent of {words} words")
        }
    }
}

impl QueryNotes {
    /// One sentence per note, for people. Queries and words are quoted as they are, control characters included.
    pub fn sentences(&self) -> Vec<String> {
        let suggestions = self.suggestions.iter().map(ToString::to_string);
        let dropped = self.dropped.iter().map(|words| {
            format!("no passage has \"{words}\" as required: searched without that condition")
        });
        let excluded = self.excluded.iter().map(|words| {
            format!(
                "left out passages with \"{words}\": to search for it, write \"-{words}\" in quotes"
            )
        });
        let prefixes = self.prefixes.iter().map(ToString::to_string);
        suggestions.chain(dropped).chain(excluded).chain(prefixes).collect()
    }

    /// Whether there are no notes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A word that occurs nowhere or hardly, and one that does in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpellingSuggestion {
    /// The word in the query.
    pub word: String,
    /// The most frequent of the indexed words nearest to it.
    pub suggestion: String,
    /// Whether the search used it.
    pub used: bool,
    /// Whether a few passages do have the word, and far more the suggestion.
    #[serde(default)]
    pub rare: bool,
}

impl fmt::Display for SpellingSuggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { word, suggestion, used, rare } = self;
        if *rare {
            write!(f, "few passages have \"{word}\": did you mean \"{suggestion}\"?")
        } else if *used {
            write!(f, "no passage has \"{word}\": searched for \"{suggestion}\" instead")
        } else {
            write!(f, "no passage has \"{word}\": did you mean \"{suggestion}\"?")
        }
    }
}

impl SpellingSuggestion {
    /// `text` with every whole-word occurrence of `word` replaced by `suggestion`.
    pub fn apply(&self, text: &str) -> String {
        let mut corrected = String::with_capacity(text.len());
        let mut rest = 0;
        for (at, _) in text.match_indices(self.word.as_str()) {
            let end = at + self.word.len();
            let joined = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            if !joined(text[..at].chars().next_back()) && !joined(text[end..].chars().next()) {
                corrected.push_str(&text[rest..at]);
                corrected.push_str(&self.suggestion);
                rest = end;
            }
        }
        corrected.push_str(&text[rest..]);
        corrected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_noted_is_a_sentence() {
        let suggestion = SpellingSuggestion {
            word: "hreon".into(),
            suggestion: "heron".into(),
            used: false,
            rare: false,
        };
        let notes = QueryNotes {
            suggestions: vec![suggestion],
            dropped: vec!["a phrase".into()],
            excluded: vec!["duck".into()],
            prefixes: vec![PrefixNote { prefix: "con".into(), words: 90, used: 64 }],
        };
        let sentences = notes.sentences();
        assert_eq!(sentences[0], "no passage has \"hreon\": did you mean \"heron\"?");
        assert_eq!(sentences.len(), 4);
        assert!(sentences[3].contains("64 most frequent of 90"));
        assert!(QueryNotes::default().sentences().is_empty());
    }

    #[test]
    fn a_suggestion_replaces_whole_words() {
        let suggestion = |word: &str, suggestion: &str| SpellingSuggestion {
            word: word.to_owned(),
            suggestion: suggestion.to_owned(),
            used: true,
            rare: false,
        };
        assert_eq!(
            suggestion("teh", "the").apply("teh tehran dgo, \"teh\" énteh"),
            "the tehran dgo, \"the\" énteh"
        );
        assert_eq!(suggestion("x", "y").apply(""), "");
    }
}
