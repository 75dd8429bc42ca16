//! Inference scenarios: what they answer, the laws the answers obey, and what bad input is told.

use super::{code, result, simulate, stderr, stdout};

/// The smallest useful serving scenario.
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
[[fleet]]
name = "b"
instance = "gcp/a2-ultragpu-1g"
region = "us-central1"
count = 2
"#;

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
"#;

fn row<'a>(result: &'a serde_json::Value, fleet: &str) -> &'a serde_json::Value {
    result["rows"].as_array().unwrap().iter().find(|row| row["fleet"] == fleet).unwrap()
}

fn mean(value: &serde_json::Value) -> f64 {
    value["mean"].as_f64().unwrap()
}

#[test]
fn a_chat_fleet_is_told_capacity_latency_and_cost() {
    let result = result(CHAT, &[]);
    assert_eq!(result["workload"], "inference");
    let a = row(&result, "a");
    for key in [
        "capacity_requests_per_s",
        "sustainable_requests_per_s",
        "requests_per_s",
        "output_tokens_per_s",
        "goodput_share",
        "utilisation",
        "cost_usd",
        "cost_per_hour_usd",
        "cost_per_million_tokens_usd",
        "cost_per_million_predictions_usd",
    ] {
        let figure = &a[key];
        assert!(mean(figure) > 0.0, "{key}: {figure}");
        assert!(
            figure["lo"].as_f64() <= figure["mean"].as_f64()
                && figure["mean"].as_f64() <= figure["hi"].as_f64(),
            "{key}: {figure}"
        );
    }
    for key in ["ttft_s", "tpot_s", "e2e_s", "latency_s"] {
        let times: Vec<f64> = ["p50", "p90", "p95", "p99"].iter().map(|part| mean(&a[key][part])).collect();
        assert!(times.is_sorted() && times[0] > 0.0, "{key}: {times:?}");
    }
    // What is served is what arrives, and every request writes its 64 tokens.
    assert!((mean(&a["requests_per_s"]) / 4.0 - 1.0).abs() < 0.1);
    let per_request = mean(&a["output_tokens_per_s"]) / mean(&a["requests_per_s"]);
    assert!((per_request - 64.0).abs() < 1e-6, "{per_request}");
    let bill: f64 = a["ledger"].as_array().unwrap().iter().map(|line| line["usd"].as_f64().unwrap()).sum();
    assert!((bill / mean(&a["cost_usd"]) - 1.0).abs() < 1e-9);
    assert_eq!(result["recommended"], "a");
}

#[test]
fn more_replicas_never_take_less_and_threads_change_no_byte() {
    let one = simulate(CHAT, &["--format", "json", "--threads", "1"]);
    let two = simulate(CHAT, &["--format", "json", "--threads", "3"]);
    assert_eq!(one.stdout, two.stdout);
    let result: serde_json::Value = serde_json::from_slice(&one.stdout).unwrap();
    let capacity = |fleet: &str| mean(&row(&result, fleet)["capacity_requests_per_s"]);
    assert!(capacity("b") > 1.8 * capacity("a"), "{} {}", capacity("a"), capacity("b"));
}

#[test]
fn doubled_prices_double_costs_and_change_no_time_or_capacity() {
    let (plain, double) = (result(IMAGES, &[]), result(IMAGES, &["--set", "pricing.price_factor=2.0"]));
    let (one, two) = (row(&plain, "a"), row(&double, "a"));
    for key in ["latency_s", "capacity_requests_per_s", "utilisation"] {
        assert_eq!(one[key], two[key], "{key}");
    }
    for key in ["cost_usd", "cost_per_month_usd", "cost_per_million_predictions_usd"] {
        assert!((mean(&two[key]) / mean(&one[key]) / 2.0 - 1.0).abs() < 1e-6, "{key}");
    }
}

#[test]
fn answers_of_one_token_have_no_pace() {
    let result = result(CHAT, &["--set", "workload.lengths.output=1"]);
    let a = row(&result, "a");
    assert!(a["tpot_s"].is_null(), "{}", a["tpot_s"]);
    assert!(mean(&a["ttft_s"]["p50"]) > 0.0);
}

#[test]
fn the_fewest_machines_that_hold_are_found() {
    let text = CHAT.replace("count = 2", "replicas = \"auto\"").replace("rate = 4.0", "rate = 40.0");
    let result = result(&text, &[]);
    let (a, b) = (row(&result, "a"), row(&result, "b"));
    assert!(b["instances"].as_u64() > a["instances"].as_u64());
    assert!(b["targets_met"]["probability"].as_f64().unwrap() >= 0.9);
    // One machine fewer would not do: the capacity of all but one lies under the demand, or not far above.
    let machines = b["instances"].as_f64().unwrap();
    let lower = b["capacity_requests_per_s"]["lo"].as_f64().unwrap();
    assert!(lower * (machines - 1.0) / machines < 40.0 * 1.1, "{lower} with {machines}");
}

#[test]
fn targets_that_no_fleet_holds_end_with_every_reason() {
    let output = simulate(CHAT, &["--set", "objective.ttft_p99=\"1 ms\"", "--format", "json"]);
    assert_eq!(code(&output), 10);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(result["recommended"].is_null());
    for fleet in ["a", "b"] {
        let reason = row(&result, fleet)["reason"].as_str().unwrap();
        assert!(reason.contains("ttft_p99") && reason.contains("1 ms"), "{reason}");
    }
}

#[test]
fn weights_that_do_not_fit_are_a_row_with_bytes() {
    let text = CHAT.replace("llama-3-8b", "llama-3-70b").replace("a2-ultragpu-1g", "a2-highgpu-1g");
    let output = simulate(&text, &["--format", "json"]);
    assert_eq!(code(&output), 10);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let a = row(&result, "a");
    assert_eq!(a["feasible"], false);
    assert!(a["memory_per_accelerator_bytes"].as_f64().unwrap() > 140e9);
    assert!(a["reason"].as_str().unwrap().contains("GiB"));
    assert!(a["capacity_requests_per_s"].is_null());
}

#[test]
fn overload_is_said_to_be_overload() {
    let result = result(CHAT, &["--set", "workload.arrivals.rate=400"]);
    let a = row(&result, "a");
    assert_eq!(a["keeps_up"], false);
    let warnings = a["warnings"].to_string();
    assert!(warnings.contains("never catches up") && warnings.contains("can be sustained"), "{warnings}");
}

#[test]
fn bad_traffic_and_rules_are_told_with_their_place() {
    let cases: &[(&str, &str, &str)] = &[
        ("rate = 4.0", "rate = 0", "workload.arrivals.rate"),
        ("rate = 4.0", "rate = 5e-324", "workload.arrivals.rate"),
        ("rate = 4.0", "rate = 1e308", "workload.arrivals.rate"),
        ("rate = 4.0", "kind = \"gamma\"", "need `rate`"),
        ("ttft_p99 = \"1 s\"", "ttft_p101 = \"1 s\"", "ttft_p101"),
        ("ttft_p99 = \"1 s\"", "deadline = \"1 s\"", "`deadline` is for mode \"batch\""),
        (
            "input = 256",
            "input = { kind = \"lognormal\", median = 9.0, mean = 3.0 }",
            "the median at most the mean",
        ),
        ("input = 256", "dataset = \"sharegtp\"", "nearest: sharegpt"),
        (
            "[workload.lengths]",
            "[workload.autoscale]\nmin = 5\nmax = 2\n[workload.lengths]",
            "min 5 is above max 2",
        ),
        (
            "[workload.lengths]",
            "[workload.autoscale]\nmax = 2\nperiod = \"0 s\"\n[workload.lengths]",
            "workload.autoscale.period",
        ),
        ("model = \"llama-3-8b\"", "model = \"llama-3-8b\"\nengine = \"vlm-v1\"", "unknown engine `vlm-v1`"),
        ("model = \"llama-3-8b\"", "model = \"llama-3-8b\"\nmode = \"batch\"", "needs `items`"),
        ("model = \"llama-3-8b\"", "model = \"llama-3-8b\"\nepochs = 3", "unknown key `epochs`"),
        ("count = 2", "count = 2\nreplicas = \"auto\"", "exclude each other"),
    ];
    for (from, to, told) in cases {
        assert!(CHAT.contains(from));
        let output = simulate(&CHAT.replacen(from, to, 1), &[]);
        assert_eq!(code(&output), 3, "{to}: {}", stderr(&output));
        assert!(stderr(&output).contains(told), "{to}: {}", stderr(&output));
    }
}

#[test]
fn faults_of_a_trace_are_told_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    for (text, told) in [
        ("arrival_s,input_tokens,output_tokens\n0.0,10,5\n2.0,10,5\n1.0,10,5\n", "4"),
        ("arrival_s,input_tokens,output_tokens\n0.0,10,5\n1.0,-10,5\n", "3"),
        ("arrival_s,input_tokens,output_tokens\n", "trace.csv"),
    ] {
        let path = super::write(folder.path(), "trace.csv", text);
        let scenario = CHAT.replace("rate = 4.0", &format!("kind = \"trace\"\nfile = {path:?}"));
        let output = simulate(&scenario, &[]);
        assert_eq!(code(&output), 3, "{text}");
        let said = stderr(&output);
        assert!(said.contains("trace.csv") && said.contains(told), "{said}");
    }
}

#[test]
fn a_batch_beyond_memory_is_a_row_with_bytes() {
    let text = IMAGES.replace("resnet-50", "bert-large").replace("max_batch = 16", "max_batch = 65536");
    let output = simulate(&text, &["--format", "json"]);
    assert_eq!(code(&output), 10, "{}", stderr(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(row(&result, "a")["reason"].as_str().unwrap().contains("needs"));
}

#[test]
fn cells_of_the_table_are_those_of_the_result() {
    let result = result(IMAGES, &[]);
    let csv = stdout(&simulate(IMAGES, &["--format", "csv"]));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let record = reader.records().next().unwrap().unwrap();
    let cell = |name: &str| {
        let column = headers.iter().position(|header| header == name).expect(name);
        record[column].parse::<f64>().unwrap()
    };
    let a = row(&result, "a");
    // The JSON reader of the test may miss the nearest number by its last bit.
    let same = |name: &str, value: f64| assert!((cell(name) / value - 1.0).abs() < 1e-14, "{name} {value}");
    same("capacity_requests_per_s_mean", mean(&a["capacity_requests_per_s"]));
    same("latency_s_p99_mean", mean(&a["latency_s"]["p99"]));
    same("cost_per_month_usd_hi", a["cost_per_month_usd"]["hi"].as_f64().unwrap());
}

#[test]
fn a_job_by_a_deadline_and_a_split_are_weighed() {
    let batch = IMAGES
        .replace("latency_p99 = \"60 ms\"", "deadline = \"2 h\"")
        .replace("[workload.arrivals]\nrate = 300.0", "mode = \"batch\"\n[workload.batch]\nitems = 5e7");
    let found = result(
        &batch.replace("region = \"us-central1\"", "replicas = \"auto\"\nregion = \"us-central1\""),
        &[],
    );
    let a = row(&found, "a");
    assert!(a["deadline_met"]["probability"].as_f64().unwrap() >= 0.9);
    assert!(mean(&a["time_s"]) < 7200.0 && a["instances"].as_u64().unwrap() > 1);
    let per_million = mean(&a["cost_usd"]) / 50.0;
    assert!((mean(&a["cost_per_million_predictions_usd"]) / per_million - 1.0).abs() < 1e-9);

    let hybrid = IMAGES.replace(
        "[workload.arrivals]",
        "mode = \"hybrid\"\n[workload.hybrid]\nkeys = 1e5\n[workload.arrivals]",
    );
    let found = result(&hybrid, &[]);
    let points = row(&found, "a")["hybrid"].as_array().unwrap().clone();
    assert_eq!(points.len(), 11);
    let best = row(&found, "a")["hybrid_share"].as_f64().unwrap();
    let cost = |point: &serde_json::Value| point["usd_per_month"].as_f64().unwrap();
    let least = points.iter().min_by(|left, right| cost(left).total_cmp(&cost(right))).unwrap();
    assert_eq!(least["share"].as_f64().unwrap(), best);
    let keys: Vec<f64> = points.iter().map(|point| point["keys"].as_f64().unwrap()).collect();
    assert!(keys.is_sorted() && keys[10] == 1e5);
}

#[test]
fn an_autoscaled_fleet_pays_for_what_it_uses() {
    let scaled = IMAGES
        .replace("[workload.batching]", "[workload.autoscale]\nmin = 1\nmax = 8\n[workload.batching]")
        .replace("count = 2", "");
    let a = row(&result(&scaled, &[]), "a").clone();
    let machines = a["mean_machines"].as_f64().unwrap();
    assert!((0.9..8.0).contains(&machines), "{machines}");
    let hourly = a["price_usd_per_hour"].as_f64().unwrap() / a["instances"].as_f64().unwrap();
    assert!((mean(&a["cost_per_hour_usd"]) / (hourly * machines) - 1.0).abs() < 1e-6);
}

#[test]
fn figures_of_serving_are_explained() {
    for metric in ["capacity_requests_per_s", "ttft_s", "cost_usd", "bound", "memory", "targets_met"] {
        let output = super::capplan().args(["explain", "-", "a", metric]).write_stdin(CHAT).output().unwrap();
        assert_eq!(code(&output), 0, "{metric}: {}", stderr(&output));
        assert!(stdout(&output).lines().count() > 3, "{metric}: {}", stdout(&output));
    }
}

#[test]
fn a_trace_is_replayed_whole_with_its_own_lengths() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = "\n[workload.lengths]\ninput = 256\noutput = 64";
    let rows: String = (0..200).map(|index| format!("{}.5,300,{}\n", index, 40 + index % 3)).collect();
    let path =
        super::write(folder.path(), "trace.csv", &format!("arrival_s,input_tokens,output_tokens\n{rows}"));
    let replayed =
        CHAT.replace("rate = 4.0", &format!("kind = \"trace\"\nfile = {path:?}")).replace(lengths, "");
    let of_trace = result(&replayed, &[]);
    let a = row(&of_trace, "a");
    // 200 answers of 41 tokens on average between the first arrival at 0.5 s and the last answer, shortly after 199.5 s.
    let rate = mean(&a["output_tokens_per_s"]);
    assert!((40.0..41.5).contains(&rate), "{rate}");
    // Stated lengths hold instead.
    let stated = CHAT.replace("rate = 4.0", &format!("kind = \"trace\"\nfile = {path:?}"));
    let rate = mean(&row(&result(&stated, &[]), "a")["output_tokens_per_s"]);
    assert!((62.0..65.0).contains(&rate), "{rate}");
}
