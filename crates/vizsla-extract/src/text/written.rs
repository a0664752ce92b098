//! Texts whose marks are part of what people write and read: the text as written, with its headings and what its front
//! matter says.

use vizsla_core::{Document, Locations, Metadata};

use crate::output::Output;
use crate::text::front_matter::FrontMatter;
use crate::text::headings::{Heading, sections};

/// A text as written.
#[derive(Default)]
pub(crate) struct Written<'a> {
    /// The whole text.
    pub(crate) text: &'a str,
    /// Where the text itself begins, and what was said before.
    pub(crate) front: FrontMatter,
    /// The headings, from that beginning on.
    pub(crate) headings: Vec<Heading>,
    /// The title that the text itself has, other than by a heading.
    pub(crate) title: Option<String>,
    /// What the text itself says about it.
    pub(crate) metadata: Metadata,
}

impl Written<'_> {
    /// Passes the document on. Its title is that of the front matter, else its own, else the first heading of the
    /// highest level, else the name of the file.
    pub(crate) fn pass(self, output: &mut Output<'_>) {
        let Self { text, front, mut headings, title, metadata } = self;
        let (before, body) = text.split_at(front.end);
        let named = headings.iter().filter(|heading| !heading.text.is_empty());
        let first = named.min_by_key(|heading| heading.level).map(|heading| heading.text.clone());
        let title = front.title.or(title).or(first).filter(|title| !title.trim().is_empty());
        let title = title.unwrap_or_else(|| crate::output::file_name(&output.name).to_owned());
        let (mut told, mut lines) = (String::new(), Vec::new());
        for (text, line) in &front.told {
            told.extend([text.as_str(), "\n"]);
            lines.push(*line);
        }
        if let Some(last) = lines.last() {
            told.push('\n');
            lines.push(*last);
        }
        for heading in &mut headings {
            heading.start += told.len();
        }
        let mut document = Document::new(&output.name, format!("{told}{body}"))
            .with_title(title)
            .with_sections(sections(headings, output));
        if front.end > 0 {
            let first = before.matches('\n').count() as u32 + 1;
            lines.extend((first..).take(body.lines().count()));
            document = document.with_locations(Locations::LineMap(lines));
        }
        document.metadata = metadata;
        document.metadata.extend(front.metadata);
        let _ = output.document(document);
    }
}
