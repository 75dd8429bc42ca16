//! Modes of serving: carbon, hybrids that count their look-ups, jobs, and differences under the same requests.

use super::{capplan, code, result, stderr, stdout};

const IMAGES: &str = r#"
format = 1
name = "images"
[objective]
latency_p99 = "60 ms"
[workload]
kind = "inference"
model = "resnet-50"
precision = "fp16"
[workload.arrivals]
rate = 300.0
[workload.batching]
max_batch = 16
[[fleet]]
name = "a"
instance = "gcp/g2-standard-8"
region = "us-central1"
[[fleet]]
name = "b"
instance = "gcp/n1-standard-8+1xT4"
region = "us-central1"
[[fleet]]
name = "processors"
instance = "gcp/c3-standard-22"
region = "us-central1"
"#;

const HYBRID: &[&str] = &[
    "--set",
    "workload.mode=\"hybrid\"",
    "--set",
    "workload.hybrid.keys=1000000",
    "--set",
    "workload.hybrid.lookup=\"4 ms\"",
    "--set",
    "workload.hosting.call_overhead=\"1 ms\"",
];

/// What a job has no use for is emptied.
const JOB: &[&str] = &[
    "--set",
    "objective={}",
    "--set",
    "workload.arrivals={}",
    "--set",
    "workload.mode=batch",
    "--set",
    "workload.batch.items=50000000",
];

fn row<'a>(result: &'a serde_json::Value, fleet: &str) -> &'a serde_json::Value {
    result["rows"].as_array().unwrap().iter().find(|row| row["fleet"] == fleet).unwrap()
}

fn mean(value: &serde_json::Value) -> f64 {
    value["mean"].as_f64().unwrap_or_else(|| unreachable!("{value}"))
}

fn with(more: &[&str]) -> serde_json::Value {
    result(IMAGES, more)
}

#[test]
fn carbon_is_told_and_minimised_online_in_jobs_and_in_hybrids() {
    for mode in [&[][..], HYBRID, JOB] {
        let mut more = mode.to_vec();
        more.extend(["--set", "objective.minimize=\"carbon\""]);
        let result = with(&more);
        let of = |fleet: &str| mean(&row(&result, fleet)["carbon_kg"]);
        let cleaner = if of("a") < of("b") { "a" } else { "b" };
        assert_eq!(row(&result, cleaner)["rank"], 1, "{more:?}: {} {}", of("a"), of("b"));
        let carbon = &row(&result, "a")["carbon_kg"];
        assert!(
            carbon["lo"].as_f64() < carbon["mean"].as_f64()
                && carbon["mean"].as_f64() < carbon["hi"].as_f64()
        );
        assert!(mean(&row(&result, "a")["carbon_per_million_predictions_kg"]) > 0.0);
        // The power of processors is not in the catalog: their row has no carbon, says so and is not ranked.
        let unknown = row(&result, "processors");
        assert!(unknown["carbon_kg"].is_null() && unknown["rank"].is_null(), "{unknown}");
        assert!(unknown["warnings"].to_string().contains("not ranked by carbon"), "{unknown}");
    }
}

#[test]
fn a_busier_device_draws_more_and_never_more_than_its_board_power() {
    let carbon = |rate: &str| {
        let result = with(&["--set", &format!("workload.arrivals.rate={rate}")]);
        mean(&row(&result, "a")["carbon_kg"])
    };
    let (idle, busy) = (carbon("1.0"), carbon("600.0"));
    // One L4 of 72 W for 730 h at full power, and at 18 % of it: the ratio is all that the load can change.
    assert!(busy > 1.05 * idle && busy < idle / 0.17, "{idle} {busy}");
}

#[test]
fn carbon_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let path = super::write(folder.path(), "images.toml", IMAGES);
    let output = capplan().args(["explain", &path, "a", "carbon_kg"]).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("PUE") && text.contains("a month of 730 h"), "{text}");
}

#[test]
fn a_hybrid_counts_its_look_ups_and_tells_of_all_requests() {
    let of = |share: &str| {
        let mut more = HYBRID.to_vec();
        let share = format!("workload.hybrid.share={share}");
        more.extend(["--set", &share]);
        with(&more)
    };
    let (none, half, all) = (of("0.0"), of("0.6"), of("1.0"));
    let (none, half, all) = (row(&none, "a"), row(&half, "a"), row(&all, "a"));
    // Six requests in ten are look-ups: the median is a call and a look-up, the tail is that of the rest and a look-up.
    assert!((mean(&half["latency_s"]["p50"]) - 0.005).abs() < 1e-9, "{}", half["latency_s"]);
    let computed = &half["computed_latency_s"];
    assert!(mean(&computed["p50"]) > 0.005 && mean(&computed["p99"]) >= mean(&half["latency_s"]["p99"]));
    assert!(none["computed_latency_s"].is_null());
    // Machines see four in ten of the requests: the whole fleet takes more than twice as many, and serves them all.
    let capacity = |row: &serde_json::Value| mean(&row["capacity_requests_per_s"]);
    assert!(capacity(half) > 2.0 * capacity(none), "{} {}", capacity(half), capacity(none));
    assert!((mean(&half["requests_per_s"]) / 300.0 - 1.0).abs() < 0.05, "{}", half["requests_per_s"]);
    assert_eq!(half["demand_requests_per_s"], 300.0);
    // Without machines online there are still times, rates and targets.
    assert!((mean(&all["latency_s"]["p99"]) - 0.005).abs() < 1e-9, "{}", all["latency_s"]);
    assert_eq!(all["targets_met"]["probability"], 1.0);
    assert!(mean(&all["cost_usd"]) > 0.0 && all["rank"].is_number());
}

#[test]
fn a_look_up_that_is_too_slow_holds_no_target() {
    let mut more = HYBRID.to_vec();
    more.extend(["--set", "workload.hybrid.share=1.0", "--set", "workload.hybrid.lookup=\"80 ms\""]);
    let result = with(&more);
    assert_eq!(row(&result, "a")["targets_met"]["probability"], 0.0);
    assert!(result["recommended"].is_null());
}

#[test]
fn doubled_prices_double_every_bill_and_change_no_time() {
    for mode in [&[][..], HYBRID, JOB] {
        let mut doubled = mode.to_vec();
        doubled.extend(["--set", "pricing.price_factor=2.0"]);
        let (one, two) = (with(mode), with(&doubled));
        for fleet in ["a", "b"] {
            let (one, two) = (row(&one, fleet), row(&two, fleet));
            assert!((mean(&two["cost_usd"]) / mean(&one["cost_usd"]) - 2.0).abs() < 1e-6, "{mode:?} {fleet}");
            for key in
                ["latency_s", "time_s", "capacity_requests_per_s", "carbon_kg", "hybrid_share", "instances"]
            {
                assert_eq!(one[key], two[key], "{key}");
            }
        }
    }
}

#[test]
fn like_fleets_are_told_apart_by_what_they_do_not_share() {
    let twin = IMAGES.replace("gcp/n1-standard-8+1xT4", "gcp/g2-standard-12");
    let result = result(&twin, &["--set", "objective.baseline=\"a\""]);
    let (base, other) = (row(&result, "a"), row(&result, "b"));
    assert_eq!(result["baseline"], "a");
    assert_eq!(mean(&base["difference"]["latency_p99_s"]), 0.0);
    let paired = &other["difference"]["latency_p99_s"];
    let width =
        |estimate: &serde_json::Value| estimate["hi"].as_f64().unwrap() - estimate["lo"].as_f64().unwrap();
    // The same device errs alike on both sides: the difference is known better than either time.
    assert!(
        width(paired) < 0.8 * width(&other["latency_s"]["p99"]),
        "{paired} {}",
        other["latency_s"]["p99"]
    );
    let verdict = result["verdict"].as_str().unwrap();
    assert!(verdict.contains("USD a month"), "{verdict}");
}
