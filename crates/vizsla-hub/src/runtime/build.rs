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
        wheel_sha256: "0a83bdb70d143cede762b677789bf2a7acca54b3fb82565601d5c30695aa933c",
    },
    Build {
        os: "linux",
        arch: "aarch64",
        release: "onnxruntime-linux-aarch64",
        wheel_platform: "manylinux_2_28_aarch64",
        wheel_sha256: "4e81a23df16e7acb9d51b06d30cc098e49315ef9180f97bc2221d167b4b04d9c",
    },
    Build {
        os: "macos",
        arch: "aarch64",
        release: "onnxruntime-osx-arm64",
        wheel_platform: "macosx_14_0_arm64",
        wheel_sha256: "26ff0fdd06efb6c155bae95387a09db1a2be89c7a03e4d0bffd5a171cc2826da",
    },
    Build {
        os: "windows",
        arch: "x86_64",
        release: "onnxruntime-win-x64",
        wheel_platform: "win_amd64",
        wheel_sha256: "c35064f9b3c43c81c5d5d282091401d0f1ff22796d93ccade4ea2ece5e137ab8",
    },
    Build {
        os: "windows",
        arch: "aarch64",
        release: "onnxruntime-win-arm64",
        wheel_platform: "win_arm64",
        wheel_sha256: "e02feeb0165c5f13b4cc954738078d59b90128516ac12b671ee24a530242bf02",
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
