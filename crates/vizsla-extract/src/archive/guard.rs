//! Bounds what a decoder yields: a small file may unpack to any size.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// How much larger than its compressed form a stream may be, once it is larger than any file may be: logs that say the same
/// all day shrink to a thousandth.
const RATIO: u64 = 100;

/// Counts the bytes taken from a reader.
pub(super) struct Counted<'a> {
    reader: &'a mut dyn BufRead,
    taken: Rc<Cell<u64>>,
}

impl<'a> Counted<'a> {
    pub(super) fn new(reader: &'a mut dyn BufRead) -> (Self, Rc<Cell<u64>>) {
        let taken = Rc::new(Cell::new(0));
        (Self { reader, taken: Rc::clone(&taken) }, taken)
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.taken.set(self.taken.get() + read as u64);
        Ok(read)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken.set(self.taken.get() + amount as u64);
        self.reader.consume(amount);
    }
}

/// The error of a decoder where what follows the compressed bytes is something else.
#[derive(Debug)]
pub(super) struct Trailing;

impl fmt::Display for Trailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("other bytes follow")
    }
}

impl Error for Trailing {}

/// What ended the reading of unpacked bytes early.
#[derive(Debug)]
pub(super) enum Trouble {
    /// They are more than this many.
    TooLarge(u64),
    /// The compressed bytes are damaged, after this many unpacked ones.
    Damaged(u64, io::Error),
    /// All is unpacked, and something else follows.
    Followed,
}

/// The unpacked bytes, which end where they are damaged or over a limit; the reason is kept.
pub(super) struct Guard<'a> {
    decoder: Box<dyn Read + 'a>,
    /// Compressed bytes so far.
    packed: Rc<Cell<u64>>,
    unpacked: u64,
    /// Unpacked bytes allowed whatever the ratio, and at most.
    free: u64,
    limit: u64,
    pub(super) trouble: Option<Trouble>,
}

impl<'a> Guard<'a> {
    pub(super) fn new(
        decoder: Box<dyn Read + 'a>,
        packed: Rc<Cell<u64>>,
        free: u64,
        limit: u64,
    ) -> Self {
        Self { decoder, packed, unpacked: 0, free, limit, trouble: None }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < buffer.len() && self.trouble.is_none() {
            match self.decoder.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => {
                    filled += read;
                    self.unpacked += read as u64;
                    let most = self.packed.get().saturating_mul(RATIO);
                    let most = most.max(self.free).min(self.limit);
                    if self.unpacked > most {
                        self.trouble = Some(Trouble::TooLarge(most));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.get_ref(), Some(cause) if cause.is::<Trailing>()) => {
                    self.trouble = Some(Trouble::Followed);
                }
                Err(error) => self.trouble = Some(Trouble::Damaged(self.unpacked, error)),
            }
        }
        filled
    }
}

impl Read for Guard<'_> {
    /// Fills the buffer unless the bytes end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.fill(buffer))
    }
}
