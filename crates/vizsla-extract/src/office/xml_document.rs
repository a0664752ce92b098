//! Word documents in one XML text: as Word 2003 writes them, and as packages whose parts stand one after the other ("flat
//! OPC"). In: the bytes of a file. Out: one document, as of a DOCX file.

use std::collections::HashSet;

use crate::error::Error;
use crate::office::docx::PARTS;
use crate::office::numbering::Numbering;
use crate::office::parts::report;
use crate::office::properties::Properties;
use crate::office::prose::{Line, Prose};
use crate::office::story;
use crate::office::styles::Styles;
use crate::office::xml::{Event, Xml, decode};
use crate::output::{Output, file_name};

/// The elements of the parts that are not called as their kinds.
const ELEMENTS: &[(&str, &str)] = &[("header", "hdr"), ("footer", "ftr")];

#[allow(clippy::unnecessary_wraps, reason = "the type of readers says so")]
pub(crate) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode(bytes);
    let name = output.name.clone();
    let nesting = output.limits.nesting;
    let part = |name: &str| elements(&text, name).next().unwrap_or_default().as_bytes();
    let numbering = Numbering::read(part("w:numbering"), nesting);
    let styles = Styles::read(part("w:styles"), numbering, nesting);
    let mut prose = Prose::default();
    if let Some(body) = elements(&text, "w:body").next() {
        prose.paragraphs(&lines(body, &styles, file_name(&name), output), None);
    }
    for (kind, part, heading) in PARTS {
        let called = ELEMENTS.iter().find(|(known, _)| known == kind).map_or(*kind, |(_, is)| is);
        let mut seen = HashSet::new();
        let mut all = Vec::new();
        for element in elements(&text, &format!("w:{called}")) {
            let lines = lines(element, &styles, part, output).into_iter();
            all.extend(lines.filter(|line| seen.insert(line.text.trim().to_owned())));
        }
        if !all.is_empty() {
            prose.begin(heading);
            prose.paragraphs(&all, Some(part));
        }
    }
    let heading = prose.first_heading.clone();
    let properties = properties(&text, nesting);
    let document = properties.apply(prose.document(&name, output), heading, &name);
    let _ = output.document(document);
    Ok(())
}

fn lines(source: &str, styles: &Styles, part: &str, output: &mut Output<'_>) -> Vec<Line> {
    let mut xml = Xml::new(source, output.limits.nesting);
    let lines = story::read_element(&mut xml, styles);
    report(&xml, part, output);
    lines
}

/// The properties as Word 2003 writes them, or as in a package.
fn properties(text: &str, nesting: usize) -> Properties {
    if let Some(source) = elements(text, "cp:coreProperties").next() {
        return Properties::read(source.as_bytes(), nesting);
    }
    let mut found = Properties::default();
    let source = elements(text, "o:DocumentProperties").next().unwrap_or_default();
    let mut xml = Xml::new(source, nesting);
    while let Some(event) = xml.next() {
        let Event::Start(tag) = event else { continue };
        let name = match tag.name() {
            "Title" => "title",
            "Author" => "author",
            "Created" => "date",
            "Subject" => "subject",
            "Keywords" => "keywords",
            "Description" => "description",
            _ => continue,
        };
        let value = xml.text().trim().to_owned();
        if name == "title" {
            found.title = Some(value);
        } else if !value.is_empty() {
            found.metadata.insert(name.to_owned(), value.into());
        }
    }
    found
}

/// The elements of this name that are not empty and not in one another, as they are written. The last may be cut off.
fn elements<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(&open)?;
            let tag = &rest[start..];
            let after = &tag[open.len()..];
            let end = after.find('>').map_or(after.len(), |end| end + 1);
            if !after.starts_with(['>', ' ', '\t', '\r', '\n']) || after[..end].ends_with("/>") {
                rest = &after[end..];
                continue;
            }
            let end = tag.find(&close).map_or(tag.len(), |end| end + close.len());
            rest = &tag[end..];
            return Some(&tag[..end]);
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::{Extracted, Input, collect};

    fn found(file: &str) -> Extracted {
        collect(Input::bytes("a.xml", file.as_bytes())).unwrap()
    }

    const WORD: &str = "<?xml version='1.0'?><?mso-application progid='Word.Document'?><w:wordDocument \
        xmlns:w='http://schemas.microsoft.com/office/word/2003/wordml'><o:DocumentProperties><o:Title>Dogs</o:Title>\
        <o:Author>Ann</o:Author><o:Pages>1</o:Pages></o:DocumentProperties><w:fonts><w:defaultFonts w:ascii='Times New Roman'/></w:fonts>\
        <w:styles><w:style w:styleId='Kop1'><w:name w:val='heading 1'/></w:style></w:styles>\
        <w:docOleData><w:binData w:name='x'>0M8R4KGxGuE=</w:binData></w:docOleData><w:body><wx:sect>\
        <w:p><w:pPr><w:pStyle w:val='Kop1'/></w:pPr><w:r><w:t>Top</w:t></w:r></w:p>\
        <w:p><w:pPr><w:listPr><w:ilvl w:val='0'/><wx:t wx:val='*'/></w:listPr></w:pPr><w:r><w:t>Ot</w:t></w:r><w:r><w:t>ter</w:t></w:r>\
        <w:r><w:footnote><w:p><w:r><w:t>A note</w:t></w:r></w:p></w:footnote></w:r></w:p>\
        <w:p><w:r><w:pict><w:binData w:name='y'>iVBORw0KGgo=</w:binData></w:pict></w:r><aml:annotation w:type='Word.Deletion'><aml:content>\
        <w:r><w:delText>gone</w:delText></w:r></aml:content></aml:annotation></w:p>\
        <w:sectPr><w:hdr w:type='odd'><w:p><w:r><w:t>Above</w:t></w:r></w:p></w:hdr></w:sectPr></wx:sect></w:body></w:wordDocument>";

    #[test]
    fn documents_of_word_2003_are_read_by_their_paragraphs() {
        let found = found(WORD);
        assert_eq!(found.problems, []);
        let document = &found.documents[0];
        assert_eq!(
            (document.title.as_str(), document.metadata["author"].to_string()),
            ("Dogs", "Ann".into())
        );
        assert_eq!(document.text, "Top\n\nOtter\n\nA note\n\nAbove");
        assert_eq!(document.sections[0].headings, ["Top"]);
    }

    #[test]
    fn a_document_that_was_cut_off_is_read_as_far_as_it_goes() {
        let found = found(&WORD[..WORD.find("A note").unwrap()]);
        assert!(found.documents[0].text.starts_with("Top\n\nOtter"));
        assert!(found.problems[0].message.contains("cut off"), "{:?}", found.problems);
    }

    #[test]
    fn packages_in_one_text_are_read_as_documents() {
        let file = "<?xml version='1.0'?><?mso-application progid='Word.Document'?><pkg:package xmlns:pkg='http://schemas.microsoft.com/office/2006/xmlPackage'>\
            <pkg:part pkg:name='/word/document.xml'><pkg:xmlData><w:document><w:body><w:p><w:pPr><w:pStyle w:val='T'/></w:pPr><w:r><w:t>Top</w:t></w:r></w:p><w:p><w:r><w:t>Text</w:t></w:r></w:p></w:body></w:document></pkg:xmlData></pkg:part>\
            <pkg:part pkg:name='/word/media/a.png'><pkg:binaryData>iVBORw0KGgo=</pkg:binaryData></pkg:part>\
            <pkg:part pkg:name='/word/footnotes.xml'><pkg:xmlData><w:footnotes><w:footnote><w:p><w:r><w:t>A note</w:t></w:r></w:p></w:footnote></w:footnotes></pkg:xmlData></pkg:part>\
            <pkg:part pkg:name='/word/styles.xml'><pkg:xmlData><w:styles><w:style w:styleId='T'><w:name w:val='heading 1'/></w:style></w:styles></pkg:xmlData></pkg:part>\
            <pkg:part pkg:name='/docProps/core.xml'><pkg:xmlData><cp:coreProperties><dc:creator>Ann</dc:creator></cp:coreProperties></pkg:xmlData></pkg:part></pkg:package>";
        let document = found(file).documents.remove(0);
        assert_eq!(document.text, "Top\n\nText\n\nA note");
        assert_eq!(
            (document.title.as_str(), document.metadata["author"].to_string()),
            ("Top", "Ann".into())
        );
    }
}
