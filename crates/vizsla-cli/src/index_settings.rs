//! The flags of `index` and `watch` as the libraries' settings and options.

use std::path::{Path, PathBuf};

use anyhow::Context;
use vizsla::{Index, IndexSettings, Limits, SplitOptions};
use vizsla_ingest::SyncOptions;

use crate::args::{IndexArgs, ReadingArgs};
use crate::index_dir;

impl ReadingArgs {
    /// Bounds on files.
    pub(crate) fn limits(&self) -> Limits {
        let limits = Limits::default();
        // A file may yield more text than it has bytes.
        let bytes = usize::try_from(self.max_file_size).unwrap_or(usize::MAX);
        let text = limits.text_bytes.max(bytes.saturating_mul(4));
        let time = u64::try_from(self.extract_timeout.as_millis()).unwrap_or(u64::MAX);
        limits
            .with_file_bytes(self.max_file_size)
            .with_text_bytes(text)
            .with_file_milliseconds(time)
    }
}

impl IndexArgs {
    /// How to read sources that were read with these options before: what is given now is added.
    pub(crate) fn added_to(&self, remembered: SyncOptions) -> SyncOptions {
        let now = self.sync_options();
        let (hidden, follow) = (remembered.hidden || now.hidden, remembered.follow || now.follow);
        let ignore_rules = remembered.ignore_rules && now.ignore_rules;
        let (limits, ocr) = (remembered.limits, now.ocr.clone().or(remembered.ocr));
        let mut options = now
            .with_limits(limits)
            .with_hidden(hidden)
            .with_follow(follow)
            .with_ignore_rules(ignore_rules);
        options.ocr = ocr;
        options.default_excludes &= remembered.default_excludes;
        let new = std::mem::replace(&mut options.exclude, remembered.exclude);
        for glob in new {
            if !options.exclude.contains(&glob) {
                options.exclude.push(glob);
            }
        }
        options
    }

    /// How to read the sources.
    pub(crate) fn sync_options(&self) -> SyncOptions {
        let mut options = SyncOptions::default()
            .with_limits(self.reading.limits())
            .with_retry_failed(self.retry_failed)
            .with_hidden(self.hidden)
            .with_ignore_rules(!self.no_ignore)
            .with_follow(self.follow)
            .with_prune(self.prune)
            .with_rehash(self.rehash)
            .with_ignored_listed(self.verbose || self.json)
            .with_memory(usize::try_from(self.memory).unwrap_or(usize::MAX));
        options = options.with_default_excludes(!self.no_default_excludes);
        options.exclude.clone_from(&self.exclude);
        options.ocr.clone_from(&self.reading.ocr);
        match self.threads {
            Some(threads) => options.with_threads(threads as usize),
            None => options,
        }
    }
}

/// Reports the first missing source, before an index is created for it.
pub(crate) fn check_sources(sources: &[PathBuf]) -> anyhow::Result<()> {
    for source in sources.iter().filter(|source| source.as_os_str() != "-") {
        source
            .metadata()
            .with_context(|| format!("cannot read the source {}", source.display()))?;
    }
    Ok(())
}

/// The settings of an index that is new.
pub(crate) fn new_settings(args: &IndexArgs) -> IndexSettings {
    let mut settings = IndexSettings::default();
    if let Some(tokens) = args.passage_tokens {
        settings = settings.with_split(SplitOptions::default().with_max_tokens(tokens as usize));
    }
    if let Some(language) = args.language {
        settings = settings.with_language(language);
    }
    if args.separate_body {
        settings = settings.with_separate_body();
    }
    settings
}

/// Opens the index, or creates it with the requested settings; an existing index keeps its own.
pub(crate) fn open_or_create(dir: &Path, args: &IndexArgs) -> anyhow::Result<Index> {
    let settings = new_settings(args);
    let index = Index::open_or_create(dir, settings)?;
    index_dir::made(dir);
    check_same(args, &index.settings(), &settings, &dir.display().to_string())?;
    Ok(index)
}

/// Refuses flags that say otherwise than what an index was made with.
pub(crate) fn check_same(
    args: &IndexArgs,
    made: &IndexSettings,
    settings: &IndexSettings,
    at: &str,
) -> anyhow::Result<()> {
    for (flag, given, same) in [
        ("--passage-tokens", args.passage_tokens.is_some(), made.split == settings.split),
        ("--language", args.language.is_some(), made.language == settings.language),
        ("--separate-body", args.separate_body, made.separate_body),
    ] {
        if given && !same {
            anyhow::bail!(
                "the index at {at} was made with a different {flag}: make a new one to change it"
            );
        }
    }
    Ok(())
}
