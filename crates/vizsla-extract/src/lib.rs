//! The bytes of a file become documents.
//!
//! In: a name and bytes. Out: [`Document`]s, or why there are none. Nothing here touches a file system; walking folders,
//! limits of size and what to do about errors are the caller's.
//!
//! ```
//! let page = b"# Pointing\nA pointer points.\n";
//! let documents = vizsla_extract::extract("dogs/pointer.md", page)?;
//! assert_eq!(documents[0].title, "Pointing");
//! # Ok::<(), vizsla_extract::Error>(())
//! ```

mod decode;
mod error;
mod html;
mod json;
mod jsonl;
mod markdown;
mod plain;
mod rst;
mod table;

pub use error::{Error, ErrorKind};
pub use jsonl::{JsonLines, json_document};
use vizsla_core::Document;

/// How the bytes of a file are understood.
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
    /// Comma- or tab-separated values with a header: one document a row.
    Table,
    /// A JSON value: a list of records gives one document each, anything else gives one.
    Json,
    /// One JSON record a line, one document each.
    JsonLines,
}

impl Format {
    /// Tells the format by the name's extension.
    pub fn of(name: &str) -> Self {
        let extension = name
            .rsplit(['/', '\\'])
            .next()
            .and_then(|name| name.rsplit_once('.'))
            .map(|(_, extension)| extension);
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
}

/// Reads the documents in a file. `name` is its path: it becomes the documents' path, the id of a file that is one
/// document, and the beginning of ids of records that have none of their own (`name#line`).
///
/// # Errors
/// [`ErrorKind::Binary`] for what is no text, [`ErrorKind::Malformed`] for what breaks the rules of its format, with the
/// line where it does.
pub fn extract(name: &str, bytes: &[u8]) -> Result<Vec<Document>, Error> {
    let format = Format::of(name);
    if format == Format::JsonLines {
        return JsonLines::new(name, bytes).collect();
    }
    let text = decode::decode(bytes)?;
    let documents = match format {
        Format::Markdown => vec![markdown::document(name, text)],
        Format::ReStructuredText => vec![rst::document(name, text)],
        Format::Html => vec![html::document(name, &text)],
        Format::Table => table::documents(name, &text)?,
        Format::Json => json::documents(name, &text)?,
        Format::Text | Format::JsonLines => vec![plain::document(name, text)],
    };
    Ok(documents.into_iter().map(|document| document.with_path(name)).collect())
}

/// The last part of a path: what a document without a title is called.
fn file_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}
