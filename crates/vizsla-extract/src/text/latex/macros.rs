//! The macros of a text, and how much they may stand for. In: names, bodies and arguments. Out: what the use of one stands for.

use std::collections::HashMap;
use std::rc::Rc;

use super::commands::{DEFINITIONS, SECTIONS, SILENT};

/// Macros within macros.
pub(super) const DEPTH: usize = 16;
/// Bytes that all macros of a text may stand for together.
const EXPANDED_BYTES: usize = 1 << 20;
/// What the use of one counts in any case.
const USE_BYTES: usize = 16;

/// Commands that mean the same whatever a text makes of them, which is how they look.
#[rustfmt::skip]
const FIXED: &[&str] = &[
    "and", "author", "begin", "caption", "date", "end", "endinput", "footnote", "href", "item", "par", "thanks", "title",
    "url", "verb",
];

/// What a text has defined.
pub(super) struct Macros {
    known: HashMap<String, Rc<Macro>>,
    /// Other names of commands.
    aliases: HashMap<String, String>,
    /// How many macros are being read within one another.
    pub(super) depth: usize,
    /// Bytes that macros may still stand for.
    left: usize,
    /// Whether some are left out because they stand for too much.
    pub(super) is_cut: bool,
}

impl Default for Macros {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            aliases: HashMap::new(),
            depth: 0,
            left: EXPANDED_BYTES,
            is_cut: false,
        }
    }
}

impl Macros {
    /// The command that a name is another of.
    pub(super) fn alias(&self, name: &str) -> Option<String> {
        self.aliases.get(name).cloned()
    }

    /// Makes a name another one of a command.
    pub(super) fn also_call(&mut self, name: String, other: &str) {
        if name.is_empty() || name == other || is_fixed(&name) {
            return;
        }
        if let Some(known) = self.known.get(other).map(Rc::clone) {
            self.known.insert(name, known);
        } else {
            let other = self.alias(other).unwrap_or_else(|| other.to_owned());
            self.aliases.insert(name, other);
        }
    }

    /// Remembers a macro.
    pub(super) fn define(&mut self, name: String, parameters: Vec<Option<String>>, body: &str) {
        if !name.is_empty() && !is_fixed(&name) {
            let body = on_one_line(body);
            self.known.insert(name, Rc::new(Macro { parameters, body }));
        }
    }

    /// The macro of this name.
    pub(super) fn of(&self, name: &str) -> Option<Rc<Macro>> {
        self.known.get(name).map(Rc::clone)
    }

    /// What the use of a macro stands for; nothing where that, or macros within macros, are too much.
    pub(super) fn written(&mut self, of: &Macro, arguments: &[String]) -> Option<String> {
        if self.depth >= DEPTH {
            self.is_cut = true;
            return None;
        }
        let text = of.written(arguments, self.left.saturating_sub(USE_BYTES));
        let Some(text) = text.filter(|_| self.left > USE_BYTES) else {
            (self.left, self.is_cut) = (0, true);
            return None;
        };
        self.left -= text.len() + USE_BYTES;
        Some(text)
    }
}

/// What a name stands for.
pub(super) struct Macro {
    /// For each argument, what it is if it is left out; `None` for those in braces.
    pub(super) parameters: Vec<Option<String>>,
    body: String,
}

impl Macro {
    /// What it stands for, unless that is longer than `most`.
    fn written(&self, arguments: &[String], most: usize) -> Option<String> {
        let mut text = String::new();
        let mut parts = self.body.split('#');
        text.push_str(parts.next()?);
        for part in parts {
            let number = part.chars().next().and_then(|c| c.to_digit(10)).unwrap_or(0) as usize;
            let argument = number.checked_sub(1).and_then(|index| arguments.get(index));
            text.push_str(argument.map_or("", String::as_str));
            text.push_str(part.get(usize::from(number > 0)..)?);
            if text.len() > most {
                return None;
            }
        }
        (text.len() <= most).then_some(text)
    }
}

fn is_fixed(name: &str) -> bool {
    [FIXED, SECTIONS, SILENT, DEFINITIONS].iter().any(|names| names.contains(&name))
}

/// What a macro stands for, without its line ends and comments, so that lines are counted by those of its arguments.
fn on_one_line(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    for line in body.lines() {
        let escaped = |at: usize| line[..at].ends_with('\\') && !line[..at].ends_with("\\\\");
        let comment = line.match_indices('%').map(|(at, _)| at).find(|at| !escaped(*at));
        text.push_str(comment.map_or(line, |at| &line[..at]).trim_start_matches('\t'));
        if comment.is_none() {
            text.push(' ');
        }
    }
    if !body.ends_with('\n') && text.ends_with(' ') {
        text.pop();
    }
    text
}
