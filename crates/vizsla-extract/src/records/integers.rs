//! Integers of JSON that no number here holds, such as identifiers of many digits. In: a text of JSON. Out: the same with
//! these as strings, so that they are found as they are written.

use std::borrow::Cow;

/// Digits that fit in any case.
const FITTING: usize = 18;
/// A run of more digits has two neighbours among every so many bytes.
const STEP: usize = FITTING / 2;

/// The text with integers that do not fit in quotes.
pub(super) fn as_written(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    if !(0..bytes.len()).step_by(STEP).any(|at| is_digit(at) && is_digit(at + STEP)) {
        return Cow::Borrowed(text);
    }
    let (mut written, mut done) = (String::new(), 0);
    let (mut at, mut in_string) = (0, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' if !in_string => {
                let end = word_end(bytes, at);
                let word = &text[at..end];
                let digits = word.strip_prefix('-').unwrap_or(word);
                let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit());
                // A number that begins with zero is no JSON.
                if is_integer
                    && digits.len() > FITTING
                    && !digits.starts_with('0')
                    && word.parse::<i64>().is_err()
                {
                    written.extend([&text[done..at], "\"", word, "\""]);
                    done = end;
                }
                at = end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    written.push_str(&text[done..]);
    Cow::Owned(written)
}

/// Where a number or a name that begins here ends.
fn word_end(bytes: &[u8], start: usize) -> usize {
    let is_word =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b'_');
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_that_do_not_fit_are_strings() {
        for (text, expected) in [
            ("[12345678901234567890123]", "[\"12345678901234567890123\"]"),
            (
                "{\"a\": -12345678901234567890,\"b\":1}",
                "{\"a\": \"-12345678901234567890\",\"b\":1}",
            ),
            (
                "[9223372036854775807,9223372036854775808]",
                "[9223372036854775807,\"9223372036854775808\"]",
            ),
            ("[\"\\\"12345678901234567890123\"]", "[\"\\\"12345678901234567890123\"]"),
            (
                "[1.12345678901234567890123, 12345678901234567890123e5]",
                "[1.12345678901234567890123, 12345678901234567890123e5]",
            ),
            ("[1234567890123456789012.5,é]", "[1234567890123456789012.5,é]"),
            (
                "[x12345678901234567890123, 0012345678901234567890123]",
                "[x12345678901234567890123, 0012345678901234567890123]",
            ),
        ] {
            assert_eq!(as_written(text), expected);
        }
        assert!(matches!(as_written("[1234567890, 1]"), Cow::Borrowed(_)));
    }

    #[test]
    fn such_integers_are_found_as_they_are_written() {
        let value = crate::records::value("{\"id\": 12345678901234567890123}").unwrap();
        assert_eq!(value["id"], "12345678901234567890123");
    }
}
