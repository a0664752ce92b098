//! Which text of an OpenDocument file is hidden. In: its styles. Out: the names of those that hide what has them.

use std::collections::HashSet;

use crate::office::xml::{Event, Tag, Xml};

/// Adds the names of the styles in a part that hide text, which may be based on those of a part before it.
pub(crate) fn add_styles(part: &str, hidden: &mut HashSet<String>, nesting: usize) {
    let hides = ["display=\"none\"", "display='none'"].iter().any(|none| part.contains(none));
    if !hides && hidden.is_empty() {
        return;
    }
    let mut style = String::new();
    let mut xml = Xml::new(part, nesting);
    while let Some(event) = xml.next() {
        let Event::Start(tag) = event else { continue };
        match tag.name() {
            "style" => {
                style = tag.get("name").unwrap_or_default();
                if tag.get("parent-style-name").is_some_and(|parent| hidden.contains(&parent)) {
                    hidden.insert(style.clone());
                }
            }
            "text-properties" => match tag.get("display").as_deref() {
                Some("none") => drop(hidden.insert(std::mem::take(&mut style))),
                Some(_) => drop(hidden.remove(&style)),
                None => {}
            },
            // Styles come before the text.
            "body" => break,
            _ => {}
        }
    }
}

/// Whether an element hides its text: by its style, or by itself.
pub(crate) fn is_hidden(tag: &Tag<'_>, styles: &HashSet<String>) -> bool {
    match tag.name() {
        "span" | "p" | "h" => {
            let style = || tag.get("style-name").is_some_and(|style| styles.contains(&style));
            !styles.is_empty() && style()
        }
        "section" => tag.get("display").is_some_and(|display| display == "none"),
        "hidden-text" => tag.get("is-hidden").is_some_and(|is| is == "true"),
        _ => false,
    }
}
