//! Collects what a page draws: glyphs with their places, and how much of it is covered by pictures.

use std::time::Instant;

use hayro_interpret::font::{Glyph as PdfGlyph, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::hayro_syntax::object::{self, Dict};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Vec2};
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
};
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::bidi;
use super::characters;
use super::fonts::{self, Fonts};
use super::objects;

/// Glyphs that are collected of one page.
const MAX_GLYPHS: usize = 1_000_000;
/// Glyphs that room is made for at once: those of a page of text.
const GLYPHS: usize = 4096;
/// Calls between two looks at the clock.
const CALLS_PER_LOOK: u32 = 64;
/// The share of glyphs without a meaning that makes a page, or a font, unreadable.
const UNREADABLE: f64 = 0.3;
/// Units of the coordinates of glyphs in an em.
const UNITS: f64 = 1000.0;

/// Why a page is left before its end, as the payload of an unwinding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Deadline,
    Glyphs,
}

/// A glyph at its place on the page as it is shown, whose y axis points down.
pub(super) struct Glyph {
    /// Where its text begins in [`Collector::text`], and how long it is. No text: its meaning is unknown.
    start: u32,
    len: u32,
    pub(super) at: Vec2,
    pub(super) end: Vec2,
    /// The direction in which text runs.
    pub(super) along: Vec2,
    pub(super) em: f64,
    pub(super) is_right_to_left: bool,
    /// Its font, or the run that it is shown in: see [`font`].
    font: u32,
    /// Whether its text is what the font's code would mean in a usual encoding.
    is_guess: bool,
}

impl Glyph {
    pub(super) fn move_by(&mut self, distance: Vec2) {
        self.at += distance;
        self.end += distance;
    }
}

/// A span of marked content.
struct Span {
    /// What it says instead of its glyphs.
    text: Option<String>,
    /// The glyphs before it.
    glyphs: usize,
    unknown: usize,
}

pub(super) struct Collector<'f, 'p> {
    pub(super) glyphs: Vec<Glyph>,
    text: String,
    pub(super) known: usize,
    pub(super) unknown: usize,
    /// Whether any glyph is read from right to left.
    pub(super) has_right_to_left: bool,
    /// The area that pictures cover; those that overlap count twice.
    pub(super) pictures: f64,
    /// How many shapes are filled.
    pub(super) shapes: usize,
    drawn: Drawn,
    spans: Vec<Span>,
    runs: u32,
    /// The font of the present run: looked up once for all its glyphs.
    font: u32,
    fonts: &'f mut Fonts<'p>,
    until: Instant,
    calls: u32,
}

impl<'f, 'p> Collector<'f, 'p> {
    pub(super) fn new(fonts: &'f mut Fonts<'p>, until: Instant) -> Self {
        Self {
            glyphs: Vec::with_capacity(GLYPHS),
            text: String::with_capacity(GLYPHS),
            known: 0,
            unknown: 0,
            has_right_to_left: false,
            pictures: 0.0,
            shapes: 0,
            drawn: Drawn::new(),
            spans: Vec::new(),
            runs: 0,
            font: 0,
            fonts,
            until,
            calls: 0,
        }
    }

    pub(super) fn text_of(&self, glyph: &Glyph) -> &str {
        self.text.get(glyph.start as usize..(glyph.start + glyph.len) as usize).unwrap_or_default()
    }

    /// All that is said, without spaces.
    pub(super) fn without_spaces(&self) -> String {
        self.text.split_whitespace().collect()
    }

    /// A glyph that stands for a whole text, in reading order, which no glyph of the page shows.
    pub(super) fn whole(&mut self, text: &str, at: Vec2, em: f64) -> Glyph {
        let start = self.text.len();
        text.chars().for_each(|c| characters::push(&mut self.text, c));
        Glyph {
            start: start as u32,
            len: (self.text.len() - start) as u32,
            at,
            end: at + Vec2::new(0.5 * em * text.chars().count() as f64, 0.0),
            along: Vec2::new(1.0, 0.0),
            em,
            is_right_to_left: false,
            font: 0,
            is_guess: false,
        }
    }

    /// Leaves the interpreter when the time is up: it has no budget of its own.
    fn tick(&mut self) {
        self.calls = self.calls.wrapping_add(1);
        if self.calls.is_multiple_of(CALLS_PER_LOOK) && Instant::now() > self.until {
            std::panic::resume_unwind(Box::new(Stop::Deadline));
        }
    }

    /// Appends what a glyph says to the text, and counts it. Returns whether that is a guess.
    fn say(&mut self, glyph: &PdfGlyph<'_>) -> bool {
        let meaning = match glyph.as_unicode() {
            Some(BfString::String(string)) if !string.chars().all(characters::is_private) => {
                string.chars().for_each(|c| characters::push(&mut self.text, c));
                self.known += 1;
                return false;
            }
            Some(BfString::Char(c)) if !characters::is_private(c) => Some(c),
            _ => self.fonts.meaning(glyph).filter(|c| !characters::is_private(*c)),
        };
        let guess = if meaning.is_none() { fonts::guess(glyph) } else { None };
        match meaning.or(guess) {
            Some(c) => characters::push(&mut self.text, c),
            None => self.unknown += 1,
        }
        self.known += usize::from(meaning.is_some());
        guess.is_some()
    }

    /// Decides, when the page is complete, what to make of guesses.
    pub(super) fn settle(&mut self) {
        let guesses = || self.glyphs.iter().filter(|glyph| glyph.is_guess);
        let count = guesses().count();
        if count == 0 {
            return;
        }
        let characters = guesses().flat_map(|glyph| self.text_of(glyph).chars());
        let reading = fonts::reading(characters, self.fonts.reading);
        self.fonts.reading = reading.or(self.fonts.reading);
        match reading {
            Some(_) => self.known += count,
            None => self.unknown += count,
        }
        for i in 0..self.glyphs.len() {
            if !self.glyphs[i].is_guess {
                continue;
            }
            let start = self.text.len();
            if let Some(reading) = reading {
                let read: Vec<char> = self.text_of(&self.glyphs[i]).chars().map(reading).collect();
                self.text.extend(read);
            }
            self.glyphs[i].start = start as u32;
            self.glyphs[i].len = (self.text.len() - start) as u32;
        }
    }

    /// Whether many glyphs have no meaning.
    pub(super) fn is_unreadable(&self) -> bool {
        is_unreadable(self.known, self.unknown)
    }

    /// Takes back what glyphs say whose fonts do not say what most of them mean: what they seem to say of the others is
    /// no text either. Symbols, such as those of music, leave the words beside them readable.
    pub(super) fn distrust_fonts(&mut self) {
        let mut fonts: FxHashMap<u32, (usize, usize)> = FxHashMap::default();
        for glyph in &self.glyphs {
            let (known, unknown) = fonts.entry(glyph.font).or_default();
            *(if glyph.len > 0 { known } else { unknown }) += 1;
        }
        for glyph in &mut self.glyphs {
            let (known, unknown) = fonts[&glyph.font];
            if is_unreadable(known, unknown) {
                glyph.len = 0;
            }
        }
    }

    fn place(&mut self, glyph: &PdfGlyph<'_>, transform: Affine, is_vertical: bool) {
        if self.glyphs.len() >= MAX_GLYPHS {
            std::panic::resume_unwind(Box::new(Stop::Glyphs));
        }
        let start = self.text.len();
        let is_guess = self.say(glyph);
        let at = (transform * Point::ZERO).to_vec2();
        let em = ((transform * Point::new(0.0, UNITS)).to_vec2() - at).hypot();
        let em = if em.is_finite() { em.max(0.1) } else { 1.0 };
        let first = self.text[start..].chars().next().filter(|c| !c.is_whitespace());
        if first.is_some_and(|c| !self.drawn.insert(c, at, em)) {
            self.text.truncate(start);
            return;
        }
        let (unit, advance) = if is_vertical {
            (Point::new(0.0, -UNITS), Point::new(0.0, -UNITS))
        } else {
            (Point::new(UNITS, 0.0), Point::new(f64::from(advance(glyph)), 0.0))
        };
        let along = (transform * unit).to_vec2() - at;
        let length = along.hypot();
        let along = if length > 1e-6 { along / length } else { Vec2::new(1.0, 0.0) };
        let is_right_to_left = bidi::is_right_to_left(&self.text[start..]);
        self.has_right_to_left |= is_right_to_left;
        self.glyphs.push(Glyph {
            start: start as u32,
            len: (self.text.len() - start) as u32,
            at,
            end: (transform * advance).to_vec2(),
            along,
            em,
            is_right_to_left,
            font: self.font,
            is_guess,
        });
    }

    /// Puts the text that a span says instead of its glyphs in the place of the first of them.
    fn replace(&mut self, span: Span) {
        let Some(text) = span.text else { return };
        let Some(end) = self.glyphs[span.glyphs.min(self.glyphs.len())..].last().map(|g| g.end)
        else {
            return;
        };
        self.unknown = span.unknown;
        self.glyphs.truncate(span.glyphs + 1);
        let start = self.text.len();
        text.chars().for_each(|c| characters::push(&mut self.text, c));
        let is_right_to_left = bidi::is_right_to_left(&self.text[start..]);
        self.has_right_to_left |= is_right_to_left;
        if let Some(glyph) = self.glyphs.last_mut() {
            glyph.start = start as u32;
            glyph.len = (self.text.len() - start) as u32;
            glyph.end = end;
            glyph.is_guess = false;
            // It is in reading order already.
            glyph.is_right_to_left = is_right_to_left && glyph.len <= 4;
        }
    }
}

/// The characters drawn so far and their places, so that one is found that stands there already: shadows and false bold
/// draw it again, a hair aside.
///
/// The page is divided into cells of the width of a hair, and these into blocks of 8 by 8, each a set of bits.
struct Drawn {
    blocks: FxHashMap<(u64, u64), u64>,
}

impl Drawn {
    /// The side of a cell, in ems.
    const CELL: f64 = 0.08;

    fn new() -> Self {
        Self { blocks: FxHashMap::with_capacity_and_hasher(GLYPHS, FxBuildHasher) }
    }

    /// Adds a character; `false` if it is there already, at most half a cell aside or up to one where cells meet.
    fn insert(&mut self, c: char, at: Vec2, em: f64) -> bool {
        let (x, y) = (at.x / (em * Self::CELL), at.y / (em * Self::CELL));
        // The cells of other sizes are other cells.
        let kind = u64::from(c) << 32 | u64::from((em * 16.0).round() as u32);
        let place = |x: i32, y: i32| {
            let block = u64::from((x >> 3) as u32) << 32 | u64::from((y >> 3) as u32);
            ((kind, block), 1_u64 << ((x & 7) << 3 | (y & 7)))
        };
        let (left, top) = (floor(x - 0.5), floor(y - 0.5));
        let (block, mut near) = place(left, top);
        for (dx, dy) in [(0, 1), (1, 0), (1, 1)] {
            let (other, bit) = place(left.saturating_add(dx), top.saturating_add(dy));
            if other == block {
                near |= bit;
            } else if self.blocks.get(&other).is_some_and(|drawn| drawn & bit != 0) {
                return false;
            }
        }
        let (own, bit) = place(floor(x), floor(y));
        if own == block {
            let drawn = self.blocks.entry(block).or_default();
            let is_new = *drawn & near == 0;
            *drawn |= bit * u64::from(is_new);
            return is_new;
        }
        if self.blocks.get(&block).is_some_and(|drawn| drawn & near != 0) {
            return false;
        }
        *self.blocks.entry(own).or_default() |= bit;
        true
    }
}

/// [`f64::floor`] of a number that fits: without SSE 4.1 that is a call of a function.
fn floor(x: f64) -> i32 {
    let cut = x as i32;
    cut.saturating_sub(i32::from(f64::from(cut) > x))
}

fn is_unreadable(known: usize, unknown: usize) -> bool {
    unknown as f64 > UNREADABLE * (known + unknown) as f64
}

/// The font of a glyph, by its embedded file; of others only the run is known that is shown with one font.
fn font(glyph: &PdfGlyph<'_>, run: u32) -> u32 {
    const EMBEDDED: u32 = 1 << 31;
    let PdfGlyph::Outline(outline) = glyph else { return run };
    outline.font_data().map_or(run, |data| data.cache_key as u32 | EMBEDDED)
}

fn advance(glyph: &PdfGlyph<'_>) -> f32 {
    let advance = match glyph {
        PdfGlyph::Outline(outline) => outline.advance_width(),
        PdfGlyph::Type3(drawn) => drawn.advance_width(),
    };
    advance.unwrap_or(500.0)
}

impl Device<'_> for Collector<'_, '_> {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'_>, _: &DrawMode) {
        self.shapes += 1;
        self.tick();
    }

    fn push_clip_path(&mut self, _: &ClipPath) {
        self.tick();
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {
        self.tick();
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, _: &DrawMode) {
        self.tick();
        let is_vertical = matches!(run.writing_mode(), WritingMode::Vertical);
        self.runs = (self.runs + 1) & (u32::MAX >> 1);
        self.font = run.glyphs().first().map_or(self.runs, |glyph| font(glyph, self.runs));
        for glyph in run.glyphs() {
            self.place(glyph, props.transform * glyph.transform(), is_vertical);
        }
    }

    fn draw_image(&mut self, image: Image<'_, '_>, props: ImageDrawProps<'_>) {
        self.tick();
        let area = f64::from(image.width()) * f64::from(image.height());
        let covered = props.transform.determinant().abs() * area;
        if covered.is_finite() {
            self.pictures += covered;
        }
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}

    fn begin_marked_content(&mut self, _: &[u8], properties: Option<&Dict<'_>>) {
        self.tick();
        let text = properties
            .and_then(|properties| properties.get::<object::String<'_>>(b"ActualText"))
            .map(|text| objects::text(&text));
        self.spans.push(Span { text, glyphs: self.glyphs.len(), unknown: self.unknown });
    }

    fn end_marked_content(&mut self) {
        if let Some(span) = self.spans.pop() {
            self.replace(span);
        }
    }
}
