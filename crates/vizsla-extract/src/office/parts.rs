//! The parts of a document that is a ZIP file. In: its bytes. Out: the content of a part by name, within the limits,
//! and what the relationships of a part name.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::{Error, ErrorKind};
use crate::office::xml::{Event, Xml, decode};
use crate::output::Output;
use crate::restored::{self, Restored};
use crate::sink::ProblemKind;

/// How much larger a document may be than its file, once its parts are larger than [`FREE_BYTES`] together: parsing takes
/// longer than unpacking, and documents of equal rows are rarely so large.
const RATIO: u64 = 100;
const FREE_BYTES: u64 = 32 << 20;

/// An open document.
pub(crate) struct Package<'a> {
    archive: ZipArchive<Cursor<Cow<'a, [u8]>>>,
    /// The members by name in lower case: some writers use capitals, and some backslashes.
    members: HashMap<String, usize>,
    /// The parts, by key, of which it has been reported that their end is missing.
    broken: HashSet<String>,
    /// Bytes that its parts may still unpack to.
    left: u64,
    /// Whether it has been reported that no more may be unpacked.
    is_spent: bool,
}

impl<'a> Package<'a> {
    /// Opens a document; of one that was cut off, what there is of it.
    pub(crate) fn open(bytes: &'a [u8], output: &mut Output<'_>) -> Result<Self, Error> {
        let (mut bytes, mut broken) = (Cow::Borrowed(bytes), HashSet::new());
        if !restored::is_whole(&bytes)
            && let Some(restored) = Restored::of(&bytes, output.unpacked_left())
        {
            restored.report(output);
            broken.extend(restored.broken.iter().map(|(name, _)| key(name)));
            bytes = Cow::Owned(restored.finish());
        }
        let left = (bytes.len() as u64).saturating_mul(RATIO).max(FREE_BYTES);
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| {
            Error::new(ErrorKind::Malformed, "is damaged: its list of parts cannot be read")
                .with_source(error)
        })?;
        let names = archive.file_names_raw().enumerate();
        let members = names.map(|(i, name)| (key(&String::from_utf8_lossy(name)), i)).collect();
        Ok(Self { archive, members, broken, left, is_spent: false })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(&key(name))
    }

    /// The names of the parts that begin with `prefix`, in lower case and in order.
    pub(crate) fn names(&self, prefix: &str) -> Vec<String> {
        let mut names: Vec<String> =
            self.members.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names
    }

    /// The content of a part, if there is one of this name. What cannot be read of it is reported.
    pub(crate) fn read(&mut self, name: &str, output: &mut Output<'_>) -> Option<Vec<u8>> {
        let member = *self.members.get(&key(name))?;
        let limit = output.unpacked_left().min(self.left);
        if limit == 0 {
            if !std::mem::replace(&mut self.is_spent, true) {
                let message =
                    format!("unpacks to too much; {name} and what comes after it are left out");
                output.problem(ProblemKind::TooLarge, None, message);
            }
            return None;
        }
        let mut file = match self.archive.by_index(member) {
            Ok(file) => file,
            Err(error) => {
                let (kind, message) = refused(&error);
                output.problem(kind, None, format!("{name} {message}"));
                return None;
            }
        };
        let mut bytes = Vec::new();
        let read = file.by_ref().take(limit.saturating_add(1)).read_to_end(&mut bytes);
        if bytes.len() as u64 > limit {
            bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let message =
                format!("{name} unpacks to more than {limit} bytes; the rest is left out");
            output.problem(ProblemKind::TooLarge, None, message);
            self.broken.insert(key(name));
        } else if read.is_err() {
            let message = format!("{name} is damaged; only what comes before the damage is read");
            output.problem(ProblemKind::Malformed, None, message);
            self.broken.insert(key(name));
        }
        self.left -= bytes.len() as u64;
        output.has_unpacked(bytes.len() as u64);
        Some(bytes)
    }

    /// Reports why the text of a part ended early, if it did, unless that has been said.
    pub(crate) fn report(&self, xml: &Xml<'_>, part: &str, output: &mut Output<'_>) {
        if self.is_whole(part) {
            report(xml, part, output);
        }
    }

    /// Whether a part, as far as is known, is read to its end.
    pub(crate) fn is_whole(&self, part: &str) -> bool {
        !self.broken.contains(&key(part))
    }

    /// What the relationships of a part name, by their ids.
    pub(crate) fn relationships(&mut self, part: &str, output: &mut Output<'_>) -> Relationships {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let path = format!("{folder}/_rels/{name}.rels");
        let mut found = Relationships::default();
        let Some(bytes) = self.read(&path, output) else { return found };
        let text = decode(&bytes);
        let mut xml = Xml::new(&text, output.limits.nesting);
        let mut seen = HashSet::new();
        while let Some(event) = xml.next() {
            let Event::Start(tag) = event else { continue };
            if tag.name() != "Relationship" {
                continue;
            }
            let (Some(id), Some(target)) = (tag.get("Id"), tag.get("Target")) else { continue };
            let kind = tag.get("Type").unwrap_or_default();
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            if tag.get("TargetMode").is_none_or(|mode| mode != "External") {
                let target = resolve(part, &target);
                found.ids.entry(id).or_insert(target.clone());
                // Who asks for all parts of a kind gets each once.
                if seen.insert((kind.clone(), target.clone())) {
                    found.all.push(Relationship { kind, target });
                }
            }
        }
        self.report(&xml, &path, output);
        found
    }
}

/// One relationship of a part to another one.
#[derive(Debug)]
struct Relationship {
    /// The last component of its type.
    kind: String,
    /// The name of the other part.
    target: String,
}

/// The relationships of a part, in order.
#[derive(Debug, Default)]
pub(crate) struct Relationships {
    all: Vec<Relationship>,
    /// The names of the other parts by the ids.
    ids: HashMap<String, String>,
}

impl Relationships {
    pub(crate) fn target(&self, id: &str) -> Option<&str> {
        self.ids.get(id).map(String::as_str)
    }

    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &str> {
        let found = self.all.iter().filter(move |relationship| relationship.kind == kind);
        found.map(|relationship| relationship.target.as_str())
    }
}

/// Reports why the text of a part ended early, if it did.
pub(crate) fn report(xml: &Xml<'_>, part: &str, output: &mut Output<'_>) {
    if let Some(failure) = &xml.failure {
        let message = format!("{part} {failure}; what comes after that is left out");
        output.problem(ProblemKind::Malformed, None, message);
    }
}

fn refused(error: &ZipError) -> (ProblemKind, &'static str) {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            (ProblemKind::Protected, "is protected by a password")
        }
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => (
            ProblemKind::Unsupported,
            "is compressed by a method that is not read; save the file again",
        ),
        _ => (ProblemKind::Malformed, "is damaged and is left out"),
    }
}

/// Names are compared without their case, and with slashes whichever way they lean.
fn key(name: &str) -> String {
    name.trim_start_matches(['/', '\\']).replace('\\', "/").to_lowercase()
}

/// The name of the part that a reference in the part `base` leads to.
pub(crate) fn resolve(base: &str, reference: &str) -> String {
    let reference = reference.split(['#', '?']).next().unwrap_or_default().replace('\\', "/");
    let reference = percent_decoded(&reference);
    let mut path: Vec<&str> = match reference.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => base.rsplit_once('/').map_or(Vec::new(), |(folder, _)| folder.split('/').collect()),
    };
    for component in reference.split('/') {
        match component {
            "" | "." => {}
            ".." => drop(path.pop()),
            name => path.push(name),
        }
    }
    path.join("/")
}

pub(crate) fn percent_decoded(reference: &str) -> String {
    let mut bytes = Vec::with_capacity(reference.len());
    let mut rest = reference.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| reference.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lead_to_parts() {
        for (base, reference, expected) in [
            ("ppt/slides/slide1.xml", "../notes/n.xml", "ppt/notes/n.xml"),
            ("word/document.xml", "/word/media/a.png", "word/media/a.png"),
            ("OEBPS/book.opf", "Text/a%20b%C3%A9.xhtml#c", "OEBPS/Text/a bé.xhtml"),
            ("book.opf", "100%.html", "100%.html"),
            ("a/b", "..\\..\\..\\c", "c"),
            ("", "word/document.xml", "word/document.xml"),
        ] {
            assert_eq!(resolve(base, reference), expected);
        }
    }
}
