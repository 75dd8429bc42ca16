//! What other tools have written is recognised, refitted to the laws behind it, and refused with a place when it is damaged.
//!
//! The files under `tests/data/import` have the keys of the tools' own; their figures are drawn from known laws: prefill
//! 12 ms + 60 µs a token, decode step 9 ms + 0.15 ms a sequence, prompts that wait as in a queue with one server (M/D/1)
//! and for half a step; with 1 % of noise.
#![cfg(feature = "calibrate")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use capplan::calibrate::import::{ImportError, ImportFormat, Imported, Told, import, read_files};
use capplan::catalog::measured::{MeasuredCurve, Section};

fn texts(names: &[&str]) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import");
    let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    read_files(&paths)
        .unwrap()
        .into_iter()
        .zip(names)
        .map(|((_, text), name)| ((*name).to_owned(), text))
        .collect()
}

fn imported(names: &[&str]) -> Imported {
    import(&texts(names), &Told::default()).unwrap()
}

fn fault(text: &str) -> String {
    import(&[("f".to_owned(), text.to_owned())], &Told::default()).unwrap_err().to_string()
}

fn curve<'a>(found: &'a Imported, quantity: &str) -> &'a MeasuredCurve {
    found.curves.iter().find(|curve| curve.quantity == quantity).unwrap()
}

/// The curve's value over the law's, at a size that was not among those measured.
fn ratio(found: &Imported, quantity: &str, size: f64) -> f64 {
    let law = match quantity {
        "prefill" => 0.012 + 6e-5 * size,
        "decode" => 0.009 + 1.5e-4 * size,
        _ => panic!("{quantity}"),
    };
    curve(found, quantity).fit.as_ref().unwrap().fitted.evaluate(size) / law
}

#[test]
fn serving_benchmarks_give_back_the_server_behind_them() {
    let all = [
        (ImportFormat::Vllm, vec!["vllm.jsonl"], true),
        (ImportFormat::Guidellm, vec!["guidellm.json"], true),
        (
            ImportFormat::GenaiPerf,
            vec![
                "profile_export_aiperf_c1.json",
                "profile_export_aiperf_c10.json",
                "profile_export_genai_perf_c100.json",
            ],
            false,
        ),
    ];
    for (format, files, prompts_differ) in all {
        let found = imported(&files);
        assert_eq!(found.format, format);
        for batch in [2.0, 20.0] {
            let ratio = ratio(&found, "decode", batch);
            assert!((ratio - 1.0).abs() < 0.03, "{format:?} decode {batch}: {ratio}");
        }
        if prompts_differ {
            for tokens in [300.0, 1500.0] {
                let ratio = ratio(&found, "prefill", tokens);
                assert!((ratio - 1.0).abs() < 0.04, "{format:?} prefill {tokens}: {ratio}");
            }
        } else {
            assert!(curve(&found, "prefill").fit.is_none());
            assert!(found.notes.iter().any(|note| note.contains("one prompt length")), "{:?}", found.notes);
        }
        for residual in &found.residuals {
            assert!(residual.median_error < 0.05, "{format:?} {residual:?}");
        }
        let metrics: Vec<&str> = found.residuals.iter().map(|residual| residual.metric).collect();
        assert_eq!(metrics, ["ttft", "tpot", "e2e"]);
        assert!(found.curves.iter().all(|curve| curve.section == Section::Infer));
    }
    // The one that nobody finished is left out.
    assert_eq!(imported(&["guidellm.json"]).rows, 6);
    assert_eq!(
        curve(&imported(&["vllm.jsonl"]), "decode").setting("model"),
        Some("meta-llama/Llama-3.1-8B-Instruct")
    );
    let aiperf = imported(&["profile_export_aiperf_c1.json"]);
    assert_eq!(curve(&aiperf, "decode").setting("model"), Some("nvidia/Llama-3.1-8B-Instruct-FP8"));
}

#[test]
fn training_logs_give_seconds_of_a_step() {
    let step = |name: &str, told: &Told| {
        let found = import(&texts(&[name]), told).unwrap();
        let curve = curve(&found, "step");
        (curve.runs[0].at, curve.points()[0].y, curve.setting("model").unwrap().to_owned())
    };
    let (batch, seconds, model) = step("mllog_stats.log", &Told::default());
    assert_eq!((batch, model.as_str()), (8.0, "llama2_70b_lora"));
    assert!((2.01..=2.05).contains(&seconds), "{seconds}");
    // 100 steps in 50 s; 200 steps, told as two epochs, in 100 s.
    assert_eq!(step("mllog_blocks.log", &Told::default()), (256.0, 0.5, "bert".to_owned()));
    let eight = Told { accelerators: Some(8), ..Told::default() };
    assert_eq!(step("mllog_epochs.log", &eight), (64.0, 0.5, "resnet".to_owned()));
}

#[test]
fn a_table_of_steps_gives_curves_over_batches_and_accelerators() {
    let found = imported(&["steps.csv"]);
    assert_eq!((found.format, found.rows), (ImportFormat::StepTable, 40));
    let one = found.curves.iter().find(|curve| curve.setting("accelerators") == Some("1")).unwrap();
    let at = one.fit.as_ref().unwrap().fitted.evaluate(48.0);
    assert!((at / (0.02 + 0.0015 * 48.0) - 1.0).abs() < 0.03, "{at}");
    let scaling = found.curves.iter().find(|curve| curve.axis == "accelerators").unwrap();
    let at = scaling.fit.as_ref().unwrap();
    let speedup = at.fitted.evaluate(6.0) / at.fitted.evaluate(1.0);
    assert!((speedup / (6.0 / 1.15) - 1.0).abs() < 0.05, "{speedup}");
    assert!(found.residuals[0].median_error < 0.02, "{:?}", found.residuals);
}

#[test]
fn a_damaged_file_is_refused_with_its_place() {
    for (text, words) in [
        ("", "it is empty"),
        ("hello", "it begins with `hello`"),
        ("{\"a\": 1}", "its keys are `a`"),
        ("[]", "holds no result"),
        ("{\"mean_ttft_ms\": 1,", "f:1:19: the file ends too early"),
        ("{\"mean_ttft_ms\": NaN}", "f:1:18: NaN and Infinity are no JSON"),
        ("{\n\"mean_ttft_ms\" 1}", "f:2:16: not JSON"),
        ("{\"mean_ttft_ms\": 1}", "`completed` is missing"),
        ("{\"mean_ttft_ms\": 1, \"completed\": 0}", "answered no request"),
        ("{\"mean_ttft_ms\": \"x\", \"completed\": 1}", "f: mean_ttft_ms: a number is expected, not text"),
        ("{\"mean_ttft_ms\": -1, \"completed\": 1}", "-1 is not a number of 0 or more"),
        ("{\"benchmarks\": []}", "no benchmark"),
        ("{\"benchmarks\": [{}]}", "benchmarks[0]: `metrics` is missing"),
        ("{\"benchmarks\": [{\"metrics\": {\"time_to_first_token_ms\": 3}}]}", "benchmarks[0].metrics: "),
        ("{\"time_to_first_token\": {\"avg\": 1, \"unit\": \"parsec\"}}", "`parsec` is no unit of time"),
        ("{\"time_to_first_token\": {\"unit\": \"ms\"}}", "the run must stream"),
        (":::MLLOG {\"key\": 1", "f:1:"),
        (":::MLLOG {\"key\": \"run_start\", \"time_ms\": 1}", "global_batch_size"),
        (":::MLLOG {\"key\": \"global_batch_size\", \"value\": 8}", "neither throughputs"),
        ("batch,seconds\n", "no rows"),
        ("batch,seconds\n1,2\n2,x\n", "f:3:2: `seconds` must be a number above 0, not `x`"),
        ("batch,seconds\n1,2\n2\n", "f:3:1: 1 cells where the header has 2"),
        ("batch,accelerators,seconds\n8,1.5,2\n", "1.5 is no count"),
        ("batch,time\n1,2\n", "no column of the step time"),
        ("batch,seconds\n1,inf\n", "not `inf`"),
    ] {
        let message = fault(text);
        assert!(message.contains(words), "{text:?}: {message}");
    }
    // As deep as JSON may nest, and no deeper.
    assert!(fault(&"[".repeat(100_000)).contains("not JSON"));
}

#[test]
fn files_of_two_formats_are_not_mixed() {
    let mixed = import(&texts(&["steps.csv", "vllm.jsonl"]), &Told::default());
    assert!(matches!(mixed, Err(ImportError::Mixed { .. })), "{mixed:?}");
    let forced = Told { format: Some(ImportFormat::Vllm), ..Told::default() };
    assert!(matches!(import(&texts(&["steps.csv"]), &forced), Err(ImportError::Syntax { .. })));
    assert!(import(&[], &Told::default()).is_err());
}

#[test]
fn what_is_no_readable_file_is_told() {
    let fault = |path: &str| read_files(&[PathBuf::from(path)]).unwrap_err().1.to_string();
    assert!(fault("no/such/file").contains("No such file"));
    assert!(fault("tests").contains("not a file"));
}
