//! Files: all or none, never half, never replaced unasked; and streams that close.

use std::process::{Command, Stdio};

use super::{SMALL, capplan, code, simulate, stderr, stdout};

#[test]
fn a_folder_holds_every_form_of_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let output = simulate(SMALL, &["--out", out.to_str().unwrap(), "--format", "json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let mut names: Vec<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "bound.png",
            "bound.svg",
            "comparison.csv",
            "comparison.md",
            "comparison.parquet",
            "comparison.xlsx",
            "cost.png",
            "cost.svg",
            "manifest.json",
            "memory.png",
            "memory.svg",
            "pareto.png",
            "pareto.svg",
            "report.html",
            "result.json",
            "scenario.resolved.toml"
        ]
    );
    assert_eq!(std::fs::read_to_string(out.join("result.json")).unwrap(), stdout(&output));
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["files_sha256"].as_object().unwrap().len(), 15);
    assert_eq!(&std::fs::read(out.join("comparison.parquet")).unwrap()[..4], b"PAR1");
    // The CSV holds the figures of the JSON, to the last digit.
    let mut reader = csv::Reader::from_path(out.join("comparison.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for (row, record) in result["rows"].as_array().unwrap().iter().zip(reader.records()) {
        let record = record.unwrap();
        let cell = |name: &str| {
            record.get(headers.iter().position(|header| header == name).unwrap()).unwrap().to_owned()
        };
        assert_eq!(cell("fleet"), row["fleet"].as_str().unwrap());
        for (column, value) in [
            ("cost_usd_mean", &row["cost_usd"]["mean"]),
            ("cost_usd_p90", &row["cost_usd"]["p90"]),
            ("time_s_lo", &row["time_s"]["lo"]),
            ("deadline_met_probability", &row["deadline_met"]["probability"]),
            ("bound_margin", &row["bound"]["margin"]),
            ("mfu_hi", &row["mfu"]["hi"]),
        ] {
            // The reader of JSON in this test may be off by the last bit.
            let (cell, value) = (cell(column).parse::<f64>().unwrap(), value.as_f64().unwrap());
            assert!((cell - value).abs() <= 2.0 * f64::EPSILON * value.abs(), "{column}: {cell} {value}");
        }
    }
}

#[test]
fn parquet_holds_the_cells_of_the_csv() {
    use polars::prelude::{ParquetReader, SerReader};
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    assert_eq!(code(&simulate(SMALL, &["--out", out.to_str().unwrap()])), 0);
    let frame =
        ParquetReader::new(std::fs::File::open(out.join("comparison.parquet")).unwrap()).finish().unwrap();
    let mut reader = csv::Reader::from_path(out.join("comparison.csv")).unwrap();
    let headers: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(frame.get_column_names().iter().map(|name| name.to_string()).collect::<Vec<_>>(), headers);
    for (row, record) in reader.records().enumerate() {
        for (column, cell) in headers.iter().zip(record.unwrap().iter()) {
            let value = frame.column(column).unwrap().get(row).unwrap();
            let same = match value.try_extract::<f64>() {
                _ if value.is_null() => cell.is_empty(),
                Ok(number) if !value.is_boolean() => cell.parse() == Ok(number),
                _ => value.str_value() == cell,
            };
            assert!(same, "{column} {row}: {value} {cell}");
        }
    }
}

#[test]
fn a_resolved_scenario_gives_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let first =
        simulate(SMALL, &["--out", out.to_str().unwrap(), "--format", "json", "--set", "workload.epochs=3"]);
    let resolved = out.join("scenario.resolved.toml");
    let again =
        capplan().args(["simulate", resolved.to_str().unwrap(), "--format", "json"]).output().unwrap();
    assert_eq!(stdout(&first), stdout(&again), "{}", stderr(&again));
}

#[test]
fn nothing_is_replaced_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("result.json"), "mine").unwrap();
    let output = simulate(SMALL, &["--out", out]);
    assert_eq!(code(&output), 5);
    assert!(stderr(&output).contains("--force"));
    assert_eq!(std::fs::read_to_string(folder.path().join("result.json")).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was half-written");
    assert_eq!(code(&simulate(SMALL, &["--out", out, "--force"])), 0);
    assert_eq!(code(&simulate(SMALL, &["--out", out, "--force"])), 0);
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let output = simulate(SMALL, &["--out", file.join("below").to_str().unwrap()]);
    assert_eq!(code(&output), 5, "{}", stderr(&output));
    assert!(stderr(&output).contains("cannot write"));
}

#[test]
fn names_that_look_like_formulas_leave_as_text() {
    let output = simulate(
        &SMALL.replace("name = \"a\"", "name = \"=1+2\"").replace("name = \"b\"", "name = \"@x|y\""),
        &["--format", "csv"],
    );
    assert!(
        stdout(&output).contains("\n'=1+2,") && stdout(&output).contains("\n'@x|y,"),
        "{}",
        stdout(&output)
    );
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_a_quiet_success() {
    let program = assert_cmd::cargo::cargo_bin("capplan");
    let line = format!("'{}' list prices --format csv | head -1; echo ${{PIPESTATUS[0]}}", program.display());
    let output = Command::new("bash").arg("-c").arg(line).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.ends_with("\n0\n"), "{said}");
    assert!(!String::from_utf8(output.stderr).unwrap().contains("panic"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_within_a_second_and_leaves_no_half_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let scenario = super::write(folder.path(), "s.toml", SMALL);
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("capplan"))
        .args(["simulate", &scenario, "--replicas", "100000", "--no-progress", "--out"])
        .arg(&out)
        // So many interruptions that the run lasts.
        .args(["--set", "workload.failures.node_failures=2000 /day", "--set", "workload.epochs=2000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert!(child.try_wait().unwrap().is_none(), "it was done before it could be interrupted");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let asked = std::time::Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(asked.elapsed() < std::time::Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_eq!(output.status.code(), Some(130));
    assert!(output.stdout.is_empty() && !out.exists());
}

#[test]
fn the_program_runs_from_any_folder() {
    let elsewhere = tempfile::tempdir().unwrap();
    let here =
        capplan().args(["simulate", "example:daily-recommender", "--format", "json"]).output().unwrap();
    let there = capplan()
        .current_dir(elsewhere.path())
        .args(["simulate", "example:daily-recommender", "--format", "json"])
        .output()
        .unwrap();
    assert_eq!(here.stdout, there.stdout);
}
