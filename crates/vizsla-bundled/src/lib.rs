//! The compact cross-encoder that ships with Vizsla, as bytes: reranking works with nothing downloaded.
//!
//! The architecture, vocabulary and inputs are those of `cross-encoder/ms-marco-MiniLM-L6-v2`; the origin and quality
//! of the weights are in this crate's README. This crate has no dependencies.

#![forbid(unsafe_code)]

/// The model's name in reports.
pub const NAME: &str = "vizsla-compact-v2.1";
/// The ONNX graph with its weights, dynamic int8: inputs `input_ids`, `attention_mask`, `token_type_ids`
/// (int64, `[batch, sequence]`), output `logits` (f32, `[batch, 1]`).
pub const ONNX: &[u8] = include_bytes!("../model/model.onnx");
/// The WordPiece tokenizer, `tokenizer.json`.
pub const TOKENIZER: &[u8] = include_bytes!("../model/tokenizer.json");
/// The model's settings, `config.json`.
pub const CONFIG: &[u8] = include_bytes!("../model/config.json");
