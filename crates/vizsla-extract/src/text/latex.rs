//! LaTeX: running text with its headings. Commands are left out but the text in their braces stays; formulas and listings
//! stay as they are written. Macros that the text defines are what they stand for.

mod commands;
mod definitions;
mod environments;
mod macros;
mod pictures;
mod quantities;

use vizsla_core::MetadataValue;

use self::commands::{
    BEFORE_TEXT, DEFINITIONS, LENGTHS, SECTIONS, SILENT, false_branch, length, letter, slides,
};
use self::macros::Macros;
use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::Output;
use crate::sample::Sample;
use crate::sink::ProblemKind;
use crate::text::accents::with_accent;
use crate::text::decode;
use crate::text::flow::{Flow, Gap};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "latex",
    title: "LaTeX",
    version: 5,
    extensions: &["tex", "ltx", "latex", "dtx"],
    recognise: Recognise::Text { begins: |c| matches!(c, '\\' | '%'), shows: is_latex },
    is_foreign: false,
    read: Read::Whole(read),
};

/// Whether a text that nothing else indicates to be LaTeX is: it begins with the class of the document.
fn is_latex(sample: &Sample<'_>) -> bool {
    let is_said = |line: &&str| !line.is_empty() && !line.starts_with('%');
    let first = sample.lines().map(str::trim_start).find(is_said).unwrap_or_default();
    ["\\documentclass", "\\documentstyle"].iter().any(|command| first.starts_with(command))
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    let mut page = Page::new(&text);
    page.read();
    page.say_notes();
    if page.macros.is_cut {
        let message = "has macros that stand for more text than is read, and some are left out; \
            index the PDF that is made from it to find all";
        output.problem(ProblemKind::TooLarge, None, message);
    }
    let [title, author, date] = page.fields;
    let title = Some(title).filter(|title| !title.is_empty());
    let mut document = page.flow.document(title, output);
    for (name, value) in [("author", author), ("date", date)] {
        if !value.is_empty() {
            document.metadata.insert(name.to_owned(), MetadataValue::from(value));
        }
    }
    let _ = output.document(document);
    Ok(())
}

/// Arguments and formulas are not longer than this; than the second, once so many have not ended.
const ARGUMENT_BYTES: usize = 4 << 10;
const SHORT_BYTES: usize = 64;
const MOST_UNENDED: u32 = 1_000;

struct Page<'a> {
    rest: &'a str,
    line: u32,
    flow: Flow,
    /// Title, author and date.
    fields: [String; 3],
    /// What notes to these say, until it is in the text.
    notes: Vec<String>,
    /// Before the text begins.
    in_preamble: bool,
    /// Within an argument, where commands that take others do not: it may be in itself.
    is_inner: bool,
    /// How many arguments and formulas have not ended.
    unended: u32,
    /// Whether a part that is left out does not end.
    is_open: bool,
    macros: Macros,
}

impl<'a> Page<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            line: 1,
            flow: Flow::new(),
            fields: Default::default(),
            notes: Vec::new(),
            in_preamble: text.contains("\\begin{document}"),
            is_inner: false,
            unended: 0,
            is_open: false,
            macros: Macros::default(),
        }
    }

    fn read(&mut self) {
        while let Some(at) =
            self.rest.find(['\\', '%', '{', '}', '~', '$', '&', '-', '`', '\'', '\n'])
        {
            let plain = self.take(at);
            self.say(plain);
            let Some(sign) = self.rest.chars().next() else { return };
            match sign {
                '\\' => {
                    if !self.command() {
                        return;
                    }
                }
                '%' => {
                    let end = self.rest.find('\n').map_or(self.rest.len(), |end| end + 1);
                    self.take(end);
                }
                '$' => self.formula(),
                '\n' => self.line_end(),
                '{' | '}' => {
                    // Arguments of the same command are apart.
                    if self.rest.starts_with("}{") {
                        self.flow.separate(Gap::Space);
                    }
                    self.take(1);
                }
                '~' | '&' => {
                    self.take(1);
                    self.say(" ");
                }
                _ => self.dashes_and_quotes(),
            }
        }
        let plain = self.take(self.rest.len());
        self.say(plain);
    }

    fn say(&mut self, text: &str) {
        if !self.in_preamble {
            self.flow.words(text, self.line);
        }
    }

    /// Goes on by this many bytes, and returns them.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.bytes().filter(|byte| *byte == b'\n').count() as u32;
        self.rest = rest;
        taken
    }

    /// Looks for the end of what begins here, not too far.
    fn end(&mut self, find: impl Fn(&str) -> Option<usize>) -> Option<usize> {
        let most = if self.unended < MOST_UNENDED { ARGUMENT_BYTES } else { SHORT_BYTES };
        let end = find(&self.rest[..self.rest.floor_char_boundary(most)]);
        self.unended += u32::from(end.is_none());
        end
    }

    fn line_end(&mut self) {
        let end = self.rest.find(|c: char| !c.is_whitespace()).unwrap_or(self.rest.len());
        let is_paragraph = self.take(end).matches('\n').count() > 1;
        self.flow.separate(if is_paragraph { Gap::Paragraph } else { Gap::Space });
    }

    fn dashes_and_quotes(&mut self) {
        let (bytes, text) = [("---", "—"), ("--", "–"), ("``", "“"), ("''", "”")]
            .into_iter()
            .find(|(source, _)| self.rest.starts_with(source))
            .map_or_else(|| (1, &self.rest[..1]), |(source, text)| (source.len(), text));
        self.take(bytes);
        self.say(text);
    }

    /// A formula between one or two dollars.
    fn formula(&mut self) {
        let mark = if self.rest.starts_with("$$") { "$$" } else { "$" };
        // A dollar that does not close within a paragraph is just one.
        let end = self.end(|text| {
            let inner = text.get(mark.len()..)?;
            let paragraph = inner.find("\n\n").map_or(inner, |end| &inner[..end]);
            paragraph.find(mark).map(|end| end + 2 * mark.len())
        });
        let formula = self.take(end.unwrap_or(mark.len()));
        self.say(formula);
    }

    /// A command; returns false at the end of the document.
    fn command(&mut self) -> bool {
        self.take(1);
        let letters = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        if letters == 0 {
            self.sign();
            return true;
        }
        let name = self.take(letters);
        if self.rest.starts_with('*') {
            self.take(1);
        }
        if !matches!(name, "verb" | "lstinline") {
            self.slides();
        }
        let other = self.macros.alias(name);
        self.named(other.as_deref().unwrap_or(name))
    }

    /// Passes over which slides something is on: `\item<2->`.
    fn slides(&mut self) {
        let length = slides(&self.rest[..self.rest.floor_char_boundary(SHORT_BYTES)]);
        self.take(length);
    }

    /// A command by its name; returns false at the end of the document.
    fn named(&mut self, name: &str) -> bool {
        match name {
            "begin" => self.begin(),
            "end" => return self.end_environment(),
            "endinput" => return false,
            "title" | "author" | "date" if !self.is_inner => self.field(name),
            "verb" | "lstinline" => self.verb(),
            "url" | "nolinkurl" if self.rest.starts_with('{') => {
                let address = self.argument();
                self.say(address);
            }
            "item" => self.item(),
            "iffalse" => self.left_out(),
            "if" if self.rest.trim_start_matches([' ', '{']).starts_with(['0']) => self.left_out(),
            "par" | "newpage" | "clearpage" | "bigskip" | "medskip" => {
                self.flow.separate(Gap::Paragraph);
            }
            "newline" | "tabularnewline" | "State" | "Statex" => self.flow.separate(Gap::Line),
            "and" => self.say(", "),
            "texorpdfstring" => self.shown_or_plain(),
            "caption" => {
                self.options();
                self.flow.separate(Gap::Line);
            }
            "thanks" if self.is_inner => {
                let note = self.argument();
                self.notes.push(note.to_owned());
            }
            "footnote" | "footnotetext" | "thanks" | "marginpar" => {
                self.options();
                self.flow.separate(Gap::Space);
            }
            _ if SECTIONS.contains(&name) && !self.is_inner => self.section(name),
            _ if SILENT.contains(&name) => {
                self.arguments();
                if name == "hspace" {
                    self.flow.separate(Gap::Space);
                }
            }
            _ if DEFINITIONS.contains(&name) => self.definition(name),
            _ if self.expand(name) => {}
            _ if self.quantity(name) => {}
            _ if LENGTHS.contains(&name) => {
                let near = &self.rest[..self.rest.floor_char_boundary(SHORT_BYTES)];
                self.take(length(near));
            }
            _ => {
                self.before_text(name);
                self.word(name);
            }
        }
        true
    }

    /// Title, author or date. There may be a command for each author.
    fn field(&mut self, name: &str) {
        self.options();
        let argument = self.argument();
        let said = self.inline(argument);
        let field =
            &mut self.fields[usize::from(name == "author") + 2 * usize::from(name == "date")];
        if name == "author" && !field.is_empty() && !said.is_empty() {
            field.push_str(", ");
            field.push_str(&said);
        } else {
            *field = said;
        }
        if !self.in_preamble {
            self.say_notes();
        }
    }

    /// Says what notes to the title and the like say.
    fn say_notes(&mut self) {
        for note in std::mem::take(&mut self.notes) {
            let note = self.inline(&note);
            self.flow.separate(Gap::Paragraph);
            self.flow.words(&note, self.line);
            self.flow.separate(Gap::Paragraph);
        }
    }

    fn item(&mut self) {
        self.flow.separate(Gap::Line);
        let label = self.options();
        self.slides();
        if !self.is_inner {
            let label = self.inline(label);
            self.say(&label);
        }
        self.flow.separate(Gap::Space);
    }

    /// What LaTeX is told to leave out; a part that does not end stays.
    fn left_out(&mut self) {
        if !self.is_open {
            let end = false_branch(self.rest);
            self.is_open = end.is_none();
            self.take(end.unwrap_or(0));
        }
    }

    /// Passes over the arguments that say how or where the text is shown that follows.
    fn before_text(&mut self, name: &str) {
        let Some((_, count)) = BEFORE_TEXT.iter().find(|(known, _)| *known == name) else { return };
        for _ in 0..*count {
            while self.rest.starts_with('[') && !self.options().is_empty() {}
            self.argument();
        }
    }

    fn section(&mut self, name: &str) {
        self.options();
        let (line, argument) = (self.line, self.argument());
        let level = SECTIONS.iter().position(|known| *known == name).unwrap_or_default() + 1;
        if !self.in_preamble {
            let heading = self.inline(argument);
            self.flow.heading(level, &heading, line);
        }
    }

    /// A command of one sign: an accent, or the sign itself.
    fn sign(&mut self) {
        let Some(sign) = self.rest.chars().next() else { return };
        match sign {
            '[' | '(' => {
                let end = if sign == '[' { "\\]" } else { "\\)" };
                let bytes = self.end(|text| text.find(end).map(|at| at + 2));
                let formula = self.take(bytes.unwrap_or(1));
                self.say(&format!("\\{formula}"));
            }
            '\\' => {
                self.take(1);
                self.options();
                self.flow.separate(Gap::Line);
            }
            '`' | '\'' | '^' | '"' | '~' | '=' | '.' => {
                self.take(1);
                self.accent(sign);
            }
            '%' | '&' | '$' | '#' | '_' | '{' | '}' => {
                let text = self.take(1);
                self.say(text);
            }
            ' ' | '\n' | ',' | ';' | ':' => {
                self.take(1);
                self.say(" ");
            }
            _ => drop(self.take(sign.len_utf8())),
        }
    }

    fn accent(&mut self, mark: char) {
        let spaces = self.rest.len() - self.rest.trim_start_matches(' ').len();
        let after = &self.rest[spaces..];
        let near = &after[..after.floor_char_boundary(SHORT_BYTES)];
        let braced = near.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let first = if after.starts_with("\\i") {
            2
        } else {
            after.chars().next().map_or(0, char::len_utf8)
        };
        let (inner, bytes) =
            braced.map_or((&after[..first], first), |(inner, _)| (inner, inner.len() + 2));
        self.take(spaces + bytes);
        if inner == "\\i" && braced.is_none() {
            // The space only ends the command.
            self.take(self.rest.len() - self.rest.trim_start_matches(' ').len());
        }
        let letter = with_accent(mark, inner);
        self.say(&letter);
    }

    /// A command by name: a letter, an accent, or what only says how its text looks.
    fn word(&mut self, name: &str) {
        let letter = letter(name);
        let is_accent = matches!(name, "c" | "v" | "u" | "H" | "k" | "r" | "d" | "b");
        if is_accent && self.rest.starts_with(['{', ' ']) {
            return self.accent(name.chars().next().unwrap_or_default());
        }
        if letter.is_empty() {
            while self.rest.starts_with('[') && !self.options().is_empty() {}
            return;
        }
        // The space after a command only ends its name.
        let spaces = self.rest.len() - self.rest.trim_start_matches(' ').len();
        self.take(spaces);
        self.say(letter);
    }

    fn verb(&mut self) {
        self.options();
        let Some(mark) = self.rest.chars().next() else { return };
        self.take(mark.len_utf8());
        let mark = if mark == '{' { '}' } else { mark };
        let bytes = self.end(|text| text.find([mark, '\n'])).unwrap_or(0);
        let text = self.take(bytes);
        self.say(text);
        if self.rest.starts_with(mark) {
            self.take(mark.len_utf8());
        }
    }

    /// What is in brackets, if they follow.
    fn options(&mut self) -> &'a str {
        if !self.rest.starts_with('[') {
            return "";
        }
        let bytes = self.end(closing_bracket).unwrap_or(0);
        let taken = self.take(bytes + 1);
        taken.get(1..bytes).unwrap_or_default()
    }

    /// What is in braces, if they follow.
    fn argument(&mut self) -> &'a str {
        let spaces = self.rest.len() - self.rest.trim_start().len();
        if !self.rest[spaces..].starts_with('{') {
            return "";
        }
        let Some(end) = self.end(|text| closing(text.get(spaces..)?)) else { return "" };
        let taken = self.take(spaces + end + 1);
        &taken[spaces + 1..taken.len() - 1]
    }

    fn arguments(&mut self) {
        while self.rest.starts_with(['[', '{']) {
            let before = self.rest.len();
            if self.rest.starts_with('[') {
                self.options()
            } else {
                self.argument()
            };
            if self.rest.len() == before {
                return;
            }
        }
    }

    /// Reads a text as if it stood here.
    fn read_here(&mut self, text: &str, line: u32) {
        let mut here = self.within(text, line);
        here.read();
        here.swap(self);
    }

    /// A text that stands here, with all that is known; to be given back by [`swap`](Self::swap).
    fn within<'b>(&mut self, text: &'b str, line: u32) -> Page<'b> {
        let mut here = Page { rest: text, line, ..Page::new("") };
        here.swap(self);
        here
    }

    /// Exchanges everything but what is still to be read.
    fn swap(&mut self, other: &mut Page<'_>) {
        std::mem::swap(&mut self.flow, &mut other.flow);
        std::mem::swap(&mut self.fields, &mut other.fields);
        std::mem::swap(&mut self.notes, &mut other.notes);
        std::mem::swap(&mut self.macros, &mut other.macros);
        std::mem::swap(&mut self.in_preamble, &mut other.in_preamble);
        std::mem::swap(&mut self.is_inner, &mut other.is_inner);
        std::mem::swap(&mut self.is_open, &mut other.is_open);
        std::mem::swap(&mut self.unended, &mut other.unended);
    }

    /// The text of an argument on one line.
    fn inline(&mut self, argument: &str) -> String {
        let flow = std::mem::replace(&mut self.flow, Flow::new());
        let outer = (self.in_preamble, self.is_inner);
        (self.in_preamble, self.is_inner) = (false, true);
        self.read_here(argument, 1);
        (self.in_preamble, self.is_inner) = outer;
        let text = std::mem::replace(&mut self.flow, flow).text;
        text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",")
    }
}

/// Where the brace that is open at the start closes.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut is_escaped) = (0usize, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if !is_escaped => depth += 1,
            b'}' if !is_escaped => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    None
}

/// Where the options that are open at the start end: brackets in braces do not count.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 0u32;
    text.bytes().position(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        byte == b']' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use crate::{Document, Input, collect};

    fn document(text: &str) -> Document {
        collect(Input::bytes("a.tex", text.as_bytes())).unwrap().documents.remove(0)
    }

    #[test]
    fn text_stays_and_commands_go() {
        let text = "\\documentclass[12pt]{article} % no\n\\usepackage{x}\n\\title{On \\emph{dogs}}\\author{A. B\\\"ar \\and C}\n\\newcommand{\\x}[1]{\\bf #1}\n\\begin{document}\n\\maketitle\n\\section{First \\& best}\\label{s}\nSome \\textbf{bold} text~\\cite{k},\n100\\% of M\\\"uller---``said''.\n\n\\begin{itemize}\n\\item One $a_1$\n\\item Two\\footnote{Note}\n\\end{itemize}\n\\begin{verbatim}\n a  %b\n\\end{verbatim}\n\\[ x^2 \\]\nStra\\ss e, \\c{c}, na\\\"{\\i}ve.\n\\end{document}\nafter";
        let document = document(text);
        assert_eq!(document.title, "On dogs");
        assert_eq!(document.metadata["author"].to_string(), "A. Bär, C");
        assert_eq!(
            document.text,
            "First & best\n\nSome bold text , 100% of Müller—“said”.\n\nOne $a_1$\nTwo Note\n\n a  %b\n\n\\[ x^2 \\] Straße, ç, naïve."
        );
        assert_eq!(document.sections[0].headings, ["First & best"]);
    }

    #[test]
    fn notes_to_the_title_are_in_the_text() {
        let page = "\\title{On dogs\\thanks{Funded by \\emph{NSF}.}}\\author{Ada\\thanks{Rome}}\n";
        for text in
            [format!("{page}\\begin{{document}}Body\\end{{document}}"), format!("{page}Body")]
        {
            let document = document(&text);
            assert_eq!(
                (document.title.as_str(), document.text.as_str()),
                ("On dogs", "Funded by NSF.\n\nRome\n\nBody")
            );
            assert_eq!(document.metadata["author"].to_string(), "Ada");
        }
    }

    #[test]
    fn a_part_without_a_preamble_is_all_text() {
        let document =
            document("\\chapter{One}\nText \\verb|a\\b| and \\href{http://x}{a link}.\n");
        assert_eq!(document.text, "One\n\nText a\\b and a link.");
    }

    #[test]
    fn hostile_sources_end() {
        for part in [
            "{",
            "\\",
            "$",
            "\\begin{verbatim}",
            "\\section{",
            "\\title{\\title{",
            "\\verb",
            "\\'",
            "[",
            "\\def",
            "\\item[",
            "\\c{",
            "\\(",
            "\\[",
            "$$ ",
        ] {
            document(&part.repeat(20_000));
        }
    }
}
