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
fn the_overlay_shown_is_laid_over() {
    let readme = readme();
    let section = readme.split("## Prices and other data").nth(1).unwrap();
    let overlay = section.split("```toml\n").nth(1).unwrap().split("\n```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ours.toml"), overlay).unwrap();
    let list = |what: &str, filter: &str, laid: bool| {
        let mut command = capplan();
        command.args(["list", what, "--format", "json", "--filter", filter]);
        if laid {
            command.arg("--catalog").arg(folder.path());
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Vec<serde_json::Value>>(&output.stdout).unwrap()
    };
    assert_eq!(list("api-prices", "provider=ours", true).len(), 1);
    let premium = |laid| list("managed", "item=real-time endpoint", laid)[0]["premium_percent"].as_f64();
    assert_eq!((premium(false), premium(true)), (None, Some(15.0)));
    let count = list("api-prices", "output_usd_per_mtok>0", false).len();
    assert!(section.contains(&format!("{count} prices of models behind an API")), "{count}");
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
