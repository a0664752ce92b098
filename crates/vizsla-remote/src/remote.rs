//! An engine at an address, whichever it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use vizsla::{Error, ErrorKind, FieldWeights, IndexSettings, PassageRetriever, Retriever};

use crate::address::{Address, EngineKind};
use crate::backend::Backend;
use crate::collection::RemoteCollection;
use crate::elastic::{Cluster, ElasticStore};
use crate::engine::Engine;
use crate::http::Client;
use crate::layout::Layout;
use crate::quickwit::{Quickwit, QuickwitStore};
use crate::retriever::EngineRetriever;
use crate::secret::Secret;
use crate::solr::{Solr, SolrStore};
#[cfg(feature = "postgresql")]
use crate::sql::PostgreSql;
#[cfg(feature = "sqlite")]
use crate::sql::Sqlite;

/// An engine at an address. Nothing is asked of it before something is wanted.
#[derive(Debug, Clone)]
pub struct Remote {
    address: Address,
    secret: Option<Secret>,
}

impl Remote {
    /// The engine at an address, with the credentials in the file that the address names, if it names one.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] and [`ErrorKind::InvalidInput`] for a file that cannot be used.
    pub fn open(address: &Address) -> Result<Self, Error> {
        Self::open_with(address, None)
    }

    /// As [`open`](Self::open), with credentials for an address that names no file of them.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(address: &Address, secret: Option<&Secret>) -> Result<Self, Error> {
        let secret = match address.auth_file() {
            Some(path) => {
                let line = fs::read_to_string(&path).map_err(|error| unread(&path, error))?;
                Some(line.parse()?)
            }
            None => secret.cloned(),
        };
        Ok(Self { address: address.clone(), secret })
    }

    /// Finds passages in it. Documents of an index that Vizsla did not make are split into passages.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such index, [`ErrorKind::Unavailable`], [`ErrorKind::Denied`], and
    /// [`ErrorKind::InvalidInput`] for an address that does not fit what is there.
    pub fn retriever(&self) -> Result<Box<dyn Retriever>, Error> {
        self.weighted(None)
    }

    /// As [`retriever`](Self::retriever), with other weights for the fields of an index that Vizsla made.
    ///
    /// # Errors
    /// Also [`ErrorKind::Unsupported`] for another index, whose fields have weights in the address.
    pub fn retriever_with(&self, weights: FieldWeights) -> Result<Box<dyn Retriever>, Error> {
        self.weighted(Some(weights))
    }

    /// The index as something that sources are kept in sync with. It is made, with these settings, if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::NotAnIndex`] when somebody else has made it, and those of making it.
    pub fn collection(&self, new: &IndexSettings) -> Result<RemoteCollection, Error> {
        let backend: Arc<dyn Backend> = match self.address.kind() {
            EngineKind::OpenSearch | EngineKind::Elasticsearch => {
                let cluster = Cluster::connect(self.client()?, self.address.clone())?;
                let layout = cluster.layout()?;
                Arc::new(ElasticStore::open(Arc::new(cluster), layout.as_ref(), new)?)
            }
            EngineKind::Quickwit => {
                let quickwit = Quickwit::connect(self.client()?, self.address.clone())?;
                Arc::new(QuickwitStore::open(quickwit, new)?)
            }
            EngineKind::Solr => {
                let solr = Solr::connect(self.client()?, self.address.clone())?;
                Arc::new(SolrStore::open(solr, new)?)
            }
            #[cfg(feature = "postgresql")]
            EngineKind::PostgreSql => {
                let database = PostgreSql::open(&self.address, self.secret.as_ref(), true)?;
                Arc::new(database.writable(new)?)
            }
            #[cfg(feature = "sqlite")]
            EngineKind::Sqlite => Arc::new(Sqlite::open(&self.address, true)?.writable(new)?),
            #[cfg(not(all(feature = "postgresql", feature = "sqlite")))]
            kind => return Err(left_out(kind)),
        };
        Ok(RemoteCollection { backend })
    }

    fn weighted(&self, weights: Option<FieldWeights>) -> Result<Box<dyn Retriever>, Error> {
        let (retriever, is_own): (Box<dyn Retriever>, bool) = match self.address.kind() {
            EngineKind::OpenSearch | EngineKind::Elasticsearch => {
                let cluster = Cluster::connect(self.client()?, self.address.clone())?;
                let layout = cluster.layout()?;
                self.searched(Arc::new(cluster), layout, weights)?
            }
            EngineKind::Quickwit => {
                let quickwit = Quickwit::connect(self.client()?, self.address.clone())?;
                let layout = quickwit.layout()?;
                self.searched(Arc::new(quickwit), layout, weights)?
            }
            EngineKind::Solr => {
                let solr = Solr::connect(self.client()?, self.address.clone())?;
                let layout = solr.layout()?;
                self.searched(Arc::new(solr), layout, weights)?
            }
            #[cfg(feature = "postgresql")]
            EngineKind::PostgreSql => {
                let database = PostgreSql::open(&self.address, self.secret.as_ref(), false)?;
                let database = database.weighed(weights);
                (Box::new(database), self.address.option("text").is_none())
            }
            #[cfg(feature = "sqlite")]
            EngineKind::Sqlite => {
                let database = Sqlite::open(&self.address, false)?.weighed(weights);
                (Box::new(database), self.address.option("text").is_none())
            }
            #[cfg(not(all(feature = "postgresql", feature = "sqlite")))]
            kind => return Err(left_out(kind)),
        };
        Ok(if is_own { retriever } else { Box::new(PassageRetriever::new(retriever)) })
    }

    /// A retriever over an engine, and whether we made its index.
    fn searched(
        &self,
        engine: Arc<dyn Engine>,
        layout: Option<Layout>,
        weights: Option<FieldWeights>,
    ) -> Result<(Box<dyn Retriever>, bool), Error> {
        let mut layout = layout.ok_or_else(|| self.address.no_index())?;
        let is_own = layout.own.is_some();
        match weights {
            Some(weights) if is_own => layout.weigh(weights),
            // The weights of the address are the only ones that mean anything there.
            _ => {}
        }
        Ok((Box::new(EngineRetriever::new(engine, layout)), is_own))
    }

    /// A client of the nodes.
    fn client(&self) -> Result<Client, Error> {
        let address = &self.address;
        let authority = match address.option("ca").map(PathBuf::from) {
            Some(path) => Some(fs::read(&path).map_err(|error| unread(&path, error))?),
            None => None,
        };
        let nodes = address.nodes().to_vec();
        let client = Client::new(nodes, self.secret.clone(), authority.as_deref())?;
        Ok(match address.number("timeout")? {
            Some(seconds) => client.with_timeout(Duration::from_secs(seconds.max(1).into())),
            None => client,
        })
    }
}

fn unread(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot read {}", path.display())).with_source(error)
}

#[cfg(not(all(feature = "postgresql", feature = "sqlite")))]
fn left_out(kind: EngineKind) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this build does not know {kind}"))
}
