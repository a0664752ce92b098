//! One search, answered as it goes, as server-sent events: `retrieved` with BM25's hits at once, `reranked` with how many
//! passages the model has read, and `done` with the answer, or `error`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{RawQuery, State as Shared};
use axum::response::sse::{Event, KeepAlive, Sse};
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnboundedReceiverStream;
use vizsla::{Fusion, SearchObserver, SearchRequest};

use super::SearchQuery;
use crate::admission::Admitted;
use crate::error::ApiError;
use crate::metrics::Kind;
use crate::state::{State, Work, tokens_of_search};

/// At most so often a client hears how far the model is.
const PAUSE: Duration = Duration::from_millis(50);

/// Searches, and reports as it goes.
#[utoipa::path(
    get,
    path = "/api/search/stream",
    params(SearchQuery),
    responses(
        (status = 200, description = "The events retrieved, reranked, done and error", body = String, content_type = "text/event-stream"),
        (status = 400, description = "Not understood", body = crate::error::ErrorBody),
        (status = 401, description = "No token", body = crate::error::ErrorBody),
        (status = 403, description = "Not from here", body = crate::error::ErrorBody),
        (status = 404, description = "No such index", body = crate::error::ErrorBody),
        (status = 422, description = "Over a limit", body = crate::error::ErrorBody),
        (status = 429, description = "Overloaded", body = crate::error::ErrorBody),
    )
)]
pub(crate) async fn stream(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Result<Sse<impl tokio_stream::Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let query = SearchQuery::from_url(query.as_deref().unwrap_or_default())?;
    let name = state.searchable(query.index.as_deref())?.name.clone();
    let request = query.request(&state)?;
    let needs_model = query.needs_model(&state)?;
    let tokens = needs_model.then(|| tokens_of_search(request.depth()));
    let admitted = tokens.map(|tokens| state.admission.admit(tokens)).transpose()?;
    let work = Work::within(state.options.request_timeout);
    let request = request.with_cancel(work.cancel_handle());
    let (events, received) = mpsc::unbounded_channel();
    let search = Search { state, name, request, needs_model, events };
    tokio::task::spawn_blocking(move || search.run(admitted));
    let stream = UnboundedReceiverStream::new(received).map(move |event: Event| {
        // Dropped with the stream, when the client leaves: the search then ends.
        let _ = &work;
        Ok(event)
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

struct Search {
    state: Arc<State>,
    name: String,
    request: SearchRequest,
    needs_model: bool,
    events: mpsc::UnboundedSender<Event>,
}

impl Search {
    fn run(self, admitted: Option<Admitted>) {
        let _admitted = admitted;
        self.state.metrics.started(Kind::Search);
        let start = Instant::now();
        let result = self.answer();
        self.state.metrics.ended(Kind::Search, start, &result);
        if let Err(error) = result {
            let status = error.status().as_u16();
            self.send("error", &json!({"error": error.text(), "status": status}));
        }
    }

    fn answer(&self) -> Result<(), ApiError> {
        let engine = &self.state.searchable(Some(&self.name))?.engine;
        if self.needs_model {
            // Retrieval is a matter of milliseconds, so that it is done once for the preview and once for the answer.
            let first = self.request.clone().with_fusion(Fusion::Retrieval);
            self.send("retrieved", &engine.search(&first)?);
        }
        let mut progress = Progress { search: self, last: Instant::now() };
        let response = engine.search_with(&self.request, &mut progress)?;
        self.state.metrics.read(response.stages.rerank.as_ref().map_or(0, |stage| stage.tokens));
        self.send("done", &response);
        Ok(())
    }

    fn send(&self, name: &str, data: &impl Serialize) {
        if let Ok(event) = Event::default().event(name).json_data(data) {
            // The client may have left.
            let _ = self.events.send(event);
        }
    }
}

struct Progress<'a> {
    search: &'a Search,
    last: Instant,
}

impl SearchObserver for Progress<'_> {
    fn reranked(&mut self, read: usize, total: usize) {
        if self.last.elapsed() >= PAUSE {
            self.last = Instant::now();
            self.search.send("reranked", &json!({"read": read, "total": total}));
        }
    }
}
