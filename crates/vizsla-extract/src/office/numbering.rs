//! The numbers that Word puts before headings and list items. In: the part with the lists, then each paragraph's list and
//! level. Out: its number as it is shown, such as `2.1` or `b)`. Bullets are no numbers, and are left out.

use std::collections::{HashMap, HashSet};

use crate::numeral::roman;
use crate::office::xml::{Event, Tag, Xml, decode};

/// Levels that a list has.
const LEVELS: usize = 9;
/// Characters of the text around the numbers.
const TEXT_CHARACTERS: usize = 64;

/// A level of a list.
#[derive(Debug, Default, Clone)]
struct Level {
    start: u32,
    format: String,
    /// `%1.%2)`: where the numbers of the levels stand.
    text: String,
    /// Whether the levels above are shown in Arabic numerals.
    is_legal: bool,
    /// The style whose paragraphs are on this level.
    style: Option<String>,
}

type Levels = [Level; LEVELS];

/// The use of a list.
#[derive(Debug, Default)]
struct Use {
    list: String,
    /// The levels that begin anew.
    starts: Vec<(usize, u32)>,
}

/// The lists of a document.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    lists: HashMap<String, Levels>,
    uses: HashMap<String, Use>,
}

impl Numbering {
    pub(crate) fn read(bytes: &[u8], nesting: usize) -> Self {
        let text = decode(bytes);
        let mut xml = Xml::new(&text, nesting);
        let mut numbering = Self::default();
        let (mut list, mut number, mut level) = (None, None, 0);
        while let Some(event) = xml.next() {
            let Event::Start(tag) = event else { continue };
            match tag.name() {
                "abstractNum" => (list, number) = (tag.get("abstractNumId"), None),
                "num" => (list, number) = (None, tag.get("numId")),
                "lvl" | "lvlOverride" => {
                    level = tag.get("ilvl").and_then(|level| level.parse().ok()).unwrap_or(LEVELS);
                }
                _ => {}
            }
            if let Some(list) = &list {
                let levels = numbering.lists.entry(list.clone()).or_default();
                levels.get_mut(level).into_iter().for_each(|level| level.property(&tag));
            } else if let Some(number) = &number {
                let used = numbering.uses.entry(number.clone()).or_default();
                match tag.name() {
                    "abstractNumId" => used.list = tag.get("val").unwrap_or_default(),
                    "startOverride" if used.starts.len() < LEVELS => {
                        used.starts.push((level, value(&tag).unwrap_or(1)));
                    }
                    _ => {}
                }
            }
        }
        numbering
    }

    /// The level of the list `number` that paragraphs of a style are on.
    pub(crate) fn level_of_style(&self, number: &str, style: &str) -> Option<usize> {
        let levels = self.lists.get(&self.uses.get(number)?.list)?;
        levels.iter().position(|level| level.style.as_deref() == Some(style))
    }
}

impl Level {
    fn property(&mut self, tag: &Tag<'_>) {
        match tag.name() {
            "lvl" => *self = Self { start: 1, ..Self::default() },
            "start" => self.start = value(tag).unwrap_or(1),
            "numFmt" => self.format = tag.get("val").unwrap_or_default(),
            "lvlText" => {
                let text = tag.get("val").unwrap_or_default();
                self.text = text.chars().take(TEXT_CHARACTERS).collect();
            }
            "isLgl" => self.is_legal = true,
            "pStyle" => self.style = tag.get("val"),
            _ => {}
        }
    }
}

fn value(tag: &Tag<'_>) -> Option<u32> {
    tag.get("val")?.parse().ok()
}

/// Counts the paragraphs of the lists.
pub(crate) struct Counters<'a> {
    numbering: &'a Numbering,
    /// The last number on each level of a list; uses of the same list go on counting.
    last: HashMap<&'a str, [Option<u32>; LEVELS]>,
    /// Uses that have begun.
    begun: HashSet<&'a str>,
}

impl<'a> Counters<'a> {
    pub(crate) fn new(numbering: &'a Numbering) -> Self {
        Self { numbering, last: HashMap::new(), begun: HashSet::new() }
    }

    /// The number of the next paragraph of a list; nothing for one with a bullet.
    pub(crate) fn next(&mut self, number: &str, level: usize) -> Option<String> {
        let (number, used) = self.numbering.uses.get_key_value(number)?;
        let levels = self.numbering.lists.get(&used.list)?;
        let own = levels.get(level)?;
        let last = self.last.entry(&used.list).or_default();
        if self.begun.insert(number) {
            for (level, start) in &used.starts {
                if let Some(last) = last.get_mut(*level) {
                    // As one before its first number; the first is counted below.
                    *last = start.checked_sub(1);
                }
            }
        }
        let (above, below) = last.split_at_mut_checked(level + 1)?;
        below.fill(None);
        let counted = above.last_mut()?;
        *counted = Some(counted.map_or(own.start, |last| last.saturating_add(1)));
        let mut shown = String::new();
        let mut parts = own.text.split('%');
        shown.push_str(parts.next()?);
        for part in parts {
            let digit = part.chars().next().and_then(|c| c.to_digit(10)).filter(|digit| *digit > 0);
            let Some(at) = digit.map(|digit| digit as usize - 1) else {
                shown.push('%');
                shown.push_str(part);
                continue;
            };
            let level = levels.get(at)?;
            let count = above.get(at).copied().flatten().unwrap_or(level.start);
            let format = if own.is_legal { "decimal" } else { &level.format };
            shown.push_str(&written(count, format));
            shown.push_str(&part[1..]);
        }
        let shown = shown.trim();
        let is_said = match own.format.as_str() {
            "bullet" => false,
            "none" => shown.contains(char::is_alphanumeric),
            _ => !shown.is_empty(),
        };
        is_said.then(|| shown.to_owned())
    }
}

/// A number as a list writes it: in numerals unless it is in letters or Roman.
fn written(number: u32, format: &str) -> String {
    match format {
        "lowerLetter" => letters(number, LATIN),
        "upperLetter" => letters(number, LATIN).to_uppercase(),
        "russianLower" => letters(number, RUSSIAN),
        "russianUpper" => letters(number, RUSSIAN).to_uppercase(),
        "ordinal" => format!("{number}{}", ordinal_ending(number)),
        "lowerRoman" if number < MOST_ROMAN => roman(number as usize),
        "upperRoman" if number < MOST_ROMAN => roman(number as usize).to_uppercase(),
        "decimalZero" => format!("{number:02}"),
        "none" | "bullet" => String::new(),
        _ => number.to_string(),
    }
}

/// Numbers from this on are not written in Roman numerals.
const MOST_ROMAN: u32 = 10_000;
const LATIN: &str = "abcdefghijklmnopqrstuvwxyz";
/// Without the letters that no list counts with.
const RUSSIAN: &str = "абвгдежзиклмнопрстуфхцчшщыэюя";

/// `a` to `z`, then `aa` to `zz`, as Word counts.
fn letters(number: u32, alphabet: &str) -> String {
    let count = alphabet.chars().count();
    let at = number.checked_sub(1).map(|at| at as usize).filter(|at| *at < count * count);
    let letter = at.and_then(|at| Some((at, alphabet.chars().nth(at % count)?)));
    letter.map_or(number.to_string(), |(at, letter)| letter.to_string().repeat(at / count + 1))
}

fn ordinal_ending(number: u32) -> &'static str {
    match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: &str = "<w:numbering>\
        <w:abstractNum w:abstractNumId='0'>\
        <w:lvl w:ilvl='0'><w:start w:val='1'/><w:numFmt w:val='upperRoman'/><w:pStyle w:val='H1'/><w:lvlText w:val='%1.'/></w:lvl>\
        <w:lvl w:ilvl='1'><w:start w:val='1'/><w:numFmt w:val='decimal'/><w:isLgl/><w:lvlText w:val='%1.%2'/></w:lvl>\
        <w:lvl w:ilvl='2'><w:start w:val='3'/><w:numFmt w:val='lowerLetter'/><w:lvlText w:val='(%3) 5%'/></w:lvl>\
        <w:lvl w:ilvl='3'><w:numFmt w:val='bullet'/><w:lvlText w:val='\u{f0b7}'/></w:lvl>\
        <w:lvl w:ilvl='4'><w:numFmt w:val='none'/><w:lvlText w:val='Note%5:'/></w:lvl>\
        <w:lvl w:ilvl='5'><w:numFmt w:val='none'/><w:lvlText w:val='%6'/></w:lvl></w:abstractNum>\
        <w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num>\
        <w:num w:numId='2'><w:abstractNumId w:val='0'/><w:lvlOverride w:ilvl='0'><w:startOverride w:val='7'/></w:lvlOverride></w:num>\
        <w:num w:numId='3'><w:abstractNumId w:val='9'/></w:num></w:numbering>";

    #[test]
    fn paragraphs_are_counted_on_each_level() {
        let numbering = Numbering::read(LISTS.as_bytes(), 9);
        let mut counters = Counters::new(&numbering);
        let mut shown = Vec::new();
        for (number, level) in [
            ("1", 0),
            ("1", 1),
            ("1", 1),
            ("1", 2),
            ("1", 2),
            ("1", 3),
            ("1", 4),
            ("1", 5),
            ("1", 0),
            ("1", 1),
            ("2", 0),
            ("2", 0),
            ("1", 0),
            ("3", 0),
            ("1", 8),
            ("1", 9),
            ("x", 0),
        ] {
            shown.push(counters.next(number, level).unwrap_or("-".to_owned()));
        }
        let expected = "I. 1.1 1.2 (c) 5% (d) 5% - Note: - II. 2.1 VII. VIII. IX. - - - -";
        assert_eq!(shown.join(" "), expected);
        assert_eq!(numbering.level_of_style("1", "H1"), Some(0));
        assert_eq!(numbering.level_of_style("3", "H1"), None);
    }

    #[test]
    fn numbers_are_written_in_letters_and_roman_numerals() {
        let all = [
            (1, "lowerLetter"),
            (28, "upperLetter"),
            (1994, "lowerRoman"),
            (4, "decimalZero"),
            (0, "upperRoman"),
            (1, "ordinal"),
            (12, "ordinal"),
            (10, "russianLower"),
            (31, "russianUpper"),
        ];
        assert_eq!(
            all.map(|(number, format)| written(number, format)).join(" "),
            "a BB mcmxciv 04 0 1st 12th к ББ"
        );
        assert_eq!(written(u32::MAX, "lowerLetter"), u32::MAX.to_string());
    }
}
