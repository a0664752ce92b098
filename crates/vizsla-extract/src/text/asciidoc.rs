//! `AsciiDoc`: the text as written, with its headings, and the author and date below its title.

use vizsla_core::Metadata;

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::Output;
use crate::sample::Sample;
use crate::text::headings::Heading;
use crate::text::written::Written;
use crate::text::{decode, front_matter};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "asciidoc",
    title: "AsciiDoc",
    version: 3,
    extensions: &["adoc", "asciidoc", "asc", "ad"],
    recognise: Recognise::Text { begins: |c| c == '=', shows: is_asciidoc },
    is_foreign: false,
    read: Read::Whole(read),
};

/// Lines of these signs below a title, by level.
const UNDERLINES: [char; 5] = ['=', '-', '~', '^', '+'];

/// Whether a text that nothing else indicates to be `AsciiDoc` is: it begins with a title, and has sections as well.
fn is_asciidoc(sample: &Sample<'_>) -> bool {
    let has = |mark: &str| {
        sample.lines().any(|line| {
            line.strip_prefix(mark).is_some_and(|title| title.starts_with(char::is_alphanumeric))
        })
    };
    sample.head().starts_with("= ") && has("= ") && has("== ")
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = &decode::decode(bytes)?;
    // Signed and encrypted messages have one of the extensions.
    if text.starts_with("-----BEGIN ") {
        let _ = super::plain::document(decode::decode(bytes)?, output);
        return Ok(());
    }
    let front = front_matter::read(text, output);
    let body = &text[front.end..];
    let metadata = attributes(body);
    Written { text, headings: headings(body), front, metadata, title: None }.pass(output);
    Ok(())
}

fn headings(text: &str) -> Vec<Heading> {
    let mut found = Vec::new();
    let mut block: Option<&str> = None;
    let (mut start, mut above) = (0, "");
    let mut above_start = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end();
        if let Some(delimiter) = block {
            block = (line != delimiter).then_some(delimiter);
        } else if let Some(level) = underlined(above, line) {
            let text = above.to_owned();
            found.push(Heading { start: above_start, level, text });
        } else if is_delimiter(line) {
            block = Some(line);
        } else if let Some((level, title)) = heading(line) {
            found.push(Heading { start, level, text: title.to_owned() });
        }
        (above, above_start) = (line, start);
        start += whole.len();
    }
    found
}

/// `== Title`, or `## Title` as in Markdown.
fn heading(line: &str) -> Option<(usize, &str)> {
    let sign = line.chars().next().filter(|sign| matches!(sign, '=' | '#'))?;
    let title = line.trim_start_matches(sign);
    let level = line.len() - title.len();
    (level <= 6 && title.starts_with(' '))
        .then(|| (level, title.trim().trim_end_matches(sign).trim_end()))
}

fn underlined(title: &str, line: &str) -> Option<usize> {
    let sign = line.chars().next()?;
    let level = UNDERLINES.iter().position(|known| *known == sign)? + 1;
    let fits = line.len() >= 3
        && line.chars().all(|c| c == sign)
        && title.chars().count().abs_diff(line.len()) <= 2
        && title.starts_with(char::is_alphanumeric);
    fits.then_some(level)
}

/// What encloses code and literal text, in which nothing is a heading.
fn is_delimiter(line: &str) -> bool {
    let is_run = |sign: char| line.len() >= 4 && line.chars().all(|c| c == sign);
    line.starts_with("```") || ['-', '.', '/', '+'].into_iter().any(is_run)
}

/// The attributes that say something, and the author below the title.
fn attributes(text: &str) -> Metadata {
    let mut found = Metadata::new();
    let mut lines = text.lines();
    if !lines.next().is_some_and(|line| line.starts_with("= ")) {
        return found;
    }
    for line in lines.take_while(|line| !line.trim().is_empty()) {
        if let Some((name, value)) = line.strip_prefix(':').and_then(|line| line.split_once(':')) {
            let name = match name {
                "author" | "description" | "keywords" => name,
                "revdate" | "date" => "date",
                "lang" => "language",
                _ => continue,
            };
            found.insert(name.to_owned(), value.trim().into());
        } else if found.is_empty() && line.contains('<') && line.ends_with('>') {
            let author = line.split('<').next().unwrap_or_default().trim();
            found.insert("author".to_owned(), author.into());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn headings_and_attributes_are_known() {
        let text = "= The Title\nAnn B. <a@b.c>\n:revdate: 2024-05-06\n\nintro\n\n== One\n\n----\n== no heading\n----\n\nTwo\n---\n\n=== Three ===\n";
        let found = crate::collect(crate::Input::bytes("a.adoc", text.as_bytes())).unwrap();
        let document = &found.documents[0];
        assert_eq!((document.title.as_str(), document.text.as_str()), ("The Title", text));
        assert_eq!(document.metadata["author"].to_string(), "Ann B.");
        let paths: Vec<_> =
            document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(
            paths,
            ["The Title", "The Title > One", "The Title > Two", "The Title > Two > Three"]
        );
    }
}
