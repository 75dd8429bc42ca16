//! Published rows of served ordinary models, each predicted without any measurement of its pair of device and model.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use capplan::catalog::Catalog;
use capplan::engine::Cancel;
use capplan::steptime::StepTimes;
use capplan::units::Seconds;
use capplan::validate::{ObservationSource, Report, fit_served_shipped, validate};
use capplan::workload::Workload;
use capplan::workload::arrivals::{ArrivalSpec, LengthLaw, LengthSpec, Mix, TrafficSpec};
use capplan::workload::inference::ordinary::DeviceJob;
use capplan::workload::inference::{BatchRules, BatchTable};

use super::reference_file;

const HEADER: &str = "id,category,model,precision,accelerator,accelerator_count,framework,scenario,input_tokens,\
                      batch_or_concurrency,metric,statistic,value,unit,dataset,latency_limit_ms,request_rate,scorable";
const ROWS: &[&str] = &[
    "P-1,vision,resnet50,int8,NVIDIA A10,1,\"TensorRT 8.4.0, CUDA 11.6\",offline,,,samples_s,mean,13000,samples/s,imagenet,,,yes",
    "P-2,nlp,bert-99,int8,NVIDIA T4,4,\"TensorRT 8.0.1, CUDA 11.3\",offline,,,samples_s,mean,1700,samples/s,squad_v1.1,,,yes",
    "P-3,vision,resnet50v1.5,amp,V100-16GB,1,TensorFlow,offline,,8,latency_ms,p99,9,ms,,,,yes",
    "P-4,vision,resnet50,int8,NVIDIA L4,1,TensorRT 8.6,single_stream,,1,latency_ms,p90,0.5,ms,imagenet,,,yes",
    "P-5,recsys,WideAndDeep,fp16,A30,1,TensorFlow2 / Triton,online,,16,latency_ms,p50,5,ms,,,,yes",
    "P-6,vision,resnet50,int8,NVIDIA A30,1,TensorRT 8.6,server,,,latency_ms,p99,14,ms,imagenet,p99=15,17000,yes",
    "P-7,vision,a model nobody knows,int8,NVIDIA A30,1,TensorRT 8.6,offline,,,samples_s,mean,14,samples/s,,,,yes",
    "P-8,vision,resnet50,int8,A chip nobody knows,1,TensorRT 8.6,offline,,,samples_s,mean,14,samples/s,,,,yes",
    "P-9,vision,resnet50,int8,NVIDIA A30,1,TensorRT 8.6,server,,,qps,mean,17000,queries/s,imagenet,p99=15,17000,no: it restates the rate",
];

fn report_of(text: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    fs::write(&path, text).unwrap();
    let (catalog, steps) = (Catalog::read(&[]).unwrap(), StepTimes::embedded().unwrap());
    validate(&catalog, &steps, &[ObservationSource::File(path)]).unwrap()
}

fn predictions(report: &Report) -> Vec<[Option<u64>; 3]> {
    let bits = |value: Option<f64>| value.map(f64::to_bits);
    report.rows.iter().map(|row| [row.predicted, row.lo, row.hi].map(bits)).collect()
}

/// The records of the public table that a test is about, as a table.
fn public(path: &Path, mut wanted: impl FnMut(&dyn Fn(&str) -> String) -> bool) -> String {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let headers = reader.headers().unwrap().clone();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&headers).unwrap();
    for record in reader.records().map(|record| record.unwrap()) {
        let cell = |name: &str| {
            let at = headers.iter().position(|header| header == name).unwrap();
            record[at].to_owned()
        };
        if wanted(&cell) {
            writer.write_record(&record).unwrap();
        }
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn public_rows_of_ordinary_models_are_within_the_bar() {
    let Some(path) = reference_file("inference_observations.csv") else { return };
    let text = public(&path, |cell| {
        cell("category") != "llm" && cell("predictable") == "yes" && cell("scorable") == "yes"
    });
    let report = report_of(&text);
    let overall = &report.overall;
    let (median, tail) = (overall.median_abs_pct_error.unwrap(), overall.p90_abs_pct_error.unwrap());
    let coverage = overall.coverage_90.unwrap();
    println!(
        "{} of {} rows scored, median {median:.1} %, 90 % below {tail:.1} %, coverage {coverage:.3}",
        overall.scored, overall.rows
    );
    for group in report.groups.iter().filter(|group| ["category", "scenario", "metric"].contains(&group.by)) {
        println!(
            "  {}: {} rows, median {:.1} %, 90 % below {:.1} %",
            group.key,
            group.scored,
            group.median_abs_pct_error.unwrap_or(f64::NAN),
            group.p90_abs_pct_error.unwrap_or(f64::NAN)
        );
    }
    assert!(overall.scored * 10 >= overall.rows * 9);
    assert!(median <= 12.0 && tail <= 60.0 && (0.85..=0.97).contains(&coverage));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn predictions_of_serving_rows_read_nothing_but_the_configuration() {
    let plain = report_of(&format!("{HEADER}\n{}\n", ROWS.join("\n")));
    let expected = predictions(&plain);
    assert_eq!(expected.iter().filter(|row| row[0].is_some()).count(), 6);
    let table = csv::ReaderBuilder::new();
    let text = format!("{HEADER}\n{}\n", ROWS.join("\n"));
    let mut reader = table.from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let value = headers.iter().position(|header| header == "value").unwrap();
    let records: Vec<csv::StringRecord> = reader.records().map(|record| record.unwrap()).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(headers.iter().chain(["notes_public", "source", "group"])).unwrap();
    // Other names, values that went round, rows in reverse, and columns that say something else.
    for (index, record) in records.iter().enumerate().rev() {
        let other = &records[(index + 1) % records.len()][value];
        let cells: Vec<&str> = record
            .iter()
            .enumerate()
            .map(|(at, cell)| {
                if at == value {
                    other
                } else if at == 0 {
                    ""
                } else {
                    cell
                }
            })
            .collect();
        writer.write_record(cells.into_iter().chain(["client_batch=7", "somewhere", "one"])).unwrap();
    }
    let changed = String::from_utf8(writer.into_inner().unwrap()).unwrap();
    let mut reversed = predictions(&report_of(&changed));
    reversed.reverse();
    assert_eq!(expected, reversed);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn serving_rows_that_cannot_be_predicted_say_why() {
    let report = report_of(&format!("{HEADER}\n{}\n", ROWS.join("\n")));
    let skipped: Vec<&str> = report.rows.iter().filter_map(|row| row.skipped.as_deref()).collect();
    assert_eq!(
        skipped,
        [
            "model `a model nobody knows` is not in the catalog",
            "accelerator `A chip nobody knows` is not in the catalog",
            "not scorable: it restates the rate",
        ]
    );
    for row in report.rows.iter().filter(|row| row.skipped.is_none()) {
        let (low, value, high) = (row.lo.unwrap(), row.predicted.unwrap(), row.hi.unwrap());
        assert!(low > 0.0 && low < value && value < high && high.is_finite(), "{row:?}");
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn the_shipped_profile_of_served_models_is_the_fit_of_the_shipped_table() {
    let fit = fit_served_shipped(&Catalog::read(&[]).unwrap()).unwrap();
    let shipped = include_str!("../../assets/profiles/serving-ordinary.csv");
    assert_eq!(fit.to_csv().unwrap(), shipped, "run: capplan calibrate fit --out assets/profiles --force");
}

/// A published Server run beside the Offline and single-stream runs of its devices.
struct ServerRun {
    name: String,
    /// Queries per second of one device.
    rate: f64,
    devices: f64,
    limit: f64,
    /// Samples per second of one device, saturated.
    saturated: f64,
    /// Seconds of one query alone.
    alone: f64,
}

fn server_runs(path: &Path) -> Vec<ServerRun> {
    type Key = (String, String, String);
    let mut offline: BTreeMap<Key, Vec<f64>> = BTreeMap::new();
    let mut single: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    let mut servers = Vec::new();
    public(path, |cell| {
        let number = |name: &str| cell(name).parse::<f64>().ok();
        // Queries of the recommender hold hundreds of samples; batches of language models are not made of whole requests.
        if !cell("id").starts_with("mlperf") || ["llm", "recsys"].contains(&cell("category").as_str()) {
            return false;
        }
        let system =
            (cell("model"), cell("accelerator"), cell("framework") + "|" + &cell("accelerator_count"));
        let (value, count) = (number("value"), number("accelerator_count").unwrap_or(1.0));
        match (cell("scenario").as_str(), cell("metric").as_str(), cell("statistic").as_str()) {
            ("offline", "samples_s", _) => {
                offline.entry(system).or_default().extend(value.map(|rate| rate / count))
            }
            ("single_stream", "latency_ms", "mean") => {
                single.entry((system.0, system.1)).or_default().extend(value.map(|latency| latency / 1e3));
            }
            ("server", "qps", _) => servers.push((system, value, count, cell("latency_limit_ms"))),
            _ => {}
        }
        false
    });
    let middle = |values: &Vec<f64>| capplan::stats::median(values);
    let runs = servers.into_iter().filter_map(|(system, rate, devices, limit)| {
        Some(ServerRun {
            name: format!("{} on {} x {}", system.0, devices, system.1),
            rate: rate? / devices,
            devices,
            limit: limit.strip_prefix("p99=")?.parse::<f64>().ok()? / 1e3,
            saturated: middle(offline.get(&system)?)?,
            alone: middle(single.get(&(system.0, system.1))?)?,
        })
    });
    runs.collect()
}

/// Whether a device keeps the limit at a share of the published rate, batches as large as half of the limit lets them be.
fn keeps(run: &ServerRun, share: f64) -> bool {
    let each = 1.0 / run.saturated;
    let fixed = (run.alone - each).max(0.0);
    let most = ((0.5 * run.limit - fixed) / each).clamp(1.0, 4096.0) as u32;
    let ns = (1..=most).map(|batch| ((fixed + each * f64::from(batch)) * 1e9) as u64).collect();
    let lengths = LengthSpec { input: LengthLaw::Fixed(1), output: LengthLaw::Fixed(0), trace: None };
    // Queries go round the devices, so that those of one are more even than the whole.
    let arrivals = ArrivalSpec::Gamma { rate: run.rate * share, cv: (1.0 / run.devices).sqrt() };
    let mix = Mix { share: 1.0, lengths, priority: 0, model: 0, prefix: None };
    let job = DeviceJob {
        traffic: TrafficSpec { arrivals, mixes: vec![mix], requests: Some(20_000), most_tokens: None },
        table: Arc::new(BatchTable::of_device(ns)),
        rules: Arc::new(BatchRules::greedy(most, 1)),
        target: Some(Seconds(run.limit)),
        warm_up: Seconds::ZERO,
        horizon: Seconds(1e9),
    };
    let served = job.simulate(7, 0, &Cancel::new()).unwrap().serving;
    served.good as f64 >= 0.99 * served.offered as f64
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn server_rates_follow_from_offline_rates() {
    let Some(path) = reference_file("inference_observations.csv") else { return };
    let runs = server_runs(&path);
    let (mut below, mut above) = (0, 0);
    for run in &runs {
        let (low, high) = (keeps(run, 0.9), keeps(run, 1.1));
        below += usize::from(low);
        above += usize::from(!high);
        if !low {
            println!(
                "{}: {:.0} of {:.0} samples/s missed at 0.9 of the rate",
                run.name, run.rate, run.saturated
            );
        }
    }
    println!("{} runs: {below} keep the limit at 0.9 of the rate, {above} miss it at 1.1", runs.len());
    assert!(runs.len() > 100 && below * 10 >= runs.len() * 9);
}
