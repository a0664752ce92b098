//! What a PDF says about itself: title, author, date, from its information dictionary or its XMP packet.

use hayro_syntax::Pdf;
use hayro_syntax::object::{self, DateTime, Dict, Stream};
use vizsla_core::Document;

use super::layout::Line;
use super::objects;

/// Bytes of a title found in the text.
const MAX_TITLE: usize = 300;
/// Bytes of an XMP packet that are looked at.
const MAX_PACKET: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Info {
    /// The title, if it is a real one.
    pub(super) title: Option<String>,
    author: Option<String>,
    subject: Option<String>,
    keywords: Option<String>,
    date: Option<String>,
    language: Option<String>,
}

impl Info {
    pub(super) fn of(pdf: &Pdf, catalogue: Option<&Dict<'_>>) -> Self {
        let stated = pdf.metadata();
        let packet = catalogue.map(packet).unwrap_or_default();
        let text = |bytes: &Option<Box<[u8]>>| {
            bytes.as_deref().map(objects::text).filter(|t| !t.is_empty())
        };
        let language = catalogue
            .and_then(|catalogue| catalogue.get::<object::String<'_>>(b"Lang"))
            .map(|language| objects::text(&language))
            .filter(|language| !language.is_empty());
        Self {
            title: text(&stated.title)
                .filter(|title| is_real(title))
                .or_else(|| element(&packet, "dc:title").filter(|title| is_real(title))),
            author: text(&stated.author).or_else(|| element(&packet, "dc:creator")),
            subject: text(&stated.subject).or_else(|| element(&packet, "dc:description")),
            keywords: text(&stated.keywords).or_else(|| element(&packet, "pdf:Keywords")),
            date: stated
                .creation_date
                .or(stated.modification_date)
                .map(iso)
                .or_else(|| element(&packet, "xmp:CreateDate")),
            language,
        }
    }

    /// Adds what is known to a document.
    pub(super) fn describe(self, mut document: Document) -> Document {
        let known = [
            ("author", self.author),
            ("date", self.date),
            ("keywords", self.keywords),
            ("language", self.language),
            ("subject", self.subject),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                document = document.with_metadata(name, value);
            }
        }
        document
    }
}

/// As ISO 8601 writes it.
fn iso(date: DateTime) -> String {
    let DateTime { year, month, day, hour, minute, second, .. } = date;
    let zone = match (date.utc_offset_hour, date.utc_offset_minute) {
        (0, 0) => "Z".to_owned(),
        (hours, minutes) => {
            format!("{}{:02}:{minutes:02}", if hours < 0 { '-' } else { '+' }, hours.unsigned_abs())
        }
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}")
}

/// Whether a title was given by a person: programs put file names and their own names there.
fn is_real(title: &str) -> bool {
    const NAMES: [&str; 8] = [
        "untitled",
        "microsoft word - ",
        "microsoft powerpoint - ",
        "powerpoint presentation",
        "slide 1",
        "unknown",
        "no title",
        "(anonymous)",
    ];
    const EXTENSIONS: [&str; 14] = [
        ".pdf", ".doc", ".docx", ".dvi", ".tex", ".ps", ".eps", ".indd", ".qxd", ".ppt", ".pptx",
        ".xls", ".xlsx", ".odt",
    ];
    let title = title.trim().to_lowercase();
    title.chars().filter(|c| c.is_alphabetic()).count() >= 2
        && !NAMES.iter().any(|name| title.starts_with(name))
        && !EXTENSIONS.iter().any(|extension| title.ends_with(extension))
        && (title.contains(' ') || !title.contains(['/', '\\', '_']))
}

/// The largest text on a page, if it is larger than the rest.
pub(super) fn largest(lines: &[Line]) -> Option<String> {
    let placed = || lines.iter().filter(|line| !line.is_apart);
    let has_words = |line: &&Line| line.text.chars().filter(|c| c.is_alphabetic()).count() > 2;
    let size = placed().filter(has_words).map(|line| line.em).fold(0.0, f64::max);
    let mut sizes: Vec<f64> = placed().map(|line| line.em).collect();
    sizes.sort_by(f64::total_cmp);
    let usual = *sizes.get(sizes.len() / 2)?;
    if size < 1.15 * usual {
        return None;
    }
    let is_large = |line: &&Line| line.em > 0.95 * size;
    let mut last: Option<f64> = None;
    // A heading in the same size further down is another one.
    let is_next = |line: &&Line| {
        let above = last.replace(line.down);
        is_large(line) && above.is_none_or(|above| (line.down - above).abs() < 2.0 * line.em)
    };
    let large: Vec<&str> = placed()
        .skip_while(|line| !is_large(line))
        .take_while(is_next)
        .map(|line| line.text.as_str())
        .collect();
    let mut title = large.join(" ");
    crate::output::shorten(&mut title, MAX_TITLE);
    Some(title).filter(|title| is_real(title))
}

/// The XMP packet of a document.
fn packet(catalogue: &Dict<'_>) -> String {
    let Some(stream) = catalogue.get::<Stream<'_>>(b"Metadata") else { return String::new() };
    let Ok(bytes) = stream.decoded_data() else { return String::new() };
    String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_PACKET)]).into_owned()
}

/// The text of an element or attribute of an XMP packet, in which properties have one of these two forms.
fn element(packet: &str, name: &str) -> Option<String> {
    let text = if let Some((_, rest)) = packet.split_once(&format!("<{name}>")) {
        let inner = rest.split(&format!("</{name}>")).next()?;
        let mut text = String::new();
        for part in inner.split('<') {
            // What is before the first tag has none.
            text.push_str(part.split_once('>').map_or("", |(_, after)| after));
            text.push(' ');
        }
        if inner.contains('<') { text } else { inner.to_owned() }
    } else {
        let (_, rest) = packet.split_once(&format!("{name}=\""))?;
        rest.split('"').next()?.to_owned()
    };
    let text = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text, |text, (entity, c)| text.replace(entity, c));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_and_names_of_programs_are_no_titles() {
        for title in ["", "untitled", "Microsoft Word - a.doc", "thesis.dvi", "C:\\a\\b", "12-3"] {
            assert!(!is_real(title), "{title}");
        }
        assert!(is_real("On a/b tests") && is_real("日本語"));
    }

    #[test]
    fn properties_of_a_packet_are_elements_or_attributes() {
        let packet = "<rdf:Description pdf:Keywords=\"a, b\"><dc:title>\n<rdf:Alt>\
            <rdf:li xml:lang=\"x-default\">Cats &amp; dogs</rdf:li></rdf:Alt></dc:title>\
            <xmp:CreateDate>2024-01-02</xmp:CreateDate>";
        assert_eq!(element(packet, "dc:title").unwrap(), "Cats & dogs");
        assert_eq!(element(packet, "pdf:Keywords").unwrap(), "a, b");
        assert_eq!(element(packet, "xmp:CreateDate").unwrap(), "2024-01-02");
        assert_eq!(element(packet, "dc:creator"), None);
    }
}
