//! PDF: pages of placed glyphs become text in reading order.
//!
//! [`document`] reads a file page by page: [`page`] collects the glyphs that a page draws, [`layout`] makes lines of
//! them, [`fields`] puts the values of forms in their places, [`furniture`] drops running headers, [`paragraphs`] joins lines into text. What a file says about itself comes
//! from [`info`], [`labels`], [`outline`], [`annotations`] and [`attachments`]; forms that no page draws from [`xfa`].

#[cfg(feature = "pdf")]
mod annotations;
#[cfg(feature = "pdf")]
mod attachments;
#[cfg(feature = "pdf")]
mod bidi;
#[cfg(feature = "pdf")]
mod characters;
#[cfg(feature = "pdf")]
mod collections;
#[cfg(feature = "pdf")]
mod columns;
#[cfg(feature = "pdf")]
mod document;
#[cfg(feature = "pdf")]
mod fields;
#[cfg(feature = "pdf")]
mod fonts;
#[cfg(feature = "pdf")]
mod furniture;
#[cfg(feature = "pdf")]
mod info;
#[cfg(feature = "pdf")]
mod labels;
#[cfg(feature = "pdf")]
mod layout;
#[cfg(feature = "pdf")]
mod objects;
#[cfg(feature = "pdf")]
mod outline;
#[cfg(feature = "pdf")]
mod page;
#[cfg(feature = "pdf")]
mod paragraphs;
#[cfg(feature = "pdf")]
mod picture;
#[cfg(test)]
#[cfg(feature = "pdf")]
mod tests;
#[cfg(feature = "pdf")]
mod xfa;

use memchr::memmem;

use crate::definition::{Definition, Read, Recognise};

/// The formats of this group.
pub(crate) static FORMATS: &[&Definition] = &[&FORMAT];

#[cfg(feature = "pdf")]
const READ: Read = Read::Whole(document::read);
#[cfg(not(feature = "pdf"))]
const READ: Read = Read::Not("this build was made without the feature `pdf`");

pub(crate) static FORMAT: Definition = Definition {
    name: "pdf",
    title: "PDF",
    version: 7,
    extensions: &["pdf"],
    recognise: Recognise::Bytes(is_pdf),
    is_foreign: true,
    read: READ,
};

/// How far into the file the header may be: viewers accept that much before it.
const HEADER_WITHIN: usize = 1024;

/// Whether there is a header. One that is not at the very start has to begin a line and be followed by an object, so
/// that a text about PDF is not taken for one.
fn is_pdf(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEADER_WITHIN)];
    let found = memmem::find_iter(head, b"%PDF-").find(|at| {
        let begins_line = head[..*at].last().is_none_or(|before| !(b' '..=b'~').contains(before));
        begins_line && bytes.get(at + 5).is_some_and(u8::is_ascii_digit)
    });
    match found {
        Some(0) => true,
        Some(at) => memmem::find(&bytes[at..], b" obj").is_some(),
        None => false,
    }
}

#[cfg(test)]
mod recognition {
    use super::is_pdf;

    #[test]
    fn a_header_shows_it_even_behind_junk() {
        assert!(is_pdf(b"%PDF-1.7\n"));
        assert!(is_pdf(b"HTTP/1.1 200 OK\r\n\r\n%PDF-1.4\n1 0 obj\n"));
        assert!(!is_pdf(b"A file that begins with %PDF-1.4 is a PDF, which has 1 0 obj in it.\n"));
        assert!(!is_pdf(b"%PDF-x"));
    }
}
