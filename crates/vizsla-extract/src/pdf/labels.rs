//! The labels of pages: `iv`, `A-3`.

use hayro_syntax::object::{self, Dict, Name, Object};
use hayro_syntax::xref::XRef;

use super::objects;
use crate::numeral::roman;

/// The label of each of `pages` pages, where it is not just the page's number.
pub(super) fn labels<'a>(
    catalogue: &Dict<'a>,
    xref: &'a XRef,
    pages: usize,
) -> Vec<Option<String>> {
    let mut labels = vec![None; pages];
    let Some(root) = catalogue.get::<Dict<'_>>(b"PageLabels") else { return labels };
    let mut ranges: Vec<(usize, Dict<'_>)> = objects::tree(root, b"Nums", xref)
        .into_iter()
        .filter_map(|(first, range)| {
            let first = usize::try_from(first.into_i32()?).ok()?;
            Some((first, range.into_dict()?))
        })
        .collect();
    ranges.sort_by_key(|(first, _)| *first);
    for (i, (first, range)) in ranges.iter().enumerate() {
        let last = ranges.get(i + 1).map_or(pages, |(next, _)| *next).min(pages);
        let Some(group) = labels.get_mut(*first..last) else { continue };
        let prefix = range.get::<object::String<'_>>(b"P").map(|prefix| objects::text(&prefix));
        let prefix = prefix.unwrap_or_default();
        let style = range.get::<Name<'_>>(b"S");
        let start = range.get::<Object<'_>>(b"St").and_then(Object::into_i32).unwrap_or(1).max(1);
        for (page, label) in group.iter_mut().enumerate() {
            let number = (start as usize).saturating_add(page);
            let numeral = style.as_ref().map(|style| numeral(number, style)).unwrap_or_default();
            let full = format!("{prefix}{numeral}");
            let is_news = !full.is_empty() && full != (first + page + 1).to_string();
            *label = is_news.then_some(full);
        }
    }
    labels
}

/// A number in the style of this name.
fn numeral(number: usize, style: &[u8]) -> String {
    match style {
        b"r" => roman(number),
        b"R" => roman(number).to_uppercase(),
        b"a" => letters(number),
        b"A" => letters(number).to_uppercase(),
        _ => number.to_string(),
    }
}

/// `a` to `z`, then `aa` to `zz`, and so on.
fn letters(number: usize) -> String {
    let index = number.saturating_sub(1);
    let letter = char::from(b'a' + (index % 26) as u8);
    String::from(letter).repeat((index / 26 + 1).min(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals() {
        assert_eq!((numeral(4, b"r"), numeral(1999, b"R")), ("iv".into(), "MCMXCIX".into()));
        assert_eq!((letters(26), letters(28)), ("z".into(), "bb".into()));
    }
}
