//! How words are read that have it written beside them (`ruby`), as Japanese and Chinese pages do for rare characters.

use super::tree::{Id, Tree};

/// Elements between a reading and the words of it.
const NEAR: usize = 4;

/// The reading of an element, whole, so that what it belongs to stays one word.
pub(super) fn reading(tree: &Tree, ruby: Id) -> String {
    let end = tree.following(ruby, false);
    let mut reading = String::new();
    let mut at = tree.following(ruby, true);
    while let Some(id) = at.filter(|_| at != end) {
        let node = tree.node(id);
        if let Some(text) = node.text() {
            let above = std::iter::successors(Some(node.parent), |id| Some(tree.node(*id).parent));
            let mut names = above.take(NEAR).map(|id| tree.node(id).name());
            let inner = names.find(|name| matches!(*name, "rt" | "rtc" | "ruby"));
            if matches!(inner, Some("rt" | "rtc")) {
                reading.push_str(text.trim());
            }
        }
        // Another one within has its own, and brackets are written anyway.
        at = tree.following(id, !matches!(node.name(), "ruby" | "rp"));
    }
    reading
}
