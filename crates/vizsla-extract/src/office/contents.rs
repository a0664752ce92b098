//! The table of contents of a book, of either kind: links in lists (`nav`), or labels followed by a reference (`ncx`). In:
//! its text. Out: its entries, and which of them are chapters.

use crate::office::parts::{percent_decoded, resolve};
use crate::office::xml::{Event, Xml};

#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The file that it leads to; empty where it is but a name for those below it.
    pub(super) href: String,
    /// Where in the file.
    pub(super) fragment: Option<String>,
    pub(super) title: String,
    /// How many lists it is in.
    depth: usize,
}

impl Entry {
    fn without_link(depth: usize) -> Self {
        Self { href: String::new(), fragment: None, title: String::new(), depth }
    }
}

/// The entries of the table of contents at `path`.
pub(super) fn read(text: &str, path: &str, nesting: usize) -> Vec<Entry> {
    let mut xml = Xml::new(text, nesting);
    let (mut label, mut is_list, mut depth) = (String::new(), false, 0usize);
    // Whether the item that is open has a link, as all have that are no names of parts.
    let mut is_linked = true;
    let mut entries = Vec::new();
    let add = |entries: &mut Vec<Entry>, title: &str, reference: Option<String>, depth| {
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        let Some(reference) = reference.filter(|_| !title.is_empty()) else { return };
        let fragment = reference.split_once('#').map(|(_, fragment)| percent_decoded(fragment));
        let fragment = fragment.filter(|fragment| !fragment.is_empty());
        entries.push(Entry { href: resolve(path, &reference), fragment, title, depth });
    };
    while let Some(event) = xml.next() {
        match event {
            Event::Start(tag) => match tag.name() {
                "text" => label = xml.text(),
                "content" => add(&mut entries, &label, tag.get("src"), depth),
                // Other lists are of pages and of landmarks.
                "nav" => is_list = tag.get("type").is_none_or(|kind| kind == "toc"),
                "a" if is_list => {
                    is_linked = true;
                    add(&mut entries, &xml.text(), tag.get("href"), depth);
                }
                "li" => is_linked = false,
                "pageList" => xml.skip(),
                "ol" | "ul" | "navPoint" => {
                    if is_list && !std::mem::replace(&mut is_linked, true) {
                        entries.push(Entry::without_link(depth));
                    }
                    depth += 1;
                }
                _ => {}
            },
            Event::End(end) => match end.name() {
                "nav" => is_list = false,
                "ol" | "ul" | "navPoint" => depth = depth.saturating_sub(1),
                _ => {}
            },
            Event::Text(_) => {}
        }
    }
    entries
}

/// The entries that are chapters, without their sections. What has entries of other files below it, or all there are, is no
/// chapter but holds them.
pub(super) fn chapters(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    let top = entries.iter().map(|entry| entry.depth).min().unwrap_or_default();
    let is_only_top = entries.iter().filter(|entry| entry.depth == top).count() == 1;
    let mut chapter = None;
    entries.iter().enumerate().filter_map(move |(i, entry)| {
        if chapter.is_some_and(|depth| entry.depth > depth) {
            return None;
        }
        let rest = entries.get(i + 1..).unwrap_or_default();
        let below = rest.iter().take_while(|other| other.depth > entry.depth);
        let mut below = below.filter(|other| !other.href.is_empty());
        let holds_chapters = entry.href.is_empty()
            || entry.depth == top && is_only_top
            || below.any(|other| other.href != entry.href);
        chapter = Some(entry.depth).filter(|_| !holds_chapters);
        Some(entry)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_a_chapter_are_no_chapters() {
        let point = |title: &str, src: &str, below: &str| {
            format!(
                "<navPoint><navLabel><text>{title}</text></navLabel><content src='{src}'/>{below}</navPoint>"
            )
        };
        let chapters = |points: &[String]| {
            let text = format!("<ncx><navMap>{}</navMap></ncx>", points.concat());
            let entries = read(&text, "OPS/toc.ncx", 20);
            chapters(&entries).map(|entry| entry.title.clone()).collect::<Vec<_>>().join(" ")
        };
        let sections = point("1.1", "a.html#x", "") + &point("1.2", "a.html#y", "");
        let files = [point("1", "a.html", &sections), point("2", "b.html", "")];
        assert_eq!(chapters(&files), "1 2");
        let one_file = [point("1", "a.html#1", &sections), point("2", "a.html#2", "")];
        assert_eq!(chapters(&one_file), "1 2");
        // As Project Gutenberg makes them: all below the title, cut into files anywhere.
        let inner =
            point("1", "a.html#1", "") + &point("2", "a.html#2", "") + &point("3", "b.html#3", "");
        assert_eq!(
            chapters(&[point("Book", "a.html#t", &inner), point("Licence", "b.html#l", "")]),
            "Book 1 2 3 Licence"
        );
        assert_eq!(chapters(&[point("Book", "a.html", &sections)]), "Book 1.1 1.2");
    }

    #[test]
    fn a_part_with_a_name_only_holds_chapters() {
        let nav = "<nav epub:type='toc'><h2><span>Contents</span></h2><ol><li><a href='a.html#1'>One</a><ol><li><a href='a.html#s'>Section</a></li>\
            <li><span>Notes</span><ol><li><a href='a.html#n'>Note</a></li></ol></li></ol></li>\
            <li><span>Part</span><ol><li><span>2 <a href='a.html#2'>Two</a></span></li></ol></li></ol></nav>";
        let entries = read(nav, "nav.html", 20);
        let titles: Vec<_> = chapters(&entries).map(|entry| entry.title.as_str()).collect();
        assert_eq!(titles, ["One", "", "Two"]);
    }
}
