//! Encodes what is stored beside the engine's own data: the only file that knows `bincode`.

use bincode::config::standard;
use serde::Serialize;
use serde::de::DeserializeOwned;
use vizsla_core::BoxError;

/// The most bytes that one stored passage may claim, so that a damaged length is an error rather than an allocation.
const MAX_PASSAGE: usize = 64 << 20;
/// The most bytes that a manifest may claim: some ten million files.
const MAX_MANIFEST: usize = 4 << 30;

/// `expected` is the approximate size in bytes.
pub(crate) fn encode(value: &impl Serialize, expected: usize) -> Result<Vec<u8>, BoxError> {
    let mut bytes = Vec::with_capacity(expected);
    encode_into(value, &mut bytes)?;
    Ok(bytes)
}

/// Appends the bytes of a value.
pub(crate) fn encode_into(value: &impl Serialize, bytes: &mut Vec<u8>) -> Result<(), BoxError> {
    bincode::serde::encode_into_std_write(value, bytes, standard())?;
    Ok(())
}

pub(crate) fn decode_passage<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BoxError> {
    let configuration = standard().with_limit::<MAX_PASSAGE>();
    Ok(bincode::serde::decode_from_slice(bytes, configuration)?.0)
}

/// Also returns the bytes after it.
pub(crate) fn decode_manifest<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), BoxError> {
    let configuration = standard().with_limit::<MAX_MANIFEST>();
    let (value, length) = bincode::serde::decode_from_slice(bytes, configuration)?;
    Ok((value, bytes.get(length..).unwrap_or_default()))
}
