//! The shipped step-time tables are what their observations give.

use std::fs;
use std::path::Path;

use capplan::catalog::Catalog;
use capplan::steptime::{Coefficients, Refit, StepTimes};

/// Set it to write `assets/profiles` anew.
const WRITE: &str = "CAPPLAN_WRITE_PROFILES";

const STEPS_HEADER: &str = "# Step times of training on one host, format 1: ln(samples per second of one device) = offset + sum of multiplier x coefficient[key],
# components and offset in src/steptime/{components,factors}.rs. Fitted by src/steptime/regression.rs to assets/observations/training.csv
# (published 2018 to 2025, sources in its rows) with the facts of assets/models and assets/accelerators; fitted 2026-11-24.
# To make it anew: CAPPLAN_WRITE_PROFILES=1 cargo test --release shipped_tables
";
const EVIDENCE_HEADER: &str = "# What the rows of assets/observations/training.csv cover, format 1: slopes of the regression are held to these ranges, and the error
# of a prediction depends on what was seen. Logarithms as in src/steptime/factors.rs; made with training-steps.csv, 2026-11-24.
";

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn shipped_tables_are_what_the_shipped_observations_give() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    let refit = Refit::of_shipped(&times, &catalog).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/profiles");
    let steps = format!("{STEPS_HEADER}{}", refit.steps_csv());
    let evidence = format!("{EVIDENCE_HEADER}{}", refit.evidence_csv().unwrap());
    if std::env::var_os(WRITE).is_some() {
        fs::write(folder.join("training-steps.csv"), &steps).unwrap();
        fs::write(folder.join("training-evidence.csv"), &evidence).unwrap();
        println!("tables written; build again");
        return;
    }
    let shipped = Coefficients::embedded().unwrap();
    assert_eq!(shipped.iter().count(), refit.coefficients.iter().count());
    for (old, new) in shipped.iter().zip(refit.coefficients.iter()) {
        assert_eq!((old.0, old.1), (new.0, new.1));
        assert!((old.2 - new.2).abs() <= 1e-4 * new.2.abs().max(1e-3), "{old:?} {new:?}");
    }
    assert_eq!(fs::read_to_string(folder.join("training-evidence.csv")).unwrap(), evidence);
}
