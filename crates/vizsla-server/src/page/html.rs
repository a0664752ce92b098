//! Markup that cannot forget to escape. In: templates, which are part of the program, and any text. Out: HTML.

use std::fmt::{self, Display, Write};

/// HTML under construction. Text becomes part of it only through [`put`](Self::put), which escapes it.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Adds a template with each `{}` replaced by the next value, escaped for elements and for quoted attributes.
    pub(super) fn put(&mut self, template: &'static str, values: &[&dyn Display]) -> &mut Self {
        let mut values = values.iter();
        let mut parts = template.split("{}");
        self.0.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let value = values.next();
            debug_assert!(value.is_some(), "a value is missing in {template}");
            if let Some(value) = value {
                write!(Escaped(&mut self.0), "{value}").expect("writing to a string cannot fail");
            }
            self.0.push_str(part);
        }
        debug_assert!(values.next().is_none(), "a value is left over in {template}");
        self
    }

    /// Adds text with the byte ranges of `marks`, which are in order and disjoint, as marked.
    pub(super) fn marked(&mut self, text: &str, marks: &[[usize; 2]]) -> &mut Self {
        let mut done = 0;
        for [start, end] in marks {
            // Ranges come from retrievers of any make: one that does not fit is not shown.
            let (Some(before), Some(marked)) = (text.get(done..*start), text.get(*start..*end))
            else {
                continue;
            };
            self.put("{}<mark>{}</mark>", &[&before, &marked]);
            done = *end;
        }
        self.put("{}", &[&&text[done..]])
    }

    /// Adds text with `marks` marked, of which the byte range `answer` is what answers.
    pub(super) fn marked_around(
        &mut self,
        text: &str,
        marks: &[[usize; 2]],
        [start, end]: [usize; 2],
    ) -> &mut Self {
        let parts = (text.get(..start), text.get(start..end), text.get(end..));
        let (Some(before), Some(answer), Some(after)) = parts else {
            return self.marked(text, marks);
        };
        if answer.is_empty() {
            return self.marked(text, marks);
        }
        let within = |from: usize, to: usize| -> Vec<[usize; 2]> {
            let cut = |[a, b]: &[usize; 2]| [(*a).max(from), (*b).min(to)];
            let inside = marks.iter().map(cut).filter(|[a, b]| a < b);
            inside.map(|[a, b]| [a - from, b - from]).collect()
        };
        self.marked(before, &within(0, start));
        self.put("<span class=\"answer\">", &[]);
        self.marked(answer, &within(start, end));
        self.put("</span>", &[]);
        self.marked(after, &within(end, text.len()))
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Not allowed in HTML, even escaped.
                c if c.is_control() && !matches!(c, '\n' | '\t' | '\r') => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// Begins a page with this title.
pub(super) fn put_head(html: &mut Html, title: &str) {
    let separator = if title.is_empty() { "" } else { " · " };
    html.put(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}{}Vizsla</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\">\
         <link rel=\"stylesheet\" href=\"/assets/style.css\">\
         <script type=\"module\" src=\"/assets/app.js\"></script></head>",
        &[&title, &separator],
    );
}

/// A time for people.
pub(super) fn time(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

/// The link itself if following it can only show a file or a page; others, such as `javascript:`, are not followed.
pub(super) fn safe_link(link: &str) -> Option<&str> {
    let scheme = link.split_once(':')?.0;
    ["http", "https", "file"].iter().any(|safe| scheme.eq_ignore_ascii_case(safe)).then_some(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_text_stays_text() {
        let mut html = Html::default();
        html.put("<a href=\"{}\">{}</a>", &[&"\"' onclick=x", &"<script>&\0\n"]);
        assert_eq!(
            html.into_string(),
            "<a href=\"&quot;&#39; onclick=x\">&lt;script&gt;&amp;\u{fffd}\n</a>"
        );
        let mut html = Html::default();
        html.put("<p>{}</p>", &[&"{}<b>"]);
        assert_eq!(html.into_string(), "<p>{}&lt;b&gt;</p>");
    }

    #[test]
    fn marks_are_put_where_they_fit() {
        let marked = |text: &str, marks: &[[usize; 2]]| {
            let mut html = Html::default();
            html.marked(text, marks);
            html.into_string()
        };
        assert_eq!(marked("a <é> b", &[[2, 6], [7, 8]]), "a <mark>&lt;é&gt;</mark> <mark>b</mark>");
        assert_eq!(marked("é", &[[1, 2], [0, 9], [2, 1]]), "é");
        assert_eq!(marked("ab", &[[0, 2], [0, 1]]), "<mark>ab</mark>");
    }

    #[test]
    fn what_answers_is_set_off_with_its_marks() {
        let mut html = Html::default();
        html.marked_around("a b. c d.", &[[0, 1], [5, 6]], [5, 9]);
        let expected = "<mark>a</mark> b. <span class=\"answer\"><mark>c</mark> d.</span>";
        assert_eq!(html.into_string(), expected);
        let mut html = Html::default();
        html.marked_around("é", &[[0, 2]], [0, 1]);
        assert_eq!(html.into_string(), "<mark>é</mark>");
    }

    #[test]
    fn only_harmless_links_are_followed() {
        for link in ["http://a", "https://a", "FILE:///a"] {
            assert_eq!(safe_link(link), Some(link));
        }
        for link in
            ["javascript:alert(1)", " javascript:x", "data:text/html,x", "java\nscript:x", "/a"]
        {
            assert_eq!(safe_link(link), None, "{link}");
        }
    }
}
