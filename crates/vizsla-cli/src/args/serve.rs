//! The arguments of `vizsla serve`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::named_index::{NamedIndex, named_index};
use super::values::parse_duration;
use super::{EngineArgs, RankingArgs};

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// An index to search, as DIR or NAME=DIR; may be repeated [default: the one of this folder, if there is one]
    #[arg(long, short = 'i', value_name = "DIR", value_parser = named_index)]
    pub(crate) index: Vec<NamedIndex>,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// The port; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 8765)]
    pub(crate) port: u16,
    /// The address; other machines reach 0.0.0.0
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Refuse requests without the token in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Let other machines in without a token
    #[arg(long, conflicts_with = "token_file")]
    pub(crate) insecure_no_token: bool,
    /// A name by which others call this machine; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// An origin whose pages may send requests, such as `https://wiki.example`; may be repeated
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,
    /// Let requests add and remove documents
    #[arg(long)]
    pub(crate) writable: bool,
    /// Keep the first index up to date with this folder; may be repeated
    #[arg(long, value_name = "FOLDER")]
    pub(crate) watch: Vec<PathBuf>,
    /// How long a request may take
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = parse_duration)]
    pub(crate) request_timeout: Duration,
    /// How long requests may go on after Ctrl-C
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub(crate) shutdown_grace: Duration,
    /// Documents that one request may send to be reranked
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) max_documents: usize,
    /// Tokens that may wait to be read, over all requests, before others are refused
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) max_waiting_tokens: usize,
    /// Log a line of JSON for each request to standard error
    #[arg(long)]
    pub(crate) log: bool,
    /// Log queries, too
    #[arg(long)]
    pub(crate) log_queries: bool,
    #[command(flatten)]
    pub(crate) ranking: RankingArgs,
}
