//! The outline of a PDF, its bookmarks, gives the headings of its text.

use std::collections::{BTreeMap, HashMap, HashSet};

use hayro_interpret::kurbo::{Affine, Point};
use hayro_syntax::object::{self, Array, Dict, Name, Object, ObjectIdentifier};
use hayro_syntax::xref::XRef;
use vizsla_core::Section;

use super::layout::Line;
use super::objects;
use super::paragraphs::LineId;

/// Bookmarks that are read.
const MAX: usize = 20_000;
/// How deep bookmarks may be nested.
const DEPTH: usize = 32;
/// Lines of a page among which the heading of a bookmark is looked for.
const MAX_LINES: usize = 2_000;

#[derive(Debug)]
pub(super) struct Bookmark {
    depth: usize,
    title: String,
    page: usize,
    /// Height on the page as it is shown.
    top: Option<f64>,
}

/// Where pages are: by the id of their object, each with its index and the transform that shows it.
pub(super) type Pages = HashMap<ObjectIdentifier, (usize, Affine)>;

/// The bookmarks of a document whose place in it is known, in their order.
pub(super) fn bookmarks<'a>(catalogue: &Dict<'a>, xref: &'a XRef, pages: &Pages) -> Vec<Bookmark> {
    let mut found = Vec::new();
    let Some(root) = catalogue.get::<Dict<'_>>(b"Outlines") else { return found };
    let names = named(catalogue, xref);
    let mut seen = HashSet::new();
    let mut open: Vec<(usize, Dict<'_>)> =
        root.get::<Dict<'_>>(b"First").map(|first| (0, first)).into_iter().collect();
    while let Some((depth, item)) = open.pop()
        && seen.len() < MAX
    {
        if item.obj_id().is_none_or(|id| !seen.insert(id)) {
            continue;
        }
        if let Some(next) = item.get::<Dict<'_>>(b"Next") {
            open.push((depth, next));
        }
        if depth < DEPTH
            && let Some(first) = item.get::<Dict<'_>>(b"First")
        {
            open.push((depth + 1, first));
        }
        let title = item.get::<object::String<'_>>(b"Title").map(|title| objects::text(&title));
        if let Some(title) = title.filter(|title| !title.is_empty())
            && let Some((page, top)) = target(&item, &names, pages)
        {
            let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
            found.push(Bookmark { depth, title, page, top });
        }
    }
    found
}

/// The named destinations of a document.
fn named<'a>(catalogue: &Dict<'a>, xref: &'a XRef) -> HashMap<Vec<u8>, Object<'a>> {
    let mut named = HashMap::new();
    if let Some(old) = catalogue.get::<Dict<'_>>(b"Dests") {
        for name in old.keys() {
            if let Some(target) = old.get::<Object<'_>>(name.as_ref()) {
                named.insert(name.to_vec(), target);
            }
        }
    }
    let tree =
        catalogue.get::<Dict<'_>>(b"Names").and_then(|names| names.get::<Dict<'_>>(b"Dests"));
    if let Some(tree) = tree {
        for (name, target) in objects::tree(tree, b"Names", xref) {
            if let Object::String(name) = name {
                named.insert(name.to_vec(), target);
            }
        }
    }
    named
}

fn target(
    item: &Dict<'_>,
    names: &HashMap<Vec<u8>, Object<'_>>,
    pages: &Pages,
) -> Option<(usize, Option<f64>)> {
    let stated = item.get::<Object<'_>>(b"Dest").or_else(|| {
        let action = item.get::<Dict<'_>>(b"A")?;
        let is_here = action.get::<Name<'_>>(b"S").is_some_and(|kind| kind.as_ref() == b"GoTo");
        is_here.then(|| action.get::<Object<'_>>(b"D"))?
    })?;
    let place = match &stated {
        Object::Name(name) => names.get(name.as_ref() as &[u8])?,
        Object::String(name) => names.get(name.as_bytes())?,
        _ => &stated,
    };
    match place {
        Object::Array(place) => explicit(place, pages),
        Object::Dict(place) => explicit(&place.get::<Array<'_>>(b"D")?, pages),
        _ => None,
    }
}

/// `[page /XYZ left top zoom]` and the like.
fn explicit(place: &Array<'_>, pages: &Pages) -> Option<(usize, Option<f64>)> {
    let reference = place.raw_iter().next()?.as_obj_ref();
    let mut rest = place.iter::<Object<'_>>();
    let first = rest.next();
    let (page, shown) = if let Some(reference) = reference {
        *pages.get(&reference.into())?
    } else {
        let number = usize::try_from(first?.into_i32()?).ok()?;
        *pages.values().find(|(page, _)| *page == number)?
    };
    let kind = rest.next().and_then(Object::into_name);
    let coordinates: Vec<Option<f64>> =
        rest.map(|object| object.into_number().map(|number| number.as_f64())).take(4).collect();
    let (left, top) = match kind.as_deref() {
        Some(b"XYZ") => {
            (coordinates.first().copied().flatten(), coordinates.get(1).copied().flatten())
        }
        Some(b"FitH" | b"FitBH") => (None, coordinates.first().copied().flatten()),
        Some(b"FitR") => {
            (coordinates.first().copied().flatten(), coordinates.get(3).copied().flatten())
        }
        _ => (None, None),
    };
    Some((page, top.map(|top| (shown * Point::new(left.unwrap_or(0.0), top)).y)))
}

/// Where a section starts, and whether that line is its heading.
pub(super) type Start = (LineId, bool);

/// The line at which each bookmark's section begins, if its page has any.
pub(super) fn starts(bookmarks: &[Bookmark], pages: &[Vec<Line>]) -> Vec<Option<Start>> {
    let mut said: (usize, Vec<String>) = (usize::MAX, Vec::new());
    let mut starts = Vec::with_capacity(bookmarks.len());
    for bookmark in bookmarks {
        let lines = pages.get(bookmark.page).map_or(&[][..], Vec::as_slice);
        if said.0 != bookmark.page {
            let bare = lines.iter().take(MAX_LINES).map(|line| bare(&line.text)).collect();
            said = (bookmark.page, bare);
        }
        let heading = heading(bookmark, lines, &said.1);
        let line = heading.or_else(|| below(bookmark, lines));
        starts.push(line.map(|line| ((bookmark.page, line), heading.is_some())));
    }
    starts
}

/// The line that says what a bookmark says, the one nearest to its place when there are several.
fn heading(bookmark: &Bookmark, lines: &[Line], said: &[String]) -> Option<usize> {
    let title = bare(&bookmark.title);
    let matches = |said: &String| {
        // Numbers may be missing from either, and a long heading has several lines.
        said.len() > 2
            && (said.ends_with(&title) || title.ends_with(said) || title.starts_with(said))
    };
    if title.is_empty() {
        return None;
    }
    let distance = |line: usize| {
        bookmark.top.map_or(0.0, |top| (lines[line].at.y - top).abs())
            + if said[line] == title { 0.0 } else { 30.0 }
    };
    (0..said.len())
        .filter(|line| matches(&said[*line]))
        .min_by(|a, b| distance(*a).total_cmp(&distance(*b)))
}

/// The first line below the place of a bookmark.
fn below(bookmark: &Bookmark, lines: &[Line]) -> Option<usize> {
    let top = bookmark.top.unwrap_or(f64::MIN);
    lines.iter().position(|line| line.at.y >= top).or(lines.len().checked_sub(1))
}

/// Letters and digits alone, in lower case.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The sections of a text, given where the lines begin at which they start.
pub(super) fn sections(
    bookmarks: Vec<Bookmark>,
    starts: &[Option<Start>],
    offsets: &BTreeMap<LineId, usize>,
) -> Vec<Section> {
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut sections = Vec::new();
    for (bookmark, start) in bookmarks.into_iter().zip(starts) {
        above.retain(|(depth, _)| *depth < bookmark.depth);
        above.push((bookmark.depth, bookmark.title));
        if let Some(offset) = start.and_then(|(line, _)| offsets.get(&line)) {
            let headings = above.iter().map(|(_, title)| title.clone()).collect();
            sections.push(Section::new(*offset, headings));
        }
    }
    sections.sort_by_key(|section| section.start);
    sections
}

/// The lines at which sections start, and which of them are headings.
pub(super) fn marks(starts: &[Option<Start>]) -> BTreeMap<LineId, bool> {
    starts.iter().flatten().copied().collect()
}
