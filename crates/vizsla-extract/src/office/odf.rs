//! OpenDocument texts, presentations and drawings, as packages or flat. In: the bytes of a file. Out: one document. The
//! paragraphs of a text have numbers and are followed by notes, comments, headers and footers; what is on slides and
//! pages is under their titles.

use std::collections::{HashMap, HashSet};

use memchr::memmem;
use vizsla_core::Location;

use crate::error::{Error, ErrorKind};
use crate::office::odf_hidden;
use crate::office::odf_story::{Page, Story};
use crate::office::parts::{Package, report};
use crate::office::properties::Properties;
use crate::office::prose::{Line, Prose};
use crate::office::xml::{Xml, decode};
use crate::output::{Output, TITLE_BYTES, shorten};
use crate::sink::ProblemKind;

/// The parts of an OpenDocument file that have text; those of a flat file are one and the same.
pub(crate) struct Parts {
    pub(crate) content: Vec<u8>,
    styles: Vec<u8>,
    meta: Vec<u8>,
    is_flat: bool,
    /// Whether it has not been reported yet that the end of the content is missing.
    is_whole: bool,
    /// Embedded formulas and charts.
    pub(crate) objects: HashMap<String, Vec<u8>>,
}

impl Parts {
    pub(crate) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<Self, Error> {
        if !bytes.starts_with(b"PK") {
            let content = bytes.to_vec();
            return Ok(Self {
                styles: Vec::new(),
                meta: content.clone(),
                is_flat: true,
                is_whole: true,
                content,
                objects: HashMap::new(),
            });
        }
        let mut package = Package::open(bytes, output)?;
        let manifest = package.read("META-INF/manifest.xml", output).unwrap_or_default();
        if memmem::find(&manifest, b"encryption-data").is_some() {
            let message = "is protected by a password; save a copy without one";
            return Err(Error::new(ErrorKind::Protected, message));
        }
        let content = package.read("content.xml", output);
        let missing = || Error::new(ErrorKind::Malformed, "is damaged: content.xml is missing");
        let content = content.ok_or_else(missing)?;
        let styles = package.read("styles.xml", output).unwrap_or_default();
        let meta = package.read("meta.xml", output).unwrap_or_default();
        // Each is in a folder of its own, which programs call as they like.
        let names = package.names("").into_iter().filter(|name| name.ends_with("/content.xml"));
        let names: Vec<String> = names.filter(|name| name.split('/').count() == 2).collect();
        let objects = objects(names, &mut package, output);
        let is_whole = package.is_whole("content.xml");
        Ok(Self { content, styles, meta, is_flat: false, is_whole, objects })
    }

    /// Reports why the text of the content ended early, if it did.
    pub(crate) fn report(&self, xml: &Xml<'_>, output: &mut Output<'_>) {
        if self.is_whole {
            report(xml, "content.xml", output);
        }
    }

    pub(crate) fn properties(&self, nesting: usize) -> Properties {
        if self.is_flat {
            Properties::read_flat(&self.meta, nesting)
        } else {
            Properties::read(&self.meta, nesting)
        }
    }
}

/// The content of embedded objects, all of which are held in memory: together they may be as large as one part.
fn objects(
    names: Vec<String>,
    package: &mut Package<'_>,
    output: &mut Output<'_>,
) -> HashMap<String, Vec<u8>> {
    let (mut objects, mut held) = (HashMap::new(), 0);
    let most = output.limits.member_bytes;
    for name in names {
        let Some(bytes) = package.read(&name, output) else { continue };
        held += bytes.len() as u64;
        if held > most {
            let message = format!(
                "its objects unpack to more than {most} bytes; {name} and those after it are left out"
            );
            output.problem(ProblemKind::TooLarge, None, message);
            break;
        }
        objects.insert(name, bytes);
    }
    objects
}

/// What reads one of the stories of a file, and the places of its pages.
type Place = fn(u32, Option<String>) -> Location;

pub(crate) fn read_text(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    read(bytes, None, output)
}

pub(crate) fn read_slides(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    read(
        bytes,
        Some(|number, title| Location::Slide { first: number, last: number, title }),
        output,
    )
}

pub(crate) fn read_drawing(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    read(
        bytes,
        Some(|number, _| Location::Pages { first: number, last: number, label: None }),
        output,
    )
}

fn read(bytes: &[u8], place: Option<Place>, output: &mut Output<'_>) -> Result<(), Error> {
    let mut parts = Parts::read(bytes, output)?;
    let nesting = output.limits.nesting;
    let text = decode(&parts.content);
    let mut xml = Xml::new(&text, nesting);
    let (headers, mut hidden) = (decode(&parts.styles), HashSet::new());
    for part in [&headers, &text] {
        odf_hidden::add_styles(part, &mut hidden, nesting);
    }
    let objects = std::mem::take(&mut parts.objects);
    let mut story = Story::read(&mut xml, objects, &hidden, output.limits);
    parts.report(&xml, output);
    let mut design =
        Story::design(if headers.is_empty() { &text } else { &headers }, &hidden, output.limits);
    let mut prose = Prose::default();
    match place {
        None => {
            let mut body = Vec::new();
            for page in std::mem::take(&mut story.pages) {
                body.extend(page.lines);
                story.comments.extend(page.comments);
            }
            prose.paragraphs(&body, None);
        }
        Some(place) => {
            for (number, page) in (0..).zip(&mut story.pages) {
                // What a master shows on each slide is read with the first one that has it.
                let master = page.master.as_ref();
                page.lines.extend(
                    master.and_then(|name| design.masters.remove(name)).into_iter().flatten(),
                );
                write_page(page, number, place, &mut prose);
            }
        }
    }
    let others = [
        (story.footnotes, "footnotes", "Footnotes"),
        (story.endnotes, "endnotes", "Endnotes"),
        (story.comments, "comments", "Comments"),
        (once(design.headers), "header", "Header"),
        (once(design.footers), "footer", "Footer"),
    ];
    for (lines, part, heading) in others {
        if !lines.is_empty() {
            prose.begin(heading);
            prose.paragraphs(&lines, Some(part));
        }
    }
    let heading = prose.first_heading.clone();
    let name = output.name.clone();
    let document = prose.document(&name, output);
    let _ = output.document(parts.properties(nesting).apply(document, heading, &name));
    Ok(())
}

/// Headers of several kinds of pages often say the same.
fn once(mut lines: Vec<Line>) -> Vec<Line> {
    let mut seen = HashSet::new();
    lines.retain(|line| seen.insert(line.text.trim().to_owned()));
    lines
}

/// Page 0 is what precedes the first page, and is nearly always empty.
fn write_page(page: &Page, number: u32, place: Place, prose: &mut Prose) {
    if page.lines.is_empty() && page.notes.is_empty() && page.comments.is_empty() {
        return;
    }
    let titles = page.lines.iter().filter(|line| line.is_title);
    let words: Vec<&str> = titles.flat_map(|line| line.text.split_whitespace()).collect();
    let mut title = words.join(" ");
    shorten(&mut title, TITLE_BYTES);
    let title = Some(title).filter(|title| !title.is_empty());
    prose.begin(title.as_deref().unwrap_or_default());
    let mut push = |line: &Line| {
        // Headings of an outline are lines of a slide like others.
        let line = Line { level: None, ..line.clone() };
        prose.push(&line, place(number.max(1), title.clone()));
    };
    page.lines.iter().for_each(&mut push);
    for (label, lines) in [("Notes:", &page.notes), ("Comments:", &page.comments)] {
        if !lines.is_empty() {
            push(&Line::new(label));
            lines.iter().for_each(&mut push);
        }
    }
}

#[cfg(test)]
mod tests {
    use vizsla_core::{SplitOptions, split};

    use crate::office::package::tests::stored;
    use crate::{ErrorKind, Input, collect};

    fn passages(name: &str, file: &[u8]) -> Vec<String> {
        let found = collect(Input::bytes(name, file)).unwrap();
        assert_eq!(found.problems, []);
        split(&found.documents[0], &SplitOptions::default())
            .iter()
            .map(|passage| {
                format!("{} | {} | {}", passage.location, passage.headings.join("/"), passage.text)
            })
            .collect()
    }

    const TEXT: &[u8] = b"application/vnd.oasis.opendocument.text";
    const SLIDES: &[u8] = b"application/vnd.oasis.opendocument.presentation";
    const STYLES: &[u8] = b"<office:document-styles><office:master-styles><style:master-page><style:header><text:p>Acme</text:p></style:header></style:master-page></office:master-styles></office:document-styles>";

    #[test]
    fn deleted_text_that_is_still_in_its_place_is_left_out() {
        let file = "<office:document xmlns:office='urn:oasis:names:tc:opendocument:xmlns:office:1.0' xmlns:text='urn:oasis:names:tc:opendocument:xmlns:text:1.0' office:mimetype='application/vnd.oasis.opendocument.text'><office:body><office:text><text:tracked-changes>\
            <text:changed-region text:id='a'><text:insertion/></text:changed-region><text:changed-region text:id='b'><text:deletion/></text:changed-region></text:tracked-changes>\
            <text:p>Kept <text:change-start text:change-id='a'/>new<text:change-end text:change-id='a'/><text:change-start text:change-id='b'/>gone<text:change-end text:change-id='b'/> too</text:p></office:text></office:body></office:document>";
        let found = crate::collect(crate::Input::bytes("a.fodt", file.as_bytes())).unwrap();
        assert_eq!(found.documents[0].text, "Kept new too");
    }

    const BODY: &str = "<office:body><office:text><text:tracked-changes><text:deletion><text:p>gone</text:p></text:deletion></text:tracked-changes>\
        <text:h text:outline-level='1'>Top</text:h><text:p>one<text:s text:c='2'/>two\n  three<text:tab/><text:ruby><text:ruby-base>base</text:ruby-base><text:ruby-text>aid</text:ruby-text></text:ruby>\
        <text:note text:note-class='footnote'><text:note-citation>1</text:note-citation><text:note-body><text:p>below</text:p></text:note-body></text:note><text:title>field</text:title></text:p>\
        <office:annotation><dc:creator>Ann</dc:creator><dc:date>2024</dc:date><text:p>why</text:p></office:annotation>\
        <text:list><text:list-item><text:p>i</text:p></text:list-item><text:list-item><text:p>j</text:p></text:list-item></text:list>\
        <table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell><text:p>b</text:p></table:table-cell></table:table-row></table:table>\
        <draw:object xlink:href='./Object 1'/></office:text></office:body>";

    #[test]
    fn texts_have_headings_notes_comments_and_formulas() {
        let content = format!("<office:document-content>{BODY}</office:document-content>");
        let file = stored(&[
            ("mimetype", TEXT),
            ("content.xml", content.as_bytes()),
            ("styles.xml", STYLES),
            ("Object 1/content.xml", b"<math><mi>x</mi><mo>+</mo><mn>1</mn></math>"),
        ]);
        assert_eq!(
            passages("a.odt", &file),
            [
                "paragraphs 1-7 | Top | Top\n\none  two three\tbasefield\n\ni\nj\n\na\tb\n\nx+1",
                "footnotes, paragraph 1 | Footnotes | below",
                "comments, paragraph 1 | Comments | Ann: why",
                "header, paragraph 1 | Header | Acme",
            ]
        );
    }

    #[test]
    fn formulas_stand_between_the_words_and_hidden_text_is_left_out() {
        let content = "<office:document-content><office:automatic-styles><style:style style:name='T1'><style:text-properties text:display='none'/></style:style>\
            <style:style style:name='P1' style:parent-style-name='T1'/><style:style style:name='P2' style:parent-style-name='H'/><style:style style:name='T2'/></office:automatic-styles>\
            <office:body><office:text><text:p>As <draw:frame><draw:object xlink:href='Formula-0/'/></draw:frame> is <text:span text:style-name='T1'>not </text:span><text:span text:style-name='T2'>shown</text:span></text:p>\
            <text:p text:style-name='P1'>no</text:p><text:p text:style-name='P2'>no</text:p><text:section text:display='none'><text:p>no</text:p></text:section>\
            <text:p>no<text:hidden-paragraph text:is-hidden='true'/></text:p><text:p>end<text:hidden-text text:is-hidden='true'>no</text:hidden-text></text:p></office:text></office:body></office:document-content>";
        let styles = "<office:document-styles><office:styles><style:style style:name='H'><style:text-properties text:display='none'/></style:style></office:styles>\
            <office:master-styles><style:master-page><style:footer><text:p><text:page-number>1</text:page-number></text:p></style:footer></style:master-page></office:master-styles></office:document-styles>";
        let math = "<?xml version='1.0'?><!DOCTYPE math:math><math:math xmlns:math='m'><math:semantics><math:mrow><math:mi>E</math:mi><math:mo>=</math:mo><math:mi>m</math:mi>\
            <math:msup><math:mi>c</math:mi><math:mn>2</math:mn></math:msup></math:mrow><math:annotation>E=m c^2</math:annotation></math:semantics></math:math>";
        let file = stored(&[
            ("mimetype", TEXT),
            ("content.xml", content.as_bytes()),
            ("styles.xml", styles.as_bytes()),
            ("Formula-0/content.xml", math.as_bytes()),
        ]);
        let found = collect(Input::bytes("a.odt", &file)).unwrap();
        assert_eq!(found.documents[0].text, "As E=mc^2 is shown\n\nend");
    }

    #[test]
    fn flat_files_are_read_as_packages_are() {
        let styles = std::str::from_utf8(STYLES).unwrap();
        let file = format!(
            "<?xml version='1.0'?><office:document office:mimetype='application/vnd.oasis.opendocument.text'>{styles}{BODY}</office:document>"
        );
        let shown = passages("a.fodt", file.as_bytes());
        assert_eq!(shown.len(), 4);
        assert_eq!(shown[3], "header, paragraph 1 | Header | Acme");
    }

    #[test]
    fn slides_have_titles_and_notes() {
        let content = "<office:document-content><office:body><office:presentation><draw:page draw:name='p'><draw:frame presentation:class='title'><draw:text-box><text:p>Costs</text:p></draw:text-box></draw:frame>\
            <draw:frame><svg:title>a dog</svg:title></draw:frame><presentation:notes><draw:frame><draw:text-box><text:p>say this</text:p></draw:text-box></draw:frame>\
            <draw:frame presentation:class='page-number'><draw:text-box><text:p><text:page-number>&lt;number></text:page-number></text:p></draw:text-box></draw:frame></presentation:notes></draw:page><draw:page/></office:presentation></office:body></office:document-content>";
        let file = stored(&[("mimetype", SLIDES), ("content.xml", content.as_bytes())]);
        assert_eq!(
            passages("a.odp", &file),
            ["slide 1 \"Costs\" | Costs | Costs\n\na dog\n\nNotes:\n\nsay this"]
        );
    }

    #[test]
    fn slides_have_their_comments_and_what_their_master_shows_once() {
        let page = "<draw:page draw:master-page-name='M'>";
        let title = " presentation:class='title'";
        let frame = |class: &str, text: &str| {
            format!(
                "<draw:frame{class}><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame>"
            )
        };
        let comment = "<office:annotation><dc:creator>Ann</dc:creator><text:p>why</text:p></office:annotation>";
        let content = format!(
            "<office:document-content><office:body><office:presentation>{page}{}</draw:page>{page}{}{comment}</draw:page></office:presentation></office:body></office:document-content>",
            frame(title, "one"),
            frame(title, "two")
        );
        let styles = format!(
            "<office:document-styles><office:master-styles><style:handout-master>{}</style:handout-master><style:master-page style:name='M'>{}{}<presentation:notes>{}</presentation:notes></style:master-page><style:master-page style:name='N'>{}</style:master-page></office:master-styles></office:document-styles>",
            frame("", "handout"),
            frame(title, "Click to edit"),
            frame("", "Acme"),
            frame("", "notes"),
            frame("", "unused")
        );
        let flat = format!(
            "<office:document office:mimetype='application/vnd.oasis.opendocument.presentation'>{styles}{content}</office:document>"
        );
        let expected = [
            "slide 1 \"one\" | one | one\n\nAcme",
            "slide 2 \"two\" | two | two\n\nComments:\n\nAnn: why",
        ];
        assert_eq!(passages("a.fodp", flat.as_bytes()), expected);
        let file = stored(&[
            ("mimetype", SLIDES),
            ("content.xml", content.as_bytes()),
            ("styles.xml", styles.as_bytes()),
        ]);
        assert_eq!(passages("a.odp", &file), expected);
    }

    #[test]
    fn a_password_is_said() {
        let file = stored(&[
            ("mimetype", TEXT),
            ("content.xml", b"\x01\x02"),
            ("META-INF/manifest.xml", b"<manifest:encryption-data/>"),
        ]);
        let error = collect(Input::bytes("a.odt", &file)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protected);
    }
}
