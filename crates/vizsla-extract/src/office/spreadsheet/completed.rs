//! Completes a workbook of XLSX that was cut off, so that the sheets that are left can be read. In: the bytes of the file.
//! Out: a file that names all sheets that are there, and whose parts are well-formed.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::error::{Error, ErrorKind};
use crate::output::Output;
use crate::restored::Restored;

const PACKAGE: &str = "_rels/.rels";
const BOOK: &str = "xl/workbook.xml";
const RELATIONS: &str = "xl/_rels/workbook.xml.rels";
const SHEETS: &str = "xl/worksheets/";
const KINDS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

pub(super) fn completed(bytes: &[u8], output: &mut Output<'_>) -> Result<Vec<u8>, Error> {
    let Some(mut restored) = Restored::of(bytes, output.unpacked_left()) else {
        return Err(Error::new(ErrorKind::Malformed, "is not a valid workbook"));
    };
    restored.report(output);
    if let Some((_, content)) = &mut restored.broken {
        *content = closed(&String::from_utf8_lossy(content)).into_bytes();
    }
    let names: Vec<String> = restored.names().collect();
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    let is_sheet = |name: &&String| {
        let inner = name.strip_prefix(SHEETS);
        inner.is_some_and(|inner| inner.ends_with(".xml") && !inner.contains('/'))
    };
    let mut sheets: Vec<&str> =
        names.iter().filter(is_sheet).map(|name| &name["xl/".len()..]).collect();
    // `sheet10.xml` comes after `sheet9.xml`.
    sheets.sort_by_key(|name| (name.len(), *name));
    if !has(PACKAGE) {
        restored.add(PACKAGE, relations(&["officeDocument"], &[BOOK]).as_bytes());
    }
    if !has(RELATIONS) {
        let kinds = vec!["worksheet"; sheets.len()];
        restored.add(RELATIONS, relations(&kinds, &sheets).as_bytes());
    }
    if !has(BOOK) {
        restored.add(BOOK, book(&sheets).as_bytes());
    }
    Ok(restored.finish())
}

/// Relationships of these kinds to these parts, with the ids that most programs give to sheets.
fn relations(kinds: &[&str], targets: &[&str]) -> String {
    let relations = (1..).zip(kinds.iter().zip(targets)).map(|(number, (kind, target))| {
        format!("<Relationship Id=\"rId{number}\" Type=\"{KINDS}/{kind}\" Target=\"{target}\"/>")
    });
    format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{}</Relationships>",
        relations.collect::<String>()
    )
}

/// A workbook of these sheets, which are called like their parts.
fn book(sheets: &[&str]) -> String {
    let sheets = (1..).zip(sheets).map(|(number, part)| {
        let name = part.rsplit('/').next().unwrap_or(part).trim_end_matches(".xml");
        format!("<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>")
    });
    format!(
        "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"{KINDS}\"><sheets>{}</sheets></workbook>",
        sheets.collect::<String>()
    )
}

/// An XML text that breaks off, up to its last tag, and with all elements closed.
fn closed(text: &str) -> String {
    let text = &text[..text.rfind('>').map_or(0, |last| last + 1)];
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut open: Vec<String> = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => open.push(element.name().0.to_owned()),
            Ok(Event::End(_)) => drop(open.pop()),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let ends = open.iter().rev().map(|name| format!("</{name}>"));
    format!("{text}{}", ends.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_that_break_off_are_closed() {
        assert_eq!(
            closed("<a><x:b c='1'><d/><e>text</e><f"),
            "<a><x:b c='1'><d/><e>text</e></x:b></a>"
        );
        assert_eq!(closed("<a>text"), "<a></a>");
        assert_eq!(closed("no"), "");
    }
}
