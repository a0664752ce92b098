//! Runs a query over the segments of an index in parallel. In: one search per segment. Out: the best of all.

use rayon::prelude::*;
use tantivy::{DocAddress, DocId, Searcher, SegmentReader};
use vizsla_core::Matched;

use super::top_k::Shared;

/// Which passages of a segment may be found: all live ones, or the live ones that are marked.
pub(crate) type Passing = Option<Vec<bool>>;

/// Addresses of the best passages over all segments, best first; more than `depth` when several tie at the cutoff.
/// `passing` restricts a segment, `best` finds its best `depth`. Also how many passages were found at all.
pub(crate) fn best_of_all<E: Send>(
    searcher: &Searcher,
    depth: usize,
    passing: impl Fn(&SegmentReader) -> Result<Passing, E> + Sync,
    best: impl Fn(&SegmentReader, &Shared, &dyn Fn(DocId) -> bool) -> Result<Vec<(DocId, f32)>, E>
    + Sync,
) -> Result<(Vec<(f32, DocAddress)>, Matched), E> {
    let segments: Vec<(u32, &SegmentReader)> = (0..).zip(searcher.segment_readers()).collect();
    let shared = Shared::new();
    let found = segments
        .par_iter()
        .map(|(ord, segment)| {
            let passing = passing(segment)?;
            let passes = |doc: DocId| {
                !segment.is_deleted(doc)
                    && passing.as_ref().is_none_or(|passing| passing[doc as usize])
            };
            let best = best(segment, &shared, &passes)?;
            let address = |(doc, score)| (score, DocAddress::new(*ord, doc));
            Ok(best.into_iter().map(address).collect::<Vec<_>>())
        })
        .collect::<Result<Vec<_>, E>>()?;
    let mut found = found.concat();
    found.sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
    if let Some((least, _)) = depth.checked_sub(1).and_then(|last| found.get(last)).copied() {
        found.truncate(found.partition_point(|(score, _)| *score >= least));
    }
    Ok((found, shared.matched()))
}
