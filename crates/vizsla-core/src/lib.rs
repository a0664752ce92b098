//! The vocabulary of two-stage search.
//!
//! A [`Document`] is cut into [`Passage`]s; a [`Retriever`] turns a query into a [`Ranking`] of [`Candidate`]s; a
//! [`Reranker`] reads the query with each of them; a [`Fusion`] combines both scores into one. This crate performs no
//! I/O, reads no clock and starts no threads, so a retriever or a reranker needs no other crate to be written against.
//!
//! ```
//! use vizsla_core::{Fusion, RerankScore, StageScores};
//!
//! // BM25 liked the first candidate best, the cross-encoder the second.
//! let candidates = [
//!     StageScores::new(12.0, 1).with_rerank(RerankScore::new(-3.0), 2),
//!     StageScores::new(11.0, 2).with_rerank(RerankScore::new(4.5), 1),
//! ];
//! let fused = Fusion::Rerank.fuse(&candidates);
//! assert!(fused[1] > fused[0]);
//! ```

#![forbid(unsafe_code)]

mod document;
mod explanation;
mod filter;
mod fusion;
mod limits;
mod location;
mod notes;
mod options;
mod passage;
mod query;
mod ranking;
mod rerank;
mod retrieve;
mod split;
mod time_limits;

pub use document::{Document, Metadata, MetadataValue, Section};
pub use explanation::{Bm25Explanation, Bm25Term, Explanation};
pub use filter::Filter;
pub use fusion::{Fusion, FusionPolicy, ParseFusionError, StageScores};
pub use limits::Limits;
pub use location::{Location, Locations};
pub use notes::{PrefixNote, QueryNotes, SpellingSuggestion};
pub use passage::{DocumentKey, Passage};
pub use query::{Clause, Query, QueryField};
pub use ranking::{NonFiniteScore, Ranked, Ranking, TieBreak};
pub use rerank::{RerankScore, Reranker};
pub use retrieve::{
    Candidate, CandidateKey, Matched, QuerySyntax, Retrieval, RetrieveRequest, Retriever,
};
pub use split::{SplitOptions, estimated_tokens, split};
pub use time_limits::{CancelHandle, TimeLimits};

/// The error type of the two traits: whatever the implementation reports, kept as the source of the engine's error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
