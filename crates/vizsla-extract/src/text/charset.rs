//! Encodings by the names and numbers by which files and messages call them. In: a name, or the number of a code page,
//! and bytes. Out: text.
//!
//! The web knows those of [`encoding_rs`]; mail, old pages, RTF and Outlook use more.

mod seven_bits;
mod tables;

use std::borrow::Cow;

use encoding_rs::{self as known, Encoding};

pub(crate) use seven_bits::iso_2022;

/// An encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    /// One that the web knows.
    Known(&'static Encoding),
    /// One byte a character: ASCII, and these from 128 on.
    Single(&'static str),
    /// Chinese in ASCII, between `~{` and `~}` (RFC 1843).
    Hz,
    /// Unicode in ASCII, between `+` and `-` (RFC 2152).
    Utf7,
    /// Chinese or Korean in ASCII, after escape sequences (RFC 1557, RFC 1922).
    Iso2022,
}

impl Charset {
    /// The encoding of this name; `None` for an unknown one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.trim().trim_matches(['"', '\'']);
        let of_web = Encoding::for_label(name.as_bytes());
        if let Some(known) = of_web.filter(|known| *known != known::REPLACEMENT) {
            return Some(Self::Known(known));
        }
        let letters = |c: &char| c.is_ascii_alphanumeric();
        let key: String = name.chars().filter(letters).collect::<String>().to_ascii_lowercase();
        match key.strip_prefix('x').unwrap_or(&key) {
            "hz" | "hzgb" | "hzgb2312" => Some(Self::Hz),
            "utf7" | "unicode11utf7" | "unicode20utf7" | "csunicode11utf7" => Some(Self::Utf7),
            "iso2022kr" | "csiso2022kr" | "iso2022cn" | "iso2022cnext" => Some(Self::Iso2022),
            key => Self::of_code_page(of_platform(key).or_else(|| number(key))?),
        }
    }

    /// The encoding of a code page, by the numbers of IBM and Microsoft.
    pub(crate) fn of_code_page(number: u32) -> Option<Self> {
        let encoding = match number {
            367 | 819 | 1252 | 20_127 | 28_591 => known::WINDOWS_1252,
            866 => known::IBM866,
            874 => known::WINDOWS_874,
            932 | 943 => known::SHIFT_JIS,
            936 | 1386 | 20_936 | 51_936 => known::GBK,
            949 | 1363 | 51_949 => known::EUC_KR,
            950 => known::BIG5,
            1250 => known::WINDOWS_1250,
            1251 => known::WINDOWS_1251,
            1253 => known::WINDOWS_1253,
            1254 | 28_599 => known::WINDOWS_1254,
            1255 => known::WINDOWS_1255,
            1256 => known::WINDOWS_1256,
            1257 => known::WINDOWS_1257,
            1258 => known::WINDOWS_1258,
            10_000 => known::MACINTOSH,
            10_007 | 10_017 => known::X_MAC_CYRILLIC,
            20_866 | 878 => known::KOI8_R,
            21_866 | 1168 => known::KOI8_U,
            28_592..=28_606 => {
                let label = format!("iso-8859-{}", number - 28_590);
                Encoding::for_label(label.as_bytes())?
            }
            50_220..=50_222 => known::ISO_2022_JP,
            51_932 => known::EUC_JP,
            54_936 => known::GB18030,
            65_001 => known::UTF_8,
            52_936 => return Some(Self::Hz),
            65_000 => return Some(Self::Utf7),
            50_225 | 50_227 => return Some(Self::Iso2022),
            other => return tables::upper_half(other).map(Self::Single),
        };
        Some(Self::Known(encoding))
    }

    /// Whether all bytes of a text in it are ASCII, so that they do not show that it is in use.
    pub(crate) fn has_seven_bits(self) -> bool {
        matches!(self, Self::Hz | Self::Utf7 | Self::Iso2022)
    }

    /// The characters of the bytes from 128 on, where each byte is one.
    pub(crate) fn upper_half(self) -> Vec<char> {
        self.decode(&(128..=255).collect::<Vec<u8>>()).chars().collect()
    }

    /// The text of bytes, with U+FFFD in place of invalid ones.
    pub(crate) fn decode(self, bytes: &[u8]) -> String {
        match self {
            Self::Known(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            Self::Single(upper_half) => {
                let upper_half: Vec<char> = upper_half.chars().collect();
                let character = |byte: &u8| {
                    let upper =
                        byte.checked_sub(128).and_then(|at| upper_half.get(usize::from(at)));
                    upper.copied().unwrap_or(char::from(*byte))
                };
                bytes.iter().map(character).collect()
            }
            Self::Hz => seven_bits::hz(bytes),
            Self::Utf7 => seven_bits::utf_7(bytes),
            Self::Iso2022 => {
                iso_2022(bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes).into())
            }
        }
    }

    /// The text of bytes that are all in this encoding.
    pub(crate) fn decode_exactly(self, bytes: &[u8]) -> Option<String> {
        if let Self::Known(encoding) = self {
            let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
            return text.map(Cow::into_owned);
        }
        Some(self.decode(bytes)).filter(|text| !text.contains(char::REPLACEMENT_CHARACTER))
    }
}

/// The code page of an encoding that is named after its platform or a standard, with letters and digits alone.
fn of_platform(key: &str) -> Option<u32> {
    Some(match key {
        "macroman" | "macwestern" | "applemac" => 10_000,
        "macgreek" => 10_006,
        "maccyrillic" | "macukrainian" | "macukraine" => 10_007,
        "macromanian" | "macromania" => 10_010,
        "macce" | "maccentraleurope" | "maccentraleurroman" | "maclatin2" => 10_029,
        "maciceland" | "macicelandic" => 10_079,
        "macturkish" => 10_081,
        "maccroatian" => 10_082,
        "ansinew" | "ascii" | "usascii" => 1252,
        "latin7" => 28_603,
        "latin8" => 28_604,
        "latin9" => 28_605,
        "latin10" => 28_606,
        "cspc8codepage437" => 437,
        "cspc850multilingual" => 850,
        "cspc862latinhebrew" => 862,
        "cspcp852" => 852,
        "eucjp" => 51_932,
        "euccn" | "eucgb2312cn" => 936,
        "uhc" | "ksc56011987" | "ksc5601" => 949,
        "shiftjis" => 932,
        _ => return None,
    })
}

/// The code page that a name tells by its number: `cp437`, `IBM00858`, `win1251`, `iso88592`, `8859-2`.
fn number(key: &str) -> Option<u32> {
    let digits = key.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 = digits.parse().ok()?;
    match &key[..key.len() - digits.len()] {
        "" | "cp" | "ibm" | "csibm" | "win" | "windows" | "dos" | "ms" | "oem" | "codepage"
        | "iso"
            if digits.starts_with("8859") =>
        {
            Some(28_590 + digits[4..].parse::<u32>().ok().filter(|part| (1..=16).contains(part))?)
        }
        "" if digits.len() < 3 => None,
        "" | "cp" | "ibm" | "csibm" | "win" | "windows" | "dos" | "ms" | "oem" | "codepage" => {
            Some(number)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_have_many_names() {
        let known = |names: &[&str], expected| {
            for name in names {
                assert_eq!(Charset::named(name), Some(expected), "{name}");
            }
        };
        known(
            &["cp1251", "win-1251", "Windows1251", "CP-1251", "ms1251"],
            Charset::Known(known::WINDOWS_1251),
        );
        known(
            &["x-mac-cyrillic", "MacCyrillic", "mac-cyrillic", "x-mac-ukrainian", "cp10007"],
            Charset::Known(known::X_MAC_CYRILLIC),
        );
        known(
            &["iso-8859-16", "latin10", "ISO8859-16", "8859_16"],
            Charset::Known(known::ISO_8859_16),
        );
        known(&["HZ-GB-2312", "hz", "x-hz"], Charset::Hz);
        known(&["UTF-7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7"], Charset::Utf7);
        for (name, byte, c) in [
            ("IBM437", 0x94, 'ö'),
            ("cp850", 0xb5, 'Á'),
            ("ibm-852", 0xa5, 'ą'),
            ("IBM00858", 0xd5, '€'),
            ("cp866", 0x80, 'А'),
            ("x-mac-ce", 0x82, 'ā'),
            ("x-mac-greek", 0xe1, 'α'),
            ("x-mac-turkish", 0xdb, 'ğ'),
        ] {
            let decoded = Charset::named(name).unwrap().decode_exactly(&[b'a', byte]);
            assert_eq!(decoded.unwrap(), format!("a{c}"), "{name}");
        }
        for unknown in ["", "x-none", "utf", "8bit", "12", "binary", "iso-8859-99"] {
            assert_eq!(Charset::named(unknown), None, "{unknown}");
        }
        assert_eq!(Charset::of_code_page(857).unwrap().decode_exactly(b"\xd5\xe7"), None);
    }
}
