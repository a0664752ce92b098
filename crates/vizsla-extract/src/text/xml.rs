//! XML: the text of its elements, block by block. Titles of sections in `DocBook`, JATS, TEI and DITA are headings, and the
//! entries of feeds are documents of their own. Files that are data or settings, not documents, also say things in
//! attributes and comments.

use vizsla_core::{Limits, Location};

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::Output;
use crate::sample::Sample;
use crate::sink::ProblemKind;
use crate::text::flow::{Flow, Gap};
use crate::text::xml_parts::{Part, Parts};
use crate::text::{decode, feed, plain};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "xml",
    title: "XML",
    version: 7,
    extensions: &[
        "xml", "rss", "atom", "rdf", "svg", "dbk", "docbook", "xsd", "xsl", "xslt", "xlf", "xliff",
        "tmx", "opml", "kml", "gpx", "plist", "resx", "xaml", "wsdl", "dita", "ditamap", "fb2",
        "tei", "enex", "nxml", "jats", "xmi", "ui", "csproj", "vcxproj",
    ],
    recognise: Recognise::Text { begins: |c| c == '<', shows: is_xml },
    is_foreign: false,
    read: Read::Whole(read),
};

/// Elements within sentences.
#[rustfmt::skip]
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "application", "b", "bold", "citation", "cite", "citetitle", "code", "command", "em",
    "email", "emphasis", "envar", "ext-link", "filename", "firstterm", "footnote", "foreign", "function", "guibutton",
    "guilabel", "guimenu", "hi", "i", "italic", "keycap", "link", "literal", "lb", "mark", "name", "option", "parameter",
    "phrase", "pn", "productname", "q", "quote", "r", "ref", "replaceable", "s", "sc", "span", "strong", "strikethrough", "styled-content",
    "sub", "sup", "symbol", "systemitem", "t", "term", "trademark", "tspan", "tt", "type", "u", "ulink", "underline",
    "uri", "userinput", "varname", "xref",
];
/// Elements whose titles are headings.
#[rustfmt::skip]
const SECTIONS: &[&str] = &[
    "appendix", "article", "book", "body", "bookinfo", "chapter", "concept", "div", "front", "glossary", "info",
    "part", "preface", "reference", "refsect1", "refsect2", "refsect3", "sec", "sect1", "sect2", "sect3", "sect4",
    "sect5", "section", "set", "simplesect", "task", "topic", "text",
];
/// Attributes that are text.
const ATTRIBUTES: &[&str] =
    &["alt", "caption", "description", "label", "summary", "text", "title", "tooltip"];
/// Outermost elements, and parts of the names of vocabularies, of files whose attributes are about layout and links.
const DOCUMENTS: &[&str] = &[
    "akomantoso",
    "dita",
    "fictionbook",
    "html",
    "kml",
    "map",
    "mediawiki",
    "refentry",
    "score-partwise",
    "svg",
    "tei",
    "tmx",
    "xliff",
];
const VOCABULARIES: &[&str] = &[
    "docbook",
    "fictionbook",
    "opengis",
    "openoffice",
    "openxmlformats",
    "microsoft.com/office",
    "tei-c",
    "w3.org/1999/xhtml",
    "w3.org/2000/svg",
];
/// Attributes that say nothing to people: declarations, and how white space is treated.
const DECLARATIONS: &[&str] =
    &["xmlns", "schemaLocation", "noNamespaceSchemaLocation", "space", "lang", "base"];
/// Attributes that say how a text looks, or what it is linked to.
#[rustfmt::skip]
const LAYOUT: &[&str] = &[
    "align", "bgcolor", "border", "class", "color", "colspan", "dir", "encoding", "face", "fill", "font", "height", "href",
    "ids", "linkend", "names", "rel", "rend", "rid", "role", "rowspan", "sha1", "size", "src", "stroke", "style",
    "target", "transform", "valign", "width",
];
/// Bytes of an attribute that is text; longer ones are data.
const ATTRIBUTE_BYTES: usize = 1000;

/// Whether a text that nothing else indicates to be XML is: it says so, or is a single element that is well-formed.
fn is_xml(sample: &Sample<'_>) -> bool {
    let head = sample.head();
    head.starts_with("<?xml ") || !head.starts_with("<?") && is_element(&sample.whole())
}

fn is_element(text: &str) -> bool {
    let (mut parts, mut depth, mut roots) = (Parts::strict(text), 0u32, 0u32);
    loop {
        match parts.next() {
            Ok(Some(Part::Start(..))) => {
                roots += u32::from(depth == 0);
                depth += 1;
            }
            Ok(Some(Part::End(_))) => depth = depth.saturating_sub(1),
            Ok(Some(Part::Text(text))) if depth == 0 && !text.trim().is_empty() => return false,
            Ok(Some(Part::Text(_) | Part::Comment(_))) => {}
            Ok(None) => return depth == 0 && roots == 1,
            Err(_) => return false,
        }
        if roots > 1 {
            return false;
        }
    }
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    if feed::read(&text, output) {
        return Ok(());
    }
    let mut page = Page {
        flow: Flow::new(),
        open: Vec::new(),
        title: None,
        is_document: None,
        comments: Vec::new(),
        limits: output.limits,
    };
    let mut parts = Parts::new(&text);
    loop {
        let line = parts.line();
        match parts.next() {
            Ok(Some(part)) => page.part(part, line),
            Ok(None) => break,
            Err(error) => {
                let last = parts.line();
                let location = Location::Lines { first: last, last };
                let message = format!("is not valid XML, so the file was read as text: {error}");
                output.problem(ProblemKind::OtherFormat, Some(location), message);
                let _ = plain::document(text, output);
                return Ok(());
            }
        }
    }
    page.end(output);
    Ok(())
}

struct Open {
    name: String,
    is_inline: bool,
    has_text: bool,
    /// Those of its attributes that say something, until that is written.
    attributes: Vec<(String, String)>,
    /// What has been collected of a title.
    title: Option<(u32, String)>,
}

struct Page<'a> {
    flow: Flow,
    open: Vec<Open>,
    title: Option<String>,
    /// Whether the file is a document rather than data; unknown before its first element.
    is_document: Option<bool>,
    /// Comments that have not been written yet, with their lines.
    comments: Vec<(String, u32)>,
    limits: &'a Limits,
}

impl Page<'_> {
    fn part(&mut self, part: Part<'_>, line: u32) {
        match part {
            Part::Start(name, attributes) => self.start(name, attributes, line),
            Part::End(name) => self.end_element(&name, line),
            Part::Text(text) => self.text(&text, line),
            Part::Comment(text) if self.is_document != Some(true) => {
                self.comments.push((text.into_owned(), line));
            }
            Part::Comment(_) => {}
        }
    }

    fn start(&mut self, name: String, attributes: Vec<(String, String)>, line: u32) {
        let is_inline = INLINE.contains(&name.as_str())
            && self.open.last().is_some_and(|above| {
                above.has_text
                    || above.is_inline
                    || above.title.is_some()
                    || is_paragraph(&above.name)
                    || name == "tspan"
            })
            // A part of a drawing that has a place of its own is a line.
            && (name != "tspan" || !attributes.iter().any(|(name, _)| name == "x" || name == "y"));
        let is_document = *self.is_document.get_or_insert_with(|| is_document(&name, &attributes));
        self.say_attributes(false, line);
        if !is_inline {
            self.write_comments();
            self.flow.separate(if is_paragraph(&name) { Gap::Paragraph } else { Gap::Line });
        }
        let above = self.open.last().map_or("", |above| above.name.as_str());
        let is_title = matches!(name.as_str(), "title" | "head" | "article-title")
            && (SECTIONS.contains(&above) || matches!(above, "title-group" | "titleStmt"))
            || name == "book-title" && above == "title-info";
        let title = is_title.then(|| (line, String::new()));
        for (name, value) in &attributes {
            let value = value.trim();
            if ATTRIBUTES.contains(&name.as_str()) && !value.is_empty() {
                self.flow.words(value, line);
                self.flow.separate(Gap::Space);
            }
        }
        let is_prose = is_inline || is_title || matches!(name.as_str(), "p" | "para" | "simpara");
        let is_said = !is_document && !is_prose;
        let attributes = if is_said { attributes } else { Vec::new() };
        self.open.push(Open { name, is_inline, has_text: false, attributes, title });
    }

    fn text(&mut self, text: &str, line: u32) {
        let is_skipped = |open: &Open| matches!(open.name.as_str(), "binary" | "script" | "style");
        let Some(open) = self.open.last_mut().filter(|open| !is_skipped(open)) else { return };
        if is_encoded(text) {
            return;
        }
        if !text.trim().is_empty() {
            open.has_text = true;
            self.say_attributes(true, line);
        }
        let Some(open) = self.open.last() else { return };
        let page = is_markup(text).then(|| crate::html::page(text, self.limits).text);
        let text = page.as_deref().unwrap_or(text);
        let is_kept = matches!(
            open.name.as_str(),
            "programlisting" | "screen" | "literallayout" | "code-block" | "codeblock" | "pre"
        );
        if let Some((_, title)) =
            self.open.iter_mut().rev().take(4).find_map(|open| open.title.as_mut())
        {
            title.push_str(text);
        } else if is_kept {
            for (line_text, number) in text.trim_matches('\n').split('\n').zip(line..) {
                self.flow.verbatim(line_text, number);
            }
        } else {
            let blank = text.len() - text.trim_start().len();
            let line = line + text[..blank].matches('\n').count() as u32;
            self.flow.words(text, line);
        }
    }

    /// Writes what the attributes of the innermost element say, once: before its text, or on a line.
    fn say_attributes(&mut self, has_text: bool, line: u32) {
        let Some(open) = self.open.last_mut() else { return };
        let mut attributes = std::mem::take(&mut open.attributes);
        // Sections, and what has text, may be those of a document of any vocabulary.
        let is_section = SECTIONS.contains(&open.name.as_str());
        attributes.retain(|(name, _)| !is_section || name != "id");
        let said = said(&attributes, has_text || is_section);
        if !said.is_empty() {
            self.flow.words(&said, line);
            self.flow.separate(if has_text { Gap::Space } else { Gap::Line });
        }
    }

    /// Writes the notes of who wrote data or settings, line by line without ornaments, and none within a sentence.
    fn write_comments(&mut self) {
        let comments = std::mem::take(&mut self.comments);
        if self.is_document != Some(false) {
            return;
        }
        let lines = comments.iter().flat_map(|(text, line)| text.lines().zip(*line..));
        for (text, line) in lines.filter(|(text, _)| text.contains(char::is_alphanumeric)) {
            self.flow.separate(Gap::Line);
            self.flow.words(text.trim(), line);
            self.flow.separate(Gap::Line);
        }
    }

    fn end_element(&mut self, name: &str, line: u32) {
        if self.open.last().is_some_and(|open| open.name == name) {
            self.say_attributes(false, line);
        }
        let Some(open) = self.open.pop_if(|open| open.name == name) else { return };
        if let Some((line, title)) = open.title {
            let level =
                self.open.iter().filter(|open| SECTIONS.contains(&open.name.as_str())).count();
            self.title
                .get_or_insert_with(|| title.split_whitespace().collect::<Vec<_>>().join(" "));
            self.flow.heading(level.max(1), &title, line);
        } else if !open.is_inline {
            self.write_comments();
            self.flow.separate(if is_paragraph(name) { Gap::Paragraph } else { Gap::Line });
        }
    }

    fn end(mut self, output: &mut Output<'_>) {
        self.write_comments();
        let document = self.flow.document(self.title, output);
        let _ = output.document(document);
    }
}

/// Whether a file with this outermost element is a document.
fn is_document(root: &str, attributes: &[(String, String)]) -> bool {
    let known = SECTIONS.iter().chain(DOCUMENTS).any(|name| root.eq_ignore_ascii_case(name));
    known
        || attributes.iter().any(|(name, value)| {
            let value = value.to_ascii_lowercase();
            name == "xmlns" && VOCABULARIES.iter().any(|part| value.contains(part))
        })
}

/// What attributes say: nothing if they are numbers only, as the points of a line are. Where an element may be that of a
/// document, less of it: not how it looks, nor settings.
fn said(attributes: &[(String, String)], is_prose: bool) -> String {
    let is_kept = |(name, value): &&(String, String)| {
        let name = name.as_str();
        !DECLARATIONS.contains(&name)
            && value.len() <= ATTRIBUTE_BYTES
            && !(is_prose && (LAYOUT.contains(&name) || is_setting(value)))
    };
    let kept = || attributes.iter().filter(is_kept);
    let has_words =
        |(_, value): &(String, String)| value.chars().any(char::is_alphabetic) && !is_flag(value);
    if !kept().any(has_words) {
        return String::new();
    }
    // Those that are text have been written.
    let others = kept().filter(|(name, _)| !ATTRIBUTES.contains(&name.as_str()));
    others.map(|(_, value)| value.trim()).collect::<Vec<_>>().join(" ")
}

/// Whether a value is a setting or a measure rather than a word: `true`, `12.5pt`, `#ffcc00`, `xs:string`.
fn is_setting(value: &str) -> bool {
    let value = value.trim();
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    let is_measure = unit.len() < value.len()
        && matches!(unit, "px" | "pt" | "em" | "rem" | "ex" | "cm" | "mm" | "in" | "%");
    is_flag(value)
        || is_measure
        || value.starts_with('#')
        || value.starts_with("xs:")
        || value.starts_with("xsd:")
}

fn is_flag(value: &str) -> bool {
    matches!(
        value.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "none"
    )
}

/// Whether text is the bytes of a picture or the like in base64: lines full of its characters, of every kind.
fn is_encoded(text: &str) -> bool {
    const SHORTEST: usize = 200;
    const LINE: usize = 60;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let text = text.trim();
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    let mut lines = text.lines().map(str::trim).rev();
    text.len() >= SHORTEST
        && lines.next().is_some_and(|last| last.bytes().all(is_base64))
        && lines.all(|line| line.len() >= LINE && line.bytes().all(is_base64))
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_digit)
}

/// Whether text that was written as characters is a piece of a web page.
fn is_markup(text: &str) -> bool {
    [
        "</p>", "</b>", "</a>", "</i>", "</li>", "</td>", "</div>", "</span>", "<br>", "<br/>",
        "<br />",
    ]
    .iter()
    .any(|tag| text.contains(tag))
}

fn is_paragraph(name: &str) -> bool {
    matches!(
        name,
        "p" | "para"
            | "simpara"
            | "ab"
            | "programlisting"
            | "screen"
            | "literallayout"
            | "section"
            | "sec"
            | "div"
            | "table"
            | "abstract"
    )
}

#[cfg(test)]
mod tests {
    use crate::{Extracted, Input, collect};

    fn found(name: &str, text: &str) -> Extracted {
        collect(Input::bytes(name, text.as_bytes())).unwrap()
    }

    #[test]
    fn the_text_of_elements_is_kept_apart() {
        let text = "<?xml version='1.0'?>\n<!-- no --><pom>\n <name>One &amp; two</name><id>3</id>\n <t><![CDATA[a <b>]]></t><e x='attribute'/>\n</pom>";
        let document = found("a.xml", text).documents.remove(0);
        assert_eq!(document.text, "no\nOne & two\n3\na <b>\nattribute");
        let vizsla_core::Locations::LineMap(lines) = document.locations else { panic!() };
        assert_eq!(lines, [2, 3, 3, 4, 4]);
        assert_eq!(found("a.xml", "<a><b value='only'/></a>").documents[0].text, "only");
    }

    #[test]
    fn settings_are_in_attributes() {
        let text = |file: &str| found("a.xml", file).documents.remove(0).text;
        let beans = "<beans xmlns='http://www.springframework.org/schema/beans'><description>Wiring</description>\
                     <bean id='mailer' class='org.x.Mailer'><property name='host' value='smtp.x.org'/></bean>\
                     <point x='1' y='2'/><flag on='true'/></beans>";
        assert_eq!(text(beans), "Wiring\nmailer org.x.Mailer\nhost smtp.x.org");
        let document = "<article><sect1 id='s'><para role='x'>A <link linkend='s'>b</link></para></sect1></article>";
        assert_eq!(text(document), "A b");
        let drawing = "<svg xmlns='http://www.w3.org/2000/svg'><text>Label</text><path d='M0 0L1 1' class='line'/></svg>";
        assert_eq!(text(drawing), "Label");
        let drawing = "<svg xmlns='http://www.w3.org/2000/svg'><text><tspan>Viz</tspan><tspan class='b'>sla</tspan><tspan x='0' dy='9'>dog</tspan></text></svg>";
        assert_eq!(text(drawing), "Vizsla\ndog");
        assert_eq!(text("<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0L1 1'/></svg>"), "");
    }

    #[test]
    fn attributes_beside_text_are_kept_in_data() {
        let text = |file: &str| found("a.xml", file).documents.remove(0).text;
        let log = "<log><event level='error' code='E4711' seen='true' width='12.5pt' class='x'>Disk <b>full</b></event></log>";
        assert_eq!(text(log), "error E4711 Disk full");
        let books = "<library><book isbn='978-3-16' title='Walrus tales' author='Müller' role='x'><p class='n'>text</p></book><book isbn='978-3-17' title='Beaver'/></library>";
        assert_eq!(text(books), "Walrus tales 978-3-16 Müller\n\ntext\n\nBeaver 978-3-17");
        let tests = "<testcase name='feedsTwice'><failure message='expected herring'>stack</failure></testcase>";
        assert_eq!(text(tests), "feedsTwice\nexpected herring stack");
        let manual = "<manual><section id='s' role='x' xml:lang='en'><title style='big'>T</title><note class='tip' xml:space='preserve'>N <a href='http://x.org'>b</a></note><p id='p1'>P</p></section></manual>";
        assert_eq!(text(manual), "T\n\nN b\n\nP");
        let typed =
            "<r xmlns:xsi='i'><name xsi:type='xsd:string'>Bob</name><t x='1' y='2'>at</t></r>";
        assert_eq!(text(typed), "Bob\nat");
    }

    #[test]
    fn comments_are_kept_in_data() {
        let text = |file: &str| found("a.xml", file).documents.remove(0).text;
        let project = "<!-- ours --><project name='Seal'><!-- keep in sync\n * with it\n ***** --><a>b<!-- why --></a></project>";
        assert_eq!(text(project), "ours\nSeal\nkeep in sync\n* with it\nb\nwhy");
        assert_eq!(
            text("<r><p>One <!-- x -->sentence</p><b/></r><!-- y -->"),
            "One sentence\nx\n\ny"
        );
        for document in [
            "<!-- x --><svg xmlns='http://www.w3.org/2000/svg'><!-- y --><text>Label</text></svg>",
            "<!-- x --><article><sect1><!-- y --><para>Label</para></sect1></article>",
        ] {
            assert_eq!(text(document), "Label");
        }
    }

    #[test]
    fn runs_are_joined_and_pieces_of_pages_are_read() {
        let text = |file: &str| found("a.xml", file).documents.remove(0).text;
        let word = "<w:part xmlns:w='http://schemas.microsoft.com/office/word/2003/wordml'><w:p><w:r><w:t>Ot</w:t></w:r><w:r><w:t>ter</w:t></w:r></w:p><w:p><w:r><w:t>Two</w:t></w:r></w:p></w:part>";
        assert_eq!(text(word), "Otter\n\nTwo");
        let map = "<kml><name>Map</name><description><![CDATA[Nice <b>place</b><br>here]]></description></kml>";
        assert_eq!(text(map), "Map\nNice place here");
    }

    #[test]
    fn encoded_bytes_are_no_text() {
        let picture =
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhg\n".repeat(9);
        let list =
            format!("<plist><dict><key>icon</key><data>\n{picture}QGA==</data></dict></plist>");
        assert_eq!(found("a.plist", &list).documents[0].text, "icon");
        let words =
            "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft "
                .repeat(5);
        let text = format!("<a>{words}</a>");
        assert_eq!(found("a.xml", &text).documents[0].text, words.trim());
    }

    #[test]
    fn notes_of_evernote_are_documents() {
        let notes = "<?xml version='1.0'?><!DOCTYPE en-export SYSTEM 'x'><en-export application='Evernote'><note><title>Shopping</title>\
            <content><![CDATA[<?xml version='1.0'?><!DOCTYPE en-note SYSTEM 'x'><en-note><div>Milk and <b>bread</b></div></en-note>]]></content>\
            <created>20240506T070809Z</created><tag>home</tag><resource><data encoding='base64'>iVBORw0KGgo=</data></resource></note>\
            <note><title>Two</title><content><![CDATA[<en-note>Second</en-note>]]></content></note></en-export>";
        let documents = found("a.enex", notes).documents;
        assert_eq!((documents.len(), documents[0].title.as_str()), (2, "Shopping"));
        assert_eq!([&documents[0].text, &documents[1].text], ["Milk and bread", "Second"]);
        assert_eq!(documents[0].metadata["date"].to_string(), "2024-05-06T07:08:09Z");
    }

    #[test]
    fn titles_of_sections_are_headings() {
        let text = "<article><info><title>The <emphasis>Title</emphasis></title></info><section><title>Part</title><para>See <emphasis>this</emphasis>, please.</para></section></article>";
        let document = found("a.dbk", text).documents.remove(0);
        assert_eq!(document.title, "The Title");
        assert_eq!(document.text, "The Title\n\nPart\n\nSee this, please.");
        assert_eq!(document.sections[1].headings.last().unwrap(), "Part");
    }

    #[test]
    fn entries_of_feeds_are_documents() {
        let rss = "<rss><channel><title>News</title>\n<item><title>First</title><link>http://a/1</link>\n<pubDate>Mon, 06 May 2024 07:08:09 +0200</pubDate><description>&lt;p&gt;Some &lt;b&gt;text&lt;/b&gt;&lt;/p&gt;</description></item>\n<item><title>Second</title></item></channel></rss>";
        let documents = found("a.rss", rss).documents;
        assert_eq!((documents.len(), documents[0].title.as_str()), (2, "First"));
        assert_eq!(documents[0].text, "Some text");
        assert_eq!(documents[0].metadata["date"].to_string(), "2024-05-06T07:08:09+02:00");
        let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><title>N</title><entry><title>E</title><link href='http://a/2'/><author><name>Ann</name></author><updated>2024-05-06T00:00:00Z</updated><content type='html'><![CDATA[<p>Hi]]></content></entry></feed>";
        let documents = found("a.xml", atom).documents;
        assert_eq!((documents[0].id.as_str(), documents[0].text.as_str()), ("a.xml#1", "Hi"));
        assert_eq!(documents[0].metadata["author"].to_string(), "Ann");
        assert_eq!(documents[0].metadata["link"].to_string(), "http://a/2");
    }

    #[test]
    fn fields_of_feeds_are_written_as_they_say() {
        let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title type='text'>a &lt;b&gt; c</title>\
            <content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>if a &lt;b&gt; <em>c</em></p><p>so<br/>it</p></div></content></entry>\
            <entry><title>S</title><summary type='html'>&lt;p&gt;Sum&lt;/p&gt;</summary><content type='application/octet-stream'>aGVsbG8=</content></entry></feed>";
        let documents = found("a.atom", atom).documents;
        assert_eq!(documents[0].title, "a <b> c");
        assert_eq!(documents[0].text, "if a <b> c\n\nso\nit");
        assert_eq!(documents[1].text, "Sum");
    }

    #[test]
    fn entities_stand_for_little_and_broken_files_are_text() {
        let laughs = "<!DOCTYPE a [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'><!ENTITY c '&c;&b;'>]><a>x &b; &c; &eacute;</a>";
        assert_eq!(found("a.xml", laughs).documents[0].text, "x aaaa &c; &eacute;");
        let defined = "<!DOCTYPE doc [\n<!ENTITY firm \"Acme Heron Ltd\">\n<!ENTITY uuml '&#252;'><!ENTITY chapter SYSTEM 'c.xml'>]>\
            <doc>Offer by &firm; for M&uuml;ller &chapter;</doc>";
        assert_eq!(
            found("a.xml", defined).documents[0].text,
            "Offer by Acme Heron Ltd for Müller &chapter;"
        );
        let broken = found("a.xml", "<a>text <b");
        assert_eq!((broken.documents[0].text.as_str(), broken.problems.len()), ("<a>text <b", 1));
        for part in ["<a>", "</a>", "&a;", "<a b='c'/>", "<title>", "<section><title>"] {
            found("a.xml", &format!("<r>{}", part.repeat(50_000)));
        }
    }
}
