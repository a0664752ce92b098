//! A MIME part that holds no others: what kind of content it is, its text or bytes, and its name.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{ContentType, Encoding, MessagePart, MimeHeaders, PartType};
use vizsla_core::Limits;

use super::{enriched, flowed, hidden, words};
use crate::mail::page;
use crate::text::decode;

/// What a part is to the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What the message says.
    Text,
    /// A file inside it.
    File,
    /// A picture within the text, such as a logo.
    Picture,
    /// What a page needs and nobody reads, such as its style sheet.
    OfPage,
    /// A signature or key.
    Signature,
    /// A message that is encrypted.
    Encrypted,
    /// A message within the signature of its sender.
    SignedData,
}

pub(super) struct Part<'a> {
    parsed: &'a MessagePart<'a>,
    /// The message that it is part of.
    message: &'a [u8],
    /// Its media type, in lower case.
    media: (String, String),
}

impl<'a> Part<'a> {
    pub(super) fn new(part: &'a MessagePart<'a>, message: &'a [u8]) -> Self {
        let media = part.content_type().map_or_else(
            || ("text".to_owned(), "plain".to_owned()),
            |media| {
                let subtype = media.subtype().unwrap_or_default();
                (media.ctype().to_ascii_lowercase(), subtype.to_ascii_lowercase())
            },
        );
        Self { parsed: part, message, media }
    }

    /// As [`new`](Self::new), for a part that is a message without saying so.
    pub(super) fn message(part: &'a MessagePart<'a>, message: &'a [u8]) -> Self {
        Self { parsed: part, message, media: ("message".to_owned(), "rfc822".to_owned()) }
    }

    pub(super) fn subtype(&self) -> &str {
        &self.media.1
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parsed.content_type().and_then(|media| media.attribute(name))
    }

    pub(super) fn kind(&self) -> Kind {
        let (media, subtype) = (self.media.0.as_str(), self.media.1.as_str());
        let is_attached = self.parsed.content_disposition().is_some_and(ContentType::is_attachment);
        let has_name = self.parsed.attachment_name().is_some();
        let is_of_page =
            self.parsed.content_id().is_some() || self.parsed.content_location().is_some();
        match (media, subtype) {
            (
                "application",
                "pgp-signature" | "pgp-keys" | "pkcs7-signature" | "x-pkcs7-signature",
            ) => Kind::Signature,
            ("application", "pkcs7-mime" | "x-pkcs7-mime") => {
                let is_signed =
                    self.parameter("smime-type").is_some_and(|kind| kind.contains("signed"));
                if is_signed { Kind::SignedData } else { Kind::Encrypted }
            }
            ("image", _) if !is_attached && (self.parsed.content_id().is_some() || !has_name) => {
                Kind::Picture
            }
            _ if self.is_for_pages() && !is_attached && (is_of_page || !has_name) => Kind::OfPage,
            ("text", "plain" | "html" | "enriched" | "markdown" | "x-amp-html" | "watch-html") => {
                if is_attached || has_name {
                    Kind::File
                } else {
                    Kind::Text
                }
            }
            // Messages inside this one are hidden.
            ("text", "calendar" | "csv" | "vcard" | "x-vcard" | "directory" | "rtf")
            | ("message", "hidden") => Kind::File,
            ("text", _) if !is_attached && !has_name => Kind::Text,
            // Reports about the delivery of a message, and multiparts without parts.
            ("message" | "multipart", _) => Kind::Text,
            _ => Kind::File,
        }
    }

    /// Whether the part is a style sheet, a script or a font.
    fn is_for_pages(&self) -> bool {
        match (self.media.0.as_str(), self.media.1.as_str()) {
            ("text", subtype) => {
                matches!(subtype, "css" | "jscript" | "vbscript") || is_script(subtype)
            }
            ("application", subtype) => is_script(subtype) || subtype.starts_with("font-"),
            (media, _) => media == "font",
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        self.media.1 == "plain"
    }

    /// The text of the part, as plain text.
    pub(super) fn text(&self, limits: &Limits) -> String {
        let text = self.decoded();
        if self.is_plain() && self.is_torn() {
            return flowed::joined(&text);
        }
        match (self.media.1.as_str(), &self.parsed.body) {
            ("enriched", _) => enriched::text(&text),
            ("html" | "x-amp-html" | "watch-html", _) | (_, PartType::Html(_)) => {
                page::text(&text, limits)
            }
            _ => text.into_owned(),
        }
    }

    /// Whether the lines of the text may be broken within words.
    fn is_torn(&self) -> bool {
        let says = |name: &str, value: &str| {
            self.parameter(name).is_some_and(|found| found.trim().eq_ignore_ascii_case(value))
        };
        says("format", "flowed") && says("delsp", "yes")
    }

    /// The text in its own markup. What is not in the encoding that it claims, or claims none, is looked at.
    pub(super) fn decoded(&self) -> Cow<'a, str> {
        if let Some(text) = self.in_other_charset() {
            return Cow::Owned(hidden::shown(&text).into_owned());
        }
        match &self.parsed.body {
            PartType::Text(text) | PartType::Html(text)
                if !text.contains('\u{fffd}') && !self.is_unnamed_utf8(text) =>
            {
                hidden::shown(text)
            }
            _ => Cow::Owned(decode::decode_text(&self.bytes())),
        }
    }

    /// The text of a part in an encoding that the parser does not know.
    fn in_other_charset(&self) -> Option<String> {
        words::other_charset(self.parameter("charset")?)?.decode_exactly(&self.bytes())
    }

    /// Whether the part is in UTF-8 although it claims, or leaves it to be assumed, that it is in ASCII or Latin-1.
    fn is_unnamed_utf8(&self, text: &str) -> bool {
        let charset = self.parameter("charset").unwrap_or_default().to_ascii_lowercase();
        matches!(
            charset.as_str(),
            "" | "us-ascii" | "ascii" | "iso-8859-1" | "latin1" | "windows-1252"
        ) && !text.is_ascii()
            && std::str::from_utf8(&self.bytes()).is_ok_and(|bytes| !bytes.is_ascii())
    }

    /// The bytes of the part, without the encoding in which they were sent.
    pub(super) fn bytes(&self) -> Cow<'a, [u8]> {
        let (start, end) = (self.parsed.offset_body as usize, self.parsed.offset_end as usize);
        let sent = self.message.get(start..end).unwrap_or_default();
        let decoded = match self.parsed.encoding {
            Encoding::None => return Cow::Borrowed(sent),
            Encoding::Base64 => base64_decode(sent),
            Encoding::QuotedPrintable => quoted_printable_decode(sent),
        };
        decoded.map_or_else(|| Cow::Borrowed(self.parsed.contents()), Cow::Owned)
    }

    /// The bytes of a file inside the message. Text is in UTF-8, as only the message says what it was in.
    pub(super) fn file(&self) -> Cow<'a, [u8]> {
        let bytes = self.bytes();
        if let Some(text) = self.in_other_charset() {
            return Cow::Owned(format!("\u{feff}{text}").into_bytes());
        }
        if let PartType::Text(text) | PartType::Html(text) = &self.parsed.body
            && self.parameter("charset").is_some()
            && !text.contains('\u{fffd}')
            && !bytes.contains(&0)
            && std::str::from_utf8(&bytes).is_err()
        {
            return Cow::Owned(format!("\u{feff}{text}").into_bytes());
        }
        bytes
    }

    /// The text of a file that is sent in an encoding from before MIME.
    pub(super) fn uuencoded(&self) -> Option<Cow<'a, str>> {
        let encoding = self.parsed.content_transfer_encoding()?.to_ascii_lowercase();
        encoding.contains("uue").then(|| String::from_utf8_lossy(self.parsed.contents()))
    }

    /// The name of the file, or one made of what is known: the subject of a message, the number of the part.
    pub(super) fn name(&self, number: &str) -> String {
        let named = self.parsed.attachment_name().map(str::trim).filter(|name| !name.is_empty());
        if let Some(name) = named {
            // A path on the sender's machine tells nothing.
            return name.replace(['/', '\\'], "_");
        }
        let extension = match (self.media.0.as_str(), self.media.1.as_str()) {
            ("message", _) => {
                let subject = self.subject();
                if let Some(subject) = subject {
                    return format!("{}.eml", subject.replace(['/', '\\'], "_"));
                }
                ".eml"
            }
            ("text", "html") => ".html",
            ("text", "calendar") => ".ics",
            ("text", "csv") => ".csv",
            ("text", "vcard" | "x-vcard" | "directory") => ".vcf",
            ("text" | "application", "rtf") => ".rtf",
            ("text", _) => ".txt",
            ("application", "json") => ".json",
            ("application", "pdf") => ".pdf",
            ("application", "ms-tnef") => ".tnef",
            ("image", "jpeg") => ".jpg",
            ("image", "png") => ".png",
            _ => "",
        };
        // A message of a single part has no number for it, which IMAP calls the first.
        let number = if number.is_empty() { "1" } else { number };
        format!("part {number}{extension}")
    }

    /// The subject of a message inside this one.
    fn subject(&self) -> Option<String> {
        let bytes = self.bytes();
        let head = &bytes[..bytes.len().min(64 << 10)];
        let parsed = mail_parser::MessageParser::new()
            .header_text(mail_parser::HeaderName::Subject)
            .default_header_ignore()
            .parse_headers(head)?;
        let subject = parsed.subject()?.split_whitespace().collect::<Vec<_>>().join(" ");
        let short = &subject[..subject.floor_char_boundary(120)];
        Some(short.to_owned()).filter(|subject| !subject.is_empty())
    }
}

/// Whether a subtype is a name of JavaScript.
fn is_script(subtype: &str) -> bool {
    matches!(subtype, "javascript" | "x-javascript" | "ecmascript" | "x-ecmascript")
}
