//! What annotations of a page say apart from their appearance, which the page draws: comments, and the values of form
//! fields where their appearance does not show them, as when it uses a font that only the form has.

use hayro_syntax::object::{self, Array, Dict, Name, Object};
use hayro_syntax::page::Page;

use super::layout::Line;
use super::objects;

/// Annotations of a page that are looked at.
const MAX: usize = 10_000;
/// How many fields a field may be inside of.
const DEPTH: usize = 32;

/// The annotations of a page.
pub(super) fn of<'a>(page: &Page<'a>) -> Vec<Dict<'a>> {
    let Some(all) = page.raw().get::<Array<'_>>(b"Annots") else { return Vec::new() };
    objects::items(&all, page.xref()).take(MAX).filter_map(Object::into_dict).collect()
}

/// All that a page draws, without spaces.
pub(super) struct Drawn(String);

impl Drawn {
    pub(super) fn of(lines: &[Line]) -> Self {
        Self(lines.iter().flat_map(|line| line.text.split_whitespace()).collect())
    }

    pub(super) fn shows(&self, text: &str) -> bool {
        self.0.contains(&text.split_whitespace().collect::<String>())
    }
}

/// What an annotation says that is not drawn.
pub(super) fn said(annotation: &Dict<'_>, drawn: &Drawn) -> Option<String> {
    let kind = annotation.get::<Name<'_>>(b"Subtype")?;
    let has_appearance =
        annotation.get::<Dict<'_>>(b"AP").is_some_and(|appearance| appearance.contains_key(b"N"));
    let said = match kind.as_ref() {
        b"Widget" => value(annotation).filter(|value| !drawn.shows(value))?,
        b"Popup" | b"Link" => return None,
        // These draw what they say.
        b"FreeText" | b"Stamp" | b"Watermark" if has_appearance => return None,
        _ => objects::text(&annotation.get::<object::String<'_>>(b"Contents")?),
    };
    Some(said).filter(|said| !said.trim().is_empty())
}

/// The value of a form field, which may be that of the field it belongs to. Passwords are nobody's business.
fn value(field: &Dict<'_>) -> Option<String> {
    const PASSWORD: i32 = 1 << 13;
    if field.get::<i32>(b"Ff").is_some_and(|flags| flags & PASSWORD != 0) {
        return None;
    }
    let mut field = field.clone();
    for _ in 0..DEPTH {
        match field.get::<Object<'_>>(b"V") {
            Some(Object::String(value)) => return Some(objects::text(&value)),
            Some(Object::Array(values)) => {
                let values = values.iter::<object::String<'_>>().map(|value| objects::text(&value));
                return Some(values.collect::<Vec<_>>().join(", "));
            }
            Some(_) => return None,
            None => field = field.get::<Dict<'_>>(b"Parent")?,
        }
    }
    None
}
