//! A manual page as it is read, whichever macros it is written in.

use std::collections::HashMap;

use crate::text::flow::Flow;
use crate::text::roff_escapes;

/// What the next line of text is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Text,
    /// A heading of this level.
    Heading(usize),
    /// The term of a list.
    Term,
}

pub(crate) struct Manual {
    pub(crate) flow: Flow,
    /// Name, section and date in the title macro.
    pub(crate) name: String,
    pub(crate) section: String,
    pub(crate) date: String,
    pub(crate) preformatted: bool,
    /// What the page has named, by name.
    pub(crate) strings: HashMap<String, String>,
    pub(crate) next: Next,
}

impl Manual {
    pub(crate) fn new() -> Self {
        let strings = [("lq", "“"), ("rq", "”"), ("R", "®"), ("Tm", "™")];
        Self {
            flow: Flow::new(),
            name: String::new(),
            section: String::new(),
            date: String::new(),
            preformatted: false,
            strings: strings.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
            next: Next::Text,
        }
    }

    /// Replaces escapes, and drops a comment at the end.
    pub(crate) fn plain(&self, text: &str) -> String {
        roff_escapes::plain(text, &self.strings)
    }

    pub(crate) fn heading(&mut self, level: usize, rest: &str, number: u32) {
        self.preformatted = false;
        let text = self.arguments(rest).join(" ");
        if text.is_empty() {
            self.next = Next::Heading(level);
        } else {
            self.flow.heading(level, &text, number);
        }
    }

    /// The arguments of a macro: words, or what is between quotes.
    pub(crate) fn arguments(&self, rest: &str) -> Vec<String> {
        let (mut found, mut rest) = (Vec::new(), rest.trim_start());
        while !rest.is_empty() && !is_comment(rest) {
            let (word, left) = if let Some(quoted) = rest.strip_prefix('"') {
                let mut end = quoted.find('"').unwrap_or(quoted.len());
                // Two quotes stand for one.
                while quoted[end..].starts_with("\"\"") {
                    let from = end + 2;
                    end = quoted[from..].find('"').map_or(quoted.len(), |at| from + at);
                }
                (quoted[..end].replace("\"\"", "\""), quoted.get(end + 1..).unwrap_or_default())
            } else {
                let end = word_end(rest);
                (rest[..end].to_owned(), &rest[end..])
            };
            found.push(self.plain(&word));
            rest = left.trim_start();
        }
        found
    }
}

/// Where a word ends: a space after a backslash is part of it.
fn word_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && !is_escaped {
            return at;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text.len()
}

pub(crate) fn is_comment(text: &str) -> bool {
    let text = text.strip_prefix(['.', '\'']).unwrap_or(text);
    text.starts_with("\\\"") || text.starts_with("\\#")
}
