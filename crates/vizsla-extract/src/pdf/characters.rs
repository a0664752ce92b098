//! Characters as they are searched for: ligatures and presentation forms spelled out, accents joined to their letters; and which
//! scripts have no spaces.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Appends a character as it is searched for. Superscripts and fractions stay: `10²` is not `102`.
pub(super) fn push(text: &mut String, c: char) {
    match c {
        ' '..='~' => text.push(c),
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\t' => {
            text.push(' ');
        }
        // Bullets of the symbol fonts of word processors.
        '\u{f0b7}' | '\u{f0a7}' => text.push('•'),
        '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{200e}' | '\u{200f}' | '\u{fffd}' => {}
        _ if c.is_control() => {}
        '\u{fb00}'..='\u{fdff}'
        | '\u{fe30}'..='\u{feff}'
        | '\u{ff00}'..='\u{ffef}'
        | '\u{2e80}'..='\u{2fdf}'
        | '\u{f900}'..='\u{faff}'
        | '\u{1d400}'..='\u{1d7ff}' => text.extend(std::iter::once(c).nfkc()),
        _ => text.push(c),
    }
}

/// Whether a character has no meaning outside the font that it was made for.
pub(super) fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fffd}' | '\u{f0000}'..)
        && !matches!(c, '\u{f0b7}' | '\u{f0a7}')
}

/// The combining form of an accent that stands for itself, as old typesetting programs draw over a letter.
pub(super) fn combining(c: char) -> Option<char> {
    Some(match c {
        '`' => '\u{300}',
        '´' => '\u{301}',
        'ˆ' | '^' => '\u{302}',
        '˜' | '~' => '\u{303}',
        '¯' => '\u{304}',
        '˘' => '\u{306}',
        '˙' => '\u{307}',
        '¨' => '\u{308}',
        '˚' => '\u{30a}',
        '˝' => '\u{30b}',
        'ˇ' => '\u{30c}',
        '¸' => '\u{327}',
        '˛' => '\u{328}',
        _ => return None,
    })
}

/// Puts an accent on the letter that ends a text.
pub(super) fn accent(text: &mut String, mark: char) {
    match text.pop() {
        Some('ı') => text.push('i'),
        Some('ȷ') => text.push('j'),
        Some(c) => text.push(c),
        None => {}
    }
    text.push(mark);
}

/// Letters and the accents that follow them become one character each.
pub(super) fn compose(text: String) -> String {
    if text.chars().any(is_combining_mark) { text.nfc().collect() } else { text }
}

/// Whether a character belongs to a script without spaces between words.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{312f}' | '\u{31a0}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff65}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(text: &str) -> String {
        let mut out = String::new();
        text.chars().for_each(|c| push(&mut out, c));
        out
    }

    #[test]
    fn ligatures_and_forms_are_spelled_out_but_exponents_stay() {
        assert_eq!(pushed("eﬃcient Ａ１\u{a0}⼀ 𝑥 10² ½"), "efficient A1 一 x 10² ½");
        assert_eq!(pushed("ﻻ\u{200b}"), "لا");
    }

    #[test]
    fn an_accent_joins_its_letter() {
        let mut text = "ı".to_owned();
        accent(&mut text, '\u{308}');
        assert_eq!(compose(text), "ï");
    }
}
