//! Workbooks as Excel 2002 and 2003 write them in XML, and many reports since, often under the extension `.xls`. In: the
//! bytes of a file. Out: one document for each sheet.

use std::collections::HashMap;
use std::ops::ControlFlow;

use vizsla_core::Metadata;

use crate::error::Error;
use crate::office::grid::{Cell, Grid, report_unvalued};
use crate::office::number;
use crate::office::parts::report;
use crate::office::properties::is_title;
use crate::office::xml::{Event, Tag, Xml, decode};
use crate::output::{Output, file_name};

/// The highest numbers of a row and a column; a file may claim more.
const MOST_ROWS: u32 = 1 << 30;
const MOST_COLUMNS: u32 = 1 << 20;

#[allow(clippy::unnecessary_wraps, reason = "the type of readers says so")]
pub(crate) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode(bytes);
    let name = output.name.clone();
    let mut xml = Xml::new(&text, output.limits.nesting);
    let mut reader = Reader { most: output.text_left(), ..Reader::default() };
    while let Some(event) = xml.next() {
        let is_sheet_end = match event {
            Event::Start(tag) => {
                reader.start(&tag, &mut xml);
                false
            }
            Event::End(end) => reader.end(end.name()),
            Event::Text(_) => false,
        };
        if is_sheet_end && reader.write(&name, output).is_break() {
            return Ok(());
        }
    }
    report(&xml, file_name(&name), output);
    report_unvalued(reader.unvalued, output);
    // The sheet in which a cut-off file ends.
    let _ = reader.write(&name, output);
    Ok(())
}

#[derive(Default)]
struct Reader {
    title: Option<String>,
    metadata: Metadata,
    /// The formats of numbers, by the ids of styles, and the style that is read.
    formats: HashMap<String, String>,
    style: String,
    sheet: Option<Grid>,
    /// Bytes of text that the sheet may have.
    most: usize,
    /// The cells of the row that is read.
    cells: Vec<Cell>,
    /// Comments on them, by column.
    comments: Vec<(u32, String)>,
    /// Formulas without a value.
    unvalued: usize,
    /// Numbers of the present row and of the next column, from 1.
    row: u32,
    next_column: u32,
}

impl Reader {
    fn start(&mut self, tag: &Tag<'_>, xml: &mut Xml<'_>) {
        match tag.name() {
            "Names"
            | "WorksheetOptions"
            | "PivotTable"
            | "ExcelWorkbook"
            | "OfficeDocumentSettings" => xml.skip(),
            "Style" | "NumberFormat" => self.style(tag),
            "Title" => self.title = Some(xml.text()).filter(|title| is_title(title)),
            "Author" => self.describe("author", xml),
            "Created" => self.describe("date", xml),
            "Subject" => self.describe("subject", xml),
            "Keywords" => self.describe("keywords", xml),
            "Worksheet" => {
                self.sheet = Some(Grid::new(&tag.get("Name").unwrap_or_default(), self.most));
                self.row = 0;
            }
            "Row" => {
                self.row = number(tag, "Index").unwrap_or(self.row + 1).min(MOST_ROWS);
                self.next_column = 1;
            }
            "Cell" => {
                let column = number(tag, "Index").unwrap_or(self.next_column).min(MOST_COLUMNS);
                let merged = number(tag, "MergeAcross").unwrap_or(0).min(MOST_COLUMNS);
                self.next_column = column + 1 + merged;
                let style = tag.get("StyleID").unwrap_or_default();
                let has_value = self.cell(column, &style, xml);
                if let Some(text) = tag.get("Formula").filter(|_| !has_value) {
                    self.cells.push(Cell { column, text, is_text: false });
                    self.unvalued += 1;
                }
            }
            _ => {}
        }
    }

    /// A style has the format of the one that it is based on, or its own.
    fn style(&mut self, tag: &Tag<'_>) {
        let format = if tag.name() == "Style" {
            self.style = tag.get("ID").unwrap_or_default();
            tag.get("Parent").and_then(|parent| self.formats.get(&parent).cloned())
        } else {
            tag.get("Format")
        };
        if let Some(format) = format {
            // Some have names.
            let format = match format.as_str() {
                "Percent" => "0.00%".to_owned(),
                "Fixed" | "Standard" | "Currency" => "0.00".to_owned(),
                _ => format,
            };
            self.formats.insert(self.style.clone(), format);
        }
    }

    fn describe(&mut self, name: &str, xml: &mut Xml<'_>) {
        let value = xml.text();
        let value = value.trim();
        if !value.is_empty() && self.sheet.is_none() {
            self.metadata.insert(name.to_owned(), value.into());
        }
    }

    /// Reads the cell whose start came last; returns whether it has a value, be it an error.
    fn cell(&mut self, column: u32, style: &str, xml: &mut Xml<'_>) -> bool {
        let format = self.formats.get(style).map(String::as_str);
        let mut depth = 1;
        let (mut is_comment, mut has_value) = (false, false);
        while depth > 0 {
            match xml.next() {
                Some(Event::Start(tag)) if tag.name() == "Data" => {
                    let kind = tag.get("Type").unwrap_or_default();
                    let text = xml.text();
                    if is_comment {
                        self.comments.push((column, text));
                        continue;
                    }
                    has_value = true;
                    if let Some((text, is_text)) = shown(&kind, &text, format) {
                        self.cells.push(Cell { column, text, is_text });
                    }
                }
                Some(Event::Start(tag)) => {
                    is_comment |= tag.name() == "Comment";
                    depth += 1;
                }
                Some(Event::End(_)) => depth -= 1,
                Some(Event::Text(_)) => {}
                None => break,
            }
        }
        has_value
    }

    /// Returns whether a sheet ends.
    fn end(&mut self, name: &str) -> bool {
        if name == "Row" {
            self.end_row();
        }
        name == "Worksheet"
    }

    fn end_row(&mut self) {
        if let Some(sheet) = &mut self.sheet {
            sheet.row(self.row, &self.cells);
            for (column, comment) in self.comments.drain(..) {
                sheet.note(self.row, column, &comment);
            }
        }
        self.cells.clear();
    }

    /// Passes on the sheet.
    fn write(&mut self, name: &str, output: &mut Output<'_>) -> ControlFlow<()> {
        self.end_row();
        let Some(sheet) = self.sheet.take().filter(|sheet| !sheet.is_empty()) else {
            return ControlFlow::Continue(());
        };
        if sheet.is_full {
            output.text_left_out(name);
        }
        let workbook = self.title.as_deref().unwrap_or_else(|| file_name(name));
        let mut document = sheet.finish(name, workbook);
        document.metadata.extend(self.metadata.clone());
        let written = output.document(document);
        self.most = output.text_left();
        written
    }
}

fn number(tag: &Tag<'_>, name: &str) -> Option<u32> {
    tag.get(name)?.parse().ok()
}

/// What a cell shows, and whether that is a text; nothing for an error and an empty one.
fn shown(kind: &str, text: &str, format: Option<&str>) -> Option<(String, bool)> {
    let value = text.trim();
    let shown = match kind {
        "Error" => return None,
        "Boolean" => (if value == "1" { "TRUE" } else { "FALSE" }).to_owned(),
        "DateTime" => moment(value),
        "Number" => formatted(value, format).unwrap_or_else(|| value.to_owned()),
        _ => value.to_owned(),
    };
    (!shown.is_empty()).then_some((shown, !matches!(kind, "Number" | "Boolean" | "DateTime")))
}

/// A number by the format of its style, if it has one.
fn formatted(value: &str, format: Option<&str>) -> Option<String> {
    let number = value.parse().ok().filter(|number: &f64| number.is_finite())?;
    Some(number::number(number, format?))
}

/// A date without a time, if that is midnight; a time alone on the day that Excel counts from.
fn moment(value: &str) -> String {
    let Some((day, time)) = value.split_once('T') else { return value.to_owned() };
    let time = time.split('.').next().unwrap_or(time);
    match (day, time) {
        ("1899-12-31" | "1899-12-30", time) => time.to_owned(),
        (day, "00:00:00") => day.to_owned(),
        (day, time) => format!("{day} {time}"),
    }
}

#[cfg(test)]
mod tests {
    use vizsla_core::{SplitOptions, split};

    use crate::{Input, collect};

    const HEAD: &str = "<?xml version='1.0'?>\n<?mso-application progid='Excel.Sheet'?>\n\
        <ss:Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet' xmlns:ss='urn:schemas-microsoft-com:office:spreadsheet'>";

    #[test]
    fn each_sheet_is_a_document_whatever_the_file_is_called() {
        let file = format!(
            "{HEAD}<DocumentProperties xmlns='urn:schemas-microsoft-com:office:office'><Title>Prices</Title><Author>Ann</Author></DocumentProperties>\
            <Styles><Style ss:ID='s21'><NumberFormat ss:Format='Short Date'/></Style></Styles>\
            <Worksheet ss:Name='Fruit'><Names><NamedRange ss:Name='n'/></Names><Table><Column ss:Width='60'/>\
            <Row><Cell><Data ss:Type='String'>name</Data></Cell><Cell ss:MergeAcross='1'><Data ss:Type='String'>price</Data></Cell><Cell><Data ss:Type='String'>since</Data></Cell></Row>\
            <Row><Cell><ss:Data ss:Type='String' xmlns='http://www.w3.org/TR/REC-html40'>Apple <B>pie</B></ss:Data></Cell><Cell><Data ss:Type='Number'>1.25</Data></Cell>\
            <Cell ss:Index='4' ss:StyleID='s21'><Data ss:Type='DateTime'>2024-05-03T00:00:00.000</Data><Comment ss:Author='Bob'><ss:Data><B>Bob:</B>&#10;check this</ss:Data></Comment></Cell></Row>\
            <Row ss:Index='5'><Cell ss:Index='2'><Data ss:Type='Boolean'>1</Data></Cell><Cell><Data ss:Type='Error'>#N/A</Data></Cell><Cell><Data ss:Type='DateTime'>1899-12-31T09:30:00.000</Data></Cell></Row>\
            </Table><WorksheetOptions><Print>x</Print></WorksheetOptions></Worksheet>\
            <Worksheet ss:Name='Empty'><Table/></Worksheet></ss:Workbook>"
        );
        for name in ["a.xml", "a.xls", "a"] {
            let found = collect(Input::bytes(name, file.as_bytes())).unwrap();
            assert_eq!((found.documents.len(), found.problems.len()), (1, 0));
            let document = &found.documents[0];
            assert_eq!(document.id, format!("{name}#Fruit"));
            assert_eq!(document.title, "Fruit – Prices");
            assert_eq!(document.metadata["author"].to_string(), "Ann");
            assert_eq!(
                document.text,
                "name | price | since\nApple pie | 1.25 | 2024-05-03\nBob:\ncheck this\n | TRUE | 09:30:00\n"
            );
            assert_eq!(document.sections[0].headings, ["name | price | since"]);
            let place = split(document, &SplitOptions::default())[0].location.to_string();
            assert_eq!(place, "Fruit!A1:D5");
        }
    }

    #[test]
    fn formulas_without_a_value_are_shown_and_named() {
        let cells = "<Cell ss:Formula='=1+2'/><Cell ss:Formula='=1/0'><Data ss:Type='Error'>#DIV/0!</Data></Cell><Cell ss:Formula='=2*2'><Data ss:Type='Number'>4</Data></Cell>";
        let file = format!(
            "{HEAD}<Worksheet ss:Name='S'><Table><Row>{cells}</Row></Table></Worksheet></ss:Workbook>"
        );
        let found = collect(Input::bytes("a.xml", file.as_bytes())).unwrap();
        assert_eq!((found.documents[0].text.as_str(), found.problems.len()), ("=1+2 | 4\n", 1));
    }

    #[test]
    fn numbers_are_written_by_the_format_of_their_style() {
        let styles = "<Styles><Style ss:ID='a'><NumberFormat ss:Format='0%'/></Style><Style ss:ID='b'><NumberFormat ss:Format='Percent'/></Style><Style ss:ID='c' ss:Parent='b'><Font/></Style><Style ss:ID='d'><NumberFormat/></Style></Styles>";
        let cell = |style: &str| {
            format!("<Cell ss:StyleID='{style}'><Data ss:Type='Number'>0.25</Data></Cell>")
        };
        let cells: String = ["a", "b", "c", "d", "x"].map(cell).concat();
        let text = "<Cell ss:StyleID='a'><Data ss:Type='String'>0.5</Data></Cell>";
        let file = format!(
            "{HEAD}{styles}<Worksheet ss:Name='S'><Table><Row>{cells}{text}</Row></Table></Worksheet></ss:Workbook>"
        );
        let found = collect(Input::bytes("a.xml", file.as_bytes())).unwrap();
        assert_eq!(found.documents[0].text, "25% | 25.00% | 25.00% | 0.25 | 0.25 | 0.5\n");
    }

    #[test]
    fn a_file_that_is_cut_off_is_read_as_far_as_it_goes() {
        let file = format!(
            "{HEAD}<Worksheet ss:Name='S'><Table><Row><Cell><Data>one</Data></Cell></Row><Row><Cell><Data>tw"
        );
        let found = collect(Input::bytes("a.xml", file.as_bytes())).unwrap();
        assert_eq!(found.documents[0].text, "one\ntw\n");
        assert_eq!(found.problems.len(), 1);
        let text = "A workbook in XML begins with <Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'>.";
        let found = collect(Input::bytes("a.txt", text.as_bytes())).unwrap();
        assert_eq!(found.documents[0].id, "a.txt");
    }
}
