//! `vizsla serve`: answers over HTTP until it is told to stop.

use std::thread;
use std::time::Duration;

use anyhow::Context;
use vizsla::{CancelHandle, Collection};
use vizsla_ingest::{Sync, SyncOptions, Update, Watch};
use vizsla_server::{Server, ServerOptions, Stop};

use crate::args::{IndexDir, ServeArgs};
use crate::{Outcome, engines, index_dir, interrupt, output, served, settings, workers};

/// How soon Ctrl-C is noticed.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) fn run(args: &ServeArgs) -> anyhow::Result<Outcome> {
    let cancel = interrupt::listen()?;
    let server = Server::bind(options(args)?)?;
    let stop = Stop::default();
    let watched = watch(args, &cancel)?;
    let (asked, stopping) = (cancel.clone(), stop.clone());
    thread::spawn(move || {
        while !asked.is_cancelled() {
            thread::sleep(PAUSE);
        }
        stopping.stop();
    });
    output::line(&format!("listening on http://{}", server.address()))?;
    server.run(&stop)?;
    cancel.cancel();
    if let Some(watched) = watched {
        let _ = watched.join();
    }
    output::note("stopped");
    Ok(Outcome::Success)
}

fn options(args: &ServeArgs) -> anyhow::Result<ServerOptions> {
    let mut options = served::options(&args.index, &args.engine, &args.ranking)?
        .with_address((args.host, args.port).into())
        .with_request_timeout(args.request_timeout)
        .with_shutdown_grace(args.shutdown_grace)
        .with_documents(args.max_documents)
        .with_waiting_tokens(args.max_waiting_tokens);
    let token = match &args.token_file {
        Some(file) => Some(served::token(file)?),
        None => settings::token(),
    };
    if let Some(token) = token {
        options = options.with_token(token);
    }
    if args.insecure_no_token {
        options = options.open_without_token();
    }
    if args.writable {
        options = options.writable();
    }
    if args.log {
        options = options.with_request_log();
    }
    if args.log_queries {
        options = options.with_query_log();
    }
    for host in &args.allow_host {
        options = options.with_host(host);
    }
    for origin in &args.allow_origin {
        options = options.with_origin(origin);
    }
    Ok(options)
}

/// Keeps the first index up to date on a thread of its own.
fn watch(
    args: &ServeArgs,
    cancel: &CancelHandle,
) -> anyhow::Result<Option<thread::JoinHandle<()>>> {
    if args.watch.is_empty() {
        return Ok(None);
    }
    let first = args.index.first().map(|index| index.dir.clone());
    let index: Box<dyn Collection> = if first.is_none() && !args.engine.is_empty() {
        engines::collection(&args.engine, None)?.0
    } else {
        Box::new(index_dir::open(&IndexDir { index: first }).context(
            "--watch keeps an index up to date: make it first with `vizsla index FOLDER`",
        )?)
    };
    let sync = Sync::new(SyncOptions::default()).with_workers(workers::command(None)?);
    let watch = Watch::new(sync, args.watch.clone())?;
    let cancel = cancel.clone();
    Ok(Some(thread::spawn(move || {
        let report = |update: Update| {
            if let Update::Failed(error) = update {
                output::complain(&format!("{:#}; trying again", anyhow::anyhow!(error)));
            }
        };
        if let Err(error) = watch.run(&*index, &(), &cancel, &mut { report }) {
            output::complain(&format!("watching ended: {:#}", anyhow::anyhow!(error)));
        }
    })))
}
