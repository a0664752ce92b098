//! Text with commands as mail programs wrote it before HTML (RFC 1896): `<bold>words</bold>`, in which `<<` is a `<`.

/// The words, without the commands.
pub(super) fn text(enriched: &str) -> String {
    let mut text = String::with_capacity(enriched.len());
    let mut rest = enriched;
    // Within how many commands that keep line ends the text is.
    let mut kept = 0u32;
    while let Some(at) = rest.find(['<', '\n']) {
        text.push_str(rest[..at].trim_end_matches('\r'));
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("<<") {
            text.push('<');
            rest = after;
        } else if let Some((command, after)) = command(rest) {
            rest = after;
            match command.as_str() {
                "nofill" => kept += 1,
                "/nofill" => kept = kept.saturating_sub(1),
                // What a command is told, such as a colour.
                "param" => rest = after_parameter(after),
                _ => {}
            }
        } else if rest.starts_with('<') {
            text.push('<');
            rest = &rest[1..];
        } else {
            let content = rest.trim_start_matches(['\r', '\n']);
            let ends = rest[..rest.len() - content.len()].matches('\n').count();
            // A single one may be anywhere.
            if kept == 0 && ends == 1 {
                text.push(' ');
            } else {
                text.extend(std::iter::repeat_n('\n', ends));
            }
            rest = content;
        }
    }
    text.push_str(rest);
    text
}

/// The name of the command at the beginning of a text, in lower case, and what follows it.
fn command(text: &str) -> Option<(String, &str)> {
    const LONGEST: usize = 60;
    let text = text.strip_prefix('<')?;
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/');
    let length = text.bytes().take(LONGEST + 2).take_while(|byte| is_of_name(*byte)).count();
    let after = text[length..].strip_prefix('>')?;
    Some((text[..length].to_ascii_lowercase(), after)).filter(|_| length > 0)
}

/// What follows a parameter; one without an end is no parameter.
fn after_parameter(text: &str) -> &str {
    const LONGEST: usize = 1000;
    const END: &str = "</param>";
    let head = &text[..text.floor_char_boundary(LONGEST)];
    head.to_ascii_lowercase().find(END).map_or(text, |at| &text[at + END.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_left_out_and_words_are_not() {
        for (enriched, expected) in [
            ("<bold>Bold</bold> and <<literal > & &lt;", "Bold and <literal > & &lt;"),
            ("<color><param>red</param>coloured</Color>", "coloured"),
            ("<param>without end", "without end"),
            ("one\r\nline\r\n\r\nnext", "one line\n\nnext"),
            ("<nofill>a\nb</nofill>\nc", "a\nb c"),
            ("1 < 2 <", "1 < 2 <"),
            ("<ü> <", "<ü> <"),
        ] {
            assert_eq!(text(enriched), expected, "{enriched:?}");
        }
    }
}
