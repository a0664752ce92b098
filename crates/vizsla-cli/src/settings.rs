//! Arguments and environment become what the libraries are called with: the only file of the program that knows where
//! things lie.

use anyhow::Context;
use vizsla::onnx::{CrossEncoder, CrossEncoderOptions, ModelBytes, Runtime};
use vizsla::{Filter, Index};

use crate::args::{FilterArgs, IndexDir, ModelArgs};

/// Opens the model asked for, or the bundled one.
pub(crate) fn open_reranker(args: &ModelArgs) -> anyhow::Result<CrossEncoder> {
    let library = vizsla_hub::runtime::locate(args.onnxruntime.as_deref())?;
    let runtime = Runtime::load(&library)?;
    let mut options = CrossEncoderOptions::default();
    if let Some(threads) = args.threads {
        options = options.with_threads(threads as usize);
    }
    if args.no_score_cache {
        options = options.with_cache(0);
    }
    Ok(if let Some(dir) = &args.model {
        CrossEncoder::open(runtime, dir, &options)?
    } else {
        use vizsla_bundled::{CONFIG, NAME, ONNX, TOKENIZER};
        CrossEncoder::from_bytes(runtime, ModelBytes::new(NAME, ONNX, TOKENIZER, CONFIG), &options)?
    })
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
