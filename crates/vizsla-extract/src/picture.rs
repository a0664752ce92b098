//! Pictures of text.

use vizsla_core::{Document, Location, Locations};

use crate::definition::{Definition, Read, Recognise};
use crate::error::{Error, ErrorKind};
use crate::ocr::paragraphs;
use crate::output::{Output, file_name};
use crate::sink::ProblemKind;

/// The formats of this group.
pub(crate) static FORMATS: &[&Definition] = &[&FORMAT];

/// A picture is only read by OCR; without it, it is not text.
pub(crate) static FORMAT: Definition = Definition {
    name: "picture",
    title: "picture",
    version: 1,
    extensions: &["jpeg", "jpg", "png", "tif", "tiff"],
    recognise: Recognise::Bytes(is_picture),
    is_foreign: false,
    read: Read::Whole(read),
};

fn is_picture(bytes: &[u8]) -> bool {
    const SIGNATURES: [&[u8]; 4] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*"];
    SIGNATURES.iter().any(|signature| bytes.starts_with(signature))
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let Some(ocr) = output.ocr() else {
        return Err(Error::new(ErrorKind::Binary, "is a picture, not text"));
    };
    let text = match ocr.read(bytes) {
        Ok(text) => paragraphs(&text).join("\n\n"),
        Err(error) => {
            output.problem(ProblemKind::NoText, None, format!("cannot be read by OCR: {error}"));
            return Ok(());
        }
    };
    if text.is_empty() {
        output.problem(ProblemKind::NoText, None, "is a picture in which OCR finds no text");
        return Ok(());
    }
    output.problem(ProblemKind::ReadByOcr, None, "is a picture, read by OCR");
    let page = Location::Pages { first: 1, last: 1, label: None };
    let document = Document::new(output.name.clone(), text)
        .with_title(file_name(&output.name))
        .with_locations(Locations::Fixed(page));
    let _ = output.document(document);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extracted, Input, Limits, Ocr, extract};

    struct Fake(Result<&'static str, &'static str>);

    impl Ocr for Fake {
        fn read(&self, _: &[u8]) -> Result<String, String> {
            self.0.map(str::to_owned).map_err(str::to_owned)
        }
    }

    fn found(ocr: &Fake) -> Extracted {
        let mut found = Extracted::default();
        let picture = Input::bytes("a.png", b"\x89PNG\r\n\x1a\n\0").with_ocr(ocr);
        extract(picture, &Limits::default(), &mut found).unwrap();
        found
    }

    #[test]
    fn a_picture_is_not_text_without_ocr_and_a_document_with_it() {
        let error = crate::collect(Input::bytes("a.png", b"\x89PNG\r\n\x1a\n\0")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Binary);
        let read = found(&Fake(Ok("Divided wo-\nrds\nand lines.\n\n \nMore.\n\x0c")));
        assert_eq!(read.documents[0].text, "Divided words and lines.\n\nMore.");
        assert!(!read.problems[0].loses_text());
        for ocr in [Fake(Ok(" \n")), Fake(Err("is not installed"))] {
            let nothing = found(&ocr);
            assert!(nothing.documents.is_empty());
            assert_eq!(nothing.problems[0].kind, ProblemKind::NoText);
        }
    }
}
