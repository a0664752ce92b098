//! `vizsla info`: what an index holds.

use serde_json::json;

use crate::Outcome;
use crate::args::InfoArgs;
use crate::output;
use crate::settings::open_index;

pub(crate) fn run(args: &InfoArgs) -> anyhow::Result<Outcome> {
    let index = open_index(&args.index)?;
    let (stats, settings) = (index.stats()?, index.settings());
    if args.json {
        output::json(&json!({ "path": args.index.index, "stats": stats, "settings": settings }))?;
        return Ok(Outcome::Success);
    }
    output::line(&format!(
        "{}\n  documents  {}\n  passages   {}\n  files      {}\n  segments   {}\n  size       {}\n  format     {}\n  passages   up to {} tokens\n  language   {}\n  BM25       k1 {}, b {}",
        args.index.index.display(),
        stats.documents,
        stats.passages,
        stats.files,
        stats.segments,
        indicatif::HumanBytes(stats.bytes),
        stats.format,
        settings.split.max_tokens,
        settings.language,
        settings.bm25.k1(),
        settings.bm25.b(),
    ))?;
    Ok(Outcome::Success)
}
