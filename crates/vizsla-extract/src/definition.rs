//! What a format is: how it is recognised, how it is read, and the version of its reader.

use crate::error::Error;
use crate::output::{Output, Streamed};
use crate::sample::Sample;

/// Everything there is to know about a format.
pub(crate) struct Definition {
    /// A name for storage, stable between releases.
    pub(crate) name: &'static str,
    /// Its name in messages.
    pub(crate) title: &'static str,
    /// The version of its reader, raised when the same bytes yield different documents than before.
    pub(crate) version: u32,
    /// The extensions that indicate it, in lower case.
    pub(crate) extensions: &'static [&'static str],
    /// How its content shows it. Content counts for more than the extension.
    pub(crate) recognise: Recognise,
    /// Whether the reader handles binary structures that others made, and is better run in a process of its own.
    pub(crate) is_foreign: bool,
    pub(crate) read: Read,
}

/// How content shows its format.
pub(crate) enum Recognise {
    /// Not at all: the extension alone indicates it.
    No,
    /// Its bytes do, whatever the extension is.
    Bytes(fn(&[u8]) -> bool),
    /// Its text does, where the extension indicates plain text or nothing, or a format whose texts do not begin with
    /// the character that this one begins with.
    Text { begins: fn(char) -> bool, shows: fn(&Sample<'_>) -> bool },
}

/// How a file is read.
pub(crate) enum Read {
    /// From all of its bytes.
    Whole(fn(&[u8], &mut Output<'_>) -> Result<(), Error>),
    /// Record by record, so that it may have any size and limits apply to each record.
    Streamed(Streamed),
    /// Not at all; the remedy says what to do instead.
    Not(&'static str),
}

impl Definition {
    /// Whether the bytes of a file show the format, whatever its name is.
    pub(crate) fn is_shown_by(&self, bytes: &[u8]) -> bool {
        matches!(self.recognise, Recognise::Bytes(is) if is(bytes))
    }
}
