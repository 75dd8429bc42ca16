//! What stands below the table of inference: layouts, rates, tokens' cost, splits of a hybrid.

use crate::study::{Comparison, ModelFigures, Percentiles, Row, ServingFigures};
use crate::units::{Bytes, Seconds, Significant, human_duration};

use super::table::clean;

/// How each fleet serves, and what it makes of a million.
pub(super) fn fleets(comparison: &Comparison) -> Vec<String> {
    comparison.rows.iter().filter_map(fleet).collect()
}

fn fleet(row: &Row) -> Option<String> {
    let figures = row.serving.as_deref().filter(|_| row.feasible)?;
    let mut said = Vec::new();
    if let (Some(replicas), Some(layout)) = (figures.replicas, &row.layout) {
        let memory = row
            .memory_per_accelerator_bytes
            .map_or_else(String::new, |bytes| format!(", {} needed on a device", Bytes(bytes)));
        said.push(format!("{replicas} replicas of {}{memory}", clean(layout)));
    }
    if let Some(tokens) = figures.cache_tokens {
        let peak = figures.cache_peak_share.map_or_else(String::new, |share| {
            format!(", {} % of it used at most", Significant((100.0 * share).round(), 3))
        });
        said.push(format!("cache of {} tokens{peak}", Significant(tokens, 3)));
    }
    if let Some(rate) = figures.sustainable_requests_per_s {
        said.push(format!("sustains {} requests/s, targets aside", Significant(rate.mean, 3)));
    }
    said.extend(costs(figures));
    let p99 = |times: Option<Percentiles>| times.and_then(|times| times.p99);
    if let (Some(all), Some(rest)) = (p99(figures.latency_s), p99(figures.computed_latency_s)) {
        let at = |seconds: f64| human_duration(Seconds(seconds));
        said.push(format!(
            "99 % of all requests within {}, of those computed online within {}",
            at(all.mean),
            at(rest.mean)
        ));
    }
    if let Some(good) = figures.goodput_share {
        said.push(format!(
            "{} % of requests within all limits",
            Significant((1000.0 * good.mean).round() / 10.0, 4)
        ));
    }
    (!said.is_empty()).then(|| format!("{}: {}", clean(&row.fleet), said.join("; ")))
}

fn costs(figures: &ServingFigures) -> Option<String> {
    let input = figures.cost_per_million_input_tokens_usd?;
    let output = figures.cost_per_million_output_tokens_usd?;
    Some(format!(
        "{} USD per million tokens read, {} written",
        Significant(input.mean, 3),
        Significant(output.mean, 3)
    ))
}

/// Each model of fleets that serve several.
pub(super) fn models(comparison: &Comparison) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &comparison.rows {
        let Some(figures) = row.serving.as_deref() else { continue };
        for own in &figures.models {
            lines.push(format!("{}: {}", clean(&row.fleet), model(own)));
        }
    }
    lines
}

fn model(own: &ModelFigures) -> String {
    let share = Significant((1000.0 * own.share).round() / 10.0, 3);
    let mut said = vec![format!("{} with {share} % of requests", clean(&own.model))];
    if let Some(instances) = own.instances {
        said.push(format!("{instances} machines of its own"));
    }
    if let Some(rate) = own.capacity_requests_per_s {
        said.push(format!("takes {} requests/s", Significant(rate.mean, 3)));
    }
    let at = |seconds: f64| human_duration(Seconds(seconds));
    for (name, times) in [("TTFT", own.ttft_s), ("TPOT", own.tpot_s), ("latency", own.latency_s)] {
        if let Some(times) = times {
            let known = times.parts().into_iter().filter_map(|(word, time)| {
                let time = time.filter(|_| matches!(word, "p50" | "p99"))?;
                Some(format!("{} at {word}", at(time.mean)))
            });
            said.push(format!("{name} {}", known.collect::<Vec<_>>().join(", ")));
        }
    }
    if let Some(good) = own.goodput_share {
        said.push(format!("{} % within all limits", Significant((1000.0 * good.mean).round() / 10.0, 4)));
    }
    if let Some(cost) = own.cost_per_month_usd {
        said.push(format!("{} USD a month", Significant(cost.mean, 3)));
    }
    said.join("; ")
}

/// Hosted models at the same traffic.
pub(super) fn hosted(comparison: &Comparison) -> Vec<String> {
    let of = |row: &Row| {
        let figures = row.serving.as_deref()?;
        let (api, hour) = (figures.api.as_ref()?, figures.cost_per_hour_usd?);
        let within = if api.within_capacity { "" } else { ", more than it can take" };
        Some(format!(
            "{}: {} USD/h here, {} USD/h at {}; pays from {} requests/s{within}",
            clean(&row.fleet),
            Significant(hour.mean, 3),
            Significant(api.api_usd_per_hour, 3),
            clean(&api.name),
            Significant(api.break_even_requests_per_s, 3)
        ))
    };
    comparison.rows.iter().filter_map(of).collect()
}

/// Splits of a hybrid, the cheapest marked.
pub(super) fn splits(comparison: &Comparison) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &comparison.rows {
        let Some(figures) = row.serving.as_deref().filter(|figures| !figures.hybrid.is_empty()) else {
            continue;
        };
        let points: Vec<String> = figures
            .hybrid
            .iter()
            .map(|point| {
                let mark = if Some(point.share) == figures.hybrid_share { "*" } else { "" };
                let cost = point
                    .usd_per_month
                    .map_or_else(|| "–".to_owned(), |cost| Significant(cost, 3).to_string());
                let misses = if point.holds { "" } else { " (misses the targets)" };
                format!("{mark}{} % {cost}{misses}", Significant((100.0 * point.share).round(), 3))
            })
            .collect();
        lines.push(format!("{}: USD a month at share precomputed: {}", clean(&row.fleet), points.join(", ")));
    }
    lines
}
