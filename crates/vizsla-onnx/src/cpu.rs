//! Processor features: the only file that detects them. Out: one value, which decides which of a model's files to use,
//! how ONNX Runtime multiplies 8-bit numbers, and whether our own encoder can run.

/// Instructions that matter for 8-bit models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cpu {
    /// Multiplies 8-bit numbers without the overflow of plain AVX2 and AVX-512 (ONNX Runtime, commit 040c2f45): AVX-512
    /// VNNI, AVX-VNNI, or any non-x86 processor.
    pub(crate) exact_int8: bool,
    /// Everything that the kernels of `encoder/avx512` use: AVX-512 F, BW, VL, DQ and VNNI.
    pub(crate) avx512_vnni: bool,
    /// 64-bit ARM.
    pub(crate) arm: bool,
}

impl Cpu {
    /// Detects the features. The standard library caches the result, so this costs a few loads.
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

    /// What is known from the architecture alone.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
    pub(crate) fn detect() -> Self {
        Self { exact_int8: true, avx512_vnni: false, arm: cfg!(target_arch = "aarch64") }
    }
}

/// The instructions of this processor that matter for how fast models run, by their usual names.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
pub fn processor_features() -> Vec<&'static str> {
    let features = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avxvnni", is_x86_feature_detected!("avxvnni")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
    ];
    features.into_iter().filter_map(|(name, has)| has.then_some(name)).collect()
}

/// The instructions of this processor that matter for how fast models run, by their usual names.
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
pub fn processor_features() -> Vec<&'static str> {
    if cfg!(target_arch = "aarch64") { vec!["neon"] } else { Vec::new() }
}
