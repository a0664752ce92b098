//! A filter becomes, for one segment, the set of passages that pass.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, SegmentReader, TERMINATED, Term};
use vizsla_core::Filter;

use crate::error::{Error, ErrorKind, Result};
use crate::schema::{self, Fields};

/// Globs for paths; `None` lets every path pass. A pattern that does not begin at the root may begin in any folder.
pub(crate) fn path_globs(patterns: &[String]) -> Result<Option<GlobSet>> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let unfit = |error: globset::Error| {
        Error::new(ErrorKind::InvalidInput, format!("cannot read the path filter: {error}"))
            .with_source(error)
    };
    let compile = |pattern: &str| -> std::result::Result<Glob, globset::Error> {
        let anchored = pattern.starts_with('/') || pattern.starts_with("**");
        let pattern = if anchored {
            pattern.to_owned()
        } else {
            format!("**/{}", pattern.trim_start_matches("./"))
        };
        GlobBuilder::new(&pattern).literal_separator(true).build()
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(compile(pattern).map_err(unfit)?);
    }
    set.build().map(Some).map_err(unfit)
}

/// A filter with its globs compiled.
pub(crate) struct PreparedFilter<'a> {
    filter: &'a Filter,
    globs: Option<GlobSet>,
    fields: Fields,
}

impl<'a> PreparedFilter<'a> {
    /// `None` for a filter that lets everything pass.
    pub(crate) fn new(filter: &'a Filter, fields: Fields) -> Result<Option<Self>> {
        if filter.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self { filter, globs: path_globs(&filter.paths)?, fields }))
    }

    /// For each passage of the segment, whether it passes. Cost: linear in the passages of the segment.
    pub(crate) fn passing(&self, segment: &SegmentReader) -> tantivy::Result<Vec<bool>> {
        let mut passing = vec![true; segment.max_doc() as usize];
        if let Some(globs) = &self.globs {
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
fn matching_paths(segment: &SegmentReader, globs: &GlobSet) -> tantivy::Result<Vec<bool>> {
    let mut marks = vec![false; segment.max_doc() as usize];
    let Some(paths) = segment.fast_fields().str(schema::PATH)? else { return Ok(marks) };
    let mut matches = Vec::with_capacity(paths.num_terms());
    let mut path = String::new();
    for ord in 0..paths.num_terms() as u64 {
        path.clear();
        matches.push(paths.ord_to_str(ord, &mut path)? && globs.is_match(&path));
    }
    for (doc, mark) in marks.iter_mut().enumerate() {
        *mark = paths.ords().first(doc as u32).is_some_and(|ord| matches[ord as usize]);
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_glob_may_begin_anywhere() {
        let globs = |pattern: &str| path_globs(&[pattern.to_owned()]).unwrap().unwrap();
        assert!(globs("docs/*.md").is_match("/home/a/docs/x.md"));
        assert!(!globs("docs/*.md").is_match("/home/a/docs/b/x.md"));
        assert!(globs("docs/**/*.md").is_match("/home/a/docs/b/x.md"));
        assert!(!globs("/docs/*").is_match("/home/docs/x"));
        assert!(path_globs(&["a[".into()]).unwrap_err().to_string().contains("a["));
    }
}
