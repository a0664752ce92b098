//! The words of an index that begin with given letters. In: the letters. Out: terms, the most frequent first.

use std::collections::{HashMap, HashSet};

use tantivy::schema::Field;
use tantivy::{Searcher, Term};

use crate::analysis::{Analyzer, DERIVED, OTHER_SPELLING, WordGroup};

/// So many words stand for a prefix.
pub(crate) const EXPANDED: usize = 64;
/// Terms looked at for a prefix; more than these begin only with what is no word.
const LOOKED_AT: usize = 100_000;
/// What a word counts that a prefix stands for.
const COMPLETED: f32 = 0.9;

/// A term, and in how many passages it is.
pub(crate) type Counted = (String, u64);

/// The terms with one of these beginnings, none of which begins with another, the most frequent first, then in
/// alphabetical order.
pub(super) fn terms_with_prefix(
    searcher: &Searcher,
    field: Field,
    beginnings: &[String],
) -> tantivy::Result<Vec<Counted>> {
    let mut passages: HashMap<String, u64> = HashMap::new();
    for segment in searcher.segment_readers() {
        let inverted = segment.inverted_index(field)?;
        for start in beginnings {
            let mut terms = inverted.terms().range().ge(start.as_bytes()).into_stream()?;
            let mut left = LOOKED_AT;
            while left > 0 && terms.advance() && terms.key().starts_with(start.as_bytes()) {
                left -= 1;
                if let Ok(term) = std::str::from_utf8(terms.key()) {
                    *passages.entry(term.to_owned()).or_default() +=
                        u64::from(terms.value().doc_freq);
                }
            }
        }
    }
    let mut terms: Vec<Counted> = passages.into_iter().collect();
    terms.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(terms)
}

/// Whether a word looks like the beginning of a hash, as programs show them: git's have seven digits, Docker's twelve.
pub(crate) fn is_shortened_hash(word: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| word.bytes().any(|byte| kind(&byte));
    (6..64).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
}

/// How a word begins that `letters` followed by a star stands for.
struct Beginning {
    written: String,
    folded: String,
    /// Without its signs a version or address would be another number.
    has_signs: bool,
}

impl Beginning {
    fn new(analyzer: &Analyzer, letters: &str) -> Self {
        let (written, folded) = analyzer.beginning(letters);
        Self { written, folded, has_signs: letters.chars().any(|c| c.is_ascii_punctuation()) }
    }

    /// The terms that begin so, the most frequent first.
    fn terms(
        &self,
        searcher: &Searcher,
        field: Field,
        analyzer: &Analyzer,
    ) -> tantivy::Result<Vec<Counted>> {
        let Self { written, folded, has_signs } = self;
        let mut beginnings = vec![format!("{DERIVED}{folded}")];
        if !has_signs {
            beginnings.push(folded.clone());
        }
        if *has_signs || written != folded {
            beginnings.push(written.clone());
        }
        let mut found = terms_with_prefix(searcher, field, &beginnings)?;
        for term in analyzer.shorter_stems(folded) {
            let passages = searcher.doc_freq(&Term::from_field_text(field, &term))?;
            if passages > 0 {
                found.push((term, passages));
            }
        }
        Ok(found)
    }
}

/// All terms of a field that `letters` followed by a star stand for.
pub(crate) fn terms(
    searcher: &Searcher,
    field: Field,
    analyzer: &Analyzer,
    letters: &str,
) -> tantivy::Result<Vec<String>> {
    let letters = analyzer.without_elision(letters);
    let found = Beginning::new(analyzer, letters).terms(searcher, field, analyzer)?;
    Ok(found.into_iter().map(|(term, _)| term).collect())
}

/// The group of words that `letters` followed by a star stands for, and how many there are, which may be more than are
/// in the group. Those that begin as it is written count more than those that only do so without marks.
pub(crate) fn expanded(
    searcher: &Searcher,
    field: Field,
    analyzer: &Analyzer,
    letters: &str,
) -> tantivy::Result<(WordGroup, usize)> {
    let beginning = Beginning::new(analyzer, letters);
    let found = beginning.terms(searcher, field, analyzer)?;
    let Beginning { written, folded, has_signs } = beginning;
    let word = |term: &str| analyzer.beginning(term.trim_start_matches(DERIVED)).1;
    let words: HashSet<String> = found.iter().map(|(term, _)| word(term)).collect();
    let mut group =
        if has_signs { WordGroup::of(written.clone()) } else { analyzer.word(&written) };
    group.plain = false;
    for (term, _) in found.into_iter().take(EXPANDED) {
        if group.terms.iter().any(|(known, _)| *known == term) {
            continue;
        }
        // A term with marks is in the index without them, too: both together count as one without.
        let share = match (has_signs || written == folded, term.starts_with(&written)) {
            (true, true) => 1.0,
            (false, true) => 1.0 - OTHER_SPELLING,
            (_, false) => OTHER_SPELLING,
        };
        group.terms.push((term, COMPLETED * share));
    }
    Ok((group, words.len()))
}

/// The likeliest word that a shorter one is the beginning of: the most frequent term with at least two letters more.
pub(crate) fn completion(
    searcher: &Searcher,
    field: Field,
    letters: &str,
) -> tantivy::Result<Option<Counted>> {
    let longer = letters.chars().count() + 2;
    let found = terms_with_prefix(searcher, field, &[letters.to_owned()])?;
    let word = |term: &str| term.chars().all(char::is_alphabetic) && term.chars().count() >= longer;
    Ok(found.into_iter().find(|(term, _)| word(term)))
}
