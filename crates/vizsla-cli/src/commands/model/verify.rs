//! `vizsla model verify`: whether a model's files are what they should be.

use anyhow::bail;
use vizsla_hub::catalogue;

use crate::args::ModelNameArgs;
use crate::settings::{BUNDLED, model_dir};
use crate::{Outcome, output};

pub(crate) fn run(args: &ModelNameArgs) -> anyhow::Result<Outcome> {
    if args.model == BUNDLED {
        bail!("the model {BUNDLED} is part of this program; there is nothing to verify");
    }
    let dir = model_dir(&args.model)?;
    let pinned = catalogue::find(&args.model).map(|entry| entry.files).unwrap_or_default();
    let mut wrong = 0;
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
            "{wrong} files of {} are damaged: delete {} and run `vizsla model pull {}` again",
            args.model,
            dir.display(),
            args.model
        );
    }
    Ok(Outcome::Success)
}
