//! The ONNX Runtime builds that can be fetched, one per platform.

use super::VERSION;
use crate::error::{Error, ErrorKind};

/// A build for one platform: its name in the project's releases, its tag on `PyPI`, and the wheel's SHA-256 there.
pub(super) struct Build {
    os: &'static str,
    arch: &'static str,
    release: &'static str,
    pub(super) wheel_platform: &'static str,
    pub(super) wheel_sha256: &'static str,
}

/// The wheel for `CPython` 3.12 is used whichever Python is installed: only the library inside it matters.
const BUILDS: &[Build] = &[
    Build {
        os: "linux",
        arch: "x86_64",
        release: "onnxruntime-linux-x64",
        wheel_platform: "manylinux_2_28_x86_64",
        wheel_sha256: "1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536",
    },
    Build {
        os: "linux",
        arch: "aarch64",
        release: "onnxruntime-linux-aarch64",
        wheel_platform: "manylinux_2_28_aarch64",
        wheel_sha256: "0b9a492176886992e0e875f06bc0367e333f5fff11711a2d642e18b02f3009cc",
    },
    Build {
        os: "macos",
        arch: "aarch64",
        release: "onnxruntime-osx-arm64",
        wheel_platform: "macosx_14_0_arm64",
        wheel_sha256: "96dd2564b10ea7153ad9c207e7cd8e5917cb3ba521e0e0a62ac03486fdc8d56c",
    },
    Build {
        os: "windows",
        arch: "x86_64",
        release: "onnxruntime-win-x64",
        wheel_platform: "win_amd64",
        wheel_sha256: "ae8a9a351efda685cc59a66226cdefaa37a126c1d66872ca23a2de9425326130",
    },
    Build {
        os: "windows",
        arch: "aarch64",
        release: "onnxruntime-win-arm64",
        wheel_platform: "win_arm64",
        wheel_sha256: "fe8b9ac1ae8e894e12c47ee82e4f6dfc1835768133687257866469fda80d0bf1",
    },
];

impl Build {
    pub(super) fn for_this_platform() -> Result<&'static Self, Error> {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        BUILDS.iter().find(|build| build.os == os && build.arch == arch).ok_or_else(|| {
            Error::new(
                ErrorKind::UnsupportedPlatform,
                format!(
                    "there is no prebuilt ONNX Runtime for {os} on {arch}: it must be built there"
                ),
            )
        })
    }

    pub(super) fn archive_name(&self) -> String {
        let extension = if self.os == "windows" { "zip" } else { "tgz" };
        format!("{}-{VERSION}.{extension}", self.release)
    }
}

/// Rejects a download that does not have the expected SHA-256.
pub(super) fn check(name: &str, expected: &str, found: &str) -> Result<(), Error> {
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Verification,
        format!(
            "{name} has the SHA-256 {found}, not {expected}: it is damaged or not the original, and was not installed"
        ),
    ))
}
