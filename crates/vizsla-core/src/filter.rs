//! Which passages may be candidates at all.

/// Restricts which passages may be candidates. Applied before the cut at depth, never after. The default lets all pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Filter {
    /// Globs of which the document's path must match at least one (`**`, `*`, `?`, `[a-z]`, `{a,b}`).
    pub paths: Vec<String>,
    /// File extensions, without dot, of which the document's must be one; case does not matter.
    pub extensions: Vec<String>,
    /// Pairs of metadata name and value that must all match.
    pub metadata: Vec<(String, String)>,
    /// Changed at this second since 1970 or later.
    pub modified_from: Option<i64>,
    /// Changed before this second since 1970.
    pub modified_until: Option<i64>,
}

impl Filter {
    /// How many values it has, all kinds together.
    pub fn values(&self) -> usize {
        self.paths.len() + self.extensions.len() + self.metadata.len()
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds a glob for the path; a passage must match one of them.
    pub fn with_path(mut self, glob: impl Into<String>) -> Self {
        self.paths.push(glob.into());
        self
    }

    /// Adds an extension; a passage must have one of them.
    pub fn with_extension(mut self, extension: impl Into<String>) -> Self {
        self.extensions.push(extension.into());
        self
    }

    /// Adds a name and value that must match.
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((name.into(), value.into()));
        self
    }

    /// Restricts the time of the last change to `[from, until)`, in seconds since 1970; `None` leaves an end open.
    pub fn with_modified(mut self, from: Option<i64>, until: Option<i64>) -> Self {
        (self.modified_from, self.modified_until) = (from, until);
        self
    }
}
