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
//! let engine = Engine::new(index.retriever()).with_fusion(Fusion::Bm25);
//! let response = engine.search(&SearchRequest::new("which dog retrieves?"))?;
//! assert_eq!(response.hits[0].doc_id, "vizsla");
//! # Ok(())
//! # }
//! ```
//!
//! - **The first stage** is a [`Retriever`]: an [`Index`] of this crate, somebody's own tantivy index through
//!   [`ExistingIndex`], or your own implementation.
//! - **The second stage** is a [`Reranker`]: with the feature `onnx` a `vizsla::onnx::CrossEncoder`, or your own.
//! - **[`Fusion`]** makes one ranking of both.
//!
//! Everything is synchronous; an [`Engine`] is `Send + Sync` and may be used from many threads at once.
//!
//! # Features
//! - `onnx`: adds the module `onnx` with cross-encoders run by ONNX Runtime, which is loaded at run time. Off by
//!   default: without it, neither `ort` nor `tokenizers` is built.

mod analysis;
mod bm25;
mod correction;
mod directory;
mod encoding;
mod engine;
mod error;
mod existing;
mod feedback;
mod filter;
mod index;
mod integrity;
mod manifest;
mod response;
mod restriction;
mod retrieve;
mod schema;
mod scored;
#[path = "search/settings.rs"]
mod search_settings;
mod top_k;
mod writer;

pub use analysis::{Language, UnknownLanguage};
pub use bm25::{Bm25Params, FieldWeights, ParseWeightsError};
pub use engine::{Engine, SearchRequest};
pub use error::{Error, ErrorKind, Result};
pub use existing::{ExistingIndex, tantivy};
pub use feedback::Feedback;
pub use index::{Index, IndexStats};
pub use integrity::{CheckReport, RepairReport};
pub use manifest::{FORMAT_VERSION, FileRecord, IndexSettings, content_hash};
pub use response::{
    FuseStage, Hit, HitPassage, HitScores, RerankStage, RetrieveStage, SearchResponse, Stages,
};
pub use retrieve::IndexRetriever;
pub use scored::ScoredCandidates;
pub use search_settings::SearchSettings;
pub use vizsla_core::*;
#[cfg(feature = "onnx")]
pub use vizsla_onnx as onnx;
pub use writer::{Added, IndexWriter, WriterOptions};
