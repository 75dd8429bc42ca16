//! Capacity, sizing and autoscaling: figures that grow with the fleet, hold for any seed, and are left out where nothing
//! is known.

use std::time::Instant;

use serde_json::Value;

use super::{code, result, simulate, stderr};

const IMAGES: &str = r#"
format = 1
name = "images"
[objective]
latency_p99 = "50 ms"
[workload]
kind = "inference"
model = "resnet-50"
precision = "fp16"
[workload.arrivals]
kind = "gamma"
cv = 3.0
rate = 2000.0
[workload.batching]
max_batch = 32
max_delay = "2 ms"
[[fleet]]
name = "a"
instance = "gcp/g2-standard-8"
region = "us-central1"
count = 1
"#;

const CHAT: &str = r#"
format = 1
name = "chat"
[objective]
ttft_p99 = "1 s"
tpot_p99 = "100 ms"
[workload]
kind = "inference"
model = "llama-3-8b"
[workload.arrivals]
rate = 4.0
[workload.lengths]
input = 256
output = 64
[[fleet]]
name = "a"
instance = "gcp/a2-ultragpu-1g"
region = "us-central1"
count = 1
"#;

fn rows(result: &Value) -> Vec<Value> {
    result["rows"].as_array().unwrap().clone()
}

fn first(text: &str, arguments: &[&str]) -> Value {
    rows(&result(text, arguments))[0].clone()
}

fn part(row: &Value, figure: &str, part: &str) -> f64 {
    row[figure][part].as_f64().expect(figure)
}

fn capacity(row: &Value) -> f64 {
    part(row, "capacity_requests_per_s", "mean")
}

#[test]
fn a_further_machine_never_lowers_capacity_and_no_interval_is_turned_round() {
    for router in ["round-robin", "least-outstanding"] {
        let text = IMAGES.replace("count = 1", "count = { from = 1, to = 40, step = \"double\" }").replace(
            "[workload.batching]",
            &format!("[workload.router]\nkind = \"{router}\"\n[workload.batching]"),
        );
        let neighbours = text
            .replace("{ from = 1, to = 40, step = \"double\" }", "[3, 4, 5, 6, 7, 31, 32, 33, 48, 49, 200]");
        for text in [text, neighbours] {
            let found = rows(&result(&text, &[]));
            let capacities: Vec<f64> = found.iter().map(capacity).collect();
            assert!(capacities.windows(2).all(|pair| pair[0] < pair[1]), "{router}: {capacities:?}");
            let each = |row: &Value| capacity(row) / row["instances"].as_f64().unwrap();
            let (least, most) = (each(&found[0]), each(found.last().unwrap()));
            assert!(most >= 0.97 * least, "{router}: {least} each of few, {most} each of many");
            for row in &found {
                let at = |figure, of| part(row, figure, of);
                let name = "capacity_requests_per_s";
                assert!(at(name, "lo") <= at(name, "mean") && at(name, "mean") <= at(name, "hi"));
                assert!(at(name, "hi") <= at("sustainable_requests_per_s", "hi") * (1.0 + 1e-12));
                assert!(at(name, "mean") <= at("sustainable_requests_per_s", "mean"));
                let met = "targets_met";
                assert!(at(met, "lo") <= at(met, "probability") && at(met, "probability") <= at(met, "hi"));
                let cost = "cost_per_million_at_capacity_usd";
                assert!(at(cost, "lo") < at(cost, "mean") && at(cost, "mean") < at(cost, "hi"));
            }
        }
    }
}

#[test]
fn twice_the_load_never_takes_fewer_machines() {
    let text = IMAGES.replace("count = 1", "replicas = \"auto\"");
    let machines = |rate: f64| {
        let row = first(&text, &["--set", &format!("workload.arrivals.rate={rate}")]);
        assert!(part(&row, "targets_met", "probability") >= 0.9, "{rate}: {}", row["targets_met"]);
        row["instances"].as_u64().unwrap()
    };
    let found: Vec<u64> = [400.0, 800.0, 1600.0, 2500.0, 3200.0, 6400.0, 1e5].map(machines).to_vec();
    assert!(found.is_sorted() && found[0] == 1 && found[6] > 40, "{found:?}");
}

#[test]
fn the_interval_of_one_seed_holds_the_capacities_of_the_others() {
    for (text, seeds) in [
        (IMAGES.to_owned(), 20),
        (IMAGES.replace("kind = \"gamma\"\ncv = 3.0", "kind = \"mmpp\"\nburst_rate = 4000.0"), 8),
    ] {
        let found: Vec<Value> = (0..seeds).map(|seed| first(&text, &["--seed", &seed.to_string()])).collect();
        let ends = |row: &Value| {
            let at = |of| part(row, "capacity_requests_per_s", of);
            at("lo")..=at("hi")
        };
        for row in &found {
            let held = found.iter().filter(|other| ends(row).contains(&capacity(other))).count();
            assert!(held * 100 >= 85 * found.len(), "{held} of {seeds}: {}", row["capacity_requests_per_s"]);
        }
        let mean = found.iter().map(capacity).sum::<f64>() / f64::from(seeds);
        let worst = found.iter().map(|row| (capacity(row) / mean - 1.0).abs()).fold(0.0, f64::max);
        assert!(worst < 0.12, "{worst} off the mean {mean}");
    }
}

#[test]
fn spells_bound_the_capacity_by_their_bursts() {
    // Bursts of four times the quiet rate bring two fifths of all requests: each has to be held.
    let text = IMAGES
        .replace(
            "kind = \"gamma\"\ncv = 3.0",
            "kind = \"mmpp\"\nquiet = \"6 min\"\nburst = \"1 min\"\nburst_rate = 8000.0",
        )
        .replace("count = 1", "count = [1, 2, 4, 8]");
    for row in rows(&result(&text, &[])) {
        let burst = 8000.0 / ((2000.0 * 6.0 + 8000.0) / 7.0);
        let in_bursts = capacity(&row) * burst;
        let sustained = part(&row, "sustainable_requests_per_s", "mean");
        assert!(in_bursts <= 1.01 * sustained && in_bursts > 0.7 * sustained, "{in_bursts} of {sustained}");
    }
}

#[test]
fn a_fleet_of_hundreds_of_thousands_is_no_answer() {
    let text = CHAT.replace("count = 1", "replicas = \"auto\"");
    let output = simulate(&text, &["--format", "json", "--set", "workload.arrivals.rate=1e7"]);
    assert_eq!(code(&output), 10, "{}", stderr(&output));
    let row = rows(&serde_json::from_slice(&output.stdout).unwrap())[0].clone();
    let reason = row["reason"].as_str().unwrap();
    assert!(reason.contains("machines would be needed") && reason.contains("10000"), "{reason}");
    assert_eq!((&row["feasible"], &row["cost_usd"]), (&Value::Bool(false), &Value::Null));
}

#[test]
fn a_fleet_is_sized_for_what_planned_losses_leave() {
    let text = IMAGES.replace("count = 1", "replicas = \"auto\"");
    let whole = first(&text, &[])["instances"].as_u64().unwrap();
    let losing = text.replace("[[fleet]]", "[[workload.loss]]\nat = \"10 s\"\nmachines = 2\n[[workload.loss]]\nat = \"20 s\"\nback_after = \"30 s\"\n[[fleet]]");
    let row = first(&losing, &[]);
    assert_eq!(row["instances"].as_u64().unwrap(), whole + 3);
    let left = row["capacity_after_loss_requests_per_s"].as_f64().unwrap();
    assert!(left > 2000.0, "{left}");
    assert!(row["warnings"].to_string().contains("3 of"), "{}", row["warnings"]);
}

#[test]
fn an_overloaded_fleet_has_no_times_and_the_costs_of_what_it_sustains() {
    let row = first(CHAT, &["--set", "workload.arrivals.rate=400"]);
    assert_eq!(row["keeps_up"], false);
    for figure in ["ttft_s", "tpot_s", "e2e_s", "latency_s", "goodput_share"] {
        assert!(row[figure].is_null(), "{figure}: {}", row[figure]);
    }
    let sustained = part(&row, "sustainable_requests_per_s", "mean");
    assert_eq!(part(&row, "requests_per_s", "mean"), sustained);
    let tokens = part(&row, "input_tokens_per_s", "mean") + part(&row, "output_tokens_per_s", "mean");
    assert!((tokens / sustained / 320.0 - 1.0).abs() < 1e-9);
    let hour = part(&row, "cost_per_hour_usd", "mean");
    let per_million = part(&row, "cost_per_million_tokens_usd", "mean");
    assert!((per_million / (hour / 3600.0 / tokens * 1e6) - 1.0).abs() < 1e-9);
    for figure in ["cost_per_million_input_tokens_usd", "cost_per_million_output_tokens_usd"] {
        let at = |of| part(&row, figure, of);
        assert!(at("lo") > 0.0 && at("lo") < at("mean") && at("mean") < at("hi"), "{}", row[figure]);
    }
    assert!(row["warnings"].to_string().contains("can be sustained"));
}

#[test]
fn few_requests_state_no_far_percentile() {
    let row = first(CHAT, &["--set", "workload.arrivals.requests=10"]);
    assert!(row["latency_s"]["p99"].is_null() && row["latency_s"]["p95"].is_null());
    assert!(row["latency_s"]["p50"]["mean"].as_f64().unwrap() > 0.0);
    let warnings = row["warnings"].to_string();
    assert!(warnings.contains("too few requests (10 finished) to state p95, p99"), "{warnings}");
    for figure in ["requests_per_s", "output_tokens_per_s", "cost_per_million_tokens_usd", "goodput_share"] {
        assert!(part(&row, figure, "mean") > 0.0, "{figure}");
    }
    let enough = first(CHAT, &["--set", "workload.arrivals.requests=150"]);
    assert!(part(&enough["latency_s"], "p99", "mean") > 0.0);
    assert!(!enough["warnings"].to_string().contains("too few"));
}

#[test]
fn runs_of_ages_are_refused_by_a_limit() {
    let output = simulate(CHAT, &["--set", "workload.arrivals.requests=100000000"]);
    assert_eq!(code(&output), 4);
    assert!(stderr(&output).contains("100000000 requests in each of 5 runs"), "{}", stderr(&output));
}

fn scaled(text: &str, keys: &str) -> String {
    text.replace("[[fleet]]", &format!("[workload.autoscale]\n{keys}\n[[fleet]]"))
}

#[test]
fn the_most_of_an_autoscaler_does_not_change_what_a_small_load_costs() {
    let of = |most: u32| first(&scaled(CHAT, &format!("min = 1\nmax = {most}")), &[]);
    let (few, many) = (of(4), of(400));
    let mean = |row: &Value| row["mean_machines"].as_f64().unwrap();
    assert!((1.0..1.5).contains(&mean(&few)), "{}", mean(&few));
    assert!((mean(&many) / mean(&few) - 1.0).abs() < 0.1, "{} {}", mean(&few), mean(&many));
    assert!(many["peak_machines"].as_f64().unwrap() <= 4.0, "{}", many["peak_machines"]);
    assert!(part(&many, "cost_usd", "mean") < 1.2 * part(&few, "cost_usd", "mean"));
    assert!(many["warnings"].to_string().contains("by requests in flight"), "{}", many["warnings"]);
}

#[test]
fn the_count_of_an_autoscaled_fleet_is_where_it_starts() {
    let text = scaled(CHAT, "min = 1\nmax = 8").replace("count = 1", "count = 6");
    let row = first(&text, &[]);
    assert_eq!(row["peak_machines"].as_f64().unwrap(), 6.0);
    assert!(row["warnings"].to_string().contains("from 6 at the start"), "{}", row["warnings"]);
}

#[test]
fn looks_at_an_idle_fleet_take_no_time() {
    let began = Instant::now();
    for keys in [
        "min = 1\nmax = 4",
        "min = 0\nmax = 2\nperiod = \"1 s\"\nout_window = \"1 ns\"\nin_window = \"1 ns\"",
    ] {
        let row = first(&scaled(CHAT, keys), &["--set", "workload.arrivals.rate=1e-6"]);
        assert!(row["mean_machines"].as_f64().unwrap() <= 1.0 + 1e-9, "{}", row["mean_machines"]);
    }
    assert!(began.elapsed().as_secs() < 50, "{:?}", began.elapsed());
    let output = simulate(&scaled(CHAT, "max = 4\nperiod = \"1 ns\""), &[]);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("workload.autoscale.period"), "{}", stderr(&output));
}

#[test]
fn a_burst_group_is_scaled_beside_its_base() {
    let fleet = CHAT.find("[[fleet]]").unwrap();
    let group = |role: &str, count: u32| {
        format!(
            "[[fleet.group]]\nrole = \"{role}\"\ninstance = \"gcp/a2-ultragpu-1g\"\nregion = \"us-central1\"\ncount = {count}\n"
        )
    };
    let text = |scaler: &str| {
        let base = CHAT[..fleet].replace("[workload.lengths]", &format!("{scaler}[workload.lengths]"));
        format!("{base}[[fleet]]\nname = \"g\"\n{}{}", group("base", 1), group("burst", 3))
    };
    let scaler = "[workload.autoscale]\nmin = 0\nmax = 3\nsignal = \"queue\"\n";
    let (fixed, scaled) = (first(&text(""), &[]), first(&text(scaler), &[]));
    // One machine holds this load: the burst goes away.
    assert_eq!(fixed["mean_machines"].as_f64().unwrap(), 4.0);
    let mean = scaled["mean_machines"].as_f64().unwrap();
    assert!((1.0..1.5).contains(&mean), "{mean}");
    let ratio = part(&scaled, "cost_usd", "mean") / part(&fixed, "cost_usd", "mean");
    assert!((ratio - mean / 4.0).abs() < 1e-3, "{ratio} at {mean} machines");
    let refused = simulate(&text(scaler).replace("\"burst\"", "\"online\""), &[]);
    assert_eq!(code(&refused), 3);
    assert!(stderr(&refused).contains("burst group"), "{}", stderr(&refused));
}
