//! Splits the long texts that a foreign retriever finds into passages, so that a cross-encoder can read the best of them.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use vizsla_core::{
    BoxError, Candidate, CandidateKey, Document, Explanation, Matched, Metadata, Passage,
    QueryNotes, Ranking, Retrieval, RetrieveRequest, Retriever, SplitOptions, TieBreak, split,
};

/// Splits candidates that are longer than a passage, as documents of a foreign engine often are. Each keeps its score;
/// of a long one, the passages with the most distinct query words become candidates, and the second stage decides
/// between them. There can be more candidates than the request's depth, at most [`with_passages`](Self::with_passages)
/// per text found.
#[derive(Debug, Clone)]
pub struct PassageRetriever<R> {
    inner: R,
    options: SplitOptions,
    passages: usize,
}

impl<R: Retriever> PassageRetriever<R> {
    /// How many passages of a text become candidates by default.
    pub const DEFAULT_PASSAGES: usize = 4;

    /// Splits what `inner` finds into passages of the default size.
    pub fn new(inner: R) -> Self {
        Self { inner, options: SplitOptions::default(), passages: Self::DEFAULT_PASSAGES }
    }

    /// Sets how large passages are.
    pub fn with_split(mut self, options: SplitOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets how many passages of a text become candidates; at least 1.
    pub fn with_passages(mut self, passages: usize) -> Self {
        self.passages = passages.max(1);
        self
    }
}

impl<R: Retriever> Retriever for PassageRetriever<R> {
    fn prepare<'a>(
        &'a self,
        request: &RetrieveRequest,
    ) -> Result<Box<dyn Retrieval + 'a>, BoxError> {
        let inner = self.inner.prepare(request)?;
        let query = inner.query().unwrap_or(&request.query).to_lowercase();
        let words = query.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        Ok(Box::new(PassageRetrieval {
            words: words.map(str::to_owned).collect(),
            options: self.options,
            passages: self.passages,
            inner,
            origins: HashMap::new(),
        }))
    }
}

struct PassageRetrieval<'a> {
    inner: Box<dyn Retrieval + 'a>,
    words: HashSet<String>,
    options: SplitOptions,
    passages: usize,
    origins: HashMap<CandidateKey, Origin>,
}

/// The text a candidate is a piece of, and its byte range there.
type Origin = (Arc<Candidate>, Range<usize>);

impl PassageRetrieval<'_> {
    /// The pieces of a passage worth reading, in order, with the byte range of each.
    fn pieces(&self, whole: &Passage) -> Vec<(Passage, Range<usize>)> {
        let document =
            Document::new(whole.doc_id.clone(), whole.text.clone()).with_title(whole.title.clone());
        let mut pieces: Vec<(Passage, Range<usize>)> = split(&document, &self.options)
            .into_iter()
            .map(|piece| {
                let range = piece.start_byte as usize..piece.end_byte as usize;
                let mut passage = whole.clone();
                passage.text = piece.text;
                passage.start_byte = whole.start_byte + piece.start_byte;
                passage.end_byte = whole.start_byte + piece.end_byte;
                (passage, range)
            })
            .collect();
        if pieces.len() > self.passages {
            pieces.sort_by_cached_key(|(piece, _)| Reverse(self.words_in(&piece.text)));
            pieces.truncate(self.passages);
            pieces.sort_by_key(|(piece, _)| piece.start_byte);
        }
        pieces
    }

    /// How many distinct query words a text has.
    fn words_in(&self, text: &str) -> usize {
        let text = text.to_lowercase();
        let words = text.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| self.words.contains(*word)).collect::<HashSet<_>>().len()
    }

    fn origin(&self, candidate: &Candidate) -> Option<&Origin> {
        self.origins.get(&candidate.key())
    }
}

/// The `ranges` that lie within `part`, relative to its start.
fn within(ranges: Vec<Range<usize>>, part: &Range<usize>) -> Vec<Range<usize>> {
    let inside = ranges.into_iter().filter(|r| r.start >= part.start && r.end <= part.end);
    inside.map(|range| range.start - part.start..range.end - part.start).collect()
}

impl Retrieval for PassageRetrieval<'_> {
    fn candidates(&mut self) -> Result<Ranking<Candidate>, BoxError> {
        let mut ordinals: HashMap<(String, String), u32> = HashMap::new();
        let mut candidates = Vec::new();
        for found in self.inner.candidates()? {
            let whole = Arc::new(found.item);
            let (id, path, _) = whole.tie_break();
            let (id, path) = (id.to_owned(), path.to_owned());
            for (mut piece, range) in self.pieces(&whole.passage) {
                let next = ordinals.entry((id.clone(), path.clone())).or_default();
                piece.ordinal = *next;
                *next += 1;
                let key = (id.clone(), path.clone(), piece.ordinal);
                let highlights = within(whole.highlights.clone(), &range);
                self.origins.insert(key, (Arc::clone(&whole), range));
                candidates.push((found.score, Candidate::new(piece).with_highlights(highlights)));
            }
        }
        Ok(Ranking::new(candidates)?)
    }

    fn matched(&self) -> Option<Matched> {
        self.inner.matched()
    }

    fn degraded(&self) -> Option<String> {
        self.inner.degraded()
    }

    fn engine_time(&self) -> Option<Duration> {
        self.inner.engine_time()
    }

    fn prefetch(&mut self, candidates: &[&Candidate]) {
        let whole = candidates.iter().filter_map(|piece| self.origins.get(&piece.key()));
        let whole: Vec<&Candidate> = whole.map(|(whole, _)| &**whole).collect();
        self.inner.prefetch(&whole);
    }

    fn query(&self) -> Option<&str> {
        self.inner.query()
    }

    fn notes(&mut self) -> Result<QueryNotes, BoxError> {
        self.inner.notes()
    }

    fn highlight(&self, candidate: &Candidate) -> Vec<Range<usize>> {
        match self.origin(candidate) {
            Some((whole, range)) => within(self.inner.highlight(whole), range),
            None => Vec::new(),
        }
    }

    fn words_in(&self, candidate: &Candidate) -> Vec<Range<usize>> {
        match self.origin(candidate) {
            Some((whole, range)) => within(self.inner.words_in(whole), range),
            None => Vec::new(),
        }
    }

    fn metadata(&mut self, candidate: &Candidate) -> Result<Arc<Metadata>, BoxError> {
        let whole = self.origin(candidate).map(|(whole, _)| Arc::clone(whole));
        self.inner.metadata(whole.as_deref().unwrap_or(candidate))
    }

    fn explain(&mut self, candidate: &Candidate) -> Result<Option<Explanation>, BoxError> {
        let whole = self.origin(candidate).map(|(whole, _)| Arc::clone(whole));
        self.inner.explain(whole.as_deref().unwrap_or(candidate))
    }
}
