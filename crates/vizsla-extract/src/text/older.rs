//! Encodings of DOS and of old Macintoshes, which the detector does not know and takes for one of Windows.

use encoding_rs::{Encoding, MACINTOSH};

/// Characters from 128 of code page 850, whose letters are those of 437.
const DOS: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";
/// High bytes within words that are needed to tell.
const LEAST: usize = 3;

/// An encoding from before Windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Older {
    Dos,
    Macintosh,
}

impl Older {
    pub(crate) fn decode(self, bytes: &[u8]) -> String {
        match self {
            Self::Dos => bytes.iter().map(|byte| self.character(*byte)).collect(),
            Self::Macintosh => MACINTOSH.decode_without_bom_handling(bytes).0.into_owned(),
        }
    }

    fn character(self, byte: u8) -> char {
        match self {
            _ if byte.is_ascii() => char::from(byte),
            Self::Dos => DOS.chars().nth(usize::from(byte - 128)).unwrap_or(' '),
            Self::Macintosh => decoded(MACINTOSH, byte),
        }
    }

    /// The encoding of a sample that `guess` makes no words of, if one of these does. What is between two letters of a
    /// word tells: it is a letter, and no capital beside a small letter.
    pub(crate) fn of(sample: &[u8], guess: &'static Encoding) -> Option<Self> {
        let inner: Vec<[u8; 3]> = sample
            .windows(3)
            .map(|bytes| [bytes[0], bytes[1], bytes[2]])
            .filter(|[last, byte, next]| {
                last.is_ascii_alphabetic() && !byte.is_ascii() && next.is_ascii_alphabetic()
            })
            .collect();
        let fitting = |character: &dyn Fn(u8) -> char| {
            inner.iter().filter(|[last, byte, next]| fits(*last, character(*byte), *next)).count()
        };
        if inner.len() < LEAST || fitting(&|byte| decoded(guess, byte)) * 5 > inner.len() * 4 {
            return None;
        }
        let mut all = [Self::Macintosh, Self::Dos].into_iter();
        all.find(|older| fitting(&|byte| older.character(byte)) * 20 >= inner.len() * 19)
    }
}

fn decoded(encoding: &'static Encoding, byte: u8) -> char {
    let bytes = [byte];
    encoding.decode_without_bom_handling(&bytes).0.chars().next().unwrap_or(' ')
}

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
        for (sample, expected) in [(&dos[..], Older::Dos), (mac, Older::Macintosh)] {
            let found = Older::of(sample, WINDOWS_1252).unwrap();
            assert_eq!(found, expected);
            let text = "Größe für schöne Wörter, ähnlich in München";
            assert_eq!(found.decode(sample), text);
        }
        let windows = b"Gr\xf6\xdfe: sch\xf6nes Wetter";
        let quotes = b"It\x92s what they don\x92t, can\x92t and won\x92t say: \x93word\x94";
        for sample in [&windows[..], quotes, b"plain", b"\xa7\xa7 1 \xa7"] {
            assert_eq!(Older::of(sample, WINDOWS_1252), None);
        }
    }
}
