//! ONNX Runtime: the only folder that knows the crate `ort`. In: a prepared graph and pairs of token ids. Out: logits.

mod operator;
mod provider;
mod runtime;
mod session;

pub(crate) use self::provider::candidates;
pub use self::runtime::Runtime;
pub(crate) use self::session::{Session, SharedValues};
