//! The only file in the crate that reads the environment.

#![expect(
    clippy::disallowed_methods,
    reason = "this crate finds what the user's environment names"
)]

use std::env;
use std::path::PathBuf;

/// A variable that names a path, unless it is empty.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// A variable that is text, unless it is blank.
#[cfg(feature = "fetch")]
pub(crate) fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}
