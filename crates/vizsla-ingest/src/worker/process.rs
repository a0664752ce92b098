//! One worker process, as the program that started it sees it.

use std::io::{BufReader, BufWriter, Read};
use std::ops::ControlFlow;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use vizsla::CancelHandle;
use vizsla_extract::{Format, Sink};

use super::command::WorkerCommand;
use super::protocol::{
    CHUNK_BYTES, Hello, Reply, Request, VERSION, end_chunks, read_line, write_chunk, write_line,
};
use crate::content::Content;
use crate::problem::ProblemKind;
use crate::read_error::ReadError;

/// How long a worker may take to start.
const START: Duration = Duration::from_secs(30);
/// How often a cancelled run is noticed.
const TICK: Duration = Duration::from_millis(100);
/// How long to wait for the last words of a worker that has died.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Bytes of them that are kept.
const SAID_BYTES: usize = 8 << 10;
/// Replies that may wait to be taken.
const WAITING_REPLIES: usize = 2;

/// A file for a worker.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) name: &'a str,
    pub(crate) format: Format,
    /// How long reading may take.
    pub(crate) time: Duration,
    pub(crate) cancel: &'a CancelHandle,
}

/// Why a worker cannot be used any more.
pub(super) enum Lost {
    /// It died by itself.
    Died,
    /// It took too long.
    Late,
    /// What it sends makes no sense.
    Garbage(String),
    /// The caller wants nothing more of the file.
    Stopped,
}

type Replies = Receiver<Result<Reply, String>>;

pub(super) struct Worker {
    child: Child,
    input: BufWriter<ChildStdin>,
    replies: Replies,
    /// The end of what it has written to standard error, and a sign that this is all.
    said: Arc<Mutex<Vec<u8>>>,
    has_said_all: Receiver<()>,
    /// Whether it has read a file before.
    pub(super) has_read: bool,
}

impl Worker {
    pub(super) fn start(command: &WorkerCommand, hello: &Hello) -> Result<Self, ReadError> {
        let failed = |why: String| {
            let program = command.program.display();
            let message =
                format!("cannot be read, as {program} cannot be started to read it: {why}");
            ReadError::new(ProblemKind::Unreadable, message)
        };
        let mut child = Command::new(&command.program);
        child.args(&command.args);
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // With its children it is killed as one, and Ctrl-C reaches only the program.
            child.process_group(0);
        }
        let mut child = child.spawn().map_err(|error| failed(error.to_string()))?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed("it has no standard input and output".to_owned()));
        };
        let (sender, replies) = sync_channel(WAITING_REPLIES);
        thread::spawn(move || pass_on(output, &sender));
        let (said, has_said_all) = listen(errors);
        let input = BufWriter::new(input);
        let mut worker = Self { child, input, replies, said, has_said_all, has_read: false };
        // If it has died already, this fails, and the reason is found below.
        let _ = write_line(&mut worker.input, hello);
        match worker.replies.recv_timeout(START) {
            Ok(Ok(Reply::Ready { version })) if version == VERSION => Ok(worker),
            Ok(Ok(Reply::Ready { .. })) => {
                Err(failed("it has been replaced by another version".to_owned()))
            }
            Ok(Ok(Reply::Refused(reason))) => Err(ReadError::new(ProblemKind::Unreadable, reason)),
            Ok(_) => Err(failed("it is another program".to_owned())),
            Err(RecvTimeoutError::Timeout) => Err(failed("it does not answer".to_owned())),
            Err(RecvTimeoutError::Disconnected) => Err(failed(worker.cause_of_death())),
        }
    }

    /// Has a file read. Either the file has been dealt with, or the worker is lost.
    pub(super) fn read(
        &mut self,
        job: Job<'_>,
        content: &mut Content,
        sink: &mut dyn Sink,
    ) -> Result<Result<(), ReadError>, Lost> {
        self.has_read = true;
        let Self { child, input, replies, .. } = self;
        thread::scope(|scope| {
            // Sending must not wait for documents to be taken, nor the other way round.
            scope.spawn(|| send(input, job, content));
            let result = receive(replies, job, sink);
            if result.is_err() {
                // What is still being sent then fails.
                kill(child);
            }
            result
        })
    }

    /// What made it die.
    pub(super) fn cause_of_death(&mut self) -> String {
        // Its standard output has ended, so it is about to end, if it has not.
        let _ = self.has_said_all.recv_timeout(LAST_WORDS);
        kill(&mut self.child);
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match self.child.wait() {
            Ok(status) => cause_of(status, &String::from_utf8_lossy(&said)),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        kill(&mut self.child);
        let _ = self.child.wait();
    }
}

/// Kills a worker with the processes that it has started.
fn kill(child: &mut Child) {
    // A process that has been waited for has left its number to others.
    if !matches!(child.try_wait(), Ok(None)) {
        return;
    }
    #[cfg(unix)]
    let _ = rustix::process::kill_process_group(
        rustix::process::Pid::from_child(child),
        rustix::process::Signal::KILL,
    );
    let _ = child.kill();
}

fn cause_of(status: ExitStatus, said: &str) -> String {
    if said.contains("memory allocation of") || said.contains("Cannot allocate memory") {
        return "out of memory".to_owned();
    }
    if said.contains("overflowed its stack") {
        return "stack overflow".to_owned();
    }
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    status.code().map_or_else(|| "no exit code".to_owned(), |code| format!("exit {code}"))
}

/// Sends a file. Errors of the pipe mean that the worker is gone, which its replies show.
fn send(input: &mut BufWriter<ChildStdin>, job: Job<'_>, content: &mut Content) {
    let request = Request { name: job.name.to_owned(), format: job.format.name().to_owned() };
    let sent = write_line(input, &request).and_then(|()| match content {
        Content::Bytes(bytes) => {
            bytes.chunks(CHUNK_BYTES).try_for_each(|chunk| write_chunk(input, chunk))?;
            Ok(true)
        }
        Content::File(file) => {
            let mut chunk = Vec::new();
            loop {
                chunk.clear();
                match file.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk) {
                    Ok(0) => return Ok(true),
                    Ok(_) => write_chunk(input, &chunk)?,
                    Err(_) => return Ok(false),
                }
            }
        }
    });
    let _ = sent.and_then(|is_whole| end_chunks(input, is_whole));
}

/// Takes replies until the end of the file. Time counts only while there is none to take.
fn receive(
    replies: &Replies,
    job: Job<'_>,
    sink: &mut dyn Sink,
) -> Result<Result<(), ReadError>, Lost> {
    let mut left = job.time;
    loop {
        if job.cancel.is_cancelled() {
            return Err(Lost::Stopped);
        }
        let begun = Instant::now();
        let reply = replies.recv_timeout(left.min(TICK));
        left = left.saturating_sub(begun.elapsed());
        let reply = match reply {
            Ok(Ok(reply)) => reply,
            Ok(Err(garbage)) => return Err(Lost::Garbage(garbage)),
            Err(RecvTimeoutError::Timeout) if left.is_zero() => return Err(Lost::Late),
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Err(Lost::Died),
        };
        match reply {
            Reply::Document(sent) => {
                let document =
                    sent.into_document().map_err(|error| Lost::Garbage(error.to_string()))?;
                if sink.document(document) == ControlFlow::Break(()) {
                    return Err(Lost::Stopped);
                }
                if job.format.is_streamed() {
                    left = job.time;
                }
            }
            Reply::Problem(problem) => sink.problem(problem),
            Reply::End(None) => return Ok(Ok(())),
            Reply::End(Some(error)) => return Ok(Err(error)),
            Reply::Ready { .. } | Reply::Refused(_) => {
                return Err(Lost::Garbage("it begins anew".to_owned()));
            }
        }
    }
}

/// Passes on what the worker writes, until it ends or nobody listens.
fn pass_on(output: ChildStdout, replies: &SyncSender<Result<Reply, String>>) {
    let mut output = BufReader::new(output);
    loop {
        let reply = match read_line(&mut output) {
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => return,
            Err(error) => Err(error.to_string()),
        };
        let is_garbage = reply.is_err();
        if replies.send(reply).is_err() || is_garbage {
            return;
        }
    }
}

/// Keeps the end of what the worker writes to standard error: the system says there why it ends a process.
fn listen(mut errors: ChildStderr) -> (Arc<Mutex<Vec<u8>>>, Receiver<()>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let (all, has_said_all) = channel();
    let kept = Arc::clone(&said);
    thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = errors.read(&mut buffer) {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&buffer[..read]);
            let excess = kept.len().saturating_sub(SAID_BYTES);
            kept.drain(..excess);
        }
        let _ = all.send(());
    });
    (said, has_said_all)
}
