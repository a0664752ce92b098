//! Running headers, footers and page numbers, which repeat on the pages of a document and interrupt its sentences.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::layout::Line;
use super::paragraphs;

/// Pages that a document has at least before anything in it is taken for repeated.
const MIN_PAGES: usize = 3;
/// Pages that a document has at least when some of them have nothing but lines that may be repeated.
const MIN_BARE_PAGES: usize = 4;
/// Rows at the top and at the bottom of a page that may be repeated ones.
const OUTERMOST: usize = 3;
/// Pages on which a line repeats at least.
const MIN_REPEATS: usize = 3;
/// And on how many where others repeat at its height on the pages between.
const MIN_ALTERNATING: usize = 2;
/// The share of a page's height, at the top and at the bottom, that may have repeated lines.
const MARGIN: f64 = 0.15;
/// How much larger than most of its page a line is that is a heading wherever it stands.
const LARGE: f64 = 1.25;
/// How much wider than that between lines the gap is that separates the text of a page from what repeats.
const GAP: f64 = 1.3;

/// How far the number printed on a page may be from the page's place in the file.
const MAX_OFFSET: i64 = 100;

/// What a line says, and its height on the page.
type Key = (String, i64);

/// Drops lines in the margins of pages that repeat at the same height: those on over half of the pages with even or with
/// odd numbers, as books have different ones left and right, and those that say the same but for a number that counts the
/// pages. Lines with other numbers in them are text, such as the rows of a table. The first time that a line with words
/// appears it stays, in whichever order the words are, so that it can still be found, and so do lines with words on a page
/// that has nothing else.
pub(super) fn drop_repeated(pages: &mut [Vec<Line>], heights: &[f64]) {
    if pages.len() < MIN_PAGES {
        return;
    }
    let outermost: Vec<Vec<Candidate>> = pages
        .iter()
        .zip(heights)
        .enumerate()
        .map(|(number, (lines, height))| candidates(number as i64, lines, *height))
        .collect();
    let is_bare = |(lines, found): (&Vec<Line>, &Vec<Candidate>)| found.len() >= lines.len();
    if pages.len() < MIN_BARE_PAGES && pages.iter().zip(&outermost).any(is_bare) {
        return;
    }
    let repeats = Repeats::of(&outermost);
    let mut kept: HashSet<u64> = HashSet::new();
    for (lines, candidates) in pages.iter_mut().zip(&outermost) {
        let mut dropped = Vec::new();
        for candidate in candidates {
            let counters = candidate.counters.iter().map(|counter| &counter.0);
            let said: Vec<u64> = counters.chain([&candidate.key]).map(words).collect();
            let is_first =
                has_words(&candidate.key.0) && !said.iter().any(|key| kept.contains(key));
            if is_first {
                kept.extend(said);
            } else if repeats.has(candidate) {
                dropped.push(candidate.line);
            }
        }
        remove(lines, &dropped);
    }
}

/// How often the lines in the margins are on pages with even and with odd numbers.
struct Repeats<'c> {
    counts: HashMap<&'c Key, [usize; 2]>,
    counted: HashMap<&'c (Key, i64), usize>,
    /// How many pages there are of either kind.
    halves: [usize; 2],
    /// Whether lines repeat at a height on either kind of pages.
    heights: HashMap<i64, [bool; 2]>,
}

impl<'c> Repeats<'c> {
    fn of(pages: &'c [Vec<Candidate>]) -> Self {
        let mut repeats = Self {
            counts: HashMap::new(),
            counted: HashMap::new(),
            halves: [pages.len().div_ceil(2), pages.len() / 2],
            heights: HashMap::new(),
        };
        for (number, candidates) in pages.iter().enumerate() {
            for candidate in candidates {
                repeats.counts.entry(&candidate.key).or_default()[number % 2] += 1;
                for counter in &candidate.counters {
                    *repeats.counted.entry(counter).or_default() += 1;
                }
            }
        }
        for (key, counts) in &repeats.counts {
            let sides = repeats.heights.entry(key.1).or_default();
            for (side, (count, half)) in sides.iter_mut().zip(counts.iter().zip(repeats.halves)) {
                *side |= *count > 1 && count * 2 > half;
            }
        }
        repeats
    }

    /// Whether a line repeats: often, or with every other page if the pages between have one of their own in its place.
    fn has(&self, candidate: &Candidate) -> bool {
        let counts = self.counts.get(&candidate.key).copied().unwrap_or_default();
        let over_half = |parity: usize| counts[parity] * 2 > self.halves[parity];
        let alternates = self.heights.get(&candidate.key.1) == Some(&[true, true]);
        let least = if alternates { MIN_ALTERNATING } else { MIN_REPEATS };
        counts[0] + counts[1] >= least && (over_half(0) || over_half(1))
            || candidate.counters.iter().any(|counter| self.counted[counter] >= MIN_REPEATS)
    }
}

/// A hash of what a line says, whatever the order of its words: those of left and right pages mirror each other.
fn words(key: &Key) -> u64 {
    let mut words: Vec<&str> = key.0.split_whitespace().collect();
    words.sort_unstable();
    let mut hasher = DefaultHasher::new();
    (words, key.1).hash(&mut hasher);
    hasher.finish()
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && roman(text).is_none()
}

/// Removes lines by their index, unless nothing would be left on the page; then only those without words.
fn remove(lines: &mut Vec<Line>, dropped: &[usize]) {
    let is_bare = (0..lines.len()).all(|index| dropped.contains(&index));
    let mut index = 0;
    lines.retain(|line| {
        index += 1;
        !dropped.contains(&(index - 1)) || is_bare && has_words(&line.text)
    });
}

/// A line that may be a repeated one.
struct Candidate {
    line: usize,
    key: Key,
    /// The key without one of the numbers in it, for each that may be the page's, and how far it is from that.
    counters: Vec<(Key, i64)>,
}

/// The lines of the outermost rows of a page that a gap separates from the others.
fn candidates(page: i64, lines: &[Line], height: f64) -> Vec<Candidate> {
    let mut placed: Vec<usize> = (0..lines.len()).filter(|i| !lines[*i].is_apart).collect();
    placed.sort_by(|a, b| lines[*a].at.y.total_cmp(&lines[*b].at.y));
    let usual = usual_size(lines);
    let gap = paragraphs::spacing(lines) * usual * GAP;
    let mut found = separate(placed.iter().copied(), lines, gap);
    let from_below = separate(placed.iter().rev().copied(), lines, gap);
    found.extend(from_below.into_iter().filter(|line| !found.contains(line)).collect::<Vec<_>>());
    found.retain(|line| {
        let y = lines[*line].at.y;
        (y < MARGIN * height || y > (1.0 - MARGIN) * height) && lines[*line].em <= LARGE * usual
    });
    let candidate = |line: usize| {
        // In steps of 2 points; what moves more is set anew on each page.
        let height = (lines[line].at.y / 2.0).round() as i64;
        let text = &lines[line].text;
        let counters = counters(text, page + 1);
        Candidate {
            line,
            key: (text.clone(), height),
            counters: counters.into_iter().map(|(said, off)| ((said, height), off)).collect(),
        }
    };
    found.into_iter().map(candidate).collect()
}

/// The size of most characters of a page.
fn usual_size(lines: &[Line]) -> f64 {
    let mut sizes: HashMap<i64, usize> = HashMap::new();
    for line in lines.iter().filter(|line| !line.is_apart) {
        *sizes.entry((line.em * 2.0).round() as i64).or_default() += line.text.len();
    }
    let most = sizes.into_iter().max_by_key(|(size, characters)| (*characters, *size));
    most.map_or(0.0, |(size, _)| size as f64 / 2.0)
}

/// The first lines, in as many rows as may be repeated, up to the last gap among or behind them. The lines are sorted.
fn separate(sorted: impl Iterator<Item = usize>, lines: &[Line], gap: f64) -> Vec<usize> {
    let mut rows = 0;
    let mut found: Vec<usize> = Vec::new();
    let mut separated = 0;
    for line in sorted {
        let distance = found
            .last()
            .map(|last| (lines[line].at.y - lines[*last].at.y).abs())
            .unwrap_or_default();
        if distance > gap {
            separated = found.len();
        }
        rows += usize::from(found.is_empty() || distance > 0.4 * lines[line].em);
        if rows > OUTERMOST {
            found.truncate(separated);
            return found;
        }
        found.push(line);
    }
    found
}

/// What a line says without one of its numbers, for each that may be that of the page, and how far it is from it.
fn counters(text: &str, page: i64) -> Vec<(String, i64)> {
    if let Some(number) = roman(text) {
        return vec![("#".to_owned(), number - page)];
    }
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(at) = text[start..].find(|c: char| c.is_ascii_digit()) {
        let at = start + at;
        let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
        start = at + digits;
        if let Ok(number) = text[at..start].parse::<i64>()
            && (number - page).abs() <= MAX_OFFSET
        {
            found.push((format!("{}#{}", &text[..at], &text[start..]), number - page));
        }
    }
    found
}

/// The value of a text that is a number in Roman numerals.
fn roman(text: &str) -> Option<i64> {
    let mut value = 0;
    let mut last = 0;
    for byte in text.bytes().rev() {
        let digit = match byte.to_ascii_lowercase() {
            b'i' => 1,
            b'v' => 5,
            b'x' => 10,
            b'l' => 50,
            b'c' => 100,
            b'd' => 500,
            b'm' => 1000,
            _ => return None,
        };
        value += if digit < last { -digit } else { digit };
        last = last.max(digit);
    }
    Some(value).filter(|_| (1..8).contains(&text.len()))
}

#[cfg(test)]
mod tests {
    use hayro_interpret::kurbo::Vec2;

    use super::*;

    const HEIGHT: f64 = 842.0;

    fn line(text: &str, y: f64) -> Line {
        Line {
            at: Vec2::new(72.0, y),
            down: y,
            em: 10.0,
            is_apart: false,
            ..Line::apart(text.to_owned())
        }
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
        drop_repeated(&mut pages, &[HEIGHT; 20]);
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
        drop_repeated(&mut pages, &[HEIGHT; 20]);
        assert_eq!(pages.iter().map(Vec::len).sum::<usize>(), 10);
    }

    #[test]
    fn a_few_pages_have_their_own_too_around_a_text() {
        let page = |header: &str, number: usize| {
            let texts = (0..5u8).map(|i| line(&"y".repeat(number), 300.0 + 14.0 * f64::from(i)));
            let foot = line(&format!("{number}/3"), 800.0);
            [line(header, 40.0)].into_iter().chain(texts).chain([foot]).collect::<Vec<_>>()
        };
        let mut pages: Vec<_> = (1..=3).map(|number| page("Minutes", number)).collect();
        drop_repeated(&mut pages, &[HEIGHT; 3]);
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [6, 5, 5]);
        // Of left and right pages that mirror each other.
        let headers = ["News 2023", "2023 News"];
        let mut pages: Vec<_> = (0..5).map(|number| page(headers[number % 2], number)).collect();
        drop_repeated(&mut pages, &[HEIGHT; 5]);
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [6, 5, 5, 5, 5]);
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
        drop_repeated(&mut pages, &[HEIGHT; 20]);
        let headers = texts(&pages).concat().iter().filter(|text| text.starts_with("Ch")).count();
        assert_eq!(headers, 4);
    }

    #[test]
    fn a_short_document_and_a_line_that_moves_are_left_alone() {
        let ticket = |i: usize| vec![line("Admit one", 40.0), line(&"y".repeat(i + 1), 60.0)];
        let mut tickets: Vec<_> = (0..3).map(ticket).collect();
        drop_repeated(&mut tickets, &[HEIGHT; 3]);
        assert!(tickets.iter().all(|page| page.len() == 2));
        let mut moving: Vec<_> =
            (0..9u8).map(|i| vec![line("yes", 40.0 + f64::from(i) * 30.0)]).collect();
        drop_repeated(&mut moving, &[HEIGHT; 9]);
        assert!(moving.iter().all(|page| page.len() == 1));
    }

    #[test]
    fn lines_with_numbers_of_their_own_stay() {
        // A row of a table at the same height on each page, a ticket a page, and questions at the top of the text.
        let row = |page: usize| {
            vec![line("Statement", 30.0), line(&format!("{} 17", page * 7919), 100.0)]
        };
        let mut rows: Vec<_> = (1..=6).map(row).collect();
        let mut tickets: Vec<_> =
            (1..=6).map(|i| vec![line(&format!("Ticket {i}"), 60.0)]).collect();
        let question = |page: usize| {
            let texts = (0..9u8).map(|i| line(&"y".repeat(page + 1), 94.0 + 14.0 * f64::from(i)));
            std::iter::once(line(&format!("Question {page}"), 80.0)).chain(texts).collect()
        };
        let mut questions: Vec<Vec<_>> = (1..=6).map(question).collect();
        for pages in [&mut rows, &mut tickets, &mut questions] {
            drop_repeated(pages, &[HEIGHT; 6]);
        }
        assert_eq!(texts(&rows)[5], ["47514 17"]);
        assert_eq!(texts(&tickets)[5], ["Ticket 6"]);
        assert_eq!(texts(&questions)[5][0], "Question 6");
    }
}
