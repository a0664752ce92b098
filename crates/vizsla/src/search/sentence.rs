//! The sentence of a passage that answers best. In: a text and where words of the query are in it. Out: a byte range.
//!
//! Sentences end where Unicode has them end (UAX #29), and at line ends that are not just where prose was wrapped: a line
//! of code, of a list or of a table is a sentence of its own.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// Prose is not wrapped before so many bytes.
const SHORTEST_WRAPPED: usize = 40;
/// Bytes of the name of a value on its line.
const LONGEST_NAME: usize = 40;
/// Words before a point that ends no sentence, besides single letters and small numbers: what stands before names, in the
/// languages in which it is usual.
const ABBREVIATIONS: [&str; 18] = [
    "dr", "prof", "mr", "mrs", "ms", "st", "nr", "no", "bzw", "ca", "vs", "hr", "fr", "dipl",
    "ing", "mme", "sra", "dott",
];

/// A word that is written otherwise than in the query counts so much.
const OTHERWISE: f64 = 0.5;

/// The sentence with the most words of the query, where a word counts less the more often the passage has it, and most as
/// the query has it: the parts of a compound count less than the whole. A heading counts half: it names what the sentences
/// below it say. The first of equals; of a text without any of the words, the first sentence below the headings. Cost:
/// linear in the text and in the highlights.
pub(super) fn best(
    text: &str,
    highlights: &[[usize; 2]],
    headings: &[String],
    query: &str,
) -> Range<usize> {
    let sentences = sentences(text);
    let asked: HashMap<String, f64> =
        query.split_whitespace().map(|word| (as_asked(word), parts(word))).collect();
    let words: Vec<String> =
        highlights.iter().map(|[from, to]| as_asked(&text[*from..*to])).collect();
    let mut likeness: HashMap<&str, f64> = HashMap::new();
    for word in &words {
        likeness.entry(word).or_insert_with(|| likeness_to(word, &asked));
    }
    let mut counts: HashMap<&str, f64> = HashMap::new();
    words.iter().for_each(|word| *counts.entry(word).or_default() += 1.0);
    let (mut best, mut most, mut next) = (None, 0.0, 0);
    for sentence in &sentences {
        let mut seen = HashSet::new();
        let mut score = 0.0;
        while let Some([from, _]) = highlights.get(next).filter(|[from, _]| *from < sentence.end) {
            if *from >= sentence.start && seen.insert(words[next].as_str()) {
                let word = words[next].as_str();
                score += likeness[word] / (1.0 + counts[word].ln());
            }
            next += 1;
        }
        if is_heading(&text[sentence.clone()], headings) {
            score /= 2.0;
        }
        if score > most {
            (best, most) = (Some(sentence), score);
        }
    }
    let plain = || sentences.iter().find(|range| !is_heading(&text[(*range).clone()], headings));
    best.or_else(plain).or(sentences.first()).cloned().unwrap_or(0..text.trim_end().len())
}

/// A word in lower case, however its letters are composed, without the signs around it.
fn as_asked(word: &str) -> String {
    let is_around = |c: char| c.is_whitespace() || "\"“”„«»‘’'()[]{}<>,;:!?".contains(c);
    let word = word.trim_matches(is_around).trim_end_matches('.');
    word.chars().flat_map(char::to_lowercase).nfc().collect()
}

/// How much a word is what one of the query is. All of a compound is as much as its parts together; one that only begins
/// alike, as an address of the same network, is least.
fn likeness_to(word: &str, asked: &HashMap<String, f64>) -> f64 {
    if let Some(parts) = asked.get(word) {
        return *parts;
    }
    let is_compound = |word: &str| !word.chars().all(char::is_alphabetic);
    let contains = |(whole, parts): (&String, &f64)| {
        let (short, long) =
            if whole.len() < word.len() { (whole.as_str(), word) } else { (word, whole.as_str()) };
        let is_part = (*parts > 1.0 || is_compound(long)) && long.contains(short);
        is_part.then(|| OTHERWISE * short.len() as f64 / long.len() as f64)
    };
    let share = asked.iter().filter_map(contains).fold(0.0, f64::max);
    match (share > 0.0, is_compound(word)) {
        (true, _) => share,
        (false, true) => OTHERWISE / 4.0,
        (false, false) => OTHERWISE,
    }
}

/// How many words a word is made of: `openPool` of two, `10.0.0.12` of four.
fn parts(word: &str) -> f64 {
    let borders = word.chars().zip(word.chars().skip(1)).filter(|(before, after)| {
        let is_hump = before.is_lowercase() && after.is_uppercase();
        is_hump || !before.is_alphanumeric() && after.is_alphanumeric()
    });
    1.0 + borders.count() as f64
}

fn is_heading(sentence: &str, headings: &[String]) -> bool {
    let plain = sentence.trim_start_matches(['#', '=', ' ']);
    plain.len() < sentence.len() || headings.iter().any(|heading| heading.trim() == plain)
}

/// Byte ranges of sentences, without white space around them.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for block in blocks(text) {
        if is_one_sentence(&text[block.clone()]) {
            let trimmed = text[block.clone()].trim_start();
            let start = block.end - trimmed.len();
            let end = start + trimmed.trim_end().len();
            found.extend((start < end).then_some(start..end));
            continue;
        }
        // As long as it was, so that offsets stay.
        let flat = text[block.clone()].replace(['\n', '\r'], " ");
        for (at, sentence) in flat.split_sentence_bound_indices() {
            let start = at + sentence.len() - sentence.trim_start().len();
            let end = at + sentence.trim_end().len();
            if start >= end {
                continue;
            }
            // The point of `.NET` begins a word, and that of `3. Januar` or `Dr. Storm` ends no sentence.
            let begun = flat[..at].ends_with(" .") && sentence.starts_with(char::is_alphanumeric)
                || ends_abbreviated(flat[..at].trim_end());
            match found.last_mut().filter(|_| begun) {
                Some(last) => last.end = block.start + end,
                None => found.push(block.start + start..block.start + end),
            }
        }
    }
    found
}

/// Whether a text ends in a point that ends no sentence.
fn ends_abbreviated(text: &str) -> bool {
    let Some(text) = text.strip_suffix('.') else { return false };
    let is_between = |c: char| c.is_whitespace() || "(.,\"“„".contains(c);
    let word = text.rsplit(is_between).next().unwrap_or_default();
    let is_number = word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    !word.is_empty()
        && (is_number || is_initial || ABBREVIATIONS.contains(&word.to_lowercase().as_str()))
}

/// Whether a block has no end of a sentence but its own, which most lines of most texts can be told cheaply.
fn is_one_sentence(block: &str) -> bool {
    let bytes = block.trim_end().as_bytes();
    let inner = bytes.len().saturating_sub(1);
    block.is_ascii() && !bytes[..inner].iter().any(|byte| matches!(byte, b'.' | b'!' | b'?'))
}

/// Lines, those together over which prose was wrapped.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut at = 0;
    for paragraph in lines.chunk_by(|_, next| !next.trim().is_empty()) {
        let width = paragraph.iter().map(|line| line.trim_end().len()).max().unwrap_or(0);
        let mut before: Option<&str> = None;
        for &line in paragraph {
            let end = at + line.len();
            match (blocks.last_mut(), before) {
                (Some(block), Some(before)) if is_wrapped(before, line, width) => block.end = end,
                _ => blocks.push(at..end),
            }
            (at, before) = (end, Some(line));
        }
    }
    blocks
}

/// Whether a sentence may go on from one line to the next, in a paragraph of a width.
fn is_wrapped(line: &str, next: &str, width: usize) -> bool {
    let first = next.split_whitespace().next().unwrap_or_default();
    // A line that ends although the next word would have fitted was ended on purpose.
    if line.trim_end().len() + first.len() < width || is_value(line) && is_value(next) {
        return false;
    }
    let (line, next) = (line.trim(), next.trim());
    let goes_on = |c: char| c.is_alphanumeric() || ".,-–—'’\"”)!?".contains(c);
    let is_named = first.ends_with(':') || is_row(line) || is_row(next);
    let is_marker = first.ends_with(['.', ')']) && first[..first.len() - 1].parse::<u32>().is_ok();
    line.len() >= SHORTEST_WRAPPED
        && !line.starts_with(['#', '|', '/'])
        && line.ends_with(goes_on)
        && next.starts_with(|c: char| c.is_alphanumeric() || "\"“'‘(`[".contains(c))
        && !is_marker
        && !is_named
}

/// Whether a line is a value with its name: `Opening hours: 9 to 5`.
fn is_value(line: &str) -> bool {
    let name = line.split_once(": ").map(|(name, _)| name.trim_start());
    name.is_some_and(|name| name.len() <= LONGEST_NAME && !name.contains(['.', '!', '?', ',']))
}

/// Whether a line is a row of a table.
fn is_row(line: &str) -> bool {
    line.contains(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn a_point_that_begins_a_word_ends_no_sentence() {
        assert_eq!(all("Use .NET now. Then rest."), ["Use .NET now.", "Then rest."]);
        assert_eq!(all("It ends .\nThen more."), ["It ends .", "Then more."]);
    }

    #[test]
    fn a_point_behind_what_is_shortened_or_counted_ends_no_sentence() {
        for whole in ["Am 3. Januar kam z. B. Dr. Storm.", "Ask Prof. J. K. Lind (No. 7. Street)."]
        {
            assert_eq!(all(whole), [whole]);
        }
        assert_eq!(
            all("It was 1999. Then it ended. So."),
            ["It was 1999.", "Then it ended.", "So."]
        );
    }

    #[test]
    fn wrapped_prose_is_joined_and_other_lines_stand_alone() {
        let prose =
            "A dog that is still young sleeps most of the\nday. Then it eats.\r\n\nAnother dog.";
        assert_eq!(
            all(prose),
            ["A dog that is still young sleeps most of the\nday.", "Then it eats.", "Another dog."]
        );
        let wide = "the quick brown fox jumps over the lazy dog today";
        for lines in [
            format!("- {wide}\n- {wide}"),
            format!("## {wide}\n{wide}"),
            format!("| {wide} |\n| {wide} |"),
            format!("let x = \"{wide}\";\nlet y = 2;"),
            format!("{wide}\n2. {wide}"),
            "short\nlines".to_owned(),
            format!("{wide}\nname: {wide}"),
            format!("Opening hours: {wide}\nClosing days: {wide}"),
            format!("{wide} | a\n{wide} | b"),
            format!("{wide}\n{wide} and much more of it"),
        ] {
            assert_eq!(all(&lines).len(), 2, "{lines}");
        }
        assert!(all(" \n\n ").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn what_is_told_cheaply_is_what_unicode_says(text in "[a-cA-B0-1 .!?\",)\t-]{1,24}") {
            if is_one_sentence(&text) {
                let pieces = text.split_sentence_bounds().filter(|piece| !piece.trim().is_empty());
                proptest::prop_assert!(pieces.count() <= 1, "{text:?}");
            }
        }
    }

    fn best_of(text: &str, words: &[&str], headings: &[&str]) -> String {
        let mut found: Vec<[usize; 2]> = words
            .iter()
            .flat_map(|word| text.match_indices(word).map(|(at, word)| [at, at + word.len()]))
            .collect();
        found.sort_unstable();
        let headings: Vec<String> = headings.iter().map(ToString::to_string).collect();
        text[best(text, &found, &headings, &words.join(" "))].to_owned()
    }

    #[test]
    fn the_line_that_has_a_word_as_asked_is_best() {
        let found = |text: &str, query: &str, marked: &[&str]| {
            let mut ranges: Vec<[usize; 2]> = marked
                .iter()
                .flat_map(|word| text.match_indices(word))
                .map(|(at, word)| [at, at + word.len()])
                .collect();
            ranges.sort_unstable_by_key(|[from, to]| (*from, std::cmp::Reverse(*to)));
            ranges.dedup_by(|later, before| later[0] < before[1]);
            text[best(text, &ranges, &[], query)].to_owned()
        };
        let hosts = "10.0.0.1 gateway\n10.0.0.12 printer\n10.0.0.121 scanner";
        let all = ["10.0.0.121", "10.0.0.12", "10.0.0.1"];
        assert_eq!(found(hosts, "\"10.0.0.12\"", &all), "10.0.0.12 printer");
        assert_eq!(found(hosts, "10.0.0.121.", &all), "10.0.0.121 scanner");
        assert_eq!(found(hosts, "v10.0.0.121", &all), "10.0.0.121 scanner");
        let nets = "10.0.0.1 one\n10.0.1.12 two";
        assert_eq!(found(nets, "10.0.1", &["10.0.0.1", "10.0.1.12"]), "10.0.1.12 two");
        let code = "Opens a pool of connections\nfn openConnectionPool() {}";
        let marked = ["openConnectionPool", "Opens", "pool", "connections"];
        assert_eq!(found(code, "openConnectionPool", &marked), "fn openConnectionPool() {}");
        let code = "the level of the log is set\nlet log_level = 2;";
        assert_eq!(found(code, "log_level", &["log_level", "log", "level"]), "let log_level = 2;");
        let names = "Müller, Eva\nMuller, Ann\nMu\u{308}ller, Kai";
        assert_eq!(found(names, "muller", &["Müller", "Muller"]), "Muller, Ann");
        let names = "Muller, Ann\nMu\u{308}ller, Kai";
        assert_eq!(found(names, "Müller", &["Mu\u{308}ller", "Muller"]), "Mu\u{308}ller, Kai");
    }

    #[test]
    fn rare_words_decide_and_headings_count_half() {
        let text = "# Bugs, bugs\nA bug is a bug. To report a bug, send mail. A bug again.";
        assert_eq!(best_of(text, &["bug", "report"], &[]), "To report a bug, send mail.");
        let text = "Report a bug\nYou report it by mail.";
        assert_eq!(best_of(text, &["eport", "bug"], &["Report a bug"]), "Report a bug");
        assert_eq!(best_of(text, &["report", "bug"], &["Report a bug"]), "You report it by mail.");
        assert_eq!(best_of(text, &[], &["Report a bug"]), "You report it by mail.");
        assert_eq!(best_of("", &[], &[]), "");
    }
}
