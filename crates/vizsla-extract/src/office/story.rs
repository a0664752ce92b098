//! The text of a part of a Word document or of a slide, which are made of the same elements. In: the bytes of the part.
//! Out: its lines, and the names of the files embedded in it.

use std::collections::HashSet;

use crate::office::drawing;
use crate::office::formula;
use crate::office::numbering::Counters;
use crate::office::parts::{Package, Relationships};
use crate::office::prose::{Gap, Line};
use crate::office::styles::Styles;
use crate::office::symbols::SymbolFont;
use crate::office::xml::{Event, Tag, Xml, decode};
use crate::output::Output;
use crate::sink::ProblemKind;

/// What a part says.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) lines: Vec<Line>,
    /// Names of the parts that are files of their own.
    pub(crate) embedded: Vec<String>,
}

/// Reads the part of this name.
pub(crate) fn read(
    name: &str,
    styles: &Styles,
    package: &mut Package<'_>,
    output: &mut Output<'_>,
) -> Story {
    read_part(name, Reader::new(styles), package, output)
}

/// Reads an element of a document that is one XML text, which names no other parts.
pub(crate) fn read_element(xml: &mut Xml<'_>, styles: &Styles) -> Vec<Line> {
    let mut reader = Reader::new(styles);
    while let Some(event) = xml.next() {
        match event {
            Event::Start(tag) => reader.start(&tag, xml),
            Event::End(end) => reader.end(end.name()),
            Event::Text(_) => {}
        }
    }
    reader.end_all();
    reader.story.lines
}

/// Reads what a layout or master adds to the slides that are made by it: all but the hints in its placeholders.
pub(crate) fn read_design(name: &str, package: &mut Package<'_>, output: &mut Output<'_>) -> Story {
    let styles = Styles::default();
    read_part(name, Reader { is_design: true, ..Reader::new(&styles) }, package, output)
}

fn read_part(
    name: &str,
    reader: Reader<'_>,
    package: &mut Package<'_>,
    output: &mut Output<'_>,
) -> Story {
    let Some(bytes) = package.read(name, output) else { return Story::default() };
    let relationships = package.relationships(name, output);
    let text = decode(&bytes);
    let mut xml = Xml::new(&text, output.limits.nesting);
    let mut reader = Reader { relationships, ..reader };
    // A chart is read once, however often a damaged file shows it.
    let mut drawn = HashSet::new();
    while let Some(event) = xml.next() {
        match event {
            Event::Start(tag) => reader.start(&tag, &mut xml),
            Event::End(end) => reader.end(end.name()),
            Event::Text(_) => {}
        }
        if let Some(drawing) = reader.drawing.take()
            && drawn.insert(drawing.clone())
        {
            let lines = read_drawing(&drawing, package, output).into_iter().enumerate();
            reader.floating.extend(lines.map(|(i, text)| {
                let gap = if i == 0 { Gap::Paragraph } else { Gap::Line };
                Line { gap, ..Line::new(text) }
            }));
            reader.flush_floating();
        }
    }
    reader.end_all();
    package.report(&xml, name, output);
    reader.story
}

/// The lines of a chart or diagram.
fn read_drawing(name: &str, package: &mut Package<'_>, output: &mut Output<'_>) -> Vec<String> {
    let Some(bytes) = package.read(name, output) else {
        output.problem(ProblemKind::Malformed, None, format!("{name} is missing and is left out"));
        return Vec::new();
    };
    let (lines, failure) = drawing::lines(&bytes, output.limits.nesting);
    if let Some(failure) = failure {
        let message = format!("{name} {failure}; what comes after that is left out");
        output.problem(ProblemKind::Malformed, None, message);
    }
    lines
}

/// Elements whose content is not text of the document as it stands: what was deleted or moved away, instructions of
/// fields, a second form of what was read already, how things look and looked, and the reading aid over a word.
const SKIPPED: &[&str] = &[
    "del",
    "moveFrom",
    "delText",
    "instrText",
    "delInstrText",
    "Fallback",
    "pPrChange",
    "rPrChange",
    "tblPrChange",
    "tcPrChange",
    "trPrChange",
    "sectPrChange",
    "rPr",
    "tabs",
    "sectPr",
    "sdtPr",
    "rt",
    "binData",
    "fldData",
];

/// A paragraph that is open.
#[derive(Default)]
struct Paragraph {
    text: String,
    style: Option<String>,
    /// Its own outline level, if it has one.
    outline: Option<usize>,
    is_item: bool,
    /// The number of its list, and its level there, where it says so itself.
    list: Option<String>,
    list_level: Option<usize>,
    /// Whether its end was deleted, so that it goes on in the next one.
    goes_on: bool,
    /// Whether its properties are read.
    is_in_properties: bool,
}

struct Reader<'a> {
    styles: &'a Styles,
    counters: Counters<'a>,
    relationships: Relationships,
    story: Story,
    open: Vec<Paragraph>,
    /// Lines beside the text: boxes, charts, descriptions of pictures. They come after the paragraph that they are in.
    floating: Vec<Line>,
    /// For each open table, whether a cell of the current row has been read.
    tables: Vec<bool>,
    gap: Gap,
    was_item: bool,
    /// The kind of placeholder that the current shape is; empty for a shape that is none.
    placeholder: Option<String>,
    /// Whether placeholders hold hints only.
    is_design: bool,
    /// The last description of a picture, which often comes twice.
    description: String,
    /// The part with a chart or diagram that is to be read next.
    drawing: Option<String>,
    /// The charts and diagrams that have been read: each is read once.
    drawn: HashSet<String>,
    author: Option<String>,
    /// Whether the present run is hidden.
    is_hidden: bool,
    /// The text of a paragraph whose end was deleted.
    carried: String,
}

impl<'a> Reader<'a> {
    fn new(styles: &'a Styles) -> Self {
        Self {
            styles,
            counters: Counters::new(&styles.numbering),
            relationships: Relationships::default(),
            story: Story::default(),
            open: Vec::new(),
            floating: Vec::new(),
            tables: Vec::new(),
            gap: Gap::None,
            was_item: false,
            placeholder: None,
            is_design: false,
            description: String::new(),
            drawing: None,
            drawn: HashSet::new(),
            author: None,
            is_hidden: false,
            carried: String::new(),
        }
    }

    fn start(&mut self, tag: &Tag<'_>, xml: &mut Xml<'_>) {
        let name = tag.name();
        if name == "rPr" {
            return self.run_properties(xml);
        }
        if SKIPPED.contains(&name) {
            return xml.skip();
        }
        match name {
            "p" => {
                let text = std::mem::take(&mut self.carried);
                self.open.push(Paragraph { text, ..Paragraph::default() });
            }
            "pPr" => self.in_properties(true),
            "r" => self.is_hidden = false,
            "t" => self.append(&xml.text()),
            "tab" | "ptab" => self.append("\t"),
            "br" | "cr" => self.append("\n"),
            "noBreakHyphen" => self.append("-"),
            "oMath" => self.append(&formula::read(xml, SKIPPED)),
            "sym" => self.symbol(tag),
            "pStyle" | "outlineLvl" | "numPr" | "listPr" | "numId" | "ilvl" => {
                self.paragraph_property(tag);
            }
            "tbl" | "tr" | "tc" => {
                self.end_carried();
                self.table(name);
            }
            "sp" => self.placeholder = Some(String::new()),
            "ph" => self.placeholder = Some(tag.get("type").unwrap_or_else(|| "obj".to_owned())),
            "docPr" | "cNvPr" | "shape" | "textpath" => self.describe(tag),
            "chart" | "relIds" => {
                let id = if name == "chart" { tag.get_prefixed("id") } else { tag.get("dm") };
                let target = id.and_then(|id| self.relationships.target(&id)).map(str::to_owned);
                self.drawing = target.filter(|target| self.drawn.insert(target.clone()));
            }
            "altChunk" | "OLEObject" | "oleObj" => {
                let id = tag.get_prefixed("id");
                let target = id.and_then(|id| self.relationships.target(&id)).map(str::to_owned);
                self.story.embedded.extend(target);
            }
            "comment" => self.author = tag.get("author"),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" => self.end_paragraph(),
            "pPr" => self.in_properties(false),
            "r" => self.is_hidden = false,
            "tc" | "txbxContent" | "body" | "comment" | "footnote" | "endnote" | "hdr" | "ftr" => {
                self.end_carried();
            }
            "tbl" => {
                self.tables.pop();
                self.gap = if self.tables.is_empty() { Gap::Paragraph } else { Gap::Line };
            }
            "sp" => self.placeholder = None,
            "txBody" if self.tables.is_empty() => self.gap = Gap::Paragraph,
            _ => {}
        }
    }

    fn append(&mut self, text: &str) {
        if let Some(paragraph) = self.open.last_mut().filter(|_| !self.is_hidden) {
            paragraph.text.push_str(text);
        }
    }

    fn in_properties(&mut self, is_in: bool) {
        if let Some(paragraph) = self.open.last_mut() {
            paragraph.is_in_properties = is_in;
        }
    }

    /// Whether the run is hidden, or the end of the paragraph was deleted or moved away.
    fn run_properties(&mut self, xml: &mut Xml<'_>) {
        let is_of_end = self.open.last().is_some_and(|paragraph| paragraph.is_in_properties);
        let mut depth = 1;
        while depth > 0 {
            match xml.next() {
                // How the run looked before.
                Some(Event::Start(tag)) if tag.name() == "rPrChange" => xml.skip(),
                Some(Event::Start(tag)) => {
                    depth += 1;
                    match tag.name() {
                        "vanish" if !is_of_end => self.is_hidden = is_on(&tag),
                        "del" | "moveFrom" if is_of_end => {
                            if let Some(paragraph) = self.open.last_mut() {
                                paragraph.goes_on = true;
                            }
                        }
                        _ => {}
                    }
                }
                Some(Event::End(_)) => depth -= 1,
                Some(Event::Text(_)) => {}
                None => break,
            }
        }
    }

    /// A character of a symbol font; those at private places mean nothing outside their font.
    fn symbol(&mut self, tag: &Tag<'_>) {
        let code = tag.get("char").and_then(|code| u32::from_str_radix(&code, 16).ok());
        let character = match tag.get("font").and_then(|font| SymbolFont::named(&font)) {
            Some(font) => code.and_then(|code| font.character(code)),
            None => code.filter(|code| !(0xe000..0xf900).contains(code)).and_then(char::from_u32),
        };
        if let Some(character) = character {
            self.append(character.encode_utf8(&mut [0; 4]));
        }
    }

    fn paragraph_property(&mut self, tag: &Tag<'_>) {
        let Some(paragraph) = self.open.last_mut() else { return };
        match tag.name() {
            "pStyle" => paragraph.style = tag.get("val"),
            "numPr" | "listPr" => paragraph.is_item = true,
            "numId" => paragraph.list = tag.get("val"),
            "ilvl" => paragraph.list_level = tag.get("val").and_then(|level| level.parse().ok()),
            _ => paragraph.outline = tag.get("val").and_then(|level| level.parse().ok()),
        }
    }

    fn table(&mut self, name: &str) {
        match (name, self.tables.last_mut()) {
            ("tbl", None) => {
                self.gap = Gap::Paragraph;
                self.tables.push(false);
            }
            ("tbl", Some(_)) => {
                self.gap = Gap::Line;
                self.tables.push(false);
            }
            ("tr", Some(has_cell)) => {
                *has_cell = false;
                self.gap = self.gap.max(Gap::Line);
            }
            ("tc", Some(has_cell)) => {
                let gap = if std::mem::replace(has_cell, true) { Gap::Cell } else { Gap::Line };
                self.gap = self.gap.max(gap);
            }
            _ => {}
        }
    }

    /// The text that somebody gave a picture or drawing for those who do not see it, or that is drawn as a picture.
    fn describe(&mut self, tag: &Tag<'_>) {
        let names: &[&str] = match tag.name() {
            "textpath" => &["string"],
            "shape" => &["alt"],
            _ => &["title", "descr"],
        };
        for name in names {
            let Some(text) = tag.get(name).filter(|text| !text.trim().is_empty()) else { continue };
            if text != self.description {
                self.description.clone_from(&text);
                self.floating.push(Line::new(text));
            }
        }
        self.flush_floating();
    }

    fn end_paragraph(&mut self) {
        let Some(mut paragraph) = self.open.pop() else { return };
        if paragraph.goes_on {
            self.carried = paragraph.text;
            return self.flush_floating();
        }
        if let Some(author) = self.author.take()
            && !paragraph.text.trim().is_empty()
            && !author.is_empty()
        {
            paragraph.text.insert_str(0, &format!("{author}: "));
        }
        if let Some(number) = self.number(&paragraph) {
            paragraph.text.insert_str(0, &format!("{number} "));
        }
        let style = paragraph.style.as_deref().unwrap_or_default();
        let level = match paragraph.outline {
            Some(outline) => Some(outline + 1).filter(|level| *level <= 9),
            None => self.styles.level(style),
        };
        let is_item = paragraph.is_item && level.is_none();
        let gap = match self.gap {
            Gap::None if !self.tables.is_empty() || (is_item && self.was_item) => Gap::Line,
            Gap::None => self.usual_gap(),
            gap => gap,
        };
        let placeholder = self.placeholder.as_deref();
        let is_title =
            matches!(placeholder, Some("title" | "ctrTitle")) || self.styles.is_title(style);
        let is_hint = self.is_design && placeholder.is_some_and(|kind| !kind.is_empty());
        let is_number = is_hint || placeholder == Some("sldNum");
        let line = Line { text: paragraph.text, gap, level, is_title };
        if self.open.is_empty() && !is_number && !line.text.trim().is_empty() {
            self.story.lines.push(line);
            (self.gap, self.was_item) = (Gap::None, is_item);
        } else if !is_number && !line.text.trim().is_empty() {
            self.floating.push(line);
        }
        self.flush_floating();
    }

    /// The number of a paragraph in its list: what it does not say itself of the list, its style does. List 0 is none. One
    /// without text has a number too, but is not shown.
    fn number(&mut self, paragraph: &Paragraph) -> Option<String> {
        let of_style = self.styles.list(paragraph.style.as_deref().unwrap_or_default());
        let list = paragraph.list.as_deref().or(of_style.map(|(list, _)| list))?;
        let level = paragraph.list_level.or(of_style.map(|(_, level)| level)).unwrap_or(0);
        let number = self.counters.next(list, level);
        number.filter(|_| !paragraph.text.trim().is_empty())
    }

    /// What a paragraph whose end was deleted says, where no other follows it.
    fn end_carried(&mut self) {
        let text = std::mem::take(&mut self.carried);
        if !text.is_empty() {
            self.open.push(Paragraph { text, ..Paragraph::default() });
            self.end_paragraph();
        }
    }

    /// Paragraphs of one shape on a slide are lines of one text.
    fn usual_gap(&self) -> Gap {
        if self.placeholder.is_some() { Gap::Line } else { Gap::Paragraph }
    }

    fn flush_floating(&mut self) {
        if self.open.is_empty() && !self.floating.is_empty() {
            self.story.lines.append(&mut self.floating);
            self.gap = if self.tables.is_empty() { Gap::Paragraph } else { Gap::Line };
        }
    }

    /// Paragraphs that a cut-off part leaves open have text too.
    fn end_all(&mut self) {
        while !self.open.is_empty() {
            self.end_paragraph();
        }
        self.end_carried();
        self.flush_floating();
    }
}

/// Whether a property that is there is on: it may be there to be off.
fn is_on(tag: &Tag<'_>) -> bool {
    !tag.get("val").is_some_and(|value| matches!(value.as_str(), "0" | "false" | "off"))
}
