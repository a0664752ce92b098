//! Messages and mailboxes, calendars and address cards.
//!
//! A message is a document: its text, who wrote to whom, and what it quotes. Its attachments are members.

mod calendar;
mod cards;
#[cfg(any(feature = "mail", feature = "outlook"))]
mod document;
mod fields;
mod mbox;
mod message;
mod outlook;
#[cfg(any(feature = "mail", feature = "outlook"))]
mod page;
#[cfg(any(feature = "mail", feature = "outlook"))]
mod quotes;

#[cfg(feature = "mail")]
mod body;
#[cfg(feature = "mail")]
mod date;
#[cfg(feature = "mail")]
mod headers;
#[cfg(feature = "mail")]
mod uuencode;

use crate::definition::{Definition, Read, Recognise};

/// The formats of this group.
pub(crate) static FORMATS: &[&Definition] = &[
    &message::WEB_ARCHIVE,
    &message::FORMAT,
    &message::NAMED,
    &mbox::FORMAT,
    &outlook::FORMAT,
    &calendar::FORMAT,
    &cards::FORMAT,
    &TNEF,
    &OUTLOOK_DATA,
];

/// What is said of a format whose feature this build lacks.
#[cfg(not(feature = "mail"))]
const MISSING: Read = Read::Not("this build was made without the feature `mail`");

/// What Outlook attaches to a message as `winmail.dat`.
static TNEF: Definition = Definition {
    name: "tnef",
    title: "TNEF (winmail.dat of Outlook)",
    version: 1,
    extensions: &["tnef"],
    recognise: Recognise::Bytes(|bytes| bytes.starts_with(b"\x78\x9f\x3e\x22")),
    is_foreign: false,
    read: Read::Not("ask the sender to send the message as HTML or plain text"),
};

/// Outlook's mailboxes.
static OUTLOOK_DATA: Definition = Definition {
    name: "pst",
    title: "mailbox of Outlook (PST)",
    version: 1,
    extensions: &["pst", "ost"],
    recognise: Recognise::Bytes(|bytes| bytes.starts_with(b"!BDN")),
    is_foreign: false,
    read: Read::Not("export its messages, for instance as mbox or .eml"),
};

#[cfg(test)]
#[cfg(feature = "mail")]
mod tests;
