//! Any bytes under any name give documents, problems or an error, and documents that can be split.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vizsla_core::{Limits, SplitOptions, split};
use vizsla_extract::{Extracted, Input, extract};

const NAMES: [&str; 8] =
    ["a.md", "a.rst", "a.html", "a.csv", "a.tsv", "a.json", "a.jsonl", "a.txt"];

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    let name = NAMES[usize::from(*which) % NAMES.len()];
    let limits = Limits::default().with_text_bytes(1 << 20).with_metadata_bytes(1 << 10);
    let mut found = Extracted::default();
    let _ = extract(Input::bytes(name, bytes), &limits, &mut found);
    let text: usize = found.documents.iter().map(|document| document.text.len()).sum();
    assert!(text <= limits.text_bytes + bytes.len(), "{text} bytes of text");
    for document in &found.documents {
        for passage in split(document, &SplitOptions::default()) {
            let range = passage.start_byte as usize..passage.end_byte as usize;
            assert_eq!(document.text.get(range), Some(passage.text.as_str()));
        }
    }
});
