//! Published steps and memory of transformers, each predicted without any measurement of its pair of device and model.

use std::collections::BTreeMap;

use capplan::catalog::Catalog;
use capplan::steptime::StepTimes;
use capplan::validate::{ObservationSource, Report, TransformerFitted, validate};

use super::reference_file;

fn report(source: ObservationSource) -> Report {
    let (catalog, steps) = (Catalog::read(&[]).unwrap(), StepTimes::embedded().unwrap());
    validate(&catalog, &steps, &[source]).unwrap()
}

fn public() -> Option<Report> {
    reference_file("training_observations.csv").map(|path| report(ObservationSource::File(path)))
}

/// Median and 90th percentile of errors in percent, each weight group counting once.
fn errors(report: &Report, keeps: impl Fn(&str, &str) -> bool) -> (usize, f64, f64) {
    let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in report.rows.iter().filter(|row| keeps(&row.category, &row.metric)) {
        if let Some(error) = row.abs_pct_error {
            groups.entry(row.weight_group.clone()).or_default().push(error);
        }
    }
    let mut weighted: Vec<(f64, f64)> = groups
        .values()
        .flat_map(|errors| errors.iter().map(|error| (*error, 1.0 / errors.len() as f64)))
        .collect();
    weighted.sort_by(|left, right| left.0.total_cmp(&right.0));
    let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
    let quantile = |share: f64| {
        let mut before = 0.0;
        let found = weighted.iter().find(|(_, weight)| {
            before += weight;
            before >= share * total
        });
        found.or(weighted.last()).map_or(f64::NAN, |(error, _)| *error)
    };
    (groups.len(), quantile(0.5), quantile(0.9))
}

const RATES: [&str; 5] = ["tokens_s_per_acc", "samples_s", "tflops_per_acc", "step_time_s", "mfu"];

#[test]
fn left_out_steps_of_language_models_are_within_the_bar() {
    let Some(report) = public() else { return };
    let of = |categories: &[&str]| {
        errors(&report, |category, metric| categories.contains(&category) && RATES.contains(&metric))
    };
    let (groups, median, ninetieth) = of(&["llm", "moe"]);
    println!("transformers: {groups} groups, median {median:.1} %, 90th percentile {ninetieth:.1} %");
    assert!(groups > 150 && median <= 10.0 && ninetieth <= 30.0);
    let (groups, median, ninetieth) = of(&["llm", "moe", "vision", "nlp", "recsys", "diffusion"]);
    println!("all: {groups} groups, median {median:.1} %, 90th percentile {ninetieth:.1} %");
    assert!(median <= 10.0 && ninetieth <= 30.0);
}

#[test]
fn published_memory_is_within_the_bar() {
    let Some(report) = public() else { return };
    let (groups, median, _) = errors(&report, |_, metric| metric == "mem_gb_per_acc");
    println!("memory: {groups} groups, median {median:.1} %");
    assert!(groups >= 6 && median <= 8.0);
}

#[test]
fn the_shipped_profile_is_the_fit_of_the_shipped_table() {
    let catalog = Catalog::read(&[]).unwrap();
    let fitted = TransformerFitted::shipped(&catalog).unwrap();
    let shipped = include_str!("../../assets/profiles/transformer-steps.csv");
    assert_eq!(
        fitted.fit.profile().to_csv(),
        shipped,
        "run: capplan calibrate fit --out assets/profiles --force"
    );
}

#[test]
fn steps_on_a_device_that_was_never_measured_are_within_the_bar() {
    let catalog = Catalog::read(&[]).unwrap();
    let fit = TransformerFitted::shipped(&catalog).unwrap().fit;
    let mut devices: Vec<&str> = fit.pairs().map(|(device, _)| device).collect();
    devices.sort_unstable();
    devices.dedup();
    let mut medians = Vec::new();
    for device in devices {
        let residuals = fit.left_out(|other, _| other == device).unwrap();
        let mut sizes: Vec<f64> = residuals.iter().map(|residual| (residual.exp() - 1.0).abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let median = sizes[sizes.len() / 2];
        println!("{device}: {} rows, median {:.1} %", sizes.len(), median * 100.0);
        medians.push(median);
    }
    medians.sort_by(f64::total_cmp);
    let median = medians[medians.len() / 2];
    println!("median over {} devices: {:.1} %", medians.len(), median * 100.0);
    assert!(median <= 0.15);
}

/// Ranks of values, ties sharing theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let below = |value: f64| values.iter().filter(|other| **other < value).count() as f64;
    let equal = |value: f64| values.iter().filter(|other| **other == value).count() as f64;
    values.iter().map(|value| below(*value) + (equal(*value) - 1.0) / 2.0).collect()
}

fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (of_left, of_right) = (mean(left), mean(right));
    let product: f64 = left.iter().zip(right).map(|(l, r)| (l - of_left) * (r - of_right)).sum();
    let square = |values: &[f64], mean: f64| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    product / (square(left, of_left) * square(right, of_right)).sqrt()
}

/// Layouts of one job on one machine, best to worst: the order that a planner acts on.
#[test]
fn layouts_of_one_job_are_ranked_as_measured() {
    let Some(path) = reference_file("training_observations.csv") else { return };
    let report = report(ObservationSource::File(path.clone()));
    let predicted: BTreeMap<&str, f64> =
        report.rows.iter().filter_map(|row| Some((row.id.as_str(), row.predicted?))).collect();
    let mut reader = csv::Reader::from_path(path).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let mut jobs: BTreeMap<Vec<String>, Vec<(f64, f64)>> = BTreeMap::new();
    for record in reader.records().map(Result::unwrap) {
        let text = |name: &str| record.get(column(name)).unwrap().to_owned();
        let prefix = text("id")[..3].to_owned();
        let known =
            ["FND", "TTN", "SMX"].contains(&prefix.as_str()) && RATES.contains(&text("metric").as_str());
        let (true, Some(value)) = (known, predicted.get(text("id").as_str())) else { continue };
        let job =
            ["model", "accelerator", "accelerator_count", "seq_len", "precision", "metric", "fp8_recipe"];
        // Throughput per device of layouts with other batches compares all the same; step times need the tokens.
        let tokens: f64 =
            if text("metric") == "step_time_s" { text("global_batch").parse().unwrap() } else { 1.0 };
        let mut key: Vec<String> = job.iter().map(|name| text(name)).collect();
        key.push(prefix);
        let published: f64 = text("value").parse().unwrap();
        jobs.entry(key).or_default().push((published / tokens, value / tokens));
    }
    let mut found = Vec::new();
    for (job, pairs) in jobs.iter().filter(|(_, pairs)| pairs.len() >= 4) {
        let (published, predicted): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        let rho = correlation(&ranks(&published), &ranks(&predicted));
        println!("{}: {} layouts, rank correlation {rho:.2}", job[..4].join(" "), pairs.len());
        found.push(rho);
    }
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    println!("mean rank correlation over {} jobs: {mean:.2}", found.len());
    assert!(!found.is_empty() && mean >= 0.9);
}
