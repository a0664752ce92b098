//! Hints, by kind of error: the libraries say what went wrong, but only the program knows its own commands.

use std::error::Error;

use vizsla_ingest::{Problem, ProblemKind};
use vizsla_models::ModelRef;

/// The hints for an error and its causes, each once.
pub(crate) fn of(error: &anyhow::Error) -> Vec<String> {
    let mut hints = Vec::new();
    for cause in error.chain() {
        let hint = index_hint(cause)
            .or_else(|| model_hint(cause))
            .or_else(|| hub_hint(cause))
            .or_else(|| onnx_hint(cause));
        if let Some(hint) = hint.filter(|hint| !hints.contains(hint)) {
            hints.push(hint);
        }
    }
    hints
}

/// What to do about a problem with a file.
pub(crate) fn remedy(problem: &Problem) -> Option<&'static str> {
    let says = |words: &str| problem.reason.contains(words);
    Some(match problem.kind {
        ProblemKind::Unreadable if says("its name is not") => "rename it to have it read",
        ProblemKind::Emptied => "--prune removes them and forgets a source that is gone",
        ProblemKind::AllIgnored => "--hidden and --no-ignore include them",
        ProblemKind::TooLarge if says("limit of") || says("of text allowed") => {
            "--max-file-size raises it"
        }
        ProblemKind::NoText | ProblemKind::Binary if says("picture") => {
            "--ocr reads pictures of text"
        }
        ProblemKind::Malformed
            if (says("damaged") || says("is missing") || says("cut off"))
                && !says("copy it again") =>
        {
            "copy it again from where it came"
        }
        ProblemKind::UnreadableText => "--ocr reads its pages as pictures",
        ProblemKind::TimedOut => "--extract-timeout allows more time",
        ProblemKind::Died if says("out of memory") => {
            "--extract-memory with --retry-failed allows more memory"
        }
        _ => return None,
    })
}

fn index_hint(cause: &(dyn Error + 'static)) -> Option<String> {
    use vizsla::ErrorKind;
    let hint = match cause.downcast_ref::<vizsla::Error>()?.kind() {
        ErrorKind::Corrupt => {
            "`vizsla check` says where an index is damaged, `vizsla repair` repairs it"
        }
        ErrorKind::FormatVersion => "`vizsla index` builds a new index from the same sources",
        ErrorKind::NoReranker => "--fusion bm25 searches without a reranker",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn model_hint(cause: &(dyn Error + 'static)) -> Option<String> {
    use vizsla_models::ErrorKind;
    let error = cause.downcast_ref::<vizsla_models::Error>()?;
    let name = error.model().map_or_else(|| "NAME".to_owned(), ModelRef::to_string);
    match error.kind() {
        ErrorKind::NotHere => Some(format!("fetch it with `vizsla model pull {name}`")),
        ErrorKind::UnknownModel => {
            Some("`vizsla model list` shows the models known by name".to_owned())
        }
        _ => None,
    }
}

fn hub_hint(cause: &(dyn Error + 'static)) -> Option<String> {
    use vizsla_hub::ErrorKind;
    let hint = match cause.downcast_ref::<vizsla_hub::Error>()?.kind() {
        ErrorKind::NotInstalled => RUNTIME,
        ErrorKind::UnsupportedPlatform => {
            "`vizsla setup --from PATH` installs a library that was built here"
        }
        ErrorKind::Fetch | ErrorKind::Offline => {
            "files obtained by other means can be used: a model with `vizsla model import`, ONNX Runtime with \
             `vizsla setup --from PATH`"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn onnx_hint(cause: &(dyn Error + 'static)) -> Option<String> {
    let error = cause.downcast_ref::<vizsla::onnx::Error>()?;
    (error.kind() == vizsla::onnx::ErrorKind::Runtime).then(|| RUNTIME.to_owned())
}

const RUNTIME: &str = "`vizsla setup` installs ONNX Runtime; ORT_DYLIB_PATH or --onnxruntime names an existing library";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_looked_at_and_each_hint_given_once() {
        let model: ModelRef = "org/tiny".parse().unwrap();
        let models = vizsla_models::Models::new("/nowhere");
        let error = anyhow::Error::from(models.dir(&model).unwrap_err()).context("cannot rerank");
        assert_eq!(of(&error), ["fetch it with `vizsla model pull org/tiny`"]);
        let missing = vizsla_hub::runtime::locate(Some("/nowhere.so".as_ref())).unwrap_err();
        assert_eq!(of(&missing.into()), [RUNTIME]);
        assert!(of(&anyhow::anyhow!("something else")).is_empty());
    }
}
