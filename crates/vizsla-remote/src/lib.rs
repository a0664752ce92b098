//! Other people's search engines as a first stage, and as a place to index to.
//!
//! In: an [`Address`] such as `opensearch+https://search.example:9200/notes`. Out: a [`Retriever`](vizsla::Retriever)
//! over it, and a [`Collection`](vizsla::Collection) that sources are kept in sync with. The second stage and fusion stay
//! with the caller.
//!
//! ```no_run
//! use vizsla::{Engine, Fusion, SearchRequest};
//! use vizsla_remote::{Address, Remote};
//!
//! # fn main() -> Result<(), vizsla::Error> {
//! let address: Address = "opensearch+http://localhost:9200/notes".parse()?;
//! let remote = Remote::open(&address)?;
//! let engine = Engine::new(remote.retriever()?).with_fusion(Fusion::Retrieval);
//! let response = engine.search(&SearchRequest::new("which dog retrieves?"))?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything is blocking. No secret is part of an address, of an error or of what `Debug` prints.

#![forbid(unsafe_code)]

mod address;
mod answer;
mod backend;
mod collection;
mod details;
mod elastic;
mod engine;
#[cfg(test)]
mod fake;
mod fields;
mod glob;
mod http;
mod layout;
mod lease;
mod query;
mod quickwit;
mod record;
mod remote;
mod retriever;
mod secret;
mod solr;
#[cfg(any(feature = "postgresql", feature = "sqlite"))]
mod sql;
mod writer;

pub use address::{Address, EngineKind};
pub use collection::RemoteCollection;
pub use remote::Remote;
pub use secret::Secret;
