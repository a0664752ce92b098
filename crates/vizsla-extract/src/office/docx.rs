//! Word documents (OOXML). In: the bytes of a file. Out: one document: the body, then notes, comments, headers and
//! footers, each paragraph with its number; and the documents embedded in it.

use std::collections::HashSet;

use vizsla_core::Metadata;

use crate::error::{Error, ErrorKind};
use crate::office::compound;
use crate::office::numbering::Numbering;
use crate::office::parts::{Package, Relationships};
use crate::office::properties::Properties;
use crate::office::prose::Prose;
use crate::office::story::{self, Story};
use crate::office::styles::Styles;
use crate::output::Output;
use crate::sink::ProblemKind;

/// The parts beside the body: the kind of their relationship, their name in places, and the heading that they are under.
pub(crate) const PARTS: &[(&str, &str, &str)] = &[
    ("footnotes", "footnotes", "Footnotes"),
    ("endnotes", "endnotes", "Endnotes"),
    ("comments", "comments", "Comments"),
    ("header", "header", "Header"),
    ("footer", "footer", "Footer"),
];

pub(crate) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let mut package = Package::open(bytes, output)?;
    let main = main_part(&mut package, "word/document", output)?;
    let relationships = package.relationships(&main, output);
    let mut part = |kind: &str| {
        let name = relationships.of_kind(kind).next();
        name.and_then(|name| package.read(name, output)).unwrap_or_default()
    };
    let (styles, numbering) = (part("styles"), part("numbering"));
    let nesting = output.limits.nesting;
    let styles = Styles::read(&styles, Numbering::read(&numbering, nesting), nesting);

    let body = story::read(&main, &styles, &mut package, output);
    let mut prose = Prose::default();
    prose.paragraphs(&body.lines, None);
    let mut embedded = body.embedded;
    for (kind, part, heading) in PARTS {
        let story = other_part(kind, &relationships, &styles, (&mut package, output));
        if !story.lines.is_empty() {
            prose.begin(heading);
            prose.paragraphs(&story.lines, Some(part));
        }
        embedded.extend(story.embedded);
    }
    finish(prose, embedded, &mut package, output);
    Ok(())
}

/// Passes on the document that has been read, and reads what is embedded in it.
pub(crate) fn finish(
    prose: Prose,
    embedded: Vec<String>,
    package: &mut Package<'_>,
    output: &mut Output<'_>,
) {
    let heading = prose.first_heading.clone();
    let properties = properties(package, output);
    let name = output.name.clone();
    let document = properties.apply(prose.document(&name, output), heading, &name);
    if output.document(document).is_continue() {
        read_embedded(embedded, package, output);
    }
}

/// All parts of a kind together. The headers of several sections often say the same, which is kept once.
fn other_part(
    kind: &str,
    relationships: &Relationships,
    styles: &Styles,
    (package, output): (&mut Package<'_>, &mut Output<'_>),
) -> Story {
    let (mut all, mut seen) = (Story::default(), HashSet::new());
    let is_repeated = matches!(kind, "header" | "footer");
    for name in relationships.of_kind(kind) {
        if output.is_expired() {
            let message = format!("takes too long; {name} and what comes after it are left out");
            output.problem(ProblemKind::TimedOut, None, message);
            break;
        }
        let story = story::read(name, styles, package, output);
        let lines = story.lines.into_iter();
        all.lines
            .extend(lines.filter(|line| !is_repeated || seen.insert(line.text.trim().to_owned())));
        all.embedded.extend(story.embedded);
    }
    all
}

/// The name of the part that a package is about: what it says, or else the usual name.
pub(crate) fn main_part(
    package: &mut Package<'_>,
    usual: &str,
    output: &mut Output<'_>,
) -> Result<String, Error> {
    let relationships = package.relationships("", output);
    let named = relationships.of_kind("officeDocument").find(|name| package.has(name));
    if let Some(name) = named {
        return Ok(name.to_owned());
    }
    let usual = package.names(usual).into_iter().find(|name| name.ends_with(".xml"));
    usual.ok_or_else(|| Error::new(ErrorKind::Malformed, "is damaged: its main part is missing"))
}

/// The properties of an Office document.
fn properties(package: &mut Package<'_>, output: &mut Output<'_>) -> Properties {
    let relationships = package.relationships("", output);
    let name = relationships.of_kind("core-properties").next().unwrap_or("docProps/core.xml");
    let bytes = package.read(name, output).unwrap_or_default();
    Properties::read(&bytes, output.limits.nesting)
}

/// Reads the files embedded in a document. An object that is no document, such as an equation of old, is shown as a
/// picture and has no text.
fn read_embedded(names: Vec<String>, package: &mut Package<'_>, output: &mut Output<'_>) {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name.clone()) {
            continue;
        }
        let Some(bytes) = package.read(&name, output) else { continue };
        let is_object = name.to_lowercase().ends_with(".bin");
        if is_object && compound::kind(&bytes).is_none() {
            continue;
        }
        if output.member(&name, &bytes, Metadata::new()).is_break() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use vizsla_core::{SplitOptions, split};

    use crate::office::package::tests::stored;
    use crate::{Extracted, Input, Limits, collect, extract};

    const MAIN: &str = "<Relationships><Relationship Id='r' Type='http://x/officeDocument' Target='word/document.xml'/></Relationships>";

    /// A document with this body, and other parts with the kinds of their relationships.
    fn docx(body: &str, parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
        let body = format!("<w:document><w:body>{body}</w:body></w:document>");
        let named = parts.iter().map(|(name, kind, _)| {
            format!("<Relationship Id='{name}' Type='http://x/{kind}' Target='{name}'/>")
        });
        let named = format!("<Relationships>{}</Relationships>", named.collect::<String>());
        let names: Vec<_> = parts.iter().map(|(name, ..)| format!("WORD\\{name}")).collect();
        let mut members = vec![
            ("[Content_Types].xml", &b"<Types/>"[..]),
            ("_rels/.rels", MAIN.as_bytes()),
            ("word/document.xml", body.as_bytes()),
            ("word/_rels/document.xml.rels", named.as_bytes()),
        ];
        members.extend(names.iter().zip(parts).map(|(name, part)| (name.as_str(), part.2)));
        stored(&members)
    }

    fn text(body: &str) -> String {
        let mut found = collect(Input::bytes("a.docx", &docx(body, &[]))).unwrap();
        assert_eq!(found.problems, []);
        found.documents.remove(0).text
    }

    fn p(text: &str) -> String {
        format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
    }

    #[test]
    fn the_text_is_what_stands_when_changes_are_accepted() {
        for (run, expected) in [
            ("<w:r><w:t>Vi</w:t></w:r><w:r><w:t>zsla</w:t></w:r>", "Vizsla"),
            (
                "<w:del><w:r><w:delText>no</w:delText></w:r></w:del><w:ins><w:r><w:t>yes</w:t></w:r></w:ins>",
                "yes",
            ),
            (
                "<w:moveFrom><w:r><w:t>no</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>yes</w:t></w:r></w:moveTo>",
                "yes",
            ),
            (
                "<w:r><w:instrText>PAGE</w:instrText></w:r><w:fldSimple w:instr='PAGE'><w:r><w:t>4</w:t></w:r></w:fldSimple>",
                "4",
            ),
            (
                "<w:smartTag><w:hyperlink><w:r><w:t>a</w:t></w:r></w:hyperlink></w:smartTag><w:sdt><w:sdtPr><w:tag/></w:sdtPr><w:sdtContent><w:r><w:t>b</w:t></w:r></w:sdtContent></w:sdt>",
                "ab",
            ),
            (
                "<w:ruby><w:rt><w:r><w:t>aid</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>base</w:t></w:r></w:rubyBase></w:ruby>",
                "base",
            ),
            (
                "<w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r>",
                "a\tb\nc-d",
            ),
            (
                "<m:oMath><m:f><m:num><m:r><m:t>x</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f></m:oMath>",
                "x/2",
            ),
            (
                "<w:r><w:sym w:font='Symbol' w:char='F061'/><w:sym w:font='Arial' w:char='00E9'/><w:sym w:font='Arial' w:char='F061'/><w:sym w:font='Wingdings' w:char='F0FC'/></w:r>",
                "αé✓",
            ),
            (
                "<w:r><w:rPr><w:vanish/></w:rPr><w:t>no</w:t><w:tab/></w:r><w:r><w:rPr><w:vanish w:val='0'/><w:rPrChange><w:rPr><w:vanish/></w:rPr></w:rPrChange></w:rPr><w:t>yes</w:t></w:r>",
                "yes",
            ),
            ("<w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr><w:r><w:t>shown</w:t></w:r>", "shown"),
            ("<w:r><w:t>&lt;&#233;&a10;</w:t></w:r>", "<é&a10;"),
        ] {
            assert_eq!(text(&format!("<w:p>{run}</w:p>")), expected, "{run}");
        }
    }

    #[test]
    fn paragraphs_whose_end_was_deleted_go_on_in_the_next_one() {
        let open = |text: &str| {
            format!("<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
        };
        let gone = "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:del><w:r><w:delText>x</w:delText></w:r></w:del></w:p>";
        assert_eq!(text(&(p("first") + gone + &open("one ") + &p("two"))), "first\n\none two");
        let cell = format!(
            "<w:tbl><w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr></w:tbl>",
            open("a"),
            p("b")
        );
        assert_eq!(text(&(open("x") + &cell + &open("end"))), "x\n\na\tb\n\nend");
    }

    #[test]
    fn boxes_come_once_after_their_paragraph_and_pictures_have_their_description() {
        let content = format!("<w:txbxContent>{}</w:txbxContent>", p("box"));
        let body = format!(
            "<w:p><w:r><w:t>be</w:t></w:r><mc:AlternateContent><mc:Choice>{content}</mc:Choice><mc:Fallback>{content}</mc:Fallback></mc:AlternateContent>\
             <w:r><w:drawing><wp:docPr descr='a dog'/><pic:cNvPr descr='a dog'/></w:drawing><w:t>fore</w:t></w:r></w:p>"
        );
        assert_eq!(text(&body), "before\n\nbox\n\na dog");
    }

    #[test]
    fn tables_are_read_row_by_row() {
        let cell = |inner: &str| format!("<w:tc>{inner}</w:tc>");
        let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
        let inner = format!("<w:tbl>{}</w:tbl>", row(&[cell(&p("i")), cell(&p("j"))]));
        let first = row(&[cell(&p("a")), cell("<w:p/>"), cell(&(p("b") + &p("c")))]);
        let second = row(&[cell(""), cell(&p("d")), cell(&inner)]);
        let body = format!("{}<w:tbl>{first}{second}</w:tbl>{}", p("before"), p("after"));
        assert_eq!(text(&body), "before\n\na\tb\nc\nd\ni\tj\n\nafter");
    }

    #[test]
    fn headings_notes_and_properties_have_their_places() {
        let styles =
            b"<w:styles><w:style w:styleId='b1'><w:name w:val='heading 1'/></w:style></w:styles>";
        let note = format!("<w:footnotes><w:footnote>{}</w:footnote></w:footnotes>", p("the note"));
        let comment =
            format!("<w:comments><w:comment w:author='Ann'>{}</w:comment></w:comments>", p("why"));
        let header = format!("<w:hdr>{}</w:hdr>", p("Acme"));
        let body = format!(
            "<w:p><w:pPr><w:pStyle w:val='b1'/><w:pPrChange><w:pPr><w:pStyle w:val='x'/></w:pPr></w:pPrChange></w:pPr><w:r><w:t>Limits</w:t></w:r></w:p><w:p/>{}",
            p("body")
        );
        let file = docx(
            &body,
            &[
                ("styles.xml", "styles", styles),
                ("footnotes.xml", "footnotes", note.as_bytes()),
                ("comments.xml", "comments", comment.as_bytes()),
                ("header1.xml", "header", header.as_bytes()),
                ("header2.xml", "header", header.as_bytes()),
            ],
        );
        let document = collect(Input::bytes("a.docx", &file)).unwrap().documents.remove(0);
        assert_eq!(document.title, "Limits");
        let shown: Vec<_> = split(&document, &SplitOptions::default())
            .iter()
            .map(|passage| {
                format!("{} | {} | {}", passage.location, passage.headings.join("/"), passage.text)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "paragraphs 1-2 | Limits | Limits\n\nbody",
                "footnotes, paragraph 1 | Footnotes | the note",
                "comments, paragraph 1 | Comments | Ann: why",
                "header, paragraph 1 | Header | Acme",
            ]
        );
    }

    #[test]
    fn numbers_of_headings_and_list_items_are_shown() {
        let styles = b"<w:styles><w:style w:styleId='h2'><w:name w:val='heading 2'/><w:pPr><w:numPr><w:numId w:val='1'/></w:numPr></w:pPr></w:style>\
            <w:style w:styleId='h1'><w:name w:val='heading 1'/><w:pPr><w:numPr><w:numId w:val='1'/></w:numPr></w:pPr></w:style></w:styles>";
        let level = |level, style, format, text| {
            format!(
                "<w:lvl w:ilvl='{level}'><w:start w:val='1'/><w:numFmt w:val='{format}'/><w:pStyle w:val='{style}'/><w:lvlText w:val='{text}'/></w:lvl>"
            )
        };
        let lists = format!(
            "<w:numbering><w:abstractNum w:abstractNumId='0'>{}{}</w:abstractNum><w:abstractNum w:abstractNumId='1'>{}{}</w:abstractNum>\
            <w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num><w:num w:numId='2'><w:abstractNumId w:val='1'/></w:num></w:numbering>",
            level(0, "h1", "decimal", "%1"),
            level(1, "h2", "decimal", "%1.%2"),
            level(0, "", "lowerLetter", "%1)"),
            level(1, "", "bullet", "o"),
        );
        let styled = |style: &str, number: &str, text: &str| {
            format!(
                "<w:p><w:pPr><w:pStyle w:val='{style}'/>{number}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
            )
        };
        let item = |level: u8, number: u8| {
            format!("<w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='{number}'/></w:numPr>")
        };
        let body = styled("h1", "", "Limits")
            + &styled("h2", "", "Scope")
            + &styled("", &item(0, 2), "first")
            + &styled("", &item(1, 2), "under it")
            + &styled("", &item(0, 2), "second")
            + &styled("h1", &item(0, 0), "Annex")
            + &styled("h2", "", "More");
        let parts: &[(&str, &str, &[u8])] =
            &[("styles.xml", "styles", styles), ("numbering.xml", "numbering", lists.as_bytes())];
        let document =
            collect(Input::bytes("a.docx", &docx(&body, parts))).unwrap().documents.remove(0);
        assert_eq!(
            document.text,
            "1 Limits\n\n1.1 Scope\n\na) first\nunder it\nb) second\n\nAnnex\n\n1.2 More"
        );
        let paths: Vec<_> =
            document.sections.iter().map(|section| section.headings.join("/")).collect();
        assert_eq!(paths, ["1 Limits", "1 Limits/1.1 Scope", "Annex", "Annex/1.2 More"]);
    }

    #[test]
    fn charts_and_embedded_documents_are_read() {
        let chart = b"<c:chart><a:p><a:r><a:t>Sales</a:t></a:r></a:p></c:chart>";
        let inner = docx(&p("inside"), &[]);
        let body = "<w:p><w:r><w:t>see</w:t><c:chart r:id='chart1.xml'/><o:OLEObject r:id='inner.docx'/></w:r></w:p>";
        let parts: &[(&str, &str, &[u8])] =
            &[("chart1.xml", "chart", chart), ("inner.docx", "package", &inner)];
        let found = collect(Input::bytes("a.docx", &docx(body, parts))).unwrap();
        let shown: Vec<_> =
            found.documents.iter().map(|d| (d.id.as_str(), d.text.as_str())).collect();
        assert_eq!(shown, [("a.docx", "see\n\nSales"), ("a.docx!word/inner.docx", "inside")]);
    }

    #[test]
    fn what_is_hostile_or_damaged_ends_with_what_was_read() {
        let nested = format!("{}{}", p("first"), "<w:tbl><w:tr><w:tc>".repeat(20_000));
        let found = collect(Input::bytes("a.docx", &docx(&nested, &[]))).unwrap();
        assert_eq!((found.documents[0].text.as_str(), found.problems.len()), ("first", 1));
        let cut = docx(&format!("{}<w:p><w:r><w:t>half", p("whole")), &[]);
        let found = collect(Input::bytes("a.docx", &cut)).unwrap();
        assert_eq!((found.documents[0].text.as_str(), found.problems.len()), ("whole\n\nhalf", 1));
        let file = docx(&p("x"), &[]);
        let list = memchr::memmem::find(&file, b"PK\x01\x02").unwrap();
        let found = collect(Input::bytes("a.docx", &file[..list + 9])).unwrap();
        assert_eq!((found.documents[0].text.as_str(), found.problems.len()), ("x", 1));
        for cut in (0..file.len()).step_by(7) {
            let _ = collect(Input::bytes("a.docx", &file[..cut]));
        }
    }

    #[test]
    fn a_part_that_unpacks_to_too_much_is_cut() {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        for (name, data) in [
            ("[Content_Types].xml", "<Types/>".to_owned()),
            (
                "word/document.xml",
                format!("<w:document>{}</w:document>", p("bomb").repeat(100_000)),
            ),
        ] {
            writer.start_file(name, options).unwrap();
            writer.write_all(data.as_bytes()).unwrap();
        }
        let file = writer.finish().unwrap().into_inner();
        let read = |limits: &Limits| {
            let mut found = Extracted::default();
            extract(Input::bytes("a.docx", &file), limits, &mut found).unwrap();
            found
        };
        let found = read(&Limits::default().with_file_bytes(1 << 20));
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        assert!(found.problems[0].message.contains("unpacks to more than"), "{:?}", found.problems);
        assert!(found.documents[0].text.len() < 1 << 20);
        // A table of equal rows is small when it is packed.
        let found = read(&Limits::default());
        assert_eq!((found.problems.len(), found.documents[0].text.len()), (0, 599_998));
    }

    #[test]
    fn a_part_that_is_named_again_and_again_is_read_once() {
        let note = format!("<w:footnotes><w:footnote>{}</w:footnote></w:footnotes>", p("note"));
        let chart = b"<c:chart><a:p><a:t>Sales</a:t></a:p></c:chart>";
        let shown = "<w:p><w:r><w:drawing><c:chart r:id='chart.xml'/></w:drawing></w:r></w:p>";
        let parts: &[(&str, &str, &[u8])] = &[
            ("a.xml", "footnotes", note.as_bytes()),
            ("a.xml", "footnotes", note.as_bytes()),
            ("chart.xml", "chart", chart),
        ];
        let found = collect(Input::bytes("a.docx", &docx(&shown.repeat(3), parts))).unwrap();
        assert_eq!(found.documents[0].text, "Sales\n\nnote");
    }
}
