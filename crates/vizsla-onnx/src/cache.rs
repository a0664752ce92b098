//! A cache of scores. In: hashes of query and passage. Out: scores. Bounded, shared between threads.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use vizsla_core::RerankScore;

/// The most recently used scores. Each model has one cache, so the model is not part of the key.
pub(crate) struct ScoreCache(Mutex<LruCache<Key, RerankScore>>);

/// The hash of query and passage together.
pub(crate) type Key = [u8; 16];

impl ScoreCache {
    pub(crate) fn new(entries: NonZeroUsize) -> Self {
        Self(Mutex::new(LruCache::new(entries)))
    }

    /// Half of a BLAKE3 hash each: collisions are not to be expected.
    pub(crate) fn keys(query: &str, passages: &[&str]) -> Vec<Key> {
        let query = blake3::hash(query.as_bytes());
        let key = |passage: &&str| {
            let hash = blake3::keyed_hash(query.as_bytes(), passage.as_bytes());
            let mut key = Key::default();
            key.copy_from_slice(&hash.as_bytes()[..16]);
            key
        };
        passages.iter().map(key).collect()
    }

    /// The known scores, marked as cached.
    pub(crate) fn get(&self, keys: &[Key]) -> Vec<Option<RerankScore>> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|key| cache.get(key).map(|score| score.with_cached(true))).collect()
    }

    /// Stores fresh scores.
    pub(crate) fn put(&self, scores: impl Iterator<Item = (Key, RerankScore)>) {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, score) in scores {
            cache.put(key, score.with_cached(false));
        }
    }
}
