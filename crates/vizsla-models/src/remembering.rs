//! A reranker that remembers its scores in a file and opens its model only for passages that are not there.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::UNIX_EPOCH;

use vizsla_core::{BoxError, RerankScore, Reranker, TimeLimits};
use vizsla_onnx::{CrossEncoder, CrossEncoderOptions, processor_features};

use crate::error::Result;
use crate::model_ref::ModelRef;
use crate::resolve::Models;
use crate::score_file::{Key, ScoreFile};

/// A model whose scores outlive the program: a question asked again is answered without opening the model. Scores of other
/// models, files, devices and instruction sets are told apart. The file is bounded to some 2 MiB, of which the newest
/// scores stay, and may be deleted at any time; one that cannot be written is done without.
pub struct RememberingReranker {
    models: Models,
    model: ModelRef,
    options: CrossEncoderOptions,
    name: String,
    opened: OnceLock<CrossEncoder>,
    opening: Mutex<()>,
    /// Hashed with each query.
    identity: blake3::Hash,
    file: Mutex<ScoreFile>,
}

impl fmt::Debug for RememberingReranker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RememberingReranker").field("name", &self.name).finish_non_exhaustive()
    }
}

impl RememberingReranker {
    /// A model that is opened, as [`Models::open`] does, when it is first needed. Cost: reading the file.
    pub fn new(
        models: Models,
        model: ModelRef,
        options: CrossEncoderOptions,
        file: impl Into<PathBuf>,
    ) -> Self {
        Self {
            name: model.to_string(),
            identity: identity(&models, &model, &options),
            opened: OnceLock::new(),
            opening: Mutex::new(()),
            file: Mutex::new(ScoreFile::open(file)),
            models,
            model,
            // What is in the file is in memory, too.
            options: options.with_cache(0),
        }
    }

    fn open(&self) -> Result<&CrossEncoder> {
        let _one_at_a_time = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = self.models.open(&self.model, &self.options)?;
        Ok(self.opened.get_or_init(|| opened))
    }

    fn keys(&self, query: &str, passages: &[&str]) -> Vec<Key> {
        let query = blake3::keyed_hash(self.identity.as_bytes(), query.as_bytes());
        let key = |passage: &&str| {
            let hash = blake3::keyed_hash(query.as_bytes(), passage.as_bytes());
            let mut key = Key::default();
            key.copy_from_slice(&hash.as_bytes()[..16]);
            key
        };
        passages.iter().map(key).collect()
    }
}

impl Reranker for RememberingReranker {
    fn name(&self) -> &str {
        &self.name
    }

    fn score(
        &self,
        query: &str,
        passages: &[&str],
    ) -> std::result::Result<Vec<RerankScore>, BoxError> {
        let scores = self.score_with_limits(query, passages, &TimeLimits::default())?;
        scores
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(|| "the model skipped a passage".into())
    }

    fn score_with_limits(
        &self,
        query: &str,
        passages: &[&str],
        limits: &TimeLimits,
    ) -> std::result::Result<Vec<Option<RerankScore>>, BoxError> {
        let keys = self.keys(query, passages);
        let mut scores: Vec<Option<RerankScore>> = {
            let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            keys.iter().map(|key| file.get(key)).collect()
        };
        let missing: Vec<usize> = (0..scores.len()).filter(|at| scores[*at].is_none()).collect();
        if missing.is_empty() {
            return Ok(scores);
        }
        let texts: Vec<&str> = missing.iter().map(|at| passages[*at]).collect();
        let found = self.open()?.score_with_limits(query, &texts, limits)?;
        let mut fresh = Vec::new();
        for (at, score) in missing.into_iter().zip(found) {
            scores[at] = score;
            fresh.extend(score.map(|score| (keys[at], score.with_cached(false))));
        }
        // A folder that cannot be written to has no memory.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = file.add(&fresh);
        Ok(scores)
    }
}

/// All that scores depend on besides query and passage.
fn identity(models: &Models, model: &ModelRef, options: &CrossEncoderOptions) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(env!("CARGO_PKG_VERSION"));
    part(&model.to_string());
    part(&format!("{:?} {:?}", options.device(), options.file()));
    part(&processor_features().join(" "));
    if *model == ModelRef::Bundled {
        part(&format!("{} {}", vizsla_bundled::NAME, vizsla_bundled::ONNX.len()));
    } else if let Ok(dir) = models.dir(model) {
        part(&format!("{} {:?}", dir.display(), models.file_choices().of(&dir)));
        [dir.clone(), dir.join("onnx")]
            .iter()
            .flat_map(|dir| files(dir))
            .for_each(|file| part(&file));
    }
    hasher.finalize()
}

/// Names, sizes and times of the files in a folder.
fn files(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let described = entries.flatten().filter_map(|entry| {
        // Files of the hub's cache are links.
        let metadata = fs::metadata(entry.path()).ok()?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let name = entry.file_name();
        Some(format!("{} {} {}", name.display(), metadata.len(), modified.as_nanos()))
    });
    let mut described: Vec<String> = described.collect();
    described.sort_unstable();
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_asked_again_opens_no_model() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores");
        let passages = ["Berlin has 3,520,031 inhabitants.", "Berlin has museums."];
        let open = |models| {
            let options = CrossEncoderOptions::default().with_cache(0);
            RememberingReranker::new(models, ModelRef::Bundled, options, &path)
        };
        let fresh = open(Models::from_env()).score("how many live in Berlin", &passages).unwrap();
        assert!(fresh[0].logit > fresh[1].logit && !fresh[0].cached);
        // No library, so that opening would fail.
        let again = open(Models::default().with_runtime("/nowhere.so"));
        let known = again.score("how many live in Berlin", &passages).unwrap();
        let marked: Vec<RerankScore> = fresh.iter().map(|score| score.with_cached(true)).collect();
        assert_eq!(known, marked);
        assert!(again.opened.get().is_none());
        let error = again.score("how many live in Paris", &passages).unwrap_err();
        assert!(error.to_string().contains("ONNX Runtime"), "{error}");
    }

    #[test]
    fn other_files_of_a_model_are_another_model() {
        let folder = tempfile::tempdir().unwrap();
        let model: ModelRef = folder.path().to_str().unwrap().parse().unwrap();
        let now = || identity(&Models::default(), &model, &CrossEncoderOptions::default());
        let empty = now();
        fs::create_dir(folder.path().join("onnx")).unwrap();
        fs::write(folder.path().join("onnx/model.onnx"), "abc").unwrap();
        let (first, again) = (now(), now());
        fs::write(folder.path().join("onnx/model.onnx"), "abcd").unwrap();
        assert!(empty != first && first == again && first != now());
    }
}
