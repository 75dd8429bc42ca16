//! Columns of inference: of the flat table of all exports, and of the short table of the terminal.

use crate::study::{Comparison, Estimate, Percentiles, Probability, Row, ServingFigures};
use crate::units::{Seconds, Significant, human_duration};

use super::comparison::{Figure, estimate_columns, machines, percent, probability_columns, range};
use super::table::{BREAK, Cell, Table};

/// A figure of inference.
type Of<T> = fn(&ServingFigures) -> Option<T>;

const ESTIMATES: &[(&str, Of<Estimate>)] = &[
    ("capacity_requests_per_s", |figures| figures.capacity_requests_per_s),
    ("sustainable_requests_per_s", |figures| figures.sustainable_requests_per_s),
    ("requests_per_s", |figures| figures.requests_per_s),
    ("output_tokens_per_s", |figures| figures.output_tokens_per_s),
    ("input_tokens_per_s", |figures| figures.input_tokens_per_s),
    ("goodput_share", |figures| figures.goodput_share),
    ("refused_share", |figures| figures.refused_share),
    ("utilisation", |figures| figures.utilisation),
    ("cost_per_hour_usd", |figures| figures.cost_per_hour_usd),
    ("cost_per_day_usd", |figures| figures.cost_per_day_usd),
    ("cost_per_month_usd", |figures| figures.cost_per_month_usd),
    ("cost_per_million_tokens_usd", |figures| figures.cost_per_million_tokens_usd),
    ("cost_per_million_input_tokens_usd", |figures| figures.cost_per_million_input_tokens_usd),
    ("cost_per_million_output_tokens_usd", |figures| figures.cost_per_million_output_tokens_usd),
    ("cost_per_million_predictions_usd", |figures| figures.cost_per_million_predictions_usd),
    ("cost_per_million_good_usd", |figures| figures.cost_per_million_good_usd),
    ("cost_per_million_at_capacity_usd", |figures| figures.cost_per_million_at_capacity_usd),
    ("carbon_per_million_predictions_kg", |figures| figures.carbon_per_million_predictions_kg),
];

const TIMES: &[(&str, Of<Percentiles>)] = &[
    ("ttft_s", |figures| figures.ttft_s),
    ("tpot_s", |figures| figures.tpot_s),
    ("e2e_s", |figures| figures.e2e_s),
    ("latency_s", |figures| figures.latency_s),
    ("computed_latency_s", |figures| figures.computed_latency_s),
];

const NUMBERS: &[(&str, Of<f64>)] = &[
    ("demand_requests_per_s", |figures| figures.demand_requests_per_s),
    ("mean_machines", |figures| figures.mean_machines),
    ("peak_machines", |figures| figures.peak_machines),
    ("cache_tokens", |figures| figures.cache_tokens),
    ("cache_peak_share", |figures| figures.cache_peak_share),
    ("preemptions_per_request", |figures| figures.preemptions_per_request),
    ("prefix_hit_share", |figures| figures.prefix_hit_share),
    ("capacity_after_loss_requests_per_s", |figures| figures.capacity_after_loss_requests_per_s),
    ("api_usd_per_hour", |figures| figures.api.as_ref().map(|api| api.api_usd_per_hour)),
    ("api_break_even_requests_per_s", |figures| {
        figures.api.as_ref().map(|api| api.break_even_requests_per_s)
    }),
    ("hybrid_share", |figures| figures.hybrid_share),
];

/// Margins from which the next bound is said to be far behind.
const FAR: f64 = 100.0;

/// Columns of text among those of inference.
pub(super) const WORDS: &[&str] = &["mode", "hosting", "keeps_up"];

fn of<T>(row: &Row, figure: Of<T>) -> Option<T> {
    row.serving.as_deref().and_then(figure)
}

/// Adds every figure of inference to the flat table.
pub(super) fn push(table: &mut Table, rows: &[Row]) {
    let mut plain = |name: &str, value: &dyn Fn(&ServingFigures) -> Cell| {
        let cell = |row: &Row| row.serving.as_deref().map_or(Cell::Null, value);
        table.push(name, rows.iter().map(cell));
    };
    plain("mode", &|figures| figures.mode.as_str().into());
    plain("hosting", &|figures| figures.hosting.as_str().into());
    plain("replicas", &|figures| figures.replicas.into());
    plain("keeps_up", &|figures| figures.keeps_up.into());
    for (name, figure) in NUMBERS {
        table.push(*name, rows.iter().map(|row| of(row, *figure).into()));
    }
    for (name, figure) in ESTIMATES {
        let value: Figure<'_, Estimate> = &|row| of(row, *figure);
        estimate_columns(table, name, rows, value);
    }
    for (name, figure) in TIMES {
        for (index, part) in ["p50", "p90", "p95", "p99"].iter().enumerate() {
            let value: Figure<'_, Estimate> =
                &|row| of(row, *figure).and_then(|times| times.parts()[index].1);
            estimate_columns(table, &format!("{name}_{part}"), rows, value);
        }
    }
    let met: Figure<'_, Probability> = &|row| of(row, |figures| figures.targets_met);
    probability_columns(table, "targets_met", rows, met);
}

/// What a person wants at first sight: capacity first, then latency, then cost.
pub(super) fn short(comparison: &Comparison, rows: &[&Row]) -> Table {
    let mut table = Table::default();
    let mut column =
        |name: &str, value: &dyn Fn(&Row) -> Cell| table.push(name, rows.iter().map(|row| value(row)));
    let any =
        |has: fn(&ServingFigures) -> bool| rows.iter().any(|row| row.serving.as_deref().is_some_and(has));
    column("", &|row| if comparison.recommended.as_deref() == Some(&row.fleet) { "*" } else { "" }.into());
    column("fleet", &|row| row.fleet.as_str().into());
    column("machines", &|row| {
        let mean = of(row, |figures| figures.mean_machines)
            .filter(|mean| (*mean - row.instances as f64).abs() > 0.01);
        let mean = mean
            .filter(|_| row.feasible && row.instances > 0)
            .map_or_else(String::new, |mean| format!("{BREAK}({} on average)", Significant(mean, 3)));
        format!("{}{mean}", machines(row)).into()
    });
    let hosting = |row: &Row| row.serving.as_deref().map_or(String::new(), |own| own.hosting.clone());
    if rows.windows(2).any(|pair| hosting(pair[0]) != hosting(pair[1])) {
        column("hosting", &|row| hosting(row).into());
    }
    if rows.iter().any(|row| row.time_s.is_some()) {
        column("time", &|row| row.time_s.map(|time| spans(&time)).into());
    }
    if any(|figures| figures.capacity_requests_per_s.is_some()) {
        column("capacity req/s", &|row| {
            of(row, |figures| figures.capacity_requests_per_s).map(|rate| range(&rate)).into()
        });
        column("holds", &|row| of(row, |figures| figures.targets_met).map(|met| percent(&met)).into());
    }
    if any(|figures| figures.ttft_s.is_some()) {
        column("TTFT p50/p99", &|row| of(row, |figures| figures.ttft_s).map(|times| pair(&times)).into());
        column("TPOT p50/p99", &|row| of(row, |figures| figures.tpot_s).map(|times| pair(&times)).into());
    }
    if any(|figures| figures.latency_s.is_some()) {
        column("latency p50/p99", &|row| {
            of(row, |figures| figures.latency_s).map(|times| pair(&times)).into()
        });
    }
    column("busy", &|row| {
        let share = of(row, |figures| figures.utilisation);
        share.map(|share| format!("{} %", Significant((100.0 * share.mean).round(), 3))).into()
    });
    let online = any(|figures| figures.cost_per_month_usd.is_some());
    column(if online { "USD a month" } else { "USD a run" }, &|row| {
        row.cost_usd.map(|cost| range(&cost)).into()
    });
    if rows.iter().any(|row| row.carbon_kg.is_some()) {
        let name = if online { "kg CO2 a month" } else { "kg CO2 a run" };
        column(name, &|row| row.carbon_kg.map(|carbon| range(&carbon)).into());
    }
    if any(|figures| figures.cost_per_million_output_tokens_usd.is_some()) {
        column("USD/Mtok in+out", &|row| {
            of(row, |figures| figures.cost_per_million_tokens_usd)
                .map(|cost| Significant(cost.mean, 3).to_string())
                .into()
        });
    } else {
        column("USD/M answers", &|row| {
            let cost = of(row, |figures| figures.cost_per_million_predictions_usd);
            cost.map(|cost| Significant(cost.mean, 3).to_string()).into()
        });
    }
    if rows.iter().any(|row| row.deadline_met.is_some()) {
        column("deadline", &|row| row.deadline_met.map(|met| percent(&met)).into());
    }
    if rows.iter().any(|row| row.budget_met.is_some()) {
        column("budget", &|row| row.budget_met.map(|met| percent(&met)).into());
    }
    column("bound (next)", &|row| match (&row.reason, &row.bound) {
        (Some(reason), _) => reason.as_str().into(),
        (None, Some(bound)) => {
            format!("{}{BREAK}({} {})", bound.name, bound.next, behind(bound.margin)).into()
        }
        (None, None) => Cell::Null,
    });
    table
}

/// How far the next bound lies behind.
pub(super) fn behind(margin: f64) -> String {
    if margin < FAR { format!("at {}×", Significant(margin, 2)) } else { "far behind".to_owned() }
}

fn pair(times: &Percentiles) -> String {
    let at = |time: Option<Estimate>| {
        time.map_or_else(|| "–".to_owned(), |time| human_duration(Seconds(time.mean)))
    };
    format!("{}{BREAK}{}", at(times.p50), at(times.p99))
}

fn spans(time: &Estimate) -> String {
    let at = |seconds: f64| human_duration(Seconds(seconds));
    format!("{}{BREAK}({}–{})", at(time.mean), at(time.lo), at(time.hi))
}
