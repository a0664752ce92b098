//! Messages of Outlook (MSG), which are compound files.

use crate::definition::{Definition, Read, Recognise};
use crate::office::compound::{Kind, kind};

/// MSG.
pub(crate) static FORMAT: Definition = Definition {
    name: "msg",
    title: "Outlook message",
    version: 3,
    extensions: &["msg", "oft"],
    recognise: Recognise::Bytes(|bytes| kind(bytes) == Some(Kind::Message)),
    is_foreign: true,
    read: READ,
};

#[cfg(feature = "outlook")]
const READ: Read = Read::Whole(reading::read);
#[cfg(not(feature = "outlook"))]
const READ: Read = Read::Not("this build was made without the feature `outlook`");

#[cfg(feature = "outlook")]
mod lzfu;
#[cfg(feature = "outlook")]
mod properties;
#[cfg(feature = "outlook")]
mod reading;

#[cfg(test)]
#[cfg(feature = "outlook")]
mod tests;
