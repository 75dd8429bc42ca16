//! Predictions of serving rows of models that are not language models, each without any measurement of its pair of device
//! and model.

mod names;
mod row;
mod tails;
mod words;

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalog::Catalog;
use crate::steptime::Z90;
use crate::steptime::ordinary::{
    OrdinaryFit, OrdinaryView, ServedLoad, ServedObservation, ServedRate, ServedSetting,
};
use crate::validate::predict::Predicted;
use crate::validate::resolve::Skip;
use crate::validate::transformers::FitError;

use super::configuration::{ServingConfiguration, ServingMetric, ServingScenario, ServingStatistic};
use super::{RunPredictor, ServingRow};

use names::Names;
use row::OrdinaryRow;
use tails::{TailOf, Tails};

/// The table that the shipped profile is fitted to.
pub(crate) const SHIPPED: &str = "assets/observations/serving-ordinary.csv";
pub(crate) const SHIPPED_TEXT: &str = include_str!("../../../../assets/observations/serving-ordinary.csv");

/// Published rows lie farther out than a normal law says. Factors on the deviation that hold nine left-out rows in ten:
/// saturated compiled networks, single queries, framework examples, servers whose request size a row does not tell, and
/// runs under a latency limit.
const SPREADS: [f64; 5] = [1.15, 1.45, 1.6, 1.7, 1.8];
/// The further factor of devices whose datasheet is unknown.
const UNLISTED: f64 = 1.6;

/// Predicts rows of ordinary models.
#[derive(Debug)]
pub(crate) struct OrdinaryPredictor {
    catalog: Catalog,
    names: Names,
    tails: Tails,
    fit: OrdinaryFit,
    views: Mutex<BTreeMap<(String, String), Arc<OrdinaryView>>>,
}

impl OrdinaryPredictor {
    pub(crate) fn new(catalog: &Catalog) -> Result<Self, FitError> {
        let names = Names::embedded()?;
        let tails = Tails::embedded()?;
        let sources = Sources { catalog, names: &names, tails: &tails };
        let fit = fit_of(&sources, SHIPPED, SHIPPED_TEXT.as_bytes())?;
        Ok(Self { catalog: catalog.clone(), names, tails, fit, views: Mutex::new(BTreeMap::new()) })
    }

    fn one(&self, row: &ServingConfiguration) -> Result<Predicted, Skip> {
        if row.scenario == ServingScenario::Server {
            return self.server(row);
        }
        let resolved = OrdinaryRow::of(&self.catalog, &self.names, row)?;
        let rate = self.rate(&resolved)?;
        let (ln_ratio, spread) = tail(&self.tails, &resolved, row)?;
        let deviation = libm::hypot(libm::hypot(rate.deviation, rate.noise), spread);
        let value = resolved.published(rate.rate) * libm::exp(ln_ratio);
        Ok(predicted(value, deviation * spread_of(&resolved.setting)))
    }

    /// A server under Poisson arrivals with a limit: how near the limit servers of this model run, and at which share of
    /// their saturated rate.
    fn server(&self, row: &ServingConfiguration) -> Result<Predicted, Skip> {
        let mut saturated = row.clone();
        saturated.metric = ServingMetric::SamplesPerSecond;
        let resolved = OrdinaryRow::of(&self.catalog, &self.names, &saturated)?;
        if row.metric == ServingMetric::Latency {
            let limit = row.limits.first().ok_or(Skip::Blank("latency_limit_ms"))?;
            let (ratio, spread) =
                ratio(&self.tails, &resolved, "server", statistic(row.statistic).unwrap_or("mean"))?;
            return Ok(predicted(limit.milliseconds * libm::exp(ratio), spread * SPREADS[4]));
        }
        let rate = self.rate(&resolved)?;
        let (ratio, spread) = ratio(&self.tails, &resolved, "server", "qps")?;
        let deviation = libm::hypot(libm::hypot(rate.deviation, rate.noise), spread) * SPREADS[4];
        Ok(predicted(resolved.published(rate.rate) * libm::exp(ratio), deviation))
    }

    fn rate(&self, row: &OrdinaryRow) -> Result<ServedRate, Skip> {
        let device = &row.setting.device;
        let pair = (device.name.clone(), row.setting.model.id.clone());
        let measured = |(name, model): (&str, &str)| name == pair.0 && model != pair.1;
        if !device.has_rates() && !self.fit.pairs().any(measured) {
            let reason = format!("neither rates nor other models of `{}` are known", device.published);
            return Err(Skip::NoStepTime(reason));
        }
        let fault = |error: crate::steptime::ProfileError| Skip::NoStepTime(error.to_string());
        let known = self.views.lock().unwrap_or_else(PoisonError::into_inner).get(&pair).cloned();
        let view = match known {
            Some(view) => view,
            None => {
                let own = (pair.0.as_str(), pair.1.as_str());
                let hidden = self.fit.without(|name, model| (name, model) == own).map_err(fault)?;
                let view = Arc::new(hidden);
                self.views.lock().unwrap_or_else(PoisonError::into_inner).insert(pair.clone(), view.clone());
                view
            }
        };
        Ok(self.fit.rate(&view, &row.setting))
    }
}

impl RunPredictor for OrdinaryPredictor {
    fn predict(&self, rows: &[&ServingConfiguration]) -> Vec<Result<Predicted, Skip>> {
        rows.iter().map(|row| self.one(row)).collect()
    }
}

/// The factor on the deviation of a row.
fn spread_of(setting: &ServedSetting) -> f64 {
    let by_load = match setting.load {
        ServedLoad::Saturated => SPREADS[0],
        ServedLoad::SingleStream(_) => SPREADS[1],
        ServedLoad::Batch(_) => SPREADS[2],
        ServedLoad::Clients(_) => SPREADS[3],
    };
    if setting.device.has_rates() { by_load } else { by_load * UNLISTED }
}

fn predicted(value: f64, deviation: f64) -> Predicted {
    let factor = libm::exp(Z90 * deviation);
    Predicted { value, low: value / factor, high: value * factor, term: "" }
}

/// ln of what is published over the mean, and its standard deviation; of rates and means nothing.
fn tail(tails: &Tails, resolved: &OrdinaryRow, row: &ServingConfiguration) -> Result<(f64, f64), Skip> {
    let (ServingMetric::Latency, Some(statistic)) = (row.metric, statistic(row.statistic)) else {
        return Ok((0.0, 0.0));
    };
    let kind = match row.scenario {
        _ if resolved.setting.stack == "triton" => "clients",
        ServingScenario::SingleStream => "ss",
        ServingScenario::Online => "clients",
        _ => "batch",
    };
    ratio(tails, resolved, kind, statistic)
}

fn ratio(tails: &Tails, row: &OrdinaryRow, kind: &str, statistic: &str) -> Result<(f64, f64), Skip> {
    let (stack, model) = (row.setting.stack.as_str(), row.setting.model.id.as_str());
    let of = TailOf { kind, stack, model, device: &row.setting.device.name, statistic };
    let none = || Skip::Serving(format!("no {statistic} of the latency of anything alike was published"));
    tails.ratio(of).ok_or_else(none)
}

/// The word of a quantile in the table of tails: the nearest that was published.
fn statistic(statistic: ServingStatistic) -> Option<&'static str> {
    match statistic {
        ServingStatistic::Mean => None,
        ServingStatistic::Quantile(quantile) if quantile <= 0.7 => Some("p50"),
        ServingStatistic::Quantile(quantile) if quantile <= 0.925 => Some("p90"),
        ServingStatistic::Quantile(quantile) if quantile <= 0.97 => Some("p95"),
        ServingStatistic::Quantile(_) => Some("p99"),
    }
}

/// Fits the rates of ordinary models in a table of serving rows.
///
/// # Errors
/// When the table cannot be read, holds no usable row, or the fit has no solution.
pub fn fit_served(catalog: &Catalog, file: &str, source: impl Read) -> Result<OrdinaryFit, FitError> {
    let (names, tails) = (Names::embedded()?, Tails::embedded()?);
    fit_of(&Sources { catalog, names: &names, tails: &tails }, file, source)
}

/// The fit that ships.
///
/// # Errors
/// When the shipped table does not hold together.
pub fn fit_served_shipped(catalog: &Catalog) -> Result<OrdinaryFit, FitError> {
    fit_served(catalog, SHIPPED, SHIPPED_TEXT.as_bytes())
}

/// What rows are read with.
struct Sources<'a> {
    catalog: &'a Catalog,
    names: &'a Names,
    tails: &'a Tails,
}

fn fit_of(sources: &Sources<'_>, file: &str, source: impl Read) -> Result<OrdinaryFit, FitError> {
    let mut observations = Vec::new();
    for row in super::rows(file, source)? {
        observations.extend(observation(sources, row?));
    }
    if observations.is_empty() {
        return Err(FitError::NoServedRows { file: file.to_owned() });
    }
    Ok(OrdinaryFit::new(&observations)?)
}

/// What a row says of the rate of one device, quantiles of latency by way of the mean that other devices have with them;
/// `None` where it says nothing, as rows of servers.
fn observation(sources: &Sources<'_>, row: ServingRow) -> Option<ServedObservation> {
    let value = row.value.filter(|value| *value > 0.0 && row.not_scorable.is_none())?;
    let configuration = row.configuration.ok().filter(|row| row.category != "llm")?;
    if configuration.scenario == ServingScenario::Server {
        return None;
    }
    let resolved = OrdinaryRow::of(sources.catalog, sources.names, &configuration).ok()?;
    let (ln_ratio, _) = tail(sources.tails, &resolved, &configuration).ok()?;
    let rate = resolved.rate(value / libm::exp(ln_ratio));
    Some(ServedObservation { setting: resolved.setting, rate, weight_group: row.weight_group })
}
