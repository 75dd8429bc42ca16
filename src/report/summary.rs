//! What stands below the table: verdict, flip points, bounds with actions, pay-back, cadence, warnings, assumptions.

use crate::study::{Comparison, Row};
use crate::units::{Bytes, Seconds, Significant, human_duration};

use super::actions::action;
use super::serving_summary;
use super::table::clean;

/// One part of what stands below the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// Its lines; never empty.
    pub lines: Vec<String>,
}

/// The text below the table.
#[must_use]
pub fn summary(comparison: &Comparison) -> String {
    let mut text = format!("{}\n", clean(&comparison.verdict));
    for section in sections(comparison) {
        text.push_str(&format!("\n{}\n", section.title));
        section.lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    text
}

/// Its parts after the verdict.
#[must_use]
pub fn sections(comparison: &Comparison) -> Vec<Section> {
    let rows = &comparison.rows;
    let serving = |lines: fn(&Comparison) -> Vec<String>| {
        if comparison.workload == "inference" { lines(comparison) } else { Vec::new() }
    };
    let all = [
        ("What would change this", comparison.flips.iter().map(|flip| clean(&flip.sentence)).collect()),
        ("What limits each bound, and what to do", bounds(comparison)),
        ("Fleets", serving(serving_summary::fleets)),
        ("Models of each fleet", serving(serving_summary::models)),
        ("Against hosted models", serving(serving_summary::hosted)),
        ("How much to compute beforehand", serving(serving_summary::splits)),
        ("Layouts", rows.iter().filter_map(layout).collect()),
        ("Records or original files", pay_backs(comparison)),
        ("As a recurring job", rows.iter().filter_map(cadence).collect()),
        ("Mind", warnings(comparison)),
        ("Taken for granted", comparison.assumptions.iter().map(|said| clean(said)).collect()),
    ];
    all.into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(title, lines)| Section { title, lines })
        .collect()
}

/// One line per bound that occurs, with the fleets that it holds.
fn bounds(comparison: &Comparison) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    for row in &comparison.rows {
        if let Some(bound) = &row.bound
            && !names.contains(&bound.name.as_str())
        {
            names.push(&bound.name);
        }
    }
    names.sort_unstable();
    names
        .into_iter()
        .map(|name| {
            let held: Vec<String> = comparison
                .rows
                .iter()
                .filter(|row| row.bound.as_ref().is_some_and(|bound| bound.name == name))
                .map(|row| clean(&row.fleet))
                .collect();
            let action = action(name);
            format!(
                "{name} — {}: {}; not ideal: {} [{}]",
                action.class,
                action.act,
                action.not_ideal,
                held.join(", ")
            )
        })
        .collect()
}

/// The layout of a model that is split, with what it needs and reaches.
fn layout(row: &Row) -> Option<String> {
    let (layout, step) = (row.layout.as_ref().filter(|_| row.split)?, row.step_s?);
    let memory =
        row.memory_per_accelerator_bytes.map_or_else(String::new, |bytes| format!(", {}", Bytes(bytes)));
    let reached = row.mfu.map_or_else(String::new, |mfu| {
        format!(", {} % of the peak reached", Significant((mfu.mean * 100.0).round(), 3))
    });
    Some(format!(
        "{}: {}{memory} a device, step {}{reached}",
        clean(&row.fleet),
        clean(layout),
        human_duration(Seconds(step.mean))
    ))
}

/// One line a fleet, or one for all where converting pays on none.
fn pay_backs(comparison: &Comparison) -> Vec<String> {
    let conversions: Vec<_> = comparison.rows.iter().filter_map(|row| row.conversion.as_ref()).collect();
    let none_pays = conversions
        .iter()
        .all(|conversion| conversion.pay_back_epochs.is_none() && conversion.saved_s_per_epoch <= 0.0);
    if none_pays && conversions.len() > 1 {
        return vec!["converting never pays, on no fleet: the input is not what bounds".to_owned()];
    }
    comparison.rows.iter().filter_map(pay_back).collect()
}

fn pay_back(row: &Row) -> Option<String> {
    let conversion = row.conversion.as_ref()?;
    let name = clean(&row.fleet);
    let job = human_duration(Seconds(conversion.time_s));
    let cost = conversion
        .cost_usd
        .map_or_else(|| "an unknown sum".to_owned(), |cost| format!("{} USD", Significant(cost, 3)));
    Some(match (conversion.pay_back_epochs, conversion.saved_s_per_epoch > 0.0) {
        (Some(epochs), _) => format!(
            "{name}: converting takes {job} and {cost}; records save {} an epoch: paid back in money after {} epochs, in time after {}",
            human_duration(Seconds(conversion.saved_s_per_epoch)),
            Significant(epochs, 2),
            Significant(conversion.time_s / conversion.saved_s_per_epoch, 2)
        ),
        (None, true) => {
            format!("{name}: converting takes {job} and {cost}; the pay-back is unknown without prices")
        }
        (None, false) => {
            format!("{name}: converting ({job}, {cost}) never pays: the input is not what bounds")
        }
    })
}

fn cadence(row: &Row) -> Option<String> {
    let recurring = row.recurring.as_ref()?;
    let mut line = clean(&row.fleet);
    line.push_str(": ");
    if let (Some(day), Some(month)) = (recurring.cost_per_day_usd, recurring.cost_per_month_usd) {
        line.push_str(&format!(
            "{} USD a day, {} a month; ",
            Significant(day.mean, 3),
            Significant(month.mean, 3)
        ));
    }
    let fits = Significant((100.0 * recurring.fits.probability).round(), 3);
    let most = Significant(recurring.most_runs_per_day, 2);
    line.push_str(&if row.serving.is_some() {
        format!("it fits between two runs with {fits} %; at the time that nine runs in ten stay under, {most} runs a day are possible")
    } else {
        format!("train, test and deploy fit with {fits} %; the machines can do {most} runs a day")
    });
    if let Some(gain) = recurring.gain_per_run_usd {
        line.push_str(&format!("; a run gains {} USD", Significant(gain, 3)));
    }
    if let Some(runs) = recurring.break_even_runs_per_day {
        line.push_str(&format!("; runs pay up to {} a day, if a model ages linearly", Significant(runs, 2)));
    }
    Some(line)
}

fn warnings(comparison: &Comparison) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for row in &comparison.rows {
        let mut said: Vec<String> = row.warnings.iter().map(|warning| clean(warning)).collect();
        if let Some(reason) = &row.reason {
            said.push(clean(reason));
        }
        if !said.is_empty() {
            lines.push(format!("{}: {}", clean(&row.fleet), said.join("; ")));
        }
    }
    lines
}
