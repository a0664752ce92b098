//! What a search returns; serialized, it is the JSON that programs print.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vizsla_core::{Explanation, FusionPolicy, Location, Matched, Metadata, QueryNotes};

use super::copies::PassageCopy;
use super::snippet::Snippet;
use super::stages::Stages;

/// The answer to a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchResponse {
    /// The query, as given.
    pub query: String,
    /// Why the second stage is missing from this answer; `None` when it is not.
    pub degraded: Option<String>,
    /// How the rankings were combined.
    pub fusion: FusionPolicy,
    /// How many passages the query matched, where the retriever counts them.
    #[serde(default)]
    pub matched: Option<Matched>,
    /// Notes about the query; empty unless requested.
    #[serde(default)]
    pub notes: QueryNotes,
    /// What each stage did.
    pub stages: Stages,
    /// The hits, best first, one per document.
    pub hits: Vec<Hit>,
}

/// A document found, with its best passage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Hit {
    /// Rank in the answer, from 1.
    pub rank: usize,
    /// Id of the document, unique among the documents of its file.
    pub doc_id: String,
    /// The file it was read from.
    pub path: Option<String>,
    /// Where in it the best passage is, for people to read: `page 12 (iv)`.
    #[serde(default)]
    pub place: String,
    /// The URL that opens the file, at that place where programs that show such files understand it; for a file that is
    /// inside another one, the outer one.
    #[serde(default)]
    pub link: Option<String>,
    /// Its title; empty when it has none.
    pub title: String,
    /// The fused score. Its scale depends on the fusion; it is not comparable between queries.
    pub score: f32,
    /// The scores and ranks of both stages.
    pub scores: HitScores,
    /// The best passage.
    pub passage: HitPassage,
    /// Passages of other documents that say the same, when they were to be folded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<PassageCopy>,
    /// The document's metadata.
    #[serde(serialize_with = "metadata_out", deserialize_with = "metadata_in")]
    pub metadata: Arc<Metadata>,
    /// How the first-stage score was computed, when requested and known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// The scores and ranks of both stages for the passage shown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HitScores {
    /// First-stage score.
    #[serde(alias = "bm25")]
    pub retrieval: f32,
    /// Rank among the candidate passages by the first stage, from 1.
    #[serde(alias = "bm25_rank")]
    pub retrieval_rank: u32,
    /// The cross-encoder's raw output.
    pub rerank_logit: Option<f32>,
    /// Sigmoid of the logit.
    pub rerank_probability: Option<f32>,
    /// Rank among the candidate passages by the cross-encoder, from 1.
    pub rerank_rank: Option<u32>,
    /// Tokens that the cross-encoder read, where it counts them.
    pub rerank_tokens: Option<u32>,
    /// The number of windows in which the cross-encoder read the passage; the logit is the best of theirs.
    pub rerank_windows: Option<u32>,
}

/// The passage shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HitPassage {
    /// Its text.
    pub text: String,
    /// The headings it is under, outermost first.
    pub headings: Vec<String>,
    /// Which passage of the document it is, from 0.
    pub ordinal: u32,
    /// Where it is found in the source.
    pub location: Location,
    /// Offset of its first byte in the document's text.
    pub start_byte: u64,
    /// Offset just past its last byte.
    pub end_byte: u64,
    /// Byte ranges of `text`, `[start, end)`, that match words of the query.
    pub highlights: Vec<[usize; 2]>,
    /// Byte range of the part of `text` that the second stage was given, with title and headings; `None` for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<[usize; 2]>,
    /// The sentence that answers, with a line around it: what to show where there is no room for all of the passage.
    pub snippet: Snippet,
    /// Whether the cross-encoder could not read all of it.
    pub truncated: bool,
}

impl HitPassage {
    /// The sentence that answers, with so many lines before and after it.
    pub fn snippet_with(&self, context: usize) -> Snippet {
        let [from, to] = self.snippet.sentence.map(|at| at.saturating_add(self.snippet.start));
        let sentence = self.text.get(from..to).map_or(0..self.text.len(), |_| from..to);
        let place = |_| self.snippet.location.clone();
        Snippet::of(&self.text, &self.highlights, sentence, place, context)
    }
}

fn metadata_out<S: Serializer>(metadata: &Metadata, serializer: S) -> Result<S::Ok, S::Error> {
    metadata.serialize(serializer)
}

fn metadata_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Metadata>, D::Error> {
    Metadata::deserialize(deserializer).map(Arc::new)
}
