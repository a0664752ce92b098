//! Shared by the tests of this crate: ONNX Runtime, and small models.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::{ErrorKind, Runtime};

/// The process's ONNX Runtime. The first attempt to load it always names a missing file, so that every test using this
/// also checks that a failure is not remembered.
fn loaded() -> &'static (String, Runtime) {
    static LOADED: OnceLock<(String, Runtime)> = OnceLock::new();
    LOADED.get_or_init(|| {
        let error = Runtime::load(Path::new("/nothing-here.so")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Runtime);
        let path = vizsla_hub::runtime::locate(None).unwrap();
        (error.to_string(), Runtime::load(&path).unwrap())
    })
}

pub(crate) fn runtime() -> Runtime {
    loaded().1
}

/// The error from the attempt with the wrong path.
pub(crate) fn runtime_error_before() -> &'static str {
    &loaded().0
}

/// A folder of `index-fixtures/models`.
pub(crate) fn fixture(model: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../index-fixtures/models").join(model)
}
