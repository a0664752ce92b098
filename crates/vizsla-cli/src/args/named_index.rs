//! An index under a name, for those who serve several.

use std::convert::Infallible;
use std::path::PathBuf;

/// An index as it is named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedIndex {
    pub(crate) name: Option<String>,
    pub(crate) dir: PathBuf,
}

/// Reads `NAME=DIR`, or a folder, which may have the sign in its name when there are slashes before it.
#[expect(clippy::unnecessary_wraps, reason = "the argument parser takes what may fail")]
pub(super) fn named_index(text: &str) -> Result<NamedIndex, Infallible> {
    Ok(match text.split_once('=') {
        Some((name, dir)) if !name.is_empty() && !name.contains(['/', '\\', '.']) => {
            NamedIndex { name: Some(name.to_owned()), dir: dir.into() }
        }
        _ => NamedIndex { name: None, dir: text.into() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_may_have_a_name() {
        let parsed = |text| {
            let NamedIndex { name, dir } = named_index(text).unwrap();
            (name, dir.display().to_string())
        };
        assert_eq!(parsed("notes=/a/b"), (Some("notes".to_owned()), "/a/b".to_owned()));
        assert_eq!(parsed("/a=b"), (None, "/a=b".to_owned()));
        assert_eq!(parsed("./a=b"), (None, "./a=b".to_owned()));
        assert_eq!(parsed("docs"), (None, "docs".to_owned()));
    }
}
