//! Books (EPUB). In: the bytes of a file. Out: one document for each chapter, in the order of reading, with the title
//! that the table of contents gives it. A chapter is a file, or a part of one.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use vizsla_core::{Document, Location, Locations, Metadata, MetadataValue};

use crate::error::{Error, ErrorKind};
use crate::office::chapters::{self, Piece};
use crate::office::contents::{self, Entry};
use crate::office::parts::{Package, resolve};
use crate::office::properties::{Properties, is_title};
use crate::office::xml::{Event, Tag, Xml, decode};
use crate::output::{Output, file_name};
use crate::sink::ProblemKind;
use crate::text::headings::sections;

pub(crate) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let mut package = Package::open(bytes, output)?;
    let book = Book::open(&mut package, output);
    refuse_encrypted(&book, &mut package, output)?;
    let entries = book.contents(&mut package, output);
    let mut entries_of: HashMap<&str, Vec<&Entry>> = HashMap::new();
    for entry in contents::chapters(&entries) {
        entries_of.entry(&entry.href).or_default().push(entry);
    }
    let mut missing = Vec::new();
    let (mut has_chapter, mut title) = (false, None);
    for href in &book.spine {
        if output.is_expired() {
            let message = format!("takes too long; {href} and what comes after it are left out");
            output.problem(ProblemKind::TimedOut, None, message);
            break;
        }
        if !package.has(href) {
            missing.push(href.as_str());
            continue;
        }
        has_chapter = true;
        let entries = entries_of.get(href.as_str()).map_or(&[][..], Vec::as_slice);
        if book.chapters(href, entries, &mut title, (&mut package, output)) {
            return Ok(());
        }
    }
    if !missing.is_empty() {
        let (count, all) = (missing.len(), book.spine.len());
        let message = format!("lacks {count} of its {all} files of chapters: {}", few(&missing));
        output.problem(ProblemKind::Malformed, None, message);
    }
    if has_chapter { Ok(()) } else { Err(damaged("no chapter can be found")) }
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("is damaged: {what}"))
}

fn few(names: &[&str]) -> String {
    let more = names.len().saturating_sub(3);
    let shown = names.get(..3).unwrap_or(names).join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Books with digital rights management cannot be read; in others at most the fonts are obfuscated.
fn refuse_encrypted(
    book: &Book,
    package: &mut Package<'_>,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let Some(bytes) = package.read("META-INF/encryption.xml", output) else { return Ok(()) };
    let text = decode(&bytes);
    let mut xml = Xml::new(&text, output.limits.nesting);
    let chapters: HashSet<&str> = book.spine.iter().map(String::as_str).collect();
    while let Some(event) = xml.next() {
        let Event::Start(tag) = event else { continue };
        let target = tag.get("URI").map(|uri| resolve("", &uri));
        if tag.name() == "CipherReference"
            && target.is_some_and(|target| chapters.contains(target.as_str()))
        {
            let message =
                "is protected by digital rights management; its seller's program can read it";
            return Err(Error::new(ErrorKind::Protected, message));
        }
    }
    Ok(())
}

/// What the package document says.
#[derive(Default)]
struct Book {
    title: String,
    metadata: Metadata,
    /// The files of the chapters in the order of reading.
    spine: Vec<String>,
    /// The files that hold a table of contents, of the newer and the older kind.
    nav: Option<String>,
    ncx: Option<String>,
}

impl Book {
    fn open(package: &mut Package<'_>, output: &mut Output<'_>) -> Self {
        let path = package_document(package, output).unwrap_or_default();
        let bytes = package.read(&path, output).unwrap_or_default();
        let Properties { title, metadata } = Properties::read(&bytes, output.limits.nesting);
        let title = title.filter(|title| is_title(title));
        let title = title.unwrap_or_else(|| file_name(&output.name).to_owned());
        let mut book = Self { title, metadata, ..Self::default() };
        if let Some(MetadataValue::Text(text)) = book.metadata.get_mut("description")
            && text.contains("</")
        {
            // Programs that manage books write a piece of a page.
            let page = crate::html::page(text, output.limits).text;
            *text = page.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        let text = decode(&bytes);
        let mut xml = Xml::new(&text, output.limits.nesting);
        let (mut items, mut ids) = (HashMap::new(), Vec::new());
        while let Some(event) = xml.next() {
            let Event::Start(tag) = event else { continue };
            match tag.name() {
                "item" => book.item(&tag, &path, &mut items),
                "spine" => {
                    let toc = tag.get("toc").and_then(|id| items.get(&id).cloned());
                    book.ncx = toc.or(book.ncx.take());
                }
                "itemref" => ids.extend(tag.get("idref")),
                _ => {}
            }
        }
        package.report(&xml, &path, output);
        let is_whole = xml.failure.is_none();
        // Some books list a file once for each of its sections.
        let mut seen = HashSet::new();
        let files = ids.iter().filter_map(|id| items.get(id).cloned());
        book.spine = files.filter(|href| seen.insert(href.clone())).collect();
        if !is_whole || book.spine.is_empty() {
            book.spine.extend(book.unlisted(package));
        }
        book
    }

    /// The pages that are not in the order of reading, of a book that has lost that.
    fn unlisted(&self, package: &Package<'_>) -> Vec<String> {
        let known = self.spine.iter().chain(&self.nav).map(|name| name.to_lowercase());
        let known: HashSet<String> = known.collect();
        let is_page =
            |name: &String| [".xhtml", ".html", ".htm"].iter().any(|end| name.ends_with(end));
        let pages = package.names("").into_iter();
        pages.filter(|name| is_page(name) && !known.contains(name)).collect()
    }

    fn item(&mut self, tag: &Tag<'_>, path: &str, items: &mut HashMap<String, String>) {
        let (Some(id), Some(href)) = (tag.get("id"), tag.get("href")) else { return };
        let href = resolve(path, &href);
        let properties = tag.get("properties").unwrap_or_default();
        if properties.split_whitespace().any(|property| property == "nav") {
            self.nav.get_or_insert(href.clone());
        } else if tag.get("media-type").is_some_and(|media| media == "application/x-dtbncx+xml") {
            self.ncx.get_or_insert(href.clone());
        }
        items.insert(id, href);
    }

    /// The entries of the table of contents: of the newer kind, unless the older one has more.
    fn contents(&self, package: &mut Package<'_>, output: &mut Output<'_>) -> Vec<Entry> {
        let mut all = Vec::new();
        for path in self.ncx.iter().chain(&self.nav) {
            let Some(bytes) = package.read(path, output) else { continue };
            all.push(contents::read(&decode(&bytes), path, output.limits.nesting));
        }
        all.into_iter().max_by_key(Vec::len).unwrap_or_default()
    }

    /// Passes the chapters of a file on; returns whether the sink has enough. `title` is that of the last chapter.
    fn chapters(
        &self,
        href: &str,
        entries: &[&Entry],
        title: &mut Option<String>,
        (package, output): (&mut Package<'_>, &mut Output<'_>),
    ) -> bool {
        let Some(bytes) = package.read(href, output) else { return false };
        let begun: Vec<&Entry> =
            entries.iter().filter(|entry| entry.fragment.is_some()).copied().collect();
        let anchors: Vec<&str> =
            begun.iter().filter_map(|entry| entry.fragment.as_deref()).collect();
        let (pieces, page_title) =
            chapters::read(&decode(&bytes), &anchors, title.is_some(), output.limits);
        let is_whole = pieces.len() == 1;
        for piece in pieces {
            let entry = match piece.anchor.and_then(|anchor| begun.get(anchor)) {
                None if is_whole => entries.first(),
                None => entries.iter().find(|entry| entry.fragment.is_none()),
                entry => entry,
            };
            let own = piece.headings.first().map(|heading| heading.text.clone());
            // What comes before the first chapter of a file belongs to the last one of the file before, if to any, and
            // so does a file without a name.
            let is_name = |title: &String| is_title(title) && *title != self.title;
            let of_page = Some(page_title.clone()).filter(|title| is_whole && is_name(title));
            let before = of_page.or_else(|| title.take());
            let found = entry.map(|entry| entry.title.clone()).or(own).or(before);
            *title = found.filter(is_name);
            let fragment = entry.and_then(|entry| entry.fragment.as_ref()).filter(|_| !is_whole);
            let place = fragment.map_or(href.to_owned(), |fragment| format!("{href}#{fragment}"));
            if self.chapter(place, title.clone(), piece, output).is_break() {
                return true;
            }
        }
        false
    }

    fn chapter(
        &self,
        href: String,
        title: Option<String>,
        piece: Piece,
        output: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let sections = sections(piece.headings, output);
        let whole =
            title.as_ref().map_or(self.title.clone(), |title| format!("{}: {title}", self.title));
        let mut document = Document::new(format!("{}#{href}", output.name), piece.text)
            .with_title(whole)
            .with_sections(sections)
            .with_locations(Locations::Fixed(Location::Chapter { href, title }));
        document.metadata.clone_from(&self.metadata);
        output.document(document)
    }
}

/// The name of the package document, which the container names; else the only one that there is.
fn package_document(package: &mut Package<'_>, output: &mut Output<'_>) -> Option<String> {
    let bytes = package.read("META-INF/container.xml", output).unwrap_or_default();
    let text = decode(&bytes);
    let mut xml = Xml::new(&text, output.limits.nesting);
    while let Some(event) = xml.next() {
        let Event::Start(tag) = event else { continue };
        let path = tag.get("full-path").map(|path| resolve("", &path));
        if let Some(path) = path.filter(|path| tag.name() == "rootfile" && package.has(path)) {
            return Some(path);
        }
    }
    package.names("").into_iter().find(|name| name.ends_with(".opf"))
}

#[cfg(test)]
mod tests {
    use vizsla_core::{SplitOptions, split};

    use crate::office::package::tests::stored;
    use crate::{ErrorKind, Input, collect};

    const CONTAINER: &[u8] =
        b"<container><rootfiles><rootfile full-path='OPS/book.opf'/></rootfiles></container>";
    const OPF: &[u8] = b"<package><metadata><dc:title>The Book</dc:title><dc:creator>Ann</dc:creator><dc:description>On &lt;p&gt;dogs&lt;/p&gt;</dc:description><dc:language>en</dc:language></metadata>\
        <manifest><item id='n' href='nav.xhtml' properties='nav'/><item id='a' href='Text/a%20b.xhtml'/><item id='b' href='b.xhtml'/><item id='c' href='gone.xhtml'/><item id='d' href='b.xhtml#x'/></manifest>\
        <spine><itemref idref='a'/><itemref idref='b'/><itemref idref='c'/><itemref idref='d'/></spine></package>";
    const NAV: &[u8] = b"<html><nav epub:type='toc'><ol><li><a href='Text/a%20b.xhtml#x'>1. <i>First</i></a></li><li><a href='Text/a%20b.xhtml#y'>1.1</a></li></ol></nav><nav epub:type='page-list'><a href='b.xhtml'>7</a></nav></html>";
    const A: &[u8] = b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/><script src='x'/></head><body><header><h1>One</h1></header><p>text</p><aside>a note</aside></body></html>";
    const B: &[u8] = b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title>t</title></head><body><h2>Two</h2></body></html>";

    fn book(more: &[(&str, &[u8])]) -> Vec<u8> {
        let mut members: Vec<(&str, &[u8])> = vec![
            ("mimetype", b"application/epub+zip"),
            ("META-INF/container.xml", CONTAINER),
            ("OPS/book.opf", OPF),
            ("OPS/nav.xhtml", NAV),
            ("OPS/Text/a b.xhtml", A),
            ("OPS/b.xhtml", B),
        ];
        members.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
        members.extend(more);
        stored(&members)
    }

    #[test]
    fn each_chapter_is_a_document_and_a_missing_one_is_named() {
        let found = collect(Input::bytes("x.epub", &book(&[]))).unwrap();
        let shown: Vec<_> = found
            .documents
            .iter()
            .map(|document| (document.id.as_str(), document.title.as_str(), document.text.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("x.epub#OPS/Text/a b.xhtml", "The Book: 1. First", "One\n\ntext\n\na note"),
                ("x.epub#OPS/b.xhtml", "The Book: Two", "Two"),
            ]
        );
        let missing = "lacks 1 of its 3 files of chapters: OPS/gone.xhtml";
        assert_eq!(found.problems[0].message, missing);
        assert_eq!(found.documents[0].metadata["author"], "Ann".into());
        assert_eq!(found.documents[0].metadata["description"], "On dogs".into());
    }

    #[test]
    fn chapters_may_share_a_file_and_go_on_in_the_next_one() {
        let page = |body: &str| format!("<html><body>{body}</body></html>");
        let a = page(
            "<h1 id='t'>The Book</h1><p>by Ann</p><h2 id='c1'>I. Go</h2><p>one</p><h3 id='s'>Sea</h3><p>two</p><h2 id='c%2'>II. Stay</h2><p>three</p>",
        );
        let more = ["four"; 50].join(" ");
        let b = page(&format!("<p>{more}</p><h2><a id='c3'/>III. End</h2><p>five</p>"));
        let item = |title: &str, href: &str, below: &str| {
            format!("<li><a href='{href}'>{title}</a>{below}</li>")
        };
        let sea = format!("<ol>{}</ol>", item("Sea", "Text/a%20b.xhtml#s", ""));
        let inner = item("Go", "Text/a%20b.xhtml#c1", &sea)
            + &item("Stay", "Text/a%20b.xhtml#c%252", "")
            + &item("End", "b.xhtml#c3", "");
        let nav = format!(
            "<nav epub:type='toc'><ol>{}</ol></nav>",
            item("Cover", "Text/a%20b.xhtml#t", &format!("<ol>{inner}</ol>"))
        );
        let file = book(&[
            ("OPS/nav.xhtml", nav.as_bytes()),
            ("OPS/Text/a b.xhtml", a.as_bytes()),
            ("OPS/b.xhtml", b.as_bytes()),
        ]);
        let found = collect(Input::bytes("x.epub", &file)).unwrap();
        let shown: Vec<_> = found
            .documents
            .iter()
            .map(|document| {
                let passages = split(document, &SplitOptions::default());
                let places = passages.iter().map(|passage| passage.location.to_string());
                let id = document.id.rsplit_once('/').unwrap().1;
                format!(
                    "{id} | {} | {}",
                    places.collect::<Vec<_>>().join(", "),
                    document.text.replace("\n\n", " ")
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "a b.xhtml#t | chapter Cover | The Book by Ann",
                "a b.xhtml#c1 | chapter Go | I. Go one Sea two",
                "a b.xhtml#c%2 | chapter Stay | II. Stay three",
                &format!("b.xhtml | chapter Stay | {more}"),
                "b.xhtml#c3 | chapter End | III. End five",
            ]
        );
    }

    #[test]
    fn a_chapter_goes_on_in_files_that_have_no_name() {
        let page = |title: &str, body: &str| {
            format!("<html><head><title>{title}</title></head><body>{body}</body></html>")
        };
        let (a, b) = (page("The Book", "<h1>One</h1>"), page("The Book", "<p>goes on</p>"));
        let named = page("Two", "<p>goes on</p>");
        let cover = page("The Book", "<h1>The Book</h1>");
        for (a, b, expected) in [(&a, &b, "1. First"), (&a, &named, "Two"), (&cover, &b, "")] {
            let nav = NAV.to_vec();
            let nav = if expected.is_empty() { Vec::new() } else { nav };
            let file = book(&[
                ("OPS/nav.xhtml", &nav),
                ("OPS/Text/a b.xhtml", a.as_bytes()),
                ("OPS/b.xhtml", b.as_bytes()),
            ]);
            let found = collect(Input::bytes("x.epub", &file)).unwrap();
            let expected = ["The Book: ", expected].concat();
            assert_eq!(found.documents[1].title, expected.trim_end_matches(": "));
        }
    }

    #[test]
    fn protected_books_are_refused_and_obfuscated_fonts_are_not() {
        let encryption = |uri: &str| {
            format!(
                "<encryption><EncryptedData><CipherReference URI='{uri}'/></EncryptedData></encryption>"
            )
        };
        let of = |uri: &str| {
            let encryption = encryption(uri);
            collect(Input::bytes(
                "x.epub",
                &book(&[("META-INF/encryption.xml", encryption.as_bytes())]),
            ))
        };
        assert_eq!(of("OPS/Text/a%20b.xhtml").unwrap_err().kind(), ErrorKind::Protected);
        assert_eq!(of("OPS/font.otf").unwrap().documents.len(), 2);
    }
}
