//! The `vizsla` program as a process of its own.

#![deny(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // Builds of ONNX Runtime from 1.29 on describe the machine to their maker when they are loaded, unless this is set.
    #[allow(unsafe_code, reason = "they read it from the environment alone")]
    // SAFETY: no other thread is running yet.
    unsafe {
        std::env::set_var("ORT_DISABLE_TELEMETRY", "1");
    }
    vizsla_cli::run(std::env::args_os(), None).into()
}
