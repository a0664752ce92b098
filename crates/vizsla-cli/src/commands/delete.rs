//! `vizsla delete`: removes documents by id or by file.

use vizsla::{Filter, WriterOptions};

use crate::Outcome;
use crate::args::DeleteArgs;
use crate::output;
use crate::settings::open_index;

pub(crate) fn run(args: &DeleteArgs) -> anyhow::Result<Outcome> {
    let index = open_index(&args.index)?;
    let mut writer = index.writer(&WriterOptions::default().with_threads(1))?;
    let (mut removed, mut missing) = (0, Vec::new());
    for id in &args.ids {
        if writer.delete(id)? {
            removed += 1;
        } else {
            missing.push(id.as_str());
        }
    }
    let mut files = Vec::new();
    if !args.path.is_empty() {
        let filter = args.path.iter().fold(Filter::default(), vizsla::Filter::with_path);
        files = index.files(&filter)?;
        for path in &files {
            writer.delete_file(path);
        }
    }
    writer.commit()?;
    writer.finish()?;
    output::line(&format!(
        "removed {removed} documents by id and all documents of {} files",
        files.len()
    ))?;
    if !missing.is_empty() {
        output::note(&format!("the index has no document with the id {}", missing.join(", ")));
    }
    Ok(if removed == 0 && files.is_empty() { Outcome::NoHits } else { Outcome::Success })
}
