//! "Did you mean": for a word that no passage has, the likeliest word that one does.
//!
//! The index holds stems, so the first candidates are written words one edit away, looked up by their stems (after
//! Norvig, "How to write a spelling corrector", 2007), or the words that it is the beginning of, if those are more
//! frequent; then index terms near the stem.

use std::cmp::Reverse;
use std::collections::HashMap;

use rayon::prelude::*;
use tantivy::query::FuzzyTermQuery;
use tantivy::schema::Field;
use tantivy::{Searcher, Term};

use super::prefix::completion;
use crate::analysis::{Analyzer, DERIVED};

/// Shorter words have too many neighbours for any of them to be likely.
const SHORTEST: usize = 4;
/// Longer ones are not words, and have more neighbours than are worth looking up.
const LONGEST: usize = 40;
/// How many times as frequent a longer word must be for a rare one to be its beginning.
const FAR_MORE: u64 = 20;
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
    let neighbours = neighbours(&word.to_lowercase());
    let segments = searcher.segment_readers().iter().map(|segment| segment.inverted_index(field));
    // Opened once, since there are hundreds of terms to look up in each.
    let segments = segments.collect::<tantivy::Result<Vec<_>>>()?;
    let frequency = |(at, neighbour): (usize, &String)| {
        let term = analyzer.term(neighbour);
        let mut frequency = 0;
        for segment in &segments {
            let known = segment.terms().get(term.as_bytes())?;
            frequency += known.map_or(0, |known| u64::from(known.doc_freq));
        }
        Ok((frequency, Reverse(at), term))
    };
    let best = neighbours
        .par_iter()
        .enumerate()
        .map(frequency)
        .collect::<tantivy::Result<Vec<_>>>()?
        .into_iter()
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
    use super::*;

    #[test]
    fn neighbours_are_one_edit_away() {
        let near = neighbours("dgo");
        for word in ["dog", "go", "dgoo", "ego", "dg"] {
            assert!(near.iter().any(|other| other == word), "{word}");
        }
        // Letters deleted, transposed, inserted and replaced.
        assert_eq!(near.len(), 3 + 2 + 4 * 26 + 3 * 26);
    }
}
