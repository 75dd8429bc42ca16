//! `capplan calibrate` as a user calls it: wrong calls, full disks, interruptions, and a profile used in a scenario.
#![cfg(feature = "calibrate")]

use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use capplan::catalog::MeasuredProfile;
use capplan::catalog::measured::{MeasuredCurve, ProfileOrigin, Run, Section};
use capplan::stats::Form;

use super::{capplan, code, simulate, stderr, stdout};

fn calibrate(arguments: &[&str]) -> std::process::Output {
    capplan().arg("calibrate").args(arguments).timeout(Duration::from_secs(300)).output().unwrap()
}

#[test]
fn wrong_calls_are_told_at_once() {
    for (arguments, status, words) in [
        (vec!["train", "--model", "gtp"], 2, "did you mean gpt?"),
        (vec!["infer", "--device", "gpu"], 2, "unknown device `gpu`"),
        (vec!["train", "--device", "cpu", "--accelerator", "nvidia-h1000"], 2, "unknown accelerator"),
        (vec!["train", "--budget", "soon"], 2, "--budget"),
        (vec!["train", "--budget", "0 s"], 2, "between 1 s and 1 day"),
        (vec!["train", "--out", "/absent/folder/p.toml"], 5, "cannot write"),
        (vec!["verify", "/absent/p.toml"], 5, "cannot read"),
    ] {
        let started = Instant::now();
        let output = calibrate(&arguments);
        assert_eq!(code(&output), status, "{arguments:?} {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{arguments:?} {}", stderr(&output));
        assert!(stdout(&output).is_empty() && started.elapsed() < Duration::from_secs(30));
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_that_was_not_built_in_says_how_to_build_it() {
    let output = calibrate(&["train", "--device", "cuda", "--format", "json"]);
    assert_eq!(code(&output), 2);
    let error: serde_json::Value = serde_json::from_str(&stderr(&output)).unwrap();
    assert!(error["error"]["message"].as_str().unwrap().contains("--features cuda"), "{error}");
}

#[test]
fn files_that_are_no_profile_of_this_machine_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.toml");
    let name = path.to_str().unwrap();
    std::fs::write(&path, "format = 1\nsecret = \"keep\"\n").unwrap();
    let output = calibrate(&["train", "--out", name]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));

    let mut other = profile(folder.path());
    other.machine.cpu = "Another CPU".to_owned();
    other.save(&path).unwrap();
    let output = calibrate(&["train", "--out", name]);
    assert_eq!(code(&output), 6, "{}", stderr(&output));
    assert!(stderr(&output).contains("another machine"), "{}", stderr(&output));
    let output = calibrate(&["verify", name]);
    assert_eq!(code(&output), 6, "{}", stderr(&output));
    assert!(MeasuredProfile::open(&path).unwrap().is_ok(), "it was touched");
}

/// A profile of this machine, with made-up times: 20 ms + 50 µs a record, give or take a percent.
fn profile(folder: &Path) -> MeasuredProfile {
    let runs = (1..=3_u64).flat_map(|repeat| {
        [64.0, 256.0, 1024.0, 4096.0].map(|at| {
            let seconds = (0.020 + 50e-6 * at) * (0.99 + 0.005 * repeat as f64);
            Run { at, repeat, started: 0.0, samples: vec![seconds; 3] }
        })
    });
    let settings = [("model", "capplan-recommender"), ("precision", "fp32")];
    let mut curve = MeasuredCurve {
        section: Section::Train,
        quantity: "step".to_owned(),
        unit: "s".to_owned(),
        axis: "batch".to_owned(),
        settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        runs: runs.collect(),
        fit: None,
        noise: 0.0,
        skipped: Vec::new(),
    };
    curve.refit(&Form::TIMES).unwrap();
    let profile = MeasuredProfile {
        name: "mine".to_owned(),
        measured: "2026-11-27".parse().unwrap(),
        origin: ProfileOrigin::Measured,
        accepted_noise: false,
        machine: capplan::calibrate::here(),
        curves: vec![curve],
        figures: Vec::new(),
    };
    profile.save(&folder.join("quick.toml")).unwrap();
    profile
}

/// The four curves of a served language model: 2 ms + 10 ms a prompt of 128 tokens, 1 ms + 0.5 ms a decoded sequence,
/// of which a microsecond for 8 tokens of context.
fn served(folder: &Path) -> MeasuredProfile {
    let curve =
        |quantity: &str, axis: &str, (key, fixed): (&str, &str), sizes: [f64; 4], law: fn(f64) -> f64| {
            let runs = (1..=3_u64).flat_map(|repeat| {
                sizes.map(|at| {
                    let seconds = law(at) * (0.99 + 0.005 * repeat as f64);
                    Run { at, repeat, started: 0.0, samples: vec![seconds; 3] }
                })
            });
            let settings = [("model", "capplan-gpt"), ("precision", "fp32"), (key, fixed)];
            let mut curve = MeasuredCurve {
                section: Section::Infer,
                quantity: quantity.to_owned(),
                unit: "s".to_owned(),
                axis: axis.to_owned(),
                settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
                runs: runs.collect(),
                fit: None,
                noise: 0.0,
                skipped: Vec::new(),
            };
            curve.refit(&Form::TIMES).unwrap();
            curve
        };
    let mut profile = profile(folder);
    profile.curves = vec![
        curve("prefill", "batch", ("sequence", "128"), [1.0, 2.0, 4.0, 8.0], |at| 2e-3 + 10e-3 * at),
        curve("prefill", "sequence", ("batch", "1"), [32.0, 128.0, 256.0, 512.0], |at| {
            2e-3 + 10e-3 * at / 128.0
        }),
        curve("decode", "batch", ("context", "128"), [1.0, 4.0, 8.0, 32.0], |at| 1e-3 + 0.5e-3 * at),
        curve("decode", "context", ("batch", "8"), [32.0, 128.0, 512.0, 1000.0], |at| 4.872e-3 + 1e-6 * at),
    ];
    profile.save(&folder.join("quick.toml")).unwrap();
    profile
}

fn serving(profile: &str, rate: &str, batching: &str) -> String {
    format!(
        "format = 1\n[objective]\nminimize = \"cost\"\n[workload]\nkind = \"inference\"\nmodel = \"capplan-gpt\"\n\
         precision = \"fp32\"\nprofile = \"{profile}\"\n[workload.arrivals]\nkind = \"poisson\"\nrate = {rate}\n\
         [workload.lengths]\ninput = 128\noutput = 33\n{batching}{HERE}"
    )
}

#[test]
fn a_language_model_is_served_by_its_measured_prompts_and_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let mut mine = served(folder.path());
    let path = folder.path().join("quick.toml");
    let name = path.to_str().unwrap();
    let row = |text: &str| {
        let output = simulate(text, &["--format", "json"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let result: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        result["rows"][0].clone()
    };
    let quiet = row(&serving(name, "0.5", ""));
    assert_eq!(quiet["provenance"], "measured", "{quiet}");
    let time = |row: &serde_json::Value, key: &str| {
        row[key]["p50"]["mean"].as_f64().unwrap_or_else(|| panic!("{key}: {row}"))
    };
    let (first, token) = (time(&quiet, "ttft_s"), time(&quiet, "tpot_s"));
    // The call of a microservice takes 2 ms beside the 12 of the prompt.
    assert!((first / 14e-3 - 1.0).abs() < 0.05, "{first}");
    assert!((token / 1.5e-3 - 1.0).abs() < 0.05, "{token}");

    // A busy machine decodes many at once, no more than were measured unless it is asked to.
    let busy = row(&serving(name, "12", ""));
    assert!(time(&busy, "tpot_s") > 1.2 * token, "{busy}");
    let beyond = row(&serving(name, "12", "[workload.batching]\nmax_sequences = 256\n"));
    assert_eq!(beyond["provenance"], "extrapolated", "{beyond}");

    mine.machine.cpu = "Another CPU".to_owned();
    mine.save(&path).unwrap();
    let elsewhere = row(&serving(name, "0.5", ""));
    assert_eq!(elsewhere["provenance"], "extrapolated", "{elsewhere}");
    assert!(elsewhere["warnings"].to_string().contains("another machine"), "{elsewhere}");

    // Without one of its curves the profile says which.
    mine.curves.retain(|curve| curve.quantity != "decode");
    mine.save(&path).unwrap();
    let output = simulate(&serving(name, "1", ""), &[]);
    let told = stdout(&output) + &stderr(&output);
    assert!(code(&output) != 0 && told.contains("decode against batch"), "{told}");
}

fn scenario(profile: &str, fleets: &str) -> String {
    format!(
        "format = 1\n[workload]\nmodel = \"capplan-recommender\"\nprecision = \"fp32\"\nglobal_batch = 512\nsteps = 2000\n\
         profile = \"{profile}\"\n[workload.input]\nmode = \"direct-feed\"\n[workload.dataset]\nsamples = 100000\n{fleets}"
    )
}

const HERE: &str =
    "[[fleet]]\nname = \"here\"\n[fleet.machine]\nmeasured = true\nprice_per_hour = \"0.05 USD/h\"\n";
const RENTED: &str = "[[fleet]]\nname = \"rented\"\ninstance = \"aws/g4dn.xlarge\"\nregion = \"us-east-1\"\n";

#[test]
fn a_profile_measured_here_is_used_and_one_of_another_machine_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let mut mine = profile(folder.path());
    let path = folder.path().join("quick.toml");
    let text = scenario(path.to_str().unwrap(), HERE);

    let output = simulate(&text, &["--format", "json", "--strict"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let result: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(result["rows"][0]["provenance"], "measured", "{result}");
    let time = |row: &serde_json::Value| ["lo", "mean", "hi"].map(|end| row["time_s"][end].as_f64().unwrap());
    let [lo, mean, hi] = time(&result["rows"][0]);
    let curve = mine.curves.iter().find(|curve| curve.quantity == "step").unwrap();
    let step = curve.fit.as_ref().unwrap().fitted.evaluate(512.0);
    assert!((mean / (2000.0 * step) - 1.0).abs() < 0.1, "{mean} {step}");
    assert!(lo < mean && mean < hi, "{lo} {mean} {hi}");
    let again = simulate(&text, &["--format", "json", "--strict", "--threads", "1"]);
    assert_eq!(stdout(&output), stdout(&again));

    // Without a price the row is told and never ranked.
    let unpriced = simulate(
        &scenario(path.to_str().unwrap(), "[[fleet]]\nname = \"here\"\nmachine = \"this machine\"\n"),
        &["--format", "json"],
    );
    let result: serde_json::Value = serde_json::from_str(&stdout(&unpriced)).unwrap();
    assert!(result["rows"][0]["cost_usd"].is_null() && !result["rows"][0]["time_s"].is_null(), "{result}");

    mine.machine.cpu = "Another CPU".to_owned();
    mine.save(&path).unwrap();
    let output = simulate(&text, &["--format", "json"]);
    let result: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(result["rows"][0]["provenance"], "extrapolated", "{result}");
    assert!(result["rows"][0]["warnings"].to_string().contains("another machine"), "{result}");
    assert_eq!(code(&simulate(&text, &["--strict"])), 6);

    // A curve of a processor never becomes that of a rented device: the catalog's own word stands.
    let both = simulate(&scenario(path.to_str().unwrap(), RENTED), &["--format", "json"]);
    let result: serde_json::Value = serde_json::from_str(&stdout(&both)).unwrap();
    assert_ne!(result["rows"][0]["provenance"], "measured", "{result}");
}

#[test]
fn bad_profiles_stop_a_scenario_with_their_own_status() {
    let folder = tempfile::tempdir().unwrap();
    let absent = scenario("/absent/p.toml", HERE);
    assert_eq!(code(&simulate(&absent, &[])), 5);
    assert_eq!(code(&simulate(&absent, &["--strict"])), 6);
    let unknown = simulate(&scenario("amd-epic-2-cores", HERE), &[]);
    assert_eq!(code(&unknown), 3);
    assert!(stderr(&unknown).contains("unknown profile"), "{}", stderr(&unknown));
    let damaged = folder.path().join("p.toml");
    std::fs::write(&damaged, "format = 1\nchecksum = \"00\"\nname = \"x\"\n[machine]\ndevice = \"cpu\"\n")
        .unwrap();
    let output = simulate(&scenario(damaged.to_str().unwrap(), HERE), &[]);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("damaged"), "{}", stderr(&output));
    let none = HERE.to_owned() + "[workload]\nmodel = \"capplan-gpt\"\n";
    let output = simulate(&format!("format = 1\n{none}"), &[]);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("workload's profile"), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn an_interrupted_calibration_ends_at_once_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.toml");
    let partial = folder.path().join("p.toml.partial");
    let arguments = [
        "calibrate",
        "train",
        "--model",
        "recommender",
        "--accept-noise",
        "--no-progress",
        "--out",
        path.to_str().unwrap(),
    ];
    let mut child = Process::new(assert_cmd::cargo::cargo_bin("capplan"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = || std::fs::read_to_string(&partial).map_or(0, |text| text.lines().count());
    let started = Instant::now();
    while lines() < 3 && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let interrupted = Instant::now();
    Process::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(interrupted.elapsed() < Duration::from_millis(2500), "{:?}", interrupted.elapsed());
    assert!(!path.exists() && lines() >= 3, "something was half-saved, or nothing was kept");
    let budget = [&arguments[1..], &["--budget", "20 s"]].concat();
    let output = calibrate(&budget);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("going on from"), "{}", stderr(&output));
    assert!(path.exists() && !partial.exists());
}
