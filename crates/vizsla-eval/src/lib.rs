//! How good a search is: judged collections, measures, TREC's files, statistics, and tuning.
//!
//! A [`Collection`] has queries and judgments, a [`Ranker`] gives rankings for each query, [`evaluate`] measures them:
//!
//! ```no_run
//! use vizsla::{Engine, Fusion};
//! use vizsla_eval::{Collection, CollectionOptions, Corpus, CorpusOptions, evaluate};
//!
//! # fn main() -> Result<(), vizsla_eval::Error> {
//! let collection = Collection::open("scifact".as_ref(), &CollectionOptions::default())?;
//! let corpus = Corpus::index_temporarily("scifact".as_ref(), &CorpusOptions::default())?;
//! let engine = Engine::new(corpus.index().retriever()).with_fusion(Fusion::Retrieval);
//! let evaluation = evaluate(&collection, &engine, &["nDCG@10".parse()?, "RR@10".parse()?], &())?;
//! print!("{}", evaluation.measured.table());
//! # Ok(())
//! # }
//! ```
//!
//! [`TwoStages`] ranks by each stage alone and by both, and [`tune_first_stage`] and [`tune_second_stage`] choose settings by
//! cross-validation. Definitions of measures are trec_eval's ([`metrics`]); [`trec`] reads and writes its files.

#![forbid(unsafe_code)]

mod candidates;
mod collection;
mod comparison;
mod corpus;
mod error;
mod evaluation;
mod measured;
pub mod metrics;
mod number;
mod statistics;
mod testbed;
pub mod trec;
mod trials;
mod tuning;
mod two_stages;

pub use candidates::CandidateSource;
pub use collection::{Collection, CollectionOptions, JudgedQuery, read_run};
pub use comparison::{Comparison, Difference, QueryChange};
pub use corpus::{Corpus, CorpusOptions, corpus_file};
pub use error::{Error, ErrorKind, Result};
pub use evaluation::{Cost, Evaluation, Observer, RankedQuery, Ranker, evaluate};
pub use measured::{Latency, Measured};
pub use statistics::{Summary, randomisation_test};
pub use testbed::Testbed;
pub use trials::Trials;
pub use tuning::{
    FirstSetting, SecondSetting, SecondStage, tune_first_stage, tune_second_stage, tuned_settings,
};
pub use two_stages::TwoStages;

/// The programs in the page about the libraries, which this crate is the first to see all of.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/library.md")]
struct LibraryPage;
