//! One file per verb.

pub(crate) mod check;
pub(crate) mod delete;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod extract;
pub(crate) mod generated;
pub(crate) mod index;
pub(crate) mod info;
#[cfg(feature = "serve")]
pub(crate) mod mcp;
pub(crate) mod model;
pub(crate) mod rerank;
pub(crate) mod search;
#[cfg(feature = "serve")]
pub(crate) mod serve;
pub(crate) mod setup;
pub(crate) mod tune;
pub(crate) mod watch;
