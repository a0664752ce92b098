//! Archives and compressed files.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vizsla_fuzz::{package, read, read_as_one_of};

const NAMES: [&str; 8] =
    ["a.zip", "a.tar", "a.txt.gz", "a.tar.gz", "a.txt.bz2", "a.txt.xz", "a.txt.zst", "a.txt.lz4"];

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((255, member)) => read("a.zip", &package(&[("a/b.html", member), ("c.zip", member)])),
        _ => read_as_one_of(&NAMES, data),
    }
});
