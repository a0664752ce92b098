//! "Did you mean": for a word that no passage has, the likeliest word that one does.
//!
//! The index holds stems, so the first candidates are written words one edit away, looked up by their stems (after
//! Norvig, "How to write a spelling corrector", 2007), or the words that it is the beginning of, if those are more
//! frequent; then index terms near the stem.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use rayon::prelude::*;
use tantivy::query::FuzzyTermQuery;
use tantivy::schema::Field;
use tantivy::{Searcher, Term};
use tantivy_fst::Automaton;

use super::prefix::completion;
use crate::analysis::{Analyzer, DERIVED};

/// Shorter words have too many neighbours for any of them to be likely.
const SHORTEST: usize = 4;
/// Longer ones are not words, and have more neighbours than are worth looking up.
const LONGEST: usize = 40;
/// How many times as frequent a longer word must be for a rare one to be its beginning.
const FAR_MORE: u64 = 20;
/// So many terms are looked for in one walk: few enough to share the work, enough to have their beginnings in common.
const WALK: usize = 64;
/// From this length, two edits are as likely as one in shorter words.
const LONG: usize = 8;

/// The term most likely meant by `word`, which stems to `term`: among those one edit away (else two, for long words),
/// the one in most passages. `None` when there is none. Cost: a few milliseconds.
pub(crate) fn nearest(
    searcher: &Searcher,
    field: Field,
    analyzer: &Analyzer,
    word: &str,
    term: &str,
) -> tantivy::Result<Option<String>> {
    let length = word.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) || word.chars().any(|c| c.is_ascii_digit()) {
        return Ok(None);
    }
    let (terms, places): (Vec<_>, Vec<_>) =
        neighbour_terms(analyzer, &word.to_lowercase()).into_iter().unzip();
    let frequencies = frequencies(searcher, field, &terms)?.into_iter();
    let best = frequencies
        .zip(places)
        .zip(terms)
        .map(|((frequency, place), term)| (frequency, Reverse(place), term))
        .max()
        .filter(|(frequency, ..)| *frequency > 0);
    // Ends of a word are left out on purpose, as in `config`, more often than by mistake.
    let longer = completion(searcher, field, term)?;
    let longer = longer
        .filter(|(_, passages)| best.as_ref().is_none_or(|(frequency, ..)| passages > frequency));
    if let Some((longer, _)) = longer {
        return Ok(Some(longer));
    }
    if let Some((.., near)) = best {
        return Ok(Some(near));
    }
    near_term(searcher, field, term, if length < LONG { 1 } else { 2 })
}

/// The term that a word in few passages is the beginning of, when that is in far more.
pub(crate) fn far_more_common(
    searcher: &Searcher,
    field: Field,
    term: &str,
    passages: u64,
) -> tantivy::Result<Option<String>> {
    if term.chars().count() < SHORTEST {
        return Ok(None);
    }
    let longer = completion(searcher, field, term)?;
    Ok(longer.filter(|(_, common)| *common >= FAR_MORE * passages).map(|(term, _)| term))
}

/// The terms that the neighbours of a word are indexed as, each with the place of the first such neighbour.
fn neighbour_terms(analyzer: &Analyzer, word: &str) -> BTreeMap<String, usize> {
    let neighbours = neighbours(word);
    let terms: Vec<String> = neighbours.par_iter().map(|word| analyzer.term(word)).collect();
    let mut places = BTreeMap::new();
    for (place, term) in terms.into_iter().enumerate() {
        places.entry(term).or_insert(place);
    }
    places
}

/// In how many passages each of these terms is, which are sorted.
fn frequencies(searcher: &Searcher, field: Field, terms: &[String]) -> tantivy::Result<Vec<u64>> {
    let count = |terms: &[String]| {
        let mut passages = vec![0; terms.len()];
        for segment in searcher.segment_readers() {
            let inverted = segment.inverted_index(field)?;
            let mut found = inverted.terms().search(OneOf(terms)).into_stream()?;
            while let Some((key, info)) = found.next() {
                if let Ok(at) = terms.binary_search_by(|term| term.as_bytes().cmp(key)) {
                    passages[at] += u64::from(info.doc_freq);
                }
            }
        }
        Ok(passages)
    };
    // By terms, since one segment often has most of the passages.
    let counts = terms.par_chunks(WALK).map(count);
    Ok(counts.collect::<tantivy::Result<Vec<_>>>()?.concat())
}

/// Accepts the terms of a sorted list. One walk through the terms of a segment finds all that it has, where looking each
/// up would walk their common beginnings again and again.
struct OneOf<'a>(&'a [String]);

/// The terms that begin with the bytes read so far.
#[derive(Clone)]
struct Begun {
    terms: Range<usize>,
    bytes: usize,
}

impl Automaton for OneOf<'_> {
    type State = Begun;

    fn start(&self) -> Begun {
        Begun { terms: 0..self.0.len(), bytes: 0 }
    }

    fn is_match(&self, begun: &Begun) -> bool {
        // A term is sorted before those that it is the beginning of.
        self.0[begun.terms.clone()].first().is_some_and(|term| term.len() == begun.bytes)
    }

    fn can_match(&self, begun: &Begun) -> bool {
        !begun.terms.is_empty()
    }

    fn accept(&self, begun: &Begun, byte: u8) -> Begun {
        let next = |term: &String| term.as_bytes().get(begun.bytes).copied();
        let terms = &self.0[begun.terms.clone()];
        let before = terms.partition_point(|term| next(term) < Some(byte));
        let with = terms[before..].partition_point(|term| next(term) == Some(byte));
        let start = begun.terms.start + before;
        Begun { terms: start..start + with, bytes: begun.bytes + 1 }
    }
}

/// All words obtained from this one by deleting, inserting, replacing or transposing a letter.
fn neighbours(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    if !word.is_ascii() {
        // Which letters could be inserted depends on the script.
        return Vec::new();
    }
    let with = |at: usize, skip: usize, put: &[char]| -> String {
        letters[..at].iter().chain(put).chain(&letters[at + skip..]).collect()
    };
    let mut all = Vec::new();
    for at in 0..=letters.len() {
        all.extend(('a'..='z').map(|letter| with(at, 0, &[letter])));
        if at < letters.len() {
            all.push(with(at, 1, &[]));
            all.extend(('a'..='z').map(|letter| with(at, 1, &[letter])));
        }
        if at + 1 < letters.len() {
            all.push(with(at, 2, &[letters[at + 1], letters[at]]));
        }
    }
    all
}

/// The index term within this many edits that occurs in most passages.
fn near_term(
    searcher: &Searcher,
    field: Field,
    term: &str,
    slips: u8,
) -> tantivy::Result<Option<String>> {
    let query = FuzzyTermQuery::new(Term::from_field_text(field, term), slips, true);
    let mut frequencies: HashMap<String, u64> = HashMap::new();
    for segment in searcher.segment_readers() {
        let inverted = segment.inverted_index(field)?;
        let mut near = inverted.terms().search(query.automaton()?).into_stream()?;
        while let Some((key, info)) = near.next() {
            if let Ok(text) = std::str::from_utf8(key)
                && !text.starts_with(DERIVED)
            {
                *frequencies.entry(text.to_owned()).or_default() += u64::from(info.doc_freq);
            }
        }
    }
    let best = frequencies.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
    Ok(best.map(|(text, _)| text))
}

#[cfg(test)]
mod tests {
    use vizsla_core::Document;

    use super::*;
    use crate::{Index, IndexSettings, WriterOptions};

    #[test]
    fn neighbours_are_one_edit_away() {
        let near = neighbours("dgo");
        for word in ["dog", "go", "dgoo", "ego", "dg"] {
            assert!(near.iter().any(|other| other == word), "{word}");
        }
        // Letters deleted, transposed, inserted and replaced.
        assert_eq!(near.len(), 3 + 2 + 4 * 26 + 3 * 26);
    }

    #[test]
    fn one_walk_finds_what_looking_up_each_term_finds() {
        let index = Index::in_memory(IndexSettings::default()).unwrap();
        let mut writer = index.writer(&WriterOptions::default()).unwrap();
        for (id, text) in ["a an ant antler", "ant café cafe", "antler zoo 東京"].iter().enumerate()
        {
            writer.add(&Document::new(id.to_string(), *text)).unwrap();
            // Each in a segment of its own.
            writer.commit().unwrap();
        }
        let searcher = index.reader.searcher();
        let field = index.fields.content;
        let mut terms: Vec<String> =
            ["", "a", "an", "ant", "antl", "antler", "antlers", "cafe", "zoo", "zo", "東京", "東"]
                .map(str::to_owned)
                .into();
        terms.sort();
        let looked_up: Vec<u64> = terms
            .iter()
            .map(|term| searcher.doc_freq(&Term::from_field_text(field, term)).unwrap())
            .collect();
        assert_eq!(looked_up.iter().filter(|passages| **passages > 0).count(), 7);
        assert_eq!(frequencies(&searcher, field, &terms).unwrap(), looked_up);
        assert!(frequencies(&searcher, field, &[]).unwrap().is_empty());
    }
}
