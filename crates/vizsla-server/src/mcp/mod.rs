//! The Model Context Protocol, by which agents search. In: requests over standard input or HTTP, in any revision of the
//! protocol. Out: answers of the tools `search`, `fetch` and `status`, and documents as resources.

mod arguments;
mod fetch;
mod fit;
mod search;
mod status;
mod tools;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, DiscoverResult,
    Implementation, InitializeRequestParams, InitializeResult, ListResourceTemplatesResult,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, ResourceContents, ResourceTemplate,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt};
use tokio::sync::{mpsc, watch};

use crate::error::{ApiError, Error, ErrorKind, Result};
use crate::options::ServerOptions;
use crate::state::State;

/// How long a client may wait to hear what is indexed; clients give up on servers that are slow to start.
const PATIENCE: Duration = Duration::from_millis(100);

/// Answers one client.
#[derive(Debug, Clone)]
pub(crate) struct Handler {
    state: Arc<State>,
    instructions: watch::Receiver<Option<String>>,
}

/// Answers agents over standard input and output, until the input ends. The index and the model may still be opening
/// when the first request is answered.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] for options that cannot be used, [`ErrorKind::Io`] when standard input or output fails.
pub fn serve_mcp_stdio(options: ServerOptions) -> Result<()> {
    options.check()?;
    let failed = |what: &str| Error::new(ErrorKind::Io, what.to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| failed("cannot start the server").with_source(error))?;
    let state = Arc::new(State::new(options));
    let handler = Handler::new(Arc::clone(&state));
    let served = runtime.block_on(async {
        match handler.serve(rmcp::transport::stdio()).await {
            Ok(running) => running.waiting().await.map(|_| ()).map_err(|error| {
                failed("answering over standard output failed").with_source(error)
            }),
            // A client that leaves before it says anything is none.
            Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => {
                Err(failed("what standard input sends is not the protocol").with_source(error))
            }
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    state.settle();
    served
}

/// The protocol over HTTP, for one path of a server whose guard has checked host, origin and token. Each request is
/// answered by itself: there are no sessions to lose when the server is started again.
pub(crate) fn service(state: Arc<State>) -> StreamableHttpService<Handler, NeverSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_legacy_session_mode(false)
        .with_max_request_body_bytes(state.options.body_bytes)
        .disable_allowed_hosts();
    let handler = Handler::new(state);
    StreamableHttpService::new(move || Ok(handler.clone()), Arc::default(), config)
}

impl Handler {
    fn new(state: Arc<State>) -> Self {
        let (told, instructions) = watch::channel(None);
        let reading = Arc::clone(&state);
        // Counting a large index takes longer than clients wait.
        std::thread::spawn(move || told.send_replace(Some(status::instructions(&reading))));
        Self { state, instructions }
    }

    async fn with_instructions(&self, info: ServerConfig) -> ServerConfig {
        let mut instructions = self.instructions.clone();
        let told = tokio::time::timeout(PATIENCE, instructions.wait_for(Option::is_some)).await;
        let told = told.ok().and_then(std::result::Result::ok).and_then(|told| told.clone());
        info.with_instructions(told.unwrap_or_else(status::without_index))
    }

    /// Answers a call, telling the client how far it is if it wants to know.
    async fn answer(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Option<std::result::Result<serde_json::Value, ApiError>> {
        let token = context.meta.get_progress_token();
        let (sender, mut reports) = mpsc::unbounded_channel();
        let sender = token.is_some().then_some(sender);
        let mut answer = pin!(tools::call(&self.state, (&request.name, request.arguments), sender));
        loop {
            tokio::select! {
                biased;
                Some((read, total)) = reports.recv() => {
                    let Some(token) = token.clone() else { continue };
                    let progress = ProgressNotificationParam::new(token, read as f64)
                        .with_total(total as f64)
                        .with_message(format!("read {read} of {total} candidates"));
                    // A client that cannot be told will not get the answer, either.
                    let _ = context.peer.notify_progress(progress).await;
                }
                answer = &mut answer => return answer,
                () = context.ct.cancelled() => return Some(Err(ApiError::timed_out())),
            }
        }
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("vizsla", env!("CARGO_PKG_VERSION")))
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<InitializeResult, ErrorData> {
        context.peer.set_peer_info(request.clone());
        Ok(self.with_instructions(self.negotiate_initialize(&request)?).await)
    }

    async fn discover(
        &self,
        _context: RequestContext<RoleServer>,
    ) -> std::result::Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        let info = self.with_instructions(self.get_info()).await;
        Ok(DiscoverResult::from_server_info(versions, info))
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> std::result::Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::list(&self.state)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResponse, ErrorData> {
        let name = request.name.clone();
        Ok(match self.answer(request, &context).await {
            Some(Ok(answer)) => CallToolResult::structured(answer),
            Some(Err(error)) => failed(error.text()),
            None => failed(&format!("there is no tool {name}; there are: search, fetch, status")),
        }
        .into())
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> std::result::Result<ListResourceTemplatesResult, ErrorData> {
        let template = ResourceTemplate::new("vizsla://{+id}", "document")
            .with_description("An indexed document, by the id that search gives")
            .with_mime_type("text/plain");
        Ok(ListResourceTemplatesResult::with_all_items(vec![template]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> std::result::Result<ReadResourceResponse, ErrorData> {
        let page = tools::read(&self.state, &request.uri)
            .await
            .map_err(|error| ErrorData::resource_not_found(error.text().to_owned(), None))?;
        let mut text = page["text"].as_str().unwrap_or_default().to_owned();
        if let Some(hint) = page["hint"].as_str() {
            text.push_str(&format!("\n\n[{hint}]"));
        }
        let contents = ResourceContents::text(text, request.uri).with_mime_type("text/plain");
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}

/// An answer that says what is wrong where the model reads it.
fn failed(text: &str) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}
