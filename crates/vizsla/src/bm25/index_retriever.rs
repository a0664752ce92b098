//! Configures the first stage over an index of this crate.

use tantivy::Term;
use vizsla_core::{Limits, Passage};

use super::rm3::Rm3;
use crate::error::Result;
use crate::index::{Bm25Params, FieldWeights, Index, IndexSettings, addresses};

/// Finds passages by BM25 over title, headings and text, or over individually weighted fields. Cheap to clone.
#[derive(Debug, Clone)]
pub struct IndexRetriever {
    pub(super) index: Index,
    pub(super) bm25: Bm25Params,
    pub(super) weights: FieldWeights,
    pub(super) rm3: Option<Rm3>,
    pub(super) corrects: bool,
    pub(super) limits: Limits,
}

impl Index {
    /// Finds passages in this index.
    pub fn retriever(&self) -> IndexRetriever {
        IndexRetriever::new(self.clone())
    }
}

impl IndexRetriever {
    fn new(index: Index) -> Self {
        let IndexSettings { bm25, weights, .. } = index.settings;
        let limits = Limits::default();
        Self { bm25, weights, rm3: None, corrects: false, limits, index }
    }

    /// Uses other parameters than those of the index.
    pub fn with_bm25(mut self, bm25: Bm25Params) -> Self {
        self.bm25 = bm25;
        self
    }

    /// Uses other field weights than those of the index.
    pub fn with_weights(mut self, weights: FieldWeights) -> Self {
        self.weights = weights;
        self
    }

    /// Expands each query with words from its best passages. Costs a second retrieval.
    pub fn with_rm3(mut self, rm3: Rm3) -> Self {
        self.rm3 = Some(rm3);
        self
    }

    /// Replaces a word that no passage has with the nearest one; the reranker and an engine's highlights use it too,
    /// and [`Retrieval::notes`](vizsla_core::Retrieval::notes) says which words were replaced.
    pub fn with_correction(mut self) -> Self {
        self.corrects = true;
        self
    }

    /// Sets the limits; only [`Limits::suggestions`] applies here.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// All passages of the documents with these ids, metadata included, in order of id, file and ordinal. Ids not in
    /// the index are omitted.
    ///
    /// # Errors
    /// Those of reading the index.
    pub fn passages(&self, ids: &[&str]) -> Result<Vec<Passage>> {
        let searcher = self.index.reader.searcher();
        let failed = |error| self.index.failed("read", error);
        let mut passages = Vec::new();
        for id in ids {
            let term = Term::from_field_text(self.index.fields.doc_id, id);
            for address in addresses(&searcher, term).map_err(failed)? {
                let mut passage = self.index.load(&searcher, address)?;
                passage.metadata = self.index.load_metadata(&searcher, address, passage.ordinal)?;
                passages.push(passage);
            }
        }
        passages
            .sort_by(|a, b| (&a.doc_id, &a.path, a.ordinal).cmp(&(&b.doc_id, &b.path, b.ordinal)));
        Ok(passages)
    }
}
