//! Decoders of compressed files. All of them read several compressed files in a row as one, as the usual programs do.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::archive::guard::{Counted, Trailing};

/// KiB of memory that a decoder of XZ or LZMA may use; the usual programs need at most 65 MiB for what they write.
const XZ_MEMORY: u32 = 256 << 10;

pub(super) fn gzip(reader: Counted<'_>) -> Box<dyn Read + '_> {
    Box::new(Members { decoder: Some(GzDecoder::new(reader)), is_first: true })
}

/// gzip: compressed members, and zeros that fill the last block of a tape or disk.
struct Members<'a> {
    /// The member that is being read; none at the end.
    decoder: Option<GzDecoder<Counted<'a>>>,
    is_first: bool,
}

impl Read for Members<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            match decoder.read(buffer) {
                Ok(0) if !buffer.is_empty() => {}
                Err(_) if !self.is_first && decoder.header().is_none() => {
                    self.decoder = None;
                    return Err(io::Error::other(Trailing));
                }
                read => return read,
            }
            let mut reader = self.decoder.take().map(GzDecoder::into_inner);
            while let Some(open) = &mut reader {
                let bytes = open.fill_buf()?;
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                if zeros < bytes.len() || bytes.is_empty() {
                    let is_end = bytes.is_empty();
                    open.consume(zeros);
                    self.decoder = reader.take().filter(|_| !is_end).map(GzDecoder::new);
                } else {
                    open.consume(zeros);
                }
            }
            self.is_first = false;
        }
        Ok(0)
    }
}

pub(super) fn bzip2(reader: Counted<'_>) -> Box<dyn Read + '_> {
    Box::new(bzip2::bufread::MultiBzDecoder::new(reader))
}

pub(super) fn xz(reader: Counted<'_>) -> Box<dyn Read + '_> {
    Box::new(lzma_rust2::XzReader::new_mem_limit(reader, true, XZ_MEMORY))
}

pub(super) fn lzma(reader: Counted<'_>) -> Box<dyn Read + '_> {
    match lzma_rust2::LzmaReader::new_mem_limit(reader, XZ_MEMORY, None) {
        Ok(reader) => Box::new(reader),
        Err(error) => Box::new(Unreadable(Some(error))),
    }
}

/// A decoder that the header was already too much for.
struct Unreadable(Option<io::Error>);

impl Read for Unreadable {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

pub(super) fn zstd(reader: Counted<'_>) -> Box<dyn Read + '_> {
    Box::new(Frames { reader, decoder: FrameDecoder::new(), is_inside: false })
}

/// Zstandard: frames, some of which hold no data and are skipped.
struct Frames<'a> {
    reader: Counted<'a>,
    decoder: FrameDecoder,
    /// Whether a frame is being read.
    is_inside: bool,
}

impl Frames<'_> {
    fn begin(&mut self) -> io::Result<()> {
        match self.decoder.reset(&mut self.reader) {
            Ok(()) => self.is_inside = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                io::copy(&mut (&mut self.reader).take(u64::from(length)), &mut io::sink())?;
            }
            Err(error) => return Err(io::Error::other(error)),
        }
        Ok(())
    }
}

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.is_inside {
                while !self.decoder.is_finished() && self.decoder.can_collect() < buffer.len() {
                    let wanted = buffer.len() - self.decoder.can_collect();
                    let strategy = BlockDecodingStrategy::UptoBytes(wanted);
                    self.decoder
                        .decode_blocks(&mut self.reader, strategy)
                        .map_err(io::Error::other)?;
                }
                let read = self.decoder.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
                self.is_inside = false;
            }
            if self.reader.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.begin()?;
        }
    }
}
