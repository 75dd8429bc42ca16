//! Several models, each on machines of its own: one row of several fleets.

use crate::layout::Reason;
use crate::scenario::RequestTime;
use crate::stats::Histogram;
use crate::units::Seconds;
use crate::workload::inference::{ModelMeters, ServingRun};

use super::super::result::{Estimate, LedgerLine, Probability, Row};
use super::super::row::blank_row;
use super::super::serving_result::{ModelFigures, Percentiles, ServingFigures};
use super::bill::MONTH;
use super::groups::sum;
use super::measure::Measured;
use super::online::{ServingOutcome, blank_figures, distribution, within};
use super::prepare::Served;
use super::trial::{percentile, times};
use super::{Asked, several};

/// Steps of the search for a percentile of a mixture; each halves what is left of 2⁶³ ns.
const HALVINGS: usize = 63;

/// Machines of each model: the scenario's count split by what each needs, or as many as each needs.
pub(super) fn split(mut models: Vec<Served>, shares: &[f64]) -> Result<Vec<Served>, Reason> {
    for served in &models {
        if let Err(reason) = &served.ways {
            return Err(reason.clone());
        }
    }
    if models.iter().any(|served| served.candidate.replicas != crate::fleet::Replicas::Full) {
        return Ok(models);
    }
    let all = models.first().map_or(0, |served| served.candidate.count);
    let least: Vec<u64> =
        models.iter().map(|served| served.way().map_or(1, |way| way.machines_per_replica)).collect();
    let mut counts = least.clone();
    if counts.iter().sum::<u64>() > all {
        return Err(Reason::NoStepTime(format!(
            "{all} machines are too few for {} models apart",
            models.len()
        )));
    }
    let need = |index: usize| {
        let guess = models[index].way().map_or(0.0, |way| way.guess);
        shares[index] / guess.max(1e-12)
    };
    loop {
        let left = all - counts.iter().sum::<u64>();
        let fits = (0..models.len()).filter(|index| least[*index] <= left);
        let load = |index: &usize| need(*index) / counts[*index] as f64;
        let Some(next) = fits.max_by(|left, right| load(left).total_cmp(&load(right))) else { break };
        counts[next] += least[next];
    }
    for (served, count) in models.iter_mut().zip(counts) {
        served.candidate.count = count;
    }
    Ok(models)
}

/// The row of all models' fleets together.
pub(super) fn apart(asked: &Asked<'_>, served: &Served, parts: Vec<ServingOutcome>) -> ServingOutcome {
    let spec = asked.spec;
    let shares: Vec<f64> = (0..parts.len()).map(|index| spec.share_of(index)).collect();
    let rows: Vec<&Row> = parts.iter().map(|part| &part.row).collect();
    let mut row = blank_row(&served.candidate, served.tariff.as_ref().ok());
    let mut figures = blank_figures(asked);
    row.feasible = rows.iter().all(|row| row.feasible);
    let named = |index: usize, said: &str| format!("{}: {said}", several::words(spec, index));
    let reasons = |(index, row): (usize, &&Row)| row.reason.as_ref().map(|reason| named(index, reason));
    let said: Vec<String> = rows.iter().enumerate().filter_map(reasons).collect();
    row.reason = (!said.is_empty()).then(|| said.join("; "));
    row.instances = rows.iter().map(|row| row.instances).sum();
    row.accelerators = rows.iter().map(|row| row.accelerators).sum();
    row.price_usd_per_hour = rows.iter().map(|row| row.price_usd_per_hour).sum();
    let layouts = |(index, row): (usize, &&Row)| {
        Some(named(index, &format!("{} × {}", row.instances, row.layout.as_deref()?)))
    };
    row.layout = Some(rows.iter().enumerate().filter_map(layouts).collect::<Vec<_>>().join("; "));
    row.split = rows.iter().any(|row| row.split);
    row.provenance = rows.iter().filter_map(|row| row.provenance).max();
    row.basis = Some(rows.iter().filter_map(|row| row.basis.clone()).collect::<Vec<_>>().join("; "));
    row.replications = rows.iter().map(|row| row.replications).min().unwrap_or(0);
    row.interruptions = rows.iter().map(|row| row.interruptions).sum();
    for (index, part) in rows.iter().enumerate() {
        for said in &part.warnings {
            let said = named(index, said);
            if !row.warnings.contains(&said) {
                row.warnings.push(said);
            }
        }
    }
    row.memory_per_accelerator_bytes =
        rows.iter().filter_map(|row| row.memory_per_accelerator_bytes).reduce(f64::max);
    // The model whose machines are busiest bounds.
    let of: Vec<&ServingFigures> = rows.iter().filter_map(|row| row.serving.as_deref()).collect();
    let busy = |index: &usize| of.get(*index).and_then(|own| own.utilisation).map_or(0.0, |share| share.mean);
    let busiest = (0..rows.len()).max_by(|left, right| busy(left).total_cmp(&busy(right)));
    row.bound = busiest.and_then(|index| rows[index].bound.clone());
    if of.len() == parts.len() {
        join(&mut figures, &of, &shares, &rows);
        mix_times(&mut figures, &parts, &shares, asked);
        figures.models = (0..parts.len())
            .map(|index| ModelFigures {
                model: several::words(spec, index),
                share: shares[index],
                instances: Some(rows[index].instances),
                replicas: of[index].replicas,
                capacity_requests_per_s: of[index].capacity_requests_per_s,
                requests_per_s: of[index].requests_per_s,
                goodput_share: of[index].goodput_share,
                ttft_s: of[index].ttft_s,
                tpot_s: of[index].tpot_s,
                latency_s: of[index].latency_s,
                cost_per_month_usd: of[index].cost_per_month_usd,
            })
            .collect();
        weigh(asked, &mut row, &mut figures, &rows);
    }
    row.serving = Some(Box::new(figures));
    let lines = super::bill::line(&row).into_iter().collect();
    ServingOutcome { lines, ..ServingOutcome::of(row) }
}

/// Sums and weighted means of what the models' fleets do.
fn join(figures: &mut ServingFigures, of: &[&ServingFigures], shares: &[f64], rows: &[&Row]) {
    type Figure = fn(&ServingFigures) -> Option<Estimate>;
    let weighted = |figure: Figure, weights: &[f64]| -> Option<Estimate> {
        let all: Vec<Estimate> = of.iter().map(|own| figure(own)).collect::<Option<_>>()?;
        let total: f64 = all.iter().zip(weights).map(|(own, weight)| own.mean * weight).sum();
        let scaled: Vec<Estimate> =
            all.iter().zip(weights).map(|(own, weight)| own.scaled(*weight)).collect();
        sum(&scaled, total)
    };
    let ones = vec![1.0; of.len()];
    let machines: u64 = rows.iter().map(|row| row.instances).sum();
    let by_machines: Vec<f64> =
        rows.iter().map(|row| row.instances as f64 / machines.max(1) as f64).collect();
    figures.replicas = of.iter().map(|own| own.replicas).sum();
    figures.keeps_up = of.iter().map(|own| own.keeps_up).try_fold(true, |all, own| Some(all && own?));
    figures.demand_requests_per_s = of.iter().map(|own| own.demand_requests_per_s).sum();
    figures.requests_per_s = weighted(|own| own.requests_per_s, &ones);
    figures.goodput_share = weighted(|own| own.goodput_share, shares);
    figures.refused_share = weighted(|own| own.refused_share, shares);
    figures.utilisation = weighted(|own| own.utilisation, &by_machines);
    figures.mean_machines = of.iter().map(|own| own.mean_machines).sum();
    // The mix stays as it is: the model that is full first bounds all.
    let least = |figure: Figure| {
        let each =
            of.iter().zip(shares).map(|(own, share)| Some(figure(own)?.scaled(1.0 / share.max(1e-12))));
        let all: Vec<Estimate> = each.collect::<Option<_>>()?;
        all.into_iter().min_by(|left, right| left.mean.total_cmp(&right.mean))
    };
    figures.capacity_requests_per_s = least(|own| own.capacity_requests_per_s);
    figures.sustainable_requests_per_s = least(|own| own.sustainable_requests_per_s);
    // All models' targets must hold; their speeds are predicted by like means and err alike.
    let met: Option<Vec<Probability>> = of.iter().map(|own| own.targets_met).collect();
    figures.targets_met = met
        .and_then(|met| met.into_iter().min_by(|left, right| left.probability.total_cmp(&right.probability)));
    let tokens = |figure: Figure| {
        let some: Vec<Estimate> = of.iter().filter_map(|own| figure(own)).collect();
        let total: f64 = some.iter().map(|own| own.mean).sum();
        sum(&some, total)
    };
    figures.input_tokens_per_s = tokens(|own| own.input_tokens_per_s);
    figures.output_tokens_per_s = tokens(|own| own.output_tokens_per_s);
}

/// Percentiles over all requests: each model's times weigh as much as its share of them.
fn mix_times(figures: &mut ServingFigures, parts: &[ServingOutcome], shares: &[f64], asked: &Asked<'_>) {
    let measured: Option<Vec<&Measured>> = parts.iter().map(|part| part.measured.as_deref()).collect();
    let Some(measured) = measured else { return };
    let call = asked.spec.hosting.call;
    let at = |time: RequestTime, more: Seconds, share: f64| -> Option<Estimate> {
        let figure = |pick: &dyn Fn(&Measured) -> Option<&ServingRun>| -> Option<f64> {
            let runs: Vec<&ServingRun> = measured.iter().map(|own| pick(own)).collect::<Option<_>>()?;
            let of: Vec<(&Histogram, u64, f64)> = runs
                .iter()
                .zip(shares)
                .map(|(run, share)| (times(run, time), run.unfinished, *share))
                .collect();
            mixture(&of, share).map(|seconds| seconds + more.0)
        };
        let count = measured.iter().map(|own| own.runs.len()).min()?;
        let values: Vec<f64> =
            (0..count).map(|run| figure(&|own| own.runs.get(run))).collect::<Option<_>>()?;
        let ends = [figure(&|own| Some(&own.quick))?, figure(&|own| Some(&own.slow))?];
        Measured::of_values(&values, ends)
    };
    let mixed = |time: RequestTime, more: Seconds| -> Option<Percentiles> {
        let at = |share: f64| at(time, more, share);
        let p50 = at(0.5)?;
        Some(Percentiles { p50: Some(p50), p90: at(0.9), p95: at(0.95), p99: at(0.99) })
    };
    figures.ttft_s = mixed(RequestTime::FirstToken, call);
    figures.tpot_s = mixed(RequestTime::PerOutputToken, Seconds::ZERO);
    figures.e2e_s = mixed(RequestTime::Whole, Seconds::ZERO);
    figures.latency_s = mixed(RequestTime::Whole, call);
    let told = [
        (RequestTime::FirstToken, call),
        (RequestTime::PerOutputToken, Seconds::ZERO),
        (RequestTime::Whole, call),
    ];
    // Of a mixture the last of few requests is not told.
    let all =
        |(time, more)| distribution(asked, time, |share| at(time, more, share).filter(|_| share <= 0.99));
    figures.distributions = told.into_iter().filter_map(all).collect();
}

/// Seconds that a share of all requests stays under, each kind with its times, those unfinished, and its weight; kinds
/// without such times do not count.
fn mixture(kinds: &[(&Histogram, u64, f64)], share: f64) -> Option<f64> {
    let known: Vec<&(&Histogram, u64, f64)> = kinds.iter().filter(|(times, ..)| times.count() > 0).collect();
    let weight: f64 = known.iter().map(|(_, _, weight)| weight).sum();
    let under = |ns: u64| -> f64 {
        let of = |(times, unfinished, weight): &&(&Histogram, u64, f64)| {
            weight * times.count_to(ns) as f64 / (times.count() + unfinished) as f64
        };
        known.iter().map(of).sum::<f64>() / weight
    };
    let greatest = known.iter().filter_map(|(times, ..)| times.greatest()).max()?;
    if let [(times, unfinished, _)] = known.as_slice() {
        return percentile(times, share, *unfinished);
    }
    if under(greatest) < share {
        return Some(f64::INFINITY);
    }
    let (mut low, mut high) = (0, greatest);
    for _ in 0..HALVINGS {
        if high - low <= 1 {
            break;
        }
        let middle = low + (high - low) / 2;
        if under(middle) < share { low = middle } else { high = middle }
    }
    Some(high as f64 / 1e9)
}

/// The bill of all fleets.
fn weigh(asked: &Asked<'_>, row: &mut Row, figures: &mut ServingFigures, rows: &[&Row]) {
    let carbon: Option<Vec<Estimate>> = rows.iter().map(|row| row.carbon_kg).collect();
    row.carbon_kg = carbon.and_then(|all| sum(&all, all.iter().map(|own| own.mean).sum()));
    let rate = figures.requests_per_s.map_or(0.0, |rate| rate.mean);
    let answers = rate * MONTH * 3600.0;
    figures.carbon_per_million_predictions_kg =
        row.carbon_kg.filter(|_| answers > 0.0).map(|carbon| carbon.scaled(1e6 / answers));
    let costs: Option<Vec<Estimate>> = rows.iter().map(|row| row.cost_usd).collect();
    let month = costs.and_then(|all| sum(&all, all.iter().map(|own| own.mean).sum()));
    let Some(month) = month else { return };
    for line in rows.iter().flat_map(|row| &row.ledger) {
        match row.ledger.iter_mut().find(|known| known.item == line.item) {
            Some(known) => known.usd += line.usd,
            None => row.ledger.push(LedgerLine { item: line.item.clone(), usd: line.usd }),
        }
    }
    row.cost_usd = Some(month);
    row.budget_met = asked.scenario.objective.budget.map(|budget| within(&month, budget.usd()));
    figures.cost_per_month_usd = Some(month);
    figures.cost_per_day_usd = Some(month.scaled(24.0 / MONTH));
    let hour = month.scaled(1.0 / MONTH);
    figures.cost_per_hour_usd = Some(hour);
    let per_million = |rate: f64| (rate > 0.0).then(|| hour.scaled(1e6 / (3600.0 * rate)));
    figures.cost_per_million_predictions_usd = per_million(rate);
    let good = figures.goodput_share.map_or(0.0, |share| share.mean);
    figures.cost_per_million_good_usd = per_million(rate * good);
    let capacity = figures.capacity_requests_per_s.map_or(0.0, |rate| rate.mean);
    figures.cost_per_million_at_capacity_usd = per_million(capacity);
}

/// Each model's figures of a fleet whose replicas hold them all.
pub(super) fn of_runs(asked: &Asked<'_>, measured: &Measured, rate: f64) -> Vec<ModelFigures> {
    let spec = asked.spec;
    if spec.models() < 2 {
        return Vec::new();
    }
    let call = asked.spec.hosting.call;
    let figure = |index: usize| {
        let own = |run: &ServingRun| run.models.get(index).cloned().unwrap_or_default();
        let percentiles = |times: fn(&ModelMeters) -> &Histogram, more: Seconds| -> Option<Percentiles> {
            let at = |share: f64| {
                measured.estimate(|run| {
                    let own = own(run);
                    if times(&own).count() == 0 {
                        return None;
                    }
                    percentile(times(&own), share, own.unfinished).map(|seconds| seconds + more.0)
                })
            };
            let p50 = at(0.5)?;
            Some(Percentiles { p50: Some(p50), p90: at(0.9), p95: at(0.95), p99: at(0.99) })
        };
        let share = spec.share_of(index);
        ModelFigures {
            model: several::words(spec, index),
            share,
            instances: None,
            replicas: None,
            capacity_requests_per_s: None,
            requests_per_s: measured.estimate(|run| {
                let own = own(run);
                (own.offered > 0).then(|| rate * share * own.finished as f64 / own.offered as f64)
            }),
            goodput_share: measured.estimate(|run| {
                let own = own(run);
                (own.offered > 0).then(|| own.good as f64 / own.offered as f64)
            }),
            ttft_s: percentiles(|own| &own.time_to_first_token, call),
            tpot_s: percentiles(|own| &own.time_per_output_token, Seconds::ZERO),
            latency_s: percentiles(|own| &own.latency, call),
            cost_per_month_usd: None,
        }
    };
    (0..spec.models()).map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: &[u64]) -> Histogram {
        let mut found = Histogram::new();
        values.iter().for_each(|value| found.record(*value));
        found
    }

    #[test]
    fn a_mixture_weighs_kinds_by_their_shares_and_not_by_their_samples() {
        // A tenth of the requests takes 1 s, and was sampled ten times as often as those of 1 ms.
        let (slow, quick) = (histogram(&[1_000_000_000; 1000]), histogram(&[1_000_000; 100]));
        let kinds = [(&slow, 0, 0.1), (&quick, 0, 0.9)];
        let at = |share: f64| mixture(&kinds, share).map(|seconds| (seconds * 100.0).round() / 100.0);
        assert_eq!((at(0.5), at(0.89), at(0.95)), (Some(0.0), Some(0.0), Some(1.0)));
        // Half of the slow ones never end: 95 % and more is for ever.
        let stuck = [(&slow, 1000, 0.1), (&quick, 0, 0.9)];
        assert_eq!(mixture(&stuck, 0.96), Some(f64::INFINITY));
        assert!(mixture(&stuck, 0.94).is_some_and(f64::is_finite));
        // Kinds without times do not count.
        let none = histogram(&[]);
        assert_eq!(mixture(&[(&none, 0, 0.5)], 0.5), None);
    }
}
