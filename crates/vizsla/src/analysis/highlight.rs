//! Where the words of a query are in a text.

use std::collections::HashSet;
use std::ops::Range;

use tantivy::tokenizer::TextAnalyzer;

use super::{Analysis, Analyzer, Language, WordGroup};

/// Ranges of the words in `text` that `analyzer` turns into one of `terms`, in order and disjoint.
pub(crate) fn highlight(
    analyzer: &mut TextAnalyzer,
    terms: &HashSet<String>,
    text: &str,
) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    analyzer.token_stream(text).process(&mut |token| {
        if !terms.contains(&token.text) {
            return;
        }
        match ranges.last_mut() {
            // A compound comes before its parts, which lie within it; pairs of characters overlap.
            Some(last) if token.offset_from < last.end => last.end = last.end.max(token.offset_to),
            _ => ranges.push(token.offset_from..token.offset_to),
        }
    });
    ranges
}

/// All terms that groups stand for.
pub(crate) fn terms_of_groups(groups: &[WordGroup]) -> HashSet<String> {
    groups.iter().flat_map(|group| group.terms.iter().map(|(term, _)| term.clone())).collect()
}

/// The words of a query, for texts of which no index says where they are: as an index in English would have them.
pub(crate) struct QueryWords {
    analyzer: Analyzer,
    terms: HashSet<String>,
}

impl QueryWords {
    pub(crate) fn of(query: &str) -> Self {
        let analyzer = Analyzer::new(Analysis::default(), Language::default());
        Self { terms: terms_of_groups(&analyzer.groups(query)), analyzer }
    }

    /// As [`Retrieval::highlight`](vizsla_core::Retrieval::highlight).
    pub(crate) fn found_in(&self, text: &str) -> Vec<Range<usize>> {
        highlight(&mut self.analyzer.terms().clone(), &self.terms, text)
    }
}
