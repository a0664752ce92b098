//! reStructuredText: the text as written, with its headings (a line with a line of punctuation below it, and possibly
//! above).

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::Output;
use crate::sample::Sample;
use crate::text::headings::Heading;
use crate::text::written::Written;
use crate::text::{decode, front_matter};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "rst",
    title: "reStructuredText",
    version: 4,
    extensions: &["rst", "rest"],
    recognise: Recognise::Text { begins: |_| true, shows: is_rst },
    is_foreign: false,
    read: Read::Whole(read),
};

const ADORNMENTS: &str = "=-~^\"'`#*+.:_<>";

/// Whether a text that nothing else indicates to be reStructuredText is: it has directives and headings.
fn is_rst(sample: &Sample<'_>) -> bool {
    let is_directive = |line: &str| {
        let name = line.strip_prefix(".. ").and_then(|line| line.split_once("::"));
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'_');
        name.is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(is_part))
    };
    sample.lines().any(is_directive) && !headings(sample.head()).is_empty()
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = &decode::decode(bytes)?;
    let front = front_matter::read(text, output);
    let headings = headings(&text[front.end..]);
    Written { text, front, headings, ..Written::default() }.pass(output);
    Ok(())
}

/// The heading style (character, and whether there is an overline) that appears first is the outermost.
fn headings(text: &str) -> Vec<Heading> {
    let mut lines: Vec<(usize, &str)> = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        lines.push((offset, line.trim_end()));
        offset += line.len();
    }
    let mut styles: Vec<(char, bool)> = Vec::new();
    let mut found = Vec::new();
    for i in 1..lines.len() {
        let ((start, title), (_, below)) = (lines[i - 1], lines[i]);
        let Some(sign) = adornment(below) else { continue };
        let before = i.checked_sub(2).map_or("", |above| lines[above].1);
        let is_title = !title.trim().is_empty()
            && adornment(title).is_none()
            && below.len() >= title.trim().chars().count();
        let overlined = adornment(before) == Some(sign);
        // Text right above the title would make it the last line of a paragraph or a table row.
        if !is_title || !(overlined || before.trim().is_empty()) {
            continue;
        }
        let style = (sign, overlined);
        let level = styles.iter().position(|known| *known == style).unwrap_or_else(|| {
            styles.push(style);
            styles.len() - 1
        });
        let start = if overlined { lines[i - 2].0 } else { start };
        found.push(Heading { start, level: level + 1, text: title.trim().to_owned() });
    }
    found
}

fn adornment(line: &str) -> Option<char> {
    let sign = line.chars().next().filter(|sign| ADORNMENTS.contains(*sign))?;
    (line.len() >= 2 && line.chars().all(|c| c == sign)).then_some(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_nest_by_order_of_their_styles() {
        let text = "=====\nTitle\n=====\n\nintro\n\nPart\n----\n\nx\n\nSub\n~~~\n\nOther\n-----\n\n==== ===\nno   row\n==== ===\n";
        let found = crate::collect(crate::Input::bytes("a.rst", text.as_bytes())).unwrap();
        let document = &found.documents[0];
        assert_eq!(document.title, "Title");
        let paths: Vec<_> =
            document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, ["Title", "Title > Part", "Title > Part > Sub", "Title > Other"]);
        assert_eq!(document.sections[0].start, 0);
    }

    #[test]
    fn deeply_nested_headings_are_bounded() {
        // Each heading is followed by one of every style, so that all paths are as deep as possible.
        let signs: String = ADORNMENTS.chars().map(|sign| format!("x\n{sign}{sign}\n\n")).collect();
        let text = format!("{signs}{}", "x\n<<\n\n".repeat(200_000));
        let limits = vizsla_core::Limits::default().with_text_bytes(2 << 20);
        let mut found = crate::Extracted::default();
        crate::extract(crate::Input::bytes("a.rst", text.as_bytes()), &limits, &mut found).unwrap();
        let paths = found.documents[0].sections.iter().flat_map(|section| &section.headings);
        assert!(paths.count() < 200_000);
        assert_eq!(found.documents[0].text.len(), text.len());
        assert_eq!(found.problems.len(), 1);
    }
}
