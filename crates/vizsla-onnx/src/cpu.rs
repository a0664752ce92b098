//! What this processor can do: the only file that asks. Out: one value, which decides between a model's files, between
//! ways of multiplying 8-bit numbers in ONNX Runtime, and whether an encoder of our own can run.

/// Instructions that matter for 8-bit models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cpu {
    /// Multiplies 8-bit numbers without the overflow that plain AVX2 and AVX-512 have (ONNX Runtime, commit 040c2f45):
    /// AVX-512 VNNI, AVX-VNNI, or any processor that is not an x86.
    pub(crate) exact_int8: bool,
    /// All that the kernels of `encoder/avx512` use: AVX-512 F, BW, VL, DQ and VNNI.
    pub(crate) avx512_vnni: bool,
    /// An ARM in 64-bit mode.
    pub(crate) arm: bool,
}

impl Cpu {
    /// Asks the processor. The standard library remembers the answer, so this costs a few loads.
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    pub(crate) fn detect() -> Self {
        let vnni = is_x86_feature_detected!("avx512vnni");
        let avx512_vnni = vnni
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq");
        let exact_int8 = vnni || is_x86_feature_detected!("avxvnni");
        Self { exact_int8, avx512_vnni, arm: false }
    }

    /// What is known of the architecture.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
    pub(crate) fn detect() -> Self {
        Self { exact_int8: true, avx512_vnni: false, arm: cfg!(target_arch = "aarch64") }
    }
}
