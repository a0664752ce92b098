//! Source to tree: html5ever's tokenizer and tree builder, with what would make either slow on hostile pages, and what
//! only matters for how text looks, taken out between them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use html5ever::{
    LocalName,
    interface::{Tracer, TreeSink},
};

use super::tree::{Builder, Handle, Tree};

/// Nodes of a page; some take a hundred bytes for three bytes of source.
const MOST_NODES: usize = 8 << 20;

/// Before the names of formatting elements that are kept. No name in a page has a space.
const FORMATTING: &str = "format ";
/// The name of a link.
pub(crate) const LINK: &str = "format a";

/// Elements without content.
pub(crate) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "img"
            | "input"
            | "keygen"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements whose content is no markup, so that one that is left open swallows the rest of the page.
fn is_raw(name: &str) -> bool {
    matches!(
        name,
        "iframe" | "noembed" | "noframes" | "script" | "style" | "textarea" | "title" | "xmp"
    )
}

/// Elements that are opened anew in each block until they are closed, as the standard has it: a page of some thousand
/// bytes may come to millions of nodes. Where they begin and end says nothing about text.
fn is_formatting(name: &str) -> bool {
    matches!(
        name,
        "a" | "b"
            | "big"
            | "code"
            | "em"
            | "font"
            | "i"
            | "nobr"
            | "s"
            | "small"
            | "strike"
            | "strong"
            | "tt"
            | "u"
    )
}

/// Parses a page. Elements deeper than `nesting` levels below its body become line breaks.
pub(crate) fn parse(text: &str, nesting: usize) -> Tree {
    let options = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let filter = Filter {
        builder: TreeBuilder::new(Builder::new(), options),
        // The document, `html`, `head` and `body` come on top.
        deepest: nesting.saturating_add(4),
        left_out: RefCell::default(),
        open: RefCell::default(),
        most_open: Cell::new(0),
        is_changed: Cell::new(true),
        is_xhtml: is_xhtml(text),
        is_full: Cell::new(false),
    };
    let tokenizer = Tokenizer::new(filter, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text));
    // The tokenizer pauses where a browser would act; there is nothing to do here.
    while !input.is_empty() {
        let _ = tokenizer.feed(&input);
    }
    tokenizer.end();
    tokenizer.sink.builder.sink.finish()
}

/// Whether a page says that it is XHTML, in which `<div/>` is closed.
fn is_xhtml(text: &str) -> bool {
    let head = &text[..text.floor_char_boundary(2048)];
    head.trim_start().starts_with("<?xml")
        || head.contains("DTD XHTML")
        || head.contains("http://www.w3.org/1999/xhtml")
}

struct Filter {
    builder: TreeBuilder<Handle, Builder>,
    deepest: usize,
    /// How many elements of each name were left out for being too deep, so that their end tags are left out too.
    left_out: RefCell<HashMap<LocalName, usize>>,
    /// How many formatting elements of each name are kept.
    open: RefCell<HashMap<LocalName, usize>>,
    /// At most this many elements are open; fewer, if tags have been passed on since that was known.
    most_open: Cell<usize>,
    is_changed: Cell<bool>,
    is_xhtml: bool,
    is_full: Cell<bool>,
}

impl Filter {
    /// Whether elements are open as deep as allowed. The tree does not tell: what is misplaced in a table is moved out
    /// of it. The tree builder is only asked when there may be as many.
    fn is_deep(&self) -> bool {
        if self.most_open.get() < self.deepest {
            return false;
        }
        if self.is_changed.replace(false) {
            let open = Open(Cell::new(0));
            self.builder.trace_handles(&open);
            self.most_open.set(open.0.get());
        }
        self.most_open.get() >= self.deepest
    }

    /// Passes a tag on.
    fn pass(&self, tag: Tag, line: u64) -> TokenSinkResult<Handle> {
        // A start tag may open what it implies, such as the body of a table.
        self.most_open.set(self.most_open.get() + 3 * usize::from(tag.kind == TagKind::StartTag));
        self.is_changed.set(true);
        self.builder.process_token(Token::TagToken(tag), line)
    }

    fn start(&self, mut tag: Tag, line: u64) -> TokenSinkResult<Handle> {
        if is_formatting(&tag.name) {
            if !says_something(&tag) {
                return TokenSinkResult::Continue;
            }
            let name = LocalName::from(format!("{FORMATTING}{}", tag.name));
            *self.open.borrow_mut().entry(name.clone()).or_default() += 1;
            tag.name = name;
        }
        let has_content = !is_void(&tag.name);
        if has_content && !is_raw(&tag.name) && self.is_deep() {
            *self.left_out.borrow_mut().entry(tag.name.clone()).or_default() += 1;
            return self.builder.process_token(line_break(), line);
        }
        if tag.self_closing && has_content && (self.is_xhtml || is_raw(&tag.name)) {
            let end = Tag { kind: TagKind::EndTag, attrs: Vec::new(), ..tag.clone() };
            tag.self_closing = false;
            // Whatever the content would have been read as, there is none.
            let _ = self.pass(tag, line);
            return self.end(end, line);
        }
        self.pass(tag, line)
    }

    fn end(&self, mut tag: Tag, line: u64) -> TokenSinkResult<Handle> {
        if is_formatting(&tag.name) {
            tag.name = LocalName::from(format!("{FORMATTING}{}", tag.name));
        }
        if tag.name.starts_with(FORMATTING) && !take(&self.open, &tag.name) {
            return TokenSinkResult::Continue;
        }
        if take(&self.left_out, &tag.name) {
            return self.builder.process_token(line_break(), line);
        }
        self.pass(tag, line)
    }
}

/// Counts what the tree builder holds on to.
struct Open(Cell<usize>);

impl Tracer for Open {
    type Handle = Handle;

    fn trace_handle(&self, _: &Handle) {
        self.0.set(self.0.get() + 1);
    }
}

/// Takes one of what is counted under `name`; false if there is none.
fn take(counts: &RefCell<HashMap<LocalName, usize>>, name: &LocalName) -> bool {
    let mut counts = counts.borrow_mut();
    let Some(count) = counts.get_mut(name).filter(|count| **count > 0) else { return false };
    *count -= 1;
    true
}

/// Whether a formatting element has to be kept: a link, what opens something, or what may be hidden.
fn says_something(tag: &Tag) -> bool {
    tag.attrs.iter().any(|attribute| {
        let name = &*attribute.name.local;
        matches!(name, "aria-hidden" | "hidden" | "role" | "style")
            || &*tag.name == "a"
                && matches!(
                    name,
                    "href" | "aria-controls" | "data-target" | "data-bs-target" | "onclick"
                )
    })
}

fn line_break() -> Token {
    Token::TagToken(Tag {
        kind: TagKind::StartTag,
        name: "br".into(),
        self_closing: false,
        attrs: Vec::new(),
        had_duplicate_attributes: false,
    })
}

impl TokenSink for Filter {
    type Handle = Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Handle> {
        if self.is_full.get() && matches!(token, Token::TagToken(_)) {
            let space = Token::CharacterTokens(StrTendril::from_char(' '));
            return self.builder.process_token(space, line);
        }
        match token {
            Token::CommentToken(_) => TokenSinkResult::Continue,
            Token::TagToken(tag) => {
                self.is_full.set(self.builder.sink.size() > MOST_NODES);
                match tag.kind {
                    TagKind::StartTag => self.start(tag, line),
                    TagKind::EndTag => self.end(tag, line),
                }
            }
            token => self.builder.process_token(token, line),
        }
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.is_xhtml || self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}
