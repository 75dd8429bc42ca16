//! The shipped step-time tables are what their observations give.

use std::fs;
use std::path::Path;

use capplan::catalog::{Accelerator, AcceleratorKind, Catalog, Model, Precision, Provenance};
use capplan::steptime::{
    Coefficients, HeldOut, Hidden, Observation, Refit, Regression, SoftwareStack, StepQuery, StepTimes,
};

/// Set it to write `assets/profiles` anew.
const WRITE: &str = "CAPPLAN_WRITE_PROFILES";

const STEPS_HEADER: &str = "# Step times of training, format 1: ln(samples per second of one device) = offset + sum of multiplier x coefficient[key],
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

/// Every model on every device, or the reason why not.
#[test]
fn every_step_time_of_the_catalog_is_positive_or_has_a_reason() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    let mut known = 0;
    for model in catalog.models.values() {
        for accelerator in catalog.accelerators.values().filter(|device| device.kind != AcceleratorKind::Cpu)
        {
            for (devices, batch) in [(1, 1.0), (8, 64.0), (16, 1e6)] {
                let query = StepQuery { devices, micro_batch: batch, ..query(model, Some(accelerator)) };
                let Ok(time) = times.device_time(&catalog, &query) else { continue };
                known += 1;
                let parts = [time.compute, time.host_overhead, time.exposed_inside];
                assert!(time.compute.0 > 0.0 && parts.iter().all(|part| part.0.is_finite() && part.0 >= 0.0));
                assert!(time.log_error > 0.0 && time.log_error < 1.5, "{time:?}");
            }
        }
    }
    assert!(known > 5000, "{known}");
}

fn query<'a>(model: &'a Model, accelerator: Option<&'a Accelerator>) -> StepQuery<'a> {
    StepQuery {
        model,
        accelerator,
        vcpus: 8.0,
        cpu: None,
        precision: Precision::Bf16,
        optimizer: "adam",
        software: SoftwareStack::Reference,
        micro_batch: 32.0,
        gradient_accumulation: 1.0,
        devices: 8,
        fabric: "nvlink-v4",
        across: None,
    }
}

#[test]
fn evidence_decides_how_sure_a_step_time_is() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    let ask = |model: &str, accelerator: &str| {
        let query = query(catalog.model(model).unwrap(), Some(catalog.accelerator(accelerator).unwrap()));
        times.device_time(&catalog, &query).unwrap()
    };
    let seen = ask("resnet-50", "V100-SXM2-16GB");
    let device_new_to_model = ask("mask-rcnn", "RTX-3090");
    let foreign = ask("resnet-50", "TPU-v4");
    let model_unseen = ask("gpt-small", "A100-SXM-80GB");
    assert_eq!(seen.provenance, Provenance::Published);
    for time in [&device_new_to_model, &foreign, &model_unseen] {
        assert_eq!(time.provenance, Provenance::Extrapolated);
        assert!(time.log_error > seen.log_error);
    }
    assert!(seen.basis.contains("resnet-50 on V100-SXM2-16GB"), "{}", seen.basis);
}

#[test]
fn a_device_without_a_peak_has_no_step_time() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    let mut device = catalog.accelerator("A100-SXM-80GB").unwrap().clone();
    device.peaks.half = None;
    let query = query(catalog.model("resnet-50").unwrap(), Some(&device));
    let reason = times.device_time(&catalog, &query).unwrap_err().to_string();
    assert_eq!(reason, "no step time: the 16-bit peak of A100-SXM-80GB is not known");
}

#[test]
fn accumulation_adds_steps_and_more_of_them_hide_the_exchange() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    let device = catalog.accelerator("A100-SXM-80GB").unwrap();
    let base = query(catalog.model("bert-large").unwrap(), Some(device));
    let once = times.device_time(&catalog, &base).unwrap();
    let often = times.device_time(&catalog, &StepQuery { gradient_accumulation: 8.0, ..base }).unwrap();
    assert!(often.total().0 > 6.0 * once.total().0 && often.total().0 <= 8.0 * once.total().0);
    assert!(often.exposed_inside.0 < 8.0 * once.exposed_inside.0);
}

#[test]
fn processors_train_slowly_and_say_so() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    let model = catalog.model("resnet-50").unwrap();
    let small = times.device_time(&catalog, &StepQuery { devices: 1, ..query(model, None) }).unwrap();
    let large =
        times.device_time(&catalog, &StepQuery { devices: 1, vcpus: 64.0, ..query(model, None) }).unwrap();
    assert!((small.total().0 / large.total().0 - 8.0).abs() < 1e-9);
    assert_eq!((small.provenance, small.log_error), (Provenance::Extrapolated, 0.6));
    let nothing = StepQuery { vcpus: 0.0, ..query(model, None) };
    assert!(times.device_time(&catalog, &nothing).is_err());
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn the_shipped_tables_are_read_in_five_milliseconds() {
    let fastest = (0..5)
        .map(|_| {
            let began = std::time::Instant::now();
            StepTimes::embedded().unwrap();
            began.elapsed()
        })
        .min()
        .unwrap();
    assert!(fastest.as_millis() < 5, "{fastest:?}");
}

/// What a device and a model never measured would have cost in error: figures for the record.
#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn leaving_out_more_costs_more() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    let rows = Observation::shipped().unwrap();
    let median = |hidden: Hidden| {
        let mut held_out = HeldOut::shipped(&times, &catalog, hidden).unwrap();
        let mut errors: Vec<f64> = rows
            .iter()
            .map(|row| {
                let rate = held_out.rate(&row.setting(&catalog).unwrap()).unwrap();
                (rate.samples_per_second / row.samples_per_s - 1.0).abs() * 100.0
            })
            .collect();
        errors.sort_by(f64::total_cmp);
        let median = errors[errors.len() / 2];
        println!("hidden: {hidden:?}: median error by row {median:.1} %");
        median
    };
    let (device, model) = (median(Hidden::Accelerator), median(Hidden::Model));
    assert!(device <= 16.0 && model <= 28.0 && device < model);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn a_fit_never_reads_the_values_it_leaves_out() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    let honest = Observation::shipped().unwrap();
    let left_out = |accelerator: &str, model: &str| accelerator == "A100-SXM-80GB" && model == "bert-large";
    let mut forged = honest.clone();
    for row in forged.iter_mut().filter(|row| left_out(&row.accelerator, &row.model)) {
        row.samples_per_s *= 17.0;
    }
    let fit = |rows: &[Observation]| {
        Regression::new(&times, &catalog, rows).unwrap().fit_without(left_out).unwrap()
    };
    assert_eq!(fit(&honest), fit(&forged));
    assert_ne!(honest, forged);
}
