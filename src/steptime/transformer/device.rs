//! A device as the terms see it: kernels on its rates.

use crate::catalog::{Accelerator, Attention, Precision};

use super::job::TransformerJob;
use super::products::Products;

/// The rates of a device, with the efficiencies of its family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Device {
    peaks: [f64; 4],
    bandwidth: f64,
    units: f64,
    best: f64,
    flash: f64,
    tile: (f64, f64),
    depth: f64,
}

struct Family {
    generation: &'static str,
    units: f64,
    best: f64,
    flash: f64,
}

const FAMILIES: &[Family] = &[
    Family { generation: "volta", units: 80.0, best: 0.80, flash: 0.3 },
    Family { generation: "ampere", units: 108.0, best: 0.86, flash: 0.55 },
    Family { generation: "hopper", units: 132.0, best: 0.75, flash: 0.50 },
    Family { generation: "blackwell", units: 148.0, best: 0.76, flash: 0.55 },
    Family { generation: "blackwell-ultra", units: 148.0, best: 0.76, flash: 0.6 },
    Family { generation: "cdna3", units: 304.0, best: 0.52, flash: 0.35 },
    Family { generation: "gaudi", units: 64.0, best: 0.8, flash: 0.4 },
];
const TPU: Family = Family { generation: "tpu", units: 2.0, best: 0.90, flash: 0.45 };
const OTHER: Family = Family { generation: "", units: 100.0, best: 0.75, flash: 0.4 };

impl Device {
    pub(super) fn of(accelerator: &Accelerator) -> Self {
        let generation = accelerator.generation.as_str();
        let family = if accelerator.kind == crate::catalog::AcceleratorKind::Tpu {
            &TPU
        } else {
            FAMILIES.iter().find(|family| generation.starts_with(family.generation)).unwrap_or(&OTHER)
        };
        let peak = |precision| accelerator.peak(precision).map_or(1e12, |rate| rate.0);
        let wide = matches!(generation, "hopper" | "blackwell" | "blackwell-ultra");
        let half = peak(Precision::Bf16);
        let depth = if family.generation == "tpu" { 128.0 } else { 256.0 };
        Self {
            peaks: [peak(Precision::Fp32), half, peak(Precision::Fp8), peak(Precision::Nvfp4)],
            bandwidth: accelerator.memory_bandwidth.map_or(1e11, |rate| rate.0),
            units: family.units,
            best: family.best,
            flash: family.flash,
            tile: (128.0, if wide { 256.0 } else { 128.0 }),
            depth: depth * (half / 989e12).sqrt(),
        }
    }

    fn peak(&self, precision: Precision) -> f64 {
        match precision {
            Precision::Fp32 | Precision::Tf32 => self.peaks[0],
            Precision::Bf16 | Precision::Fp16 => self.peaks[1],
            Precision::Fp8 => self.peaks[2],
            Precision::Nvfp4 => self.peaks[3],
        }
    }

    pub(super) fn matmul(&self, precision: Precision, m: f64, n: f64, k: f64) -> f64 {
        let (rows, columns) = ((m / self.tile.0).ceil(), (n / self.tile.1).ceil());
        let fill = m / (rows * self.tile.0) * n / (columns * self.tile.1);
        let waves = rows * columns / self.units;
        let wave = if waves < 8.0 { waves / waves.ceil() } else { 1.0 };
        let share = self.best * fill * wave * k / (k + self.depth);
        let arithmetic = 2.0 * m * n * k / (self.peak(precision) * share);
        arithmetic.max(self.traffic(2.0 * (m * k + n * k + m * n))) + 3e-6
    }

    /// Seconds of memory traffic.
    pub(super) fn traffic(&self, bytes: f64) -> f64 {
        bytes / (0.8 * self.bandwidth)
    }

    /// The core of one layer's attention.
    pub(super) fn attention(&self, job: &TransformerJob<'_>, tokens: f64) -> Products {
        let tensor = job.layout.tensor as f64;
        let sequence = job.sequence;
        let shape = job.shape;
        let (heads, width, depth) = match shape.attention {
            Attention::Grouped { heads, head_dim, .. } => (heads, 2.0 * head_dim, head_dim),
            Attention::Latent { heads, plain_dim, rotary_dim, value_dim, .. } => {
                (heads, plain_dim + rotary_dim + value_dim, plain_dim)
            }
        };
        let peak = self.peak(Precision::Bf16);
        let work = 2.0 * tokens * sequence * heads * width / tensor;
        if !job.flash {
            let scores = tokens * sequence * heads / tensor;
            let products = work / (0.45 * peak);
            return Products {
                forward: products + self.traffic(scores * 10.0),
                backward: 2.0 * products + self.traffic(scores * 14.0),
            };
        }
        let own = sequence / job.layout.context as f64;
        let seen = if shape.causal { 0.5 } else { 1.0 };
        let ramp = own / (own + if shape.causal { 512.0 } else { 256.0 });
        let share = self.flash * ramp * libm::pow(depth / 128.0, 0.4).min(1.0);
        let forward = work * seen / (peak * share);
        Products { forward, backward: forward * 2.5 / 0.8 }
    }
}
