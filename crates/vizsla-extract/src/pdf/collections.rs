//! What the codes of a composite font mean that says only which of Adobe's collections of Chinese, Japanese and Korean
//! characters it numbers its glyphs by. In: the font dictionaries of a PDF. Out: the character of a font's code.

use hayro_interpret::hayro_cmap::{BfString, CMap, CMapName, CidFamily, load_embedded};
use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, Object, String as PdfString};
use rustc_hash::FxHashMap;

/// Bytes that a code has at most.
const CODE_BYTES: u8 = 4;

/// The fonts of a document that are numbered so, by their names.
pub(super) struct Collections(FxHashMap<String, Numbered>);

struct Numbered {
    /// The numbers of codes, if codes are not the numbers themselves.
    numbers: Option<CMap>,
    meanings: CMap,
}

impl Collections {
    /// Looks through all objects, so only worth it when there is a glyph without a meaning.
    pub(super) fn of(pdf: &Pdf) -> Self {
        let mut fonts = FxHashMap::default();
        for font in pdf.objects().into_iter().filter_map(Object::into_dict) {
            if let Some(name) = font.get::<Name<'_>>(b"BaseFont")
                && let Some(numbered) = numbered(&font)
            {
                fonts.entry(without_tag(name.as_str()).to_owned()).or_insert(numbered);
            }
        }
        Self(fonts)
    }

    /// What a code means in the font of this name, which has no tag of a subset.
    pub(super) fn meaning(&self, font: &str, code: u32) -> Option<char> {
        let Numbered { numbers, meanings } = self.0.get(font)?;
        let number = match numbers {
            None => code,
            Some(numbers) => {
                (1..=CODE_BYTES).find_map(|bytes| numbers.lookup_cid_code(code, bytes))?
            }
        };
        character(meanings, number)
    }
}

fn numbered(font: &Dict<'_>) -> Option<Numbered> {
    if font.get::<Name<'_>>(b"Subtype")?.as_str() != "Type0" || font.contains_key(b"ToUnicode") {
        return None;
    }
    let glyphs = font.get::<Array<'_>>(b"DescendantFonts")?.iter::<Dict<'_>>().next()?;
    let system = glyphs.get::<Dict<'_>>(b"CIDSystemInfo")?;
    let part = |name: &[u8]| system.get::<PdfString<'_>>(name);
    let meanings = meanings(&part(b"Registry")?, &part(b"Ordering")?)?;
    let encoding = font.get::<Name<'_>>(b"Encoding")?;
    let numbers = match encoding.as_str() {
        "Identity-H" | "Identity-V" => None,
        name => Some(embedded(CMapName::from_bytes(name.as_bytes()))?),
    };
    Some(Numbered { numbers, meanings })
}

/// The characters of a collection, by number.
pub(super) fn meanings(registry: &[u8], ordering: &[u8]) -> Option<CMap> {
    embedded(CidFamily::from_registry_ordering(registry, ordering).ucs2_cmap()?)
}

fn embedded(name: CMapName<'_>) -> Option<CMap> {
    CMap::parse(load_embedded(name)?, load_embedded)
}

/// The one character that a number stands for.
pub(super) fn character(meanings: &CMap, number: u32) -> Option<char> {
    match meanings.lookup_bf_string(number)? {
        BfString::Char(c) => Some(c),
        BfString::String(_) => None,
    }
}

/// The name of a font without the six letters that tell its subsets apart.
fn without_tag(name: &str) -> &str {
    match name.split_once('+') {
        Some((tag, rest)) if tag.len() == 6 => rest,
        _ => name,
    }
}
