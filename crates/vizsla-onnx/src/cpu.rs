//! Processor features: the only file that detects them. Out: one value, which decides which of a model's files to use,
//! how ONNX Runtime multiplies 8-bit numbers, and which kernels our own encoder runs on.

#[cfg(target_arch = "aarch64")]
use std::arch::is_aarch64_feature_detected;
use std::fmt;

/// The instructions that the int8 encoder is written for, those of a processor from the slowest on. Scores differ between them only by what ONNX
/// Runtime's own operators, embeddings and head, do differently: the encoder's are equal to the last bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum InstructionSet {
    /// Those of any processor, one number at a time: the reference for all others, and slower than ONNX Runtime.
    Portable,
    /// AVX2 and FMA: x86 since about 2013.
    Avx2,
    /// AVX-VNNI: x86 since about 2021, without AVX-512.
    AvxVnni,
    /// AVX-512 F, BW, VL, DQ and VNNI.
    Avx512Vnni,
    /// AMX for 8-bit integers, with AVX-512: x86 servers since about 2023, on Linux.
    Amx,
    /// Dot products of 8-bit integers (`dotprod`): 64-bit ARM since about 2018.
    NeonDotProduct,
    /// Products of matrices of 8-bit integers (`i8mm`): 64-bit ARM since about 2021.
    NeonMatrix,
}

impl InstructionSet {
    /// All of them, those of a processor from the slowest on.
    pub const ALL: [Self; 7] = [
        Self::Portable,
        Self::Avx2,
        Self::AvxVnni,
        Self::Avx512Vnni,
        Self::Amx,
        Self::NeonDotProduct,
        Self::NeonMatrix,
    ];

    /// The fastest that this processor has, if it is one that outruns ONNX Runtime.
    pub fn best() -> Option<Self> {
        Self::ALL
            .into_iter()
            .rev()
            .filter(|set| *set != Self::Portable)
            .find(|set| set.is_available())
    }

    /// Whether this processor has them. What is detected is remembered, so this costs a few loads. The first time, a process
    /// asks the system for tiles where the processor has them.
    #[cfg(target_arch = "x86_64")]
    pub fn is_available(self) -> bool {
        let avx2 = || is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        match self {
            Self::Portable => true,
            Self::Avx2 => avx2(),
            Self::AvxVnni => avx2() && is_x86_feature_detected!("avxvnni"),
            Self::Avx512Vnni => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vnni")
            }
            Self::Amx => Self::Avx512Vnni.is_available() && tiles::are_permitted(),
            Self::NeonDotProduct | Self::NeonMatrix => false,
        }
    }

    /// Whether this processor has them. What is detected is remembered, so this costs a few loads.
    #[cfg(target_arch = "aarch64")]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::NeonDotProduct => is_aarch64_feature_detected!("dotprod"),
            Self::NeonMatrix => is_aarch64_feature_detected!("i8mm"),
            Self::Avx2 | Self::AvxVnni | Self::Avx512Vnni | Self::Amx => false,
        }
    }

    /// Whether this processor has them.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub fn is_available(self) -> bool {
        self == Self::Portable
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "any processor",
            Self::Avx2 => "AVX2",
            Self::AvxVnni => "AVX-VNNI",
            Self::Avx512Vnni => "AVX-512 VNNI",
            Self::Amx => "AMX",
            Self::NeonDotProduct => "ARM dot products",
            Self::NeonMatrix => "ARM I8MM",
        })
    }
}

/// The tiles of AMX. Linux gives a process their registers, which make every context larger, only when it asks.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[allow(unsafe_code, reason = "neither the instruction nor the call touches memory")]
mod tiles {
    use std::arch::x86_64::__cpuid_count;
    use std::sync::LazyLock;

    /// `arch_prctl(2)`: asks for the registers of a feature.
    const REQUEST_PERMISSION: libc::c_int = 0x1023;
    /// The number of the tiles' data among the features.
    const TILE_DATA: libc::c_int = 18;

    /// Whether the processor has tiles of 8-bit integers and this process may use them.
    pub(super) fn are_permitted() -> bool {
        static PERMITTED: LazyLock<bool> = LazyLock::new(|| {
            // SAFETY: every 64-bit x86 processor has the instruction.
            #[allow(unused_unsafe, reason = "only older compilers call it unsafe")]
            let features = unsafe { __cpuid_count(7, 0) }.edx;
            let (tile, int8) = (features >> 24 & 1, features >> 25 & 1);
            // SAFETY: no argument is a pointer; systems that do not know the request refuse it.
            let ask =
                || unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) };
            tile & int8 == 1 && ask() == 0
        });
        *PERMITTED
    }
}

/// Other systems are not asked.
#[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
mod tiles {
    pub(super) fn are_permitted() -> bool {
        false
    }
}

/// Instructions that matter for 8-bit models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cpu {
    /// Whether ONNX Runtime multiplies 8-bit numbers without the overflow of plain AVX2 and AVX-512 (ONNX Runtime,
    /// commit 040c2f45): AVX-512 VNNI, AVX-VNNI, or any non-x86 processor.
    pub(crate) exact_int8: bool,
    /// Whether our own encoder runs files of signed weights.
    pub(crate) encoder: bool,
    /// 64-bit ARM.
    pub(crate) arm: bool,
}

impl Cpu {
    /// Detects the features.
    pub(crate) fn detect() -> Self {
        Self {
            exact_int8: exact_int8(),
            encoder: InstructionSet::best().is_some(),
            arm: cfg!(target_arch = "aarch64"),
        }
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn exact_int8() -> bool {
    is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
fn exact_int8() -> bool {
    true
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
        ("amx", InstructionSet::Amx.is_available()),
    ];
    features.into_iter().filter_map(|(name, has)| has.then_some(name)).collect()
}

/// The instructions of this processor that matter for how fast models run, by their usual names.
#[cfg(target_arch = "aarch64")]
pub fn processor_features() -> Vec<&'static str> {
    let features = [
        ("neon", true),
        ("dotprod", InstructionSet::NeonDotProduct.is_available()),
        ("i8mm", InstructionSet::NeonMatrix.is_available()),
    ];
    features.into_iter().filter_map(|(name, has)| has.then_some(name)).collect()
}

/// The instructions of this processor that matter for how fast models run, by their usual names.
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
pub fn processor_features() -> Vec<&'static str> {
    Vec::new()
}
