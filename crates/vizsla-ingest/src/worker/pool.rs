//! The workers of a run: as many as there are files being read at once, started when first needed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use vizsla::{Document, Limits};
use vizsla_extract::{Problem, Sink};

use super::command::WorkerCommand;
use super::process::{Job, Lost, Worker};
use super::protocol::Hello;
use crate::content::Content;
use crate::problem::ProblemKind;
use crate::read_error::ReadError;

pub(crate) struct Pool {
    command: WorkerCommand,
    hello: Hello,
    idle: Mutex<Vec<Worker>>,
}

impl Pool {
    pub(crate) fn new(command: WorkerCommand, limits: Limits, ocr: Option<String>) -> Self {
        let hello = Hello { limits, memory: command.memory, ocr };
        Self { command, hello, idle: Mutex::default() }
    }

    /// Whether the workers read pictures of text.
    pub(crate) fn has_ocr(&self) -> bool {
        self.hello.ocr.is_some()
    }

    /// How long a worker may take for a file: somewhat longer than it allows itself, so that a reader that keeps to the
    /// limit can say where it stopped.
    pub(crate) fn time(&self) -> Duration {
        let allowed = Duration::from_millis(self.hello.limits.file_milliseconds);
        allowed.saturating_add(allowed / 4).saturating_add(Duration::from_millis(500))
    }

    /// Reads a file in a worker.
    pub(crate) fn read(
        &self,
        job: Job<'_>,
        content: &mut Content,
        sink: &mut dyn Sink,
    ) -> Result<(), ReadError> {
        loop {
            let mut sink = Counting { sink, passed: false };
            let mut worker = match self.idle().pop() {
                Some(worker) => worker,
                None => Worker::start(&self.command, &self.hello)?,
            };
            let is_used = worker.has_read;
            match worker.read(job, content, &mut sink) {
                Ok(read) => {
                    self.idle().push(worker);
                    return read;
                }
                // What earlier files have left behind in it may have been the cause.
                Err(Lost::Died)
                    if is_used && !sink.passed && matches!(content, Content::Bytes(_)) => {}
                Err(lost) => return self.error(lost, &mut worker),
            }
        }
    }

    fn error(&self, lost: Lost, worker: &mut Worker) -> Result<(), ReadError> {
        let died = |cause: &str| {
            ReadError::new(ProblemKind::Died, format!("the reader died on it ({cause})"))
        };
        Err(match lost {
            // The caller knows why.
            Lost::Stopped => return Ok(()),
            Lost::Died => died(&worker.cause_of_death()),
            Lost::Garbage(what) => died(&format!("what it sends makes no sense: {what}")),
            Lost::Late => {
                let limit = Duration::from_millis(self.hello.limits.file_milliseconds);
                let message = format!("takes longer than the {limit:?} allowed");
                ReadError::new(ProblemKind::TimedOut, message)
            }
        })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes whether anything has been passed on.
struct Counting<'a> {
    sink: &'a mut dyn Sink,
    passed: bool,
}

impl Sink for Counting<'_> {
    fn document(&mut self, document: Document) -> std::ops::ControlFlow<()> {
        self.passed = true;
        self.sink.document(document)
    }

    fn problem(&mut self, problem: Problem) {
        self.passed = true;
        self.sink.problem(problem);
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use vizsla::CancelHandle;
    use vizsla_extract::{Extracted, Format};

    use super::*;

    /// A worker that is ready, and then does this.
    fn worker(then: &str) -> WorkerCommand {
        let ready = format!(
            "read h; echo '{{\"ready\":{{\"version\":\"{}\"}}}}'",
            env!("CARGO_PKG_VERSION")
        );
        shell(&format!("{ready}; {then}"))
    }

    fn shell(script: &str) -> WorkerCommand {
        WorkerCommand::new("/bin/sh").with_arg("-c").with_arg(script)
    }

    fn pool(command: WorkerCommand, milliseconds: u64) -> Pool {
        Pool::new(command, Limits::default().with_file_milliseconds(milliseconds), None)
    }

    fn read(pool: &Pool, content: &[u8], cancel: &CancelHandle) -> (Result<(), ReadError>, usize) {
        let job = Job { name: "f", format: Format::TEXT, time: pool.time(), cancel };
        let mut found = Extracted::default();
        let read = pool.read(job, &mut Content::Bytes(content.to_vec()), &mut found);
        (read, found.documents.len())
    }

    fn error(command: WorkerCommand, milliseconds: u64, content: &[u8]) -> (ProblemKind, String) {
        let error =
            read(&pool(command, milliseconds), content, &CancelHandle::new()).0.unwrap_err();
        (error.kind, error.message)
    }

    const DOCUMENT: &str = r#"echo '{"document":{"document":{"id":"f","title":"","text":"t","sections":[],"locations":"OwnLines","path":"f","modified":null,"metadata":{}},"metadata":"{}"}}'"#;
    const LONG: u64 = 600_000;

    #[test]
    fn the_cause_of_death_is_told() {
        for (then, cause) in [
            ("read r; kill -9 $$", "signal 9"),
            ("read r; exit 3", "exit 3"),
            ("read r; echo 'memory allocation of 9 bytes failed' >&2; kill -6 $$", "out of memory"),
            (
                "read r; echo \"thread 'x' has overflowed its stack\" >&2; kill -6 $$",
                "stack overflow",
            ),
            ("read r; echo nonsense; read s", "makes no sense"),
            ("read r; echo '{\"document\":'; read s", "makes no sense"),
        ] {
            let (kind, message) = error(worker(then), LONG, b"content");
            assert_eq!(kind, ProblemKind::Died, "{then}: {message}");
            assert!(
                message.starts_with("the reader died on it (") && message.contains(cause),
                "{message}"
            );
        }
    }

    #[test]
    fn a_worker_that_hangs_is_killed_even_while_content_is_sent() {
        for then in ["read r; sleep 10000", "sleep 10000 & wait"] {
            let (kind, message) = error(worker(then), 50, &vec![b'x'; 4 << 20]);
            assert_eq!(kind, ProblemKind::TimedOut, "{message}");
            assert!(message.contains("50ms"), "{message}");
        }
    }

    #[test]
    fn a_program_that_is_no_worker_is_named_and_nothing_is_remembered() {
        for (command, why) in [
            (WorkerCommand::new("/nowhere/at/all"), "/nowhere/at/all"),
            (shell("exit 4"), "exit 4"),
            (shell("echo hello; read h"), "another program"),
            (shell("read h; echo '{\"ready\":{\"version\":\"0\"}}'; read r"), "another version"),
            (shell("read h; echo '{\"refused\":\"no tesseract\"}'; read r"), "no tesseract"),
        ] {
            let (kind, message) = error(command, LONG, b"content");
            assert_eq!(kind, ProblemKind::Unreadable);
            assert!(message.contains(why), "{message}");
        }
    }

    #[test]
    fn documents_found_before_a_death_stay() {
        let pool = pool(worker(&format!("read r; {DOCUMENT}; {DOCUMENT}; exit 3")), LONG);
        let (read, documents) = read(&pool, b"content", &CancelHandle::new());
        assert_eq!((read.unwrap_err().kind, documents), (ProblemKind::Died, 2));
    }

    #[test]
    fn a_worker_reads_many_files_and_one_that_dies_of_earlier_ones_is_replaced() {
        let once =
            worker(&format!("read r; {DOCUMENT}; echo '{{\"end\":null}}'; read more; exit 3"));
        let pool = pool(once, LONG);
        for _ in 0..3 {
            let (read, documents) = read(&pool, b"content\n", &CancelHandle::new());
            assert_eq!((read, documents), (Ok(()), 1));
            assert_eq!(pool.idle().len(), 1);
        }
    }

    #[test]
    fn a_cancelled_file_ends_at_once_and_takes_its_worker_along() {
        let (pool, cancel) = (pool(worker("read r; sleep 10000"), LONG), CancelHandle::new());
        cancel.cancel();
        assert_eq!(read(&pool, b"content", &cancel), (Ok(()), 0));
        assert!(pool.idle().is_empty());
    }
}
