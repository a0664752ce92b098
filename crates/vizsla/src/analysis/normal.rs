//! Writes text in one form: NFKC, without characters that are not seen, every space a space, apostrophes and hyphens as
//! they are typed. In: a stretch of text. Out: its normal form, and which bytes of the original each byte stands for.
//!
//! Case is kept, because `camelCase` is split by it. The rules are those of `NFKC_Casefold` (Unicode, chapter 3.13)
//! without the case folding, and UTR #30's foldings of spaces, dashes and apostrophes.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Up to this length, letters before a superscript are a symbol, as in `m²`; after longer words it is a footnote's mark.
const LONGEST_SYMBOL: usize = 3;

/// A stretch of text in normal form.
#[derive(Debug, Clone, Default)]
pub(super) struct Normal {
    pub(super) text: String,
    /// For each byte of the text, where the characters that it was made from start and end.
    origins: Vec<(u32, u32)>,
}

impl Normal {
    /// Replaces the content by the normal form of `original`.
    pub(super) fn fill(&mut self, original: &str) {
        self.text.clear();
        self.origins.clear();
        let mut rest = original.char_indices().peekable();
        while let Some((start, first)) = rest.next() {
            let mut end = start + first.len_utf8();
            let mut marked = false;
            while let Some((at, next)) = rest.next_if(|(_, next)| continues(*next)) {
                end = at + next.len_utf8();
                marked = true;
            }
            if marked || !is_plain(first) {
                let cluster = &original[start..end];
                // A letter and its marks are composed before anything is decided by character.
                let composed = if marked { cluster.nfkc().collect() } else { cluster.to_owned() };
                self.push_cluster(&composed, first);
            } else {
                self.text.push(first);
            }
            self.origins.resize(self.text.len(), (start as u32, end as u32));
        }
    }

    /// Where in the original the bytes in `range` come from.
    pub(super) fn origin(&self, range: Range<usize>) -> Range<usize> {
        let start = self.origins.get(range.start).map_or(0, |(start, _)| *start);
        let last = range.end.checked_sub(1).and_then(|last| self.origins.get(last));
        start as usize..last.map_or(start, |(_, end)| *end).max(start) as usize
    }

    fn push_cluster(&mut self, cluster: &str, first: char) {
        let category = first.general_category();
        let symbol = matches!(category, GeneralCategory::OtherNumber | GeneralCategory::OtherSymbol)
            // Two of these are a flag.
            && !matches!(first, '\u{1F1E6}'..='\u{1F1FF}');
        if symbol && self.stands_apart(first) {
            self.text.push(' ');
        }
        for c in cluster.chars() {
            match c {
                '´' | '‘' | '’' | '‛' | '′' | 'ʹ' | 'ʻ'..='ʿ' | 'ˈ' => {
                    self.text.push('\'');
                }
                // Hebrew has signs of its own for what most people type as quotes.
                '\u{5F3}' => self.text.push('\''),
                '\u{5F4}' => self.text.push('"'),
                '‐'..='–' | '−' => self.text.push('-'),
                '\u{2014}' | '\u{2015}' => self.text.push(' '),
                '♯' => self.text.push('#'),
                // Not seen either, but where it stands words end.
                '\u{200B}' => self.text.push(c),
                c if is_ignorable(c) && !self.tags_flag(c) => {}
                c if c.is_whitespace() => self.text.push(' '),
                c if is_plain(c) || self.tags_flag(c) => self.text.push(c),
                c => self.push_compatible(c),
            }
        }
    }

    /// Whether a character tells whose flag the one before it is, as that of Scotland.
    fn tags_flag(&self, c: char) -> bool {
        let tag = |c: char| matches!(c, '\u{E0020}'..='\u{E007F}');
        tag(c) && self.text.chars().next_back().is_some_and(|last| last == '🏴' || tag(last))
    }

    fn push_compatible(&mut self, c: char) {
        for c in std::iter::once(c).nfkc().filter(|c| !is_ignorable(*c)) {
            self.text.push(match c {
                '‐' | '‑' | '−' => '-',
                '\u{2044}' => '/',
                c if c.is_whitespace() => ' ',
                c => c,
            });
        }
    }

    /// Whether a number or symbol that is no ordinary digit or letter starts a word of its own: one in a circle or a
    /// fraction does, and a superscript unless it belongs to the symbol before it.
    fn stands_apart(&self, c: char) -> bool {
        let lowered = matches!(c, '₀'..='₉');
        let raised = matches!(c, '²' | '³' | '¹' | '⁰' | '⁴'..='⁹');
        let before = self.text.chars().rev().take(LONGEST_SYMBOL + 1);
        let letters = before.take_while(|c| c.is_alphabetic()).count();
        !(lowered || (raised && (1..=LONGEST_SYMBOL).contains(&letters)))
    }
}

/// Whether a character belongs to the one before it: a mark, or a vowel or final of a Korean syllable.
fn continues(c: char) -> bool {
    // Half-width voicing marks are letters of their own until they are normalised.
    let voicing = matches!(c, '\u{FF9E}' | '\u{FF9F}');
    !c.is_ascii()
        && (voicing
            || matches!(c, '\u{1160}'..='\u{11FF}')
            || canonical_combining_class(c) != 0
            || is_variation(c))
}

/// Letters whose normal form is themselves; a shortcut for most of the letters of texts.
fn is_plain(c: char) -> bool {
    c.is_ascii_graphic()
        || matches!(c, 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ı' | 'Ѐ'..='ҁ' | '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FA}' | '\u{4E00}'..='\u{9FFF}' | '가'..='힣')
}

fn is_variation(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// What is not seen and does not matter: soft hyphens, joiners, marks of direction, byte-order marks.
fn is_ignorable(c: char) -> bool {
    !c.is_ascii()
        && (is_variation(c)
            || matches!(c, '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}')
            || c.general_category() == GeneralCategory::Format)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(text: &str) -> String {
        let mut normal = Normal::default();
        normal.fill(text);
        normal.text
    }

    #[test]
    fn one_form_for_all_ways_to_write_a_word() {
        for (text, expected) in [
            ("Ko\u{308}ln", "Köln"),
            ("Ｃａｆé １２", "Café 12"),
            ("oﬃce ﬁne", "office fine"),
            ("co\u{AD}operate", "cooperate"),
            ("\u{202B}word\u{202C}\u{200E}", "word"),
            ("\u{FEFF}start", "start"),
            ("ד״ר ג׳ירפה", "ד\"ר ג'ירפה"),
            ("can’t re‐enter re‑enter 5−3", "can't re-enter re-enter 5-3"),
            ("a\u{A0}b\u{3000}c\u{2009}d\u{200B}e", "a b c d\u{200B}e"),
            ("Hawaiʻi F♯", "Hawai'i F#"),
            ("m² CO₂ km³ C₆H₁₂O₆", "m2 CO2 km3 C6H12O6"),
            ("results¹", "results 1"),
            ("2½ Foo™ ①②", "2 1/2 Foo TM  1 2"),
            ("ｶﾞ ﾊﾟ", "ガ パ"),
            ("\u{1112}\u{1161}\u{11AB}", "한"),
            ("می\u{200C}خواهم", "میخواهم"),
            ("word—word", "word word"),
            ("L´avion", "L'avion"),
        ] {
            assert_eq!(normal(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_byte_comes_from_somewhere(text in "\\PC{0,20}|[e\u{301}\u{308}ﬁ²½ａ’\u{AD}한\u{1112}\u{1161} ]{0,20}") {
            let mut normal = Normal::default();
            normal.fill(&text);
            for (at, c) in normal.text.char_indices() {
                let origin = normal.origin(at..at + c.len_utf8());
                prop_assert!(text.get(origin.clone()).is_some_and(|part| !part.is_empty()), "{origin:?}");
            }
        }
    }
}
