//! Text in any encoding, Markdown, HTML and XML.

#![no_main]

use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 7] = ["a.txt", "a.md", "a.rst", "a.html", "a.xml", "a.log", "a.rs"];

fuzz_target!(|data: &[u8]| vizsla_fuzz::read_as_one_of(&NAMES, data));
