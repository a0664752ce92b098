//! What only hits need of documents, such as highlights and metadata: fetched on threads of their own, while candidates
//! are read. In: what engines know documents by. Out: the same documents with their details.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use serde_json::Value;
use vizsla::TimeLimits;

use crate::answer::{Hit, Key};
use crate::engine::Engine;
use crate::layout::Layout;

/// The details of one search.
#[derive(Default)]
pub(crate) struct Details {
    asked: HashSet<Key>,
    fetching: Vec<JoinHandle<Vec<Hit>>>,
    known: HashMap<Key, Arc<Hit>>,
}

/// Where the details are, and of which query.
pub(crate) struct Source<'a> {
    pub(crate) engine: &'a Arc<dyn Engine>,
    pub(crate) layout: &'a Arc<Layout>,
    pub(crate) query: &'a Arc<Value>,
    pub(crate) time: &'a TimeLimits,
}

impl Details {
    pub(crate) fn is_asked(&self, key: &Key) -> bool {
        self.asked.contains(key)
    }

    /// Begins to fetch those that were not asked for yet, in one request. When that fails there are none: the answer is
    /// as good without.
    pub(crate) fn ask<'k>(&mut self, keys: impl Iterator<Item = &'k Key>, source: &Source<'_>) {
        let keys: Vec<Key> =
            keys.filter(|key| self.asked.insert((*key).clone())).cloned().collect();
        if keys.is_empty() {
            return;
        }
        let (engine, layout) = (Arc::clone(source.engine), Arc::clone(source.layout));
        let (query, time) = (Arc::clone(source.query), source.time.clone());
        let fetch = move || {
            let ids: Vec<&str> = keys.iter().map(|(_, id)| id.as_str()).collect();
            engine
                .details(&layout, &query, &ids, &time)
                .map_or_else(|_| Vec::new(), |answer| answer.hits)
        };
        let thread = thread::Builder::new().name("vizsla-details".to_owned()).spawn(fetch);
        self.fetching.extend(thread);
    }

    /// The details of a document, waiting for what is being fetched.
    pub(crate) fn of(&mut self, key: &Key) -> Option<Arc<Hit>> {
        for thread in self.fetching.drain(..) {
            let hits = thread.join().unwrap_or_default().into_iter();
            self.known.extend(hits.map(|hit| (hit.key.clone(), Arc::new(hit))));
        }
        self.known.get(key).cloned()
    }
}
