//! The names of files inside a file: safe to show, never empty, and unique within it.

use std::collections::HashMap;

/// Bytes of a path that are kept. It is repeated in the id and the places of every document.
const PATH_BYTES: usize = 1024;
/// How many names a summary lists.
const LISTED: usize = 3;

/// What has been read of the members of one file.
#[derive(Default)]
pub(crate) struct Members {
    /// Names so far, each with how often it was used.
    names: HashMap<String, u32>,
    /// Number of the message of a mailbox that is read.
    message: Option<u32>,
    /// Members that are neither text nor of a known format.
    pub(crate) not_text: Summary,
}

impl Members {
    /// Names in another message may be the same.
    pub(crate) fn start_message(&mut self, number: u32) {
        self.message = Some(number);
        self.names.clear();
    }

    /// What is appended to the id of the file for this member (`!a.txt`, `#3!a.txt` in message 3), and the path of the
    /// member as shown (`a.txt`, `message 3!a.txt`).
    pub(crate) fn place(&mut self, path: &str) -> (String, String) {
        let name = self.unique(safe(path));
        match self.message {
            None => (format!("!{name}"), name),
            Some(number) => (format!("#{number}!{name}"), format!("message {number}!{name}")),
        }
    }

    /// The second file of a name gets a number before its extension.
    fn unique(&mut self, name: String) -> String {
        let uses = self.names.entry(name.clone()).or_default();
        *uses += 1;
        if *uses == 1 {
            return name;
        }
        let number = *uses;
        let at = name.rfind(['.', '/']).filter(|at| *at > 0 && name.as_bytes()[*at] == b'.');
        let (stem, extension) = name.split_at(at.unwrap_or(name.len()));
        self.unique(format!("{stem} ({number}){extension}"))
    }
}

/// A path without what does not belong on a screen (control characters, marks that reorder text) or at its beginning.
fn safe(path: &str) -> String {
    let is_unsafe = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let shown: String = path.chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }).collect();
    let mut shown = shown.replace('\\', "/");
    while let Some(rest) = shown.strip_prefix("./").or_else(|| shown.strip_prefix('/')) {
        shown = rest.to_owned();
    }
    let trimmed = shown.trim();
    if trimmed.is_empty() {
        return "unnamed".to_owned();
    }
    if trimmed.len() <= PATH_BYTES {
        return trimmed.to_owned();
    }
    // The end tells more, and shows the format.
    format!("…{}", &trimmed[trimmed.ceil_char_boundary(trimmed.len() - PATH_BYTES)..])
}

/// Names of things that are reported together.
#[derive(Default)]
pub(crate) struct Summary {
    count: usize,
    names: Vec<String>,
}

impl Summary {
    pub(crate) fn add(&mut self, name: &str) {
        self.count += 1;
        if self.names.len() < LISTED {
            self.names.push(name.to_owned());
        }
    }

    /// `12 members are not text: a.class, b.class, c.class and 9 more`.
    pub(crate) fn message(&self, of_one: &str, of_many: &str) -> Option<String> {
        let names = self.names.join(", ");
        match self.count {
            0 => None,
            1 => Some(format!("1 member {of_one}: {names}")),
            count if count > LISTED => {
                Some(format!("{count} members {of_many}: {names} and {} more", count - LISTED))
            }
            count => Some(format!("{count} members {of_many}: {names}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_keep_their_extension() {
        let mut members = Members::default();
        let mut name = |path: &str| members.place(path).1;
        assert_eq!(name("a/b.txt"), "a/b.txt");
        assert_eq!(name("a/b.txt"), "a/b (2).txt");
        assert_eq!(name("a/b (2).txt"), "a/b (2) (2).txt");
        assert_eq!(name("a.b/c"), "a.b/c");
        assert_eq!(name("a.b/c"), "a.b/c (2)");
        assert_eq!(name(".rc"), ".rc");
        assert_eq!(name(".rc"), ".rc (2)");
    }

    #[test]
    fn names_are_safe_and_never_empty() {
        assert_eq!(safe("a\u{1b}[31m\n\u{202e}b"), "a\u{fffd}[31m\u{fffd}\u{fffd}b");
        assert_eq!(safe("//./a\\b"), "a/b");
        assert_eq!(safe(" ./ "), "./");
        assert_eq!(safe(""), "unnamed");
        assert!(safe(&"ü".repeat(5_000)).len() <= PATH_BYTES + 3);
    }

    #[test]
    fn members_of_a_message_are_below_it() {
        let mut members = Members::default();
        members.start_message(3);
        assert_eq!(members.place("a.pdf"), ("#3!a.pdf".to_owned(), "message 3!a.pdf".to_owned()));
        members.start_message(4);
        assert_eq!(members.place("a.pdf").0, "#4!a.pdf");
    }

    #[test]
    fn a_summary_counts_all_and_names_a_few() {
        let mut summary = Summary::default();
        assert_eq!(summary.message("is", "are"), None);
        for name in ["a", "b", "c", "d"] {
            summary.add(name);
        }
        assert_eq!(summary.message("is", "are").unwrap(), "4 members are: a, b, c and 1 more");
    }
}
