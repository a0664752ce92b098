//! HTML: the main text, block by block, with its headings and the source line of each block.
//!
//! Navigation, headers, footers, forms, scripts and styles are left out. What a page says with structure alone (which
//! `div` is the article) is not guessed at.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use vizsla_core::{Document, SourceLines};

use crate::markdown::{Heading, sections};

pub(crate) fn document(name: &str, text: &str) -> Document {
    let page = read(text, true);
    // A page that consists of nothing but such parts is better shown whole than lost.
    let page = if page.text.is_empty() { read(text, false) } else { page };
    let first_heading =
        page.headings.iter().find(|heading| heading.level == 1).map(|heading| heading.text.clone());
    let title =
        Some(page.title.trim().to_owned()).filter(|title| !title.is_empty()).or(first_heading);
    Document::new(name, page.text)
        .with_title(title.unwrap_or_else(|| crate::file_name(name).to_owned()))
        .with_sections(sections(page.headings))
        .with_lines(SourceLines::Map(page.lines))
}

fn read(text: &str, drop_boilerplate: bool) -> Page {
    let sink = Sink(RefCell::new(Reader { drop_boilerplate, ..Reader::default() }));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text));
    // The tokenizer pauses at what a browser would act on; there is nothing to act on here.
    while !input.is_empty() {
        let _ = tokenizer.feed(&input);
    }
    tokenizer.end();
    let mut reader = tokenizer.sink.0.into_inner();
    reader.end_block();
    reader.page
}

/// The text with, for each of its lines, the line of the source where the block began.
#[derive(Default)]
struct Page {
    title: String,
    text: String,
    lines: Vec<u32>,
    headings: Vec<Heading>,
}

#[derive(Default)]
struct Reader {
    page: Page,
    drop_boilerplate: bool,
    /// Elements that are open and matter: those dropped, and what else must be closed by name.
    open: Vec<String>,
    block: String,
    block_line: u32,
    heading: Option<usize>,
    preformatted: u32,
}

const BOILERPLATE: &[&str] = &[
    "nav", "header", "footer", "aside", "form", "noscript", "template", "svg", "button", "dialog",
    "menu",
];
const NEVER_TEXT: &[&str] = &["script", "style", "head", "iframe", "object", "select"];
/// Elements that flow within a line; all others begin a new block.
const INLINE: &[&str] = &[
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup",
    "time", "tt", "u", "var", "wbr", "td", "th",
];

impl Reader {
    fn is_dropped(&self, name: &str) -> bool {
        NEVER_TEXT.contains(&name) || (self.drop_boilerplate && BOILERPLATE.contains(&name))
    }

    fn skips(&self) -> bool {
        self.open.iter().any(|name| self.is_dropped(name))
    }

    fn start(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        // Within an article, `header` is the article's own title and belongs to the text.
        let own_header =
            name == "header" && self.open.iter().any(|open| open == "article" || open == "main");
        if !tag.self_closing
            && !own_header
            && (self.is_dropped(name)
                || matches!(name, "title" | "div" | "section" | "article" | "main" | "body"))
        {
            if name == "body" {
                self.open.clear();
            }
            self.open.push(name.to_owned());
        }
        if INLINE.contains(&name) {
            if matches!(name, "td" | "th") && !self.block.is_empty() {
                self.block.push(' ');
            }
            return;
        }
        self.end_block();
        if name == "pre" {
            self.preformatted += 1;
        }
        self.heading = heading_level(name);
    }

    fn end(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        if !INLINE.contains(&name) {
            self.end_block();
        }
        if name == "pre" {
            self.preformatted = self.preformatted.saturating_sub(1);
        }
        if let Some(at) = self.open.iter().rposition(|open| open == name) {
            // Closing an element closes what was left open within it, as browsers do.
            self.open.truncate(at);
        }
    }

    fn characters(&mut self, text: &str, line: u32) {
        if self.open.last().is_some_and(|open| open == "title") {
            self.page.title.push_str(text);
            return;
        }
        if self.skips() {
            return;
        }
        if self.block.trim().is_empty() {
            self.block.clear();
            self.block_line = line;
        }
        self.block.push_str(text);
    }

    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        let lines: Vec<String> = if self.preformatted > 0 {
            block.trim_matches('\n').lines().map(|line| line.trim_end().to_owned()).collect()
        } else {
            vec![block.split_whitespace().collect::<Vec<_>>().join(" ")]
        };
        let heading = self.heading.take();
        if lines.iter().all(String::is_empty) {
            return;
        }
        if !self.page.text.is_empty() {
            // An empty line between blocks marks a paragraph.
            self.page.text.push_str("\n\n");
            self.page.lines.push(self.block_line);
        }
        if let Some(level) = heading {
            self.page.headings.push(Heading {
                start: self.page.text.len(),
                level,
                text: lines.join(" "),
            });
        }
        for (i, line) in lines.iter().enumerate() {
            if i > 0 {
                self.page.text.push('\n');
            }
            self.page.text.push_str(line);
            self.page.lines.push(self.block_line + i as u32);
        }
    }
}

fn heading_level(name: &str) -> Option<usize> {
    let level = name.strip_prefix('h')?.parse().ok()?;
    (1..=6).contains(&level).then_some(level)
}

struct Sink(RefCell<Reader>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        let mut reader = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                reader.start(&tag);
                return match &*tag.name {
                    "script" | "style" | "iframe" | "noscript" => {
                        TokenSinkResult::RawData(RawKind::Rawtext)
                    }
                    "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
                    _ => TokenSinkResult::Continue,
                };
            }
            Token::TagToken(tag) => reader.end(&tag),
            // A run of text is told with the line on which it ends.
            Token::CharacterTokens(text) => reader.characters(
                &text,
                line as u32 - text.matches('\n').count().min(line as usize - 1) as u32,
            ),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<!doctype html>\n<html><head><title>The &amp; Title</title>\n<style>p{}</style><script>if (a < b) x();</script></head>\n<body>\n\
        <nav><ul><li>Home</ul></nav>\n<article><header><h1>Big <em>dog</em></h1></header>\n<p>First\n  para &eacute;.\n<h2>Part</h2><p>Second<br>line\n\
        <pre>a\n  b</pre></article>\n<footer>Imprint</footer></body></html>";

    #[test]
    fn the_main_text_is_kept_with_lines_and_headings() {
        let document = document("x.html", PAGE);
        assert_eq!(document.title, "The & Title");
        assert_eq!(document.text, "Big dog\n\nFirst para é.\n\nPart\n\nSecond\n\nline\n\na\n  b");
        let paths: Vec<_> =
            document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, ["Big dog", "Big dog > Part"]);
        let SourceLines::Map(lines) = &document.lines else { panic!("lines are mapped") };
        assert_eq!(lines.len(), document.text.lines().count());
        assert_eq!((lines[0], lines[2], lines[4], lines[10]), (6, 7, 9, 10));
    }

    #[test]
    fn a_page_of_nothing_but_boilerplate_is_shown_whole() {
        assert_eq!(document("x.html", "<nav>Only links</nav>").text, "Only links");
    }

    #[test]
    fn an_unclosed_part_ends_with_what_holds_it() {
        assert_eq!(document("x.html", "<div><nav>links</div><p>text").text, "text");
    }
}
