//! Published training rows, each predicted without any measurement of its pair of device and model.

use std::fs;
use std::path::PathBuf;

use capplan::catalog::Catalog;
use capplan::steptime::StepTimes;
use capplan::validate::{ObservationSource, ReadError, Report, ValidateError, validate};

use super::reference_file;

/// Rows as tables publish them, over stacks, units and counts.
const ROWS: &[&str] = &[
    "PUB-1,vision,ResNet-50 v1.5,V100-SXM2-16GB,8,8,2048,256,,AMP mixed,NVLink/NVSwitch intra-node; InfiniBand between nodes,MXNet,,samples_s,8000,images/s (aggregate)",
    "PUB-2,nlp,BERT-large (MLPerf),A100-SXM-80GB,8,8,448,56,512,,NVLink 3.0 600GB/s | host net: 2x ConnectX-6 IB HDR 200Gb/Sec,PyTorch,v2.0,samples_s,900,samples/s aggregate",
    "PUB-3,nlp,GNMT,A100-SXM-40GB,1,8,128,128,,AMP mixed,single host (PCIe or NVLink per product),PyTorch,,samples_s,80000,tokens/s (aggregate)",
    "PUB-4,vision,ResNet-50 (ImageNet),P100,8,4,512,64,,fp32,workers packed on fewest machines (consolidated),PyTorch,,steps_s,20,worker steps/s summed over workers",
    "PUB-5,vision,RetinaNet,B200,8,8,256,32,,,,PyTorch,v5.0,time_to_train_min,30,min",
    "PUB-6,speech,RNN-T,A100-SXM-80GB,8,8,1536,192,,,,PyTorch,v2.0,samples_s,15000,samples/s aggregate",
    "PUB-7,nlp,An unknown model,A100-SXM-80GB,8,8,64,8,,,,PyTorch,,samples_s,100,samples/s",
];
const HEADER: &str = "id,category,model,accelerator,accelerator_count,accelerators_per_node,global_batch,micro_batch,seq_len,precision,interconnect,framework,benchmark_round,metric,value,unit";

fn report(sources: &[ObservationSource]) -> Report {
    let catalog = Catalog::read(&[]).unwrap();
    let steps = StepTimes::embedded().unwrap();
    validate(&catalog, &steps, sources).unwrap()
}

fn file(text: &str) -> (tempfile::TempDir, ObservationSource) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    fs::write(&path, text).unwrap();
    (folder, ObservationSource::File(path))
}

fn report_of(header: &str, rows: &[String]) -> Report {
    let (_folder, source) = file(&format!("{header}\n{}\n", rows.join("\n")));
    report(&[source])
}

/// Predictions without the names and values of their rows.
fn predictions(report: &Report) -> Vec<[Option<u64>; 3]> {
    let bits = |value: Option<f64>| value.map(f64::to_bits);
    report.rows.iter().map(|row| [row.predicted, row.lo, row.hi].map(bits)).collect()
}

/// Medians over rows of the errors, each row counting once.
fn median_by_row(report: &Report) -> f64 {
    let mut errors: Vec<f64> = report.rows.iter().filter_map(|row| row.abs_pct_error).collect();
    errors.sort_by(f64::total_cmp);
    errors[errors.len() / 2]
}

fn print(title: &str, report: &Report) -> (f64, f64) {
    let (weighted, by_row) = (report.overall.median_abs_pct_error.unwrap(), median_by_row(report));
    let coverage = report.overall.coverage_90.unwrap();
    println!(
        "{title}: {} of {} rows scored, median error {weighted:.1} % (weighted), {by_row:.1} % (by row), coverage {coverage:.3}",
        report.overall.scored, report.overall.rows
    );
    for group in report.groups.iter().filter(|group| group.by == "category" && group.scored > 0) {
        println!(
            "  {}: {} rows, median {:.1} %",
            group.key,
            group.scored,
            group.median_abs_pct_error.unwrap()
        );
    }
    (weighted, by_row)
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn shipped_rows_are_predicted_within_15_percent_in_the_median() {
    let report = report(&[ObservationSource::Shipped]);
    let (weighted, by_row) = print("shipped table, one host", &report);
    assert_eq!(report.overall.skipped, 0);
    assert!(weighted <= 15.0 && by_row <= 15.0);
    let coverage = report.overall.coverage_90.unwrap();
    assert!((0.85..=0.97).contains(&coverage), "{coverage}");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn public_rows_of_one_host_are_predicted_within_15_percent_in_the_median() {
    let Some(path) = reference_file("training_observations.csv") else { return };
    let text = one_host_rates(&path);
    let (_folder, source) = file(&text);
    let (weighted, by_row) = print("public table, one host", &report(&[source]));
    assert!(weighted <= 15.0 && by_row <= 15.0);
    let whole = report(&[ObservationSource::File(path)]);
    print("public table, whole", &whole);
    assert!(
        whole.overall.scored > 2500 && whole.overall.scored + whole.overall.skipped == whole.overall.rows
    );
}

/// The rows of the three modelled fields that publish a rate of one host.
fn one_host_rates(path: &PathBuf) -> String {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let number = |record: &csv::StringRecord, name: &str| record[column(name)].parse::<f64>().ok();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&headers).unwrap();
    for record in reader.records().map(|record| record.unwrap()) {
        let modelled = ["vision", "nlp", "recsys"].contains(&&record[column("category")]);
        let rate = ["samples_s", "steps_s"].contains(&&record[column("metric")]);
        let per_node = number(&record, "accelerators_per_node").unwrap_or(4.0);
        if modelled && rate && number(&record, "accelerator_count").is_some_and(|count| count <= per_node) {
            writer.write_record(&record).unwrap();
        }
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn predictions_read_nothing_but_the_configuration() {
    let rows: Vec<String> = ROWS.iter().map(|row| (*row).to_owned()).collect();
    let plain = report_of(HEADER, &rows);
    let expected = predictions(&plain);
    assert_eq!(expected.iter().filter(|row| row[0].is_some()).count(), 4);
    // Other names, values that went round, rows in reverse, and a column nobody knows.
    let changed: Vec<String> = (0..rows.len())
        .map(|index| {
            let mut cells: Vec<&str> = rows[index].split(',').collect();
            let other = rows[(index + 1) % rows.len()].split(',').nth_back(1).unwrap().to_owned();
            cells[0] = "";
            let last = cells.len() - 2;
            cells[last] = &other;
            format!("{},a remark: 42", cells.join(","))
        })
        .rev()
        .collect();
    let mut reversed = predictions(&report_of(&format!("{HEADER},notes_public"), &changed));
    reversed.reverse();
    assert_eq!(expected, reversed);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn rows_that_cannot_be_modelled_say_why() {
    let rows: Vec<String> = ROWS.iter().map(|row| (*row).to_owned()).collect();
    let report = report_of(HEADER, &rows);
    let skipped: Vec<&str> = report.rows.iter().filter_map(|row| row.skipped.as_deref()).collect();
    assert_eq!(
        skipped,
        [
            "`samples_to_target` is blank",
            "category `speech` is not modelled yet",
            "model `An unknown model` is not in the catalog",
        ]
    );
    assert_eq!((report.overall.rows, report.overall.scored, report.overall.skipped), (7, 4, 3));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn faults_of_a_file_are_one_error_with_its_place() {
    let catalog = Catalog::read(&[]).unwrap();
    let steps = StepTimes::embedded().unwrap();
    let fault = |text: &str| {
        let (_folder, source) = file(text);
        match validate(&catalog, &steps, &[source]) {
            Err(ValidateError::Read(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(fault("category,model\n"), ReadError::Column { column: "accelerator", .. }));
    let bad = ROWS[0].replace(",8000,", ",fast,");
    let error = fault(&format!("{HEADER}\n{}\n{bad}\n", ROWS[1]));
    assert!(matches!(error, ReadError::Value { line: 3, column: "value", .. }), "{error}");
    let ragged = fault(&format!("{HEADER}\n{}\nshort,row\n", ROWS[1]));
    assert!(matches!(ragged, ReadError::Cells { line: 3, found: 2, .. }), "{ragged}");
}
