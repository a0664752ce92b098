//! Headings of any format, and the sections they divide a text into.

use vizsla_core::Section;

use crate::output::{Output, TITLE_BYTES};
use crate::sink::ProblemKind;

/// A heading.
#[derive(Debug)]
pub(crate) struct Heading {
    /// Byte offset of its line in the text.
    pub(crate) start: usize,
    /// 1 for the outermost.
    pub(crate) level: usize,
    pub(crate) text: String,
}

/// Overhead of a heading in a section's path besides its bytes.
const OVERHEAD: usize = size_of::<String>();

/// Sections with the path of headings that leads to each. Each section repeats the headings above it, so the total size
/// of all paths is bounded by the same limit as the text; beyond that, text stays part of the last section.
pub(crate) fn sections(headings: Vec<Heading>, output: &mut Output<'_>) -> Vec<Section> {
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut sections = Vec::new();
    let (mut left, count) = (output.limits.text_bytes, headings.len());
    for mut heading in headings {
        crate::output::shorten(&mut heading.text, TITLE_BYTES);
        // Levels increase along the path, so only its end can be at the same level or deeper.
        while path.last().is_some_and(|(level, _)| *level >= heading.level) {
            path.pop();
        }
        path.push((heading.level, heading.text));
        let size: usize = path.iter().map(|(_, text)| text.len() + OVERHEAD).sum();
        let Some(rest) = left.checked_sub(size) else {
            let message = format!(
                "has too many headings: {} of {count} are not used as such",
                count - sections.len()
            );
            output.problem(ProblemKind::OtherFormat, None, message);
            break;
        };
        left = rest;
        let headings = path.iter().map(|(_, text)| text.clone()).collect();
        sections.push(Section::new(heading.start, headings));
    }
    sections
}

#[cfg(test)]
mod tests {
    use vizsla_core::Limits;

    use super::*;
    use crate::sink::Extracted;

    fn heading(start: usize, level: usize, text: &str) -> Heading {
        Heading { start, level, text: text.to_owned() }
    }

    #[test]
    fn a_heading_ends_those_of_its_level_and_below() {
        let (mut found, limits) = (Extracted::default(), Limits::default());
        let mut output = Output::new("f", &limits, &crate::format::All, &mut found);
        let headings =
            vec![heading(0, 2, "a"), heading(1, 4, "b"), heading(2, 3, "c"), heading(3, 1, "d")];
        let sections = sections(headings, &mut output);
        let paths: Vec<_> = sections.iter().map(|section| section.headings.join("/")).collect();
        assert_eq!(paths, ["a", "a/b", "a/c", "d"]);
    }

    #[test]
    fn repeated_headings_are_bounded() {
        let (mut found, limits) = (Extracted::default(), Limits::default().with_text_bytes(10_000));
        let long = std::iter::once(heading(0, 1, &"x".repeat(1_000_000)));
        let headings = long.chain((1..1_000).map(|start| heading(start, 2, "y"))).collect();
        let sections =
            sections(headings, &mut Output::new("f", &limits, &crate::format::All, &mut found));
        let bytes: usize =
            sections.iter().flat_map(|section| &section.headings).map(String::len).sum();
        assert!(bytes < 10_000 && sections.len() > 1, "{bytes}");
        assert_eq!(found.problems.len(), 1);
    }
}
