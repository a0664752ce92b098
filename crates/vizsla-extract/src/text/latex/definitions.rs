//! Macros that a text defines, by `\newcommand`, `\def` and the like, as far as they take their arguments in braces or
//! brackets. In: a definition, or the name of what is used. Out: what it stands for, read in its place.

use super::Page;
use super::macros::DEPTH;

impl Page<'_> {
    /// Reads a definition, whose command came last.
    pub(super) fn definition(&mut self, command: &str) {
        let name = self.defined_name();
        match command {
            "let" => {
                let other = self.rest.trim_start_matches([' ', '=']);
                self.take(self.rest.len() - other.len());
                if let Some(other) = self.rest.starts_with('\\').then(|| self.defined_name()) {
                    self.macros.also_call(name, &other);
                }
            }
            "def" | "gdef" | "edef" | "xdef" => self.by_pattern(name),
            "DeclareMathOperator" => {
                let body = self.argument();
                self.macros.define(name, Vec::new(), body);
            }
            "NewDocumentCommand" | "RenewDocumentCommand" | "ProvideDocumentCommand" => {
                let parameters = specified(self.argument());
                let body = self.argument();
                if let Some(parameters) = parameters {
                    self.macros.define(name, parameters, body);
                }
            }
            // Its text may have a name.
            "newtheorem" | "declaretheorem" => {
                self.macros.define(format!("begin {name}"), vec![Some(String::new())], "#1 ");
            }
            "newenvironment" | "renewenvironment" => {
                let parameters = self.parameters();
                let (begin, end) = (self.argument(), self.argument());
                self.macros.define(format!("begin {name}"), parameters, begin);
                self.macros.define(format!("end {name}"), Vec::new(), end);
            }
            _ => {
                let parameters = self.parameters();
                let body = self.argument();
                self.macros.define(name, parameters, body);
            }
        }
        self.arguments();
    }

    /// The name that is defined, with or without braces around it.
    fn defined_name(&mut self) -> String {
        self.spaces();
        if self.rest.starts_with('{') {
            return self.argument().trim().trim_start_matches('\\').to_owned();
        }
        if !self.rest.starts_with('\\') {
            return String::new();
        }
        self.take(1);
        let letters = self.rest.find(|c: char| !c.is_ascii_alphabetic() && c != '@');
        let letters = letters.unwrap_or(self.rest.len());
        let sign = self.rest.chars().next().map_or(0, char::len_utf8);
        self.take(if letters == 0 { sign } else { letters }).to_owned()
    }

    /// `[2][default]`: how many arguments there are, and what the first is if it is left out.
    fn parameters(&mut self) -> Vec<Option<String>> {
        self.spaces();
        let count = self.options().trim().parse::<usize>().unwrap_or(0).min(9);
        let mut parameters = vec![None; count];
        if self.rest.starts_with('[') {
            let default = self.options().to_owned();
            if let Some(first) = parameters.first_mut() {
                *first = Some(default);
            }
        }
        parameters
    }

    /// `\def\name#1#2{...}`; where other text than braces separates the arguments, the macro stays unknown.
    fn by_pattern(&mut self, name: String) {
        let end = self.rest.find(['{', '\n']).unwrap_or(self.rest.len());
        let pattern = self.take(end).trim();
        let body = self.argument();
        let count = pattern.matches('#').count();
        let simple: String = (1..=count.min(9)).map(|number| format!("#{number}")).collect();
        if pattern == simple {
            self.macros.define(name, vec![None; count], body);
        }
    }

    /// Reads what a macro stands for; false if it is none.
    pub(super) fn expand(&mut self, name: &str) -> bool {
        let Some(known) = self.macros.of(name) else { return false };
        let line = self.line;
        let given = known.parameters.iter().map(|default| match default {
            None => self.operand(),
            Some(_) if self.rest.starts_with('[') => self.options().to_owned(),
            Some(default) => default.clone(),
        });
        let given: Vec<String> = given.collect();
        let Some(text) = self.macros.written(&known, &given) else { return true };
        self.macros.depth += 1;
        self.read_here(&text, line);
        self.macros.depth -= 1;
        true
    }

    /// Reads `\texorpdfstring{shown}{plain}`: what is shown, unless that says nothing, as a logo does; bookmarks of a PDF
    /// have the other.
    pub(super) fn shown_or_plain(&mut self) {
        let (shown, plain) = (self.argument(), self.argument());
        let mut said = String::new();
        if self.macros.depth < DEPTH {
            self.macros.depth += 1;
            said = self.inline(shown);
            self.macros.depth -= 1;
        }
        self.say(if said.is_empty() { plain } else { &said });
    }

    /// What is in braces, or the next character or command.
    fn operand(&mut self) -> String {
        self.spaces();
        match self.rest.chars().next() {
            Some('{') => self.argument().to_owned(),
            Some('\\') => format!("\\{} ", self.defined_name()),
            Some(c) if !c.is_whitespace() && c != '}' => self.take(c.len_utf8()).to_owned(),
            _ => String::new(),
        }
    }

    /// Skips spaces, and a line end among them.
    fn spaces(&mut self) {
        let blank = self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\r']).len();
        self.take(blank);
        if self.rest.starts_with('\n')
            && !self.rest[1..].trim_start_matches([' ', '\t', '\r']).starts_with('\n')
        {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.take(blank);
        }
    }
}

/// The arguments of `\NewDocumentCommand{\name}{o m O{default}}`, unless they are of other kinds.
fn specified(kinds: &str) -> Option<Vec<Option<String>>> {
    let mut parameters = Vec::new();
    let mut rest = kinds.trim_start();
    while let Some(kind) = rest.chars().next().filter(|_| parameters.len() < 9) {
        rest = &rest[kind.len_utf8()..];
        parameters.push(match kind {
            'm' => None,
            'o' => Some(String::new()),
            'O' => {
                let (default, after) = rest.strip_prefix('{')?.split_once('}')?;
                rest = after;
                Some(default.to_owned())
            }
            _ => return None,
        });
        rest = rest.trim_start();
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use crate::{Extracted, Input, collect};

    fn found(text: &str) -> Extracted {
        collect(Input::bytes("a.tex", text.as_bytes())).unwrap()
    }

    fn text(text: &str) -> String {
        found(text).documents.remove(0).text
    }

    #[test]
    fn macros_are_what_they_stand_for() {
        for (definition, used, expected) in [
            (
                "\\newcommand{\\dog}{Vizsla}",
                "The \\dog{} and \\dog\\ run, {\\dog}s too.",
                "The Vizsla and Vizsla run, Vizslas too.",
            ),
            (
                "\\newcommand\\breed[1]{the \\emph{#1}}",
                "It is \\breed{Puli}, \\breed x",
                "It is the Puli, the x",
            ),
            (
                "\\newcommand*{\\two}[2][cat]{#1 and #2}",
                "\\two{dog}, \\two[a]{b}",
                "cat and dog, a and b",
            ),
            ("\\def\\pair#1#2{#1 with #2 % why\n there}", "\\pair{x}{y}", "x with y there"),
            ("\\def\\to#1->#2;{#1}", "a \\to b", "a b"),
            ("\\DeclareMathOperator*{\\lcm}{lcm}", "the \\lcm of", "the lcm of"),
            ("\\newcommand{\\dog}{Vizsla}\\let\\hound=\\dog", "A \\hound.", "A Vizsla."),
            ("\\newcommand{\\todo}[1]{}", "A\\todo{not this} B", "A B"),
            (
                "\\NewDocumentCommand{\\who}{O{you} m}{#2 by #1}",
                "\\who{A} \\who[me]{B}",
                "A by you B by me",
            ),
            (
                "\\newenvironment{warn}[1]{\\begin{quote}Warning #1: }{ Stop.\\end{quote}}",
                "\\begin{warn}{1}Hot\\end{warn}",
                "Warning 1: Hot Stop.",
            ),
            (
                "\\let\\old\\section\\renewcommand{\\section}[1]{\\old{#1}!}",
                "\\section{Top} \\old{Next}",
                "Top\n\nNext",
            ),
            ("\\newcommand{\\outer}{\\inner s}\\newcommand{\\inner}{dog}", "\\outer", "dog s"),
            ("\\providecommand\n  {\\kg}{kg}", "5\\,\\kg", "5 kg"),
        ] {
            let page = format!("{definition}\n\\begin{{document}}\n{used}\n\\end{{document}}");
            assert_eq!(text(&page), expected, "{definition}");
        }
    }

    #[test]
    fn macros_are_known_in_headings_and_lines_are_kept() {
        let page = "\\newcommand{\\dog}{Vizsla}\n\\newcommand{\\new}[1]{\\textcolor{red}{#1}}\n\\title{On \\dog s}\n\\author{A \\dog}\n\
            \\begin{document}\n\\section{The \\dog}\n\\new{One\n\nTwo} three\n\\end{document}";
        let document = found(page).documents.remove(0);
        assert_eq!(
            (document.title.as_str(), document.text.as_str()),
            ("On Vizsla s", "The Vizsla\n\nOne\n\nTwo three")
        );
        assert_eq!(document.metadata["author"].to_string(), "A Vizsla");
        let vizsla_core::Locations::LineMap(lines) = document.locations else { panic!() };
        assert_eq!(lines, [6, 7, 7, 9, 9]);
    }

    #[test]
    fn macros_that_stand_for_too_much_are_left_out() {
        let twice: String = (b'a'..=b'y')
            .map(|c| {
                format!("\\def\\x{}{{\\x{} \\x{} }}", c as char, (c + 1) as char, (c + 1) as char)
            })
            .collect();
        for page in [
            format!("{twice}\\def\\xz{{long word}} \\xa end"),
            format!("{twice}\\def\\xz{{long word}} \\xk end"),
            "\\def\\a{\\a\\a} \\a end".to_owned(),
            format!(
                "\\newcommand\\m[1]{{{}}} {} end",
                "#1".repeat(1_900),
                format!("\\m{{{}}}", "y ".repeat(1_900)).repeat(50)
            ),
            format!("{}\nend", "\\def\\a".repeat(20_000)),
            format!("\\def\\b#1{{#1}} {} end", "\\b{".repeat(20_000)),
        ] {
            let found = found(&page);
            assert!(
                found.documents[0].text.len() < 4 << 20 && found.documents[0].text.ends_with("end")
            );
        }
        assert!(found("\\def\\a{\\a\\a} \\a end").problems[0].message.contains("macros"));
    }
}
