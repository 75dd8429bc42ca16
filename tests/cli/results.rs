//! Results: the same bytes however they are made, and the laws that money and time obey.

use proptest::prelude::*;

use super::{SMALL, capplan, result, simulate, stdout};

const SPOT: &str = r#"
format = 1
name = "spot"
[objective]
deadline = "100 h"
[workload]
model = "bert-large"
precision = "fp16"
global_batch = 256
samples = 3_000_000
[[fleet]]
name = "one"
instance = "aws/p3.16xlarge"
region = "ca-central-1"
[[fleet]]
name = "spot"
instance = "aws/p3.16xlarge"
region = "ca-central-1"
purchase = "spot"
[[fleet]]
name = "many"
instance = "aws/p3.2xlarge"
count = 8
region = "us-east-1"
"#;

#[test]
fn the_number_of_threads_and_progress_change_no_byte() {
    let one = simulate(SPOT, &["--format", "json", "--threads", "1"]);
    for arguments in [["--threads", "2"], ["--threads", "8"]] {
        assert_eq!(one.stdout, simulate(SPOT, &[&["--format", "json"][..], &arguments].concat()).stdout);
    }
    assert_eq!(one.stdout, simulate(SPOT, &["--format", "json", "--no-progress", "-q"]).stdout);
    assert_eq!(one.stdout, simulate(SPOT, &["--format", "json", "-v"]).stdout);
}

#[test]
fn permuted_fleets_permute_the_rows_only() {
    let parts: Vec<&str> = SPOT.split("[[fleet]]").collect();
    let permuted = format!("{}[[fleet]]{}[[fleet]]{}[[fleet]]{}", parts[0], parts[3], parts[1], parts[2]);
    let (plain, permuted) = (result(SPOT, &[]), result(&permuted, &[]));
    for key in ["baseline", "recommended", "verdict", "flips"] {
        assert_eq!(plain[key], permuted[key], "{key}");
    }
    let sorted = |value: &serde_json::Value| {
        let mut rows: Vec<String> =
            value["rows"].as_array().unwrap().iter().map(ToString::to_string).collect();
        rows.sort();
        rows
    };
    assert_eq!(sorted(&plain), sorted(&permuted));
}

#[test]
fn doubled_prices_double_costs_and_change_no_time() {
    let plain = result(SPOT, &[]);
    let double = result(SPOT, &["--set", "pricing.price_factor=2.0"]);
    for (one, two) in plain["rows"].as_array().unwrap().iter().zip(double["rows"].as_array().unwrap()) {
        assert_eq!(one["time_s"], two["time_s"]);
        for part in ["mean", "lo", "hi", "p50", "p90"] {
            let (one, two) =
                (one["cost_usd"][part].as_f64().unwrap(), two["cost_usd"][part].as_f64().unwrap());
            assert!((two / one / 2.0 - 1.0).abs() < 1e-6, "{part}: {one} {two}");
        }
    }
}

#[test]
fn the_bill_sums_to_the_cost() {
    for row in result(SPOT, &[])["rows"].as_array().unwrap() {
        let sum: f64 =
            row["ledger"].as_array().unwrap().iter().map(|line| line["usd"].as_f64().unwrap()).sum();
        let cost = row["cost_usd"]["mean"].as_f64().unwrap();
        assert!((sum - cost).abs() <= 1e-9 * cost, "{sum} {cost}");
    }
}

#[test]
fn spot_pays_with_time_and_rework() {
    let result = result(SPOT, &[]);
    let row = |name: &str| {
        result["rows"].as_array().unwrap().iter().find(|row| row["fleet"] == name).unwrap().clone()
    };
    let (demand, spot) = (row("one"), row("spot"));
    assert!(spot["time_s"]["mean"].as_f64() > demand["time_s"]["mean"].as_f64());
    assert!(spot["failure_share"]["mean"].as_f64().unwrap() > 0.01);
    assert!(spot["ledger"].as_array().unwrap().iter().any(|line| line["item"] == "rework"));
    assert!(spot["stall_share"]["hi"].as_f64().unwrap() <= 1.0);
}

#[test]
fn every_figure_has_a_range_and_a_provenance() {
    for row in result(SPOT, &[])["rows"].as_array().unwrap() {
        assert!(row["provenance"].is_string() && row["basis"].is_string());
        for name in
            ["time_s", "cost_usd", "samples_per_s", "mfu", "stall_share", "checkpoint_share", "failure_share"]
        {
            let figure = &row[name];
            let (lo, mean, hi) = (
                figure["lo"].as_f64().unwrap(),
                figure["mean"].as_f64().unwrap(),
                figure["hi"].as_f64().unwrap(),
            );
            assert!(lo <= mean + 1e-9 && mean <= hi + 1e-9, "{name}: {lo} {mean} {hi}");
        }
        assert!(row["time_s"]["hi"].as_f64() > row["time_s"]["lo"].as_f64(), "a lone number is a defect");
    }
}

#[test]
fn the_result_fits_its_published_schema() {
    let schema: serde_json::Value =
        serde_json::from_slice(&capplan().args(["schema", "result"]).output().unwrap().stdout).unwrap();
    let result = result(SMALL, &[]);
    let known: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    for key in result.as_object().unwrap().keys() {
        assert!(known.contains(&key), "{key} is not in the schema");
    }
    let rows = &schema["$defs"]["Row"]["properties"];
    for key in result["rows"][0].as_object().unwrap().keys() {
        assert!(rows[key].is_object() || rows[key].is_boolean(), "{key} is not in the schema");
    }
    assert!(!stdout(&simulate(SMALL, &["--format", "json"])).contains("NaN"));
}

#[test]
fn a_tight_precision_makes_more_replications() {
    let replications = |arguments: &[&str]| {
        result(SPOT, arguments)["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["replications"].as_u64().unwrap())
            .max()
    };
    assert_eq!(replications(&["--replicas", "25"]), Some(25));
    assert!(replications(&["--precision", "0.01"]) > replications(&["--precision", "0.5"]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn more_work_never_takes_less_time_or_money(epochs in 1u32..40, factor in 2u32..5) {
        let at = |epochs: u32| {
            let value = result(SMALL, &["--set", &format!("workload.epochs={epochs}"), "--set", "objective.deadline=10000 h"]);
            let row = value["rows"][0].clone();
            (row["time_s"]["mean"].as_f64().unwrap(), row["cost_usd"]["mean"].as_f64().unwrap())
        };
        let (less, more) = (at(epochs), at(epochs * factor));
        prop_assert!(less.0 < more.0 && less.1 < more.1, "{less:?} {more:?}");
    }
}
