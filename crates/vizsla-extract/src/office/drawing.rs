//! Charts and diagrams (DrawingML). In: the bytes of such a part. Out: its lines of text: titles, labels of series and
//! categories, the text of a diagram's boxes. Values of charts are numbers, and are left out.

use std::collections::HashSet;

use crate::office::xml::{Event, Xml, decode};

/// The lines of a chart or diagram, each once, and why it ended early if it did.
pub(crate) fn lines(bytes: &[u8], nesting: usize) -> (Vec<String>, Option<String>) {
    let text = decode(bytes);
    let mut xml = Xml::new(&text, nesting);
    let (mut lines, mut seen, mut line) = (Vec::new(), HashSet::new(), String::new());
    let mut is_in_paragraph = false;
    let mut end = |line: &mut String| {
        let full = std::mem::take(line).trim().to_owned();
        if !full.is_empty() && seen.insert(full.clone()) {
            lines.push(full);
        }
    };
    while let Some(event) = xml.next() {
        match event {
            Event::Start(tag) => match tag.name() {
                "Fallback" | "val" | "xVal" | "yVal" | "bubbleSize" | "numDim" => xml.skip(),
                "p" => is_in_paragraph = true,
                // The text of a diagram's box is called so, too, and consists of paragraphs.
                "t" if is_in_paragraph => line.push_str(&xml.text()),
                "br" | "tab" => line.push(' '),
                "v" => {
                    end(&mut line);
                    line = xml.text();
                    end(&mut line);
                }
                // A category of a chart of the newer kind has its text in itself.
                "lvl" => new_kind(&mut xml, &mut end),
                _ => {}
            },
            Event::End(name) if name.name() == "p" => {
                is_in_paragraph = false;
                end(&mut line);
            }
            Event::End(_) | Event::Text(_) => {}
        }
    }
    end(&mut line);
    (lines, xml.failure)
}

/// Reads the texts of the points of one level of categories.
fn new_kind(xml: &mut Xml<'_>, end: &mut impl FnMut(&mut String)) {
    let (mut line, mut is_in_point) = (String::new(), false);
    while let Some(event) = xml.next() {
        match event {
            Event::Start(tag) => is_in_point = matches!(tag.name(), "pt" | "v"),
            Event::Text(text) if is_in_point => line.push_str(&text),
            Event::Text(_) => {}
            Event::End(name) => {
                end(&mut line);
                is_in_point = false;
                if name.name() == "lvl" {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_box_of_a_diagram_is_a_line() {
        let point = |text: &str| format!("<dgm:pt><dgm:t><a:bodyPr/>{text}</dgm:t></dgm:pt>");
        let paragraph = |text: &str| format!("<a:p><a:r><a:t>{text}</a:t></a:r></a:p>");
        let diagram = [
            point("<a:p><a:endParaRPr/></a:p>"),
            point(&paragraph("Gather acorns")),
            point(&(paragraph("Hide acorns") + &paragraph("in the ground"))),
        ];
        let diagram = format!("<dgm:ptLst>{}</dgm:ptLst>", diagram.concat());
        let expected = ["Gather acorns", "Hide acorns", "in the ground"];
        assert_eq!(lines(diagram.as_bytes(), 99).0, expected);
    }

    #[test]
    fn labels_of_charts_are_read_once_and_values_are_not() {
        let chart = "<c:chart><c:title><a:p><a:r><a:t>Sa</a:t></a:r><a:r><a:t>les</a:t></a:r></a:p></c:title>
            <c:ser><c:tx><c:v>East</c:v></c:tx><c:cat><c:strCache><c:lvl><c:pt><c:v>Q1</c:v></c:pt></c:lvl></c:strCache></c:cat><c:val><c:v>4.3</c:v></c:val></c:ser>
            <c:ser><c:cat><c:pt><c:v>Q1</c:v></c:pt></c:cat></c:ser></c:chart>";
        assert_eq!(lines(chart.as_bytes(), 99).0, ["Sales", "East", "Q1"]);
        let new = "<cx:data><cx:strDim><cx:f>A1</cx:f><cx:lvl><cx:pt idx='0'>One</cx:pt><cx:pt>Two</cx:pt></cx:lvl></cx:strDim><cx:numDim><cx:lvl><cx:pt>7</cx:pt></cx:lvl></cx:numDim></cx:data>";
        assert_eq!(lines(new.as_bytes(), 99).0, ["One", "Two"]);
    }
}
