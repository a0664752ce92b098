//! Files that are written completely and durably, or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file so that a crash at any moment leaves either the old content or the new. Cost: two syncs.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let scratch = path.with_extension("tmp");
    let write = || {
        let mut file = File::create(&scratch)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&scratch, path)?;
        // The new name is durable once its folder is.
        if let (true, Some(folder)) = (cfg!(unix), path.parent()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&scratch);
    })
}
