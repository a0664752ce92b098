//! Drawings (`TikZ`, PGFPlots): of their commands only the words stay that the picture shows: the texts of nodes, axes and
//! legends.

use super::{Gap, Page};

/// Words before a text in braces that is shown.
#[rustfmt::skip]
const SHOWN: &[&str] = &[
    "node", "addlegendentry", "legend", "entries", "title", "xlabel", "ylabel", "zlabel",
];

impl Page<'_> {
    /// Reads the inside of a drawing.
    pub(super) fn picture(&mut self) {
        while let Some(at) = self.rest.find(|c: char| c.is_ascii_alphabetic() || c == '%') {
            self.take(at);
            if self.rest.starts_with('%') {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.take(end);
                continue;
            }
            let end = self.rest.find(|c: char| !c.is_ascii_alphabetic());
            let word = self.take(end.unwrap_or(self.rest.len()));
            if SHOWN.contains(&word) && self.is_before_text() {
                let line = self.line;
                let shown = self.argument();
                let shown = self.inline(shown);
                self.flow.separate(Gap::Line);
                if !self.in_preamble {
                    self.flow.words(&shown, line);
                }
            }
        }
    }

    /// Passes over how and where a text is shown; false if there is none.
    fn is_before_text(&mut self) -> bool {
        loop {
            let blank =
                self.rest.len() - self.rest.trim_start_matches(['=', ' ', '\n', '\t']).len();
            self.take(blank);
            let before = self.rest.len();
            match self.rest.as_bytes().first() {
                Some(b'{') => return true,
                Some(b'[') => drop(self.options()),
                Some(b'(') => {
                    let end = self.end(|text| text.find(')')).map_or(0, |end| end + 1);
                    self.take(end);
                }
                _ if self.rest.starts_with("at ") || self.rest.starts_with("at(") => {
                    self.take(2);
                }
                _ => return false,
            }
            if self.rest.len() == before {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Input, collect};

    #[test]
    fn drawings_are_the_words_that_they_show() {
        let drawing = "\\begin{figure}[htbp]\\begin{tikzpicture}[node distance=2cm, every node/.style={draw}]\n\\node (a) [draw, circle] {Start \\textbf{node}};\n\
            \\node[label={[x]above:b}] (b) at (0,1) {End}; % \\node {no}\n\\draw[->] (a) -- node[above] {arrow} (b);\n\
            \\begin{axis}[xlabel={Time}, title=Plain]\\addplot {x^2};\\addlegendentry{Square}\\end{axis}\n\\end{tikzpicture}\n\\caption{Shown}\\end{figure}";
        let document =
            collect(Input::bytes("a.tex", drawing.as_bytes())).unwrap().documents.remove(0);
        assert_eq!(document.text, "Start node\nEnd\narrow\nTime\nSquare\n\nShown");
        let vizsla_core::Locations::LineMap(lines) = document.locations else { panic!() };
        assert_eq!(lines, [2, 3, 4, 5, 5, 7, 7]);
        for part in ["node", "node[", "node(", "node{", "node at ", "title="] {
            let page = format!("\\begin{{tikzpicture}}{}", part.repeat(20_000));
            collect(Input::bytes("a.tex", page.as_bytes())).unwrap();
        }
    }
}
