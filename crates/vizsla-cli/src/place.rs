//! Where `index` and `watch` write: a folder, or an engine elsewhere.

use std::path::PathBuf;

use vizsla::{Collection, Index};

use crate::args::{EngineArgs, IndexArgs};
use crate::index_dir::{self, Target};
use crate::index_settings::{check_same, new_settings, open_or_create};
use crate::{engines, interrupt};

/// Where documents are kept.
pub(crate) enum Place<'a> {
    Folder(PathBuf),
    Engine(&'a EngineArgs),
}

impl<'a> Place<'a> {
    /// The place that sources go to, and the sources.
    pub(crate) fn of(args: &'a IndexArgs) -> anyhow::Result<(Self, Vec<PathBuf>)> {
        if args.engine.is_empty() {
            let Target { dir, sources } = index_dir::target(args)?;
            return Ok((Self::Folder(dir), sources));
        }
        if args.index.index.is_some() {
            anyhow::bail!("documents are kept in one place: name a folder or an engine");
        }
        Ok((Self::Engine(&args.engine), args.sources.clone()))
    }

    /// What is there already.
    pub(crate) fn open(&self) -> anyhow::Result<Box<dyn Collection>> {
        Ok(match self {
            Self::Folder(dir) => Box::new(Index::open(dir)?),
            Self::Engine(engine) => engines::collection(engine, None)?.0,
        })
    }

    /// What is there, or something new with the requested settings; what is there keeps its own.
    pub(crate) fn open_or_create(&self, args: &IndexArgs) -> anyhow::Result<Box<dyn Collection>> {
        Ok(match self {
            Self::Folder(dir) => Box::new(open_or_create(dir, args)?),
            Self::Engine(engine) => {
                let settings = new_settings(args);
                let (collection, name) = engines::collection(engine, Some(&settings))?;
                check_same(args, &collection.settings(), &settings, &name)?;
                collection
            }
        })
    }

    /// An error of a run, or what an interruption has left.
    pub(crate) fn failed(&self, error: vizsla_ingest::Error) -> anyhow::Error {
        match self {
            Self::Folder(dir) => interrupt::or_failed(error, dir),
            Self::Engine(_) if error.kind() == vizsla_ingest::ErrorKind::Cancelled => {
                interrupt::Interrupted(error.to_string().replace("cancelled", "interrupted")).into()
            }
            Self::Engine(_) => error.into(),
        }
    }
}
