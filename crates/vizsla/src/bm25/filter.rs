//! Turns a filter into the set of passages of one segment that pass.

use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, SegmentReader, TERMINATED, Term};
use vizsla_core::Filter;

use crate::error::Result;
use crate::index::schema::{self, Fields};
use crate::index::{PathGlobs, path_globs};

/// A filter with its globs compiled.
pub(crate) struct PreparedFilter<'a> {
    filter: &'a Filter,
    globs: [Option<PathGlobs>; 2],
    fields: Fields,
}

impl<'a> PreparedFilter<'a> {
    /// `None` for a filter that lets everything pass.
    pub(crate) fn new(filter: &'a Filter, fields: Fields) -> Result<Option<Self>> {
        if filter.is_empty() {
            return Ok(None);
        }
        let globs = [path_globs(&filter.paths)?, path_globs(&filter.names)?];
        Ok(Some(Self { filter, globs, fields }))
    }

    /// For each passage of the segment, whether it passes. Cost: linear in the passages of the segment.
    pub(crate) fn passing(&self, segment: &SegmentReader) -> tantivy::Result<Vec<bool>> {
        let mut passing = vec![true; segment.max_doc() as usize];
        for globs in self.globs.iter().flatten() {
            keep(&mut passing, &matching_paths(segment, globs)?);
        }
        if !self.filter.extensions.is_empty() {
            let mut any = vec![false; passing.len()];
            for extension in &self.filter.extensions {
                let extension = extension.trim_start_matches('.').to_lowercase();
                mark(segment, self.fields.extension, &extension, &mut any)?;
            }
            keep(&mut passing, &any);
        }
        for (name, value) in &self.filter.metadata {
            let mut any = vec![false; passing.len()];
            mark(segment, self.fields.metadata, &schema::metadata_term(name, value), &mut any)?;
            spread(segment, &mut any)?;
            keep(&mut passing, &any);
        }
        let (from, until) = (self.filter.modified_from, self.filter.modified_until);
        if from.is_some() || until.is_some() {
            let modified = segment.fast_fields().i64(schema::MODIFIED)?;
            for (doc, pass) in passing.iter_mut().enumerate() {
                *pass &= modified.first(doc as u32).is_some_and(|at| {
                    from.is_none_or(|from| at >= from) && until.is_none_or(|until| at < until)
                });
            }
        }
        Ok(passing)
    }
}

fn keep(passing: &mut [bool], others: &[bool]) {
    for (pass, other) in passing.iter_mut().zip(others) {
        *pass &= other;
    }
}

/// Marks the passages of each document whose first passage is marked.
fn spread(segment: &SegmentReader, marks: &mut [bool]) -> tantivy::Result<()> {
    let ordinals = segment.fast_fields().u64(schema::ORDINAL)?;
    for doc in 0..marks.len() {
        let ordinal = ordinals.first(doc as u32).unwrap_or(0) as usize;
        if ordinal > 0 {
            marks[doc] = doc.checked_sub(ordinal).is_some_and(|first| marks[first]);
        }
    }
    Ok(())
}

fn mark(
    segment: &SegmentReader,
    field: Field,
    term: &str,
    marks: &mut [bool],
) -> tantivy::Result<()> {
    let term = Term::from_field_text(field, term);
    if let Some(mut postings) =
        segment.inverted_index(field)?.read_postings(&term, IndexRecordOption::Basic)?
    {
        while postings.doc() != TERMINATED {
            marks[postings.doc() as usize] = true;
            postings.advance();
        }
    }
    Ok(())
}

/// Matches each distinct path once.
fn matching_paths(segment: &SegmentReader, globs: &PathGlobs) -> tantivy::Result<Vec<bool>> {
    let mut marks = vec![false; segment.max_doc() as usize];
    let Some(paths) = segment.fast_fields().str(schema::PATH)? else { return Ok(marks) };
    let mut matches = Vec::with_capacity(paths.num_terms());
    let mut names = paths.dictionary().stream()?;
    while names.advance() {
        matches.push(std::str::from_utf8(names.key()).is_ok_and(|path| globs.is_match(path)));
    }
    for (doc, mark) in marks.iter_mut().enumerate() {
        *mark = paths.ords().first(doc as u32).is_some_and(|ord| matches[ord as usize]);
    }
    Ok(marks)
}
