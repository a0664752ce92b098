//! What the other files ask of the objects of a PDF: text strings, and trees of names and numbers.

use std::collections::HashSet;

use hayro_syntax::object::{Array, Dict, MaybeRef, Null, Object, ObjectIdentifier};
use hayro_syntax::xref::XRef;

/// Nodes of a tree that are visited.
const MAX_NODES: usize = 100_000;

/// A text string: UTF-16 or UTF-8 with a byte order mark, else `PDFDocEncoding`.
pub(super) fn text(bytes: &[u8]) -> String {
    let decoded = match bytes {
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        // Not in the standard, but common.
        _ if !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        _ => bytes.iter().map(|byte| document_character(*byte)).collect(),
    };
    without_controls(&decoded)
}

fn utf16(bytes: &[u8], read: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

/// Drops language codes, which stand between two escape characters, and other control characters.
fn without_controls(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for (i, part) in text.split('\u{1b}').enumerate() {
        if i % 2 == 0 {
            kept.extend(
                part.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')),
            );
        }
    }
    kept.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned()
}

/// A character of `PDFDocEncoding` (ISO 32000-2, annex D.3).
fn document_character(byte: u8) -> char {
    const FROM_18: &str = "˘ˇˆ˙˝˛˚˜";
    const FROM_80: &str = "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž";
    match byte {
        0x18..=0x1f => FROM_18.chars().nth(usize::from(byte - 0x18)).unwrap_or(' '),
        0x80..=0x9e => FROM_80.chars().nth(usize::from(byte - 0x80)).unwrap_or(' '),
        0xa0 => '€',
        _ => char::from(byte),
    }
}

/// The objects of an array; those that do not exist are null, as the standard has it.
pub(super) fn items<'a>(
    array: &Array<'a>,
    objects: &'a XRef,
) -> impl Iterator<Item = Object<'a>> + use<'a> {
    array.raw_iter().map(move |item| match item {
        MaybeRef::NotRef(object) => object,
        MaybeRef::Ref(id) => objects.get::<Object<'_>>(id.into()).unwrap_or(Object::Null(Null)),
    })
}

/// The entries of a name or number tree, in order: pairs of a key and a value in the arrays `entries` of its leaves.
/// Loops are not followed.
pub(super) fn tree<'a>(
    root: Dict<'a>,
    entries: &[u8],
    objects: &'a XRef,
) -> Vec<(Object<'a>, Object<'a>)> {
    let mut found = Vec::new();
    let mut seen: HashSet<ObjectIdentifier> = HashSet::new();
    let mut open = vec![root];
    let mut nodes = 0;
    while let Some(node) = open.pop()
        && nodes < MAX_NODES
    {
        nodes += 1;
        if node.obj_id().is_some_and(|id| !seen.insert(id)) && nodes > 1 {
            continue;
        }
        if let Some(pairs) = node.get::<Array<'_>>(entries) {
            let mut pairs = items(&pairs, objects);
            while let (Some(key), Some(value)) = (pairs.next(), pairs.next())
                && found.len() < MAX_NODES
            {
                found.push((key, value));
            }
        }
        if let Some(kids) = node.get::<Array<'_>>(b"Kids") {
            let kids = items(&kids, objects).filter_map(Object::into_dict);
            let mut kids: Vec<_> = kids.take(MAX_NODES).collect();
            kids.reverse();
            open.append(&mut kids);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_strings_have_three_encodings_and_may_name_a_language() {
        assert_eq!(text(b"\xfe\xff\x00A\x20\xac"), "A€");
        assert_eq!(text(b"\xef\xbb\xbf\xc3\xa9"), "é");
        assert_eq!(text(b"caf\xe9 \x85\x90\x00"), "café –’");
        assert_eq!(text(b"\xfe\xff\x00\x1b\x00e\x00n\x00\x1b\x00A"), "A");
    }
}
