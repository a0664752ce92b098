//! The list of all formats, and which of them a file is in.
//!
//! A format is one file and one line: the file defines a [`Definition`], the line lists it in the module of its group.

use std::fmt;

use crate::definition::{Definition, Read, Recognise};
use crate::error::{Error, ErrorKind};
use crate::output::{Formats, Output, Streamed};
use crate::sample::Sample;
use crate::text::{code, notebook};
use crate::whole;

/// All groups of formats. They are recognised in this order: what is in a container comes before the container, and a kind
/// of JSON before JSON.
static GROUPS: [&[&Definition]; 7] = [
    crate::pdf::FORMATS,
    crate::picture::FORMATS,
    crate::office::FORMATS,
    crate::mail::FORMATS,
    crate::archive::FORMATS,
    crate::text::FORMATS,
    crate::records::FORMATS,
];

fn all() -> impl Iterator<Item = &'static Definition> {
    GROUPS.iter().flat_map(|group| group.iter().copied())
}

/// The list, as files inside others are read by it.
pub(crate) struct All;

impl Formats for All {
    fn read(&self, name: &str, bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
        Format::detect(name, bytes).read(bytes, output)
    }

    fn streamed(&self, name: &str, head: &[u8]) -> Option<Streamed> {
        match Format::detect(name, head).0.read {
            Read::Streamed(read) => Some(read),
            Read::Whole(_) | Read::Not(_) => None,
        }
    }

    fn is_plain(&self, name: &str, head: &[u8]) -> bool {
        Format::detect(name, head) == Format::TEXT
    }
}

/// How the bytes of a file are interpreted.
#[derive(Clone, Copy)]
pub struct Format(pub(crate) &'static Definition);

impl Format {
    /// Text without further structure.
    pub const TEXT: Self = Self(&crate::text::plain::FORMAT);
    /// A JSON value: a list of records yields one document each, anything else yields one.
    pub const JSON: Self = Self(&crate::records::json::FORMAT);
    /// One JSON record per line, one document each.
    pub const JSON_LINES: Self = Self(&crate::records::jsonl::FORMAT);
    /// A picture, whose text is read by OCR if at all.
    pub const PICTURE: Self = Self(&crate::picture::FORMAT);

    /// The format indicated by the extension of `name`; [`Format::TEXT`] for an unknown one.
    pub fn of(name: &str) -> Self {
        let name = crate::output::file_name(name);
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let extension = extension.to_ascii_lowercase();
        let indicated = all().find(|format| format.extensions.contains(&extension.as_str()));
        indicated.map_or(Self::TEXT, Self)
    }

    /// The format of a file: by its content where that shows it, else by its extension. A file whose extension
    /// indicates a format that its bytes would show, but do not, is taken for text.
    pub fn detect(name: &str, bytes: &[u8]) -> Self {
        let by_name = Self::of(name);
        // A document that is a package is one, too, if it is called an archive.
        if by_name.0.name != "zip" && by_name.0.is_shown_by(bytes) {
            return by_name;
        }
        if let Some(format) = all().find(|format| format.is_shown_by(bytes)) {
            return Self(format);
        }
        let by_name = match by_name.0.recognise {
            Recognise::Bytes(_) => Self::TEXT,
            _ => by_name,
        };
        by_name.by_text(bytes).unwrap_or(by_name)
    }

    /// The format that a text shows which would be taken for one of this format.
    fn by_text(self, bytes: &[u8]) -> Option<Self> {
        let may_begin: fn(char) -> bool = match self.0.recognise {
            Recognise::Text { begins, .. } => begins,
            _ if self == Self::TEXT => |_| false,
            _ => return None,
        };
        let first = bytes.trim_ascii_start().first().filter(|first| first.is_ascii());
        if first.is_some_and(|first| may_begin(char::from(*first))) {
            return self.in_its_guise(bytes);
        }
        let sample = Sample::of(bytes)?;
        let first = sample.head().chars().next()?;
        if may_begin(first) {
            return self.in_its_guise(bytes);
        }
        let shows = |format: &&Definition| match format.recognise {
            Recognise::Text { begins, shows } => begins(first) && shows(&sample),
            _ => false,
        };
        all().find(shows).map(Self)
    }

    /// The format of a text that begins as those of this format do, and is beyond doubt another: a notebook is JSON, and a
    /// saved page has the extension of the program that made it.
    fn in_its_guise(self, bytes: &[u8]) -> Option<Self> {
        let has = |word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
        if self == Self::JSON && has("\"nbformat\"") {
            let is_notebook = Sample::of(bytes).is_some_and(|text| notebook::is_notebook(&text));
            return is_notebook.then_some(Self(&notebook::FORMAT));
        }
        let is_page = self.0.name == code::FORMAT.name
            && Sample::of(bytes).is_some_and(|text| code::is_made_page(&text));
        is_page.then_some(Self(&crate::html::FORMAT))
    }

    /// The format of this name, as [`Format::name`] gives it.
    pub fn named(name: &str) -> Option<Self> {
        all().find(|format| format.name == name).map(Self)
    }

    /// Reads a file of this format.
    pub(crate) fn read(self, mut bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
        match self.0.read {
            Read::Streamed(read) => read(&mut bytes, output),
            Read::Whole(read) => {
                whole::check_size(bytes, output.limits)?;
                read(bytes, output)
            }
            Read::Not(remedy) => {
                let message = format!("is a file of the format {}: {remedy}", self.title());
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }

    /// A name for storage, stable between releases.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Its name in messages.
    pub fn title(self) -> &'static str {
        self.0.title
    }

    /// The version of this format's reader. It is raised when the same bytes yield different documents than before, so
    /// that files read by an older version can be read again. It is 0 for a format that is not read.
    pub fn version(self) -> u32 {
        if self.is_read() { self.0.version } else { 0 }
    }

    /// Whether files of this format are read, rather than refused with a remedy.
    pub fn is_read(self) -> bool {
        !matches!(self.0.read, Read::Not(_))
    }

    /// Whether the file is read record by record, so that it may have any size and limits apply to each record.
    pub fn is_streamed(self) -> bool {
        matches!(self.0.read, Read::Streamed(_))
    }

    /// Whether the reader handles binary structures that others made. A damaged or hostile file may make such a reader
    /// exhaust memory or overflow the stack, which no library can catch; a program runs it in a process of its own.
    pub fn is_foreign(self) -> bool {
        self.0.is_foreign
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Format").field(&self.0.name).finish()
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
    pub const BINARY: Self = Self { name: "binary", version: 5 };

    /// The current reader of a format.
    pub fn of(format: Format) -> Self {
        Self { name: format.name(), version: format.version() }
    }

    /// Whether the file `file` would still be read by the reader stored as `name` and `version`. What a build that reads
    /// more formats has read stays as it is.
    pub fn is_current(file: &str, name: &str, version: u32) -> bool {
        if name == Self::BINARY.name {
            return version == Self::BINARY.version;
        }
        let Some(stored) = Format::named(name) else { return false };
        let by_name = Format::of(file);
        // Its content has shown the format, or has failed to show that of its extension.
        let by_content = !matches!(stored.0.recognise, Recognise::No)
            || stored == Format::TEXT && matches!(by_name.0.recognise, Recognise::Bytes(_));
        let is_same = stored.version() == version || !stored.is_read();
        is_same && (stored == by_name || by_content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_indicate_formats() {
        assert_eq!(Format::of("a.b/README.MD").name(), "markdown");
        assert_eq!(Format::of("a.md/README"), Format::TEXT);
        assert_eq!(Format::of("C:\\x\\t.TSV").name(), "table");
    }

    #[test]
    fn texts_without_a_telling_name_are_what_they_say() {
        let srt = "1\n00:00:01,000 --> 00:00:02,000\nHi\n";
        let notebook = r#"{"cells": [], "nbformat": 4}"#;
        for (text, expected) in [
            ("{\n \"a\": [1]\n}\n", "json"),
            ("[\"a\", \"b\"]", "json"),
            ("{\"a\":\n1}\n{\"a\":2}", "json"),
            ("\u{feff}{\"a\":1}\n{\"a\":2}\n", "shown_jsonl"),
            (notebook, "notebook"),
            ("<?xml version='1.0'?>\n<a>", "xml"),
            ("<!-- c -->\n<rss><channel/></rss>\n", "xml"),
            ("<!-- saved -->\n<!DOCTYPE html>\n<p>", "html"),
            ("<?xml version='1.0'?><html xmlns='x'>", "html"),
            ("<div class=a><p>b</p><br><p>c</p></div>\n", "html"),
            ("name,age\nAda,36\nBob,40\n", "table"),
            ("id\tfirst word\n1\ta, b\n2\tc\n", "table"),
            ("% comment\n\\documentclass{article}\n", "latex"),
            ("#+TITLE: T\ntext\n", "org"),
            ("= Title\nAnn\n\n== Part\n\ntext\n", "asciidoc"),
            (srt, "subtitles"),
            ("WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n", "subtitles"),
            ("#!/bin/sh\necho\n", "code"),
            ("<?php\necho 1;\n", "code"),
            ("# Title\n\ntext [a](b)\n\n## Part\n\ntext\n", "markdown"),
            ("Title\n=====\n\n.. note:: text\n", "rst"),
        ] {
            for name in ["README", "a.unknown", "a.txt", "a.log"] {
                assert_eq!(Format::detect(name, text.as_bytes()).name(), expected, "{text}");
            }
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(Format::detect("a", &wide).name(), expected, "{text}");
        }
    }

    #[test]
    fn texts_that_only_look_like_something_are_text() {
        for text in [
            "[2024-05-31 10:00:00] \"GET /\" 200\n[2024-05-31 10:00:01] x\n",
            "[section]\nkey = \"value\"\n",
            "[1] \"A note.\"\n",
            "{ \"a\": 1, }\n",
            "{% block %}\"x\"{% end %}",
            "{\"a\": 1} and text",
            "<alice> hi\n<bob> hi\n",
            "<134>Oct 11 22:14:15 host app: text\n",
            "<stdio.h> has <b>",
            "<p align=center>Logo</p>\n\nplain text after it\n",
            "a, b, c\nd, e, f\ng, h, i\n",
            "2024-05-31,INFO,up\n2024-05-31,WARN,down\n2024-05-31,INFO,bye\n",
            "Well, yes\nNo, title\nSo, it goes\n",
            "a | b\n--|--\n1 | 2\n",
            "# comment\nkey = 1\n# another\nother = 2\n",
            "= not a title\n",
            "1\n2\n3\n",
            "",
        ] {
            assert_eq!(Format::detect("a.log", text.as_bytes()), Format::TEXT, "{text}");
        }
    }

    #[test]
    fn a_format_that_the_text_contradicts_is_not_that_of_the_name() {
        let page = b"<!DOCTYPE html><title>Not found</title>";
        for name in ["a.json", "a.csv", "a.ipynb"] {
            assert_eq!(Format::detect(name, page).name(), "html");
            assert!(Reader::is_current(name, "html", Reader::of(Format::of("a.html")).version));
        }
        assert_eq!(Format::detect("a.xml", b"[{\"a\": 1}]").name(), "json");
        let notebook = b"{\"cells\": [], \"nbformat\": 4}";
        assert_eq!(Format::detect("a.json", notebook).name(), "notebook");
        assert_eq!(
            Format::detect("a.json", &[b"\xef\xbb\xbf", &notebook[..]].concat()).name(),
            "notebook"
        );
        for page in ["<!DOCTYPE html>\n<title>T</title>", " <HTML lang=en><p>a"] {
            assert_eq!(Format::detect("a.php", page.as_bytes()).name(), "html");
        }
        for (name, text) in [
            ("a.md", "{\"a\": 1}"),
            ("a.html", "text"),
            ("a.json", "{\"a\""),
            ("a.json", "{\"content\": {\"cells\": [], \"nbformat\": 4}}"),
            ("a.xml", "<html>"),
            ("a.php", "<!DOCTYPE html>\n<?php echo 1; ?>"),
            ("a.erb", "<html><%= yield %></html>"),
            ("a.vue", "<template><p>a</p></template>"),
        ] {
            assert_eq!(Format::detect(name, text.as_bytes()), Format::of(name));
        }
    }

    #[test]
    fn names_and_extensions_are_unique() {
        let names: Vec<_> = all().map(|format| format.name).collect();
        let extensions: Vec<_> = all().flat_map(|format| format.extensions).copied().collect();
        for mut list in [names, extensions] {
            list.sort_unstable();
            assert!(list.windows(2).all(|pair| pair[0] != pair[1]), "{list:?}");
        }
    }

    #[test]
    fn a_file_is_read_again_when_its_reader_has_changed() {
        let html = Reader::of(Format::of("a.html"));
        assert!(Reader::is_current("a.html", html.name, html.version));
        assert!(!Reader::is_current("a.html", html.name, html.version - 1));
        assert!(!Reader::is_current("a.html", "text", Format::TEXT.version()));
        assert!(Reader::is_current("a.bin", "binary", Reader::BINARY.version));
        assert!(!Reader::is_current("a.bin", "binary", 0));
    }
}
