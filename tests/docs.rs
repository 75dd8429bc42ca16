//! The README is true: its output, its scenario and its commands are those of the program.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use assert_cmd::Command;

fn readme() -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The text of the first fenced block in a language.
fn block(language: &str) -> String {
    let readme = readme();
    let start =
        readme.find(&format!("```{language}\n")).expect("the README has such a block") + language.len() + 4;
    let end = start + readme[start..].find("\n```").expect("the block ends");
    readme[start..end].to_owned()
}

fn capplan() -> Command {
    let mut command = Command::cargo_bin("capplan").unwrap();
    command.env_remove("COLUMNS");
    command
}

#[test]
fn the_output_shown_is_what_the_main_job_prints() {
    let output = capplan().args(["simulate", "example:daily-recommender"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<String>>();
    assert_eq!(lines(&block("text")), lines(printed.trim_end()));
}

#[test]
fn the_smallest_scenario_runs() {
    let output = capplan().args(["simulate", "-"]).write_stdin(block("toml")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_command_listed_is_there() {
    let help = String::from_utf8(capplan().arg("--help").output().unwrap().stdout).unwrap();
    for command in [
        "simulate",
        "check",
        "explain",
        "validate",
        "calibrate",
        "list",
        "schema",
        "init",
        "completions",
        "man",
    ] {
        assert!(
            readme().contains(&format!("`{command}")) || readme().contains(command),
            "{command} is not in the README"
        );
        assert!(help.contains(command), "{command} is not in the help");
    }
}

#[test]
fn the_accuracy_told_is_what_validate_finds() {
    let output = capplan().args(["validate", "--format", "json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let overall = &report["overall"];
    let figure = |name: &str| overall[name].as_f64().unwrap();
    let row = format!(
        "| all | {} | {:.1} % | {:.0} % |",
        overall["scored"],
        figure("median_abs_pct_error"),
        figure("p90_abs_pct_error")
    );
    assert!(readme().contains(&row), "the README lacks: {row}");
}
