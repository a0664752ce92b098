//! Devices other than the processor, as ONNX Runtime knows them. In: what the caller asked for. Out: what to try.

use ::ort::ep::ExecutionProviderDispatch;

use super::Runtime;
use crate::device::Device;
use crate::error::{Error, ErrorKind};

/// The devices to try, in this order: for `Auto` those that this crate and the loaded library were built for, and the
/// processor last; else the one that was requested. A library built for a device may still fail to open it: a driver
/// may be missing.
pub(crate) fn candidates(_: Runtime, wanted: Device) -> Result<Vec<Device>, Error> {
    let usable = |device: &Device| provider(*device).is_some_and(|provider| provider.is_available);
    match wanted {
        Device::Cpu => Ok(vec![Device::Cpu]),
        Device::Auto => {
            let others = [Device::Cuda(0), Device::CoreMl, Device::DirectMl(0)];
            Ok(others.into_iter().filter(usable).chain([Device::Cpu]).collect())
        }
        device if usable(&device) => Ok(vec![device]),
        device => Err(Error::new(ErrorKind::Runtime, refusal(device))),
    }
}

fn refusal(device: Device) -> String {
    if provider(device).is_some() {
        return format!("cannot use {device}: the loaded ONNX Runtime was not built for it");
    }
    let name = device.to_string();
    let feature = name.split(':').next().unwrap_or_default();
    format!("cannot use {name}: vizsla-onnx was built without its feature `{feature}`")
}

/// What a device other than the processor needs besides this crate's feature and a build of ONNX Runtime for it.
pub(super) fn needs(device: Device) -> Option<&'static str> {
    Some(match device {
        Device::Auto | Device::Cpu => return None,
        Device::Cuda(_) => {
            "it needs an NVIDIA driver and a GPU of that number, and the CUDA and cuDNN libraries that this ONNX Runtime was \
             built for, where the system looks for libraries (LD_LIBRARY_PATH)"
        }
        Device::CoreMl => "it needs macOS",
        Device::DirectMl(_) => "it needs Windows, DirectML.dll and a GPU of that number",
    })
}

/// ONNX Runtime's name for a device.
pub(super) struct Provider {
    /// Whether the loaded library was built for it.
    is_available: bool,
    pub(super) dispatch: ExecutionProviderDispatch,
}

/// The provider of a device other than the processor, if this crate was built with its feature.
pub(super) fn provider(device: Device) -> Option<Provider> {
    #[cfg(any(feature = "cuda", feature = "coreml", feature = "directml"))]
    use ::ort::ep::{self, ExecutionProvider};
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(number) => Some(Provider {
            is_available: ep::CUDA::is_available().unwrap_or(false),
            dispatch: ep::CUDA::default().with_device_id(number.cast_signed()).build(),
        }),
        #[cfg(feature = "coreml")]
        Device::CoreMl => Some(Provider {
            is_available: ep::CoreML::is_available().unwrap_or(false),
            dispatch: ep::CoreML::default().build(),
        }),
        #[cfg(feature = "directml")]
        Device::DirectMl(number) => Some(Provider {
            is_available: ep::DirectML::is_available().unwrap_or(false),
            dispatch: ep::DirectML::default().with_device_id(number.cast_signed()).build(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::runtime;

    #[test]
    fn auto_always_ends_at_the_processor() {
        let devices = candidates(runtime(), Device::Auto).unwrap();
        assert_eq!(devices.last(), Some(&Device::Cpu));
        assert_eq!(candidates(runtime(), Device::Cpu).unwrap(), [Device::Cpu]);
    }

    #[test]
    fn an_unavailable_device_is_named() {
        // The library that the tests run with is built for the processor.
        let error = candidates(runtime(), Device::Cuda(3)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Runtime);
        assert!(error.to_string().contains("cannot use cuda:3"), "{error}");
        assert!(needs(Device::Cuda(3)).is_some_and(|needs| needs.contains("cuDNN")));
    }
}
