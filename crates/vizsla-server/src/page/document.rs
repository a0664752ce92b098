//! A document around one of its passages, as the index has it. In: its passages. Out: a page.

use serde::{Deserialize, Serialize};
use vizsla::Passage;

use super::html::{Html, put_head, safe_link};

/// How many passages are shown before and after the one asked for.
const AROUND: usize = 8;

/// A passage of a document, and for what it was found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place<'a> {
    /// The name of the index; empty for the first one.
    pub(super) index: &'a str,
    /// The file; empty for a document of none.
    pub(super) path: &'a str,
    pub(super) id: &'a str,
    pub(super) ordinal: u32,
    /// What was asked.
    pub(super) query: &'a str,
    /// The part of the passage that answers, in bytes.
    pub(super) answer: [usize; 2],
}

/// The same as a URL says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) index: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) path: String,
    pub(super) id: String,
    pub(super) ordinal: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) q: String,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Place<'_> {
    /// The URL of the page that shows it.
    pub(super) fn url(&self) -> String {
        let wanted = Wanted {
            index: self.index.to_owned(),
            path: self.path.to_owned(),
            id: self.id.to_owned(),
            ordinal: self.ordinal,
            q: self.query.to_owned(),
            from: self.answer[0],
            to: self.answer[1],
        };
        let query = serde_urlencoded::to_string(wanted).unwrap_or_default();
        format!("/document?{query}#found")
    }
}

/// The title of a document, or what identifies it where it has none: its id, and the name of its file if that is its id.
pub(super) fn title_of<'a>(title: &'a str, path: &'a str, id: &'a str) -> &'a str {
    match title {
        "" if id == path => path.rsplit(['/', '\\']).next().unwrap_or(path),
        "" => id,
        title => title,
    }
}

/// The page that shows a passage among its neighbours; `passages` are all of the document, each with the byte ranges of
/// its words that were asked for.
pub(super) fn render_document(wanted: &Wanted, passages: &[(Passage, Vec<[usize; 2]>)]) -> String {
    let is_wanted = |(passage, _): &(Passage, _)| passage.ordinal == wanted.ordinal;
    let at = passages.iter().position(is_wanted).unwrap_or_default();
    let (first, last) = (at.saturating_sub(AROUND), (at + AROUND + 1).min(passages.len()));
    let mut html = Html::default();
    let Some((found, _)) = passages.get(at) else { return String::new() };
    let path = found.path.as_deref().unwrap_or_default();
    let title = title_of(&found.title, path, &found.doc_id);
    put_head(&mut html, title);
    html.put(
        "<body class=\"reading\"><header><a class=\"name\" href=\"/\">Vizsla</a></header>\
         <main id=\"main\"><h1 dir=\"auto\">{}</h1><p class=\"place\">",
        &[&title],
    );
    put_path(&mut html, found);
    html.put("</p>", &[]);
    let link = |html: &mut Html, to: usize, text: &str| {
        let place = Place {
            index: &wanted.index,
            path,
            id: &found.doc_id,
            ordinal: passages[to].0.ordinal,
            query: &wanted.q,
            answer: [0, 0],
        };
        html.put("<p><a class=\"more\" href=\"{}\">{}</a></p>", &[&place.url(), &text]);
    };
    if first > 0 {
        link(&mut html, first.saturating_sub(AROUND), "Earlier passages");
    }
    let mut end = 0;
    for (number, (passage, marks)) in passages.iter().enumerate().take(last).skip(first) {
        let answer = (number == at).then_some([wanted.from, wanted.to]);
        put_passage(&mut html, (passage, marks), end, answer);
        end = passage.end_byte;
    }
    if last < passages.len() {
        link(&mut html, (last + AROUND).min(passages.len() - 1), "Later passages");
    }
    html.put("</main></body></html>", &[]);
    html.into_string()
}

fn put_path(html: &mut Html, passage: &Passage) {
    let Some(path) = &passage.path else { return };
    let link = vizsla::file_url(path, &passage.location);
    match link.as_deref().and_then(safe_link) {
        Some(link) => html.put("<a class=\"path\" href=\"{}\">{}</a>", &[&link, path]),
        None => html.put("<span class=\"path\">{}</span>", &[path]),
    };
}

/// Adds a passage without the part that the one before, which ends at byte `end` of the document, has too; the passage
/// that was asked for whole, with the part that answers.
fn put_passage(
    html: &mut Html,
    (passage, marks): (&Passage, &[[usize; 2]]),
    end: u64,
    answer: Option<[usize; 2]>,
) {
    let repeated = usize::try_from(end.saturating_sub(passage.start_byte)).unwrap_or_default();
    let repeated = if answer.is_some() { 0 } else { repeated };
    let (start, text) = match passage.text.get(repeated..) {
        Some(rest) => (repeated, rest),
        None => (0, passage.text.as_str()),
    };
    let inside = marks.iter().filter(|[from, _]| *from >= start);
    let marks: Vec<[usize; 2]> = inside.map(|[from, to]| [from - start, to - start]).collect();
    html.put(
        if answer.is_some() {
            "<section id=\"found\" class=\"passage found\" aria-label=\"The passage found\">"
        } else {
            "<section class=\"passage\">"
        },
        &[],
    );
    html.put("<p class=\"place\"><span class=\"where\">{}</span>", &[&passage.location]);
    if !passage.headings.is_empty() {
        html.put(" <span class=\"under\" dir=\"auto\">{}</span>", &[&passage.headings.join(" › ")]);
    }
    html.put("</p><p class=\"text\" dir=\"auto\">", &[]);
    html.marked_around(text, &marks, answer.unwrap_or_default());
    html.put("</p></section>", &[]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passages(count: u32) -> Vec<(Passage, Vec<[usize; 2]>)> {
        let passage = |n: u32| {
            let mut passage = Passage::new("<id>", n, format!("<script>{n}</script>"));
            (passage.start_byte, passage.end_byte) = (u64::from(n) * 100, u64::from(n) * 100 + 50);
            (passage, vec![[1, 7]])
        };
        (0..count).map(passage).collect()
    }

    fn rendered(count: u32, ordinal: u32) -> String {
        let wanted = Wanted { ordinal, from: 1, to: 9, ..Wanted::default() };
        render_document(&wanted, &passages(count))
    }

    #[test]
    fn a_passage_is_shown_among_its_neighbours() {
        let page = rendered(40, 20);
        assert!(page.contains("&lt;<mark>script</mark>&gt;12&lt;/script&gt;"));
        assert!(page.contains("<span class=\"answer\"><mark>script</mark>&gt;2</span>0"), "{page}");
        assert!(page.contains("&gt;28&lt;") && !page.contains("&gt;11&lt;"));
        assert!(!page.contains("&gt;29&lt;"));
        assert!(page.contains("Earlier") && page.contains("Later"));
        assert_eq!(page.matches("id=\"found\"").count(), 1);
        assert!(!page.contains("<script>"));
        let all = rendered(3, 9);
        assert!(!all.contains("Earlier") && !all.contains("Later"));
    }

    #[test]
    fn documents_without_a_title_have_a_name() {
        assert_eq!(title_of("A title", "/a/b.md", "/a/b.md"), "A title");
        assert_eq!(title_of("", "/a/b.md", "/a/b.md"), "b.md");
        assert_eq!(title_of("", "/a/b.jsonl", "12"), "12");
    }

    #[test]
    fn addresses_keep_any_name() {
        let place = Place {
            path: "/a b&c",
            id: "x#1",
            ordinal: 3,
            query: "é?",
            answer: [1, 5],
            ..Place::default()
        };
        let url = place.url();
        assert_eq!(
            url,
            "/document?path=%2Fa+b%26c&id=x%231&ordinal=3&q=%C3%A9%3F&from=1&to=5#found"
        );
        let query = url.strip_prefix("/document?").unwrap().strip_suffix("#found").unwrap();
        let wanted: Wanted = serde_urlencoded::from_str(query).unwrap();
        assert_eq!((wanted.path.as_str(), wanted.ordinal, wanted.to), ("/a b&c", 3, 5));
    }
}
