//! Any bytes are an ONNX graph that is planned, or one that is left as it is.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    vizsla_onnx::fuzzing::plan(bytes);
});
