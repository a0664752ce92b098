//! What a glyph means when the PDF does not say: the embedded font's own character map, read backwards, or the number that
//! it has in one of Adobe's collections of Chinese, Japanese and Korean characters, as the font or the PDF names it.

use hayro_interpret::font::{Glyph, OutlineGlyph};
use hayro_syntax::Pdf;
use rustc_hash::{FxHashMap, FxHashSet};
use skrifa::raw::ps::cff::charset::Charset;
use skrifa::raw::ps::cff::dict::{self, Entry};
use skrifa::raw::ps::cff::index::Index1;
use skrifa::raw::ps::cff::v1::Cff;
use skrifa::raw::{FontData, FontRead};
use skrifa::{GlyphId, MetadataProvider};

use super::collections::{self, Collections};

/// How a guess is read.
pub(super) type Reading = fn(char) -> char;

/// What is known of the fonts of a document.
pub(super) struct Fonts<'p> {
    pdf: &'p Pdf,
    collections: Option<Collections>,
    /// The character maps of fonts, by font.
    maps: FxHashMap<u128, FxHashMap<u32, char>>,
    /// How the guesses of the last page were read that had enough of them.
    pub(super) reading: Option<Reading>,
}

impl<'p> Fonts<'p> {
    pub(super) fn new(pdf: &'p Pdf) -> Self {
        Self { pdf, collections: None, maps: FxHashMap::default(), reading: None }
    }

    pub(super) fn meaning(&mut self, glyph: &Glyph<'_>) -> Option<char> {
        let Glyph::Outline(outline) = glyph else { return None };
        let data = outline.font_data()?;
        let map =
            self.maps.entry(data.cache_key).or_insert_with(|| backwards((*data.data).as_ref()));
        map.get(&id(outline)).copied().or_else(|| {
            let collections = self.collections.get_or_insert_with(|| Collections::of(self.pdf));
            collections.meaning(&data.postscript_name?, outline.char_code())
        })
    }
}

fn id(glyph: &OutlineGlyph) -> u32 {
    glyph.glyph_id().to_u32()
}

/// The characters of a font's glyphs. Where several have the same glyph, the first counts: it is the common one.
fn backwards(font: &[u8]) -> FxHashMap<u32, char> {
    let mut characters = FxHashMap::default();
    if let Some(characters) = of_collection(font) {
        return characters;
    }
    let Ok(font) = skrifa::FontRef::from_index(font, 0) else { return characters };
    for (code, glyph) in font.charmap().mappings() {
        if let Some(c) = char::from_u32(code) {
            characters.entry(glyph.to_u32()).or_insert(c);
        }
    }
    characters
}

/// The characters of a font that numbers its glyphs as a collection does, which it names.
fn of_collection(font: &[u8]) -> Option<FxHashMap<u32, char>> {
    let data = FontData::new(font);
    let cff = Cff::read(data).ok()?;
    let (mut meanings, mut charset, mut glyphs) = (None, None, None);
    for entry in dict::entries(cff.top_dicts().get(0)?, None).flatten() {
        match entry {
            Entry::Ros { registry, ordering, .. } => {
                meanings = collections::meanings(cff.string(registry)?, cff.string(ordering)?);
            }
            Entry::Charset(offset) => charset = Some(offset),
            Entry::CharstringsOffset(offset) => {
                glyphs = Some(u32::from(Index1::read(data.split_off(offset)?).ok()?.count()));
            }
            _ => {}
        }
    }
    let numbers = Charset::new(data, charset?, glyphs?)?;
    let meanings = meanings?;
    let meaning = |glyph: u32| {
        let number = numbers.string_id(GlyphId::new(glyph))?.to_u16();
        Some((glyph, collections::character(&meanings, u32::from(number))?))
    };
    Some((1..glyphs?).filter_map(meaning).collect())
}

/// Glyphs that are needed to see whether guesses make a text.
const MIN_GUESSES: usize = 20;
/// Characters that a text has at least.
const MIN_DIFFERENT: usize = 8;

/// What the code of a glyph means in the encoding of most fonts that TeX draws dot by dot (T1, known as Cork), in
/// which Latin-1 is the upper half but for four letters. Such fonts say nothing about their glyphs.
pub(super) fn guess(glyph: &Glyph<'_>) -> Option<char> {
    const FROM_10: &str = "“”„«»–—";
    const FROM_80: &str = "ĂĄĆČĎĚĘĞĹĽŁŃŇŊŐŔŘŚŠŞŤŢŰŮŸŹŽŻĲİđ§ăąćčďěęğĺľłńňŋőŕřśšşťţűůÿźžżĳ¡¿£";
    if matches!(glyph, Glyph::Outline(outline) if outline.font_data().is_some()) {
        return None;
    }
    let code = u8::try_from(glyph.char_code()).ok()?;
    match code {
        0x0b..=0x0f => char::from_u32(0xfb00 + u32::from(code - 0x0b)),
        0x10..=0x16 => FROM_10.chars().nth(usize::from(code - 0x10)),
        0x1b..=0x1f => char::from_u32(0xfb00 + u32::from(code - 0x1b)),
        0x80..=0xbf => FROM_80.chars().nth(usize::from(code - 0x80)),
        0xd7 => Some('Œ'),
        0xf7 => Some('œ'),
        0xff => Some('ß'),
        0x21..=0x7e | 0xc0..=0xfe => Some(char::from(code)),
        _ => None,
    }
}

/// How guesses are read, if they make a text at all: as they are, or, when most of them are in the upper half, as
/// Cyrillic letters, which TeX's encoding T2A has there. Codes that a program gave out one by one look like no
/// language. Too few to tell are read as those `before`; digits and the dots that lead to them tell nothing.
pub(super) fn reading(
    guesses: impl Iterator<Item = char>,
    before: Option<Reading>,
) -> Option<Reading> {
    let (mut all, mut latin, mut vowels, mut upper) = (0, 0, 0, 0);
    let mut different = FxHashSet::default();
    for c in guesses.filter(|c| !matches!(c, '.' | '0'..='9')) {
        all += 1;
        different.insert(c);
        latin += usize::from(c.is_ascii_alphabetic());
        vowels += usize::from("aeiouAEIOU".contains(c));
        upper += usize::from(matches!(c, 'À'..='ÿ' | 'Œ' | 'œ'));
    }
    let letters = latin + upper;
    if all < MIN_GUESSES || different.len() < MIN_DIFFERENT {
        return before;
    }
    if letters * 10 < all * 6 {
        return None;
    }
    if upper * 10 > letters * 7 {
        return Some(cyrillic);
    }
    let has_vowels = (20..=60).contains(&(vowels * 100 / latin.max(1)));
    has_vowels.then_some(|c| c)
}

fn cyrillic(c: char) -> char {
    let code = match c {
        'Œ' => 0xd7,
        'œ' => 0xf7,
        'ß' => 0xff,
        'À'..='þ' => u32::from(c),
        _ => return c,
    };
    char::from_u32(0x410 + code - 0xc0).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_collection_are_characters() {
        // A font with two glyphs, of which the second is number 34 of Adobe-GB1.
        let top = b"\x1c\x01\x87\x1c\x01\x88\x8b\x0c\x1e\x1d\0\0\0\x34\x0f\x1d\0\0\0\x37\x11";
        let font = [
            &b"\x01\0\x04\x01\0\x01\x01\x01\x02A\0\x01\x01\x01\x16"[..],
            top,
            b"\0\x02\x01\x01\x06\x09AdobeGB1\0\0",
            b"\0\0\x22",
            b"\0\x02\x01\x01\x02\x03\x0e\x0e",
        ]
        .concat();
        let characters = of_collection(&font).unwrap();
        assert_eq!(characters.into_iter().collect::<Vec<_>>(), [(1, 'A')]);
        for cut in 0..font.len() {
            let _ = backwards(&font[..cut]);
        }
    }

    fn read(guesses: &str) -> Option<String> {
        reading(guesses.chars(), None).map(|reading| guesses.chars().map(reading).collect())
    }

    #[test]
    fn guesses_count_when_they_look_like_a_language() {
        let latin = "Eötvös Loránd University";
        assert_eq!(read(latin).unwrap(), latin);
        assert_eq!(read("Ìèíèñòåðñòâîíàóêèœß").unwrap_or_default(), "");
        assert_eq!(read("Ìèíèñòåðñòâîíàóêèîáðàçß").unwrap(), "Министерствонаукиобразя");
        assert_eq!(read("!\"#$%&'()*+,-./0123456789:;<=>"), None);
        assert_eq!(read("BCDFGHJKLMNPQRSTVWXZBCDF"), None);
        let contents = format!("Basic notations and preliminaries {} 2", ". ".repeat(200));
        assert_eq!(read(&contents.replace(' ', "")).map(|read| read.len()), Some(231));
        assert!(read("Fig. 1").is_none() && reading("Fig. 1".chars(), Some(|c| c)).is_some());
    }
}
