//! What a model runs on. In: the user's choice. Out: one of the devices that this build supports.

use std::fmt;
use std::str::FromStr;

/// What a model runs on. All but the processor need a feature of this crate and a matching build of ONNX Runtime.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Device {
    /// The first GPU that can be opened, of those that this build and the loaded ONNX Runtime support, else the
    /// processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA GPU, by number (feature `cuda`).
    Cuda(u32),
    /// Apple's GPU and neural engine (feature `coreml`).
    CoreMl,
    /// A GPU under Windows, by number (feature `directml`).
    DirectMl(u32),
}

impl Device {
    /// Whether nothing else than the processor comes into question, whatever ONNX Runtime is loaded.
    #[cfg(feature = "bundled")]
    pub(crate) fn is_surely_processor(self) -> bool {
        let others = cfg!(any(feature = "cuda", feature = "coreml", feature = "directml"));
        self == Self::Cpu || (self == Self::Auto && !others)
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::CoreMl => f.write_str("coreml"),
            Self::DirectMl(number) => write!(f, "directml:{number}"),
        }
    }
}

/// A text that does not name a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseDeviceError {
    text: String,
}

impl fmt::Display for ParseDeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        write!(
            f,
            "{text:?} is not a device; devices are auto, cpu, cuda:NUMBER, coreml and directml:NUMBER"
        )
    }
}

impl std::error::Error for ParseDeviceError {}

/// `auto`, `cpu`, `cuda`, `cuda:NUMBER`, `coreml`, `directml` or `directml:NUMBER`.
impl FromStr for Device {
    type Err = ParseDeviceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseDeviceError { text: text.to_owned() };
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number.parse::<u32>().map_err(|_| error())?)),
            None => (text, None),
        };
        match (name, number) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            ("cuda", number) => Ok(Self::Cuda(number.unwrap_or(0))),
            ("coreml", None) => Ok(Self::CoreMl),
            ("directml", number) => Ok(Self::DirectMl(number.unwrap_or(0))),
            _ => Err(error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_a_round_trip() {
        for name in ["auto", "cpu", "cuda:0", "cuda:3", "coreml", "directml:1"] {
            assert_eq!(name.parse::<Device>().unwrap().to_string(), name);
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        for wrong in ["", "gpu", "cpu:0", "cuda:", "cuda:x", "coreml:1", "auto:0"] {
            assert!(wrong.parse::<Device>().is_err(), "{wrong}");
        }
    }
}
