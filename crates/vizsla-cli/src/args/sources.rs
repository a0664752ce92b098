//! Arguments of the commands that read files into an index, or show what was read.

#![allow(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use vizsla::Language;

use super::EngineArgs;
use super::values::{parse_duration, parse_size};

#[derive(Debug, Args)]
pub(crate) struct IndexDir {
    /// Folder of the index [default: the nearest .vizsla from here upwards, else that in `VIZSLA_INDEX`]
    #[arg(long, short = 'i', value_name = "DIR")]
    pub(crate) index: Option<PathBuf>,
}

/// How files are read.
#[derive(Debug, Args)]
pub(crate) struct ReadingArgs {
    /// Skip files larger than this (suffixes K, M and G); a JSON Lines file is limited line by line
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = parse_size)]
    pub(crate) max_file_size: u64,
    /// Memory for reading one file of a binary format (suffixes K, M and G)
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = parse_size)]
    pub(crate) extract_memory: u64,
    /// Time for reading one file
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    pub(crate) extract_timeout: Duration,
    /// Read pictures of text, such as scanned pages, with tesseract, in these languages (eng+deu)
    #[arg(long, value_name = "LANGUAGES", num_args = 0..=1, require_equals = true, default_missing_value = "eng")]
    pub(crate) ocr: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    /// Files, folders, or - for JSON Lines on standard input [default: the files and folders of earlier runs, with their
    /// options, else this folder]
    #[arg(value_name = "SOURCE")]
    pub(crate) sources: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) index: IndexDir,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    /// Index hidden files too, except those in a .git folder
    #[arg(long)]
    pub(crate) hidden: bool,
    /// Also index what .gitignore and .ignore exclude
    #[arg(long)]
    pub(crate) no_ignore: bool,
    /// Leave out files and folders that match this glob, in the syntax of .gitignore; ! takes back; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Also index build folders, caches, installed packages, minified files and lock files
    #[arg(long)]
    pub(crate) no_default_excludes: bool,
    /// Follow symbolic links
    #[arg(long)]
    pub(crate) follow: bool,
    /// Remove all documents of a source that no longer holds any file (by default it is assumed not to be mounted)
    #[arg(long)]
    pub(crate) prune: bool,
    /// Longest passage, in tokens; for a new index
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..))]
    pub(crate) passage_tokens: Option<u32>,
    /// Language of the texts, for stop words and stemming; for a new index [default: english]
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) language: Option<Language>,
    /// Also index texts without title and headings, for --field-weights body=...; for a new index
    #[arg(long)]
    pub(crate) separate_body: bool,
    /// Memory to write the index with (suffixes K, M and G)
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = parse_size)]
    pub(crate) memory: u64,
    /// Reread every file, even if its size and time are unchanged, and bring back what was deleted by hand
    #[arg(long)]
    pub(crate) rehash: bool,
    /// Read again the files that could not be read, or only in part
    #[arg(long)]
    pub(crate) retry_failed: bool,
    /// Threads to read and index with [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) threads: Option<u32>,
    /// Name every file that was skipped, hidden and ignored ones included, and why
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Print the summary as JSON, with the names of what was skipped
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) index: IndexArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    pub(crate) index: IndexDir,
    /// Only repair the index; do not reread the files that lost something
    #[arg(long)]
    pub(crate) no_reindex: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    pub(crate) index: IndexDir,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// List what could not be read, with the reason and a remedy
    #[arg(long)]
    pub(crate) problems: bool,
    /// List what of the sources was left out on purpose, with the reason and the flag of `index` that takes it in
    #[arg(long, conflicts_with_all = ["problems", "engine"])]
    pub(crate) skipped: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    /// Print one JSON object per document, and per problem
    #[arg(long)]
    pub(crate) json: bool,
}
