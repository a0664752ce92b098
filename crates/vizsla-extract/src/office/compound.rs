//! Recognises what is inside a compound file (CFB), the container of Office before 2007, of Outlook messages and of
//! documents with a password. In: the bytes of a file. Out: its kind, by the names at the root of its directory, and
//! what is there of a stream.
//!
//! [MS-CFB](https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb/) says where the directory is. Libraries refuse
//! a file that is damaged or cut off anywhere; here, what can be found is.

use std::collections::HashSet;

use crate::definition::{Definition, Read, Recognise};
use crate::error::{Error, ErrorKind};
use crate::output::Output;

/// What a compound file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A document of Word 97 to 2003.
    Word,
    /// A presentation of PowerPoint 97 to 2003.
    PowerPoint,
    /// A workbook of Excel 5 to 2003.
    Excel,
    /// A message of Outlook.
    Message,
    /// An Office document of any kind with a password.
    Encrypted,
}

/// Word 97 to 2003.
pub(crate) static DOC: Definition = Definition {
    name: "doc",
    title: "Word 97-2003",
    version: 1,
    extensions: &["doc", "dot"],
    recognise: Recognise::Bytes(|bytes| kind(bytes) == Some(Kind::Word)),
    is_foreign: false,
    read: Read::Not("save it as .docx"),
};

/// PowerPoint 97 to 2003.
pub(crate) static PPT: Definition = Definition {
    name: "ppt",
    title: "PowerPoint 97-2003",
    version: 1,
    extensions: &["ppt", "pps", "pot"],
    recognise: Recognise::Bytes(|bytes| kind(bytes) == Some(Kind::PowerPoint)),
    is_foreign: false,
    read: Read::Not("save it as .pptx"),
};

/// A document of Office 2007 or later with a password.
pub(crate) static ENCRYPTED: Definition = Definition {
    name: "encrypted_office",
    title: "Office document with a password",
    version: 1,
    extensions: &[],
    recognise: Recognise::Bytes(|bytes| kind(bytes) == Some(Kind::Encrypted)),
    is_foreign: false,
    read: Read::Whole(refuse),
};

fn refuse(_: &[u8], _: &mut Output<'_>) -> Result<(), Error> {
    let message = "is protected by a password; save a copy without one";
    Err(Error::new(ErrorKind::Protected, message))
}

/// A compound file that has lost its directory, so that what it holds cannot be told. Most are documents.
pub(crate) static DAMAGED: Definition = Definition {
    name: "damaged_compound",
    title: "Office document that is damaged",
    version: 1,
    extensions: &[],
    recognise: Recognise::Bytes(|bytes| kind(bytes).is_none() && damage(bytes).is_some()),
    is_foreign: false,
    read: Read::Whole(refuse_damaged),
};

fn refuse_damaged(bytes: &[u8], _: &mut Output<'_>) -> Result<(), Error> {
    let message = damage(bytes).map_or("is no document that is read", |damage| match damage {
        Damage::CutOff => {
            "is cut off: the list of what it holds, further on, is missing; copy or download it again"
        }
        Damage::Other => {
            "is damaged: the list of what it holds cannot be read; copy or download it again"
        }
    });
    Err(Error::new(ErrorKind::Malformed, message))
}

const SIGNATURE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const HEADER_BYTES: usize = 512;
const ENTRY_BYTES: usize = 128;
/// Sectors of the directory that are read: 32 entries each with large sectors, and the root comes first.
const MOST_SECTORS: usize = 4096;
/// Sectors of the allocation table that the header itself lists; they cover the first 6.8 MB.
const LISTED_TABLES: u32 = 109;
/// Sectors that list further ones; as many cover 500 MB.
const MOST_LISTS: u32 = 64;
/// Entries at the root that are looked at.
const MOST_ENTRIES: usize = 4096;
const NONE: u32 = 0xffff_ffff;
/// Shorter streams are within one that is cut into sectors of their own.
#[cfg(feature = "spreadsheet")]
const SHORT: usize = 4096;
#[cfg(feature = "spreadsheet")]
const SHORT_SECTOR_BYTES: usize = 64;
/// What the allocation table has instead of a number where there is no further sector, and the lowest such mark.
const LAST: u32 = 0xffff_fffe;
const MARKS: u32 = 0xffff_fffa;

/// What a file holds, if it is a compound file of a known kind.
pub(crate) fn kind(bytes: &[u8]) -> Option<Kind> {
    if !bytes.starts_with(SIGNATURE) {
        return None;
    }
    let names = Directory::of(bytes)?.root_names().0;
    let has = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
    let kinds = [
        ("EncryptedPackage", Kind::Encrypted),
        ("WordDocument", Kind::Word),
        ("PowerPoint Document", Kind::PowerPoint),
        ("Workbook", Kind::Excel),
        ("Book", Kind::Excel),
        ("__properties_version1.0", Kind::Message),
    ];
    kinds.into_iter().find(|(name, _)| has(name)).map(|(_, kind)| kind)
}

/// A stream at the root of a compound file, as far as it can be followed.
#[cfg(feature = "spreadsheet")]
pub(crate) struct Stream {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_whole: bool,
}

/// The first of these streams that is at the root of a file.
#[cfg(feature = "spreadsheet")]
pub(crate) fn stream(bytes: &[u8], names: &[&str]) -> Option<Stream> {
    let directory = Directory::of(bytes)?;
    let (entries, _) = directory.root_entries();
    let named = |wanted: &&str| {
        entries.iter().copied().find(|entry| name(entry).eq_ignore_ascii_case(wanted))
    };
    Some(directory.stream(names.iter().find_map(named)?))
}

/// What keeps the directory of a compound file from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    /// The file ends before it.
    CutOff,
    Other,
}

fn damage(bytes: &[u8]) -> Option<Damage> {
    if !bytes.starts_with(SIGNATURE) {
        return None;
    }
    let listed = (0..LISTED_TABLES as usize).filter_map(|table| u32_at(bytes, 76 + 4 * table));
    let named = u32_at(bytes, 48).into_iter().chain(listed).filter(|sector| *sector < MARKS);
    let is_there = |sector: u32| {
        let directory = Directory::new(bytes);
        directory.is_some_and(|directory| directory.sector(sector).is_some())
    };
    if bytes.len() < HEADER_BYTES || named.max().is_some_and(|sector| !is_there(sector)) {
        return Some(Damage::CutOff);
    }
    let is_sound = Directory::of(bytes)
        .is_some_and(|directory| directory.is_whole && directory.root_names().1);
    (!is_sound).then_some(Damage::Other)
}

struct Directory<'a> {
    bytes: &'a [u8],
    sector_bytes: usize,
    /// The sectors of the directory, in order.
    sectors: Vec<u32>,
    /// Whether the last of them is.
    is_whole: bool,
}

impl<'a> Directory<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let shift = u32::from(*bytes.get(30)?);
        let sector_bytes = 1usize.checked_shl(shift).filter(|size| [512, 4096].contains(size))?;
        Some(Self { bytes, sector_bytes, sectors: Vec::new(), is_whole: false })
    }

    fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut directory = Self::new(bytes)?;
        let mut next = u32_at(bytes, 48);
        while let Some(sector) = next.filter(|_| directory.sectors.len() < MOST_SECTORS) {
            if directory.sector(sector).is_none() {
                directory.is_whole = sector == LAST;
                break;
            }
            directory.sectors.push(sector);
            next = directory.after(sector);
        }
        Some(directory).filter(|directory| !directory.sectors.is_empty())
    }

    fn sector(&self, number: u32) -> Option<&'a [u8]> {
        let start = (number as usize).checked_add(1)?.checked_mul(self.sector_bytes)?;
        self.bytes.get(start..).filter(|rest| !rest.is_empty())
    }

    /// The sector that follows in the allocation table.
    fn after(&self, sector: u32) -> Option<u32> {
        let entries = (self.sector_bytes / 4) as u32;
        let table = sector / entries;
        u32_at(self.sector(self.table(table)?)?, (sector % entries) as usize * 4)
    }

    /// The sector of this part of the allocation table. The header lists the first ones; sectors of their own, each of
    /// which ends with the number of the next, list the rest.
    fn table(&self, number: u32) -> Option<u32> {
        let Some(further) = number.checked_sub(LISTED_TABLES) else {
            return u32_at(self.bytes, 76 + 4 * number as usize);
        };
        let listed = (self.sector_bytes / 4) as u32 - 1;
        let mut list = u32_at(self.bytes, 68)?;
        for _ in 0..(further / listed).min(MOST_LISTS) {
            list = u32_at(self.sector(list)?, self.sector_bytes - 4)?;
        }
        u32_at(self.sector(list)?, (further % listed) as usize * 4)
    }

    fn entry(&self, number: u32) -> Option<&'a [u8]> {
        let each = self.sector_bytes / ENTRY_BYTES;
        let sector = *self.sectors.get(number as usize / each)?;
        let start = number as usize % each * ENTRY_BYTES;
        self.sector(sector)?.get(start..start + ENTRY_BYTES)
    }

    /// The names at the root, and whether all could be found: what is embedded further down says nothing about the file.
    fn root_names(&self) -> (Vec<String>, bool) {
        let (entries, are_all) = self.root_entries();
        (entries.into_iter().map(name).collect(), are_all)
    }

    fn root_entries(&self) -> (Vec<&'a [u8]>, bool) {
        let (mut entries, mut seen, mut are_all) = (Vec::new(), HashSet::new(), true);
        let mut left: Vec<u32> =
            self.entry(0).and_then(|root| u32_at(root, 76)).into_iter().collect();
        left.retain(|number| *number != NONE);
        for _ in 0..MOST_ENTRIES {
            let Some(number) = left.pop() else { break };
            let Some(entry) = self.entry(number).filter(|_| seen.insert(number)) else {
                are_all = false;
                continue;
            };
            entries.push(entry);
            let siblings = [u32_at(entry, 68), u32_at(entry, 72)];
            left.extend(siblings.into_iter().flatten().filter(|number| *number != NONE));
        }
        (entries, are_all)
    }

    #[cfg(feature = "spreadsheet")]
    fn stream(&self, entry: &[u8]) -> Stream {
        let regular = |sector: u32| (self.sector(sector), self.after(sector));
        let (first, size) = extent(entry);
        if size >= SHORT {
            return followed(first, size, self.sector_bytes, regular);
        }
        let (first_of_all, size_of_all) = self.entry(0).map_or((LAST, 0), extent);
        let size_of_all = size_of_all.min(self.bytes.len());
        let all = followed(first_of_all, size_of_all, self.sector_bytes, regular).bytes;
        let table = u32_at(self.bytes, 60).unwrap_or(LAST);
        // One number for each of the short sectors.
        let table_bytes = all.len().div_ceil(SHORT_SECTOR_BYTES) * 4;
        let table = followed(table, table_bytes, self.sector_bytes, regular).bytes;
        followed(first, size, SHORT_SECTOR_BYTES, |sector| {
            let start = (sector as usize).checked_mul(SHORT_SECTOR_BYTES);
            let rest = start.and_then(|start| all.get(start..)).filter(|rest| !rest.is_empty());
            (rest, u32_at(&table, (sector as usize).saturating_mul(4)))
        })
    }
}

/// The first sector and the bytes of the stream of an entry.
#[cfg(feature = "spreadsheet")]
fn extent(entry: &[u8]) -> (u32, usize) {
    // The upper half of the size is noise in files with small sectors, and none here is as large.
    let [first, size] = [116, 120].map(|at| u32_at(entry, at).unwrap_or(LAST));
    (first, size as usize)
}

/// At most `size` bytes of a chain of sectors: `at` has the bytes from one on, and the number of the next.
#[cfg(feature = "spreadsheet")]
fn followed<'b>(
    first: u32,
    size: usize,
    sector_bytes: usize,
    at: impl Fn(u32) -> (Option<&'b [u8]>, Option<u32>),
) -> Stream {
    let (mut bytes, mut next, mut seen) = (Vec::new(), Some(first), HashSet::new());
    while bytes.len() < size
        && let Some(sector) = next.filter(|sector| *sector < MARKS && seen.insert(*sector))
    {
        let (rest, following) = at(sector);
        let Some(rest) = rest else { break };
        let length = rest.len().min(sector_bytes).min(size - bytes.len());
        bytes.extend(&rest[..length]);
        if length < sector_bytes {
            break;
        }
        next = following;
    }
    let is_whole = bytes.len() == size;
    Stream { bytes, is_whole }
}

fn name(entry: &[u8]) -> String {
    let units = entry.get(..64).unwrap_or_default().chunks_exact(2);
    let units =
        units.map(|pair| u16::from_le_bytes([pair[0], pair[1]])).take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    four.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Input, collect};

    /// A compound file with these empty streams at its root.
    pub(crate) fn compound(names: &[&str]) -> Vec<u8> {
        let mut file = SIGNATURE.to_vec();
        file.resize(512, 0);
        file[30] = 9;
        file[48..52].copy_from_slice(&0u32.to_le_bytes());
        file[76..80].copy_from_slice(&9u32.to_le_bytes());
        file[80..].fill(0xff);
        for (i, name) in ["Root Entry"].iter().chain(names).enumerate() {
            let mut entry = [0u8; ENTRY_BYTES];
            for (at, unit) in name.encode_utf16().enumerate() {
                entry[at * 2..at * 2 + 2].copy_from_slice(&unit.to_le_bytes());
            }
            let next = if i < names.len() { i as u32 + 1 } else { NONE };
            let (sibling, child) = if i == 0 { (NONE, next) } else { (next, NONE) };
            entry[68..72].copy_from_slice(&NONE.to_le_bytes());
            entry[72..76].copy_from_slice(&sibling.to_le_bytes());
            entry[76..80].copy_from_slice(&child.to_le_bytes());
            file.extend(entry);
        }
        let last = (file.len() as u32 - 1) / 512 - 1;
        // The table of sector 9 chains the directory's sectors one after another.
        file.resize(512 * 10, 0);
        for next in 1..=128u32 {
            file.extend(if next > last { LAST } else { next }.to_le_bytes());
        }
        file
    }

    #[test]
    fn kinds_are_told_by_the_streams_at_the_root() {
        for (streams, expected) in [
            (&["1Table", "WordDocument"][..], Some(Kind::Word)),
            (&["Current User", "a", "b", "c", "d", "PowerPoint Document"], Some(Kind::PowerPoint)),
            (&["WORKBOOK"], Some(Kind::Excel)),
            (&["EncryptionInfo", "EncryptedPackage"], Some(Kind::Encrypted)),
            (&["__properties_version1.0"], Some(Kind::Message)),
            (&["Other"], None),
            (&[], None),
        ] {
            assert_eq!(kind(&compound(streams)), expected, "{streams:?}");
        }
    }

    #[test]
    fn what_is_not_read_names_the_remedy_and_a_password_is_said() {
        let error = |name: &str, streams: &[&str]| {
            collect(Input::bytes(name, &compound(streams))).unwrap_err()
        };
        assert!(error("a.docx", &["WordDocument"]).to_string().contains("save it as .docx"));
        assert_eq!(error("a.docx", &["EncryptedPackage"]).kind(), ErrorKind::Protected);
    }

    #[test]
    fn damaged_files_end() {
        let file = compound(&["WordDocument", "b"]);
        for cut in 0..file.len() {
            let _ = kind(&file[..cut]);
        }
        let mut looped = compound(&["a", "b"]);
        // Both entries name each other, and the directory's first sector follows itself.
        looped[512 + 2 * ENTRY_BYTES + 72..][..4].copy_from_slice(&1u32.to_le_bytes());
        looped[512 * 10..][..4].copy_from_slice(&0u32.to_le_bytes());
        assert_eq!(kind(&looped), None);
    }

    #[test]
    fn a_file_that_has_lost_its_directory_is_an_error_and_not_binary() {
        let refusal = |name: &str, file: &[u8]| {
            let error = collect(Input::bytes(name, file)).unwrap_err();
            (error.kind(), error.to_string())
        };
        let file = compound(&["a", "b", "c", "WordDocument"]);
        for (name, cut) in [("a.doc", 700), ("a.xls", 100), ("noext", 512 * 10)] {
            let (kind, message) = refusal(name, &file[..cut]);
            assert_eq!(kind, ErrorKind::Malformed);
            assert!(message.contains("is cut off") && message.contains("again"), "{message}");
        }
        let mut looped = compound(&["a", "b", "c", "WordDocument"]);
        looped[512 * 10..][..4].copy_from_slice(&0u32.to_le_bytes());
        let mut circled = compound(&["a", "b"]);
        circled[512 + 2 * ENTRY_BYTES + 72..][..4].copy_from_slice(&1u32.to_le_bytes());
        for file in [looped, circled] {
            let (kind, message) = refusal("a.msg", &file);
            assert!(kind == ErrorKind::Malformed && message.contains("is damaged"), "{message}");
        }
        // Pictures that Windows remembers, for example.
        assert_eq!(refusal("a.db", &compound(&["Catalog"])).0, ErrorKind::Binary);
    }

    #[test]
    #[cfg(feature = "archive")]
    fn a_directory_far_into_a_member_is_found() {
        let near = compound(&["PowerPoint Document"]);
        let mut file = near[..512].to_vec();
        file[48..52].copy_from_slice(&127u32.to_le_bytes());
        file[76..80].copy_from_slice(&128u32.to_le_bytes());
        file.resize(512 * 128, 0);
        file.extend(&near[512..1024]);
        file.extend(LAST.to_le_bytes().repeat(128));
        let archive = crate::office::package::tests::stored(&[("a.ppt", &file)]);
        let found = collect(Input::bytes("a.zip", &archive)).unwrap();
        assert!(found.problems[0].message.contains("save it as .pptx"), "{:?}", found.problems);
    }
}
