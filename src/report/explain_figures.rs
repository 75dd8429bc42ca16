//! `capplan explain` of the figures that follow from others: what each is, and its value with all its parts.

use serde_json::Value;

use crate::study::Row;
use crate::units::{Seconds, Significant, human_duration};

/// Figures of any row with what they are.
pub(super) const COMMON: &[(&str, &str)] = &[
    ("feasible", "whether memory fits and a layout exists"),
    (
        "rank",
        "place among the fleets: those that hold the targets first, then by what is minimised; unpriced ones have none",
    ),
    ("pareto", "whether no other fleet is at least as good in all that counts and better in something"),
    ("instances", "machines of the fleet; with `replicas = \"auto\"` the fewest that hold the targets"),
    ("accelerators", "machines × accelerators of one"),
    ("layout", "the way that the model lies on the machines: the best of those that fit, or the scenario's"),
    ("provenance", "where the step times come from: measured, published, catalog, assumed, extrapolated"),
    ("interruptions", "machines lost to failures, the spot market and planned losses, in a run on average"),
    ("replications", "runs with independent luck, their random streams shared by all fleets"),
    ("difference", "this fleet less the baseline; 90 % intervals, paired where the two share their luck"),
    (
        "carbon_kg",
        "power of the devices × PUE × intensity of the grid, over the hours that are paid; hosts and manufacture are left out",
    ),
    (
        "recurring",
        "the job every `repeat`: its cost of a day and a month, the probability that it fits between two runs with test and deployment, and whether it pays that often",
    ),
];

/// Further figures of training.
pub(super) const TRAINING: &[(&str, &str)] = &[
    ("tokens_per_s_per_accelerator", "samples_per_s × tokens of a sample / accelerators, over the whole run"),
    (
        "mfu",
        "samples_per_s × arithmetic of a sample, three times its forward pass / (accelerators × peak of the precision)",
    ),
    ("stall_share", "share of time_s in which devices wait for input"),
    ("checkpoint_share", "share of time_s in which checkpoints are written"),
    (
        "failure_share",
        "share of time_s lost to failures and spot: detection, restart, restore, work done again",
    ),
    ("steps", "samples / global batch"),
    ("samples", "passes over the data set × its samples, or as the scenario states"),
    (
        "relative_half_width",
        "half-width of the 90 % interval of time_s over replications, as a share of it; replications stop when it is small enough",
    ),
    (
        "conversion",
        "writing records beforehand: its time and cost, what an epoch saves, and after how many epochs that pays",
    ),
];

/// Further figures of inference.
pub(super) const SERVING: &[(&str, &str)] = &[
    ("mode", "online, batch or hybrid"),
    ("hosting", "where the model lives"),
    ("replicas", "machines × replicas of one machine"),
    ("keeps_up", "whether no more arrives than can be sustained and the backlog of no run grew"),
    (
        "demand_requests_per_s",
        "requests that arrive in a second: the rate, the peak of a profile, the mean of a trace",
    ),
    ("sustainable_requests_per_s", "requests finished in a second when all come at once, targets aside"),
    ("input_tokens_per_s", "prompt tokens of finished requests / time"),
    ("refused_share", "requests turned away at the door or out of a full queue / requests"),
    ("e2e_s", "from the arrival to the end, as the server sees it: without the call over the network"),
    ("computed_latency_s", "hybrid: times of the requests that were not found in the store"),
    ("mean_machines", "machines that are paid, on average over the run"),
    ("cost_per_hour_usd", "cost_per_month_usd / 730"),
    ("cost_per_day_usd", "cost_per_month_usd × 24 / 730"),
    ("cost_per_month_usd", "cost_usd: machines by the hour for 730 h, premium, fees, store and look-ups"),
    (
        "cost_per_million_input_tokens_usd",
        "share of the replicas' time in iterations with prompts × cost of an hour / tokens read in it",
    ),
    (
        "cost_per_million_output_tokens_usd",
        "share of the replicas' time in iterations without prompts × cost of an hour / tokens written in it",
    ),
    ("cost_per_million_good_usd", "cost of an hour / requests within all limits in it"),
    ("cost_per_million_at_capacity_usd", "cost of an hour / requests of an hour at capacity_requests_per_s"),
    ("carbon_per_million_predictions_kg", "carbon_kg / answers of the same time"),
    (
        "cache_tokens",
        "(memory that the engine takes − weights − working set) / keys and values of a token, of one replica",
    ),
    ("cache_peak_share", "greatest share of the cache's blocks in use at once"),
    ("preemptions_per_request", "sequences that gave way because the cache was full / finished requests"),
    ("prefix_hit_share", "prompt tokens found in the cache / prompt tokens"),
    (
        "capacity_after_loss_requests_per_s",
        "capacity_requests_per_s × machines left after the planned losses / machines",
    ),
    (
        "api",
        "a hosted model at the same traffic: prompt tokens × input price + answer tokens × output price; the fleet pays from cost of an hour / price of a request",
    ),
    ("hybrid_share", "the cheapest split that is computed again in time and holds the targets"),
    (
        "hybrid",
        "each split: machines for the rest, batch runs for the keys of the share (Zipf), store and look-ups",
    ),
    ("groups", "the groups of the fleet, each with its machines and its part of the bill"),
];

/// What a figure is.
pub(super) fn formula(metric: &str) -> Option<&'static str> {
    let all = COMMON.iter().chain(TRAINING).chain(SERVING);
    all.clone().find(|(name, _)| *name == metric).map(|(_, text)| *text)
}

/// The value of a figure of a row, with all its parts, and what it is; nothing of a figure that is none.
pub(super) fn lines(row: &Row, metric: &str) -> Vec<String> {
    let Some(text) = formula(metric) else { return Vec::new() };
    let value = serde_json::to_value(row).ok().and_then(|row| row.get(metric).cloned());
    let mut lines = match value {
        None | Some(Value::Null) => vec![format!("{metric} is not known of {}, or there is none", row.fleet)],
        Some(value) => show(metric, metric, &value, 0),
    };
    lines.insert(1.min(lines.len()), format!("  {text}"));
    lines
}

/// A value in lines, its parts indented; `figure` tells the unit.
fn show(name: &str, figure: &str, value: &Value, depth: usize) -> Vec<String> {
    const MOST: usize = 40;
    let pad = " ".repeat(2 * depth);
    let part = |key: &str| value.get(key).and_then(Value::as_f64).map(|value| number(figure, value));
    if let (Some(mean), Some(lo), Some(hi)) = (part("mean"), part("lo"), part("hi")) {
        return vec![format!("{pad}{name} = {mean}  ({lo} to {hi} at 90 %)")];
    }
    if let (Some(probability), Some(lo), Some(hi)) = (part("probability"), part("lo"), part("hi")) {
        return vec![format!("{pad}P({name}) = {probability}  ({lo} to {hi})")];
    }
    match value {
        Value::Null => vec![format!("{pad}{name}: not known")],
        Value::Object(parts) => {
            let below = parts.iter().flat_map(|(key, value)| {
                let unit = if key.starts_with('p') && key[1..].parse::<u32>().is_ok() { figure } else { key };
                show(key, unit, value, depth + 1)
            });
            std::iter::once(format!("{pad}{name}:")).chain(below).collect()
        }
        Value::Array(items) => {
            let entry =
                |(index, item): (usize, &Value)| show(&format!("{}", index + 1), figure, item, depth + 1);
            let below = items.iter().take(MOST).enumerate().flat_map(entry);
            std::iter::once(format!("{pad}{name}: {} of them", items.len())).chain(below).collect()
        }
        Value::Number(found) => {
            let text = found.as_f64().map_or_else(|| found.to_string(), |value| number(figure, value));
            vec![format!("{pad}{name} = {text}")]
        }
        Value::String(text) => vec![format!("{pad}{name}: {text}")],
        Value::Bool(found) => vec![format!("{pad}{name}: {}", if *found { "yes" } else { "no" })],
    }
}

/// A number with the unit that its name ends in.
fn number(figure: &str, value: f64) -> String {
    if figure.ends_with("_s") && !figure.ends_with("per_s") {
        return if value < 0.0 {
            format!("−{}", human_duration(Seconds(-value)))
        } else {
            human_duration(Seconds(value))
        };
    }
    let unit = match figure {
        name if name.ends_with("_usd") || name.contains("_usd_per") => " USD",
        name if name.ends_with("_kg") => " kg",
        _ => "",
    };
    format!("{}{unit}", Significant(value, 5))
}
