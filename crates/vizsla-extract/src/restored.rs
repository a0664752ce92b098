//! Restores a ZIP file that has lost the list of its members, as one whose download ended early: each member is preceded by
//! a header of its own. In: what is left of the file. Out: a ZIP file of the members in it, of the last one as much as is
//! there, and what is said about that.
//!
//! `APPNOTE.TXT` of PKWARE describes the records.

use std::collections::HashSet;
use std::io::Cursor;

use flate2::{Crc, Decompress, FlushDecompress, Status};
use memchr::memmem;
use zip::ZipArchive;

use crate::output::Output;
use crate::sink::ProblemKind;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
/// What precedes the sizes of a member that are known only behind it.
const DESCRIPTOR: &[u8] = b"PK\x07\x08";
const HEADER_BYTES: usize = 30;

const SIZES_FOLLOW: u16 = 1 << 3;
const ENCRYPTED: u16 = 1;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Bytes that are unpacked at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// Members that are looked for: a list without extensions holds no more.
const MOST_MEMBERS: usize = 0xffff;
/// A size that is in an extra field, as in files over 4 GB.
const ELSEWHERE: usize = 0xffff_ffff;

/// A ZIP file that is being restored.
#[derive(Default)]
pub(crate) struct Restored {
    file: Vec<u8>,
    directory: Vec<u8>,
    names: HashSet<Vec<u8>>,
    /// Members that are all there.
    whole: usize,
    /// The one that breaks off, and what there is of it.
    pub(crate) broken: Option<(String, Vec<u8>)>,
}

/// Whether a ZIP file has a list of its members that can be read.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    ZipArchive::new(Cursor::new(bytes)).is_ok()
}

impl Restored {
    /// What is left of a file; `None` when no member is found. Of a member that breaks off at most `most` bytes are
    /// unpacked.
    pub(crate) fn of(bytes: &[u8], most: u64) -> Option<Self> {
        let mut restored = Self::default();
        let mut rest = bytes;
        while let Some(at) = memmem::find(rest, LOCAL)
            && restored.names.len() < MOST_MEMBERS
        {
            rest = &rest[at..];
            let Some(header) = Header::of(rest) else { break };
            let end = restored.take(&header, most);
            rest = header.data.get(end..).unwrap_or_default();
        }
        (restored.whole > 0 || restored.broken.is_some()).then_some(restored)
    }

    /// Takes a member over; returns how many of the bytes behind its header belong to it.
    fn take(&mut self, header: &Header<'_>, most: u64) -> usize {
        let end = match header.size {
            Some(size) => {
                (header.data.len() >= size).then_some((header.crc, size, header.unpacked))
            }
            None => header.end(),
        };
        if let Some((crc, size, unpacked)) = end {
            let (flags, method) = (header.flags & !SIZES_FOLLOW, header.method);
            let member = Member { name: header.name, flags, method, crc, unpacked };
            self.whole += usize::from(self.put(&member, &header.data[..size]));
            return size;
        }
        let content =
            if header.flags & ENCRYPTED == 0 { header.beginning(most) } else { Vec::new() };
        if !self.names.contains(header.name) {
            let name = String::from_utf8_lossy(header.name).into_owned();
            self.broken.get_or_insert((name, content));
        }
        // What follows damage, if anything does, has a header again.
        header.size.unwrap_or(0)
    }

    /// The names of the members.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let broken = self.broken.iter().map(|(name, _)| name.clone());
        self.names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).chain(broken)
    }

    /// Adds a member that is missing.
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) {
        let mut crc = Crc::new();
        crc.update(content);
        let (crc, unpacked) = (crc.sum(), content.len());
        let member = Member { name: name.as_bytes(), flags: 0, method: STORED, crc, unpacked };
        self.put(&member, content);
    }

    /// Returns whether it was the first of its name.
    fn put(&mut self, member: &Member<'_>, packed: &[u8]) -> bool {
        if !self.names.insert(member.name.to_vec()) {
            return false;
        }
        let offset = self.file.len() as u32;
        let common = member.header(packed.len());
        self.file.extend([LOCAL, &common, &[0, 0], member.name, packed].concat());
        let record = [CENTRAL, &[20, 0], &common, &[0; 12], &offset.to_le_bytes(), member.name];
        self.directory.extend(record.concat());
        true
    }

    /// Says what is left.
    pub(crate) fn report(&self, output: &mut Output<'_>) {
        let members = if self.whole == 1 { "member is" } else { "members are" };
        let broken = match &self.broken {
            Some((name, content)) if content.is_empty() => format!(", and {name} is left out"),
            Some((name, _)) => format!(", and {name} is read as far as it goes"),
            None => String::new(),
        };
        let message = format!(
            "is read in part, as its end with the list of its members is missing: {} {members} whole{broken}",
            self.whole
        );
        output.problem(ProblemKind::Malformed, None, message);
    }

    /// The restored file.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if let Some((name, content)) = self.broken.take() {
            self.add(&name, &content);
        }
        let (start, size) = (self.file.len() as u32, self.directory.len() as u32);
        let count = (self.names.len().min(MOST_MEMBERS) as u16).to_le_bytes();
        self.file.append(&mut self.directory);
        let end =
            [END, &[0; 4], &count, &count, &size.to_le_bytes(), &start.to_le_bytes(), &[0, 0]];
        self.file.extend(end.concat());
        self.file
    }
}

/// What is said of a member.
struct Member<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    crc: u32,
    unpacked: usize,
}

impl Member<'_> {
    /// What both of its headers have in common, up to the length of the name.
    fn header(&self, packed: usize) -> Vec<u8> {
        let mut header = vec![20, 0];
        header.extend(self.flags.to_le_bytes());
        header.extend(self.method.to_le_bytes());
        // Midnight of the first day that there is.
        header.extend([0, 0, 0x21, 0]);
        header.extend(self.crc.to_le_bytes());
        header.extend((packed as u32).to_le_bytes());
        header.extend((self.unpacked as u32).to_le_bytes());
        header.extend((self.name.len() as u16).to_le_bytes());
        header
    }
}

/// The header that precedes a member.
struct Header<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    crc: u32,
    /// Packed bytes, unless they are known only behind them.
    size: Option<usize>,
    unpacked: usize,
    data: &'a [u8],
}

impl<'a> Header<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let flags = short(bytes, 6)?;
        let name_end = HEADER_BYTES + usize::from(short(bytes, 26)?);
        let extra_end = name_end + usize::from(short(bytes, 28)?);
        let (mut size, mut unpacked) = (long(bytes, 18)? as usize, long(bytes, 22)? as usize);
        if size == ELSEWHERE || unpacked == ELSEWHERE {
            (unpacked, size) = large_sizes(bytes.get(name_end..extra_end)?)?;
        }
        let is_unknown = flags & SIZES_FOLLOW != 0 && size == 0;
        Some(Self {
            name: bytes.get(HEADER_BYTES..name_end)?,
            flags,
            method: short(bytes, 8)?,
            crc: long(bytes, 14)?,
            size: (!is_unknown).then_some(size),
            unpacked,
            data: bytes.get(extra_end..)?,
        })
    }

    /// The checksum, and the packed and unpacked bytes of a member whose sizes are behind it, if all of it is there.
    fn end(&self) -> Option<(u32, usize, usize)> {
        if self.flags & ENCRYPTED == 0 && self.method == DEFLATED {
            let mut crc = Crc::new();
            let packed = inflate(self.data, &mut |part| {
                crc.update(part);
                true
            })?;
            return Some((crc.sum(), packed, crc.amount() as usize));
        }
        let mut at = 0;
        while let Some(found) = memmem::find(self.data.get(at..)?, DESCRIPTOR) {
            let end = at + found;
            let descriptor = &self.data[end..];
            if long(descriptor, 8).is_some_and(|packed| packed as usize == end) {
                return Some((long(descriptor, 4)?, end, long(descriptor, 12)? as usize));
            }
            at = end + DESCRIPTOR.len();
        }
        None
    }

    /// What there is of a member that breaks off.
    fn beginning(&self, most: u64) -> Vec<u8> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let data = &self.data[..self.size.unwrap_or(usize::MAX).min(self.data.len())];
        let mut content = Vec::new();
        match self.method {
            STORED => content.extend_from_slice(&data[..data.len().min(most)]),
            DEFLATED => {
                inflate(data, &mut |part| {
                    content.extend_from_slice(part);
                    content.len() < most
                });
                content.truncate(most);
            }
            _ => {}
        }
        content
    }
}

/// Unpacks a stream, part by part, as long as it is wanted; returns how many bytes it has if it ends.
fn inflate(data: &[u8], each: &mut dyn FnMut(&[u8]) -> bool) -> Option<usize> {
    let mut stream = Decompress::new(false);
    let mut part = vec![0; CHUNK_BYTES];
    loop {
        let (read, written) = (stream.total_in(), stream.total_out());
        let rest = data.get(usize::try_from(read).ok()?..)?;
        let status = stream.decompress(rest, &mut part, FlushDecompress::None);
        let length = usize::try_from(stream.total_out() - written).ok()?;
        let is_wanted = length == 0 || each(part.get(..length)?);
        match status.ok()? {
            Status::StreamEnd => return usize::try_from(stream.total_in()).ok(),
            _ if !is_wanted || length == 0 && stream.total_in() == read => return None,
            _ => {}
        }
    }
}

/// The unpacked and packed bytes, in this order, of the extra field for large files.
fn large_sizes(mut extra: &[u8]) -> Option<(usize, usize)> {
    const LARGE: u16 = 1;
    loop {
        let length = usize::from(short(extra, 2)?);
        if short(extra, 0)? == LARGE {
            let size = |at: usize| {
                let eight = extra.get(at..at + 8)?;
                usize::try_from(u64::from_le_bytes(eight.try_into().ok()?)).ok()
            };
            return Some((size(4)?, size(12)?));
        }
        extra = extra.get(4 + length..)?;
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at + 2)?;
    Some(u16::from_le_bytes([pair[0], pair[1]]))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    four.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Read, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// A compressed ZIP file, whose sizes are before or, as of programs that write to a stream, behind the members.
    pub(crate) fn zipped(members: &[(&str, &str)], is_streamed: bool) -> Vec<u8> {
        fn written(mut writer: ZipWriter<impl Write + std::io::Seek>, members: &[(&str, &str)]) {
            for (name, content) in members {
                writer.start_file(*name, SimpleFileOptions::default()).unwrap();
                writer.write_all(content.as_bytes()).unwrap();
            }
            writer.finish().unwrap();
        }
        let mut file = Vec::new();
        if is_streamed {
            let mut writer = ZipWriter::new_stream(&mut file);
            for (name, content) in members {
                writer.start_file(*name, SimpleFileOptions::default()).unwrap();
                writer.write_all(content.as_bytes()).unwrap();
            }
            writer.finish().unwrap();
        } else {
            written(ZipWriter::new(Cursor::new(&mut file)), members);
        }
        file
    }

    fn contents(file: Vec<u8>) -> Vec<(String, String)> {
        let mut archive = ZipArchive::new(Cursor::new(file)).unwrap();
        let mut read = |index| {
            let mut member = archive.by_index(index).unwrap();
            let mut content = String::new();
            member.read_to_string(&mut content).unwrap();
            (member.name().unwrap().into_owned(), content)
        };
        (0..2).map(&mut read).collect()
    }

    #[test]
    fn members_are_found_whatever_their_headers_tell() {
        let long: String =
            (0..9_000).map(|number| format!("{} ", number * 7_919 % 10_007)).collect();
        for is_streamed in [false, true] {
            let file = zipped(&[("a.txt", "first"), ("b.txt", &long)], is_streamed);
            let directory = memmem::find(&file, CENTRAL).unwrap();
            let restored = Restored::of(&file[..directory + 9], u64::MAX).unwrap();
            assert!(restored.whole == 2 && restored.broken.is_none());
            let all = contents(restored.finish());
            assert_eq!(all[0], ("a.txt".to_owned(), "first".to_owned()));
            assert!(all[1].1 == long);

            let restored = Restored::of(&file[..directory / 2], u64::MAX).unwrap();
            assert_eq!(
                (restored.whole, restored.broken.as_ref().unwrap().0.as_str()),
                (1, "b.txt")
            );
            let all = contents(restored.finish());
            assert!(all[1].1.len() > long.len() / 4 && long.starts_with(&all[1].1));
            for cut in (0..file.len()).step_by(97) {
                if let Some(restored) = Restored::of(&file[..cut], 1000) {
                    assert!(ZipArchive::new(Cursor::new(restored.finish())).is_ok());
                }
            }
        }
    }

    #[test]
    fn a_stream_that_unpacks_to_too_much_is_cut() {
        let file = zipped(&[("a", &"a".repeat(1 << 20))], true);
        let restored = Restored::of(&file[..file.len() / 3], 1000).unwrap();
        assert!(restored.broken.unwrap().1.len() <= 1000);
    }
}
