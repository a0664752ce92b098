//! Manual pages in roff, by the macros of man and mdoc: running text with its headings.

use std::collections::HashMap;

use vizsla_core::MetadataValue;

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::Output;
use crate::text::flow::Gap;
use crate::text::manual::{Manual, Next, is_comment};
use crate::text::{decode, mdoc};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "man",
    title: "manual page",
    version: 2,
    extensions: &[
        "1", "2", "3", "4", "5", "6", "7", "8", "9", "1p", "3p", "1ssl", "3ssl", "5ssl", "7ssl",
        "3pm", "3perl", "1posix", "3posix", "3x", "n", "man", "mdoc", "roff",
    ],
    recognise: Recognise::Bytes(is_manual),
    is_foreign: false,
    read: Read::Whole(read),
};

/// How much is looked at for the title macro: some programs define many others before it.
const HEAD_BYTES: usize = 16 << 10;

/// Bytes of a macro that stands for text, of the arguments of one, and of all that macros of a page stand for.
const MACRO_BYTES: usize = 1 << 10;
const EXPANDED_BYTES: usize = 1 << 20;

fn is_manual(bytes: &[u8]) -> bool {
    if !matches!(bytes.trim_ascii_start().first(), Some(b'.' | b'\'')) {
        return false;
    }
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    head.split(|byte| *byte == b'\n').any(|line| {
        line.starts_with(b".TH ") || line.starts_with(b".Dd ") || line.starts_with(b".TH\t")
    })
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    let mut page = Page::new();
    for (line, number) in text.lines().zip(1..) {
        page.line(line, number);
    }
    let Manual { flow, name, section, date, .. } = page.manual;
    let title = match (name.as_str(), section.as_str()) {
        ("", _) => None,
        (name, "") => Some(name.to_owned()),
        (name, section) => Some(format!("{name}({section})")),
    };
    let mut document = flow.document(title, output);
    let fields = [("section", section), ("date", date)];
    for (field, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        document.metadata.insert(field.to_owned(), MetadataValue::from(value));
    }
    let _ = output.document(document);
    Ok(())
}

/// What is skipped, and until what.
enum Skip {
    /// A definition, until a line that is this.
    Until(String),
    /// A branch that is not taken, until as many braces are closed.
    Braces(usize),
}

/// A table: whether its format has been read, and what separates its cells.
#[derive(Clone, Copy)]
struct Table {
    in_data: bool,
    tab: char,
    in_block: bool,
}

struct Page {
    manual: Manual,
    /// The text of the macros that the page defines, where they are no more than that.
    macros: HashMap<String, Option<String>>,
    /// The macro whose definition is read.
    defined: Option<String>,
    /// Bytes that macros may still stand for.
    left: usize,
    skip: Option<Skip>,
    table: Option<Table>,
    /// Whether the last `.ie` was true.
    was_true: bool,
    in_branch: bool,
}

impl Page {
    fn new() -> Self {
        Self {
            manual: Manual::new(),
            macros: HashMap::new(),
            defined: None,
            left: EXPANDED_BYTES,
            skip: None,
            table: None,
            was_true: false,
            in_branch: false,
        }
    }

    fn line(&mut self, line: &str, number: u32) {
        match &mut self.skip {
            Some(Skip::Until(end)) => {
                if line.trim_end() == end.as_str() {
                    (self.skip, self.defined) = (None, None);
                } else if let Some(name) = &self.defined
                    && let Some(body) = self.macros.get_mut(name)
                {
                    *body = body.take().and_then(|body| with_line(body, line));
                }
                return;
            }
            Some(Skip::Braces(open)) => {
                *open += line.matches("\\{").count();
                *open = open.saturating_sub(line.matches("\\}").count());
                if *open == 0 {
                    self.skip = None;
                }
                return;
            }
            None => {}
        }
        let request = line.strip_prefix(['.', '\'']).map(str::trim_start);
        if let Some(request) = request.filter(|_| !is_comment(line)) {
            let end = request.find(|c: char| c.is_whitespace()).unwrap_or(request.len());
            let (name, rest) = request.split_at(end);
            self.request(name, rest.trim_start(), number);
        } else if request.is_none() {
            self.text(line, number);
        }
    }

    fn text(&mut self, line: &str, number: u32) {
        if self.table.is_some() {
            return self.cells(line, number);
        }
        let is_continued = line.ends_with("\\c");
        let text = self.manual.plain(line);
        match std::mem::replace(&mut self.manual.next, Next::Text) {
            Next::Heading(level) => self.manual.flow.heading(level, &text, number),
            _ if self.manual.preformatted => self.manual.flow.verbatim(&text, number),
            next => {
                if text.trim().is_empty() {
                    // A line of nothing but escapes says nothing; an empty one ends a paragraph.
                    self.manual.flow.separate(if line.is_empty() {
                        Gap::Paragraph
                    } else {
                        Gap::Space
                    });
                    self.manual.next = next;
                    return;
                }
                self.manual.flow.words(&text, number);
                if next == Next::Term {
                    self.manual.flow.separate(Gap::Line);
                }
            }
        }
        if !is_continued {
            self.manual.flow.separate(Gap::Space);
        }
    }

    /// A line of a table: what comes before a line that ends with a full stop is its format.
    fn cells(&mut self, line: &str, number: u32) {
        let Some(mut table) = self.table else { return };
        if !table.in_data {
            if let Some((_, tab)) = line.split_once("tab").filter(|_| line.contains(';')) {
                table.tab = tab.trim_start().chars().nth(1).unwrap_or('\t');
            }
            table.in_data = line.trim_end().ends_with('.');
            self.table = Some(table);
            return;
        }
        let text = self.manual.plain(line);
        let is_rule = matches!(text.trim(), "_" | "=") || text.starts_with(".T&");
        if is_rule {
            return;
        }
        if !table.in_block {
            self.manual.flow.separate(Gap::Line);
        }
        let cells = text.replace(table.tab, "\t");
        for (i, cell) in cells.split('\t').enumerate() {
            if i > 0 {
                self.manual.flow.separate(Gap::Space);
            }
            let cell = cell.trim();
            if cell == "T{" || cell == "T}" {
                table.in_block = cell == "T{";
                continue;
            }
            self.manual.flow.words(cell, number);
            self.manual.flow.separate(Gap::Space);
        }
        self.table = Some(table);
    }

    fn request(&mut self, name: &str, rest: &str, number: u32) {
        match name {
            "de" | "de1" | "am" | "ig" => {
                let mut words = rest.split_whitespace();
                let first = words.next();
                let end = if name == "ig" { first } else { words.next() };
                if let Some(first) = first.filter(|_| name != "ig" && self.macros.len() < 1_000) {
                    // What is added to a macro that is not known is not all of it.
                    let text = (name != "am").then(String::new);
                    self.macros.insert(first.to_owned(), text);
                    self.defined = Some(first.to_owned());
                }
                self.skip = Some(Skip::Until(format!(".{}", end.unwrap_or("."))));
            }
            "ds" => self.define(rest),
            "if" | "ie" | "el" | "while" => self.branch(name, rest, number),
            "TH" => self.title(rest),
            "TS" => self.table = Some(Table { in_data: false, tab: '\t', in_block: false }),
            "TE" => {
                self.table = None;
                self.manual.flow.separate(Gap::Paragraph);
            }
            "SH" | "SS" => self.manual.heading(1 + usize::from(name == "SS"), rest, number),
            "PP" | "P" | "LP" | "sp" | "HP" | "Pp" => self.manual.flow.separate(Gap::Paragraph),
            "br" | "RS" | "RE" | "in" | "ti" | "ce" => self.manual.flow.separate(Gap::Line),
            "nf" | "EX" | "Vb" => {
                self.manual.preformatted = true;
                self.manual.flow.separate(Gap::Line);
            }
            "fi" | "EE" | "Ve" => {
                self.manual.preformatted = false;
                self.manual.flow.separate(Gap::Line);
            }
            "TP" | "TQ" => {
                self.manual.flow.separate(if name == "TP" { Gap::Paragraph } else { Gap::Line });
                self.manual.next = Next::Term;
            }
            "IP" => {
                self.manual.flow.separate(Gap::Paragraph);
                let tag = self.manual.arguments(rest).into_iter().next().unwrap_or_default();
                if !matches!(tag.trim(), "" | "•" | "*" | "-" | "o" | "\u{b7}") {
                    self.manual.flow.words(&tag, number);
                    self.manual.flow.separate(Gap::Line);
                }
            }
            "B" | "I" | "R" | "SM" | "SB" | "CW" | "UR" | "MT" | "URL" | "SY" | "OP" | "MR" => {
                self.font(rest, " ", number);
            }
            "BR" | "RB" | "IR" | "RI" | "BI" | "IB" => self.font(rest, "", number),
            _ if self.macros.contains_key(name) => self.expand(name, rest, number),
            _ => mdoc::request(&mut self.manual, name, rest, number),
        }
    }

    /// A macro of the page itself. What one does that is more than text is not known, but its arguments are words of the page.
    fn expand(&mut self, name: &str, rest: &str, number: u32) {
        let text = self.macros.get(name).and_then(Option::as_ref);
        let text = text.filter(|text| !text.trim().is_empty());
        let Some(text) = text.filter(|_| self.left > 0 && rest.len() <= MACRO_BYTES) else {
            return self.font(rest, " ", number);
        };
        let mut text = text.clone();
        let arguments =
            self.manual.arguments(rest).into_iter().map(|word| word.replace('\\', "\\e"));
        let arguments: Vec<String> = arguments.collect();
        for all in ["\\$*", "\\$@"] {
            text = text.replace(all, &arguments.join(" "));
        }
        for at in 0..9 {
            let argument = arguments.get(at).map_or("", String::as_str);
            text = text.replace(&format!("\\${}", at + 1), argument);
        }
        self.left = self.left.saturating_sub(text.len());
        for line in text.lines() {
            self.text(line, number);
        }
    }

    /// A macro for words in a font, whose words stand on the next line if it has none.
    fn font(&mut self, rest: &str, between: &str, number: u32) {
        let words = self.manual.arguments(rest);
        if !words.is_empty() {
            self.text(&words.join(between).replace('\\', "\\e"), number);
        }
    }

    /// `.TH name section date source manual`
    fn title(&mut self, rest: &str) {
        let mut words = self.manual.arguments(rest).into_iter();
        let name = words.next().unwrap_or_default();
        // Names are in capitals by custom.
        let is_shouted = !name.chars().any(char::is_lowercase);
        self.manual.name = if is_shouted { name.to_lowercase() } else { name };
        self.manual.section = words.next().unwrap_or_default();
        self.manual.date = words.next().filter(|date| is_date(date)).unwrap_or_default();
    }

    fn define(&mut self, rest: &str) {
        let Some((name, text)) = rest.split_once(char::is_whitespace) else { return };
        let text = self.manual.plain(text.trim_start().trim_start_matches('"'));
        // A string that is defined by itself would grow without end.
        if text.len() <= 256 && self.manual.strings.len() < 1_000 {
            self.manual.strings.insert(name.to_owned(), text);
        }
    }

    /// Conditions are true as for a terminal.
    fn branch(&mut self, name: &str, rest: &str, number: u32) {
        let (is_true, then) = if name == "el" {
            (!self.was_true, rest)
        } else {
            let (not, condition) =
                rest.strip_prefix('!').map_or((false, rest), |rest| (true, rest));
            let end = condition.find(|c: char| c.is_whitespace()).unwrap_or(condition.len());
            (condition.starts_with('n') != not, condition[end..].trim_start())
        };
        if name == "ie" {
            self.was_true = is_true;
        }
        let is_block = then.starts_with("\\{");
        let then = then.trim_start_matches("\\{").trim_start_matches('\\').trim_start();
        if is_true && !then.is_empty() {
            // Conditions within conditions on the same line: one is more than pages have.
            if !std::mem::replace(&mut self.in_branch, true) {
                self.line(then, number);
                self.in_branch = false;
            }
        } else if is_block && !is_true {
            let open = 1 + then.matches("\\{").count();
            let left = open.saturating_sub(then.matches("\\}").count());
            self.skip = (left > 0).then_some(Skip::Braces(left));
        }
    }
}

/// The text of a macro with another line of its definition; nothing if it is more than text.
fn with_line(mut body: String, line: &str) -> Option<String> {
    if let Some(request) = line.strip_prefix(['.', '\'']) {
        let is_condition = ["if", "ie", "el", "wh"].iter().any(|name| request.starts_with(name));
        return Some(body).filter(|_| !is_condition && !line.contains(['$', '{', '}']));
    }
    body.push_str(&line.replace("\\\\", "\\"));
    body.push('\n');
    Some(body).filter(|body| body.len() <= MACRO_BYTES)
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use crate::{Document, Input, collect};

    fn page(text: &str) -> Document {
        collect(Input::bytes("x.1", text.as_bytes())).unwrap().documents.remove(0)
    }

    #[test]
    fn a_page_in_man_is_running_text_with_headings() {
        let text = ".\\\" a comment\n.TH LS 1 2024-05-06 x\n.SH NAME\nls \\- list\n.SH \"SEE ALSO\"\n.BR dir (1),\nand\n\\fBmore\\fP.\n.TP\n.B \\-a\nall\n.nf\n  a  b\n.fi\n";
        let document = page(text);
        assert_eq!(document.title, "ls(1)");
        assert_eq!(
            document.text,
            "NAME\n\nls - list\n\nSEE ALSO\n\ndir(1), and more.\n\n-a\nall\n  a  b"
        );
        assert_eq!(document.sections[1].headings, ["SEE ALSO"]);
        assert_eq!(document.metadata["date"].to_string(), "2024-05-06");
    }

    #[test]
    fn a_page_in_mdoc_names_what_words_are() {
        let text = ".Dd May 6, 2024\n.Dt CAT 1\n.Os\n.Sh NAME\n.Nm cat\n.Nd print files\n.Sh SYNOPSIS\n.Nm\n.Op Fl ab Ar file ,\n.Xr ls 1 .\n.Bl -tag\n.It Fl a\nall\n.El\n";
        let document = page(text);
        assert_eq!(document.title, "cat(1)");
        let expected = "NAME\n\ncat - print files\n\nSYNOPSIS\n\ncat [-ab file], ls(1).\n\n-a\nall";
        assert_eq!(document.text, expected);
    }

    #[test]
    fn escapes_strings_conditions_and_tables() {
        let text = ".TH A 1\n.ds x yes\n.de zz\nnot this\n..\n.ie n \\{\\\n\\*x \\(em \\[u00E4]\\(:o\\s-1 small\\s0.\n.\\}\n.el \\{\\\nno\n.\\}\n.TS\ntab(;);\nl l.\na;b\n.TE\nend\n";
        assert_eq!(page(text).text, "yes — äö small.\na b\n\nend");
    }

    #[test]
    fn macros_of_a_page_are_the_text_that_they_stand_for() {
        for (body, used, expected) in [
            ("Macro \\\\$1 end\n.br", ".XX \"one two\" x", "Macro one two end"),
            ("\\fB\\\\$2\\fR, \\\\$1\\\\$9", ".XX a b", "b, a"),
            ("All: \\\\$*", ".XX a b", "All: a b"),
            (".B \\\\$1\nText", ".XX a b", "a b"),
            (".if t no\nText", ".XX a", "a"),
            ("", ".XX a", "a"),
        ] {
            let text = format!(".TH A 1\n.de XX\n{body}\n..\n{used}\n");
            assert_eq!(page(&text).text, expected, "{text}");
        }
        let many = format!(
            ".TH A 1\n.de XX\n{}\n..\n{}",
            "\\\\$1".repeat(200),
            ".XX word\n".repeat(20_000)
        );
        assert!(page(&many).text.len() < 2 << 20);
    }

    #[test]
    fn other_files_with_such_names_are_text() {
        let log = "first\n.TH is not at the top\n";
        let found = collect(Input::bytes("syslog.1", log.as_bytes())).unwrap();
        assert_eq!(found.documents[0].text, log);
        let by_content = collect(Input::bytes("page", b".TH A 1\n.SH NAME\na\n")).unwrap();
        assert_eq!(by_content.documents[0].title, "a(1)");
    }

    #[test]
    fn hostile_pages_end() {
        for part in [
            ".if n ",
            "\\*(xx",
            ".de x\n",
            "\\[",
            ".ie n \\{",
            "\\s",
            ".Op Op ",
            ".TS\n",
            "\\f",
            "\"\"",
            ".B \"\"\"a ",
        ] {
            page(&format!(".TH A 1\n.ds xx \\*(xx\\*(xx\n{}", part.repeat(20_000)));
        }
    }
}
