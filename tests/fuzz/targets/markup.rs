//! LaTeX, Org, AsciiDoc, manual pages, subtitles and RTF.

#![no_main]

use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 7] = ["a.tex", "a.org", "a.adoc", "a.1", "a.srt", "a.vtt", "a.rtf"];

fuzz_target!(|data: &[u8]| {
    vizsla_fuzz::read_as_one_of(&NAMES, data);
    vizsla_fuzz::read("a.rtf", &[b"{\\rtf1", data].concat());
});
