//! Running headers, footers and page numbers, which repeat on the pages of a document and interrupt its sentences.

use std::collections::{HashMap, HashSet};

use super::layout::Line;

/// Pages that a document has at least before anything in it is taken for repeated.
const MIN_PAGES: usize = 4;
/// Lines at the top and at the bottom of a page that may be repeated ones.
const OUTERMOST: usize = 3;
/// Pages on which a line repeats at least.
const MIN_REPEATS: usize = 3;

/// How far the number printed on a page may be from the page's place in the file.
const MAX_OFFSET: i64 = 100;

/// What a line says but for its numbers, and its height on the page.
type Key = (String, i64);

/// Drops lines near the edges of pages that repeat, digits aside, at the same height: those on over half of the pages
/// with even or with odd numbers, as books have different ones left and right, and those of a chapter, if they have the
/// number of the page in them. The first time that a line with words appears it stays, so that it can still be found.
pub(super) fn drop_repeated(pages: &mut [Vec<Line>]) {
    if pages.len() < MIN_PAGES {
        return;
    }
    let outermost: Vec<Vec<Candidate>> =
        pages.iter().enumerate().map(|(number, lines)| candidates(number as i64, lines)).collect();
    let mut counts: HashMap<&Key, [usize; 2]> = HashMap::new();
    let mut numbered: HashMap<(&Key, i64), usize> = HashMap::new();
    for (number, candidates) in outermost.iter().enumerate() {
        for candidate in candidates {
            counts.entry(&candidate.key).or_default()[number % 2] += 1;
            for offset in &candidate.offsets {
                *numbered.entry((&candidate.key, *offset)).or_default() += 1;
            }
        }
    }
    let halves = [pages.len().div_ceil(2), pages.len() / 2];
    let repeats = |candidate: &Candidate| {
        let counts = counts.get(&candidate.key).copied().unwrap_or_default();
        let over_half = |parity: usize| counts[parity] * 2 > halves[parity];
        let offsets = candidate.offsets.iter();
        let mut tracks = offsets.map(|offset| numbered.get(&(&candidate.key, *offset)));
        counts[0] + counts[1] >= MIN_REPEATS && (over_half(0) || over_half(1))
            || tracks.any(|count| count.is_some_and(|count| *count >= MIN_REPEATS))
    };
    let mut kept: HashSet<&Key> = HashSet::new();
    for (lines, candidates) in pages.iter_mut().zip(&outermost) {
        let mut dropped = Vec::new();
        for candidate in candidates {
            let has_words = candidate.key.0.chars().any(char::is_alphabetic);
            let is_first = has_words && kept.insert(&candidate.key);
            if !is_first && repeats(candidate) {
                dropped.push(candidate.line);
            }
        }
        let mut index = 0;
        lines.retain(|_| {
            index += 1;
            !dropped.contains(&(index - 1))
        });
    }
}

/// A line that may be a repeated one.
struct Candidate {
    line: usize,
    key: Key,
    /// The difference between each number in it and that of the page.
    offsets: Vec<i64>,
}

/// The lines nearest to the edges of a page.
fn candidates(page: i64, lines: &[Line]) -> Vec<Candidate> {
    let mut placed: Vec<usize> = (0..lines.len()).filter(|i| !lines[*i].is_apart).collect();
    let by_height = |a: &usize, b: &usize| lines[*a].at.y.total_cmp(&lines[*b].at.y);
    if placed.len() > 2 * OUTERMOST {
        placed.sort_by(by_height);
        placed.drain(OUTERMOST..placed.len() - OUTERMOST);
    }
    let candidate = |line: usize| {
        let numbers = lines[line].text.split(|c: char| !c.is_ascii_digit());
        let offsets = numbers.filter_map(|number| Some(number.parse::<i64>().ok()? - page - 1));
        let offsets = offsets.filter(|offset| offset.abs() <= MAX_OFFSET).collect();
        Candidate { line, key: key(&lines[line]), offsets }
    };
    placed.into_iter().map(candidate).collect()
}

fn key(line: &Line) -> Key {
    // In steps of 2 points; what moves more is set anew on each page.
    let height = (line.at.y / 2.0).round() as i64;
    let is_roman = line.text.len() < 8
        && line.text.bytes().all(|byte| b"ivxlcdm".contains(&byte.to_ascii_lowercase()));
    if is_roman {
        return ("#".to_owned(), height);
    }
    let mut said = String::new();
    for c in line.text.chars() {
        match c.is_numeric() {
            true if said.ends_with('#') => {}
            true => said.push('#'),
            false => said.push(c),
        }
    }
    (said, height)
}

#[cfg(test)]
mod tests {
    use hayro_interpret::kurbo::Vec2;

    use super::*;

    fn line(text: &str, y: f64) -> Line {
        Line { at: Vec2::new(72.0, y), is_apart: false, ..Line::apart(text.to_owned()) }
    }

    fn texts(pages: &[Vec<Line>]) -> Vec<Vec<&str>> {
        pages.iter().map(|page| page.iter().map(|line| line.text.as_str()).collect()).collect()
    }

    #[test]
    fn what_repeats_is_said_once_and_page_numbers_never() {
        let page = |number: usize| {
            vec![
                line("Annual Report", 40.0),
                line(&format!("only here: {}", "x".repeat(number)), 300.0),
                line(&format!("Page {number} of 4"), 800.0),
                line(&number.to_string(), 820.0),
            ]
        };
        let mut pages: Vec<_> = (1..=4).map(page).collect();
        drop_repeated(&mut pages);
        assert_eq!(texts(&pages)[0], ["Annual Report", "only here: x", "Page 1 of 4"]);
        assert_eq!(texts(&pages)[3], ["only here: xxxx"]);
    }

    #[test]
    fn left_and_right_pages_have_their_own() {
        let page = |number: usize| {
            let header = if number.is_multiple_of(2) { "The Author" } else { "The Title" };
            vec![line(header, 40.0), line(&format!("text {}", "x".repeat(number)), 400.0)]
        };
        let mut pages: Vec<_> = (0..8).map(page).collect();
        drop_repeated(&mut pages);
        assert_eq!(pages.iter().map(Vec::len).sum::<usize>(), 10);
    }

    #[test]
    fn the_header_of_a_chapter_counts_the_pages() {
        let page = |number: usize| {
            let chapter = number / 5;
            let header = format!(
                "Chapter {}: {} {}",
                chapter + 1,
                ["A", "B", "C", "D"][chapter],
                number + 3
            );
            vec![line(&header, 40.0), line(&"y".repeat(number + 1), 60.0)]
        };
        let mut pages: Vec<_> = (0..20).map(page).collect();
        drop_repeated(&mut pages);
        let headers = texts(&pages).concat().iter().filter(|text| text.starts_with("Ch")).count();
        assert_eq!(headers, 4);
    }

    #[test]
    fn a_short_document_and_a_line_that_moves_are_left_alone() {
        let mut short = vec![vec![line("same", 40.0)]; 3];
        drop_repeated(&mut short);
        assert_eq!(short.len(), 3);
        let mut moving: Vec<_> =
            (0..9u8).map(|i| vec![line("yes", 40.0 + f64::from(i) * 30.0)]).collect();
        drop_repeated(&mut moving);
        assert!(moving.iter().all(|page| page.len() == 1));
    }
}
