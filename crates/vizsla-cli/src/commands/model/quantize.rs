//! `vizsla model quantize`: an int8 file from an fp32 one.

use anyhow::Context;
use vizsla::onnx::{fp32_file, quantize};

use crate::args::ModelQuantizeArgs;
use crate::{Outcome, output};

pub(crate) fn run(args: &ModelQuantizeArgs) -> anyhow::Result<Outcome> {
    let from = args.dir.join(fp32_file(&args.dir)?);
    let to = args.output.clone().unwrap_or_else(|| args.dir.join("onnx/model_qint8.onnx"));
    let onnx = std::fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
    let before = onnx.len();
    let quantized =
        quantize(onnx).with_context(|| format!("cannot quantise {}", from.display()))?;
    let folder = to.parent().context("the file to write has no folder")?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    // Under another name until it is complete.
    let partial = to.with_extension("partial");
    std::fs::write(&partial, &quantized.onnx)
        .and_then(|()| std::fs::rename(&partial, &to))
        .with_context(|| format!("cannot write {}", to.display()))?;
    output::line(&format!(
        "{}: {:.1} MB from {:.1} MB, {} matrices in 8-bit integers",
        to.display(),
        quantized.onnx.len() as f64 / 1e6,
        before as f64 / 1e6,
        quantized.matrices
    ))?;
    output::note(&format!("compare both with `vizsla model bench --model {}`", args.dir.display()));
    Ok(Outcome::Success)
}
