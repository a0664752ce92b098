//! Single compressed files: gzip, bzip2, XZ, its predecessor LZMA, and Zstandard. What is inside is read as the file itself, under the name
//! without the extension; formats that are read record by record are unpacked while they are read.

#[cfg(not(feature = "archive"))]
use crate::archive::{
    MISSING as BZIP2_READ, MISSING as GZIP_READ, MISSING as LZMA_READ, MISSING as XZ_READ,
    MISSING as ZSTD_READ,
};
use crate::definition::{Definition, Recognise};
#[cfg(feature = "archive")]
use reading::{BZIP2_READ, GZIP_READ, LZMA_READ, XZ_READ, ZSTD_READ};

/// gzip.
pub(crate) static GZIP: Definition = Definition {
    name: "gzip",
    title: "gzip",
    version: 3,
    extensions: &["gz", "tgz", "taz"],
    recognise: Recognise::Bytes(|bytes| bytes.starts_with(b"\x1f\x8b\x08")),
    is_foreign: true,
    read: GZIP_READ,
};

/// bzip2.
pub(crate) static BZIP2: Definition = Definition {
    name: "bzip2",
    title: "bzip2",
    version: 2,
    extensions: &["bz2", "tbz2", "tbz"],
    recognise: Recognise::Bytes(is_bzip2),
    is_foreign: true,
    read: BZIP2_READ,
};

/// XZ.
pub(crate) static XZ: Definition = Definition {
    name: "xz",
    title: "XZ",
    version: 2,
    extensions: &["xz", "txz"],
    recognise: Recognise::Bytes(|bytes| bytes.starts_with(b"\xfd7zXZ\0")),
    is_foreign: true,
    read: XZ_READ,
};

/// LZMA.
pub(crate) static LZMA: Definition = Definition {
    name: "lzma",
    title: "LZMA",
    version: 2,
    extensions: &["lzma", "tlz"],
    recognise: Recognise::Bytes(is_lzma),
    is_foreign: true,
    read: LZMA_READ,
};

/// Zstandard.
pub(crate) static ZSTD: Definition = Definition {
    name: "zstd",
    title: "Zstandard",
    version: 2,
    extensions: &["zst", "zstd", "tzst"],
    recognise: Recognise::Bytes(is_zstd),
    is_foreign: true,
    read: ZSTD_READ,
};

/// The signature, the size of blocks, and the beginning of the first block or of the end.
fn is_bzip2(bytes: &[u8]) -> bool {
    let rest = bytes.strip_prefix(b"BZh").and_then(|rest| rest.split_first());
    rest.is_some_and(|(size, rest)| {
        (b'1'..=b'9').contains(size)
            && (rest.starts_with(b"1AY&SY") || rest.starts_with(b"\x17\x72\x45\x38\x50\x90"))
    })
}

/// There is no signature: the usual properties, a dictionary of a power of two, and no size or a sensible one.
fn is_lzma(bytes: &[u8]) -> bool {
    let Some((&[properties, rest @ ..], _)) = bytes.split_first_chunk::<13>() else {
        return false;
    };
    let (dictionary, size) = rest.split_at(4);
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let (dictionary, size) = (number(dictionary), number(size));
    properties == 0x5d && dictionary.is_power_of_two() && (size == u64::MAX || size < 1 << 40)
}

/// A frame, or one to be skipped.
fn is_zstd(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x28\xb5\x2f\xfd")
        || bytes.first().is_some_and(|first| first & 0xf0 == 0x50)
            && bytes.get(1..4) == Some(b"\x2a\x4d\x18")
}

#[cfg(feature = "archive")]
mod reading {
    use std::io::{self, BufRead, BufReader, Read as _};

    use crate::archive::decoder;
    use crate::archive::guard::{Counted, Guard, Trouble};
    use crate::archive::tar::is_tar;
    use crate::definition::Read;
    use crate::error::{Error, ErrorKind};
    use crate::output::{Output, file_name};
    use crate::sink::ProblemKind;

    pub(super) const GZIP_READ: Read = Read::Streamed(|reader, output| {
        let stored = stored_name(reader.fill_buf().unwrap_or_default());
        let name = inner_name(&output.name, stored);
        read(reader, decoder::gzip, &name, output)
    });
    pub(super) const BZIP2_READ: Read = Read::Streamed(|reader, output| {
        read(reader, decoder::bzip2, &inner_name(&output.name, None), output)
    });
    pub(super) const XZ_READ: Read = Read::Streamed(|reader, output| {
        read(reader, decoder::xz, &inner_name(&output.name, None), output)
    });
    pub(super) const LZMA_READ: Read = Read::Streamed(|reader, output| {
        read(reader, decoder::lzma, &inner_name(&output.name, None), output)
    });
    pub(super) const ZSTD_READ: Read = Read::Streamed(|reader, output| {
        read(reader, decoder::zstd, &inner_name(&output.name, None), output)
    });

    /// Bytes by which the format of what is inside is recognised.
    const HEAD_BYTES: usize = 64 << 10;

    /// The name without the extension of the compression, of which some stand for two. Where there is none, the name
    /// that is stored inside tells the format.
    fn inner_name(name: &str, stored: Option<String>) -> String {
        let name = file_name(name);
        let Some((stem, extension)) = name.rsplit_once('.') else {
            return stored.unwrap_or_else(|| name.to_owned());
        };
        match extension.to_ascii_lowercase().as_str() {
            "tgz" | "taz" | "tbz2" | "tbz" | "txz" | "tlz" | "tzst" => format!("{stem}.tar"),
            "gz" | "bz2" | "xz" | "lzma" | "zst" | "zstd" if stem.contains('.') => stem.to_owned(),
            "gz" | "bz2" | "xz" | "lzma" | "zst" | "zstd" => {
                stored.unwrap_or_else(|| stem.to_owned())
            }
            _ => stored.unwrap_or_else(|| name.to_owned()),
        }
    }

    /// The name in the header of a gzip file ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)).
    fn stored_name(head: &[u8]) -> Option<String> {
        const EXTRA: u8 = 4;
        const NAME: u8 = 8;
        let flags = *head.get(3)?;
        let mut rest = head.get(10..)?;
        if flags & EXTRA != 0 {
            let (length, after) = rest.split_first_chunk::<2>()?;
            rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
        }
        let name = rest.split(|byte| *byte == 0).next().filter(|_| flags & NAME != 0)?;
        // Latin-1, says the standard; UTF-8, say the files.
        Some(String::from_utf8_lossy(name).into_owned()).filter(|name| name.contains('.'))
    }

    type Decoder = fn(Counted<'_>) -> Box<dyn io::Read + '_>;

    fn read(
        reader: &mut dyn BufRead,
        decode: Decoder,
        name: &str,
        output: &mut Output<'_>,
    ) -> Result<(), Error> {
        let (counted, packed) = Counted::new(reader);
        // What is inside a container was held in memory, and counts as unpacked.
        let limit = if output.is_inside() { output.unpacked_left() } else { u64::MAX };
        let guard = Guard::new(decode(counted), packed, output.limits.member_bytes, limit);
        let mut unpacked = BufReader::with_capacity(HEAD_BYTES, guard);
        let head = unpacked.fill_buf().map_err(damaged)?;
        if let Some(read) = output.formats.streamed(name, head) {
            // An archive and its compression are one container to people.
            let is_archive = is_tar(head);
            let read = if is_archive {
                read(&mut unpacked, output)
            } else {
                output.deeper(|output| read(&mut unpacked, output))
            };
            let trouble = unpacked.into_inner().trouble.map(error);
            // The reason why the bytes ended is told rather than what a reader made of their end.
            return match (trouble, read) {
                (Some(trouble), Err(_)) => Err(trouble),
                (Some(trouble), Ok(())) => {
                    output.problem(ProblemKind::of(&trouble), None, trouble.to_string());
                    Ok(())
                }
                (None, read) => read,
            };
        }
        whole(unpacked, name, output)
    }

    fn whole(
        mut unpacked: BufReader<Guard<'_>>,
        name: &str,
        output: &mut Output<'_>,
    ) -> Result<(), Error> {
        let mut bytes = Vec::new();
        let limit = output.unpacked_left();
        unpacked.by_ref().take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(damaged)?;
        output.has_unpacked(bytes.len() as u64);
        if bytes.len() as u64 > limit {
            return Err(error(Trouble::TooLarge(limit)));
        }
        match unpacked.into_inner().trouble {
            Some(trouble @ (Trouble::Damaged(1.., _) | Trouble::Followed)) => {
                output.problem(ProblemKind::Malformed, None, error(trouble).to_string());
            }
            Some(trouble) => return Err(error(trouble)),
            None => {}
        }
        output.deeper(|output| output.formats.read(name, &bytes, output))
    }

    fn error(trouble: Trouble) -> Error {
        match trouble {
            Trouble::TooLarge(limit) => Error::new(
                ErrorKind::TooLarge,
                format!("unpacks to more than the {limit} bytes allowed; unpack it first"),
            ),
            Trouble::Followed => Error::new(
                ErrorKind::Malformed,
                "is followed by bytes of something else, which are left out",
            ),
            Trouble::Damaged(0, error) => damaged(error),
            Trouble::Damaged(at, error) => Error::new(
                ErrorKind::Malformed,
                format!("is damaged after {at} unpacked bytes; what comes before is read: copy it again, or look for a whole copy"),
            )
            .with_source(error),
        }
    }

    fn damaged(error: io::Error) -> Error {
        Error::new(ErrorKind::Malformed, "is damaged and cannot be unpacked: look for a whole copy")
            .with_source(error)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_inner_name_has_no_extension_of_the_compression() {
            let stored = || Some("notes.md".to_owned());
            for (name, inner) in [
                ("d/a.log.gz", "a.log"),
                ("a.TGZ", "a.tar"),
                ("a.tar.xz", "a.tar"),
                ("a.gz", "notes.md"),
                ("a", "notes.md"),
                ("a.bin", "notes.md"),
            ] {
                assert_eq!(inner_name(name, stored()), inner, "{name}");
            }
            assert_eq!(inner_name("a.gz", None), "a");
        }

        #[test]
        fn the_stored_name_is_behind_the_extra_field() {
            assert_eq!(stored_name(b"\x1f\x8b\x08\x08123456a.md\0").unwrap(), "a.md");
            assert_eq!(stored_name(b"\x1f\x8b\x08\x0c123456\x02\0xxa.md\0").unwrap(), "a.md");
            assert_eq!(stored_name(b"\x1f\x8b\x08\x00123456a.md\0"), None);
            assert_eq!(stored_name(b"\x1f\x8b\x08\x0c123456\xff\xff"), None);
        }
    }
}
