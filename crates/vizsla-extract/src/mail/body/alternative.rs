//! Which of the alternatives of a message to read: the plain text, unless another says more than it.

use std::collections::HashSet;

/// Words that a plain text may share with a note which says that the message is elsewhere.
const NOTE_WORDS: usize = 100;

/// What an alternative says.
pub(super) struct Alternative {
    pub(super) text: String,
    pub(super) is_plain: bool,
}

/// The place of the one to read.
pub(super) fn preferred(alternatives: &[Alternative]) -> usize {
    let words: Vec<_> = alternatives.iter().map(|one| words(&one.text)).collect();
    let longest = |is_plain: bool| {
        let all = alternatives.iter().zip(&words).enumerate();
        // The first of the longest ones.
        all.filter(|(_, (one, words))| one.is_plain == is_plain && !words.is_empty())
            .rev()
            .max_by_key(|(_, (_, words))| words.len())
    };
    match (longest(true), longest(false)) {
        (Some((plain, (text, words))), Some((other, (_, others)))) => {
            if says_more(others, words, &text.text) { other } else { plain }
        }
        (Some((one, _)), None) | (None, Some((one, _))) => one,
        (None, None) => 0,
    }
}

/// Whether `others` are the words of a text that a reader of `plain` would miss: it has what that one says and more, far
/// more, or something else, as where the plain text only tells that there is a page.
fn says_more(others: &HashSet<String>, words: &HashSet<String>, plain: &str) -> bool {
    let shared = words.intersection(others).count();
    if shared * 10 >= words.len() * 9 {
        others.len() * 5 >= words.len() * 6
    } else if shared * 2 < words.len() {
        others.len() > words.len() || words.len() < NOTE_WORDS && is_note(plain)
    } else {
        others.len() > words.len() * 2
    }
}

fn is_note(text: &str) -> bool {
    let text = text.to_lowercase();
    ["html", "browser", "view this email", "view online"].iter().any(|word| text.contains(word))
}

/// The words of a text, without addresses, which a page hides behind words.
fn words(text: &str) -> HashSet<String> {
    let texts = text.split_whitespace().filter(|text| !text.contains("://"));
    let words = texts.flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_text_is_read_unless_another_says_more() {
        let page = "Dear Sam, invoice 4711 is due.";
        for (plain, other, is_plain) in [
            (
                "Dear Sam, invoice 4711 is due. https://x.org/pay/4711",
                "Dear Sam, invoice 4711 is due. Pay",
                true,
            ),
            ("Your mail client does not support HTML. View online.", page, false),
            ("This message contains HTML. Please use an HTML-capable mail reader.", page, false),
            ("Hi Sam,\n\nsee below.", page, false),
            ("The HTML part of invoice 4711 is due, dear Sam.", page, true),
            (
                "Dear Sam, your order shipped.",
                "Dear Sam, your order shipped. Item Otter lamp Tracking ZX991",
                false,
            ),
            ("Many words which the other does not have at all", "A logo", true),
            ("", page, false),
        ] {
            let one = |text: &str, is_plain| Alternative { text: text.to_owned(), is_plain };
            let both = [one(other, false), one(plain, true), one("", true)];
            assert_eq!(preferred(&both) == 1, is_plain, "{plain}");
        }
        assert_eq!(preferred(&[]), 0);
    }
}
