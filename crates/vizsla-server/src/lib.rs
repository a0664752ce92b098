//! The engine over HTTP: reranking in the dialects that clients already speak, search as the program's own JSON, a page,
//! and the tools of the Model Context Protocol. The only crate that knows tokio.
//!
//! [`Server::bind`] takes the port and says where it listens; [`Server::run`] answers until it is told to stop.

#![forbid(unsafe_code)]

mod admission;
mod api;
mod elastic;
mod error;
mod facets;
mod folders;
mod guard;
mod integer;
mod lazy_reranker;
mod listen;
mod live;
mod mcp;
mod metrics;
mod names;
mod openapi;
mod options;
mod page;
mod rerank;
mod state;
mod whole_text;

pub use error::{Error, ErrorKind, Result};
pub use lazy_reranker::LazyReranker;
pub use listen::{Server, Stop};
pub use mcp::serve_mcp_stdio;
pub use options::{ServedIndex, ServerOptions};
