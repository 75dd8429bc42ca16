//! The regression's terms: ln(rate) = offset + Σ over components of multiplier · coefficient[key].
//!
//! Each coefficient is drawn towards 0 with its component's prior standard deviation (a ridge, or best linear unbiased
//! prediction: Robinson 1991), so that a key never seen adds nothing but its uncertainty. Components and deviations were
//! chosen on errors of the shipped rows left out by pair of device and model, by device and by model (weights 1, 0.3, 0.1).

use super::setting::Factors;

/// What a component distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Precision,
    Family,
    Kin,
    Model,
    Variant,
    Metric,
    Stack,
    Kind,
    Generation,
    Accelerator,
    Published,
}

/// What a component multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Multiplier {
    One,
    Akin,
    Latency(usize),
    Batch,
    Devices,
    Version,
    Ridge,
    Power,
}

/// One term.
#[derive(Clone, Copy, Debug)]
pub(super) struct Component {
    pub name: &'static str,
    levels: &'static [Level],
    multiplier: Multiplier,
    pub deviation: f64,
}

const fn term(
    name: &'static str,
    levels: &'static [Level],
    multiplier: Multiplier,
    deviation: f64,
) -> Component {
    Component { name, levels, multiplier, deviation }
}

/// Every term.
pub(super) const COMPONENTS: &[Component] = {
    use Level as L;
    use Multiplier as M;
    &[
        term("model", &[L::Model], M::One, 1.0),
        term("kin", &[L::Kin], M::Akin, 3.0),
        term("metric", &[L::Variant, L::Metric], M::One, 0.51),
        term("accelerator", &[L::Accelerator], M::One, 0.15),
        term("published", &[L::Published], M::One, 0.0346),
        term("stack.generation", &[L::Stack, L::Generation], M::One, 0.2),
        term("stack.model.precision", &[L::Stack, L::Model, L::Precision], M::One, 0.2),
        term("stack.family", &[L::Stack, L::Family], M::One, 0.2),
        term("stack.precision.generation", &[L::Stack, L::Precision, L::Generation], M::One, 0.0692),
        term("kind", &[L::Kind], M::One, 0.3),
        term("kind.model", &[L::Kind, L::Model], M::One, 0.3),
        term("version", &[L::Stack], M::Version, 0.1),
        term("version.generation", &[L::Generation], M::Version, 0.0346),
        term("devices.accelerator", &[L::Accelerator], M::Devices, 0.03),
        term("ridge", &[], M::Ridge, 0.3),
        term("ridge.model", &[L::Model], M::Ridge, 0.118),
        term("power.model", &[L::Model], M::Power, 0.0346),
        term("latency-1", &[], M::Latency(1), 0.51),
        term("latency-1.generation", &[L::Generation], M::Latency(1), 0.1),
        term("latency-2", &[], M::Latency(2), 0.176),
        term("latency-2.model", &[L::Model], M::Latency(2), 0.2),
        term("latency-2.stack", &[L::Stack], M::Latency(2), 0.118),
        term("latency-2.stack.model", &[L::Stack, L::Model], M::Latency(2), 0.0882),
        term("latency-2.generation", &[L::Generation], M::Latency(2), 0.0588),
        term("batch.kind", &[L::Kind, L::Stack], M::Batch, 0.176),
        term("batch.stack.model", &[L::Stack, L::Model, L::Precision], M::Batch, 0.17),
    ]
};

impl Component {
    /// The key of a configuration in this term.
    pub(super) fn key(&self, factors: &Factors) -> String {
        let mut key = String::new();
        for level in self.levels {
            if !key.is_empty() {
                key.push('|');
            }
            key.push_str(match level {
                Level::Precision => &factors.precision,
                Level::Family => &factors.family,
                Level::Kin => &factors.kin,
                Level::Model => &factors.model,
                Level::Variant => &factors.variant,
                Level::Metric => &factors.metric,
                Level::Stack => &factors.stack,
                Level::Kind => factors.kind,
                Level::Generation => &factors.generation,
                Level::Accelerator => &factors.accelerator,
                Level::Published => &factors.published,
            });
        }
        key
    }

    /// The multiplier of a configuration in this term.
    pub(super) fn multiplier(&self, factors: &Factors) -> f64 {
        match self.multiplier {
            Multiplier::One => 1.0,
            Multiplier::Akin => f64::from(u8::from(!factors.kin.is_empty())),
            Multiplier::Latency(scale) => factors.latency.get(scale).copied().unwrap_or(0.0),
            Multiplier::Batch => factors.batch,
            Multiplier::Devices => factors.devices,
            Multiplier::Version => factors.version,
            Multiplier::Ridge => factors.ridge,
            Multiplier::Power => factors.power,
        }
    }
}
