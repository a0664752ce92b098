//! `vizsla model verify`: whether a model's files are what they should be.

use anyhow::bail;
use vizsla_hub::catalogue;
use vizsla_models::Models;

use crate::args::ModelNameArgs;
use crate::{Outcome, output};

pub(crate) fn run(args: &ModelNameArgs) -> anyhow::Result<Outcome> {
    let dir = Models::from_env().dir(&args.model.parse()?)?;
    let pinned = catalogue::find(&args.model).map(|entry| entry.files).unwrap_or_default();
    let mut wrong = 0_u64;
    for file in vizsla_hub::verify(&dir, &pinned)? {
        let verdict = match &file.expected {
            Some(expected) => {
                wrong += 1;
                format!("WRONG, should be {expected}")
            }
            None if file.is_known => "ok".to_owned(),
            None => "nothing to compare with".to_owned(),
        };
        output::line(&format!("{}  {:>11}  {}  {verdict}", file.sha256, file.bytes, file.path))?;
    }
    if wrong > 0 {
        bail!(
            "{} of {} damaged: delete {} and run `vizsla model pull {}` again",
            output::counted(wrong, "file", "files"),
            args.model,
            dir.display(),
            args.model
        );
    }
    Ok(Outcome::Success)
}
