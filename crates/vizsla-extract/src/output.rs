//! Every format passes its documents through here: limits are enforced in one place for all formats, before a document
//! reaches the caller's sink.

use std::io::BufRead;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use vizsla_core::{Document, Limits, Location, Locations, Metadata, MetadataValue};

use crate::error::{Error, ErrorKind};
use crate::guarded::guarded;
use crate::members::Members;
use crate::ocr::Ocr;
use crate::sink::{Problem, ProblemKind, Sink};

/// Maximum bytes of a title or of one heading. Both are repeated in every passage below them.
pub(crate) const TITLE_BYTES: usize = 2048;
/// Bytes of text that a streamed file may yield per byte read, on top of the fixed limit.
const TEXT_PER_BYTE: usize = 16;
/// Bytes of a streamed file for which one more member may be read: none is held in fewer.
const BYTES_PER_MEMBER: usize = 256;

/// A reader that reads record by record.
pub(crate) type Streamed = fn(&mut dyn BufRead, &mut Output<'_>) -> Result<(), Error>;

/// What knows all formats, by which files inside others are read. So a format does not need to know the list that it is in.
pub(crate) trait Formats: Sync {
    /// Reads a file, in the format that its name and content show.
    fn read(&self, name: &str, bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error>;

    /// The reader of a file that begins with `head`, if it reads record by record.
    fn streamed(&self, name: &str, head: &[u8]) -> Option<Streamed>;

    /// Whether a file that begins with `head` would be read as text without further structure.
    fn is_plain(&self, name: &str, head: &[u8]) -> bool;
}

pub(crate) struct Output<'a> {
    /// Name of the file that is read, which is the id of a document that is all of it. The file may be inside others:
    /// `outer.zip!inner.txt`.
    pub(crate) name: String,
    pub(crate) limits: &'a Limits,
    /// Name of the outermost file.
    file: &'a str,
    /// Path of the file that is read within the outermost one, if it is inside it.
    member: Option<String>,
    /// Metadata of the container, which its members have too unless they have their own.
    inherited: Metadata,
    /// What has been read of the members of the file that is read.
    members: Members,
    /// How many containers the file that is read is inside of.
    depth: usize,
    /// Members that may still be read.
    members_left: usize,
    /// Bytes that may still be unpacked.
    unpacked_left: u64,
    /// When reading has to end.
    deadline: Instant,
    /// Whether a member has been refused, which is reported once.
    has_refused: bool,
    /// Whether the sink has enough.
    is_stopped: bool,
    ocr: Option<&'a dyn Ocr>,
    /// What reads files inside the one that is read.
    pub(crate) formats: &'static dyn Formats,
    /// Bytes of text that the file may still yield.
    text_left: usize,
    /// Whether text over the limit has been reported.
    is_full: bool,
    sink: Receiving<'a>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(
        file: &'a str,
        limits: &'a Limits,
        formats: &'static dyn Formats,
        sink: &'a mut dyn Sink,
    ) -> Self {
        Self {
            name: file.to_owned(),
            limits,
            file,
            member: None,
            inherited: Metadata::new(),
            members: Members::default(),
            depth: 0,
            members_left: limits.members,
            unpacked_left: limits.unpacked_bytes,
            deadline: Instant::now() + Duration::from_millis(limits.file_milliseconds),
            has_refused: false,
            is_stopped: false,
            ocr: None,
            formats,
            text_left: limits.text_bytes,
            is_full: false,
            sink: Receiving { sink, is_at_work: false },
        }
    }

    pub(crate) fn with_ocr(mut self, ocr: Option<&'a dyn Ocr>) -> Self {
        self.ocr = ocr;
        self
    }

    /// What reads pictures of text, if the caller wants that.
    pub(crate) fn ocr(&self) -> Option<&'a dyn Ocr> {
        self.ocr
    }

    /// When reading the file has to end.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the sink has enough, so that nothing more needs to be read.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Bytes that the next member may unpack to.
    pub(crate) fn unpacked_left(&self) -> u64 {
        self.unpacked_left.min(self.limits.member_bytes)
    }

    /// Whether the file that is read is inside another one.
    pub(crate) fn is_inside(&self) -> bool {
        self.depth > 0
    }

    /// Counts bytes that were unpacked but do not reach [`member`](Self::member).
    pub(crate) fn has_unpacked(&mut self, bytes: u64) {
        self.unpacked_left = self.unpacked_left.saturating_sub(bytes);
    }

    /// Begins message `number` of a mailbox: files inside it are below it.
    pub(crate) fn start_message(&mut self, number: u32) {
        self.members.start_message(number);
    }

    /// Reads a file inside the one that is read: a member of an archive, an attachment. `path` is its path within it,
    /// and `metadata` what its documents have besides their own. What goes wrong in it is a problem of this member
    /// alone.
    ///
    /// Returns whether to go on with the next member.
    pub(crate) fn member(
        &mut self,
        path: &str,
        bytes: &[u8],
        metadata: Metadata,
    ) -> ControlFlow<()> {
        self.inner(path, metadata, |output| {
            output.has_unpacked(bytes.len() as u64);
            output.formats.read(&output.name.clone(), bytes, output)
        })
    }

    /// As [`member`](Self::member), for one that has no bytes of its own, as it is spread over the file that holds it.
    pub(crate) fn inner(
        &mut self,
        path: &str,
        metadata: Metadata,
        read: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> ControlFlow<()> {
        if !self.takes_members() {
            return ControlFlow::Break(());
        }
        self.members_left -= 1;
        let (id, place) = self.members.place(path);
        let inner =
            self.member.as_ref().map_or_else(|| place.clone(), |outer| format!("{outer}!{place}"));
        let mut inherited = self.inherited.clone();
        inherited.extend(metadata);
        let name = format!("{}{id}", self.name);
        let outer = (
            std::mem::replace(&mut self.name, name),
            self.member.replace(inner),
            std::mem::replace(&mut self.inherited, inherited),
            std::mem::take(&mut self.members),
        );
        let error = self.guarded(read).err();
        let is_binary = error.as_ref().is_some_and(|error| error.kind() == ErrorKind::Binary);
        if let Some(error) = error.filter(|_| !is_binary) {
            self.problem(ProblemKind::of(&error), None, error.to_string());
        }
        self.report_members();
        (self.name, self.member, self.inherited, self.members) = outer;
        if is_binary {
            self.members.not_text.add(&place);
        }
        if self.is_stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Reads a member, of which a reader that fails costs no other.
    fn guarded(&mut self, read: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        let depth = self.depth;
        guarded(|| self.deeper(read)).unwrap_or_else(|panic| {
            if self.sink.is_at_work {
                resume_unwind(panic);
            }
            self.depth = depth;
            let message =
                "is damaged so that its reader fails; copy it again, or save it in another format";
            Err(Error::new(ErrorKind::Malformed, message))
        })
    }

    /// Whether another member may be read; the first time that it may not, says so.
    pub(crate) fn takes_members(&mut self) -> bool {
        let (kind, message) = if self.is_expired() {
            let limit = self.limits.file_milliseconds / 1000;
            (ProblemKind::TimedOut, format!("takes longer to read than {limit} seconds"))
        } else if self.members_left == 0 {
            (ProblemKind::TooLarge, format!("has more than {} members", self.limits.members))
        } else {
            return true;
        };
        if !std::mem::replace(&mut self.has_refused, true) {
            self.problem(kind, None, format!("{message}; the rest is left out"));
        }
        false
    }

    /// Reads what is inside the file that is read, which must not be inside too many others.
    pub(crate) fn deeper(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let limit = self.limits.container_depth;
        if self.depth >= limit {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("is inside more than {limit} containers"),
            ));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Whether a member that begins with `head` is neither text nor of a known format, so that the rest of it need not
    /// be unpacked. It is reported together with the others.
    pub(crate) fn skips(&mut self, path: &str, head: &[u8]) -> bool {
        let is_binary = self.formats.is_plain(path, head)
            && crate::text::decode::decode(head)
                .is_err_and(|error| error.kind() == ErrorKind::Binary);
        if is_binary {
            self.members_left = self.members_left.saturating_sub(1);
            self.has_unpacked(head.len() as u64);
            let (_, place) = self.members.place(path);
            self.members.not_text.add(&place);
        }
        is_binary
    }

    /// Reports, in one problem, the members that are not text. Called when the file that holds them has been read.
    pub(crate) fn report_members(&mut self) {
        if let Some(message) = self.members.not_text.message("is not text", "are not text") {
            self.problem(ProblemKind::NotText, None, message);
        }
    }

    /// Whether reading the file has taken too long.
    pub(crate) fn is_expired(&self) -> bool {
        Instant::now() > self.deadline
    }

    /// Extends the limits for this many more bytes of a streamed file, whose records may hold other files.
    pub(crate) fn has_read(&mut self, bytes: usize) {
        let more = bytes.saturating_mul(TEXT_PER_BYTE);
        self.text_left = self.text_left.saturating_add(more);
        let unpacked = self.unpacked_left.saturating_add(more as u64);
        self.unpacked_left = unpacked.min(self.limits.unpacked_bytes);
        self.members_left =
            (self.members_left + 1 + bytes / BYTES_PER_MEMBER).min(self.limits.members);
        let latest = Instant::now() + Duration::from_millis(self.limits.file_milliseconds);
        self.deadline = latest.min(self.deadline + Duration::from_micros(bytes as u64));
    }

    pub(crate) fn text_left(&self) -> usize {
        self.text_left
    }

    pub(crate) fn problem(
        &mut self,
        kind: ProblemKind,
        location: Option<Location>,
        message: impl Into<String>,
    ) {
        let mut message = message.into();
        let location = match (&self.member, location) {
            (None, location) => location,
            (Some(path), Some(at)) => {
                Some(Location::Member { path: path.clone(), at: Box::new(at) })
            }
            (Some(path), None) => {
                message = format!("{path}: {message}");
                None
            }
        };
        self.sink.problem(Problem { kind, location, message });
    }

    /// Reports that a document has more text than allowed. Only the first such report is made.
    pub(crate) fn text_left_out(&mut self, id: &str) {
        if std::mem::replace(&mut self.is_full, true) {
            return;
        }
        let limit = self.limits.text_bytes;
        let message = format!(
            "the document {id:?} exceeds the {limit} bytes of text allowed; the rest of the file is cut to fit"
        );
        self.problem(ProblemKind::TooLarge, None, message);
    }

    /// Passes a document on, cut to the limits.
    pub(crate) fn document(&mut self, mut document: Document) -> ControlFlow<()> {
        if document.text.len() > self.text_left {
            document.text.truncate(document.text.floor_char_boundary(self.text_left));
            self.text_left_out(&shown(&document.id));
        }
        self.text_left -= document.text.len();
        if shorten(&mut document.title, TITLE_BYTES) {
            let message = format!(
                "the title of {:?} is longer than {TITLE_BYTES} bytes; the rest is left out",
                shown(&document.id)
            );
            self.problem(ProblemKind::TooLarge, None, message);
        }
        for problem in fit_metadata(&mut document.metadata, self.limits.metadata_bytes) {
            let message = format!("metadata of {:?}: {problem}", shown(&document.id));
            self.problem(ProblemKind::Metadata, None, message);
        }
        let is_lost = document.text.is_empty() && document.title.is_empty();
        if self.is_full && is_lost {
            return ControlFlow::Continue(());
        }
        for (name, value) in &self.inherited {
            document.metadata.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if let Some(member) = &self.member {
            document.locations = Locations::Member(member.clone(), Box::new(document.locations));
        }
        let before = Instant::now();
        let flow = self.sink.document(document.with_path(self.file));
        // What is done with a document does not count as reading.
        self.deadline += before.elapsed();
        self.is_stopped |= flow.is_break();
        flow
    }
}

/// Tells a panic of the caller's sink from one of a reader.
struct Receiving<'a> {
    sink: &'a mut dyn Sink,
    is_at_work: bool,
}

impl Sink for Receiving<'_> {
    fn document(&mut self, document: Document) -> ControlFlow<()> {
        self.is_at_work = true;
        let flow = self.sink.document(document);
        self.is_at_work = false;
        flow
    }

    fn problem(&mut self, problem: Problem) {
        self.is_at_work = true;
        self.sink.problem(problem);
        self.is_at_work = false;
    }
}

/// An id as shown in messages: ids can be as long as a file.
fn shown(id: &str) -> String {
    let mut shown = id.to_owned();
    if shorten(&mut shown, 80) {
        shown.push('…');
    }
    shown
}

/// The last component of a path: the name of a document without a title.
pub(crate) fn file_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// Truncates a text to at most `bytes`; returns whether there was more.
pub(crate) fn shorten(text: &mut String, bytes: usize) -> bool {
    let too_long = text.len() > bytes;
    if too_long {
        text.truncate(text.floor_char_boundary(bytes));
    }
    too_long
}

/// Drops values that cannot be stored, then the largest until the rest fits; reports what was dropped.
fn fit_metadata(metadata: &mut Metadata, limit: usize) -> Vec<String> {
    let mut problems = Vec::new();
    if !metadata.values().all(MetadataValue::is_finite) {
        metadata.retain(|_, value| value.is_finite());
        problems.push("numbers that are not finite are left out".to_owned());
    }
    let size = |name: &str, value: &MetadataValue| name.len() + value.size();
    let mut total: usize = metadata.iter().map(|(name, value)| size(name, value)).sum();
    if total <= limit {
        return problems;
    }
    let mut sizes: Vec<(usize, String)> =
        metadata.iter().map(|(name, value)| (size(name, value), name.clone())).collect();
    sizes.sort_unstable();
    let mut dropped = Vec::new();
    while total > limit
        && let Some((size, name)) = sizes.pop()
    {
        metadata.remove(&name);
        total -= size;
        dropped.push(shown(&name));
    }
    let more =
        if dropped.len() > 3 { format!(" and {} more", dropped.len() - 3) } else { String::new() };
    dropped.truncate(3);
    problems.push(format!(
        "{}{more} left out, as it is over the limit of {limit} bytes",
        dropped.join(", ")
    ));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Extracted;

    fn pass(document: Document, limits: &Limits) -> (Document, Vec<Problem>) {
        let mut found = Extracted::default();
        assert!(
            Output::new("f", limits, &crate::format::All, &mut found)
                .document(document)
                .is_continue()
        );
        (found.documents.remove(0), found.problems)
    }

    #[test]
    fn text_and_title_are_cut_on_a_character_and_the_cut_is_named() {
        let limits = Limits::default().with_text_bytes(4);
        let (document, problems) =
            pass(Document::new("d", "aéé").with_title("x".repeat(TITLE_BYTES + 1)), &limits);
        assert_eq!((document.text.as_str(), document.title.len()), ("aé", TITLE_BYTES));
        assert_eq!(problems.len(), 2);
        assert!(problems.iter().all(Problem::loses_text));
    }

    #[test]
    fn the_largest_metadata_goes_first_and_infinite_numbers_always() {
        let limits = Limits::default().with_metadata_bytes(30);
        let document = Document::new("d", "t")
            .with_metadata("year", 2024)
            .with_metadata("big", "x".repeat(100))
            .with_metadata("nan", MetadataValue::Float(f64::NAN));
        let (document, problems) = pass(document, &limits);
        assert_eq!(document.metadata.keys().collect::<Vec<_>>(), ["year"]);
        assert!(problems[1].message.contains("big"), "{problems:?}");
        assert!(!problems[1].loses_text());
    }

    struct Failing;
    impl Sink for Failing {
        fn document(&mut self, _: Document) -> ControlFlow<()> {
            panic!("of the sink")
        }
    }

    #[test]
    fn a_member_whose_reader_panics_costs_no_other_and_a_panic_of_the_sink_goes_on() {
        let (limits, mut found) = (Limits::default(), Extracted::default());
        let mut output = Output::new("f", &limits, &crate::format::All, &mut found);
        let panics = |output: &mut Output<'_>| {
            output.inner("a", Metadata::new(), |output| output.deeper(|_| panic!("of the reader")))
        };
        assert!(panics(&mut output).is_continue());
        assert!(output.member("b.txt", b"text", Metadata::new()).is_continue());
        assert!((output.name.as_str(), output.depth) == ("f", 0));
        assert_eq!(found.documents[0].text, "text");
        assert!(found.problems[0].message.starts_with("a: is damaged"), "{:?}", found.problems);

        let mut failing = Failing;
        let mut output = Output::new("f", &limits, &crate::format::All, &mut failing);
        assert!(guarded(|| output.member("b.txt", b"text", Metadata::new())).is_err());
    }
}
