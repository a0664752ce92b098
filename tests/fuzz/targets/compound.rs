//! Compound files: Outlook messages and old workbooks.

#![no_main]

use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 3] = ["a.msg", "a.xls", "a.doc"];

fuzz_target!(|data: &[u8]| vizsla_fuzz::read_as_one_of(&NAMES, data));
