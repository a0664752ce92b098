//! Characters of symbol fonts, whose codes mean something in their font alone. In: the name of a font and a code. Out: the
//! character that it shows.
//!
//! The encoding of Symbol is Adobe's (<https://www.unicode.org/Public/MAPPINGS/VENDORS/ADOBE/symbol.txt>).

/// A font whose characters are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SymbolFont {
    Symbol,
    Wingdings,
}

/// The characters of Symbol from 0x20 on.
const SYMBOL_LOW: &str = " !∀#∃%&∋()∗+,−./0123456789:;<=>?\
    ≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_\
    ‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼";

/// Those from 0xA0 on; a zero is a part of a bracket, or nothing.
const SYMBOL_HIGH: &str = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…\0\0↵\
    ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓\
    ◊⟨®©™∑\0\0\0\0\0\0\0\0\0\0\0⟩∫⌠\0⌡";

/// Runs of characters of Wingdings, each with the code of its first one.
const WINGDINGS: &[(u32, &str)] = &[
    (0x20, " "),
    (0x22, "✂"),
    (0x28, "☎"),
    (0x2a, "✉"),
    (0x4a, "☺"),
    (0x4c, "☹"),
    (0x6c, "●❍■□"),
    (0x71, "❑❒⬧⧫◆❖⬥"),
    (0x80, "⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿"),
    (0x9e, "·•"),
    (0xa1, "○"),
    (0xa7, "▪□"),
    (0xab, "★"),
    (0xd8, "➢"),
    (0xdc, "➲"),
    (0xdf, "←→↑↓↖↗↙↘"),
    (0xe8, "➔"),
    (0xef, "⇦⇨⇧⇩⇔⇳"),
    (0xfb, "✗✓☒☑"),
];

/// Where Windows puts the characters of symbol fonts in Unicode.
const PRIVATE: u32 = 0xf000;

impl SymbolFont {
    pub(crate) fn named(font: &str) -> Option<Self> {
        match font.trim().to_lowercase().as_str() {
            "symbol" => Some(Self::Symbol),
            "wingdings" => Some(Self::Wingdings),
            _ => None,
        }
    }

    /// The character of a code, which may be at its private place in Unicode; nothing for one without a meaning.
    pub(crate) fn character(self, code: u32) -> Option<char> {
        let code = code.checked_sub(PRIVATE).unwrap_or(code);
        let within = |first: u32, run: &str| {
            let at = usize::try_from(code.checked_sub(first)?).ok()?;
            run.chars().nth(at)
        };
        let found = match self {
            Self::Symbol => within(0xa0, SYMBOL_HIGH).or_else(|| within(0x20, SYMBOL_LOW)),
            Self::Wingdings => WINGDINGS.iter().find_map(|(first, run)| within(*first, run)),
        };
        found.filter(|character| *character != '\0')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_characters_of_their_font() {
        let symbol = |code| SymbolFont::Symbol.character(code);
        for (code, expected) in [
            (0x20, ' '),
            (0x40, '≅'),
            (0x57, 'Ω'),
            (0x5e, '⊥'),
            (0xf061, 'α'),
            (0xf06d, 'μ'),
            (0x7e, '∼'),
            (0xa3, '≤'),
            (0xae, '→'),
            (0xb7, '•'),
            (0xb9, '≠'),
            (0xc0, 'ℵ'),
            (0xd6, '√'),
            (0xe5, '∑'),
            (0xf1, '⟩'),
            (0xf2, '∫'),
            (0xf5, '⌡'),
        ] {
            assert_eq!(symbol(code), Some(expected), "{code:x}");
        }
        assert!(
            [0x1f, 0x7f, 0x9f, 0xe6, 0xf0, 0xfe, 0x3b1].map(symbol).iter().all(Option::is_none)
        );
        let dingbat = |code| SymbolFont::Wingdings.character(code);
        let shown = [0xf0fc, 0xfb, 0xfe, 0xa8, 0x6c, 0xe0, 0x95, 0x24].map(dingbat);
        let expected =
            [Some('✓'), Some('✗'), Some('☑'), Some('□'), Some('●'), Some('→'), Some('❿'), None];
        assert_eq!(shown, expected);
        assert_eq!(SymbolFont::named("Wingdings 2"), None);
    }
}
