//! Parses what a user typed into words to look for, and required and excluded clauses.
//!
//! Any text is a query. Three forms are operators: a phrase in straight double quotes must occur in the passage
//! verbatim; `-word` and `-"a phrase"` must not occur in it; `title:word`, `heading:word`, `path:word` and `body:word`
//! (or a phrase) must occur in that field. Everything else, such as a hyphen within a word, an unknown field, a URL or
//! an unclosed quote, is plain text.

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Query {
    /// The text to search for and for a reranker to read, without operators and excluded clauses.
    pub text: String,
    /// What must occur in a passage.
    pub required: Vec<Clause>,
    /// What must not occur in a passage.
    pub excluded: Vec<Clause>,
}

/// One or more adjacent words, optionally within one field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Clause {
    /// The field they must occur in; `None` means anywhere in title, headings or text.
    pub field: Option<QueryField>,
    /// The words, as typed.
    pub words: String,
}

/// A part of a passage that a query can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryField {
    /// `title:`
    Title,
    /// `heading:`
    Headings,
    /// `path:`
    Path,
    /// `body:`, which excludes title and headings.
    Body,
}

impl QueryField {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "title" => Self::Title,
            "heading" | "headings" => Self::Headings,
            "path" => Self::Path,
            "body" => Self::Body,
            _ => return None,
        })
    }
}

impl Query {
    /// A query in which nothing is an operator.
    pub fn words(text: &str) -> Self {
        Self { text: text.trim().to_owned(), ..Self::default() }
    }

    /// Whether it has required or excluded clauses.
    pub fn has_operators(&self) -> bool {
        !self.required.is_empty() || !self.excluded.is_empty()
    }

    /// Parses a text. Never fails.
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
            rest = &rest[start..];
            let (clause, length) = clause(rest);
            match clause {
                Some((true, clause)) => query.excluded.push(clause),
                Some((false, clause)) => {
                    query.push_text(&clause.words);
                    query.required.push(clause);
                }
                None => query.push_text(&rest[..length]),
            }
            rest = &rest[length..];
        }
        // A query with nothing but exclusions is searched for as typed; otherwise nothing could be found.
        if query.text.is_empty() {
            return Self::words(text);
        }
        query
    }

    fn push_text(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(text);
    }
}

/// The operator at the start of `text` and whether it excludes, or `None` for a plain word; and its length.
fn clause(text: &str) -> (Option<(bool, Clause)>, usize) {
    let word_length = text.find(char::is_whitespace).unwrap_or(text.len());
    let mut at = 0;
    let excludes = text.starts_with('-');
    at += usize::from(excludes);
    let mut field = None;
    if let Some((name, _)) = text[at..word_length].split_once(':')
        && let Some(named) = QueryField::named(name)
    {
        field = Some(named);
        at += name.len() + 1;
    }
    if let Some(quoted) = text[at..].strip_prefix('"')
        && let Some(length) = quoted.find('"')
    {
        let end = at + length + 2;
        let words = quoted[..length].trim().to_owned();
        let closed = text[end..].chars().next().is_none_or(|next| !next.is_alphanumeric());
        if closed && words.contains(char::is_alphanumeric) {
            // Text right after the closing quote, such as a full stop, is parsed separately.
            return (Some((excludes, Clause { field, words })), end);
        }
    }
    let word = &text[at..word_length];
    let operator = excludes || field.is_some();
    if operator && word.starts_with(char::is_alphanumeric) {
        return (Some((excludes, Clause { field, words: word.to_owned() })), word_length);
    }
    (None, word_length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(clauses: &[Clause]) -> Vec<(Option<QueryField>, &str)> {
        clauses.iter().map(|clause| (clause.field, clause.words.as_str())).collect()
    }

    #[test]
    fn operators_are_distinguished_from_text() {
        let query =
            Query::parse(r#"how to "parse a date" -java title:rust -"old way" path:"a b" end"#);
        assert_eq!(query.text, "how to parse a date rust a b end");
        assert_eq!(
            words(&query.required),
            [
                (None, "parse a date"),
                (Some(QueryField::Title), "rust"),
                (Some(QueryField::Path), "a b")
            ]
        );
        assert_eq!(words(&query.excluded), [(None, "java"), (None, "old way")]);
    }

    #[test]
    fn what_only_looks_like_an_operator_is_text() {
        for text in [
            "state-of-the-art",
            "a - b",
            "5\" disk",
            "https://x.org/a",
            "std::vec",
            "say \"hello",
            "--",
            "\"\"",
            "-",
            "title:",
            "-x",
        ] {
            let query = Query::parse(text);
            assert_eq!((query.text.as_str(), query.required.len()), (text, 0), "{text}");
            assert!(query.excluded.is_empty());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_query(text in "[\\PC \"-:]{0,40}") {
            let query = Query::parse(&text);
            prop_assert_eq!(query.text.is_empty(), text.trim().is_empty());
        }
    }
}
