//! What documents say about themselves: title, author, date. In: the part with the properties. Out: a title worth
//! showing, and metadata.

use vizsla_core::{Document, Metadata, MetadataValue};

use crate::office::xml::{Event, Xml, decode};
use crate::output::shorten;

/// The properties of a document.
#[derive(Debug, Default)]
pub(crate) struct Properties {
    pub(crate) title: Option<String>,
    pub(crate) metadata: Metadata,
}

/// Bytes of one value that are kept, and values of one name: each chapter or sheet repeats them.
const MOST_BYTES: usize = 2048;
const MOST_VALUES: usize = 32;

/// Names of elements in order of preference, and what each becomes.
const NAMES: &[(&str, &str)] = &[
    ("creator", "author"),
    ("initial-creator", "author"),
    ("lastModifiedBy", "author"),
    ("created", "date"),
    ("creation-date", "date"),
    ("modified", "date"),
    ("date", "date"),
    ("language", "language"),
    ("subject", "subject"),
    ("keywords", "keywords"),
    ("keyword", "keywords"),
    ("description", "description"),
    ("publisher", "publisher"),
];

impl Properties {
    /// Reads Dublin Core, as the properties of Office, of OpenDocument and of books are.
    pub(crate) fn read(bytes: &[u8], nesting: usize) -> Self {
        Self::read_part(bytes, nesting, false)
    }

    /// As [`Self::read`], from a flat file of OpenDocument: pictures, comments and changes have titles, authors and dates
    /// of their own.
    pub(crate) fn read_flat(bytes: &[u8], nesting: usize) -> Self {
        Self::read_part(bytes, nesting, true)
    }

    fn read_part(bytes: &[u8], nesting: usize, is_flat: bool) -> Self {
        let text = decode(bytes);
        let mut xml = Xml::new(&text, nesting);
        let mut found = Self::default();
        let mut ranks = std::collections::HashMap::new();
        let mut is_inside = !is_flat;
        while let Some(event) = xml.next() {
            let tag = match event {
                Event::Start(tag) => tag,
                Event::End(end) if is_flat && end.name() == "meta" => break,
                Event::End(_) | Event::Text(_) => continue,
            };
            if tag.name() == "manifest" {
                break;
            }
            if !is_inside {
                is_inside = tag.name() == "meta";
                continue;
            }
            let is_title = tag.name() == "title";
            let rank = NAMES.iter().position(|(name, _)| *name == tag.name());
            if !is_title && rank.is_none() {
                continue;
            }
            let mut value = xml.text().split_whitespace().collect::<Vec<_>>().join(" ");
            shorten(&mut value, MOST_BYTES);
            if value.is_empty() {
                continue;
            }
            if is_title {
                found.title.get_or_insert(value);
            } else if let Some((rank, (_, name))) =
                rank.and_then(|rank| Some((rank, NAMES.get(rank)?)))
            {
                found.insert(name, rank, value, &mut ranks);
            }
        }
        found
    }

    /// Several values of the best name are kept, as several authors are; those of other names are not.
    fn insert(
        &mut self,
        name: &'static str,
        rank: usize,
        value: String,
        ranks: &mut std::collections::HashMap<&'static str, usize>,
    ) {
        let best = *ranks.get(name).unwrap_or(&usize::MAX);
        if rank < best {
            ranks.insert(name, rank);
            self.metadata.insert(name.to_owned(), value.into());
        } else if rank == best && name != "date" {
            let values = self.metadata.entry(name.to_owned());
            values.and_modify(|before| {
                *before = match std::mem::replace(before, MetadataValue::Bool(false)) {
                    MetadataValue::List(mut list) => {
                        if list.len() < MOST_VALUES {
                            list.push(value.into());
                        }
                        MetadataValue::List(list)
                    }
                    single => MetadataValue::List(vec![single, value.into()]),
                };
            });
        }
    }

    /// Gives a document its metadata and its title: its own if that is one, else `heading`, else the name of its file.
    pub(crate) fn apply(
        self,
        mut document: Document,
        heading: Option<String>,
        file: &str,
    ) -> Document {
        let name = crate::output::file_name(file);
        document.metadata.extend(self.metadata);
        let title = self.title.filter(|title| is_title(title)).or(heading);
        document.with_title(title.unwrap_or_else(|| name.to_owned()))
    }
}

/// Whether a title was given by somebody: programs fill in the names of files and of themselves.
pub(crate) fn is_title(title: &str) -> bool {
    let title = title.trim().to_lowercase();
    let by_program = ["microsoft word - ", "microsoft powerpoint - ", "untitled", "unknown"];
    let whole = [
        "powerpoint presentation",
        "présentation powerpoint",
        "powerpoint-präsentation",
        "presentation",
        "slide 1",
        "document",
        "word document",
        "title",
        "unbenannt",
    ];
    let extensions = [
        ".doc", ".docx", ".dot", ".dotx", ".rtf", ".odt", ".ppt", ".pptx", ".odp", ".ods", ".tex",
        ".wpd", ".pdf", ".html", ".txt", ".tmp",
    ];
    !title.is_empty()
        && !by_program.iter().any(|start| title.starts_with(start))
        && !whole.contains(&title.as_str())
        && !extensions.iter().any(|end| title.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_become_title_and_metadata() {
        let core = "<cp:coreProperties><dc:title> A  title </dc:title><cp:lastModifiedBy>C</cp:lastModifiedBy><dc:creator>A</dc:creator><dc:creator>B</dc:creator><dcterms:modified>2024-02-02T00:00:00Z</dcterms:modified><dcterms:created>2024-01-01T00:00:00Z</dcterms:created><dc:subject/></cp:coreProperties>";
        let found = Properties::read(core.as_bytes(), 9);
        assert_eq!(found.title.as_deref(), Some("A title"));
        let shown: Vec<_> =
            found.metadata.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, ["author=A, B", "date=2024-01-01T00:00:00Z"]);
    }

    #[test]
    fn a_flat_file_is_described_by_its_own_properties() {
        let body = "<office:body><svg:title>Logo</svg:title><office:annotation><dc:creator>B</dc:creator><dc:date>2020</dc:date></office:annotation></office:body>";
        let file = |meta: &str| format!("<office:document>{meta}{body}</office:document>");
        let found = Properties::read_flat(file("").as_bytes(), 9);
        assert!(found.title.is_none() && found.metadata.is_empty(), "{found:?}");
        let meta = "<office:meta><dc:creator>A</dc:creator></office:meta>";
        let found = Properties::read_flat(file(meta).as_bytes(), 9);
        assert_eq!((found.title, found.metadata.len()), (None, 1));
        assert_eq!(found.metadata["author"].to_string(), "A");
    }

    #[test]
    fn what_programs_fill_in_is_no_title() {
        for title in
            ["", "Microsoft Word - a", "Untitled 1", "report.DOCX", "PowerPoint Presentation"]
        {
            assert!(!is_title(title), "{title}");
        }
        assert!(is_title("Documents of the trial"));
    }
}
