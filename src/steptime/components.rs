//! The regression's terms: ln(rate) = offset + Σ over components of multiplier · coefficient[key].
//!
//! Each coefficient is drawn towards 0 with its component's prior standard deviation (a ridge, or best linear unbiased
//! prediction: Robinson 1991), so that a key never seen adds nothing. The deviations were tuned on left-out groups.

use super::factors::Factors;

/// What a component distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Precision,
    Family,
    Kin,
    Model,
    Variant,
    Task,
    Class,
    Stack,
    Generation,
    Accelerator,
    Fabric,
    Devices,
}

/// What a component multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Multiplier {
    One,
    Power,
    Peak,
    Ridge,
    Latency,
    Overhead,
    Exchange,
    Work,
    Devices,
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
        term("base", &[], M::One, 0.745),
        term("precision", &[L::Precision], M::One, 0.38),
        term("power", &[], M::Power, 0.63),
        term("overhead", &[], M::Overhead, 0.16),
        term("devices", &[], M::Devices, 0.09),
        term("family", &[L::Family], M::One, 1.497),
        term("family.ridge", &[L::Family], M::Ridge, 0.713),
        term("model", &[L::Model], M::One, 0.503),
        term("model.ridge", &[L::Model], M::Ridge, 0.16),
        term("model.latency", &[L::Model], M::Latency, 0.188),
        term("model.exchange", &[L::Model], M::Exchange, 0.193),
        term("model.precision", &[L::Model, L::Precision], M::One, 0.077),
        term("class", &[L::Class], M::One, 0.517),
        term("model.variant", &[L::Model, L::Variant], M::One, 0.159),
        term("model.task", &[L::Model, L::Task], M::One, 0.101),
        term("stack.latency", &[L::Stack], M::Latency, 0.311),
        term("generation", &[L::Generation], M::One, 0.893),
        term("generation.family", &[L::Generation, L::Family], M::One, 0.078),
        term("accelerator.stack", &[L::Accelerator, L::Stack], M::One, 0.051),
        term("stack.fabric.exchange", &[L::Stack, L::Fabric], M::Exchange, 0.237),
        term("host.overhead", &[L::Stack, L::Accelerator, L::Fabric, L::Devices], M::Overhead, 0.087),
        term("family.stack.precision", &[L::Family, L::Stack, L::Precision], M::One, 0.222),
        term("kin.stack", &[L::Kin, L::Stack], M::One, 0.256),
        term("kin.stack.precision", &[L::Kin, L::Stack, L::Precision], M::One, 0.109),
        term("kin.accelerator", &[L::Kin, L::Accelerator], M::One, 0.067),
        term("kin.class.generation", &[L::Kin, L::Class, L::Generation], M::One, 0.094),
        term("peak", &[], M::Peak, 0.549),
        term("model.stack.overhead", &[L::Model, L::Stack], M::Overhead, 0.13),
        term("model.work", &[L::Model], M::Work, 0.061),
        term("exchange", &[], M::Exchange, 0.146),
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
            match level {
                Level::Precision => key.push_str(factors.arithmetic.word()),
                Level::Family => key.push_str(factors.family),
                Level::Kin => key.push_str(&factors.kin),
                Level::Model => key.push_str(&factors.model),
                Level::Variant => key.push_str(&factors.variant),
                Level::Task => key.push_str(&factors.task),
                Level::Class => key.push_str(factors.class.word()),
                Level::Stack => key.push_str(&factors.stack),
                Level::Generation => key.push_str(&factors.generation),
                Level::Accelerator => key.push_str(&factors.accelerator),
                Level::Fabric => key.push_str(&factors.fabric),
                Level::Devices => key.push_str(&factors.devices.to_string()),
            }
        }
        key
    }

    /// The multiplier of a configuration in this term.
    pub(super) fn multiplier(&self, factors: &Factors) -> f64 {
        match self.multiplier {
            Multiplier::One => 1.0,
            Multiplier::Power => factors.power,
            Multiplier::Peak => factors.peak,
            Multiplier::Ridge => factors.ridge,
            Multiplier::Latency => factors.slopes.latency,
            Multiplier::Overhead => factors.slopes.overhead,
            Multiplier::Exchange => factors.slopes.exchange,
            Multiplier::Work => factors.slopes.work,
            Multiplier::Devices => factors.slopes.devices,
        }
    }

    /// Whether the term grows with the logarithm of the peak at constant bandwidth.
    pub(super) fn follows_peak(&self) -> bool {
        matches!(self.multiplier, Multiplier::Peak | Multiplier::Ridge)
    }

    /// Whether the term falls with the logarithm of the bandwidth at constant peak.
    pub(super) fn follows_ridge(&self) -> bool {
        self.multiplier == Multiplier::Ridge
    }
}
