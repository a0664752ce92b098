//! Glyphs in the order in which they are drawn become lines of text. That order is kept, but for lines that are drawn
//! [across columns](columns): programs that set text draw one column after the other, and sorting by height would mix them.

use std::ops::Range;

use hayro_interpret::kurbo::Vec2;

use super::bidi;
use super::characters;
use super::columns;
use super::page::{Collector, Glyph};

/// The gap between two glyphs, in ems, that stands for a space.
const SPACE: f64 = 0.16;
/// The gap, in ems, that separates the cells of a table.
const CELL: f64 = 2.0;
/// The widest gap, in ems, within a line whose letters are read from right to left.
const WIDEST: f64 = 60.0;

/// A line of text. Its place is measured along the direction in which it runs (`start`, `end`) and across it (`down`),
/// so that lines of any direction compare with their like.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) down: f64,
    pub(super) along: Vec2,
    pub(super) em: f64,
    /// Whether its paragraph runs from right to left.
    pub(super) runs_to_the_left: bool,
    /// Where it begins on the page as it is shown, from the top left.
    pub(super) at: Vec2,
    /// Whether it consists of cells with wide gaps between them.
    pub(super) has_cells: bool,
    /// Whether it is a paragraph of its own.
    pub(super) is_apart: bool,
}

impl Line {
    /// A paragraph that has no place on the page.
    pub(super) fn apart(text: String) -> Self {
        Self {
            text,
            start: 0.0,
            end: 0.0,
            down: 0.0,
            along: Vec2::new(1.0, 0.0),
            em: 1.0,
            runs_to_the_left: false,
            at: Vec2::new(0.0, f64::MAX),
            has_cells: false,
            is_apart: true,
        }
    }
}

/// The lines of a page, in the order in which they are read.
pub(super) fn lines(page: &Collector<'_, '_>) -> Vec<Line> {
    let glyphs = &page.glyphs;
    let mut lines = Vec::new();
    let mut first = 0;
    for i in 1..=glyphs.len() {
        if i == glyphs.len() || breaks(&glyphs[i - 1], &glyphs[i]) {
            lines.push(first..i);
            first = i;
        }
    }
    let seen = |glyphs| line(page, &page.glyphs[glyphs]);
    if !page.has_right_to_left {
        return columns::ordered(page, &lines).into_iter().filter_map(seen).map(read).collect();
    }
    lines = with_baselines_joined(glyphs, &lines);
    let lines = columns::ordered(page, &lines).into_iter();
    let mut lines: Vec<Seen> = lines.filter_map(seen).collect();
    find_directions(&mut lines);
    lines.into_iter().map(read).collect()
}

/// Whether a new line begins with `next`.
fn breaks(last: &Glyph, next: &Glyph) -> bool {
    let em = last.em.max(next.em);
    let moved = next.at - last.end;
    let (along, across) = (moved.dot(last.along), moved.cross(last.along).abs());
    if last.along.dot(next.along) < 0.9 || across > 0.6 * em {
        return true;
    }
    if last.is_right_to_left || next.is_right_to_left {
        return along.abs() > WIDEST * em;
    }
    along < -0.6 * em || (across > 0.3 * em && along > em)
}

/// The lines of a page, where those on one baseline are one if any of their letters are read from right to left: many
/// programs draw the words and numbers of such a line one after the other from its right end.
fn with_baselines_joined(glyphs: &[Glyph], lines: &[Range<usize>]) -> Vec<Range<usize>> {
    let is_same = |before: &Range<usize>, after: &Range<usize>| {
        let (last, next) = (&glyphs[before.end - 1], &glyphs[after.start]);
        let em = last.em.max(next.em);
        let moved = next.at - last.end;
        let is_level = last.along.dot(next.along) >= 0.9
            && moved.cross(last.along).abs() <= 0.3 * em
            && moved.dot(last.along).abs() <= WIDEST * em;
        let overlap = || {
            let before = extent(&glyphs[before.clone()], last.along);
            let after = extent(&glyphs[after.clone()], last.along);
            before.end.min(after.end) - before.start.max(after.start)
        };
        is_level && overlap() <= 0.6 * em
    };
    let mut joined = Vec::with_capacity(lines.len());
    for baseline in lines.chunk_by(is_same) {
        let whole = baseline[0].start..baseline[baseline.len() - 1].end;
        if glyphs[whole.clone()].iter().any(|glyph| glyph.is_right_to_left) {
            joined.push(whole);
        } else {
            joined.extend_from_slice(baseline);
        }
    }
    joined
}

/// A line as it is seen.
struct Seen {
    /// Its text is what is seen from left to right.
    line: Line,
    /// Whether any of its letters are read from right to left.
    has_right_to_left: bool,
}

/// Finds out which paragraphs run from right to left: their lines may begin with words that do not.
fn find_directions(lines: &mut [Seen]) {
    let is_below = |above: &Seen, line: &Seen| {
        let (above, line) = (&above.line, &line.line);
        let distance = (line.down - above.down) / above.em;
        above.along.dot(line.along) > 0.9
            && (0.3..2.0).contains(&distance)
            && (0.8..1.25).contains(&(line.em / above.em))
            && line.start < above.end
            && line.end > above.start
    };
    for paragraph in lines.chunk_by_mut(is_below) {
        let letters: Vec<_> = paragraph.iter().map(|seen| bidi::letters(&seen.line.text)).collect();
        for (i, seen) in paragraph.iter_mut().enumerate() {
            // Paragraphs of other directions may follow without a gap: only the lines next to it tell.
            let near = &letters[i.saturating_sub(1)..letters.len().min(i + 2)];
            let (to_the_left, to_the_right) = near.iter().fold((0, 0), |sum, letters| {
                (sum.0 + letters.to_the_left, sum.1 + letters.to_the_right)
            });
            seen.line.runs_to_the_left = to_the_left > 0 && to_the_left >= to_the_right;
        }
    }
}

/// A line as it is read.
fn read(seen: Seen) -> Line {
    let Seen { mut line, has_right_to_left } = seen;
    if has_right_to_left {
        line.text = bidi::logical(&line.text, line.runs_to_the_left);
    }
    let text = characters::compose(line.text);
    let (text, has_leaders) = without_leaders(text.trim());
    line.text = without_soft_hyphens(text);
    line.has_cells |= has_leaders;
    line
}

fn line(page: &Collector<'_, '_>, glyphs: &[Glyph]) -> Option<Seen> {
    let first = glyphs.first()?;
    let along = first.along;
    let is_right_to_left = glyphs.iter().any(|glyph| glyph.is_right_to_left);
    let mut order: Vec<&Glyph> = glyphs.iter().collect();
    if is_right_to_left {
        order.sort_by(|a, b| a.at.dot(along).total_cmp(&b.at.dot(along)));
    }
    let (text, has_cells) = text(page, &order, is_right_to_left);
    if text.trim().is_empty() {
        return None;
    }
    let Range { start, end } = extent(glyphs, along);
    let line = Line {
        text,
        start,
        end,
        down: first.at.dot(Vec2::new(-along.y, along.x)),
        along,
        em: glyphs[glyphs.len() / 2].em,
        runs_to_the_left: false,
        at: first.at,
        has_cells,
        is_apart: false,
    };
    Some(Seen { line, has_right_to_left: is_right_to_left })
}

/// How far glyphs reach along a direction.
fn extent(glyphs: &[Glyph], along: Vec2) -> Range<f64> {
    let places = || glyphs.iter().flat_map(|glyph| [glyph.at.dot(along), glyph.end.dot(along)]);
    places().fold(f64::MAX, f64::min)..places().fold(f64::MIN, f64::max)
}

/// The text of a line's glyphs from left to right, and whether it has gaps like those between cells.
fn text(page: &Collector<'_, '_>, order: &[&Glyph], is_right_to_left: bool) -> (String, bool) {
    let mut text = String::new();
    let mut has_cells = false;
    let mut mark = None;
    // A glyph without a meaning is as good as a gap.
    let mut last_said: Option<&Glyph> = None;
    let space = space(page, order);
    for (i, glyph) in order.iter().enumerate() {
        let said = page.text_of(glyph);
        if let Some(last) = i.checked_sub(1).and_then(|i| order.get(i)) {
            let gap_after = |last: &Glyph| (glyph.at - last.end).dot(last.along);
            let em = glyph.em.min(last.em);
            has_cells |= gap_after(last) > CELL * em;
            let gap = last_said.map_or(0.0, gap_after).max(gap_after(last));
            let is_apart = (gap > space * em && mark.is_none()) || is_note(page, order, i, &text);
            if is_apart && !said.is_empty() && !text.ends_with(' ') && !said.starts_with(' ') {
                text.push(' ');
            }
            if let Some(accent) = accent(said).filter(|_| lies_over(glyph, last)) {
                characters::accent(&mut text, accent);
                continue;
            }
        }
        if !said.is_empty() {
            last_said = Some(glyph);
        }
        if let Some(next) = order.get(i + 1)
            && let Some(accent) = accent(said).filter(|_| lies_over(glyph, next))
            && page.text_of(next).chars().all(char::is_alphabetic)
        {
            mark = Some(accent);
            continue;
        }
        if is_right_to_left && glyph.is_right_to_left {
            text.extend(said.chars().rev());
        } else {
            text.push_str(said);
        }
        if let Some(accent) = mark.take() {
            characters::accent(&mut text, accent);
        }
    }
    (text, has_cells)
}

/// The gap between two glyphs of a line, in ems, that stands for a space. In a line whose letters are set apart, as in some
/// headings, it is wider than that between its letters.
fn space(page: &Collector<'_, '_>, order: &[&Glyph]) -> f64 {
    /// Letters that a line has at least before it is taken for one that is set apart.
    const LETTERS: usize = 6;
    /// The widest gap between such letters, in ems: cells of a table are further apart.
    const WIDEST: f64 = 0.8;
    let is_word = |glyph: &Glyph| page.text_of(glyph).chars().all(char::is_alphabetic);
    let mut gaps = Vec::with_capacity(order.len());
    for pair in order.windows(2) {
        let (last, next) = (pair[0], pair[1]);
        let gap = (next.at - last.end).dot(last.along) / next.em.min(last.em);
        // Characters that lead to a page number are letters in some scripts.
        if is_word(last) && is_word(next) && page.text_of(last) != page.text_of(next) {
            gaps.push(gap);
        }
    }
    let count = gaps.len();
    if count < LETTERS || count * 3 < order.len() * 2 {
        return SPACE;
    }
    let mut smallest = |n: usize| *gaps.select_nth_unstable_by(n, f64::total_cmp).1;
    let narrow = smallest(count / 10);
    if narrow <= SPACE {
        return SPACE;
    }
    let usual = smallest(count / 2);
    let is_set_apart = usual < WIDEST && usual < 1.5 * narrow;
    if is_set_apart { usual * 1.6 } else { SPACE }
}

/// Whether a glyph meets the one before it at the number or the letter of a note: one that is raised behind a word, or
/// before the text of the note. What looks like a power or a unit, with less than a word before it, is none, nor are
/// letters that end a number in words, such as those of `XIXe` and `24th`.
fn is_note(page: &Collector<'_, '_>, order: &[&Glyph], i: usize, text: &str) -> bool {
    const WORD: usize = 3;
    let (last, glyph) = (order[i - 1], order[i]);
    let raised = (last.at - glyph.at).cross(last.along);
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_letter = |text: &str| matches!(text.as_bytes(), [b'a'..=b'z']);
    let said = page.text_of(glyph);
    if glyph.em < 0.85 * last.em && raised < -0.15 * last.em {
        let before = text.chars().rev().take(WORD);
        let follows = |kind: fn(char) -> bool| before.filter(|c| kind(*c)).count() == WORD;
        if is_number(said) {
            return follows(char::is_alphabetic);
        }
        let word = order.get(i.saturating_sub(WORD)..i).unwrap_or_default();
        let next = order.get(i + 1).filter(|next| next.em < 0.85 * last.em);
        return is_letter(said)
            && follows(char::is_lowercase)
            && word.iter().all(|glyph| (glyph.em - last.em).abs() < 0.01 * last.em)
            && next.is_none_or(|next| !page.text_of(next).starts_with(char::is_alphabetic));
    }
    last.em < 0.85 * glyph.em
        && raised > 0.15 * glyph.em
        && (is_number(text) && is_number(page.text_of(last)) || is_letter(text))
        && said.starts_with(char::is_alphabetic)
}

fn accent(said: &str) -> Option<char> {
    let mut characters = said.chars();
    let only = characters.next().filter(|_| characters.next().is_none())?;
    characters::combining(only)
}

/// Whether a glyph covers most of the width of another one.
fn lies_over(glyph: &Glyph, other: &Glyph) -> bool {
    let along = other.along;
    let (start, end) = (glyph.at.dot(along), glyph.end.dot(along));
    let (left, right) = (other.at.dot(along), other.end.dot(along));
    let (width, overlap) = ((end - start).min(right - left), end.min(right) - start.max(left));
    width > 0.0 && overlap > 0.6 * width
}

/// Drops the dots that lead from a heading to its page number, and soft hyphens but for one at the end, which
/// [`paragraphs`](super::paragraphs) needs.
fn without_leaders(text: &str) -> (String, bool) {
    const DOTS: usize = 4;
    let mut kept = String::with_capacity(text.len());
    let mut has_leaders = false;
    let mut rest = text;
    while let Some(at) = rest.find('.') {
        let dots = rest[at..].bytes().take_while(|byte| matches!(byte, b'.' | b' ')).count();
        let run = &rest[at..at + dots];
        if run.bytes().filter(|byte| *byte == b'.').count() >= DOTS {
            kept.push_str(rest[..at].trim_end());
            kept.push(' ');
            has_leaders = true;
        } else {
            kept.push_str(&rest[..at + dots]);
        }
        rest = &rest[at + dots..];
    }
    kept.push_str(rest);
    (if has_leaders { kept.trim_end().to_owned() } else { kept }, has_leaders)
}

fn without_soft_hyphens(text: String) -> String {
    const SOFT: char = '\u{ad}';
    if !text.contains(SOFT) {
        return text;
    }
    let mut kept: String = text.chars().filter(|c| *c != SOFT).collect();
    if text.ends_with(SOFT) {
        kept.push(SOFT);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaders_and_soft_hyphens_go() {
        assert_eq!(
            without_leaders("1.2 Scope . . . . . . . 12"),
            ("1.2 Scope 12".to_owned(), true)
        );
        assert_eq!(without_leaders("Wait ... e.g. 1.5"), ("Wait ... e.g. 1.5".to_owned(), false));
        assert_eq!(without_soft_hyphens("a\u{ad}b\u{ad}".to_owned()), "ab\u{ad}");
    }
}
