//! Observation tables: what a fit and a validation take, write, and refuse.

use std::process::Output;

use super::{capplan, code, stderr, stdout, write};

const HEADER: &str = "id,category,model,layers,hidden,heads,ffn,vocab,seq_len,global_batch,micro_batch,dp,tp,pp,cp,\
                      zero_stage_or_fsdp,recompute,precision,accelerator,accelerator_count,framework,metric,value,unit,attention";
const ROW: &str = "A-1,llm,Own 7B,32,4096,32,16384,50368,2048,1024,8,64,1,1,1,FSDP FULL_SHARD,full,bf16,\
                   H100-SXM-80GB,64,torchtitan,tokens_s_per_acc,9000,tokens/s/GPU,flash";

/// A table of one good row with one cell replaced.
fn with(column: &str, value: &str) -> String {
    let at = HEADER.split(',').position(|name| name.trim() == column).unwrap();
    let mut cells: Vec<&str> = ROW.split(',').collect();
    cells[at] = value;
    format!("{HEADER}\n{}\n", cells.join(","))
}

fn run(command: &[&str], table: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "rows.csv", table);
    capplan().args(command).args(["--observations", &path]).output().unwrap()
}

#[test]
fn a_model_that_only_its_columns_describe_is_predicted() {
    let output = run(&["validate", "--format", "json"], &format!("{HEADER}\n{ROW}\n"));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = &report["rows"][0];
    assert!(row["predicted"].as_f64().unwrap() > 1000.0 && row["term"].is_string(), "{row}");
}

#[test]
fn a_report_is_written_whole_and_never_over_another_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "rows.csv", &format!("{HEADER}\n{ROW}\n"));
    let out = folder.path().join("report");
    let out = out.to_str().unwrap();
    let call = |more: &[&str]| {
        let mut arguments = vec!["validate", "--observations", &path, "--out", out];
        arguments.extend(more);
        capplan().args(arguments).output().unwrap()
    };
    assert_eq!(code(&call(&[])), 0);
    for name in ["validation.json", "validation.csv", "validation.md", "scatter.svg"] {
        assert!(std::path::Path::new(out).join(name).is_file(), "{name}");
    }
    let svg = std::fs::read_to_string(std::path::Path::new(out).join("scatter.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && !svg.contains("NaN"));
    assert_eq!(code(&call(&[])), 5);
    assert_eq!(code(&call(&["--force"])), 0);
}

#[test]
fn a_fit_writes_a_profile_of_finite_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "rows.csv", &format!("{HEADER}\n{ROW}\n"));
    let out = folder.path().join("profile");
    let arguments = ["calibrate", "fit", "--observations", &path, "--out", out.to_str().unwrap()];
    let output = capplan().args(arguments).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("Fitted to 1 rows"));
    let profile = std::fs::read_to_string(out.join("transformer-steps.csv")).unwrap();
    assert!(profile.lines().count() > 10 && !profile.contains("NaN") && !profile.contains("inf"));
}

#[test]
fn sizes_that_are_no_counts_are_refused_with_their_line_and_column() {
    for (column, value) in [
        ("layers", "0.5"),
        ("layers", "0"),
        ("heads", "-4"),
        ("hidden", "1e-300"),
        ("ffn", "1e308"),
        ("global_batch", "0"),
        ("seq_len", "NaN"),
        ("tp", "1.5"),
    ] {
        for command in [&["validate"][..], &["calibrate", "fit"]] {
            let output = run(command, &with(column, value));
            assert_eq!(code(&output), 3, "{column} = {value}: {}", stdout(&output));
            let said = stderr(&output);
            assert!(said.contains("rows.csv:2:") && said.contains(column), "{column} = {value}: {said}");
        }
    }
}

#[test]
fn layouts_that_cannot_be_are_skipped_with_the_reason() {
    for (column, value, reason) in [
        ("tp", "999999999", "devices on 64"),
        ("tp", "3", "32 heads over 3"),
        ("pp", "64", "32 layers over 64"),
    ] {
        let output = run(&["validate", "--format", "json"], &with(column, value));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let skipped = report["rows"][0]["skipped"].as_str().unwrap_or_default().to_owned();
        assert!(skipped.contains(reason), "{column} = {value}: {skipped}");
        assert_eq!(code(&run(&["calibrate", "fit"], &with(column, value))), 3);
    }
}

#[test]
fn tables_without_rows_or_with_a_column_twice_are_refused() {
    for table in [format!("{HEADER}\n"), format!("{HEADER},value\n{ROW},5\n"), String::new()] {
        for command in [&["validate"][..], &["calibrate", "fit"]] {
            let output = run(command, &table);
            assert_eq!(code(&output), 3, "{}", stdout(&output));
            assert!(stdout(&output).is_empty() && stderr(&output).contains("rows.csv"));
        }
    }
}

#[test]
fn a_fault_is_told_by_its_own_line_whatever_stands_before_it() {
    let folder = tempfile::tempdir().unwrap();
    for (text, line, column) in [
        // Remarks and blank lines before the row count; so do line ends of two bytes, and of quotes.
        (format!("# a\n{HEADER}\n{ROW}\n# b\n\n{}", bad()), 6, 16),
        (format!("{HEADER}\r\n{ROW}\r\n\r\n{}\r\n", bad()), 4, 16),
        (format!("{HEADER}\n{}\n{}\n", ROW.replace("Own 7B", "\"Own\n7B\""), bad()), 4, 16),
        (format!("{HEADER}\n{ROW}\n{ROW},1\n"), 3, 1),
    ] {
        let path = write(folder.path(), "rows.csv", &text);
        let output =
            capplan().args(["validate", "--format", "json", "--observations", &path]).output().unwrap();
        assert_eq!((code(&output), stdout(&output).as_str()), (3, ""), "{text}");
        let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        let error = &error["error"];
        assert_eq!((error["line"].as_u64(), error["column"].as_u64()), (Some(line), Some(column)), "{error}");
        assert!(error["file"].as_str().unwrap().ends_with("rows.csv") && error["suggestion"].is_string());
    }
}

/// A row with half a layer.
fn bad() -> String {
    ROW.replacen(",32,", ",0.5,", 1)
}

#[test]
fn an_unclosed_quote_or_no_line_end_is_refused_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    for text in [format!("{HEADER}\n\"{}", "x".repeat(3 << 20)), "\0".repeat(3 << 20)] {
        let path = write(folder.path(), "rows.csv", &text);
        let output = capplan().args(["validate", "--observations", &path]).output().unwrap();
        assert_eq!(code(&output), 4, "{}", stderr(&output));
        assert!(stderr(&output).contains("longer than"), "{}", stderr(&output));
    }
}

#[test]
fn serving_rows_are_not_training_rows() {
    let table =
        "id,category,model,accelerator,accelerator_count,scenario,metric,value\na,llm,m,x,1,offline,qps,5\n";
    let output = run(&["validate", "--schema", "training"], table);
    assert_eq!(code(&output), 3, "{}", stdout(&output));
    assert!(stderr(&output).contains("--schema inference"), "{}", stderr(&output));
}
