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

/// Also returns the bytes after it.
pub(crate) fn decode_passage<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), BoxError> {
    let configuration = standard().with_limit::<MAX_PASSAGE>();
    let (value, length) = bincode::serde::decode_from_slice(bytes, configuration)?;
    Ok((value, bytes.get(length..).unwrap_or_default()))
}

/// Likewise.
pub(crate) fn decode_manifest<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), BoxError> {
    let configuration = standard().with_limit::<MAX_MANIFEST>();
    let (value, length) = bincode::serde::decode_from_slice(bytes, configuration)?;
    Ok((value, bytes.get(length..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use vizsla_core::Location;

    use super::*;

    #[test]
    fn damaged_bytes_cannot_nest_places_without_end() {
        let nested = |levels: usize| [[9, 0].repeat(levels), vec![0, 1, 2]].concat();
        let read = |levels| decode_passage::<Location>(&nested(levels)).map(|(place, _)| place);
        assert_eq!(read(2).unwrap().to_string(), ", , lines 1-2");
        let error = read(100_000).unwrap_err().to_string();
        assert!(error.contains("within too many others"), "{error}");
        read(1).unwrap();
    }
}
