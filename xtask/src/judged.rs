//! A judged collection, evaluated with the program; each measurement is kept, so that an interrupted benchmark goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::target_dir;

/// `NAME=DIR`, or `NAME=DIR:RUN` to rerank the candidates of a TREC run.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) name: String,
    dir: PathBuf,
    run: Option<String>,
}

impl FromStr for Judged {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, source) = text.split_once('=').context("give collections as NAME=DIR")?;
        let (dir, run) = match source.split_once(':') {
            Some((dir, run)) => (dir, Some(run.to_owned())),
            None => (source, None),
        };
        Ok(Self { name: name.to_owned(), dir: dir.into(), run })
    }
}

impl Judged {
    /// What `vizsla eval` with these flags says of the collection; measured unless the folder has it under this label.
    pub(crate) fn evaluate(
        &self,
        label: &str,
        flags: &[&str],
        results: &Path,
    ) -> anyhow::Result<Value> {
        let file = results.join(format!("{label}-{}.json", self.name));
        if !file.is_file() {
            let mut command = Command::new(target_dir().join("release/vizsla"));
            command.args(["eval", "--json", "--dataset"]).arg(&self.dir);
            command.arg("--index").arg(results.join(format!("index-{}", self.name)));
            if let Some(run) = &self.run {
                command.args(["--candidates", run]);
            }
            // A collection without test questions has those of development.
            if !self.dir.join("qrels/test.tsv").is_file() {
                command.args(["--qrels", "dev"]);
            }
            command.args(flags);
            println!("{}, {label}", self.name);
            let output = command.output().context("cannot run vizsla")?;
            if !output.status.success() {
                bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
            }
            fs::write(&file, output.stdout)?;
        }
        Ok(serde_json::from_slice(&fs::read(&file)?)?)
    }
}

/// The mean nDCG@10 of a ranking.
pub(crate) fn ndcg10(evaluation: &Value, ranking: &str) -> anyhow::Result<f64> {
    evaluation["runs"][ranking]["nDCG@10"]["mean"].as_f64().context("no nDCG@10")
}
