//! What names documents rather than says what they are about: their ids, and the words of their paths.

use std::slice;

use tantivy::query::Bm25StatisticsProvider as _;
use tantivy::{Searcher, Term};

use super::prefix;
use crate::analysis::WordGroup;
use crate::index::schema::{self, Fields};

/// Whether a text, such as the number of an order, is the id of a document.
pub(super) fn is_id(searcher: &Searcher, fields: Fields, text: &str) -> tantivy::Result<bool> {
    Ok(searcher.doc_freq(&Term::from_field_text(fields.doc_id, text))? > 0)
}

/// An id, with those that further records of a file have been given which have the same.
pub(super) fn ids(searcher: &Searcher, fields: Fields, id: &str) -> tantivy::Result<WordGroup> {
    let mut group = WordGroup::of(id);
    let start = format!("{id}#");
    let others = prefix::terms_with_prefix(searcher, fields.doc_id, slice::from_ref(&start))?;
    let is_line = |id: &str| id[start.len()..].bytes().all(|byte| byte.is_ascii_digit());
    let others = others.into_iter().map(|(id, _)| id).filter(|id| is_line(id));
    group.terms.extend(others.take(prefix::EXPANDED).map(|id| (id, 1.0)));
    Ok(group)
}

/// Leaves out the names of folders that all files are in: everything would match them.
pub(super) fn drop_common(
    searcher: &Searcher,
    fields: Fields,
    groups: &mut [WordGroup],
) -> tantivy::Result<()> {
    let mut files = 0;
    for segment in searcher.segment_readers() {
        files += segment.fast_fields().str(schema::PATH)?.map_or(0, |paths| paths.num_terms());
    }
    let all = searcher.total_num_docs()?;
    if files < 2 {
        return Ok(());
    }
    for group in groups {
        let mut kept = Vec::new();
        for (text, share) in group.terms.drain(..) {
            let term = Term::from_field_text(fields.path_words, &text);
            if searcher.doc_freq(&term)? < all {
                kept.push((text, share));
            }
        }
        group.terms = kept;
    }
    Ok(())
}
