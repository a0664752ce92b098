//! Lines become text: those of a paragraph are joined, words hyphenated at line ends made whole, and paragraphs
//! separated by blank lines. Sentences go on over the end of a column or page.

use std::collections::{BTreeMap, HashSet};

use super::characters::is_unspaced;
use super::layout::Line;

/// A line of a page: the page's index, and the line's on that page.
pub(super) type LineId = (usize, usize);

#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) all: String,
    /// Where each page begins.
    pub(super) pages: Vec<usize>,
    /// Where the requested lines begin.
    pub(super) marks: BTreeMap<LineId, usize>,
}

/// What is between two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Break {
    None,
    Line,
    Paragraph,
}

/// Lines below each other that have one left and one right edge, such as a paragraph or a column.
#[derive(Debug, Clone, Copy)]
struct Block {
    start: f64,
    end: f64,
    lines: usize,
}

/// The text of pages of lines. Lines in `marks` begin a paragraph, and those that are headings are lines of their own.
pub(super) fn text(pages: &[Vec<Line>], marks: &BTreeMap<LineId, bool>) -> Text {
    let compounds = compounds(pages);
    let mut out = Text::default();
    let mut last: Option<(&Line, Block)> = None;
    for (page, lines) in pages.iter().enumerate() {
        // A page begins at its own text, not at the blank line before.
        let mut begins = true;
        let spacing = spacing(lines);
        let (blocks, numbers) = blocks(lines, spacing);
        for (i, line) in lines.iter().enumerate() {
            let block = blocks[numbers[i]];
            let is_marked = marks.contains_key(&(page, i));
            let kind = match last {
                _ if is_marked => Break::Paragraph,
                Some((above, _)) if i > 0 && numbers[i] == numbers[i - 1] => {
                    let is_below_heading = marks.get(&(page, i - 1)) == Some(&true);
                    within(above, line, &block).max(if is_below_heading {
                        Break::Line
                    } else {
                        Break::None
                    })
                }
                Some((above, from)) if goes_on(above, &from, line) => Break::None,
                _ => Break::Paragraph,
            };
            let at = append(&mut out.all, &line.text, kind, &compounds);
            if std::mem::take(&mut begins) {
                out.pages.push(at);
            }
            if is_marked {
                out.marks.insert((page, i), at);
            }
            last = Some((line, block));
        }
        if begins {
            out.pages.push(out.all.len());
        }
    }
    if out.all.ends_with('\u{ad}') {
        out.all.pop();
    }
    out
}

/// The usual distance between the baselines of a page's lines, in ems.
pub(super) fn spacing(lines: &[Line]) -> f64 {
    let mut distances: Vec<f64> = lines
        .windows(2)
        .map(|pair| (pair[1].down - pair[0].down) / pair[0].em)
        .filter(|distance| (0.8..3.0).contains(distance))
        .collect();
    distances.sort_by(f64::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(1.2).clamp(1.0, 2.5)
}

/// The blocks of a page, and for each line the index of its block.
fn blocks(lines: &[Line], spacing: f64) -> (Vec<Block>, Vec<usize>) {
    let mut blocks: Vec<Block> = Vec::new();
    let mut numbers = Vec::with_capacity(lines.len());
    for (i, line) in lines.iter().enumerate() {
        match (i.checked_sub(1).map(|i| &lines[i]), blocks.last_mut()) {
            (Some(above), Some(block)) if is_same_block(above, line, spacing) => {
                block.start = block.start.min(line.start);
                block.end = block.end.max(line.end);
                block.lines += usize::from(!is_beside(above, line));
            }
            _ => blocks.push(Block { start: line.start, end: line.end, lines: 1 }),
        }
        numbers.push(blocks.len() - 1);
    }
    (blocks, numbers)
}

fn is_same_block(above: &Line, line: &Line, spacing: f64) -> bool {
    if above.is_apart || line.is_apart || above.along.dot(line.along) < 0.9 {
        return false;
    }
    if is_beside(above, line) {
        return true;
    }
    let distance = (line.down - above.down) / above.em;
    let has_size = (0.8..1.25).contains(&(line.em / above.em));
    let overlaps = line.start < above.end && line.end > above.start;
    has_size && overlaps && distance > 0.3 && distance < spacing * 1.3
}

/// Whether a line continues another one on nearly the same height: parts of a formula, the cells of a row.
fn is_beside(left: &Line, right: &Line) -> bool {
    let em = left.em.max(right.em);
    let (across, gap) = ((right.down - left.down).abs(), right.start - left.end);
    (across < 0.6 * em && gap > -0.5 * em && gap < 3.0 * em)
        || (across < 1.2 * em && gap > -0.2 * em && gap < 1.5 * em)
}

/// What is between two lines of a block.
fn within(above: &Line, line: &Line, block: &Block) -> Break {
    if is_beside(above, line) {
        return Break::None;
    }
    if above.has_cells || line.has_cells {
        return Break::Line;
    }
    // From the edge at which lines begin to that at which they end.
    let edges = |start: f64, end: f64| {
        if line.runs_to_the_left { (-end, -start) } else { (start, end) }
    };
    let (block_start, block_end) = edges(block.start, block.end);
    let (above_start, above_end) = edges(above.start, above.end);
    let (start, end) = edges(line.start, line.end);
    let ends = ends_sentence(&above.text);
    let is_indented = start > block_start + 0.8 * line.em && above_start < start - 0.5 * line.em;
    // A line that ends although the next word would have fitted was ended on purpose.
    let letters = line.text.chars().count().max(1) as f64;
    let word = line.text.split(' ').next().unwrap_or_default().chars().count() as f64;
    let width = (end - start) / letters * (word + 1.0);
    let is_short = above_end + width + 0.5 * line.em < block_end;
    match (is_short, ends, is_indented) {
        (true, true, _) | (_, true, true) => Break::Paragraph,
        (true, false, _) => Break::Line,
        _ => Break::None,
    }
}

/// Whether a sentence goes on from the end of one block to the beginning of another, as over columns and pages.
fn goes_on(last: &Line, from: &Block, line: &Line) -> bool {
    let has_size = (0.95..1.05).contains(&(line.em / last.em));
    let is_full = from.lines > 1 && last.end > from.end - 3.0 * last.em;
    let is_open = last
        .text
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphabetic() || matches!(c, ',' | '-' | '\u{2010}' | '\u{ad}'));
    let continues = line.text.chars().next().is_some_and(char::is_lowercase);
    let is_row = last.has_cells || line.has_cells;
    !is_row && !last.is_apart && !line.is_apart && has_size && is_full && is_open && continues
}

fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end_matches(['"', '\'', ')', '”', '’', '»', ']']);
    text.ends_with(['.', '!', '?', ':', ';', '。', '！', '？', '؟', '؛'])
}

/// Words with a hyphen inside, of lines that show it was not put there to end the line.
fn compounds(pages: &[Vec<Line>]) -> HashSet<String> {
    const MAX: usize = 100_000;
    let lines = pages.iter().flatten().filter(|line| line.text.contains('-'));
    lines
        .flat_map(|line| line.text.split_whitespace())
        .filter(|word| word.contains('-'))
        .map(|word| bare(word).to_lowercase())
        .filter(|word| word.contains('-'))
        .take(MAX)
        .collect()
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// Appends a line and returns where it begins.
fn append(text: &mut String, line: &str, kind: Break, compounds: &HashSet<String>) -> usize {
    if text.is_empty() {
        text.push_str(line);
        return 0;
    }
    match kind {
        Break::None => join(text, line, compounds),
        Break::Line | Break::Paragraph => {
            if text.ends_with('\u{ad}') {
                text.pop();
            }
            text.push_str(if kind == Break::Line { "\n" } else { "\n\n" });
        }
    }
    let at = text.len();
    text.push_str(line);
    at
}

/// Makes the end of a text ready for the line that continues it: a word divided by a hyphen is made whole, unless the
/// document has it with the hyphen elsewhere.
fn join(text: &mut String, line: &str, compounds: &HashSet<String>) {
    let mut from_end = text.chars().rev();
    let (last, before) = (from_end.next().unwrap_or(' '), from_end.next().unwrap_or(' '));
    let next = line.chars().next().unwrap_or(' ');
    match last {
        '\u{ad}' => {
            text.pop();
        }
        '-' | '\u{2010}' if before.is_alphanumeric() => {
            let head = text.rsplit(char::is_whitespace).next().unwrap_or_default();
            let tail = line.split_whitespace().next().unwrap_or_default();
            let whole = format!("{}-{}", bare(head), bare(tail)).to_lowercase();
            if before.is_alphabetic() && next.is_lowercase() && !compounds.contains(&whole) {
                text.pop();
            }
        }
        _ if is_unspaced(last) && is_unspaced(next) => {}
        _ => text.push(' '),
    }
}

#[cfg(test)]
mod tests {
    use hayro_interpret::kurbo::Vec2;

    use super::*;

    /// A line at the `row`th baseline of a column 200 wide, with letters 5 wide.
    fn line(text: &str, row: f64) -> Line {
        let down = 100.0 + 12.0 * row;
        Line {
            start: 0.0,
            end: 5.0 * text.chars().count() as f64,
            down,
            em: 10.0,
            at: Vec2::new(0.0, down),
            is_apart: false,
            ..Line::apart(text.to_owned())
        }
    }

    fn joined(lines: &[(&str, f64)]) -> String {
        let lines = lines.iter().map(|(text, row)| line(text, *row)).collect();
        text(&[lines], &BTreeMap::new()).all
    }

    #[test]
    fn lines_of_a_paragraph_are_joined_and_divided_words_made_whole() {
        assert_eq!(
            joined(&[
                ("The quick brown fox jumps over the la-", 0.0),
                ("zy dog, which is a well-known sentence", 1.0),
                ("for trying out fonts, and a very well-", 2.0),
                ("known one.", 3.0),
                ("Another paragraph follows after a gap.", 5.0),
            ]),
            "The quick brown fox jumps over the lazy dog, which is a well-known sentence for trying out fonts, \
             and a very well-known one.\n\nAnother paragraph follows after a gap."
        );
    }

    #[test]
    fn lines_that_were_ended_on_purpose_stay_lines() {
        assert_eq!(
            joined(&[("apples", 0.0), ("pears and some other fruit to eat", 1.0), ("plums", 2.0)]),
            "apples\npears and some other fruit to eat plums"
        );
    }

    #[test]
    fn a_sentence_goes_on_over_a_page_and_a_section_begins_a_paragraph() {
        let page = |first: &str, second: &str| vec![line(first, 0.0), line(second, 1.0)];
        let pages = [
            page("A sentence of words that", "goes on over the end of"),
            page("a page. And", "so on."),
        ];
        let found = text(&pages, &BTreeMap::from([((1, 1), true)]));
        assert_eq!(
            found.all,
            "A sentence of words that goes on over the end of a page. And\n\nso on."
        );
        assert_eq!(found.pages, [0, 49]);
        assert_eq!(&found.all[found.marks[&(1, 1)]..], "so on.");
    }

    #[test]
    fn chinese_lines_are_joined_without_a_space() {
        assert_eq!(joined(&[("新メンテナー", 0.0), ("ガイド", 1.0)]), "新メンテナーガイド");
    }
}
