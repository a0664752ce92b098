//! The records of an XLS file, and what it has besides cells: comments, text boxes and other objects with text, titles of
//! charts, and what is printed above and below the pages of a sheet. In: the bytes of the file. Out: the records, and the
//! notes of each sheet, in order.
//!
//! [MS-XLS](https://learn.microsoft.com/openspecs/office_file_formats/ms-xls/) describes the records of the workbook.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, Cursor, Write};

use cfb::{CompoundFile, Version};
use memchr::memmem;

use crate::office::compound::{self, Stream};
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
/// Where an entry of the list of sheets has the name.
const NAME: usize = 6;
/// The version of Excel 97, the first one whose texts are in Unicode.
const UNICODE: u16 = 0x0600;
/// How the place of an object begins within a drawing: its kind and length.
const ANCHOR: &[u8] = b"\0\0\x10\xf0\x12\0\0\0";

/// The records of a workbook.
pub(super) struct Book(Vec<u8>);

impl Book {
    /// The workbook in a file, and whether all of it is there; `None` when none of it can be found.
    pub(super) fn of(bytes: &[u8]) -> Option<(Self, bool)> {
        let Stream { bytes, is_whole } = compound::stream(bytes, &NAMES)?;
        let mut book = Self(bytes);
        if !is_whole {
            // The record that breaks off is not read.
            let whole = Records(&book.0).map(|record| RECORD_HEADER + record.data.len()).sum();
            book.0.truncate(whole);
        }
        Records(&book.0).next()?;
        Some((book, is_whole))
    }

    /// A file with this workbook and streams beside it, of which it takes what those who read it need.
    pub(super) fn to_file(&self, beside: &[(&str, Vec<u8>)]) -> io::Result<Vec<u8>> {
        let mut file = CompoundFile::create_with_version(Version::V3, Cursor::new(Vec::new()))?;
        file.create_stream(NAMES[0])?.write_all(&self.0)?;
        for (name, bytes) in beside {
            file.create_stream(name)?.write_all(bytes)?;
        }
        file.flush()?;
        Ok(file.into_inner().into_inner())
    }

    /// Makes nothing of entries of the list of sheets that name one which an entry before them names, too, as each would be
    /// read, and of those that name one beyond the end. Returns the number of both.
    pub(super) fn unlist(&mut self) -> (usize, usize) {
        let end = self.0.len();
        let (mut seen, mut repeated, mut lost) = (HashSet::new(), Vec::new(), Vec::new());
        for (at, start) in self.entries() {
            if start >= end {
                lost.push(at);
            } else if !seen.insert(start) {
                repeated.push(at);
            }
        }
        repeated.iter().chain(&lost).for_each(|at| self.unlist_at(*at));
        (repeated.len(), lost.len())
    }

    /// The workbook with the first, second … of its sheets alone.
    pub(super) fn alone(&self, number: usize) -> Self {
        let mut book = Self(self.0.clone());
        for (other, (at, _)) in self.entries().into_iter().enumerate() {
            if other != number {
                book.unlist_at(at);
            }
        }
        book
    }

    fn unlist_at(&mut self, at: usize) {
        const NOTHING: [u8; 2] = [0, 0];
        if let Some(kind) = self.0.get_mut(at..at + NOTHING.len()) {
            kind.copy_from_slice(&NOTHING);
        }
    }

    /// Where the entries of the list of sheets are, and where each says that its sheet begins.
    fn entries(&self) -> Vec<(usize, usize)> {
        let (mut entries, mut at) = (Vec::new(), 0);
        for record in self.head() {
            if record.kind == SHEET {
                // What is too short to have a name lists nothing.
                let start = record.long(0).filter(|_| record.data.len() > NAME);
                entries.push((at, start.unwrap_or(usize::MAX)));
            }
            at += RECORD_HEADER + record.data.len();
        }
        entries
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

    /// The names of the sheets, in the order in which the workbook lists them.
    pub(super) fn sheet_names(&self) -> Vec<String> {
        let (_, code_page) = self.listed();
        let is_unicode = self.is_unicode();
        let name = |record: Record<'_>| {
            let (length, text) = record.data.get(NAME..)?.split_first()?;
            Some(characters(text, usize::from(*length), is_unicode, code_page))
        };
        let listed = self.head().filter(|record| record.kind == SHEET);
        listed.map(|record| name(record).unwrap_or_default()).collect()
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

    /// A workbook of Excel 97 with sheets of these names and records; returns its stream.
    fn of_sheets(sheets: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let begin = |kind: u16| record(BEGIN, &shorts(&[UNICODE, kind, 0, 0]));
        let entry = |start: usize, name: &str| {
            record(SHEET, &[&(start as u32).to_le_bytes()[..], &[0, 0], &narrow(name, 1)].concat())
        };
        let list: usize = sheets.iter().map(|(name, _)| entry(0, name).len()).sum();
        let mut start = begin(5).len() + list + RECORD_HEADER;
        let (mut book, mut parts) = (begin(5), Vec::new());
        for (name, records) in sheets {
            book.extend(entry(start, name));
            let part = [begin(0x10), records.clone(), record(END, &[])].concat();
            start += part.len();
            parts.extend(part);
        }
        book.extend(record(END, &[]));
        book.extend(parts);
        book
    }

    fn label(row: u16, text: &str) -> Vec<u8> {
        record(0x0204, &[shorts(&[row, 0, 0]), narrow(text, 2)].concat())
    }

    /// The texts of the documents of a workbook, and what is said about it.
    fn told(file: &[u8]) -> (Vec<String>, Vec<String>) {
        let found = crate::collect(crate::Input::bytes("a.xls", file)).unwrap();
        let texts = found.documents.into_iter().map(|document| document.text);
        (texts.collect(), found.problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn streams_are_read_as_far_as_they_go() {
        for version in [Version::V3, Version::V4] {
            let mut file =
                CompoundFile::create_with_version(version, Cursor::new(Vec::new())).unwrap();
            let contents = [("a", 10), ("b", 4095), ("c", 4096), ("d", 9_000_000)]
                .map(|(name, size)| (name, (0..size).map(|i| (i % 251) as u8).collect::<Vec<_>>()));
            for (name, content) in &contents {
                file.create_stream(name).unwrap().write_all(content).unwrap();
            }
            file.flush().unwrap();
            let file = file.into_inner().into_inner();
            for (name, content) in &contents {
                let found = compound::stream(&file, &["missing", name]).unwrap();
                assert!(found.bytes == *content && found.is_whole, "{name}");
            }
            assert!(compound::stream(&file, &["missing"]).is_none());
            let cut = compound::stream(&file[..file.len() / 2], &["d"]);
            let cut = cut.filter(|found| !found.bytes.is_empty()).unwrap();
            assert!(!cut.is_whole && contents[3].1.starts_with(&cut.bytes));
        }
    }

    #[test]
    fn a_damaged_sheet_costs_itself() {
        // Too short for what its kind has.
        let damaged = record(0x0203, &[1]);
        let book = of_sheets(&[("A", label(0, "Ada")), ("B", damaged), ("C", label(0, "Eve"))]);
        let (texts, problems) = told(&Book(book).to_file(&[]).unwrap());
        assert_eq!(texts, ["Ada\n", "Eve\n"]);
        assert!(problems.len() == 1 && problems[0].contains("\"B\""), "{problems:?}");
    }

    #[test]
    fn a_workbook_that_is_cut_off_is_read_as_far_as_it_goes() {
        let rows: Vec<u8> = (0..400).flat_map(|row| label(row, "of the first sheet")).collect();
        let book = of_sheets(&[("A", rows.clone()), ("B", rows)]);
        let mut file = Book(book).to_file(&[]).unwrap();
        // The directory, which lists what there is, comes first here.
        file.truncate(file.len() / 4);
        let (texts, problems) = told(&file);
        assert!(texts.len() == 1 && texts[0].lines().count() > 100, "{texts:?}");
        assert!(problems.len() == 1 && problems[0].contains("cut off"), "{problems:?}");
        assert!(problems[0].contains("One of its sheets") && problems[0].contains("again"));
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
        let notes = Book::of(file).unwrap().0.notes().into_iter().flat_map(|sheet| sheet.notes);
        notes.map(|note| (note.row, note.column, note.text)).collect()
    }

    #[test]
    fn comments_boxes_and_titles_have_their_cells() {
        let mut found = found(&annotated());
        found.retain(|(_, _, text)| !text.is_empty());
        let expected = [(7, 3, "first programmer"), (5, 4, "in a box"), (5, 4, "Sales")];
        assert_eq!(found, expected.map(|(row, column, text)| (row, column, text.to_owned())));
        assert_eq!(Book::of(&annotated()).unwrap().0.notes()[0].printed, ["Secret"]);
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
            let _ = Book::of(&file[..cut]).map(|(book, _)| book.notes());
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
