//! Mailboxes (mbox): messages one after the other, each preceded by a line that begins with `From `. Read message by
//! message, so that a mailbox may have any size.

use super::message::has_old_line_ends;
use crate::definition::{Definition, Read, Recognise};

/// mbox.
pub(crate) static FORMAT: Definition = Definition {
    name: "mbox",
    title: "mbox",
    version: 7,
    extensions: &["mbox", "mbx"],
    recognise: Recognise::Bytes(is_mbox),
    is_foreign: true,
    read: READ,
};

#[cfg(feature = "mail")]
const READ: Read = Read::Streamed(reading::messages);
#[cfg(not(feature = "mail"))]
const READ: Read = super::MISSING;

/// A line that precedes a message, and a header or the body after it. The patches that git writes begin like this too, but are
/// better read as the text that they are.
fn is_mbox(bytes: &[u8]) -> bool {
    let line_end = if has_old_line_ends(bytes) { b'\r' } else { b'\n' };
    let mut lines = bytes.splitn(3, |byte| *byte == line_end);
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return false };
    let header = second.split(|byte| *byte == b':').next().unwrap_or_default();
    let is_header = header.len() < second.len()
        && header.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    is_separator(first) && (is_header || second.trim_ascii().is_empty())
}

/// `From ada@example.org Mon Jan  1 00:00:00 2024`: whatever the sender looks like, there are a time and a year.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let words: Vec<&[u8]> =
        rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(20).collect();
    let is_digit = |word: &[u8], at: usize| word.get(at).is_some_and(u8::is_ascii_digit);
    let is_time = |word: &&[u8]| {
        word.get(2) == Some(&b':') && [0, 1, 3, 4].iter().all(|at| is_digit(word, *at))
            || word.get(1) == Some(&b':') && [0, 2, 3].iter().all(|at| is_digit(word, *at))
    };
    let is_year = |word: &&[u8]| word.len() == 4 && word.iter().all(u8::is_ascii_digit);
    let is_git = words
        .first()
        .is_some_and(|word| word.len() == 40 && word.iter().all(u8::is_ascii_hexdigit));
    words.iter().any(is_time) && words.iter().any(is_year) && !is_git
}

#[cfg(feature = "mail")]
mod reading {
    use std::io::{self, BufRead, Read};

    use vizsla_core::Location;

    use super::{has_old_line_ends, is_separator};
    use crate::error::{Error, ErrorKind};
    use crate::mail::body;
    use crate::output::Output;
    use crate::sink::ProblemKind;

    pub(super) fn messages(reader: &mut dyn BufRead, output: &mut Output<'_>) -> Result<(), Error> {
        let is_old = has_old_line_ends(reader.fill_buf().unwrap_or_default());
        let mut mailbox =
            Mailbox { reader, most: output.limits.record_bytes, next: Vec::new(), is_old };
        for number in 1.. {
            let location = Location::Message { number, part: None };
            let message = mailbox.message().map_err(|error| {
                Error::new(ErrorKind::Io, format!("{location}: cannot be read")).with_source(error)
            })?;
            let Some(message) = message else { break };
            output.has_read(message.bytes.len());
            output.start_message(number);
            if message.is_cut {
                let most = output.limits.record_bytes;
                let text =
                    format!("is longer than the limit of {most} bytes; the rest is left out");
                output.problem(ProblemKind::TooLarge, Some(location), text);
            }
            body::read(&message.bytes, Some(number), output);
            if output.is_stopped() {
                break;
            }
        }
        Ok(())
    }

    #[derive(Default)]
    struct Message {
        bytes: Vec<u8>,
        is_cut: bool,
    }

    struct Mailbox<'a> {
        reader: &'a mut dyn BufRead,
        /// Bytes of a message that are kept.
        most: usize,
        /// The line that has been read.
        next: Vec<u8>,
        /// Whether lines end in CR alone.
        is_old: bool,
    }

    impl Mailbox<'_> {
        /// The next message, without the line before it; lengths stated in headers are often wrong and not used.
        fn message(&mut self) -> io::Result<Option<Message>> {
            let mut message = Message::default();
            let (mut is_first, mut after_empty) = (true, true);
            loop {
                if self.next.is_empty() && !self.line()? {
                    return Ok(Some(message).filter(|_| !is_first));
                }
                let is_separator = after_empty && is_separator(&self.next);
                if is_separator && !is_first {
                    return Ok(Some(message));
                }
                after_empty = matches!(self.next.as_slice(), b"\n" | b"\r\n");
                // Empty lines before a message are no message.
                if !(is_separator || is_first && after_empty) {
                    self.add(&mut message);
                }
                is_first &= after_empty;
                self.next.clear();
            }
        }

        fn add(&mut self, message: &mut Message) {
            let line = unquoted(&self.next);
            let left = self.most.saturating_sub(message.bytes.len());
            message.is_cut |= line.len() > left;
            message.bytes.extend_from_slice(&line[..line.len().min(left)]);
        }

        /// Reads a line, or part of one that is very long.
        fn line(&mut self) -> io::Result<bool> {
            const PART_BYTES: u64 = 1 << 20;
            let end = if self.is_old { b'\r' } else { b'\n' };
            let read = (&mut *self.reader).take(PART_BYTES).read_until(end, &mut self.next)?;
            if self.is_old && self.next.ends_with(b"\r") {
                self.next.push(b'\n');
            }
            Ok(read > 0)
        }
    }

    /// A line that begins with `From ` is stored with `>` before it, as are those that begin with marks and `From `.
    fn unquoted(line: &[u8]) -> &[u8] {
        let marks = line.iter().take_while(|byte| **byte == b'>').count();
        if marks > 0 && line[marks..].starts_with(b"From ") { &line[1..] } else { line }
    }
}
