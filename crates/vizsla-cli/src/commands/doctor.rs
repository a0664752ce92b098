//! `vizsla doctor`: whether what a search needs is there and works, and what would make it faster. In: the options of a
//! search. Out: one finding for each part, with the command that helps; the exit code is 1 when a part does not work.

use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use vizsla::onnx::{Device, Execution, ExecutionMethod, processor_features};
use vizsla::{Index, Reranker};

use crate::args::DoctorArgs;
use crate::{Outcome, hints, index_dir, output, settings};

/// What was found of one part.
#[derive(Serialize)]
struct Finding {
    part: &'static str,
    works: bool,
    found: String,
    /// What to do, or what would be faster.
    advice: Vec<String>,
}

impl Finding {
    fn works(part: &'static str, found: String) -> Self {
        Self { part, works: true, found, advice: Vec::new() }
    }

    fn broken(part: &'static str, error: &anyhow::Error) -> Self {
        let advice = hints::of(error);
        Self { part, works: false, found: format!("{error:#}"), advice }
    }
}

pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<Outcome> {
    let findings = [runtime(args), model(args), processor(), index(args)];
    let works = findings.iter().all(|finding| finding.works);
    if args.json {
        output::json(&json!({ "works": works, "findings": findings }))?;
    } else {
        for finding in &findings {
            let sign = if finding.works { "ok" } else { "--" };
            output::line(&format!("{sign}  {:<10} {}", finding.part, finding.found))?;
            for advice in &finding.advice {
                output::line(&format!("               {advice}"))?;
            }
        }
    }
    Ok(if works { Outcome::Success } else { Outcome::Unfit })
}

fn runtime(args: &DoctorArgs) -> Finding {
    match vizsla_hub::runtime::locate(args.model.onnxruntime.as_deref()) {
        Ok(path) => Finding::works("runtime", format!("ONNX Runtime, {}", path.display())),
        Err(error) => {
            let mut broken = Finding::broken("runtime", &error.into());
            if broken.advice.is_empty() {
                broken.advice.push("`vizsla setup` installs it".to_owned());
            }
            broken
        }
    }
}

fn model(args: &DoctorArgs) -> Finding {
    let start = Instant::now();
    let model = match settings::open_reranker(&args.model) {
        Ok(model) => model,
        Err(error) => return Finding::broken("model", &error),
    };
    let file = model
        .file()
        .map_or_else(|| "part of this program".to_owned(), |file| file.display().to_string());
    let mut finding = Finding::works(
        "model",
        format!(
            "{}, {file}; {}, {} threads, opened in {:.0} ms",
            model.name(),
            model.execution(),
            model.threads(),
            start.elapsed().as_secs_f64() * 1e3
        ),
    );
    finding.advice = faster(model.execution(), args.model.model.as_deref());
    finding
}

/// What would read passages faster.
fn faster(execution: &Execution, named: Option<&str>) -> Vec<String> {
    if execution.device != Device::Cpu || matches!(execution.method, ExecutionMethod::Encoder(_)) {
        return Vec::new();
    }
    let mut advice = Vec::new();
    if let Some(name) = named {
        advice.push(format!(
            "faster: `vizsla model bench --model {name}` times its files here and remembers the best; `vizsla model quantize` \
             makes an int8 one"
        ));
    }
    if !processor_features().contains(&"avx2") {
        advice.push(
            "faster: a processor with AVX2, AVX-512 VNNI or AMX, or a graphics processor (a build with cuda, coreml or directml)"
                .to_owned(),
        );
    }
    advice.push(
        "faster: `vizsla search --depth 20` reads fewer passages, `--budget 500ms` stops in time"
            .to_owned(),
    );
    advice
}

fn processor() -> Finding {
    let features = processor_features();
    let features =
        if features.is_empty() { "none that matter".to_owned() } else { features.join(", ") };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let found = format!("{}, {threads} threads, instructions: {features}", std::env::consts::ARCH);
    Finding::works("processor", found)
}

fn index(args: &DoctorArgs) -> Finding {
    let Ok(dir) = index_dir::find(&args.index) else {
        let mut none = Finding::works("index", "none here or above".to_owned());
        none.advice.push("`vizsla index` makes one of this folder".to_owned());
        return none;
    };
    let read = || -> anyhow::Result<String> {
        let index = Index::open(&dir)?;
        let stats = index.stats()?;
        Ok(format!(
            "{}, format {}, {} in {}, {}",
            dir.display(),
            stats.format,
            output::counted(stats.documents, "document", "documents"),
            output::counted(stats.passages, "passage", "passages"),
            indicatif::HumanBytes(stats.bytes)
        ))
    };
    match read() {
        Ok(found) => Finding::works("index", found),
        Err(error) => {
            let mut broken = Finding::broken("index", &error);
            if broken.advice.is_empty() {
                broken.advice.push(format!("`vizsla repair --index {}` repairs it", dir.display()));
            }
            broken
        }
    }
}
