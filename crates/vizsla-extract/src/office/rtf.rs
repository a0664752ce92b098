//! RTF: in come the bytes of a document, out comes its text in reading order with headings, footnotes and comments.
//!
//! RTF is ASCII with control words; other characters are bytes of the current font's code page (`\'e4`) or UTF-16 units
//! (`\u228`), each followed by substitutes for readers that know no Unicode. What is in a group ends with it, so that
//! state is kept in a stack of bounded depth. [`words`] splits a document into tokens, this reader gives them a meaning.

mod charset;
mod info;
mod words;

use std::collections::HashMap;

use vizsla_core::{Document, Location, Locations};

use self::words::{Token, Tokens};
use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::office::symbols::SymbolFont;
use crate::output::Output;
use crate::sink::ProblemKind;
use crate::text::charset::Charset;
use crate::text::headings::{Heading, sections};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "rtf",
    title: "RTF",
    version: 5,
    extensions: &["rtf"],
    recognise: Recognise::Bytes(|bytes| {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        bytes.trim_ascii_start().starts_with(b"{\\rt")
    }),
    is_foreign: false,
    read: Read::Whole(read),
};

/// Groups whose states are kept; deeper ones share the state of the deepest.
const MOST_GROUPS: usize = 4096;
/// Characters that a program may declare to stand in for one that needs Unicode.
const MOST_SUBSTITUTES: i32 = 64;

#[allow(clippy::unnecessary_wraps, reason = "the type of readers says so")]
fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let mut reader = Reader::new(output.text_left());
    for token in Tokens::new(bytes) {
        reader.token(token);
        if reader.is_full {
            output.text_left_out(&output.name.clone());
            break;
        }
    }
    let is_cut_off = !reader.is_full && !reader.groups.is_empty();
    let Body { text, headings, places } = reader.finish();
    if is_cut_off {
        let last = places.last().map(|(_, place)| place.clone());
        let message = "is cut off: groups that it opens are not closed; copy or download it again";
        output.problem(ProblemKind::Malformed, last, message);
    }
    let title = info::title(&reader.info);
    let title = title.or_else(|| headings.first().map(|first| first.text.clone()));
    let title = title.unwrap_or_else(|| crate::output::file_name(&output.name).to_owned());
    if text.trim().is_empty() {
        output.problem(ProblemKind::NoText, None, "has no text; it may consist of pictures");
    }
    let sections = sections(headings, output);
    let mut document = Document::new(&output.name, text)
        .with_title(title)
        .with_sections(sections)
        .with_locations(Locations::Spans(places));
    info::describe(&mut document, &reader.info);
    let _ = output.document(document);
    Ok(())
}

/// The text of a body that another file holds, up to `most` bytes.
#[cfg(feature = "outlook")]
pub(crate) fn text(bytes: &[u8], most: usize) -> String {
    let mut reader = Reader::new(most);
    for token in Tokens::new(bytes) {
        reader.token(token);
        if reader.is_full {
            break;
        }
    }
    reader.finish().text
}

/// Where text goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Destination {
    Body,
    /// A footnote, comment, header or footer: after the body.
    Aside(&'static str),
    /// A property of the document.
    Info(&'static str),
    FontTable,
    StyleSheet,
    /// Pictures, settings, and whatever the document says may be left out.
    Nowhere,
}

/// What a group inherits and changes for itself.
#[derive(Clone, Copy)]
struct State {
    destination: Destination,
    font: i32,
    /// How many characters stand in for one of Unicode.
    substitutes: i32,
    is_hidden: bool,
}

#[derive(Default)]
struct Body {
    text: String,
    headings: Vec<Heading>,
    places: Vec<(usize, Location)>,
}

/// The paragraph that is read.
#[derive(Default, Clone)]
struct Paragraph {
    text: String,
    level: Option<usize>,
}

struct Reader {
    state: State,
    groups: Vec<State>,
    /// Groups deeper than those kept.
    uncounted: usize,
    body: Body,
    /// Paragraphs that are not part of the body, by part.
    asides: Vec<(&'static str, String)>,
    paragraph: Paragraph,
    number: u32,
    /// Encoding of the document, and of each font.
    encoding: Charset,
    default_font: i32,
    fonts: HashMap<i32, Charset>,
    symbol_fonts: HashMap<i32, SymbolFont>,
    /// Heading levels of styles.
    styles: HashMap<i32, usize>,
    style: (i32, Option<usize>, String),
    /// Bytes and UTF-16 units that are not yet characters.
    bytes: Vec<u8>,
    units: Vec<u16>,
    /// Substitutes still to be left out.
    skip: i32,
    info: HashMap<&'static str, String>,
    /// Whether the group has just begun, so that a destination may follow, and whether it may be left out.
    at_start: bool,
    is_ignorable: bool,
    most: usize,
    used: usize,
    is_full: bool,
}

impl Reader {
    fn new(most: usize) -> Self {
        let state =
            State { destination: Destination::Body, font: -1, substitutes: 1, is_hidden: false };
        Self {
            state,
            groups: Vec::new(),
            uncounted: 0,
            body: Body::default(),
            asides: Vec::new(),
            paragraph: Paragraph::default(),
            number: 0,
            encoding: Charset::Known(encoding_rs::WINDOWS_1252),
            default_font: -1,
            fonts: HashMap::new(),
            symbol_fonts: HashMap::new(),
            styles: HashMap::new(),
            style: (0, None, String::new()),
            bytes: Vec::new(),
            units: Vec::new(),
            skip: 0,
            info: HashMap::new(),
            at_start: false,
            is_ignorable: false,
            most,
            used: 0,
            is_full: false,
        }
    }

    fn token(&mut self, token: Token<'_>) {
        match token {
            Token::Open => self.open(),
            Token::Close => self.close(),
            Token::Byte(byte) => self.byte(byte),
            Token::Text(bytes) => {
                for byte in bytes {
                    self.byte(*byte);
                }
            }
            Token::Symbol('*') => {
                self.is_ignorable = true;
                return;
            }
            Token::Symbol(symbol) => self.symbol(symbol),
            Token::Word(word, parameter) => self.word(word, parameter),
        }
        if !matches!(token, Token::Open) {
            self.at_start = false;
            self.is_ignorable = false;
        }
    }

    fn open(&mut self) {
        self.flush();
        self.skip = 0;
        if self.groups.len() < MOST_GROUPS {
            self.groups.push(self.state);
        } else {
            self.uncounted += 1;
        }
        self.at_start = true;
        self.is_ignorable = false;
    }

    fn close(&mut self) {
        self.flush();
        self.skip = 0;
        if self.uncounted > 0 {
            self.uncounted -= 1;
            return;
        }
        let ended = self.state.destination;
        // A brace too many is no end of the document.
        if let Some(state) = self.groups.pop() {
            self.state = state;
        }
        if ended == Destination::StyleSheet {
            self.end_of_style();
        }
        if let Destination::Aside(_) = ended
            && self.state.destination != ended
        {
            self.end_of_aside();
        }
    }

    /// A style in the list of styles; headings are recognised by name or by level in the outline.
    fn end_of_style(&mut self) {
        let (number, level, name) = std::mem::take(&mut self.style);
        let name = name.trim().trim_end_matches(';').to_lowercase();
        let by_name = ["heading ", "überschrift ", "titre ", "título ", "titolo ", "заголовок "]
            .iter()
            .find_map(|start| name.strip_prefix(start)?.chars().next()?.to_digit(10))
            .map(|level| level as usize);
        let by_name = by_name.or_else(|| (name == "title").then_some(1));
        if let Some(level) = level.or(by_name).filter(|level| (1..=9).contains(level)) {
            self.styles.insert(number, level);
        }
    }

    fn end_of_aside(&mut self) {
        if let Some((_, text)) = self.asides.last_mut()
            && !text.is_empty()
            && !text.ends_with('\n')
        {
            text.push('\n');
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.state.destination != Destination::Nowhere && !self.state.is_hidden {
            self.flush_units();
            self.bytes.push(byte);
        }
    }

    fn flush_units(&mut self) {
        if !self.units.is_empty() {
            let units = std::mem::take(&mut self.units);
            let text = String::from_utf16_lossy(&units);
            let text = match self.symbol_font() {
                Some(font) => text.chars().filter_map(|c| private(font, c)).collect(),
                None => text,
            };
            self.write(&text);
        }
    }

    /// Bytes of several `\'hh` may make one character, so they are decoded together.
    fn flush(&mut self) {
        self.flush_units();
        if !self.bytes.is_empty() {
            let encoding = self.fonts.get(&self.font()).copied().unwrap_or(self.encoding);
            let bytes = std::mem::take(&mut self.bytes);
            let text = match self.symbol_font() {
                Some(font) => {
                    bytes.iter().filter_map(|byte| font.character((*byte).into())).collect()
                }
                None => encoding.decode(&bytes),
            };
            self.write(&text);
        }
    }

    fn font(&self) -> i32 {
        if self.state.font < 0 { self.default_font } else { self.state.font }
    }

    /// The symbol font in which text of the document is; names of fonts and styles are in none.
    fn symbol_font(&self) -> Option<SymbolFont> {
        let is_text = matches!(self.state.destination, Destination::Body | Destination::Aside(_));
        self.symbol_fonts.get(&self.font()).copied().filter(|_| is_text)
    }

    fn write(&mut self, text: &str) {
        let target = match self.state.destination {
            Destination::Body => &mut self.paragraph.text,
            Destination::Aside(part) => {
                if self.asides.last().is_none_or(|(last, _)| *last != part) {
                    self.asides.push((part, String::new()));
                }
                &mut self.asides.last_mut().expect("one was just added").1
            }
            Destination::Info(name) => self.info.entry(name).or_default(),
            Destination::StyleSheet => &mut self.style.2,
            Destination::FontTable => {
                let font = SymbolFont::named(text.trim_end_matches(';'));
                self.symbol_fonts.extend(font.map(|font| (self.state.font, font)));
                return;
            }
            Destination::Nowhere => return,
        };
        self.used += text.len();
        if self.used > self.most {
            self.is_full = true;
        } else {
            target.push_str(text);
        }
    }

    fn symbol(&mut self, symbol: char) {
        let text = match symbol {
            '~' => "\u{a0}",
            '_' => "\u{2011}",
            '\\' | '{' | '}' => return self.byte(symbol as u8),
            '\n' | '\r' => return self.word("par", None),
            _ => return,
        };
        self.character(text);
    }

    fn character(&mut self, text: &str) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if !self.state.is_hidden {
            self.flush();
            self.write(text);
        }
    }

    fn end_of_paragraph(&mut self) {
        self.flush();
        match self.state.destination {
            Destination::Body => {}
            Destination::Aside(_) => return self.write("\n"),
            _ => return,
        }
        let Paragraph { text, level } = std::mem::take(&mut self.paragraph);
        // Paragraphs inherit their format until `\pard`.
        self.paragraph.level = level;
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.number += 1;
        let start = self.body.text.len();
        if let Some(level) = level.filter(|_| text.len() < 500) {
            self.body.headings.push(Heading {
                start,
                level,
                text: text.replace(['\n', '\t'], " "),
            });
        }
        let place = Location::Paragraphs { first: self.number, last: self.number, part: None };
        self.body.places.push((start, place));
        self.body.text.push_str(text);
        self.body.text.push('\n');
    }

    /// The text of the body, then of notes, comments, headers and footers.
    fn finish(&mut self) -> Body {
        self.state.destination = Destination::Body;
        self.end_of_paragraph();
        let mut body = std::mem::take(&mut self.body);
        for part in ["headers", "footers", "footnotes", "comments"] {
            let texts = self.asides.iter().filter(|(other, _)| *other == part);
            let mut lines: Vec<&str> =
                texts.flat_map(|(_, text)| text.lines()).map(str::trim).collect();
            lines.retain(|line| !line.is_empty());
            if matches!(part, "headers" | "footers") {
                // Each section of the document repeats them.
                let mut seen = std::collections::HashSet::new();
                lines.retain(|line| seen.insert(*line));
            }
            for (i, line) in lines.into_iter().enumerate() {
                let (number, part) = (i as u32 + 1, Some(part.to_owned()));
                let place = Location::Paragraphs { first: number, last: number, part };
                body.places.push((body.text.len(), place));
                body.text.push_str(line);
                body.text.push('\n');
            }
        }
        body
    }

    fn word(&mut self, word: &str, parameter: Option<i32>) {
        let value = parameter.unwrap_or(1);
        if self.at_start && self.destination(word) {
            return;
        }
        if self.is_ignorable {
            self.state.destination = Destination::Nowhere;
            return;
        }
        match word {
            "u" => self.unit(value),
            "uc" => self.state.substitutes = value.clamp(0, MOST_SUBSTITUTES),
            "f" => {
                self.flush();
                self.state.font = value;
            }
            "fcharset" if self.state.destination == Destination::FontTable => {
                if let Some(encoding) = charset::of_charset(value) {
                    self.fonts.insert(self.state.font, encoding);
                }
            }
            "cpg" if self.state.destination == Destination::FontTable => {
                if let Some(encoding) = charset::of_code_page(value) {
                    self.fonts.insert(self.state.font, encoding);
                }
            }
            "deff" => self.default_font = value,
            "ansicpg" => self.encoding = charset::of_code_page(value).unwrap_or(self.encoding),
            "mac" => self.encoding = charset::of_code_page(10_000).unwrap_or(self.encoding),
            "pc" => self.encoding = charset::of_code_page(437).unwrap_or(self.encoding),
            "pca" => self.encoding = charset::of_code_page(850).unwrap_or(self.encoding),
            "plain" => {
                self.flush();
                (self.state.font, self.state.is_hidden) = (-1, false);
            }
            // Hidden text, and what was deleted while changes were tracked.
            "v" | "deleted" => {
                self.flush();
                self.state.is_hidden = value != 0;
            }
            _ => self.layout(word, value),
        }
    }

    fn layout(&mut self, word: &str, value: i32) {
        match word {
            "par" | "sect" | "page" | "row" | "nestrow" | "column" => self.end_of_paragraph(),
            "cell" | "nestcell" | "tab" => self.character("\t"),
            "line" | "softline" => self.character("\n"),
            "lquote" => self.character("‘"),
            "rquote" => self.character("’"),
            "ldblquote" => self.character("“"),
            "rdblquote" => self.character("”"),
            "bullet" => self.character("•"),
            "endash" => self.character("–"),
            "emdash" => self.character("—"),
            "emspace" | "enspace" | "qmspace" => self.character(" "),
            "pard" | "s" | "outlinelevel" => self.paragraph_style(word, value),
            "yr" | "mo" | "dy" | "hr" | "min" => self.date(word, value),
            _ => {}
        }
    }

    fn paragraph_style(&mut self, word: &str, value: i32) {
        let level = usize::try_from(value).ok().filter(|level| *level < 9).map(|level| level + 1);
        match (self.state.destination, word) {
            (Destination::StyleSheet, "s") => self.style.0 = value,
            (Destination::StyleSheet, "outlinelevel") => self.style.1 = level,
            (Destination::Body, "pard") => self.paragraph.level = None,
            (Destination::Body, "s") => self.paragraph.level = self.styles.get(&value).copied(),
            (Destination::Body, _) => self.paragraph.level = level,
            _ => {}
        }
    }

    /// A date among the properties is in words of its own.
    fn date(&mut self, word: &str, value: i32) {
        if self.state.destination == Destination::Info("creatim") {
            let text = match word {
                "yr" => format!("{value:04}"),
                "mo" | "dy" => format!("-{value:02}"),
                "hr" => format!("T{value:02}"),
                _ => format!(":{value:02}"),
            };
            self.write(&text);
        }
    }

    /// A UTF-16 unit. Negative numbers are what is over 32,767.
    fn unit(&mut self, value: i32) {
        if self.state.destination == Destination::Nowhere || self.state.is_hidden {
            self.skip = 0;
            return;
        }
        if !self.bytes.is_empty() {
            self.flush();
        }
        self.units.push(value as u16);
        self.skip = self.state.substitutes;
    }

    /// Whether the first word of a group says where its text goes.
    fn destination(&mut self, word: &str) -> bool {
        if word == "ud" {
            // The second half of `\upr`, with what the first half has in Unicode.
            let outer = self.groups.len().checked_sub(2).and_then(|index| self.groups.get(index));
            self.state = outer.copied().unwrap_or(self.state);
            return true;
        }
        // What is within something that is left out, is left out too.
        if self.state.destination == Destination::Nowhere {
            return false;
        }
        self.state.destination = match word {
            "fonttbl" => Destination::FontTable,
            "stylesheet" => Destination::StyleSheet,
            "info" => Destination::Info(""),
            "title" => Destination::Info("title"),
            "author" => Destination::Info("author"),
            "subject" => Destination::Info("subject"),
            "keywords" => Destination::Info("keywords"),
            "creatim" => Destination::Info("creatim"),
            "footnote" => Destination::Aside("footnotes"),
            "annotation" => Destination::Aside("comments"),
            "header" | "headerl" | "headerr" | "headerf" => Destination::Aside("headers"),
            "footer" | "footerl" | "footerr" | "footerf" => Destination::Aside("footers"),
            "shptxt" => {
                self.begin_box();
                return true;
            }
            // Marked as one that may be left out, but with text or the end of a row in it.
            "shpinst" | "nesttableprops" => return true,
            "pict" | "colortbl" | "upr" | "nonshppict" | "shprslt" | "sp" | "nonesttables"
            | "xe" | "tc" | "ftnsep" | "ftnsepc" | "ftncn" | "aftnsep" | "aftnsepc" | "aftncn"
            | "filetbl" | "revtim" | "printim" | "buptim" | "fldinst" => Destination::Nowhere,
            _ => return false,
        };
        // Some writers repeat a property.
        if let Destination::Info(name) = self.state.destination {
            self.info.remove(name);
        }
        true
    }

    /// The text of a box begins in the middle of a paragraph.
    fn begin_box(&mut self) {
        if self.state.destination == Destination::Body && !self.paragraph.text.is_empty() {
            self.paragraph.text.push('\n');
        }
    }
}

/// A character of Unicode in a text of a symbol font; at a private place it is one of that font.
fn private(font: SymbolFont, character: char) -> Option<char> {
    if matches!(character, '\u{e000}'..='\u{f8ff}') {
        font.character(character.into())
    } else {
        Some(character)
    }
}

#[cfg(test)]
mod tests;
