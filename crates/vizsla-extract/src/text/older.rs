//! Encodings of DOS and of old Macintoshes, which the detector does not know and takes for one of Windows.

use encoding_rs::{Encoding, MACINTOSH};

use crate::text::charset::Charset;

/// The code page of DOS in Western Europe; its letters are those of 437, the one of America.
const DOS: u32 = 850;
/// Characters that do not belong to words, which are needed to tell.
const LEAST: usize = 2;
/// Letters that are more frequent than those which other encodings have in their place.
const FREQUENT: &str = "äöüßéèàçñáó";

/// The encoding from before Windows of a sample that `guess` makes no words of, if one of these does. What is beside a
/// letter tells: it is a letter, and no capital behind a small letter, or a sign where one begins or ends a word.
pub(crate) fn charset(sample: &[u8], guess: &'static Encoding) -> Option<Charset> {
    let beside: Vec<[u8; 3]> = (0..sample.len())
        .filter(|i| sample.get(*i).is_some_and(|byte| !byte.is_ascii()))
        .map(|i| [i.checked_sub(1), Some(i), i.checked_add(1)])
        .map(|places| places.map(|at| at.and_then(|at| sample.get(at)).copied().unwrap_or(b' ')))
        .filter(|[last, _, next]| last.is_ascii_alphabetic() || next.is_ascii_alphabetic())
        .collect();
    // How many characters fit, and how many are frequent.
    let fitting = |charset: Charset| {
        let upper_half = charset.upper_half();
        let character = |byte: u8| match byte.checked_sub(128) {
            Some(at) => upper_half.get(usize::from(at)).copied().unwrap_or(' '),
            None => char::from(byte),
        };
        let characters = || beside.iter().map(|bytes| bytes.map(character));
        let fit = characters().filter(|[last, c, next]| fits(*last, *c, *next)).count();
        (fit, characters().filter(|[_, c, _]| FREQUENT.contains(*c)).count())
    };
    let (fit, _) = fitting(Charset::Known(guess));
    if beside.len() - fit < LEAST || fit * 5 > beside.len() * 4 {
        return None;
    }
    let all = [Charset::of_code_page(DOS), Some(Charset::Known(MACINTOSH))].into_iter().flatten();
    let all = all.map(|older| (fitting(older), older));
    // The last one of the best is taken.
    let best = all
        .filter(|((fit, _), _)| fit * 20 >= beside.len() * 19)
        .max_by_key(|((_, frequent), _)| *frequent);
    best.map(|(_, older)| older)
}

/// Whether a character may stand between these, of which one is a letter.
fn fits(last: char, c: char, next: char) -> bool {
    let is_inner = last.is_alphabetic() && next.is_alphabetic();
    match c {
        '\u{ad}' | '’' | '‘' | '–' | '—' | '…' | '·' => true,
        '‚' | '„' => !last.is_alphabetic(),
        c if c.is_alphabetic() => {
            !(c.is_uppercase() && (last.is_lowercase() || is_inner && next.is_lowercase()))
        }
        c => !is_inner && !c.is_control() && c != char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;

    use super::*;

    #[test]
    fn words_tell_the_encoding() {
        let dos = b"Gr\x94\xe1e f\x81r sch\x94ne W\x94rter, \x84hnlich in M\x81nchen";
        let mac = b"Gr\x9a\xa7e f\x9fr sch\x9ane W\x9arter, \x8ahnlich in M\x9fnchen";
        for (sample, expected) in
            [(&dos[..], Charset::of_code_page(DOS)), (mac, Some(Charset::Known(MACINTOSH)))]
        {
            let found = charset(sample, WINDOWS_1252);
            assert_eq!(found, expected);
            let text = "Größe für schöne Wörter, ähnlich in München";
            assert_eq!(found.unwrap().decode(sample), text);
        }
        let windows = b"Gr\xf6\xdfe: sch\xf6nes Wetter";
        let quotes = b"It\x92s what they don\x92t, can\x92t and won\x92t say: \x93word\x94";
        for sample in [&windows[..], quotes, b"plain", b"\xa7\xa7 1 \xa7"] {
            assert_eq!(charset(sample, WINDOWS_1252), None);
        }
    }
}
