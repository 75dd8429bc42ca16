//! `capplan explain`: where one figure comes from, down to the price row and the scenario line.

use thiserror::Error;

use crate::document::nearest_list;
use crate::scenario::{PERCENTILES, Scenario};
use crate::study::{Comparison, Estimate, Plans, Prepared, Ready, Row, Verdict};
use crate::units::{Bytes, Seconds, Significant, human_duration};
use crate::workload::training::TrainingSpec;

use super::actions::action;
use super::{explain_figures, explain_serving};

/// Figures that can be explained.
pub const METRICS: &[&str] = &[
    "time_s",
    "cost_usd",
    "samples_per_s",
    "bound",
    "memory",
    "step",
    "price",
    "deadline_met",
    "budget_met",
];

/// Why nothing is explained.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExplainError {
    /// No such fleet.
    #[error("there is no fleet `{name}`; fleets: {known}")]
    NoFleet {
        /// As typed.
        name: String,
        /// Near names.
        known: String,
    },
    /// No such metric.
    #[error("there is no metric `{name}` to explain; metrics: {known}")]
    NoMetric {
        /// As typed.
        name: String,
        /// The nearest, or all.
        known: String,
    },
}

/// Whether there is such a metric.
///
/// # Errors
/// With the list of metrics when there is none.
pub fn known_metric(metric: &str) -> Result<(), ExplainError> {
    let (name, part) = parted(metric);
    let sound = match part {
        None => true,
        Some(part) => TIMES.contains(&name) && PERCENTILES.iter().any(|(word, _)| *word == part),
    };
    if sound && all().contains(&name) { Ok(()) } else { Err(no_metric(metric, &all())) }
}

/// Names that stand for another's explanation.
const SAME: &[(&str, &str)] = &[
    ("step_s", "step"),
    ("price_usd_per_hour", "price"),
    ("ledger", "cost_usd"),
    ("memory_per_accelerator_bytes", "memory"),
];
/// Times of requests, of which a percentile may be asked.
const TIMES: &[&str] = &["ttft_s", "tpot_s", "e2e_s", "latency_s", "computed_latency_s"];

/// A metric and the percentile asked of it: `ttft_s.p99`, or as columns are named `ttft_s_p99`.
fn parted(metric: &str) -> (&str, Option<&str>) {
    let column = |name: &&&str| metric.strip_prefix(**name).is_some_and(|rest| rest.starts_with("_p"));
    let (name, part) = match (metric.split_once('.'), TIMES.iter().find(column)) {
        (Some((name, part)), _) => (name, Some(part)),
        (None, Some(name)) => (*name, Some(&metric[name.len() + 1..])),
        (None, None) => (metric, None),
    };
    (SAME.iter().find(|(other, _)| *other == name).map_or(name, |(_, name)| name), part)
}

fn all() -> Vec<&'static str> {
    let figures = [explain_figures::COMMON, explain_figures::TRAINING, explain_figures::SERVING].concat();
    let mut all = [METRICS, explain_serving::METRICS].concat();
    all.extend(figures.iter().map(|(name, _)| *name).chain(SAME.iter().map(|(name, _)| *name)));
    all.sort_unstable();
    all.dedup();
    all
}

fn no_metric(name: &str, known: &[&'static str]) -> ExplainError {
    let near = nearest_list(name, known.iter().copied(), 5);
    let known = if near.is_empty() { known.join(", ") } else { near };
    ExplainError::NoMetric { name: name.to_owned(), known }
}

/// The explanation, indented by depth.
///
/// # Errors
/// When the fleet or the metric is not there.
pub fn explain(
    scenario: &Scenario,
    comparison: &Comparison,
    plans: &Plans,
    fleet: &str,
    metric: &str,
) -> Result<String, ExplainError> {
    let names = || comparison.rows.iter().map(|row| row.fleet.as_str());
    let index = names().position(|name| name == fleet).ok_or_else(|| {
        let near = nearest_list(fleet, names(), 5);
        let known = if near.is_empty() { names().collect::<Vec<_>>().join(", ") } else { near };
        ExplainError::NoFleet { name: fleet.to_owned(), known }
    })?;
    known_metric(metric)?;
    let (name, part) = parted(metric);
    let of = |own: &[&'static str], figures: &[(&'static str, &str)]| -> Vec<&'static str> {
        let more = explain_figures::COMMON.iter().chain(figures).map(|(name, _)| *name);
        own.iter().copied().chain(more).collect()
    };
    let row = &comparison.rows[index];
    let (prepared, spec) = match (plans, scenario.training()) {
        (Plans::Training(prepared), Some(spec)) => (prepared, spec),
        (Plans::Serving(served), _) => {
            if explain_figures::TRAINING.iter().any(|(figure, _)| *figure == name) || name == "samples_per_s"
            {
                return Err(no_metric(metric, &of(explain_serving::METRICS, explain_figures::SERVING)));
            }
            let lines = explain_serving::explain(scenario, row, &served[index], (name, part));
            return Ok(lines.into_iter().map(|line| format!("{}\n", super::clean(&line))).collect());
        }
        (Plans::Training(_), None) => return Ok(String::new()),
    };
    let trains = of(METRICS, explain_figures::TRAINING);
    if !trains.contains(&name) {
        return Err(no_metric(metric, &trains));
    }
    let item = &prepared[index];
    let Verdict::Ready(ready) = &item.verdict else {
        return Ok(format!("{fleet} is infeasible: {}\n", row.reason.as_deref().unwrap_or("unknown")));
    };
    let explainer = Explainer { spec, row, item, ready };
    let lines = match name {
        "time_s" => explainer.time(),
        "cost_usd" => explainer.cost(),
        "samples_per_s" => explainer.rate(),
        "bound" => explainer.bound(),
        "memory" => explainer.memory(),
        "step" => explainer.step(0),
        "price" => explainer.price(0),
        "deadline_met" => explainer.target("deadline", row.deadline_met),
        "budget_met" => explainer.target("budget", row.budget_met),
        _ => explain_figures::lines(row, name),
    };
    Ok(lines.into_iter().map(|line| format!("{}\n", super::clean(&line))).collect())
}

struct Explainer<'a> {
    spec: &'a TrainingSpec,
    row: &'a Row,
    item: &'a Prepared,
    ready: &'a Ready,
}

fn span(seconds: f64) -> String {
    human_duration(Seconds(seconds))
}

fn figure(name: &str, estimate: &Estimate, text: impl Fn(f64) -> String) -> String {
    format!(
        "{name} = {}  ({} to {} at {} %; a run: median {}, nine in ten under {})",
        text(estimate.mean),
        text(estimate.lo),
        text(estimate.hi),
        100.0 * estimate.level,
        text(estimate.p50),
        text(estimate.p90)
    )
}

impl Explainer<'_> {
    fn time(&self) -> Vec<String> {
        let built = &self.ready.built;
        let job = &built.job;
        let mut lines: Vec<String> =
            self.row.time_s.iter().map(|time| figure("time_s", time, span)).collect();
        lines.push(format!("  mean over {} replications of: wait + boot + restore + steps × step + checkpoints + what interruptions cost", self.row.replications));
        lines.push(format!(
            "  before the machines (conversion, capacity): mean {}",
            span((job.startup.before + Seconds(job.startup.wait.mean())).0)
        ));
        lines.push(format!(
            "  boot: mean {}; restore: {}",
            span(job.startup.boot.mean()),
            human_duration(job.startup.restore)
        ));
        lines.push(format!(
            "  {} steps = {} samples / global batch {}",
            built.steps,
            Significant(built.samples, 6),
            self.ready.plan.global_batch
        ));
        for (index, phase) in job.phases.iter().enumerate() {
            let name = if index == 0 { "first epoch" } else { "later epochs" };
            lines.push(format!(
                "  {name}: {} steps of {} (device waits {} % of it)",
                phase.steps,
                human_duration(phase.step.mean),
                Significant((100.0 * phase.step.input_wait).round(), 3)
            ));
        }
        lines.extend(self.step(4));
        match job.checkpoint_interval {
            Some(interval) => lines.push(format!(
                "  checkpoint every {} of work, {} each",
                human_duration(interval),
                human_duration(job.checkpoint_write.seconds())
            )),
            None => lines.push("  no checkpoints on the way".to_owned()),
        }
        match job.failures.mtbf {
            Some(mtbf) => lines.push(format!(
                "  failures: one in {} on average; {} detection, {} restart",
                human_duration(mtbf),
                human_duration(job.failures.detection),
                human_duration(job.failures.restart)
            )),
            None => lines.push("  failures: none".to_owned()),
        }
        if let Some(market) = &job.spot {
            lines.push(format!(
                "  spot market: up {} on average, down {}",
                span(market.up.mean()),
                span(market.down.mean())
            ));
        }
        lines.push(format!(
            "  interruptions: {} a run",
            Significant(self.row.interruptions.unwrap_or(0.0), 3)
        ));
        lines
    }

    fn step(&self, depth: usize) -> Vec<String> {
        let built = &self.ready.built;
        let pad = " ".repeat(depth);
        let mut lines = vec![format!(
            "{pad}step of the device = {} ({}, ±{} %): {}",
            human_duration(built.device_step),
            built.provenance.word(),
            Significant((164.5 * built.log_error).round(), 3),
            built.basis
        )];
        for (component, time) in &built.components {
            lines.push(format!("{pad}  {}: {}", component.name(), human_duration(*time)));
        }
        if !built.terms.is_empty() {
            lines.push(format!("{pad}made of, as if nothing hid anything else:"));
        }
        for (term, time) in &built.terms {
            lines.push(format!("{pad}  {term}: {}", human_duration(*time)));
        }
        let input = &built.input;
        lines.push(format!(
            "{pad}input of one host: read {} (later {}), decode {}, host-to-device {}",
            human_duration(input.read[0]),
            human_duration(input.read[1]),
            human_duration(input.decode),
            human_duration(input.host_to_device)
        ));
        lines.push(format!(
            "{pad}input mode {}, prefetch {} batches, figures {}",
            self.spec.input.mode.word(),
            self.spec.input.prefetch,
            input.provenance.word()
        ));
        lines
    }

    fn cost(&self) -> Vec<String> {
        let Some(cost) = &self.row.cost_usd else {
            return vec![format!("cost_usd is unknown: {}", self.row.warnings.join("; "))];
        };
        let dollars = |value: f64| format!("{} USD", Significant(value, 4));
        let mut lines = vec![figure("cost_usd", cost, dollars), "  sum of the bill:".to_owned()];
        for line in &self.row.ledger {
            lines.push(format!("    {}: {}", line.item, dollars(line.usd)));
        }
        lines.extend(self.price(2));
        lines.push("  machine time: see `capplan explain … time_s`".to_owned());
        lines
    }

    fn price(&self, depth: usize) -> Vec<String> {
        let pad = " ".repeat(depth);
        match &self.item.tariff {
            Ok(tariff) => vec![
                format!(
                    "{pad}price = {} × {} USD/h ({} to {})",
                    self.item.candidate.count,
                    Significant(tariff.hourly.typical.usd_per_hour(), 5),
                    Significant(tariff.hourly.low.usd_per_hour(), 5),
                    Significant(tariff.hourly.high.usd_per_hour(), 5)
                ),
                format!(
                    "{pad}  list {} USD/h less {} %",
                    Significant(tariff.list.usd_per_hour(), 6),
                    Significant(100.0 * tariff.discount, 3)
                ),
                format!("{pad}  row: {}", tariff.origin),
                format!(
                    "{pad}  billed by {}, at least {}",
                    human_duration(tariff.granularity),
                    human_duration(tariff.minimum)
                ),
            ],
            Err(unpriced) => vec![format!("{pad}{unpriced}")],
        }
    }

    fn rate(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .row
            .samples_per_s
            .iter()
            .map(|rate| figure("samples_per_s", rate, |value| Significant(value, 4).to_string()))
            .collect();
        lines.push("  samples over the whole run / time_s:".to_owned());
        lines.extend(self.time().into_iter().map(|line| format!("  {line}")));
        lines
    }

    fn bound(&self) -> Vec<String> {
        let Some(bound) = &self.row.bound else { return Vec::new() };
        let act = action(&bound.name);
        let mut lines = vec![
            format!("bound = {} with {} % of the step", bound.name, Significant(100.0 * bound.share, 3)),
            format!(
                "  next is {} once this is {} times faster",
                bound.next,
                Significant(bound.margin.min(999.0), 3)
            ),
            format!("  {}: {}; not ideal: {}", act.class, act.act, act.not_ideal),
        ];
        lines.extend(self.step(2));
        lines
    }

    fn memory(&self) -> Vec<String> {
        let memory = &self.ready.plan.memory;
        let mut lines = vec![format!("memory of one device: {} of {}", memory.total(), memory.present)];
        lines.extend(
            memory.parts.iter().map(|(part, bytes): &(_, Bytes)| format!("  {}: {bytes}", part.word())),
        );
        lines.push(format!("  micro-batch {} of model {}", self.ready.plan.micro_batch, self.spec.model.id));
        lines
    }

    fn target(&self, name: &str, met: Option<crate::study::Probability>) -> Vec<String> {
        match met {
            Some(met) => vec![
                format!(
                    "P({name} kept) = {} ({} to {})",
                    Significant(met.probability, 4),
                    Significant(met.lo, 4),
                    Significant(met.hi, 4)
                ),
                format!(
                    "  share of {} replications, each at evenly spaced errors of the step time and the price",
                    self.row.replications
                ),
            ],
            None => vec![format!("the scenario names no {name}")],
        }
    }
}
