//! The socket: takes a port, accepts connections within limits, and closes them in order. In: options. Out: answers until
//! the server is stopped.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::sync::{Semaphore, watch};
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::{ApiError, Error, ErrorKind, Result};
use crate::options::ServerOptions;
use crate::state::State;
use crate::{api, guard, mcp, page, rerank};

/// A server that has its port and can be run.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    state: Arc<State>,
}

/// Stops a running server from another thread; clones stop the same one.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Lets requests in progress end, and no new ones begin.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Server {
    /// Takes the port. Requests that arrive from now on wait until [`run`](Self::run).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for options that would be unsafe, [`ErrorKind::Address`] when the port is taken or the
    /// address is not one of this machine.
    pub fn bind(options: ServerOptions) -> Result<Self> {
        options.check()?;
        let wanted = options.address;
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Address, format!("cannot listen on {wanted}")).with_source(error)
        };
        let listener = TcpListener::bind(wanted).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, state: Arc::new(State::new(options)) })
    }

    /// Where it listens, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until it is stopped, then lets those in progress end within the grace.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the operating system gives no threads or sockets.
    pub fn run(self, stop: &Stop) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Io, "cannot start the server").with_source(error)
            })?;
        let served = runtime.block_on(serve(self.listener, Arc::clone(&self.state), stop));
        // What still computes has been cancelled and ends at the next passage.
        runtime.shutdown_timeout(Duration::from_secs(2));
        self.state.settle();
        served
    }
}

fn router(state: &Arc<State>) -> Router {
    Router::new()
        .merge(rerank::routes())
        .merge(api::routes())
        .merge(page::routes())
        .nest_service("/mcp", mcp::service(Arc::clone(state)))
        .fallback(async || ApiError::not_found("there is nothing at this path; see /openapi.json"))
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(state), guard::guard))
        .with_state(Arc::clone(state))
}

/// The payload is for those who debug the server, not for its clients.
fn panicked(_payload: Box<dyn std::any::Any + Send>) -> Response {
    ApiError::internal().into_response()
}

async fn serve(listener: TcpListener, state: Arc<State>, stop: &Stop) -> Result<()> {
    let failed = |error| Error::new(ErrorKind::Io, "cannot accept connections").with_source(error);
    let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
    let app = router(&state);
    let room = Arc::new(Semaphore::new(state.options.connections));
    let graceful = GracefulShutdown::new();
    let mut stopped = stop.0.subscribe();
    loop {
        let accepted = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, for example: those of other connections come back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
        // Answers are small and written whole.
        let _ = stream.set_nodelay(true);
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(state.options.header_timeout);
        let service = TowerToHyperService::new(app.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A client that breaks the protocol or leaves is its own loss.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    state.stopping.store(true, Ordering::Relaxed);
    let _ = tokio::time::timeout(state.options.shutdown_grace, graceful.shutdown()).await;
    Ok(())
}
