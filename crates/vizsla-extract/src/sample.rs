//! The beginning of a text, by which its format is recognised where its name does not say. In: the bytes of a file. Out:
//! its text, as far as that takes.

use std::borrow::Cow;

use crate::text::decode;

/// Bytes at the beginning of a file by which the format of its text is recognised.
const HEAD_BYTES: usize = 64 << 10;

/// A text of unknown format.
pub(crate) struct Sample<'a> {
    bytes: &'a [u8],
    /// The beginning, in whole lines unless it is all of the text.
    head: String,
    is_whole: bool,
}

impl<'a> Sample<'a> {
    /// The sample of a file; `None` when it is binary.
    pub(crate) fn of(bytes: &'a [u8]) -> Option<Self> {
        let is_whole = bytes.len() <= HEAD_BYTES;
        let mut head = decode::decode(&bytes[..bytes.len().min(HEAD_BYTES)]).ok()?;
        if !is_whole {
            head.truncate(head.rfind('\n').map_or(head.len(), |last| last + 1));
        }
        Some(Self { bytes, head, is_whole })
    }

    /// The beginning without what precedes its first character.
    pub(crate) fn head(&self) -> &str {
        self.head.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
    }

    /// Lines of the beginning that are complete.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        let is_cut = !self.is_whole && !self.head.ends_with('\n');
        let lines = self.head().lines().count();
        self.head().lines().take(lines - usize::from(is_cut && lines > 0))
    }

    /// All of the text.
    pub(crate) fn whole(&self) -> Cow<'_, str> {
        if self.is_whole {
            return Cow::Borrowed(self.head());
        }
        let whole = decode::decode(self.bytes).unwrap_or_default();
        Cow::Owned(whole.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').into())
    }
}
