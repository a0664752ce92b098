//! The sentence that answers, among the lines around it: query words and sentence marked by colour, and the lines of the
//! sentence by a sign, so that it is seen without colour too.

use std::fmt::Write as _;
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use vizsla::{HitPassage, Snippet};

use super::printable;

const MATCH: Style = AnsiColor::Yellow.on_default().bold();
const AROUND: Style = Style::new().dimmed();

/// The lines of a snippet, or of the whole passage, without blank ones.
pub(super) fn lines(passage: &HitPassage, full: bool) -> Vec<String> {
    let snippet = if full { &whole(passage) } else { &passage.snippet };
    let [from, to] = snippet.sentence;
    let (text, mut at, mut lines) = (&snippet.text, 0, Vec::new());
    for line in text.split_inclusive(['\n', '\r']) {
        let shown = at..at + line.trim_end().len();
        at += line.len();
        if line.trim().is_empty() {
            continue;
        }
        let answers = shown.start < to && from < shown.end;
        let sign = if answers { "   > " } else { "     " };
        let ahead = if lines.is_empty() && cut_before(passage, snippet) { "…" } else { "" };
        let behind = if at == text.len() && cut_after(passage, snippet) { "…" } else { "" };
        lines.push(format!("{sign}{ahead}{}{behind}", styled(snippet, shown)));
    }
    lines
}

/// The sentence alone, on one line.
pub(super) fn sentence(passage: &HitPassage) -> String {
    let [from, to] = passage.snippet.sentence;
    let marked = styled(&passage.snippet, from..to);
    marked.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn whole(passage: &HitPassage) -> Snippet {
    let mut whole = passage.snippet.clone();
    whole.sentence = whole.sentence.map(|at| at + whole.start);
    whole.text.clone_from(&passage.text);
    whole.highlights.clone_from(&passage.highlights);
    (whole.start, whole.end) = (0, passage.text.len());
    whole
}

fn cut_before(passage: &HitPassage, snippet: &Snippet) -> bool {
    passage.text[..snippet.start].chars().next_back().is_some_and(|c| c != '\n')
}

fn cut_after(passage: &HitPassage, snippet: &Snippet) -> bool {
    passage.text[snippet.end..].split('\n').next().is_some_and(|rest| !rest.trim().is_empty())
}

/// A part of the text in its colours.
fn styled(snippet: &Snippet, part: Range<usize>) -> String {
    let within = |at: usize, [from, to]: &[usize; 2]| (*from..*to).contains(&at);
    let edges = snippet.highlights.iter().chain([&snippet.sentence]).flatten().copied();
    let mut edges: Vec<usize> = edges.filter(|at| part.contains(at)).collect();
    edges.extend([part.start, part.end]);
    edges.sort_unstable();
    edges.dedup();
    let mut marked = String::new();
    for edge in edges.windows(2) {
        let style = if snippet.highlights.iter().any(|word| within(edge[0], word)) {
            MATCH
        } else if within(edge[0], &snippet.sentence) {
            Style::new()
        } else {
            AROUND
        };
        let text = printable(&snippet.text[edge[0]..edge[1]]);
        write!(marked, "{style}{text}{style:#}").expect("writing to a string cannot fail");
    }
    marked
}
