//! How a model is run on this machine. Out: a value for programs, and a line for humans.

use std::fmt;

use crate::cpu::InstructionSet;
use crate::device::Device;

/// How a model is run: the method, why not a faster one, and the device. `Display` formats it as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Execution {
    /// What runs the model's layers.
    pub method: ExecutionMethod,
    /// The device that was opened; never [`Device::Auto`].
    pub device: Device,
    /// Why no faster method was possible; `None` for the fastest.
    pub reason: Option<String>,
    /// For [`Device::Auto`], the devices that ONNX Runtime was built for but that are not used, and why.
    pub unavailable: Vec<String>,
}

/// What runs a model's layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExecutionMethod {
    /// This crate's int8 encoder with these instructions, as an operator inside ONNX Runtime.
    Encoder(InstructionSet),
    /// ONNX Runtime, on a graph stripped of work that unpadded pairs do not need.
    SimplifiedGraph,
    /// ONNX Runtime, on the graph exactly as in the file.
    OriginalGraph,
}

impl fmt::Display for ExecutionMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoder(instructions) => {
                write!(f, "int8 encoder for {instructions}, within ONNX Runtime")
            }
            Self::SimplifiedGraph => f.write_str("ONNX Runtime, simplified graph"),
            Self::OriginalGraph => f.write_str("ONNX Runtime, graph as it is"),
        }
    }
}

impl fmt::Display for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.device != Device::Cpu {
            write!(f, "{}: ", self.device)?;
        }
        write!(f, "{}", self.method)?;
        if let Some(reason) = &self.reason {
            write!(f, " ({reason})")?;
        }
        for unavailable in &self.unavailable {
            write!(f, "; {unavailable}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_fits_on_one_line() {
        let mut execution = Execution {
            method: ExecutionMethod::SimplifiedGraph,
            device: Device::Cpu,
            reason: Some("the processor has no AVX2".to_owned()),
            unavailable: vec!["cuda:0 is not used: no driver".to_owned()],
        };
        assert_eq!(
            execution.to_string(),
            "ONNX Runtime, simplified graph (the processor has no AVX2); cuda:0 is not used: no driver"
        );
        execution.device = Device::Cuda(0);
        assert!(execution.to_string().starts_with("cuda:0: ONNX Runtime"));
    }
}
