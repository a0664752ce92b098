//! Signs of Western Europe where the detector sees letters of another region: it knows words, and the pound sign of an
//! English price list stands in none.

use encoding_rs::{Encoding, WINDOWS_1252};

use crate::text::charset::Charset;

/// Whether lines in which the detector sees the Latin letters of `guess` are in windows-1252 instead. A letter stands in a
/// word, and a sign beside digits and spaces; the text as a whole decides, as in a Polish one some letter stands alone.
pub(crate) fn is_western<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
    guess: &'static Encoding,
) -> bool {
    let letters = Charset::Known(guess).upper_half();
    let signs = Charset::Known(WINDOWS_1252).upper_half();
    let is_latin = letters.iter().all(|c| !c.is_alphabetic() || matches!(c, '\0'..='\u{2ff}'));
    if guess == WINDOWS_1252 || !guess.is_single_byte() || !is_latin {
        return false;
    }
    let character = |byte: u8| match byte.checked_sub(128) {
        Some(at) => letters.get(usize::from(at)).copied().unwrap_or(' '),
        None => char::from(byte),
    };
    let (mut alone, mut in_words) = (0usize, 0usize);
    for line in lines {
        let at = |at: Option<usize>| at.and_then(|at| line.get(at)).map_or(' ', |b| character(*b));
        for (i, byte) in line.iter().enumerate().filter(|(_, byte)| !byte.is_ascii()) {
            let c = character(*byte);
            let sign = signs.get(usize::from(byte - 128)).copied().unwrap_or(c);
            let around = (at(i.checked_sub(1)), at(i.checked_add(1)));
            match standing(around.0, c, around.1) {
                _ if c == sign => {}
                Standing::Alone => alone += 1,
                Standing::Between if is_sign(sign) => alone += 1,
                Standing::InWord if is_sign(sign) => in_words += 1,
                _ => {}
            }
        }
    }
    alone > in_words
}

/// Whether lines that the detector takes for windows-1252 are Hungarian, whose `ő` and `ű` are `õ` and `û` there: no
/// Western language has these beside `ö` or `ü` and letters with an acute accent, and no others.
pub(crate) fn is_hungarian<'a>(lines: impl Iterator<Item = &'a [u8]>) -> bool {
    let (mut double, mut umlaut, mut acute) = (false, false, false);
    for byte in lines.flatten() {
        // Letters without their case.
        match byte & 0xdf {
            0xd5 | 0xdb => double = true,
            0xd6 | 0xdc => umlaut = true,
            0xc1 | 0xc9 | 0xcd | 0xd3 | 0xda => acute = true,
            _ if matches!(byte, 0xaa | 0xba) => return false,
            0xc0.. if !matches!(byte, 0xd7 | 0xf7) => return false,
            _ => {}
        }
    }
    double && umlaut && acute
}

/// How a character stands in a text.
enum Standing {
    /// As a letter of a word does.
    InWord,
    /// As no letter does.
    Alone,
    /// As few letters do: between spaces or marks.
    Between,
    /// As both do, such as the initial `Ł.`
    Untold,
}

fn standing(last: char, c: char, next: char) -> Standing {
    // Accents without their letters are in no text.
    if matches!(c, '˘' | '˙' | '˛' | '˝' | 'ˇ') {
        return Standing::Alone;
    }
    if !c.is_alphabetic() {
        return Standing::Untold;
    }
    let follows = last.is_alphabetic() && !(last.is_lowercase() && c.is_uppercase());
    let precedes = next.is_alphabetic() && !(c.is_lowercase() && next.is_uppercase());
    match (last, next) {
        // As in `10členný`, and in `1µm`.
        _ if last.is_numeric() && precedes => Standing::Untold,
        _ if follows || precedes => Standing::InWord,
        (last, next) if last.is_numeric() || next.is_numeric() => Standing::Alone,
        (_, '.') if c.is_uppercase() && !last.is_alphabetic() => Standing::Untold,
        _ => Standing::Between,
    }
}

/// Whether a character of windows-1252 is no letter of a word.
fn is_sign(c: char) -> bool {
    !(c.is_alphabetic() || c.is_control()) || matches!(c, 'ª' | 'µ' | 'º')
}

#[cfg(test)]
mod tests {
    use encoding_rs::{ISO_8859_2, WINDOWS_1250, WINDOWS_1257};

    use super::*;

    #[test]
    fn signs_stand_alone_and_letters_in_words() {
        for text in [
            "Garden chair,£3.50\nGarden table,£9\n",
            "Copyright © 2024 Acme®. See § 5 and ¶ 3.",
            "Add 1½ cups of flour and ¼ cup of sugar. Bake at 180°.",
            "The café menu: soup £5, naïve crêpes £7",
            "20°C ± 1µm",
            "¿Qué pasa?",
        ] {
            let bytes = WINDOWS_1252.encode(text).0;
            for guess in [WINDOWS_1250, ISO_8859_2] {
                let is_other = guess.decode_without_bom_handling(&bytes).0 != text;
                assert_eq!(is_western(bytes.split(|b| *b == b'\n'), guess), is_other, "{text}");
            }
        }
        for (guess, text) in [
            (WINDOWS_1250, "Ł. Nowak, Łódź: książka 5 zł, źródło, 3 ± 1"),
            (ISO_8859_2, "Cena 5 zł za książkę, część 1, Łódź, ż. 2"),
            (WINDOWS_1250, "Žluťoučký kůň, 5 Kč, Š. Novák, třída 5.Š"),
            (WINDOWS_1250, "Teplota 20 °C, ť"),
            (WINDOWS_1250, "az ő háza, 3 db tű, Győr"),
            (WINDOWS_1257, "Eik į mišką, 5 žmonės, ąžuolas, ūkis"),
        ] {
            let bytes = guess.encode(text).0;
            assert!(!is_western(std::iter::once(&*bytes), guess), "{text}");
        }
    }

    #[test]
    fn hungarian_has_letters_that_no_western_language_has_together() {
        for (text, expected) in [
            ("A szülõk õszi ünnepe: Gyõr, Fertõd, Hûvösvölgy. Kérjük, jelezzék idõben!", true),
            ("Os pingüins não são três, põe cá", false),
            ("A linguística, pingüim, põe, 1º", false),
            ("Öösel on õues külm, hästi", false),
            ("Dû à Saül, le maïs d'été", false),
            ("Größe für schöne Wörter", false),
        ] {
            let bytes = WINDOWS_1252.encode(text).0;
            assert_eq!(is_hungarian(std::iter::once(&*bytes)), expected, "{text}");
        }
    }
}
