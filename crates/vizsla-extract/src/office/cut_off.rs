//! Documents whose download ended early, of each format: what is there is read, and what is not is named.

use memchr::memmem;

use crate::restored::tests::zipped;
use crate::{Extracted, Format, Input, collect};

/// Numbers that do not repeat, so that they stay long when they are compressed, each in this markup.
fn many(before: &str, after: &str) -> String {
    let number = |i: u64| format!("{before}w{}x{after}", i * 2_654_435_761 % 4_294_967_291);
    (1..2_000).map(number).collect()
}

/// A document of which the last member breaks off, by what its name and content show.
fn cut(members: &[(&str, &str)]) -> Vec<Extracted> {
    let cut = |is_streamed: bool| {
        let file = zipped(members, is_streamed);
        let last = members.last().unwrap().0.as_bytes();
        let start = memmem::find(&file, last).unwrap();
        let end = memmem::rfind(&file, b"PK\x01\x02").unwrap();
        let file = &file[..start + (end - start) / 2];
        let found = collect(Input::bytes("a", file)).unwrap();
        let name = Format::detect("a", file).name();
        assert!(
            name != "zip" && found.problems[0].message.contains("is read in part"),
            "{name} {found:?}"
        );
        assert!(found.problems[0].message.contains(members.last().unwrap().0), "{found:?}");
        found
    };
    [false, true].map(cut).into()
}

fn assert_has_words(found: &Extracted) {
    let words = found.documents.iter().flat_map(|document| document.text.split_whitespace());
    let words = words.filter(|word| word.starts_with('w') && word.ends_with('x')).count();
    assert!((200..1_800).contains(&words), "{words} of {:?}", found.problems);
}

#[test]
fn word() {
    let body = format!("<w:document><w:body>{}", many("<w:p><w:r><w:t>", "</w:t></w:r></w:p>"));
    let parts = [("word/styles.xml", "<w:styles/>"), ("word/document.xml", &body)];
    cut(&parts).iter().for_each(assert_has_words);
}

#[test]
fn power_point() {
    let slide = format!(
        "<p:sld>{}",
        many("<p:sp><p:txBody><a:p><a:r><a:t>", "</a:t></a:r></a:p></p:txBody></p:sp>")
    );
    let show =
        "<p:presentation><p:sldIdLst><p:sldId id='256' r:id='r1'/></p:sldIdLst></p:presentation>";
    let relations = "<Relationships><Relationship Id='r1' Type='x/slide' Target='slides/slide1.xml'/></Relationships>";
    let parts = [
        ("ppt/presentation.xml", show),
        ("ppt/_rels/presentation.xml.rels", relations),
        ("ppt/slides/slide1.xml", &slide),
    ];
    cut(&parts).iter().for_each(assert_has_words);
}

#[test]
fn excel() {
    let strings = "<sst><si><t>shared</t></si></sst>";
    let rows = many("<row><c t='inlineStr'><is><t>", "</t></is></c><c t='s'><v>0</v></c></row>");
    let sheet = format!("<worksheet><sheetData>{rows}");
    let parts = [("xl/sharedStrings.xml", strings), ("xl/worksheets/sheet1.xml", &sheet)];
    for found in cut(&parts) {
        assert_has_words(&found);
        assert!(found.documents[0].text.contains("x | shared\n"));
        assert_eq!(found.documents[0].id, "a#sheet1");
    }
    // The texts come after the sheets.
    let strings = format!("<sst>{}", many("<si><t>", "</t></si>"));
    let cells: String =
        (0..1_999).map(|i| format!("<row><c t='s'><v>{i}</v></c><c><v>7</v></c></row>")).collect();
    let sheet = format!("<worksheet><sheetData>{cells}</sheetData></worksheet>");
    let parts = [("xl/worksheets/sheet1.xml", sheet.as_str()), ("xl/sharedStrings.xml", &strings)];
    for found in cut(&parts) {
        assert_has_words(&found);
        assert_eq!(found.documents[0].text.lines().count(), 1_999);
        assert!(found.problems[1].message.starts_with("the texts of "), "{:?}", found.problems);
    }
}

#[test]
fn open_document() {
    let text = format!("<o><office:body><office:text>{}", many("<text:p>", "</text:p>"));
    let kind = "application/vnd.oasis.opendocument.";
    let parts = [
        ("mimetype", &*format!("{kind}text")),
        ("META-INF/manifest.xml", "<m/>"),
        ("content.xml", &text),
    ];
    cut(&parts).iter().for_each(assert_has_words);
    let rows = many(
        "<table:table-row><table:table-cell><text:p>",
        "</text:p></table:table-cell></table:table-row>",
    );
    let sheet = format!("<o><office:body><office:spreadsheet><table:table table:name='S'>{rows}");
    let parts = [
        ("mimetype", &*format!("{kind}spreadsheet")),
        ("META-INF/manifest.xml", "<m/>"),
        ("content.xml", &sheet),
    ];
    cut(&parts).iter().for_each(assert_has_words);
}

#[test]
fn books() {
    let container = "<container><rootfiles><rootfile full-path='b.opf'/></rootfiles></container>";
    let list = "<package><manifest><item id='1' href='1.xhtml'/><item id='2' href='2.xhtml'/></manifest><spine><itemref idref='1'/><itemref idref='2'/></spine></package>";
    let chapter = format!("<html><body>{}", many("<p>", "</p>"));
    let parts = [
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", container),
        ("b.opf", list),
        ("1.xhtml", &chapter),
    ];
    cut(&parts).iter().for_each(assert_has_words);
    // The list of chapters comes last.
    let list = format!("<package>{}", many("<meta>", "</meta>"));
    let parts = [
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", container),
        ("2.xhtml", "<p>second</p>"),
        ("1.xhtml", "<p>first</p>"),
        ("b.opf", &list),
    ];
    for found in cut(&parts) {
        let texts: Vec<_> = found.documents.iter().map(|document| document.text.as_str()).collect();
        assert_eq!(texts, ["first", "second"]);
    }
}
