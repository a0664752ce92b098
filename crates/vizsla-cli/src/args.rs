//! The command line: with its parts, the only file that knows the argument parser.

#![allow(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]

mod doctor;
mod engine;
mod generated;
#[cfg(feature = "serve")]
mod mcp;
#[cfg(feature = "serve")]
mod named_index;
mod question;
#[cfg(feature = "serve")]
mod serve;
mod sources;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use vizsla::onnx::Device;
use vizsla::{Analysis, Effort, FieldWeights, FusionPolicy, Language};
use vizsla_eval::metrics::Measure;

pub(crate) use self::doctor::DoctorArgs;
pub(crate) use self::engine::EngineArgs;
pub(crate) use self::generated::{completions, manual_pages};
#[cfg(feature = "serve")]
pub(crate) use self::mcp::{Agent, McpArgs};
#[cfg(feature = "serve")]
pub(crate) use self::named_index::NamedIndex;
pub(crate) use self::question::parse;
#[cfg(feature = "serve")]
pub(crate) use self::serve::ServeArgs;
pub(crate) use self::sources::{
    ExtractArgs, IndexArgs, IndexDir, InfoArgs, ReadingArgs, RepairArgs, WatchArgs,
};
pub(crate) use self::values::FileType;
use self::values::{
    parse_depth, parse_duration, parse_extension, parse_k, parse_pair, parse_probability,
    parse_type,
};

/// Two-stage search: BM25 finds candidates, a cross-encoder reads them with your question.
///
/// `vizsla index` indexes this folder; `vizsla how do I do this` searches it.
#[derive(Debug, Parser)]
#[command(name = "vizsla", version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 hits or success, 1 no hits or doctor found a fault, 2 error, 3 indexed but some files could not be read, 130 interrupted."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one per run of the program")]
pub(crate) enum Command {
    /// Install ONNX Runtime, which runs the reranker; needed once
    Setup(SetupArgs),
    /// Index files and folders, or JSON Lines from standard input; run again to update
    Index(IndexArgs),
    /// Index, then keep indexing changes until Ctrl-C
    Watch(WatchArgs),
    /// Search an index
    Search(SearchArgs),
    /// Let agents search, by the Model Context Protocol over standard input and output
    #[cfg(feature = "serve")]
    Mcp(McpArgs),
    /// Score and sort texts from standard input, without an index
    Rerank(RerankArgs),
    /// Answer over HTTP, for programs and in a page
    #[cfg(feature = "serve")]
    Serve(ServeArgs),
    /// Show what an index holds
    Info(InfoArgs),
    /// Print what an index would see of files, with places and problems
    Extract(ExtractArgs),
    /// Read files sent by another process of this program
    #[command(hide = true)]
    ExtractWorker,
    /// Remove documents from an index
    ///
    /// Removed documents come back when their file is indexed after a change, or with `index --rehash`.
    Delete(DeleteArgs),
    /// Verify every checksum of an index
    Check(IndexDir),
    /// Repair a damaged index, rereading what was lost
    Repair(RepairArgs),
    /// Measure ranking quality on a judged collection, score and compare runs
    Eval(EvalArgs),
    /// Find the best parameters for judged collections, cross-validated, and write them to a settings file
    Tune(TuneArgs),
    /// Check that what a search needs is there and works, and say what would be faster
    Doctor(DoctorArgs),
    /// Print the script that completes command lines in a shell
    Completions(CompletionsArgs),
    /// Write manual pages
    #[command(hide = true)]
    ManPages(ManPagesArgs),
    /// Choose, fetch, inspect and time rerank models
    #[command(subcommand)]
    Model(ModelCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// List the models known by name, and which of them are on this machine
    List(ModelListArgs),
    /// Fetch a model into the cache that the Hugging Face libraries share
    Pull(ModelPullArgs),
    /// Check the files of a model against their hashes
    Verify(ModelNameArgs),
    /// Show what a model is and how it runs on this machine
    Info(ModelInfoArgs),
    /// Print the folder of a model
    Where(ModelNameArgs),
    /// Copy a model's folder, obtained by other means, into the cache
    Import(ModelImportArgs),
    /// Write an int8 copy of a model's fp32 file, which reranks faster on processors
    Quantize(ModelQuantizeArgs),
    /// Time a model's files on this machine and remember the best
    Bench(ModelBenchArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ModelListArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ModelNameArgs {
    /// Name from the list, organisation/name@revision, or folder
    #[arg(default_value = vizsla_hub::catalogue::DEFAULT)]
    pub(crate) model: String,
}

#[derive(Debug, Args)]
pub(crate) struct ModelPullArgs {
    #[command(flatten)]
    pub(crate) name: ModelNameArgs,
    /// Fetch this ONNX file instead of the one for this processor; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ModelInfoArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ModelImportArgs {
    /// Folder with config.json, tokenizer.json and onnx/model*.onnx
    pub(crate) dir: PathBuf,
    /// What it is: a name from the list or organisation/name@commit
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct ModelQuantizeArgs {
    /// Folder of the model
    pub(crate) dir: PathBuf,
    /// Where to write it [default: `onnx/model_qint8.onnx` in the folder]
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ModelBenchArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Time these pairs, JSON Lines of {"query": "...", "passages": ["...", ...]}, with the model's chosen file alone
    #[arg(long, value_name = "FILE")]
    pub(crate) workload: Option<PathBuf>,
    /// Time the first N queries of the workload, after one extra query to warm up
    #[arg(long, value_name = "N", requires = "workload")]
    pub(crate) queries: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManPagesArgs {
    /// The folder to write them to
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    /// Take the library from this file or archive (.tgz, .zip, .whl) instead of fetching it
    #[arg(long, value_name = "PATH")]
    pub(crate) from: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// The question, in as many words as it has; without one, each line of standard input, or a prompt on a terminal
    #[arg(value_parser = question::word())]
    pub(crate) query: Vec<String>,
    #[command(flatten)]
    pub(crate) index: IndexDir,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// Maximum number of hits
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) ranking: RankingArgs,
    /// Parse the query in tantivy's query language (+must, -not, a AND b, field:word) and report syntax errors
    #[arg(long)]
    pub(crate) syntax: bool,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Leave out hits whose probability according to the reranker is below this (0 to 1)
    #[arg(long, value_name = "P", value_parser = parse_probability)]
    pub(crate) min_probability: Option<f32>,
    /// Accept BM25 alone, marked as degraded, when the reranker is unavailable
    #[arg(long)]
    pub(crate) bm25_fallback: bool,
    /// Give passages that say the same as another one places of their own
    #[arg(long)]
    pub(crate) copies: bool,
    /// Explain each score
    #[arg(long)]
    pub(crate) explain: bool,
    /// Show so many lines before and after the sentence that answers [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) context: Option<usize>,
    /// Show whole passages
    #[arg(long, conflicts_with_all = ["context", "format"])]
    pub(crate) full: bool,
    /// Print each hit on a line, as grep does: path:line: the sentence that answers
    #[arg(long, group = "format")]
    pub(crate) compact: bool,
    /// Print one JSON object
    #[arg(long, group = "format")]
    pub(crate) json: bool,
    /// Print one JSON object per hit
    #[arg(long, group = "format")]
    pub(crate) jsonl: bool,
    /// Print a TREC run
    #[arg(long, group = "format")]
    pub(crate) trec: bool,
}

/// How results are ranked.
#[derive(Debug, Args)]
pub(crate) struct RankingArgs {
    /// Candidates that BM25 hands to the reranker [default: 50]
    #[arg(long, value_name = "N", value_parser = parse_depth)]
    pub(crate) depth: Option<usize>,
    /// How to combine the two rankings: rerank, bm25, auto, position, rrf[:K], log-odds[:WEIGHT] of BM25, or linear, zscore,
    /// rank-biased or calibrated, each with [:WEIGHT] of the reranker [default: log-odds:1]
    #[arg(long, value_name = "HOW")]
    pub(crate) fusion: Option<FusionPolicy>,
    /// How much of the candidates to read: quick (parts of them, until eight in a row have not come among the hits),
    /// balanced (the part of each that has most of the words), thorough (then the hits as a whole, too) or full (each as
    /// a whole) [default: balanced]
    #[arg(long, value_name = "EFFORT")]
    pub(crate) effort: Option<Effort>,
    /// Time limit for a search (150ms, 2s): candidates are read best first until it runs out
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) budget: Option<Duration>,
    /// Take depth, fusion and the parameters of BM25 from this file, which `vizsla tune` writes; flags take precedence
    #[arg(long, value_name = "FILE", env = "VIZSLA_SETTINGS")]
    pub(crate) settings: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) first_stage: FirstStageArgs,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

#[derive(Debug, Args)]
pub(crate) struct FirstStageArgs {
    /// How soon further occurrences of a word stop counting [default: that of the index, 0.9]
    #[arg(help_heading = "BM25", long, value_name = "K1", value_parser = parse_k)]
    pub(crate) k1: Option<f32>,
    /// How much long passages are penalised, 0 to 1 [default: that of the index, 0.4]
    #[arg(help_heading = "BM25", long, value_name = "B", value_parser = parse_probability)]
    pub(crate) b: Option<f32>,
    /// How soon repeated words of the query stop counting [default: never]
    #[arg(help_heading = "BM25", long, value_name = "K3", value_parser = parse_k)]
    pub(crate) k3: Option<f32>,
    /// Weights of the fields content, title, headings, path and body, such as content=1,title=0.5
    #[arg(help_heading = "BM25", long, value_name = "NAME=WEIGHT,...")]
    pub(crate) field_weights: Option<FieldWeights>,
    /// Expand the query with words that the best passages have in common (RM3)
    #[arg(help_heading = "BM25", long)]
    pub(crate) rm3: bool,
    /// Search for the nearest word instead of one that no passage contains
    #[arg(help_heading = "BM25", long)]
    pub(crate) fuzzy: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ModelArgs {
    /// A model instead of the bundled one: a name that `vizsla model list` shows, organisation/name@revision, or a folder
    /// with config.json, tokenizer.json and onnx/model*.onnx
    #[arg(long, value_name = "MODEL", env = "VIZSLA_MODEL")]
    pub(crate) model: Option<String>,
    /// Use this ONNX file of the model instead of the best one for this processor
    #[arg(long, value_name = "PATH", requires = "model")]
    pub(crate) model_file: Option<String>,
    /// Threads to rerank with [default: physical cores]
    #[arg(long = "rerank-threads", alias = "threads", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) threads: Option<u32>,
    /// What the model runs on: auto, cpu, cuda:NUMBER, coreml or directml:NUMBER (all but cpu need a build that supports them)
    #[arg(long, value_name = "DEVICE", default_value_t = Device::Auto)]
    pub(crate) device: Device,
    /// Do not remember the scores of passages: neither in memory nor, for `search`, beside the index
    #[arg(long)]
    pub(crate) no_score_cache: bool,
    /// Use this ONNX Runtime library instead of looking for one
    #[arg(long, value_name = "PATH")]
    pub(crate) onnxruntime: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Only this file, or what is below this folder, or paths that match this glob; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Vec<String>,
    /// Only files with one of these extensions (md,txt); may be repeated
    #[arg(long = "ext", value_name = "EXT,...", value_delimiter = ',', value_parser = parse_extension)]
    pub(crate) extension: Vec<String>,
    /// Only files of one of these types (rust,py), by ripgrep's names; may be repeated
    #[arg(long = "type", short = 't', value_name = "TYPE,...", value_delimiter = ',', value_parser = parse_type)]
    pub(crate) types: Vec<FileType>,
    /// Only documents with this metadata; may be repeated, all must match
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub(crate) meta: Vec<(String, String)>,
    /// Only files changed then or later: 7d, 2w, today, yesterday, 2024, 2024-05, 2024-05-31 or 2024-05-31T12:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = vizsla::parse_moment)]
    pub(crate) since: Option<i64>,
    /// Only files changed before then
    #[arg(long, value_name = "WHEN", value_parser = vizsla::parse_moment)]
    pub(crate) until: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct RerankArgs {
    /// The question
    pub(crate) query: String,
    /// Maximum number of texts to print [default: all]
    #[arg(long, short = 'n', value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Print one JSON object per text
    #[arg(long)]
    pub(crate) jsonl: bool,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Ids of the documents to remove. A document of a file returns when the file is read again: because it has changed,
    /// or by `vizsla repair`
    #[arg(value_name = "ID", required_unless_present = "path")]
    pub(crate) ids: Vec<String>,
    /// Remove all documents of this file, or of what is below this folder, or of files whose path matches this glob, or
    /// only those with the given ids; `-` means documents from no file; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Vec<String>,
    #[command(flatten)]
    pub(crate) index: IndexDir,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct EvalArgs {
    #[command(subcommand)]
    pub(crate) command: Option<EvalCommand>,
    #[command(flatten)]
    pub(crate) judged: Option<JudgedArgs>,
    /// Rerank the candidates of this TREC run instead of those of BM25
    #[arg(long, value_name = "RUN")]
    pub(crate) candidates: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// Where to keep the index of the corpus [default: built anew in a temporary folder]
    #[arg(long, short = 'i', value_name = "DIR")]
    pub(crate) index: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) ranking: RankingArgs,
    #[command(flatten)]
    pub(crate) corpus: CorpusArgs,
    /// Write bm25.run, rerank.run and fused.run to this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) runs: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvalCommand {
    /// Measure runs in TREC format
    Score(ScoreArgs),
    /// Compare two runs: is the difference more than chance, and which queries account for it?
    Compare(CompareArgs),
}

/// A judged collection.
#[derive(Debug, Args)]
pub(crate) struct JudgedArgs {
    /// Folder with corpus.jsonl, queries.jsonl (or topics.tsv) and qrels/SPLIT.tsv (or qrels.txt)
    #[arg(long, value_name = "DIR")]
    pub(crate) dataset: PathBuf,
    /// Which judgments: qrels/SPLIT.tsv of the dataset, or the path of a TREC or BEIR file
    #[arg(long, default_value = "test")]
    pub(crate) qrels: String,
    /// Topics in TREC or tab-separated format instead of the dataset's queries
    #[arg(long, value_name = "FILE")]
    pub(crate) topics: Option<PathBuf>,
    /// Do not count the document whose id is the query's (`ArguAna`)
    #[arg(long)]
    pub(crate) drop_query_document: bool,
    /// Evaluate only the first N queries
    #[arg(long, value_name = "N")]
    pub(crate) queries: Option<usize>,
}

/// How the corpus of a judged collection is indexed.
#[derive(Debug, Args)]
pub(crate) struct CorpusArgs {
    /// Language of the corpus
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) language: Option<Language>,
    /// How texts become words: variants, or anserini as published baselines do [default: variants]
    #[arg(long, value_name = "ANALYSIS")]
    pub(crate) analysis: Option<Analysis>,
    /// Also index texts without titles, for --field-weights body=...
    #[arg(long)]
    pub(crate) separate_body: bool,
    /// Longest passage, in tokens
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(16..))]
    pub(crate) passage_tokens: Option<u32>,
}

/// What an evaluation reports.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// What to measure, by the names of ir_measures, comma-separated
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', default_values = ["nDCG@10", "RR@10", "R@100", "AP", "P@10"])]
    pub(crate) measures: Vec<Measure>,
    /// Write the value of each query to this file: query, run, measure and value, tab-separated
    #[arg(long, value_name = "FILE")]
    pub(crate) per_query: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// The runs
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) judged: JudgedArgs,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// The run to compare with
    pub(crate) a: PathBuf,
    /// The run that may be better
    pub(crate) b: PathBuf,
    #[command(flatten)]
    pub(crate) judged: JudgedArgs,
    /// How many of the most changed queries to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) show: usize,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TuneArgs {
    /// Judged collection, as for eval; with several, each is tested with what is best for the others
    #[arg(long = "dataset", required = true, value_name = "DIR")]
    pub(crate) datasets: Vec<PathBuf>,
    /// Which judgments: qrels/SPLIT.tsv of each dataset
    #[arg(long, default_value = "dev")]
    pub(crate) split: String,
    /// A collection's candidates, in the order of the datasets: a TREC run, or - for BM25
    #[arg(long, value_name = "RUN")]
    pub(crate) candidates: Vec<PathBuf>,
    /// In the collection of this name, do not count the document whose id is the query's; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) drop_query_document: Vec<String>,
    /// Use only the first N queries of each collection
    #[arg(long, value_name = "N")]
    pub(crate) queries: Option<usize>,
    /// Maximum number of candidates to try
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = parse_depth)]
    pub(crate) max_depth: usize,
    /// Folder in which to keep the indexes [default: built anew in a temporary folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) indexes: Option<PathBuf>,
    /// Where to write the settings
    #[arg(long, short = 'o', value_name = "FILE", default_value = "vizsla-settings.json")]
    pub(crate) output: PathBuf,
    /// Write a report with plots as one HTML file
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Human,
    Compact,
    Json,
    JsonLines,
    Trec,
}

impl SearchArgs {
    pub(crate) fn format(&self) -> Format {
        match (self.json, self.jsonl, self.trec) {
            (true, ..) => Format::Json,
            (_, true, _) => Format::JsonLines,
            (.., true) => Format::Trec,
            _ if self.compact => Format::Compact,
            _ => Format::Human,
        }
    }
}
