//! What matters: every number of a scenario a fifth lower and a fifth higher, and what becomes of the fleet that was
//! recommended and of the recommendation.

use std::path::Path;

use crate::catalog::Catalog;
use crate::document::{Node, Reader, Resolved, Value, apply_override, load};
use crate::engine::Cancel;
use crate::scenario::{registry_of, resolve};
use crate::steptime::StepTimes;

use super::progress::{Progress, Watch};
use super::result::{Comparison, Row};
use super::{Options, StudyError, run};

/// How far each number is moved.
pub const SWING: f64 = 0.2;
/// Most numbers moved.
const MOST: usize = 60;
/// A change of the score below this share is none.
const LEAST: f64 = 1e-3;
/// Tables and keys that say what is wanted, or how to compute, and not what is.
const NOT_INPUTS: &[&str] = &["format", "name", "description", "seed", "objective.", "fleet"];

/// One end of a swing.
#[derive(Clone, Debug, PartialEq)]
pub struct SwingEnd {
    /// The value tried, as TOML.
    pub value: String,
    /// What the fleet that was recommended comes to; `None` when it cannot run or is not priced any more.
    pub score: Option<f64>,
    /// The fleet recommended then.
    pub recommended: Option<String>,
}

/// One number moved both ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Swing {
    /// Its key path.
    pub key: String,
    /// The value of the scenario, as TOML.
    pub value: String,
    /// A fifth lower; `None` when the scenario refuses it.
    pub low: Option<SwingEnd>,
    /// A fifth higher.
    pub high: Option<SwingEnd>,
}

/// Every number that matters, the most important first.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensitivity {
    /// The fleet that the scores are of.
    pub fleet: String,
    /// What the score is, with its unit.
    pub measure: &'static str,
    /// The score of the scenario as it stands.
    pub base: f64,
    /// The numbers.
    pub swings: Vec<Swing>,
    /// Numbers moved without any effect.
    pub without_effect: usize,
}

impl Swing {
    /// The greater change of the score, as a share of `base`.
    #[must_use]
    pub fn reach(&self, base: f64) -> f64 {
        let change = |end: &Option<SwingEnd>| {
            end.as_ref().and_then(|end| end.score).map_or(0.0, |score| (score / base - 1.0).abs())
        };
        change(&self.low).max(change(&self.high))
    }

    /// Whether another fleet is recommended at either end.
    #[must_use]
    pub fn flips(&self, fleet: &str) -> bool {
        let other = |end: &Option<SwingEnd>| {
            end.as_ref().is_some_and(|end| end.recommended.as_deref() != Some(fleet))
        };
        other(&self.low) || other(&self.high)
    }
}

/// Moves every number of the scenario in `root`; `None` when nothing is recommended as it stands.
///
/// # Errors
/// Cancelled, or no threads.
pub fn sensitivity(
    root: &Node,
    folder: Option<&Path>,
    (catalog, step_times): (&Catalog, &StepTimes),
    options: &Options,
    cancel: &Cancel,
    watch: &dyn Watch,
) -> Result<Option<Sensitivity>, StudyError> {
    let compared = |root: &Node| -> Result<Option<Comparison>, StudyError> {
        let Ok(scenario) = resolve(root, catalog, folder) else { return Ok(None) };
        match run(&scenario, catalog, step_times, options, cancel, &()) {
            Ok(comparison) => Ok(Some(comparison)),
            Err(StudyError::Cancelled) => Err(StudyError::Cancelled),
            Err(StudyError::Threads(fault)) => Err(StudyError::Threads(fault)),
            Err(_) => Ok(None),
        }
    };
    let Some(base) = compared(root)? else { return Ok(None) };
    let Some(fleet) = base.recommended.clone() else { return Ok(None) };
    let measure = if base.workload == "training" { "USD a run" } else { "USD a month" };
    let Some(standing) = score(&base, &fleet) else { return Ok(None) };
    let numbers = numbers(root);
    let planned = 2 * numbers.len() as u64;
    let mut swings = Vec::new();
    for (index, (key, value)) in numbers.into_iter().enumerate() {
        let end = |factor: f64| -> Result<Option<SwingEnd>, StudyError> {
            let Some(value) = moved(&value, factor) else { return Ok(None) };
            let mut changed = root.clone();
            if apply_override(&mut changed, &format!("{key}={value}")).is_err() {
                return Ok(None);
            }
            Ok(compared(&changed)?.map(|comparison| SwingEnd {
                value,
                score: score(&comparison, &fleet),
                recommended: comparison.recommended,
            }))
        };
        let (low, high) = (end(1.0 - SWING)?, end(1.0 + SWING)?);
        swings.push(Swing { key, value, low, high });
        watch.progress(Progress { done: 2 * (index as u64 + 1), planned });
    }
    let moved = swings.len();
    swings.retain(|swing| swing.reach(standing) > LEAST || swing.flips(&fleet));
    swings.sort_by(|left, right| {
        right.reach(standing).total_cmp(&left.reach(standing)).then_with(|| left.key.cmp(&right.key))
    });
    let without_effect = moved - swings.len();
    Ok(Some(Sensitivity { fleet, measure, base: standing, swings, without_effect }))
}

/// Cost of a run, or of a month of service.
fn score(comparison: &Comparison, fleet: &str) -> Option<f64> {
    let row = comparison.rows.iter().find(|row| row.fleet == fleet)?;
    let month = |row: &Row| row.serving.as_ref()?.cost_per_month_usd;
    month(row).or(row.cost_usd).map(|cost| cost.mean).filter(|cost| *cost > 0.0)
}

/// Key paths and values of every number that is an input, those of the document before defaults.
fn numbers(root: &Node) -> Vec<(String, String)> {
    let mut values: Vec<Resolved> = Vec::new();
    Reader::new(root, registry_of(root)).resolved("", &mut values);
    let mut found = Vec::new();
    for value in values {
        if NOT_INPUTS.iter().any(|name| value.path.starts_with(name)) {
            continue;
        }
        let stated = usize::from(value.origin == "default");
        match load("value", &format!("value = {}", value.value))
            .ok()
            .as_ref()
            .and_then(|root| root.get("value"))
        {
            Some(entry) => leaves(&entry.node, &value.path, stated, &mut found),
            None => continue,
        }
    }
    found.sort_by_key(|(stated, ..)| *stated);
    found.truncate(MOST);
    found.into_iter().map(|(_, path, value)| (path, value)).collect()
}

fn leaves(node: &Node, path: &str, stated: usize, found: &mut Vec<(usize, String, String)>) {
    match &node.value {
        Value::Table(entries) => {
            for entry in entries {
                leaves(&entry.node, &format!("{path}.{}", entry.key), stated, found);
            }
        }
        value => {
            let text = value.to_toml();
            if moved(&text, 1.0 + SWING).is_some() {
                found.push((stated, path.to_owned(), text));
            }
        }
    }
}

/// A number or quantity times a factor, as TOML; `None` for anything else, and for what would not change.
fn moved(value: &str, factor: f64) -> Option<String> {
    let plain = value.trim();
    let moved = if let Ok(count) = plain.parse::<i64>() {
        let changed = (count as f64 * factor).round();
        let changed = if changed == count as f64 { changed + (factor - 1.0).signum() } else { changed };
        (count > 0 && changed > 0.0).then(|| format!("{changed}"))?
    } else if let Ok(number) = plain.parse::<f64>() {
        (number.is_finite() && number != 0.0).then(|| format!("{:?}", number * factor))?
    } else {
        let text = plain.strip_prefix('"')?.strip_suffix('"')?;
        let end = text
            .find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | '_')))
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let number: f64 = number.replace('_', "").parse().ok()?;
        let unit = unit.trim();
        (number != 0.0 && unit.starts_with(|letter: char| letter.is_alphabetic() || letter == '%'))
            .then(|| format!("\"{} {unit}\"", number * factor))?
    };
    Some(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_quantities_move_and_words_do_not() {
        let told = |value: &str, factor: f64| moved(value, factor);
        assert_eq!(told("10", 1.2).as_deref(), Some("12"));
        assert_eq!(told("1", 0.8), None, "a count of one has no lower neighbour");
        assert_eq!(told("2", 1.2).as_deref(), Some("3"));
        assert_eq!(told("0.5", 0.8).as_deref(), Some("0.4"));
        assert_eq!(told("\"16 h\"", 0.5).as_deref(), Some("\"8 h\""));
        for word in ["\"poisson\"", "\"bf16\"", "true", "[1, 2]", "…", "0", "\"0 s\"", "\"\""] {
            assert_eq!(told(word, 1.2), None, "{word}");
        }
    }
}
