//! The engines that a command means besides folders, in builds that know any.

use clap::Args;

/// Engines elsewhere.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct EngineArgs {
    /// An engine instead of a folder, as in `opensearch+https://host:9200/notes`; a search may name several, and a folder
    /// besides; `VIZSLA_ENGINE_AUTH` has the credentials
    #[cfg(feature = "engines")]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) engine: Vec<vizsla_remote::Address>,
}

impl EngineArgs {
    /// Whether none is named.
    pub(crate) fn is_empty(&self) -> bool {
        #[cfg(feature = "engines")]
        return self.engine.is_empty();
        #[cfg(not(feature = "engines"))]
        true
    }

    /// Each as it can be typed again.
    #[cfg(feature = "serve")]
    pub(crate) fn addresses(&self) -> Vec<String> {
        #[cfg(feature = "engines")]
        return self.engine.iter().map(|address| address.typed().to_owned()).collect();
        #[cfg(not(feature = "engines"))]
        Vec::new()
    }
}
