//! Letters with accents, which TeX and roff write as the accent and the letter.

/// Each mark, and the letters with it that have a character of their own, after the plain letter.
const LETTERS: &[(char, &str)] = &[
    ('`', "aàeèiìoòuùnǹ"),
    ('\'', "aáeéiíoóuúyýcćnńsśzźlĺrŕ"),
    ('^', "aâeêiîoôuûcĉgĝhĥjĵsŝwŵyŷ"),
    ('"', "aäeëiïoöuüyÿ"),
    ('~', "aãnñoõiĩuũ"),
    ('r', "aåuů"),
    ('v', "cčsšzžrřeěnňdďtťlľgǧ"),
    ('H', "oőuű"),
    ('c', "cçsştţ"),
    ('k', "aąeęiįuų"),
    ('=', "aāeēiīoōuū"),
    ('u', "aăgğuŭ"),
    ('.', "zżeėgġcċ"),
];

/// The letter `base` with the accent that TeX calls `mark`, if there is one.
pub(crate) fn accented(mark: char, base: char) -> Option<char> {
    let (_, letters) = LETTERS.iter().find(|(known, _)| *known == mark)?;
    let base = match base {
        'ı' => 'i',
        base => base,
    };
    let lower = base.to_ascii_lowercase();
    let at = letters.chars().step_by(2).position(|plain| plain == lower)?;
    let letter = letters.chars().nth(at * 2 + 1)?;
    if base.is_ascii_uppercase() { letter.to_uppercase().next() } else { Some(letter) }
}

/// A letter, which may have another accent, with an accent.
pub(crate) fn with_accent(mark: char, letter: &str) -> String {
    let (inner, name) = match letter.strip_prefix('\\') {
        Some(rest) if rest.starts_with(['`', '\'', '^', '"', '~', '=', '.']) => {
            let (inner, base) = rest.split_at(1);
            (inner.chars().next(), base.trim_start_matches('{'))
        }
        rest => (None, rest.unwrap_or(letter)),
    };
    let Some(first) = name.chars().next() else { return String::new() };
    let base = inner.and_then(|inner| accented(inner, first)).unwrap_or(first);
    match accented(mark, base) {
        Some(letter) => letter.into(),
        None => [Some(base), combining(mark).filter(|_| base.is_alphabetic())]
            .iter()
            .flatten()
            .collect(),
    }
}

/// The character that puts the accent that TeX calls `mark` on the letter before it.
fn combining(mark: char) -> Option<char> {
    Some(match mark {
        '`' => '\u{300}',
        '\'' => '\u{301}',
        '^' => '\u{302}',
        '~' => '\u{303}',
        '=' => '\u{304}',
        'u' => '\u{306}',
        '.' => '\u{307}',
        '"' => '\u{308}',
        'r' => '\u{30a}',
        'H' => '\u{30b}',
        'v' => '\u{30c}',
        'd' => '\u{323}',
        'c' => '\u{327}',
        'k' => '\u{328}',
        'b' => '\u{331}',
        _ => return None,
    })
}
