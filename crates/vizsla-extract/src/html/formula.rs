//! Formulas (`MathML`) on one line: `(a+b)/2`, `x^2`. What stands above, below or beside something in a picture of the
//! formula would otherwise run into it.

use super::tree::{Id, ROOT, Tree};

/// What is written before an element: what stands between it and the argument before it, the sign of a root, a bracket.
pub(crate) fn before(tree: &Tree, id: Id) -> [Option<&'static str>; 3] {
    let name = tree.node(id).name();
    if name.is_empty() || name == "math:cell" {
        return [None; 3];
    }
    let root = match name {
        "math:root" => Some("√"),
        "math:index" => Some("root"),
        _ => None,
    };
    [operator(tree, id), root, is_in_brackets(tree, id).then_some("(")]
}

fn operator(tree: &Tree, id: Id) -> Option<&'static str> {
    let parent = tree.node(tree.node(id).parent).name();
    if !is_arranged(parent) {
        return None;
    }
    // There are three at most; a page that has more is none the worse for it.
    let before = std::iter::successors(Some(tree.previous(id)), |id| Some(tree.previous(*id)));
    let before = before.take_while(|id| *id != ROOT).take(6);
    let before = before.filter(|id| !tree.node(*id).name().is_empty()).count();
    match (parent, before) {
        ("math:fraction", 1) => Some("/"),
        // The formulas of chemistry are words.
        ("math:below" | "math:both", 1) => (!is_number(tree, id)).then_some("_"),
        ("math:under" | "math:limits", 1) => (!is_accent(tree, id)).then_some("_"),
        ("math:over", 1) => (!is_accent(tree, id)).then_some("^"),
        ("math:above", 1) | ("math:both" | "math:limits", 2) => Some("^"),
        ("math:index", 1) => Some(", "),
        _ => None,
    }
}

fn is_number(tree: &Tree, id: Id) -> bool {
    let text = tree.node(tree.node(id).first).text();
    text.is_some_and(|text| text.trim().bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether an argument is a mark on what it belongs to: a bar, an arrow, a brace.
fn is_accent(tree: &Tree, id: Id) -> bool {
    let mut text = tree.node(tree.node(id).first).text().unwrap_or_default().trim().chars();
    let mark = text.next().is_some_and(|c| {
        "¯ˉ‾^ˆ~˜˙¨ˇ˘´`_→←↔⃗⏞⏟⎴⎵︷︸\u{302}\u{303}\u{304}\u{305}\u{332}".contains(c)
    });
    mark && text.next().is_none()
}

/// Whether an element places its arguments above, below or beside one another.
pub(crate) fn is_arranged(name: &str) -> bool {
    matches!(name, "math:fraction" | "math:above" | "math:below" | "math:both" | "math:index")
        || has_limits(name)
        || name == "math:over"
}

/// Whether an element is a sign with what it ranges over; a word follows.
pub(crate) fn has_limits(name: &str) -> bool {
    matches!(name, "math:under" | "math:limits")
}

/// Whether an element is an argument that is more than a word.
pub(crate) fn is_in_brackets(tree: &Tree, id: Id) -> bool {
    let node = tree.node(id);
    let name = node.name();
    if name == "math:index" {
        return true;
    }
    let above = tree.node(node.parent).name();
    let is_argument = is_arranged(above) && above != "math:index" && name != "math:root";
    if name.is_empty() || name != "math:root" && !is_argument {
        return false;
    }
    let is_word = |id: &Id| tree.node(*id).text().is_none_or(|text| !text.trim().is_empty());
    let children = std::iter::successors(Some(node.first), |id| Some(tree.node(*id).next));
    children.take_while(|id| *id != ROOT).take(12).filter(is_word).count() > 1
}

#[cfg(test)]
mod tests {
    use crate::{Input, collect};

    #[test]
    fn formulas_are_written_on_one_line() {
        for (formula, expected) in [
            ("<mfrac><mi>a</mi><mn>2</mn></mfrac>", "a/2"),
            (
                "<mfrac>\n<mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow>\n<mn>2</mn>\n</mfrac>",
                "(a+b)/2",
            ),
            (
                "<msup><mi>x</mi><mn>2</mn></msup><mo>=</mo><msub> <mi>y</mi> <mi>i</mi> </msub>",
                "x^2=y_i",
            ),
            (
                "<msubsup><mi>x</mi><mi>i</mi><mrow><mi>n</mi><mo>+</mo><mn>1</mn></mrow></msubsup>",
                "x_i^(n+1)",
            ),
            ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", "√(x+1)"),
            ("<mfrac><mn>1</mn><msqrt><mn>2</mn></msqrt></mfrac>", "1/√2"),
            ("<msub><mi>H</mi><mn>2</mn></msub><mi>O</mi>", "H2O"),
            (
                "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><mi>i</mi>",
                "∑_(i=1)^n i",
            ),
            (
                "<munder><mo>lim</mo><mrow><mi>x</mi><mo>→</mo><mn>0</mn></mrow></munder><mi>f</mi>",
                "lim_(x→0) f",
            ),
            ("<mover><mi>x</mi><mo>¯</mo></mover><mo>=</mo><mn>1</mn>", "x¯=1"),
            ("<mover><mo>=</mo><mtext>def</mtext></mover>", "=^def"),
            (
                "<mroot>\n<mrow><mi>x</mi><mo>+</mo><mn>1</mn></mrow>\n<mn>3</mn>\n</mroot>",
                "root(x+1, 3)",
            ),
            (
                "<semantics><mrow><mi>E</mi></mrow><annotation encoding='application/x-tex'>E</annotation></semantics>",
                "E",
            ),
        ] {
            let page = format!("<p>so <math>{formula}</math> is");
            let document =
                collect(Input::bytes("a.html", page.as_bytes())).unwrap().documents.remove(0);
            assert_eq!(document.text, format!("so {expected} is"), "{formula}");
        }
    }
}
