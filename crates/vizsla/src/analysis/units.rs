//! The words of a stretch of text, and the forms under which each can be found. In: text without white space, in normal
//! form. Out: units, which are words, compounds and parts of compounds.
//!
//! A compound is one word to who wrote it and several to who looks for it: `getUserName`, `snake_case`, `node.js`,
//! `re-entrant`, `someone@example.com`. It is a unit, and each of its parts is another. `C++`, `C#`, `.NET`, `$100` and
//! `50%` are units with the sign that belongs to them. Versions, addresses and dates can be found by their beginnings.

use std::ops::Range;

use unicode_properties::UnicodeEmoji;
use unicode_segmentation::UnicodeSegmentation;

use super::fold::folded;
use super::language::Language;
use super::numbers::{beginnings, border, separate, ungrouped, version};
use super::segment::{ascii_word, starts_clustered, starts_unseparated, without_possessive};

/// Longer words are noise such as encoded data; the engine could not store the longest anyway.
const MAX_WORD_BYTES: usize = 255;
/// Longer chains of words are not one name.
const MAX_CHAIN_BYTES: usize = 96;

/// What a compound joined by hyphens counts in a query, and the parts of other compounds: the parts of `well-known` are
/// what is asked for, and of `getUserName` it is the whole.
const HALF: f32 = 0.5;

/// What the second steps of Porter's stemmer take off English words.
const ENGLISH_ENDINGS: &[&str] = &[
    "ations", "ements", "ities", "ings", "edly", "izers", "ousness", "fulness", "iveness", "ally",
    "ables", "ances", "ences", "ants", "ents", "isms", "ists", "ives",
];

/// A word, or a compound, or a part of one.
#[derive(Debug, Clone, Default)]
pub(super) struct Unit {
    /// Where it stands.
    pub(super) range: Range<usize>,
    pub(super) position: usize,
    /// In lower case as written; empty for what is found only by its folded form.
    pub(super) exact: String,
    /// Without marks and inner punctuation, where that differs.
    pub(super) folded: Option<String>,
    /// Beginnings by which it can be found too, or the name that it ends with.
    pub(super) beginnings: Vec<String>,
    /// What it counts in a query; nothing for what a query must ask for by itself.
    pub(super) share: f32,
    /// Whether a phrase is made of it, rather than of its parts or the compound that it is a part of.
    pub(super) in_phrase: bool,
    /// Whether it is a word by itself, which its neighbour may be joined to.
    pub(super) alone: bool,
}

/// What depends on the language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) english: bool,
    pub(super) turkish: bool,
    elided: &'static [&'static str],
}

impl Rules {
    pub(super) fn new(language: Language) -> Self {
        Self {
            english: language == Language::English,
            turkish: language == Language::Turkish,
            elided: language.elided(),
        }
    }

    /// Whether a word has lost its vowel before the one that it is written with.
    pub(super) fn elides(self, short: &str) -> bool {
        !self.elided.is_empty() && self.elided.contains(&self.lower(short).as_str())
    }

    /// The ends of endings that words of the language have, of which stemmers take one off.
    pub(super) fn endings(self) -> impl Iterator<Item = &'static str> {
        let endings = if self.english { ENGLISH_ENDINGS } else { &[] };
        endings.iter().flat_map(|ending| (0..ending.len()).map(|at| &ending[at..]))
    }

    /// Lower case; in Turkish, `I` is the capital of `ı`, and `İ` of `i`.
    pub(super) fn lower(&self, text: &str) -> String {
        if text.is_ascii() && !self.turkish {
            return text.to_ascii_lowercase();
        }
        let mut lower = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                'I' if self.turkish => lower.push('ı'),
                'İ' if self.turkish => lower.push('i'),
                'ς' => lower.push('σ'),
                c => lower.extend(c.to_lowercase()),
            }
        }
        lower
    }
}

/// Finds the units of one stretch after another.
pub(super) struct Units<'a> {
    rules: Rules,
    /// The stretch, in normal form.
    text: &'a str,
    /// The position of the next word.
    position: usize,
    found: &'a mut Vec<Unit>,
}

/// The units of a stretch, added to `found`; returns the position after the last.
pub(super) fn units(text: &str, rules: Rules, position: usize, found: &mut Vec<Unit>) -> usize {
    let mut units = Units { rules, text, position, found };
    let words = words(text);
    let mut rest = words.as_slice();
    while let [first, ..] = rest {
        let taken = if starts_unseparated(&text[first.clone()]) {
            units.run(rest)
        } else {
            units.chain(rest)
        };
        rest = &rest[taken..];
    }
    units.position
}

/// The words and emoji of a stretch.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    if text.is_ascii() {
        let mut from = 0;
        while let Some((start, end)) = ascii_word(text.as_bytes(), from) {
            words.extend(separate(text, start..end));
            from = end;
        }
        return words;
    }
    let word = |part: &str| part.chars().any(char::is_alphanumeric) || is_emoji(part);
    let parts = text.split_word_bound_indices().filter(|(_, part)| word(part));
    words.extend(parts.flat_map(|(at, part)| separate(text, at..at + part.len())));
    words
}

fn is_emoji(part: &str) -> bool {
    part.chars().next().is_some_and(|c| c > '\u{203B}' && c.is_emoji_char())
}

/// What may stand between the words of a chain.
#[derive(Clone, Copy, PartialEq)]
enum Joint {
    /// A hyphen, or a place where a line may be broken that is not seen.
    Hyphen,
    /// A space between the groups of a number.
    Group,
    /// `@`, `&`, `::`, and `/` between short words.
    Sign,
    /// `++` before a number, as in `c++17`.
    Version,
}

impl Units<'_> {
    /// A run of characters in a script that does not separate words, as pairs, and each by itself for who asks for just
    /// one. Returns how many words it takes.
    fn run(&mut self, words: &[Range<usize>]) -> usize {
        let mut end = words[0].end;
        let mut taken = 1;
        while let Some(next) = words.get(taken)
            && next.start == end
            && starts_unseparated(&self.text[next.clone()])
        {
            end = next.end;
            taken += 1;
        }
        let start = words[0].start;
        let run = &self.text[start..end];
        let mut starts: Vec<usize> = if starts_clustered(run) {
            run.grapheme_indices(true).map(|(at, _)| start + at).collect()
        } else {
            run.char_indices().map(|(at, _)| start + at).collect()
        };
        starts.push(end);
        // The last character is the second of a pair, unless it is the whole run.
        let width = 2.min(starts.len() - 1);
        let last = starts.len() - 1;
        for (at, pair) in starts.windows(width + 1).enumerate() {
            let range = pair[0]..pair[width];
            let exact = self.text[range.clone()].to_owned();
            self.push(Unit { range, exact, share: 1.0, in_phrase: true, ..Unit::default() });
            if width == 2 {
                self.character(pair[0]..pair[1]);
                if at + width == last {
                    self.character(pair[1]..pair[2]);
                }
            }
            self.position += 1;
        }
        taken
    }

    fn character(&mut self, range: Range<usize>) {
        let folded = Some(self.text[range.clone()].to_owned());
        self.push(Unit { range, folded, ..Unit::default() });
    }

    /// A word, or several that are joined to a compound. Returns how many words it takes.
    fn chain(&mut self, words: &[Range<usize>]) -> usize {
        let mut joints = Vec::new();
        while let Some(joint) = self.joint(&words[joints.len()..])
            && joints.last().is_none_or(|last| (*last == Joint::Group) == (joint == Joint::Group))
        {
            joints.push(joint);
        }
        let last = joints.len();
        let range = words[0].start..words[last].end;
        let fits = range.len() <= MAX_CHAIN_BYTES;
        if last > 0 && fits {
            self.whole_chain(range, &joints);
        }
        if joints == [Joint::Version] && fits {
            self.position += 1;
            return 2;
        }
        // The groups of a number mean little by themselves.
        let share = if joints.contains(&Joint::Group) { HALF } else { 1.0 };
        for word in &words[..=last] {
            self.word(word.clone(), share, last == 0);
        }
        last + 1
    }

    fn joint(&self, words: &[Range<usize>]) -> Option<Joint> {
        let [left, right, ..] = words else { return None };
        let (one, other) = (&self.text[left.clone()], &self.text[right.clone()]);
        let short = one.len() <= 3 && other.len() <= 3;
        if starts_unseparated(one) || starts_unseparated(other) {
            return None;
        }
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        match &self.text[left.end..right.start] {
            "-" | "\u{200B}" => Some(Joint::Hyphen),
            " " if short && digits(one) && digits(other) && other.len() == 3 => Some(Joint::Group),
            "@" | "&" | "::" => Some(Joint::Sign),
            "/" if short => Some(Joint::Sign),
            "++" if other.starts_with(|c: char| c.is_ascii_digit()) => Some(Joint::Version),
            _ => None,
        }
    }

    fn whole_chain(&mut self, range: Range<usize>, joints: &[Joint]) {
        let lower = self.rules.lower(&self.text[range.clone()]);
        let mut unit = Unit { range, share: HALF, ..Unit::default() };
        if joints[0] == Joint::Group {
            unit.share = 1.0;
            unit.folded = ungrouped(&lower);
        } else if joints.iter().all(|joint| *joint == Joint::Hyphen) {
            let lower = lower.replace('\u{200B}', "");
            if lower.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
                unit.beginnings = beginnings(&lower, '-');
                unit.folded = ungrouped(&lower);
            }
            // Its parts stand side by side, so that only the joined form adds something.
            match unit.folded {
                Some(_) => unit.exact = lower,
                None => unit.folded = Some(folded(&lower).unwrap_or(lower)),
            }
        } else {
            if joints == [Joint::Version] {
                unit.beginnings.extend(lower.find("++").map(|at| lower[..at + 2].to_owned()));
                (unit.share, unit.in_phrase) = (1.0, true);
            }
            unit.exact = lower;
        }
        self.push(unit);
    }

    /// One word by Unicode's rules, with a sign that belongs to it.
    fn word(&mut self, range: Range<usize>, share: f32, alone: bool) {
        let mut word = &self.text[range.clone()];
        let mut start = range.start;
        if self.rules.english {
            word = without_possessive(word);
        }
        if let Some(at) = word.find('\'')
            && self.rules.elides(&word[..at])
            && at + 1 < word.len()
        {
            word = &word[at + 1..];
            start += at + 1;
        }
        let range = start..start + word.len();
        if word.len() > MAX_WORD_BYTES {
            self.position += 1;
            return;
        }
        let part = Unit { share, in_phrase: true, alone, ..Unit::default() };
        let Some((signed, keeps_word)) = self.signed(&range) else {
            return self.spelt(range, &part);
        };
        let exact = self.rules.lower(&self.text[signed.clone()]);
        let whole = Unit { range: signed, exact, share: 1.0, in_phrase: true, ..Unit::default() };
        self.push(whole);
        if keeps_word {
            self.spelt(range, &Unit { share: HALF, ..Unit::default() });
        } else {
            self.position += 1;
        }
    }

    /// The word with the sign before or after it, and whether the word itself is worth finding too: `c` is not `C++`.
    fn signed(&self, word: &Range<usize>) -> Option<(Range<usize>, bool)> {
        let text = &self.text[word.clone()];
        let mut before = self.text[..word.start].chars().rev();
        let after = &self.text[word.end..];
        let next = |skipped: usize| after.get(skipped..).and_then(|rest| rest.chars().next());
        let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '+' && c != '#');
        let letter = text.len() == 1 && text.as_bytes()[0].is_ascii_alphabetic();
        if after.starts_with("++") && ends(next(2)) {
            return Some((word.start..word.end + 2, !letter));
        }
        if letter && after.starts_with('#') && ends(next(1)) {
            return Some((word.start..word.end + 1, false));
        }
        let number = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
        if let Some(sign) = next(0).filter(|c| number && is_unit_sign(*c)) {
            return Some((word.start..word.end + sign.len_utf8(), true));
        }
        let sign = before.next()?;
        let free = before.next().is_none_or(|c| !c.is_alphanumeric() && c != sign);
        let named = match sign {
            '.' => text.starts_with(char::is_alphabetic),
            '#' | '@' => true,
            sign => number && (sign == '-' || is_unit_sign(sign)),
        };
        (free && named).then(|| (word.start - sign.len_utf8()..word.end, true))
    }

    /// A word by its letters: plain, a number with points, or a compound.
    fn spelt(&mut self, range: Range<usize>, like: &Unit) {
        let word = &self.text[range.clone()];
        let exact = self.rules.lower(word);
        let version = version(&exact);
        let beginnings = version.map(|bare| beginnings(bare, '.')).unwrap_or_default();
        let bare = version.filter(|bare| bare.len() < exact.len()).map(str::to_owned);
        let folded = bare.or_else(|| ungrouped(&exact)).or_else(|| folded(&exact));
        let border = border(word);
        if border.is_none() && (version.is_some() || !is_compound(word)) {
            self.push(Unit { range, exact, folded, beginnings, ..like.clone() });
            self.position += 1;
            return;
        }
        let all = border.map_or_else(|| parts(word), |at| vec![0..at, at..word.len()]);
        let parts = if self.are_parts(word, &all) { all } else { Vec::new() };
        let after_point = name_after_point(word).map(|name| self.rules.lower(name));
        let beginnings = beginnings.into_iter().chain(after_point).collect();
        let at = self.position;
        let telling = |part: &Range<usize>| word[part.clone()].chars().nth(1).is_some();
        let all = !parts.is_empty() && parts.iter().all(telling);
        let whole = Unit { in_phrase: like.in_phrase && !all, alone: false, ..like.clone() };
        self.push(Unit { range: range.clone(), exact, folded, beginnings, ..whole });
        let within = |part: &Range<usize>| range.start + part.start..range.start + part.end;
        let unit = |share: f32| Unit { share: like.share * share, ..Unit::default() };
        for (place, part) in parts.iter().enumerate() {
            for (name, share) in [compound_name(word, part), before_number(word, part)]
                .into_iter()
                .zip([HALF, HALF * HALF])
                .filter_map(|(name, share)| Some((name?, share)))
            {
                self.part(within(&name), at + place, unit(share));
            }
            if telling(part) {
                let share = if is_fragment(word, part) { 0.0 } else { HALF };
                let in_phrase = like.in_phrase && all;
                self.part(within(part), at + place, Unit { in_phrase, ..unit(share) });
            }
        }
        self.position += parts.len().max(1);
    }

    /// Whether the pieces of a word are words: those of `can't` and `we'll` mean nothing, but Turkish names have endings
    /// after an apostrophe, as in `İzmir'de`.
    fn are_parts(&self, word: &str, pieces: &[Range<usize>]) -> bool {
        let short = pieces.last().is_some_and(|last| last.len() <= 2);
        let contraction = word.contains('\'') && short && !self.rules.turkish;
        pieces.len() >= 2 && !contraction
    }

    fn part(&mut self, range: Range<usize>, position: usize, like: Unit) {
        let exact = self.rules.lower(&self.text[range.clone()]);
        let folded = folded(&exact);
        self.found.push(Unit { range, position, exact, folded, ..like });
    }

    fn push(&mut self, unit: Unit) {
        self.found.push(Unit { position: self.position, ..unit });
    }
}

fn is_unit_sign(c: char) -> bool {
    use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
    c == '%' || c == '°' || c.general_category() == GeneralCategory::CurrencySymbol
}

/// Whether a word has inner punctuation and letters, or capitals within it.
fn is_compound(word: &str) -> bool {
    let separated = word.bytes().any(is_separator);
    (separated && word.chars().any(char::is_alphabetic))
        || word.char_indices().skip(1).any(|(at, _)| is_hump(word, at))
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'_' | b'.' | b':' | b'\'')
}

/// Whether a part begins at a capital: after a small letter, or as the last of several capitals or after a digit where
/// small letters follow, as in `HTTPServer` and `base64Encode`; not in a plural such as `PDFs`. In a word that has small
/// letters, capitals after a digit are a part, too, as in `parseJSON2XML`; `EIF4EBP` is one name.
fn is_hump(word: &str, at: usize) -> bool {
    let mut letters = word[at..].chars();
    if !letters.next().is_some_and(char::is_uppercase) {
        return false;
    }
    let Some(before) = word[..at].chars().next_back() else { return false };
    let (second, third) = (letters.next(), letters.next());
    let small = |c: Option<char>| c.is_some_and(char::is_lowercase);
    let begins_word = small(second) && small(third);
    if before.is_ascii_digit() {
        let acronym = second.is_some_and(char::is_uppercase) && !small(third);
        return begins_word || (acronym && word.chars().any(char::is_lowercase));
    }
    before.is_lowercase() || (before.is_uppercase() && begins_word)
}

/// Whether a part is a letter or two of a name that only looks like several words, such as `LaTeX`: who asks for the name
/// does not mean them. `DB` in `openDB` is a word.
fn is_fragment(word: &str, part: &Range<usize>) -> bool {
    let letters = &word[part.clone()];
    letters.chars().nth(2).is_none()
        && letters.chars().any(char::is_lowercase)
        && (is_hump(word, part.start) || is_hump(word, part.end))
}

/// The letters from a part to the number after them: `JSON` of `JSON2XML`, `utf` of `utf8Decoder`, and `OAuth` of
/// `OAuth2Client`, where they are several parts.
fn before_number(word: &str, part: &Range<usize>) -> Option<Range<usize>> {
    let from = &word[part.start..];
    let end = part.start + from.find(|c: char| !c.is_alphabetic())?;
    let begins = !word[..part.start].ends_with(char::is_alphabetic);
    let is_name = word[end..].starts_with(|c: char| c.is_ascii_digit())
        && word[part.start..end].chars().nth(1).is_some();
    (is_name && (end < part.end || begins)).then_some(part.start..end)
}

/// The piece between separators that `part` begins, when it is less than the word and has parts itself: `MyClass` within
/// `example.MyClass` is a name too.
fn compound_name(word: &str, part: &Range<usize>) -> Option<Range<usize>> {
    let bytes = word.as_bytes();
    let begins = part.start == 0 || is_separator(bytes[part.start - 1]);
    let length = bytes[part.start..].iter().position(|byte| is_separator(*byte));
    let end = length.map_or(bytes.len(), |length| part.start + length);
    (begins && end > part.end && end - part.start < bytes.len()).then_some(part.start..end)
}

/// The parts of a compound.
fn parts(word: &str) -> Vec<Range<usize>> {
    let bytes = word.as_bytes();
    let mut all = Vec::new();
    let mut start = 0;
    for at in (0..=bytes.len()).filter(|at| word.is_char_boundary(*at)) {
        let separator = bytes.get(at).is_none_or(|byte| is_separator(*byte));
        if separator || (at > 0 && is_hump(word, at)) {
            if at > start {
                all.push(start..at);
            }
            start = at + usize::from(separator);
        }
    }
    all
}

/// The name in capitals with the point before it that a word ends with: `.NET` of `ADO.NET`.
fn name_after_point(word: &str) -> Option<&str> {
    let at = word.rfind('.').filter(|at| *at > 0)?;
    let name = &word.as_bytes()[at + 1..];
    (name.len() > 2 && name.iter().all(u8::is_ascii_uppercase)).then_some(&word[at..])
}
