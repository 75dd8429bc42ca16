//! The fit over published rows, and profiles without the pair that a row is about.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::steptime::ProfileError;
use crate::steptime::serving::{ServingFit, ServingKeys, ServingProfile, ServingSample};
use crate::validate::resolve::Skip;
use crate::validate::serving::{
    ServingConfiguration, ServingMetric, ServingRow, ServingScenario, ServingStatistic, rows,
};
use crate::validate::transformers::FitError;

use super::expect::{Expectation, Outcome, sign, slopes};
use super::row::{LanguageRow, Load, Sources};

/// The table that the shipped profile is fitted to.
const SHIPPED: &str = "assets/observations/serving-llm.csv";
const SHIPPED_TEXT: &str = include_str!("../../../../assets/observations/serving-llm.csv");

/// What a row is known by.
pub(crate) fn keys(found: &LanguageRow, row: &ServingConfiguration) -> ServingKeys {
    let load = if row.scenario == ServingScenario::Server {
        "server"
    } else if row.disaggregated {
        "apart"
    } else {
        match found.load {
            Load::Static(_) => "static",
            Load::Saturated => "saturated",
            Load::Closed(_) => "closed",
            Load::Rate(..) => "rate",
            Load::Burst(_) => "burst",
        }
    };
    let figure = match row.metric {
        ServingMetric::TimeToFirstToken => "first",
        ServingMetric::TimePerOutputToken => "token",
        ServingMetric::Latency => "latency",
        _ => "rate",
    };
    let statistic = match row.statistic {
        ServingStatistic::Mean => "mean".to_owned(),
        ServingStatistic::Quantile(share) => format!("p{}", (100.0 * share).round()),
    };
    let program: Vec<String> = row
        .framework
        .to_lowercase()
        .split_whitespace()
        .filter(|word| !word.contains(|letter: char| letter.is_ascii_digit()))
        .take(3)
        .map(|word| word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric()).to_owned())
        .collect();
    let lengths: String = row.dataset.chars().take(6).collect();
    ServingKeys {
        harness: format!("{} {load} {lengths}", program.join(" ")),
        load: load.to_owned(),
        figure: figure.to_owned(),
        statistic,
        ..ServingKeys::of(&found.job())
    }
}

/// The rows of one run with what a profile expects of them, beside their places in the table.
fn of_run(
    sources: &Sources<'_>,
    profile: &ServingProfile,
    table: &[ServingRow],
    run: &[usize],
) -> Vec<(usize, ServingSample)> {
    let mut outcome = None;
    let mut own = |index: usize| -> Result<ServingSample, Skip> {
        let row = &table[index];
        let configuration = row.configuration.as_ref().map_err(Clone::clone)?;
        let value = row.value.filter(|value| *value > 0.0).ok_or(Skip::Value)?;
        let found = LanguageRow::of(sources, configuration)?;
        let keys = keys(&found, configuration);
        let scaling = profile.scaling(&keys);
        let outcome = outcome.get_or_insert_with(|| Outcome::of(&found, &scaling));
        let expected = Expectation::of(&found, configuration, outcome);
        let residual = sign(configuration.metric) * libm::log(value) - expected.base;
        if !residual.is_finite() {
            return Err(Skip::Value);
        }
        let slopes = slopes(&found, configuration, &scaling);
        Ok(ServingSample {
            keys,
            residual,
            slopes,
            limit: expected.limited.then_some(expected.beside_limit),
            weight_group: row.weight_group.clone(),
        })
    };
    run.iter().filter_map(|index| Some((*index, own(*index).ok()?))).collect()
}

/// The rows of the shipped table.
pub(super) fn shipped_rows() -> Result<Vec<ServingRow>, FitError> {
    Ok(rows(SHIPPED, SHIPPED_TEXT.as_bytes())?.collect::<Result<_, _>>()?)
}

/// The samples of a table's rows about a profile, spread over threads by run and put back in order. Rows of other models
/// than language models, and rows that cannot be modelled, are passed over.
pub(super) fn samples(
    sources: &Sources<'_>,
    profile: &ServingProfile,
    table: &[ServingRow],
) -> Vec<ServingSample> {
    let mut runs: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, row) in table.iter().enumerate() {
        if let Ok(configuration) = &row.configuration
            && configuration.category == "llm"
            && row.not_scorable.is_none()
        {
            runs.entry(configuration.run_key()).or_default().push(index);
        }
    }
    let runs: Vec<Vec<usize>> = runs.into_values().collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.extend(of_run(sources, profile, table, run));
        }
        found
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(16);
    let mut found: Vec<(usize, ServingSample)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault))
        };
        workers.into_iter().flat_map(join).collect()
    });
    found.sort_unstable_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, sample)| sample).collect()
}

/// Profiles that never saw a pair, each made when first asked for.
#[derive(Debug)]
pub(super) struct HeldOutProfiles {
    fit: ServingFit,
    whole: ServingProfile,
    without: BTreeMap<(String, String), OnceLock<ServingProfile>>,
}

impl HeldOutProfiles {
    pub(super) fn new(sources: &Sources<'_>) -> Result<Self, FitError> {
        let about = ServingProfile::embedded()?;
        let fit = ServingFit::new(&samples(sources, &about, &shipped_rows()?), &about)?;
        let pairs: BTreeSet<(String, String)> =
            fit.pairs().map(|(device, model)| (device.to_owned(), model.to_owned())).collect();
        let without = pairs.into_iter().map(|pair| (pair, OnceLock::new())).collect();
        Ok(Self { whole: fit.profile(), fit, without })
    }

    /// The profile for rows of a pair of device and model.
    pub(super) fn of(&self, accelerator: &str, model: &str) -> Result<&ServingProfile, ProfileError> {
        let Some(cell) = self.without.get(&(accelerator.to_owned(), model.to_owned())) else {
            return Ok(&self.whole);
        };
        if let Some(known) = cell.get() {
            return Ok(known);
        }
        let profile = self.fit.profile_without(accelerator, model)?;
        Ok(cell.get_or_init(|| profile))
    }
}
