//! The best passages of a segment for a BM25 query, without reading the postings of terms that can no longer matter.
//!
//! MaxScore (Turtle and Flood, "Query evaluation: strategies and optimizations", 1995) over windows of passages, as in
//! Lucene's bulk scorer: once the worst of the best `depth` scores exceeds what the terms with the smallest weights
//! could reach together, no passage with only those can get in; their postings are then looked up, for passages found
//! by the others, instead of scanned. A term never adds more than its weight, whatever k1, b and the passage length, so
//! the bounds hold for all parameters.
//!
//! A word of the query may be several terms; their frequencies are added before they are scored, by windows as well.
//!
//! Passages are counted as they are found. Pruning begins when [`COUNTED`] have been, so that smaller counts are exact
//! (Lucene's `totalHitsThreshold` does the same).
//!
//! Sums are integers (in units of 2^-32), so that neither the order of terms nor that of segments changes a score.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::BlockSegmentPostings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, SegmentReader, TERMINATED};
use vizsla_core::Matched;

use super::{Bm25Query, FieldQuery};

/// Passages scored together; their sums fit into the L1 cache.
const WINDOW: usize = 4096;
/// So many passages of a segment are counted before any is passed over.
const COUNTED: u64 = 1000;
const ONE: f64 = (1u64 << 32) as f64;

fn fixed(score: f32) -> i64 {
    (f64::from(score) * ONE) as i64
}

/// What the segments of a search share: the score threshold for entry, and how many passages were found.
pub(crate) struct Shared {
    threshold: AtomicI64,
    matched: AtomicU64,
    passed_over: AtomicBool,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            threshold: AtomicI64::new(1),
            matched: AtomicU64::new(0),
            passed_over: AtomicBool::new(false),
        }
    }

    /// Adds the passages found in a segment, which are all of them unless some were `passed_over`.
    pub(crate) fn count(&self, passages: u64, passed_over: bool) {
        self.matched.fetch_add(passages, Ordering::Relaxed);
        self.passed_over.fetch_or(passed_over, Ordering::Relaxed);
    }

    pub(crate) fn matched(&self) -> Matched {
        let exact = !self.passed_over.load(Ordering::Relaxed);
        Matched::new(self.matched.load(Ordering::Relaxed), exact)
    }
}

/// The best `depth` passages of a segment that pass, each with its score, in no particular order; passages already
/// beaten `depth` times in the segments seen so far may be missing. Ties at the cutoff are broken by `tie_break`,
/// smallest first; it is called for those only.
pub(crate) fn best<K: Ord>(
    query: &Bm25Query,
    segment: &SegmentReader,
    depth: usize,
    shared: &Shared,
    passes: impl Fn(DocId) -> bool,
    tie_break: impl Fn(DocId) -> K,
) -> tantivy::Result<Vec<(DocId, f32)>> {
    let mut search = Search {
        cursors: cursors(query, segment)?,
        essential: 0,
        threshold: shared.threshold.load(Ordering::Relaxed),
        shared,
        // A request may ask for more passages than exist; allocate for no more than that.
        best: BinaryHeap::with_capacity(depth.min(segment.max_doc() as usize) + 1),
        depth,
        candidates: Vec::new(),
        found: Vec::new(),
        matched: 0,
        passed_over: false,
    };
    search.split();
    let mut frequencies = Vec::new();
    let mut sums = vec![0i64; WINDOW];
    let mut seen = [0u64; WINDOW / 64];
    while let Some(start) = search.next_essential() {
        search.sum_window(start, &mut sums, &mut seen, &mut frequencies);
        search.collect(start, &mut sums, &mut seen, &passes);
    }
    shared.count(search.matched, search.passed_over);
    let threshold = search.threshold;
    let candidates = search.candidates.into_iter().filter(|(_, sum)| *sum >= threshold);
    let scored: Vec<_> = candidates.map(|(doc, sum)| (doc, OrderedScore(score_of(sum)))).collect();
    Ok(cut(scored, depth, tie_break).into_iter().map(|(doc, score)| (doc, score.0)).collect())
}

fn score_of(sum: i64) -> f32 {
    (sum as f64 / ONE) as f32
}

/// The least sum that may become the same score as `sum`: sums are finer than scores, and equal scores are ordered by
/// id.
fn same_score(sum: i64) -> i64 {
    fixed(score_of(sum).next_down()).max(1)
}

/// The best `depth`; among ties at the cutoff, the smallest by `tie_break`.
pub(crate) fn cut<S: Ord + Copy, K: Ord>(
    mut scored: Vec<(DocId, S)>,
    depth: usize,
    tie_break: impl Fn(DocId) -> K,
) -> Vec<(DocId, S)> {
    if scored.len() <= depth || depth == 0 {
        scored.truncate(depth);
        return scored;
    }
    let (_, (_, least), _) =
        scored.select_nth_unstable_by_key(depth - 1, |(_, score)| Reverse(*score));
    let least = *least;
    let (mut best, mut tied): (Vec<_>, Vec<_>) = scored
        .into_iter()
        .filter(|(_, score)| *score >= least)
        .partition(|(_, score)| *score > least);
    let room = depth - best.len();
    if tied.len() > room {
        tied.sort_by_cached_key(|(doc, _)| tie_break(*doc));
        tied.truncate(room);
    }
    best.append(&mut tied);
    best
}

/// A score with a total order; the engine never yields NaN.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct OrderedScore(pub(crate) f32);

impl Eq for OrderedScore {}

impl PartialOrd for OrderedScore {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OrderedScore {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The frequencies of a block, of 128 passages at most, in a field that does not store them.
const ONCE: [u32; 128] = [1; 128];

/// The postings of one term, read up to some position.
struct List {
    postings: BlockSegmentPostings,
    /// Position in the current block.
    at: usize,
    /// What an occurrence counts.
    share: f32,
}

impl List {
    /// The current passage.
    fn doc(&self) -> DocId {
        self.postings.docs().get(self.at).copied().unwrap_or(TERMINATED)
    }

    /// Advances to `doc` or past it, and returns how often the term counts in `doc`.
    fn seek(&mut self, doc: DocId) -> Option<f32> {
        if self.doc() < doc {
            self.at = self.postings.seek(doc);
        }
        (self.doc() == doc).then(|| self.share * self.postings.freq(self.at) as f32)
    }

    /// Hands on how often the term counts in each passage from `start` to the end of the window.
    #[inline]
    fn window(&mut self, start: DocId, mut add: impl FnMut(DocId, f32)) {
        let end = start + WINDOW as DocId;
        if self.doc() < start {
            self.at = self.postings.seek(start);
        }
        loop {
            let docs = &self.postings.docs()[self.at..];
            let inside = docs.partition_point(|doc| *doc < end);
            let frequencies = match self.postings.freqs() {
                // An id, which is there once.
                [] => &ONCE[self.at..],
                frequencies => &frequencies[self.at..],
            };
            for (doc, frequency) in docs[..inside].iter().zip(frequencies) {
                add(*doc, self.share * *frequency as f32);
            }
            self.at += inside;
            if inside < docs.len() || self.postings.block_len() == 0 {
                return;
            }
            self.postings.advance();
            self.at = 0;
        }
    }
}

/// The postings of one word of the query.
struct Cursor<'a> {
    query: &'a FieldQuery,
    norms: FieldNormReader,
    lists: Vec<List>,
    weight: f32,
    /// Upper bound on what the word can add.
    bound: i64,
}

/// One for each word in the segment, smallest weight first.
fn cursors<'a>(query: &'a Bm25Query, segment: &SegmentReader) -> tantivy::Result<Vec<Cursor<'a>>> {
    let mut cursors = Vec::new();
    for field in &query.fields {
        let inverted = segment.inverted_index(field.field)?;
        let norms = segment.get_fieldnorms_reader(field.field)?;
        for group in &field.groups {
            let mut lists = Vec::with_capacity(group.terms.len());
            for term in &group.terms {
                let postings =
                    inverted.read_block_postings(&term.term, IndexRecordOption::WithFreqs)?;
                lists.extend(postings.map(|postings| List { postings, at: 0, share: term.share }));
            }
            if !lists.is_empty() {
                cursors.push(Cursor {
                    query: field,
                    norms: norms.clone(),
                    lists,
                    weight: group.weight,
                    bound: fixed(group.weight) + 1,
                });
            }
        }
    }
    cursors.sort_by_key(|cursor| cursor.bound);
    Ok(cursors)
}

impl Cursor<'_> {
    /// The current passage.
    fn doc(&self) -> DocId {
        self.lists.iter().map(List::doc).min().unwrap_or(TERMINATED)
    }

    /// Advances to `doc` or past it, and returns what the word adds to `doc`.
    fn seek(&mut self, doc: DocId) -> Option<i64> {
        let mut frequency = None;
        for list in &mut self.lists {
            if let Some(more) = list.seek(doc) {
                *frequency.get_or_insert(0.0) += more;
            }
        }
        Some(fixed(self.query.score(self.weight, frequency?, self.norms.fieldnorm_id(doc))))
    }

    /// Adds the word's part to the sums of all passages from `start` to the end of the window. `frequencies` is empty
    /// or zero, and left so.
    fn sum(
        &mut self,
        start: DocId,
        sums: &mut [i64],
        seen: &mut [u64],
        frequencies: &mut Vec<f32>,
    ) {
        let Self { query, norms, lists, weight, .. } = self;
        let mut score = |doc: DocId, frequency: f32| {
            let place = (doc - start) as usize;
            sums[place] += fixed(query.score(*weight, frequency, norms.fieldnorm_id(doc)));
            seen[place / 64] |= 1 << (place % 64);
        };
        if let [list] = lists.as_mut_slice() {
            return list.window(start, score);
        }
        frequencies.resize(WINDOW, 0.0);
        let mut touched = [0u64; WINDOW / 64];
        for list in lists {
            list.window(start, |doc, frequency| {
                let place = (doc - start) as usize;
                frequencies[place] += frequency;
                touched[place / 64] |= 1 << (place % 64);
            });
        }
        for (word, mut bits) in touched.into_iter().enumerate() {
            while bits != 0 {
                let place = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                score(start + place as DocId, std::mem::take(&mut frequencies[place]));
            }
        }
    }
}

struct Search<'a> {
    /// In order of their bounds, smallest first.
    cursors: Vec<Cursor<'a>>,
    /// The first cursor whose postings must be scanned; those before it cannot bring a passage in on their own.
    essential: usize,
    threshold: i64,
    shared: &'a Shared,
    /// The best `depth` scores so far.
    best: BinaryHeap<Reverse<i64>>,
    depth: usize,
    /// Passages that were good enough when they were seen.
    candidates: Vec<(DocId, i64)>,
    /// Passages of the current window that may be good enough.
    found: Vec<(DocId, i64)>,
    /// How many passages were found, whatever their scores.
    matched: u64,
    /// Whether there may be others.
    passed_over: bool,
}

impl Search<'_> {
    /// Separates the terms that still matter on their own from those that do not.
    fn split(&mut self) {
        if self.matched < COUNTED {
            return;
        }
        let mut sum = 0;
        self.essential = self
            .cursors
            .iter()
            .take_while(|cursor| {
                sum += cursor.bound;
                sum < self.threshold
            })
            .count();
        self.passed_over |= self.essential > 0;
    }

    fn next_essential(&self) -> Option<DocId> {
        let docs = self.cursors[self.essential..].iter().map(Cursor::doc);
        docs.min().filter(|doc| *doc != TERMINATED)
    }

    fn sum_window(
        &mut self,
        start: DocId,
        sums: &mut [i64],
        seen: &mut [u64],
        frequencies: &mut Vec<f32>,
    ) {
        for cursor in &mut self.cursors[self.essential..] {
            cursor.sum(start, sums, seen, frequencies);
        }
    }

    /// Adds the other terms' contributions to the passages of a window, and keeps those that are good enough. Leaves
    /// the window empty.
    fn collect(
        &mut self,
        start: DocId,
        sums: &mut [i64],
        seen: &mut [u64],
        passes: &impl Fn(DocId) -> bool,
    ) {
        let rest: i64 = self.cursors[..self.essential].iter().map(|cursor| cursor.bound).sum();
        let mut found = std::mem::take(&mut self.found);
        for (word, bits) in seen.iter_mut().enumerate() {
            while *bits != 0 {
                let place = word * 64 + bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                let sum = std::mem::take(&mut sums[place]);
                let doc = start + place as DocId;
                let close = sum + rest >= self.threshold;
                if (close || !self.passed_over) && passes(doc) {
                    self.matched += 1;
                    if close {
                        found.push((doc, sum));
                    }
                }
            }
        }
        let mut rest = rest;
        for cursor in self.cursors[..self.essential].iter_mut().rev() {
            found.retain_mut(|(doc, sum)| {
                if *sum + rest < self.threshold {
                    return false;
                }
                *sum += cursor.seek(*doc).unwrap_or(0);
                true
            });
            rest -= cursor.bound;
        }
        for (doc, sum) in found.drain(..) {
            if sum >= self.threshold {
                self.keep(doc, sum);
            }
        }
        self.found = found;
        self.split();
    }

    fn keep(&mut self, doc: DocId, sum: i64) {
        self.candidates.push((doc, sum));
        self.best.push(Reverse(sum));
        if self.best.len() > self.depth {
            self.best.pop();
        }
        if self.best.len() == self.depth
            && let Some(Reverse(worst)) = self.best.peek()
            && same_score(*worst) > self.threshold
        {
            let worst = same_score(*worst);
            self.threshold = self.shared.threshold.fetch_max(worst, Ordering::Relaxed).max(worst);
            if self.candidates.len() / 8 > self.depth + 128 {
                let threshold = self.threshold;
                self.candidates.retain(|(_, sum)| *sum >= threshold);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_best_are_those_of_a_full_sort(scores in prop::collection::vec(0u8..6, 0..60), depth in 1usize..20) {
            let scored: Vec<_> = scores.iter().enumerate().map(|(doc, score)| (doc as DocId, *score)).collect();
            let mut expected = scored.clone();
            expected.sort_by_key(|(doc, score)| (Reverse(*score), *doc));
            expected.truncate(depth);
            let mut best = cut(scored, depth, |doc| doc);
            best.sort_by_key(|(doc, score)| (Reverse(*score), *doc));
            prop_assert_eq!(best, expected);
        }
    }
}
