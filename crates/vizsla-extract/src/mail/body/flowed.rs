//! Joins the lines of a text whose program broke them as it liked, and said so (RFC 3676: `format=flowed; delsp=yes`). A
//! line that ends in a space goes on in the next one, and the space belongs to the break: without this, words are torn.

/// The text with its paragraphs in one line each.
pub(super) fn joined(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    // The marks of the line before, if it goes on.
    let mut open: Option<usize> = None;
    for (i, line) in text.lines().enumerate() {
        let content = line.trim_start_matches('>');
        let marks = line.len() - content.len();
        // A space before the content keeps programs from taking it for something else.
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_signature = content == "-- ";
        if open != Some(marks) || is_signature {
            if i > 0 {
                joined.push('\n');
            }
            joined.push_str(&line[..marks]);
            if marks > 0 && !content.is_empty() {
                joined.push(' ');
            }
        }
        let continued = content.strip_suffix(' ').filter(|_| !is_signature);
        joined.push_str(continued.unwrap_or(content));
        open = continued.map(|_| marks);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_within_their_paragraph() {
        for (text, expected) in [
            ("that was bro \r\nken by it.\r\nNext", "that was broken by it.\nNext"),
            ("会 \n議", "会議"),
            ("two  \nwords", "two words"),
            (">> deep \n>> er\n> up \nown", ">> deeper\n> up\nown"),
            (" From here \n  and", "From here and"),
            ("by \n-- \nJoe \n-- ", "by\n-- \nJoe\n-- "),
            ("\n\na", "\n\na"),
            ("> \n>", ">\n>"),
            ("", ""),
        ] {
            assert_eq!(joined(text), expected, "{text:?}");
        }
    }
}
