//! Comma-, semicolon-, bar- or tab-separated values: one document per row.

use std::cmp::Reverse;

use vizsla_core::{Document, Location, Locations, MetadataValue};

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::{Output, shorten};
use crate::records::rows::{Row, Rows};
use crate::records::{append_lines, beside, header, preamble};
use crate::sample::Sample;
use crate::sink::ProblemKind;
use crate::text::decode;

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "table",
    title: "table",
    version: 7,
    extensions: &["csv", "tsv", "tab", "psv"],
    recognise: Recognise::Text { begins: |c| !matches!(c, '<' | '{' | '['), shows: is_table },
    is_foreign: false,
    read: Read::Whole(read_rows),
};

/// Maximum bytes of a column name: each row repeats it.
const NAME_BYTES: usize = 256;
/// Maximum bytes of a column name by which a table is recognised.
const SHORT_NAME_BYTES: usize = 60;
/// Rows inspected to find the delimiter and to decide whether the first is a header.
const SAMPLE_ROWS: usize = 50;
/// Rows with wrong quotes that are named one by one.
const MOST_NAMED: usize = 10;
/// The delimiter of a table of one column: no text has it.
const NO_DELIMITER: u8 = 0x1f;

/// Whether a text that nothing else indicates to be a table is: there are names of columns, and below them rows with as
/// many cells each. After a delimiter in prose there is a space.
fn is_table(sample: &Sample<'_>) -> bool {
    let text: String = sample.lines().flat_map(|line| [line, "\n"]).collect();
    [b'\t', b';', b'|', b','].into_iter().any(|delimiter| {
        let rows: Vec<Row> = Rows::new(&text, 1, delimiter).take(SAMPLE_ROWS).collect();
        let Some((header, below)) = rows.split_first().filter(|(_, below)| below.len() > 1) else {
            return false;
        };
        let is_name = |cell: &String| {
            !cell.is_empty() && cell.len() <= SHORT_NAME_BYTES && cell.trim().len() == cell.len()
        };
        let is_even = |row: &Row| row.cells.len() == header.cells.len() && !row.has_wrong_quote;
        let cells: Vec<&[String]> = below.iter().map(|row| row.cells.as_slice()).collect();
        header.cells.len() > 1
            && header.cells.iter().all(is_name)
            && below.iter().all(is_even)
            && header::is_header(&header.cells, &cells)
    })
}

fn read_rows(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = &decode::decode(bytes)?;
    let (text, line, delimiter) = delimiter(&output.name, text);
    let sample: Vec<Row> = Rows::new(text, line, delimiter).take(SAMPLE_ROWS).collect();
    let header_row = preamble::header_row(&sample);
    let header = header_row.and_then(|row| sample.get(row));
    let columns = header.map(|header| Columns::of(header, output)).unwrap_or_default();
    let mut wrong = 0;
    for (i, row) in Rows::new(text, line, delimiter).enumerate() {
        if Some(i) == header_row || row.cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if row.has_wrong_quote {
            wrong += 1;
            if wrong <= MOST_NAMED {
                let message = "has a quote that is not closed, or not doubled within quotes; the row is read without quotes";
                output.problem(ProblemKind::OtherFormat, Some(lines(&row)), message);
            }
        }
        let is_headed = header_row.is_some_and(|header| i > header);
        let document = if is_headed {
            columns.document(&row, &output.name)
        } else {
            Columns::default().document(&row, &output.name)
        };
        if output.document(document).is_break() {
            break;
        }
    }
    if wrong > MOST_NAMED {
        let message = format!("{} more rows have wrong quotes", wrong - MOST_NAMED);
        output.problem(ProblemKind::OtherFormat, None, message);
    }
    Ok(())
}

fn lines(row: &Row) -> Location {
    Location::Lines { first: row.first, last: row.last }
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
    fn of(header: &Row, output: &mut Output<'_>) -> Self {
        let mut names: Vec<String> = Vec::with_capacity(header.cells.len());
        let mut shortened = 0;
        for name in &header.cells {
            let mut name = name.trim().to_owned();
            shortened += usize::from(shorten(&mut name, NAME_BYTES));
            names.push(name);
        }
        if shortened > 0 {
            let message =
                format!("{shortened} column names are longer than {NAME_BYTES} bytes and are cut");
            output.problem(ProblemKind::TooLarge, Some(lines(header)), message);
        }
        let column = |known: &[&str]| {
            names.iter().position(|name| {
                known.contains(&name.trim_start_matches('#').trim().to_lowercase().as_str())
            })
        };
        let (id, title) = (column(&["_id", "id"]), column(&["title"]));
        let body = column(&["text", "body", "content"]);
        Self { names, id, title, body }
    }

    fn document(&self, row: &Row, file: &str) -> Document {
        let cell = |column: Option<usize>| {
            let cell = column.and_then(|column| row.cells.get(column));
            cell.filter(|cell| !cell.is_empty())
        };
        let text = match cell(self.body) {
            None => self.text(row, &[], |_| true),
            Some(body) => {
                let mut text = body.clone();
                let others = self.text(row, &[self.id, self.title, self.body], beside::is_told);
                append_lines(&mut text, &others);
                text
            }
        };
        let id = cell(self.id).map_or_else(|| format!("{file}#{}", row.first), Clone::clone);
        let title = cell(self.title).map_or_else(|| crate::output::file_name(file), String::as_str);
        let mut document =
            Document::new(id, text).with_title(title).with_locations(Locations::Fixed(lines(row)));
        if self.names.is_empty() {
            return document;
        }
        for (i, cell) in row.cells.iter().enumerate() {
            if ![self.title, self.body].contains(&Some(i)) && !cell.is_empty() {
                let value = MetadataValue::from(cell.as_str());
                add(&mut document, self.metadata_name(i), value);
            }
        }
        document
    }

    fn metadata_name(&self, column: usize) -> String {
        let name = self.names.get(column).filter(|name| !name.is_empty());
        name.cloned().unwrap_or_else(|| format!("column {}", column + 1))
    }

    /// The cells that are `told`, each with the name of its column where there is one, but for those of some columns.
    fn text(&self, row: &Row, without: &[Option<usize>], told: fn(&str) -> bool) -> String {
        let filled = row.cells.iter().enumerate().filter(|(i, cell)| {
            !cell.is_empty() && !without.contains(&Some(*i)) && told(cell.as_str())
        });
        if self.names.is_empty() {
            return filled.map(|(_, cell)| cell.as_str()).collect::<Vec<_>>().join(", ");
        }
        let mut text = String::new();
        for (i, cell) in filled {
            if !text.is_empty() {
                text.push('\n');
            }
            // Rows may be longer than the header.
            if let Some(name) = self.names.get(i).filter(|name| !name.is_empty()) {
                text.push_str(name);
                text.push_str(": ");
            }
            text.push_str(cell);
        }
        text
    }
}

/// Adds metadata; columns of the same name make a list.
fn add(document: &mut Document, name: String, value: MetadataValue) {
    match document.metadata.get_mut(&name) {
        Some(MetadataValue::List(values)) => values.push(value),
        Some(first) => {
            let one = std::mem::replace(first, MetadataValue::List(Vec::new()));
            *first = MetadataValue::List(vec![one, value]);
        }
        None => {
            document.metadata.insert(name, value);
        }
    }
}

/// The table without the line `sep=;` that Excel writes, the number of its first line, and its delimiter: the one that
/// cuts the most rows into equally many cells.
fn delimiter<'a>(name: &str, text: &'a str) -> (&'a str, u32, u8) {
    let first = text.lines().next().unwrap_or_default();
    let declared = first.trim().trim_matches('"').to_ascii_lowercase();
    if let Some(&[delimiter]) = declared.strip_prefix("sep=").map(str::as_bytes)
        && delimiter.is_ascii()
    {
        return (&text[first.len()..], 1, delimiter);
    }
    let name = name.to_ascii_lowercase();
    let by_name = match name.rsplit_once('.') {
        Some((_, "tsv" | "tab")) => Some(b'\t'),
        Some((_, "psv")) => Some(b'|'),
        _ => None,
    };
    if let Some(delimiter) = by_name
        && memchr::memchr(delimiter, text.as_bytes()).is_some()
    {
        return (text, 1, delimiter);
    }
    // On ties the last wins, so the most common is last.
    let fits =
        [b'^', b'|', b'\t', b';', b','].into_iter().map(|delimiter| Fit::of(text, delimiter));
    let best = fits.filter(Fit::is_table).max_by_key(|fit| {
        (!fit.cuts_quotes, fit.share, Reverse(fit.above), fit.in_first, fit.cells)
    });
    (text, 1, best.map_or(NO_DELIMITER, |fit| fit.delimiter))
}

/// How well a delimiter fits a table.
struct Fit {
    delimiter: u8,
    /// Twentieths of the rows that have the most common number of cells over one.
    share: usize,
    /// Rows above the first that it cuts into as many cells.
    above: usize,
    /// Delimiters in the first row.
    in_first: usize,
    /// The most common number of cells.
    cells: usize,
    /// Whether most rows have several cells, if not equally many.
    is_ragged: bool,
    /// Whether most rows have quotes that make no sense with it: they are those of another delimiter.
    cuts_quotes: bool,
}

impl Fit {
    fn of(text: &str, delimiter: u8) -> Self {
        let rows: Vec<Row> = Rows::new(text, 1, delimiter).take(SAMPLE_ROWS).collect();
        let wrong = rows.iter().filter(|row| row.has_wrong_quote).count();
        let cuts_quotes = wrong * 2 > rows.len();
        let widths: Vec<usize> = rows.iter().map(|row| row.cells.len()).collect();
        let occurs =
            |widths: &[usize], width: usize| widths.iter().filter(|other| **other == width).count();
        let wide = |width: &&usize| **width > 1;
        let cells = widths.iter().filter(wide).copied().max_by_key(|width| occurs(&widths, *width));
        let cells = cells.unwrap_or(0);
        // What stands above the table and is narrower says nothing, unless there is little else.
        let above = widths.iter().take_while(|width| **width < cells.max(2)).count();
        let above = if above * 2 < widths.len() { above } else { 0 };
        let widths = &widths[above..];
        Self {
            delimiter,
            above,
            share: occurs(widths, cells) * 20 / widths.len().max(1),
            in_first: widths.first().map_or(0, |width| width - 1),
            cells,
            is_ragged: widths.iter().filter(wide).count() * 2 > widths.len(),
            cuts_quotes,
        }
    }

    /// Whether what it makes of the text is a table.
    fn is_table(&self) -> bool {
        self.share >= 16 || (self.in_first > 0 && (self.share >= 10 || self.is_ragged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extracted, Input, Limits, collect, extract};

    fn texts(name: &str, text: &[u8]) -> Vec<String> {
        let found = collect(Input::bytes(name, text)).unwrap();
        found.documents.into_iter().map(|document| document.text).collect()
    }

    #[test]
    fn every_column_is_found_beside_a_text() {
        let bank = "Datum;Text;Betrag;Gegenkonto\n01.02.2024;Rent;-20,50;Oberholzer\n02.02.2024;;1,00;Ames\n";
        let expected = [
            "Rent\n\nDatum: 01.02.2024\nBetrag: -20,50\nGegenkonto: Oberholzer",
            "Datum: 02.02.2024\nBetrag: 1,00\nGegenkonto: Ames",
        ];
        assert_eq!(texts("a.csv", bank.as_bytes()), expected);
        assert_eq!(texts("a.csv", b"id,title,text,html\n1,T,x,<b>x</b>\n2,U,y,\n"), ["x", "y"]);
    }

    #[test]
    fn delimiters_are_found() {
        for (name, text) in [
            ("a.csv", "id,v\n1,\"x;y\"\n2,\"z;y\"\n"),
            ("a.csv", "id;v\n1;x;y\n2;z;y\n"),
            ("a.csv", "id\tv\n1\tx;y\n2\tz;y\n"),
            ("a.csv", "sep=|\nid|v\n1|x;y\n2|z;y\n"),
            ("a.tab", "id\tv\n1\tx;y\n2\tz;y\n"),
            ("a.psv", "id|v\n1|x;y\n2|z;y\n"),
        ] {
            let found = texts(name, text.as_bytes());
            assert!(found[1].starts_with("id: 2\nv: z"), "{text} {found:?}");
        }
        let utf16: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain("id\tv\r\n1\tTür\r\n".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(texts("excel.csv", &utf16), ["id: 1\nv: Tür"]);
    }

    #[test]
    fn commas_in_decimal_numbers_and_in_prose_delimit_nothing() {
        assert_eq!(
            texts("a.csv", b"name;v\nx;1,5\ny;2,5\n"),
            ["name: x\nv: 1,5", "name: y\nv: 2,5"]
        );
        let lines = b"quote\nWell, well\nNo\nSo, it goes, on\nYes\n";
        assert_eq!(texts("a.csv", lines), ["quote", "Well, well", "No", "So, it goes, on", "Yes"]);
    }

    #[test]
    fn the_bulk_of_the_rows_tells_the_delimiter() {
        let rows = "02.01.24;Rent;-3,50\n05.01.24;Pay;2,75\n06.01.24;Fee;-1,00\n";
        let quoted = rows.replace(';', "\";\"").replace('\n', "\"\n\"");
        for text in [
            format!("Account;DE12\n\nDay;What;Sum\n{rows}"),
            format!("\"Account\";\"DE12\"\n\n\"Day\";\"What\";\"Sum\"\n\"{quoted}"),
            format!(
                "\"Account\";\"DE12\"\n\"Now\";\"1,00\"\n\"\"\n\"Day\";\"What\";\"Sum\"\n\"{quoted}"
            ),
        ] {
            let found = texts("a.csv", text.trim_end_matches('"').as_bytes());
            let expected = "Day: 05.01.24\nWhat: Pay\nSum: 2,75".to_owned();
            assert!(found.contains(&expected), "{text} {found:?}");
        }
        assert_eq!(texts("a.csv", b"\"x\";\"1,5\"\n\"y\";\"2,5\"\n"), ["x, 1,5", "y, 2,5"]);
    }

    #[test]
    fn titles_above_a_table_are_rows_and_the_header_follows_them() {
        let found = texts("a.csv", b"# made by hand\nReport 2024\nid,v\n1,x\n2,y\n3,z\n4,w\n");
        assert_eq!(found[..3], ["# made by hand", "Report 2024", "id: 1\nv: x"]);
    }

    #[test]
    fn columns_without_a_name_or_with_the_same_are_all_kept() {
        let found = collect(Input::bytes("a.csv", b"id,text,tag,tag,\n1,x,p,q,r,s\n")).unwrap();
        let metadata = &found.documents[0].metadata;
        assert_eq!(metadata["tag"].to_string(), "p, q");
        assert_eq!(
            (metadata["column 5"].to_string(), metadata["column 6"].to_string()),
            ("r".into(), "s".into())
        );
        assert_eq!(texts("a.csv", b"id,v,v,\n1,x,y,z\n"), ["id: 1\nv: x\nv: y\nz"]);
    }

    #[test]
    fn rows_with_wrong_quotes_are_named_and_kept() {
        let found = collect(Input::bytes("a.csv", b"id,v\n1,\"open\n2,fine\n")).unwrap();
        let texts: Vec<_> = found.documents.iter().map(|d| d.text.as_str()).collect();
        assert_eq!(texts, ["id: 1\nv: \"open", "id: 2\nv: fine"]);
        assert!(found.problems[0].to_string().starts_with("line 2: has a quote"));
        assert!(!found.problems[0].loses_text());
    }

    fn read(text: &str) -> Vec<Document> {
        collect(Input::bytes("t.csv", text.as_bytes())).unwrap().documents
    }

    #[test]
    fn rows_become_documents() {
        let all = read("id,title,text,year\n1,One,\"first\nrow\",2020\n2,,second,\n");
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].id.as_str(), all[0].title.as_str(), all[0].text.as_str()),
            ("1", "One", "first\nrow\n\nyear: 2020")
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
        let text = format!("{},n\n{}", "n".repeat(1 << 20), "x,1\n".repeat(50_000));
        let all = read(&text);
        assert_eq!(all.len(), 50_000);
        assert!(all.iter().map(|d| d.text.len()).sum::<usize>() < 50_000 * (NAME_BYTES + 9));
    }

    #[test]
    fn the_text_of_all_rows_is_bounded() {
        let limits = Limits::default().with_text_bytes(1 << 20);
        let text = format!("{},n\n{}", "n".repeat(NAME_BYTES), "x,1\n".repeat(50_000));
        let mut found = Extracted::default();
        extract(Input::bytes("t.csv", text.as_bytes()), &limits, &mut found).unwrap();
        assert!(found.documents.iter().map(|d| d.text.len()).sum::<usize>() <= 1 << 20);
        assert_eq!(found.problems.len(), 1, "the limit is reported once");
    }
}
