//! XML: the text of its elements, block by block. Titles of sections in `DocBook`, JATS, TEI and DITA are headings, and the
//! entries of feeds are documents of their own.

use std::collections::VecDeque;

use vizsla_core::Location;

use crate::error::Error;
use crate::format::{Definition, Read};
use crate::output::Output;
use crate::sink::ProblemKind;
use crate::text::flow::{Flow, Gap};
use crate::text::xml_parts::{Part, Parts};
use crate::text::{decode, feed, plain};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "xml",
    title: "XML",
    version: 1,
    extensions: &[
        "xml", "rss", "atom", "rdf", "svg", "dbk", "docbook", "xsd", "xsl", "xslt", "xlf", "xliff",
        "tmx", "opml", "kml", "gpx", "plist", "resx", "xaml", "wsdl", "dita", "ditamap", "fb2",
        "tei", "nxml", "jats", "xmi", "ui", "csproj", "vcxproj",
    ],
    recognise: None,
    is_foreign: false,
    read: Read::Whole(read),
};

/// Elements within sentences.
#[rustfmt::skip]
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "application", "b", "bold", "citation", "cite", "citetitle", "code", "command", "em",
    "email", "emphasis", "envar", "ext-link", "filename", "firstterm", "footnote", "foreign", "function", "guibutton",
    "guilabel", "guimenu", "hi", "i", "italic", "keycap", "link", "literal", "lb", "mark", "name", "option", "parameter",
    "phrase", "pn", "productname", "q", "quote", "ref", "replaceable", "s", "sc", "span", "strong", "strikethrough", "styled-content",
    "sub", "sup", "symbol", "systemitem", "term", "trademark", "tspan", "tt", "type", "u", "ulink", "underline",
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

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    if feed::read(&text, output) {
        return Ok(());
    }
    let mut page =
        Page { flow: Flow::new(), open: Vec::new(), title: None, values: VecDeque::new() };
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
    /// What has been collected of a title.
    title: Option<(u32, String)>,
}

struct Page {
    flow: Flow,
    open: Vec<Open>,
    title: Option<String>,
    /// Values of attributes, for files that have no other text.
    values: VecDeque<(u32, String)>,
}

impl Page {
    fn part(&mut self, part: Part<'_>, line: u32) {
        match part {
            Part::Start(name, attributes) => self.start(name, attributes, line),
            Part::End(name) => self.end_element(&name),
            Part::Text(text) => self.text(&text, line),
        }
    }

    fn start(&mut self, name: String, attributes: Vec<(String, String)>, line: u32) {
        let is_inline = INLINE.contains(&name.as_str())
            && self.open.last().is_some_and(|above| {
                above.has_text || above.title.is_some() || is_paragraph(&above.name)
            });
        if !is_inline {
            self.flow.separate(if is_paragraph(&name) { Gap::Paragraph } else { Gap::Line });
        }
        let above = self.open.last().map_or("", |above| above.name.as_str());
        let is_title = matches!(name.as_str(), "title" | "head" | "article-title")
            && (SECTIONS.contains(&above) || matches!(above, "title-group" | "titleStmt"));
        let title = is_title.then(|| (line, String::new()));
        self.open.push(Open { name, is_inline, has_text: false, title });
        for (name, value) in attributes {
            let value = value.trim();
            if ATTRIBUTES.contains(&name.as_str()) && !value.is_empty() {
                self.flow.words(value, line);
                self.flow.separate(Gap::Space);
            } else if !value.is_empty() && !name.starts_with("xmlns") && self.values.len() < 100_000
            {
                self.values.push_back((line, value.to_owned()));
            }
        }
    }

    fn text(&mut self, text: &str, line: u32) {
        let is_skipped = |open: &Open| matches!(open.name.as_str(), "binary" | "script" | "style");
        let Some(open) = self.open.last_mut().filter(|open| !is_skipped(open)) else { return };
        open.has_text |= !text.trim().is_empty();
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

    fn end_element(&mut self, name: &str) {
        let Some(open) = self.open.pop_if(|open| open.name == name) else { return };
        if let Some((line, title)) = open.title {
            let level =
                self.open.iter().filter(|open| SECTIONS.contains(&open.name.as_str())).count();
            self.title
                .get_or_insert_with(|| title.split_whitespace().collect::<Vec<_>>().join(" "));
            self.flow.heading(level.max(1), &title, line);
        } else if !open.is_inline {
            self.flow.separate(if is_paragraph(name) { Gap::Paragraph } else { Gap::Line });
        }
    }

    fn end(mut self, output: &mut Output<'_>) {
        if self.flow.text.is_empty() {
            for (line, value) in self.values {
                self.flow.words(&value, line);
                self.flow.separate(Gap::Line);
            }
        }
        let document = self.flow.document(self.title, output);
        let _ = output.document(document);
    }
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
        assert_eq!(document.text, "One & two\n3\na <b>");
        let vizsla_core::Locations::LineMap(lines) = document.locations else { panic!() };
        assert_eq!(lines, [3, 3, 4]);
        assert_eq!(found("a.xml", "<a><b value='only'/></a>").documents[0].text, "only");
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
    fn entities_are_not_expanded_and_broken_files_are_text() {
        let laughs = "<!DOCTYPE a [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]><a>x &b; &eacute;</a>";
        assert_eq!(found("a.xml", laughs).documents[0].text, "x &b; &eacute;");
        let broken = found("a.xml", "<a>text <b");
        assert_eq!((broken.documents[0].text.as_str(), broken.problems.len()), ("<a>text <b", 1));
        for part in ["<a>", "</a>", "&a;", "<a b='c'/>", "<title>", "<section><title>"] {
            found("a.xml", &format!("<r>{}", part.repeat(50_000)));
        }
    }
}
