//! What the targets share: any bytes under any name give documents, problems or an error, and documents that can be split.

#![forbid(unsafe_code)]

use std::io::{Cursor, Write};

use vizsla_core::{Limits, SplitOptions, split};
use vizsla_extract::{Extracted, Input, extract};
use zip::write::SimpleFileOptions;

/// Reads bytes, the first of which picks the name.
pub fn read_as_one_of(names: &[&str], data: &[u8]) {
    if let Some((which, bytes)) = data.split_first() {
        read(names[usize::from(*which) % names.len()], bytes);
    }
}

/// Reads bytes under a name.
///
/// # Panics
/// When more text comes out than is allowed, or passages do not fit the text of their document.
pub fn read(name: &str, bytes: &[u8]) {
    let limits = Limits::default().with_text_bytes(1 << 20).with_metadata_bytes(1 << 10);
    let mut found = Extracted::default();
    let _ = extract(Input::bytes(name, bytes), &limits, &mut found);
    let text: usize = found.documents.iter().map(|document| document.text.len()).sum();
    assert!(text <= limits.text_bytes + 16 * bytes.len(), "{text} bytes of text");
    for document in &found.documents {
        for passage in split(document, &SplitOptions::default()) {
            let range = passage.start_byte as usize..passage.end_byte as usize;
            assert_eq!(document.text.get(range), Some(passage.text.as_str()));
            let _ = passage.location.to_string();
        }
    }
}

/// A ZIP file with these members, so that fuzzing reaches the parts behind its checksums.
///
/// # Panics
/// Never: it is written to memory.
#[must_use]
pub fn package(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, SimpleFileOptions::default()).expect("written to memory");
        zip.write_all(content).expect("written to memory");
    }
    zip.finish().expect("written to memory").into_inner()
}
