//! What a page says about itself: title, author, date, language, description.

use vizsla_core::Metadata;

use super::Page;
use super::tree::{Id, Node, ROOT, Tree};
use crate::output::TITLE_BYTES;

/// Titles that editors fill in.
const NO_TITLES: &[&str] = &[
    "untitled",
    "untitled document",
    "untitled page",
    "document",
    "new page 1",
    "no title",
    "title",
];

/// Reads the title and the metadata.
pub(crate) fn read(tree: &Tree, page: &mut Page) {
    let mut found = Metadata::new();
    let mut social_title = None;
    let mut at = tree.following(ROOT, true);
    while let Some(id) = at {
        let node = tree.node(id);
        match node.name() {
            "html" => language(node.attribute("lang"), &mut found),
            "title" if page.title.is_empty() => page.title = title(tree, id),
            "meta" => {
                if node.attribute("property") == Some("og:title") {
                    social_title = node.attribute("content").map(collapsed);
                }
                meta(node, &mut found);
            }
            _ => {}
        }
        at = tree.following(id, true);
    }
    if NO_TITLES.contains(&page.title.to_lowercase().as_str()) {
        page.title.clear();
    }
    if page.title.is_empty() {
        page.title = social_title.unwrap_or_default();
    }
    page.metadata = found;
}

/// The text of an element.
fn title(tree: &Tree, id: Id) -> String {
    let mut title = String::new();
    let mut child = tree.node(id).first;
    while child != ROOT {
        title.push_str(tree.node(child).text().unwrap_or_default());
        child = tree.node(child).next;
    }
    collapsed(&title)
}

fn collapsed(text: &str) -> String {
    // Somewhat more than is used, so that a longer title is still known to be cut.
    let text = &text[..text.floor_char_boundary(2 * TITLE_BYTES)];
    let text: String = text.chars().filter(|c| *c != '\u{ad}').collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn language(value: Option<&str>, found: &mut Metadata) {
    let Some(value) = value.map(str::trim) else { return };
    let is_tag = !value.is_empty() && value.len() <= 35;
    if is_tag && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        found.entry("language".to_owned()).or_insert_with(|| value.into());
    }
}

fn meta(node: &Node, found: &mut Metadata) {
    let name = ["name", "property", "itemprop", "http-equiv"];
    let name = name.iter().find_map(|name| node.attribute(name)).unwrap_or_default();
    let value = collapsed(node.attribute("content").unwrap_or_default());
    if value.is_empty() {
        return;
    }
    let name = match name.to_ascii_lowercase().as_str() {
        "author" | "dc.creator" | "dcterms.creator" | "article:author" | "citation_author"
            if !value.starts_with("http") =>
        {
            "author"
        }
        "description" | "og:description" | "dc.description" | "dcterms.description" => {
            "description"
        }
        "keywords" => "keywords",
        "date"
        | "dc.date"
        | "dcterms.date"
        | "dcterms.created"
        | "article:published_time"
        | "datepublished"
        | "citation_publication_date"
            if is_date(&value) =>
        {
            "date"
        }
        "content-language" | "dc.language" => return language(Some(&value), found),
        _ => return,
    };
    found.entry(name.to_owned()).or_insert_with(|| value.into());
}

/// Whether a value begins as ISO 8601 dates do.
fn is_date(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() >= 10
        && bytes.iter().take(10).enumerate().all(|(i, byte)| match i {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
