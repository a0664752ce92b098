//! Arguments and environment become what the libraries are called with: the only file of the program that knows where
//! things lie.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use vizsla::onnx::{
    CrossEncoder, CrossEncoderOptions, Device, GraphOptimization, ModelBytes, Runtime,
};
use vizsla::{Bm25Params, Feedback, Filter, Fusion, Index, IndexRetriever, SearchRequest};
use vizsla_hub::{Cache, catalogue};

use crate::args::{FilterArgs, IndexDir, ModelArgs, RankingArgs};

/// The name under which the bundled model is asked for.
pub(crate) const BUNDLED: &str = vizsla_bundled::NAME;

/// Opens the model asked for, or the bundled one. Never opens a connection.
pub(crate) fn open_reranker(args: &ModelArgs) -> anyhow::Result<CrossEncoder> {
    let dir = match args.model.as_deref() {
        None | Some(BUNDLED) => None,
        Some(name) => Some(model_dir(name)?),
    };
    let file = match (&args.model_file, &dir) {
        (Some(file), _) => Some(file.clone()),
        (None, Some(dir)) if runs_on_processor(args.device) => Remembered::load().choice(dir),
        (None, _) => None,
    };
    open_model(args, dir.as_deref(), file, GraphOptimization::Full)
}

/// Whether what was timed on the processor says anything about this device.
fn runs_on_processor(device: Device) -> bool {
    let has_others = cfg!(any(feature = "cuda", feature = "coreml", feature = "directml"));
    device == Device::Cpu || (device == Device::Auto && !has_others)
}

/// Opens a model's folder, or the bundled model.
pub(crate) fn open_model(
    args: &ModelArgs,
    dir: Option<&Path>,
    file: Option<String>,
    optimization: GraphOptimization,
) -> anyhow::Result<CrossEncoder> {
    let library = vizsla_hub::runtime::locate(args.onnxruntime.as_deref())?;
    let runtime = Runtime::load(&library)?;
    let mut options =
        CrossEncoderOptions::default().with_optimization(optimization).with_device(args.device);
    if let Some(threads) = args.threads {
        options = options.with_threads(threads as usize);
    }
    if args.no_score_cache {
        options = options.with_cache(0);
    }
    if let Some(file) = file {
        options = options.with_file(file);
    }
    if let Some(name) = &args.model {
        options = options.with_name(name);
    }
    Ok(if let Some(dir) = dir {
        CrossEncoder::open(runtime, dir, &options)?
    } else {
        use vizsla_bundled::{CONFIG, NAME, ONNX, TOKENIZER};
        CrossEncoder::from_bytes(
            runtime,
            ModelBytes::from_static(NAME, ONNX, TOKENIZER, CONFIG),
            &options,
        )?
    })
}

/// The folder of a model that is on this machine: a folder, a name of the catalogue, or a repository.
pub(crate) fn model_dir(name: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new(name);
    if path.is_dir() || path.is_absolute() || name.starts_with('.') {
        return Ok(path.to_owned());
    }
    let cache = Cache::from_env()?;
    let found = match catalogue::find(name) {
        Some(entry) => vizsla_hub::find(&cache, &entry),
        None if name.contains('/') => cache.snapshot(&name.parse()?),
        None => bail!(
            "there is no model {name:?}: name one that `vizsla model list` shows, organisation/name, or a folder"
        ),
    };
    found.with_context(|| {
        format!("the model {name} is not on this machine: fetch it with `vizsla model pull {name}`")
    })
}

/// Which file of each model was the best when it was timed on this machine.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// By the model's folder.
    models: BTreeMap<PathBuf, String>,
}

impl Remembered {
    fn path() -> anyhow::Result<PathBuf> {
        Ok(vizsla_hub::runtime::data_dir()?.join("best-files.json"))
    }

    /// What is remembered; nothing when that cannot be read, since it only saves time.
    pub(crate) fn load() -> Self {
        let read = || serde_json::from_slice(&std::fs::read(Self::path().ok()?).ok()?).ok();
        read().unwrap_or_default()
    }

    /// The file to use, if it was found out and is still there.
    pub(crate) fn choice(&self, dir: &Path) -> Option<String> {
        let file = self.models.get(&dir.canonicalize().ok()?)?;
        dir.join(file).is_file().then(|| file.clone())
    }

    /// Remembers a choice for the next time.
    pub(crate) fn save(mut self, dir: &Path, file: &str) -> anyhow::Result<PathBuf> {
        let path = Self::path()?;
        self.models.insert(dir.canonicalize()?, file.to_owned());
        let folder = path.parent().context("the data folder has no path")?;
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, serde_json::to_vec_pretty(&self)?))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// How results are ranked, when flags, settings file and defaults have been put together.
#[derive(Debug, Clone)]
pub(crate) struct Ranking {
    pub(crate) depth: usize,
    pub(crate) fusion: Fusion,
    pub(crate) budget: Option<Duration>,
    bm25: RankingFile,
    feedback: bool,
    fuzzy: bool,
}

/// What `vizsla tune` writes; what is missing is left as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RankingFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) depth: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fusion: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) k1: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) b: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) k3: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field_weights: Option<String>,
}

impl RankingFile {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the settings {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} holds no settings of `vizsla tune`", path.display()))
    }
}

impl Ranking {
    pub(crate) fn of(args: &RankingArgs) -> anyhow::Result<Self> {
        let file = match &args.settings {
            Some(path) => RankingFile::read(path)?,
            None => RankingFile::default(),
        };
        let fusion = match (args.fusion, &file.fusion) {
            (Some(fusion), _) => fusion,
            (None, Some(name)) => name.parse()?,
            (None, None) => Fusion::default(),
        };
        let first = &args.first_stage;
        Ok(Self {
            depth: args.depth.or(file.depth).unwrap_or(SearchRequest::DEFAULT_DEPTH),
            fusion,
            budget: args.budget,
            bm25: RankingFile {
                k1: first.k1.or(file.k1),
                b: first.b.or(file.b),
                k3: first.k3.or(file.k3),
                field_weights: first.field_weights.map(|w| w.to_string()).or(file.field_weights),
                ..RankingFile::default()
            },
            feedback: first.rm3,
            fuzzy: first.fuzzy,
        })
    }

    /// The first stage over an index.
    pub(crate) fn retriever(&self, index: &Index) -> anyhow::Result<IndexRetriever> {
        let settings = index.settings();
        let RankingFile { k1, b, k3, field_weights, .. } = &self.bm25;
        let mut bm25 =
            Bm25Params::new(k1.unwrap_or(settings.bm25.k1), b.unwrap_or(settings.bm25.b));
        if let Some(k3) = k3.or(settings.bm25.k3) {
            bm25 = bm25.with_k3(k3);
        }
        let mut retriever = index.retriever().with_bm25(bm25);
        if let Some(weights) = field_weights {
            retriever = retriever.with_weights(weights.parse()?);
        }
        if self.feedback {
            retriever = retriever.with_feedback(Feedback::default());
        }
        if self.fuzzy {
            retriever = retriever.with_correction();
        }
        Ok(retriever)
    }
}

/// Opens the index asked for.
pub(crate) fn open_index(args: &IndexDir) -> anyhow::Result<Index> {
    Index::open(&args.index).with_context(|| {
        if args.index.exists() {
            "cannot use the index".to_owned()
        } else {
            format!("make it first with `vizsla index SOURCE --index {}`", args.index.display())
        }
    })
}

pub(crate) fn filter(args: &FilterArgs) -> Filter {
    let mut filter = Filter::default().with_modified(args.since, args.until);
    filter.paths.clone_from(&args.path);
    filter.extensions.clone_from(&args.extension);
    filter.metadata.clone_from(&args.meta);
    filter
}
