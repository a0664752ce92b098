//! The format of a file, and the version of this crate's reader for that format.

/// How the bytes of a file are interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Text without further structure, source code included.
    Text,
    /// Markdown, with its headings.
    Markdown,
    /// reStructuredText, with its headings.
    ReStructuredText,
    /// HTML: the main text, without navigation, scripts and the like.
    Html,
    /// Comma- or tab-separated values: one document per row.
    Table,
    /// A JSON value: a list of records yields one document each, anything else yields one.
    Json,
    /// One JSON record per line, one document each.
    JsonLines,
}

impl Format {
    /// The format indicated by the extension of `name`; [`Format::Text`] for an unknown one.
    pub fn of(name: &str) -> Self {
        let extension =
            crate::output::file_name(name).rsplit_once('.').map(|(_, extension)| extension);
        match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
            "md" | "markdown" | "mdx" | "mkd" => Self::Markdown,
            "rst" | "rest" => Self::ReStructuredText,
            "html" | "htm" | "xhtml" => Self::Html,
            "csv" | "tsv" => Self::Table,
            "json" => Self::Json,
            "jsonl" | "ndjson" => Self::JsonLines,
            _ => Self::Text,
        }
    }

    /// A name for storage, stable between releases.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::ReStructuredText => "rst",
            Self::Html => "html",
            Self::Table => "table",
            Self::Json => "json",
            Self::JsonLines => "jsonl",
        }
    }

    /// The version of this format's reader. It is raised when the same bytes yield different documents than before, so
    /// that files read by an older version can be read again.
    pub fn version(self) -> u32 {
        match self {
            Self::Text => crate::plain::VERSION,
            Self::Markdown => crate::markdown::VERSION,
            Self::ReStructuredText => crate::rst::VERSION,
            Self::Html => crate::html::VERSION,
            Self::Table => crate::table::VERSION,
            Self::Json => crate::json::VERSION,
            Self::JsonLines => crate::jsonl::VERSION,
        }
    }

    /// Whether the file is read record by record, so that it may have any size and limits apply to each record.
    pub fn is_streamed(self) -> bool {
        self == Self::JsonLines
    }
}

/// Identifies what read a file: stored with the file's record, and compared when the file is seen again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// Name of the format, or `binary`.
    pub name: &'static str,
    /// Version of its reader.
    pub version: u32,
}

impl Reader {
    /// Stored for a file that was found not to be text. Its version is raised when a format formerly rejected as binary
    /// becomes readable.
    pub const BINARY: Self = Self { name: "binary", version: 1 };

    /// The current reader of a format.
    pub fn of(format: Format) -> Self {
        Self { name: format.name(), version: format.version() }
    }

    /// Whether the file `file` would still be read by the reader stored as `name` and `version`.
    pub fn is_current(file: &str, name: &str, version: u32) -> bool {
        let present =
            if name == Self::BINARY.name { Self::BINARY } else { Self::of(Format::of(file)) };
        (present.name, present.version) == (name, version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_indicate_formats() {
        assert_eq!(Format::of("a.b/README.MD"), Format::Markdown);
        assert_eq!(Format::of("a.md/README"), Format::Text);
        assert_eq!(Format::of("C:\\x\\t.TSV"), Format::Table);
    }

    #[test]
    fn a_file_is_read_again_when_its_reader_has_changed() {
        let html = Reader::of(Format::Html);
        assert!(Reader::is_current("a.html", html.name, html.version));
        assert!(!Reader::is_current("a.html", html.name, html.version - 1));
        assert!(!Reader::is_current("a.html", "text", Format::Text.version()));
        assert!(Reader::is_current("a.bin", "binary", Reader::BINARY.version));
        assert!(!Reader::is_current("a.bin", "binary", 0));
    }
}
