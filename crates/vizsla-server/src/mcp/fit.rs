//! Keeps answers within what an agent has room for. In: texts, and a number of tokens. Out: what fits, cut where people
//! would cut.

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

/// Tokenizers differ, so this is on the safe side: English prose has more bytes to a token, paths and JSON about as many,
/// and a character of Chinese has three.
const BYTES_PER_TOKEN: usize = 3;

pub(super) fn bytes(tokens: usize) -> usize {
    tokens * BYTES_PER_TOKEN
}

/// The largest of the values that `build` makes of about `n` bytes of text which has at most `room` bytes as JSON; `None`
/// when even the one without text has more.
pub(super) fn largest(room: usize, mut build: impl FnMut(usize) -> Value) -> Option<Value> {
    let mut size = room;
    loop {
        let value = build(size);
        let over = value.to_string().len().saturating_sub(room);
        if over == 0 {
            return Some(value);
        }
        if size == 0 {
            return None;
        }
        size = size.saturating_sub(over.max(size / 16).max(1));
    }
}

/// How many bytes each of these may have so that all have at most `room` together: short ones leave theirs to long ones.
pub(super) fn share(lengths: &[usize], room: usize) -> usize {
    let mut lengths = lengths.to_vec();
    lengths.sort_unstable();
    let mut left = room;
    let count = lengths.len();
    for (done, length) in lengths.into_iter().enumerate() {
        let each = left / (count - done);
        if length > each {
            return each;
        }
        left -= length;
    }
    room
}

/// Where to end a text of at most `room` bytes that begins at `start`: after a sentence or a line, else a word.
pub(super) fn end(text: &str, start: usize, room: usize) -> usize {
    let limit = text.floor_char_boundary((start + room).min(text.len()));
    if limit == text.len() {
        return limit;
    }
    let part = &text[start..limit];
    // A little further, so that the last boundary is one and not just where the text was cut.
    let looked_at = &text[start..text.ceil_char_boundary((limit + 8).min(text.len()))];
    let sentence = looked_at
        .split_sentence_bound_indices()
        .map(|(at, _)| at)
        .take_while(|at| *at <= part.len());
    let at_least = part.len() / 2;
    let best = sentence.last().filter(|at| *at > at_least);
    let line = || part.rfind('\n').map(|at| at + 1).filter(|at| *at > at_least);
    let word = || part.rfind(char::is_whitespace).filter(|at| *at > 0);
    start + best.or_else(line).or_else(word).unwrap_or(part.len())
}

/// A passage in at most `room` bytes: all of it, or from the sentence with which `best` begins.
pub(super) fn excerpt(text: &str, best: usize, room: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= room {
        return text.to_owned();
    }
    let best = text.floor_char_boundary(best.min(text.len()));
    let sentences = text.split_sentence_bound_indices().map(|(at, _)| at);
    let sentence = sentences.take_while(|at| *at <= best).last().unwrap_or(0);
    // A long sentence may hold what was asked for far behind its beginning.
    let start = if best - sentence > room / 2 { best } else { sentence };
    let room = room.saturating_sub(2 * MARK.len());
    // What comes last is short enough to show more of what comes before.
    let start = if text.len() - start < room {
        let earliest = text.ceil_char_boundary(text.len() - room);
        let begins = text.split_sentence_bound_indices().map(|(at, _)| at);
        begins.take_while(|at| *at <= start).find(|at| *at >= earliest).unwrap_or(start)
    } else {
        start
    };
    let end = end(text, start, room);
    let shown = text[start..end].trim();
    let before = if text[..start].trim().is_empty() { "" } else { MARK };
    let after = if text[end..].trim().is_empty() { "" } else { MARK };
    format!("{before}{shown}{after}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_end_with_a_sentence_a_line_or_a_word() {
        let text = "One sentence. Another one. A third that is longer.";
        assert_eq!(&text[..end(text, 0, 30)], "One sentence. Another one. ");
        assert_eq!(end(text, 0, 100), text.len());
        assert_eq!(end("one\ntwo\nthree", 0, 9), 8);
        assert_eq!(
            &"some words without an end"[..end("some words without an end", 0, 12)],
            "some words"
        );
        assert_eq!(end("ééééé", 0, 5), 4);
    }

    #[test]
    fn an_excerpt_shows_the_best_part_and_fits() {
        let text = "First things first. ".repeat(10)
            + "The heron waits. "
            + &"Last things last. ".repeat(10);
        let best = text.find("heron").unwrap();
        let shown = excerpt(&text, best, 60);
        assert!(shown.starts_with("…The heron waits.") && shown.ends_with('…'), "{shown}");
        for room in 0..text.len() {
            assert!(excerpt(&text, best, room).len() <= room.max(6), "{room}");
        }
        assert_eq!(excerpt("short", 3, 5), "short");
    }

    #[test]
    fn room_is_shared_and_never_exceeded() {
        assert_eq!(share(&[10, 100, 100], 110), 50);
        assert_eq!(share(&[10, 10], 100), 100);
        assert_eq!(share(&[], 100), 100);
        let text = "\"quoted\" ".repeat(100);
        let made = largest(300, |n| json!({ "text": text[..n.min(text.len())] })).unwrap();
        assert!((200..=300).contains(&made.to_string().len()));
        assert_eq!(largest(5, |_| json!({ "text": "" })), None);
    }
}
