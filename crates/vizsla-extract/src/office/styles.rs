//! Which styles of a Word document are headings, and which are numbered. In: the part with the styles. Out: the level of each
//! style, and its list.

use std::collections::HashMap;

use crate::office::numbering::Numbering;
use crate::office::xml::{Event, Xml, decode};

/// Styles that a style may be based on, one on another.
const MOST_BASES: usize = 16;

/// Bytes of the id of a style that others can be based on.
const ID_BYTES: usize = 256;

#[derive(Debug, Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    /// As it is written: 0 for the outermost heading, 9 for body text.
    outline: Option<usize>,
    /// The number of its list, and its level there.
    list: Option<String>,
    list_level: Option<usize>,
}

/// The styles of a document.
#[derive(Debug, Default)]
pub(crate) struct Styles {
    by_id: HashMap<String, Style>,
    pub(crate) numbering: Numbering,
}

impl Styles {
    pub(crate) fn read(bytes: &[u8], numbering: Numbering, nesting: usize) -> Self {
        let text = decode(bytes);
        let mut xml = Xml::new(&text, nesting);
        let (mut styles, mut id) = (HashMap::<String, Style>::new(), String::new());
        while let Some(event) = xml.next() {
            let Event::Start(tag) = event else { continue };
            if tag.name() == "style" {
                id = tag.get("styleId").unwrap_or_default();
                styles.insert(id.clone(), Style::default());
                continue;
            }
            let Some(style) = styles.get_mut(&id) else { continue };
            match tag.name() {
                "name" => style.name = tag.get("val").unwrap_or_default().to_lowercase(),
                "basedOn" => {
                    style.based_on = tag.get("val").filter(|id| id.len() <= ID_BYTES);
                }
                "outlineLvl" => style.outline = tag.get("val").and_then(|level| level.parse().ok()),
                "numId" => style.list = tag.get("val").filter(|id| id.len() <= ID_BYTES),
                "ilvl" => style.list_level = tag.get("val").and_then(|level| level.parse().ok()),
                _ => {}
            }
        }
        Self { by_id: styles, numbering }
    }

    /// The list that paragraphs of a style are in, and their level there: that which names the style, or its own.
    pub(crate) fn list(&self, id: &str) -> Option<(&str, usize)> {
        let (mut at, mut level) = (id, None);
        for _ in 0..MOST_BASES {
            let style = self.by_id.get(at)?;
            level = level.or(style.list_level);
            if let Some(list) = &style.list {
                let named = self.numbering.level_of_style(list, id);
                let named = named.or_else(|| self.numbering.level_of_style(list, at));
                return Some((list, named.or(level).unwrap_or(0)));
            }
            at = style.based_on.as_deref()?;
        }
        None
    }

    /// The level of a heading, 1 for the outermost: by its outline level, or by the name of its style, which is English
    /// in every language of Word, unlike the id. Styles are based on others.
    pub(crate) fn level(&self, id: &str) -> Option<usize> {
        let mut id = id;
        for _ in 0..MOST_BASES {
            let Some(style) = self.by_id.get(id) else { return named_level(&id.to_lowercase()) };
            if let Some(outline) = style.outline {
                return Some(outline + 1).filter(|level| *level <= 9);
            }
            if let Some(level) = named_level(&style.name) {
                return Some(level);
            }
            id = style.based_on.as_deref()?;
        }
        None
    }

    /// Whether a paragraph of this style is the title of the document.
    pub(crate) fn is_title(&self, id: &str) -> bool {
        self.by_id.get(id).map_or(id == "Title", |style| style.name == "title")
    }
}

fn named_level(name: &str) -> Option<usize> {
    let level = name.strip_prefix("heading")?.trim().parse().ok()?;
    (1..=9).contains(&level).then_some(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_told_by_outline_name_and_base() {
        let styles = "<w:styles><w:style w:styleId='berschrift1'><w:name w:val='heading 1'/></w:style>
            <w:style w:styleId='a'><w:name w:val='Kapitel'/><w:pPr><w:outlineLvl w:val='1'/></w:pPr></w:style>
            <w:style w:styleId='b'><w:basedOn w:val='a'/></w:style><w:style w:styleId='n'><w:basedOn w:val='a'/><w:outlineLvl w:val='9'/></w:style>
            <w:style w:styleId='l'><w:basedOn w:val='l'/></w:style><w:style w:styleId='Titel'><w:name w:val='Title'/></w:style></w:styles>";
        let styles = Styles::read(styles.as_bytes(), Numbering::default(), 9);
        let levels = ["berschrift1", "a", "b", "n", "l", "Heading3"].map(|id| styles.level(id));
        assert_eq!(levels, [Some(1), Some(2), Some(2), None, None, Some(3)]);
        assert!(styles.is_title("Titel") && styles.level("Titel").is_none());
    }
}
