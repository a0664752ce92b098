//! Lines that run from right to left, turned from the order in which they are seen into that in which they are read.

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

/// Whether a text has letters that are read from right to left.
pub(super) fn is_right_to_left(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(|c| matches!(bidi_class(c), BidiClass::R | BidiClass::AL))
}

/// A line in reading order, given what is seen from left to right. Turning what is seen into what is read follows the
/// same rule as the reverse: runs of either direction are turned round within a line that has the direction of most of
/// its letters.
pub(super) fn logical(seen: &str) -> String {
    let (mut right, mut left) = (0usize, 0usize);
    for c in seen.chars() {
        match bidi_class(c) {
            BidiClass::R | BidiClass::AL => right += 1,
            BidiClass::L => left += 1,
            _ => {}
        }
    }
    let level = if right >= left { Level::rtl() } else { Level::ltr() };
    let info = BidiInfo::new(seen, Some(level));
    let mut read = String::with_capacity(seen.len());
    for paragraph in &info.paragraphs {
        read.push_str(&info.reorder_line(paragraph, paragraph.range.clone()));
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_from_the_left_is_read_from_the_right() {
        assert_eq!(logical("םלוע םולש"), "שלום עולם");
        assert_eq!(logical("12 םולש"), "שלום 12");
        assert_eq!(logical("the word םולש means peace"), "the word שלום means peace");
    }
}
