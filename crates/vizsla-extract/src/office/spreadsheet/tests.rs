use vizsla_core::{Limits, Locations};

use crate::office::spreadsheet::records;
use crate::office::{compound, package};
use crate::sink::ProblemKind;
use crate::{ErrorKind, Extracted, Input, collect, extract};

const TYPES: &str = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>"#;
const BOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="First &amp; last" sheetId="1" r:id="rId1"/><sheet name="Hidden" sheetId="2" state="hidden" r:id="rId2"/></sheets></workbook>"#;
const ROOT: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const RELATIONS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet2.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="rId4" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
const STRINGS: &str = r#"<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>Name</t></si><si><t>Born</t></si><si><r><t xml:space="preserve">Ada </t></r><r><t>Lovelace</t></r><rPh><t>phonetic</t></rPh></si></sst>"#;
const STYLES: &str = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/></numFmts><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="9"/><xf numFmtId="164"/></cellXfs></styleSheet>"#;
const SHEET_RELATIONS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/comments" Target="../comments1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/drawing" Target="../drawings/drawing1.xml"/></Relationships>"#;
const COMMENTS: &str = r#"<comments xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><commentList><comment ref="A2"><text><t>first programmer</t></text></comment></commentList></comments>"#;
const DRAWING: &str = r#"<xdr:wsDr xmlns:xdr="x" xmlns:a="a"><xdr:twoCellAnchor><xdr:from><xdr:col>3</xdr:col><xdr:row>4</xdr:row></xdr:from><xdr:to><xdr:col>9</xdr:col><xdr:row>9</xdr:row></xdr:to><xdr:sp><xdr:txBody><a:p><a:r><a:t>in a box</a:t></a:r></a:p></xdr:txBody></xdr:sp></xdr:twoCellAnchor></xdr:wsDr>"#;

fn sheet(rows: &str) -> String {
    let (rows, rest) = rows.split_once('|').unwrap_or((rows, ""));
    format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData>{rest}</worksheet>"#
    )
}

fn workbook(first: &str, second: &str) -> Vec<u8> {
    listed(BOOK, first, second)
}

/// A workbook with this list of its sheets.
fn listed(book: &str, first: &str, second: &str) -> Vec<u8> {
    let (first, second) = (sheet(first), sheet(second));
    let parts = [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", ROOT),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", RELATIONS),
        ("xl/sharedStrings.xml", STRINGS),
        ("xl/styles.xml", STYLES),
        ("xl/worksheets/sheet1.xml", &first),
        ("xl/worksheets/sheet2.xml", &second),
        ("xl/worksheets/_rels/sheet1.xml.rels", SHEET_RELATIONS),
        ("xl/comments1.xml", COMMENTS),
        ("xl/drawings/drawing1.xml", DRAWING),
    ];
    package::tests::stored(&parts.map(|(name, part)| (name, part.as_bytes())))
}

fn read(file: &[u8]) -> Extracted {
    collect(Input::bytes("d/b.xlsx", file)).unwrap()
}

#[test]
fn sheets_become_documents_with_the_place_of_each_row() {
    let rows = r#"<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>
        <row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" s="1"><v>42379</v></c><c r="C2" s="2"><f>1/4</f><v>0.25</v></c><c r="D2" t="e"><v>#N/A</v></c><c r="E2" t="b"><v>1</v></c><c r="F2" t="inlineStr"><is><t>inline</t></is></c></row>"#;
    let found = read(&workbook(rows, r#"<row r="7"><c r="C7"><v>5</v></c></row>"#));
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let [first, hidden] = found.documents.as_slice() else { panic!("{:?}", found.documents) };
    assert_eq!(
        first.text,
        "Name | Born\nAda Lovelace | 2016-01-10 | 25% | TRUE | inline\nfirst programmer\nin a box\n"
    );
    assert_eq!(
        (first.id.as_str(), first.title.as_str()),
        ("d/b.xlsx#First & last", "First & last – b.xlsx")
    );
    let Locations::Spans(places) = &first.locations else { panic!() };
    let places: Vec<_> = places.iter().map(|(_, place)| place.to_string()).collect();
    assert_eq!(
        places,
        ["First & last!A1:B1", "First & last!A2:F2", "First & last!A2", "First & last!D5"]
    );
    assert_eq!((hidden.id.as_str(), hidden.text.as_str()), ("d/b.xlsx#Hidden", "5\n"));
}

#[test]
fn what_a_workbook_says_of_itself_becomes_metadata() {
    let mut properties = calamine::WorkbookProperties::default();
    properties.creator = Some("Gertrude".into());
    properties.keywords = Some(" ".into());
    properties.description = Some("where to stay".into());
    let found = super::metadata_of(properties);
    let shown: Vec<_> = found.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(shown, ["author=Gertrude", "description=where to stay"]);
}

#[test]
fn numbers_are_read_as_they_are_written() {
    let rows = r#"<row r="1"><c r="A1" t="n"><v>-20.5</v></c><c r="B1" t="n"><v> 41
        </v></c><c r="C1" t="n"><v>n/a</v></c></row><row r="2"><c r="A2" t="s"><v>2</v></c></row>"#;
    let found = read(&workbook(rows, ""));
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    assert!(found.documents[0].text.starts_with("-20.5 | 41 | n/a\nAda Lovelace\n"), "{found:?}");
    let found = read(&workbook(rows, rows));
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    assert!(found.documents[1].text.starts_with("-20.5 | 41 | n/a\nAda Lovelace\n"), "{found:?}");
}

#[test]
fn a_sheet_with_cells_in_opposite_corners_is_small() {
    let rows = r#"<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>"#;
    let found = read(&workbook(rows, ""));
    assert_eq!(found.documents[0].text, "1\nfirst programmer\nin a box\n2\n");
}

#[test]
fn a_sheet_that_breaks_off_is_read_up_to_there() {
    let found = read(&workbook(
        r#"<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></x"#,
        r#"<row r="7"><c r="C7"><v>5</v></c></row>"#,
    ));
    assert!(found.documents.iter().any(|document| document.text == "5\n"));
    assert_eq!(found.problems[0].kind, ProblemKind::Malformed);
    let whole = workbook("", "");
    for cut in (0..whole.len()).step_by(97) {
        let _ = collect(Input::bytes("b.xlsx", &whole[..cut]));
    }
}

#[test]
fn a_string_that_is_repeated_is_bounded() {
    let rows: String = (1..=2000)
        .map(|row| format!(r#"<row r="{row}"><c r="A{row}" t="s"><v>2</v></c></row>"#))
        .collect();
    let mut found = Extracted::default();
    let limits = Limits::default().with_text_bytes(1000);
    extract(Input::bytes("b.xlsx", &workbook(&rows, &rows)), &limits, &mut found).unwrap();
    assert!(found.documents.iter().map(|document| document.text.len()).sum::<usize>() <= 1000);
    assert_eq!(found.problems.len(), 1);
}

#[test]
fn what_is_not_read_has_a_remedy() {
    let binary =
        package::tests::stored(&[("[Content_Types].xml", b"x"), ("xl/workbook.bin", b"x")]);
    let error = collect(Input::bytes("b.xlsb", &binary)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("save it as .xlsx"));
    let broken = collect(Input::bytes("b.xls", &compound::tests::compound(&["Workbook"])));
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn what_is_printed_above_the_pages_of_a_sheet_is_read() {
    let printed = "<headerFooter><oddHeader>&amp;CSecret &amp;&amp; new</oddHeader><oddFooter>&amp;P</oddFooter></headerFooter>";
    let rows = format!(r#"<row r="1"><c r="A1"><v>1</v></c></row>|{printed}"#);
    let found = read(&workbook(&rows, ""));
    assert!(
        found.documents[0].text.trim_end().ends_with("Secret & new"),
        "{:?}",
        found.documents[0].text
    );
}

#[test]
fn comments_and_text_boxes_of_the_binary_format_are_read() {
    let found = collect(Input::bytes("b.xls", &records::tests::annotated())).unwrap();
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let document = &found.documents[0];
    assert_eq!(document.text, "Ada\nin a box\nSales\nfirst programmer\nSecret\n");
    let Locations::Spans(places) = &document.locations else { panic!() };
    let places: Vec<_> = places.iter().map(|(_, place)| place.to_string()).collect();
    assert_eq!(places, ["Sheet!A1", "Sheet!D5", "Sheet!D5", "Sheet!C7", "Sheet!A1:D7"]);
}

#[test]
fn days_as_they_are_shown_name_columns() {
    let row = |number: u32, values: [u32; 3], style: u8| {
        let cell = |(column, value): (char, u32)| {
            format!(r#"<c r="{column}{number}" s="{style}"><v>{value}</v></c>"#)
        };
        let cells: String = ['B', 'C', 'D'].into_iter().zip(values).map(cell).collect();
        format!(r#"<row r="{number}"><c r="A{number}" t="s"><v>0</v></c>{cells}</row>"#)
    };
    let rows = row(1, [42_370, 42_401, 42_430], 3) + &row(2, [1, 2, 3], 0) + &row(3, [4, 5, 6], 0);
    let found = read(&workbook("", &rows));
    let sheet = found.documents.last().unwrap();
    let days = "Name | 01/01/2016 (2016-01-01) | 01/02/2016 (2016-02-01) | 01/03/2016 (2016-03-01)";
    assert_eq!(sheet.text.lines().next(), Some(days));
    assert_eq!(sheet.sections[0].headings, [days]);
}

#[test]
fn formulas_without_a_value_are_shown_and_named() {
    let rows = r#"<row r="1"><c r="A1"><v>2</v></c><c r="B1"><f>A1*2</f><v></v></c><c r="C1"><f>A1*3</f><v>6</v></c></row>
        <row r="2"><c r="C2" s="1"><f>B1+1</f></c></row>"#;
    let found = read(&workbook("", rows));
    let sheet = found.documents.last().unwrap();
    assert_eq!(sheet.text, "2 | =A1*2 | 6\n |  | =B1+1\n");
    let [problem] = found.problems.as_slice() else { panic!("{:?}", found.problems) };
    assert!(problem.message.contains("of 2 formulas, which are shown"), "{problem}");
    assert!(problem.message.contains("spreadsheet program and save it") && problem.loses_text());
}

#[test]
fn a_part_is_read_once_however_many_sheets_it_is_listed_as() {
    let copies: String =
        (0..20).map(|i| format!(r#"<sheet name="Copy {i}" sheetId="{i}" r:id="rId1"/>"#)).collect();
    let book = BOOK.replace("</sheets>", &(copies + "</sheets>"));
    let rows = r#"<row r="1"><c r="A1"><v>1</v></c></row>"#;
    let found = read(&listed(&book, rows, rows));
    assert_eq!((found.documents.len(), found.problems.len()), (2, 1));
    assert!(found.problems[0].message.contains("20 entries"), "{:?}", found.problems);
}
