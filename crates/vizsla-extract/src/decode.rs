//! Bytes become text: byte-order marks are obeyed, UTF-8 is taken as it is, anything else is guessed.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

use crate::error::{Error, ErrorKind};

/// How much of a file is looked at to guess its encoding.
const SAMPLE_BYTES: usize = 64 * 1024;

/// Decodes a whole file.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, Error> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Ok(encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned());
    }
    if is_binary(bytes) {
        return Err(Error::new(ErrorKind::Binary, "is binary, not text"));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.to_owned());
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(SAMPLE_BYTES)], bytes.len() <= SAMPLE_BYTES);
    Ok(detector.guess(None, Utf8Detection::Allow).decode_without_bom_handling(bytes).0.into_owned())
}

/// Text of any encoding without a byte-order mark has no zero bytes, and hardly any control characters.
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
    fn encodings_are_told_apart() {
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
    }

    #[test]
    fn binaries_are_refused() {
        assert_eq!(decode(b"\x7fELF\x02\x01\x01\0\0\0").unwrap_err().kind(), ErrorKind::Binary);
        assert_eq!(decode(b"%PDF-1.7 text").unwrap_err().kind(), ErrorKind::Binary);
    }
}
