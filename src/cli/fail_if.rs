//! `--fail-if`: a figure, a comparison, a number.

use crate::document::nearest;
use crate::report::{Cell, Table, numeric_columns};

use super::exit::{Failure, Status};

/// A threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    column: String,
    less: bool,
    or_equal: bool,
    value: f64,
    text: String,
}

/// Figures that stand for one of their columns.
const SHORT: &[(&str, &str)] = &[
    ("time_s", "time_s_mean"),
    ("cost_usd", "cost_usd_mean"),
    ("samples_per_s", "samples_per_s_mean"),
    ("mfu", "mfu_mean"),
    ("stall_share", "stall_share_mean"),
    ("checkpoint_share", "checkpoint_share_mean"),
    ("failure_share", "failure_share_mean"),
    ("carbon_kg", "carbon_kg_mean"),
    ("capacity_requests_per_s", "capacity_requests_per_s_mean"),
    ("requests_per_s", "requests_per_s_mean"),
    ("output_tokens_per_s", "output_tokens_per_s_mean"),
    ("goodput_share", "goodput_share_mean"),
    ("utilisation", "utilisation_mean"),
    ("cost_per_million_tokens_usd", "cost_per_million_tokens_usd_mean"),
    ("cost_per_million_predictions_usd", "cost_per_million_predictions_usd_mean"),
    ("ttft_s_p99", "ttft_s_p99_mean"),
    ("tpot_s_p99", "tpot_s_p99_mean"),
    ("latency_s_p99", "latency_s_p99_mean"),
    ("targets_met", "targets_met_probability"),
    ("deadline_met", "deadline_met_probability"),
    ("budget_met", "budget_met_probability"),
];

impl Threshold {
    /// Reads `column > number`.
    ///
    /// # Errors
    /// A usage failure when it is no such thing.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |why: String| {
            Failure::plain(Status::Usage, "usage", format!("--fail-if `{text}`: {why}"))
                .suggest("write it like `cost_usd > 500`")
        };
        let at = text.find(['<', '>']).ok_or_else(|| wrong("there is no < or >".to_owned()))?;
        let or_equal = text[at + 1..].starts_with('=');
        let number = text[at + 1 + usize::from(or_equal)..].trim();
        let value: f64 = number.parse().map_err(|_| wrong(format!("`{number}` is not a number")))?;
        if value.is_nan() {
            return Err(wrong("a comparison with NaN is never true".to_owned()));
        }
        let name = text[..at].trim();
        let column = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, column)| column);
        known(column)?;
        Ok(Self {
            column: column.to_owned(),
            less: text[at..].starts_with('<'),
            or_equal,
            value,
            text: text.to_owned(),
        })
    }

    /// Fleets for which it is true; fleets that cannot run, and unknown figures, never are.
    pub fn crossed(&self, table: &Table) -> Vec<String> {
        let Some(column) = table.column(&self.column) else { return Vec::new() };
        let fleets = table.column("fleet").map(|column| column.cells.clone()).unwrap_or_default();
        let crossed = column.cells.iter().zip(&fleets).filter_map(|(cell, fleet)| {
            let value = match cell {
                Cell::Number(value) => *value,
                Cell::Integer(value) => *value as f64,
                _ => return None,
            };
            let strictly = if self.less { value < self.value } else { value > self.value };
            (strictly || (self.or_equal && value == self.value)).then(|| fleet.exact())
        });
        crossed.collect()
    }

    /// As typed.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Whether a figure can be compared with a number.
fn known(name: &str) -> Result<(), Failure> {
    let figures = numeric_columns();
    if figures.iter().any(|figure| figure == name) {
        return Ok(());
    }
    let names = SHORT.iter().map(|(short, _)| *short).chain(figures.iter().map(String::as_str));
    let failure = Failure::plain(Status::Usage, "usage", format!("--fail-if: there is no figure `{name}`"));
    Err(match nearest(name, names) {
        Some(near) => failure.suggest(format!("did you mean `{near}`?")),
        None => failure.suggest("figures are the numeric columns of --format csv"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_finds_the_fleets_that_cross_it() {
        let mut table = Table::default();
        table.push("fleet", [Cell::from("a"), Cell::from("b"), Cell::from("c")]);
        table.push("cost_usd_mean", [Cell::from(400.0), Cell::from(600.0), Cell::Null]);
        let crossed = |text: &str| Threshold::parse(text).unwrap().crossed(&table);
        assert_eq!(crossed("cost_usd > 500"), ["b"]);
        assert_eq!(crossed("cost_usd_mean<=400"), ["a"]);
        assert!(Threshold::parse("cost_usd = 5").is_err());
        assert!(Threshold::parse("cost > 5").is_err());
        assert!(Threshold::parse("fleet > 5").is_err());
    }
}
