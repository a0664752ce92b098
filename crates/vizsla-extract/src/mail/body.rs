//! The MIME parts of a message: which are its text, and which are files inside it.

mod alternative;
mod completed;
mod enriched;
mod flowed;
mod hidden;
mod part;
mod repaired;
mod words;

use std::collections::HashMap;

use mail_parser::{MessageParser, MessagePart, MimeHeaders, PartType};
use vizsla_core::{Document, Location, Locations, Metadata};

use crate::error::{Error, ErrorKind};
use crate::mail::document::Message;
use crate::mail::{headers, uuencode};
use crate::output::{Output, file_name};
use crate::sink::ProblemKind;
use crate::text::headings::sections;
use crate::{html, whole};
use alternative::Alternative;
use part::Part;

/// A text of a message.
struct Text {
    content: String,
    /// Its place among the MIME parts, as IMAP numbers them.
    number: String,
    is_plain: bool,
}

/// A file inside a message.
struct Attachment<'a> {
    name: String,
    bytes: std::borrow::Cow<'a, [u8]>,
}

impl From<uuencode::File> for Attachment<'_> {
    fn from(file: uuencode::File) -> Self {
        Self { name: file.name.replace(['/', '\\'], "_"), bytes: file.bytes.into() }
    }
}

/// What the parts of a message, or of a part of it, hold.
#[derive(Default)]
struct Contents<'a> {
    texts: Vec<Text>,
    attachments: Vec<Attachment<'a>>,
}

impl Contents<'_> {
    fn alternative(&self) -> Alternative {
        let texts: Vec<&str> = self.texts.iter().map(|text| text.content.as_str()).collect();
        Alternative {
            text: texts.join("\n"),
            is_plain: self.texts.iter().all(|text| text.is_plain),
        }
    }
}

/// What is said of parts that cannot be read.
type Problems = Vec<(ProblemKind, String, String)>;

/// What is said of a message without its last line.
const CUT: &str = "is cut off: its end is missing, and what there is of it is read";

/// Reads a message, which is number `number` of its mailbox or a file of its own.
pub(super) fn read(bytes: &[u8], number: Option<u32>, output: &mut Output<'_>) {
    let lines = repaired::with_line_ends(bytes);
    let repaired = repaired::repaired(&lines);
    let (completed, is_cut) = completed::completed(&repaired);
    let hidden = hidden::hide(&completed);
    let mut message = Message::default();
    let Some(parsed) = MessageParser::default().parse(&*hidden).filter(|m| !m.parts.is_empty())
    else {
        message.texts.push((crate::text::decode::decode_text(bytes), None));
        let _ = output.document(message.document(number, output));
        return;
    };
    headers::read(&parsed, &mut message);
    let mut walk = Walk {
        parts: &parsed.parts,
        raw: &completed,
        limits: output.limits,
        keeps_pictures: output.ocr().is_some(),
        problems: Vec::new(),
    };
    let contents = walk.part(0, String::new(), 0);
    let place = |part: String| Location::Message {
        number: number.unwrap_or(1),
        part: Some(part).filter(|part| !part.is_empty()),
    };
    for (kind, part, text) in walk.problems {
        output.problem(kind, Some(place(part)), text);
    }
    if is_cut {
        output.problem(ProblemKind::Malformed, Some(place(String::new())), CUT);
    }
    message.attachments = contents.attachments.iter().map(|a| a.name.clone()).collect();
    for (i, text) in contents.texts.into_iter().enumerate() {
        // The first text is the body.
        message.texts.push((text.content, Some(text.number).filter(|_| i > 0)));
    }
    let inherited = message.metadata.get("date").cloned();
    let document = message.document(number, output);
    if output.document(document).is_break() {
        return;
    }
    for attachment in contents.attachments {
        let metadata: Metadata =
            inherited.iter().map(|date| ("date".to_owned(), date.clone())).collect();
        if output.member(&attachment.name, &attachment.bytes, metadata).is_break() {
            break;
        }
    }
}

/// Reads a web page that is saved as a message: its first page is the document.
pub(super) fn read_web_archive(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let lines = repaired::with_line_ends(bytes);
    let (completed, is_cut) = completed::completed(&lines);
    let hidden = hidden::hide(&completed);
    let parsed = MessageParser::default().parse(&*hidden);
    let parts = parsed.as_ref().map_or(&[] as &[MessagePart<'_>], |parsed| &parsed.parts);
    let page = parts.iter().position(|part| matches!(part.body, PartType::Html(_)));
    match page {
        Some(page) => {
            let part = Some(number(parts, page)).filter(|number| !number.is_empty());
            let place = Location::Message { number: 1, part };
            let page = Part::new(&parts[page], &completed).decoded();
            whole::check_size(page.as_bytes(), output.limits)?;
            if is_cut {
                output.problem(ProblemKind::Malformed, Some(place.clone()), CUT);
            }
            let document = saved(&page, place, output);
            if document.text.is_empty() {
                // It may speak to browsers without frames. The mark says that it is in UTF-8 now, whatever it says itself.
                return html::read_page(format!("\u{feff}{page}").as_bytes(), output);
            }
            let _ = output.document(document);
            Ok(())
        }
        None if parts.is_empty() => Err(Error::new(ErrorKind::Malformed, "is not valid MHTML")),
        None => {
            read(bytes, None, output);
            Ok(())
        }
    }
}

/// The place of a part among the others, as IMAP numbers them.
fn number(parts: &[MessagePart<'_>], part: usize) -> String {
    let mut above = HashMap::new();
    for (id, outer) in parts.iter().enumerate() {
        if let PartType::Multipart(children) = &outer.body {
            above.extend((1..).zip(children).map(|(place, child)| (*child as usize, (id, place))));
        }
    }
    let (mut at, mut places) = (part, Vec::new());
    while let Some((outer, place)) = above.remove(&at) {
        at = outer;
        let place: u32 = place;
        places.push(place.to_string());
    }
    places.reverse();
    places.join(".")
}

/// A saved page, whose lines are not those of the file.
fn saved(page: &str, place: Location, output: &mut Output<'_>) -> Document {
    let page = html::page(page, output.limits);
    let title = Some(page.title).filter(|title| !title.is_empty());
    let title = title.unwrap_or_else(|| file_name(&output.name).to_owned());
    let mut document = Document::new(&output.name, page.text)
        .with_title(title)
        .with_sections(sections(page.headings, output))
        .with_locations(Locations::Fixed(place));
    document.metadata = page.metadata;
    document
}

struct Walk<'a> {
    parts: &'a [MessagePart<'a>],
    /// The message as it was before messages inside it were hidden.
    raw: &'a [u8],
    limits: &'a vizsla_core::Limits,
    /// Whether pictures that belong to the text are read.
    keeps_pictures: bool,
    problems: Problems,
}

impl<'a> Walk<'a> {
    /// What a part holds; `number` is its place, and `depth` in how many others it is.
    fn part(&mut self, id: usize, number: String, depth: usize) -> Contents<'a> {
        let Some(raw) = self.parts.get(id) else { return Contents::default() };
        let part = Part::new(raw, self.raw);
        match &raw.body {
            PartType::Multipart(_) if depth >= self.limits.nesting => {
                let limit = self.limits.nesting;
                let message = format!("is inside more than {limit} parts and left out");
                self.problems.push((ProblemKind::TooLarge, number, message));
                Contents::default()
            }
            PartType::Multipart(children) => self.multipart(&part, children, &number, depth),
            _ => self.leaf(&part, number),
        }
    }

    fn multipart(
        &mut self,
        part: &Part<'a>,
        children: &[u32],
        number: &str,
        depth: usize,
    ) -> Contents<'a> {
        if part.subtype() == "encrypted" {
            let method = if part.parameter("protocol").is_some_and(|p| p.contains("pgp")) {
                "OpenPGP"
            } else {
                "its sender"
            };
            self.protected(number.to_owned(), method);
            return Contents::default();
        }
        let is_digest = part.subtype() == hidden::DIGEST_SUBTYPE;
        let children = (1..).zip(children).map(|(i, child)| {
            let number = if number.is_empty() { i.to_string() } else { format!("{number}.{i}") };
            match self.parts.get(*child as usize) {
                Some(raw) if is_digest && raw.content_type().is_none() => {
                    file(&Part::message(raw, self.raw), &number)
                }
                _ => self.part(*child as usize, number, depth + 1),
            }
        });
        let mut children: Vec<_> = children.collect();
        if part.subtype() == "alternative" {
            let alternatives: Vec<_> = children.iter().map(Contents::alternative).collect();
            let kept = alternative::preferred(&alternatives);
            for (i, child) in children.iter_mut().enumerate() {
                if i != kept {
                    child.texts.clear();
                }
            }
        }
        children.into_iter().fold(Contents::default(), |mut all, child| {
            all.texts.extend(child.texts);
            all.attachments.extend(child.attachments);
            all
        })
    }

    fn protected(&mut self, number: String, method: &str) {
        let message =
            format!("is encrypted by {method}: decrypt it in the mail program and export it again");
        self.problems.push((ProblemKind::Protected, number, message));
    }

    /// A part that holds no others.
    fn leaf(&mut self, part: &Part<'a>, number: String) -> Contents<'a> {
        let mut contents = Contents::default();
        match part.kind() {
            part::Kind::Signature | part::Kind::OfPage => {}
            part::Kind::Picture if !self.keeps_pictures => {}
            part::Kind::Encrypted => self.protected(number, "S/MIME"),
            part::Kind::SignedData => {
                let message = "is inside an S/MIME signature, which is not read: save the message without its signature";
                self.problems.push((ProblemKind::Unsupported, number, message.to_owned()));
            }
            part::Kind::Text => {
                let content = part.text(self.limits);
                let (content, files) =
                    uuencode::take_files(&content).unwrap_or_else(|| (content, Vec::new()));
                contents.attachments.extend(files.into_iter().map(Attachment::from));
                if content.contains("-----BEGIN PGP MESSAGE-----") {
                    self.protected(number, "OpenPGP");
                } else if !content.trim().is_empty() {
                    contents.texts.push(Text { content, number, is_plain: part.is_plain() });
                }
            }
            part::Kind::Picture | part::Kind::File => return file(part, &number),
        }
        contents
    }
}

fn file<'a>(part: &Part<'a>, number: &str) -> Contents<'a> {
    let name = part.name(number);
    let encoded = part.uuencoded().and_then(|text| uuencode::take_files(&text));
    let attachment = match encoded.and_then(|(_, files)| files.into_iter().next()) {
        Some(file) => Attachment { name, bytes: file.bytes.into() },
        None => Attachment { name, bytes: part.file() },
    };
    Contents { texts: Vec::new(), attachments: vec![attachment] }
}
