//! Extracts one file from an archive: a gzipped tar file, or a zip file (a Python wheel is one).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Error, ErrorKind};

/// Copies the largest file in `archive` whose base name `wanted` accepts to the new file `to`.
/// (Archives also hold links to the library, and small libraries with similar names.)
pub(crate) fn extract_largest(
    archive: &Path,
    wanted: fn(&str) -> bool,
    to: &Path,
) -> Result<(), Error> {
    let name = archive.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let found = if name.ends_with(".zip") || name.ends_with(".whl") {
        from_zip(archive, wanted, to)
    } else if name.ends_with(".tgz") || name.ends_with(".tar.gz") {
        from_tar(archive, wanted, to)
    } else {
        return Err(Error::new(
            ErrorKind::Verification,
            format!(
                "{} is not a supported archive: give a .tgz, .zip or .whl file, or the library itself",
                archive.display()
            ),
        ));
    };
    match found {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::new(
            ErrorKind::Verification,
            format!("{} holds no ONNX Runtime library for this system", archive.display()),
        )),
        Err(error) => Err(Error::io("unpack", archive, error)),
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn from_zip(archive: &Path, wanted: fn(&str) -> bool, to: &Path) -> io::Result<bool> {
    let mut zip = zip::ZipArchive::new(File::open(archive)?)?;
    let mut best: Option<(u64, usize)> = None;
    for i in 0..zip.len() {
        let file = zip.by_index_raw(i)?;
        if file.is_file() && wanted(base_name(&file.name()?)) {
            best = best.max(Some((file.size(), i)));
        }
    }
    let Some((_, index)) = best else { return Ok(false) };
    copy(&mut zip.by_index(index)?, to)?;
    Ok(true)
}

fn from_tar(archive: &Path, wanted: fn(&str) -> bool, to: &Path) -> io::Result<bool> {
    let mut largest = 0;
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(File::open(archive)?));
    for entry in tar.entries()? {
        let mut entry = entry?;
        let is_wanted = entry.path()?.to_str().is_some_and(|path| wanted(base_name(path)));
        if entry.header().entry_type().is_file() && is_wanted && entry.size() > largest {
            largest = entry.size();
            copy(&mut entry, to)?;
        }
    }
    Ok(largest > 0)
}

fn copy(from: &mut impl Read, to: &Path) -> io::Result<()> {
    io::copy(from, &mut File::create(to)?)?;
    Ok(())
}
