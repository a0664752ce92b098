//! The worker's side: reads files from standard input, and writes their documents to standard output.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use vizsla::{Document, Limits};
use vizsla_extract::{Format, Input, Ocr, Problem, Sink};

use super::protocol::{
    Chunk, Hello, Reply, Request, Sent, VERSION, read_chunk, read_line, write_line,
};
use crate::in_process;
use crate::read_error::ReadError;

/// Address space that is reserved for the stack of the reader, of which only what is used takes memory.
const STACK_BYTES: usize = 256 << 20;
/// Address space of the program itself and its threads.
const OWN_BYTES: u64 = 256 << 20;
/// How often a worker looks whether it should have been killed.
const WATCH: Duration = Duration::from_secs(1);
/// Chunks that are received while an earlier one is read.
const WAITING_CHUNKS: usize = 4;

/// Makes the reader of pictures of text for some languages, or says why there is none.
pub type OcrFor<'a> = &'a dyn Fn(&str) -> Result<Arc<dyn Ocr + Send>, String>;

/// Reads files until `input` ends; for a process that does nothing else, which should end when this returns. It limits
/// the memory of the whole process as the [`WorkerCommand`](super::WorkerCommand) says, and ends it when a file takes
/// far longer than allowed: a worker that nobody kills any more does not stay.
///
/// # Errors
/// When `input` or `output` fails, or `input` is not that of a worker.
pub fn serve(
    input: impl Read,
    output: impl Write + Send + 'static,
    ocr: OcrFor<'_>,
) -> io::Result<()> {
    let mut input = BufReader::new(input);
    let mut output = BufWriter::new(output);
    let Some(hello) = read_line::<Hello>(&mut input)? else { return Ok(()) };
    let ocr = match hello.ocr.as_deref().map(ocr).transpose() {
        Ok(ocr) => ocr,
        Err(reason) => return write_line(&mut output, &Reply::Refused(reason)),
    };
    limit_memory(hello.memory);
    write_line(&mut output, &Reply::Ready { version: VERSION.to_owned() })?;
    let until = Arc::new(Mutex::new(None));
    let (jobs, work) = sync_channel(1);
    let reading = Reading { output, limits: hello.limits, ocr, until: Arc::clone(&until) };
    thread::Builder::new().stack_size(STACK_BYTES).spawn(move || reading.run(&work))?;
    thread::Builder::new().spawn(move || end_when_late(&until))?;
    while let Some(request) = read_line::<Request>(&mut input)? {
        receive(request, &mut input, &jobs)?;
    }
    Ok(())
}

/// Memory is limited by address space, the only way that the system offers. Where it offers none, time alone is limited.
fn limit_memory(bytes: u64) {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let limit = Some(bytes.saturating_add(STACK_BYTES as u64).saturating_add(OWN_BYTES));
        // Fails when there is a lower limit already.
        let _ = setrlimit(Resource::As, Rlimit { current: limit, maximum: limit });
    }
    #[cfg(not(unix))]
    let _ = bytes;
}

/// Ends the process once a file has taken far longer than allowed.
fn end_when_late(until: &Mutex<Option<Instant>>) {
    loop {
        thread::sleep(WATCH);
        let late = until.lock().unwrap_or_else(PoisonError::into_inner);
        if late.is_some_and(|until| Instant::now() > until) {
            #[expect(
                clippy::exit,
                reason = "the reader cannot be stopped, and nobody waits for it"
            )]
            std::process::exit(1);
        }
    }
}

struct Job {
    name: String,
    format: Format,
    content: Content,
}

enum Content {
    Bytes(Vec<u8>),
    Stream(Stream),
    Broken,
}

/// Receives the content of a file: all of it before it is read, or while it is read record by record.
fn receive(request: Request, input: &mut dyn BufRead, jobs: &SyncSender<Job>) -> io::Result<()> {
    let Request { name, format } = request;
    let format = Format::named(&format).ok_or(io::ErrorKind::InvalidData)?;
    let give = |content| {
        let job = Job { name, format, content };
        jobs.send(job).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    };
    if format.is_streamed() {
        let (chunks, received) = sync_channel(WAITING_CHUNKS);
        give(Content::Stream(Stream { chunks: received, bytes: Vec::new(), at: 0 }))?;
        loop {
            // A reader that has had enough leaves the rest.
            match read_chunk(input)? {
                Chunk::Bytes(bytes) => drop(chunks.send(Some(bytes))),
                Chunk::Broken => drop(chunks.send(None)),
                Chunk::End => return Ok(()),
            }
        }
    }
    let mut all = Vec::new();
    loop {
        match read_chunk(input)? {
            Chunk::Bytes(bytes) => all.extend(bytes),
            Chunk::End => return give(Content::Bytes(all)),
            Chunk::Broken => return give(Content::Broken),
        }
    }
}

/// The content of a file as it arrives; `None` stands for content that could not be read.
struct Stream {
    chunks: Receiver<Option<Vec<u8>>>,
    bytes: Vec<u8>,
    at: usize,
}

impl BufRead for Stream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.bytes.len() {
            self.bytes = match self.chunks.recv() {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Err(io::Error::other("the file cannot be read to its end")),
                Err(_) => Vec::new(),
            };
            self.at = 0;
        }
        Ok(&self.bytes[self.at..])
    }

    fn consume(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.bytes.len());
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// The thread that reads.
struct Reading<W: Write> {
    output: BufWriter<W>,
    limits: Limits,
    ocr: Option<Arc<dyn Ocr + Send>>,
    /// When the file that is read should have been given up.
    until: Arc<Mutex<Option<Instant>>>,
}

impl<W: Write> Reading<W> {
    fn run(mut self, work: &Receiver<Job>) {
        for job in work {
            self.watch(true);
            let end = Reply::End(self.read(job));
            self.watch(false);
            if write_line(&mut self.output, &end).is_err() {
                return;
            }
        }
    }

    fn watch(&self, is_reading: bool) {
        let allowed =
            Duration::from_millis(self.limits.file_milliseconds).saturating_mul(2) + WATCH;
        let until = is_reading.then(|| Instant::now().checked_add(allowed)).flatten();
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn read(&mut self, job: Job) -> Option<ReadError> {
        let Job { name, format, content } = job;
        let (limits, ocr) = (self.limits, self.ocr.clone());
        let (bytes, mut stream);
        let mut input = match content {
            Content::Bytes(all) => {
                bytes = all;
                Input::bytes(&name, &bytes)
            }
            Content::Stream(chunks) => {
                stream = chunks;
                Input::reader(&name, &mut stream)
            }
            Content::Broken => return Some(io::Error::other("it ends early").into()),
        };
        if let Some(ocr) = &ocr {
            input = input.with_ocr(&**ocr);
        }
        in_process::read(input.with_format(format), &limits, self).err()
    }
}

impl<W: Write> Sink for Reading<W> {
    fn document(&mut self, document: Document) -> ControlFlow<()> {
        // What is found record by record may take as long as there are records.
        self.watch(true);
        match Sent::new(document)
            .and_then(|sent| write_line(&mut self.output, &Reply::Document(sent)))
        {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn problem(&mut self, problem: Problem) {
        let _ = write_line(&mut self.output, &Reply::Problem(problem));
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::{end_chunks, write_chunk};
    use super::*;

    /// Replies to these files, in order, each with its kind of ending.
    fn replies(files: &[(&str, Format, &[&[u8]], bool)]) -> Vec<Reply> {
        let (input, mut to_worker) = io::pipe().unwrap();
        let (from_worker, output) = io::pipe().unwrap();
        let no_ocr = |_: &str| Err("there is none".to_owned());
        let worker = thread::spawn(move || serve(input, output, &no_ocr));
        let mut from_worker = BufReader::new(from_worker);
        let memory = u64::MAX;
        write_line(&mut to_worker, &Hello { limits: Limits::default(), memory, ocr: None })
            .unwrap();
        let mut replies = vec![read_line(&mut from_worker).unwrap().unwrap()];
        for (name, format, chunks, is_whole) in files {
            let request = Request { name: (*name).into(), format: format.name().into() };
            write_line(&mut to_worker, &request).unwrap();
            chunks.iter().for_each(|chunk| write_chunk(&mut to_worker, chunk).unwrap());
            end_chunks(&mut to_worker, *is_whole).unwrap();
            loop {
                let reply = read_line(&mut from_worker).unwrap().unwrap();
                let is_end = matches!(reply, Reply::End(_));
                replies.push(reply);
                if is_end {
                    break;
                }
            }
        }
        drop(to_worker);
        worker.join().unwrap().unwrap();
        replies
    }

    fn text(reply: &Reply) -> String {
        match reply {
            Reply::Ready { .. } => "ready".into(),
            Reply::Refused(reason) => reason.clone(),
            Reply::Document(_) => "document".into(),
            Reply::Problem(problem) => problem.to_string(),
            Reply::End(None) => "end".into(),
            Reply::End(Some(error)) => error.message.clone(),
        }
    }

    #[test]
    fn files_are_read_whole_or_as_they_come_one_after_another() {
        let lines: &[&[u8]] = &[b"{\"text\": \"a\"}\nnonsen", b"se\n{\"text\": \"b\"}\n"];
        let replies = replies(&[
            ("a.txt", Format::TEXT, &[b"te", b"xt"], true),
            ("b.jsonl", Format::JSON_LINES, lines, true),
            ("c.txt", Format::TEXT, &[b"\0"], true),
            ("d.txt", Format::TEXT, &[b"te"], false),
            ("e.txt", Format::TEXT, &[], true),
        ]);
        let texts: Vec<String> = replies.iter().map(text).collect();
        assert_eq!(texts[..3], ["ready", "document", "end"]);
        assert_eq!(texts[3], "document");
        assert!(texts[4].starts_with("line 2: "), "{texts:?}");
        assert_eq!(texts[5..7], ["document", "end"]);
        assert_eq!(texts[8], "cannot be read: it ends early");
        assert_eq!(texts[9..], ["document", "end"]);
    }

    #[test]
    fn what_the_worker_cannot_do_is_refused() {
        let mut input = Vec::new();
        let hello = Hello { limits: Limits::default(), memory: 1, ocr: Some("eng".into()) };
        write_line(&mut input, &hello).unwrap();
        let (from_worker, output) = io::pipe().unwrap();
        serve(input.as_slice(), output, &|languages| Err(format!("no {languages}"))).unwrap();
        let reply = read_line(&mut BufReader::new(from_worker)).unwrap().unwrap();
        assert_eq!(text(&reply), "no eng");
    }
}
