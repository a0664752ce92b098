//! What tests share: temporary folders, the program, the bundled reranker.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use vizsla::onnx::{CrossEncoder, CrossEncoderOptions, ModelBytes, Runtime};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A path below `index-fixtures`.
pub(crate) fn fixture(path: &str) -> PathBuf {
    root().join("index-fixtures").join(path)
}

pub(crate) fn runtime() -> Runtime {
    Runtime::load(&vizsla_hub::runtime::locate(None).unwrap()).unwrap()
}

/// The bundled model, loaded once for all tests.
pub(crate) fn bundled() -> Arc<CrossEncoder> {
    static LOADED: OnceLock<Arc<CrossEncoder>> = OnceLock::new();
    LOADED.get_or_init(|| Arc::new(bundled_with(&CrossEncoderOptions::default()))).clone()
}

pub(crate) fn bundled_with(options: &CrossEncoderOptions) -> CrossEncoder {
    use vizsla_bundled::{CONFIG, NAME, ONNX, TOKENIZER};
    CrossEncoder::from_bytes(
        runtime(),
        ModelBytes::from_static(NAME, ONNX, TOKENIZER, CONFIG),
        options,
    )
    .unwrap()
}

/// A folder to work in, removed at the end of the test.
pub(crate) struct Workspace(tempfile::TempDir);

/// What a run of the program left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        // The program reports canonical paths, and a temporary folder may be behind a link.
        self.0.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vizsla"));
        command
            .args(args)
            .current_dir(self.path(""))
            .env_remove("VIZSLA_INDEX")
            .env_remove("VIZSLA_MODEL");
        command
    }

    /// Runs the program here with nothing on standard input.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    /// Runs the program here with `input` on standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: impl AsRef<[u8]>) -> Ran {
        run(&mut self.command(args), input.as_ref())
    }

    /// Like `run`, for commands that must succeed.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {}{}", ran.out, ran.err);
        ran.out
    }

    /// Like `ok`, for output in JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(args)).unwrap()
    }

    /// Indexes the fixture documents, as a copy in `docs`, into `index`.
    pub(crate) fn with_documents(self) -> Self {
        copy_dir(&fixture("documents"), &self.path("docs"));
        self.ok(&["index", "docs", "--index", "index"]);
        self
    }
}

pub(crate) fn run(command: &mut Command, input: &[u8]) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that fails early does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(crate) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The ids of the hits of a response in JSON.
pub(crate) fn ids(response: &Value) -> Vec<String> {
    response["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["doc_id"].as_str().unwrap().to_owned())
        .collect()
}

/// The file names of the hits of a response in JSON.
pub(crate) fn names(response: &Value) -> Vec<String> {
    let name = |hit: &Value| hit["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    response["hits"].as_array().unwrap().iter().map(name).collect()
}
