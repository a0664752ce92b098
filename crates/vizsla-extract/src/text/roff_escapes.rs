//! Escapes of roff: fonts, characters, strings.

use std::collections::HashMap;

use crate::text::accents::accented;

/// The text without escapes.
pub(crate) fn plain(text: &str, strings: &HashMap<String, String>) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else { break };
        rest = &rest[c.len_utf8()..];
        match c {
            '"' | '#' => return plain,
            'e' | '\\' | 'E' => plain.push('\\'),
            '-' | '\'' | '`' | '.' => plain.push(c),
            ' ' | '~' | '0' | 't' => plain.push(' '),
            '(' | '[' | 'C' => {
                let (name, left) = if c == 'C' { quoted(rest) } else { name(c, rest) };
                rest = left;
                character(name, &mut plain);
            }
            '*' => {
                let (name, left) = named(rest);
                rest = left;
                plain.push_str(strings.get(name).map_or("", String::as_str));
            }
            'f' | 'F' | 'm' | 'M' | 'n' | 'k' | 'g' | 'V' | 'Y' => rest = named(rest).1,
            's' => rest = size(rest),
            'h' | 'v' | 'w' | 'l' | 'L' | 'x' | 'b' | 'D' | 'o' | 'S' | 'H' | 'X' | 'A' | 'B'
            | 'R' | 'Z' => {
                let (inner, left) = quoted(rest);
                rest = left;
                if c == 'o' {
                    plain.extend(inner.chars().next());
                }
            }
            'N' => {
                let (number, left) = quoted(rest);
                rest = left;
                plain.extend(number.parse().ok().and_then(char::from_u32));
            }
            _ => {}
        }
    }
    plain.push_str(rest);
    plain
}

/// `x`, `(xx` or `[name]`.
fn named(rest: &str) -> (&str, &str) {
    let rest = rest.trim_start_matches(['+', '-']);
    match rest.chars().next() {
        Some(c @ ('(' | '[')) => name(c, &rest[1..]),
        Some(c) => rest.split_at(c.len_utf8()),
        None => ("", ""),
    }
}

fn name(open: char, rest: &str) -> (&str, &str) {
    if open == '(' {
        let end = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
        return rest.split_at(end);
    }
    rest.split_once(']').unwrap_or((rest, ""))
}

/// What is between two of the same sign.
fn quoted(rest: &str) -> (&str, &str) {
    let Some(quote) = rest.chars().next() else { return ("", "") };
    let rest = &rest[quote.len_utf8()..];
    rest.split_once(quote).unwrap_or((rest, ""))
}

/// `\s12`, `\s-1`, `\s(12`, `\s[12]`, `\s'12'`.
fn size(rest: &str) -> &str {
    let rest = rest.trim_start_matches(['+', '-']);
    match rest.chars().next() {
        Some('[') => rest.split_once(']').map_or("", |(_, left)| left),
        Some('\'') => quoted(rest).1,
        Some('(') => rest.get(3..).unwrap_or_default().trim_start_matches(['+', '-']),
        Some(c) if c.is_ascii_digit() => {
            let digits = if matches!(c, '1'..='3') { 2 } else { 1 };
            let end = rest.bytes().take(digits).take_while(u8::is_ascii_digit).count();
            &rest[end..]
        }
        _ => rest,
    }
}

const CHARACTERS: &[(&str, &str)] = &[
    ("em", "—"),
    ("en", "–"),
    ("hy", "-"),
    ("mi", "-"),
    ("pl", "+"),
    ("eq", "="),
    ("bu", "•"),
    ("co", "©"),
    ("rg", "®"),
    ("tm", "™"),
    ("lq", "“"),
    ("rq", "”"),
    ("oq", "‘"),
    ("cq", "’"),
    ("aq", "'"),
    ("dq", "\""),
    ("ga", "`"),
    ("ha", "^"),
    ("ti", "~"),
    ("rs", "\\"),
    ("sl", "/"),
    ("la", "<"),
    ("ra", ">"),
    ("<=", "≤"),
    (">=", "≥"),
    ("!=", "≠"),
    ("->", "→"),
    ("<-", "←"),
    ("<>", "↔"),
    ("ua", "↑"),
    ("da", "↓"),
    ("mu", "×"),
    ("di", "÷"),
    ("+-", "±"),
    ("de", "°"),
    ("sc", "§"),
    ("ps", "¶"),
    ("ss", "ß"),
    ("ae", "æ"),
    ("AE", "Æ"),
    ("oe", "œ"),
    ("OE", "Œ"),
    ("/o", "ø"),
    ("/O", "Ø"),
    ("/l", "ł"),
    ("/L", "Ł"),
    ("-d", "ð"),
    ("Tp", "þ"),
    ("TP", "Þ"),
    ("Fo", "«"),
    ("Fc", "»"),
    ("fo", "‹"),
    ("fc", "›"),
    ("bq", "‚"),
    ("Bq", "„"),
    ("r!", "¡"),
    ("r?", "¿"),
    ("ct", "¢"),
    ("Do", "$"),
    ("Po", "£"),
    ("Ye", "¥"),
    ("eu", "€"),
    ("Eu", "€"),
    ("12", "½"),
    ("14", "¼"),
    ("34", "¾"),
    ("S1", "¹"),
    ("S2", "²"),
    ("S3", "³"),
    ("if", "∞"),
    ("pc", "·"),
    ("md", "⋅"),
    ("ci", "○"),
    ("sq", "□"),
    ("dg", "†"),
    ("dd", "‡"),
    ("at", "@"),
    ("sh", "#"),
    ("ba", "|"),
    ("or", "|"),
    ("bv", "|"),
    ("br", "|"),
    ("lB", "["),
    ("rB", "]"),
    ("lC", "{"),
    ("rC", "}"),
    ("ul", "_"),
    ("ru", "_"),
    ("rn", "‾"),
    ("tilde", "~"),
    ("*a", "α"),
    ("*b", "β"),
    ("*g", "γ"),
    ("*d", "δ"),
    ("*e", "ε"),
    ("*l", "λ"),
    ("*m", "μ"),
    ("mc", "µ"),
    ("*p", "π"),
    ("*s", "σ"),
    ("*w", "ω"),
    ("*S", "Σ"),
    ("*W", "Ω"),
    ("*D", "Δ"),
    ("oA", "Å"),
    ("oa", "å"),
    (".i", "ı"),
    ("fi", "fi"),
    ("fl", "fl"),
    ("ff", "ff"),
    ("OK", "✓"),
    ("~~", "≈"),
    ("~=", "≅"),
    ("==", "≡"),
    ("no", "¬"),
    ("mo", "∈"),
    ("sr", "√"),
    ("rh", "☞"),
    ("lh", "☜"),
    (",c", "ç"),
    (",C", "Ç"),
    ("ao", "˚"),
    ("ad", "¨"),
    ("a^", "^"),
    ("aa", "´"),
    ("nbsp", " "),
];

/// A character by its name in roff; an unknown one is left out, as on a terminal.
fn character(name: &str, plain: &mut String) {
    if let Some((_, text)) = CHARACTERS.iter().find(|(known, _)| *known == name) {
        plain.push_str(text);
        return;
    }
    let mut letters = name.chars();
    match (letters.next(), letters.next(), letters.next()) {
        // An accent and a letter; `\(:a` is ä.
        (Some(mark), Some(base), None) => {
            let mark = match mark {
                ':' => '"',
                'o' => 'r',
                ',' => 'c',
                mark => mark,
            };
            plain.extend(accented(mark, base));
        }
        (Some('u'), ..) => {
            for code in name[1..].split('_') {
                plain.extend(u32::from_str_radix(code, 16).ok().and_then(char::from_u32));
            }
        }
        _ => {
            let code = name.strip_prefix("char").and_then(|code| code.parse().ok());
            plain.extend(code.and_then(char::from_u32));
        }
    }
}
