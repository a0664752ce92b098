//! "Did you mean": of a word that no passage has, the likeliest that one has.

use std::collections::HashMap;

use tantivy::query::FuzzyTermQuery;
use tantivy::schema::Field;
use tantivy::{Searcher, Term};

/// Shorter words have too many neighbours for any of them to be likely.
const SHORTEST: usize = 4;
/// From here two slips are as likely as one is in shorter words.
const LONG: usize = 8;

/// The term nearest to `term`, by insertions, deletions, replacements and swaps of neighbours; of several, the one that most
/// passages have. `None` when there is none near. Cost: some milliseconds.
pub(crate) fn nearest(
    searcher: &Searcher,
    field: Field,
    term: &str,
) -> tantivy::Result<Option<String>> {
    let length = term.chars().count();
    if length < SHORTEST || term.chars().any(|c| c.is_ascii_digit()) {
        return Ok(None);
    }
    for distance in 1..=(if length < LONG { 1 } else { 2 }) {
        let query = FuzzyTermQuery::new(Term::from_field_text(field, term), distance, true);
        let mut frequencies: HashMap<String, u64> = HashMap::new();
        for segment in searcher.segment_readers() {
            let inverted = segment.inverted_index(field)?;
            let mut near = inverted.terms().search(query.automaton()?).into_stream()?;
            while let Some((key, info)) = near.next() {
                if let Ok(text) = std::str::from_utf8(key) {
                    *frequencies.entry(text.to_owned()).or_default() += u64::from(info.doc_freq);
                }
            }
        }
        let best = frequencies.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
        if let Some((text, _)) = best {
            return Ok(Some(text));
        }
    }
    Ok(None)
}
