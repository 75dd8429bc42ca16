//! Accelerators: datasheet facts per device.

use crate::units::{Bytes, BytesPerSecond, FlopsPerSecond, Watts};

use super::Fact;

/// What sort of device it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceleratorKind {
    /// A graphics processor.
    Gpu,
    /// A Google tensor processor.
    Tpu,
    /// Another training or inference chip.
    Asic,
    /// One vCPU of a host processor.
    Cpu,
}

/// Numeric precision of training arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// 32-bit floats on the plain units.
    Fp32,
    /// 32-bit storage, 19-bit products on matrix units (Ampere and later).
    Tf32,
    /// 16-bit brain floats.
    Bf16,
    /// 16-bit floats with loss scaling.
    Fp16,
    /// 8-bit floats.
    Fp8,
    /// 4-bit floats with block scales (NVFP4).
    Nvfp4,
}

impl Precision {
    /// Every precision with the word used in scenarios.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("fp32", Self::Fp32),
        ("tf32", Self::Tf32),
        ("bf16", Self::Bf16),
        ("fp16", Self::Fp16),
        ("fp8", Self::Fp8),
        ("nvfp4", Self::Nvfp4),
    ];

    /// The word used in scenarios.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, precision)| *precision == self).map_or("fp32", |(word, _)| word)
    }

    /// Bytes of one weight, gradient or activation element.
    #[must_use]
    pub fn bytes(self) -> f64 {
        match self {
            Self::Fp32 | Self::Tf32 => 4.0,
            Self::Bf16 | Self::Fp16 | Self::Fp8 | Self::Nvfp4 => 2.0,
        }
    }
}

/// Dense peak rates; `None` where the device lacks the unit or the figure is unknown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peaks {
    /// 32-bit floats.
    pub fp32: Option<FlopsPerSecond>,
    /// TensorFloat-32.
    pub tf32: Option<FlopsPerSecond>,
    /// bfloat16 or float16, whichever the device has on its matrix units.
    pub half: Option<FlopsPerSecond>,
    /// 8-bit floats.
    pub fp8: Option<FlopsPerSecond>,
    /// 8-bit integers.
    pub int8: Option<FlopsPerSecond>,
    /// 4-bit floats.
    pub fp4: Option<FlopsPerSecond>,
}

/// One accelerator (or one vCPU).
#[derive(Clone, Debug)]
pub struct Accelerator {
    /// Catalog name, as `H100-SXM-80GB`.
    pub name: String,
    /// Maker.
    pub vendor: String,
    /// Sort of device.
    pub kind: AcceleratorKind,
    /// Architecture generation, as `hopper`.
    pub generation: String,
    /// Release year.
    pub year: Option<u64>,
    /// Device memory.
    pub memory: Option<Bytes>,
    /// Device memory bandwidth.
    pub memory_bandwidth: Option<BytesPerSecond>,
    /// Dense peaks.
    pub peaks: Peaks,
    /// Best measured dense matrix product in 16 bit.
    pub measured_matmul: Option<FlopsPerSecond>,
    /// Board power.
    pub power: Option<Watts>,
    /// Device link: `nvlink`, `xgmi`, `ici`, `neuronlink`, `gaudi-roce`, `pcie`, `none`.
    pub interconnect: String,
    /// Link bandwidth per device and direction.
    pub link_bandwidth: Option<BytesPerSecond>,
    /// PCIe generation.
    pub pcie_generation: Option<u64>,
    /// Devices in a usual host.
    pub per_host: Option<u64>,
    /// Devices that the device link joins where it spans hosts.
    pub link_domain: Option<u64>,
    /// Whether its driver lets peers reach each other through host memory only.
    pub no_peer_access: bool,
    /// A remark.
    pub notes: Option<String>,
    /// Source and date.
    pub fact: Fact,
}

impl Accelerator {
    /// One direction of 16 PCIe lanes: 15.75 GB/s in generation 3, doubling with each; 3 where the generation is unknown.
    #[must_use]
    pub fn pcie_bandwidth(&self) -> BytesPerSecond {
        BytesPerSecond(15.75e9 * f64::from(1u32 << (self.pcie_or_oldest() - 3)))
    }

    /// PCIe generation, from 3 to 5.
    #[must_use]
    pub fn pcie_or_oldest(&self) -> u32 {
        u32::try_from(self.pcie_generation.unwrap_or(3).clamp(3, 5)).unwrap_or(3)
    }

    /// Dense peak for a precision, falling back to the next wider unit that the device has.
    #[must_use]
    pub fn peak(&self, precision: Precision) -> Option<FlopsPerSecond> {
        let peaks = &self.peaks;
        match precision {
            Precision::Fp32 => peaks.fp32,
            Precision::Tf32 => peaks.tf32.or(peaks.fp32),
            Precision::Bf16 | Precision::Fp16 => peaks.half.or(peaks.fp32),
            Precision::Fp8 => peaks.fp8.or(peaks.half).or(peaks.fp32),
            Precision::Nvfp4 => peaks.fp4.or(peaks.fp8).or(peaks.half).or(peaks.fp32),
        }
    }
}
