//! Parses what a user typed into words to look for, and required and excluded clauses.
//!
//! Any text is a query. These forms are operators: a phrase in quotes, straight or typographic, must occur in the passage
//! verbatim; `-word` and `-"a phrase"` must not occur in it; `title:word`, `heading:word`, `path:word` and `body:word`
//! (or a phrase) must occur in that field; `word*` stands for all words that begin so. Everything else, such as a hyphen
//! within a word, an unknown field, a URL or an unclosed quote, is plain text.
//!
//! Much that begins with a dash excludes nothing: options of commands, negative numbers, the first word of a query. So
//! a dash excludes only a word of three letters or more, of which the first alone may be a capital, after another word,
//! where nothing speaks of a command (`options` says what does), or what no command has: a word that is not in ASCII, a
//! phrase or a fielded word.

use std::cell::LazyCell;
use std::fmt;

use crate::options;

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
    /// Beginnings that stand for all words with them; the text has them too.
    pub prefixes: Vec<String>,
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

impl Clause {
    /// The letters before the star, of a single word that ends in one: it stands for all words that begin so.
    pub fn prefix(&self) -> Option<&str> {
        prefix(&self.words)
    }
}

/// As it would be typed, but for the quotes of a phrase.
impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = match self.field {
            Some(QueryField::Title) => "title:",
            Some(QueryField::Headings) => "heading:",
            Some(QueryField::Path) => "path:",
            Some(QueryField::Body) => "body:",
            None => "",
        };
        write!(f, "{field}{}", self.words)
    }
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
        let of_commands = LazyCell::new(|| options::speaks_of_commands(text));
        let mut at = 0;
        while let Some(skipped) = text[at..].find(|c: char| !c.is_whitespace()) {
            at += skipped;
            let (part, length) = part(text, at, || *of_commands);
            match part {
                Part::Excluded(clause) => query.excluded.push(clause),
                Part::Required(clause) => {
                    let letters = clause.prefix();
                    query.push_text(letters.unwrap_or(&clause.words));
                    query.prefixes.extend(letters.map(str::to_owned));
                    query.required.push(clause);
                }
                Part::Prefix(word) => {
                    query.push_text(&word);
                    query.prefixes.push(word);
                }
                Part::Text => query.push_text(&text[at..at + length]),
            }
            at += length;
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

/// What a piece of a query is.
enum Part {
    Required(Clause),
    Excluded(Clause),
    Prefix(String),
    Text,
}

/// Straight and typographic quotes: English, German, French, Swedish, full-width. Languages differ in which of them open
/// and which close.
const QUOTES: [char; 11] = ['"', '“', '”', '„', '‟', '«', '»', '＂', '〝', '〞', '〟'];

/// Bytes within which a quotation is closed, if it is one: all of a long text is not searched for each quote.
const LONGEST_QUOTATION: usize = 4096;

/// What may close a quotation that a character opens. A typographic apostrophe opens none.
fn closing(open: char) -> &'static [char] {
    match open {
        '‘' | '‚' | '‛' => &['’', '‘'],
        '‹' => &['›'],
        '›' => &['‹'],
        '「' => &['」'],
        '『' => &['』'],
        '《' => &['》'],
        '〈' => &['〉'],
        open if QUOTES.contains(&open) => &QUOTES,
        _ => &[],
    }
}

/// What begins at `at`, and its length.
fn part(query: &str, at: usize, of_commands: impl Fn() -> bool) -> (Part, usize) {
    let text = &query[at..];
    let word_length = text.find(char::is_whitespace).unwrap_or(text.len());
    let mut start = 0;
    let dashed = text.starts_with('-');
    start += usize::from(dashed);
    let mut field = None;
    if let Some((name, _)) = text[start..word_length].split_once(':')
        && let Some(named) = QueryField::named(name)
    {
        field = Some(named);
        start += name.len() + 1;
    }
    let clause = |words: &str| Clause { field, words: words.to_owned() };
    if let Some((words, end)) = quoted(&text[start..]) {
        let clause = clause(words);
        // Text right after the closing quote, such as a full stop, is parsed separately.
        return (if dashed { Part::Excluded(clause) } else { Part::Required(clause) }, start + end);
    }
    let word = &text[start..word_length];
    let part = if !word.starts_with(char::is_alphanumeric) {
        Part::Text
    } else if field.is_some() {
        if dashed { Part::Excluded(clause(word)) } else { Part::Required(clause(word)) }
    } else if dashed {
        if options::excludes(query, at, word, of_commands) {
            Part::Excluded(clause(word))
        } else {
            Part::Text
        }
    } else {
        prefix(word).map_or(Part::Text, |word| Part::Prefix(word.to_owned()))
    };
    (part, word_length)
}

/// The words between quotes at the start of a text, and where the closing quote ends. An unclosed quote is text.
fn quoted(text: &str) -> Option<(&str, usize)> {
    let opening = text.chars().next()?;
    let (open, closing) = (opening.len_utf8(), closing(opening));
    if closing.is_empty() {
        return None;
    }
    let text = &text[..text.floor_char_boundary(LONGEST_QUOTATION)];
    let ends = |at: usize, close: &str| {
        let next = text[open + at + close.len()..].chars().next();
        // Where words are not separated, a letter follows a bracket.
        opening >= '\u{3008}' || next.is_none_or(|next| !next.is_alphanumeric())
    };
    let mut quotes = text[open..].match_indices(closing);
    // The first, but an apostrophe may stand before it where both look the same.
    let first = quotes.next()?;
    let (at, close) = match first {
        (at, close) if ends(at, close) => (at, close),
        (_, "’") => quotes.find(|(at, close)| ends(*at, close))?,
        _ => return None,
    };
    let words = text[open..open + at].trim();
    words.contains(char::is_alphanumeric).then_some((words, open + at + close.len()))
}

/// Whether a sign may stand within a word: in versions and addresses, names of code, compounds and contractions.
fn is_inner(c: char) -> bool {
    matches!(c, '\'' | '’' | '.' | '-' | '_' | '+' | '#' | '/' | '@' | ':')
}

/// The letters before the star of `word*`.
fn prefix(word: &str) -> Option<&str> {
    let letters = word.trim_end_matches([',', '.', ';', ':', '?', '!', ')']).strip_suffix('*')?;
    let enough = letters.chars().nth(1).is_some() || letters.starts_with(is_ideograph);
    let of_word = |c: char| c.is_alphanumeric() || is_mark(c) || is_inner(c);
    (enough && letters.chars().all(of_word) && !letters.ends_with(['\'', '’'])).then_some(letters)
}

/// Whether a character is a mark that stands after its letter, as systems write the names of files.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

/// Whether a character is a word by itself.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFF}')
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
    fn a_clause_is_shown_with_its_field() {
        let query = Query::parse("title:rust heron -heading:old -\"old way\"");
        assert_eq!(query.required[0].to_string(), "title:rust");
        let excluded: Vec<String> = query.excluded.iter().map(ToString::to_string).collect();
        assert_eq!(excluded, ["heading:old", "old way"]);
    }

    #[test]
    fn a_quotation_that_is_too_long_is_text() {
        let long = "word ".repeat(LONGEST_QUOTATION / 5);
        for (words, required) in [("three small words", 1), (long.as_str(), 0)] {
            assert_eq!(Query::parse(&format!("say \"{words}\"")).required.len(), required);
        }
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
            "say “hello",
            "--",
            "\"\"",
            "““",
            "-",
            "title:",
            "-x",
            "-jaguar car",
            "it is -40 degrees",
            "what does curl -L do",
            "ssh -T host",
            "what does git commit -amend do",
            "python -m venv",
            "tar -xzf file",
            "top -bn1",
            "rm -rf folder",
            "find . -name x",
            "how to use ls -lah",
            "gcc -Wall -std=c11",
            "java -version",
            "docker run -it --rm image",
            "a -b -c",
            "pages 3 -5",
            "well -KNOWN",
            "java -Xmx",
            "-手机 苹果",
            "cargo test --release",
            "ps -aux",
            "C* *x a*b x*",
        ] {
            let query = Query::parse(text);
            assert_eq!((query.text.as_str(), query.required.len()), (text, 0), "{text}");
            assert!(query.excluded.is_empty() && query.prefixes.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_dash_before_a_word_excludes_it_where_that_is_meant() {
        for (text, excluded) in [
            ("jaguar -car", "car"),
            ("jaguar speed -cars top", "cars"),
            ("python -snake", "snake"),
            ("java -island", "island"),
            ("Äpfel -birnen", "birnen"),
            ("jaguar -Ford", "Ford"),
            ("苹果 -手机", "手机"),
            ("git 教程 -陶", "陶"),
            ("jaguar -\"sports car\"", "sports car"),
            ("jaguar -“sports car”", "sports car"),
        ] {
            let query = Query::parse(text);
            assert_eq!(words(&query.excluded), [(None, excluded)], "{text}");
        }
    }

    #[test]
    fn quotes_of_all_kinds_make_a_phrase() {
        for text in [
            "\"quick fox\"",
            "“quick fox”",
            "„quick fox“",
            "«quick fox»",
            "« quick fox »",
            "»quick fox«",
            "”quick fox”",
            "‘quick fox’",
            "‚quick fox‘",
            "‹quick fox›",
            "›quick fox‹",
            "「quick fox」",
            "『quick fox』",
            "《quick fox》",
            "〝quick fox〟",
        ] {
            let query = Query::parse(&format!("the {text}, please"));
            assert_eq!(words(&query.required), [(None, "quick fox")], "{text}");
            assert_eq!(query.text, "the quick fox , please");
        }
    }

    #[test]
    fn an_apostrophe_closes_no_quotation() {
        let query = Query::parse("who sang ‘don’t stop me’ first");
        assert_eq!(words(&query.required), [(None, "don’t stop me")]);
        for text in ["’tis the dogs’ bone", "rock ’n’ roll", "the ‘90s weren’t"] {
            assert_eq!(Query::parse(text), Query::words(text));
        }
    }

    #[test]
    fn a_star_stands_for_the_rest_of_a_word() {
        let query = Query::parse("how to config* it");
        assert_eq!(
            (query.text.as_str(), query.prefixes.as_slice()),
            ("how to config it", &["config".to_owned()][..])
        );
        assert_eq!(Query::parse("kube*, please").prefixes, ["kube"]);
        assert_eq!(Query::parse("東*").prefixes, ["東"]);
        assert_eq!(
            Query::parse("l'hom* l’av* Mu\u{308}n* d'*").prefixes,
            ["l'hom", "l’av", "Mu\u{308}n"]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_query(text in "[\\PC \"“»*-:]{0,40}") {
            let query = Query::parse(&text);
            prop_assert_eq!(query.text.is_empty(), text.trim().is_empty());
        }
    }
}
