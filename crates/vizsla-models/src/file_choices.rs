//! Which ONNX file of each model was the fastest when it was timed on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Choices by the model's folder, as one small JSON file. It only saves time: a file that cannot be read counts as empty.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct FileChoices {
    models: BTreeMap<PathBuf, String>,
}

impl FileChoices {
    /// Reads the choices kept at `path`; none when the file is missing or holds something else.
    pub fn load(path: &Path) -> Self {
        fs::read(path).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    /// The file of the model in `dir`, relative to it, if one was chosen and is still there.
    pub fn of(&self, dir: &Path) -> Option<&str> {
        let file = self.models.get(&dir.canonicalize().ok()?)?;
        dir.join(file).is_file().then_some(file)
    }

    /// Chooses a file of the model in `dir`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when there is no such folder.
    pub fn choose(&mut self, dir: &Path, file: &str) -> Result<()> {
        let dir = dir.canonicalize().map_err(|error| Error::io("read", dir, error))?;
        self.models.insert(dir, file.to_owned());
        Ok(())
    }

    /// Writes the choices to `path`, creating its folder.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when it cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(path, serde_json::to_vec_pretty(self)?))
            .map_err(|error| Error::io("write", path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_kept_as_long_as_its_file_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, path) = (folder.path().join("model"), folder.path().join("data/best-files.json"));
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("model.onnx"), "x").unwrap();
        let mut choices = FileChoices::load(&path);
        assert_eq!(choices.of(&dir), None);
        choices.choose(&dir, "model.onnx").unwrap();
        choices.save(&path).unwrap();
        assert_eq!(FileChoices::load(&path).of(&dir), Some("model.onnx"));
        fs::remove_file(dir.join("model.onnx")).unwrap();
        assert_eq!(FileChoices::load(&path).of(&dir), None);
        assert!(choices.choose(&folder.path().join("missing"), "x").is_err());
        fs::write(&path, "broken").unwrap();
        assert_eq!(FileChoices::load(&path).of(&dir), None);
    }
}
