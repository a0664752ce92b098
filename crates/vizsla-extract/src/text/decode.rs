//! Decodes bytes to text: byte-order marks are obeyed, UTF-8 is accepted even with a few invalid bytes, and any other
//! encoding is the declared one if that fits, or else guessed.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1250, WINDOWS_1252};

use crate::error::{Error, ErrorKind};
use crate::text::charset::{Charset, iso_2022};
use crate::text::{declared, older, western};

/// How much of a file is inspected to decide whether it is text, at its beginning, middle and end, and how much of its
/// non-ASCII lines to guess their encoding.
const SAMPLE_BYTES: usize = 64 * 1024;

/// How much of a file is looked at for an encoding from before Windows.
const OLDER_BYTES: usize = 1 << 20;

/// The beginnings of files that are not text, though much of what follows may look like it.
const SIGNATURES: &[&[u8]] = &[
    b"%PDF-",
    b"PK\x03\x04",
    b"\x7fELF",
    b"\x89PNG",
    b"GIF87a",
    b"GIF89a",
    b"\xff\xd8\xff",
    b"SQLite format 3\0",
    b"wOFF",
    b"wOF2",
    b"OTTO",
    b"!<arch>\n",
    b"OggS",
    b"fLaC",
    b"ID3\x03",
    b"ID3\x04",
];

/// Decodes a whole file.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, Error> {
    let text = match wide(bytes) {
        Some(wide) => wide.decode(bytes),
        None if is_binary(bytes) => {
            return Err(Error::new(ErrorKind::Binary, "is binary, not text"));
        }
        None => decode_text(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)),
    };
    // Line ends as old systems had them.
    let text =
        if text.contains('\r') && !text.contains('\n') { text.replace('\r', "\n") } else { text };
    Ok(if text.contains('\0') { without_zeros(&text) } else { text })
}

/// A text without its zero characters: they end the lines where they stand between words, as `find -print0` writes them
/// and Linux keeps the environment of a process; else they are left of a write that did not finish, or of another encoding.
fn without_zeros(text: &str) -> String {
    let (mut pieces, mut words) = (0usize, 0usize);
    for piece in text.split('\0') {
        pieces += 1;
        words += usize::from(piece.chars().nth(1).is_some());
    }
    let lines = text.bytes().filter(|byte| *byte == b'\n').count();
    text.replace('\0', if pieces > lines + 1 && words * 2 > pieces { "\n" } else { "" })
}

/// Decodes text in an encoding whose line ends are those of ASCII.
pub(crate) fn decode_text(bytes: &[u8]) -> String {
    if let Some(text) = escaped(bytes) {
        return text;
    }
    let declared = declared::charset(bytes);
    if let Some(charset) = declared.filter(|charset| charset.has_seven_bits())
        && let Some(text) = charset.decode_exactly(bytes)
    {
        return text;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    if is_nearly_utf8(bytes) {
        let invalid = |line: &&[u8]| std::str::from_utf8(line).is_err();
        let other = guess(bytes.split_inclusive(|byte| *byte == b'\n').filter(invalid));
        return by_line(bytes, |line| {
            if is_word_in_other_encoding(line) {
                other.decode_without_bom_handling(line).0
            } else {
                String::from_utf8_lossy(line)
            }
        });
    }
    if let Some(charset) = declared.filter(|charset| *charset != Charset::Known(UTF_8))
        && let Some(text) = charset.decode_exactly(bytes)
    {
        return text;
    }
    let encoding = guess(bytes.split_inclusive(|byte| *byte == b'\n'));
    if encoding.is_single_byte() {
        if let Some(older) = older::charset(&bytes[..bytes.len().min(OLDER_BYTES)], encoding) {
            return by_line(bytes, |line| Cow::Owned(older.decode(line)));
        }
        // Some programs write to the same log in one encoding, and some in another.
        return by_line(bytes, |line| encoding.decode_without_bom_handling(line).0);
    }
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// Decodes the lines that are not valid UTF-8 by `other`.
fn by_line<'a>(bytes: &'a [u8], other: impl Fn(&'a [u8]) -> Cow<'a, str>) -> String {
    let mut text = String::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match std::str::from_utf8(line) {
            Ok(line) => text.push_str(line),
            Err(_) => text.push_str(&other(line)),
        }
    }
    text
}

/// ASCII lines carry no information, and there may be megabytes of them before the first umlaut. No encoding that is
/// guessed has a line break within a character.
fn guess<'a>(lines: impl Iterator<Item = &'a [u8]>) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let (mut sample, mut seen) = (Vec::new(), 0);
    for line in lines.filter(|line| !line.is_ascii()) {
        detector.feed(line, false);
        sample.push(line);
        seen += line.len();
        if seen > SAMPLE_BYTES {
            break;
        }
    }
    detector.feed(b"", true);
    let guess = detector.guess(None, Utf8Detection::Allow);
    let lines = || sample.iter().copied();
    if guess == WINDOWS_1252 && western::is_hungarian(lines()) {
        return WINDOWS_1250;
    }
    if western::is_western(lines(), guess) { WINDOWS_1252 } else { guess }
}

/// Whether multi-byte characters are at least as many as invalid ones. In texts in other encodings, few of the
/// non-ASCII bytes happen to form valid UTF-8.
fn is_nearly_utf8(bytes: &[u8]) -> bool {
    let (mut whole, mut broken) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    whole > 0 && whole >= broken
}

/// Whether a line that is not valid UTF-8 is text of another encoding, and not UTF-8 that is damaged: it has no
/// multi-byte characters, and what is invalid is beside a letter.
fn is_word_in_other_encoding(line: &[u8]) -> bool {
    let has_characters = line.utf8_chunks().any(|chunk| !chunk.valid().is_ascii());
    let is_letter =
        |at: Option<usize>| at.and_then(|at| line.get(at)).is_some_and(u8::is_ascii_alphabetic);
    let mut high = line.iter().enumerate().filter(|(_, byte)| !byte.is_ascii());
    !has_characters
        && high.all(|(at, _)| is_letter(at.checked_sub(1)) || is_letter(at.checked_add(1)))
}

/// Decodes ISO 2022, whose bytes are all ASCII: escape sequences tell what they stand for.
fn escaped(bytes: &[u8]) -> Option<String> {
    // The first sequence comes before the first character of another script.
    memchr::memchr(0x1b, bytes)?;
    let has = |sequence: &[u8]| memchr::memmem::find(bytes, sequence).is_some();
    if let Some(text) = iso_2022(bytes) {
        return Some(text);
    }
    let is_japanese =
        [b"\x1b$B", b"\x1b$@", b"\x1b(J", b"\x1b(I"].iter().any(|sequence| has(*sequence));
    if !is_japanese {
        return None;
    }
    let text = ISO_2022_JP.decode_without_bom_handling_and_without_replacement(bytes)?;
    Some(text.into_owned())
}

/// An encoding whose characters have more than one byte each.
#[derive(Clone, Copy)]
struct Wide {
    /// Bytes of the byte-order mark.
    mark: usize,
    is_big: bool,
    /// Bytes of a unit: two or four.
    unit: usize,
}

impl Wide {
    fn decode(self, bytes: &[u8]) -> String {
        let bytes = bytes.get(self.mark..).unwrap_or_default();
        if self.unit == 2 {
            let encoding = if self.is_big { UTF_16BE } else { UTF_16LE };
            return encoding.decode_without_bom_handling(bytes).0.into_owned();
        }
        let units = bytes.as_chunks::<4>().0.iter();
        let number = |unit: &[u8; 4]| {
            if self.is_big { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) }
        };
        units
            .map(|unit| char::from_u32(number(unit)).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    }

    /// Whether this is Japanese on one line, which has no zero bytes: nothing but its characters, many of them kana.
    fn is_japanese(self, sample: &[u8]) -> bool {
        let (is_even, has_high) = (sample.len().is_multiple_of(2), !sample.is_ascii());
        if !is_even || !has_high || sample.len() < 8 {
            return false;
        }
        let (mut kana, mut all) = (0usize, 0usize);
        for c in self.decode(sample).chars() {
            all += 1;
            match c {
                '\u{3041}'..='\u{30ff}' => kana += 1,
                '\u{3000}'..='\u{303f}' | '\u{4e00}'..='\u{9fff}' | '\u{ff01}'..='\u{ff9f}' => {}
                _ => return false,
            }
        }
        kana * 4 >= all
    }

    /// Whether this is how a file without a mark is encoded: what it decodes to is text.
    fn fits(self, sample: &[u8]) -> bool {
        let sample = &sample[..sample.len() / self.unit * self.unit];
        let text = self.decode(sample);
        let (mut good, mut all) = (0, 0);
        for c in text.chars() {
            all += 1;
            let is_text = c.is_alphanumeric() || c.is_whitespace() || c.is_ascii_graphic();
            let is_mark = matches!(c, '\u{80}'..='\u{bf}' | '\u{300}'..='\u{36f}' | '\u{2000}'..='\u{2bff}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}');
            good += usize::from(is_text || is_mark);
        }
        all > 1 && good * 50 >= all * 49
    }
}

/// How a file that begins so is encoded, if its line ends are not those of ASCII.
fn wide(bytes: &[u8]) -> Option<Wide> {
    for (mark, is_big, unit) in [
        (&b"\xff\xfe\0\0"[..], false, 4),
        (b"\0\0\xfe\xff", true, 4),
        (b"\xff\xfe", false, 2),
        (b"\xfe\xff", true, 2),
    ] {
        if bytes.starts_with(mark) {
            return Some(Wide { mark: mark.len(), is_big, unit });
        }
    }
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    if memchr::memchr(0, sample).is_none() {
        let orders = [false, true].map(|is_big| Wide { mark: 0, is_big, unit: 2 });
        return orders.into_iter().find(|wide| wide.is_japanese(sample));
    }
    // Texts have spaces, digits or line ends in all languages, whose high bytes are zero; where in the unit they are
    // tells its order.
    let mut zeros = [0usize; 4];
    for (at, _) in sample.iter().enumerate().filter(|(_, byte)| **byte == 0) {
        zeros[at % 4] += 1;
    }
    let [a, b, c, d] = zeros;
    let units = sample.len() / 4;
    // A text in ASCII is one with a few stray zeros, unless they are nearly half of it.
    let all: usize = zeros.iter().sum();
    let other = sample.iter().filter(|byte| !byte.is_ascii() || is_control(**byte)).count();
    if other * 20 <= sample.len() - all && all * 3 < sample.len() {
        return None;
    }
    let candidate = if c.min(d) * 10 > units * 9 && a * 2 < c {
        Wide { mark: 0, is_big: false, unit: 4 }
    } else if a.min(b) * 10 > units * 9 && d * 2 < a {
        Wide { mark: 0, is_big: true, unit: 4 }
    } else if (a + c) * 2 <= b + d && (b + d) * 50 >= units {
        Wide { mark: 0, is_big: false, unit: 2 }
    } else if (b + d) * 2 <= a + c && (a + c) * 50 >= units {
        Wide { mark: 0, is_big: true, unit: 2 }
    } else {
        return None;
    };
    candidate.fits(sample).then_some(candidate)
}

/// Whether bytes are no text of an encoding with single-byte line ends: those have hardly any control characters.
/// Where there are zero bytes, as after a crash, all the rest has to be text without doubt.
fn is_binary(bytes: &[u8]) -> bool {
    if SIGNATURES.iter().any(|signature| bytes.starts_with(signature))
        || bytes.get(257..262) == Some(b"ustar")
    {
        return true;
    }
    let (mut all, mut zeros, mut control) = (0usize, 0usize, 0usize);
    for part in samples(bytes) {
        all += part.len();
        zeros += part.iter().filter(|byte| **byte == 0).count();
        control += part.iter().filter(|byte| is_control(**byte)).count();
    }
    if zeros == 0 {
        return control * 20 > all;
    }
    let rest: Vec<u8> = samples(bytes).flatten().copied().filter(|byte| *byte != 0).collect();
    control * 1000 > rest.len()
        || rest.is_empty()
        || !rest.is_ascii() && std::str::from_utf8(&rest).is_err() && !is_nearly_utf8(&rest)
}

/// Control characters that texts do not have: those of terminals, and of ISO 2022, are common enough.
fn is_control(byte: u8) -> bool {
    byte != 0
        && byte < 32
        && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x07 | 0x08 | 0x0c | 0x0e | 0x0f | 0x1b)
}

/// The beginning, the middle and the end.
fn samples(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let last = bytes.len().saturating_sub(SAMPLE_BYTES);
    let mut end = 0;
    [0, last / 2, last].into_iter().map(move |start| {
        let start = start.max(end);
        end = (start + SAMPLE_BYTES).min(bytes.len());
        &bytes[start..end]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_recognised() {
        assert_eq!(decode("Größe".as_bytes()).unwrap(), "Größe");
        assert_eq!(decode(b"\xef\xbb\xbfmark").unwrap(), "mark");
        assert_eq!(decode(b"\xff\xfeh\0i\0").unwrap(), "hi");
        let latin = encoding_rs::WINDOWS_1252
            .encode("Die Größe der Tür überrascht müde Gäste")
            .0
            .into_owned();
        assert_eq!(decode(&latin).unwrap(), "Die Größe der Tür überrascht müde Gäste");
        let japanese = encoding_rs::SHIFT_JIS
            .encode("これは日本語の文章です。検索してください。")
            .0
            .into_owned();
        assert_eq!(decode(&japanese).unwrap(), "これは日本語の文章です。検索してください。");
        let chinese =
            encoding_rs::GBK.encode("这是一段中文文字，用来测试编码的识别。").0.into_owned();
        assert_eq!(decode(&chinese).unwrap(), "这是一段中文文字，用来测试编码的识别。");
    }

    #[test]
    fn a_late_umlaut_is_seen() {
        let mut bytes = b"yes, plain ascii filler\n".repeat(4_000);
        bytes.extend(b"Herr M\xfcller\n");
        assert!(decode(&bytes).unwrap().ends_with("Herr Müller\n"));
    }

    #[test]
    fn a_broken_byte_does_not_spoil_the_rest() {
        assert_eq!(
            decode(b"M\xc3\xbcller\nbroken \xff byte\n").unwrap(),
            "Müller\nbroken \u{fffd} byte\n"
        );
        let cut = &"Größe und Gäste".as_bytes()["Größe und G".len()..];
        assert_eq!(decode(&cut[1..]).unwrap().chars().last(), Some('e'));
        let cut = "Größe, ä".as_bytes();
        assert_eq!(decode(&cut[..cut.len() - 1]).unwrap(), "Größe, \u{fffd}");
    }

    #[test]
    fn wide_encodings_need_no_mark() {
        let latin = "Name;Größe\r\nMüller;12\r\n";
        let russian = "Привет, мир. Это текст 2024 года.\n";
        let chinese = "这是一段中文文字。\n用来测试 编码。\n";
        for text in [latin, russian, chinese, "{\"id\": 1}\n"] {
            let units = || text.encode_utf16();
            let scalars = || text.chars().map(u32::from);
            for bytes in [
                units().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
                units().flat_map(u16::to_be_bytes).collect(),
                scalars().flat_map(u32::to_le_bytes).collect(),
                scalars().flat_map(u32::to_be_bytes).collect(),
            ] {
                assert_eq!(decode(&bytes).unwrap(), text, "{bytes:?}");
            }
        }
        let japanese = "東京は日本の首都です。";
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = japanese.encode_utf16().flat_map(to_bytes).collect();
            assert_eq!(decode(&bytes).unwrap(), japanese);
        }
        assert_eq!(decode(b"\xff\xfe\0\0h\0\0\0").unwrap(), "h");
        assert_eq!(decode(b"\0\0\xfe\xff\0\0\0h").unwrap(), "h");
    }

    #[test]
    fn escape_sequences_switch_the_script() {
        let japanese = b"Subject \x1b$B$3$l$OF|K\\8l\x1b(B end\n";
        assert_eq!(decode(japanese).unwrap(), "Subject これは日本語 end\n");
        let korean = b"\x1b$)C\x0eGQ1[\x0f text\n";
        assert_eq!(decode(korean).unwrap(), "한글 text\n");
        let terminal = "\x1b[31mred\x1b[0m\n";
        assert_eq!(decode(terminal.as_bytes()).unwrap(), terminal);
    }

    #[test]
    fn zero_bytes_in_a_text_are_nothing() {
        assert_eq!(decode(b"one\n\0\0\0\0\0\0two\nM\xc3\xbcller\n").unwrap(), "one\ntwo\nMüller\n");
        let appended = [&b"plain line\nanother one\n"[..], b"w\0i\0d\0e\0\n\0"].concat();
        assert_eq!(decode(&appended).unwrap(), "plain line\nanother one\nwide\n");
    }

    #[test]
    fn a_few_zero_bytes_make_no_wide_text() {
        for (bytes, text) in [
            (&b"id,name\n1,al\0pha\n2,beta\n"[..], "id,name\n1,alpha\n2,beta\n"),
            (b"name: beta\n\0", "name: beta\n"),
            (b"HOME=/root\0PATH=/bin\0LANG=C\0", "HOME=/root\nPATH=/bin\nLANG=C\n"),
            (b"./a b.txt\0./c/d.md\0", "./a b.txt\n./c/d.md\n"),
        ] {
            assert_eq!(decode(bytes).unwrap(), text);
        }
    }

    #[test]
    fn signs_of_an_english_text_are_no_letters() {
        let english = "She paid the bill and went home with her friends.\n".repeat(20);
        for text in [
            format!("{english}It was £5 in all.\n"),
            "The committee’s cost is £500 – “fair” says Tom.".to_owned(),
            "Copyright © 2024 Acme®. See § 5 and ¶ 3.".to_owned(),
            "Temperature today 20°C, tomorrow 25°C. Tolerance ± 2°C.".to_owned(),
        ] {
            let bytes = WINDOWS_1252.encode(&text).0;
            assert_eq!(decode(&bytes).unwrap(), text);
        }
        for (encoding, text) in [
            ("windows-1250", "Zażółć gęślą jaźń, Łódź, 5 zł"),
            ("iso-8859-2", "Zażółć gęślą jaźń, Łódź, 5 zł, książka i źródło"),
            ("windows-1250", "Příliš žluťoučký kůň úpěl ďábelské ódy, 5 Kč"),
            ("windows-1257", "Eik į mišką, ten auga ąžuolas, ūkininkas žiūri į žvaigždes"),
        ] {
            let bytes = Encoding::for_label(encoding.as_bytes()).unwrap().encode(text).0;
            assert_eq!(decode(&bytes).unwrap(), text, "{encoding}");
        }
    }

    #[test]
    fn short_texts_of_dos_and_of_hungary_are_read() {
        for (bytes, text) in [
            (
                &b"\x9abergabe an Herrn K\x94hler. Schl\x81ssel dabei.\r\n"[..],
                "Übergabe an Herrn Köhler. Schlüssel dabei.\r\n",
            ),
            (b"Gr\x81\xe1e aus K\x94ln\n", "Grüße aus Köln\n"),
            (
                b"Le caf\x82 est ferm\x82 \x85 midi, l'\x82t\x82 dernier.\r\n",
                "Le café est fermé à midi, l'été dernier.\r\n",
            ),
            (
                b"A sz\xfcl\xf5k \xf5szi \xfcnnepe: Gy\xf5r, H\xfbv\xf6sv\xf6lgy. K\xe9rj\xfck!",
                "A szülők őszi ünnepe: Győr, Hűvösvölgy. Kérjük!",
            ),
        ] {
            assert_eq!(decode(bytes).unwrap(), text);
        }
    }

    #[test]
    fn lines_of_another_encoding_are_decoded_by_themselves() {
        let mixed = b"M\xc3\xbcller ging heim\nJ\xfcrgen M\xf6ller\nSchlu\xc3\x9f\n";
        assert_eq!(decode(mixed).unwrap(), "Müller ging heim\nJürgen Möller\nSchluß\n");
        let mostly_latin =
            [b"J\xfcrgen M\xf6ller\n".repeat(9), b"M\xc3\xbcller\n".to_vec()].concat();
        assert!(decode(&mostly_latin).unwrap().ends_with("Möller\nMüller\n"));
    }

    #[test]
    fn a_declared_encoding_counts() {
        for (head, byte, c) in [
            ("<meta charset=windows-1250>", 0xb9, 'ą'),
            ("<META http-equiv=Content-Type content='text/html; charset=ISO-8859-2'>", 0xb1, 'ą'),
            ("<?xml version='1.0' encoding='koi8-r'?>", 0xc1, 'а'),
            ("#!/usr/bin/python\n# -*- coding: iso-8859-15 -*-\n", 0xa4, '€'),
            ("@charset \"macintosh\";", 0x80, 'Ä'),
            ("\\usepackage[latin2]{inputenc}\n", 0xb1, 'ą'),
            ("\\usepackage[cp852]{inputenc}\n", 0xa5, 'ą'),
            ("<meta charset=x-mac-cyrillic>", 0x8f, 'П'),
            ("<meta charset=MacCyrillic>", 0x8f, 'П'),
            ("<?xml version='1.0' encoding='IBM850'?>", 0x81, 'ü'),
            ("<?xml version='1.0' encoding='cp866'?>", 0x80, 'А'),
            ("<meta charset=iso-8859-16>", 0xa4, '€'),
        ] {
            let bytes = [head.as_bytes(), &[byte]].concat();
            assert!(decode(&bytes).unwrap().ends_with(c), "{head}");
        }
        for (page, end) in [
            (&b"<meta charset=hz-gb-2312>~{<:Ky~}"[..], ">己所"),
            (b"<?xml version='1.0' encoding='UTF-7'?>+AOQ-", ">ä"),
            (b"<meta charset=utf-7>1+1=2", ">1+1=2"),
            (b"<meta charset=iso-2022-cn>\x1b$)A\x0e<:Ky\x0f", ">己所"),
        ] {
            assert!(decode(page).unwrap().ends_with(end), "{end}");
        }
        let wrong = "<meta charset=latin1>Größe".as_bytes();
        assert!(decode(wrong).unwrap().ends_with("Größe"));
    }

    #[test]
    fn binaries_are_refused() {
        let structure: Vec<u8> = (0..400u32).flat_map(u32::to_le_bytes).collect();
        let waves: Vec<u8> = (0..4_000).map(|i| (i * i % 251) as u8).collect();
        for bytes in [
            &b"\xca\xfe\xba\xbe\0\0\0\x37"[..],
            b"MZ\x90\0\x03\0\0\0",
            b"\0\x01\0\0\0\x0c\0\x80",
            b"\0asm\x01\0\0\0",
            b"GIF89a",
            b"\0\0\0\0",
            &structure,
            &waves,
            &[&b"#!/bin/sh\ntail -n +3 $0 | tar xz\n"[..], &waves].concat(),
        ] {
            assert_eq!(decode(bytes).unwrap_err().kind(), ErrorKind::Binary, "{bytes:?}");
        }
        assert_eq!(decode(b"\x7fELF\x02\x01\x01\0\0\0").unwrap_err().kind(), ErrorKind::Binary);
        assert_eq!(decode(b"%PDF-1.7 text").unwrap_err().kind(), ErrorKind::Binary);
    }
}
