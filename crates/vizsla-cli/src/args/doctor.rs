//! The options of `vizsla doctor`.

use clap::Args;

use super::{IndexDir, ModelArgs};

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) index: IndexDir,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
