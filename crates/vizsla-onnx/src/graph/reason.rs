//! Why a graph is not run in the fastest way.

use std::fmt;

use crate::encoder::Unsupported;

/// Why a graph is not run by the encoder, or not even simplified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The options requested it.
    Requested,
    /// A device other than the processor runs padded batches, which need the whole graph.
    Device,
    /// The weights are not 8-bit integers.
    FloatWeights,
    /// The encoder cannot run these layers here.
    Encoder(Unsupported),
    /// The graph does not have the structure of a BERT; holds in what respect.
    Structure(&'static str),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("as requested"),
            Self::Device => f.write_str("padded batches need its mask"),
            Self::FloatWeights => f.write_str("its weights are not 8-bit integers"),
            Self::Encoder(unsupported) => unsupported.fmt(f),
            Self::Structure(difference) => f.write_str(difference),
        }
    }
}
