//! Which segments become one. In: the segments there are, and the memory to write with. Out: those to merge.

use tantivy::SegmentMeta;
use tantivy::indexer::{LogMergePolicy, MergeCandidate, MergePolicy};

/// How many merges run at once.
pub(super) const AT_ONCE: usize = 2;
/// Deleted documents cost space and time until their segment is rewritten: at this share of a segment it is.
const DELETED: f32 = 0.3;
/// What merging takes of memory for a passage, mostly to bring its document's id into the new order; measured at up to eight
/// million.
const BYTES_PER_PASSAGE: usize = 56;

/// Segments of like sizes, eight or more of them, as the engine does by default; but all merges together take a quarter of the
/// memory at most. Larger segments stay as they are until many of their documents are deleted.
#[derive(Debug)]
pub(super) struct WithinMemory {
    like_sizes: LogMergePolicy,
    most_passages: usize,
}

impl WithinMemory {
    pub(super) fn new(memory: usize) -> Self {
        let most_passages = (memory / 4 / AT_ONCE / BYTES_PER_PASSAGE).max(1);
        let mut like_sizes = LogMergePolicy::default();
        like_sizes.set_max_docs_before_merge(most_passages / 2);
        like_sizes.set_del_docs_ratio_before_merge(DELETED);
        Self { like_sizes, most_passages }
    }
}

impl MergePolicy for WithinMemory {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        let passages = |segment: &SegmentMeta| segment.num_docs() as usize;
        let deleted = |segment: &SegmentMeta| {
            segment.num_deleted_docs() as f32 > DELETED * segment.max_doc() as f32
        };
        let mut merges = Vec::new();
        for MergeCandidate(ids) in self.like_sizes.compute_merge_candidates(segments) {
            let mut merge: Vec<&SegmentMeta> = Vec::new();
            let mut room = self.most_passages;
            for segment in segments.iter().filter(|segment| ids.contains(&segment.id())) {
                if passages(segment) > room {
                    merges.push(std::mem::take(&mut merge));
                    room = self.most_passages;
                }
                room -= passages(segment);
                merge.push(segment);
            }
            merges.push(merge);
        }
        let large = |segment: &&SegmentMeta| passages(segment) > self.most_passages / 2;
        merges.extend(segments.iter().filter(large).map(|segment| vec![segment]));
        merges
            .into_iter()
            .filter(|merge| merge.len() > 1 || merge.iter().any(|segment| deleted(segment)))
            .map(|merge| MergeCandidate(merge.iter().map(|segment| segment.id()).collect()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use tantivy::index::SegmentId;
    use tantivy::schema::{STRING, Schema};
    use tantivy::{Index, Term, doc};

    use super::*;

    /// How many passages the segments of each merge have, for segments of these sizes.
    fn merges(memory: usize, sizes: &[u32]) -> Vec<Vec<u32>> {
        let index = Index::create_in_ram(Schema::builder().build());
        let segment = |size: &u32| index.new_segment_meta(SegmentId::generate_random(), *size);
        let segments: Vec<SegmentMeta> = sizes.iter().map(segment).collect();
        let size = |id: &SegmentId| {
            segments.iter().find(|segment| segment.id() == *id).map(SegmentMeta::max_doc)
        };
        WithinMemory::new(memory)
            .compute_merge_candidates(&segments)
            .iter()
            .map(|MergeCandidate(ids)| ids.iter().filter_map(size).collect())
            .collect()
    }

    #[test]
    fn no_merge_is_larger_than_memory_allows() {
        let memory = 512 << 20;
        let most = (memory / 4 / AT_ONCE / BYTES_PER_PASSAGE) as u32;
        let small = [20_000; 9];
        assert_eq!(merges(memory, &small), [small]);
        assert!(merges(memory, &small[..7]).is_empty());
        for size in [200_000, 400_000, 590_000] {
            let merges = merges(memory, &[size; 17]);
            assert!(
                merges.iter().all(|merge| merge.len() > 1 && merge.iter().sum::<u32>() <= most)
            );
            assert!(merges.iter().map(Vec::len).sum::<usize>() >= 16, "{merges:?}");
        }
        assert!(merges(memory, &[most; 20]).is_empty());
    }

    #[test]
    fn what_is_deleted_is_removed_from_segments_of_any_size() {
        let mut schema = Schema::builder();
        let parity = schema.add_text_field("parity", STRING);
        let index = Index::create_in_ram(schema.build());
        let mut writer = index.writer_with_num_threads(1, 15 << 20).unwrap();
        writer.set_merge_policy(Box::new(tantivy::indexer::NoMergePolicy));
        for number in 0..40 {
            writer.add_document(doc!(parity => (number % 2).to_string())).unwrap();
        }
        writer.commit().unwrap();
        let found = |most: usize| {
            let segments = index.searchable_segment_metas().unwrap();
            WithinMemory::new(most * 4 * AT_ONCE * BYTES_PER_PASSAGE)
                .compute_merge_candidates(&segments)
                .len()
        };
        // Whether it is a large segment or a small one.
        assert_eq!([found(10), found(1000)], [0, 0]);
        writer.delete_term(Term::from_field_text(parity, "1"));
        writer.commit().unwrap();
        assert_eq!([found(10), found(1000)], [1, 1]);
    }
}
