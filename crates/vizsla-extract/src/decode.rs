//! Decodes bytes to text: byte-order marks are obeyed, UTF-8 is accepted even with a few invalid bytes, and any other
//! encoding is guessed.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

use crate::error::{Error, ErrorKind};

/// How much of a file is inspected to decide whether it is text, and how much of its non-ASCII lines to guess their
/// encoding.
const SAMPLE_BYTES: usize = 64 * 1024;

/// Decodes a whole file.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, Error> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Ok(encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned());
    }
    if is_binary(bytes) {
        return Err(Error::new(ErrorKind::Binary, "is binary, not text"));
    }
    Ok(decode_text(bytes))
}

/// Decodes text that has no byte-order mark.
pub(crate) fn decode_text(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    if is_nearly_utf8(bytes) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    let mut seen = 0;
    // ASCII lines carry no information, and there may be megabytes of them before the first umlaut. No remaining
    // encoding has a line break within a character.
    for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.is_ascii()) {
        detector.feed(line, false);
        seen += line.len();
        if seen > SAMPLE_BYTES {
            break;
        }
    }
    detector.feed(b"", true);
    detector.guess(None, Utf8Detection::Allow).decode_without_bom_handling(bytes).0.into_owned()
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

/// Text of any encoding without a byte-order mark has no zero bytes and hardly any control characters.
fn is_binary(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    let control =
        |byte: &&u8| **byte < 32 && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b | 0x08);
    sample.contains(&0)
        || sample.starts_with(b"%PDF-")
        || sample.iter().filter(control).count() * 20 > sample.len()
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
    fn binaries_are_refused() {
        assert_eq!(decode(b"\x7fELF\x02\x01\x01\0\0\0").unwrap_err().kind(), ErrorKind::Binary);
        assert_eq!(decode(b"%PDF-1.7 text").unwrap_err().kind(), ErrorKind::Binary);
    }
}
