//! The elements of a JSON list, or the values of a text that has several, one at a time.
//!
//! In: text. Out: the text of each element and its lines, so that no more than one needs to be in memory as a value. An
//! element that is not valid costs only itself: reading goes on with the next one that begins like it.

use serde_json::value::RawValue;

/// One element.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) text: &'a str,
    pub(crate) is_valid: bool,
    /// First line, from 1.
    pub(crate) first: u32,
    /// Last line.
    pub(crate) last: u32,
}

/// How many times the length of the text may be read in vain, looking for the ends of elements that are not valid.
const MOST_PASSES: usize = 64;

/// Bytes before an element in which the beginning of its line is looked for.
const MOST_INDENT: usize = 256;

#[derive(Clone)]
pub(crate) struct Elements<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    /// Whether the elements are those of a list, which a bracket ends.
    in_list: bool,
    /// Bytes that were read in vain.
    wasted: usize,
}

impl<'a> Elements<'a> {
    /// The elements of the list that begins at byte `start`.
    pub(crate) fn of_list(text: &'a str, start: usize) -> Self {
        let mut elements = Self { text, at: 0, line: 1, in_list: true, wasted: 0 };
        elements.advance(start + 1);
        elements
    }

    /// The values that follow each other in a text, with or without commas between them.
    pub(crate) fn of_sequence(text: &'a str) -> Self {
        Self { text, at: 0, line: 1, in_list: false, wasted: 0 }
    }

    /// Everything after the list.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn advance(&mut self, end: usize) {
        let breaks = memchr::memchr_iter(b'\n', &self.text.as_bytes()[self.at..end]).count();
        self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        self.at = end;
    }

    /// Where the element that begins here ends, and whether it is valid.
    fn end(&mut self) -> (usize, bool) {
        match value_end(self.text, self.at) {
            // One brace too many belongs to the element before it.
            Ok(end) if !self.text[end..].trim_start().starts_with('}') || !self.in_list => {
                (end, true)
            }
            Ok(end) => {
                self.wasted += end - self.at;
                (self.end_of_broken(), false)
            }
            Err(read) => {
                self.wasted += read;
                (self.end_of_broken(), false)
            }
        }
    }

    /// Where an element that is not valid presumably ends: before the next line that begins like it, or with the bracket
    /// that closes it.
    fn end_of_broken(&mut self) -> usize {
        if self.wasted / MOST_PASSES > self.text.len() {
            return self.text.len();
        }
        let near = self.text.floor_char_boundary(self.at.saturating_sub(MOST_INDENT));
        let start = self.text[near..self.at].rfind('\n').map_or(near, |line| near + line + 1);
        let before = &self.text[start..self.at];
        let opening = self.text[self.at..].chars().next().unwrap_or_default();
        if before.trim_start().is_empty() {
            let next = format!("\n{before}{opening}");
            if let Some(length) = memchr::memmem::find(self.rest().as_bytes(), next.as_bytes()) {
                return self.at + length;
            }
            self.wasted += self.rest().len();
        }
        let (read, closed) = self.closing_bracket();
        self.wasted += read;
        self.wasted += if closed.is_none() { self.rest().len() } else { 0 };
        closed.unwrap_or_else(|| {
            let next = memchr::memmem::find(self.rest().as_bytes(), b"\n{");
            next.map_or(self.text.len(), |length| self.at + length)
        })
    }

    /// How far brackets were looked at, and where they are balanced, if they are, and a comma or the like follows.
    fn closing_bracket(&self) -> (usize, Option<usize>) {
        let (mut open, mut in_string, mut escaped) = (Vec::new(), false, false);
        for (i, byte) in self.rest().bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'\n' => in_string = false,
                _ if in_string => {}
                b'{' | b'[' => open.push(byte + 2),
                b'}' | b']' if open.pop() != Some(byte) => return (i, None),
                b'}' | b']' if open.is_empty() => return (i, Some(self.at + i + 1)),
                b',' if open.is_empty() => return (i, Some(self.at + i)),
                _ => {}
            }
        }
        (self.rest().len(), None)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let between = |c: char| c.is_whitespace() || matches!(c, ',' | '\u{1e}' | '\u{feff}');
        let skipped = self.rest().len() - self.rest().trim_start_matches(between).len();
        self.advance(self.at + skipped);
        if self.rest().is_empty() {
            return None;
        }
        if self.in_list && self.rest().starts_with(']') {
            self.at += 1;
            self.in_list = false;
            return None;
        }
        let (first, start) = (self.line, self.at);
        let (end, is_valid) = self.end();
        let text = self.text[start..end].trim_end_matches(between);
        self.advance(start + text.len());
        let last = self.line;
        self.advance(end);
        Some(Element { text, is_valid, first, last })
    }
}

/// Where the JSON value that begins at `at` ends; if it is not valid, how many bytes show that.
pub(crate) fn value_end(text: &str, at: usize) -> Result<usize, usize> {
    let rest = &text[at..];
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
    match values.next() {
        Some(Ok(_)) => Ok(at + values.byte_offset()),
        Some(Err(error)) => {
            let lines = memchr::memchr_iter(b'\n', rest.as_bytes());
            let before = lines.take(error.line().saturating_sub(1)).last().unwrap_or(0);
            Err(before + error.column() + 1)
        }
        None => Err(rest.len()),
    }
}

/// The byte range of the longest value of an object that begins at `start`, if the object is valid.
pub(crate) fn longest_member(text: &str, start: usize) -> Option<std::ops::Range<usize>> {
    let skip =
        |at: usize| text.len() - text[at..].trim_start_matches([' ', '\t', '\r', '\n', ',']).len();
    let mut longest = 0..0;
    let mut at = skip(start + 1);
    while !text[at..].starts_with('}') {
        let colon = skip(value_end(text, at).ok()?);
        let value = skip(text[colon..].strip_prefix(':').map(|_| colon + 1)?);
        at = value_end(text, value).ok()?;
        if at - value > longest.len() {
            longest = value..at;
        }
        at = skip(at);
    }
    Some(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<(&str, bool, u32, u32)> {
        let elements = Elements::of_list(text, 0);
        elements
            .map(|element| (element.text, element.is_valid, element.first, element.last))
            .collect()
    }

    #[test]
    fn elements_have_their_lines() {
        assert_eq!(
            list("[1, {\"a\":\n2},\n\"x\"] y"),
            [("1", true, 1, 1), ("{\"a\":\n2}", true, 1, 2), ("\"x\"", true, 3, 3)]
        );
        let values: Vec<_> =
            Elements::of_sequence("{}\n\u{1e}[1]{\"a\":1}").map(|element| element.text).collect();
        assert_eq!(values, ["{}", "[1]", "{\"a\":1}"]);
    }

    #[test]
    fn a_broken_element_ends_before_the_next() {
        assert_eq!(
            list("[{\"a\":1},{\"b\":,},{\"c\":3}]"),
            [("{\"a\":1}", true, 1, 1), ("{\"b\":,}", false, 1, 1), ("{\"c\":3}", true, 1, 1)]
        );
        for broken in ["{\"b\":\"open}", "{\"b\":[1,{\"c\":2}", "{\"b\":1}}", "{b"] {
            let text = format!("[\n {{\"a\":1}},\n {broken},\n {{\"c\":3}}\n]");
            let found = list(&text);
            assert_eq!((found.len(), found[1].0, found[2].0), (3, broken, "{\"c\":3}"), "{text}");
        }
    }

    #[test]
    fn the_longest_member_is_found() {
        let text = " {\"a\": 1, \"b\" : [1, 2], \"c\": \"x\"}";
        assert_eq!(&text[longest_member(text, 1).unwrap()], "[1, 2]");
        assert_eq!(longest_member("{}", 0), Some(0..0));
        assert_eq!(longest_member("{\"a\"}", 0), None);
    }

    #[test]
    fn hostile_lists_end() {
        for part in
            ["{\"a\":[", "{\"a\":\"", "[", "{", "{\"a\":[\n", "\n{", "\"", "{\"a\":{},", "}"]
        {
            let text = format!("[{}", part.repeat(50_000));
            assert!(Elements::of_list(&text, 0).count() <= text.len(), "{part}");
        }
    }
}
