//! Finds the words of a text by Unicode's rules (UAX #29). In: a text. Out: its words with their offsets.

use unicode_segmentation::{UnicodeSegmentation, UnicodeWordIndices};

/// The words of a text with their offsets, as [`UnicodeSegmentation::unicode_word_indices`] gives them, but several
/// times as fast where the text is ASCII. Each stretch between white space is processed on its own: no word spans white
/// space, except that a mark without a letter takes the space before it for one, which is not wanted.
pub(super) struct WordIndices<'a> {
    text: &'a str,
    /// The stretch being segmented, and the position within it.
    stretch: Stretch<'a>,
    /// Where the search for the next stretch begins.
    rest: usize,
}

enum Stretch<'a> {
    Ascii { at: usize, end: usize },
    Unicode { start: usize, words: UnicodeWordIndices<'a> },
}

impl<'a> WordIndices<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, stretch: Stretch::Ascii { at: 0, end: 0 }, rest: 0 }
    }
}

impl<'a> Iterator for WordIndices<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<(usize, &'a str)> {
        let bytes = self.text.as_bytes();
        loop {
            let word = match &mut self.stretch {
                Stretch::Ascii { at, end } => {
                    ascii_word(&bytes[..*end], *at).map(|(start, stop)| {
                        *at = stop;
                        (start, &self.text[start..stop])
                    })
                }
                Stretch::Unicode { start, words } => {
                    words.next().map(|(at, word)| (*start + at, word))
                }
            };
            if word.is_some() {
                return word;
            }
            let start =
                self.rest + bytes[self.rest..].iter().position(|b| !b.is_ascii_whitespace())?;
            let length = bytes[start..].iter().position(u8::is_ascii_whitespace);
            let end = length.map_or(bytes.len(), |length| start + length);
            self.rest = end;
            self.stretch = if bytes[start..end].is_ascii() {
                Stretch::Ascii { at: start, end }
            } else {
                Stretch::Unicode { start, words: self.text[start..end].unicode_word_indices() }
            };
        }
    }
}

/// The first word at or after `from`, by the rules of UAX #29 from `WB5` on, as they apply to ASCII.
pub(super) fn ascii_word(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let joins = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut start = from;
    loop {
        start += bytes.get(start..)?.iter().position(|byte| joins(*byte))?;
        let mut end = start + 1;
        while let Some(&byte) = bytes.get(end) {
            let (before, after) = (bytes[end - 1], bytes.get(end + 1).copied().unwrap_or(b' '));
            let within = match byte {
                b'.' | b'\'' => {
                    (before.is_ascii_alphabetic() && after.is_ascii_alphabetic())
                        || (before.is_ascii_digit() && after.is_ascii_digit())
                }
                b':' => before.is_ascii_alphabetic() && after.is_ascii_alphabetic(),
                b',' | b';' => before.is_ascii_digit() && after.is_ascii_digit(),
                byte => joins(byte),
            };
            if !within {
                break;
            }
            end += 1;
        }
        if bytes[start..end].iter().any(u8::is_ascii_alphanumeric) {
            return Some((start, end));
        }
        start = end;
    }
}

pub(super) fn without_possessive(word: &str) -> &str {
    ["'s", "’s", "'S", "’S"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word)
}

/// Whether a word begins with a character of a script that is written without spaces, or whose spaces do not separate
/// words: Chinese, Japanese, Korean (Unicode's blocks of kana, ideographs, hangul), and those of South East Asia.
pub(super) fn starts_unseparated(word: &str) -> bool {
    starts_clustered(word) || word.chars().next().is_some_and(|c| {
        matches!(c, '\u{1100}'..='\u{11FF}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
            | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9F}' | '\u{20000}'..='\u{2FA1F}')
    })
}

/// Whether a word begins in Thai, Lao, Burmese or Khmer, where several characters make what is written as one.
pub(super) fn starts_clustered(word: &str) -> bool {
    let first = word.chars().next();
    first.is_some_and(|c| matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_fast_words_are_those_of_unicode(text in "[ \\t\\na-bA0-1_.':,;/\"-]{0,24}|\\PC{0,12}|[a .é’水'_1]{0,20}") {
            let fast: Vec<_> = WordIndices::new(&text).collect();
            let reference: Vec<_> = text.unicode_word_indices().collect();
            let spanning = |(_, word): &(usize, &str)| word.contains(char::is_whitespace);
            prop_assume!(!reference.iter().any(spanning));
            prop_assert_eq!(fast, reference);
        }
    }
}
