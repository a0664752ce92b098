//! Pulls a model from a hub into the cache: which of its files are needed, then all of them at one commit.

use std::path::PathBuf;

use vizsla_hub::catalogue::File;
use vizsla_hub::{Hub, Progress};
use vizsla_onnx::best_file;

use crate::error::{Error, ErrorKind, Result};
use crate::model_ref::ModelRef;
use crate::resolve::Models;

/// The files that every model needs, and one that it may have.
pub(crate) const REQUIRED: [&str; 2] = ["config.json", "tokenizer.json"];
const OPTIONAL: &str = "tokenizer_config.json";

/// What [`Models::pull`] fetched.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PulledModel {
    /// The folder that holds the files.
    pub dir: PathBuf,
    /// The commit that they belong to.
    pub commit: String,
    /// Their paths in it.
    pub files: Vec<String>,
    /// How many bytes came over the network.
    pub fetched_bytes: u64,
}

impl Models {
    /// Fetches a model's descriptions and its ONNX file for this processor, or the `named` files instead of that one. Asks
    /// the hub which files there are, unless the catalogue knows. Cost: the download.
    ///
    /// # Errors
    /// Those of [`repository`](Self::repository), [`ErrorKind::Hub`] when the hub does not provide the files, and
    /// [`ErrorKind::Incomplete`] when the model lacks one that is needed.
    pub fn pull(
        &self,
        hub: &Hub,
        model: &ModelRef,
        named: &[String],
        progress: &dyn Progress,
    ) -> Result<PulledModel> {
        let failed =
            |error| Error::hub(format!("cannot pull the model {model}"), error).about(model);
        let (repository, entry) = self.repository(model)?;
        let cache = self.cache()?;
        let known = entry.map(|entry| entry.files).filter(|files| !files.is_empty());
        let available = match known {
            Some(files) => files,
            None => hub.files(&repository).map_err(failed)?.files,
        };
        let wanted = choose_files(&available, named).map_err(|error| {
            let message = format!("{repository} cannot be used for reranking");
            Error::new(error.kind(), message).about(model).with_source(error)
        })?;
        let pulled = hub.pull(cache, &repository, &wanted, progress).map_err(failed)?;
        Ok(PulledModel {
            dir: pulled.snapshot,
            commit: pulled.commit,
            files: wanted.into_iter().map(|file| file.path).collect(),
            fetched_bytes: pulled.fetched_bytes,
        })
    }
}

/// Which files of a repository a reranker needs: its descriptions and the ONNX file for this processor, or those
/// `named` instead of that one.
///
/// # Errors
/// [`ErrorKind::Incomplete`] when one of them is not there, or none of the ONNX files can run on a CPU.
pub fn choose_files(available: &[File], named: &[String]) -> Result<Vec<File>> {
    let incomplete = |message: String| Error::new(ErrorKind::Incomplete, message);
    let find = |path: &str| available.iter().find(|file| file.path == path).cloned();
    let mut wanted = Vec::new();
    for path in REQUIRED {
        wanted.push(find(path).ok_or_else(|| incomplete(format!("it has no {path}")))?);
    }
    wanted.extend(find(OPTIONAL));
    let onnx: Vec<&str> = available
        .iter()
        .map(|file| file.path.as_str())
        .filter(|path| {
            path.ends_with(".onnx") && (path.starts_with("onnx/") || !path.contains('/'))
        })
        .collect();
    if named.is_empty() {
        let best = best_file(&onnx).ok_or_else(|| {
            incomplete(
                "it has no ONNX file for a CPU: export it with `optimum-cli export onnx --task text-classification` and use \
                 the folder"
                    .to_owned(),
            )
        })?;
        wanted.extend(find(best));
    }
    for path in named {
        let missing = || incomplete(format!("it has no file {path}; it has {}", onnx.join(", ")));
        wanted.push(find(path).ok_or_else(missing)?);
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Vec<File> {
        let file =
            |path: &&str| serde_json::from_value(serde_json::json!({ "path": path })).unwrap();
        paths.iter().map(file).collect()
    }

    fn chosen(paths: &[&str], named: &[&str]) -> Result<Vec<String>> {
        let named: Vec<String> = named.iter().map(ToString::to_string).collect();
        let chosen = choose_files(&files(paths), &named)?;
        Ok(chosen.into_iter().map(|file| file.path).collect())
    }

    #[test]
    fn one_onnx_file_comes_with_the_descriptions() {
        let all =
            ["README.md", "config.json", "tokenizer.json", "onnx/model.onnx", "onnx/model_O4.onnx"];
        let found = chosen(&all, &[]).unwrap();
        assert_eq!(found, ["config.json", "tokenizer.json", "onnx/model.onnx"]);
        let found = chosen(&all, &["onnx/model_O4.onnx"]).unwrap();
        assert_eq!(found, ["config.json", "tokenizer.json", "onnx/model_O4.onnx"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let message = |paths: &[&str], named: &[&str]| {
            let error = chosen(paths, named).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Incomplete);
            error.to_string()
        };
        assert!(message(&["config.json"], &[]).contains("tokenizer.json"));
        let described = ["config.json", "tokenizer.json", "onnx/model_fp16.onnx"];
        assert!(message(&described, &[]).contains("optimum-cli"));
        assert!(message(&described, &["x.onnx"]).contains("it has onnx/model_fp16.onnx"));
    }
}
