//! Which passages may be candidates.

/// Restricts which passages may be candidates. Applied before the cut at depth, never after. The default lets
/// everything pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Filter {
    /// Globs, at least one of which the document's path must match (`**`, `*`, `?`, `[a-z]`, `{a,b}`).
    pub paths: Vec<String>,
    /// Globs, at least one of which the path must match as well: those of the types of file that are asked for.
    pub names: Vec<String>,
    /// File extensions without the dot, one of which the document must have; case does not matter.
    pub extensions: Vec<String>,
    /// Metadata name-value pairs, all of which must match.
    pub metadata: Vec<(String, String)>,
    /// Changed at or after this time, in seconds since 1970.
    pub modified_from: Option<i64>,
    /// Changed before this time, in seconds since 1970.
    pub modified_until: Option<i64>,
}

impl Filter {
    /// The number of values, of all kinds together.
    pub fn values(&self) -> usize {
        self.paths.len() + self.names.len() + self.extensions.len() + self.metadata.len()
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds a path glob; a passage must match at least one.
    pub fn with_path(mut self, glob: impl Into<String>) -> Self {
        self.paths.push(glob.into());
        self
    }

    /// Adds a glob for names; a passage must match at least one, besides one for paths.
    pub fn with_name(mut self, glob: impl Into<String>) -> Self {
        self.names.push(glob.into());
        self
    }

    /// Adds a file extension; a passage must have one of those given.
    pub fn with_extension(mut self, extension: impl Into<String>) -> Self {
        self.extensions.push(extension.into());
        self
    }

    /// Adds a metadata name and value that must match.
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((name.into(), value.into()));
        self
    }

    /// Restricts the time of the last change to `[from, until)`, in seconds since 1970; `None` leaves that end open.
    pub fn with_modified(mut self, from: Option<i64>, until: Option<i64>) -> Self {
        (self.modified_from, self.modified_until) = (from, until);
        self
    }
}
