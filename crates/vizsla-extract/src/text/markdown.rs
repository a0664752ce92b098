//! Markdown (CommonMark): the text as written, with its headings.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use vizsla_core::Limits;

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::html;
use crate::output::{Output, TITLE_BYTES};
use crate::sample::Sample;
use crate::text::headings::Heading;
use crate::text::written::Written;
use crate::text::{decode, front_matter};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "markdown",
    title: "Markdown",
    version: 4,
    extensions: &[
        "md", "markdown", "mdx", "mkd", "mkdn", "mkdown", "mdown", "mdwn", "mdtxt", "rmd", "qmd",
    ],
    recognise: Recognise::Text { begins: |_| true, shows: is_markdown },
    is_foreign: false,
    read: Read::Whole(read),
};

/// Whether a text that nothing else indicates to be Markdown is: it has headings on lines of their own, and
/// subheadings, links or fences show that they are not comments.
fn is_markdown(sample: &Sample<'_>) -> bool {
    let lines: Vec<&str> = sample.lines().map(str::trim_end).collect();
    let is_blank = |line: Option<&&str>| line.is_none_or(|line| line.is_empty());
    let is_apart = |i: usize, length: usize| {
        (i == 0 || is_blank(lines.get(i - 1))) && is_blank(lines.get(i + length))
    };
    let of_level = |mark: &str| {
        let is_one = |(i, line): &(usize, &&str)| line.starts_with(mark) && is_apart(*i, 1);
        lines.iter().enumerate().filter(is_one).count()
    };
    let is_underline = |line: &&str| line.len() > 2 && line.bytes().all(|byte| byte == b'=');
    let underlined = |i: usize| lines.get(i + 1).is_some_and(is_underline) && is_apart(i, 2);
    let (first, second) = (of_level("# "), of_level("## "));
    let is_titled = first + second > 1 || (0..lines.len()).any(underlined);
    let is_marked = |line: &&str| line.starts_with("```") || line.contains("](");
    first > 0 && second > 1 || is_titled && lines.iter().any(is_marked)
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = &decode::decode(bytes)?;
    let front = front_matter::read(text, output);
    let headings = headings(&text[front.end..], output.limits);
    // A title as pandoc has it.
    let title = text.strip_prefix("% ").and_then(|text| text.lines().next());
    let title = title.map(|title| title.trim().to_owned());
    Written { text, front, headings, title, ..Written::default() }.pass(output);
    Ok(())
}

/// What is open while a text is read.
#[derive(Default)]
struct Headings {
    found: Vec<Heading>,
    is_open: bool,
    /// How many images, whose text is an alternative to them, and links are open.
    images: usize,
    links: usize,
    /// What pictures in the heading show, which is its text if there is no other.
    pictures: String,
    /// The HTML block that is open, and where it begins.
    html: Option<(usize, String)>,
}

pub(crate) fn headings(text: &str, limits: &Limits) -> Vec<Heading> {
    let mut headings = Headings::default();
    let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
    for (event, Range { start, .. }) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                headings.found.push(Heading { start, level: level as usize, text: String::new() });
                headings.is_open = true;
            }
            Event::End(TagEnd::Heading(_)) => headings.end(),
            Event::Start(Tag::Image { .. }) => headings.images += 1,
            Event::End(TagEnd::Image) => headings.images = headings.images.saturating_sub(1),
            Event::Start(Tag::Link { .. }) => headings.links += 1,
            Event::End(TagEnd::Link) => headings.links = headings.links.saturating_sub(1),
            Event::Text(part) | Event::Code(part) if headings.is_open => headings.add(&part),
            Event::SoftBreak | Event::HardBreak if headings.is_open => headings.add(" "),
            Event::InlineHtml(part) if headings.is_open && is_break(&part) => headings.add(" "),
            Event::InlineHtml(part) if headings.takes_picture(&part) => {
                headings.pictures.push_str(&html::page(&part, limits).text);
            }
            Event::Start(Tag::HtmlBlock) => headings.html = Some((start, String::new())),
            Event::Html(part) => {
                if let Some((_, html)) = &mut headings.html {
                    html.push_str(&part);
                }
            }
            Event::End(TagEnd::HtmlBlock) => headings.end_html(limits),
            _ => {}
        }
    }
    headings.found
}

fn is_break(html: &str) -> bool {
    html.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("<br"))
}

impl Headings {
    fn takes_picture(&self, html: &str) -> bool {
        let is_short = self.pictures.len() <= TITLE_BYTES;
        self.is_open && self.links == 0 && is_short && html.starts_with("<img")
    }

    fn add(&mut self, part: &str) {
        let Some(heading) = self.found.last_mut() else { return };
        let text = if self.images == 0 { &mut heading.text } else { &mut self.pictures };
        // Pictures in links are badges.
        if text.len() <= TITLE_BYTES && (self.images == 0 || self.links == 0) {
            text.push_str(part);
        }
    }

    fn end(&mut self) {
        self.is_open = false;
        let pictures = std::mem::take(&mut self.pictures);
        let Some(heading) = self.found.last_mut() else { return };
        let text = heading.text.split_whitespace().collect::<Vec<_>>().join(" ");
        // What some programs put there to copy a link from.
        text.trim_end_matches([' ', '¶', '§', '🔗']).clone_into(&mut heading.text);
        if heading.text.is_empty() {
            pictures.trim().clone_into(&mut heading.text);
        }
    }

    /// The headings of an HTML block, as project pages that centre theirs have them.
    fn end_html(&mut self, limits: &Limits) {
        let Some((start, html)) = self.html.take() else { return };
        if !html.contains("<h") && !html.contains("<H") {
            return;
        }
        let page = html::page(&html, limits);
        let mut lines = html.split_inclusive('\n').scan(0, |at, line| {
            *at += line.len();
            Some(*at - line.len())
        });
        let starts: Vec<usize> = lines.by_ref().collect();
        let (mut line, mut at) = (0, 0);
        for heading in page.headings {
            line += page.text[at..heading.start].matches('\n').count();
            at = heading.start;
            let source = page.lines.get(line).map_or(0, |line| *line as usize - 1);
            let start = start + starts.get(source).copied().unwrap_or_default();
            self.found.push(Heading { start, ..heading });
        }
    }
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
    fn a_title_is_the_words_of_the_first_of_the_highest_headings() {
        for (text, title) in [
            ("## Early\n\n# Late\n", "Late"),
            ("### A\n\n## B\n\n## C\n", "B"),
            (
                "# [![CI](b.svg)](ci) ![logo](l.png) My *fine* [tool](x) `v2` {#id}\n",
                "My fine tool v2",
            ),
            ("# <img src=\"a.png\" alt=\"Logo\"> Project \\# 1 ¶\n", "Project # 1"),
            ("# ![Project](logo.png)\n", "Project"),
            ("# <img src='a.png' alt='Project'>\n", "Project"),
            ("Two\nlines\n=====\n", "Two lines"),
            ("# <a name=\"top\"></a>One<br/>two<BR>three\n", "One two three"),
            (
                "<h1 align=\"center\">\n  <img alt=\"logo\" src=\"l.png\">\n  <br>\n  Pro<b>ject</b>\n</h1>\n\n## Use\n",
                "Project",
            ),
            ("import A from 'a'\n\n# Page\n\n<A/>\n", "Page"),
            ("<!-- a comment -->\n<div>\n\n# Page\n\n</div>\n", "Page"),
            ("% Pandoc title\n% Me\n\ntext\n", "Pandoc title"),
            ("text only\n", "n.md"),
        ] {
            assert_eq!(document("d/n.md", text).title, title, "{text}");
        }
    }

    #[test]
    fn headings_in_html_have_their_place() {
        let text = "intro\n\n<div>\n<p>x</p>\n<h2>Part</h2>\n</div>\n\nend\n";
        let document = document("a.md", text);
        assert_eq!(document.sections[0].headings, ["Part"]);
        assert!(text[document.sections[0].start..].starts_with("<h2>"));
    }

    #[test]
    fn deep_nesting_and_unclosed_marks_end() {
        for part in ["> ", "[", "*a ", "`", "<a ", "![](", "- ", "# x\n", "|a", "_a*"] {
            let text = part.repeat(100_000);
            assert_eq!(document("a.md", &text).text, text, "{part}");
        }
    }
}
