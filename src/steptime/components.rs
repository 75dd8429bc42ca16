//! The regression's terms: ln(rate) = offset + Σ over components of multiplier · coefficient[key].
//!
//! Each coefficient is drawn towards 0 with its component's prior standard deviation (a ridge, or best linear unbiased
//! prediction: Robinson 1991), so that a key never seen adds nothing. The deviations were tuned on errors of the shipped
//! rows left out by pair of device and model, by device, and by model (weights 1, 0.4, 0.2), drawn towards their earlier
//! values.

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
    Across,
    Hosts,
    Tables,
    Lookups,
    Sharing,
    Age,
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
        term("base", &[], M::One, 0.141),
        term("precision", &[L::Precision], M::One, 0.219),
        term("power", &[], M::Power, 1.16),
        term("overhead", &[], M::Overhead, 0.586),
        term("devices", &[], M::Devices, 0.0785),
        term("family", &[L::Family], M::One, 0.495),
        term("family.ridge", &[L::Family], M::Ridge, 0.311),
        term("model", &[L::Model], M::One, 0.849),
        term("model.ridge", &[L::Model], M::Ridge, 0.0813),
        term("model.latency", &[L::Model], M::Latency, 0.229),
        term("model.exchange", &[L::Model], M::Exchange, 0.0709),
        term("model.precision", &[L::Model, L::Precision], M::One, 0.275),
        term("class", &[L::Class], M::One, 0.502),
        term("model.variant", &[L::Model, L::Variant], M::One, 0.108),
        term("model.task", &[L::Model, L::Task], M::One, 0.125),
        term("stack.latency", &[L::Stack], M::Latency, 0.206),
        term("generation", &[L::Generation], M::One, 0.376),
        term("generation.family", &[L::Generation, L::Family], M::One, 0.169),
        term("accelerator.stack", &[L::Accelerator, L::Stack], M::One, 0.0495),
        term("stack.fabric.exchange", &[L::Stack, L::Fabric], M::Exchange, 1.11),
        term("host.overhead", &[L::Stack, L::Accelerator, L::Fabric, L::Devices], M::Overhead, 0.0768),
        term("family.stack.precision", &[L::Family, L::Stack, L::Precision], M::One, 0.0839),
        term("kin.stack", &[L::Kin, L::Stack], M::One, 0.349),
        term("kin.stack.precision", &[L::Kin, L::Stack, L::Precision], M::One, 0.0868),
        term("kin.accelerator", &[L::Kin, L::Accelerator], M::One, 0.0742),
        term("kin.class.generation", &[L::Kin, L::Class, L::Generation], M::One, 0.19),
        term("peak", &[], M::Peak, 1.02),
        term("model.stack.overhead", &[L::Model, L::Stack], M::Overhead, 0.0795),
        term("model.work", &[L::Model], M::Work, 0.0769),
        term("exchange", &[], M::Exchange, 0.454),
        term("across", &[], M::Across, 0.13),
        term("class.across", &[L::Class], M::Across, 0.192),
        term("stack.across", &[L::Stack], M::Across, 0.159),
        term("model.across", &[L::Model], M::Across, 0.852),
        term("class.hosts", &[L::Class], M::Hosts, 0.0307),
        term("model.hosts", &[L::Model], M::Hosts, 0.0954),
        term("tables", &[], M::Tables, 1.52),
        term("fabric.tables", &[L::Fabric], M::Tables, 0.0551),
        term("family.precision", &[L::Family, L::Precision], M::One, 0.182),
        term("age", &[], M::Age, 0.0566),
        term("model.age", &[L::Model], M::Age, 0.285),
        term("kin.latency", &[L::Kin], M::Latency, 1.17),
        term("family.class.latency", &[L::Family, L::Class], M::Latency, 0.21),
        term("fabric.exchange", &[L::Fabric], M::Exchange, 0.111),
        term("sharing", &[], M::Sharing, 1.35),
        term("model.class", &[L::Model, L::Class], M::One, 0.108),
        term("lookups", &[], M::Lookups, 0.0814),
        term("family.power", &[L::Family], M::Power, 0.101),
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
            Multiplier::Across => factors.slopes.across,
            Multiplier::Hosts => factors.slopes.hosts,
            Multiplier::Tables => factors.slopes.tables,
            Multiplier::Lookups => factors.lookups,
            Multiplier::Sharing => factors.sharing,
            Multiplier::Age => factors.slopes.age,
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
