//! What a word is like without its marks. In: a word in lower case. Out: the same without accents, strokes, ligatures
//! and inner punctuation, so that `café` and `cafe`, `Łódź` and `lodz`, `node.js` and `nodejs` have it in common.
//!
//! Which marks are taken off follows from their combining class: those above, below and through a letter, the points of
//! Hebrew and Arabic and the nukta of Indic scripts, but no vowel signs, no virama, and no voicing of kana. Lucene's
//! `ICUFoldingFilter` (UTR #30) folds more of Cyrillic: here й, ї and ў stay the letters that they are, as keyboards and
//! readers have them, while ё is е, and marks of stress go. Letters with strokes have no decomposition; theirs is from
//! `any_ascii`. Arabic letters that many people write for each other are those of Lucene's `ArabicNormalizationFilter`
//! and `PersianNormalizationFilter`.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, decompose_canonical};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// The folded form of a word in lower case and normal form; `None` when it is the word itself.
pub(super) fn folded(word: &str) -> Option<String> {
    let mut folded = String::with_capacity(word.len());
    let joined = without_separators(word);
    let base = joined.as_deref().unwrap_or(word);
    if base.is_ascii() {
        return joined;
    }
    for c in base.chars() {
        match c {
            c if c.is_ascii() => folded.push(c),
            // A letter of its own, whatever it is composed of.
            'ѐ' | 'ё' | 'ѝ' => fold_letter(c, &mut folded),
            '\u{400}'..='\u{52F}' | '가'..='힣' | '\u{3041}'..='\u{30FF}' => folded.push(c),
            c => fold_letter(c, &mut folded),
        }
    }
    let folded: String = folded.nfc().collect();
    (folded != word && !folded.is_empty()).then_some(folded)
}

fn fold_letter(c: char, folded: &mut String) {
    decompose_canonical(c, |part| match part {
        part if part.is_ascii() => folded.push(part),
        // A mark, a stretched line, or a tone of skin.
        part if is_dropped(part) => {}
        'ς' => folded.push('σ'),
        // Alef with hamza or madda has a decomposition; these have none.
        'ة' => folded.push('ه'),
        'ى' | 'ی' => folded.push('ي'),
        'ک' => folded.push('ك'),
        part if is_latin(part) || part.general_category() == GeneralCategory::DecimalNumber => {
            let ascii = any_ascii::any_ascii_char(part);
            if ascii.is_empty() {
                folded.push(part);
            }
            folded.extend(ascii.chars().map(|c| c.to_ascii_lowercase()));
        }
        part => folded.push(part),
    });
}

fn is_dropped(c: char) -> bool {
    let class = canonical_combining_class(c);
    // Overlays; nukta; the points of Hebrew and Arabic; everything attached, below or above.
    matches!(class, 1 | 7 | 10..=36 | 202..=240)
        || matches!(c, '\u{640}' | '\u{1F3FB}'..='\u{1F3FF}')
}

/// Whether a character is in one of the blocks of Latin letters.
fn is_latin(c: char) -> bool {
    matches!(c, '\u{C0}'..='\u{2AF}' | '\u{1E00}'..='\u{1EFF}' | '\u{2C60}'..='\u{2C7F}' | '\u{A720}'..='\u{A7FF}' | '\u{AB30}'..='\u{AB6F}')
}

/// The word without inner punctuation, except between digits, where it has a meaning. `None` when there is none.
fn without_separators(word: &str) -> Option<String> {
    let bytes = word.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let separates = |at: usize, c: char| match c {
        '\'' | '_' | '.' | '-' | ':' => !(digit(at.checked_sub(1)) && digit(Some(at + 1))),
        // As in the Catalan `col·legi`.
        '·' => true,
        _ => false,
    };
    if !word.char_indices().any(|(at, c)| separates(at, c)) {
        return None;
    }
    let kept = word.char_indices().filter(|(at, c)| !separates(*at, *c));
    Some(kept.map(|(_, c)| c).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_lose_marks_strokes_and_ligatures() {
        for (word, expected) in [
            ("café", "cafe"),
            ("nguyễn", "nguyen"),
            ("smørrebrød", "smorrebrod"),
            ("łódź", "lodz"),
            ("đặng", "dang"),
            ("straße", "strasse"),
            ("æon", "aeon"),
            ("œuvre", "oeuvre"),
            ("ısparta", "isparta"),
            ("i\u{307}stanbul", "istanbul"),
            ("þórr", "thorr"),
            ("guðrún", "gudrun"),
            ("λόγος", "λογοσ"),
            ("ёлка", "елка"),
            ("за\u{301}мок", "замок"),
            ("שָׁלוֹם", "שלום"),
            ("مُحَمَّد", "محمد"),
            ("أحمد", "احمد"),
            ("آإأ", "ااا"),
            ("مدرسة", "مدرسه"),
            ("مستشفى", "مستشفي"),
            ("کتابی", "كتابي"),
            ("٢٠٢٤", "2024"),
            ("can't", "cant"),
            ("u.s.a", "usa"),
            ("get_user_name", "getusername"),
            ("col·legi", "collegi"),
        ] {
            assert_eq!(folded(word).as_deref(), Some(expected), "{word}");
        }
    }

    #[test]
    fn letters_of_their_own_stay() {
        for word in [
            "cafe",
            "мой",
            "їжак",
            "がく",
            "हिन्दी",
            "ไทย",
            "한국",
            "3.14",
            "192.168.1.10",
            "2024-01-15",
        ] {
            assert_eq!(folded(word), None, "{word}");
        }
    }
}
