//! Finds where words stand side by side, each in any of its spellings. In: places and the terms that may stand there.
//! Out: the passages of a segment that have them all, in order.

use tantivy::postings::{Postings, SegmentPostings};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, SegmentReader, TERMINATED, Term};

use crate::analysis::Slot;

/// The passages of a segment, in order, whose field has a phrase. One place is a word, for which no positions are read.
pub(crate) fn passages_with(
    segment: &SegmentReader,
    field: Field,
    slots: &[Slot],
) -> tantivy::Result<Vec<DocId>> {
    let option = match slots {
        [_] => IndexRecordOption::Basic,
        _ => IndexRecordOption::WithFreqsAndPositions,
    };
    let mut places = Vec::with_capacity(slots.len());
    for (offset, terms) in slots {
        let inverted = segment.inverted_index(field)?;
        let mut postings = Vec::new();
        for term in terms {
            postings.extend(inverted.read_postings(&Term::from_field_text(field, term), option)?);
        }
        if postings.is_empty() {
            return Ok(Vec::new());
        }
        places.push(Place { offset: *offset as u32, postings });
    }
    // The rarest place decides which passages are looked at.
    places.sort_by_key(Place::size);
    let Some((rarest, others)) = places.split_first_mut() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut doc = rarest.next(0);
    while doc != TERMINATED {
        if others.is_empty() || stand_together(doc, rarest, others) {
            found.push(doc);
        }
        doc = rarest.next(doc + 1);
    }
    Ok(found)
}

struct Place {
    offset: u32,
    postings: Vec<SegmentPostings>,
}

impl Place {
    fn size(&self) -> u64 {
        self.postings.iter().map(|postings| u64::from(postings.size_hint())).sum()
    }

    /// The first passage at or after `doc` that has one of the terms.
    fn next(&mut self, doc: DocId) -> DocId {
        let next = |postings: &mut SegmentPostings| {
            if postings.doc() < doc { postings.seek(doc) } else { postings.doc() }
        };
        self.postings.iter_mut().map(next).min().unwrap_or(TERMINATED)
    }

    /// Where the phrase would have to begin for one of the terms to stand in its place.
    fn starts(&mut self, doc: DocId) -> Vec<u32> {
        let mut starts = Vec::new();
        if self.next(doc) != doc {
            return starts;
        }
        let mut positions = Vec::new();
        for postings in self.postings.iter_mut().filter(|postings| postings.doc() == doc) {
            postings.positions(&mut positions);
            starts.extend(positions.iter().filter_map(|at| at.checked_sub(self.offset)));
        }
        starts.sort_unstable();
        starts
    }
}

fn stand_together(doc: DocId, rarest: &mut Place, others: &mut [Place]) -> bool {
    let mut starts = rarest.starts(doc);
    for place in others {
        if starts.is_empty() {
            return false;
        }
        let also = place.starts(doc);
        starts.retain(|start| also.binary_search(start).is_ok());
    }
    !starts.is_empty()
}
