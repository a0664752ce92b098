//! Puts together what the properties of a message tell: subject, people, date, body, attachments.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use cfb::CompoundFile;
use memchr::memmem;
use vizsla_core::{Limits, Location, Metadata};

use super::lzfu;
use super::properties::{Properties, decoded};
use crate::error::{Error, ErrorKind};
use crate::mail::document::{Message, Person};
use crate::output::Output;
use crate::sink::ProblemKind;
use crate::text::charset::Charset;
use crate::text::decode::decode_text;

type File<'a> = CompoundFile<Cursor<&'a [u8]>>;

/// Bytes before the short properties of a message, of one inside it, and of a recipient or attachment.
const MESSAGE_HEADER: usize = 32;
const INNER_MESSAGE_HEADER: usize = 24;
const PART_HEADER: usize = 8;

/// Bytes at the beginning of a page that may name its encoding.
const HEAD_BYTES: usize = 4096;

/// How an attachment is held: as a message inside this one, or by a link to a file elsewhere.
const IS_MESSAGE: u32 = 5;

pub(super) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let mut file = CompoundFile::open(Cursor::new(bytes)).map_err(|error| {
        let message = "is cut off or damaged; copy it again, or save the message again";
        Error::new(ErrorKind::Malformed, message).with_source(error)
    })?;
    read_message(&mut file, Path::new("/"), 0, output);
    Ok(())
}

/// Reads the message in a folder of the file, and those inside it.
fn read_message(file: &mut File<'_>, folder: &Path, depth: usize, output: &mut Output<'_>) {
    let header = if depth == 0 { MESSAGE_HEADER } else { INNER_MESSAGE_HEADER };
    let most = output.unpacked_left();
    let (mut message, page) = message(file, folder, header, output.limits);
    let keeps_pictures = output.ocr().is_some();
    let attachments: Vec<Attachment> = parts(file, folder, "__attach_version1.0_")
        .iter()
        .map(|part| attachment(file, part, page, most))
        .filter(|attachment| keeps_pictures || !attachment.is_picture)
        .collect();
    message.attachments = attachments.iter().map(|one| one.name.clone()).collect();
    let date = message.metadata.get("date").cloned();
    if message.texts.is_empty() && !message.subject.is_empty() && attachments.is_empty() {
        let place = Location::Message { number: 1, part: None };
        output.problem(ProblemKind::NoText, Some(place), "has no text that can be read");
    }
    if output.document(message.document(None, output)).is_break() {
        return;
    }
    for attachment in attachments {
        let metadata: Metadata =
            date.iter().map(|date| ("date".to_owned(), date.clone())).collect();
        let flow = match attachment.content {
            Content::Bytes(bytes) => output.member(&attachment.name, &bytes, metadata),
            Content::Message(inner) => output.inner(&attachment.name, metadata, |output| {
                read_message(file, &inner, depth + 1, output);
                Ok(())
            }),
            Content::Nothing => {
                let message = format!(
                    "{}: is a link or an object of another program, which is not read",
                    attachment.name
                );
                output.problem(ProblemKind::Unsupported, None, message);
                continue;
            }
        };
        if flow.is_break() {
            break;
        }
    }
}

/// The message without its attachments, and the encoding of its texts.
fn message(
    file: &mut File<'_>,
    folder: &Path,
    header: usize,
    limits: &Limits,
) -> (Message, Option<Charset>) {
    let mut properties = Properties::new(file, folder, header, limits.member_bytes);
    let page =
        properties.number(0x3ffd).or(properties.number(0x3fde)).and_then(Charset::of_code_page);
    let subject = properties.text(0x0037, page).map(|subject| one_line(&subject));
    let mut message = Message { subject: subject.unwrap_or_default(), ..Message::default() };
    let name = properties.text(0x0042, page).or_else(|| properties.text(0x0c1a, page));
    let address = [0x5d02, 0x5d01, 0x0065, 0x0c1f]
        .into_iter()
        .find_map(|id| properties.text(id, page).filter(|address| address.contains('@')));
    if name.is_some() || address.is_some() {
        message.people.push(("From", vec![Person { name, address }]));
    }
    let times = [0x0039, 0x0e06, 0x3007].into_iter();
    if let Some(date) = times.filter_map(|id| properties.time(id)).find_map(date) {
        message.metadata.insert("date".to_owned(), date.into());
    }
    for (name, id) in [("message_id", 0x1035), ("in_reply_to", 0x1042)] {
        if let Some(value) = properties.text(id, page) {
            message.metadata.insert(name.to_owned(), value.trim_matches(['<', '>']).into());
        }
    }
    if let Some(body) = body(&mut properties, page, limits) {
        message.texts.push((body, None));
    }
    recipients(file, folder, page, &mut message, limits.member_bytes);
    (message, page)
}

/// The plain body, else that in HTML, else the one in RTF.
fn body(
    properties: &mut Properties<'_, Cursor<&[u8]>>,
    page: Option<Charset>,
    limits: &Limits,
) -> Option<String> {
    let is_filled = |text: &String| !text.trim().is_empty();
    if let Some(plain) = properties.text(0x1000, page).filter(is_filled) {
        return Some(plain);
    }
    let html_page = properties.number(0x3fde).and_then(Charset::of_code_page);
    let html = properties.binary(0x1013).map(|html| match html_page {
        // The code page of the message is that of its other texts; a page may name its own.
        None if names_charset(&html) || std::str::from_utf8(&html).is_ok() => decode_text(&html),
        own => decoded(&html, own.or(page)),
    });
    if let Some(html) = html.or_else(|| properties.text(0x1013, page)) {
        let text = crate::mail::page::text(&html, limits);
        if is_filled(&text) {
            return Some(text);
        }
    }
    let rtf = properties.binary(0x1009).and_then(|packed| lzfu::unpack(&packed))?;
    Some(crate::office::rtf::text(&rtf, limits.text_bytes)).filter(is_filled)
}

/// Whether a page says at its beginning in which encoding it is.
fn names_charset(html: &[u8]) -> bool {
    let head = html.get(..html.len().min(HEAD_BYTES)).unwrap_or_default();
    memmem::find(&head.to_ascii_lowercase(), b"charset").is_some()
}

fn recipients(
    file: &mut File<'_>,
    folder: &Path,
    page: Option<Charset>,
    message: &mut Message,
    most: u64,
) {
    const COPY: u32 = 2;
    const BLIND_COPY: u32 = 3;
    let (mut to, mut cc) = (Vec::new(), Vec::new());
    for part in parts(file, folder, "__recip_version1.0_") {
        let mut properties = Properties::new(file, &part, PART_HEADER, most);
        let name = properties.text(0x3001, page);
        let addresses = [0x39fe, 0x3003].into_iter();
        let address = addresses
            .filter_map(|id| properties.text(id, page))
            .find(|address| address.contains('@'));
        let person = Person { name, address };
        match properties.number(0x0c15) {
            Some(COPY) => cc.push(person),
            Some(BLIND_COPY) => {}
            _ => to.push(person),
        }
    }
    for (label, people) in [("To", to), ("Cc", cc)] {
        if !people.is_empty() {
            message.people.push((label, people));
        }
    }
}

/// The folders of recipients or attachments, in their order.
fn parts(file: &File<'_>, folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = file.read_storage(folder) else { return Vec::new() };
    let parts = entries.filter(|entry| entry.is_storage() && entry.name().starts_with(prefix));
    let mut parts: Vec<PathBuf> = parts.map(|entry| entry.path().to_owned()).collect();
    parts.sort();
    parts
}

struct Attachment {
    name: String,
    /// Whether it is a picture within the text, such as a logo.
    is_picture: bool,
    content: Content,
}

enum Content {
    Bytes(Vec<u8>),
    /// A message inside this one, in this folder.
    Message(PathBuf),
    Nothing,
}

fn attachment(file: &mut File<'_>, part: &Path, page: Option<Charset>, most: u64) -> Attachment {
    let inner = part.join("__substg1.0_3701000D");
    let has_inner = file.is_storage(&inner);
    // One byte more shows that an attachment is over the limit.
    let mut properties = Properties::new(file, part, PART_HEADER, most.saturating_add(1));
    let is_message = has_inner && properties.number(0x3705).is_none_or(|how| how == IS_MESSAGE);
    let name = [0x3707, 0x3704, 0x3001].into_iter().find_map(|id| properties.text(id, page));
    let name = name.map(|name| one_line(&name).replace(['/', '\\'], "_"));
    let content = if is_message {
        Content::Message(inner)
    } else {
        properties.binary(0x3701).map_or(Content::Nothing, Content::Bytes)
    };
    let name = name.unwrap_or_else(|| "attachment".to_owned());
    let name = if is_message && !name.contains('.') { format!("{name}.msg") } else { name };
    let extension = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_picture = properties.text(0x3712, page).is_some()
        && ["png", "jpg", "jpeg", "gif", "bmp"].contains(&extension.as_str());
    Attachment { name, is_picture, content }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A time in intervals of 100 ns since 1601, as ISO 8601.
fn date(time: u64) -> Option<String> {
    const SECONDS_TO_1970: i64 = 11_644_473_600;
    let seconds = i64::try_from(time / 10_000_000).ok()?.checked_sub(SECONDS_TO_1970)?;
    // Times before 1980 are left over from empty fields, and no year has more than four digits.
    let is_sensible = (315_532_800..253_402_300_800).contains(&seconds);
    is_sensible.then(|| iso(seconds))
}

/// Seconds since 1970 as `2024-05-31T09:00:00Z`; the days by Howard Hinnant's `civil_from_days`.
fn iso(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        assert_eq!(date(133_616_052_000_000_000).unwrap(), "2024-05-31T05:00:00Z");
        assert_eq!(iso(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(date(0), None);
        assert_eq!(date(u64::MAX), None);
    }
}
