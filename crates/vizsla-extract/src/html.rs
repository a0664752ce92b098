//! HTML: the main text, block by block, with its headings and the source line of each block.
//!
//! Navigation, headers, footers, forms, scripts and styles are left out. What a page expresses by structure alone
//! (which `div` is the article) is not guessed.

use std::cell::RefCell;
use std::ops::ControlFlow;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use vizsla_core::{Document, Locations};

use crate::attributes;
use crate::headings::{Heading, sections};
use crate::output::Output;

/// Version of this reader.
pub(crate) const VERSION: u32 = 1;

pub(crate) fn document(text: &str, output: &mut Output<'_>) -> ControlFlow<()> {
    let text = attributes::bounded(text);
    let page = read(&text, true, output.limits.nesting);
    // A page consisting of nothing but such parts is better kept whole than lost.
    let page = if page.text.is_empty() { read(&text, false, output.limits.nesting) } else { page };
    let first_heading =
        page.headings.iter().find(|heading| heading.level == 1).map(|heading| heading.text.clone());
    let title =
        Some(page.title.trim().to_owned()).filter(|title| !title.is_empty()).or(first_heading);
    let sections = sections(page.headings, output);
    let document = Document::new(output.name, page.text)
        .with_title(title.unwrap_or_else(|| crate::output::file_name(output.name).to_owned()))
        .with_sections(sections)
        .with_locations(Locations::LineMap(page.lines));
    output.document(document)
}

fn read(text: &str, drop_boilerplate: bool, nesting: usize) -> Page {
    let open = OpenElements::new(drop_boilerplate, nesting);
    let sink = Sink(RefCell::new(Reader { open, ..Reader::default() }));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text));
    // The tokenizer pauses where a browser would act; there is nothing to do here.
    while !input.is_empty() {
        let _ = tokenizer.feed(&input);
    }
    tokenizer.end();
    let mut reader = tokenizer.sink.0.into_inner();
    reader.end_block();
    reader.page
}

/// The text and, for each of its lines, the source line on which its block began.
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
    open: OpenElements,
    block: String,
    block_line: u32,
    heading: Option<usize>,
    preformatted: u32,
}

/// Elements that are tracked while open: first those that never hold text, then boilerplate, then those that close
/// whatever was left open within them.
const TRACKED: &[&str] = &[
    "script", "style", "head", "iframe", "object", "select", "nav", "header", "footer", "aside",
    "form", "noscript", "template", "svg", "button", "dialog", "menu", "article", "main", "title",
    "div", "section", "body",
];
const NEVER_TEXT: usize = 6;
const BOILERPLATE: usize = 17;
const OWN_HEADER: usize = 19;
/// Inline elements; all others begin a new block.
const INLINE: &[&str] = &[
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup",
    "time", "tt", "u", "var", "wbr", "td", "th",
];

/// The open elements, with counts alongside the stack so that no query walks it: the work for a tag does not depend on
/// its depth.
#[derive(Default)]
struct OpenElements {
    /// Indices into [`TRACKED`], outermost first.
    stack: Vec<usize>,
    /// How many of each are open.
    counts: [usize; TRACKED.len()],
    /// This many of [`TRACKED`], from the first, are dropped with all their content.
    dropped: usize,
    nesting: usize,
}

impl OpenElements {
    fn new(drop_boilerplate: bool, nesting: usize) -> Self {
        let dropped = if drop_boilerplate { BOILERPLATE } else { NEVER_TEXT };
        Self { dropped, nesting, ..Self::default() }
    }

    /// Elements nested deeper than the limit become siblings, as in browsers.
    fn start(&mut self, name: &str) {
        let Some(element) = TRACKED.iter().position(|tracked| *tracked == name) else { return };
        // Within an article, `header` holds the article's own title and belongs to the text.
        let own_header =
            name == "header" && self.counts[BOILERPLATE..OWN_HEADER].iter().any(|count| *count > 0);
        let unused = (self.dropped..BOILERPLATE).contains(&element);
        if own_header || unused || (self.stack.len() >= self.nesting && element >= NEVER_TEXT) {
            return;
        }
        if name == "body" {
            self.close(0);
        }
        self.stack.push(element);
        self.counts[element] += 1;
    }

    /// Closing an element also closes what was left open within it, as browsers do.
    fn end(&mut self, name: &str) {
        let Some(element) = TRACKED.iter().position(|tracked| *tracked == name) else { return };
        if self.counts[element] > 0 {
            // Every element skipped here is closed, so all end tags together walk each element once.
            let at = self.stack.iter().rposition(|open| *open == element).unwrap_or_default();
            self.close(at);
        }
    }

    fn close(&mut self, at: usize) {
        for element in self.stack.drain(at..) {
            self.counts[element] -= 1;
        }
    }

    fn is_dropping(&self) -> bool {
        self.counts[..self.dropped].iter().any(|count| *count > 0)
    }

    fn is_in_title(&self) -> bool {
        self.stack.last().is_some_and(|element| TRACKED[*element] == "title")
    }
}

impl Reader {
    fn start(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        if !tag.self_closing {
            self.open.start(name);
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
        self.open.end(name);
    }

    fn characters(&mut self, text: &str, line: u32) {
        if self.open.is_in_title() {
            self.page.title.push_str(text);
            return;
        }
        if self.open.is_dropping() {
            return;
        }
        // White space before the first word is dropped here, so this check is cheap.
        if self.block.chars().all(char::is_whitespace) {
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
            // html5ever reports the line on which a text run ends.
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
    use crate::{Extracted, Input, Limits, collect, extract};

    fn document(name: &str, page: &str) -> Document {
        collect(Input::bytes(name, page.as_bytes())).unwrap().documents.remove(0)
    }

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
        let Locations::LineMap(lines) = &document.locations else { panic!("lines are mapped") };
        assert_eq!(lines.len(), document.text.lines().count());
        assert_eq!((lines[0], lines[2], lines[4], lines[10]), (6, 7, 9, 10));
    }

    #[test]
    fn a_page_of_nothing_but_boilerplate_is_kept_whole() {
        assert_eq!(document("x.html", "<nav>Only links</nav>").text, "Only links");
    }

    #[test]
    fn an_unclosed_part_ends_with_its_parent() {
        assert_eq!(document("x.html", "<div><nav>links</div><p>text").text, "text");
    }

    #[test]
    fn the_first_of_the_tracked_elements_are_those_that_are_dropped() {
        assert_eq!(TRACKED[NEVER_TEXT], "nav");
        assert_eq!(TRACKED[BOILERPLATE..OWN_HEADER], ["article", "main"]);
    }

    #[test]
    fn elements_deeper_than_the_limit_do_not_end_those_above() {
        let limits = Limits::default().with_nesting(2);
        let page =
            "<body><div><nav>kept, as it is too deep</nav><script>not</script>a</div><nav>b</nav>c";
        let mut found = Extracted::default();
        extract(Input::bytes("x.html", page.as_bytes()), &limits, &mut found).unwrap();
        assert_eq!(found.documents[0].text, "kept, as it is too deep\n\na\n\nc");
    }

    /// Each of these used to take time quadratic in its length.
    #[test]
    fn hostile_pages_take_linear_time() {
        let attributes: String = (0..100_000).map(|i| format!(" a{i}")).collect();
        for (page, last) in [
            ("<div>x ".repeat(100_000), "x"),
            (format!("{}{}end", "<div>".repeat(100_000), "</p></div>".repeat(100_000)), "end"),
            (format!("{}end", "<nav>x</section>".repeat(100_000)), "end"),
            (format!("x{}end", "&#32;".repeat(100_000)), "x end"),
            (format!("<p{attributes}>end"), "end"),
            (format!("<p b='>'{attributes}>end"), "end"),
            (format!("<p {}>end", attributes.replace(' ', " <")), "end"),
            (format!("{}<p>end", "<!-- ".repeat(100_000)), ""),
            (format!("{}<p>end", "<script><".repeat(100_000)), ""),
        ] {
            let document = document("x.html", &page);
            assert_eq!(document.text.lines().last().unwrap_or_default(), last, "{}", &page[..40]);
        }
    }
}
