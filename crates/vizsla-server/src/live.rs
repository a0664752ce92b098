//! One search, reported as it goes: BM25's answer at once, how far the model is, and the answer. In: what is asked for, and
//! how to say what happens. Out: server-sent events. The index is asked once.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::response::sse::{Event, KeepAlive, KeepAliveStream, Sse};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use vizsla::{SearchObserver, SearchResponse};

use crate::api::request::SearchQuery;
use crate::api::search::Prepared;
use crate::error::ApiError;
use crate::metrics::Kind;
use crate::state::State;

/// At most so often a client hears how far the model is.
const PAUSE: Duration = Duration::from_millis(50);

/// What happens in a search.
#[derive(Debug)]
pub(crate) enum Progress<'a> {
    /// The first stage is done; this is its answer.
    Retrieved(&'a SearchResponse),
    /// The model has read so many of so many passages.
    Reranked {
        read: usize,
        total: usize,
    },
    /// The answer.
    Done(&'a SearchResponse),
    Failed(&'a ApiError),
}

/// A stream that ends with the answer or with what went wrong.
pub(crate) type Events =
    Sse<KeepAliveStream<Box<dyn Stream<Item = Result<Event, Infallible>> + Send + Unpin>>>;

/// Searches; each event is what `say` makes of it.
pub(crate) fn search(
    state: &Arc<State>,
    query: &SearchQuery,
    say: impl Fn(Progress<'_>) -> Event + Send + 'static,
) -> Result<Events, ApiError> {
    let prepared = Prepared::new(state, query)?;
    let (events, received) = mpsc::unbounded_channel();
    let leaving = prepared.work.leaving();
    let teller = Teller { say, events, told: Instant::now(), needs_model: prepared.needs_model };
    tokio::task::spawn_blocking(move || run(prepared, teller));
    let stream = UnboundedReceiverStream::new(received).map(move |event| {
        // Dropped with the stream, when the client leaves: the search then ends.
        let _ = &leaving;
        Ok(event)
    });
    let stream: Box<dyn Stream<Item = _> + Send + Unpin> = Box::new(stream);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn run(prepared: Prepared, mut teller: Teller<impl Fn(Progress<'_>) -> Event>) {
    let state = Arc::clone(&prepared.state);
    state.metrics.started(Kind::Search);
    let start = Instant::now();
    let result = prepared.run_with(&mut teller);
    state.metrics.ended(Kind::Search, start, &result);
    match &result {
        Ok(response) => teller.tell(Progress::Done(response)),
        Err(error) => teller.tell(Progress::Failed(error)),
    }
}

struct Teller<S> {
    say: S,
    events: UnboundedSender<Event>,
    told: Instant,
    needs_model: bool,
}

impl<S: Fn(Progress<'_>) -> Event> Teller<S> {
    fn tell(&self, progress: Progress<'_>) {
        // The client may have left.
        let _ = self.events.send((self.say)(progress));
    }
}

impl<S: Fn(Progress<'_>) -> Event> SearchObserver for Teller<S> {
    fn wants_first(&self) -> bool {
        // Without the model, the first answer is the last one.
        self.needs_model
    }

    fn first(&mut self, response: &SearchResponse) {
        self.tell(Progress::Retrieved(response));
    }

    fn reranked(&mut self, read: usize, total: usize) {
        if self.told.elapsed() >= PAUSE {
            self.told = Instant::now();
            self.tell(Progress::Reranked { read, total });
        }
    }
}
