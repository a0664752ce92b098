//! Reads a PDF: one document, with a place for each page, and the files inside it.

use std::time::{Duration, Instant};

use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{
    Context, Device, InterpreterCache, InterpreterSettings, RenderContent, interpret_page,
};
use hayro_syntax::object::{self, Dict};
use hayro_syntax::page::Page as PdfPage;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use memchr::memmem;
use vizsla_core::{Document, Location, Locations, Metadata};

use super::attachments::Attachment;
use super::fonts::Fonts;
use super::info::Info;
use super::layout::Line;
use super::outline::{self, Bookmark};
use super::page::{Collector, Stop};
use super::picture::Picture;
use super::xfa::Form;
use super::{annotations, attachments, fields, furniture, info, labels, layout, paragraphs};
use crate::error::{Error, ErrorKind};
use crate::guarded::guarded;
use crate::ocr::Ocr;
use crate::output::{Output, file_name};
use crate::sink::ProblemKind;

/// How long one page may take. The interpreter has no budget of its own.
const PAGE: Duration = Duration::from_secs(2);
/// How long the picture of one page may take to draw.
const PICTURE: Duration = Duration::from_secs(10);
/// Room for the interpreter, which calls itself for forms within forms; reserved, not used.
const STACK: usize = 64 << 20;
/// The share of a page that pictures cover when it is a scan.
const SCAN: f64 = 0.5;
/// Filled shapes on a page without text that look like letters drawn as shapes.
const DRAWN: usize = 300;

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Read,
    /// Many of its glyphs have no meaning.
    Unreadable,
    /// It has no text but a picture.
    Picture,
    /// Its text was read from a picture of it.
    ReadByOcr,
    /// It could not be read to its end.
    Cut(Stop),
    /// Its content is damaged.
    Damaged,
}

/// Everything found in a file.
struct Found {
    pages: Vec<Vec<Line>>,
    /// How high each page is as it is shown.
    heights: Vec<f64>,
    states: Vec<State>,
    /// Why a picture was not read.
    ocr_error: Option<String>,
    info: Info,
    labels: Vec<Option<String>>,
    bookmarks: Vec<Bookmark>,
    attachments: Vec<Attachment>,
    /// Whether the pages stand for a form that cannot be read.
    is_unread_form: bool,
    /// How many pages there are, read or not.
    count: usize,
    /// How many there should be.
    stated: usize,
}

/// What bounds reading.
#[derive(Clone, Copy)]
struct Bounds<'a> {
    until: Instant,
    text: usize,
    ocr: Option<&'a dyn Ocr>,
}

pub(super) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let bounds = Bounds { until: output.deadline(), text: output.text_left(), ocr: output.ocr() };
    let found = std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().stack_size(STACK);
        let reader = reader.spawn_scoped(scope, || find(bytes, bounds));
        let reader = reader.map_err(|error| {
            Error::new(ErrorKind::Io, "cannot be read in a thread of its own").with_source(error)
        })?;
        reader.join().unwrap_or_else(|_| Err(malformed()))
    })?;
    report(bytes, &found, output);
    write(found, output);
    Ok(())
}

fn malformed() -> Error {
    Error::new(ErrorKind::Malformed, "is damaged: no page of this PDF can be found")
}

fn open(bytes: &[u8]) -> Result<Pdf, Error> {
    let protected = |message: &str| Error::new(ErrorKind::Protected, message);
    Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
            protected("needs a password: save a copy without one")
        }
        LoadPdfError::Decryption(_) => {
            protected("is encrypted in a way that is not known: save a copy without a password")
        }
        LoadPdfError::Invalid => malformed(),
    })
}

fn find(bytes: &[u8], bounds: Bounds<'_>) -> Result<Found, Error> {
    let pdf = open(bytes)?;
    let xref = pdf.xref();
    let catalogue = xref.get::<Dict<'_>>(xref.root_id());
    let pages: Vec<&PdfPage<'_>> = pdf.pages().iter().filter(|page| !is_annotation(page)).collect();
    let mut reader = Reader::new(&pdf, bounds);
    for page in &pages {
        if Instant::now() > bounds.until || reader.text > bounds.text {
            break;
        }
        reader.page(page);
    }
    let mut places = outline::Pages::new();
    for (index, page) in pages.iter().enumerate() {
        if let Some(id) = page.raw().obj_id() {
            places.entry(id).or_insert((index, shown(page)));
        }
    }
    let mut attachments =
        catalogue.as_ref().map(|it| attachments::of_document(it, xref)).unwrap_or_default();
    attachments.append(&mut reader.attachments);
    let catalogued = catalogue.as_ref();
    let form = catalogued.and_then(|it| Form::of(it, xref));
    let is_unread_form = form.is_some_and(|form| form.show(&mut reader.pages));
    Ok(Found {
        is_unread_form,
        info: Info::of(&pdf, catalogued),
        labels: catalogued.map(|it| labels::labels(it, xref, pages.len())).unwrap_or_default(),
        bookmarks: catalogued.map(|it| outline::bookmarks(it, xref, &places)).unwrap_or_default(),
        attachments,
        pages: reader.pages,
        heights: reader.heights,
        states: reader.states,
        ocr_error: reader.ocr_error,
        count: pages.len(),
        stated: catalogued.map_or(0, stated_pages),
    })
}

/// Whether a page is none but an annotation, whose contents are a text: in a file without a page tree, whatever has
/// contents is taken for a page.
fn is_annotation(page: &PdfPage<'_>) -> bool {
    page.raw().get::<object::String<'_>>(b"Contents").is_some()
}

/// How many pages the page tree says it has.
fn stated_pages(catalogue: &Dict<'_>) -> usize {
    let tree = catalogue.get::<Dict<'_>>(b"Pages");
    let count = tree.and_then(|tree| tree.get::<i32>(b"Count"));
    count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
}

/// The transform to the page as it is shown, from its top left, with rotation applied.
fn shown(page: &PdfPage<'_>) -> Affine {
    Affine::new(page.initial_transform(true).as_coeffs())
}

/// Reads one page after another.
struct Reader<'p, 'b> {
    pdf: &'p Pdf,
    cache: InterpreterCache<'p>,
    settings: InterpreterSettings,
    fonts: Fonts<'p>,
    bounds: Bounds<'b>,
    pages: Vec<Vec<Line>>,
    heights: Vec<f64>,
    states: Vec<State>,
    ocr_error: Option<String>,
    attachments: Vec<Attachment>,
    /// Bytes of text so far.
    text: usize,
}

impl<'p, 'b> Reader<'p, 'b> {
    fn new(pdf: &'p Pdf, bounds: Bounds<'b>) -> Self {
        Self {
            pdf,
            cache: InterpreterCache::new(),
            settings: InterpreterSettings::default(),
            fonts: Fonts::new(pdf),
            bounds,
            pages: Vec::new(),
            heights: Vec::new(),
            states: Vec::new(),
            ocr_error: None,
            attachments: Vec::new(),
            text: 0,
        }
    }

    fn page(&mut self, page: &PdfPage<'p>) {
        let until = self.bounds.until.min(Instant::now() + PAGE);
        let mut fonts = std::mem::replace(&mut self.fonts, Fonts::new(self.pdf));
        let mut collector = Collector::new(&mut fonts, until);
        let annotations = annotations::of(page);
        let fields = fields::of(&annotations, shown(page));
        // What fields draw is told apart by drawing it after all else.
        let part = if fields.is_empty() { RenderContent::all() } else { RenderContent::PAGE };
        let mut cut = self.draw(page, part, shown(page), &mut collector);
        let own = collector.glyphs.len();
        if cut.is_none() && !fields.is_empty() {
            cut = self.draw(page, RenderContent::ANNOTATIONS, shown(page), &mut collector);
        }
        collector.settle();
        if collector.is_unreadable() {
            collector.distrust_fonts();
        }
        let unplaced = fields::place(&mut collector, own, &fields);
        let mut lines = layout::lines(&collector);
        let mut state = match cut {
            Some(cut) => cut,
            None if !has_content(page) => State::Damaged,
            None => judge(&collector, &lines, page),
        };
        drop(collector);
        self.fonts = fonts;
        if matches!(state, State::Unreadable | State::Picture)
            && let Some(ocr) = self.bounds.ocr
        {
            match self.recognise(page, ocr) {
                Ok(read) if read.is_empty() => {}
                Ok(read) => (lines, state) = (read, State::ReadByOcr),
                Err(error) => self.ocr_error = Some(error),
            }
        }
        lines.extend(unplaced.into_iter().map(Line::apart));
        for annotation in annotations {
            lines.extend(annotations::said(&annotation).map(Line::apart));
            self.attachments.extend(attachments::of_annotation(&annotation));
        }
        self.text += lines.iter().map(|line| line.text.len()).sum::<usize>();
        self.pages.push(lines);
        self.heights.push(f64::from(page.render_dimensions().1));
        self.states.push(state);
    }

    /// Draws a page on a device; what made it stop before the end, if anything did.
    fn draw(
        &mut self,
        page: &PdfPage<'p>,
        part: RenderContent,
        transform: Affine,
        device: &mut impl Device<'p>,
    ) -> Option<State> {
        let settings = InterpreterSettings { render_content: part, ..self.settings.clone() };
        let area = Rect::new(0.0, 0.0, 1.0, 1.0);
        let mut context = Context::new(transform, area, &self.cache, self.pdf.xref(), settings);
        let drawn = guarded(|| interpret_page(page, &mut context, device));
        let payload = drawn.err()?;
        // What was left in the middle of its work is not used again.
        self.cache = InterpreterCache::new();
        Some(payload.downcast_ref::<Stop>().map_or(State::Damaged, |stop| State::Cut(*stop)))
    }

    /// What OCR reads on a page.
    fn recognise(&mut self, page: &PdfPage<'p>, ocr: &dyn Ocr) -> Result<Vec<Line>, String> {
        let (width, height) = page.render_dimensions();
        let until = self.bounds.until.min(Instant::now() + PICTURE);
        let (mut picture, scale) = Picture::new(f64::from(width), f64::from(height), until);
        self.draw(page, RenderContent::all(), scale * shown(page), &mut picture);
        if Instant::now() > self.bounds.until {
            return Err("there was no time left".to_owned());
        }
        let text = ocr.read(&picture.file())?;
        Ok(crate::ocr::paragraphs(&text).into_iter().map(Line::apart).collect())
    }
}

/// Whether the content of a page can be unpacked, if it has any.
fn has_content(page: &PdfPage<'_>) -> bool {
    let parts = page.raw().get::<object::Array<'_>>(b"Contents");
    let has_parts = parts.is_some_and(|parts| parts.raw_iter().next().is_some());
    !page.raw().contains_key(b"Contents")
        || page.page_stream().is_some_and(|content| !content.is_empty() || !has_parts)
}

fn judge(collector: &Collector<'_, '_>, lines: &[Line], page: &PdfPage<'_>) -> State {
    if collector.is_unreadable() {
        return State::Unreadable;
    }
    let (width, height) = page.base_dimensions();
    let area = f64::from(width) * f64::from(height);
    let is_picture = collector.pictures > SCAN * area || collector.shapes > DRAWN;
    if lines.is_empty() && is_picture { State::Picture } else { State::Read }
}

/// Reports what is lost.
fn report(bytes: &[u8], found: &Found, output: &mut Output<'_>) {
    let count = found.count.max(found.stated);
    let with_ocr = output.ocr().is_some();
    let mut say = |state: fn(State) -> bool, kind: ProblemKind, what: &str| {
        let pages: Vec<usize> =
            (0..found.states.len()).filter(|page| state(found.states[*page])).collect();
        if !pages.is_empty() {
            let message = format!("{} of {count} pages {what} ({})", pages.len(), ranges(&pages));
            output.problem(kind, None, message);
        }
    };
    say(|state| state == State::ReadByOcr, ProblemKind::ReadByOcr, "were read by OCR");
    let left = match (&found.ocr_error, with_ocr) {
        (Some(error), _) => format!("are left without text, as OCR failed: {error}"),
        (None, true) => "are left without text, as OCR found none".to_owned(),
        (None, false) => "are pictures without text, such as scans".to_owned(),
    };
    say(|state| state == State::Picture, ProblemKind::NoText, &left);
    let unreadable = "have text that is unreadable: its fonts do not say what their glyphs mean";
    say(|state| state == State::Unreadable, ProblemKind::UnreadableText, unreadable);
    let timed_out = "took too long and are cut";
    say(|state| state == State::Cut(Stop::Deadline), ProblemKind::TimedOut, timed_out);
    let too_large = "have too many characters and are cut";
    say(|state| state == State::Cut(Stop::Glyphs), ProblemKind::TooLarge, too_large);
    say(|state| state == State::Damaged, ProblemKind::Malformed, "are damaged and incomplete");
    if found.is_unread_form {
        let message = "is a form in XFA that cannot be read: print it to a PDF file with the program that shows it";
        output.problem(ProblemKind::NoText, None, message);
    }
    report_missing(bytes, found, output);
    let has_text = found.pages.iter().any(|lines| !lines.is_empty());
    if !has_text && found.states.iter().all(|state| *state == State::Read) {
        let message = match count {
            0 => "has no pages".to_owned(),
            1 => "has no text: its page is blank or a drawing".to_owned(),
            _ => format!("has no text: its {count} pages are blank or drawings"),
        };
        output.problem(ProblemKind::NoText, None, message);
    }
}

/// Reports pages that were not found, or not reached.
fn report_missing(bytes: &[u8], found: &Found, output: &mut Output<'_>) {
    let (read, count) = (found.states.len(), found.count);
    if read < count && output.is_expired() {
        let message = format!("took too long: only the first {read} of {count} pages are read");
        output.problem(ProblemKind::TimedOut, None, message);
    }
    // Some systems fill the last block of a file with zeros.
    let is_filling = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let end = bytes.iter().rposition(|byte| !is_filling(byte)).map_or(0, |last| last + 1);
    let tail = &bytes[end.saturating_sub(2048)..end];
    if found.stated > count {
        let message = format!("is damaged: only {count} of {} pages are there", found.stated);
        output.problem(ProblemKind::Malformed, None, message);
    } else if memmem::find(tail, b"%%EOF").is_none() && memmem::find(tail, b"startxref").is_none() {
        let message = format!("is damaged: its end is missing, and {count} pages were found");
        output.problem(ProblemKind::Malformed, None, message);
    }
}

/// `page 3`, `pages 2-4, 7`, from indices.
fn ranges(pages: &[usize]) -> String {
    const SHOWN: usize = 5;
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for page in pages.iter().map(|page| page + 1) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == page => *last = page,
            _ => ranges.push((page, page)),
        }
    }
    let more = if ranges.len() > SHOWN { " and more" } else { "" };
    let shown: Vec<String> = ranges
        .iter()
        .take(SHOWN)
        .map(
            |(first, last)| {
                if first == last { first.to_string() } else { format!("{first}-{last}") }
            },
        )
        .collect();
    let unit = if pages.len() == 1 { "page" } else { "pages" };
    format!("{unit} {}{more}", shown.join(", "))
}

/// Passes on the document, and the files inside it.
fn write(mut found: Found, output: &mut Output<'_>) {
    let title = found.info.title.take();
    let largest = found.pages.first().and_then(|lines| info::largest(lines));
    furniture::drop_repeated(&mut found.pages, &found.heights);
    let starts = outline::starts(&found.bookmarks, &found.pages);
    let text = paragraphs::text(&found.pages, &outline::marks(&starts));
    found.pages = Vec::new();
    let sections = outline::sections(found.bookmarks, &starts, &text.marks);
    if !text.all.is_empty() || title.is_some() {
        let mut found_labels = found.labels.into_iter();
        let page = |(index, start): (usize, usize)| {
            let number = index as u32 + 1;
            let label = found_labels.next().flatten();
            (start, Location::Pages { first: number, last: number, label })
        };
        let places = text.pages.into_iter().enumerate().map(page).collect();
        let fallback = || file_name(&output.name).to_owned();
        let document = Document::new(output.name.clone(), text.all)
            .with_title(title.or(largest).unwrap_or_else(fallback))
            .with_sections(sections)
            .with_locations(Locations::Spans(places))
            .with_metadata("pages", found.count as i64);
        if output.document(found.info.describe(document)).is_break() {
            return;
        }
    }
    for attachment in found.attachments {
        let Some(bytes) = attachment.bytes else {
            let message = format!("the attachment {:?} cannot be unpacked", attachment.name);
            output.problem(ProblemKind::Malformed, None, message);
            continue;
        };
        if bytes.len() as u64 > output.unpacked_left() {
            let message = format!("the attachment {:?} is too large and left out", attachment.name);
            output.problem(ProblemKind::TooLarge, None, message);
        } else if output.member(&attachment.name, &bytes, Metadata::new()).is_break() {
            return;
        }
    }
}
