//! What is stored beside the engine's own data, as bytes: the only file that knows `bincode`.

use bincode::config::{Configuration, standard};
use serde::Serialize;
use serde::de::DeserializeOwned;
use vizsla_core::BoxError;

const CONFIGURATION: Configuration = standard();

/// `expected` is about how many bytes it will be.
pub(crate) fn encode(value: &impl Serialize, expected: usize) -> Result<Vec<u8>, BoxError> {
    let mut bytes = Vec::with_capacity(expected);
    bincode::serde::encode_into_std_write(value, &mut bytes, CONFIGURATION)?;
    Ok(bytes)
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BoxError> {
    Ok(bincode::serde::decode_from_slice(bytes, CONFIGURATION)?.0)
}
