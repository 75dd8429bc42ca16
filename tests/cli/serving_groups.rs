//! Fleets of several groups: prompts apart from answers, a base with a burst, and what bad groups are told.

use super::{capplan, code, result, simulate, stderr, stdout};

/// One machine of everything, and one for prompts beside one for answers.
const SPLIT: &str = r#"
format = 1
name = "split"
[objective]
ttft_p99 = "2 s"
tpot_p99 = "100 ms"
[workload]
kind = "inference"
model = "llama-3-8b"
[workload.arrivals]
rate = 1.0
[workload.lengths]
input = 1024
output = 64
[[fleet]]
name = "whole"
instance = "gcp/a2-ultragpu-1g"
region = "us-central1"
[[fleet]]
name = "l4"
instance = "gcp/g2-standard-8"
region = "us-central1"
[[fleet]]
name = "split"
[[fleet.group]]
role = "prefill"
instance = "gcp/a2-ultragpu-1g"
region = "us-central1"
[[fleet.group]]
role = "decode"
instance = "gcp/g2-standard-8"
region = "us-central1"
count = 2
"#;

fn row<'a>(result: &'a serde_json::Value, fleet: &str) -> &'a serde_json::Value {
    result["rows"].as_array().unwrap().iter().find(|row| row["fleet"] == fleet).unwrap()
}

fn mean(value: &serde_json::Value) -> f64 {
    value["mean"].as_f64().unwrap()
}

#[test]
fn prompts_apart_from_answers_are_one_row_of_two_bills() {
    let result = result(SPLIT, &[]);
    let split = row(&result, "split");
    for figure in ["ttft_s", "tpot_s"] {
        assert!(mean(&split[figure]["p50"]) > 0.0, "{figure}: {split}");
    }
    // Machines, hours and terms of each group: those of fleets of its own.
    let whole = mean(&row(&result, "whole")["cost_per_month_usd"]);
    let single = mean(&row(&result, "l4")["cost_per_month_usd"]);
    let both = mean(&split["cost_per_month_usd"]);
    assert!((both / (whole + 2.0 * single) - 1.0).abs() < 1e-6, "{both} of {whole} and {single}");
    let groups = split["groups"].as_array().unwrap();
    let parts: f64 = groups.iter().map(|group| group["cost_per_month_usd"].as_f64().unwrap()).sum();
    assert!((parts / both - 1.0).abs() < 1e-9);
    let lines = split["ledger"].as_array().unwrap().iter().map(|line| line["usd"].as_f64().unwrap());
    assert!((lines.sum::<f64>() / both - 1.0).abs() < 1e-9);
    assert_eq!((&groups[0]["role"], &groups[1]["role"]), (&"prefill".into(), &"decode".into()));
    assert_eq!((&groups[0]["purchase"], &split["instances"]), (&"on-demand".into(), &3.into()));
    for group in groups {
        assert!(group["memory_per_accelerator_bytes"].as_f64().unwrap() > 12e9, "{group}");
        let share = group["utilisation"].as_f64().unwrap();
        assert!(share > 0.0 && share <= 1.0, "{group}");
    }
    // Answers are written by the slower machine, prompts read by the faster one.
    assert!(mean(&split["tpot_s"]["p50"]) > 1.5 * mean(&row(&result, "whole")["tpot_s"]["p50"]));
    assert!(mean(&split["ttft_s"]["p50"]) < 0.5 * mean(&row(&result, "l4")["ttft_s"]["p50"]));
    // Terms are of the group alone.
    let text = SPLIT.replace("count = 2", "count = 2\npurchase = \"spot\"");
    let found = super::result(&text, &[]);
    let spot = &row(&found, "split")["groups"];
    assert_eq!(spot[0]["cost_per_month_usd"], groups[0]["cost_per_month_usd"]);
    assert!(spot[1]["cost_per_month_usd"].as_f64() < groups[1]["cost_per_month_usd"].as_f64(), "{spot}");
    let table = stdout(&simulate(SPLIT, &["--format", "csv"]));
    assert!(table.contains("a2-ultragpu-1g") && table.contains(" + "), "{table}");
}

#[test]
fn caches_cross_the_slower_card() {
    let machine = |network: &str| {
        let own = format!(
            "[fleet.group.machine]\naccelerator = \"A100-SXM-80GB\"\naccelerators = 1\nvcpus = 12\nmemory = \"170 GB\"\n\
             network = \"{network}\"\nprice_per_hour = \"5 USD/h\"\n"
        );
        let groups =
            format!("[[fleet.group]]\nrole = \"prefill\"\n{own}[[fleet.group]]\nrole = \"decode\"\n{own}");
        let start = SPLIT.find("[[fleet]]").unwrap();
        let text = format!("{}[[fleet]]\nname = \"split\"\n{groups}", &SPLIT[..start]);
        let found = result(&text.replace("rate = 1.0", "rate = 0.2"), &[]);
        mean(&row(&found, "split")["e2e_s"]["p50"])
    };
    // 1024 tokens of 131,072 bytes: 134 MB take 1.074 s at 1 Gbit/s, 11 ms at 100.
    let more = machine("1 Gbit/s") - machine("100 Gbit/s");
    assert!((more / 1.063 - 1.0).abs() < 0.1, "{more}");
}

#[test]
fn a_burst_beside_a_base_adds_its_capacity_and_its_price() {
    let groups = "[[fleet.group]]\nrole = \"base\"\ninstance = \"gcp/a2-ultragpu-1g\"\nregion = \"us-central1\"\n\
                  [[fleet.group]]\nrole = \"burst\"\ninstance = \"gcp/a2-ultragpu-1g\"\nregion = \"us-central1\"\n";
    let start = SPLIT.find("[[fleet]]\nname = \"split\"").unwrap();
    let alike =
        "[[fleet]]\nname = \"two\"\ninstance = \"gcp/a2-ultragpu-1g\"\nregion = \"us-central1\"\ncount = 2\n";
    let text = format!("{}{alike}[[fleet]]\nname = \"mixed\"\n{groups}", &SPLIT[..start]);
    let found = result(&text, &[]);
    // Two groups of a machine each are two machines.
    for figure in ["capacity_requests_per_s", "cost_usd"] {
        let (mixed, two) = (mean(&row(&found, "mixed")[figure]), mean(&row(&found, "two")[figure]));
        assert!((mixed / two - 1.0).abs() < 0.02, "{figure}: {mixed} and {two}");
    }
}

#[test]
fn bad_groups_are_told_with_their_place() {
    let cases: &[(&str, &str, &str)] = &[
        ("role = \"decode\"", "role = \"prefill\"", "needs a `decode` group"),
        ("role = \"prefill\"", "role = \"online\"", "needs a `prefill` group"),
        ("role = \"decode\"", "role = \"decoder\"", "fleet[2].group[1].role"),
        ("role = \"prefill\"\n", "", "fleet[2].group[0]"),
        ("count = 2", "count = 0", "fleet[2].group[1].count"),
        ("count = 2", "count = 1000000", "fleet[2].group[1].count"),
        (
            "name = \"split\"\n[[",
            "name = \"split\"\ninstance = \"gcp/g2-standard-8\"\n[[",
            "exclude each other",
        ),
        (
            "role = \"decode\"\ninstance = \"gcp/g2-standard-8\"",
            "role = \"decode\"\ninstance = \"gcp/g2-standrd-8\"",
            "g2-standard-8",
        ),
        ("model = \"llama-3-8b\"", "model = \"resnet-50\"", "only language models"),
        (
            "[workload.lengths]",
            "[workload.autoscale]\nmax = 2\n[workload.lengths]",
            "the burst group is scaled, and there is none",
        ),
        ("[workload.lengths]", "[[workload.loss]]\nat = \"1 min\"\n[workload.lengths]", "of which group"),
        ("kind = \"inference\"", "kind = \"training\"", "groups are for inference"),
    ];
    for (from, to, told) in cases {
        assert!(SPLIT.contains(from), "{from}");
        let output = simulate(&SPLIT.replacen(from, to, 1), &[]);
        let said = stderr(&output);
        assert_eq!(code(&output), 3, "{to}: {said}");
        assert!(said.contains(told) && said.contains("fleet"), "{to}: {said}");
    }
}

#[test]
fn figures_of_groups_are_explained() {
    for metric in ["capacity_requests_per_s", "cost_usd"] {
        let output = capplan().args(["explain", "-", "split", metric]).write_stdin(SPLIT).output().unwrap();
        assert_eq!(code(&output), 0, "{metric}: {}", stderr(&output));
        let said = stdout(&output);
        assert!(said.contains("prefill: 1 × gcp/a2-ultragpu-1g") && said.contains("decode: 2 ×"), "{said}");
    }
}
