//! Documents in a ZIP container: the main part of each kind. Workbooks in flat XML.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vizsla_fuzz::{package, read};

const TYPES: &[u8] = b"<Types/>";
const RELATIONS: &[u8] =
    br#"<Relationships><Relationship Id="r" Type="x/slide" Target="slides/slide1.xml"/>
<Relationship Id="s" Type="x/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
const SLIDES: &[u8] =
    br#"<p:presentation><p:sldIdLst><p:sldId id="256" r:id="r"/></p:sldIdLst></p:presentation>"#;
const WORKBOOK: &[u8] =
    br#"<workbook><sheets><sheet name="S" sheetId="1" r:id="s"/></sheets></workbook>"#;
const WORKBOOK_IN_XML: &[u8] =
    b"<Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'><Worksheet>";
const CONTAINER: &[u8] =
    br#"<container><rootfiles><rootfile full-path="a.opf"/></rootfiles></container>"#;

fuzz_target!(|data: &[u8]| {
    let Some((which, part)) = data.split_first() else { return };
    let bytes = match which % 9 {
        0 => package(&[("[Content_Types].xml", TYPES), ("word/document.xml", part)]),
        1 => package(&[
            ("[Content_Types].xml", TYPES),
            ("word/document.xml", b"<document/>"),
            ("word/styles.xml", part),
            ("word/footnotes.xml", part),
        ]),
        2 => package(&[
            ("[Content_Types].xml", TYPES),
            ("ppt/presentation.xml", SLIDES),
            ("ppt/_rels/presentation.xml.rels", RELATIONS),
            ("ppt/slides/slide1.xml", part),
        ]),
        3 => package(&[
            ("[Content_Types].xml", TYPES),
            ("xl/workbook.xml", WORKBOOK),
            ("xl/_rels/workbook.xml.rels", RELATIONS),
            ("xl/worksheets/sheet1.xml", part),
        ]),
        4 => package(&[
            ("mimetype", b"application/vnd.oasis.opendocument.text"),
            ("content.xml", part),
        ]),
        5 => package(&[
            ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
            ("content.xml", part),
        ]),
        6 => package(&[
            ("mimetype", b"application/epub+zip"),
            ("META-INF/container.xml", CONTAINER),
            ("a.opf", part),
        ]),
        7 => return read("a.xml", &[WORKBOOK_IN_XML, part].concat()),
        _ => return read("a.docx", part),
    };
    read("a.zip", &bytes);
});
