//! What an XLSX file has besides cells: comments, text boxes and titles of charts, in parts of their own, and what is
//! printed above and below the pages of a sheet.

use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use crate::error::{Error, ErrorKind};
use crate::office::grid::Grid;
use crate::office::spreadsheet::formulas::Formulas;
use crate::output::Output;

/// Bytes of the part of a sheet in which formulas, headers and footers are looked for.
const SHEET_BYTES: u64 = 64 << 20;
/// What Excel writes into comments for versions that know no conversations.
const SUBSTITUTE: &str = "[Threaded comment]";

pub(super) struct Notes<'a> {
    archive: Option<ZipArchive<Cursor<&'a [u8]>>>,
    /// Where each part is in the archive, by its name in lower case.
    members: HashMap<String, usize>,
    /// The parts that the sheets are in, by their names.
    sheets: HashMap<String, String>,
    /// Comments, drawings and charts that have been read: each belongs to one sheet.
    read: HashSet<String>,
    /// Bytes that one part may have.
    pub(super) most: u64,
}

/// A relation of a part to another.
struct Relation {
    id: String,
    kind: String,
    target: String,
}

/// A text at a cell, both numbers from 1.
pub(super) struct Note {
    pub(super) row: u32,
    pub(super) column: u32,
    pub(super) text: String,
}

/// What a sheet has besides cells.
#[derive(Default)]
pub(super) struct Attached {
    pub(super) notes: Vec<Note>,
    /// What is printed above and below its pages.
    pub(super) printed: Vec<String>,
    /// Its formulas without a value.
    pub(super) formulas: Formulas,
}

impl Attached {
    /// A sheet of this name with at most `most` bytes of text, which has the notes as its rows come.
    pub(super) fn grid(&self, name: &str, most: usize) -> Grid {
        let mut grid = Grid::new(name, most);
        grid.attach(self.notes.iter().map(|note| (note.row, note.column, note.text.clone())));
        grid
    }
}

impl<'a> Notes<'a> {
    pub(super) fn of(bytes: &'a [u8], output: &Output<'_>) -> Self {
        let archive = ZipArchive::new(Cursor::new(bytes)).ok();
        let names = archive.iter().flat_map(ZipArchive::file_names).enumerate();
        let members = names.filter_map(|(index, name)| Some((key(&name.ok()?), index))).collect();
        let mut notes = Self {
            archive,
            members,
            sheets: HashMap::new(),
            read: HashSet::new(),
            most: output.unpacked_left(),
        };
        let book =
            notes.relations("").into_iter().find(|part| part.kind.ends_with("/officeDocument"));
        let book = book.map_or_else(|| "xl/workbook.xml".to_owned(), |book| book.target);
        let relations = notes.relations(&book).into_iter();
        let parts: HashMap<String, String> =
            relations.map(|relation| (relation.id, relation.target)).collect();
        let book = notes.part(&book).unwrap_or_default();
        walk(&book, |step| {
            if let Step::Start("sheet", element) = step
                && let (Some(name), Some(id)) = (get(element, "name"), get(element, "id"))
                && let Some(part) = parts.get(&id)
            {
                notes.sheets.entry(name).or_insert_with(|| part.clone());
            }
        });
        notes
    }

    /// Parts other than sheets are held in memory, so that their size is limited.
    pub(super) fn check_sizes(&mut self) -> Result<(), Error> {
        let Some(archive) = &mut self.archive else { return Ok(()) };
        for index in 0..archive.len() {
            let Ok(part) = archive.by_index_raw(index) else { continue };
            let name = part.name().unwrap_or_default().to_ascii_lowercase();
            let is_held = name.ends_with("sharedstrings.xml") || name.ends_with("styles.xml");
            if is_held && part.size() > self.most {
                let message =
                    format!("its part {name} is larger than the limit of {} bytes", self.most);
                return Err(Error::new(ErrorKind::TooLarge, message));
            }
        }
        Ok(())
    }

    /// The part that a sheet is in.
    pub(super) fn part_of(&self, sheet: &str) -> Option<&str> {
        self.sheets.get(sheet).map(String::as_str)
    }

    /// What a sheet has besides cells.
    pub(super) fn of_sheet(&mut self, sheet: &str) -> Attached {
        let Some(sheet) = self.sheets.get(sheet).cloned() else { return Attached::default() };
        let mut notes = Vec::new();
        let relations = self.relations(&sheet);
        let of_kind = |kind: &'static str| {
            relations.iter().filter(move |relation| relation.kind.ends_with(kind))
        };
        let conversations: Vec<&Relation> = of_kind("/threadedComment").collect();
        for relation in of_kind("/comments").chain(conversations.iter().copied()) {
            let comments = comments(&self.unread(&relation.target).unwrap_or_default());
            notes.extend(
                comments
                    .into_iter()
                    .filter(|note| conversations.is_empty() || !note.text.starts_with(SUBSTITUTE)),
            );
        }
        for relation in of_kind("/drawing") {
            notes.extend(self.drawing(&relation.target));
        }
        let sheet = self.sheet(&sheet).unwrap_or_default();
        Attached { notes, printed: printed(&sheet), formulas: Formulas::of(&sheet, position) }
    }

    /// The part of a sheet, unless it is too large to be held.
    fn sheet(&mut self, part: &str) -> Option<String> {
        let index = self.index(part)?;
        let size = self.archive.as_mut()?.by_index_raw(index).ok()?.size();
        if size > SHEET_BYTES { None } else { self.part(part) }
    }

    /// The texts of a drawing: of its boxes, and of its charts.
    fn drawing(&mut self, path: &str) -> Vec<Note> {
        let (mut notes, mut charts) = (Vec::new(), Vec::new());
        let (mut row, mut column, mut in_from) = (1, 1, false);
        let mut text = String::new();
        walk(&self.unread(path).unwrap_or_default(), |step| match step {
            Step::Start("from", _) => in_from = true,
            Step::End("from") => in_from = false,
            Step::Text("row", number) if in_from => row = from_zero(number),
            Step::Text("col", number) if in_from => column = from_zero(number),
            Step::Text("t", part) => text.push_str(part),
            Step::End("p") => text.push('\n'),
            Step::Start("chart", element) => {
                charts.extend(get(element, "id").map(|id| (row, column, id)));
            }
            Step::End("twoCellAnchor" | "oneCellAnchor" | "absoluteAnchor") => {
                notes.push(Note { row, column, text: std::mem::take(&mut text) });
                (row, column) = (1, 1);
            }
            _ => {}
        });
        let relations = if charts.is_empty() { Vec::new() } else { self.relations(path) };
        let parts: HashMap<String, String> =
            relations.into_iter().map(|relation| (relation.id, relation.target)).collect();
        for (row, column, id) in charts {
            let chart = parts.get(&id).and_then(|part| self.unread(part)).unwrap_or_default();
            let mut text = String::new();
            walk(&chart, |step| match step {
                Step::Text("t", part) => text.push_str(part),
                Step::End("p") => text.push('\n'),
                _ => {}
            });
            notes.push(Note { row, column, text });
        }
        notes
    }

    /// The content of a part, the first time that it is asked for.
    fn unread(&mut self, path: &str) -> Option<String> {
        self.read.insert(key(path)).then(|| self.part(path)).flatten()
    }

    /// The content of a part. Some writers use other capitals than those of the relation.
    fn part(&mut self, path: &str) -> Option<String> {
        let (most, index) = (self.most, self.index(path)?);
        let archive = self.archive.as_mut()?;
        let mut bytes = Vec::new();
        archive.by_index(index).ok()?.take(most).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn index(&self, path: &str) -> Option<usize> {
        let archive = self.archive.as_ref()?;
        archive.index_for_name(path).or_else(|| self.members.get(&key(path)).copied())
    }

    fn relations(&mut self, path: &str) -> Vec<Relation> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut relations = Vec::new();
        let part = self
            .part(format!("{folder}/_rels/{name}.rels").trim_start_matches('/'))
            .unwrap_or_default();
        walk(&part, |step| {
            if let Step::Start("Relationship", element) = step {
                let [id, kind, target] =
                    ["Id", "Type", "Target"].map(|name| get(element, name).unwrap_or_default());
                relations.push(Relation { id, kind, target: resolve(folder, &target) });
            }
        });
        relations
    }
}

/// A name as it is compared: without its case, and with slashes whichever way they lean.
fn key(name: &str) -> String {
    name.replace('\\', "/").to_ascii_lowercase()
}

/// The path of a part from its relation: `../comments1.xml` in `xl/worksheets` is `xl/comments1.xml`.
fn resolve(folder: &str, target: &str) -> String {
    let (base, target) = match target.strip_prefix('/') {
        Some(target) => ("", target),
        None => (folder, target),
    };
    let mut path: Vec<&str> = Vec::new();
    for step in base.split('/').chain(target.split('/')) {
        match step {
            ".." => drop(path.pop()),
            "" | "." => {}
            step => path.push(step),
        }
    }
    path.join("/")
}

/// Headers and footers of a sheet, each once.
fn printed(sheet: &str) -> Vec<String> {
    let behind_cells = sheet.rfind("sheetData").map_or("", |at| &sheet[at..]);
    let Some(start) = behind_cells.find("headerFooter") else { return Vec::new() };
    let start = behind_cells[..start].rfind('<').unwrap_or(start);
    let (mut found, mut text) = (Vec::new(), String::new());
    walk(&behind_cells[start..], |step| match step {
        Step::Text(name, part) if name.ends_with("Header") || name.ends_with("Footer") => {
            text.push_str(part);
        }
        Step::End(name) if name.ends_with("Header") || name.ends_with("Footer") => {
            let said = without_codes(&std::mem::take(&mut text));
            if !said.is_empty() && !found.contains(&said) {
                found.push(said);
            }
        }
        _ => {}
    });
    found
}

/// The comments of a part, of either kind.
fn comments(part: &str) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    walk(part, |step| match step {
        Step::Start("comment" | "threadedComment", element) => {
            let (row, column) =
                get(element, "ref").and_then(|cell| position(&cell)).unwrap_or((1, 1));
            notes.push(Note { row, column, text: String::new() });
        }
        Step::Text("t" | "text", text) => {
            if let Some(note) = notes.last_mut() {
                note.text.push_str(text);
            }
        }
        _ => {}
    });
    notes
}

/// A header or footer without the codes for fonts, sizes, and what only a printed page has.
pub(super) fn without_codes(text: &str) -> String {
    let mut said = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        said.push_str(before);
        rest = after;
        let Some(code) = after.chars().next() else { break };
        let inner = &after[code.len_utf8()..];
        rest = match code {
            '&' => {
                said.push('&');
                inner
            }
            'L' | 'C' | 'R' => {
                said.push(' ');
                inner
            }
            '"' => inner.split_once('"').map_or("", |(_, rest)| rest),
            // A colour, or one of the theme and its tint.
            'K' => inner.get(6..).unwrap_or_default(),
            _ if code.is_ascii_digit() => after.trim_start_matches(|c: char| c.is_ascii_digit()),
            _ => inner,
        };
    }
    said.push_str(rest);
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A row or column that is counted from zero, counted from one.
fn from_zero(number: &str) -> u32 {
    number.trim().parse().unwrap_or(0u32).saturating_add(1)
}

/// Row and column of a cell such as `AB12`.
fn position(cell: &str) -> Option<(u32, u32)> {
    let digits = cell.find(|c: char| c.is_ascii_digit())?;
    let column = cell[..digits].bytes().try_fold(0u32, |column, letter| {
        let letter = letter.to_ascii_uppercase().checked_sub(b'A').filter(|letter| *letter < 26)?;
        column.checked_mul(26)?.checked_add(u32::from(letter) + 1)
    })?;
    Some((cell[digits..].parse().ok()?, column))
}

/// A step through an XML text; names have no prefix.
enum Step<'a> {
    Start(&'a str, &'a BytesStart<'a>),
    /// Text directly in an element of this name.
    Text(&'a str, &'a str),
    End(&'a str),
}

/// Walks through an XML text, as far as it is well-formed. Entities are not expanded.
fn walk(xml: &str, mut each: impl FnMut(Step<'_>)) {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    // Text is directly in the element that has begun last, or it is of no interest here.
    let mut inner = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => {
                local(element.name().0).clone_into(&mut inner);
                each(Step::Start(&inner, &element));
            }
            Ok(Event::End(element)) => {
                inner.clear();
                each(Step::End(local(element.name().0)));
            }
            Ok(Event::Text(text)) => each(Step::Text(&inner, &text.into_inner())),
            Ok(Event::CData(text)) => each(Step::Text(&inner, &text.into_inner())),
            Ok(Event::GeneralRef(reference)) => {
                let character = reference.resolve_char_ref().ok().flatten().map(String::from);
                let name = reference.into_inner();
                let text =
                    character.or_else(|| resolve_predefined_entity(&name).map(str::to_owned));
                each(Step::Text(&inner, &text.unwrap_or_default()));
            }
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn get(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let attributes = attributes.with_checks(false).flatten();
    // `r:id` beside `sheetId`.
    let found = attributes.into_iter().find(|attribute| local(attribute.key.0) == name)?;
    let value = found.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_paths_are_resolved() {
        assert_eq!(position("AB12"), Some((12, 28)));
        assert_eq!(
            (position("12"), position("A"), position("ZZZZZZZZZ1")),
            (Some((12, 0)), None, None)
        );
        assert_eq!(resolve("xl/worksheets", "../comments1.xml"), "xl/comments1.xml");
        assert_eq!(resolve("xl", "/xl/worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
    }

    #[test]
    fn headers_and_footers_have_no_codes() {
        let header = "&L&\"Arial,Bold\"&12Budget &K01+000R&&D&CPage &P of &N&R&D";
        assert_eq!(without_codes(header), "Budget R&D Page of");
        assert_eq!(
            (without_codes("&P"), without_codes("plain &")),
            (String::new(), "plain".to_owned())
        );
    }

    #[test]
    fn comments_of_both_kinds_are_read() {
        let legacy = "<x:comments><x:comment ref=\"B3\"><x:text><x:r><x:t>one &amp; </x:t></x:r><x:r><x:t>two</x:t></x:r></x:text></x:comment></x:comments>";
        let threaded = "<ThreadedComments><threadedComment ref=\"C4\"><text>why&#33;</text></threadedComment></ThreadedComments>";
        let found = |part: &str| {
            comments(part).into_iter().map(|n| (n.row, n.column, n.text)).collect::<Vec<_>>()
        };
        assert_eq!(found(legacy), [(3, 2, "one & two".to_owned())]);
        assert_eq!(found(threaded), [(4, 3, "why!".to_owned())]);
    }
}
