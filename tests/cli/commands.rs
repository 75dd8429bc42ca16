//! Every command does what its help says.

use super::{SMALL, capplan, code, simulate, stderr, stdout};

fn text(arguments: &[&str]) -> String {
    let output = capplan().args(arguments).output().unwrap();
    assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

#[test]
fn every_example_runs_and_is_checked() {
    let listed = text(&["list", "examples", "--format", "csv"]);
    let names: Vec<&str> = listed.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert!(names.len() >= 5, "{listed}");
    for name in names {
        let output =
            capplan().args(["simulate", name, "--format", "json", "--no-progress"]).output().unwrap();
        assert!([0, 10].contains(&code(&output)), "{name}: {}", stderr(&output));
        let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(
            result["rows"].as_array().unwrap().iter().any(|row| row["feasible"] == true),
            "{name}: nothing can run"
        );
        assert_eq!(code(&capplan().args(["check", name]).output().unwrap()), 0, "{name}");
    }
}

#[test]
fn a_part_of_a_searched_layout_is_fixed_from_the_command_line() {
    let check = |set: &str| {
        let arguments = ["check", "example:pretraining-70b", "--format", "json", "--set", set];
        capplan().args(arguments).output().unwrap()
    };
    let output = check("fleet.demand.layout.tensor_parallel=4");
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("tensor 4"));
    let output = check("fleet.demand.layout.tensor_parallel=3");
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("workable: 1, 2, 4, 8"), "{}", stderr(&output));
}

#[test]
fn a_check_simulates_nothing_and_names_every_value() {
    let resolved = text(&["check", "example:daily-recommender", "--resolved", "--format", "csv"]);
    for line in
        ["objective.deadline,", "workload.precision,", "workload.input.prefetch,2,default", "fleet[0].name,"]
    {
        assert!(resolved.contains(line), "`{line}` is not in:\n{resolved}");
    }
    assert!(resolved.contains("example:daily-recommender:"), "no value has its line");
    let output = capplan()
        .args([
            "check",
            "example:daily-recommender",
            "--resolved",
            "--format",
            "csv",
            "--set",
            "workload.epochs=3",
        ])
        .output()
        .unwrap();
    assert!(stdout(&output).contains("workload.epochs,3,command line"));
}

#[test]
fn lists_are_filtered_and_sorted() {
    let all = text(&["list", "accelerators", "--format", "csv"]);
    assert!(all.lines().count() > 45, "{} accelerators", all.lines().count());
    for name in ["K80", "GB300", "MI300X", "TPU-v2", "TPU-v7x", "Trainium2", "Inferentia2"] {
        assert!(all.lines().any(|line| line.starts_with(name)), "{name} is missing");
    }
    let large = text(&[
        "list",
        "accelerators",
        "--filter",
        "memory_gib>=100",
        "--sort",
        "-memory_gib",
        "--format",
        "json",
    ]);
    let large: serde_json::Value = serde_json::from_str(&large).unwrap();
    let memory: Vec<f64> =
        large.as_array().unwrap().iter().map(|row| row["memory_gib"].as_f64().unwrap()).collect();
    assert!(
        !memory.is_empty()
            && memory.iter().all(|memory| *memory >= 100.0)
            && memory.is_sorted_by(|a, b| a >= b)
    );
    let prices = text(&["list", "prices", "--format", "csv"]);
    assert!(prices.lines().count() > 400, "{} prices", prices.lines().count());
    for what in
        ["instances", "api-prices", "managed", "engines", "models", "profiles", "policies", "examples"]
    {
        assert!(text(&["list", what]).lines().count() > 4, "{what}");
    }
    let output = capplan().args(["list", "models", "--filter", "parmeters_m>1"]).output().unwrap();
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("did you mean `parameters_m`?"));
}

#[test]
fn every_policy_that_a_scenario_may_name_is_listed() {
    let listed = text(&["list", "policies", "--format", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&text(&["schema"])).unwrap();
    let mut keys: Vec<String> =
        listed.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect();
    keys.dedup();
    assert!(keys.len() > 8, "{keys:?}");
    for key in keys.iter().filter(|key| key.starts_with("workload.")) {
        let ours: Vec<&serde_json::Value> = listed
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["key"] == key.as_str())
            .map(|row| &row["policy"])
            .collect();
        let path = key.trim_start_matches("workload.").replace('.', "/properties/");
        let allowed = (0..2).find_map(|sort| {
            schema.pointer(&format!("/properties/workload/anyOf/{sort}/properties/{path}/enum"))
        });
        let allowed: Vec<&serde_json::Value> = allowed.unwrap().as_array().unwrap().iter().collect();
        assert_eq!(ours, allowed, "{key}");
    }
}

#[test]
fn prices_by_the_token_are_filtered_and_laid_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ours.toml");
    let list = "format = 1\n[[api]]\nprovider = \"ours\"\nprices = [{ name = \"chat\", model = \"llama-3-8b\", input = \"0.01 USD/Mtok\", output = \"0.02 USD/Mtok\" }]\n";
    std::fs::write(&file, list).unwrap();
    let catalog = folder.path().display().to_string();
    let rows = |more: &[&str]| {
        let fixed = [
            "list",
            "api-prices",
            "--filter",
            "model=llama-3-8b",
            "--sort",
            "output_usd_per_mtok",
            "--format",
            "csv",
        ];
        text(&[&fixed, more].concat())
    };
    let (usual, ours) = (rows(&[]), rows(&["--catalog", &catalog]));
    assert_eq!(usual.lines().count() + 1, ours.lines().count(), "{usual}\n{ours}");
    assert!(ours.lines().nth(1).unwrap().starts_with("ours/chat,ours,llama-3-8b,0.01,0.02"), "{ours}");
    std::fs::write(&file, list.replace("0.02 USD/Mtok", "0.02 USD/h")).unwrap();
    let output = capplan().args(["list", "api-prices", "--catalog", &catalog]).output().unwrap();
    assert_eq!(code(&output), 3);
    let told = stderr(&output);
    assert!(told.contains("ours.toml:4:") && told.contains("USD/Mtok"), "{told}");
}

#[test]
fn schemas_completions_and_the_manual_are_printed() {
    let schema: serde_json::Value = serde_json::from_str(&text(&["schema"])).unwrap();
    let workload = |kind: usize, key: &str| {
        schema["properties"]["workload"]["anyOf"][kind]["properties"][key]["type"].clone()
    };
    assert_eq!(workload(0, "epochs"), "number");
    assert_eq!(workload(1, "arrivals"), "object");
    let result: serde_json::Value = serde_json::from_str(&text(&["schema", "result"])).unwrap();
    assert!(
        result["properties"]["recommended"].is_object() || result["properties"]["recommended"].is_boolean()
    );
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&["completions", shell]).contains("capplan"));
    }
    assert!(text(&["man"]).contains(".TH"));
    assert!(text(&["init", "reference"]).contains("# global_batch"));
    let started = text(&["init"]);
    assert_eq!(code(&capplan().args(["check", "-"]).write_stdin(started).output().unwrap()), 0);
}

#[test]
fn every_metric_is_explained_down_to_its_sources() {
    for metric in [
        "time_s",
        "cost_usd",
        "samples_per_s",
        "bound",
        "memory",
        "step",
        "price",
        "deadline_met",
        "budget_met",
    ] {
        let output = capplan().args(["explain", "-", "a", metric]).write_stdin(SMALL).output().unwrap();
        assert_eq!(code(&output), 0, "{metric}: {}", stderr(&output));
        assert!(stdout(&output).lines().count() >= 2, "{metric}: {}", stdout(&output));
    }
    let cost =
        stdout(&capplan().args(["explain", "-", "a", "cost_usd"]).write_stdin(SMALL).output().unwrap());
    assert!(cost.contains("gcp/a2-highgpu-1g us-central1") && cost.contains("busy"), "{cost}");
    let output = capplan().args(["explain", "-", "z", "cost_usd"]).write_stdin(SMALL).output().unwrap();
    assert_eq!(code(&output), 2);
}

#[test]
fn thresholds_decide_the_exit_status() {
    assert_eq!(code(&simulate(SMALL, &["--fail-if", "cost_usd > 0.01"])), 11);
    assert_eq!(code(&simulate(SMALL, &["--fail-if", "cost_usd > 100000"])), 0);
    assert_eq!(code(&simulate(SMALL, &["--fail-if", "no_such > 1"])), 2);
    assert_eq!(code(&simulate(&SMALL.replace("100 USD", "0.01 USD"), &[])), 10);
}

#[test]
fn help_and_version_go_to_stdout() {
    assert!(text(&["--help"]).contains("simulate"));
    assert!(text(&["--version"]).starts_with("capplan "));
    for later in ["recommend", "sweep", "merge"] {
        assert!(!text(&["--help"]).contains(later), "{later} does not work yet and must not be offered");
    }
}
