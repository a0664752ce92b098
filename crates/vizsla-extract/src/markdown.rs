//! Markdown (CommonMark): the text as written, with its headings. Front matter between `---` lines supplies a title.

use std::ops::{ControlFlow, Range};

use pulldown_cmark::{Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd};
use vizsla_core::Document;

use crate::headings::{Heading, sections};
use crate::output::{Output, TITLE_BYTES};

/// Version of this reader.
pub(crate) const VERSION: u32 = 1;

pub(crate) fn document(text: String, output: &mut Output<'_>) -> ControlFlow<()> {
    let (headings, front_title) = headings(&text);
    let title = front_title
        .or_else(|| {
            headings
                .first()
                .filter(|heading| heading.level == 1)
                .map(|heading| heading.text.clone())
        })
        .filter(|title| !title.is_empty())
        .unwrap_or_else(|| crate::output::file_name(output.name).to_owned());
    let sections = sections(headings, output);
    output.document(Document::new(output.name, text).with_title(title).with_sections(sections))
}

fn headings(text: &str) -> (Vec<Heading>, Option<String>) {
    let mut found: Vec<Heading> = Vec::new();
    let (mut in_heading, mut in_front_matter, mut front_title) = (false, false, None);
    let options = Options::ENABLE_YAML_STYLE_METADATA_BLOCKS | Options::ENABLE_TABLES;
    for (event, Range { start, .. }) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                found.push(Heading { start, level: depth(level), text: String::new() });
                in_heading = true;
            }
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Text(part) | Event::Code(part) if in_heading => {
                if let Some(heading) = found.last_mut()
                    && heading.text.len() <= TITLE_BYTES
                {
                    heading.text.push_str(&part);
                }
            }
            Event::Start(Tag::MetadataBlock(MetadataBlockKind::YamlStyle)) => {
                in_front_matter = true;
            }
            Event::End(TagEnd::MetadataBlock(_)) => in_front_matter = false,
            Event::Text(part) if in_front_matter => {
                let title = part.lines().find_map(|line| line.strip_prefix("title:"));
                front_title = title.map(|title| title.trim().trim_matches(['"', '\'']).to_owned());
            }
            _ => {}
        }
    }
    (found, front_title)
}

fn depth(level: HeadingLevel) -> usize {
    level as usize
}

#[cfg(test)]
mod tests {
    use vizsla_core::Document;

    fn document(name: &str, text: &str) -> Document {
        crate::collect(crate::Input::bytes(name, text.as_bytes())).unwrap().documents.remove(0)
    }

    #[test]
    fn headings_are_kept_and_code_is_not_mistaken_for_them() {
        let text = "# Top `x`\nintro\n## A\n```\n# no heading\n```\nSetext\n------\nend";
        let document = document("a/b.md", text);
        assert_eq!(document.title, "Top x");
        let paths: Vec<_> =
            document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, ["Top x", "Top x > A", "Top x > Setext"]);
        assert!(text[document.sections[2].start..].starts_with("Setext"));
    }

    #[test]
    fn the_title_comes_from_front_matter_then_heading_then_name() {
        assert_eq!(document("n.md", "---\ntitle: \"T\"\n---\n# H").title, "T");
        assert_eq!(document("d/n.md", "text").title, "n.md");
    }
    #[test]
    fn deep_nesting_and_unclosed_marks_end() {
        for part in ["> ", "[", "*a ", "`", "<a ", "![](", "- ", "# x\n", "|a", "_a*"] {
            let text = part.repeat(100_000);
            assert_eq!(document("a.md", &text).text, text, "{part}");
        }
    }
}
