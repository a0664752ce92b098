//! Recognises the kinds of documents that are ZIP files or flat XML files. In: the bytes of a file. Out: its kind, by
//! the names of its members and its media type.
//!
//! Only names are read, and no library is needed for that, so that a document is also recognised by builds that do not
//! read it. `APPNOTE.TXT` of PKWARE says where names are.

use memchr::memmem;

/// What a ZIP file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Docx,
    Pptx,
    Xlsx,
    Xlsb,
    Odt,
    Odp,
    Ods,
    Odg,
    /// An OpenDocument file that does not show which.
    OpenDocument,
    Epub,
    /// None of these: an archive.
    Archive,
}

pub(crate) fn is_docx(bytes: &[u8]) -> bool {
    kind(bytes) == Some(Kind::Docx)
}

pub(crate) fn is_pptx(bytes: &[u8]) -> bool {
    kind(bytes) == Some(Kind::Pptx)
}

pub(crate) fn is_xlsx(bytes: &[u8]) -> bool {
    kind(bytes) == Some(Kind::Xlsx)
}

pub(crate) fn is_xlsb(bytes: &[u8]) -> bool {
    kind(bytes) == Some(Kind::Xlsb)
}

pub(crate) fn is_odt(bytes: &[u8]) -> bool {
    is_open_document(bytes, Kind::Odt)
}

pub(crate) fn is_odp(bytes: &[u8]) -> bool {
    is_open_document(bytes, Kind::Odp)
}

pub(crate) fn is_ods(bytes: &[u8]) -> bool {
    is_open_document(bytes, Kind::Ods)
}

/// Whether a file is a workbook in the XML of Excel 2002 and 2003.
pub(crate) fn is_xml_workbook(bytes: &[u8]) -> bool {
    let start = start(bytes);
    let is_root = |at: usize| {
        let element = start[at..].split('>').next().unwrap_or_default();
        element.contains("urn:schemas-microsoft-com:office:spreadsheet")
    };
    start.starts_with('<')
        && ["<Workbook", ":Workbook"].into_iter().filter_map(|name| start.find(name)).any(is_root)
}

/// Whether a file is a Word document in one XML text: of Word 2003, or a package in one file.
pub(crate) fn is_xml_document(bytes: &[u8]) -> bool {
    let start = start(bytes);
    let is_package = start.contains("<pkg:package")
        && ["progid=\"Word.Document\"", "progid='Word.Document'", "word/document.xml"]
            .iter()
            .any(|sign| start.contains(sign));
    start.starts_with('<') && (start.contains("<w:wordDocument") || is_package)
}

/// The beginning of a file that may be XML.
fn start(bytes: &[u8]) -> String {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(ROOT_BYTES)]);
    // In UTF-16 every other byte is zero.
    let start = start.replace('\0', "");
    start.trim_start_matches(['\u{feff}', '\u{fffd}']).trim_start().to_owned()
}

pub(crate) fn is_odg(bytes: &[u8]) -> bool {
    is_open_document(bytes, Kind::Odg)
}

fn is_open_document(bytes: &[u8], wanted: Kind) -> bool {
    let kind = kind(bytes).or_else(|| flat_kind(bytes));
    kind == Some(wanted) || kind == Some(Kind::OpenDocument)
}

pub(crate) fn is_epub(bytes: &[u8]) -> bool {
    kind(bytes) == Some(Kind::Epub)
}

/// Whether a file is a ZIP file of whatever kind.
pub(crate) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(LOCAL) || bytes.starts_with(END) || ends_as_zip(bytes).is_some()
}

/// How programs begin that unpack or run the archive behind them: those of Windows and Linux, and scripts.
const PROGRAMS: &[&[u8]] = &[b"MZ", b"\x7fELF", b"#!"];

/// The directory of a ZIP file that something precedes. Its end record ends the file; behind a program, a comment or a
/// signature may follow it.
fn ends_as_zip(bytes: &[u8]) -> Option<&[u8]> {
    let is_program = PROGRAMS.iter().any(|start| bytes.starts_with(start));
    let most = if is_program { END_BYTES } else { END_RECORD_BYTES };
    let tail = bytes.len().saturating_sub(most);
    let end = tail + memmem::rfind(bytes.get(tail..)?, END)?;
    let size = u32_at(bytes.get(end..)?, 12)?;
    bytes.get(end.checked_sub(size)?..end).filter(|directory| directory.starts_with(CENTRAL))
}

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
/// Parts by which a package is recognised that has lost what says that it is one.
const MAIN_PARTS: &[&str] = &[
    "word/document.xml",
    "ppt/presentation.xml",
    "ppt/slides/slide1.xml",
    "xl/workbook.xml",
    "xl/worksheets/sheet1.xml",
];
/// Bytes of the end record without a comment.
const END_RECORD_BYTES: usize = 22;
/// Bytes at the end of a file in which the end record is, with its comment.
const END_BYTES: usize = END_RECORD_BYTES + 0xffff;
/// Members whose names are looked at.
const MOST_MEMBERS: usize = 20_000;
/// Bytes at the beginning of a file that has lost its directory in which names are looked for.
const CUT_BYTES: usize = 1 << 20;
/// Bytes in which the root element of a flat file has its media type, after a hundred or so namespaces.
const ROOT_BYTES: usize = 16 << 10;

/// What a ZIP file is; `None` for any other file.
pub(crate) fn kind(bytes: &[u8]) -> Option<Kind> {
    if !is_zip(bytes) {
        return None;
    }
    let by_type = media_type(bytes).and_then(of_media_type);
    Some(by_type.or_else(|| of_names(bytes)).unwrap_or(Kind::Archive))
}

/// What a file of the OpenDocument kind is that is one XML text.
fn flat_kind(bytes: &[u8]) -> Option<Kind> {
    let start = bytes.get(..bytes.len().min(ROOT_BYTES))?;
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    if !start.starts_with(b"<") {
        return None;
    }
    let root = start.get(memmem::find(start, b"<office:document ")?..)?;
    let tail = root.get(memmem::find(root, b"office:mimetype=")?..)?;
    let value = tail.get(b"office:mimetype=".len() + 1..)?;
    of_media_type(value.split(|byte| matches!(byte, b'"' | b'\'')).next()?)
}

fn of_media_type(value: &[u8]) -> Option<Kind> {
    let value = std::str::from_utf8(value).ok()?.trim();
    if value == "application/epub+zip" {
        return Some(Kind::Epub);
    }
    let value = value.strip_prefix("application/")?;
    let value = ["vnd.oasis.opendocument.", "vnd.sun.xml."]
        .iter()
        .find_map(|prefix| value.strip_prefix(prefix))?;
    match value.split(['-', '.']).next()? {
        "text" | "writer" => Some(Kind::Odt),
        "presentation" | "impress" => Some(Kind::Odp),
        "spreadsheet" | "calc" => Some(Kind::Ods),
        "graphics" | "draw" => Some(Kind::Odg),
        _ => None,
    }
}

/// The content of the member `mimetype`, which comes first and is not compressed.
fn media_type(bytes: &[u8]) -> Option<&[u8]> {
    let header = bytes.get(..30)?;
    let name = 30 + u16_at(header, 26)?;
    let is_stored = u16_at(header, 8)? == 0;
    if !is_stored || bytes.get(30..name)? != b"mimetype" {
        return None;
    }
    let data = bytes.get(name + u16_at(header, 28)?..)?;
    // The size may be given only after the data, where the next header begins.
    let size = match u32_at(header, 18)? {
        0 => memmem::find(data.get(..data.len().min(256))?, b"PK")?,
        size => size,
    };
    data.get(..size.min(256))
}

/// What the names of the members show. Some writers use capitals, and some backslashes.
fn of_names(bytes: &[u8]) -> Option<Kind> {
    let Names { all, are_whole } = names(bytes);
    let (mut has_types, mut folder, mut is_binary) = (false, None, false);
    let (mut has_content, mut has_manifest) = (false, false);
    for name in all {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase().replace('\\', "/");
        match name.trim_start_matches('/') {
            "[content_types].xml" => has_types = true,
            "meta-inf/container.xml" => return Some(Kind::Epub),
            "meta-inf/manifest.xml" => has_manifest = true,
            "content.xml" => has_content = true,
            "xl/workbook.bin" => is_binary = true,
            // What says that a file is a package may come last, and be lost with the end.
            name => {
                has_types |= !are_whole && MAIN_PARTS.contains(&name);
                folder = folder.or(of_folder(name));
            }
        }
    }
    match folder {
        // Its media type is compressed, or missing.
        _ if has_content && has_manifest => Some(Kind::OpenDocument),
        _ if !has_types => None,
        _ if is_binary => Some(Kind::Xlsb),
        folder => folder,
    }
}

fn of_folder(name: &str) -> Option<Kind> {
    let kinds = [("word/", Kind::Docx), ("ppt/", Kind::Pptx), ("xl/", Kind::Xlsx)];
    kinds.into_iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, kind)| kind)
}

/// The names of members.
struct Names<'a> {
    all: Vec<&'a [u8]>,
    /// Whether the directory has been read.
    are_whole: bool,
}

/// The names of the members, in the order of the directory; in a file that has been cut off, those near its beginning.
fn names(bytes: &[u8]) -> Names<'_> {
    let Some(mut rest) = directory(bytes).filter(|rest| rest.starts_with(CENTRAL)) else {
        let start = &bytes[..bytes.len().min(CUT_BYTES)];
        let members = memmem::find_iter(start, LOCAL).take(MOST_MEMBERS);
        let all = members.filter_map(|at| name(bytes.get(at..)?, 26, 30)).collect();
        return Names { all, are_whole: false };
    };
    let mut names = Vec::new();
    while rest.starts_with(CENTRAL) && names.len() < MOST_MEMBERS {
        let Some(name) = name(rest, 28, 46) else { break };
        names.push(name);
        let more =
            u16_at(rest, 30).zip(u16_at(rest, 32)).map_or(0, |(extra, comment)| extra + comment);
        rest = rest.get(46 + name.len() + more..).unwrap_or_default();
    }
    Names { all: names, are_whole: true }
}

fn name(header: &[u8], length_at: usize, name_at: usize) -> Option<&[u8]> {
    header.get(name_at..name_at + u16_at(header, length_at)?)
}

/// The central directory and what follows it.
fn directory(bytes: &[u8]) -> Option<&[u8]> {
    let tail = bytes.len().saturating_sub(END_BYTES);
    let end = tail + memmem::rfind(bytes.get(tail..)?, END)?;
    let record = bytes.get(end..)?;
    let (size, offset) = (u32_at(record, 12)?, u32_at(record, 16)?);
    // The directory ends where this record begins, also when something precedes the ZIP file.
    let before = end.checked_sub(size).and_then(|start| bytes.get(start..));
    if let Some(directory) = before.filter(|start| start.starts_with(CENTRAL)) {
        return Some(directory);
    }
    if offset != u32::MAX as usize {
        return bytes.get(offset..);
    }
    let locator = bytes.get(end.checked_sub(20)?..)?;
    let large = bytes.get(usize::try_from(u64_at(locator, 8)?).ok()?..)?;
    bytes.get(usize::try_from(u64_at(large, 48)?).ok()?..)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    let two = bytes.get(at..at + 2)?;
    two.try_into().ok().map(|two| usize::from(u16::from_le_bytes(two)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at + 4)?;
    four.try_into().ok().map(|four| u32::from_le_bytes(four) as usize)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A ZIP file of uncompressed members.
    pub(crate) fn stored(members: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut file, mut directory) = (Vec::new(), Vec::new());
        for (name, data) in members {
            let (offset, size) = (file.len() as u32, data.len() as u32);
            let mut both = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            both.extend(crc32(data).to_le_bytes());
            both.extend([size.to_le_bytes(), size.to_le_bytes()].concat());
            both.extend((name.len() as u16).to_le_bytes());
            both.extend([0, 0]);
            file.extend([LOCAL, &both, name.as_bytes(), data].concat());
            directory.extend([CENTRAL, &[20, 0], &both, &[0; 10], &offset.to_le_bytes()].concat());
            directory.extend(name.as_bytes());
        }
        let (start, size) = (file.len() as u32, directory.len() as u32);
        let count = (members.len() as u16).to_le_bytes();
        file.extend(directory);
        file.extend(
            [END, &[0; 4], &count, &count, &size.to_le_bytes(), &start.to_le_bytes(), &[0, 0]]
                .concat(),
        );
        file
    }

    fn crc32(data: &[u8]) -> u32 {
        !data.iter().fold(!0u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
            })
        })
    }

    fn named(names: &[&str]) -> Vec<u8> {
        stored(&names.iter().map(|name| (*name, &b"x"[..])).collect::<Vec<_>>())
    }

    #[test]
    fn kinds_are_told_by_names_and_media_types() {
        let types = "[Content_Types].xml";
        for (file, expected) in [
            (named(&[types, "word/document.xml"]), Kind::Docx),
            (named(&["WORD\\DOCUMENT.XML", "[CONTENT_TYPES].XML"]), Kind::Docx),
            (named(&[types, "/ppt/presentation.xml"]), Kind::Pptx),
            (named(&[types, "xl/workbook.xml"]), Kind::Xlsx),
            (named(&[types, "xl/styles.bin", "xl/workbook.bin"]), Kind::Xlsb),
            (named(&["a.txt", "word/document.xml"]), Kind::Archive),
            (named(&[]), Kind::Archive),
            (named(&["META-INF/container.xml", "a.opf"]), Kind::Epub),
            (stored(&[("mimetype", b"application/epub+zip\n")]), Kind::Epub),
            (
                stored(&[("mimetype", b"application/vnd.oasis.opendocument.text-template")]),
                Kind::Odt,
            ),
            (stored(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet")]), Kind::Ods),
            (stored(&[("mimetype", b"text/plain")]), Kind::Archive),
        ] {
            assert_eq!(kind(&file), Some(expected));
        }
        assert_eq!(kind(b"PK is a text"), None);
        let unclear = named(&["content.xml", "META-INF/manifest.xml"]);
        assert!(is_odt(&unclear) && is_ods(&unclear) && !is_docx(&unclear));
    }

    #[test]
    fn a_file_is_recognised_after_junk_is_put_before_it_or_its_end_is_lost() {
        let file = named(&["[Content_Types].xml", "word/document.xml"]);
        assert!(is_docx(&[LOCAL, b"junk", &file].concat()));
        let cut = memmem::find(&file, CENTRAL).unwrap();
        assert!(is_docx(&file[..cut]));
        for cut in 0..file.len() {
            let _ = kind(&file[..cut]);
        }
    }

    #[test]
    fn a_zip_file_may_be_behind_a_program_or_other_bytes() {
        let file = named(&["a.txt"]);
        for stub in [&b"MZ\x90\0stub"[..], b"#!/usr/bin/env python3\n", b"any bytes"] {
            assert_eq!(kind(&[stub, &file].concat()), Some(Kind::Archive));
        }
        let book = named(&["META-INF/container.xml", "a.opf"]);
        assert!(is_epub(&[b"a line before it\n", book.as_slice()].concat()));
        let signed = [b"MZ\x90\0stub", file.as_slice(), &[7; 3_000]].concat();
        assert!(is_zip(&signed) && !is_zip(&signed[2..]));
        assert!(!is_zip(b"MZ PK\x05\x06") && !is_zip(&[b"x".as_slice(), END, &[0; 18]].concat()));
    }

    #[test]
    fn flat_files_are_told_by_the_media_type_of_their_root() {
        let flat = |media: &str| {
            format!(
                "<?xml version='1.0'?>\n<office:document xmlns:a=\"b\" office:mimetype=\"application/vnd.oasis.opendocument.{media}\">"
            )
        };
        assert!(is_odt(flat("text").as_bytes()));
        assert!(is_odp(flat("presentation").as_bytes()) && !is_ods(flat("text").as_bytes()));
        assert!(!is_odt(
            b"see <office:document office:mimetype=\"application/vnd.oasis.opendocument.text\">"
        ));
    }
}
