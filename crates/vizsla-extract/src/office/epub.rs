//! Books (EPUB). In: the bytes of a file. Out: one document for each chapter, in the order of reading, with the title
//! that the table of contents gives it.

use std::collections::{HashMap, HashSet};

use vizsla_core::{Document, Location, Locations, Metadata};

use crate::error::{Error, ErrorKind};
use crate::office::parts::{Package, report, resolve};
use crate::office::properties::{Properties, is_title};
use crate::office::xml::{Event, Tag, Xml, decode};
use crate::output::{Output, file_name};
use crate::sink::ProblemKind;
use crate::text::headings::sections;

pub(crate) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let mut package = Package::open(bytes, output)?;
    let book = Book::open(&mut package, output);
    refuse_encrypted(&book, &mut package, output)?;
    let toc = book.toc(&mut package, output);
    let mut missing = Vec::new();
    let mut has_chapter = false;
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
        let title = toc.get(href);
        if book.chapter(href, title, &mut package, output) {
            return Ok(());
        }
    }
    if !missing.is_empty() {
        let message = format!("lacks the files of {} chapters: {}", missing.len(), few(&missing));
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
        report(&xml, &path, output);
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

    /// The title of each file that the table of contents lists: of its first entry for that file.
    fn toc(&self, package: &mut Package<'_>, output: &mut Output<'_>) -> HashMap<String, String> {
        let mut titles = HashMap::new();
        for path in self.nav.iter().chain(&self.ncx) {
            let Some(bytes) = package.read(path, output) else { continue };
            read_toc(&decode(&bytes), path, output.limits.nesting, &mut titles);
        }
        titles
    }

    /// Passes a chapter on; returns whether the sink has enough.
    fn chapter(
        &self,
        href: &str,
        title: Option<&String>,
        package: &mut Package<'_>,
        output: &mut Output<'_>,
    ) -> bool {
        let Some(bytes) = package.read(href, output) else { return false };
        let page = crate::html::chapter(&decode(&bytes), output.limits);
        if page.text.is_empty() {
            return false;
        }
        let own = page.headings.first().map(|heading| heading.text.clone());
        let own = own.or_else(|| Some(page.title.clone()));
        let title = title.cloned().or(own).filter(|title| is_title(title) && *title != self.title);
        let sections = sections(page.headings, output);
        let whole =
            title.as_ref().map_or(self.title.clone(), |title| format!("{}: {title}", self.title));
        let place = Location::Chapter { href: href.to_owned(), title };
        let mut document = Document::new(format!("{}#{href}", output.name), page.text)
            .with_title(whole)
            .with_sections(sections)
            .with_locations(Locations::Fixed(place));
        document.metadata.clone_from(&self.metadata);
        output.document(document).is_break()
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

/// Reads a table of contents of either kind: links in lists, or labels followed by a reference.
fn read_toc(text: &str, path: &str, nesting: usize, titles: &mut HashMap<String, String>) {
    let mut xml = Xml::new(text, nesting);
    let (mut label, mut is_list) = (String::new(), false);
    let mut add = |title: &str, reference: Option<String>| {
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(href) = reference.map(|reference| resolve(path, &reference))
            && !title.is_empty()
        {
            titles.entry(href).or_insert(title);
        }
    };
    while let Some(event) = xml.next() {
        match event {
            Event::Start(tag) => match tag.name() {
                "text" => label = xml.text(),
                "content" => add(&label, tag.get("src")),
                // Other lists are of pages and of landmarks.
                "nav" => is_list = tag.get("type").is_none_or(|kind| kind == "toc"),
                "a" if is_list => add(&xml.text(), tag.get("href")),
                "pageList" => xml.skip(),
                _ => {}
            },
            Event::End(end) if end.name() == "nav" => is_list = false,
            Event::End(_) | Event::Text(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::office::package::tests::stored;
    use crate::{ErrorKind, Input, collect};

    const CONTAINER: &[u8] =
        b"<container><rootfiles><rootfile full-path='OPS/book.opf'/></rootfiles></container>";
    const OPF: &[u8] = b"<package><metadata><dc:title>The Book</dc:title><dc:creator>Ann</dc:creator><dc:language>en</dc:language></metadata>\
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
        assert!(found.problems[0].message.contains("OPS/gone.xhtml"), "{:?}", found.problems);
        assert_eq!(found.documents[0].metadata["author"], "Ann".into());
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
