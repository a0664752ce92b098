//! Hashes of files, in hexadecimal.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// The SHA-256 of a file in hexadecimal.
pub(crate) fn sha256(path: &Path) -> Result<String, Error> {
    hash(path, Sha256::new())
}

/// The hash under which the hub stores content, recognised by its length: SHA-256, or git's blob hash, which is the SHA-1 of
/// `blob`, the length and the content.
pub(crate) fn content_hash(path: &Path, hexadecimal_digits: usize) -> Result<String, Error> {
    if hexadecimal_digits == 64 {
        return sha256(path);
    }
    let length = path.metadata().map_err(|error| Error::io("read", path, error))?.len();
    hash(path, Sha1::new_with_prefix(format!("blob {length}\0")))
}

fn hash(path: &Path, mut hash: impl Digest) -> Result<String, Error> {
    let mut file = File::open(path).map_err(|error| Error::io("read", path, error))?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(|error| Error::io("read", path, error))? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write;
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}
