//! How far predictions miss rows of pairs that they never saw, by figure, load and harness.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::steptime::ProfileError;
use crate::steptime::Z90;
use crate::steptime::serving::ServingKeys;

const FILE: &str = "assets/profiles/serving-errors.csv";
/// Deviation where nothing was measured.
const UNKNOWN: f64 = 0.5;
/// Further deviation of a device, of a model, or of a harness that nothing was measured with.
const UNSEEN: f64 = 0.15;

#[derive(Deserialize)]
struct Line {
    key: String,
    deviation: f64,
}

/// Standard deviations of ln(predicted / measured).
#[derive(Clone, Debug)]
pub(super) struct Errors {
    by_key: BTreeMap<String, f64>,
}

impl Errors {
    pub(super) fn embedded() -> Result<Self, ProfileError> {
        let lines: Vec<Line> = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .from_reader(include_str!("../../../../assets/profiles/serving-errors.csv").as_bytes())
            .into_deserialize()
            .collect::<Result<_, _>>()
            .map_err(|error| ProfileError::Table { file: FILE, error })?;
        Ok(Self { by_key: lines.into_iter().map(|line| (line.key, line.deviation)).collect() })
    }

    /// The deviation of a row; `support` is the weight of the rows behind its device and its model.
    pub(super) fn of(&self, keys: &ServingKeys, support: (f64, f64)) -> f64 {
        let [harness, load, figure] = levels(keys);
        let known = self.by_key.get(&harness);
        let own = known.or_else(|| self.by_key.get(&load)).or_else(|| self.by_key.get(&figure));
        let mut variance = own.copied().unwrap_or(UNKNOWN).powi(2);
        for unseen in [support.0 <= 0.0, support.1 <= 0.0] {
            if unseen {
                variance += UNSEEN * UNSEEN;
            }
        }
        variance.sqrt()
    }
}

/// Keys from the narrowest to the widest.
fn levels(keys: &ServingKeys) -> [String; 3] {
    let ServingKeys { figure, load, harness, .. } = keys;
    [format!("{figure}|{load}|{harness}"), format!("{figure}|{load}"), figure.clone()]
}

/// The table of deviations by left-out rows.
pub(super) fn table(samples: &[crate::steptime::serving::ServingSample], residuals: &[f64]) -> String {
    /// Weight groups that a narrow key must have.
    const ENOUGH: f64 = 3.0;
    /// Weight groups that the wider key counts as.
    const LEAN: f64 = 4.0;
    /// Share of the weight that the published interval shall hold, a little over nine tenths.
    const HELD: f64 = 0.92;
    let mut repeats: BTreeMap<&str, f64> = BTreeMap::new();
    for sample in samples {
        *repeats.entry(&sample.weight_group).or_default() += 1.0;
    }
    type Misses<'a> = (Vec<(f64, f64)>, std::collections::BTreeSet<&'a str>);
    let mut by_key: BTreeMap<String, Misses<'_>> = BTreeMap::new();
    for (sample, residual) in samples.iter().zip(residuals) {
        let weight = 1.0 / repeats.get(sample.weight_group.as_str()).copied().unwrap_or(1.0);
        for key in levels(&sample.keys) {
            let (misses, groups) = by_key.entry(key).or_default();
            misses.push((residual.abs(), weight));
            groups.insert(&sample.weight_group);
        }
    }
    let own: BTreeMap<&String, (f64, f64)> = by_key
        .iter()
        .map(|(key, (misses, groups))| {
            let held = crate::validate::score::weighted_quantile(misses, HELD).unwrap_or(UNKNOWN * Z90);
            (key, (held / Z90, groups.len() as f64))
        })
        .collect();
    // A narrow key of few groups leans on the wider ones.
    let shrunk = |key: &String| {
        let mut found = UNKNOWN;
        for (end, _) in key.match_indices('|').take(2).chain([(key.len(), "")]) {
            if let Some((deviation, groups)) = own.get(&key[..end].to_owned()) {
                found = ((groups * deviation * deviation + LEAN * found * found) / (groups + LEAN)).sqrt();
            }
        }
        found
    };
    let mut text = String::from("key,deviation,groups\n");
    for (key, (_, groups)) in &own {
        if *groups >= ENOUGH || key.matches('|').count() < 2 {
            let _ = writeln!(text, "{key},{:.4},{groups}", shrunk(key));
        }
    }
    text
}
