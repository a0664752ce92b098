//! Two-stage search: BM25 finds candidates, a cross-encoder reads each with the query, and one call runs both.
//!
//! ```
//! use vizsla::{Document, Engine, Fusion, Index, IndexSettings, SearchRequest, WriterOptions};
//!
//! # fn main() -> Result<(), vizsla::Error> {
//! let index = Index::in_memory(IndexSettings::default())?;
//! let mut writer = index.writer(&WriterOptions::default())?;
//! writer.add(&Document::new("vizsla", "A vizsla is a dog that both points and retrieves."))?;
//! writer.add(&Document::new("beagle", "A beagle follows its nose.").with_title("Beagles"))?;
//! writer.commit()?;
//!
//! // Add `.with_reranker(...)` for the second stage; without one, say that BM25 alone is wanted.
//! let engine = Engine::new(index.retriever()).with_fusion(Fusion::Retrieval);
//! let response = engine.search(&SearchRequest::new("which dog retrieves?"))?;
//! assert_eq!(response.hits[0].doc_id, "vizsla");
//! # Ok(())
//! # }
//! ```
//!
//! - **The first stage** is a [`Retriever`]: an [`Index`] of this crate, a foreign tantivy index through
//!   [`TantivyRetriever`], or your own implementation.
//! - **The second stage** is a [`Reranker`]: with the feature `onnx` a `vizsla::onnx::CrossEncoder`, or your own.
//! - **[`Fusion`]** combines both rankings into one.
//!
//! Everything is synchronous; an [`Engine`] is `Send + Sync` and may be used from many threads at once.
//!
//! # Features
//! - `onnx`: adds the module `onnx` with cross-encoders run by ONNX Runtime, which is loaded at run time. Off by
//!   default: without it, neither `ort` nor `tokenizers` is built.
//! - `moments`: adds `parse_moment`, which reads times as people name them (`7d`, `yesterday`, `2024-05`).

#![forbid(unsafe_code)]

mod analysis;
mod bm25;
mod collection;
mod error;
mod index;
#[cfg(feature = "moments")]
mod moment;
mod search;
mod settings;

pub use analysis::{Analysis, Language, UnknownAnalysis, UnknownLanguage};
pub use bm25::{IndexRetriever, MatchCounts, Rm3, TantivyRetriever, tantivy};
pub use collection::{Collection, CollectionWriter, Refusal, path_filter};
pub use error::{Error, ErrorKind, Result};
pub use index::{
    AddOutcome, Bm25Params, CheckReport, FORMAT_VERSION, FieldWeights, FileProblem, FileRecord,
    Index, IndexSettings, IndexStats, IndexWriter, ParseWeightsError, RepairReport, WriterOptions,
    check_document, content_hash,
};
#[cfg(feature = "moments")]
pub use moment::{ParseMomentError, parse_moment};
pub use search::{
    Effort, Engine, FuseStage, Hit, HitPassage, HitScores, Likelihood, MergedRetriever,
    ParseEffortError, PassageCopy, PassageRetriever, RerankStage, RetrieveStage, ScoredCandidates,
    SearchObserver, SearchRequest, SearchResponse, Snippet, Stages, file_url,
};
pub use settings::SearchSettings;
pub use vizsla_core::{
    Bm25Explanation, Bm25Term, BoxError, CancelHandle, Candidate, CandidateKey, Clause, Document,
    DocumentKey, Explanation, Filter, Fusion, FusionPolicy, Limits, Location, Locations, Matched,
    Metadata, MetadataValue, NonFiniteScore, ParseFusionError, Passage, Query, QueryField,
    QueryNotes, QuerySyntax, Ranked, Ranking, RerankScore, Reranker, Retrieval, RetrieveRequest,
    Retriever, Section, SpellingSuggestion, SplitOptions, StageScores, TieBreak, TimeLimits, split,
};
#[cfg(feature = "onnx")]
pub use vizsla_onnx as onnx;

/// For fuzz targets only.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    /// Decodes a stored passage.
    ///
    /// # Errors
    /// When the bytes are not a passage.
    pub fn decode_passage(bytes: &[u8]) -> Result<crate::Passage, crate::BoxError> {
        crate::index::schema::decode_passage(bytes)
    }
}
