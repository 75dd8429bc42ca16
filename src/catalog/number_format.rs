//! How numbers of a served model are stored.

use super::accelerator::{Accelerator, Precision};

/// A storage format of weights or of keys and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NumberFormat {
    /// 32-bit floats.
    Fp32,
    /// 16-bit brain floats.
    Bf16,
    /// 16-bit floats.
    Fp16,
    /// 8-bit floats.
    Fp8,
    /// 8-bit integers.
    Int8,
    /// 4-bit integers with a scale for each group of 128 (AWQ, GPTQ).
    Int4,
    /// 4-bit floats with a scale for each 16 (NVFP4).
    Fp4,
    /// 4-bit floats with a scale for each 32 (MXFP4).
    Mxfp4,
}

impl NumberFormat {
    /// Every format with the word used in scenarios.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("fp32", Self::Fp32),
        ("bf16", Self::Bf16),
        ("fp16", Self::Fp16),
        ("fp8", Self::Fp8),
        ("int8", Self::Int8),
        ("int4", Self::Int4),
        ("fp4", Self::Fp4),
        ("mxfp4", Self::Mxfp4),
    ];

    /// The word used in scenarios.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, format)| *format == self).map_or("", |(word, _)| word)
    }

    /// The format of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, format)| *format)
    }

    /// Bytes of one number, its share of the scales included.
    #[must_use]
    pub fn bytes(self) -> f64 {
        match self {
            Self::Fp32 => 4.0,
            Self::Bf16 | Self::Fp16 => 2.0,
            Self::Fp8 | Self::Int8 => 1.0,
            Self::Fp4 => 0.5625,
            Self::Int4 | Self::Mxfp4 => 0.53125,
        }
    }

    /// The arithmetic that products of such weights use on a device: its own units where it has them, or else 16 bit with
    /// the weights widened on the way. Integers of 4 and 8 bit are weight-only formats here.
    #[must_use]
    pub fn arithmetic(self, accelerator: &Accelerator) -> Precision {
        let peaks = &accelerator.peaks;
        match self {
            Self::Fp32 => Precision::Fp32,
            Self::Fp8 if peaks.fp8.is_some() => Precision::Fp8,
            Self::Fp4 | Self::Mxfp4 if peaks.fp4.is_some() => Precision::Nvfp4,
            Self::Fp16 => Precision::Fp16,
            _ => Precision::Bf16,
        }
    }
}
