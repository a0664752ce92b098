//! Locates models and ONNX Runtime on this machine, and opens models by reference.

use std::path::{Path, PathBuf};

use vizsla_hub::catalogue::{self, Entry};
use vizsla_hub::{Cache, Repository};
use vizsla_onnx::{CrossEncoder, CrossEncoderOptions, Device, Runtime};

use crate::error::{Error, ErrorKind, Result};
use crate::file_choices::FileChoices;
use crate::model_ref::ModelRef;

/// Where models, and the library that runs them, are looked for on this machine.
#[derive(Debug, Clone, Default)]
pub struct Models {
    cache: Option<Cache>,
    runtime: Option<PathBuf>,
    choices: Option<PathBuf>,
}

impl Models {
    /// The places shared by all of the user's programs: the cache of the Hugging Face libraries, and Vizsla's data folder for
    /// [`FileChoices`] (`best-files.json` in it). ONNX Runtime is found by [`vizsla_hub::runtime::locate`]. What
    /// the environment does not name is an error only when it is needed: the bundled model needs no cache.
    pub fn from_env() -> Self {
        let data = vizsla_hub::runtime::data_dir().ok();
        Self {
            cache: Cache::from_env().ok(),
            runtime: None,
            choices: data.map(|dir| dir.join("best-files.json")),
        }
    }

    /// Models in `cache`, a folder in the layout that the Hugging Face libraries share. No file choices are remembered.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self { cache: Some(Cache::new(cache)), ..Self::default() }
    }

    /// Runs models with the ONNX Runtime library at this path, instead of looking for one.
    pub fn with_runtime(mut self, library: impl Into<PathBuf>) -> Self {
        self.runtime = Some(library.into());
        self
    }

    /// Keeps [`FileChoices`] in this file.
    pub fn with_file_choices(mut self, path: impl Into<PathBuf>) -> Self {
        self.choices = Some(path.into());
        self
    }

    /// The cache where models are looked for.
    ///
    /// # Errors
    /// [`ErrorKind::Hub`] when the environment names none and the user has no home folder.
    pub fn cache(&self) -> Result<&Cache> {
        self.cache.as_ref().ok_or_else(|| {
            let message = "this user has no home folder; set HF_HOME to a folder for models";
            Error::new(ErrorKind::Hub, message)
        })
    }

    /// The files chosen by timing, as far as they are known.
    pub fn file_choices(&self) -> FileChoices {
        self.choices.as_deref().map(FileChoices::load).unwrap_or_default()
    }

    /// Remembers `file` as the one to use for the model in `dir`, and returns where that is recorded; `None` when there
    /// is no place for it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it cannot be written.
    pub fn remember_file(&self, dir: &Path, file: &str) -> Result<Option<&Path>> {
        let Some(path) = self.choices.as_deref() else { return Ok(None) };
        let mut choices = self.file_choices();
        choices.choose(dir, file)?;
        choices.save(path)?;
        Ok(Some(path))
    }

    /// The folder of a model on this machine.
    ///
    /// # Errors
    /// [`ErrorKind::Bundled`], [`ErrorKind::UnknownModel`], or [`ErrorKind::NotHere`] when it would have to be pulled first.
    pub fn dir(&self, model: &ModelRef) -> Result<PathBuf> {
        if let Some(dir) = model.as_folder() {
            return Ok(dir);
        }
        let found = match model {
            ModelRef::Bundled => {
                let message =
                    format!("the model {model} is part of this program and has no folder");
                return Err(Error::new(ErrorKind::Bundled, message).about(model));
            }
            ModelRef::Dir(dir) => Some(dir.clone()),
            ModelRef::Named(_) | ModelRef::Repository(_) => {
                let (repository, entry) = self.repository(model)?;
                match entry {
                    Some(entry) => vizsla_hub::find(self.cache()?, &entry),
                    None => self.cache()?.snapshot(&repository),
                }
            }
        };
        found.ok_or_else(|| {
            let message = format!("the model {model} is not on this machine");
            Error::new(ErrorKind::NotHere, message).about(model)
        })
    }

    /// The repository of a model on the hub, and its entry in the catalogue if it is listed at that revision.
    ///
    /// # Errors
    /// [`ErrorKind::Bundled`] and [`ErrorKind::UnknownModel`] when it is not on a hub.
    pub fn repository(&self, model: &ModelRef) -> Result<(Repository, Option<Entry>)> {
        let text = match model {
            ModelRef::Bundled => {
                let message = format!("the model {model} is part of this program, not on a hub");
                return Err(Error::new(ErrorKind::Bundled, message).about(model));
            }
            ModelRef::Repository(repository) => return Ok((repository.clone(), None)),
            ModelRef::Dir(_) => return Err(unknown(model)),
            ModelRef::Named(text) => text,
        };
        let (plain, revision) = match text.split_once('@') {
            Some((plain, revision)) => (plain, Some(revision)),
            None => (text.as_str(), None),
        };
        let entry = catalogue::find(plain).ok_or_else(|| unknown(model))?;
        let pinned = entry.revision.as_deref();
        let wanted = revision.or(pinned).unwrap_or("main");
        let repository = Repository::new(&entry.repository, wanted)
            .map_err(|error| unknown(model).with_source(error))?;
        let is_pinned = revision.is_none() || revision == pinned;
        Ok((repository, is_pinned.then_some(entry)))
    }

    /// Opens a model. Without a file in the options, the one chosen by timing is used on the processor, else the
    /// one whose name suggests the best fit. Never opens a connection. Cost: that of [`CrossEncoder::open`].
    ///
    /// # Errors
    /// Those of [`dir`](Self::dir), [`ErrorKind::Runtime`] when ONNX Runtime is missing or cannot be used, and
    /// [`ErrorKind::Open`] when the model cannot be opened.
    pub fn open(&self, model: &ModelRef, options: &CrossEncoderOptions) -> Result<CrossEncoder> {
        let mut options = options.clone();
        if options.name().is_none() {
            options = options.with_name(model.to_string());
        }
        if *model == ModelRef::Bundled {
            return CrossEncoder::bundled_on(&self.library()?, &options)
                .map_err(|error| cannot_open(model, error));
        }
        let dir = self.dir(model)?;
        if options.file().is_none()
            && runs_on_processor(options.device())
            && let Some(file) = self.file_choices().of(&dir)
        {
            options = options.with_file(file);
        }
        CrossEncoder::open(self.runtime()?, &dir, &options)
            .map_err(|error| cannot_open(model, error))
    }

    fn runtime(&self) -> Result<Runtime> {
        let library = self.library()?;
        Runtime::load(&library)
            .map_err(|error| Error::onnx(format!("cannot use {}", library.display()), error))
    }

    fn library(&self) -> Result<PathBuf> {
        vizsla_hub::runtime::locate(self.runtime.as_deref())
            .map_err(|error| Error::hub("there is no ONNX Runtime to run the model", error))
    }
}

fn cannot_open(model: &ModelRef, error: vizsla_onnx::Error) -> Error {
    Error::onnx(format!("cannot open the model {model}"), error).about(model)
}

fn unknown(model: &ModelRef) -> Error {
    let message = format!(
        "there is no model {:?}: name one from the catalogue, organisation/name, or a folder",
        model.to_string()
    );
    Error::new(ErrorKind::UnknownModel, message).about(model)
}

/// Whether timings on the processor apply to this device.
fn runs_on_processor(device: Device) -> bool {
    let has_others = cfg!(any(feature = "cuda", feature = "coreml", feature = "directml"));
    device == Device::Cpu || (device == Device::Auto && !has_others)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(text: &str) -> ModelRef {
        text.parse().unwrap()
    }

    #[test]
    fn names_lead_to_repositories() {
        let models = Models::default();
        let pinned = catalogue::find(catalogue::DEFAULT).unwrap();
        let (repository, entry) = models.repository(&model(catalogue::DEFAULT)).unwrap();
        assert_eq!(Some(repository.revision()), pinned.revision.as_deref());
        assert_eq!(entry, Some(pinned));
        let other = format!("{}@other", catalogue::DEFAULT);
        let (repository, entry) = models.repository(&model(&other)).unwrap();
        assert_eq!((repository.revision(), entry), ("other", None));
        let kind = |text: &str| models.repository(&model(text)).unwrap_err().kind();
        assert_eq!(kind("bundled"), ErrorKind::Bundled);
        assert_eq!(kind("no-such-model"), ErrorKind::UnknownModel);
        assert_eq!(kind("./folder"), ErrorKind::UnknownModel);
    }

    #[test]
    fn what_is_not_here_is_an_error_that_names_the_model() {
        let folder = tempfile::tempdir().unwrap();
        let models = Models::new(folder.path());
        for text in ["org/tiny", catalogue::DEFAULT] {
            let error = models.dir(&model(text)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotHere);
            assert_eq!(error.model(), Some(&model(text)));
        }
        let snapshot = folder.path().join("models--org--tiny/snapshots/main");
        std::fs::create_dir_all(&snapshot).unwrap();
        assert_eq!(models.dir(&model("org/tiny")).unwrap(), snapshot);
        assert_eq!(models.dir(&model("./x")).unwrap(), Path::new("./x"));
    }

    #[test]
    fn a_missing_runtime_has_its_own_kind() {
        let models = Models::default().with_runtime("missing.so");
        let error = models.open(&ModelRef::Bundled, &CrossEncoderOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Runtime);
    }
}
