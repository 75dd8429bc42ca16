//! Several models in one fleet, and where a model lives: rows side by side, and what bad input is told.

use super::{code, result, simulate, stderr, stdout};

/// Pictures and texts on one kind of machine, together and apart, and each as a fleet of its own by `--set`.
const TWO: &str = r#"
format = 1
name = "two models"
[objective]
latency_p99 = "200 ms"
[workload]
kind = "inference"
model = "resnet-50"
precision = "fp16"
[workload.arrivals]
rate = 400.0
[workload.batching]
max_batch = 8
[[workload.mix]]
share = 3.0
[[workload.mix]]
share = 1.0
model = "bert-base"
[[fleet]]
name = "L4"
instance = "gcp/g2-standard-8"
region = "us-central1"
replicas = "auto"
models = ["together", "apart"]
"#;

/// A model that writes beside one that reads pictures.
const MIXED: &str = r#"
format = 1
name = "mixed"
[objective]
ttft_p99 = "2 s"
latency_p99 = "30 s"
[workload]
kind = "inference"
model = "llama-3-8b"
[workload.arrivals]
rate = 6.0
[[workload.mix]]
share = 0.2
[workload.mix.lengths]
input = 256
output = 64
[[workload.mix]]
share = 0.8
model = "resnet-50"
precision = "fp16"
[[fleet]]
name = "A100"
instance = "gcp/a2-highgpu-1g"
region = "us-central1"
[[fleet]]
name = "T4"
instance = "gcp/n1-standard-8+1xT4"
region = "us-central1"
"#;

const HOSTED: &str = r#"
format = 1
name = "hosted"
[objective]
latency_p99 = "200 ms"
[workload]
kind = "inference"
model = "resnet-50"
precision = "fp16"
[workload.arrivals]
rate = 40.0
[workload.batching]
max_batch = 8
[workload.hosting]
premium = 0.2
window = "20 ms"
[[fleet]]
name = "L4"
instance = "gcp/g2-standard-8"
region = "us-central1"
replicas = "auto"
hosting = ["microservice", "managed-endpoint", "serverless", "in-process"]
"#;

fn row<'a>(result: &'a serde_json::Value, fleet: &str) -> &'a serde_json::Value {
    let rows = result["rows"].as_array().unwrap();
    rows.iter().find(|row| row["fleet"] == fleet).unwrap_or_else(|| unreachable!("no {fleet}"))
}

fn mean(value: &serde_json::Value) -> f64 {
    value["mean"].as_f64().unwrap_or_else(|| unreachable!("{value}"))
}

#[test]
fn models_together_and_apart_are_two_rows_with_each_models_times() {
    let both = result(TWO, &[]);
    for fleet in ["L4 together", "L4 apart"] {
        let row = row(&both, fleet);
        let models = row["models"].as_array().unwrap();
        assert_eq!(models.len(), 2, "{row}");
        assert_eq!((&models[0]["model"], &models[1]["model"]), (&"resnet-50".into(), &"bert-base".into()));
        assert!((models[0]["share"].as_f64().unwrap() - 0.75).abs() < 1e-9);
        for own in models {
            assert!(mean(&own["latency_s"]["p50"]) <= mean(&own["latency_s"]["p99"]), "{own}");
            assert!(mean(&own["goodput_share"]) > 0.9, "{own}");
        }
        // Of each model as many as arrive, and together all.
        let rates: Vec<f64> = models.iter().map(|own| mean(&own["requests_per_s"])).collect();
        assert!((rates[0] / 300.0 - 1.0).abs() < 0.1 && (rates[1] / 100.0 - 1.0).abs() < 0.1, "{rates:?}");
        assert!((mean(&row["requests_per_s"]) / 400.0 - 1.0).abs() < 0.1, "{row}");
        assert!(row["targets_met"]["probability"].as_f64().unwrap() >= 0.9, "{row}");
    }
    // Apart, each model has whole machines of its own; the bill is the sum of theirs.
    let apart = row(&both, "L4 apart");
    let models = apart["models"].as_array().unwrap();
    let machines: u64 = models.iter().map(|own| own["instances"].as_u64().unwrap()).sum();
    assert_eq!(apart["instances"].as_u64(), Some(machines));
    let bill: f64 = models.iter().map(|own| mean(&own["cost_per_month_usd"])).sum();
    assert!((bill / mean(&apart["cost_usd"]) - 1.0).abs() < 1e-9);
    let lines: f64 =
        apart["ledger"].as_array().unwrap().iter().map(|line| line["usd"].as_f64().unwrap()).sum();
    assert!((lines / mean(&apart["cost_usd"]) - 1.0).abs() < 1e-9);
}

#[test]
fn each_models_part_of_a_fleet_apart_is_a_fleet_of_its_own() {
    let both = result(TWO, &[]);
    let pictures = TWO
        .replace("[[workload.mix]]\nshare = 3.0\n[[workload.mix]]\nshare = 1.0\nmodel = \"bert-base\"\n", "")
        .replace("models = [\"together\", \"apart\"]\n", "")
        .replace("rate = 400.0", "rate = 300.0");
    let alone = result(&pictures, &[]);
    let (own, alone) = (&row(&both, "L4 apart")["models"][0], row(&alone, "L4"));
    assert_eq!(own["instances"], alone["instances"]);
    assert_eq!(own["latency_s"], alone["latency_s"]);
    assert_eq!(own["capacity_requests_per_s"], alone["capacity_requests_per_s"]);
}

#[test]
fn a_model_that_writes_shares_a_device_with_one_that_does_not() {
    let result = result(MIXED, &[]);
    let row_of = row(&result, "A100");
    let (writes, reads) = (&row_of["models"][0], &row_of["models"][1]);
    assert!(mean(&writes["ttft_s"]["p99"]) > 0.0 && mean(&writes["tpot_s"]["p50"]) > 0.0, "{writes}");
    assert!(reads["ttft_s"].is_null() && mean(&reads["latency_s"]["p99"]) > 0.0, "{reads}");
    // Pictures wait for iterations of the other model, and still take milliseconds.
    assert!(mean(&reads["latency_s"]["p50"]) < mean(&writes["latency_s"]["p50"]));
    // Weights of both do not fit a T4: a row that says what is needed.
    let small = row(&result, "T4");
    assert_eq!(small["feasible"], false);
    assert!(small["reason"].as_str().unwrap().contains("weights"), "{}", small["reason"]);
}

#[test]
fn fleets_of_a_fixed_size_are_split_among_the_models() {
    let fixed =
        TWO.replace("replicas = \"auto\"", "count = 5").replace("[\"together\", \"apart\"]", "\"apart\"");
    let told = result(&fixed, &[]);
    let models = row(&told, "L4")["models"].as_array().unwrap();
    let machines: Vec<u64> = models.iter().map(|own| own["instances"].as_u64().unwrap()).collect();
    assert_eq!(machines.iter().sum::<u64>(), 5);
    assert!(machines.iter().all(|count| *count >= 1), "{machines:?}");
    let few = result(&fixed.replace("count = 5", "count = 1"), &[]);
    let reason = row(&few, "L4")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("too few for 2 models"), "{reason}");
}

#[test]
fn bad_mixes_of_models_are_told() {
    let told = |text: &str| {
        let output = simulate(text, &[]);
        assert_eq!(code(&output), 3, "{}", stderr(&output));
        stderr(&output)
    };
    let unknown = told(&TWO.replace("model = \"bert-base\"", "model = \"bert-bass\""));
    assert!(unknown.contains("bert-base") && unknown.contains("workload.mix[1]"), "{unknown}");
    let batch =
        told(&TWO.replace(
            "kind = \"inference\"",
            "kind = \"inference\"\nmode = \"batch\"\nbatch = { items = 100 }",
        ));
    assert!(batch.contains("online only"), "{batch}");
    let word = told(&TWO.replace("\"apart\"]", "\"asunder\"]"));
    assert!(word.contains("together, apart"), "{word}");
    let one = told(&TWO.replace("model = \"bert-base\"\n", ""));
    assert!(one.contains("`models` is for workloads of several models"), "{one}");
    let nobody = told(&TWO.replace("share = 3.0", "share = 3.0\nmodel = \"bert-large\""));
    assert!(nobody.contains("workload's own model"), "{nobody}");
}

#[test]
fn the_ways_to_host_are_rows_of_one_table() {
    let told = result(HOSTED, &[]);
    let of = |kind: &str| row(&told, &format!("L4 {kind}"));
    let (own, managed) = (of("microservice"), of("managed-endpoint"));
    let (serverless, inside) = (of("serverless"), of("in-process"));
    for (row, kind) in [
        (own, "microservice"),
        (managed, "managed-endpoint"),
        (serverless, "serverless"),
        (inside, "in-process"),
    ] {
        assert_eq!(row["hosting"], kind);
    }
    // A fifth of the on-demand price for the service; the same machines do the same work.
    assert!((mean(&managed["cost_usd"]) / mean(&own["cost_usd"]) - 1.2).abs() < 1e-6);
    assert_eq!(managed["capacity_requests_per_s"], own["capacity_requests_per_s"]);
    // An hour of an instance that is there all the time is dearer: 1.56856 USD for an L4, 8 vCPU and 32 GiB.
    let hourly =
        serverless["price_usd_per_hour"].as_f64().unwrap() / serverless["instances"].as_f64().unwrap();
    assert!((hourly - 1.56856).abs() < 1e-6, "{hourly}");
    // In process a picture waits for its micro-batch, and no call goes over the network.
    assert!(mean(&inside["latency_s"]["p50"]) > mean(&own["latency_s"]["p50"]), "{}", inside["latency_s"]);
    let table = stdout(&simulate(HOSTED, &[]));
    assert!(table.contains("hosting") && table.contains("serverless"), "{table}");
}

#[test]
fn what_is_rarely_asked_for_is_cheapest_without_servers_and_pays_with_cold_starts() {
    let told = result(
        HOSTED,
        &["--set", "workload.arrivals.rate=0.0005", "--set", "objective.latency_p99=\"60 s\""],
    );
    let (own, serverless) = (row(&told, "L4 microservice"), row(&told, "L4 serverless"));
    assert!(mean(&serverless["cost_usd"]) < 0.8 * mean(&own["cost_usd"]), "{}", serverless["cost_usd"]);
    assert!(serverless["mean_machines"].as_f64().unwrap() < 0.7, "{}", serverless["mean_machines"]);
    // Most requests find nobody: 5 s of starting.
    assert!(mean(&serverless["latency_s"]["p90"]) > 5.0, "{}", serverless["latency_s"]);
    assert!(mean(&own["latency_s"]["p90"]) < 1.0);
}

#[test]
fn hostings_that_do_not_fit_are_told() {
    let told = |text: &str| {
        let output = simulate(text, &[]);
        assert_eq!(code(&output), 3, "{}", stderr(&output));
        stderr(&output)
    };
    let job = told(&HOSTED.replace("\"serverless\"", "\"managed-batch\""));
    assert!(job.contains("answers no requests") && job.contains("fleet[0]"), "{job}");
    let word = told(&HOSTED.replace("\"serverless\"", "\"lambda\""));
    assert!(word.contains("allowed: microservice"), "{word}");
    let batch =
        told(&HOSTED.replace(
            "kind = \"inference\"",
            "kind = \"inference\"\nmode = \"batch\"\nbatch = { items = 100 }",
        ));
    assert!(batch.contains("in mode \"online\" only"), "{batch}");
    // A device that the provider has no serverless price of is not priced, and not ranked.
    let unpriced = result(&HOSTED.replace("gcp/g2-standard-8", "gcp/n1-standard-8+1xT4"), &[]);
    let row = row(&unpriced, "L4 serverless");
    assert!(row["cost_usd"].is_null() && row["rank"].is_null(), "{row}");
}
