//! The compiled part of the Python package `vizsla`. In: what its Python files have checked. Out: bytes of scores, and
//! answers as the JSON that the program prints, which they make objects of.

#![forbid(unsafe_code)]
#![allow(clippy::needless_pass_by_value, reason = "arguments come from Python by value")]

mod cross_encoder;
mod engine;
mod error;
mod evaluation;
mod index;
mod interrupt;
mod program;
mod stages;

/// Everything that crosses the border.
#[pyo3::pymodule(name = "_native", gil_used = false)]
mod native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::cross_encoder::{CrossEncoder, probabilities};
    #[pymodule_export]
    use crate::engine::Engine;
    #[pymodule_export]
    use crate::error::{Cancelled, Error};
    #[pymodule_export]
    use crate::evaluation::{compare, evaluate, measure};
    #[pymodule_export]
    use crate::index::{Index, Writer};
    #[pymodule_export]
    use crate::program::run_program;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
