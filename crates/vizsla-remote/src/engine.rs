//! What an engine must be able to do to be searched: each has a folder of its own that does it.

use std::fmt;

use serde_json::Value;
use vizsla::{Error, TimeLimits};

use crate::address::Address;
use crate::answer::{Answer, Key};
use crate::layout::Layout;
use crate::query::Clauses;

/// What an engine must be able to do to be searched. Everything else about searching is the same for all of them.
pub(crate) trait Engine: fmt::Debug + Send + Sync {
    fn address(&self) -> &Address;

    fn clauses(&self) -> &dyn Clauses;

    /// Whether its details have marks around what the query has found.
    fn highlights(&self) -> bool {
        true
    }

    /// The best of what matches, with what passages are made of.
    fn search(
        &self,
        layout: &Layout,
        query: &Value,
        depth: usize,
        time: &TimeLimits,
    ) -> Result<Answer, Error>;

    /// Whether anything matches.
    fn has(&self, layout: &Layout, query: &Value, time: &TimeLimits) -> Result<bool, Error>;

    /// What only hits need of the documents with these ids: their metadata, and the text with marks around what the query
    /// has found.
    fn details(
        &self,
        layout: &Layout,
        query: &Value,
        ids: &[&str],
        time: &TimeLimits,
    ) -> Result<Answer, Error>;

    /// How the score of a document came about, if the engine can tell.
    fn explain(
        &self,
        layout: &Layout,
        query: &Value,
        key: &Key,
        time: &TimeLimits,
    ) -> Result<Option<String>, Error>;
}
