//! What annotations of a page say apart from their appearance, which the page draws: comments. The values of form fields
//! are found by [`fields`](super::fields).

use hayro_syntax::object::{self, Array, Dict, Name, Object};
use hayro_syntax::page::Page;

use super::objects;

/// Annotations of a page that are looked at.
const MAX: usize = 10_000;

/// The annotations of a page.
pub(super) fn of<'a>(page: &Page<'a>) -> Vec<Dict<'a>> {
    let Some(all) = page.raw().get::<Array<'_>>(b"Annots") else { return Vec::new() };
    objects::items(&all, page.xref()).take(MAX).filter_map(Object::into_dict).collect()
}

/// What an annotation says that is not drawn.
pub(super) fn said(annotation: &Dict<'_>) -> Option<String> {
    let kind = annotation.get::<Name<'_>>(b"Subtype")?;
    let has_appearance =
        annotation.get::<Dict<'_>>(b"AP").is_some_and(|appearance| appearance.contains_key(b"N"));
    let said = match kind.as_ref() {
        b"Widget" | b"Popup" | b"Link" => return None,
        // These draw what they say.
        b"FreeText" | b"Stamp" | b"Watermark" if has_appearance => return None,
        _ => objects::text(&annotation.get::<object::String<'_>>(b"Contents")?),
    };
    Some(said).filter(|said| !said.trim().is_empty())
}
