//! The words of a query, each as the group of terms that it stands for. In: a query. Out: groups with weights, and what a
//! phrase is made of.
//!
//! A group is scored as if its terms were one (as Lucene's `SynonymQuery` does), so that the ways to write a word do not
//! add up. The spelling that was asked for counts 1, any other [`OTHER_SPELLING`]. The index has a marked word both as
//! written and folded, so that the weights of both together are 1.

use std::collections::HashMap;
use std::ops::Range;

use super::fold::folded;
use super::normal::Normal;
use super::stream::{DERIVED, Words};
use super::units::Unit;

/// What a word counts that is written in another way than in the query.
pub(crate) const OTHER_SPELLING: f32 = 0.8;
/// What the beginning of a version or address counts beside the whole.
const BEGINNING: f32 = 0.3;

/// A word of a query, and the terms that it stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WordGroup {
    /// Terms with weights of at most 1, best first.
    pub(crate) terms: Vec<(String, f32)>,
    /// How often it occurs in the query, or the weight that feedback gave it.
    pub(crate) frequency: f32,
    /// What it counts beside others: 1 for a word, less for part of a compound.
    pub(crate) share: f32,
    /// Where it first stands in the query; empty for what does not stand there.
    pub(crate) range: Range<usize>,
    /// Whether it is an ordinary word by itself, for which another may have been meant.
    pub(crate) plain: bool,
}

impl WordGroup {
    /// A group of one term.
    pub(crate) fn of(term: impl Into<String>) -> Self {
        Self {
            terms: vec![(term.into(), 1.0)],
            frequency: 1.0,
            share: 1.0,
            range: 0..0,
            plain: true,
        }
    }

    /// Its first term: how the word is indexed when it is written as in the query.
    pub(crate) fn term(&self) -> &str {
        &self.terms[0].0
    }
}

/// A place in a phrase: where it is, and the terms any of which may stand there.
pub(crate) type Slot = (usize, Vec<String>);

fn derived(term: &str) -> String {
    format!("{DERIVED}{term}")
}

/// The ways to write one word.
fn spellings(words: &Words, exact: &str, folded: Option<&str>) -> Vec<(String, f32)> {
    let folded = folded.map(|folded| words.stem(folded).into_owned());
    let exact = words.stem(exact).into_owned();
    match folded {
        Some(folded) if exact.is_empty() => {
            vec![(derived(&folded), 1.0), (folded, OTHER_SPELLING)]
        }
        Some(folded) => {
            let mut terms =
                vec![(exact.clone(), 1.0 - OTHER_SPELLING), (derived(&folded), OTHER_SPELLING)];
            // `192.168` may be the beginning of an address, and not a number in groups of three.
            if exact.starts_with(|c: char| c.is_ascii_digit()) {
                terms.push((derived(&exact), OTHER_SPELLING));
            }
            if folded != exact {
                terms.push((folded, OTHER_SPELLING));
            }
            terms
        }
        None => {
            let other = derived(&exact);
            vec![(exact, 1.0), (other, OTHER_SPELLING)]
        }
    }
}

fn group(words: &Words, unit: &Unit) -> WordGroup {
    WordGroup {
        terms: spellings(words, &unit.exact, unit.folded.as_deref()),
        frequency: 1.0,
        share: unit.share,
        range: unit.range.clone(),
        plain: unit.alone && is_letters(unit),
    }
}

/// The groups of a query, in order of first occurrence. Stop words are left out unless there is nothing else.
pub(super) fn groups(words: &Words, text: &str, is_stop: impl Fn(&str) -> bool) -> Vec<WordGroup> {
    let units = words.units(text);
    let stops: Vec<bool> = units.iter().map(|unit| is_stop(&unit.exact)).collect();
    let all_stop = stops.iter().all(|stop| *stop);
    let mut groups: Vec<WordGroup> = Vec::new();
    let mut by_term: HashMap<String, Vec<usize>> = HashMap::new();
    let mut add = |group: WordGroup| {
        let alike = by_term.entry(group.term().to_owned()).or_default();
        let same = |known: &&usize| {
            let known = &groups[**known];
            known.terms == group.terms && known.share.to_bits() == group.share.to_bits()
        };
        if let Some(known) = alike.iter().find(same) {
            groups[*known].frequency += 1.0;
        } else {
            alike.push(groups.len());
            groups.push(group);
        }
    };
    for (at, unit) in units.iter().enumerate() {
        if unit.share == 0.0 || (stops[at] && !all_stop) {
            continue;
        }
        let mut group = group(words, unit);
        // `file system` is also found where it is written as one word.
        for (first, second) in [(at.checked_sub(1), Some(at)), (Some(at), Some(at + 1))] {
            let (Some(first), Some(second)) = (first, second) else { continue };
            if let (Some(one), Some(other)) = (units.get(first), units.get(second))
                && let Some(joined) = joined(one, other)
                && !stops[first]
                && !stops[second]
            {
                group.terms.push((words.stem(&joined).into_owned(), OTHER_SPELLING));
            }
        }
        add(group);
        for beginning in &unit.beginnings {
            let terms = spellings(words, beginning, None);
            let range = unit.range.clone();
            add(WordGroup { terms, frequency: 1.0, share: BEGINNING, range, plain: false });
        }
    }
    groups
}

fn is_letters(unit: &Unit) -> bool {
    !unit.exact.is_empty() && unit.exact.chars().all(char::is_alphabetic)
}

/// Two words side by side as one.
fn joined(one: &Unit, other: &Unit) -> Option<String> {
    let fit = one.alone && other.alone && other.position == one.position + 1;
    (fit && is_letters(one) && is_letters(other)).then(|| {
        let plain = |unit: &Unit| unit.folded.clone().unwrap_or_else(|| unit.exact.clone());
        plain(one) + &plain(other)
    })
}

/// So many words of a phrase may be written as two that a hyphen joins.
const MOST_HYPHENATED: usize = 8;

/// The ways in which a phrase may be written, each as its places from the first word on: in the words that it has, with
/// its compounds as words, as in `email address` for `e-mail address`, and with a word as a compound, the other way round.
pub(super) fn phrases(words: &Words, text: &str) -> Vec<Vec<Slot>> {
    let units = words.units(text);
    let plain: Vec<&Unit> = units.iter().filter(|unit| unit.in_phrase).collect();
    let in_words = slots(words, plain.iter().copied().cloned());
    let in_capitals = in_capitals(words, &plain, &in_words);
    let mut joined: Vec<Unit> = Vec::new();
    for unit in &units {
        let within = |compound: &Unit| {
            compound.range.start <= unit.range.start && unit.range.end <= compound.range.end
        };
        if !joined.last().is_some_and(within) {
            joined.push(Unit { position: joined.len(), ..unit.clone() });
        }
    }
    let has_compound = !joined.iter().all(|unit| unit.in_phrase);
    let joined = has_compound.then(|| slots(words, joined));
    let all: Vec<Vec<Slot>> = [Some(in_words), joined].into_iter().flatten().collect();
    let hyphenated: Vec<Vec<Slot>> = all.iter().flat_map(|slots| hyphenated(slots)).collect();
    all.into_iter().chain(hyphenated).chain(in_capitals).collect()
}

/// A phrase, given as its units and its places, with each of its words but the last as one that is written with capitals within it: `JavaScript engine` for
/// `javascript engine`. Where the capitals are is not known, so each end of the word is tried as its last part: the index
/// has the word at its first part's place, and its parts one after the other.
fn in_capitals(words: &Words, units: &[&Unit], in_words: &[Slot]) -> Vec<Vec<Slot>> {
    /// Letters of a part that is indexed, and parts that a word has at most.
    const SHORTEST: usize = 2;
    const MOST_PARTS: usize = 3;
    let last = units.len().saturating_sub(1);
    let mut phrases = Vec::new();
    for (at, unit) in units.iter().enumerate().take(last.min(MOST_HYPHENATED)) {
        let word = &unit.exact;
        if !unit.alone || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            continue;
        }
        for start in 1..(word.len() + 1).saturating_sub(SHORTEST) {
            for part in 1..MOST_PARTS {
                let mut phrase = in_words.to_vec();
                for (position, _) in &mut phrase[at + 1..] {
                    *position += part;
                }
                let place = phrase[at].0 + part;
                phrase.push((place, vec![words.stem(&word[start..]).into_owned()]));
                phrases.push(phrase);
            }
        }
    }
    phrases
}

/// A phrase with each of its words but the last as two words. The whole of such a compound is at the first of them; it is
/// a derived term, so that no other word takes two places.
fn hyphenated(phrase: &[Slot]) -> impl Iterator<Item = Vec<Slot>> {
    let last = phrase.len().saturating_sub(1);
    (0..last.min(MOST_HYPHENATED)).map(|at| {
        let mut phrase = phrase.to_vec();
        phrase[at].1.retain(|term| term.starts_with(DERIVED));
        for (position, _) in &mut phrase[at + 1..] {
            *position += 1;
        }
        phrase
    })
}

fn slots(words: &Words, units: impl IntoIterator<Item = Unit>) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::new();
    for unit in units {
        let terms = spellings(words, &unit.exact, unit.folded.as_deref());
        let terms = terms.into_iter().map(|(term, _)| term).collect();
        slots.push((unit.position, terms));
    }
    let first = slots.first().map_or(0, |(first, _)| *first);
    for (position, _) in &mut slots {
        *position -= first;
    }
    slots
}

/// A word and the ways to write it, given in normal form and lower case.
pub(super) fn word(words: &Words, word: &str) -> WordGroup {
    WordGroup { terms: spellings(words, word, folded(word).as_deref()), ..WordGroup::of("") }
}

/// A word in normal form and lower case, as written and folded.
pub(super) fn beginning(words: &Words, word: &str) -> (String, String) {
    let mut normal = Normal::default();
    normal.fill(word);
    let lower = words.rules.lower(&normal.text);
    let folded = folded(&lower);
    let folded = folded.unwrap_or_else(|| lower.clone());
    (lower, folded)
}
