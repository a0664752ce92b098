//! Text without further structure, logs included. What only moves a cursor or sets colours is left out.

use std::borrow::Cow;
use std::ops::ControlFlow;

use vizsla_core::Document;

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::Output;
use crate::text::decode;

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "text",
    title: "text",
    // Raised, too, when files formerly taken for text are recognised as something else.
    version: 6,
    extensions: &["txt", "text", "log", "out", "err", "nfo", "diz"],
    recognise: Recognise::No,
    is_foreign: false,
    read: Read::Whole(read),
};

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    let text = if output.name.ends_with(".properties") { unescaped(&text) } else { text };
    let plain = without_control(&text).into_owned();
    let _ = document(plain, output);
    Ok(())
}

pub(crate) fn document(text: String, output: &mut Output<'_>) -> ControlFlow<()> {
    let title = crate::output::file_name(&output.name).to_owned();
    output.document(Document::new(&output.name, text).with_title(title))
}

/// Resources of Java, which have `\u00e9` for what is not ASCII.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut read = parts.next().unwrap_or_default().to_owned();
    let mut units: Vec<u16> = Vec::new();
    for part in parts {
        let digits = part.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        units.extend(unit);
        let rest = if unit.is_some() { &part[4..] } else { part };
        // Two of them in a row may be one character.
        if !rest.is_empty() || unit.is_none() {
            read.push_str(&String::from_utf16_lossy(&std::mem::take(&mut units)));
        }
        if unit.is_none() {
            read.push_str("\\u");
        }
        read.push_str(rest);
    }
    read.push_str(&String::from_utf16_lossy(&units));
    read
}

/// The text without the escape sequences of terminals (ECMA-48), and without characters that others are printed over.
fn without_control(text: &str) -> Cow<'_, str> {
    if !text.contains(['\u{1b}', '\u{8}']) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{8}' => {
                if !kept.ends_with('\n') {
                    kept.pop();
                }
            }
            '\u{1b}' => match chars.next() {
                // A sequence ends with a letter or the like; one that sets a title, with a bell or another escape.
                Some('[') => {
                    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
                    chars.next_if(|c| matches!(c, '@'..='~'));
                }
                Some(']' | 'P' | '_' | '^') => {
                    while chars.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\n')).is_some() {}
                    if chars.next_if_eq(&'\u{1b}').is_some() {
                        chars.next_if_eq(&'\\');
                    } else {
                        chars.next_if_eq(&'\u{7}');
                    }
                }
                Some('(' | ')') => {
                    chars.next_if(char::is_ascii_alphanumeric);
                }
                Some('\n') => kept.push('\n'),
                _ => {}
            },
            c => kept.push(c),
        }
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use crate::{Input, collect};

    #[test]
    fn what_terminals_obey_is_left_out() {
        let text =
            |bytes: &[u8]| collect(Input::bytes("a.log", bytes)).unwrap().documents.remove(0).text;
        assert_eq!(text(b"\x1b[1;31merror\x1b[0m: a\n\x1b]0;title\x07b\x1b(B\n"), "error: a\nb\n");
        assert_eq!(text(b"N\x08NA\x08AM\x08ME\x08E _\x08x\n"), "NAME x\n");
        assert_eq!(text(b"\x1b"), "");
        assert_eq!(text(b"one\rtwo\r"), "one\ntwo\n");
    }

    #[test]
    fn resources_of_java_have_characters() {
        let text = |name: &str, text: &str| {
            collect(Input::bytes(name, text.as_bytes())).unwrap().documents.remove(0).text
        };
        let found = text("a.properties", "size=Gr\\u00f6\\u00DFe\ndog=\\ud83d\\udc15 \\u12 \\ux");
        assert_eq!(found, "size=Größe\ndog=🐕 \\u12 \\ux");
        assert_eq!(text("a.txt", "\\u00f6"), "\\u00f6");
    }
}
