//! Which index a command means. In: the arguments, and where the program was started. Out: the folder of an index.
//!
//! An index that is not named is the `.vizsla` of the working folder or of the nearest folder above it, else the one in
//! `VIZSLA_INDEX`, else the default one in the data folder, which is where sources go that are not a single folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use vizsla::Index;

use crate::args::{IndexArgs, IndexDir};
use crate::{output, settings};

/// The folder that an index has within the folder that it is of.
pub(crate) const NAME: &str = ".vizsla";

/// The index that a command on an existing index means.
///
/// # Errors
/// When none is named and none is found.
pub(crate) fn find(args: &IndexDir) -> anyhow::Result<PathBuf> {
    known(args)?.with_context(|| {
        format!(
            "there is no index here or above (no {NAME}): `vizsla index` makes one of this folder, \
             `vizsla index FOLDER` of another; --index DIR names one"
        )
    })
}

/// Opens the index that is meant.
pub(crate) fn open(args: &IndexDir) -> anyhow::Result<Index> {
    let dir = find(args)?;
    Index::open(&dir).with_context(|| {
        let of_variable =
            args.index.is_none() && settings::index_variable().is_some_and(|named| named == dir);
        let variable = if of_variable { "VIZSLA_INDEX: " } else { "" };
        if !dir.exists() {
            format!(
                "{variable}create it first with `vizsla index SOURCE --index {}`",
                dir.display()
            )
        } else if dir.join(NAME).is_dir() {
            format!("{variable}name the index in that folder, {}", dir.join(NAME).display())
        } else {
            format!("{variable}cannot use the index")
        }
    })
}

/// Where `index` and `watch` write, and what they read when nothing is named and nothing is known yet.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) dir: PathBuf,
    pub(crate) sources: Vec<PathBuf>,
}

/// The index that sources go to.
pub(crate) fn target(args: &IndexArgs) -> anyhow::Result<Target> {
    let sources = args.sources.clone();
    if let Some(dir) = &args.index.index {
        return Ok(Target { dir: dir.clone(), sources });
    }
    let dir = match sources.as_slice() {
        [] => match known(&args.index)? {
            Some(dir) if dir.exists() => dir,
            // The one that `VIZSLA_INDEX` names is made, too.
            named => {
                let dir = named.unwrap_or_else(|| PathBuf::from(NAME));
                return Ok(Target { dir, sources: vec![".".into()] });
            }
        },
        [folder] if folder.is_dir() => of_folder(folder),
        _ => match known(&args.index)? {
            Some(dir) => dir,
            None => default_dir().context("name the index with --index DIR")?,
        },
    };
    Ok(Target { dir, sources })
}

/// A folder's own index; a central one that was chosen takes only what has none.
fn of_folder(folder: &Path) -> PathBuf {
    let own = folder.components().collect::<PathBuf>().join(NAME);
    let own = own.strip_prefix(".").map(Path::to_path_buf).unwrap_or(own);
    if own.is_dir() { own } else { settings::index_variable().unwrap_or(own) }
}

/// Keeps an index that lies within a folder out of what git sees there, and says once where it is.
pub(crate) fn made(dir: &Path) {
    if dir.file_name().is_none_or(|name| name != NAME) {
        return;
    }
    let ignore = dir.join(".gitignore");
    // Where this cannot be written, git shows the folder, and everything else works.
    if !ignore.exists() && fs::write(&ignore, "*\n").is_ok() {
        output::note(&format!("the index is {}", dir.display()));
    }
}

fn known(args: &IndexDir) -> anyhow::Result<Option<PathBuf>> {
    if let Some(dir) = &args.index {
        return Ok(Some(dir.clone()));
    }
    let here = settings::working_folder().context("the working folder is gone")?;
    let above = here.ancestors().map(|folder| folder.join(NAME)).find(|dir| dir.is_dir());
    // As it would be typed.
    let nearest = above.map(|dir| PathBuf::from(settings::relative(&dir.display().to_string())));
    Ok(nearest
        .or_else(settings::index_variable)
        .or_else(|| default_dir().filter(|dir| dir.is_dir())))
}

fn default_dir() -> Option<PathBuf> {
    vizsla_hub::runtime::data_dir().ok().map(|data| data.join("index"))
}
