//! Any bytes are a stored passage or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = vizsla::fuzzing::decode_passage(bytes);
});
