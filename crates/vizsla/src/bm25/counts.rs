//! Counts what a query matches. In: marked passages. Out: how many passages and documents, and how many documents of each file.

use std::collections::BTreeMap;

use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, SegmentReader, TERMINATED};

use super::Bm25Query;
use crate::index::schema;

/// How much a query matches: everything that has any of its words and passes its operators and the filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MatchCounts {
    /// How many passages.
    pub passages: u64,
    /// How many documents they belong to.
    pub documents: u64,
    /// How many of these documents each file has; those of no file are under the empty name.
    pub files: BTreeMap<String, u64>,
}

impl MatchCounts {
    /// Adds the live passages of a segment that match.
    pub(super) fn add(
        &mut self,
        segment: &SegmentReader,
        matching: &[bool],
    ) -> tantivy::Result<()> {
        let ordinals = segment.fast_fields().u64(schema::ORDINAL)?;
        let Some(paths) = segment.fast_fields().str(schema::PATH)? else { return Ok(()) };
        let mut of_paths = vec![0_u64; paths.num_terms()];
        let mut last = None;
        for doc in segment.doc_ids_alive().filter(|doc| matching[*doc as usize]) {
            self.passages += 1;
            // Passages of a document lie side by side, so that its first one stands for it.
            let first = u64::from(doc).checked_sub(ordinals.first(doc).unwrap_or_default());
            if first == last {
                continue;
            }
            last = first;
            self.documents += 1;
            if let Some(path) = paths.ords().first(doc) {
                of_paths[path as usize] += 1;
            }
        }
        let mut names = paths.dictionary().stream()?;
        let mut counts = of_paths.into_iter();
        while names.advance() {
            let count = counts.next().unwrap_or_default();
            if count > 0 {
                let name = String::from_utf8_lossy(names.key()).into_owned();
                *self.files.entry(name).or_default() += count;
            }
        }
        Ok(())
    }
}

impl Bm25Query {
    /// For each passage of a segment, whether it has any of the words.
    pub(super) fn matching(&self, segment: &SegmentReader) -> tantivy::Result<Vec<bool>> {
        let mut matching = vec![false; segment.max_doc() as usize];
        let groups = self.fields.iter().flat_map(|field| &field.groups);
        for term in groups.flat_map(|group| &group.terms) {
            let inverted = segment.inverted_index(term.term.field())?;
            let postings = inverted.read_postings(&term.term, IndexRecordOption::Basic)?;
            let Some(mut postings) = postings else { continue };
            while postings.doc() != TERMINATED {
                matching[postings.doc() as usize] = true;
                postings.advance();
            }
        }
        Ok(matching)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use vizsla_core::{Document, Filter, QuerySyntax, RetrieveRequest};

    use super::*;
    use crate::{Index, IndexSettings, WriterOptions};

    fn index() -> Index {
        let index = Index::in_memory(IndexSettings::default()).unwrap();
        let mut writer = index.writer(&WriterOptions::default()).unwrap();
        let long = "A heron stands in the water. ".repeat(200);
        for (path, id, text) in [
            ("/a.md", "1", long.as_str()),
            ("/a.md", "2", "A heron flies."),
            ("/b.rs", "1", "A duck flies."),
        ] {
            writer.add(&Document::new(id, text).with_path(path)).unwrap();
        }
        writer.add(&Document::new("none", "A heron of no file.")).unwrap();
        writer.commit().unwrap();
        index
    }

    #[test]
    fn all_that_matches_is_counted_once() {
        let index = index();
        let count = |query: &str, filter: Filter, syntax| {
            let request = RetrieveRequest::new(query, NonZeroUsize::MIN);
            let request = request.with_filter(filter).with_syntax(syntax);
            index.retriever().counts(&request).unwrap()
        };
        let heron = count("heron", Filter::default(), QuerySyntax::Text);
        assert_eq!(heron.documents, 3);
        assert!(heron.passages > 3);
        let files: Vec<_> = heron.files.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        assert_eq!(files, [("", 1), ("/a.md", 2)]);
        let rs = Filter::default().with_extension("rs");
        assert_eq!(count("heron duck", rs, QuerySyntax::Text).documents, 1);
        assert_eq!(count("flies -\"duck\"", Filter::default(), QuerySyntax::Text).documents, 1);
        assert_eq!(count("*", Filter::default(), QuerySyntax::Native).documents, 4);
        assert_eq!(count("nothing", Filter::default(), QuerySyntax::Text), MatchCounts::default());
    }
}
