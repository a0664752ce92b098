//! The socket: takes a port, accepts connections within limits, and closes them in order. In: options. Out: answers until
//! the server is stopped.

use std::future::Future as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
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
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _, SizeAbove};

use crate::error::{ApiError, Error, ErrorKind, Result};
use crate::options::ServerOptions;
use crate::state::State;
use crate::{api, elastic, guard, mcp, openapi, page, rerank};

/// How long connections are still taken once the server is told to stop.
const LAST_CALL: Duration = Duration::from_millis(200);

/// A server that has its port and can be run.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
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
        let listener = listen(wanted).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mut listeners = vec![listener];
        if address.ip() == Ipv4Addr::LOCALHOST {
            // `localhost` may mean either; a machine without the newer protocol does without.
            listeners.extend(listen((Ipv6Addr::LOCALHOST, address.port()).into()));
        }
        Ok(Self { listeners, address, state: Arc::new(State::new(options)) })
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
        let served = runtime.block_on(serve(self.listeners, Arc::clone(&self.state), stop));
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
        .merge(openapi::routes())
        .merge(elastic::routes())
        .merge(page::routes())
        .nest_service("/mcp", mcp::service(Arc::clone(state)))
        .fallback(async || ApiError::nowhere())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new().compress_when(
            // Events must not wait for a block to be full.
            DefaultPredicate::new().and(SizeAbove::new(1024)),
        ))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(state), guard::guard))
        .with_state(Arc::clone(state))
}

/// The payload is for those who debug the server, not for its clients.
fn panicked(_payload: Box<dyn std::any::Any + Send>) -> Response {
    ApiError::internal().into_response()
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn serve(listeners: Vec<TcpListener>, state: Arc<State>, stop: &Stop) -> Result<()> {
    let failed = |error| Error::new(ErrorKind::Io, "cannot accept connections").with_source(error);
    let connections = Connections {
        app: router(&state),
        room: Arc::new(Semaphore::new(state.options.connections)),
        header_timeout: state.options.header_timeout,
        watcher: GracefulShutdown::new(),
    };
    let listeners = listeners.into_iter().map(tokio::net::TcpListener::from_std);
    let listeners = listeners.collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
    let accepting = async {
        let accept = |listener| Box::pin(connections.accept(listener));
        let mut accepting = listeners.into_iter().map(accept).collect::<Vec<_>>();
        std::future::poll_fn(|context| {
            accepting.iter_mut().for_each(|one| {
                let _ = one.as_mut().poll(context);
            });
            std::task::Poll::<()>::Pending
        })
        .await;
    };
    let mut stopped = stop.0.subscribe();
    let stopping = async {
        let _ = stopped.wait_for(|stop| *stop).await;
        state.stopping.store(true, Ordering::Relaxed);
        // Who has connected already is let in and heard.
        tokio::time::sleep(LAST_CALL).await;
    };
    tokio::select! {
        () = stopping => {}
        () = accepting => {}
    }
    let ended = connections.watcher.shutdown();
    let _ = tokio::time::timeout(state.options.shutdown_grace, ended).await;
    Ok(())
}

/// What each connection gets.
struct Connections {
    app: Router,
    room: Arc<Semaphore>,
    header_timeout: Duration,
    watcher: GracefulShutdown,
}

impl Connections {
    /// Accepts for as long as it is polled.
    async fn accept(&self, listener: tokio::net::TcpListener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of file descriptors, for example: those of other connections come back.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else { continue };
            // Answers are small and written whole.
            let _ = stream.set_nodelay(true);
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(self.header_timeout);
            let service = TowerToHyperService::new(self.app.clone());
            let connection = http.serve_connection(TokioIo::new(stream), service);
            let connection = self.watcher.watch(connection);
            tokio::spawn(async move {
                // A client that breaks the protocol or leaves is its own loss.
                let _ = connection.await;
                drop(place);
            });
        }
    }
}
