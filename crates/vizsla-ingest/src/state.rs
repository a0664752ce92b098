//! What an index remembers about the runs that built it: its roots, each with the options it was read with.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vizsla::Collection;

use crate::error::{Error, ErrorKind, Result};
use crate::options::SyncOptions;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    roots: Vec<Root>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Root {
    path: String,
    options: SyncOptions,
}

impl State {
    pub(crate) fn of(index: &dyn Collection) -> Result<Self> {
        let Some(json) = index.sync_state()? else { return Ok(Self::default()) };
        serde_json::from_str(&json).map_err(|error| {
            let message = "what the index says about its sources cannot be read; it may come from a newer version";
            Error::new(ErrorKind::Index, message).with_source(error)
        })
    }

    /// Remembers roots, replacing what was known about them. A path that is not UTF-8 holds nothing that could be
    /// indexed.
    pub(crate) fn remember(&mut self, roots: &[PathBuf], options: &SyncOptions) {
        for path in roots.iter().filter_map(|root| root.to_str()) {
            self.roots.retain(|root| root.path != path);
            self.roots.push(Root { path: path.to_owned(), options: options.to_remember() });
        }
        self.roots.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// Forgets roots that are gone.
    pub(crate) fn forget(&mut self, gone: &[PathBuf]) {
        self.roots.retain(|root| !gone.iter().any(|path| path.as_path() == Path::new(&root.path)));
    }

    /// The options that a root was last read with.
    pub(crate) fn options_of(&self, root: &Path) -> Option<&SyncOptions> {
        let root = self.roots.iter().find(|known| Path::new(&known.path) == root);
        root.map(|root| &root.options)
    }

    pub(crate) fn to_json(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// The roots, grouped by options.
    pub(crate) fn groups(self) -> Vec<(SyncOptions, Vec<PathBuf>)> {
        let mut groups = Vec::new();
        for root in self.roots {
            put(&mut groups, root.options, PathBuf::from(root.path));
        }
        groups
    }

    /// Files, each with the options of the innermost root that holds it.
    pub(crate) fn group_files(&self, files: &[String]) -> Vec<(SyncOptions, Vec<PathBuf>)> {
        let mut groups = Vec::new();
        for file in files.iter().map(Path::new) {
            let root = file.ancestors().find_map(|above| {
                let above = above.to_str()?;
                let at = self.roots.binary_search_by(|root| root.path.as_str().cmp(above)).ok()?;
                self.roots.get(at)
            });
            let options = root.map_or_else(SyncOptions::default, |root| root.options.clone());
            put(&mut groups, options, file.to_owned());
        }
        groups
    }
}

fn put(groups: &mut Vec<(SyncOptions, Vec<PathBuf>)>, options: SyncOptions, path: PathBuf) {
    match groups.iter_mut().find(|(known, _)| *known == options) {
        Some((_, paths)) => paths.push(path),
        None => groups.push((options, vec![path])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_options_of_the_innermost_root() {
        let mut state = State::default();
        let hidden = SyncOptions::default().with_hidden(true);
        state.remember(&["/a".into(), "/b".into()], &SyncOptions::default());
        state.remember(&["/a/c".into()], &hidden.clone().with_rehash(true));
        let files = ["/a/c/x", "/a/y", "/z"].map(str::to_owned);
        let groups = state.group_files(&files);
        let paths = |of: &SyncOptions| {
            groups
                .iter()
                .find(|(options, _)| options == of)
                .map(|(_, paths)| paths.clone())
                .unwrap()
        };
        assert_eq!(paths(&hidden), [PathBuf::from("/a/c/x")]);
        assert_eq!(paths(&SyncOptions::default()), [PathBuf::from("/a/y"), "/z".into()]);
        assert_eq!(serde_json::from_str::<State>(&state.to_json().unwrap()).unwrap(), state);
    }
}
