//! A sheet of a spreadsheet of any format becomes a document: one line a row, cells apart by ` | `, each row with its
//! place. A cell that is empty keeps its place where others of its table have something. The names of the columns of a
//! table are the heading of everything below them, so that each passage has them.

use std::collections::BTreeSet;

use vizsla_core::{Document, Location, Locations, Section};

pub(crate) use crate::office::column_names::Cell;
use crate::office::column_names::{self, ROWS, Row};
use crate::output::{Output, shorten};
use crate::sink::ProblemKind;

/// Maximum bytes of the names of the columns: each passage repeats them.
const HEADER_BYTES: usize = 300;
/// Maximum bytes of the name of the sheet: the place of each row repeats it.
const NAME_BYTES: usize = 80;
/// What is between two cells.
const BETWEEN: &str = " | ";
/// Empty cells side by side that keep their places; more become one mark.
const MOST_EMPTY: usize = 10;
const MANY_EMPTY: &str = "… | ";
/// Empty rows after which a few cells belong to no table.
const FAR: u32 = 20;

/// Says how many formulas have no value, and what to do.
pub(crate) fn report_unvalued(formulas: usize, output: &mut Output<'_>) {
    if formulas > 0 {
        let (formulas, are) = if formulas == 1 {
            ("1 formula", "is")
        } else {
            (&*format!("{formulas} formulas"), "are")
        };
        let message = format!(
            "no value is stored of {formulas}, which {are} shown instead; open the file in a spreadsheet program and save it"
        );
        output.problem(ProblemKind::NoText, None, message);
    }
}

/// Rows with the same columns.
#[derive(Default)]
struct Table {
    /// Where it begins in the text.
    start: usize,
    columns: BTreeSet<u32>,
    /// Where the rows with the names of its columns begin.
    names: Vec<usize>,
}

/// Rows without an empty one between them.
#[derive(Default)]
struct Block {
    table: Table,
    /// The first of them.
    rows: Vec<Row>,
    /// How many cells a row has at most.
    widest: usize,
    /// Whether many empty rows are above.
    is_far: bool,
}

/// Columns without a cell in a row: those after `after` and before `before`, whose cell is at this offset of the text.
struct Hole {
    offset: usize,
    after: u32,
    before: u32,
}

/// The sheet that is read.
pub(crate) struct Grid {
    name: String,
    text: String,
    places: Vec<(usize, Location)>,
    /// Row, column and text of what is attached to cells whose rows have not come yet, the first one last.
    waiting: Vec<(u32, u32, String)>,
    /// The first rows.
    first: Vec<Row>,
    tables: Vec<Table>,
    /// The rows since the last empty one, and the number of the last of them.
    block: Block,
    last_row: u32,
    holes: Vec<Hole>,
    most: usize,
    /// Whether there is more text than allowed.
    pub(crate) is_full: bool,
}

impl Grid {
    /// A sheet of this name with at most `most` bytes of text.
    pub(crate) fn new(name: &str, most: usize) -> Self {
        let mut name = name.to_owned();
        shorten(&mut name, NAME_BYTES);
        Self {
            name,
            text: String::new(),
            places: Vec::new(),
            waiting: Vec::new(),
            first: Vec::new(),
            tables: Vec::new(),
            block: Block::default(),
            last_row: 0,
            holes: Vec::new(),
            most,
            is_full: false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn place(&self, (first, last): (u32, u32), columns: (u32, u32)) -> Location {
        Location::Rows { sheet: Some(self.name.clone()), first, last, columns: Some(columns) }
    }

    /// Adds a row, whose number is from 1. Cells come in the order of their columns.
    pub(crate) fn row(&mut self, number: u32, cells: &[Cell]) {
        self.equal_rows((number, number), cells);
    }

    /// Adds rows with the same cells, from the first to the last number, as one line.
    pub(crate) fn equal_rows(&mut self, numbers: (u32, u32), cells: &[Cell]) {
        let (Some(first), Some(last)) = (cells.first(), cells.last()) else { return };
        if self.text.len() >= self.most {
            self.is_full = true;
            return;
        }
        self.add_waiting(numbers.0.saturating_sub(1));
        let start = self.text.len();
        self.begin_row(start, numbers, cells);
        self.places.push((start, self.place(numbers, (first.column, last.column))));
        // A title above a table stands where it does for its looks.
        let mut after = if self.block.widest > 1 { 0 } else { first.column.saturating_sub(1) };
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.text.push_str(BETWEEN);
            }
            if cell.column > after.saturating_add(1) {
                self.holes.push(Hole { offset: self.text.len(), after, before: cell.column });
            }
            after = cell.column;
            // A row is one line.
            for (i, line) in cell.text.lines().map(str::trim).enumerate() {
                if i > 0 {
                    self.text.push(' ');
                }
                self.text.push_str(line);
            }
        }
        self.text.push('\n');
        self.add_waiting(numbers.1);
    }

    /// Takes note of a row that begins here.
    fn begin_row(&mut self, start: usize, (number, last): (u32, u32), cells: &[Cell]) {
        let empty = number.saturating_sub(self.last_row.saturating_add(1));
        if empty > 0 || self.block.widest == 0 {
            self.end_block();
            self.block.table.start = start;
            self.block.is_far = empty > FAR;
        }
        self.last_row = last;
        self.block.table.columns.extend(cells.iter().map(|cell| cell.column));
        self.block.widest = self.block.widest.max(cells.len());
        // The block has fewer rows than the sheet.
        if self.block.rows.len() < ROWS {
            let row = Row::of(start, number, cells);
            self.block.rows.push(row);
            if self.first.len() < ROWS {
                self.first.push(row);
            }
        }
    }

    /// Rows after an empty one begin a table if they have names of columns, or if they are far away and do not look like
    /// those above; else they go on the table above.
    fn end_block(&mut self) {
        let Block { mut table, rows, widest, is_far } = std::mem::take(&mut self.block);
        if rows.is_empty() {
            return;
        }
        table.names = column_names::of_block(&rows).unwrap_or_default();
        let goes_on = |above: &&mut Table| {
            table.names.is_empty() && (!is_far || widest * 5 >= above.columns.len() * 3)
        };
        match self.tables.last_mut().filter(goes_on) {
            Some(above) => above.columns.append(&mut table.columns),
            None => self.tables.push(table),
        }
    }

    /// Announces what is attached to cells: row, column and text. Each comes after its row, so that the places of a
    /// passage, which end where its last text is, are those of all that is in it.
    #[cfg(feature = "spreadsheet")]
    pub(crate) fn attach(&mut self, notes: impl Iterator<Item = (u32, u32, String)>) {
        self.waiting.extend(notes);
        self.waiting.sort_by_key(|(row, _, _)| *row);
        self.waiting.reverse();
    }

    /// Ends the rows: adds what is attached to none of them, and what is printed above and below the sheet.
    #[cfg(feature = "spreadsheet")]
    pub(crate) fn end(&mut self, printed: &[String]) {
        self.add_waiting(u32::MAX);
        let (rows, columns) = self.extent();
        for text in printed {
            self.add(self.place(rows, columns), text);
        }
    }

    /// The first and last row and column that have something.
    #[cfg(feature = "spreadsheet")]
    fn extent(&self) -> ((u32, u32), (u32, u32)) {
        let wider = |(a, b): (u32, u32), (c, d): (u32, u32)| (a.min(c), b.max(d));
        let places = self.places.iter().filter_map(|(_, place)| match place {
            Location::Rows { first, last, columns: Some(columns), .. } => {
                Some(((*first, *last), *columns))
            }
            _ => None,
        });
        let all = places
            .reduce(|(rows, columns), (more, others)| (wider(rows, more), wider(columns, others)));
        all.unwrap_or(((1, 1), (1, 1)))
    }

    /// Adds what waits for the rows up to this one.
    fn add_waiting(&mut self, last: u32) {
        while let Some((row, column, text)) = self.waiting.pop_if(|(row, _, _)| *row <= last) {
            self.note(row, column, &text);
        }
    }

    /// Adds what is attached to a cell: a comment, a text box, the title of a chart.
    pub(crate) fn note(&mut self, row: u32, column: u32, text: &str) {
        self.add(self.place((row, row), (column, column)), text);
    }

    fn add(&mut self, place: Location, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if self.text.len() >= self.most {
            self.is_full = true;
            return;
        }
        self.places.push((self.text.len(), place));
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Where sections begin, each with where the names of its columns begin.
    fn sections(&self) -> Vec<(usize, Vec<usize>)> {
        let first_named = self.tables.iter().find_map(|table| table.names.first());
        let mut opening = column_names::of_sheet(&self.first).unwrap_or_default();
        if opening.first().zip(first_named).is_some_and(|(opening, named)| opening >= named) {
            opening.clear();
        }
        let mut is_named = !opening.is_empty();
        let mut sections = Vec::new();
        for (i, table) in self.tables.iter().enumerate() {
            let start = match table.names.first() {
                // What is above the first names is the sheet's rather than the table's.
                Some(names) if !is_named => *names,
                None if i == 0 => continue,
                _ => table.start,
            };
            is_named |= !table.names.is_empty();
            sections.push((start, table.names.clone()));
        }
        if let Some(start) = opening.first() {
            sections.push((*start, opening));
        }
        sections.sort_by_key(|(start, _)| *start);
        sections
    }

    /// Gives empty cells their places. Returns the offsets at which something was inserted, each with how many bytes were
    /// up to there.
    fn fill(&mut self) -> Vec<(usize, usize)> {
        let mut inserted: Vec<(usize, usize)> = Vec::new();
        let (mut text, mut copied) = (String::with_capacity(self.text.len()), 0);
        let mut tables = self.tables.iter().peekable();
        let mut table = None;
        for hole in &self.holes {
            while let Some(next) = tables.next_if(|table| table.start <= hole.offset) {
                table = Some(next);
            }
            let Some(table) = table else { continue };
            let between = hole.after.saturating_add(1)..hole.before;
            let empty = table.columns.range(between).take(MOST_EMPTY + 1).count();
            let bytes = inserted.last().map_or(0, |(_, bytes)| *bytes);
            if empty == 0 || self.text.len() + bytes >= self.most {
                continue;
            }
            text.push_str(self.text.get(copied..hole.offset).unwrap_or_default());
            copied = hole.offset;
            let begin = text.len();
            if empty > MOST_EMPTY {
                text.push_str(MANY_EMPTY);
            } else {
                text.extend(std::iter::repeat_n(BETWEEN, empty));
            }
            inserted.push((hole.offset, bytes + text.len() - begin));
        }
        text.push_str(self.text.get(copied..).unwrap_or_default());
        self.text = text;
        inserted
    }

    /// The document, with the name of the sheet and of the workbook as its title.
    pub(crate) fn finish(mut self, file: &str, workbook: &str) -> Document {
        self.end_block();
        let sections = self.sections();
        let inserted = self.fill();
        // What is inserted at the start of a row belongs to it.
        let moved = |offset: usize| {
            let before = inserted.partition_point(|(at, _)| *at < offset).checked_sub(1);
            offset + before.and_then(|before| inserted.get(before)).map_or(0, |(_, bytes)| *bytes)
        };
        for (offset, _) in &mut self.places {
            *offset = moved(*offset);
        }
        let names = |start: usize| {
            let rest = self.text.get(moved(start)..).unwrap_or_default();
            let mut names = rest.lines().next().unwrap_or_default().trim().to_owned();
            shorten(&mut names, HEADER_BYTES);
            names
        };
        let sections: Vec<Section> = sections
            .into_iter()
            .map(|(start, rows)| Section::new(moved(start), rows.into_iter().map(names).collect()))
            .collect();
        Document::new(format!("{file}#{}", self.name), self.text)
            .with_title(format!("{} – {workbook}", self.name))
            .with_sections(sections)
            .with_locations(Locations::Spans(self.places))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: &[&[&str]]) -> Document {
        let mut grid = Grid::new("S", 10_000);
        for (number, row) in (1..).zip(rows) {
            let cells = (2..).zip(*row).filter(|(_, text)| !text.is_empty());
            let cells: Vec<Cell> = cells
                .map(|(column, text)| Cell {
                    column,
                    text: (*text).to_owned(),
                    is_text: !text.starts_with(|first: char| first.is_ascii_digit()),
                })
                .collect();
            grid.row(number, &cells);
        }
        grid.note(2, 3, "a note\nof two lines");
        grid.finish("f.xlsx", "Book")
    }

    #[test]
    fn rows_are_lines_with_places_below_the_names_of_columns() {
        let document = grid(&[&["Report"], &["Name", "Age"], &["Ada\nLovelace", "36"], &["", "7"]]);
        assert_eq!(
            document.text,
            "Report\nName | Age\nAda Lovelace | 36\n | 7\na note\nof two lines\n"
        );
        assert_eq!((document.id.as_str(), document.title.as_str()), ("f.xlsx#S", "S – Book"));
        assert_eq!(document.sections, [Section::new(7, vec!["Name | Age".into()])]);
        let Locations::Spans(places) = document.locations else { panic!() };
        let places: Vec<_> = places.iter().map(|(_, place)| place.to_string()).collect();
        assert_eq!(places, ["S!B1", "S!B2:C2", "S!B3:C3", "S!C4", "S!C2"]);
    }

    #[cfg(feature = "spreadsheet")]
    #[test]
    fn what_is_attached_comes_after_its_row_and_what_is_printed_has_the_whole_range() {
        let mut grid = Grid::new("S", 10_000);
        let notes = [(9, 4, "last"), (3, 1, "between"), (2, 2, "second"), (2, 1, "third")];
        grid.attach(notes.into_iter().map(|(row, column, text)| (row, column, text.to_owned())));
        for number in [1, 2, 5] {
            let text = format!("row {number}");
            grid.row(number, &[Cell { column: 2, text, is_text: true }]);
        }
        grid.end(&["printed".to_owned()]);
        let document = grid.finish("f.xlsx", "Book");
        let Locations::Spans(places) = &document.locations else { panic!() };
        let places = places.iter().map(|(_, place)| place.to_string());
        let shown: Vec<_> = places.zip(document.text.lines()).collect();
        let expected = [
            ("S!B1", "row 1"),
            ("S!B2", "row 2"),
            ("S!B2", "second"),
            ("S!A2", "third"),
            ("S!A3", "between"),
            ("S!B5", "row 5"),
            ("S!D9", "last"),
            ("S!A1:D9", "printed"),
        ];
        assert_eq!(shown, expected.map(|(place, text)| (place.to_owned(), text)));
    }

    #[test]
    fn notes_above_a_table_do_not_name_its_columns() {
        let document =
            grid(&[&["some", "notes"], &["up", "here"], &["Name", "Age"], &["Ada", "36"]]);
        assert_eq!(document.sections[0].headings, ["Name | Age"]);
        let document = grid(&[&["City", "Country"], &["Paris", "France"], &["Lima", "Peru"]]);
        assert_eq!(document.sections[0].headings, ["City | Country"]);
    }

    /// The headings of each section, and the line with which it begins.
    fn sections(rows: &[&[&str]]) -> Vec<(String, String)> {
        let document = grid(rows);
        let line = |start: usize| document.text[start..].lines().next().unwrap().to_owned();
        let section = |section: &Section| (section.headings.join(" / "), line(section.start));
        document.sections.iter().map(section).collect()
    }

    #[test]
    fn empty_cells_keep_their_places_among_the_columns_of_their_table() {
        let document = grid(&[
            &["", "", "Shifts"],
            &["Task", "Mon", "Tue", "", "Wed"],
            &["Clean", "", "Ann", "", "Bob"],
            &["", "Cid"],
            &[],
            &["Cook", "", "", "", "Dan"],
        ]);
        let rows: Vec<&str> = document
            .text
            .lines()
            .filter(|line| !line.contains("note") && *line != "of two lines")
            .collect();
        assert_eq!(
            rows,
            [
                "Shifts",
                "Task | Mon | Tue | Wed",
                "Clean |  | Ann | Bob",
                " | Cid",
                "Cook |  |  | Dan"
            ]
        );
        let mut wide = vec!["x"; 14];
        let full = wide.clone();
        wide[1..13].fill("");
        assert!(grid(&[&full, &wide]).text.contains("\nx | … | x\n"));
    }

    #[test]
    fn a_table_below_an_empty_row_has_names_of_its_own() {
        let found = sections(&[
            &["Name", "Pay"],
            &["Ada", "1"],
            &[],
            &["Eve", "2"],
            &[],
            &["Tools"],
            &["Tool", "", "Price"],
            &["Saw", "7", "9"],
            &[],
            &["Ann", "Bob"],
            &["Cid", "Dan"],
        ]);
        let expected = [("Name | Pay", "Name | Pay"), ("Tool |  | Price", "Tools")];
        assert_eq!(found, expected.map(|(names, line)| (names.to_owned(), line.to_owned())));
    }

    #[test]
    fn years_and_days_name_columns_unless_they_are_values() {
        for rows in [
            &[&["Land", "2019", "2020"][..], &["Peru", "1", "2"], &["Chad", "3", "4"]][..],
            &[&["", "2024-01-01", "2024-02-01"], &["Peru", "1", "2"]],
        ] {
            let names = rows[0].join(" | ");
            assert_eq!(sections(rows), [(names.trim().to_owned(), names)]);
        }
        for rows in [
            &[&["Ada", "1815", "1852"][..], &["Kurt", "1906", "1978"], &["Eve", "1990", "7"]][..],
            &[&["2019", "2020"], &["1", "2"]],
            &[&["Land", "2020", "2019", "2021"], &["Peru", "1", "2", "3"]],
        ] {
            assert_eq!(sections(rows), [], "{rows:?}");
        }
    }

    #[test]
    fn names_of_groups_of_columns_are_above_the_names_of_columns() {
        let found = sections(&[
            &["", "Plan", "", "Fact"],
            &["Land", "Jan", "Feb", "Jan"],
            &["Peru", "1", "2", "3"],
        ]);
        let names = " | Plan |  | Fact";
        let both = format!("{} / Land | Jan | Feb | Jan", names.trim());
        assert_eq!(found, [(both, names.to_owned())]);
    }

    #[test]
    fn a_note_far_below_a_table_is_not_under_its_names() {
        let mut rows: Vec<&[&str]> = vec![&["Name", "Age", "City"], &["Ada", "36", "London"]];
        rows.resize(30, &[]);
        rows.push(&["Eve", "7", "Rome"]);
        rows.resize(60, &[]);
        rows.push(&["far"]);
        let names = "Name | Age | City".to_owned();
        assert_eq!(sections(&rows), [(names.clone(), names), (String::new(), "far".to_owned())]);
    }

    #[test]
    fn numbers_labels_and_titles_are_no_names_of_columns() {
        for rows in [
            &[&["1", "2"][..], &["3", "4"]][..],
            &[&["Name:", "Ada"], &["Age:", "36"]],
            &[&["A", "B"]],
            &[&["A", "B"], &["1", "2", "3", "4", "5"]],
        ] {
            assert!(grid(rows).sections.is_empty(), "{rows:?}");
        }
    }
}
