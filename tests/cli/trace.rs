//! `--trace`: a file that a strict reader takes, of the run that the result tells of.
#![allow(clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{SMALL, capplan, code, result, simulate, stderr, stdout};

/// Reads a trace as strictly as the format is described, and gives its events without those that name things.
fn read(path: &Path) -> (Vec<Value>, Value) {
    let trace: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut at: BTreeMap<(u64, u64), f64> = BTreeMap::new();
    let mut tracks: BTreeMap<u64, String> = BTreeMap::new();
    let mut events = Vec::new();
    for event in trace["traceEvents"].as_array().unwrap() {
        let number =
            |name: &str| event[name].as_f64().unwrap_or_else(|| panic!("{name} is missing: {event}"));
        let name = event["name"].as_str().unwrap();
        let track = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
        let ts = number("ts");
        assert!(ts.is_finite() && ts >= 0.0, "{event}");
        match event["ph"].as_str().unwrap() {
            "M" if name == "thread_name" => {
                tracks.insert(track.1, event["args"]["name"].as_str().unwrap().to_owned());
            }
            "M" => assert!(["process_name", "thread_sort_index"].contains(&name), "{name}"),
            "i" => {
                assert_eq!(event["s"], "t");
                events.push(event.clone());
            }
            "X" => {
                assert!(number("dur") >= 0.0, "{event}");
                // Within a track what is told does not overlap; a nanosecond may be lost in reading.
                let before = at.get(&track).copied().unwrap_or(0.0);
                assert!(ts >= before - 1e-3 - 1e-12 * before, "{event} before {before}");
                at.insert(track, ts + number("dur"));
                events.push(event.clone());
            }
            phase => panic!("an event of phase {phase}"),
        }
    }
    for event in &events {
        assert!(tracks.contains_key(&event["tid"].as_u64().unwrap()), "a track without a name");
    }
    (events, trace["otherData"].clone())
}

fn sum(events: &[Value], name: &str) -> f64 {
    events.iter().filter(|event| event["name"] == name).filter_map(|event| event["dur"].as_f64()).sum()
}

/// Deterministic but for boot times; reading the input is what bounds it.
fn trained(name: &str) -> String {
    SMALL.replace("name = \"a\"", &format!("name = {name}"))
}

#[test]
fn a_trace_of_training_agrees_with_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.json");
    let scenario = trained("\"a\"");
    let arguments = ["--trace", file.to_str().unwrap(), "--trace-fleet", "a"];
    let result = result(&scenario, &arguments);
    let row = result["rows"].as_array().unwrap().iter().find(|row| row["fleet"] == "a").unwrap();
    let (events, about) = read(&file);
    assert_eq!((&about["fleet"], &about["seed"]), (&Value::from("a"), &result["seed"]));
    assert_eq!(about["capped_at_s"], Value::Null);
    let end = events.iter().map(|event| event["ts"].as_f64().unwrap() + event["dur"].as_f64().unwrap_or(0.0));
    let end = end.fold(0.0, f64::max) / 1e6;
    let time = &row["time_s"];
    assert!((end / time["p50"].as_f64().unwrap() - 1.0).abs() < 0.2, "{end} {time}");
    let stalls = sum(&events, "wait for input") / (sum(&events, "wait for input") + sum(&events, "step"));
    let expected = row["stall_share"]["mean"].as_f64().unwrap();
    assert!((stalls - expected).abs() < 0.02, "{stalls} {expected}");
    let checkpoints = sum(&events, "checkpoint") / 1e6 / end;
    let expected = row["checkpoint_share"]["mean"].as_f64().unwrap();
    assert!((checkpoints - expected).abs() < 0.3 * expected + 1e-4, "{checkpoints} {expected}");
    // Every step is told, numbered.
    let steps = events.iter().filter(|event| event["name"] == "step").count() as u64;
    assert_eq!(Some(steps), row["steps"].as_u64());
    // The result is the same with and without.
    assert_eq!(result, super::result(&scenario, &[]));
}

#[test]
fn names_of_any_letters_stand_in_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a trace.json");
    let name = "\"a \\\"b\\\" \\\\ \\u0007\\n {}[]\"";
    let output = simulate(
        &trained(name),
        &["--trace", file.to_str().unwrap(), "--trace-fleet", "a \"b\" \\ \u{7}\n {}[]"],
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let (_, about) = read(&file);
    assert_eq!(about["fleet"], "a \"b\" \\ \u{fffd}\u{fffd} {}[]");
}

#[test]
fn a_window_bounds_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.json");
    let arguments = ["--trace", file.to_str().unwrap(), "--trace-window", "10min..12 min"];
    let output = simulate(SMALL, &arguments);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let (events, about) = read(&file);
    assert_eq!((about["from_s"].as_f64(), about["until_s"].as_f64()), (Some(600.0), Some(720.0)));
    assert!(events.iter().any(|event| event["name"] == "step"));
    for event in &events {
        let (start, duration) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap_or(0.0));
        assert!(start <= 720e6 && start + duration >= 600e6, "{event}");
    }
}

#[test]
fn every_example_has_a_trace_of_its_recommended_fleet() {
    let folder = tempfile::tempdir().unwrap();
    let mut kinds = BTreeMap::new();
    for name in capplan::catalog::EXAMPLES.iter().filter(|name| *name != "reference") {
        let file = folder.path().join(format!("{name}.json"));
        let output = capplan()
            .args(["simulate", &format!("example:{name}"), "--trace", file.to_str().unwrap()])
            .args(["--trace-window", "0s..3min"])
            .output()
            .unwrap();
        let said = stderr(&output);
        if code(&output) == 10 {
            assert!(said.contains("no trace") && !file.exists(), "{name}: {said}");
            continue;
        }
        assert_eq!(code(&output), 0, "{name}: {said}");
        let (events, _) = read(&file);
        assert!(!events.is_empty(), "{name}: {said}");
        for event in events {
            *kinds.entry(event["name"].as_str().unwrap().to_owned()).or_insert(0_u64) += 1;
        }
    }
    for wanted in ["boot and load", "batch", "serve", "prefill", "decode", "decode iterations"] {
        assert!(kinds.contains_key(wanted), "{wanted} is not in {kinds:?}");
    }
}

/// Nothing on stdout, one message, no file.
fn refused(arguments: &[&str], status: i32, words: &str) {
    let output = simulate(SMALL, arguments);
    assert_eq!(code(&output), status, "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains(words), "`{words}` is not in {}", stderr(&output));
}

#[test]
fn a_trace_that_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("there.json"), "mine").unwrap();
    refused(&["--trace", folder.path().to_str().unwrap()], 5, "is a directory");
    refused(&["--trace", &at("no/such/trace.json")], 5, "no folder");
    refused(&["--trace", &at("there.json")], 5, "--force");
    assert_eq!(std::fs::read_to_string(at("there.json")).unwrap(), "mine");
    refused(&["--trace", "-"], 2, "--trace takes a file");
    refused(&["--trace", &at("t.json"), "--trace-fleet", "aa"], 2, "there is no fleet `aa`");
    for window in ["10min", "5 min..1 min", "1..2", "x..y", "-1s..2s", "1e999 s..", "2s..2s"] {
        refused(&["--trace", &at("t.json"), &format!("--trace-window={window}")], 2, "--trace-window");
    }
    refused(&["--trace-window", "1s..2s"], 2, "--trace");
    assert!(!Path::new(&at("t.json")).exists());
    let two = ["simulate", "example:chat", "example:daily-recommender", "--trace", &at("t.json")];
    assert_eq!(code(&capplan().args(two).output().unwrap()), 2);
    // With --force it is replaced.
    assert_eq!(code(&simulate(SMALL, &["--trace", &at("there.json"), "--force"])), 0);
    read(Path::new(&at("there.json")));
}

#[test]
fn without_a_recommended_fleet_there_is_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.json");
    let scenario = SMALL.replace("10 h", "1 s");
    let output = simulate(&scenario, &["--trace", file.to_str().unwrap()]);
    assert_eq!(code(&output), 10);
    assert!(stderr(&output).contains("--trace-fleet"), "{}", stderr(&output));
    assert!(!file.exists());
}

#[cfg(unix)]
#[test]
fn a_folder_that_takes_no_file_leaves_none() {
    // What the system itself makes cannot be written to by anybody.
    let output = simulate(SMALL, &["--trace", "/proc/trace.json"]);
    assert_eq!(code(&output), 5, "{}", stderr(&output));
    assert!(stderr(&output).contains("cannot write /proc/trace.json"));
}
