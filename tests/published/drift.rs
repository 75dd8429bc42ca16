//! The drift gate: what the program predicts of its own observation tables is on record, so that a change is shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use capplan::catalog::Catalog;
use capplan::report::validation_table;
use capplan::steptime::StepTimes;
use capplan::validate::{ObservationSource, Report, validate};

/// Predictions may differ from the record by rounding of its five digits.
const TOLERANCE: f64 = 2e-4;
/// Changes told.
const TOLD: usize = 12;

fn record() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/predictions.csv")
}

/// What reports say of the program's own error.
fn accuracy() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/profiles/accuracy.csv")
}

fn predictions(report: &Report) -> BTreeMap<(String, String), f64> {
    let rows = report.rows.iter();
    rows.filter_map(|row| Some(((row.id.clone(), row.metric.clone()), row.predicted?))).collect()
}

fn text(predictions: &BTreeMap<(String, String), f64>) -> String {
    let mut text = String::from(
        "# What `capplan validate` predicts of the shipped tables. CAPPLAN_RECORD=1 cargo test --release drift writes it anew.\nid,metric,predicted\n",
    );
    for ((id, metric), value) in predictions {
        writeln!(text, "{id},{metric},{value:.4e}").unwrap();
    }
    text
}

#[test]
fn predictions_of_the_shipped_tables_change_only_on_record() {
    let (catalog, steps) = (Catalog::read(&[]).unwrap(), StepTimes::embedded().unwrap());
    let report = validate(&catalog, &steps, &[ObservationSource::Shipped]).unwrap();
    let now = predictions(&report);
    if std::env::var_os("CAPPLAN_RECORD").is_some() {
        fs::write(record(), text(&now)).unwrap();
        fs::write(accuracy(), validation_table(&report).csv()).unwrap();
        return;
    }
    let told = validation_table(&report).csv();
    assert!(
        fs::read_to_string(accuracy()).unwrap() == told,
        "assets/profiles/accuracy.csv tells of other errors; if it should, CAPPLAN_RECORD=1 cargo test --release drift"
    );
    let recorded = fs::read_to_string(record()).unwrap();
    let before: BTreeMap<(String, String), f64> = recorded
        .lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with("id,"))
        .map(|line| {
            let mut cells = line.rsplitn(3, ',');
            let value: f64 = cells.next().unwrap().parse().unwrap();
            let metric = cells.next().unwrap().to_owned();
            ((cells.next().unwrap().to_owned(), metric), value)
        })
        .collect();
    let mut changed: Vec<(f64, &(String, String))> = now
        .iter()
        .map(|(key, value)| (before.get(key).map_or(f64::INFINITY, |known| (value / known - 1.0).abs()), key))
        .filter(|(change, _)| *change > TOLERANCE)
        .collect();
    changed.extend(before.keys().filter(|key| !now.contains_key(*key)).map(|key| (f64::INFINITY, key)));
    changed.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut told = String::new();
    for (change, key) in changed.iter().take(TOLD) {
        let (known, value) = (before.get(*key), now.get(*key));
        writeln!(told, "  {} {}: {known:?} → {value:?} ({:+.2} %)", key.0, key.1, change * 100.0).unwrap();
    }
    assert!(
        changed.is_empty(),
        "{} of {} predictions changed; the largest:\n{told}if they should, CAPPLAN_RECORD=1 cargo test --release drift",
        changed.len(),
        now.len()
    );
}
