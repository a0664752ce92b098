//! Org: the text as written, with its headings. Property drawers are left out, and their lines stay.

use std::borrow::Cow;

use vizsla_core::Metadata;

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::Output;
use crate::sample::Sample;
use crate::text::headings::Heading;
use crate::text::written::Written;
use crate::text::{decode, front_matter};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "org",
    title: "Org",
    version: 3,
    extensions: &["org"],
    recognise: Recognise::Text { begins: |c| c == '#', shows: is_org },
    is_foreign: false,
    read: Read::Whole(read),
};

/// Whether a text that nothing else indicates to be Org is: it begins with a keyword such as `#+title:`.
fn is_org(sample: &Sample<'_>) -> bool {
    let keyword = sample.head().strip_prefix("#+").and_then(|text| text.split_once(':'));
    keyword.is_some_and(|(word, _)| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
    })
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    let text = without_drawers(&text);
    let front = front_matter::read(&text, output);
    let (mut headings, mut metadata, mut title) = (Vec::new(), Metadata::new(), None);
    let (mut in_block, mut start) = (false, 0);
    for line in text[front.end..].split_inclusive('\n') {
        let keyword =
            line.trim_start().strip_prefix("#+").and_then(|line| line.split_once([':', ' ', '\n']));
        if let Some((keyword, value)) = keyword {
            let (keyword, value) = (keyword.to_ascii_lowercase(), value.trim());
            match keyword.as_str() {
                "title" if title.is_none() => title = Some(value.to_owned()),
                "author" | "date" | "description" | "language" if !value.is_empty() => {
                    let value = value.trim_matches(['<', '>', '[', ']']);
                    metadata.insert(keyword, value.into());
                }
                _ if keyword.starts_with("begin_") => in_block = true,
                _ if keyword.starts_with("end_") => in_block = false,
                _ => {}
            }
        }
        let stars = line.bytes().take_while(|byte| *byte == b'*').count();
        if stars > 0 && !in_block && line[stars..].starts_with(' ') {
            headings.push(Heading { start, level: stars, text: heading(&line[stars..]) });
        }
        start += line.len();
    }
    Written { text: &text, front, headings, title, metadata }.pass(output);
    Ok(())
}

/// A heading without its state, priority and tags.
fn heading(line: &str) -> String {
    let mut text = line.trim();
    for state in ["TODO ", "DONE ", "NEXT ", "WAITING ", "CANCELLED ", "COMMENT "] {
        text = text.strip_prefix(state).unwrap_or(text).trim_start();
    }
    if text.starts_with("[#") && text.get(3..4) == Some("]") {
        text = text[4..].trim_start();
    }
    if let Some((before, tags)) = text.rsplit_once(' ')
        && tags.len() > 2
        && tags.starts_with(':')
        && tags.ends_with(':')
    {
        text = before.trim_end();
    }
    text.to_owned()
}

fn without_drawers(text: &str) -> Cow<'_, str> {
    if !text.contains(":PROPERTIES:") {
        return Cow::Borrowed(text);
    }
    let (mut kept, mut in_drawer) = (String::with_capacity(text.len()), false);
    for line in text.split_inclusive('\n') {
        let word = line.trim();
        // What follows a drawer that does not end is no property.
        in_drawer |= word == ":PROPERTIES:";
        in_drawer &= word.starts_with(':');
        kept.push_str(if in_drawer { "\n" } else { line });
        in_drawer &= word != ":END:";
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    #[test]
    fn headings_and_keywords_are_known() {
        let text = "#+TITLE: Notes\n#+AUTHOR: Ann\n* TODO [#A] First :tag:x:\n:PROPERTIES:\n:ID: 1\n:END:\ntext\n** Second\n#+begin_src org\n* no heading\n#+end_src\n";
        let found = crate::collect(crate::Input::bytes("a.org", text.as_bytes())).unwrap();
        let document = &found.documents[0];
        assert_eq!(
            (document.title.as_str(), document.metadata["author"].to_string()),
            ("Notes", "Ann".into())
        );
        let paths: Vec<_> =
            document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, ["First", "First > Second"]);
        assert_eq!(document.text.lines().count(), text.lines().count());
        assert!(!document.text.contains(":ID:") && document.text.contains("* no heading"));
    }
}
