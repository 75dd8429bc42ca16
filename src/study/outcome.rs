//! From replicas and meters to estimates.
//!
//! Replicas vary by luck (failures, market, noise). On top lies what is not known ([`StepErrors`]): the error of the
//! step-time model, which stretches all computing of a fleet alike, and the range of the price. Both are carried by
//! evenly spaced quantiles, so that figures are smooth and need no further random numbers.

use crate::catalog::{Catalog, Provenance};
use crate::cost::{Ledger, Tariff};
use crate::scenario::Scenario;
use crate::stats::{Interval, quantile, sorted};
use crate::units::{Money, Seconds};
use crate::workload::training::{Component, TrainingReplica, TrainingSpec};

use super::LEVEL;
use super::carbon;
use super::errors::{Linear, StepErrors, estimate, price_points};
use super::meter::{Metering, conversion_cost};
use super::prepare::{Prepared, Ready, Verdict};
use super::recurring::recurring;
use super::replicate::Sample;
use super::result::{BoundRow, Conversion, Estimate, Probability, Row};
use super::row::{blank_row, bound_row, fill_memory, mean_ledger};

/// A row with what comparing needs beside it.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub row: Row,
    /// Time of each replica.
    pub times: Vec<Linear>,
    /// Cost of each replica at the usual price; empty when unpriced.
    pub costs: Vec<Linear>,
    /// How wrong its steps may be; `None` for a fleet that cannot run.
    pub errors: Option<StepErrors>,
    /// Billed instance-hours of a run, mean.
    pub instance_hours: f64,
    /// Whether some replica did not end: time and cost are lower bounds, and nothing is ranked by them.
    pub unfinished: bool,
}

/// The outcome of a candidate.
pub(super) fn outcome(
    scenario: &Scenario,
    spec: &TrainingSpec,
    catalog: &Catalog,
    item: &Prepared,
    sample: &Sample,
) -> Outcome {
    match &item.verdict {
        Verdict::Ready(ready) => {
            let errors = StepErrors::of(&ready.built);
            Weigher { scenario, spec, catalog, item, ready, sample, errors }.outcome()
        }
        Verdict::Infeasible(reason) => {
            let mut row = blank_row(&item.candidate, item.tariff.as_ref().ok());
            row.reason = Some(reason.to_string());
            if let Some(need) = reason.memory() {
                fill_memory(&mut row, need);
            }
            Outcome {
                row,
                times: Vec::new(),
                costs: Vec::new(),
                errors: None,
                instance_hours: 0.0,
                unfinished: false,
            }
        }
    }
}

struct Weigher<'a> {
    scenario: &'a Scenario,
    spec: &'a TrainingSpec,
    catalog: &'a Catalog,
    item: &'a Prepared,
    ready: &'a Ready,
    sample: &'a Sample,
    errors: StepErrors,
}

impl Weigher<'_> {
    fn outcome(&self) -> Outcome {
        let built = &self.ready.built;
        let replicas = &self.sample.replicas;
        let mut row = blank_row(&self.item.candidate, self.item.tariff.as_ref().ok());
        row.feasible = true;
        self.describe(&mut row);
        let times: Vec<Linear> = replicas.iter().map(|replica| self.time_of(replica)).collect();
        let unfinished = replicas.iter().filter(|replica| replica.finish.is_none()).count();
        let time_runs = self.runs(&times);
        row.time_s = Some(estimate(&times, &self.errors, 0.0, &time_runs));
        if unfinished > 0 {
            row.warnings.push(format!(
                "not finished within {} in {unfinished} of {} replications: time and cost are lower bounds",
                crate::units::human_duration(built.job.horizon.seconds()),
                replicas.len()
            ));
        }
        row.deadline_met = self.scenario.objective.deadline.map(|deadline| {
            self.probability(|replica, factor| {
                replica.finish.is_some() && self.time_of(replica).at(factor) <= deadline.0
            })
        });
        let (costs, instance_hours) = match &self.item.tariff {
            Ok(tariff) => self.weigh_cost(&mut row, tariff, unfinished > 0),
            Err(unpriced) => {
                row.warnings.push(format!("{unpriced}: not ranked"));
                (Vec::new(), 0.0)
            }
        };
        self.weigh_rates(&mut row, &time_runs);
        self.weigh_carbon(&mut row);
        row.conversion = self.conversion();
        row.recurring = self.scenario.objective.repeat.map(|repeat| {
            recurring(&self.scenario.objective, repeat, &row, self.kept_between_runs(), |limit| {
                self.probability(|replica, factor| {
                    replica.finish.is_some() && self.time_of(replica).at(factor) <= limit.0
                })
            })
        });
        Outcome {
            row,
            times,
            costs,
            errors: Some(self.errors.clone()),
            instance_hours,
            unfinished: unfinished > 0,
        }
    }

    fn describe(&self, row: &mut Row) {
        let (plan, built) = (&self.ready.plan, &self.ready.built);
        row.layout = Some(if self.spec.model.split_shape().is_some() {
            plan.words().to_string()
        } else if plan.gradient_accumulation > 1 {
            format!(
                "data {} × micro-batch {} × {} accumulated",
                plan.devices, plan.micro_batch, plan.gradient_accumulation
            )
        } else {
            format!("data {} × batch {}", plan.devices, plan.local_batch)
        });
        row.split = !built.terms.is_empty();
        row.step_s = Some(self.per_step_time(built.job.mean_step().0));
        row.provenance = Some(built.provenance);
        row.basis = Some(built.basis.clone());
        row.warnings.extend(built.warnings.iter().cloned());
        row.bound = Some(bound_row(built));
        row.steps = Some(built.steps);
        row.samples = Some(built.samples);
        row.replications = self.sample.replicas.len() as u64;
        row.relative_half_width = self.sample.relative_half_width;
        fill_memory(row, &plan.memory);
        let replicas = &self.sample.replicas;
        let interruptions: u64 = replicas.iter().map(|replica| replica.meters.interruptions).sum();
        row.interruptions = Some(interruptions as f64 / replicas.len().max(1) as f64);
        let lost = replicas.iter().map(failure_share).sum::<f64>() / replicas.len().max(1) as f64;
        // Starting over bounds when it takes more of the run than the step's bound takes of what is left.
        let step_share = built.bound.share * (1.0 - lost);
        if lost > step_share {
            row.bound = Some(BoundRow {
                name: Component::Failures.name().to_owned(),
                share: lost,
                next: built.bound.name.name().to_owned(),
                margin: lost / step_share.max(1e-9),
            });
        }
    }

    /// Costs of the replicas at the usual price and their instance-hours; fills the bill, the estimate and the budget.
    fn weigh_cost(&self, row: &mut Row, tariff: &Tariff, unfinished: bool) -> (Vec<Linear>, f64) {
        let metering =
            Metering::of(self.scenario, self.spec, self.catalog, self.item, &self.ready.built, tariff);
        row.warnings.extend(metering.warnings.iter().cloned());
        let factor = self.scenario.assumptions.factor();
        let fee = self.scenario.assumptions.cluster_fee.map(|fee| fee.scaled(factor));
        let replicas = &self.sample.replicas;
        let typical = tariff.hourly.typical;
        let bill = |replica: &TrainingReplica, factor: f64| {
            Ledger::of(&metering.meters(replica, factor), typical, tariff, fee)
        };
        // Every line grows linearly with the factor on the steps: two bills tell all.
        let bills: Vec<(Ledger, Ledger)> =
            replicas.iter().map(|replica| (bill(replica, 1.0), bill(replica, 2.0))).collect();
        let linear = |part: &dyn Fn(&Ledger) -> Money| -> Vec<Linear> {
            let of = |(one, two): &(Ledger, Ledger)| Linear {
                base: part(one).usd(),
                slope: (part(two) - part(one)).usd(),
            };
            bills.iter().map(of).collect()
        };
        let costs = linear(&Ledger::total);
        let machines = linear(&Ledger::machines);
        row.ledger = mean_ledger(
            &replicas.iter().map(|replica| bill(replica, self.errors.mean)).collect::<Vec<Ledger>>(),
        );
        let count = self.item.candidate.count as f64;
        row.price_usd_per_hour = Some(typical.usd_per_hour() * count);
        let ratios: Vec<f64> =
            price_points(tariff)
                .iter()
                .map(|price| {
                    if typical.0 == Money::ZERO { 1.0 } else { price.usd_per_hour() / typical.usd_per_hour() }
                })
                .collect();
        let at = |replica: usize, factor: f64, ratio: f64| {
            costs[replica].at(factor) + machines[replica].at(factor) * (ratio - 1.0)
        };
        let points: Vec<(f64, f64)> = ratios
            .iter()
            .flat_map(|ratio| self.errors.factors.iter().map(move |factor| (*factor, *ratio)))
            .collect();
        let runs: Vec<f64> = (0..replicas.len())
            .flat_map(|replica| points.iter().map(move |(factor, ratio)| (replica, *factor, *ratio)))
            .map(|(replica, factor, ratio)| at(replica, factor, ratio))
            .collect();
        let mut estimate = estimate(&costs, &self.errors, price_error(tariff), &runs);
        // The point of the estimate is the sum of the bill, to the nano-dollar.
        estimate.mean = row.ledger.iter().fold(0.0, |sum, line| sum + line.usd);
        row.cost_usd = Some(estimate);
        if tariff.provenance > Provenance::Catalog {
            row.warnings.push("price is the scenario's own".to_owned());
        }
        if tariff.single_snapshot {
            row.warnings.push("the spot price is one snapshot: taken as half to twice of it".to_owned());
        }
        row.warnings.extend(tariff.marks.iter().map(|mark| mark.word().to_owned()));
        row.budget_met = self.scenario.objective.budget.map(|budget| {
            let within = |(index, replica): (usize, &TrainingReplica)| {
                if unfinished && replica.finish.is_none() {
                    return 0.0;
                }
                let kept = points
                    .iter()
                    .filter(|(factor, ratio)| at(index, *factor, *ratio) <= budget.usd())
                    .count();
                kept as f64 / points.len() as f64
            };
            probability_of(&replicas.iter().enumerate().map(within).collect::<Vec<f64>>())
        });
        let hours: f64 = replicas
            .iter()
            .map(|replica| {
                (replica.meters.billed().seconds().0 + stretching(replica) * (self.errors.mean - 1.0))
                    / 3600.0
            })
            .sum();
        (costs, hours * count / replicas.len().max(1) as f64)
    }

    /// Money a month for what stays in storage between runs.
    fn kept_between_runs(&self) -> f64 {
        match &self.item.tariff {
            Ok(tariff) => {
                Metering::of(self.scenario, self.spec, self.catalog, self.item, &self.ready.built, tariff)
                    .kept_per_month()
                    .usd()
            }
            Err(_) => 0.0,
        }
    }

    fn weigh_rates(&self, row: &mut Row, time_runs: &[f64]) {
        let built = &self.ready.built;
        let replicas = &self.sample.replicas;
        let Some(time) = row.time_s else { return };
        let rate = |seconds: f64| if seconds > 0.0 { built.samples / seconds } else { 0.0 };
        let fast = sorted(time_runs);
        let slow_half = quantile(&fast, 0.5).unwrap_or(time.mean);
        let slow_tail = quantile(&fast, 0.1).unwrap_or(time.mean);
        let samples_per_s = Estimate {
            mean: rate(time.mean),
            lo: rate(time.hi),
            hi: rate(time.lo),
            level: LEVEL,
            p50: rate(slow_half),
            p90: rate(slow_tail),
        };
        row.samples_per_s = Some(samples_per_s);
        let model = &self.spec.model;
        if let Some(tokens) = model.sequence_length.filter(|_| model.architecture.is_transformer()) {
            row.tokens_per_s_per_accelerator =
                Some(samples_per_s.scaled(tokens / self.ready.plan.devices as f64));
        }
        if let Some(peak) = self
            .item
            .candidate
            .accelerator
            .as_ref()
            .and_then(|accelerator| accelerator.peak(self.spec.precision))
        {
            let step = built.job.mean_step();
            let flops = model.training_flops().0 * self.ready.plan.global_batch as f64;
            let mfu = flops / step.0.max(1e-12) / (peak.0 * self.ready.plan.devices as f64);
            let mfu = self.per_step(mfu);
            row.mfu = Some(Estimate { hi: mfu.hi.min(1.0).max(mfu.mean), p90: mfu.p90.min(1.0), ..mfu });
        }
        let share = |value: &dyn Fn(&TrainingReplica) -> f64| share_estimate(replicas, value);
        row.stall_share = Some(share(&|replica| {
            replica.meters.input_wait.seconds().0 / replica.meters.computing.seconds().0.max(1e-9)
        }));
        row.checkpoint_share = Some(share(&|replica| part(replica, replica.meters.checkpoints.seconds())));
        row.failure_share = Some(share(&failure_share));
    }

    fn weigh_carbon(&self, row: &mut Row) {
        let Some(per_hour) = carbon::kilograms_per_hour(self.catalog, &self.item.candidate) else {
            if self.scenario.objective.minimize == crate::scenario::Minimize::Carbon {
                row.warnings.push("power or grid intensity is unknown: not ranked by carbon".to_owned());
            }
            return;
        };
        let of = |replica: &TrainingReplica| Linear {
            base: carbon::of_time(per_hour, replica.meters.billed().seconds()),
            slope: carbon::of_time(per_hour, Seconds(stretching(replica))),
        };
        let values: Vec<Linear> = self.sample.replicas.iter().map(of).collect();
        row.carbon_kg = Some(estimate(&values, &self.errors, 0.0, &self.runs(&values)));
    }

    /// The conversion job against reading the original files, when either is at hand.
    fn conversion(&self) -> Option<Conversion> {
        let other = self.ready.other_mode.as_ref()?;
        let built = &self.ready.built;
        let (records, native) = if built.conversion.0 > 0.0 {
            (built, other)
        } else if other.conversion.0 > 0.0 {
            (other, built)
        } else {
            return None;
        };
        let spec = self.spec;
        let steps_per_epoch = (spec.dataset.samples / self.ready.plan.global_batch as f64).ceil();
        let saved = (native.planned_step() - records.planned_step()) * steps_per_epoch;
        let hourly = self
            .item
            .tariff
            .as_ref()
            .ok()
            .map(|tariff| tariff.hourly.typical.scaled(self.item.candidate.count as f64));
        let cost =
            conversion_cost(self.scenario, self.spec, self.catalog, &self.item.candidate.instance, records);
        let saved_usd = hourly.map(|hourly| hourly.for_time(saved).usd());
        let pay_back =
            cost.zip(saved_usd).and_then(|(cost, saved)| (saved > 0.0).then(|| cost.usd() / saved));
        Some(Conversion {
            time_s: records.conversion.0,
            cost_usd: cost.map(Money::usd),
            saved_s_per_epoch: saved.0,
            saved_usd_per_epoch: saved_usd,
            pay_back_epochs: pay_back,
        })
    }

    /// A figure in inverse proportion to the step time.
    /// A time that is as long as a step is longer than predicted.
    fn per_step_time(&self, value: f64) -> Estimate {
        let ascending =
            sorted(&self.errors.factors.iter().map(|factor| value * factor).collect::<Vec<f64>>());
        let at = |p: f64| quantile(&ascending, p).unwrap_or(value);
        let (short, long) = self.errors.ends;
        Estimate {
            mean: value,
            lo: value * short,
            hi: value * long,
            level: LEVEL,
            p50: at(0.5),
            p90: at(0.9),
        }
    }

    /// A rate that is as low as a step is longer than predicted.
    fn per_step(&self, value: f64) -> Estimate {
        let ascending =
            sorted(&self.errors.factors.iter().map(|factor| value / factor).collect::<Vec<f64>>());
        let at = |p: f64| quantile(&ascending, p).unwrap_or(value);
        let (short, long) = self.errors.ends;
        Estimate {
            mean: value,
            lo: value / long,
            hi: value / short,
            level: LEVEL,
            p50: at(0.5),
            p90: at(0.9),
        }
    }

    /// Time of a replica; one that did not end counts as the horizon.
    fn time_of(&self, replica: &TrainingReplica) -> Linear {
        match replica.finish {
            Some(finish) => Linear { base: finish.seconds().0, slope: stretching_time(replica) },
            None => Linear { base: self.ready.built.job.horizon.seconds().0, slope: 0.0 },
        }
    }

    fn runs(&self, values: &[Linear]) -> Vec<f64> {
        values.iter().flat_map(|value| self.errors.factors.iter().map(|factor| value.at(*factor))).collect()
    }

    fn probability(&self, holds: impl Fn(&TrainingReplica, f64) -> bool) -> Probability {
        let factors = &self.errors.factors;
        let shares: Vec<f64> = self
            .sample
            .replicas
            .iter()
            .map(|replica| {
                factors.iter().filter(|factor| holds(replica, **factor)).count() as f64 / factors.len() as f64
            })
            .collect();
        probability_of(&shares)
    }
}

/// Seconds of a replica that stretch with the step time.
fn stretching(replica: &TrainingReplica) -> f64 {
    (replica.meters.computing.seconds() + replica.meters.rework.seconds()).0
}

/// The same with what interruptions add: a longer job meets more of them, and waits and starts as much more often.
fn stretching_time(replica: &TrainingReplica) -> f64 {
    let meters = &replica.meters;
    let again = meters.interruptions as f64 / (meters.interruptions as f64 + 1.0);
    stretching(replica) + again * (meters.waiting.seconds() + meters.starting.seconds()).0
}

/// Relative half-range of the price, at about the level of the intervals.
pub(super) fn price_error(tariff: &Tariff) -> f64 {
    let (low, typical, high) = (
        tariff.hourly.low.usd_per_hour(),
        tariff.hourly.typical.usd_per_hour(),
        tariff.hourly.high.usd_per_hour(),
    );
    if typical > 0.0 { 0.5 * (high - low) / typical } else { 0.0 }
}

fn part(replica: &TrainingReplica, time: Seconds) -> f64 {
    time.0 / replica.reached.seconds().0.max(1e-9)
}

/// Share of a run lost to interruptions: rework, and all starting and waiting after the first time.
fn failure_share(replica: &TrainingReplica) -> f64 {
    if replica.meters.interruptions == 0 {
        return 0.0;
    }
    let starts = replica.meters.interruptions as f64 + 1.0;
    let again = replica.meters.starting.seconds() * (1.0 - 1.0 / starts);
    part(replica, replica.meters.rework.seconds() + again + replica.meters.waiting.seconds())
}

fn share_estimate(replicas: &[TrainingReplica], value: &dyn Fn(&TrainingReplica) -> f64) -> Estimate {
    let values: Vec<f64> = replicas.iter().map(value).collect();
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let half = Interval::of_sample(&values, LEVEL).map_or(0.0, |interval| interval.half_width());
    let ascending = sorted(&values);
    Estimate {
        mean,
        lo: (mean - half).max(0.0),
        hi: (mean + half).min(1.0),
        level: LEVEL,
        p50: quantile(&ascending, 0.5).unwrap_or(mean),
        p90: quantile(&ascending, 0.9).unwrap_or(mean),
    }
}

/// A probability from the shares of the replicas, with Student's interval over them.
fn probability_of(shares: &[f64]) -> Probability {
    let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    let half = Interval::of_sample(shares, LEVEL).map_or(0.0, |interval| interval.half_width());
    Probability { probability: mean, lo: (mean - half).max(0.0), hi: (mean + half).min(1.0) }
}
