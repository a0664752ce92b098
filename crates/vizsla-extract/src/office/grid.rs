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
    }

    /// Adds what is attached to a cell: a comment, a text box, the title of a chart.
    pub(crate) fn note(&mut self, row: u32, column: u32, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if self.text.len() >= self.most {
            self.is_full = true;
            return;
        }
        self.places.push((self.text.len(), self.place((row, row), (column, column))));
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
