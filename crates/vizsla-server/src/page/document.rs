//! A document around one of its passages, as the index has it. In: its passages. Out: a page.

use vizsla::{DocumentKey, Passage};

use super::html::{Html, put_head, safe_link};

/// How many passages are shown before and after the one asked for.
const AROUND: usize = 8;

/// The URL of the page for a passage of a document; `index` is empty for the first one.
pub(super) fn url_of(index: &str, (path, id): DocumentKey<'_>, ordinal: u32) -> String {
    let ordinal = ordinal.to_string();
    let pairs = [("index", index), ("path", path), ("id", id), ("ordinal", &ordinal)];
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query = serde_urlencoded::to_string(pairs.collect::<Vec<_>>()).unwrap_or_default();
    format!("/document?{query}#found")
}

/// The title of a document, or what identifies it where it has none: its id, and the name of its file if that is its id.
pub(super) fn title_of<'a>(title: &'a str, path: &'a str, id: &'a str) -> &'a str {
    match title {
        "" if id == path => path.rsplit(['/', '\\']).next().unwrap_or(path),
        "" => id,
        title => title,
    }
}

/// The page that shows the passage `ordinal` among its neighbours; `passages` are all of the document.
pub(super) fn render_document(index: &str, passages: &[Passage], ordinal: u32) -> String {
    let at = passages.iter().position(|passage| passage.ordinal == ordinal).unwrap_or_default();
    let (first, last) = (at.saturating_sub(AROUND), (at + AROUND + 1).min(passages.len()));
    let mut html = Html::default();
    let Some(found) = passages.get(at) else { return String::new() };
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
    let key = (path, found.doc_id.as_str());
    let link = |html: &mut Html, to: usize, text: &str| {
        let url = url_of(index, key, passages[to].ordinal);
        html.put("<p><a class=\"more\" href=\"{}\">{}</a></p>", &[&url, &text]);
    };
    if first > 0 {
        link(&mut html, first.saturating_sub(AROUND), "Earlier passages");
    }
    let mut end = 0;
    for passage in &passages[first..last] {
        put_passage(&mut html, passage, end, passage.ordinal == found.ordinal);
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

/// Adds a passage without the part that the one before, which ends at byte `end` of the document, has too.
fn put_passage(html: &mut Html, passage: &Passage, end: u64, is_found: bool) {
    let repeated = usize::try_from(end.saturating_sub(passage.start_byte)).unwrap_or_default();
    // The passage asked for is shown whole.
    let rest = if is_found { None } else { passage.text.get(repeated..) };
    let text = rest.unwrap_or(&passage.text);
    html.put(
        if is_found {
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
    html.put("</p><p class=\"text\" dir=\"auto\">{}</p></section>", &[&text]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passages(count: u32) -> Vec<Passage> {
        let passage = |n: u32| {
            let mut passage = Passage::new("<id>", n, format!("<script>{n}</script>"));
            (passage.start_byte, passage.end_byte) = (u64::from(n) * 100, u64::from(n) * 100 + 50);
            passage
        };
        (0..count).map(passage).collect()
    }

    #[test]
    fn a_passage_is_shown_among_its_neighbours() {
        let page = render_document("", &passages(40), 20);
        assert!(page.contains("&lt;script&gt;12&lt;/script&gt;"));
        assert!(page.contains("&lt;script&gt;28&lt;/script&gt;"));
        assert!(!page.contains("&lt;script&gt;11&lt;") && !page.contains("&lt;script&gt;29&lt;"));
        assert!(page.contains("Earlier") && page.contains("Later"));
        assert_eq!(page.matches("id=\"found\"").count(), 1);
        assert!(!page.contains("<script>"));
        let all = render_document("", &passages(3), 9);
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
        assert_eq!(
            url_of("", ("/a b&c", "x#1"), 3),
            "/document?path=%2Fa+b%26c&id=x%231&ordinal=3#found"
        );
    }
}
