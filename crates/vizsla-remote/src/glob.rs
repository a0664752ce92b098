//! A glob for paths as a regular expression of Lucene. In: `docs/**/*.md`. Out: `(.*/)?docs/(.*/)?[^/]*\.md`.

use vizsla::{Error, ErrorKind};

/// The regular expression, which matches whole paths. A pattern that is not rooted matches from any folder.
///
/// # Errors
/// When a bracket is not closed.
pub(crate) fn regular_expression(glob: &str) -> Result<String, Error> {
    let unfit = |what: &str| {
        let message = format!("cannot read the path filter {glob:?}: {what}");
        Error::new(ErrorKind::InvalidInput, message)
    };
    let anchored = glob.starts_with('/') || glob.starts_with("**");
    let mut out = if anchored { String::new() } else { "(.*/)?".to_owned() };
    let pattern = if anchored { glob } else { glob.trim_start_matches("./") };
    let mut rest = pattern.chars().peekable();
    let mut depth = 0;
    let mut at_start = true;
    while let Some(c) = rest.next() {
        let starts = std::mem::replace(&mut at_start, c == '/');
        match c {
            '*' if rest.peek() == Some(&'*') => {
                rest.next();
                if starts && rest.peek() == Some(&'/') {
                    rest.next();
                    at_start = true;
                    out.push_str("(.*/)?");
                } else {
                    out.push_str(".*");
                }
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => out.push_str(&class(&mut rest).ok_or_else(|| unfit("a [ is not closed"))?),
            '{' => {
                depth += 1;
                out.push('(');
            }
            '}' if depth > 0 => {
                depth -= 1;
                out.push(')');
            }
            ',' if depth > 0 => out.push('|'),
            '\\' => {
                let next = rest.next().ok_or_else(|| unfit("it ends with a backslash"))?;
                literal(&mut out, next);
            }
            c => literal(&mut out, c),
        }
    }
    if depth > 0 { Err(unfit("a { is not closed")) } else { Ok(out) }
}

/// What may stand in one place, after the bracket.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut out = "[".to_owned();
    if matches!(rest.peek(), Some('!' | '^')) {
        rest.next();
        // A class never matches the slash between folders.
        out.push_str("^/");
    }
    let mut first = true;
    loop {
        match rest.next()? {
            ']' if !first => break,
            '-' if !first && rest.peek().is_some_and(|c| *c != ']') => out.push('-'),
            c => literal(&mut out, c),
        }
        first = false;
    }
    out.push(']');
    Some(out)
}

fn literal(out: &mut String, c: char) {
    if !c.is_alphanumeric() && !matches!(c, '/' | '_' | ' ') && c.is_ascii() {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(glob: &str) -> String {
        regular_expression(glob).unwrap()
    }

    #[test]
    fn globs_become_regular_expressions() {
        assert_eq!(of("docs/*.md"), "(.*/)?docs/[^/]*\\.md");
        assert_eq!(of("/a/**"), "/a/.*");
        assert_eq!(of("/a/**/b"), "/a/(.*/)?b");
        assert_eq!(of("**/x.{rs,md}"), "(.*/)?x\\.(rs|md)");
        assert_eq!(of("/a[0-9]?"), "/a[0-9][^/]");
        assert_eq!(of("/a[!b-d]"), "/a[^/b-d]");
        assert_eq!(of("/a#\"@&~<>"), "/a\\#\\\"\\@\\&\\~\\<\\>");
        assert_eq!(of("/a\\*"), "/a\\*");
    }

    #[test]
    fn unclosed_brackets_are_named() {
        for (glob, what) in [("a[", "["), ("{a", "{"), ("a\\", "backslash")] {
            let error = regular_expression(glob).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
