//! The values of form fields, read where their fields stand: behind the label beside a field or above it. In: the fields
//! of a page and its glyphs, of which the last are those that annotations draw. Out: the glyphs in the order in which they
//! are read.

use hayro_interpret::kurbo::{Affine, Rect, Vec2};
use hayro_syntax::object::{self, Array, Dict, Name, Object};

use super::objects;
use super::page::{Collector, Glyph};

/// Fields of a page that are given a place, and glyphs among which their labels are looked for.
const MOST_FIELDS: usize = 1000;
const MOST_GLYPHS: usize = 100_000;
/// Bytes of the values of a page: many fields may share a long one.
const MOST_TEXT: usize = 4 << 20;
/// How many fields a field may be inside of.
const DEPTH: usize = 32;
/// The flag of a field whose value is a password.
const PASSWORD: i32 = 1 << 13;

/// A form field.
pub(super) struct Field {
    /// Where it stands on the page as it is shown.
    area: Rect,
    value: Option<String>,
    is_password: bool,
}

/// The fields among annotations.
pub(super) fn of(annotations: &[Dict<'_>], shown: Affine) -> Vec<Field> {
    let is_field = |annotation: &&Dict<'_>| {
        annotation.get::<Name<'_>>(b"Subtype").is_some_and(|kind| kind.as_ref() == b"Widget")
    };
    let mut left = MOST_TEXT;
    let field = |annotation| {
        let field = Field::of(annotation, shown, left > 0);
        left = left.saturating_sub(field.value.as_ref().map_or(0, String::len));
        field
    };
    annotations.iter().filter(is_field).map(field).collect()
}

impl Field {
    fn of(annotation: &Dict<'_>, shown: Affine, has_room: bool) -> Self {
        let area = annotation.get::<object::Rect>(b"Rect").map_or(Rect::ZERO, |area| {
            shown.transform_rect_bbox(Rect::new(area.x0, area.y0, area.x1, area.y1))
        });
        let flags = match inherited(annotation, b"Ff") {
            Some(Object::Number(flags)) => flags.as_i64() as i32,
            _ => 0,
        };
        let is_password = flags & PASSWORD != 0;
        let can_say = has_room && !is_password;
        let value = can_say.then(|| inherited(annotation, b"V")).flatten().and_then(value);
        Self { area, value, is_password }
    }

    fn holds(&self, glyph: &Glyph) -> bool {
        let (area, at) = (self.area.inflate(1.0, 1.0), glyph.at);
        (area.x0..=area.x1).contains(&at.x) && (area.y0..=area.y1).contains(&at.y)
    }

    /// Glyphs that say the value, a line each.
    fn written(&self, page: &mut Collector<'_, '_>, value: &str) -> Vec<Glyph> {
        let em = (0.7 * self.area.height()).clamp(6.0, 12.0);
        let lines = value.lines().filter(|line| !line.trim().is_empty()).zip(1_u32..);
        let down = |row: u32| self.area.y0 + em * (1.2 * f64::from(row) - 0.2);
        lines.map(|(line, row)| page.whole(line, Vec2::new(self.area.x0, down(row)), em)).collect()
    }
}

/// What a field has, or the fields that it is inside of.
fn inherited<'a>(field: &Dict<'a>, key: &[u8]) -> Option<Object<'a>> {
    let mut field = field.clone();
    for _ in 0..DEPTH {
        if let Some(found) = field.get::<Object<'_>>(key) {
            return Some(found);
        }
        field = field.get::<Dict<'_>>(b"Parent")?;
    }
    None
}

fn value(object: Object<'_>) -> Option<String> {
    let value = match object {
        Object::String(value) => objects::text(&value),
        Object::Array(values) => strings(&values),
        _ => return None,
    };
    Some(value).filter(|value| !value.trim().is_empty())
}

fn strings(values: &Array<'_>) -> String {
    let values = values.iter::<object::String<'_>>().map(|value| objects::text(&value));
    values.collect::<Vec<_>>().join(", ")
}

/// Puts what fields say behind their labels, and leaves out passwords. The first glyphs, `own`, are those that the page
/// draws itself. Returns the values that have no place and that nothing draws, as when their appearance uses a font that
/// only the form has.
pub(super) fn place(page: &mut Collector<'_, '_>, own: usize, fields: &[Field]) -> Vec<String> {
    if fields.is_empty() {
        return Vec::new();
    }
    let own = own.min(page.glyphs.len());
    let can_place = page.glyphs.len() <= MOST_GLYPHS && !page.is_unreadable();
    let (parts, mut rest) = parts(page.glyphs.split_off(own), fields);
    let drawn = page.without_spaces();
    let is_drawn = |value: &str| {
        let value: String = value.split_whitespace().collect();
        drawn.contains(&value) || drawn.contains(&value.chars().rev().collect::<String>())
    };
    let rows = rows(if can_place { &page.glyphs } else { &[] });
    let (mut placed, mut unplaced) = (Vec::new(), Vec::new());
    for (number, (field, mut glyphs)) in fields.iter().zip(parts).enumerate() {
        let missing = field.value.as_deref().filter(|value| !is_drawn(value));
        let drawn = glyphs.len();
        glyphs.extend(missing.into_iter().flat_map(|value| field.written(page, value)));
        let first = glyphs.first().filter(|first| first.along.x > 0.99 && number < MOST_FIELDS);
        let label = first.and_then(|first| label(&page.glyphs, &rows, field.area, first));
        if let Some((after, down)) = label {
            glyphs.iter_mut().for_each(|glyph| glyph.move_by(Vec2::new(0.0, down)));
            placed.push(Placed { after, at: field.area.origin().to_vec2(), glyphs });
        } else {
            unplaced.extend(missing.map(str::to_owned));
            rest.extend(glyphs.into_iter().take(drawn));
        }
    }
    page.glyphs = merged(std::mem::take(&mut page.glyphs), placed);
    page.glyphs.extend(rest);
    unplaced
}

/// What a field says, which stands at a place and is read after a glyph of the page.
struct Placed {
    after: usize,
    at: Vec2,
    glyphs: Vec<Glyph>,
}

fn merged(glyphs: Vec<Glyph>, mut placed: Vec<Placed>) -> Vec<Glyph> {
    placed.sort_by_key(|placed| (placed.after, placed.at.y as i64, placed.at.x as i64));
    let mut merged = Vec::with_capacity(glyphs.len());
    let mut placed = placed.into_iter().peekable();
    for (index, glyph) in glyphs.into_iter().enumerate() {
        merged.push(glyph);
        while let Some(placed) = placed.next_if(|placed| placed.after == index) {
            merged.extend(placed.glyphs);
        }
    }
    merged
}

/// The glyphs that annotations draw, by the field that they stand in, and those in none. Fields are drawn in their order,
/// and what they say may be longer than they are.
fn parts(glyphs: Vec<Glyph>, fields: &[Field]) -> (Vec<Vec<Glyph>>, Vec<Glyph>) {
    let mut parts: Vec<Vec<Glyph>> = fields.iter().map(|_| Vec::new()).collect();
    let mut rest = Vec::new();
    if glyphs.len() > MOST_GLYPHS {
        return (parts, glyphs);
    }
    let mut at = 0;
    for run in runs(glyphs) {
        let next = || fields.iter().zip(0..).skip(at).take(MOST_FIELDS);
        let middle = run.get(run.len() / 2);
        let has_middle = |field: &Field| middle.is_some_and(|glyph| field.holds(glyph));
        let has_any = |field: &Field| run.iter().any(|glyph| field.holds(glyph));
        let found = next().find(|(field, _)| has_middle(field));
        match found.or_else(|| next().find(|(field, _)| has_any(field))) {
            Some((field, number)) => {
                at = number;
                if let Some(part) = parts.get_mut(at).filter(|_| !field.is_password) {
                    part.extend(run);
                }
            }
            None => rest.extend(run),
        }
    }
    (parts, rest)
}

/// Glyphs that follow each other without a gap.
fn runs(glyphs: Vec<Glyph>) -> Vec<Vec<Glyph>> {
    let mut runs: Vec<Vec<Glyph>> = Vec::new();
    for glyph in glyphs {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| follows(last, &glyph)) => run.push(glyph),
            _ => runs.push(vec![glyph]),
        }
    }
    runs
}

fn follows(last: &Glyph, next: &Glyph) -> bool {
    let (moved, em) = (next.at - last.end, last.em);
    moved.y.abs() <= 0.3 * em && (-0.6 * em..=0.8 * em).contains(&moved.x)
}

/// How far down glyphs are that run to the right, and their indices, from the top.
fn rows(glyphs: &[Glyph]) -> Vec<(f64, usize)> {
    let level = glyphs.iter().enumerate().filter(|(_, glyph)| glyph.along.x > 0.99);
    let mut rows: Vec<(f64, usize)> = level.map(|(i, glyph)| (glyph.at.y, i)).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows
}

/// The last glyph of the label of a field, and how far down what the field says, whose first glyph is given, has to move
/// to be on one line with it.
fn label(
    glyphs: &[Glyph],
    rows: &[(f64, usize)],
    area: Rect,
    first: &Glyph,
) -> Option<(usize, f64)> {
    let em = first.em;
    let top = area.y0 - 1.6 * em;
    let bottom = area.y1.min(area.y0 + 3.0 * em) + 0.3 * em;
    let from = rows.partition_point(|(y, _)| *y < top);
    let near = rows.get(from..).unwrap_or_default().iter().take_while(|(y, _)| *y <= bottom);
    let distances = near.filter_map(|(y, index)| {
        let (glyph, next) = (glyphs.get(*index)?, glyphs.get(index + 1));
        let ends = next.is_none_or(|next| !follows(glyph, next));
        let gap = if glyph.is_right_to_left { glyph.at.x - area.x1 } else { area.x0 - glyph.end.x };
        let down = y - first.at.y;
        // How far the label is above the top of the field.
        let above = (area.y0 + 0.2 * em - y).max(0.0);
        if (-0.5 * em..30.0 * em).contains(&gap) && (above == 0.0 || ends) {
            return Some((gap.max(0.0) + 8.0 * above + 0.5 * down.abs(), *index, down));
        }
        let is_over = ends && gap < 0.0 && glyph.at.x < area.x1 + 8.0 * em && down < -0.5 * em;
        is_over.then_some((4.0 * down.abs(), *index, 0.0))
    });
    let (_, after, down) = distances.min_by(|a, b| a.0.total_cmp(&b.0))?;
    Some((after, down))
}
