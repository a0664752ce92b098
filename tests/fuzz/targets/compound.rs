//! Compound files: Outlook messages and old workbooks, whole and by what their streams hold.

#![no_main]

use std::io::{Cursor, Write};

use cfb::{CompoundFile, Version};
use libfuzzer_sys::fuzz_target;
use vizsla_fuzz::read;

const NAMES: [&str; 3] = ["a.msg", "a.xls", "a.doc"];

fuzz_target!(
    // The library for workbooks panics, which is caught. What is not caught still is a finding.
    init: std::panic::set_hook(Box::new(|_| {})),
    |data: &[u8]| {
        let Some((which, content)) = data.split_first() else { return };
        match which {
            255 => read("a.xls", &file(&[("Workbook", content)])),
            254 => read("a.xls", &file(&[("Book", content), ("\u{5}SummaryInformation", content)])),
            253 => read(
                "a.msg",
                &file(&[("__properties_version1.0", content), ("__substg1.0_10090102", content)]),
            ),
            _ => read(NAMES[usize::from(*which) % NAMES.len()], content),
        }
    }
);

/// A compound file with these streams.
fn file(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let memory = Cursor::new(Vec::new());
    let mut file =
        CompoundFile::create_with_version(Version::V3, memory).expect("written to memory");
    for (name, content) in streams {
        let mut stream = file.create_stream(name).expect("written to memory");
        stream.write_all(content).expect("written to memory");
    }
    file.flush().expect("written to memory");
    file.into_inner().into_inner()
}
