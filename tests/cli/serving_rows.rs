//! Tables of serving rows: read, recognised, and refused with their place.

use std::process::Output;

use super::{capplan, code, stderr, stdout, write};

const HEADER: &str = "id,category,model,precision,accelerator,accelerator_count,tp,framework,scenario,batch_or_concurrency,\
                      request_rate,metric,statistic,value,unit,latency_limit_ms,max_batch,instances,disaggregated,scorable";
const ROW: &str =
    "A-1,vision,resnet50,int8,T4,1,,TensorRT,offline,32,,samples_s,mean,6000,samples/s,,,,no,yes";

fn with(column: &str, value: &str) -> String {
    let at = HEADER.split(',').position(|name| name.trim() == column).unwrap();
    let mut cells: Vec<&str> = ROW.split(',').collect();
    cells[at] = value;
    format!("{HEADER}\n{}\n", cells.join(","))
}

fn run(table: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "rows.csv", table);
    let arguments = ["validate", "--format", "json", "--observations", &path];
    capplan().args(arguments).args(more).output().unwrap()
}

fn report(table: &str, more: &[&str]) -> serde_json::Value {
    let output = run(table, more);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_schema_is_recognised_from_the_header_or_given() {
    let table = format!("{HEADER}\n{ROW}\n");
    let recognised = report(&table, &[]);
    assert_eq!(recognised, report(&table, &["--schema", "inference"]));
    let scenario = |group: &serde_json::Value| group["by"] == "scenario" && group["key"] == "offline";
    assert!(recognised["groups"].as_array().unwrap().iter().any(scenario), "{recognised}");
    // A table without the columns of the schema asked for is at fault.
    let missing =
        run("id,category,model,accelerator,accelerator_count,metric,value\n", &["--schema", "inference"]);
    assert_eq!(code(&missing), 3);
    assert!(stderr(&missing).contains("`scenario` is missing"), "{}", stderr(&missing));
}

#[test]
fn cells_that_mean_nothing_are_refused_with_their_line_and_column() {
    for (column, value) in [
        ("accelerator_count", "1.5"),
        ("accelerator_count", "0"),
        ("batch_or_concurrency", "-4"),
        ("batch_or_concurrency", "1e300"),
        ("request_rate", "0"),
        ("request_rate", "5e-324"),
        ("request_rate", "1e308"),
        ("request_rate", "NaN"),
        ("statistic", "p101"),
        ("statistic", "average"),
        ("latency_limit_ms", "fast"),
        ("latency_limit_ms", "p99=-1"),
        ("max_batch", "none"),
        ("tp", "2.5"),
        ("instances", "0"),
        ("disaggregated", "perhaps"),
        ("value", "fast"),
        ("value", "1e308"),
        ("value", "-3"),
        ("tp", "0"),
    ] {
        let output = run(&with(column, value), &[]);
        assert_eq!(code(&output), 3, "{column} = {value}: {}", stdout(&output));
        let said = stderr(&output);
        assert!(
            stdout(&output).is_empty()
                && said.contains("\"line\":2")
                && said.contains(&format!("\"key\":\"{column}\"")),
            "{column}: {said}"
        );
    }
}

#[test]
fn rows_that_cannot_be_compared_are_skipped_with_the_reason() {
    for (column, value, reason) in [
        ("scorable", "no: qps restates the offered rate (below saturation)", "restates the offered rate"),
        ("value", "", "no positive published value"),
        ("scenario", "multi_stream", "scenario `multi_stream`"),
        ("metric", "smiles", "metric `smiles`"),
    ] {
        let report = report(&with(column, value), &[]);
        let skipped = report["rows"][0]["skipped"].as_str().unwrap_or_default().to_owned();
        assert!(skipped.contains(reason), "{column} = {value}: {skipped}");
        assert_eq!((&report["overall"]["scored"], &report["overall"]["skipped"]), (&0.into(), &1.into()));
    }
}

#[test]
fn tables_without_rows_or_with_a_column_twice_are_refused() {
    for table in
        [format!("{HEADER}\n"), format!("{HEADER},value\n{ROW},5\n"), format!("{HEADER}\n{ROW},more\n")]
    {
        let output = run(&table, &[]);
        assert_eq!(code(&output), 3, "{}", stdout(&output));
        assert!(stdout(&output).is_empty() && stderr(&output).contains("rows.csv"));
    }
}
