//! Draws a page as a grey picture to be read by OCR: its images, and its shapes and glyphs in their colours. What only
//! matters to the eye, such as shadings, patterns and clipping, is left out.

use std::time::Instant;

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::kurbo::{Affine, BezPath, PathEl, Point, Rect, Shape, flatten};
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageData, ImageDrawProps, LumaData,
    Paint, SoftMask,
};

use super::page::Stop;

/// Dots per point: 200 dpi, beyond which reading gets no better.
const SCALE: f64 = 200.0 / 72.0;
/// The longest side in dots. Nothing is sized by what the file says of its page alone.
const MAX_SIDE: f64 = 4000.0;
/// Rows of samples in a row of dots, for shapes.
const ROWS: usize = 3;
/// Samples in a row and column that are averaged when an image is made smaller.
const MAX_SAMPLES: u32 = 4;

pub(super) struct Picture {
    width: usize,
    height: usize,
    dots: Vec<u8>,
    until: Instant,
}

impl Picture {
    /// A white page of this size in points, and the transform from points to dots.
    pub(super) fn new(width: f64, height: f64, until: Instant) -> (Self, Affine) {
        let scale = SCALE.min(MAX_SIDE / width.max(height).max(1.0));
        let dots = |points: f64| ((points * scale).ceil() as usize).clamp(1, MAX_SIDE as usize);
        let (width, height) = (dots(width), dots(height));
        let picture = Self { width, height, dots: vec![255; width * height], until };
        (picture, Affine::scale(scale))
    }

    /// As a file of the portable grey map format, which every program that reads pictures knows.
    pub(super) fn file(&self) -> Vec<u8> {
        let mut file = format!("P5\n{} {}\n255\n", self.width, self.height).into_bytes();
        file.extend_from_slice(&self.dots);
        file
    }

    fn tick(&self) {
        if Instant::now() > self.until {
            std::panic::resume_unwind(Box::new(Stop::Deadline));
        }
    }

    /// Mixes a grey into the dot at an index.
    fn mix(&mut self, index: usize, grey: f64, opacity: f64) {
        if let Some(dot) = self.dots.get_mut(index) {
            *dot = (f64::from(*dot) * (1.0 - opacity) + grey * opacity).round() as u8;
        }
    }

    /// Draws samples, which fill a unit square that `transform` places with its first row on top.
    fn paint(&mut self, source: &Samples<'_>, transform: Affine) {
        let area = transform.transform_rect_bbox(Rect::new(0.0, 0.0, 1.0, 1.0));
        if transform.determinant().abs() < 1e-9 || !area.is_finite() {
            return;
        }
        let back = transform.inverse();
        let columns = within(area.x0, area.x1, self.width);
        for y in within(area.y0, area.y1, self.height) {
            for x in columns.clone() {
                let at = back * Point::new(x as f64 + 0.5, y as f64 + 0.5);
                if (0.0..1.0).contains(&at.x) && (0.0..1.0).contains(&at.y) {
                    let step = back * Point::new(x as f64 + 1.5, y as f64 + 0.5) - at;
                    let down = back * Point::new(x as f64 + 0.5, y as f64 + 1.5) - at;
                    let size = (step.x.abs() + down.x.abs(), step.y.abs() + down.y.abs());
                    let (grey, opacity) = source.average(at, size);
                    self.mix(y * self.width + x, grey, opacity);
                }
            }
        }
    }

    /// Fills a shape. One that covers a quarter of the page is a background.
    fn fill(&mut self, path: &BezPath, transform: Affine, paint: &Paint<'_>) {
        let Paint::Color(color) = paint else { return };
        let [red, green, blue, alpha] = color.to_rgba().to_rgba8();
        let grey = luma(red, green, blue);
        let path = transform * path;
        let area = path.bounding_box();
        let page = (self.width * self.height) as f64;
        if !area.is_finite() || area.area() > page / 4.0 && grey < 200.0 {
            return;
        }
        let edges = edges(&path);
        let opacity = f64::from(alpha) / 255.0;
        for y in within(area.y0, area.y1, self.height) {
            let mut covered = vec![0.0; self.width];
            for row in 0..ROWS {
                let height = y as f64 + (row as f64 + 0.5) / ROWS as f64;
                cover(&mut covered, &edges, height);
            }
            for x in within(area.x0, area.x1, self.width) {
                self.mix(y * self.width + x, grey, opacity * (covered[x] / ROWS as f64).min(1.0));
            }
            self.tick();
        }
    }
}

/// The dots between two places, of which there are `limit`.
fn within(from: f64, to: f64, limit: usize) -> std::ops::Range<usize> {
    let bound = |place: f64| place.clamp(0.0, limit as f64) as usize;
    bound(from.floor())..bound(to.ceil())
}

/// A line of a shape's edge, from its upper end to its lower one, and whether it was drawn downwards.
struct Edge {
    top: Point,
    bottom: Point,
    winding: i32,
}

fn edges(path: &BezPath) -> Vec<Edge> {
    let mut edges = Vec::new();
    let (mut start, mut last) = (Point::ZERO, Point::ZERO);
    let mut line = |from: Point, to: Point| {
        let (top, bottom, winding) = if from.y < to.y { (from, to, 1) } else { (to, from, -1) };
        edges.push(Edge { top, bottom, winding });
    };
    flatten(path, 0.2, |element| match element {
        PathEl::MoveTo(to) => {
            line(last, start);
            (start, last) = (to, to);
        }
        PathEl::LineTo(to) => {
            line(last, to);
            last = to;
        }
        _ => {
            line(last, start);
            last = start;
        }
    });
    line(last, start);
    edges
}

/// Adds to each dot of a row the share of it that is inside the edges at this height.
fn cover(covered: &mut [f64], edges: &[Edge], height: f64) {
    let mut crossings: Vec<(f64, i32)> = edges
        .iter()
        .filter(|edge| edge.top.y <= height && height < edge.bottom.y)
        .map(|edge| {
            let share = (height - edge.top.y) / (edge.bottom.y - edge.top.y);
            (edge.top.x + share * (edge.bottom.x - edge.top.x), edge.winding)
        })
        .collect();
    crossings.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut winding = 0;
    for pair in crossings.windows(2) {
        winding += pair[0].1;
        if winding != 0 {
            let from = pair[0].0.clamp(0.0, covered.len() as f64);
            let to = pair[1].0.clamp(0.0, covered.len() as f64);
            for (x, dot) in
                covered.iter_mut().enumerate().take(to.ceil() as usize).skip(from as usize)
            {
                *dot += (to.min(x as f64 + 1.0) - from.max(x as f64)).max(0.0);
            }
        }
    }
}

fn luma(red: u8, green: u8, blue: u8) -> f64 {
    0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue)
}

/// The samples of an image.
struct Samples<'s> {
    width: u32,
    height: u32,
    grey: Box<dyn Fn(usize) -> f64 + 's>,
    alpha: Option<&'s LumaData>,
    /// Whether the samples are how much of one colour is painted.
    stencil: Option<f64>,
}

impl Samples<'_> {
    /// The grey and the opacity at a place of the unit square, averaged over an area of this size.
    fn average(&self, at: Point, size: (f64, f64)) -> (f64, f64) {
        let count = |share: f64, samples: u32| {
            ((share * f64::from(samples)).ceil() as u32).clamp(1, MAX_SAMPLES)
        };
        let (columns, rows) = (count(size.0, self.width), count(size.1, self.height));
        let (mut grey, mut opacity) = (0.0, 0.0);
        for row in 0..rows {
            for column in 0..columns {
                let offset = |i: u32, of: u32| (f64::from(i) + 0.5) / f64::from(of) - 0.5;
                let x = at.x + offset(column, columns) * size.0;
                let y = at.y + offset(row, rows) * size.1;
                let value = (self.grey)(index(x, y, self.width, self.height));
                let alpha = self.alpha.map_or(255.0, |alpha| {
                    let index = index(x, y, alpha.width, alpha.height);
                    alpha.data.get(index).copied().map_or(255.0, f64::from)
                });
                if let Some(ink) = self.stencil {
                    grey += ink;
                    opacity += value / 255.0;
                } else {
                    grey += value;
                    opacity += alpha / 255.0;
                }
            }
        }
        let all = f64::from(rows * columns);
        (grey / all, opacity / all)
    }
}

fn index(x: f64, y: f64, width: u32, height: u32) -> usize {
    let place = |share: f64, samples: u32| {
        ((share * f64::from(samples)) as usize).min(samples.saturating_sub(1) as usize)
    };
    place(y, height) * width as usize + place(x, width)
}

impl Device<'_> for Picture {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'_>, mode: &DrawMode) {
        self.tick();
        if matches!(mode, DrawMode::Fill(_) | DrawMode::FillAndStroke(..)) {
            self.fill(path, props.transform, &props.paint);
        }
    }

    fn push_clip_path(&mut self, _: &ClipPath) {
        self.tick();
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, mode: &DrawMode) {
        if matches!(mode, DrawMode::Invisible) {
            return;
        }
        for glyph in run.glyphs() {
            self.tick();
            if let Glyph::Outline(outline) = &**glyph {
                self.fill(&outline.outline(), props.transform * glyph.transform(), &props.paint);
            }
        }
    }

    fn draw_image(&mut self, image: Image<'_, '_>, props: ImageDrawProps<'_>) {
        self.tick();
        let (width, height) = (f64::from(image.width()), f64::from(image.height()));
        let transform = props.transform * Affine::scale_non_uniform(width, height);
        match image {
            Image::Stencil(stencil) => stencil.with_stencil(
                |mask, paint| {
                    let ink = match paint {
                        Paint::Color(color) => {
                            let [red, green, blue, _] = color.to_rgba().to_rgba8();
                            luma(red, green, blue)
                        }
                        Paint::Pattern(_) => 0.0,
                    };
                    let grey = |i: usize| mask.data.get(i).copied().map_or(0.0, f64::from);
                    self.paint(
                        &Samples {
                            width: mask.width,
                            height: mask.height,
                            grey: Box::new(grey),
                            alpha: None,
                            stencil: Some(ink),
                        },
                        transform,
                    );
                },
                None,
            ),
            Image::Raster(raster) => raster.with_rgba(
                |image, alpha| {
                    let (width, height) = (image.width(), image.height());
                    let grey: Box<dyn Fn(usize) -> f64> = match &image {
                        ImageData::Luma(luma) => {
                            Box::new(|i| luma.data.get(i).copied().map_or(255.0, f64::from))
                        }
                        ImageData::Rgb(rgb) => Box::new(|i| match rgb.data.get(3 * i..3 * i + 3) {
                            Some(&[red, green, blue]) => luma(red, green, blue),
                            _ => 255.0,
                        }),
                    };
                    let alpha = alpha.as_ref();
                    self.paint(&Samples { width, height, grey, alpha, stencil: None }, transform);
                },
                None,
            ),
        }
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
