//! Arguments of `vizsla mcp`.

use clap::{Args, ValueEnum};

use super::named_index::{NamedIndex, named_index};
use super::{EngineArgs, RankingArgs};

#[derive(Debug, Args)]
pub(crate) struct McpArgs {
    /// Folder of an index, or NAME=DIR; may be repeated [default: the nearest .vizsla from here upwards, else that in
    /// `VIZSLA_INDEX`]
    #[arg(long, short = 'i', value_name = "DIR", value_parser = named_index)]
    pub(crate) index: Vec<NamedIndex>,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// Pass requests on to a running `vizsla serve`, so that several agents share one model; `VIZSLA_TOKEN` is its token
    #[arg(long, value_name = "URL", conflicts_with = "index")]
    pub(crate) connect: Option<String>,
    /// Print what to add to the settings of an agent, instead of answering
    #[arg(long, value_name = "CLIENT")]
    pub(crate) print_config: Option<Agent>,
    #[command(flatten)]
    pub(crate) ranking: RankingArgs,
}

/// An agent that can be told about servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Agent {
    ClaudeCode,
    ClaudeDesktop,
    Codex,
    Cursor,
    Gemini,
    Vscode,
    Windsurf,
    Zed,
}
