//! Environments: what becomes of their names, options and arguments, and of what stands between `\begin` and `\end`.

use super::Page;
use super::commands::{LISTINGS, NAMED, VERBATIM};
use crate::text::flow::Gap;

impl Page<'_> {
    /// What begins with `\begin`, which came last.
    pub(super) fn begin(&mut self) {
        let name = self.argument();
        if name == "document" {
            self.in_preamble = false;
            self.say_notes();
            return;
        }
        self.flow.separate(Gap::Paragraph);
        self.slides();
        if name == "tikzpicture" || VERBATIM.contains(&name) {
            self.verbatim(name);
        } else if name == "comment" && !self.is_open {
            let end = self.rest.find("\\end{comment}");
            self.is_open = end.is_none();
            self.take(end.unwrap_or(0));
        } else if !self.expand(&format!("begin {name}")) {
            self.opening(name);
        }
    }

    pub(super) fn end_environment(&mut self) -> bool {
        let name = self.argument();
        self.expand(&format!("end {name}"));
        self.flow.separate(if name == "document" { Gap::None } else { Gap::Paragraph });
        name != "document"
    }

    /// A drawing, a listing or a formula.
    fn verbatim(&mut self, name: &str) {
        if LISTINGS.contains(&name) {
            let options = self.options();
            self.caption(options);
            if name == "minted" {
                self.argument();
            }
        }
        let first = self.line;
        let end = self.rest.find(&format!("\\end{{{name}}}"));
        let inner = self.take(end.unwrap_or(self.rest.len()));
        if name == "tikzpicture" {
            let mut drawing = self.within(inner, first);
            drawing.picture();
            drawing.swap(self);
            return;
        }
        for (line, number) in inner.lines().zip(first..) {
            if !self.in_preamble {
                self.flow.verbatim(line, number);
            }
        }
    }

    /// The options and arguments of an environment with text.
    fn opening(&mut self, name: &str) {
        let options = self.options();
        if NAMED.contains(&name.trim_end_matches('*')) {
            let options = self.inline(options);
            self.say(&options);
            self.flow.separate(Gap::Space);
        } else {
            self.caption(options);
        }
        self.before_text(name);
        if matches!(
            name,
            "tabular" | "tabularx" | "tabu" | "array" | "longtable" | "thebibliography"
        ) {
            self.arguments();
        }
        // What is in braces that begin with a command may be the beginning of a word.
        while !self.is_inner && self.rest.starts_with('{') && !self.rest.starts_with("{\\") {
            let (line, before) = (self.line, self.rest.len());
            let argument = self.argument();
            if self.rest.len() == before {
                return;
            }
            self.is_inner = true;
            self.read_here(argument, line);
            self.is_inner = false;
            self.flow.separate(Gap::Line);
        }
    }

    /// The caption or title among the options.
    fn caption(&mut self, options: &str) {
        for name in ["caption", "title"] {
            if let Some(caption) = option(options, name).filter(|_| !self.is_inner) {
                let caption = self.inline(caption);
                self.say(&caption);
                self.flow.separate(Gap::Line);
            }
        }
    }
}

/// The value of an option in `name=value, name={value}`.
fn option<'a>(options: &'a str, name: &str) -> Option<&'a str> {
    let mut depth = 0u32;
    let mut parts = options.split(|c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.find_map(|part| part.trim().strip_prefix(name)?.trim_start().strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use crate::{Input, collect};

    #[test]
    fn arguments_of_environments_are_apart_from_their_text() {
        for (environment, arguments, expected) in [
            ("otherlanguage*", "{german}", "Text"),
            ("adjustwidth", "{1cm}{2cm}", "Text"),
            ("block", "{Block title}", "Block title\nText"),
            ("frame", "[fragile]{Title}{Sub, \\emph{two}}", "Title\nSub, two\nText"),
            ("center", "{\\Large T}", "TText"),
            ("tcolorbox", "[title=Box title,colback=red]", "Box title\nText"),
            ("lstlisting", "[caption={Sum, of $x$},label=a]", "Sum, of $x$\nText"),
            ("minted", "[linenos]{python}", "Text"),
            ("Verbatim", "[frame=single]", "Text"),
            ("verbatim", "[a]", "[a]Text"),
            ("thm", "[Euler]", "Euler Text"),
            ("satz", "[Euler]\\label{x}", "Euler Text"),
            ("figure", "[htbp]", "Text"),
        ] {
            let source = format!(
                "\\newtheorem{{satz}}[x]{{Satz}}\\begin{{{environment}}}{arguments}Text\\end{{{environment}}}"
            );
            let found = collect(Input::bytes("a.tex", source.as_bytes())).unwrap();
            assert_eq!(found.documents[0].text, expected, "{source}");
        }
    }

    #[test]
    fn hostile_environments_end() {
        for part in
            ["\\begin{a}{", "\\begin{a}{b}", "{\\begin{a}", "\\begin{minted}[caption=\\begin{a}"]
        {
            collect(Input::bytes("a.tex", part.repeat(20_000).as_bytes())).unwrap();
        }
        let deep = format!("{}{}", "\\begin{a}{".repeat(300), "}".repeat(300));
        collect(Input::bytes("a.tex", deep.as_bytes())).unwrap();
    }
}
