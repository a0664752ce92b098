//! Lines that run from right to left, turned from the order in which they are seen into that in which they are read.

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

/// Whether a text has letters that are read from right to left.
pub(super) fn is_right_to_left(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(|c| matches!(bidi_class(c), BidiClass::R | BidiClass::AL))
}

/// How many letters of a text are read in either direction.
pub(super) struct Letters {
    pub(super) to_the_left: usize,
    pub(super) to_the_right: usize,
}

pub(super) fn letters(text: &str) -> Letters {
    let mut letters = Letters { to_the_left: 0, to_the_right: 0 };
    for c in text.chars() {
        match bidi_class(c) {
            BidiClass::R | BidiClass::AL => letters.to_the_left += 1,
            BidiClass::L => letters.to_the_right += 1,
            _ => {}
        }
    }
    letters
}

/// A line in reading order, given what is seen from left to right, and whether its paragraph runs to the left. Turning
/// what is seen into what is read follows the same rule as the reverse: runs of either direction are turned round
/// within a line that has one direction itself.
pub(super) fn logical(seen: &str, runs_to_the_left: bool) -> String {
    let has_left = seen.chars().any(|c| bidi_class(c) == BidiClass::L);
    let runs_to_the_left = !has_left || direction(seen).unwrap_or(runs_to_the_left);
    let level = if runs_to_the_left { Level::rtl() } else { Level::ltr() };
    let info = BidiInfo::new(seen, Some(level));
    let mut read = String::with_capacity(seen.len());
    for paragraph in &info.paragraphs {
        read.push_str(&info.reorder_line(paragraph, paragraph.range.clone()));
    }
    read
}

/// Whether a line runs to the left, by the end at which the sign is that ends a sentence or a part of it.
fn direction(seen: &str) -> Option<bool> {
    let is_sign = |c: char| ".,:;!?،؛؟".contains(c);
    let seen = seen.trim();
    match (seen.starts_with(is_sign), seen.ends_with(is_sign)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_from_the_left_is_read_from_the_right() {
        assert_eq!(logical("םלוע םולש", true), "שלום עולם");
        assert_eq!(logical("12 םולש", true), "שלום 12");
        assert_eq!(logical("the word םולש means peace", false), "the word שלום means peace");
    }

    #[test]
    fn the_end_of_a_sentence_shows_which_way_a_line_runs() {
        assert_eq!(logical(".הנימז info@example.org", false), "info@example.org זמינה.");
        assert_eq!(logical("means םולש, or peace.", true), "means שלום, or peace.");
        assert_eq!(logical("הנימז info@example.org", true), "info@example.org זמינה");
    }
}
