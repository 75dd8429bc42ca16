//! A validation report as tables: figures by group, the rows, and the worst of them.

use crate::validate::{Figures, Report, RowReport};

use super::table::{Cell, Table};
use super::terminal::{Width, terminal};

/// Worst rows told.
const WORST: usize = 20;

/// Overall figures, then each group's.
#[must_use]
pub fn validation_table(report: &Report) -> Table {
    let overall = ("all".to_owned(), String::new(), report.overall.clone());
    let groups = report.groups.iter().map(|group| {
        let figures = Figures {
            rows: group.rows,
            scored: group.scored,
            skipped: group.skipped,
            median_abs_pct_error: group.median_abs_pct_error,
            mean_abs_pct_error: group.mean_abs_pct_error,
            p90_abs_pct_error: group.p90_abs_pct_error,
            bias_pct: group.bias_pct,
            coverage_90: group.coverage_90,
            median_interval_width_pct: group.median_interval_width_pct,
        };
        (group.by.to_owned(), group.key.clone(), figures)
    });
    let rows: Vec<(String, String, Figures)> = std::iter::once(overall).chain(groups).collect();
    let mut table = Table::default();
    let mut column = |name: &str, value: &dyn Fn(&(String, String, Figures)) -> Cell| {
        table.push(name, rows.iter().map(value))
    };
    column("by", &|row| row.0.as_str().into());
    column("key", &|row| row.1.as_str().into());
    column("rows", &|row| (row.2.rows as u64).into());
    column("scored", &|row| (row.2.scored as u64).into());
    column("skipped", &|row| (row.2.skipped as u64).into());
    column("median_abs_pct_error", &|row| row.2.median_abs_pct_error.into());
    column("p90_abs_pct_error", &|row| row.2.p90_abs_pct_error.into());
    column("bias_pct", &|row| row.2.bias_pct.into());
    column("coverage_90", &|row| row.2.coverage_90.into());
    column("interval_width_pct", &|row| row.2.median_interval_width_pct.into());
    table
}

/// Every row.
#[must_use]
pub fn validation_rows(report: &Report) -> Table {
    rows_table(&report.rows.iter().collect::<Vec<_>>())
}

fn rows_table(rows: &[&RowReport]) -> Table {
    let mut table = Table::default();
    let mut column =
        |name: &str, value: &dyn Fn(&RowReport) -> Cell| table.push(name, rows.iter().map(|row| value(row)));
    column("id", &|row| row.id.as_str().into());
    column("metric", &|row| row.metric.as_str().into());
    column("published", &|row| row.published.into());
    column("predicted", &|row| row.predicted.into());
    column("lo", &|row| row.lo.into());
    column("hi", &|row| row.hi.into());
    column("abs_pct_error", &|row| row.abs_pct_error.into());
    column("term", &|row| row.term.clone().into());
    column("skipped", &|row| row.skipped.clone().into());
    table
}

/// Why rows were skipped, and the worst of those that were not.
#[must_use]
pub fn validation_text(report: &Report, width: Width) -> String {
    let mut reasons: Vec<(String, usize)> = Vec::new();
    for reason in report.rows.iter().filter_map(|row| row.skipped.as_ref()) {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason.clone(), 1)),
        }
    }
    reasons.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(&right.0)));
    let mut text = String::new();
    if !reasons.is_empty() {
        text.push_str("\nSkipped\n");
        for (reason, count) in reasons.iter().take(WORST) {
            text.push_str(&format!("  {count}: {}\n", super::clean(reason)));
        }
    }
    let mut worst: Vec<&RowReport> = report.rows.iter().filter(|row| row.abs_pct_error.is_some()).collect();
    worst.sort_by(|left, right| {
        right
            .abs_pct_error
            .unwrap_or(0.0)
            .total_cmp(&left.abs_pct_error.unwrap_or(0.0))
            .then(left.id.cmp(&right.id))
    });
    worst.truncate(WORST);
    if !worst.is_empty() {
        let mut table = rows_table(&worst);
        table.columns.retain(|column| column.name != "skipped");
        text.push_str(&format!("\nThe worst {}\n{}", worst.len(), terminal(&table, width)));
    }
    text
}
