//! Messages and mailboxes.

#![no_main]

use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 4] = ["a.eml", "a.mbox", "a.emlx", "a.mht"];

fuzz_target!(|data: &[u8]| vizsla_fuzz::read_as_one_of(&NAMES, data));
