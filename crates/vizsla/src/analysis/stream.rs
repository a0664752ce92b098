//! The terms of a text, as the index stores them. In: a text. Out: terms with positions and with the bytes of the
//! original that they stand for.
//!
//! A word is a term as it is written; its folded form and its beginnings are terms with a mark before them, so that a
//! query can tell `cafe` from `café` and still find both.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use frostem::Stemmer;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::language::Language;
use super::normal::Normal;
use super::units::{Rules, Unit, units};

/// Stands before a term that is not written so in the text.
pub(crate) const DERIVED: char = '\u{1}';

/// So many groups of digits follow the first at most; in a column of numbers more would.
const MOST_GROUPS: usize = 4;

/// Finds units and stems them; what the index and queries share.
#[derive(Clone)]
pub(super) struct Words {
    pub(super) rules: Rules,
    stemmer: Option<Stemmer>,
    token: Token,
    scratch: Scratch,
}

#[derive(Clone, Default)]
struct Scratch {
    normal: Normal,
    units: Vec<Unit>,
    pending: VecDeque<Pending>,
    stems: Stems,
}

#[derive(Clone)]
struct Pending {
    text: String,
    range: Range<usize>,
    position: usize,
}

/// The stems of the words that came last: stemming costs more than anything else, and most words of texts are few.
#[derive(Default)]
struct Stems {
    /// Words and their stems, each at the place that its hash gives it; empty until needed.
    known: Vec<Known>,
}

/// A word and how it becomes its stem, in half a cache line.
#[derive(Clone, Copy, Default)]
struct Known {
    word: [u8; Known::WORD],
    word_bytes: u8,
    /// How much of the word begins its stem.
    kept: u8,
    ending: [u8; Known::ENDING],
    ending_bytes: u8,
}

impl Known {
    const WORD: usize = 24;
    const ENDING: usize = 5;

    /// `None` where a word or an ending has no room.
    fn new(word: &str, stem: &str) -> Option<Self> {
        let shared = word.bytes().zip(stem.bytes()).take_while(|(one, other)| one == other).count();
        let kept = stem.floor_char_boundary(word.floor_char_boundary(shared));
        let ending = &stem.as_bytes()[kept..];
        let mut known = Self {
            word_bytes: word.len().try_into().ok()?,
            kept: kept.try_into().ok()?,
            ending_bytes: ending.len().try_into().ok()?,
            ..Self::default()
        };
        known.word.get_mut(..word.len())?.copy_from_slice(word.as_bytes());
        known.ending.get_mut(..ending.len())?.copy_from_slice(ending);
        Some(known)
    }

    fn is(&self, word: &str) -> bool {
        self.word[..usize::from(self.word_bytes)] == *word.as_bytes()
    }

    fn apply(&self, word: &mut String) {
        word.truncate(usize::from(self.kept));
        word.push_str(
            str::from_utf8(&self.ending[..usize::from(self.ending_bytes)]).unwrap_or_default(),
        );
    }
}

/// A copy knows nothing yet.
impl Clone for Stems {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Stems {
    const PLACES: usize = 1 << 14;

    /// Puts the stem of a word in its place.
    fn apply(&mut self, stemmer: &Stemmer, word: &mut String) {
        if self.known.is_empty() {
            self.known.resize_with(Self::PLACES, Default::default);
        }
        // FNV-1a.
        let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let known = &mut self.known[(hash ^ (hash >> 32)) as usize % Self::PLACES];
        if known.is(word) {
            return known.apply(word);
        }
        let stem = stemmer.stem(word).into_owned();
        if let Some(new) = Known::new(word, &stem) {
            *known = new;
        }
        *word = stem;
    }
}

impl Words {
    pub(super) fn new(language: Language) -> Self {
        Self {
            rules: Rules::new(language),
            stemmer: language.algorithm().map(Stemmer::new),
            token: Token::default(),
            scratch: Scratch::default(),
        }
    }

    /// The term of a word in lower case. Only words of letters are stemmed.
    pub(super) fn stem<'t>(&self, word: &'t str) -> Cow<'t, str> {
        match &self.stemmer {
            Some(stemmer) if word.chars().all(char::is_alphabetic) => stemmer.stem(word),
            _ => Cow::Borrowed(word),
        }
    }

    /// All units of a text, with the bytes of the text that they stand for.
    pub(super) fn units(&self, text: &str) -> Vec<Unit> {
        let mut all = Vec::new();
        let mut normal = Normal::default();
        let mut position = 0;
        let mut rest = 0;
        while let Some(stretch) = next_stretch(text.as_bytes(), &mut rest) {
            let from = all.len();
            position = scan(&text[stretch.clone()], self.rules, position, &mut normal, &mut all);
            for unit in &mut all[from..] {
                unit.range = stretch.start + unit.range.start..stretch.start + unit.range.end;
            }
        }
        all
    }
}

/// Adds the units of a stretch, with ranges of the stretch as given; returns the position after them.
fn scan(
    stretch: &str,
    rules: Rules,
    position: usize,
    normal: &mut Normal,
    found: &mut Vec<Unit>,
) -> usize {
    if stretch.is_ascii() {
        return units(stretch, rules, position, found);
    }
    normal.fill(stretch);
    let from = found.len();
    let next = units(&normal.text, rules, position, found);
    for unit in &mut found[from..] {
        unit.range = normal.origin(unit.range.clone());
    }
    next
}

/// The next bytes without ASCII white space, but for the spaces of a number such as `10 000`.
fn next_stretch(bytes: &[u8], rest: &mut usize) -> Option<Range<usize>> {
    let start = *rest + bytes[*rest..].iter().position(|byte| !byte.is_ascii_whitespace())?;
    let end = stretch_end(bytes, start);
    let end = if bytes[end - 1].is_ascii_digit() { end_of_groups(bytes, start, end) } else { end };
    *rest = end;
    Some(start..end)
}

fn stretch_end(bytes: &[u8], start: usize) -> usize {
    let length = bytes[start..].iter().position(u8::is_ascii_whitespace);
    length.map_or(bytes.len(), |length| start + length)
}

/// Where a number ends that goes on in groups of three digits, each after a space.
fn end_of_groups(bytes: &[u8], start: usize, end: usize) -> usize {
    let first = bytes[start..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let before = (end - first).checked_sub(1).filter(|at| *at >= start).map(|at| bytes[at]);
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b',' | b'-');
    if first > 3 || before.is_some_and(is_part) {
        return end;
    }
    let mut end = end;
    for _ in 0..MOST_GROUPS {
        let Some([b' ', group @ ..]) = bytes.get(end..end + 4) else { break };
        let after = bytes.get(end + 4).copied().unwrap_or(b' ');
        if !group.iter().all(u8::is_ascii_digit) || after.is_ascii_alphanumeric() {
            break;
        }
        end += 4;
        if !after.is_ascii_whitespace() {
            return stretch_end(bytes, end);
        }
    }
    end
}

impl Tokenizer for Words {
    type TokenStream<'a> = Terms<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Terms<'a> {
        self.token.reset();
        self.scratch.pending.clear();
        Terms {
            text,
            rest: 0,
            position: 0,
            rules: self.rules,
            stemmer: self.stemmer,
            token: &mut self.token,
            scratch: &mut self.scratch,
        }
    }
}

pub(super) struct Terms<'a> {
    text: &'a str,
    rest: usize,
    position: usize,
    rules: Rules,
    stemmer: Option<Stemmer>,
    token: &'a mut Token,
    scratch: &'a mut Scratch,
}

impl Terms<'_> {
    /// Most words of most texts: ASCII letters or digits between punctuation that means nothing. The same as
    /// [`units`] would find, without its cost.
    fn plain_word(&self, stretch: &Range<usize>) -> Option<Range<usize>> {
        let bytes = &self.text.as_bytes()[stretch.clone()];
        let start = bytes.iter().position(u8::is_ascii_alphanumeric)?;
        let length = bytes[start..].iter().position(|byte| !byte.is_ascii_alphanumeric());
        let end = length.map_or(bytes.len(), |length| start + length);
        let (word, after) = (&bytes[start..end], &bytes[end..]);
        let meant = |byte: Option<&u8>| {
            byte.is_some_and(|byte| {
                matches!(byte, b'_' | b'.' | b'$' | b'#' | b'@' | b'+' | b'%') || !byte.is_ascii()
            })
        };
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        let full_stop = after.first() == Some(&b'.');
        let negative = before == Some(&b'-') && word[0].is_ascii_digit();
        let simple = !meant(before)
            && !negative
            && (full_stop || !meant(after.first()))
            && !after.iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
            && bytes[..start].is_ascii()
            && word.len() <= 64
            && !(word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic))
            && !(self.rules.turkish && word.contains(&b'I'))
            && (word[1..].iter().all(|byte| !byte.is_ascii_uppercase())
                || word.iter().all(|byte| !byte.is_ascii_lowercase()));
        simple.then(|| stretch.start + start..stretch.start + end)
    }

    fn set_plain(&mut self, range: Range<usize>) {
        self.token.text.clear();
        self.token.text.push_str(&self.text[range.clone()]);
        self.token.text.make_ascii_lowercase();
        self.token.offset_from = range.start;
        self.token.offset_to = range.end;
        self.token.position = self.position;
        self.position += 1;
        let Some(stemmer) = self.stemmer else { return };
        if self.token.text.bytes().any(|byte| byte.is_ascii_digit()) {
            return;
        }
        self.scratch.stems.apply(&stemmer, &mut self.token.text);
    }

    /// Queues the terms of a stretch that is not a plain word.
    fn queue(&mut self, stretch: &Range<usize>) {
        let Scratch { normal, units, pending, stems } = &mut *self.scratch;
        units.clear();
        let text = &self.text[stretch.clone()];
        self.position = scan(text, self.rules, self.position, normal, units);
        for unit in units.drain(..) {
            let range = stretch.start + unit.range.start..stretch.start + unit.range.end;
            let mut push = |derived: bool, mut text: String| {
                if let Some(stemmer) = &self.stemmer
                    && text.chars().all(char::is_alphabetic)
                {
                    stems.apply(stemmer, &mut text);
                }
                if derived {
                    text.insert(0, DERIVED);
                }
                pending.push_back(Pending { text, range: range.clone(), position: unit.position });
            };
            if !unit.exact.is_empty() {
                push(false, unit.exact);
            }
            for derived in unit.folded.into_iter().chain(unit.beginnings) {
                push(true, derived);
            }
        }
    }
}

impl TokenStream for Terms<'_> {
    fn advance(&mut self) -> bool {
        loop {
            if let Some(Pending { text, range, position }) = self.scratch.pending.pop_front() {
                self.token.text = text;
                self.token.offset_from = range.start;
                self.token.offset_to = range.end;
                self.token.position = position;
                return true;
            }
            let Some(stretch) = next_stretch(self.text.as_bytes(), &mut self.rest) else {
                return false;
            };
            if let Some(word) = self.plain_word(&stretch) {
                self.set_plain(word);
                return true;
            }
            self.queue(&stretch);
        }
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_ending_is_remembered_beside_what_the_word_keeps() {
        let applied = |word: &str, stem: &str| {
            let mut text = word.to_owned();
            Known::new(word, stem)?.apply(&mut text);
            Some(text)
        };
        for (word, stem) in [("walking", "walk"), ("happy", "happi"), ("élan", "ela"), ("ж", "")]
        {
            assert_eq!(applied(word, stem).as_deref(), Some(stem));
        }
        // Characters that share their first byte share nothing.
        assert_eq!(applied("é", "è").as_deref(), Some("è"));
        assert_eq!(applied("a", "another"), None);
        assert_eq!(applied(&"long".repeat(7), "long"), None);
    }

    proptest! {
        #[test]
        fn remembered_stems_are_those_of_the_stemmer(
            words in prop::collection::vec("[a-zäöüßçşğıéа-яё]{1,26}|[a-c]{1,3}(ing|ed|ies|ational|lich|ları|ами)", 1..60)
        ) {
            for language in [Language::English, Language::German, Language::Turkish, Language::Russian] {
                let stemmer = Stemmer::new(language.algorithm().unwrap());
                let mut stems = Stems::default();
                for word in words.iter().chain(&words) {
                    let mut text = word.clone();
                    stems.apply(&stemmer, &mut text);
                    prop_assert_eq!(&text, &*stemmer.stem(word));
                }
            }
        }
    }
}
