//! Encodings of DOS and of old Macintoshes, which the detector does not know and takes for one of Windows.

use encoding_rs::{Encoding, MACINTOSH};

use crate::text::charset::Charset;

/// The code page of DOS in Western Europe; its letters are those of 437, the one of America.
const DOS: u32 = 850;
/// High bytes within words that are needed to tell.
const LEAST: usize = 3;

/// The encoding from before Windows of a sample that `guess` makes no words of, if one of these does. What is between two
/// letters of a word tells: it is a letter, and no capital beside a small letter.
pub(crate) fn charset(sample: &[u8], guess: &'static Encoding) -> Option<Charset> {
    let inner: Vec<[u8; 3]> = sample
        .windows(3)
        .map(|bytes| [bytes[0], bytes[1], bytes[2]])
        .filter(|[last, byte, next]| {
            last.is_ascii_alphabetic() && !byte.is_ascii() && next.is_ascii_alphabetic()
        })
        .collect();
    let fitting = |charset: Charset| {
        let upper_half: Vec<char> = charset.decode(&UPPER_HALF).chars().collect();
        let character = |byte: u8| upper_half.get(usize::from(byte - 128)).copied().unwrap_or(' ');
        inner.iter().filter(|[last, byte, next]| fits(*last, character(*byte), *next)).count()
    };
    if inner.len() < LEAST || fitting(Charset::Known(guess)) * 5 > inner.len() * 4 {
        return None;
    }
    let all = [Some(Charset::Known(MACINTOSH)), Charset::of_code_page(DOS)];
    all.into_iter().flatten().find(|older| fitting(*older) * 20 >= inner.len() * 19)
}

/// All bytes that are not ASCII.
const UPPER_HALF: [u8; 128] = {
    let mut bytes = [0; 128];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = 128 + at as u8;
        at += 1;
    }
    bytes
};

/// Whether a character may be within a word, between these letters.
fn fits(last: u8, c: char, next: u8) -> bool {
    let is_small = last.is_ascii_lowercase() || next.is_ascii_lowercase();
    let is_letter = c.is_alphabetic() && !(is_small && c.is_uppercase());
    is_letter || matches!(c, '\u{ad}' | '’' | '‘' | '–' | '—' | '…' | '·')
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
