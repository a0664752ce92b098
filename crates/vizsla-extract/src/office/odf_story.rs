//! The text of OpenDocument XML. In: its elements. Out: lines, page by page, with notes and comments apart.

use std::collections::{HashMap, HashSet};

use vizsla_core::Limits;

use crate::office::odf_hidden::is_hidden;
use crate::office::prose::{Gap, Line};
use crate::office::xml::{Event, Tag, Xml, decode};

/// What is on a page of a presentation; a text is one page.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) lines: Vec<Line>,
    /// The speaker's notes.
    pub(crate) notes: Vec<Line>,
    pub(crate) comments: Vec<Line>,
    /// The name of the master page that it is made by.
    pub(crate) master: Option<String>,
}

/// What the styles of pages show.
#[derive(Default)]
pub(crate) struct Design {
    pub(crate) headers: Vec<Line>,
    pub(crate) footers: Vec<Line>,
    /// What master pages show on each slide, by their names.
    pub(crate) masters: HashMap<String, Vec<Line>>,
}

/// What a document says.
#[derive(Default)]
pub(crate) struct Story {
    /// The first is what precedes the first page of a presentation, or all of a text.
    pub(crate) pages: Vec<Page>,
    pub(crate) footnotes: Vec<Line>,
    pub(crate) endnotes: Vec<Line>,
    pub(crate) comments: Vec<Line>,
    design: Design,
}

/// Elements whose content is not text of the document as it stands: what was deleted, reading aids, numbers of notes,
/// settings, and the styles of a flat file, but for headers and footers.
const SKIPPED: &[&str] = &[
    "ruby-text",
    "note-citation",
    "scripts",
    "font-face-decls",
    "settings",
    "meta",
    "binary-data",
    "variable-decls",
    "sequence-decls",
    "user-field-decls",
    "forms",
    "date-string",
    "creator",
    "creator-initials",
    "date",
    "automatic-styles",
    "annotation-end",
    "desc",
    "title",
];

/// Bytes of a formula that is arranged; of a larger one, which nobody wrote, there is but the text.
const FORMULA_BYTES: usize = 256 << 10;

/// Where lines go.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    Body,
    Notes,
    Footnotes,
    Endnotes,
    Comments,
    Header,
    Footer,
    Master,
    /// Styles of a flat file are read apart, and those of pages have no text but headers and footers.
    Nowhere,
}

/// A paragraph that is open, and where it belongs.
struct Paragraph {
    inline: Inline,
    level: Option<usize>,
    is_title: bool,
    /// Whether a field in it says that it is not shown.
    is_hidden: bool,
    target: Target,
}

struct Reader<'a> {
    story: Story,
    open: Vec<Paragraph>,
    /// Where lines go, innermost last, each with the name of the element that began it.
    targets: Vec<(String, Target)>,
    /// For each open table, whether a cell of the current row has been read.
    tables: Vec<bool>,
    gap: Gap,
    lists: usize,
    was_item: bool,
    is_title: bool,
    /// The author of a comment, before its text.
    author: Option<String>,
    /// The changes by which text was deleted, and the one whose text, which some programs leave in its place, goes on.
    deletions: HashSet<String>,
    deletion: Option<String>,
    /// Formulas and charts that have not been read yet, by the names of their parts.
    objects: HashMap<String, Vec<u8>>,
    /// The styles that hide text.
    hidden: &'a HashSet<String>,
    limits: &'a Limits,
    /// The name of the master page that is read.
    master: String,
}

impl Story {
    /// Reads the body of a document. `objects` are the formulas and charts embedded in it, and `hidden` the styles that hide
    /// text.
    pub(crate) fn read(
        xml: &mut Xml<'_>,
        objects: HashMap<String, Vec<u8>>,
        hidden: &HashSet<String>,
        limits: &Limits,
    ) -> Self {
        read(xml, objects, Target::Body, (hidden, limits))
    }

    /// Reads what the styles of pages show: headers, footers, and what is on master pages.
    pub(crate) fn design(text: &str, hidden: &HashSet<String>, limits: &Limits) -> Design {
        let mut xml = Xml::new(text, limits.nesting);
        read(&mut xml, HashMap::new(), Target::Nowhere, (hidden, limits)).design
    }
}

fn read(
    xml: &mut Xml<'_>,
    objects: HashMap<String, Vec<u8>>,
    target: Target,
    (hidden, limits): (&HashSet<String>, &Limits),
) -> Story {
    let mut reader = Reader {
        story: Story { pages: vec![Page::default()], ..Story::default() },
        open: Vec::new(),
        targets: vec![(String::new(), target)],
        tables: Vec::new(),
        gap: Gap::None,
        lists: 0,
        was_item: false,
        is_title: false,
        author: None,
        deletions: HashSet::new(),
        deletion: None,
        objects,
        hidden,
        limits,
        master: String::new(),
    };
    while let Some(event) = xml.next() {
        match event {
            Event::Start(tag) => reader.start(&tag, xml),
            Event::End(end) => reader.end(end.name()),
            Event::Text(text) => {
                if reader.deletion.is_none()
                    && let Some(paragraph) = reader.open.last_mut()
                {
                    paragraph.inline.text(&text);
                }
            }
        }
    }
    while !reader.open.is_empty() {
        reader.end_paragraph();
    }
    reader.story
}

impl Reader<'_> {
    fn target(&self) -> Target {
        self.targets.last().map_or(Target::Body, |(_, target)| *target)
    }

    fn start(&mut self, tag: &Tag<'_>, xml: &mut Xml<'_>) {
        let name = tag.name();
        // Fields, such as that of the author, have the names of properties.
        let is_field = tag.prefix() == "text" && matches!(name, "title" | "creator" | "date");
        if is_field {
            return;
        }
        if matches!(name, "title" | "desc") && self.target() != Target::Nowhere {
            return self.describe(&xml.text());
        }
        if name == "creator" && self.target() == Target::Comments {
            self.author = Some(xml.text());
            return;
        }
        if name == "tracked-changes" {
            return self.deletions = deletions(xml);
        }
        if self.is_left_out(tag) {
            return xml.skip();
        }
        if let Some(target) = self.target_of(tag) {
            self.targets.push((name.to_owned(), target));
        }
        match name {
            "p" | "h" => self.begin_paragraph(tag),
            "page" if self.target() == Target::Body => {
                let master = tag.get("master-page-name");
                self.story.pages.push(Page { master, ..Page::default() });
            }
            "master-page" => self.master = tag.get("name").unwrap_or_default(),
            "list" => self.lists += 1,
            "frame" | "custom-shape" => {
                self.is_title = tag.get("class").is_some_and(|class| class == "title");
            }
            "object" => self.object(tag),
            "table" | "table-row" | "table-cell" => self.table(name),
            "change-start" => {
                let change = tag.get("change-id").filter(|id| self.deletions.contains(id));
                self.deletion = self.deletion.take().or(change);
            }
            "change-end" if self.deletion.is_some() && self.deletion == tag.get("change-id") => {
                self.deletion = None;
            }
            _ => {
                if let Some(paragraph) = self.open.last_mut() {
                    paragraph.is_hidden |= name == "hidden-paragraph"
                        && tag.get("is-hidden").is_some_and(|is| is == "true");
                    paragraph.inline.element(tag);
                }
            }
        }
    }

    fn begin_paragraph(&mut self, tag: &Tag<'_>) {
        let level = tag.get("outline-level").and_then(|level| level.parse().ok());
        let level = (tag.name() == "h").then(|| level.unwrap_or(1usize).clamp(1, 10));
        let is_title = tag.get("style-name").is_some_and(|style| style == "Title");
        let (inline, target) = (Inline::default(), self.target());
        self.open.push(Paragraph { inline, level, is_title, is_hidden: false, target });
    }

    /// Whether what is in an element is not text of the document.
    fn is_left_out(&self, tag: &Tag<'_>) -> bool {
        let (name, class) = (tag.name(), tag.get("class"));
        let is_design = matches!(self.target(), Target::Header | Target::Footer | Target::Master);
        // A placeholder on a master page holds a hint.
        let is_hint = self.target() == Target::Master && (name == "notes" || class.is_some());
        // The number of a page is nothing that its notes or its footer say.
        let is_number =
            class.is_some_and(|class| class == "page-number") || is_design && name == "page-number";
        is_hint || is_number || is_hidden(tag, self.hidden) || SKIPPED.contains(&name)
    }

    /// Where the lines within an element go, if elsewhere than those around it.
    fn target_of(&self, tag: &Tag<'_>) -> Option<Target> {
        match tag.name() {
            "notes" if self.target() == Target::Body => Some(Target::Notes),
            "note" if tag.get("note-class").is_some_and(|class| class == "endnote") => {
                Some(Target::Endnotes)
            }
            "note" => Some(Target::Footnotes),
            "annotation" => Some(Target::Comments),
            // The styles of a flat file are before its body, and are passed over there.
            "styles" | "master-styles" if self.target() == Target::Body => Some(Target::Nowhere),
            name if matches!(self.target(), Target::Nowhere | Target::Master) => {
                let is_passed_over = self.targets.iter().any(|(name, _)| name == "master-styles");
                design_target(name).filter(|_| !is_passed_over)
            }
            _ => None,
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" | "h" => self.end_paragraph(),
            "list" => self.lists = self.lists.saturating_sub(1),
            "frame" | "custom-shape" => {
                self.is_title = false;
                if self.open.is_empty() && self.tables.is_empty() {
                    self.gap = Gap::Paragraph;
                }
            }
            "table" => {
                self.tables.pop();
                self.gap = if self.tables.is_empty() { Gap::Paragraph } else { Gap::Line };
            }
            _ => {}
        }
        if self.targets.len() > 1 && self.targets.last().is_some_and(|(begun, _)| begun == name) {
            self.targets.pop();
        }
    }

    fn table(&mut self, name: &str) {
        match (name, self.tables.last_mut()) {
            ("table", outer) => {
                self.gap = if outer.is_none() { Gap::Paragraph } else { Gap::Line };
                self.tables.push(false);
            }
            ("table-row", Some(has_cell)) => {
                *has_cell = false;
                self.gap = self.gap.max(Gap::Line);
            }
            ("table-cell", Some(has_cell)) => {
                let gap = if std::mem::replace(has_cell, true) { Gap::Cell } else { Gap::Line };
                self.gap = self.gap.max(gap);
            }
            _ => {}
        }
    }

    /// The text that somebody gave a picture for those who do not see it.
    fn describe(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.push(self.target(), Line::new(text.trim()));
        }
    }

    /// The text of a formula or chart.
    fn object(&mut self, tag: &Tag<'_>) {
        let Some(href) = tag.get("href") else { return };
        let name = format!("{}/content.xml", href.trim_start_matches("./").trim_end_matches('/'))
            .to_lowercase();
        let Some(bytes) = self.objects.remove(&name) else { return };
        let text = decode(&bytes);
        if let Some(formula) = formula(&text, self.limits) {
            // It may stand between words.
            match self.open.last_mut() {
                Some(paragraph) => paragraph.inline.text(&formula),
                None => self.push(self.target(), Line::new(formula)),
            }
            return;
        }
        for (i, line) in object_lines(&text, self.limits.nesting).into_iter().enumerate() {
            let gap = if i == 0 { Gap::Paragraph } else { Gap::Line };
            self.push(self.target(), Line { gap, ..Line::new(line) });
        }
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.open.pop() else { return };
        let mut text = paragraph.inline.finish();
        if text.is_empty() || paragraph.is_hidden {
            return;
        }
        if let Some(author) = self.author.take_if(|_| paragraph.target == Target::Comments) {
            text.insert_str(0, &format!("{author}: "));
        }
        let is_item = self.lists > 0;
        let gap = match self.gap {
            Gap::None if !self.tables.is_empty() || (is_item && self.was_item) => Gap::Line,
            Gap::None => Gap::Paragraph,
            gap => gap,
        };
        (self.gap, self.was_item) = (Gap::None, is_item);
        let is_title = (self.is_title || paragraph.is_title) && paragraph.target == Target::Body;
        self.push(paragraph.target, Line { text, gap, level: paragraph.level, is_title });
    }

    fn push(&mut self, target: Target, line: Line) {
        let is_page = self.story.pages.len() > 1;
        let Some(page) = self.story.pages.last_mut() else { return };
        let lines = match target {
            Target::Body => &mut page.lines,
            Target::Notes => &mut page.notes,
            Target::Footnotes => &mut self.story.footnotes,
            Target::Endnotes => &mut self.story.endnotes,
            Target::Comments if is_page => &mut page.comments,
            Target::Comments => &mut self.story.comments,
            Target::Header => &mut self.story.design.headers,
            Target::Footer => &mut self.story.design.footers,
            Target::Master => self.story.design.masters.entry(self.master.clone()).or_default(),
            Target::Nowhere => return,
        };
        lines.push(line);
    }
}

/// Where the lines within an element of the styles of pages go.
fn design_target(name: &str) -> Option<Target> {
    match name {
        "master-page" => Some(Target::Master),
        "header" | "header-left" | "header-first" => Some(Target::Header),
        "footer" | "footer-left" | "footer-first" => Some(Target::Footer),
        _ => None,
    }
}

/// The deletions among the changes of a document, by their ids, whose list has just begun.
fn deletions(xml: &mut Xml<'_>) -> HashSet<String> {
    let (mut found, mut depth, mut region) = (HashSet::new(), 1, None);
    while depth > 0 {
        match xml.next() {
            Some(Event::Start(tag)) => {
                depth += 1;
                match tag.name() {
                    "changed-region" => region = tag.get("id"),
                    "deletion" => found.extend(region.take()),
                    _ => {}
                }
            }
            Some(Event::End(_)) => depth -= 1,
            Some(Event::Text(_)) => {}
            None => break,
        }
    }
    found
}

/// The text of a paragraph, in which white space is written as in XML.
#[derive(Default)]
pub(crate) struct Inline(String);

/// Spaces written by one element that are kept; they have no meaning for a search.
const MOST_SPACES: usize = 8;

impl Inline {
    pub(crate) fn text(&mut self, text: &str) {
        for c in text.chars() {
            if !matches!(c, ' ' | '\t' | '\n' | '\r') {
                self.0.push(c);
            } else if !self.0.ends_with(' ') {
                self.0.push(' ');
            }
        }
    }

    /// An element that stands for white space.
    pub(crate) fn element(&mut self, tag: &Tag<'_>) {
        match tag.name() {
            "s" => {
                let count = tag.get("c").and_then(|count| count.parse().ok()).unwrap_or(1usize);
                self.0.push_str(&" ".repeat(count.min(MOST_SPACES)));
            }
            "tab" => self.0.push('\t'),
            "line-break" => self.0.push('\n'),
            _ => {}
        }
    }

    pub(crate) fn finish(self) -> String {
        self.0.trim().to_owned()
    }
}

/// The formula that an embedded object is, as it is written in one line on a web page.
fn formula(text: &str, limits: &Limits) -> Option<String> {
    // Older programs write all elements with a prefix.
    let start = text.find("<math")?;
    let is_root =
        text[..start].split('<').all(|tag| tag.trim().is_empty() || tag.starts_with(['?', '!']));
    if !is_root {
        return None;
    }
    let shown = if text.len() > FORMULA_BYTES {
        let mut xml = Xml::new(&text[start..], limits.nesting);
        xml.next();
        xml.text()
    } else {
        let formula = text[start..].replace("<math:", "<").replace("</math:", "</");
        crate::html::page(&format!("<p>{formula}"), limits).text
    };
    Some(shown.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The lines of an embedded chart.
fn object_lines(text: &str, nesting: usize) -> Vec<String> {
    let mut xml = Xml::new(text, nesting);
    let mut lines = Vec::new();
    while let Some(event) = xml.next() {
        let Event::Start(tag) = event else { continue };
        match tag.name() {
            // The table of a chart has its labels; numbers are left out.
            "table-cell" if tag.get("value").is_some() => xml.skip(),
            "p" => lines.push(xml.text().trim().to_owned()),
            _ => {}
        }
    }
    lines
}
