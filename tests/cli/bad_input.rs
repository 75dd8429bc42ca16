//! Bad input: one clear message, the right exit status, nothing on stdout, nothing half-written, under a second.

use std::time::{Duration, Instant};

use super::{SMALL, capplan, code, result, simulate, stderr, stdout, write};

/// Runs and checks what holds for every bad input; gives stderr.
fn refused(text: &str, arguments: &[&str], status: i32) -> String {
    let started = Instant::now();
    let output = simulate(text, arguments);
    let said = stderr(&output);
    assert_eq!(code(&output), status, "{said}");
    assert_eq!(stdout(&output), "", "something on stdout");
    assert!(!said.contains("panicked"), "{said}");
    assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
    said
}

fn with(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "{from}");
    SMALL.replace(from, to)
}

fn says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "`{word}` is not in:\n{said}");
    }
}

#[test]
fn a_missing_file_is_told_by_its_path() {
    let output = capplan().args(["simulate", "no/such.toml"]).output().unwrap();
    assert_eq!(code(&output), 5);
    says(&stderr(&output), &["no/such.toml", "cannot read"]);
}

#[test]
fn a_directory_is_not_a_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let output = capplan().arg("simulate").arg(folder.path()).output().unwrap();
    assert_eq!(code(&output), 5);
    says(&stderr(&output), &["is a directory"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_without_a_writer_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let output = capplan().arg("simulate").arg(&path).output().unwrap();
    assert_eq!(code(&output), 5);
    says(&stderr(&output), &["pipe"]);
}

#[test]
fn an_empty_file_is_told_what_it_lacks() {
    says(&refused("", &[], 3), &["lacks `format`", "lacks `workload`", "lacks `fleet`", "1:1"]);
}

#[test]
fn several_syntax_errors_are_told_at_once() {
    let said = refused("format = 1\nname = \"a\n[workload\nmodel = = 3\n", &[], 3);
    assert!(said.matches("error:").count() >= 2, "{said}");
    says(&said, &["-:2:", "-:3:", "^"]);
}

#[test]
fn binary_is_not_text() {
    let output = capplan().args(["simulate", "-"]).write_stdin(vec![0xff, 0xfe, 0x00]).output().unwrap();
    assert_eq!(code(&output), 3);
    says(&stderr(&output), &["UTF-8"]);
}

#[test]
fn a_deep_nest_is_refused_and_does_not_crash() {
    refused(&format!("format = {}1{}", "[".repeat(10_000), "]".repeat(10_000)), &[], 3);
}

#[test]
fn a_file_of_more_than_four_mebibytes_is_refused_by_a_limit() {
    let text = format!("# {}\n{SMALL}", "x".repeat(5 << 20));
    refused(&text, &[], 4);
}

#[test]
fn an_unknown_key_gets_a_suggestion() {
    let said = refused(&with("epochs = 2", "epoks = 2"), &[], 3);
    says(&said, &["unknown key `epoks`", "did you mean `epochs`?", "-:10:1", "workload.epoks"]);
}

#[test]
fn a_wrong_type_is_told_what_is_due() {
    says(
        &refused(&with("global_batch = 512", "global_batch = \"many\""), &[], 3),
        &["a string stands where", "an integer from 1"],
    );
}

#[test]
fn a_missing_unit_lists_the_units() {
    says(&refused(&with("\"10 h\"", "10"), &[], 3), &["10 has no unit", "16 h", "ms"]);
    says(&refused(&with("\"10 h\"", "\"10\""), &[], 3), &["has no unit"]);
    says(&refused(&with("\"10 h\"", "\"10 GB\""), &[], 3), &["not a unit of time"]);
}

#[test]
fn negative_and_not_finite_numbers_are_out_of_range() {
    says(&refused(&with("\"100 USD\"", "\"-5 USD\""), &[], 3), &["greater than 0"]);
    says(&refused(&with("epochs = 2", "epochs = nan"), &[], 3), &["not a finite number"]);
    says(&refused(&with("epochs = 2", "epochs = inf"), &[], 3), &["not a finite number"]);
    says(&refused(&with("epochs = 2", "epochs = -1"), &[], 3), &["out of range"]);
    says(&refused(&with("\"100 USD\"", "\"nan USD\""), &[], 3), &["not a finite number"]);
}

#[test]
fn no_machine_is_no_fleet() {
    says(&refused(&with("count = 4", "count = 0"), &[], 3), &["fleet[1].count"]);
    says(&refused(&with("count = 4", "count = []"), &[], 3), &["fleet[1].count"]);
    let machine = with(
        "instance = \"gcp/a2-highgpu-1g\"",
        "machine = { accelerator = \"T4\", accelerators = 0, price_per_hour = \"1 USD/h\" }",
    );
    says(
        &refused(&machine.replace("region = \"us-central1\"\n[[fleet]]", "[[fleet]]"), &[], 3),
        &["accelerators"],
    );
}

#[test]
fn two_fleets_of_one_name_are_told_with_both_lines() {
    says(
        &refused(&with("name = \"b\"", "name = \"a\""), &[], 3),
        &["two fleets are named \"a\"", "line 12", "-:16:"],
    );
}

#[test]
fn unknown_names_get_the_nearest_ones() {
    says(
        &refused(&with("gcp/a2-highgpu-1g", "gcp/a2-highgpu-1"), &[], 3),
        &["unknown instance", "gcp/a2-highgpu-1g"],
    );
    says(&refused(&with("resnet-50", "resnet50"), &[], 3), &["unknown model", "resnet-50"]);
    says(
        &refused(&SMALL.replacen("us-central1", "us-centrall", 1), &[], 3),
        &["unknown region", "us-central1"],
    );
    let machine = with(
        "instance = \"gcp/a2-highgpu-1g\"",
        "machine = { accelerator = \"H100\", accelerators = 1, price_per_hour = \"1 USD/h\" }",
    );
    says(&refused(&machine, &[], 3), &["unknown accelerator", "H100-SXM-80GB"]);
}

#[test]
fn an_unpriced_offer_is_a_row_that_is_not_ranked() {
    let text = with(
        "name = \"b\"\ninstance = \"gcp/g2-standard-8\"",
        "name = \"b\"\ninstance = \"gcp/a3-highgpu-8g\"",
    )
    .replacen(
        "count = 4\nregion = \"us-central1\"",
        "purchase = \"committed-3y\"\nregion = \"africa-south1\"",
        1,
    );
    let output = simulate(&text, &["--format", "json"]);
    if code(&output) == 3 {
        // The region itself may be unknown to the catalog: then it is told, with near names.
        says(&stderr(&output), &["unknown region"]);
        return;
    }
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = &result["rows"][1];
    assert!(row["cost_usd"].is_null() && row["rank"].is_null() && !row["time_s"].is_null(), "{row}");
    assert_ne!(result["recommended"], "b");
}

#[test]
fn an_owned_machine_without_a_price_is_unknown_and_never_free() {
    let machine = "machine = { accelerator = \"T4\", accelerators = 4, vcpus = 32, memory = \"128 GiB\" }";
    let text = with("instance = \"gcp/a2-highgpu-1g\"\nregion = \"us-central1\"", machine);
    let result = result(&text, &[]);
    assert!(result["rows"][0]["cost_usd"].is_null() && result["rows"][0]["rank"].is_null());
    assert_ne!(result["recommended"], "a");
}

#[test]
fn a_model_too_large_is_a_row_with_its_bytes() {
    let text = SMALL.replace("resnet-50", "dlrm-dcnv2");
    let output = simulate(&text, &["--format", "json"]);
    assert_eq!(code(&output), 10, "{}", stderr(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = &result["rows"][0];
    assert_eq!(row["feasible"], false);
    assert_eq!(row["replications"], 0, "an infeasible fleet was simulated");
    says(row["reason"].as_str().unwrap(), &["needs", "of 40 GiB", "embeddings"]);
}

#[test]
fn a_deadline_of_nothing_is_refused() {
    says(&refused(&with("\"10 h\"", "\"0 h\""), &[], 3), &["greater than 0"]);
}

#[test]
fn a_newer_format_is_told_so() {
    says(&refused(&with("format = 1", "format = 999"), &[], 3), &["newer capplan"]);
}

#[test]
fn a_sweep_too_wide_is_refused_by_a_limit() {
    let said = refused(&with("count = 4", "count = { from = 1, to = 5000, step = 1 }"), &[], 4);
    says(&said, &["5001 candidates", "1000"]);
}

#[test]
fn a_trillion_samples_leap() {
    let started = Instant::now();
    let result = result(&with("epochs = 2", "samples = 1_000_000_000_000"), &[]);
    assert!(result["rows"][0]["time_s"]["mean"].as_f64().unwrap() > 1e6);
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn contradictions_are_told() {
    says(&refused(&with("epochs = 2", "epochs = 2\nsteps = 5"), &[], 3), &["exclude each other"]);
    says(&refused(&with("count = 4", "count = { from = 8, to = 2 }"), &[], 3), &["from 8 is above to 2"]);
}

#[test]
fn a_bad_override_is_told() {
    says(&refused(SMALL, &["--set", "fleet.zzz.count=2"], 3), &["no entry `zzz`", "a, b"]);
    says(&refused(SMALL, &["--set", "nonsense"], 3), &["has no `=`"]);
    says(&refused(SMALL, &["--set", "workload.epochs=many"], 3), &["--set", "a string stands where"]);
}

#[test]
fn every_fault_is_told_at_once() {
    let said =
        refused(&with("resnet-50", "resnet50").replace("epochs", "epoks").replace("\"10 h\"", "10"), &[], 3);
    assert_eq!(said.matches("error:").count(), 3, "{said}");
}

#[test]
fn an_error_in_json_is_one_object_on_stderr() {
    let output = simulate(&with("epochs = 2", "epoks = 2"), &["--format", "json"]);
    assert_eq!((code(&output), stdout(&output).as_str()), (3, ""));
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    let error = &error["error"];
    assert_eq!(error["code"], "unknown-key");
    assert_eq!((error["line"].as_u64(), error["column"].as_u64()), (Some(10), Some(1)));
    assert_eq!(error["key"], "workload.epoks");
    assert!(error["suggestion"].as_str().unwrap().contains("epochs"));
}

#[test]
fn a_bad_overlay_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |text: &str| {
        write(folder.path(), "mine.toml", text);
        let output = capplan()
            .args(["simulate", "-", "--catalog"])
            .arg(folder.path())
            .write_stdin(SMALL)
            .output()
            .unwrap();
        assert_eq!(code(&output), 3, "{}", stderr(&output));
        stderr(&output)
    };
    let offer = |price: &str| {
        format!(
            "format = 1\nprovider = \"mine\"\n[[instance]]\nname = \"box\"\naccelerator = \"T4\"\naccelerators = 1\noffers = [{{ region = \"here\", {price} }}]\n"
        )
    };
    says(
        &refuse(&offer("on_demand = \"1 USD/h\", spot = \"2 USD/h\"")),
        &["not below on-demand", "mine.toml:7:"],
    );
    says(&refuse(&offer("on_demand = \"700 USD/h\"")), &["sentinel"]);
    says(&refuse(&offer("on_demand = \"0 USD/h\"")), &["greater than 0"]);
    says(&refuse(&offer("prise = \"1 USD/h\"")), &["unknown key `prise`"]);
    says(&refuse(&offer("on_demand = \"1 USD/h\"").replace("T4", "T5")), &["unknown accelerator `T5`"]);
    let output = capplan().args(["list", "prices", "--catalog", "no/such/folder"]).output().unwrap();
    assert_eq!(code(&output), 5);
}

#[test]
fn a_wrong_call_is_usage() {
    for arguments in [
        &["simulate"][..],
        &["no-such-command"],
        &["simulate", "-", "--replicas", "1"],
        &["simulate", "-", "--precision", "0"],
        &["list", "nothing"],
    ] {
        let output = capplan().args(arguments).write_stdin(SMALL).output().unwrap();
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
}

#[test]
fn a_step_of_nothing_or_a_path_without_end_is_refused() {
    refused(SMALL, &["--set", "fleet.b.count={ to = 5, step = 0 }"], 3);
    refused(SMALL, &["--set", &format!("{}=1", vec!["a"; 20_000].join("."))], 3);
}

#[test]
fn figures_beyond_all_reason_are_refused() {
    says(&refused(&with("\"100 USD\"", "\"1e300 USD\""), &[], 3), &["beyond all reason"]);
    refused(SMALL, &["--set", "workload.failures.node_failures=1e9 /s"], 3);
    refused(SMALL, &["--set", "workload.startup.boot=1e300 s"], 3);
    refused(SMALL, &["--set", "pricing.egress_per_run=1e300 B"], 3);
}

#[test]
fn a_slower_input_never_makes_a_faster_job() {
    let time = |decode: &str| {
        let result = result(
            SMALL,
            &["--set", &format!("workload.input.decode_cpu={decode}"), "--set", "workload.epochs=0.001"],
        );
        result["rows"][0]["time_s"]["mean"].as_f64()
    };
    let (ordinary, slow, glacial) = (time("4 ms"), time("1 min"), time("30 days"));
    assert!(ordinary.unwrap() < slow.unwrap());
    assert!(glacial.is_none_or(|glacial| glacial > slow.unwrap()), "{glacial:?}");
}

#[test]
fn failures_never_shorten_a_run() {
    let text = with("epochs = 2", "steps = 10");
    let time = |arguments: &[&str]| result(&text, arguments)["rows"][0]["time_s"]["mean"].as_f64().unwrap();
    let calm = time(&["--set", "workload.startup.boot=1 h"]);
    let stormy =
        time(&["--set", "workload.startup.boot=1 h", "--set", "workload.failures.node_failures=1 /h"]);
    assert!(stormy > calm, "{stormy} {calm}");
}

#[test]
fn what_does_not_end_is_not_ranked() {
    let spot = [
        "--set",
        "fleet.a.purchase=spot",
        "--set",
        "workload.failures.spot_up=1 s",
        "--set",
        "workload.failures.spot_down=1 s",
    ];
    let result = result(SMALL, &spot);
    let row = &result["rows"][0];
    assert!(row["rank"].is_null() && row["pareto"] == false, "{row}");
    assert!(row["warnings"].to_string().contains("lower bounds"));
    assert_ne!(result["recommended"], "a");
}

#[test]
fn names_that_fit_nothing_are_told() {
    says(
        &refused(&with("[workload]", "baseline = \"zz\"\n[workload]"), &[], 3),
        &["no fleet \"zz\"", "a, b"],
    );
    says(&refused(SMALL, &["--set", "workload.optimizer=nope"], 3), &["sgd-momentum"]);
    let discount = format!("{SMALL}\n[[pricing.discount]]\nprovider = \"gpc\"\npercent = 10\n");
    says(&refused(&discount, &[], 3), &["unknown provider `gpc`", "gcp"]);
    refused(SMALL, &["--set", "fleet.b.count=[2, 2]"], 3);
}

#[test]
fn no_escape_reaches_the_terminal() {
    let text = SMALL.replace("name = \"a\"", "name = \"\\u001b[31mred\\u202e\"");
    for arguments in [
        &["--format", "table"][..],
        &["--format", "csv"],
        &["--format", "markdown"],
        &["--fail-if", "cost_usd > 0"],
    ] {
        let output = simulate(&text, arguments);
        for said in [stdout(&output), stderr(&output)] {
            assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
        }
    }
    let output = capplan().args(["simulate", "example:\u{1b}[31mx"]).output().unwrap();
    assert!(!stderr(&output).contains('\u{1b}'));
}

#[test]
fn nothing_is_written_before_everything_is_known_to_be_sound() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let first = write(folder.path(), "first.toml", SMALL);
    for (arguments, status) in [(&["--fail-if", "zzz > 1"][..], 2), (&["--strict"], 6)] {
        let output = capplan()
            .args(["simulate", "-", "--out", out])
            .args(arguments)
            .write_stdin(SMALL)
            .output()
            .unwrap();
        if code(&output) != status {
            // The fleets of this scenario may all be published.
            assert!(arguments == ["--strict"] && code(&output) == 0, "{}", stderr(&output));
            continue;
        }
        assert_eq!(stdout(&output), "");
        assert!(!std::path::Path::new(out).exists());
    }
    let output = capplan().args(["simulate", &first, "no/such.toml", "--format", "json"]).output().unwrap();
    assert_eq!((code(&output), stdout(&output).as_str()), (5, ""));
    let output = capplan().args(["simulate", &first, &first, "--format", "json"]).output().unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&stdout(&output)).unwrap().as_array().unwrap().len(),
        2
    );
    let output = capplan().args(["simulate", &first, "--format", "json", "--seed", "x"]).output().unwrap();
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["error"]["code"], "usage");
}

#[test]
fn a_split_of_a_model_that_cannot_be_split_is_told_with_its_place() {
    let text = with("count = 4\n", "count = 4\nlayout = { tensor_parallel = 2 }\n");
    let said = refused(&text, &[], 3);
    says(&said, &["fleet[1].layout.tensor_parallel", "-:19:30", "data_parallel, micro_batch"]);
    let text = with("count = 4\n", "count = 4\nlayout = { data_parallel = 3 }\n");
    says(&refused(&text, &[], 3), &["fleet[1].layout.data_parallel", "the fleet has 4"]);
    let text = with("epochs = 2\n", "tokens = 1e9\n");
    says(&refused(&text, &[], 3), &["workload.tokens", "not tokens", "samples"]);
}

#[test]
fn a_precision_without_units_is_a_reason_on_its_row() {
    let text = with("epochs = 2\n", "epochs = 2\nprecision = \"nvfp4\"\n");
    let output = simulate(&text, &["--format", "json"]);
    assert_eq!(code(&output), 10, "{}", stderr(&output));
    says(&stdout(&output), &["does not train in nvfp4", "fp32"]);
}
