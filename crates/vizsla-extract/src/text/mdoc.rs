//! The macros of mdoc, in which most manual pages of BSD systems are written: they name what a word is.

use crate::text::flow::Gap;
use crate::text::manual::Manual;

/// Macros whose arguments are text, and which may follow each other on a line.
const CALLED: &[&str] = &[
    "Ac", "Ad", "An", "Ao", "Ap", "Aq", "Ar", "At", "Bc", "Bo", "Bq", "Brc", "Bro", "Brq", "Bsx",
    "Bx", "Cd", "Cm", "Dc", "Do", "Dq", "Dv", "Dx", "Ec", "Em", "En", "Eo", "Er", "Ev", "Fa", "Fc",
    "Fl", "Fn", "Fo", "Ft", "Fx", "Ic", "In", "Lb", "Li", "Lk", "Ms", "Mt", "Nd", "Nm", "No", "Ns",
    "Nx", "Oc", "Oo", "Op", "Ot", "Ox", "Pa", "Pc", "Pf", "Po", "Pq", "Qc", "Ql", "Qo", "Qq", "Rv",
    "Sc", "So", "Sq", "St", "Sx", "Sy", "Ta", "Tn", "Ux", "Va", "Vt", "Xc", "Xo", "Xr", "%A", "%B",
    "%C", "%D", "%I", "%J", "%N", "%O", "%P", "%Q", "%R", "%T", "%U", "%V",
];

/// Macros that enclose the rest of the line, and with what.
const ENCLOSING: &[(&str, &str, &str)] = &[
    ("Op", "[", "]"),
    ("Aq", "<", ">"),
    ("Bq", "[", "]"),
    ("Brq", "{", "}"),
    ("Dq", "“", "”"),
    ("Pq", "(", ")"),
    ("Ql", "‘", "’"),
    ("Qq", "\"", "\""),
    ("Sq", "‘", "’"),
];

/// Macros that begin or end an enclosure.
const ENDS: &[(&str, &str, bool)] = &[
    ("Oo", "[", true),
    ("Oc", "]", false),
    ("Ao", "<", true),
    ("Ac", ">", false),
    ("Bo", "[", true),
    ("Bc", "]", false),
    ("Bro", "{", true),
    ("Brc", "}", false),
    ("Do", "“", true),
    ("Dc", "”", false),
    ("Po", "(", true),
    ("Pc", ")", false),
    ("Qo", "\"", true),
    ("Qc", "\"", false),
    ("So", "‘", true),
    ("Sc", "’", false),
];

/// Macros that say something themselves.
const SAYING: &[(&str, &str)] = &[
    ("Nd", "-"),
    ("In", "#include"),
    ("Lb", "library"),
    ("Bx", "BSD"),
    ("Fx", "FreeBSD"),
    ("Nx", "NetBSD"),
    ("Ox", "OpenBSD"),
    ("Dx", "DragonFly"),
    ("Ux", "UNIX"),
];

/// Writes what a macro says. Macros that are not known say nothing.
pub(crate) fn request(page: &mut Manual, name: &str, rest: &str, number: u32) {
    match name {
        "Dt" => {
            let mut words = page.arguments(rest).into_iter();
            page.name = words.next().unwrap_or_default().to_lowercase();
            page.section = words.next().unwrap_or_default();
        }
        "Sh" | "Ss" => page.heading(1 + usize::from(name == "Ss"), rest, number),
        "Bl" | "El" | "D1" | "Dl" | "Rs" | "Re" => {
            page.flow.separate(Gap::Line);
            if matches!(name, "D1" | "Dl") {
                line(page, &page.arguments(rest), number);
                page.flow.separate(Gap::Line);
            }
        }
        "Bd" => {
            page.preformatted = rest.contains("-literal") || rest.contains("-unfilled");
            page.flow.separate(Gap::Paragraph);
        }
        "Ed" => {
            page.preformatted = false;
            page.flow.separate(Gap::Paragraph);
        }
        "It" => {
            page.flow.separate(Gap::Paragraph);
            line(page, &page.arguments(rest), number);
            page.flow.separate(Gap::Line);
        }
        "Fo" => line(page, &[page.arguments(rest).join(" "), "(".to_owned()], number),
        "Fd" => line(page, &page.arguments(rest), number),
        "Ex" => {
            let text =
                format!("The {} utility exits 0 on success, and >0 if an error occurs.", page.name);
            page.flow.words(&text, number);
            page.flow.separate(Gap::Space);
        }
        "Os" | "Dd" | "Bk" | "Ek" => {}
        _ if CALLED.contains(&name) => {
            let mut words = page.arguments(rest);
            words.insert(0, name.to_owned());
            line(page, &words, number);
            if page.preformatted {
                page.flow.separate(Gap::Line);
            }
        }
        _ => {}
    }
}

/// Words with the space between them that they are set with.
#[derive(Default)]
struct Line {
    text: String,
    is_glued: bool,
}

impl Line {
    fn word(&mut self, word: &str) {
        let closes = matches!(word, "." | "," | ":" | ";" | ")" | "]" | "?" | "!");
        if !self.text.is_empty() && !self.is_glued && !closes {
            self.text.push(' ');
        }
        self.text.push_str(word);
        self.is_glued = matches!(word, "(" | "[");
    }

    fn open(&mut self, sign: &str) {
        self.word(sign);
        self.is_glued = true;
    }

    fn close(&mut self, sign: &str) {
        self.text.push_str(sign);
        self.is_glued = false;
    }
}

fn line(page: &mut Manual, words: &[String], number: u32) {
    let mut line = Line::default();
    let mut closing: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(name) = words.get(at) {
        at += 1;
        let rest = words.get(at..).unwrap_or_default();
        if let Some((_, open, close)) = ENCLOSING.iter().find(|(known, ..)| known == name) {
            line.open(open);
            closing.push(close);
        } else if let Some((_, sign, is_open)) = ENDS.iter().find(|(known, ..)| known == name) {
            if *is_open {
                line.open(sign);
            } else {
                line.close(sign);
            }
        } else if is_called(name) {
            at += called(&page.name, name, rest, &mut line);
        } else {
            // A mark at the end of the line is outside of what encloses the rest.
            if is_mark(name) && rest.iter().all(|word| is_mark(word)) {
                closing.drain(..).rev().for_each(|sign| line.close(sign));
            }
            line.word(name);
        }
    }
    closing.drain(..).rev().for_each(|sign| line.close(sign));
    page.flow.words(&line.text, number);
    page.flow.separate(Gap::Space);
}

/// Writes what a macro says of the words after it; returns how many of them that was.
fn called(page: &str, name: &str, rest: &[String], line: &mut Line) -> usize {
    let next = rest.first().map_or("", String::as_str);
    let has_argument = !rest.is_empty() && !is_mark(next) && !is_called(next);
    match name {
        "Fl" => {
            line.open("-");
            line.is_glued = has_argument;
        }
        "Nm" if !has_argument => line.word(page),
        "Ar" if !has_argument => line.word("file ..."),
        "Pa" if !has_argument => line.word("~"),
        "Ns" => line.is_glued = true,
        "Ap" => {
            line.close("'");
            line.is_glued = true;
        }
        "Pf" => {
            line.open(next);
            return 1;
        }
        "Xr" => {
            line.word(next);
            let section = rest.get(1).filter(|word| !is_mark(word));
            section.iter().for_each(|section| line.close(&format!("({section})")));
            return 1 + usize::from(section.is_some());
        }
        "Fn" => {
            line.word(next);
            let arguments = rest.get(1..).unwrap_or_default();
            let is_argument = |word: &&String| !is_mark(word) && !is_called(word);
            let count = arguments.iter().take_while(is_argument).count();
            line.close(&format!("({})", arguments[..count].join(", ")));
            return 1 + count;
        }
        "Fc" => line.close(")"),
        _ => {
            let said = SAYING.iter().find(|(known, _)| *known == name);
            said.iter().for_each(|(_, text)| line.word(text));
        }
    }
    0
}

fn is_called(word: &str) -> bool {
    CALLED.contains(&word)
}

fn is_mark(word: &str) -> bool {
    matches!(word, "." | "," | ":" | ";" | "(" | ")" | "[" | "]" | "?" | "!" | "|")
}
