//! Formulas of Word and PowerPoint (OMML). In: the elements of a formula. Out: the formula in one line, as one would type
//! it: `f(x)=a/b`, `∑ i=1 n x2`. Scripts come after what they belong to, without a mark, so that `x2` is found.

use std::collections::HashMap;

use crate::office::xml::{Event, Xml};

/// An element that is open.
#[derive(Default)]
struct Part {
    name: String,
    /// The texts of the elements in it, with their names.
    inner: Vec<(String, String)>,
    /// Brackets, operators and the like that its properties name.
    marks: HashMap<&'static str, String>,
}

/// Properties that name a character, or the kind of a fraction.
const MARKS: &[&str] = &["begChr", "endChr", "sepChr", "chr", "type"];

/// Reads the formula whose start came last. What the elements in `skipped` contain is left out.
pub(crate) fn read(xml: &mut Xml<'_>, skipped: &[&str]) -> String {
    let mut open = vec![Part::default()];
    while !open.is_empty() {
        match xml.next() {
            Some(Event::Start(tag)) if skipped.contains(&tag.name()) => xml.skip(),
            Some(Event::Start(tag)) if tag.name() == "t" => {
                let text = xml.text();
                add(&mut open, "t", text);
            }
            Some(Event::Start(tag)) => {
                let name = tag.name().to_owned();
                let mark = MARKS.iter().find(|mark| **mark == name);
                if let (Some(mark), Some(part)) = (mark, open.last_mut()) {
                    part.marks.insert(mark, tag.get("val").unwrap_or_default());
                }
                open.push(Part { name, ..Part::default() });
            }
            Some(Event::End(_)) => {
                if let Some(whole) = end(&mut open) {
                    return whole;
                }
            }
            Some(Event::Text(_)) => {}
            None => break,
        }
    }
    // What a cut-off part leaves open.
    loop {
        if let Some(whole) = end(&mut open) {
            return whole;
        }
    }
}

/// Ends the innermost element; returns the formula if that was all of it.
fn end(open: &mut Vec<Part>) -> Option<String> {
    let Some(part) = open.pop() else { return Some(String::new()) };
    let Some(outer) = open.last_mut() else { return Some(shown(part)) };
    if part.name.ends_with("Pr") {
        outer.marks.extend(part.marks);
        return None;
    }
    let name = part.name.clone();
    let text = shown(part);
    add(open, &name, text);
    None
}

fn add(open: &mut [Part], name: &str, text: String) {
    if let Some(part) = open.last_mut()
        && !text.trim().is_empty()
    {
        part.inner.push((name.to_owned(), text));
    }
}

/// What an element shows.
fn shown(mut part: Part) -> String {
    let mut inner = std::mem::take(&mut part.inner).into_iter();
    let mark =
        |name: &str, usual: &str| part.marks.get(name).cloned().unwrap_or_else(|| usual.to_owned());
    match part.name.as_str() {
        "d" => {
            let texts: Vec<String> = inner.map(|(_, text)| text).collect();
            let texts = texts.join(&mark("sepChr", "|"));
            format!("{}{texts}{}", mark("begChr", "("), mark("endChr", ")"))
        }
        "f" if mark("type", "bar") == "noBar" => joined(inner, |_, _| " "),
        "f" => {
            let texts: Vec<String> = inner.map(|(_, text)| bracketed(text)).collect();
            texts.join("/")
        }
        "nary" => {
            let sign = mark("chr", "∫");
            inner.fold(sign, |whole, (_, text)| format!("{whole} {text}"))
        }
        "rad" => {
            let radicand = inner.next_back().map(|(_, text)| bracketed(text));
            let degree = joined(inner, |_, _| "");
            format!("{degree}√{}", radicand.unwrap_or_default())
        }
        "limLow" | "limUpp" | "mr" => joined(inner, |_, _| " "),
        "m" | "eqArr" => joined(inner, |_, _| "; "),
        "sSub" | "sSup" | "sSubSup" => {
            joined(inner, |(_, base), (_, script)| if is_short(base, script) { "" } else { " " })
        }
        // Texts are as they are written; what is around them are words of their own.
        "r" => joined(inner, |_, _| ""),
        _ => joined(inner, apart),
    }
}

/// A text with the name of its element.
type Named = (String, String);

/// Joins texts by what stands between each two.
fn joined(
    inner: impl Iterator<Item = Named>,
    between: impl Fn(&Named, &Named) -> &'static str,
) -> String {
    let mut whole = String::new();
    let mut last: Option<Named> = None;
    for next in inner {
        if let Some(last) = last.take() {
            whole.push_str(between(&last, &next));
        }
        whole.push_str(&next.1);
        last = Some(next);
    }
    whole
}

/// A space between what would be read as one word, unless it is written in one.
fn apart((name, text): &Named, (next_name, next): &Named) -> &'static str {
    let is_written = name == "r" && next_name == "r";
    let is_word = text.ends_with(char::is_alphanumeric) && next.starts_with(char::is_alphanumeric);
    let is_apart = matches!(next_name.as_str(), "nary" | "m" | "eqArr");
    if is_apart || (is_word && !is_written) { " " } else { "" }
}

/// Whether a script is no word of its own: a number, or a letter at a letter.
fn is_short(base: &str, script: &str) -> bool {
    let is_letter = |text: &str| text.chars().count() < 2;
    script.bytes().all(|byte| byte.is_ascii_digit()) || (is_letter(base) && is_letter(script))
}

/// A part of a fraction, in brackets if it is more than one number or name.
fn bracketed(text: String) -> String {
    let is_one = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | ','));
    if is_one || (text.starts_with('(') && text.ends_with(')')) {
        text
    } else {
        format!("({text})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(inner: &str) -> String {
        let text = format!("<m:oMath>{inner}</m:oMath>");
        let mut xml = Xml::new(&text, 99);
        xml.next();
        read(&mut xml, &["rPr", "del"])
    }

    fn r(text: &str) -> String {
        format!("<m:r><m:rPr><m:sty m:val='p'/></m:rPr><m:t>{text}</m:t></m:r>")
    }

    fn e(text: &str) -> String {
        format!("<m:e>{}</m:e>", r(text))
    }

    #[test]
    fn brackets_fractions_and_operators_are_shown() {
        let fraction = |above: &str, below: &str| {
            format!("<m:f><m:num>{}</m:num><m:den>{}</m:den></m:f>", r(above), r(below))
        };
        let sum = format!(
            "<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub>{}</m:sub><m:sup>{}</m:sup>{}</m:nary>",
            r("i=1"),
            r("n"),
            e("i")
        );
        let brackets = format!(
            "<m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=']'/><m:sepChr m:val=';'/></m:dPr>{}{}</m:d>",
            e("a"),
            e("b")
        );
        for (inner, expected) in [
            (
                format!("{}<m:d>{}</m:d>{}{}", r("f"), e("x"), r("="), fraction("a", "b")),
                "f(x)=a/b",
            ),
            (fraction("a+b", "2.5"), "(a+b)/2.5"),
            (brackets, "[a;b]"),
            (sum, "∑ i=1 n i"),
            (format!("<m:nary>{}</m:nary>", e("f")), "∫ f"),
            (format!("<m:rad><m:deg/>{}</m:rad>{}", e("x"), r("y")), "√x y"),
            (format!("<m:rad><m:deg>{}</m:deg>{}</m:rad>", r("3"), e("x+1")), "3√(x+1)"),
            (format!("{}<m:del>{}</m:del>{}", r("a"), r("b"), r("c")), "ac"),
        ] {
            assert_eq!(text(&inner), expected, "{inner}");
        }
    }

    #[test]
    fn words_stay_apart_and_scripts_stay_with_what_they_belong_to() {
        let script = |base: &str, below: &str| {
            format!("<m:sSub>{}<m:sub>{}</m:sub></m:sSub>", e(base), r(below))
        };
        let row = |a: &str, b: &str| format!("<m:mr>{}{}</m:mr>", e(a), e(b));
        let sine = format!("<m:func><m:fName>{}</m:fName>{}</m:func>", r("sin"), e("α"));
        let matrix = format!("<m:m>{}{}</m:m>", row("1", "2"), row("3", "4"));
        let inner = format!("{matrix}{}{}{sine}", script("v", "max"), script("x", "12"));
        assert_eq!(text(&inner), "1 2; 3 4 v max x12 sin α");
        assert_eq!(text(&format!("{}{matrix}", r("A="))), "A= 1 2; 3 4");
    }

    #[test]
    fn a_formula_that_breaks_off_ends_there() {
        let mut xml = Xml::new("<m:oMath><m:d><m:e><m:r><m:t>x", 99);
        xml.next();
        assert_eq!(read(&mut xml, &[]), "(x)");
    }
}
