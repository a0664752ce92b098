//! Files inside a PDF: those of the document, and those attached to places on its pages.

use hayro_syntax::object::{self, Dict, Name, Object, Stream};
use hayro_syntax::xref::XRef;

use super::objects;

/// A file inside the PDF. `bytes` is `None` when it cannot be unpacked.
pub(super) struct Attachment {
    pub(super) name: String,
    pub(super) bytes: Option<Vec<u8>>,
}

/// The files that belong to the document as a whole.
pub(super) fn of_document<'a>(catalogue: &Dict<'a>, xref: &'a XRef) -> Vec<Attachment> {
    let names = catalogue.get::<Dict<'_>>(b"Names");
    let Some(files) = names.and_then(|names| names.get::<Dict<'_>>(b"EmbeddedFiles")) else {
        return Vec::new();
    };
    let files = objects::tree(files, b"Names", xref).into_iter();
    files.filter_map(|(_, file)| attachment(&file.into_dict()?)).collect()
}

/// The file that an annotation attaches to its place.
pub(super) fn of_annotation(annotation: &Dict<'_>) -> Option<Attachment> {
    let kind = annotation.get::<Name<'_>>(b"Subtype")?;
    if kind.as_ref() != b"FileAttachment" {
        return None;
    }
    attachment(&annotation.get::<Dict<'_>>(b"FS")?)
}

fn attachment(file: &Dict<'_>) -> Option<Attachment> {
    let stated = file
        .get::<object::String<'_>>(b"UF")
        .or_else(|| file.get::<object::String<'_>>(b"F"))
        .map(|name| objects::text(&name));
    let name = stated.filter(|name| !name.is_empty()).unwrap_or_else(|| "attachment".to_owned());
    let contents = file.get::<Dict<'_>>(b"EF")?;
    let stream =
        [&b"F"[..], b"UF"].iter().find_map(|key| match contents.get::<Object<'_>>(key) {
            Some(Object::Stream(stream)) => Some(stream),
            _ => None,
        })?;
    Some(Attachment { name, bytes: unpacked(&stream) })
}

fn unpacked(stream: &Stream<'_>) -> Option<Vec<u8>> {
    stream.decoded_data().ok().map(std::borrow::Cow::into_owned)
}
