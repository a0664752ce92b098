//! Globs for the paths of documents.

use std::borrow::Cow;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, ErrorKind, Result};

/// Globs, at least one of which a path must match. How accented letters are composed does not matter, since systems and
/// keyboards differ in it.
#[derive(Debug)]
pub(crate) struct PathGlobs(GlobSet);

impl PathGlobs {
    pub(crate) fn is_match(&self, path: &str) -> bool {
        self.0.is_match(&*composed(path))
    }
}

/// Globs for paths; `None` lets every path pass. A pattern that is not rooted matches from any folder.
pub(crate) fn path_globs(patterns: &[String]) -> Result<Option<PathGlobs>> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let unfit = |error: globset::Error| {
        Error::new(ErrorKind::InvalidInput, format!("cannot read the path filter: {error}"))
            .with_source(error)
    };
    let compile = |pattern: &str| -> std::result::Result<Glob, globset::Error> {
        let anchored = pattern.starts_with('/') || pattern.starts_with("**");
        let pattern = if anchored {
            pattern.to_owned()
        } else {
            format!("**/{}", pattern.trim_start_matches("./"))
        };
        GlobBuilder::new(&composed(&pattern)).literal_separator(true).build()
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(compile(pattern).map_err(unfit)?);
    }
    set.build().map(PathGlobs).map(Some).map_err(unfit)
}

/// A path in Unicode's composed form (NFC).
fn composed(path: &str) -> Cow<'_, str> {
    if path.is_ascii() { path.into() } else { path.nfc().collect::<String>().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_glob_may_begin_anywhere() {
        let globs = |pattern: &str| path_globs(&[pattern.to_owned()]).unwrap().unwrap();
        assert!(globs("docs/*.md").is_match("/home/a/docs/x.md"));
        assert!(!globs("docs/*.md").is_match("/home/a/docs/b/x.md"));
        assert!(globs("docs/**/*.md").is_match("/home/a/docs/b/x.md"));
        assert!(!globs("/docs/*").is_match("/home/docs/x"));
        let (composed, decomposed) = ("/notes/M\u{fc}nchen.md", "/notes/Mu\u{308}nchen.md");
        for pattern in ["M\u{fc}nchen.md", "Mu\u{308}nchen.md", "M\u{fc}*", "/notes/Mu\u{308}*.md"]
        {
            assert!(globs(pattern).is_match(composed) && globs(pattern).is_match(decomposed));
        }
        assert!(path_globs(&["a[".into()]).unwrap_err().to_string().contains("a["));
    }
}
