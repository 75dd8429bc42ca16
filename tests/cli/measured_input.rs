//! A profile's input section in scenarios, and what the commands that write and read such profiles refuse.
#![cfg(feature = "calibrate")]

use std::path::{Path, PathBuf};

use capplan::catalog::MeasuredProfile;
use capplan::catalog::measured::{MeasuredCurve, ProfileOrigin, Run, Section};
use capplan::stats::{Form, usl};

use super::{capplan, code, simulate, stderr, stdout};

/// Points of a quantity against a size, three times over with 1 % between the repeats.
fn curve(
    (section, quantity, axis): (Section, &str, &str),
    settings: &[(&str, &str)],
    forms: &[Form],
    points: &[(f64, f64)],
) -> MeasuredCurve {
    let runs = (1..=3_u64).flat_map(|repeat| {
        points.iter().map(move |&(at, value)| {
            let seen = value * (0.985 + 0.005 * repeat as f64);
            Run { at, repeat, started: 0.0, samples: vec![seen; 3] }
        })
    });
    let mut curve = MeasuredCurve {
        section,
        quantity: quantity.to_owned(),
        unit: "s".to_owned(),
        axis: axis.to_owned(),
        settings: settings.iter().map(|(key, word)| ((*key).to_owned(), (*word).to_owned())).collect(),
        runs: runs.collect(),
        fit: None,
        noise: 0.0,
        skipped: Vec::new(),
    };
    curve.refit(forms).unwrap();
    curve
}

/// Processor time of a picture of 100 kB.
const PICTURE: f64 = 0.5e-3 + 35e-9 * 100e3;
/// A step of 16 pictures.
const STEP: f64 = 0.002 + 0.001 * 16.0;
const SIGMA: f64 = 0.1;

/// Pictures take 0.5 ms and 35 ns a byte, the disk 0.2 ms and 2 ns a byte, steps 2 ms and 1 ms a picture.
fn profile(folder: &Path) -> PathBuf {
    let bytes = [25e3, 50e3, 100e3, 200e3, 400e3];
    let line = |a: f64, b: f64| bytes.map(|x| (x, a + b * x));
    let warm = [("mode", "native-ops"), ("codec", "jpeg"), ("cache", "warm")];
    let cold = [("mode", "native-ops"), ("codec", "jpeg"), ("cache", "cold")];
    let counts = [1.0, 2.0, 3.0, 4.0];
    let input = |quantity, axis| (Section::Input, quantity, axis);
    let curves = vec![
        curve(
            (Section::Train, "step", "batch"),
            &[("model", "capplan-cnn"), ("precision", "fp32")],
            &Form::TIMES,
            &[1.0, 4.0, 16.0, 64.0].map(|batch| (batch, 0.002 + 0.001 * batch)),
        ),
        curve(input("processor", "bytes"), &warm, &Form::TIMES, &line(0.5e-3, 35e-9)),
        curve(input("read", "bytes"), &warm, &Form::TIMES, &line(1e-5, 2e-10)),
        curve(input("read", "bytes"), &cold, &Form::TIMES, &line(0.2e-3, 2e-9)),
        curve(
            input("items", "workers"),
            &warm,
            &[Form::Usl],
            &counts.map(|n| (n, usl(n, 250.0, SIGMA, 0.0))),
        ),
        curve(input("read", "workers"), &cold, &[Form::Usl], &counts.map(|n| (n, usl(n, 250e6, 0.3, 0.0)))),
    ];
    let profile = MeasuredProfile {
        name: "mine".to_owned(),
        measured: "2026-11-27".parse().unwrap(),
        origin: ProfileOrigin::Measured,
        accepted_noise: false,
        machine: capplan::calibrate::here(),
        curves,
        figures: Vec::new(),
    };
    let path = folder.join("mine.toml");
    profile.save(&path).unwrap();
    path
}

fn row(path: &Path, input: &str, more: &[&str]) -> serde_json::Value {
    let text = format!(
        "format = 1\n[workload]\nmodel = \"capplan-cnn\"\nprecision = \"fp32\"\nglobal_batch = 16\nsteps = 3000\n\
         profile = \"{}\"\n[workload.dataset]\nsamples = 50000\nsample_size = \"100 kB\"\n\
         [workload.input]\nread_variation = 0\ndecode_variation = 0\n{input}\n[workload.checkpoint]\nkind = \"none\"\n\
         [[fleet]]\nname = \"here\"\n[fleet.machine]\nmeasured = true\nvcpus = 2\nprice_per_hour = \"0.05 USD/h\"\n",
        path.display()
    );
    let output = simulate(&text, &[&["--format", "json"], more].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let result: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    result["rows"][0].clone()
}

fn seconds(row: &serde_json::Value) -> f64 {
    row["time_s"]["mean"].as_f64().unwrap()
}

#[test]
fn decoding_on_the_measured_machine_takes_what_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    let path = profile(folder.path());
    for (workers, speedup) in [(1.0, 1.0), (2.0, usl(2.0, 1.0, SIGMA, 0.0))] {
        let found = row(&path, &format!("workers = {workers}"), &["--strict"]);
        let expected = 3000.0 * 16.0 * PICTURE / speedup;
        assert!((seconds(&found) / expected - 1.0).abs() < 0.05, "{workers}: {} {expected}", seconds(&found));
        assert_eq!(found["bound"]["name"], "input-decode", "{found}");
        assert_eq!(found["provenance"], "measured", "{found}");
    }
}

#[test]
fn the_disk_is_the_measured_one_until_the_scenario_names_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = profile(folder.path());
    // Decoding is said to cost nothing; one reader then takes 0.4 ms a picture, less than a step: no bound.
    let free = "decode_cpu = \"1 us\"\nread_streams = 1";
    let found = row(&path, free, &[]);
    assert!((seconds(&found) / (3000.0 * STEP) - 1.0).abs() < 0.05, "{found}");
    assert_eq!(found["bound"]["name"], "compute");
    // Larger pictures take longer to read than a step: 16 × (0.2 + 0.8) ms against 18 ms is close, with 200 kB more it flips.
    let large = row(&path, free, &["--set", "workload.dataset.sample_size=600 kB"]);
    assert_eq!(large["bound"]["name"], "input-read", "{large}");
    // Decoding is not off a curve here, so the catalog's wide error stays and lengthens the mean of the slower of two.
    let expected = 3000.0 * 16.0 * (0.2e-3 + 2e-9 * 600e3);
    assert!((0.97..1.12).contains(&(seconds(&large) / expected)), "{} {expected}", seconds(&large));
    let named = row(
        &path,
        free,
        &["--set", "workload.dataset.sample_size=600 kB", "--set", "workload.dataset.storage=hdd"],
    );
    assert_ne!(seconds(&named), seconds(&large));
}

#[test]
fn what_the_scenario_states_and_what_was_not_measured_stay_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = profile(folder.path());
    let stated = row(&path, "workers = 1\ndecode_cpu = \"10 ms\"", &[]);
    assert!((seconds(&stated) / (3000.0 * 16.0 * 10e-3) - 1.0).abs() < 0.05, "{stated}");
    // Pictures ten times beyond those measured: the model's own figure, 0.1 ms, and no word of a measurement.
    let far = ["--set", "workload.dataset.sample_size=5 MB"];
    let beyond = row(&path, "workers = 1", &far);
    assert_ne!(beyond["bound"]["name"], "input-decode", "{beyond}");
    let png = row(&path, "workers = 1\ncodec = \"png\"", &[]);
    assert!(seconds(&png) < 0.5 * 3000.0 * 16.0 * PICTURE, "no curve of PNG was measured: {png}");
}

fn calibrate(arguments: &[&str]) -> std::process::Output {
    capplan().arg("calibrate").args(arguments).output().unwrap()
}

#[test]
fn an_input_calibration_refuses_what_it_cannot_write_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    for (place, words) in [("/no/such/place", "No such file"), (file.to_str().unwrap(), "not a folder")] {
        let output = calibrate(&["input", "--folder", place, "--budget", "1s"]);
        assert_eq!(code(&output), 5, "{}", stderr(&output));
        assert!(
            stderr(&output).contains(words) && stderr(&output).contains("--folder"),
            "{}",
            stderr(&output)
        );
        assert!(stdout(&output).is_empty());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_imported_file_becomes_a_profile_that_can_be_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import");
    let (steps, out) = (data.join("steps.csv"), folder.path().join("steps.toml"));
    let (steps, out) = (steps.to_str().unwrap(), out.to_str().unwrap());
    let call =
        ["import", steps, "--model", "resnet-50", "--accelerator", "T4", "--out", out, "--format", "json"];
    let output = calibrate(&call);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let told: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(told["residuals"][0]["metric"], "step");
    assert!(told["residuals"][0]["median_error"].as_f64().unwrap() < 0.02);
    let read = MeasuredProfile::open(Path::new(out)).unwrap().unwrap();
    assert!(matches!(&read.origin, ProfileOrigin::Imported { from } if from.contains("steps.csv")));
    assert!(read.machine.accelerator.is_some());
    assert_eq!(code(&calibrate(&call)), 5, "an existing file is not replaced");
    let absent = calibrate(&["import", "/no/such/file.json"]);
    assert_eq!(code(&absent), 5);
    let cut = folder.path().join("cut.json");
    std::fs::write(&cut, "{\"mean_ttft_ms\": 1,").unwrap();
    let cut = calibrate(&["import", cut.to_str().unwrap(), "--format", "json"]);
    assert_eq!((code(&cut), stdout(&cut).as_str()), (3, ""));
    let error: serde_json::Value = serde_json::from_str(&stderr(&cut)).unwrap();
    assert_eq!(error["error"]["code"], "import");
}
