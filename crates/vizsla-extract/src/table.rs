//! Comma- or tab-separated values: one document per row.

use std::ops::ControlFlow;

use csv::StringRecord;
use vizsla_core::{Document, Location, Locations, MetadataValue};

use crate::error::{Error, ErrorKind};
use crate::header;
use crate::output::{Output, shorten};
use crate::sink::ProblemKind;

/// Version of this reader.
pub(crate) const VERSION: u32 = 1;

/// Maximum bytes of a column name: each row repeats it.
const NAME_BYTES: usize = 256;
/// Rows inspected to decide whether the first is a header.
const SAMPLE_ROWS: usize = 50;

pub(crate) fn documents(text: &str, output: &mut Output<'_>) -> Result<(), Error> {
    let delimiter = delimiter(output.name, text);
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(delimiter).flexible(true).has_headers(false);
    let sample: Vec<StringRecord> = builder
        .from_reader(text.as_bytes())
        .into_records()
        .map_while(Result::ok)
        .take(SAMPLE_ROWS)
        .collect();
    let (header, rows) = match sample.split_first() {
        Some((first, rows)) if header::is_header(first, rows) => (Some(first), true),
        _ => (None, false),
    };
    let columns = header.map(|header| Columns::of(header, output)).unwrap_or_default();
    for row in builder.from_reader(text.as_bytes()).into_records().skip(usize::from(rows)) {
        match row {
            Ok(row) => {
                if columns.document(&row, output).is_break() {
                    break;
                }
            }
            Err(error) => malformed(&error, output)?,
        }
    }
    Ok(())
}

/// A row that cannot be read is reported. Only the reader itself could fail for good, and it reads from memory.
fn malformed(error: &csv::Error, output: &mut Output<'_>) -> Result<(), Error> {
    if error.is_io_error() {
        return Err(Error::new(ErrorKind::Malformed, "is not a table"));
    }
    let location = error.position().map(|position| lines(position.line(), 0));
    output.problem(ProblemKind::Malformed, location, "is not a row of a table");
    Ok(())
}

fn lines(first: u64, more: usize) -> Location {
    let first = u32::try_from(first).unwrap_or(u32::MAX);
    Location::Lines { first, last: first.saturating_add(more as u32) }
}

/// What is known about the columns: nothing without a header.
#[derive(Default)]
struct Columns {
    names: Vec<String>,
    id: Option<usize>,
    title: Option<usize>,
    body: Option<usize>,
}

impl Columns {
    fn of(header: &StringRecord, output: &mut Output<'_>) -> Self {
        let mut names: Vec<String> = header.iter().map(str::to_owned).collect();
        let mut shortened = 0;
        for name in &mut names {
            shortened += usize::from(shorten(name, NAME_BYTES));
        }
        if shortened > 0 {
            let message =
                format!("{shortened} column names are longer than {NAME_BYTES} bytes and are cut");
            output.problem(ProblemKind::TooLarge, Some(lines(1, 0)), message);
        }
        let column = |known: &[&str]| {
            names.iter().position(|name| known.contains(&name.trim().to_lowercase().as_str()))
        };
        let (id, title) = (column(&["_id", "id"]), column(&["title"]));
        let body = column(&["text", "body", "content"]);
        Self { names, id, title, body }
    }

    fn document(&self, row: &StringRecord, output: &mut Output<'_>) -> ControlFlow<()> {
        let first = row.position().map_or(1, csv::Position::line);
        let breaks = row.iter().map(|cell| cell.matches('\n').count()).sum();
        let cell = |column: Option<usize>| {
            column.and_then(|column| row.get(column)).filter(|cell| !cell.is_empty())
        };
        let text = cell(self.body).map_or_else(|| self.text(row), str::to_owned);
        let id = cell(self.id).map_or_else(|| format!("{}#{first}", output.name), str::to_owned);
        let mut document = Document::new(id, text)
            .with_title(cell(self.title).unwrap_or_else(|| crate::output::file_name(output.name)))
            .with_locations(Locations::Fixed(lines(first, breaks)));
        for (i, (name, cell)) in self.names.iter().zip(row).enumerate() {
            if ![self.title, self.body].contains(&Some(i)) && !cell.is_empty() {
                document.metadata.insert(name.clone(), MetadataValue::from(cell));
            }
        }
        output.document(document)
    }

    /// All cells, each with the name of its column where there is one.
    fn text(&self, row: &StringRecord) -> String {
        if self.names.is_empty() {
            let cells: Vec<&str> = row.iter().filter(|cell| !cell.is_empty()).collect();
            return cells.join(", ");
        }
        let mut text = String::new();
        for (i, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            if !text.is_empty() {
                text.push('\n');
            }
            // Rows may be longer than the header.
            if let Some(name) = self.names.get(i) {
                text.push_str(name);
                text.push_str(": ");
            }
            text.push_str(cell);
        }
        text
    }
}

/// Tab for `.tsv`; else whichever of comma, semicolon and tab the first line has most of.
fn delimiter(name: &str, text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |delimiter: u8| first.bytes().filter(|byte| *byte == delimiter).count();
    if name.to_ascii_lowercase().ends_with(".tsv") {
        return b'\t';
    }
    // On ties the last wins, so the most common is last.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extracted, Input, Limits, collect, extract};

    fn read(text: &str) -> Vec<Document> {
        collect(Input::bytes("t.csv", text.as_bytes())).unwrap().documents
    }

    #[test]
    fn rows_become_documents() {
        let all = read("id,title,text,year\n1,One,\"first\nrow\",2020\n2,,second,\n");
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].id.as_str(), all[0].title.as_str(), all[0].text.as_str()),
            ("1", "One", "first\nrow")
        );
        assert_eq!(all[0].locations, Locations::Fixed(Location::Lines { first: 2, last: 3 }));
        assert_eq!(all[0].metadata["year"].to_string(), "2020");
        assert_eq!(all[1].title, "t.csv");
    }

    #[test]
    fn without_a_text_column_all_columns_are_the_text() {
        let all = read("name;breed\nRex;Vizsla;extra\n");
        assert_eq!(all[0].text, "name: Rex\nbreed: Vizsla\nextra");
        assert_eq!(all[0].id, "t.csv#2");
    }

    #[test]
    fn a_first_row_that_is_not_a_header_is_a_row() {
        let all = read("anna,42,Lisbon\nbob,17,Porto\n");
        assert_eq!(
            all.iter().map(|d| d.text.as_str()).collect::<Vec<_>>(),
            ["anna, 42, Lisbon", "bob, 17, Porto"]
        );
        assert_eq!((all[0].id.as_str(), all[1].id.as_str()), ("t.csv#1", "t.csv#2"));
        assert!(all[0].metadata.is_empty());
    }

    #[test]
    fn a_table_of_a_header_alone_and_an_empty_one_have_no_rows() {
        assert!(read("id,text\n").is_empty());
        assert!(read("").is_empty());
    }

    #[test]
    fn long_column_names_are_not_repeated_in_every_row() {
        let text = format!("{}\n{}", "n".repeat(1 << 20), "x\n".repeat(50_000));
        let all = read(&text);
        assert_eq!(all.len(), 50_000);
        assert!(all.iter().map(|d| d.text.len()).sum::<usize>() < 50_000 * (NAME_BYTES + 4));
    }

    #[test]
    fn the_text_of_all_rows_is_bounded() {
        let limits = Limits::default().with_text_bytes(1 << 20);
        let text = format!("{}\n{}", "n".repeat(NAME_BYTES), "x\n".repeat(50_000));
        let mut found = Extracted::default();
        extract(Input::bytes("t.csv", text.as_bytes()), &limits, &mut found).unwrap();
        assert!(found.documents.iter().map(|d| d.text.len()).sum::<usize>() <= 1 << 20);
        assert_eq!(found.problems.len(), 1, "the limit is reported once");
    }
}
