//! What was measured: which pairs of model and device, with which software, over which range.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::{Accelerator, AcceleratorKind, Catalog};

use super::factors::{Factors, Slopes};
use super::holdout::Hidden;
use super::judged::{Judged, Nearness};
use super::stack::SoftwareStack;
use super::tables::{ProfileError, rows};

const FILE: &str = "assets/profiles/training-evidence.csv";

/// Beyond this much of the range seen (a factor of two) a prediction is an extrapolation.
const BEYOND: f64 = 0.7;
/// Slopes are followed to a factor of seven beyond the range seen, and held there: left-out rows are predicted better so
/// than held to the range itself. The age of software is never carried further.
const FOLLOWED: [f64; Slopes::COUNT] = {
    let mut followed = [2.0; Slopes::COUNT];
    followed[Slopes::COUNT - 1] = 0.0;
    followed
};
/// Devices of one generation whose peaks differ by less than this factor are taken for siblings.
const SIBLING_FACTOR: f64 = 1.5;

/// Rows of one model on one device with one stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Model as observed.
    pub model: String,
    /// Its kin.
    pub kin: String,
    /// Its family.
    pub family: String,
    /// Device.
    pub accelerator: String,
    /// Its generation.
    pub generation: String,
    /// Stack as observed.
    pub stack: String,
    /// The variant most rows have.
    pub variant: String,
    /// The task most rows have.
    pub task: String,
    /// Rows.
    pub rows: u64,
    /// Least ln(1 + 10 ms / τ).
    pub latency_low: f64,
    /// Greatest.
    pub latency_high: f64,
    /// Least ln(1 + 100 ms / τ).
    pub overhead_low: f64,
    /// Greatest.
    pub overhead_high: f64,
    /// Least ln(1 + exchange over compute).
    pub exchange_low: f64,
    /// Greatest.
    pub exchange_high: f64,
    /// Least ln(τ / 100 ms).
    pub work_low: f64,
    /// Greatest.
    pub work_high: f64,
    /// Least ln of the devices of a host.
    pub devices_low: f64,
    /// Greatest.
    pub devices_high: f64,
    /// Least ln(1 + exchange between hosts over compute).
    pub across_low: f64,
    /// Greatest.
    pub across_high: f64,
    /// Least ln of the hosts.
    pub hosts_low: f64,
    /// Greatest.
    pub hosts_high: f64,
    /// Least ln(1 + all-to-all of embedding vectors over compute).
    pub tables_low: f64,
    /// Greatest.
    pub tables_high: f64,
    /// Least age of the software.
    pub age_low: f64,
    /// Greatest.
    pub age_high: f64,
}

impl Seen {
    fn ranges(&self) -> [(f64, f64); Slopes::COUNT] {
        [
            (self.latency_low, self.latency_high),
            (self.overhead_low, self.overhead_high),
            (self.exchange_low, self.exchange_high),
            (self.work_low, self.work_high),
            (self.devices_low, self.devices_high),
            (self.across_low, self.across_high),
            (self.hosts_low, self.hosts_high),
            (self.tables_low, self.tables_high),
            (self.age_low, self.age_high),
        ]
    }
}

/// Everything seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    seen: Vec<Seen>,
}

impl Evidence {
    pub(super) fn embedded() -> Result<Self, ProfileError> {
        Ok(Self { seen: rows(FILE, include_str!("../../assets/profiles/training-evidence.csv"))? })
    }

    /// The stack, variant and task that most rows of the model have in a class of software, among PyTorch stacks where
    /// it has any. The same for every device, so that devices are compared with the same software.
    pub(super) fn usual(&self, model: &str, class: SoftwareStack) -> (String, String, String) {
        let mut counts: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
        for seen in &self.seen {
            if seen.model == model && SoftwareStack::of_observed(&seen.stack) == class {
                *counts.entry((&seen.stack, &seen.variant, &seen.task)).or_default() += seen.rows;
            }
        }
        let preferred = |stack: &str| matches!(stack, "pytorch" | "ngc");
        let most = counts.into_iter().max_by_key(|((stack, ..), rows)| (preferred(stack), *rows));
        let (stack, variant, task) = most.map_or((class.usual(), "", ""), |(key, _)| key);
        (stack.to_owned(), variant.to_owned(), task.to_owned())
    }

    /// What is known about a configuration, as if what is hidden had never been measured.
    pub(super) fn judge(
        &self,
        catalog: &Catalog,
        accelerator: &Accelerator,
        factors: &Factors,
        hidden: Hidden,
    ) -> Judged {
        let own = (factors.accelerator.as_str(), factors.model.as_str());
        let pair = |seen: &&Seen| seen.model == factors.model && seen.accelerator == factors.accelerator;
        let known = || self.seen.iter().filter(|seen| !hidden.hides(own, (&seen.accelerator, &seen.model)));
        let model_seen = known().any(|seen| seen.model == factors.model);
        let kin_seen = known().any(|seen| seen.kin == factors.kin);
        let family_seen = known().any(|seen| seen.family == factors.family);
        let alike = known().filter(|seen| match (model_seen, kin_seen, family_seen) {
            (true, _, _) => seen.model == factors.model,
            (false, true, _) => seen.kin == factors.kin,
            (false, false, true) => seen.family == factors.family,
            (false, false, false) => true,
        });
        let (slopes, beyond) = hold(factors.slopes, alike);
        let same_class = |seen: &&Seen| SoftwareStack::of_observed(&seen.stack) == factors.class;
        let rows = known().filter(pair).filter(same_class).map(|seen| seen.rows).sum();
        let nearness = if rows > 0 {
            Nearness::Pair
        } else if known().any(|seen| seen.accelerator == factors.accelerator) {
            Nearness::Device
        } else if known().any(|seen| siblings(catalog, accelerator, seen)) {
            Nearness::Sibling
        } else if accelerator.kind == AcceleratorKind::Gpu {
            Nearness::New
        } else {
            Nearness::Foreign
        };
        let mut devices: Vec<&str> = known()
            .filter(|seen| seen.model == factors.model)
            .map(|seen| seen.accelerator.as_str())
            .collect();
        devices.sort_unstable();
        devices.dedup();
        Judged { slopes, nearness, model_seen, beyond, rows, devices: devices.len() }
    }
}

/// Slopes held near the range of rows, and whether any lies far outside.
fn hold<'a>(slopes: Slopes, rows: impl Iterator<Item = &'a Seen>) -> (Slopes, bool) {
    let mut ranges = [(f64::INFINITY, f64::NEG_INFINITY); Slopes::COUNT];
    for seen in rows {
        for (range, (low, high)) in ranges.iter_mut().zip(seen.ranges()) {
            *range = (range.0.min(low), range.1.max(high));
        }
    }
    let mut values = slopes.values();
    let mut beyond = false;
    for ((value, (low, high)), followed) in values.iter_mut().zip(ranges).zip(FOLLOWED) {
        if low > high {
            beyond = true;
            continue;
        }
        beyond |= *value < low - BEYOND || *value > high + BEYOND;
        *value = value.clamp(low - followed, high + followed);
    }
    (Slopes::from_values(values), beyond)
}

fn siblings(catalog: &Catalog, accelerator: &Accelerator, seen: &Seen) -> bool {
    let Some(other) = catalog.accelerators.get(&seen.accelerator) else { return false };
    let peak = |device: &Accelerator| device.peaks.half.or(device.peaks.fp32).map(|rate| rate.0);
    let (Some(own), Some(theirs)) = (peak(accelerator), peak(other)) else { return false };
    accelerator.generation == other.generation && (own / theirs).max(theirs / own) < SIBLING_FACTOR
}
