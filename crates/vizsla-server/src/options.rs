//! What a server serves, and how.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use vizsla::{Collection, Effort, FusionPolicy, Index, IndexRetriever, Retriever};

use crate::error::{Error, ErrorKind, Result};
use crate::lazy_reranker::LazyReranker;

/// An index under a name.
#[derive(Debug, Clone)]
pub struct ServedIndex {
    pub(crate) name: String,
    pub(crate) index: Arc<dyn Collection>,
    pub(crate) retriever: Arc<dyn Retriever>,
    /// What counts the matches of a search; an index that is elsewhere has nothing that does.
    pub(crate) counting: Option<IndexRetriever>,
}

impl ServedIndex {
    /// Gives an index the name by which requests ask for it.
    pub fn new(name: impl Into<String>, index: Index) -> Self {
        let retriever = index.retriever();
        let name = name.into();
        Self {
            name,
            index: Arc::new(index),
            retriever: Arc::new(retriever.clone()),
            counting: Some(retriever),
        }
    }

    /// Gives a name to a collection that is elsewhere, and to what searches it.
    pub fn elsewhere(
        name: impl Into<String>,
        collection: impl Collection + 'static,
        retriever: impl Retriever + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            index: Arc::new(collection),
            retriever: Arc::new(retriever),
            counting: None,
        }
    }

    /// Sets how the first stage of its searches ranks.
    pub fn with_retriever(mut self, retriever: IndexRetriever) -> Self {
        self.retriever = Arc::new(retriever.clone());
        self.counting = Some(retriever);
        self
    }
}

/// What a server serves, where, to whom, and how much of it at a time.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct ServerOptions {
    pub(crate) address: SocketAddr,
    pub(crate) indexes: Vec<ServedIndex>,
    pub(crate) reranker: Option<LazyReranker>,
    pub(crate) fusion: FusionPolicy,
    pub(crate) effort: Effort,
    pub(crate) depth: usize,
    pub(crate) budget: Option<Duration>,
    pub(crate) token: Option<String>,
    pub(crate) open_without_token: bool,
    pub(crate) hosts: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) request_timeout: Duration,
    pub(crate) shutdown_grace: Duration,
    pub(crate) header_timeout: Duration,
    pub(crate) body_bytes: usize,
    pub(crate) documents: usize,
    pub(crate) waiting_tokens: usize,
    pub(crate) connections: usize,
    pub(crate) writable: bool,
    pub(crate) log_requests: bool,
    pub(crate) log_queries: bool,
}

/// Port 8765 of this machine alone, no index, no reranker, no token.
impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 8765).into(),
            indexes: Vec::new(),
            reranker: None,
            fusion: FusionPolicy::default(),
            effort: Effort::default(),
            depth: vizsla::SearchRequest::DEFAULT_DEPTH,
            budget: None,
            token: None,
            open_without_token: false,
            hosts: Vec::new(),
            origins: Vec::new(),
            request_timeout: Duration::from_mins(2),
            shutdown_grace: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            body_bytes: 8 << 20,
            documents: 1_000,
            waiting_tokens: 1_000_000,
            connections: 1_024,
            writable: false,
            log_requests: false,
            log_queries: false,
        }
    }
}

impl ServerOptions {
    /// Sets the address; port 0 takes any free one.
    pub fn with_address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Adds an index; the first one is the default.
    pub fn with_index(mut self, index: ServedIndex) -> Self {
        self.indexes.push(index);
        self
    }

    /// Sets the reranker.
    pub fn with_reranker(mut self, reranker: LazyReranker) -> Self {
        self.reranker = Some(reranker);
        self
    }

    /// Sets how the rankings of a search are combined unless it says otherwise.
    pub fn with_fusion(mut self, fusion: impl Into<FusionPolicy>) -> Self {
        self.fusion = fusion.into();
        self
    }

    /// Sets how much of its candidates a search reads unless it says otherwise.
    pub fn with_effort(mut self, effort: Effort) -> Self {
        self.effort = effort;
        self
    }

    /// Sets how many candidates a search reads unless it says otherwise.
    pub fn with_depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// Sets how long a search may read unless it says otherwise.
    pub fn with_budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets the token without which requests are refused.
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Allows an address that other machines reach without a token.
    pub fn open_without_token(mut self) -> Self {
        self.open_without_token = true;
        self
    }

    /// Adds a name by which requests may call this server, beside those of this machine.
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Adds an origin whose pages may send requests.
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Sets how long a request may take.
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets how long requests may go on once the server is told to stop.
    pub fn with_shutdown_grace(mut self, grace: Duration) -> Self {
        self.shutdown_grace = grace;
        self
    }

    /// Sets how long the header of a request may take to arrive; a connection without a request is closed after it.
    pub fn with_header_timeout(mut self, timeout: Duration) -> Self {
        self.header_timeout = timeout;
        self
    }

    /// Sets how many bytes the body of a request may have.
    pub fn with_body_bytes(mut self, bytes: usize) -> Self {
        self.body_bytes = bytes;
        self
    }

    /// Sets how many documents one request may send to be reranked.
    pub fn with_documents(mut self, documents: usize) -> Self {
        self.documents = documents;
        self
    }

    /// Sets how many tokens may wait to be read, over all requests; what comes when more are waiting is refused.
    pub fn with_waiting_tokens(mut self, tokens: usize) -> Self {
        self.waiting_tokens = tokens;
        self
    }

    /// Lets requests add and remove documents.
    pub fn writable(mut self) -> Self {
        self.writable = true;
        self
    }

    /// Logs a line of JSON for each request to standard error, without its query.
    pub fn with_request_log(mut self) -> Self {
        self.log_requests = true;
        self
    }

    /// Logs queries, too.
    pub fn with_query_log(mut self) -> Self {
        (self.log_requests, self.log_queries) = (true, true);
        self
    }

    /// Refuses what would be unsafe.
    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |what: String| Err(Error::new(ErrorKind::InvalidInput, what));
        if self.token.as_deref().is_some_and(|token| token.trim().is_empty()) {
            return refuse("the token is empty".to_owned());
        }
        if !self.address.ip().is_loopback() && self.token.is_none() && !self.open_without_token {
            return refuse(format!(
                "{} can be reached from other machines: set a token, or listen on 127.0.0.1",
                self.address.ip()
            ));
        }
        let mut names: Vec<&str> = self.indexes.iter().map(|served| served.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => refuse(format!("two indexes have the name {:?}", pair[0])),
            None => Ok(()),
        }
    }
}
