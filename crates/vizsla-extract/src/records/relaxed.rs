//! Rewrites what people and programs write in place of JSON as JSON: comments and trailing commas, names without quotes
//! and strings in single quotes (JSON5), `NaN`, halves of surrogate pairs, tabs within strings.
//!
//! In: any text. Out: a text with the same lines, in which JSON is as it was, and the comments. What makes no sense stays,
//! and does not become valid.

use std::collections::VecDeque;

use serde_json::Value;

/// Comments, each with the line on which it begins.
#[derive(Default)]
pub(crate) struct Comments(VecDeque<(u32, String)>);

impl Comments {
    /// Moves the comments up to a line to the end of a text, a line each.
    pub(crate) fn append_up_to(&mut self, line: u32, text: &mut String) {
        while self.0.front().is_some_and(|(first, _)| *first <= line)
            && let Some((_, comment)) = self.0.pop_front()
        {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&comment);
        }
    }
}

/// The text with everything rewritten that has a meaning in JSON.
pub(crate) fn strict(text: &str) -> String {
    strict_and_comments(text).0
}

/// As [`strict`], with the comments.
pub(crate) fn strict_and_comments(text: &str) -> (String, Comments) {
    let mut rewriter = Rewriter {
        text,
        at: 0,
        out: String::with_capacity(text.len()),
        depth: 0,
        comma: None,
        comments: Comments::default(),
        counted: (0, 1),
    };
    while let Some(byte) = rewriter.byte(rewriter.at) {
        let before = rewriter.at;
        rewriter.token(byte);
        debug_assert!(rewriter.at > before, "no token at {before}");
    }
    (rewriter.out, rewriter.comments)
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

struct Rewriter<'a> {
    text: &'a str,
    at: usize,
    out: String,
    depth: usize,
    /// Where in `out` the last comma is, if only white space follows it.
    comma: Option<usize>,
    comments: Comments,
    /// How far lines are counted, and the number of the one there.
    counted: (usize, u32),
}

impl Rewriter<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn token(&mut self, byte: u8) {
        let next = self.byte(self.at + 1);
        match (byte, next) {
            (b'/', Some(b'/')) => self.comment(self.end_of_line()),
            (b'/', Some(b'*')) => {
                let end = self.text[self.at + 2..].find("*/");
                self.comment(end.map_or(self.text.len(), |end| self.at + 2 + end + 2));
            }
            (b'"' | b'\'', _) => {
                self.comma = None;
                self.string(byte);
            }
            _ if self.space() => {}
            (b'{' | b'}' | b'[' | b']' | b',' | b':', _) => self.punctuation(byte),
            _ => self.word(),
        }
    }

    fn copy(&mut self) {
        let length = self.text[self.at..].chars().next().map_or(1, char::len_utf8);
        self.out.push_str(&self.text[self.at..self.at + length]);
        self.at += length;
    }

    /// White space, of which JSON knows four kinds, JSON5 all of Unicode's.
    fn space(&mut self) -> bool {
        let Some(c) = self.text[self.at..].chars().next().filter(|c| is_space(*c)) else {
            return false;
        };
        self.out.push(if matches!(c, '\n' | '\r' | '\t') { c } else { ' ' });
        self.at += c.len_utf8();
        true
    }

    fn end_of_line(&self) -> usize {
        let end = memchr::memchr(b'\n', &self.text.as_bytes()[self.at..]);
        end.map_or(self.text.len(), |end| self.at + end)
    }

    /// Leaves out a comment up to `end` but for its line breaks.
    fn comment(&mut self, end: usize) {
        let breaks = |from, to| self.text[from..to].bytes().filter(|byte| *byte == b'\n').count();
        let (within, before) = (breaks(self.at, end), breaks(self.counted.0, self.at));
        self.counted = (self.at, self.counted.1 + before as u32);
        self.out.push(' ');
        self.out.extend(std::iter::repeat_n('\n', within));
        let signs = ['/', '*', '!'];
        let words = self.text[self.at..end].trim_start_matches(signs).trim_end_matches("*/");
        let words = words.split_whitespace().filter(|word| *word != "*").collect::<Vec<_>>();
        if !words.is_empty() {
            self.comments.0.push_back((self.counted.1, words.join(" ")));
        }
        self.at = end;
    }

    fn punctuation(&mut self, byte: u8) {
        match byte {
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if let Some(comma) = self.comma {
                    self.out.replace_range(comma..=comma, " ");
                }
            }
            _ => {}
        }
        self.comma = (byte == b',').then_some(self.out.len());
        self.copy();
    }

    /// A word without quotes: a value of JSON stays, within objects and lists any other becomes a string.
    fn word(&mut self) {
        self.comma = None;
        let rest = &self.text[self.at..];
        let ends = |c: char| is_space(c) || "{}[],:\"'".contains(c);
        let end = rest.find(ends).unwrap_or(rest.len());
        let end = rest[..end].find("//").or_else(|| rest[..end].find("/*")).unwrap_or(end);
        let word = &rest[..end];
        let is_name = rest[end..].trim_start_matches(is_space).starts_with(':');
        let is_value = !is_name && serde_json::from_str::<Value>(word).is_ok();
        if self.depth == 0 || is_value {
            self.out.push_str(word);
        } else if !is_name && matches!(word, "NaN" | "undefined") {
            self.out.push_str("null");
        } else {
            self.out.push_str(&Value::from(word).to_string());
        }
        self.at += end;
    }

    /// A string, up to the line break if it is not closed before.
    fn string(&mut self, quote: u8) {
        self.out.push('"');
        self.at += 1;
        let mut breaks = 0;
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b'\n' => break,
                b'\\' => breaks += self.escape(),
                _ if byte == quote => {
                    self.out.push('"');
                    self.at += 1;
                    break;
                }
                b'"' => {
                    self.out.push_str("\\\"");
                    self.at += 1;
                }
                0..0x20 => {
                    self.out.push_str(&format!("\\u{byte:04x}"));
                    self.at += 1;
                }
                _ => self.copy(),
            }
        }
        self.out.extend(std::iter::repeat_n('\n', breaks));
    }

    /// An escape sequence; returns how many line breaks it continues over.
    fn escape(&mut self) -> usize {
        let rest = &self.text[self.at + 1..];
        let next = rest.chars().next();
        match next {
            Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => {
                self.out.push('\\');
                self.at += 1;
                self.copy();
            }
            Some('u') => self.unicode_escape(),
            Some('\'') => {
                self.at += 1;
                self.copy();
            }
            Some('\n') => {
                self.at += 2;
                return 1;
            }
            Some('\r') if rest.starts_with("\r\n") => {
                self.at += 3;
                return 1;
            }
            _ => {
                let hex = rest.strip_prefix('x').and_then(|rest| rest.get(..2));
                let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
                let (text, length) =
                    code.map_or(("\\\\".to_owned(), 1), |code| (format!("\\u{code:04x}"), 4));
                self.out.push_str(&text);
                self.at += length;
            }
        }
        0
    }

    /// `\uXXXX`. Half of a surrogate pair is no character.
    fn unicode_escape(&mut self) {
        let unit = |at: usize| {
            let hex = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
            u16::from_str_radix(hex, 16).ok()
        };
        let (text, length) = match (unit(self.at), unit(self.at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => {
                (&self.text[self.at..self.at + 12], 12)
            }
            (Some(0xd800..=0xdfff), _) => ("\\ufffd", 6),
            (Some(_), _) => (&self.text[self.at..self.at + 6], 6),
            (None, _) => ("\\\\", 1),
        };
        self.out.push_str(text);
        self.at += length;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Option<Value> {
        let strict = strict(text);
        assert_eq!(strict.matches('\n').count(), text.matches('\n').count(), "{strict}");
        serde_json::from_str(&strict).ok()
    }

    #[test]
    fn dialects_become_json() {
        let text = "// a\n{ /* b\n */ name: 'it\\'s \"x\"', \"u\": \"http://a//b\", 1: [1, .5, NaN, +2,], // c\n t: true, }\n";
        let value = json!({"name": "it's \"x\"", "u": "http://a//b", "1": [1, ".5", null, "+2"], "t": true});
        assert_eq!(read(text), Some(value));
        assert_eq!(read("{\"a\": \"b\\\nc\\x41\\d\"}"), Some(json!({"a": "bcA\\d"})));
        assert_eq!(
            read("[\"\\ud83d x \\ud83d\\ude00 \\u12\"]"),
            Some(json!(["\u{fffd} x 😀 \\u12"]))
        );
        assert_eq!(read("[\"a\tb\"]"), Some(json!(["a\tb"])));
    }

    #[test]
    fn any_white_space_may_stand_between_tokens() {
        for space in
            ['\u{b}', '\u{c}', '\u{85}', '\u{a0}', '\u{2028}', '\u{3000}', '\u{feff}', '\r']
        {
            let text = format!(
                "{space}{{{space}a{space}:{space}[{space}1{space},{space}]{space}}}{space}"
            );
            assert_eq!(read(&text), Some(json!({"a": [1]})), "{space:?}");
            assert_eq!(read(&format!("[\"{space}\"]")), Some(json!([space.to_string()])));
        }
    }

    #[test]
    fn what_makes_no_sense_does_not_become_valid() {
        for text in
            ["plain words", "{\n \"a\": }", "[1 2]", "{a b}", "{\"a\": \"open}", "{,}x", "a: b"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn json_stays_the_same(keys in proptest::collection::vec("[a-z/*'\",\\\\ \u{1}é\n]{0,6}", 0..6)) {
            let value = json!({"list": keys, "n": [1.5e3, null, {"deep": keys.concat()}]});
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                prop_assert_eq!(strict(&text), text);
            }
        }

        #[test]
        fn any_text_is_rewritten_without_losing_lines(text in "[a{}\\[\\],:\"'/*\\\\\n u0d\u{b}\u{85}\u{a0}é]{0,80}") {
            let lines = |text: &str| text.matches('\n').count();
            prop_assert_eq!(lines(&strict(&text)), lines(&text));
        }
    }
}
