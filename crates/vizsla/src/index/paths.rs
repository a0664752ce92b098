//! Globs for the paths of documents.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::error::{Error, ErrorKind, Result};

/// Globs for paths; `None` lets every path pass. A pattern that is not rooted matches from any folder.
pub(crate) fn path_globs(patterns: &[String]) -> Result<Option<GlobSet>> {
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
        GlobBuilder::new(&pattern).literal_separator(true).build()
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(compile(pattern).map_err(unfit)?);
    }
    set.build().map(Some).map_err(unfit)
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
        assert!(path_globs(&["a[".into()]).unwrap_err().to_string().contains("a["));
    }
}
