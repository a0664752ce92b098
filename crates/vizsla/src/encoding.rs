//! What is stored beside the engine's own data, as bytes: the only file that knows `bincode`.

use bincode::config::{Configuration, standard};
use serde::Serialize;
use serde::de::DeserializeOwned;
use vizsla_core::BoxError;

const CONFIGURATION: Configuration = standard();

pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, BoxError> {
    Ok(bincode::serde::encode_to_vec(value, CONFIGURATION)?)
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BoxError> {
    Ok(bincode::serde::decode_from_slice(bytes, CONFIGURATION)?.0)
}
