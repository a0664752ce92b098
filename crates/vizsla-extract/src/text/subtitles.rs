//! Subtitles: what is said, with the time of each cue. Reads `SubRip`, `WebVTT` and Advanced `SubStation` Alpha.

use vizsla_core::{Document, Location, Locations};

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::Output;
use crate::sample::Sample;
use crate::text::decode;
use crate::text::headings::{Heading, sections};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "subtitles",
    title: "subtitles",
    version: 3,
    extensions: &["srt", "vtt", "webvtt", "ass", "ssa", "sbv"],
    recognise: Recognise::Text {
        begins: |c| c.is_ascii_digit() || matches!(c, 'W' | '['),
        shows: are_subtitles,
    },
    is_foreign: false,
    read: Read::Whole(read),
};

/// A silence of this many milliseconds ends a paragraph.
const SILENCE: u64 = 4_000;

/// A silence of this many milliseconds begins a section, which no passage goes beyond: a passage holds about two minutes of
/// speech, so one with a longer pause in it would have a time that says little.
const LONG_SILENCE: u64 = 120_000;

struct Cue {
    /// Of files that have been joined, which one it is in.
    file: usize,
    first: u64,
    last: u64,
    text: String,
}

/// Whether a text that nothing else indicates to be subtitles is: it begins with what names the format, or with the
/// number and times of a cue.
fn are_subtitles(sample: &Sample<'_>) -> bool {
    let mut lines = sample.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let is_time = |line: &str| line.contains("-->") && times(line).is_some();
    let is_cue =
        first.bytes().all(|byte| byte.is_ascii_digit()) && lines.next().is_some_and(is_time);
    first == "WEBVTT" || first.starts_with("WEBVTT ") || first == "[Script Info]" || is_cue
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    let cues = cues(&text);
    if cues.is_empty() {
        let _ = super::plain::document(text, output);
        return Ok(());
    }
    let (mut said, mut spans, mut end) = (String::new(), Vec::new(), 0);
    let mut file = 0;
    let mut starts = Vec::new();
    let mut last_line = String::new();
    for cue in cues {
        // Captions that roll up repeat the line before.
        let mut lines: Vec<&str> = cue.text.lines().collect();
        if lines.first().is_some_and(|line| *line == last_line) {
            lines.remove(0);
        }
        let Some(last) = lines.last() else { continue };
        (*last).clone_into(&mut last_line);
        if !said.is_empty() {
            let is_sentence = said.ends_with(['.', '?', '!', '…', '"', '”', '♪', '。', '？', '！']);
            let is_pause = cue.first.saturating_sub(end) >= SILENCE;
            said.push_str(if is_pause {
                "\n\n"
            } else if is_sentence {
                "\n"
            } else {
                " "
            });
        }
        let place = Location::Times { first: cue.first, last: cue.last };
        // Times begin anew where files have been joined.
        let is_long = cue.file != file || cue.first.saturating_sub(end) >= LONG_SILENCE;
        if said.is_empty() || is_long {
            starts.push(Heading { start: said.len(), level: 1, text: place.to_string() });
        }
        spans.push((said.len(), place));
        said.push_str(&lines.join(" "));
        (file, end) = (cue.file, cue.last);
    }
    // A section of its own has the time for its heading; a text without long pauses has none.
    let starts = if starts.len() > 1 { starts } else { Vec::new() };
    let sections = sections(starts, output);
    let title = title(&text).unwrap_or_else(|| crate::output::file_name(&output.name));
    let document = Document::new(&output.name, said).with_title(title).with_sections(sections);
    let _ = output.document(document.with_locations(Locations::Spans(spans)));
    Ok(())
}

/// The title in the first section of an `.ass` file, but for those that its editors give every file.
fn title(text: &str) -> Option<&str> {
    let lines = text.lines().map(str::trim).skip_while(|line| line.is_empty());
    let mut lines = lines.skip_while(|line| *line != "[Script Info]").skip(1);
    let mut section = lines.by_ref().take_while(|line| !line.starts_with('['));
    let title = section.find_map(|line| line.strip_prefix("Title:"))?.trim();
    let is_usual = matches!(title, "" | "<untitled>" | "Default Aegisub file" | "Default file");
    Some(title).filter(|_| !is_usual)
}

/// The cues in the order of their times: signs and songs may come as a block before what is said.
fn cues(text: &str) -> Vec<Cue> {
    let mut cues = cues_as_written(text);
    cues.retain(|cue| !cue.text.trim().is_empty());
    cues.sort_by_key(|cue| (cue.file, cue.first));
    cues
}

fn cues_as_written(text: &str) -> Vec<Cue> {
    let mut cues: Vec<Cue> = Vec::new();
    let (mut is_open, mut begins_anew, mut file) = (false, false, 0);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_before_times = lines.peek().is_some_and(|next| times(next).is_some());
        begins_anew |= match line.trim().trim_start_matches('\u{feff}') {
            "1" => is_before_times,
            "[Script Info]" => true,
            line => !is_open && line.starts_with("WEBVTT"),
        };
        let dialogue = line.strip_prefix("Dialogue:");
        let cue = dialogue.map_or_else(
            || times(line).map(|(first, last)| Cue { file: 0, first, last, text: String::new() }),
            dialogue_cue,
        );
        if let Some(mut cue) = cue {
            let before = cues.last().map_or(0, |before| before.first);
            // Parts of one film go on counting.
            let is_joined = begins_anew && before.saturating_sub(cue.first) >= LONG_SILENCE;
            file += usize::from(is_joined);
            (cue.file, cue.last) = (file, cue.last.max(cue.first));
            (is_open, begins_anew) = (dialogue.is_none(), false);
            cues.push(cue);
        } else if line.trim().is_empty() {
            // Captions that roll up begin with an empty line.
            is_open &= cues.last().is_some_and(|cue| cue.text.is_empty());
        } else if is_open && let Some(cue) = cues.last_mut() {
            // A number before the next time, where the empty line between is missing, or what follows an empty cue.
            let is_number = line.trim().bytes().all(|byte| byte.is_ascii_digit());
            if (is_number || cue.text.is_empty()) && is_before_times {
                continue;
            }
            if !cue.text.is_empty() {
                cue.text.push('\n');
            }
            cue.text.push_str(plain(line).trim());
        }
    }
    cues.retain(|cue| !cue.text.trim().is_empty());
    cues
}

/// `00:01:02,345 --> 00:01:04,000 align:start`, or `0:01:02.345,0:01:04.000`.
fn times(line: &str) -> Option<(u64, u64)> {
    let (first, rest) = line.split_once("-->").or_else(|| {
        let is_plain = line.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b','));
        line.split_once(',').filter(|_| is_plain && line.matches(':').count() > 1)
    })?;
    Some((clock(first.trim())?, clock(rest.split_whitespace().next()?)?))
}

/// Milliseconds of `01:02:03.456`, `02:03,4` and the like.
fn clock(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, ""));
    let mut seconds = 0u64;
    for part in whole.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.trim().parse().ok()?)?;
    }
    let digits = fraction.bytes().chain(*b"000").take(3);
    let thousandths =
        digits.fold(0u64, |sum, byte| sum * 10 + u64::from(byte.wrapping_sub(b'0') % 10));
    seconds.checked_mul(1000)?.checked_add(thousandths)
}

/// `Dialogue: 0,0:00:01.00,0:00:02.00,Style,Name,0,0,0,,text`
fn dialogue_cue(line: &str) -> Option<Cue> {
    let mut fields = line.splitn(10, ',');
    let (first, last) = (clock(fields.nth(1)?.trim())?, clock(fields.next()?.trim())?);
    let text = without_drawings(fields.nth(6)?);
    let text = text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ");
    Some(Cue { file: 0, first, last, text: text.lines().map(plain).collect::<Vec<_>>().join("\n") })
}

/// The text without shapes, which are drawn from a tag such as `\p1` to `\p0` or the end.
fn without_drawings(text: &str) -> String {
    let (mut shown, mut is_drawing) = (String::new(), false);
    for part in text.split_inclusive('}') {
        let (words, tags) = part.split_at(part.find('{').unwrap_or(part.len()));
        if !is_drawing {
            shown.push_str(words);
        }
        shown.push_str(tags);
        for tag in tags.split("\\p").skip(1) {
            let scale = tag.bytes().take_while(u8::is_ascii_digit);
            is_drawing = scale
                .clone()
                .next()
                .map_or(is_drawing, |_| scale.clone().any(|digit| digit != b'0'));
        }
    }
    shown
}

/// The text without tags; `<v Name>` says who speaks.
fn plain(line: &str) -> String {
    let (mut plain, mut rest) = (String::new(), line);
    while let Some(at) = rest.find(['<', '{']) {
        let close = if rest[at..].starts_with('<') { '>' } else { '}' };
        let Some(end) = rest[at..].find(close).map(|end| at + end) else { break };
        let tag = &rest[at + 1..end];
        let is_tag =
            tag.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '\\'));
        plain.push_str(&rest[..at]);
        if let Some(name) = tag.strip_prefix("v ") {
            plain.push_str(&format!("{name}: "));
        } else if !is_tag {
            plain.push_str(&rest[at..=end]);
        }
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    for (entity, c) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&lrm;", ""),
        ("&rlm;", ""),
        ("&amp;", "&"),
    ] {
        plain = plain.replace(entity, c);
    }
    plain
}

#[cfg(test)]
mod tests {
    use vizsla_core::{Locations, SplitOptions, split};

    use crate::{Document, Input, collect};

    fn document(name: &str, text: &str) -> Document {
        collect(Input::bytes(name, text.as_bytes())).unwrap().documents.remove(0)
    }

    #[test]
    fn cues_become_sentences_with_times() {
        let srt = "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hello</i>\r\nthere,\r\n\r\n2\r\n00:00:02,500 --> 00:00:04,000\r\n{\\an8}friend.\r\n\r\n3\r\n00:01:00,000 --> 00:01:01,000\r\nLater\r\n";
        let document = document("a.srt", srt);
        assert_eq!(document.text, "Hello there, friend.\n\nLater");
        let Locations::Spans(spans) = &document.locations else { panic!("times are places") };
        assert_eq!((spans.len(), spans[2].1.to_string().as_str()), (3, "00:01:00"));
    }

    #[test]
    fn no_passage_goes_beyond_a_long_silence() {
        let cue = |time: &str, text: &str| format!("{time}:00,000 --> {time}:02,000\n{text}\n\n");
        let srt = cue("00:00", "One.")
            + &cue("00:01", "Two.")
            + &cue("00:41", "Three.")
            + &cue("00:42", "Four.");
        let joined = srt.clone() + "1\n" + &cue("00:00", "Five.");
        let shown: Vec<_> = split(&document("a.srt", &joined), &SplitOptions::default())
            .iter()
            .map(|passage| format!("{} {:?}", passage.headings.join("/"), passage.text))
            .collect();
        assert_eq!(
            shown,
            ["00:00:00 \"One.\\n\\nTwo.\"", "00:41:00 \"Three.\\n\\nFour.\"", "00:00:00 \"Five.\"",]
        );
        assert_eq!(document("a.srt", &cue("00:41", "Late.")).sections, []);
    }

    #[test]
    fn cues_are_in_the_order_of_their_times() {
        let line =
            |at: &str, text: &str| format!("Dialogue: 0,0:{at}.00,0:{at}.50,D,,0,0,0,,{text}\n");
        let ass = "[Events]\n".to_owned()
            + &line("20:00", "Harbour")
            + &line("00:05", "Morning.")
            + &line("20:01", "Arrived.")
            + &line("00:08", "Evening.");
        let found = document("a.ass", &ass);
        assert_eq!(found.text, "Morning.\nEvening.\n\nHarbour Arrived.");
        let srt =
            "1\n00:05:00,000 --> 00:05:02,000\nSign.\n\n2\n00:00:01,000 --> 00:00:02,000\nFirst.\n";
        assert_eq!(document("a.srt", srt).text, "First.\n\nSign.");
    }

    #[test]
    fn captions_that_roll_up_have_the_time_of_their_first_words() {
        let vtt = "WEBVTT\n\n00:10.000 --> 00:14.000\n \nwelcome<00:11.000><c> back</c>\n\n\
            00:14.000 --> 00:14.010\nwelcome back\n \n\n00:14.000 --> 00:18.000\nwelcome back\ntoday<c> we</c>\n\n\
            a\n00:20.000 --> 00:21.000\n\nb\n00:21.000 --> 00:22.000\nlook\n";
        let srt = "1\n00:00:10,000 --> 00:00:14,000\n\nwelcome back\n\n2\n00:00:14,000 --> 00:00:14,010\nwelcome back\n\n\
            3\n00:00:14,000 --> 00:00:18,000\nwelcome back\ntoday we\n\n4\n00:00:18,000 --> 00:00:20,000\n\n5\n00:00:21,000 --> 00:00:22,000\nlook\n";
        for (name, text) in [("a.vtt", vtt), ("a.srt", srt)] {
            let found = document(name, text);
            let Locations::Spans(spans) = &found.locations else { panic!("times are places") };
            let places: Vec<_> = spans.iter().map(|(_, place)| place.to_string()).collect();
            assert_eq!(found.text, "welcome back today we look");
            assert_eq!(places, ["00:00:10", "00:00:14", "00:00:21"]);
        }
    }

    #[test]
    fn drawings_are_no_text_and_the_script_has_a_title() {
        let line =
            |text: &str| format!("Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{text}\n");
        let ass = "[Script Info]\n; a comment\nTitle: The Film\nScriptType: v4.00+\n\n[Events]\n"
            .to_owned()
            + &line("{\\an7\\p1\\pos(3,4)}m 0 0 l 100 0{\\i1}m 1 1{\\p0}Sign{\\pbo9} two")
            + &line("{\\p2}m 0 0 l 5 5");
        let found = document("a.ass", &ass);
        assert_eq!((found.title.as_str(), found.text.as_str()), ("The Film", "Sign two"));
        let usual = ass.replace("The Film", "Default Aegisub file");
        assert_eq!(document("a.ass", &usual).title, "a.ass");
        assert_eq!(document("a.ass", &line("Title: no")).title, "a.ass");
    }

    #[test]
    fn other_kinds_are_read_too() {
        let vtt = "WEBVTT - title\n\nNOTE not this\n\nSTYLE\n::cue {}\n\nid\n00:01.000 --> 00:02.000 align:start\n<v Ann>Fish &amp; chips\n\n00:02.000 --> 00:03.000\nFish &amp; chips\nagain\n";
        assert_eq!(document("a.vtt", vtt).text, "Ann: Fish & chips Fish & chips again");
        let ass = "[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\i1}One{\\i0}\\Ntwo, three\n";
        assert_eq!(document("a.ass", ass).text, "One two, three");
        assert_eq!(document("a.sbv", "0:00:01.000,0:00:02.000\nOne\n").text, "One");
        assert_eq!(document("a.srt", "no cues").text, "no cues");
    }
}
