//! Every key of a serving scenario either does something or is refused: nothing is ignored in silence.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use capplan::catalog::Catalog;
use capplan::document::{Kind, Table, apply_override, load};
use capplan::engine::Cancel;
use capplan::scenario::{SERVING_SCENARIO, Scenario, resolve};
use capplan::steptime::StepTimes;
use capplan::study::{self, Options};

/// One key: a value other than the default, what has to stand beside it, where it is accepted, and where it shows.
/// Letters are settings: language models online, in batch and hybrid (`o`, `b`, `h`), other models (`O`, `B`, `H`).
struct Case {
    key: &'static str,
    value: &'static str,
    beside: &'static [&'static str],
    accepted: &'static str,
    shows: &'static str,
}

const fn case(
    key: &'static str,
    value: &'static str,
    beside: &'static [&'static str],
    accepted: &'static str,
    shows: &'static str,
) -> Case {
    Case { key, value, beside, accepted, shows }
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    case("objective.ttft_p50", "60 ms", &[], "oh", "o"),
    case("objective.tpot_p50", "12 ms", &[], "oh", "o"),
    case("objective.latency_p50", "8 ms", &[], "oOhH", "o"),
    case("objective.ttft_p90", "60 ms", &[], "oh", "o"),
    case("objective.tpot_p90", "12 ms", &[], "oh", "o"),
    case("objective.latency_p90", "8 ms", &[], "oOhH", "o"),
    case("objective.ttft_p95", "60 ms", &[], "oh", "o"),
    case("objective.tpot_p95", "12 ms", &[], "oh", "o"),
    case("objective.latency_p95", "8 ms", &[], "oOhH", "o"),
    case("objective.ttft_p99", "60 ms", &[], "oh", "o"),
    case("objective.tpot_p99", "12 ms", &[], "oh", "o"),
    case("objective.latency_p99", "8 ms", &[], "oOhH", "o"),
    case("objective.deadline", "1 h", &[], "bB", "b"),
    case("objective.budget", "1 USD", &[], "oObBhH", "o"),
    case("objective.confidence", "0.1", &["objective.budget=1 USD"], "oObBhH", "o"),
    case("objective.minimize", "time", &[], "oObBhH", ""),
    case("objective.repeat", "1 day", &[], "bB", "b"),
    case("objective.test", "23 h", &["objective.repeat=1 day"], "bB", "b"),
    case("objective.deploy", "23 h", &["objective.repeat=1 day"], "bB", "b"),
    case("objective.value_per_run", "1 USD", &["objective.repeat=1 day"], "bB", "b"),
    case("workload.precision", "fp8", &[], "oObBhH", "o"),
    case("workload.cache_precision", "fp8", &[], "obh", "o"),
    case("workload.engine", "vllm-v0", &[], "obh", "o"),
    case("workload.software", "pytorch", &[], "OBH", "O"),
    case("workload.arrivals.kind", "gamma", &[], "oOhH", "o"),
    case("workload.arrivals.rate", "7", &[], "oOhH", "o"),
    case("workload.arrivals.cv", "4.0", &["workload.arrivals.kind=gamma"], "oOhH", "o"),
    case("workload.arrivals.burst_rate", "40", &["workload.arrivals.kind=mmpp", "workload.arrivals.burst_rate=30"], "oOhH", "o"),
    case("workload.arrivals.quiet", "20 s", &["workload.arrivals.kind=mmpp", "workload.arrivals.burst_rate=30"], "oOhH", "o"),
    case("workload.arrivals.burst", "20 s", &["workload.arrivals.kind=mmpp", "workload.arrivals.burst_rate=30"], "oOhH", "o"),
    case("workload.arrivals.points", "[1,3]", &["workload.arrivals.kind=diurnal"], "oOhH", "o"),
    case("workload.arrivals.peak_to_mean", "1.2", &["workload.arrivals.kind=diurnal"], "oOhH", "o"),
    case("workload.arrivals.period", "2 h", &["workload.arrivals.kind=diurnal"], "oOhH", "o"),
    case("workload.arrivals.requests", "3000", &[], "oOhH", "o"),
    case("workload.arrivals.speed", "2.0", &[r#"workload.arrivals={kind="trace",file="trace.csv"}"#], "oOhH", "o"),
    case("workload.arrivals.repeat", "true", &[r#"workload.arrivals={kind="trace",file="trace.csv"}"#], "oOhH", "o"),
    case("workload.arrivals.select", "b", &[r#"workload.arrivals={kind="trace",file="windows.csv",select="a"}"#], "oOhH", "o"),
    case("workload.arrivals.clients", "3", &[r#"workload.arrivals={kind="closed"}"#], "oOhH", "o"),
    case("workload.arrivals.think", "1 s", &[r#"workload.arrivals={kind="closed"}"#], "oOhH", "o"),
    case("workload.lengths.input", "700", &[], "obh", "o"),
    case("workload.lengths.output", "40", &[], "obh", "o"),
    case("workload.lengths.dataset", "sharegpt", &[], "obh", "o"),
    case("workload.lengths.items", "4", &[], "OBH", "O"),
    case("workload.lengths.input.tokens", "99", &[r#"workload.lengths.input={kind="fixed",tokens=30}"#], "obh", "o"),
    case("workload.lengths.input.low", "99", &[r#"workload.lengths.input={kind="uniform",low=4,high=900}"#], "obh", "o"),
    case("workload.lengths.input.high", "800", &[r#"workload.lengths.input={kind="uniform",low=4,high=900}"#], "obh", "o"),
    case("workload.lengths.input.median", "99", &["workload.lengths.input={median=200,mean=300}"], "obh", "o"),
    case("workload.lengths.input.mean", "250", &["workload.lengths.input={median=200,mean=300}"], "obh", "o"),
    case("workload.lengths.input.most", "400", &["workload.lengths.input={median=200,mean=300}"], "obh", "o"),
    case("workload.lengths.input.quantiles", "[9,300]", &[r#"workload.lengths.input={kind="empirical",quantiles=[1,500]}"#], "obh", "o"),
    case("workload.lengths.output.tokens", "99", &[r#"workload.lengths.output={kind="fixed",tokens=30}"#], "obh", "o"),
    case("workload.lengths.output.low", "99", &[r#"workload.lengths.output={kind="uniform",low=4,high=900}"#], "obh", "o"),
    case("workload.lengths.output.high", "800", &[r#"workload.lengths.output={kind="uniform",low=4,high=900}"#], "obh", "o"),
    case("workload.lengths.output.median", "99", &["workload.lengths.output={median=200,mean=300}"], "obh", "o"),
    case("workload.lengths.output.mean", "250", &["workload.lengths.output={median=200,mean=300}"], "obh", "o"),
    case("workload.lengths.output.most", "400", &["workload.lengths.output={median=200,mean=300}"], "obh", "o"),
    case("workload.lengths.output.quantiles", "[9,300]", &[r#"workload.lengths.output={kind="empirical",quantiles=[1,500]}"#], "obh", "o"),
    case("workload.mix[0].share", "3", &["workload.mix=[{share=1.0,lengths={input=900}},{share=1.0,lengths={input=10}}]"], "obh", "o"),
    case("workload.mix[0].share", "3", &["workload.mix=[{share=1.0,lengths={items=6}},{share=1.0,lengths={items=1}}]"], "OH", "O"),
    case("workload.mix[0].priority", "3", &["workload.mix=[{share=1.0,lengths={input=900}},{share=1.0,lengths={input=10}}]", "objective.ttft_p50=60 ms"], "oh", "o"),
    case("workload.mix[0].lengths.input", "700", &["workload.mix=[{share=1.0},{share=1.0}]"], "obh", "o"),
    case("workload.mix[0].lengths.items", "4", &["workload.mix=[{share=1.0},{share=1.0}]"], "OH", "O"),
    case("workload.mix[0].prefix_groups", "800", &["workload.mix=[{prefix_groups=3,prefix_tokens=300}]", "workload.batching.prefix_cache=true"], "obh", "o"),
    case("workload.mix[0].prefix_tokens", "100", &["workload.mix=[{prefix_groups=3,prefix_tokens=300}]", "workload.batching.prefix_cache=true"], "obh", "o"),
    case("workload.batching.max_sequences", "2", &[], "obh", "o"),
    case("workload.batching.max_batched_tokens", "300", &[], "obh", "o"),
    case("workload.batching.chunked_prefill", "false", &["workload.lengths.input=9000", "workload.batching.max_sequences=64"], "obh", "o"),
    case("workload.batching.prefix_cache", "false", &["workload.mix=[{prefix_groups=3,prefix_tokens=300}]", "workload.batching.prefix_cache=true"], "obh", "o"),
    case("workload.batching.memory_fraction", "0.215", &[], "obh", "o"),
    case("workload.batching.drafts", "3", &[], "obh", "o"),
    case("workload.batching.acceptance", "0.2", &["workload.batching.drafts=3"], "obh", "o"),
    case("workload.batching.max_batch", "8", &[], "OBH", "O"),
    case("workload.batching.max_delay", "3 ms", &[], "OH", "O"),
    case("workload.batching.preferred", "[4]", &["workload.batching.max_delay=5 ms"], "OH", "O"),
    case("workload.batching.padded_to", "[16]", &[], "OBH", "O"),
    case("workload.batching.instances", "2", &[], "OBH", "O"),
    case("workload.batching.max_queue", "1", &[], "OH", "O"),
    case("workload.router.kind", "round-robin", &["fleet.a.count=3", "workload.lengths.input={median=300.0,mean=500.0}"], "oh", "o"),
    case("workload.router.choices", "4", &["workload.router.kind=power-of-k", "fleet.a.count=6", "workload.arrivals.rate=50"], "oOhH", "o"),
    case("workload.router.threshold", "40", &["workload.router.kind=by-length", "fleet.a.count=6", "workload.lengths.input={median=300.0,mean=500.0}"], "oh", "o"),
    case("workload.router.kind", "round-robin", &["fleet.a.count=3"], "oOhH", "o"),
    case("workload.admission.outstanding", "2", &[], "oOhH", "o"),
    case("workload.admission.wait", "1 ms", &[], "oOhH", "o"),
    case("workload.autoscale.min", "0", &["workload.autoscale.max=4", "workload.arrivals.rate=0.02"], "oOhH", "o"),
    case("workload.autoscale.max", "3", &["workload.autoscale.max=4"], "oOhH", "o"),
    case("workload.autoscale.signal", "queue", &["workload.autoscale.max=4", "workload.arrivals.rate=12"], "oOhH", "o"),
    case("workload.autoscale.target", "0.3", &["workload.autoscale.max=4"], "oOhH", "o"),
    case("workload.autoscale.period", "1 min", &["workload.autoscale.max=4", "workload.arrivals.rate=14"], "oOhH", "o"),
    case("workload.autoscale.out_window", "10 s", &["workload.autoscale.max=4", "workload.arrivals.rate=14"], "oOhH", "o"),
    case("workload.autoscale.in_window", "20 s", &["workload.autoscale.max=4", "workload.arrivals.rate=14"], "oOhH", "o"),
    case("workload.autoscale.cooldown", "10 min", &["workload.autoscale.max=4", "workload.arrivals.rate=20"], "oOhH", "o"),
    case("workload.hosting.kind", "managed-endpoint", &[], "oObBhH", "o"),
    case("workload.hosting.kind", "managed-batch", &[], "bB", "b"),
    case("workload.hosting.kind", "in-process", &[], "oObBhH", "o"),
    case("workload.hosting.premium", "0.5", &[], "oObBhH", "o"),
    case("workload.hosting.call_overhead", "20 ms", &[], "oOhH", "o"),
    case("workload.hosting.window", "20 ms", &["workload.hosting.kind=in-process"], "OH", "O"),
    case("workload.batch.items", "2e6", &[], "bB", "b"),
    case("workload.batch.item_size", "90 MB", &[], "bB", "B"),
    case("workload.batch.result_size", "90 MB", &[], "bB", "B"),
    case("workload.batch.efficiency", "0.5", &[], "bB", "b"),
    case("workload.hybrid.share", "0.3", &[], "hH", "h"),
    case("workload.hybrid.keys", "3e4", &[], "hH", "h"),
    case("workload.hybrid.skew", "0.2", &[], "hH", "h"),
    case("workload.hybrid.freshness", "2 h", &[], "hH", "h"),
    case("workload.hybrid.result_size", "5 MB", &[], "hH", "h"),
    case("workload.hybrid.lookup", "90 ms", &[], "hH", "h"),
    case("workload.hybrid.lookup_price", "9 USD", &[], "hH", "h"),
    case("workload.hybrid.store_price", "2 USD/GB-month", &[], "hH", "h"),
    case("workload.loss[0].back_after", "1 s", &[r#"workload.loss=[{at="20 s"}]"#, "fleet.a.count=3", "workload.arrivals.rate=40", "workload.startup.boot=1 s"], "oOhH", "o"),
    case("workload.loss[0].at", "50 s", &[r#"workload.loss=[{at="20 s"}]"#, "fleet.a.count=3", "workload.arrivals.rate=40"], "oOhH", "o"),
    case("workload.loss[0].machines", "2", &[r#"workload.loss=[{at="20 s"}]"#, "fleet.a.count=3", "workload.arrivals.rate=40"], "oOhH", "o"),
    case("workload.api.output_usd_per_mtok", "2.0", &["workload.api={input_usd_per_mtok=1.0,output_usd_per_mtok=1.0}"], "oh", "o"),
    case("workload.failures.node_failures", "50 /h", &[], "oObBhH", "o"),
    case("workload.failures.job_failures", "1 /h", &[], "", ""),
    case("workload.failures.detection", "1 h", &["workload.failures.node_failures=3 /h"], "bB", "b"),
    case("workload.failures.restart", "1 h", &["workload.failures.node_failures=3 /h"], "", ""),
    case("workload.failures.spot_process", "gcp-us-east1-b-c3-88-held-2023-04", &["fleet.a.purchase=spot"], "oObBhH", "o"),
    case("workload.failures.spot_up", "20 min", &["fleet.a.purchase=spot"], "oObBhH", "o"),
    case("workload.failures.spot_down", "3 min", &["fleet.a.purchase=spot", "workload.failures.spot_up=20 min"], "oObBhH", "o"),
    case("workload.failures.spot_law", "fitted", &["fleet.a.purchase=spot", "workload.failures.spot_process=aws-us-west-2b-v100-x1-probe-2022-10"], "oObBhH", "o"),
    case("workload.startup.boot", "1 h", &["fleet.a.purchase=spot"], "oObBhH", "o"),
    case("workload.startup.wait", "1 h", &[], "", ""),
    case("pricing.discount", "[{percent=10}]", &[], "oObBhH", "o"),
    case("pricing.price_factor", "2.0", &[], "oObBhH", "o"),
    case("pricing.storage_price", "9 USD/GB-month", &[], "", ""),
    case("pricing.egress_price", "1 USD/GB", &[], "", ""),
    case("pricing.egress_per_run", "1 TB", &[], "", ""),
    case("pricing.cluster_fee", "1 USD/h", &[], "oObBhH", "o"),
    case("fleet.a.layout.data_parallel", "2", &[], "", ""),
    case("fleet.a.layout.tensor_parallel", "3", &[], "obh", "o"),
    case("fleet.a.layout.sequence_parallel", "true", &[], "", ""),
    case("fleet.a.layout.pipeline_parallel", "2", &[], "obh", "o"),
    case("fleet.a.layout.virtual_stages", "2", &[], "", ""),
    case("fleet.a.layout.context_parallel", "2", &[], "", ""),
    case("fleet.a.layout.sharding", "zero-1", &[], "", ""),
    case("fleet.a.layout.shard_group", "2", &[], "", ""),
    case("fleet.a.layout.micro_batch", "2", &[], "", ""),
    case("fleet.a.layout.gradient_accumulation", "2", &[], "", ""),
    case("fleet.a.layout.recompute", "full", &[], "", ""),
    case("fleet.a.layout.offload", "optimizer", &[], "", ""),
    case("fleet.a.layout.expert_parallel", "2", &["workload.model=mixtral-8x7b", "fleet.a.instance=gcp/a3-highgpu-8g"], "obh", "o"),
    case("fleet.a.count", "2", &[], "oObBhH", "o"),
    case("fleet.a.replicas", "2", &[], "oObBhH", "o"),
    case("objective.goodput", "0.9999", &["objective.ttft_p50=100 ms"], "oh", "o"),
    case("workload.batching.preemption", "swap", &["workload.batching.memory_fraction=0.235", "workload.batching.max_sequences=256"], "obh", "b"),
    // The model of this one is another in every setting.
    case("workload.batching.queue_timeout", "1 ms", &["workload.model=bert-base", "workload.arrivals.rate=600"], "oOhH", "O"),
    case("workload.batching.max_length", "600", &[r#"workload.lengths.input={kind="uniform",low=4,high=900}"#], "obh", "o"),
    case("pricing.commitment_utilisation", "0.5", &["fleet.a.purchase=committed-3y"], "oObBhH", ""),
    case("workload.hosting.micro_batch", "4", &["workload.hosting.kind=in-process"], "", ""),
    case("workload.arrivals.file", "other.csv", &[r#"workload.arrivals={kind="trace",file="trace.csv"}"#], "oOhH", "o"),
    case("workload.arrivals.format", "seconds", &[r#"workload.arrivals={kind="trace",file="trace.csv"}"#], "oOhH", ""),
    case("workload.lengths.file", "trace.csv", &[], "obh", "o"),
    case("workload.lengths.format", "seconds", &["workload.lengths.file=trace.csv"], "obh", ""),
    case("workload.api.model", "openrouter/meta-llama/llama-3-8b-instruct", &[], "", ""),
    case("workload.api.input_usd_per_mtok", "3.0", &["workload.api={input_usd_per_mtok=1.0,output_usd_per_mtok=1.0}"], "oh", "o"),

];

/// Keys that say what the scenario is, or that other tests hold.
const ELSEWHERE: &[&str] = &[
    "workload.profile",
    "workload.transfer",
    "format",
    "name",
    "description",
    "seed",
    "workload.kind",
    "workload.model",
    "workload.mode",
    "objective.baseline",
    "fleet.name",
    "fleet.instance",
    "fleet.machine",
    "fleet.region",
    "fleet.purchase",
    "fleet.group",
    "workload.mix.lengths",
    "workload.mix.model",
    "workload.mix.precision",
    "workload.hosting.concurrency",
    "workload.hosting.keep_warm",
    "fleet.hosting",
    "fleet.models",
    "workload.failures.environment",
];

/// The text of a setting.
fn text(setting: char) -> String {
    let (model, machine, rate) = match setting {
        'o' | 'b' | 'h' => ("llama-3-8b", "gcp/a2-ultragpu-1g", 8.0),
        _ => ("resnet-50", "gcp/g2-standard-8", 1500.0),
    };
    let mut text = format!("format = 1\n[workload]\nkind = \"inference\"\nmodel = \"{model}\"\n");
    let more = match setting.to_ascii_lowercase() {
        'b' => "mode = \"batch\"\n[workload.batch]\nitems = 1e6\n".to_owned(),
        'h' => {
            format!("mode = \"hybrid\"\n[workload.hybrid]\nkeys = 1e5\n[workload.arrivals]\nrate = {rate}\n")
        }
        _ => format!("mode = \"online\"\n[workload.arrivals]\nrate = {rate}\n"),
    };
    text.push_str(&more);
    if setting.is_ascii_uppercase() {
        text.push_str("[workload.batching]\nmax_batch = 16\n");
    }
    write!(text, "[[fleet]]\nname = \"a\"\ninstance = \"{machine}\"\nregion = \"us-central1\"\n").unwrap();
    text
}

struct World {
    catalog: Catalog,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trace = |name: &str, gap: f64| {
            let mut rows = "arrival_s,input_tokens,output_tokens\n".to_owned();
            for row in 0..200 {
                writeln!(rows, "{},{},{}", gap * f64::from(row), 50 + 7 * (row % 90), 5 + row % 60).unwrap();
            }
            std::fs::write(folder.path().join(name), rows).unwrap();
        };
        trace("trace.csv", 0.2);
        trace("other.csv", 0.05);
        let windows: String = ["a", "b"]
            .into_iter()
            .zip([4, 7])
            .flat_map(|(name, rate)| (0..5).map(move |at| format!("{name},{},{}\n", 60 * at, rate + at % 2)))
            .collect();
        let head = "workload,window_start_s,total_rate_rps\n";
        std::fs::write(folder.path().join("windows.csv"), format!("{head}{windows}")).unwrap();
        Self { catalog: Catalog::read(&[]).unwrap(), folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The scenario of a setting with changes, or what is wrong with it.
    fn scenario(&self, setting: char, changes: &[String]) -> Result<Scenario, String> {
        let mut root = load("t", &text(setting)).unwrap();
        for change in changes {
            apply_override(&mut root, change).map_err(|fault| fault.to_string())?;
        }
        resolve(&root, &self.catalog, Some(self.path())).map_err(|faults| {
            let all: Vec<String> = faults.sorted().iter().map(ToString::to_string).collect();
            all.join("\n")
        })
    }
}

impl Case {
    /// What stands beside the key, and the same with the key.
    fn changes(&self) -> (Vec<String>, Vec<String>) {
        let before: Vec<String> = self.beside.iter().map(|&change| change.to_owned()).collect();
        let mut after = before.clone();
        after.push(format!("{}={}", self.key, self.value));
        (before, after)
    }

    /// The key as the registry has it.
    fn plain(&self) -> String {
        self.key.replace("[0]", "").replace("fleet.a", "fleet")
    }
}

#[test]
fn every_key_is_accepted_where_it_means_something_and_refused_elsewhere() {
    let world = World::new();
    let mut wrong = String::new();
    for case in CASES {
        let (_, after) = case.changes();
        for setting in "obhOBH".chars() {
            match (world.scenario(setting, &after), case.accepted.contains(setting)) {
                (Ok(_), false) => writeln!(wrong, "{setting} accepts {}", case.key).unwrap(),
                (Err(said), true) => writeln!(wrong, "{setting} refuses {}: {said}", case.key).unwrap(),
                // A refusal names a key and says what is allowed, or what to do.
                (Err(said), false) if !said.contains("; ") => writeln!(wrong, "no way out: {said}").unwrap(),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_accepted_key_changes_the_answer() {
    let (world, steps) = (World::new(), StepTimes::embedded().unwrap());
    let rows = |setting: char, changes: &[String]| {
        let scenario = world.scenario(setting, changes).unwrap_or_else(|said| panic!("{changes:?}: {said}"));
        let options = Options::default();
        let found = study::run(&scenario, &world.catalog, &steps, &options, &Cancel::new(), &()).unwrap();
        serde_json::to_string(&(found.rows, found.verdict)).unwrap()
    };
    let mut ignored = String::new();
    let mut known = BTreeMap::new();
    for case in CASES.iter().filter(|case| !case.shows.is_empty()) {
        let (before, after) = case.changes();
        for setting in case.shows.chars() {
            let plain = known.entry((setting, before.clone())).or_insert_with(|| rows(setting, &before));
            if *plain == rows(setting, &after) {
                writeln!(ignored, "{setting} ignores {}", case.key).unwrap();
            }
        }
    }
    assert!(ignored.is_empty(), "{ignored}");
}

#[test]
fn no_key_of_the_registry_is_left_out_here() {
    fn leaves(table: &'static Table, path: &str, found: &mut Vec<String>) {
        for key in table.keys {
            let full = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
            if ELSEWHERE.contains(&full.as_str()) {
                continue;
            }
            let inner = |kind: &'static Kind| match kind {
                Kind::Table(table) | Kind::Tables(table) => Some(*table),
                _ => None,
            };
            let below = match &key.kind {
                Kind::Either(kinds) => kinds.iter().find_map(inner),
                kind => inner(kind),
            };
            match below {
                Some(table) => leaves(table, &full, found),
                None => found.push(full),
            }
        }
    }
    let mut keys = Vec::new();
    leaves(&SERVING_SCENARIO, "", &mut keys);
    let held: Vec<String> = CASES.iter().map(Case::plain).collect();
    let under = |key: &String| {
        held.contains(key)
            || held
                .iter()
                .any(|held| key.strip_prefix(held.as_str()).is_some_and(|rest| rest.starts_with('.')))
    };
    let left: Vec<&String> = keys.iter().filter(|key| !under(key)).collect();
    assert!(left.is_empty(), "{left:?}");
}
