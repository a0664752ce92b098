//! Tables, JSON of any shape, JSON Lines and notebooks.

#![no_main]

use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 5] = ["a.csv", "a.tsv", "a.json", "a.jsonl", "a.ipynb"];

fuzz_target!(|data: &[u8]| vizsla_fuzz::read_as_one_of(&NAMES, data));
