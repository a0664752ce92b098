//! ZIP: each file is a member. Archives whose directory is lost are restored as far as they go.

use crate::definition::{Definition, Read, Recognise};

/// ZIP.
pub(crate) static FORMAT: Definition = Definition {
    name: "zip",
    title: "ZIP",
    version: 5,
    extensions: &["zip", "jar", "war", "ear", "whl", "egg", "xpi"],
    recognise: Recognise::Bytes(crate::office::package::is_zip),
    is_foreign: true,
    read: READ,
};

#[cfg(feature = "archive")]
const READ: Read = Read::Whole(reading::members);
#[cfg(not(feature = "archive"))]
const READ: Read = crate::archive::MISSING;

#[cfg(feature = "archive")]
mod reading {
    use std::collections::HashSet;
    use std::io::Cursor;
    use std::ops::ControlFlow;

    use zip::read::ZipFile;
    use zip::{ExtraField, SUPPORTED_COMPRESSION_METHODS, ZipArchive};

    use crate::archive::member;
    use crate::archive::names::Names;
    use crate::error::{Error, ErrorKind};
    use crate::members::Summary;
    use crate::output::Output;
    use crate::restored::{self, Restored};
    use crate::sink::ProblemKind;

    pub(super) fn members(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
        let restored;
        let bytes = if restored::is_whole(bytes) {
            bytes
        } else {
            let found = Restored::of(bytes, output.unpacked_left()).ok_or_else(invalid)?;
            found.report(output);
            restored = found.finish();
            &restored
        };
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| invalid())?;
        let names = Names::of(archive.file_names_raw());
        let mut refused = Refused::default();
        for index in 0..archive.len() {
            if file(&mut archive, index, &names, &mut refused, output).is_break() {
                break;
            }
        }
        let lost = overwritten(bytes, archive.central_directory_start());
        for name in &lost {
            refused.overwritten.add(&names.text(name));
        }
        refused.report(output);
        Ok(())
    }

    /// The names of members that a later one of the same name hides: the archive is read by name.
    fn overwritten(bytes: &[u8], directory: u64) -> Vec<&[u8]> {
        const HEADER_BYTES: usize = 46;
        let start = usize::try_from(directory).unwrap_or(usize::MAX);
        let mut rest = bytes.get(start..).unwrap_or_default();
        let (mut seen, mut overwritten) = (HashSet::new(), Vec::new());
        while let Some(header) = rest.get(..HEADER_BYTES).filter(|h| h.starts_with(b"PK\x01\x02")) {
            let length = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
            let (name, more) = (length(28), length(30) + length(32));
            let Some(name) = rest.get(HEADER_BYTES..HEADER_BYTES + name) else { break };
            if !seen.insert(name) {
                overwritten.push(name);
            }
            rest = rest.get(HEADER_BYTES + name.len() + more..).unwrap_or_default();
        }
        overwritten
    }

    fn invalid() -> Error {
        Error::new(ErrorKind::Malformed, "is not a valid ZIP archive")
    }

    /// Members that are not unpacked.
    #[derive(Default)]
    struct Refused {
        protected: Summary,
        method: Summary,
        damaged: Summary,
        overwritten: Summary,
    }

    impl Refused {
        fn report(&self, output: &mut Output<'_>) {
            let protected = self.protected.message("needs a password", "need a password");
            let method = self.method.message(
                "is compressed by a method that is not read",
                "are compressed by a method that is not read",
            );
            let overwritten = self.overwritten.message(
                "is left out for a later one of the same name",
                "are left out for later ones of the same names",
            );
            for (kind, message) in [
                (
                    ProblemKind::Malformed,
                    overwritten.map(|message| message + "; unpack them and archive them again"),
                ),
                (ProblemKind::Protected, protected),
                (ProblemKind::Unsupported, method.map(|message| message + "; unpack it first")),
                (ProblemKind::Malformed, self.damaged.message("is damaged", "are damaged")),
            ] {
                if let Some(message) = message {
                    output.problem(kind, None, message);
                }
            }
        }
    }

    /// The name in Unicode that some programs store beside the one in the encoding of their computer.
    fn unicode_path(entry: &ZipFile<'_, Cursor<&[u8]>>) -> Option<String> {
        let field = entry.extra_data_fields().find_map(|field| match field {
            ExtraField::UnicodePath(path) => Some(path.clone()),
            _ => None,
        })?;
        String::from_utf8(field.unwrap_valid(entry.name_raw()).ok()?.into_vec()).ok()
    }

    fn file(
        archive: &mut ZipArchive<Cursor<&[u8]>>,
        index: usize,
        names: &Names,
        refused: &mut Refused,
        output: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let unicode = archive.by_index_raw(index).ok().and_then(|entry| unicode_path(&entry));
        let Ok(entry) = archive.by_index_data(index) else {
            return ControlFlow::Continue(());
        };
        let path = unicode.unwrap_or_else(|| names.text(entry.name_raw()));
        if entry.is_dir() || entry.is_symlink() || member::is_hidden(&path) {
            return ControlFlow::Continue(());
        }
        if entry.encrypted() {
            refused.protected.add(&path);
            return ControlFlow::Continue(());
        }
        if !SUPPORTED_COMPRESSION_METHODS.contains(&entry.compression()) {
            refused.method.add(&path);
            return ControlFlow::Continue(());
        }
        let Ok(mut file) = archive.by_index(index) else {
            refused.damaged.add(&path);
            return ControlFlow::Continue(());
        };
        member::read(&path, &mut file, output)
    }
}
