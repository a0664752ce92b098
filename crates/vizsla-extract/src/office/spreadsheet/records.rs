//! The records of an XLS file, and what it has besides cells: comments, text boxes and other objects with text, titles of
//! charts, and what is printed above and below the pages of a sheet. In: the bytes of the file. Out: the records, and the
//! notes of each sheet, in order.
//!
//! [MS-XLS](https://learn.microsoft.com/openspecs/office_file_formats/ms-xls/) describes the records of the workbook.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{Cursor, Read, Write};

use cfb::CompoundFile;
use memchr::memmem;

use crate::office::spreadsheet::notes::{Attached, Note, without_codes};
use crate::text::charset::Charset;

pub(super) const BEGIN: u16 = 0x0809;
pub(super) const END: u16 = 0x000a;
const SHEET: u16 = 0x0085;
const CODE_PAGE: u16 = 0x0042;
const NOTE: u16 = 0x001c;
const OBJECT: u16 = 0x005d;
const TEXT: u16 = 0x01b6;
const CONTINUED: u16 = 0x003c;
const DRAWING: u16 = 0x00ec;
const CHART_TEXT: u16 = 0x100d;
const HEADER: u16 = 0x0014;
const FOOTER: u16 = 0x0015;

/// What the stream with the records may be called.
const NAMES: [&str; 2] = ["Workbook", "Book"];
/// Bytes of a record before its data: its kind and its length.
const RECORD_HEADER: usize = 4;
/// The version of Excel 97, the first one whose texts are in Unicode.
const UNICODE: u16 = 0x0600;
/// How the place of an object begins within a drawing: its kind and length.
const ANCHOR: &[u8] = b"\0\0\x10\xf0\x12\0\0\0";

/// The records of a workbook.
pub(super) struct Book(Vec<u8>);

impl Book {
    /// The workbook in a file; `None` when it cannot be found.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut file = CompoundFile::open(Cursor::new(bytes)).ok()?;
        let mut stream = NAMES.iter().find_map(|name| file.open_stream(name).ok())?;
        let mut book = Vec::new();
        // What precedes damage is better than nothing.
        let _ = stream.read_to_end(&mut book);
        Some(Self(book))
    }

    /// Makes nothing of entries of the list of sheets that name one which an entry before them names, too. Returns the file
    /// without them and their number, if there are any: each would be read.
    pub(super) fn name_once(&mut self, bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
        const NOTHING: [u8; 2] = [0, 0];
        let (mut seen, mut repeated, mut at) = (HashSet::new(), Vec::new(), 0);
        for record in self.head() {
            if record.kind == SHEET && record.long(0).is_some_and(|start| !seen.insert(start)) {
                repeated.push(at);
            }
            at += RECORD_HEADER + record.data.len();
        }
        if repeated.is_empty() {
            return None;
        }
        for at in &repeated {
            self.0.get_mut(*at..at + NOTHING.len())?.copy_from_slice(&NOTHING);
        }
        let mut file = CompoundFile::open(Cursor::new(bytes.to_vec())).ok()?;
        let name = NAMES.iter().find(|name| file.is_stream(name))?;
        file.open_stream(name).and_then(|mut stream| stream.write_all(&self.0)).ok()?;
        file.flush().ok()?;
        Some((file.into_inner().into_inner(), repeated.len()))
    }

    /// Whether its texts are in Unicode, whatever code page it names.
    pub(super) fn is_unicode(&self) -> bool {
        Records(&self.0).next().is_some_and(|first| first.kind == BEGIN && is_unicode(&first))
    }

    /// What each sheet has besides cells, in the order in which the workbook lists its sheets.
    pub(super) fn notes(&self) -> Vec<Attached> {
        let (_, code_page) = self.listed();
        self.sheets().into_iter().map(|sheet| Sheet::of(sheet, code_page).notes()).collect()
    }

    /// The records of the workbook itself, which come before those of its sheets.
    pub(super) fn head(&self) -> impl Iterator<Item = Record<'_>> {
        Records(&self.0).take_while(|record| record.kind != END)
    }

    /// The code of a format of numbers.
    pub(super) fn format(&self, record: &Record<'_>) -> String {
        let is_unicode = self.is_unicode();
        let text = record.data.get(if is_unicode { 4 } else { 3 }..).unwrap_or_default();
        characters(text, usize::MAX, is_unicode, None)
    }

    /// The records of each sheet, in the order in which the workbook lists its sheets.
    pub(super) fn sheets(&self) -> Vec<Records<'_>> {
        let (sheets, _) = self.listed();
        let mut unread: BTreeSet<usize> = sheets.iter().copied().collect();
        let starts = unread.clone();
        let part = |start: &usize| {
            // A sheet ends where the next one begins, at the latest, and none is read twice.
            let next = starts.range(start + 1..).next().copied();
            let part = self.0.get(*start..next.unwrap_or(self.0.len()).min(self.0.len()));
            Records(part.filter(|_| unread.remove(start)).unwrap_or_default())
        };
        sheets.iter().map(part).collect()
    }

    /// Where the sheets begin, and the encoding of texts that are not in Unicode.
    fn listed(&self) -> (Vec<usize>, Option<Charset>) {
        let (mut sheets, mut code_page) = (Vec::new(), None);
        for record in self.head() {
            match record.kind {
                SHEET => sheets.extend(record.long(0)),
                CODE_PAGE => {
                    code_page = record.short(0).and_then(|page| Charset::of_code_page(page.into()));
                }
                _ => {}
            }
        }
        (sheets, code_page)
    }
}

/// Whether a part that begins so has texts in Unicode.
fn is_unicode(begin: &Record<'_>) -> bool {
    begin.short(0).is_none_or(|version| version >= UNICODE)
}

pub(super) struct Record<'a> {
    pub(super) kind: u16,
    pub(super) data: &'a [u8],
}

impl Record<'_> {
    pub(super) fn short(&self, at: usize) -> Option<u16> {
        let pair = self.data.get(at..at + 2)?;
        Some(u16::from_le_bytes([pair[0], pair[1]]))
    }

    fn long(&self, at: usize) -> Option<usize> {
        let (low, high) = (self.short(at)?, self.short(at + 2)?);
        Some(usize::from(low) | usize::from(high) << 16)
    }
}

#[derive(Default)]
pub(super) struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let data = rest.get(..length)?;
        self.0 = &rest[length..];
        Some(Record { kind: u16::from_le_bytes([head[0], head[1]]), data })
    }
}

/// The text of an object.
struct Said {
    object: u16,
    /// Row and column, from 1.
    at: (u32, u32),
    text: String,
}

/// A sheet that is read.
struct Sheet {
    code_page: Option<Charset>,
    is_unicode: bool,
    /// The cells of comments by the numbers of their objects, in order.
    cells: Vec<(u16, (u32, u32))>,
    /// Comments whose text is in the record itself, as before Excel 97.
    comments: Vec<Note>,
    said: Vec<Said>,
    printed: Vec<String>,
    /// The present object, and where it is.
    object: u16,
    at: (u32, u32),
    /// Characters of its text that are still to come.
    to_come: usize,
}

impl Sheet {
    fn of(records: Records<'_>, code_page: Option<Charset>) -> Self {
        let mut sheet = Self {
            code_page,
            is_unicode: true,
            cells: Vec::new(),
            comments: Vec::new(),
            said: Vec::new(),
            printed: Vec::new(),
            object: 0,
            at: (1, 1),
            to_come: 0,
        };
        let mut depth = 0usize;
        for record in records {
            match record.kind {
                BEGIN => {
                    // Charts are within the sheet that they stand on.
                    sheet.is_unicode = is_unicode(&record);
                    depth += 1;
                }
                END if depth < 2 => break,
                END => depth -= 1,
                _ => sheet.record(&record),
            }
        }
        sheet
    }

    fn record(&mut self, record: &Record<'_>) {
        match record.kind {
            NOTE if self.is_unicode => {
                if let (Some(cell), Some(object)) = (cell(record), record.short(6)) {
                    self.cells.push((object, cell));
                }
            }
            NOTE => self.old_comment(record),
            DRAWING => self.at = anchor(record.data).unwrap_or(self.at),
            OBJECT => self.object = record.short(6).unwrap_or(0),
            TEXT => {
                self.to_come = record.short(10).unwrap_or(0).into();
                self.say(String::new());
            }
            CONTINUED => {
                let text = self.characters(record.data, self.to_come);
                self.to_come = self.to_come.saturating_sub(text.encode_utf16().count());
                if let Some(said) = self.said.last_mut() {
                    said.text.push_str(&text);
                }
            }
            CHART_TEXT => {
                let length = record.data.get(2).map_or(0, |length| usize::from(*length));
                let text = self.characters(record.data.get(3..).unwrap_or_default(), length);
                self.say(text);
            }
            HEADER | FOOTER => {
                let head = if self.is_unicode { 2 } else { 1 };
                let length = record.data.len();
                let text = self.characters(record.data.get(head..).unwrap_or_default(), length);
                let text = without_codes(&text);
                if !text.is_empty() && !self.printed.contains(&text) {
                    self.printed.push(text);
                }
            }
            _ => {}
        }
    }

    fn say(&mut self, text: String) {
        self.said.push(Said { object: self.object, at: self.at, text });
    }

    /// A comment of Excel 5 or 95: a long one goes on in records without a row.
    fn old_comment(&mut self, record: &Record<'_>) {
        const GOES_ON: u16 = 0xffff;
        let text = self.characters(record.data.get(6..).unwrap_or_default(), usize::MAX);
        match cell(record) {
            Some(_) if record.short(0) == Some(GOES_ON) => {
                if let Some(comment) = self.comments.last_mut() {
                    comment.text.push_str(&text);
                }
            }
            Some((row, column)) => self.comments.push(Note { row, column, text }),
            None => {}
        }
    }

    fn characters(&self, bytes: &[u8], most: usize) -> String {
        characters(bytes, most, self.is_unicode, self.code_page)
    }

    /// The notes, comments first.
    fn notes(mut self) -> Attached {
        let mut notes = self.comments;
        let mut texts: HashMap<u16, usize> = HashMap::new();
        for (index, said) in self.said.iter().enumerate() {
            texts.entry(said.object).or_insert(index);
        }
        for (object, (row, column)) in self.cells {
            if let Some(said) = texts.get(&object).and_then(|index| self.said.get_mut(*index)) {
                notes.push(Note { row, column, text: std::mem::take(&mut said.text) });
            }
        }
        notes.extend(self.said.into_iter().map(|Said { at: (row, column), text, .. }| Note {
            row,
            column,
            text,
        }));
        Attached { notes, printed: self.printed, ..Attached::default() }
    }
}

/// At most `most` characters: those of Excel 97 are preceded by whether they have two bytes each.
fn characters(bytes: &[u8], most: usize, is_unicode: bool, code_page: Option<Charset>) -> String {
    if !is_unicode {
        let bytes = &bytes[..bytes.len().min(most)];
        return code_page
            .map_or_else(|| crate::text::decode::decode_text(bytes), |page| page.decode(bytes));
    }
    let Some((flags, bytes)) = bytes.split_first() else { return String::new() };
    if flags & 1 == 0 {
        return bytes.iter().take(most).map(|byte| char::from(*byte)).collect();
    }
    let units = bytes.as_chunks::<2>().0.iter().take(most);
    let units: Vec<u16> = units.map(|pair| u16::from_le_bytes(*pair)).collect();
    String::from_utf16_lossy(&units)
}

/// The cell that a record is about, both numbers from 1.
fn cell(record: &Record<'_>) -> Option<(u32, u32)> {
    Some((u32::from(record.short(0)?) + 1, u32::from(record.short(2)?) + 1))
}

/// The cell of the last object that part of a drawing places, both numbers from 1.
fn anchor(drawing: &[u8]) -> Option<(u32, u32)> {
    let data = drawing.get(memmem::rfind(drawing, ANCHOR)? + ANCHOR.len()..)?;
    let record = Record { kind: DRAWING, data };
    Some((u32::from(record.short(6)?) + 1, u32::from(record.short(2)?) + 1))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use super::*;

    pub(crate) fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        [&kind.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
    }

    pub(crate) fn shorts(values: &[u16]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// A string of one byte a character, after its length in `length_bytes` bytes.
    pub(crate) fn narrow(text: &str, length_bytes: usize) -> Vec<u8> {
        let length = text.len().to_le_bytes();
        [&length[..length_bytes], &[0], text.as_bytes()].concat()
    }

    fn wide(text: &str) -> Vec<u8> {
        std::iter::once(1).chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    }

    fn anchored(column: u16, row: u16) -> Vec<u8> {
        record(DRAWING, &[ANCHOR, &shorts(&[0, column, 0, row, 0, 9, 0, 9, 0])].concat())
    }

    /// An object with this number, whose text comes in these parts.
    fn object(number: u16, characters: u16, parts: &[Vec<u8>]) -> Vec<u8> {
        let mut text = record(OBJECT, &shorts(&[0x15, 0x12, 0x19, number, 0]));
        text.extend(record(TEXT, &shorts(&[0, 0, 0, 0, 0, characters, 16, 0, 0])));
        for part in parts {
            text.extend(record(CONTINUED, part));
        }
        text.extend(record(CONTINUED, &[0; 16]));
        text
    }

    /// A workbook of a version, with one sheet of these records.
    pub(crate) fn workbook(version: u16, records: &[Vec<u8>]) -> Vec<u8> {
        made(version, &[], records)
    }

    /// A workbook of Excel 97 with these records, and one sheet with those.
    pub(crate) fn styled(head: &[Vec<u8>], records: &[Vec<u8>]) -> Vec<u8> {
        made(UNICODE, head, records)
    }

    fn made(version: u16, head: &[Vec<u8>], records: &[Vec<u8>]) -> Vec<u8> {
        let begin = |kind: u16| record(BEGIN, &shorts(&[version, kind, 0, 0]));
        let name = if version == UNICODE { narrow("Sheet", 1) } else { b"\x05Sheet".to_vec() };
        let page = record(CODE_PAGE, &shorts(&[1251]));
        let head = [begin(5), page, head.concat()].concat();
        let start = head.len() + 4 + 6 + name.len() + 4;
        let listed = [&(start as u32).to_le_bytes()[..], &[0, 0], &name].concat();
        let mut book = [head, record(SHEET, &listed), record(END, &[])].concat();
        book.extend(begin(0x10));
        book.extend(records.concat());
        book.extend(record(END, &[]));
        let mut file = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        let name = if version == UNICODE { "/Workbook" } else { "/Book" };
        file.create_stream(name).unwrap().write_all(&book).unwrap();
        file.flush().unwrap();
        file.into_inner().into_inner()
    }

    pub(crate) fn annotated() -> Vec<u8> {
        let label = [shorts(&[0, 0, 0]), narrow("Ada", 2)].concat();
        workbook(
            UNICODE,
            &[
                record(HEADER, &narrow("&CSecret", 2)),
                record(0x0204, &label),
                anchored(0, 0),
                object(1, 16, &[wide("first "), b"\0prog".to_vec(), b"\0rammer".to_vec()]),
                anchored(3, 4),
                object(2, 8, &[b"\0in a box".to_vec()]),
                [
                    record(BEGIN, &shorts(&[UNICODE, 0x20])),
                    record(CHART_TEXT, &[&[0, 0][..], &narrow("Sales", 1)].concat()),
                    record(END, &[]),
                ]
                .concat(),
                record(NOTE, &shorts(&[6, 2, 0, 1, 0])),
            ],
        )
    }

    fn found(file: &[u8]) -> Vec<(u32, u32, String)> {
        let notes = Book::of(file).unwrap().notes().into_iter().flat_map(|sheet| sheet.notes);
        notes.map(|note| (note.row, note.column, note.text)).collect()
    }

    #[test]
    fn comments_boxes_and_titles_have_their_cells() {
        let mut found = found(&annotated());
        found.retain(|(_, _, text)| !text.is_empty());
        let expected = [(7, 3, "first programmer"), (5, 4, "in a box"), (5, 4, "Sales")];
        assert_eq!(found, expected.map(|(row, column, text)| (row, column, text.to_owned())));
        assert_eq!(Book::of(&annotated()).unwrap().notes()[0].printed, ["Secret"]);
    }

    #[test]
    fn comments_before_unicode_are_in_the_code_page_of_the_book() {
        let first = [shorts(&[2, 1, 8]), b"\xcf\xf0\xe8".to_vec()].concat();
        let rest = [shorts(&[0xffff, 0, 3]), b"\xe2\xe5\xf2".to_vec()].concat();
        let file = workbook(0x0500, &[record(NOTE, &first), record(NOTE, &rest)]);
        assert_eq!(found(&file), [(3, 2, "Привет".to_owned())]);
    }

    #[test]
    fn damaged_workbooks_end() {
        let file = annotated();
        for cut in (0..file.len()).step_by(5) {
            let _ = Book::of(&file[..cut]).map(|book| book.notes());
        }
    }

    #[test]
    fn a_sheet_that_is_listed_twice_is_read_once() {
        let entry = |start: u32, name: &str| {
            record(SHEET, &[&start.to_le_bytes()[..], &[0, 0], &narrow(name, 1)].concat())
        };
        let label = record(0x0204, &[shorts(&[0, 0, 0]), narrow("Ada", 2)].concat());
        // Where the sheet begins, which comes after the head, this entry, another one and the end of the list.
        let start = 12 + 6 + entry(0, "Other").len() + entry(0, "Sheet").len() + 4;
        let file = styled(&[entry(start as u32, "Other")], &[label]);
        let found = crate::collect(crate::Input::bytes("a.xls", &file)).unwrap();
        let ids: Vec<_> = found.documents.iter().map(|document| document.id.as_str()).collect();
        assert_eq!((ids, found.problems.len()), (vec!["a.xls#Other"], 1));
        assert_eq!(found.documents[0].text, "Ada\n");
        assert!(found.problems[0].message.contains("more than once"), "{:?}", found.problems);
    }
}
