//! Files that hold other files: compressed files and archives.
//!
//! A compressed file is the file inside it: its documents have the ids and places that they would have uncompressed. An
//! archive is a folder, whose files are members.

mod compressed;
#[cfg(feature = "archive")]
mod decoder;
#[cfg(feature = "archive")]
mod guard;
#[cfg(feature = "archive")]
mod member;
#[cfg(feature = "archive")]
mod names;
mod tar;
mod zip;

use crate::definition::{Definition, Read, Recognise};

/// The formats of this group.
pub(crate) static FORMATS: &[&Definition] = &[
    &compressed::GZIP,
    &compressed::BZIP2,
    &compressed::XZ,
    &compressed::LZMA,
    &compressed::ZSTD,
    &zip::FORMAT,
    &tar::FORMAT,
    &SEVEN_ZIP,
    &RAR,
    &LZ4,
];

/// What is said of a format whose feature this build lacks.
#[cfg(not(feature = "archive"))]
const MISSING: Read = Read::Not("this build was made without the feature `archive`");

static SEVEN_ZIP: Definition = Definition {
    name: "7z",
    title: "7-Zip",
    version: 1,
    extensions: &["7z"],
    recognise: Recognise::Bytes(|bytes| bytes.starts_with(b"7z\xbc\xaf\x27\x1c")),
    is_foreign: false,
    read: Read::Not("unpack it first"),
};

static RAR: Definition = Definition {
    name: "rar",
    title: "RAR",
    version: 1,
    extensions: &["rar"],
    recognise: Recognise::Bytes(|bytes| bytes.starts_with(b"Rar!\x1a\x07")),
    is_foreign: false,
    read: Read::Not("unpack it first"),
};

static LZ4: Definition = Definition {
    name: "lz4",
    title: "LZ4",
    version: 1,
    extensions: &["lz4"],
    recognise: Recognise::Bytes(|bytes| bytes.starts_with(b"\x04\x22\x4d\x18")),
    is_foreign: false,
    read: Read::Not("unpack it first"),
};

#[cfg(test)]
#[cfg(feature = "archive")]
mod tests;
