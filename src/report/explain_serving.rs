//! `capplan explain` of inference: where a figure of a serving fleet comes from.

use crate::fleet::GroupRole;
use crate::scenario::Scenario;
use crate::study::{Estimate, Percentiles, Row, Served, ServingFigures};
use crate::units::{Bytes, Seconds, Significant, human_duration};

use super::actions::action;
use super::explain_figures;
use super::serving_columns::behind;

/// Figures of inference that can be explained beside those of training.
pub(super) const METRICS: &[&str] = &[
    "capacity_requests_per_s",
    "requests_per_s",
    "output_tokens_per_s",
    "utilisation",
    "mean_machines",
    "goodput_share",
    "targets_met",
    "ttft_s",
    "tpot_s",
    "latency_s",
    "carbon_kg",
    "cost_per_million_tokens_usd",
    "cost_per_million_predictions_usd",
];

/// The lines that explain a figure.
pub(super) fn explain(
    scenario: &Scenario,
    row: &Row,
    served: &Served,
    (metric, part): (&str, Option<&str>),
) -> Vec<String> {
    let Some(figures) = row.serving.as_deref() else { return Vec::new() };
    if let Err(reason) = &served.ways {
        return vec![format!("{} is infeasible: {reason}", row.fleet)];
    }
    let number = |value: f64| Significant(value, 4).to_string();
    let mut lines = Vec::new();
    match metric {
        "time_s" => lines.extend(one("time_s", row.time_s, &span)),
        "cost_usd" => {
            lines.extend(one("cost_usd", row.cost_usd, &number));
            let period = if row.time_s.is_some() { "one run" } else { "a month of 730 h" };
            lines.push(format!("  of {period}, the sum of:"));
            lines.extend(row.ledger.iter().map(|line| format!("  {}: {} USD", line.item, number(line.usd))));
            lines.extend(price(row, served));
        }
        "price" => lines.extend(price(row, served)),
        "carbon_kg" => lines.extend(carbon(row, figures)),
        "bound" => lines.extend(bound(row)),
        "memory" => {
            let total = row.memory_per_accelerator_bytes.map_or(0.0, |bytes| bytes);
            lines.push(format!("memory of one device: {}", Bytes(total)));
            lines.extend(row.memory.iter().map(|part| format!("  {}: {}", part.part, Bytes(part.bytes))));
        }
        "deadline_met" | "budget_met" | "targets_met" => lines.extend(targets(scenario, row, figures)),
        "ttft_s" => {
            lines.extend(times("ttft_s: from the arrival to the first token", (figures.ttft_s, part)))
        }
        "tpot_s" => {
            lines.extend(times("tpot_s: (last token − first token) / (tokens − 1)", (figures.tpot_s, part)))
        }
        "latency_s" => lines.extend(times("latency_s: as the client sees it", (figures.latency_s, part))),
        "e2e_s" => lines.extend(times(
            "e2e_s: from the arrival to the end, as the server sees it",
            (figures.e2e_s, part),
        )),
        "computed_latency_s" => lines.extend(times(
            "computed_latency_s: of the requests that were not found in the store",
            (figures.computed_latency_s, part),
        )),
        "cost_per_million_tokens_usd" => {
            lines.extend(one(metric, figures.cost_per_million_tokens_usd, &number));
            lines.extend(one("cost_per_hour_usd", figures.cost_per_hour_usd, &number));
            lines.extend(one("input_tokens_per_s", figures.input_tokens_per_s, &number));
            lines.extend(one("output_tokens_per_s", figures.output_tokens_per_s, &number));
        }
        "cost_per_million_predictions_usd" => {
            lines.extend(one(metric, figures.cost_per_million_predictions_usd, &number));
            lines.extend(one("cost_per_hour_usd", figures.cost_per_hour_usd, &number));
            lines.extend(one("requests_per_s", figures.requests_per_s, &number));
        }
        "output_tokens_per_s" => lines.extend(one(metric, figures.output_tokens_per_s, &number)),
        "mean_machines" => {
            let told = |name: &str, machines: Option<f64>| {
                machines.map(|machines| format!("{name} = {}", number(machines)))
            };
            lines.extend(told("mean_machines", figures.mean_machines));
            lines.extend(told("peak_machines", figures.peak_machines));
            lines.push("  machines asked for and not yet given back, starting and draining ones included, over the counted time".to_owned());
            lines.extend(
                row.warnings
                    .iter()
                    .filter(|said| said.starts_with("scaled from"))
                    .map(|said| format!("  {said}")),
            );
        }
        "utilisation" => lines.extend(one(metric, figures.utilisation, &number)),
        "goodput_share" => lines.extend(one(metric, figures.goodput_share, &number)),
        "capacity_requests_per_s" => {
            lines.extend(one(metric, figures.capacity_requests_per_s, &number));
            lines.push("  the highest steady rate at which every target holds, by bisection with common random numbers and replications added up, with steps as predicted and at both ends of their error; between fleets of 1, 2, 3, 4, 6, 8, … units it is interpolated".to_owned());
            lines.extend(one("sustainable_requests_per_s", figures.sustainable_requests_per_s, &number));
            lines.extend(
                figures.demand_requests_per_s.map(|rate| format!("  {} requests/s arrive", number(rate))),
            );
        }
        "requests_per_s" => lines.extend(one(metric, figures.requests_per_s, &number)),
        _ => lines.extend(explain_figures::lines(row, metric)),
    }
    if lines.is_empty() {
        lines.push(format!("{metric} is not known of {}, or there is none", row.fleet));
    }
    let grouped = !served.others.is_empty();
    let parts: Vec<&Served> =
        if served.models.is_empty() { served.groups().collect() } else { served.models.iter().collect() };
    for (index, served) in parts.into_iter().enumerate() {
        let Some(way) = served.way() else { continue };
        if let Some(own) = figures.models.get(index).filter(|own| own.instances.is_some()) {
            let count = own.instances.unwrap_or(0);
            lines.push(format!("  {}: {count} × {}: {}", own.model, row.instance, way.words()));
        } else if grouped {
            let (count, instance) = (served.machines(way).unwrap_or(1), served.candidate.instance.id());
            let role = served.candidate.role.map_or("", GroupRole::word);
            lines.push(format!("  {role}: {count} × {instance}: {}", way.words()));
        } else {
            lines.push(format!("  {} × {}: {}", row.instances, row.instance, way.words()));
        }
        lines.push(format!(
            "  {} ({}, ±{} %)",
            way.basis,
            way.provenance.word(),
            Significant((164.5 * way.log_error).round(), 3)
        ));
        lines.push(format!("  a request alone takes {}", human_duration(way.alone.1)));
        let parts: Vec<String> = way
            .parts
            .iter()
            .map(|(name, share)| format!("{name} {} %", Significant((100.0 * share).round(), 3)))
            .collect();
        lines.push(format!("  a busy replica's time: {}", parts.join(", ")));
    }
    lines
}

fn span(seconds: f64) -> String {
    human_duration(Seconds(seconds))
}

fn one(name: &str, estimate: Option<Estimate>, text: &dyn Fn(f64) -> String) -> Option<String> {
    let found = estimate?;
    Some(format!(
        "{name} = {}  ({} to {} at {} %)",
        text(found.mean),
        text(found.lo),
        text(found.hi),
        100.0 * found.level
    ))
}

fn times(title: &str, (found, part): (Option<Percentiles>, Option<&str>)) -> Vec<String> {
    let Some(found) = found else { return vec![format!("{title}: not known")] };
    let asked = found.parts().into_iter().filter(|(word, _)| part.is_none_or(|part| part == *word));
    let parts = asked.map(|(word, estimate)| match estimate {
        Some(time) => format!("  {word} = {} ({} to {})", span(time.mean), span(time.lo), span(time.hi)),
        None => format!("  {word}: too few requests to tell"),
    });
    std::iter::once(title.to_owned()).chain(parts).collect()
}

fn carbon(row: &Row, figures: &ServingFigures) -> Vec<String> {
    let number = |value: f64| Significant(value, 4).to_string();
    let Some(carbon) = one("carbon_kg", row.carbon_kg, &number) else {
        return vec![
            "carbon_kg is not known: the power of the devices or the intensity of the grid".to_owned(),
        ];
    };
    let period = if row.time_s.is_some() { "one run" } else { "a month of 730 h" };
    let mut lines = vec![
        carbon,
        format!("  of {period}: power of the devices × PUE × intensity of the grid in {}, over the hours paid", row.region),
        "  devices draw their board power while they work, and 18 % of it (12 to 30 %) while they wait; hosts and manufacture are left out".to_owned(),
    ];
    lines.extend(one("utilisation", figures.utilisation, &number));
    lines.extend(one(
        "carbon_per_million_predictions_kg",
        figures.carbon_per_million_predictions_kg,
        &number,
    ));
    lines
}

fn price(row: &Row, served: &Served) -> Vec<String> {
    let count = |group: &Served| match served.others.is_empty() {
        true => row.instances,
        false => group.way().and_then(|way| group.machines(way)).unwrap_or(1),
    };
    served.groups().flat_map(|group| price_of(count(group), group)).collect()
}

fn price_of(count: u64, served: &Served) -> Vec<String> {
    match &served.tariff {
        Ok(tariff) => vec![
            format!(
                "  price = {} × {} USD/h, and {} % for the managed service",
                count,
                Significant(tariff.hourly.typical.usd_per_hour(), 5),
                Significant(100.0 * served.premium, 3)
            ),
            format!("    row: {}", tariff.origin),
        ],
        Err(unpriced) => vec![format!("  {unpriced}")],
    }
}

fn bound(row: &Row) -> Vec<String> {
    let Some(bound) = &row.bound else { return Vec::new() };
    let act = action(&bound.name);
    vec![
        format!("bound = {} with {} %", bound.name, Significant(100.0 * bound.share, 3)),
        format!("  next is {} {}", bound.next, behind(bound.margin)),
        format!("  {}: {}; not ideal: {}", act.class, act.act, act.not_ideal),
    ]
}

fn targets(scenario: &Scenario, row: &Row, figures: &ServingFigures) -> Vec<String> {
    let mut lines: Vec<String> = scenario
        .objective
        .latency
        .iter()
        .map(|target| format!("  {} under {}", target.key(), human_duration(target.limit)))
        .collect();
    let all = [("targets", figures.targets_met), ("deadline", row.deadline_met), ("budget", row.budget_met)];
    for (name, met) in all {
        if let Some(met) = met {
            lines.push(format!("P({name} kept) = {}", Significant(met.probability, 4)));
        }
    }
    lines.push("  the share of the error of step times, and of replications, at which the capacity covers the demand".to_owned());
    lines
}
