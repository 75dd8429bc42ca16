//! The command line: contracts, files, and what it says to bad input.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bad_input;
mod calibrate;
mod commands;
mod config_json;
mod files;
mod measured_input;
mod observations;
mod reports;
mod results;
mod serving;
mod serving_capacity;
mod serving_groups;
mod serving_models;
mod serving_modes;
mod serving_rows;
mod trace;
mod window;

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

/// The smallest useful scenario: no randomness but boot times and failures.
pub const SMALL: &str = r#"
format = 1
name = "small"
[objective]
deadline = "10 h"
budget = "100 USD"
[workload]
model = "resnet-50"
global_batch = 512
epochs = 2
[[fleet]]
name = "a"
instance = "gcp/a2-highgpu-1g"
region = "us-central1"
[[fleet]]
name = "b"
instance = "gcp/g2-standard-8"
count = 4
region = "us-central1"
"#;

pub fn capplan() -> Command {
    let mut command = Command::cargo_bin("capplan").unwrap();
    command.env_remove("COLUMNS").timeout(std::time::Duration::from_secs(60));
    command
}

/// Runs a scenario from stdin.
pub fn simulate(text: &str, arguments: &[&str]) -> Output {
    capplan().arg("simulate").arg("-").args(arguments).write_stdin(text).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// The result of a scenario as JSON.
pub fn result(text: &str, arguments: &[&str]) -> serde_json::Value {
    let mut all = vec!["--format", "json"];
    all.extend(arguments);
    let output = simulate(text, &all);
    assert!([0, 10, 11].contains(&code(&output)), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}
