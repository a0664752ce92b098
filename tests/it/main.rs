//! Integration tests: the program, and the libraries through their public interfaces.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot continue should stop where it is"
)]

mod beside;
mod durability;
#[cfg(feature = "engines")]
mod engines;
mod errors;
mod eval;
mod filters;
mod first_stage;
mod formats;
mod hub;
mod index;
#[cfg(feature = "serve")]
mod integrations;
mod isolation;
mod library;
#[cfg(feature = "serve")]
mod load;
#[cfg(feature = "serve")]
mod mcp;
mod models;
mod nearest;
#[cfg(feature = "engines")]
mod paradedb;
mod reading;
mod readme;
mod relevance;
mod rooms;
mod runtime;
mod search;
#[cfg(feature = "serve")]
mod serve;
#[cfg(feature = "serve")]
mod serving;
mod stages;
mod store;
mod support;
mod sync;
mod tidy;
