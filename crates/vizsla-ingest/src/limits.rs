//! The limits that concern reading files, in the form in which they are stored and sent.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vizsla::Limits;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct ReadLimits {
    file_bytes: u64,
    record_bytes: usize,
    text_bytes: usize,
    metadata_bytes: usize,
    nesting: usize,
    member_bytes: u64,
    unpacked_bytes: u64,
    members: usize,
    container_depth: usize,
    file_milliseconds: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self::of(&Limits::default())
    }
}

impl ReadLimits {
    fn of(limits: &Limits) -> Self {
        Self {
            file_bytes: limits.file_bytes,
            record_bytes: limits.record_bytes,
            text_bytes: limits.text_bytes,
            metadata_bytes: limits.metadata_bytes,
            nesting: limits.nesting,
            member_bytes: limits.member_bytes,
            unpacked_bytes: limits.unpacked_bytes,
            members: limits.members,
            container_depth: limits.container_depth,
            file_milliseconds: limits.file_milliseconds,
        }
    }
}

/// Writes limits; for `#[serde(with)]`.
pub(crate) fn serialize<S: Serializer>(limits: &Limits, serializer: S) -> Result<S::Ok, S::Error> {
    ReadLimits::of(limits).serialize(serializer)
}

/// Reads limits; what is missing has its default.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limits, D::Error> {
    let read = ReadLimits::deserialize(deserializer)?;
    let mut limits = Limits::default();
    limits.file_bytes = read.file_bytes;
    limits.record_bytes = read.record_bytes;
    limits.text_bytes = read.text_bytes;
    limits.metadata_bytes = read.metadata_bytes;
    limits.nesting = read.nesting;
    limits.member_bytes = read.member_bytes;
    limits.unpacked_bytes = read.unpacked_bytes;
    limits.members = read.members;
    limits.container_depth = read.container_depth;
    limits.file_milliseconds = read.file_milliseconds;
    Ok(limits)
}
