//! Quantiles of latency, from those of other devices.

use serde::Deserialize;

use crate::stats::median;
use crate::steptime::ProfileError;
use crate::validate::aliases::table;

const FILE: &str = "assets/profiles/serving-tails.csv";
/// Entries of a model with a stack that are enough, before those of the stack, or of the kind, are asked.
const ENOUGH: usize = 2;
/// Least standard deviation of the logarithm of a ratio.
const LEAST: f64 = 0.02;

#[derive(Clone, Debug, Deserialize)]
struct Entry {
    kind: String,
    stack: String,
    model: String,
    device: String,
    statistic: String,
    ln_ratio: f64,
}

/// The shipped ratios.
#[derive(Clone, Debug)]
pub(super) struct Tails {
    entries: Vec<Entry>,
}

/// What a ratio is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct TailOf<'a> {
    /// `ss`, `batch`, `clients` or `server`.
    pub kind: &'a str,
    pub stack: &'a str,
    pub model: &'a str,
    /// The device, whose own entries are not read.
    pub device: &'a str,
    /// `mean`, `p50` … or `qps`.
    pub statistic: &'a str,
}

impl Tails {
    pub(super) fn embedded() -> Result<Self, ProfileError> {
        let entries = table(FILE, include_str!("../../../../assets/profiles/serving-tails.csv"))?;
        Ok(Self { entries })
    }

    /// ln of the ratio and its standard deviation; `None` where nothing alike was measured.
    pub(super) fn ratio(&self, of: TailOf<'_>) -> Option<(f64, f64)> {
        let alike = |narrow: usize| -> Vec<f64> {
            let wanted = |entry: &&Entry| {
                entry.kind == of.kind
                    && entry.statistic == of.statistic
                    && entry.device != of.device
                    && (narrow < 1 || entry.stack == of.stack)
                    && (narrow < 2 || entry.model == of.model)
            };
            self.entries.iter().filter(wanted).map(|entry| entry.ln_ratio).collect()
        };
        let found = (0..=2).rev().map(alike).find(|found| found.len() >= ENOUGH)?;
        let centre = median(&found)?;
        let distances: Vec<f64> = found.iter().map(|value| (value - centre).abs()).collect();
        // The mean distance, not the median: tails of some models are far longer than of most.
        let spread = distances.iter().sum::<f64>() / distances.len() as f64 * 1.25;
        Some((centre, spread.max(LEAST)))
    }
}
