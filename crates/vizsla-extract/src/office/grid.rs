//! A sheet of a spreadsheet of any format becomes a document: one line a row, cells apart by ` | `, each row with its
//! place. The row with the names of the columns is the heading of everything below it, so that each passage has it.

use vizsla_core::{Document, Location, Locations, Section};

use crate::output::shorten;

/// Maximum bytes of the names of the columns: each passage repeats them.
const HEADER_BYTES: usize = 300;
/// Maximum bytes of the name of one column, and of the sheet: the place of each row repeats it.
const NAME_BYTES: usize = 80;
/// Rows among which the one with the names of the columns is.
const HEADER_ROWS: usize = 20;
/// Rows below it that show how many columns there are.
const SAMPLE_ROWS: usize = 50;

/// A cell that is not empty.
pub(crate) struct Cell {
    /// Column, from 1.
    pub(crate) column: u32,
    /// What it shows.
    pub(crate) text: String,
    /// Whether it is neither a number, nor a date and the like.
    pub(crate) is_text: bool,
}

/// The sheet that is read.
pub(crate) struct Grid {
    name: String,
    text: String,
    places: Vec<(usize, Location)>,
    /// Row, column and text of what is attached to cells whose rows have not come yet, the first one last.
    waiting: Vec<(u32, u32, String)>,
    /// What is known of the first rows: where each begins, cells, and whether they may be names of columns.
    first: Vec<(usize, usize, bool)>,
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
        self.places.push((start, self.place(numbers, (first.column, last.column))));
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.text.push_str(" | ");
            }
            // A row is one line.
            for (i, line) in cell.text.lines().map(str::trim).enumerate() {
                if i > 0 {
                    self.text.push(' ');
                }
                self.text.push_str(line);
            }
        }
        self.text.push('\n');
        if self.first.len() < HEADER_ROWS + SAMPLE_ROWS {
            let are_names = cells.len() > 1
                && cells.iter().all(|cell| {
                    let name = cell.text.trim();
                    cell.is_text && name.len() <= NAME_BYTES && !name.ends_with(':')
                });
            self.first.push((start, cells.len(), are_names));
        }
        self.add_waiting(numbers.1);
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

    /// The first row with names only, nearly as many as the rows below have cells. One with values right below it is
    /// preferred, because notes above a table may be texts side by side too.
    fn header(&self) -> Option<(usize, String)> {
        let candidates: Vec<usize> = (0..self.first.len().min(HEADER_ROWS))
            .filter(|i| self.first[*i].2 && self.covers(*i))
            .collect();
        let has_values_below =
            |i: &&usize| self.first.get(**i + 1).is_some_and(|(_, _, names)| !names);
        let row = candidates.iter().find(has_values_below).or(candidates.first())?;
        let (start, _, _) = self.first[*row];
        let mut names = self.text[start..].lines().next().unwrap_or_default().to_owned();
        shorten(&mut names, HEADER_BYTES);
        Some((start, names))
    }

    /// Whether a row has nearly as many cells as any of those below it, and there are some.
    fn covers(&self, row: usize) -> bool {
        let below = self.first.iter().skip(row + 1).take(SAMPLE_ROWS);
        let widest = below.map(|(_, cells, _)| *cells).max();
        widest.is_some_and(|widest| self.first[row].1 * 5 >= widest * 3)
    }

    /// The document, with the name of the sheet and of the workbook as its title.
    pub(crate) fn finish(self, file: &str, workbook: &str) -> Document {
        let sections: Vec<Section> = self
            .header()
            .into_iter()
            .map(|(start, names)| Section::new(start, vec![names]))
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
                    is_text: text.parse::<f64>().is_err(),
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
            "Report\nName | Age\nAda Lovelace | 36\n7\na note\nof two lines\n"
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
