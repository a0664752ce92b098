//! The flags of `index` and `watch` as the libraries' settings and options.

use std::path::PathBuf;

use anyhow::Context;
use vizsla::{Index, IndexSettings, Limits, SplitOptions};
use vizsla_ingest::SyncOptions;

use crate::args::{IndexArgs, ReadingArgs};

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

/// Opens the index, or creates it with the requested settings; an existing index keeps its own.
pub(crate) fn open_or_create(args: &IndexArgs) -> anyhow::Result<Index> {
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
    let index = Index::open_or_create(&args.index.index, settings)?;
    let made = index.settings();
    for (flag, given, same) in [
        ("--passage-tokens", args.passage_tokens.is_some(), made.split == settings.split),
        ("--language", args.language.is_some(), made.language == settings.language),
        ("--separate-body", args.separate_body, made.separate_body),
    ] {
        if given && !same {
            anyhow::bail!(
                "the index at {} was made with a different {flag}: make a new one to change it",
                args.index.index.display()
            );
        }
    }
    Ok(index)
}
