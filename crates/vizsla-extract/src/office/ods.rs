//! OpenDocument spreadsheets, as packages or flat. In: the bytes of a file. Out: one document for each sheet.
//!
//! Rows that are repeated are one line with the place of all, and a cell that is repeated more often than a table has columns
//! is read once: a few bytes may stand for thousands of millions of cells.

use std::collections::HashMap;

use crate::error::Error;
use crate::office::grid::{Cell, Grid, report_unvalued};
use crate::office::odf::Parts;
use crate::office::odf_story::Inline;
use crate::office::xml::{Event, Tag, Xml, decode};
use crate::output::{Output, file_name};

/// Repeats of a cell that are columns of a table, bytes of such a cell, and columns of a sheet; more fill one.
const MOST_REPEATS: u32 = 64;
const REPEATED_BYTES: usize = 256;
const MOST_COLUMNS: u32 = 16 << 10;
/// The highest number of a row; a file may claim more.
const MOST_ROWS: u32 = 1 << 30;

pub(crate) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let parts = Parts::read(bytes, output)?;
    let properties = parts.properties(output.limits.nesting);
    let name = output.name.clone();
    let title = properties.title.filter(|title| crate::office::properties::is_title(title));
    let title = title.unwrap_or_else(|| file_name(&name).to_owned());
    let text = decode(&parts.content);
    let mut xml = Xml::new(&text, output.limits.nesting);
    let mut reader = Reader {
        most: output.text_left(),
        titles: chart_titles(&parts.objects, output.limits.nesting),
        ..Reader::default()
    };
    while let Some(event) = xml.next() {
        let sheet = match event {
            Event::Start(tag) => {
                reader.start(&tag, &mut xml);
                None
            }
            Event::End(end) => reader.end(end.name()),
            Event::Text(_) => None,
        };
        if let Some(sheet) = sheet.filter(|sheet| !sheet.is_empty()) {
            if sheet.is_full {
                output.text_left_out(&name);
            }
            let mut document = sheet.finish(&name, &title);
            reader.most = output.text_left();
            document.metadata.extend(properties.metadata.clone());
            if output.document(document).is_break() {
                return Ok(());
            }
        }
    }
    parts.report(&xml, output);
    report_unvalued(reader.unvalued, output);
    // The sheet in which a cut-off file ends.
    if let Some(sheet) = reader.sheet.take().filter(|sheet| !sheet.is_empty()) {
        let _ = output.document(sheet.finish(&name, &title));
    }
    Ok(())
}

#[derive(Default)]
struct Reader {
    sheet: Option<Grid>,
    /// Bytes of text that the sheet may have.
    most: usize,
    /// The cells of the row that is read, and the numbers of the rows that are equal to it.
    cells: Vec<Cell>,
    rows: (u32, u32),
    /// Comments on the cells of the row, and what the charts on them are called, with their columns.
    comments: Vec<(u32, String)>,
    charts: Vec<(u32, String)>,
    /// The titles of all charts, by the folders that they are in.
    titles: HashMap<String, String>,
    /// Numbers of the next row and column, from 1.
    next_row: u32,
    next_column: u32,
    /// How many tables are open: a cell may hold one.
    tables: usize,
    /// Formulas without a value.
    unvalued: usize,
}

impl Reader {
    fn start(&mut self, tag: &Tag<'_>, xml: &mut Xml<'_>) {
        match tag.name() {
            "tracked-changes" | "styles" | "automatic-styles" | "master-styles" | "meta"
            | "scripts" | "forms" => xml.skip(),
            "table" => {
                self.tables += 1;
                if self.tables == 1 {
                    self.sheet = Some(Grid::new(&tag.get("name").unwrap_or_default(), self.most));
                    self.next_row = 1;
                }
            }
            "table-row" => {
                let last = self.next_row.saturating_add(repeated(tag, "number-rows-repeated") - 1);
                self.cells.clear();
                self.rows = (self.next_row, last.min(MOST_ROWS));
                self.next_row = last.saturating_add(1).min(MOST_ROWS);
                self.next_column = 1;
            }
            "table-cell" | "covered-table-cell" => {
                let kind = tag.get("value-type").unwrap_or_default();
                let repeats = repeated(tag, "number-columns-repeated");
                let CellText { mut text, comments, objects } = cell_text(xml);
                let column = self.next_column;
                self.comments.extend(comments.into_iter().map(|comment| (column, comment)));
                let charts = objects.iter().filter_map(|href| self.titles.remove(&folder(href)));
                self.charts.extend(charts.map(|title| (column, title)));
                if text.is_empty() {
                    text = value(tag).unwrap_or_default();
                }
                if text.is_empty() && kind.is_empty() {
                    text = tag.get("formula").map(|formula| plain(&formula)).unwrap_or_default();
                    self.unvalued += usize::from(!text.is_empty());
                }
                if !text.trim().is_empty() {
                    let is_text = kind.is_empty() && !text.starts_with('=') || kind == "string";
                    let is_filling = repeats > MOST_REPEATS
                        || text.len() > REPEATED_BYTES
                        || self.next_column > MOST_COLUMNS;
                    let copies = if is_filling { 1 } else { repeats };
                    for column in (self.next_column..).take(copies as usize) {
                        self.cells.push(Cell { column, text: text.clone(), is_text });
                    }
                }
                self.next_column = self.next_column.saturating_add(repeats);
            }
            "object" => {
                let href = tag.get("href").unwrap_or_default();
                let title = self.titles.remove(&folder(&href)).unwrap_or_default();
                if let Some(sheet) = &mut self.sheet {
                    sheet.note(self.next_row.max(1), 1, &title);
                }
            }
            // Text of drawings on the sheet.
            "p" => {
                let text = xml.text();
                if let Some(sheet) = &mut self.sheet {
                    sheet.note(self.next_row.max(1), 1, &text);
                }
            }
            _ => {}
        }
    }

    /// Returns the sheet that ends.
    fn end(&mut self, name: &str) -> Option<Grid> {
        match name {
            "table-row" => {
                if let Some(sheet) = &mut self.sheet {
                    sheet.equal_rows(self.rows, &self.cells);
                    for (column, text) in self.comments.drain(..).chain(self.charts.drain(..)) {
                        sheet.note(self.rows.0, column, &text);
                    }
                }
                self.cells.clear();
                None
            }
            "table" => {
                self.tables = self.tables.saturating_sub(1);
                if self.tables == 0 { self.sheet.take() } else { None }
            }
            _ => None,
        }
    }
}

fn repeated(tag: &Tag<'_>, name: &str) -> u32 {
    tag.get(name).and_then(|count| count.parse().ok()).unwrap_or(1).clamp(1, MOST_ROWS)
}

/// The value of a cell that has no text of its own.
fn value(tag: &Tag<'_>) -> Option<String> {
    let names = ["string-value", "date-value", "time-value", "boolean-value", "value"];
    names.iter().find_map(|name| tag.get(name))
}

/// A formula as people write it: `=B2*C2` for `of:=[.B2]*[.C2]`.
fn plain(formula: &str) -> String {
    let formula = formula.find('=').and_then(|start| formula.get(start..)).unwrap_or(formula);
    formula.replace("[.", "").replace(":.", ":").replace(['[', ']'], "")
}

/// What is in a cell.
struct CellText {
    text: String,
    comments: Vec<String>,
    /// Where the objects on it are.
    objects: Vec<String>,
}

/// What is in the cell whose start came last.
fn cell_text(xml: &mut Xml<'_>) -> CellText {
    let (mut inline, mut comment, mut depth) = (Inline::default(), Inline::default(), 1);
    let (mut comments, mut objects) = (Vec::new(), Vec::new());
    let mut is_comment = false;
    while depth > 0 {
        let text = if is_comment { &mut comment } else { &mut inline };
        match xml.next() {
            Some(Event::Start(tag)) if matches!(tag.name(), "creator" | "date" | "ruby-text") => {
                xml.skip();
            }
            Some(Event::Start(tag)) => {
                match tag.name() {
                    "object" => objects.extend(tag.get("href")),
                    "annotation" => is_comment = true,
                    _ => text.element(&tag),
                }
                depth += 1;
            }
            Some(Event::End(end)) => {
                depth -= 1;
                match end.name() {
                    "p" => text.text(" "),
                    "annotation" => {
                        comments.push(std::mem::take(&mut comment).finish());
                        is_comment = false;
                    }
                    _ => {}
                }
            }
            Some(Event::Text(part)) => text.text(&part),
            None => break,
        }
    }
    CellText { text: inline.finish(), comments, objects }
}

/// The titles of charts and of their axes, a line each, by the folders of the charts. Their other labels are cells.
fn chart_titles(objects: &HashMap<String, Vec<u8>>, nesting: usize) -> HashMap<String, String> {
    let titles = objects.iter().map(|(part, bytes)| {
        let text = decode(bytes);
        let (mut xml, mut lines) = (Xml::new(&text, nesting), Vec::new());
        while let Some(event) = xml.next() {
            if let Event::Start(tag) = event
                && tag.prefix() == "chart"
                && matches!(tag.name(), "title" | "subtitle")
            {
                lines.push(xml.text().split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
        (folder(part.trim_end_matches("content.xml")), lines.join("\n"))
    });
    titles.collect()
}

/// The folder of an object, however it is referred to.
fn folder(href: &str) -> String {
    href.trim_start_matches("./").trim_end_matches('/').to_lowercase()
}

#[cfg(test)]
mod tests {
    use vizsla_core::{SplitOptions, split};

    use crate::office::package::tests::stored;
    use crate::{Input, collect};

    #[test]
    fn each_sheet_is_a_document_and_repeats_are_bounded() {
        let content = "<office:document-content><office:body><office:spreadsheet>\
            <table:table table:name='Dogs'><table:table-row table:number-rows-repeated='3'><table:table-cell table:number-columns-repeated='1024'/></table:table-row>\
            <table:table-row><table:table-cell table:number-columns-repeated='2'/><table:table-cell office:value-type='string'><text:p>Breed</text:p></table:table-cell><table:table-cell office:value-type='string'><text:p>Born</text:p></table:table-cell></table:table-row>\
            <table:table-row><table:table-cell table:number-columns-repeated='2'/><table:table-cell office:value-type='string'><office:annotation><dc:date>2024</dc:date><text:p>old</text:p></office:annotation><text:p>Viz</text:p><text:p>sla</text:p></table:table-cell><table:table-cell office:value-type='date' office:date-value='2024-01-02'/></table:table-row>\
            <table:table-row><table:table-cell table:number-columns-repeated='2'><text:p>a</text:p></table:table-cell><table:table-cell office:value-type='float'><text:p>7</text:p></table:table-cell></table:table-row>\
            <table:table-row table:number-rows-repeated='1048570'><table:table-cell table:number-columns-repeated='99999999999'/><table:table-cell table:number-columns-repeated='16384' office:value-type='float' office:value='5'/></table:table-row></table:table>\
            <table:table table:name='Empty'/></office:spreadsheet></office:body></office:document-content>";
        let media = b"application/vnd.oasis.opendocument.spreadsheet";
        let file = stored(&[("mimetype", media), ("content.xml", content.as_bytes())]);
        let found = collect(Input::bytes("a.ods", &file)).unwrap();
        assert_eq!((found.documents.len(), found.problems.len()), (1, 0));
        assert_eq!(found.documents[0].id, "a.ods#Dogs");
        assert_eq!(
            found.documents[0].text,
            " |  | Breed | Born\n |  | Viz sla | 2024-01-02\nold\na | a | 7\n | 5\n"
        );
        assert_eq!(found.documents[0].sections[0].headings, ["|  | Breed | Born"]);
        let place = split(&found.documents[0], &SplitOptions::default())[0].location.to_string();
        assert_eq!(place, "Dogs!A4:D1048576");
    }

    #[test]
    fn formulas_without_a_value_are_shown_and_named() {
        let content = "<office:document-content><office:body><office:spreadsheet><table:table table:name='S'><table:table-row>\
            <table:table-cell table:formula='of:=SUM([.B2:.C3];[$Sheet2.A1])'/><table:table-cell table:formula='of:=1+1' office:value-type='float' office:value='2'/>\
            <table:table-cell table:formula='of:=\"\"' office:value-type='string' office:string-value=''/></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>";
        let media = b"application/vnd.oasis.opendocument.spreadsheet";
        let file = stored(&[("mimetype", media), ("content.xml", content.as_bytes())]);
        let found = collect(Input::bytes("a.ods", &file)).unwrap();
        assert_eq!(found.documents[0].text, "=SUM(B2:C3;$Sheet2.A1) | 2\n");
        let problem = &found.problems[0].message;
        assert!(
            problem.starts_with("no value is stored of 1 formula, which is shown"),
            "{problem}"
        );
    }

    #[test]
    fn titles_of_charts_are_where_the_charts_are() {
        let frame = |number: u32| {
            format!("<draw:frame><draw:object xlink:href='./Object {number}'/></draw:frame>")
        };
        let content = format!(
            "<office:document-content><office:body><office:spreadsheet><table:table table:name='S'><table:shapes>{}</table:shapes>\
             <table:table-row><table:table-cell><text:p>Month</text:p></table:table-cell><table:table-cell>{}</table:table-cell></table:table-row>\
             </table:table></office:spreadsheet></office:body></office:document-content>",
            frame(2),
            frame(1)
        );
        let chart = |title: &str| {
            format!(
                "<office:chart><chart:chart><chart:title><text:p>{title}</text:p></chart:title><chart:axis><chart:title><text:p>Euro</text:p></chart:title></chart:axis>\
                 <table:table-cell><text:p>Label</text:p></table:table-cell></chart:chart></office:chart>"
            )
        };
        let file = stored(&[
            ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
            ("content.xml", content.as_bytes()),
            ("Object 1/content.xml", chart("Revenue").as_bytes()),
            ("Object 2/content.xml", chart("Costs").as_bytes()),
        ]);
        let document = collect(Input::bytes("a.ods", &file)).unwrap().documents.remove(0);
        assert_eq!(document.text, "Costs\nEuro\nMonth\nRevenue\nEuro\n");
        let vizsla_core::Locations::Spans(places) = document.locations else { panic!("places") };
        let places: Vec<_> = places.iter().map(|(_, place)| place.to_string()).collect();
        assert_eq!(places, ["S!A1", "S!A1", "S!B1"]);
    }
}
