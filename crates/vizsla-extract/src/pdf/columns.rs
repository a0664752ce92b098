//! Columns whose lines are drawn across them, the first line of each, then the second of each, are read one after the
//! other, unless they are the cells of a table. In: the glyphs of a page, and which of them make lines. Out: the lines,
//! each within its column.

use std::ops::Range;

use super::characters::is_unspaced;
use super::page::{Collector, Glyph};

/// The gap, in ems, that may be one between columns.
const GUTTER: f64 = 1.2;
/// Columns that a page has at most, and pieces of a line of them; more are a table.
const MOST_COLUMNS: usize = 8;
const MOST_PIECES: usize = 32;
/// Lines that a column has at least.
const LEAST_LINES: usize = 5;
/// How often the text goes from one column to another at least.
const LEAST_SWITCHES: usize = 8;
/// How wide a column is at least, in ems.
const LEAST_WIDTH: f64 = 8.0;
/// Letters that a line of a column has at least.
const LEAST_LETTERS: f64 = 18.0;
/// The distance between lines, in ems, at which columns end.
const LEAP: f64 = 2.2;

/// A piece of a line between two gaps.
#[derive(Debug, Clone)]
struct Piece {
    /// The line that it is part of.
    line: usize,
    glyphs: Range<usize>,
    start: f64,
    end: f64,
    down: f64,
    em: f64,
}

/// The lines of a page in the order in which they are read. `lines` are in the order in which they are drawn.
pub(super) fn ordered(page: &Collector<'_, '_>, lines: &[Range<usize>]) -> Vec<Range<usize>> {
    let pieces: Vec<Vec<Piece>> =
        lines.iter().enumerate().map(|(i, line)| pieces(&page.glyphs, i, line)).collect();
    let mut ordered = Vec::with_capacity(lines.len());
    // Where the lines begin that are in no run.
    let (mut free, mut at) = (0, 0);
    while at < lines.len() {
        let run = if begins_columns(&pieces[at..]) { run(&pieces[at..]) } else { None };
        let Some(mut run) = run else {
            ordered.push(lines[at].clone());
            at += 1;
            continue;
        };
        if is_prose(page, &run.columns) || is_index(page, &run.columns) {
            let before = above(&run.columns, &pieces[free..at], &pieces[at][0]);
            ordered.truncate(ordered.len() - before.len());
            for line in before.iter().rev() {
                line.iter().rev().for_each(|piece| put_before(&mut run.columns, piece));
            }
            ordered.extend(run.columns.iter().flat_map(|column| joined(&column.pieces)));
        } else {
            ordered.extend_from_slice(&lines[at..at + run.lines]);
        }
        at += run.lines;
        free = at;
    }
    ordered
}

/// The last of the lines that precede columns, as far as they are within them: the first lines of each column may be drawn
/// one after the other.
fn above<'p>(columns: &[Column], before: &'p [Vec<Piece>], first: &'p Piece) -> &'p [Vec<Piece>] {
    let (mut start, mut next) = (before.len(), first);
    while let Some(line) = start.checked_sub(1).map(|above| &before[above])
        && let Some(piece) = line.first()
        && !leaps(piece, next)
        && line.iter().all(|piece| is_within(columns, piece))
    {
        (start, next) = (start - 1, piece);
    }
    &before[start..]
}

fn is_within(columns: &[Column], piece: &Piece) -> bool {
    columns.iter().filter(|column| overlaps(column, piece)).count() == 1
}

fn put_before(columns: &mut [Column], piece: &Piece) {
    if let Some(column) = columns.iter_mut().find(|column| overlaps(column, piece)) {
        column.pieces.insert(0, piece.clone());
    }
}

/// Whether columns end between two lines.
fn leaps(last: &Piece, next: &Piece) -> bool {
    let moved = next.down - last.down;
    moved > LEAP * last.em || moved < -1.5 * last.em
}

/// The pieces of a line that runs to the right; none of any other.
fn pieces(glyphs: &[Glyph], line: usize, range: &Range<usize>) -> Vec<Piece> {
    let inner = &glyphs[range.clone()];
    let is_straight = |glyph: &Glyph| glyph.along.x > 0.99 && !glyph.is_right_to_left;
    if !inner.iter().all(is_straight) {
        return Vec::new();
    }
    let mut pieces = Vec::new();
    let mut first = range.start;
    for i in range.clone() {
        let next = glyphs[i + 1..range.end].first();
        let is_end = next
            .is_none_or(|next| next.at.x - glyphs[i].end.x > GUTTER * next.em.min(glyphs[i].em));
        if is_end {
            let (head, tail) = (&glyphs[first], &glyphs[i]);
            pieces.push(Piece {
                line,
                glyphs: first..i + 1,
                start: head.at.x,
                end: tail.end.x,
                down: head.at.y,
                em: head.em,
            });
            first = i + 1;
        }
    }
    pieces
}

/// Whether a line goes on in another column, or the next line does, at about the same height.
fn begins_columns(pieces: &[Vec<Piece>]) -> bool {
    let Some(last) = pieces[0].last() else { return false };
    let goes_on = |next: &Piece| {
        next.start > last.end + GUTTER * last.em && (next.down - last.down).abs() < 1.2 * last.em
    };
    pieces[0].len() > 1 || pieces.get(1).and_then(|next| next.first()).is_some_and(goes_on)
}

/// Lines one below the other, in columns.
struct Run {
    /// How many lines there are.
    lines: usize,
    columns: Vec<Column>,
}

/// Pieces one below the other, and how far to the left and right they reach.
#[derive(Default)]
struct Column {
    start: f64,
    end: f64,
    pieces: Vec<Piece>,
}

/// The lines up to the first one that crosses the gaps between columns; `None` when there are no columns.
fn run(lines: &[Vec<Piece>]) -> Option<Run> {
    let mut columns: Vec<Column> = Vec::new();
    let (mut count, mut switches, mut last): (usize, usize, Option<&Piece>) = (0, 0, None);
    for line in lines {
        let Some(first) = line.first() else { break };
        if columns.len() > MOST_COLUMNS || line.len() > MOST_PIECES {
            return None;
        }
        if last.is_some_and(|last| leaps(last, first))
            || line.iter().any(|piece| crosses(&columns, piece))
        {
            break;
        }
        for piece in line {
            let is_switch =
                last.is_some_and(|last| piece.start > last.end || piece.end < last.start);
            switches += usize::from(is_switch);
            add(&mut columns, piece);
            last = Some(piece);
        }
        count += 1;
    }
    columns.sort_by(|a, b| a.start.total_cmp(&b.start));
    (columns.len() > 1 && switches >= LEAST_SWITCHES).then_some(Run { lines: count, columns })
}

fn overlaps(column: &Column, piece: &Piece) -> bool {
    piece.start < column.end + GUTTER * piece.em && piece.end > column.start - GUTTER * piece.em
}

/// Whether a piece reaches over more than one column.
fn crosses(columns: &[Column], piece: &Piece) -> bool {
    columns.iter().filter(|column| overlaps(column, piece)).count() > 1
}

fn add(columns: &mut Vec<Column>, piece: &Piece) {
    let known = columns.iter().position(|column| overlaps(column, piece));
    let number = known.unwrap_or_else(|| {
        columns.push(Column { start: piece.start, end: piece.end, pieces: Vec::new() });
        columns.len() - 1
    });
    let column = &mut columns[number];
    column.start = column.start.min(piece.start);
    column.end = column.end.max(piece.end);
    column.pieces.push(piece.clone());
}

/// Pieces that belong to one line again, where a gap was within a column.
fn joined(pieces: &[Piece]) -> Vec<Range<usize>> {
    let mut lines: Vec<(usize, Range<usize>)> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some((line, glyphs)) if *line == piece.line && glyphs.end == piece.glyphs.start => {
                glyphs.end = piece.glyphs.end;
            }
            _ => lines.push((piece.line, piece.glyphs.clone())),
        }
    }
    lines.into_iter().map(|(_, glyphs)| glyphs).collect()
}

/// Whether all columns are running text, and about as long.
fn is_prose(page: &Collector<'_, '_>, columns: &[Column]) -> bool {
    let lines: Vec<_> = columns.iter().map(|column| joined(&column.pieces)).collect();
    let most = lines.iter().map(Vec::len).max().unwrap_or_default();
    let mut both = columns.iter().zip(&lines);
    both.all(|(column, lines)| lines.len() * 2 > most && is_text(page, column, lines))
}

/// Whether a column is running text: its lines are long, fill it, and follow each other evenly, and sentences go on from
/// one to the next. Cells of a table do not, nor do the words that they explain.
fn is_text(page: &Collector<'_, '_>, column: &Column, lines: &[Range<usize>]) -> bool {
    let glyphs = |line: &Range<usize>| &page.glyphs[line.clone()];
    let em = column.pieces[column.pieces.len() / 2].em;
    let width = column.end - column.start;
    let reach =
        |line: &Range<usize>| glyphs(line).last().map_or(0.0, |last| last.end.x - column.start);
    let said = |line: &Range<usize>| -> String {
        glyphs(line).iter().map(|glyph| page.text_of(glyph)).collect()
    };
    let down = |line: &Range<usize>| glyphs(line).first().map_or(0.0, |first| first.at.y);
    let texts: Vec<String> = lines.iter().map(said).collect();
    let letters = |text: &String| text.chars().map(letters).sum::<f64>();
    let distances: Vec<f64> =
        lines.windows(2).map(|pair| down(&pair[1]) - down(&pair[0])).collect();
    let usual = median(distances.clone());
    let even = distances.iter().filter(|distance| (**distance - usual).abs() < 0.3 * em).count();
    let is_full = |line: &Range<usize>| reach(line) > 0.9 * width;
    let pairs = texts.windows(2).zip(lines);
    let going_on = pairs.filter(|(pair, line)| goes_on(&pair[0], &pair[1], is_full(line))).count();
    lines.len() >= LEAST_LINES
        && width > LEAST_WIDTH * em
        && median(lines.iter().map(reach).collect()) > 0.7 * width
        && median(texts.iter().map(letters).collect()) > LEAST_LETTERS
        && even * 4 >= distances.len() * 3
        && going_on * 3 >= distances.len()
}

/// How many letters a character is worth: one of Chinese or Japanese is as wide as two.
fn letters(c: char) -> f64 {
    f64::from(u8::from(c.is_alphabetic())) * if is_unspaced(c) { 2.0 } else { 1.0 }
}

/// Whether a sentence goes on from one line to the next. In scripts without capitals only a line that is full tells.
fn goes_on(above: &str, below: &str, is_full: bool) -> bool {
    let is_open =
        |c: char| c.is_alphabetic() || matches!(c, ',' | '-' | '\u{2010}' | '\u{ad}' | '、' | '，');
    let has_no_case = |c: char| c.is_alphabetic() && !c.is_uppercase();
    let goes_on = |c: char| c.is_lowercase() || is_full && has_no_case(c);
    above.trim_end().ends_with(is_open) && below.trim_start().starts_with(goes_on)
}

/// Whether the columns are in alphabetical order, each and one after the other, as those of an index. Tables have one
/// such column, or several that begin anew.
fn is_index(page: &Collector<'_, '_>, columns: &[Column]) -> bool {
    let entries: Vec<Vec<String>> = columns.iter().map(|column| entries(page, column)).collect();
    let all: Vec<&String> = entries.iter().flatten().collect();
    let pairs = || all.windows(2).map(|pair| pair[0].cmp(pair[1]));
    let (rising, falling) =
        (pairs().filter(|it| it.is_lt()).count(), pairs().filter(|it| it.is_gt()).count());
    let goes_on = |pair: &[Vec<String>]| pair[0].last() <= pair[1].first();
    entries.iter().all(|entries| entries.len() >= LEAST_LINES)
        && entries.windows(2).all(goes_on)
        && falling * 10 <= all.len()
        && rising * 2 >= all.len()
}

/// The first words, in lower case, of the lines that begin at the left edge of a column.
fn entries(page: &Collector<'_, '_>, column: &Column) -> Vec<String> {
    let word = |line: Range<usize>| {
        let glyphs = &page.glyphs[line];
        let first = glyphs.first().filter(|first| first.at.x < column.start + 0.5 * first.em)?;
        let is_letter = |glyph: &&Glyph| page.text_of(glyph).starts_with(char::is_alphabetic);
        let said: String =
            glyphs.iter().take_while(is_letter).map(|glyph| page.text_of(glyph)).collect();
        (first.em > 0.0 && !said.is_empty()).then(|| said.to_lowercase())
    };
    joined(&column.pieces).into_iter().filter_map(word).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
