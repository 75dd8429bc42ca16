//! What people read of a column: its name in words with the unit, how its figures are known, and the metric that
//! explains it. Exports keep the raw names.

use crate::catalog::{Provenance, Purchase};
use crate::study::Row;

use super::explain::known_metric;

/// A column as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// In words.
    pub words: String,
    /// Unit of its numbers; empty for texts, counts and plain shares.
    pub unit: &'static str,
}

impl Heading {
    /// Words and unit in one.
    #[must_use]
    pub fn text(&self) -> String {
        if self.unit.is_empty() { self.words.clone() } else { format!("{}, {}", self.words, self.unit) }
    }
}

/// How a figure is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// Stated by the scenario, or counted; nothing is uncertain about it.
    Stated,
    /// As the figures that it is made of: the worst of theirs.
    Made(Provenance),
}

impl Known {
    /// Every way with its letter, from best to worst.
    pub const ALL: &'static [Self] = &[
        Self::Stated,
        Self::Made(Provenance::Measured),
        Self::Made(Provenance::Published),
        Self::Made(Provenance::Catalog),
        Self::Made(Provenance::Assumed),
        Self::Made(Provenance::Extrapolated),
    ];

    /// The mark beside the figure: a letter, so that colour alone never tells.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Stated => "s",
            Self::Made(Provenance::Measured) => "m",
            Self::Made(Provenance::Published) => "p",
            Self::Made(Provenance::Catalog) => "c",
            Self::Made(Provenance::Assumed) => "a",
            Self::Made(Provenance::Extrapolated) => "x",
        }
    }

    /// The word of the legend; that of the result where it has one.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stated => "stated",
            Self::Made(provenance) => provenance.word(),
        }
    }

    /// What the word means.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Stated => "stated by the scenario, or counted",
            Self::Made(Provenance::Measured) => "measured on this machine, or given as measured",
            Self::Made(Provenance::Published) => "fitted to published measurements of this very combination",
            Self::Made(Provenance::Catalog) => "from prices or data sheets of the catalog",
            Self::Made(Provenance::Assumed) => "a default that nobody measured for this case",
            Self::Made(Provenance::Extrapolated) => {
                "by roofline or law from other devices, or outside the range that was measured"
            }
        }
    }
}

/// Names in words, with units. A name that is not here is read as it is spelt.
const WORDS: &[(&str, &str, &str)] = &[
    ("recommended", "best", ""),
    ("pareto", "on the frontier", ""),
    ("feasible", "can run", ""),
    ("reason", "why not", ""),
    ("instance", "machine", ""),
    ("instances", "machines", ""),
    ("purchase", "terms", ""),
    ("price_usd_per_hour", "price", "USD/h"),
    ("mfu", "share of the peak arithmetic", ""),
    ("stall_share", "waiting for input, share", ""),
    ("checkpoint_share", "writing checkpoints, share", ""),
    ("failure_share", "lost to failures, share", ""),
    ("tokens_per_s_per_accelerator", "tokens per accelerator", "1/s"),
    ("deadline_met", "deadline kept", ""),
    ("budget_met", "budget kept", ""),
    ("targets_met", "targets kept", ""),
    ("bound", "bound by", ""),
    ("bound_share", "share of the bound", ""),
    ("bound_next", "next bound", ""),
    ("bound_margin", "next bound once better", "×"),
    ("memory_per_accelerator", "memory of a device", "bytes"),
    ("relative_half_width", "half-width of the interval, share", ""),
    ("provenance", "known", ""),
    ("basis", "known from", ""),
    ("here", "of this machine", ""),
    ("median_abs_pct_error", "median error", "%"),
    ("p90_abs_pct_error", "nine in ten err less than", "%"),
    ("bias_pct", "bias", "%"),
    ("coverage_90", "inside the 90 % interval, share", ""),
    ("interval_width_pct", "width of the interval", "%"),
    ("scored", "predicted", ""),
    ("memory_gib_per_accelerator", "memory of a device", "GiB"),
    ("on_demand_usd_h", "on demand", "USD/h"),
    ("on_demand_usd_h_per_accelerator", "a device on demand", "USD/h"),
    ("spot_usd_h", "spot", "USD/h"),
    ("age_days", "age of the price", "days"),
    ("ttft", "time to first token", "s"),
    ("tpot", "time per output token", "s"),
    ("e2e", "end to end", "s"),
    ("utilisation", "busy, share", ""),
    ("goodput_share", "good answers, share", ""),
    ("refused_share", "refused, share", ""),
    ("keeps_up", "keeps up", ""),
    ("prefix_hit_share", "prompt tokens found in the cache, share", ""),
    ("cache_peak_share", "most of the cache in use, share", ""),
    ("hybrid_share", "computed beforehand, share", ""),
    ("api", "the same by an API", "USD/h"),
    ("api_break_even", "load from which the fleet pays", "requests/s"),
    ("capacity_after_loss", "capacity after a loss", "requests/s"),
    ("output_tokens", "tokens written", "1/s"),
    ("input_tokens", "tokens read", "1/s"),
    ("cost_per_million_predictions", "cost of a million answers", "USD"),
    ("cost_per_million_good", "cost of a million good answers", "USD"),
    ("cost_per_million_tokens", "cost of a million tokens", "USD"),
    ("cost_per_million_input_tokens", "cost of a million tokens read", "USD"),
    ("cost_per_million_output_tokens", "cost of a million tokens written", "USD"),
    ("cost_per_million_at_capacity", "cost of a million answers at capacity", "USD"),
    ("carbon_per_million_predictions", "carbon of a million answers", "kg"),
    ("cost_per_hour", "cost of an hour", "USD"),
    ("cost_per_day", "cost of a day", "USD"),
    ("cost_per_month", "cost of a month", "USD"),
];

/// Endings that tell the unit, the longest first.
const UNITS: &[(&str, &str)] = &[
    ("_requests_per_s", "requests/s"),
    ("_usd_per_hour", "USD/h"),
    ("_bytes", "bytes"),
    ("_per_s", "1/s"),
    ("_usd", "USD"),
    ("_kg", "kg"),
    ("_s", "s"),
];

/// Parts of an estimate or a probability, as columns end, with their words.
const PARTS: &[(&str, &str)] = &[
    ("_mean", ""),
    ("_probability", ""),
    ("_lo", "low end"),
    ("_hi", "high end"),
    ("_p50", "half of the runs"),
    ("_p90", "nine runs in ten"),
];

/// The name of a figure without the part of its estimate: `cost_usd` of `cost_usd_mean`.
#[must_use]
pub fn stem(column: &str) -> &str {
    PARTS.iter().find_map(|(part, _)| column.strip_suffix(part)).unwrap_or(column)
}

/// A column in words.
#[must_use]
pub fn heading(column: &str) -> Heading {
    let figure = stem(column);
    let part = PARTS.iter().find(|(end, _)| figure.len() < column.len() && column.ends_with(end));
    let mut heading = match figure.strip_prefix("ledger_").and_then(|rest| rest.strip_suffix("_usd")) {
        Some(item) => Heading { words: format!("bill: {}", item.replace('_', " ")), unit: "USD" },
        None => of_figure(figure),
    };
    if let Some((_, words)) = part.filter(|(_, words)| !words.is_empty()) {
        heading.words = format!("{}, {words}", heading.words);
    }
    heading
}

fn of_figure(figure: &str) -> Heading {
    // A percentile stands behind the name: `ttft_s_p99`.
    let (plain, percentile) = match figure.rsplit_once("_p") {
        Some((plain, digits)) if digits.parse::<u32>().is_ok() => (plain, format!(" p{digits}")),
        _ => (figure, String::new()),
    };
    let exact = |name: &str| WORDS.iter().find(|(known, ..)| *known == name);
    let ending = UNITS.iter().find_map(|(end, unit)| Some((plain.strip_suffix(end)?, *unit)));
    let (words, unit) = match (exact(plain), ending) {
        (Some((_, words, unit)), _) => ((*words).to_owned(), *unit),
        (None, Some((name, unit))) => match exact(name) {
            Some((_, words, unit)) => ((*words).to_owned(), *unit),
            None => (name.replace('_', " "), unit),
        },
        (None, None) => (plain.replace('_', " "), ""),
    };
    Heading { words: words + &percentile, unit }
}

/// Texts, counts, and what the scenario states.
const STATED: &[&str] = &[
    "fleet",
    "recommended",
    "reason",
    "instance",
    "accelerator",
    "purchase",
    "region",
    "mode",
    "hosting",
    "steps",
    "samples",
    "replications",
    "relative_half_width",
    "demand_requests_per_s",
    "provenance",
    "basis",
    "warnings",
];
/// What rests on data sheets alone, whatever the step times rest on.
const SHEETS: &[&str] = &["feasible", "layout", "memory_per_accelerator_bytes", "cache_tokens"];
/// What is a word about other figures, whose marks stand there.
const UNMARKED: &[&str] = &["fleet", "recommended", "reason", "provenance", "basis", "warnings"];

/// How the figure of a column is known in a row; `None` for words that are no figure.
#[must_use]
pub fn known(row: &Row, column: &str) -> Option<Known> {
    let figure = stem(column);
    if UNMARKED.contains(&figure) {
        return None;
    }
    if STATED.contains(&figure)
        || (figure == "instances" && row.serving.is_none())
        || figure == "accelerators"
    {
        return Some(Known::Stated);
    }
    let priced = if row.purchase == Purchase::Owned { None } else { Some(Provenance::Catalog) };
    if figure == "price_usd_per_hour" {
        return Some(priced.map_or(Known::Stated, Known::Made));
    }
    if SHEETS.contains(&figure) {
        return Some(Known::Made(Provenance::Catalog));
    }
    let steps = row.provenance?;
    let also = match figure {
        "failure_share" | "interruptions" => Some(Provenance::Catalog),
        name if name.starts_with("carbon") => Some(Provenance::Assumed),
        "rank" | "pareto" | "budget_met" => priced,
        name if name.starts_with("cost_") || name.starts_with("ledger_") || name.starts_with("api_") => {
            priced
        }
        _ => None,
    };
    Some(Known::Made(also.map_or(steps, |also| steps.max(also))))
}

/// The metric whose explanation tells of a column; `None` where the column speaks for itself.
#[must_use]
pub fn metric(column: &str) -> Option<&str> {
    let figure = stem(column);
    let other = match figure {
        "recommended" => "rank",
        "reason" => "feasible",
        "instance" | "fleet" | "warnings" => return None,
        "accelerator" => "accelerators",
        "purchase" | "region" => "price",
        "basis" => "provenance",
        "bound_share" | "bound_next" | "bound_margin" => "bound",
        "peak_machines" => "mean_machines",
        "api_usd_per_hour" | "api_break_even_requests_per_s" => "api",
        name if name.starts_with("ledger_") => "ledger",
        name => name,
    };
    known_metric(other).is_ok().then_some(other)
}

#[cfg(test)]
mod tests {
    use crate::report::flat_table;
    use crate::study::Comparison;

    use super::*;

    fn columns() -> Vec<String> {
        // Any workload that is not training has the columns of both.
        flat_table(&Comparison::default()).columns.into_iter().map(|column| column.name).collect()
    }

    #[test]
    fn every_column_has_words_of_its_own_and_a_metric_where_it_is_a_figure() {
        let columns = columns();
        assert!(columns.len() > 100, "{}", columns.len());
        let mut seen: Vec<String> = Vec::new();
        for column in &columns {
            let text = heading(column).text();
            assert!(!text.contains('_'), "{column}: {text}");
            assert!(!seen.contains(&text), "{column}: {text} stands twice");
            seen.push(text);
            let own = ["fleet", "instance", "warnings"].contains(&column.as_str());
            assert_eq!(metric(column).is_none(), own, "{column}");
        }
    }

    #[test]
    fn units_and_parts_are_told() {
        for (column, text) in [
            ("time_s_mean", "time, s"),
            ("cost_usd_lo", "cost, low end, USD"),
            ("ttft_s_p99_mean", "time to first token p99, s"),
            ("capacity_requests_per_s_mean", "capacity, requests/s"),
            ("memory_per_accelerator_bytes", "memory of a device, bytes"),
            ("ledger_parameter_servers_usd", "bill: parameter servers, USD"),
            ("deadline_met_probability", "deadline kept"),
        ] {
            assert_eq!(heading(column).text(), text);
        }
    }
}
