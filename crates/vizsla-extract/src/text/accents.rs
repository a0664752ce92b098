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
