//! The `layout` of a fleet in scenarios: what it fixes is kept, what does not go is told with its place.
#![allow(clippy::unwrap_used, clippy::panic)]

use capplan::catalog::{Attention, Catalog, ParallelLayout, Recompute, Sharding, Transformer};
use capplan::document::{Diagnostics, load};
use capplan::fleet::expand;
use capplan::layout::{BatchRequest, Plan, Planned, Reason, plan};
use capplan::scenario::{Scenario, resolve};

/// A catalog whose `gpt-small` has a shape of 48 layers and 64 heads of which 8 have keys.
fn catalog() -> Catalog {
    let mut catalog = Catalog::read(&[]).unwrap();
    let model = catalog.models.get_mut("gpt-small").unwrap();
    model.sequence_length = Some(4096.0);
    model.transformer = Some(Transformer {
        layers: 48.0,
        decoder_layers: 0.0,
        hidden: 8192.0,
        attention: Attention::Grouped { heads: 64.0, kv_heads: 8.0, head_dim: 128.0 },
        attention_layers: 48.0,
        ffn: 28_672.0,
        ffn_layers: 48.0,
        gated: true,
        vocabulary: 128_256.0,
        tied_embeddings: false,
        causal: true,
        window: None,
        experts: None,
        state_space: None,
        prediction_layers: 0.0,
        context: None,
    });
    catalog
}

fn scenario(layout: &str, workload: &str) -> Result<Scenario, Diagnostics> {
    let text = format!(
        "format = 1\nname = \"split\"\n[workload]\nmodel = \"gpt-small\"\nglobal_batch = 256\n{workload}\n\
         [[fleet]]\nname = \"eight nodes\"\ninstance = \"gcp/a3-highgpu-8g\"\ncount = 8\nregion = \"us-central1\"\n\
         layout = {layout}\n"
    );
    resolve(&load("split.toml", &text).unwrap(), &catalog(), None)
}

/// The faults as lines of `file:line:column: key: message; suggestion`.
fn told(layout: &str) -> String {
    let faults = scenario(layout, "steps = 10")
        .err()
        .map(|faults| faults.sorted().iter().map(|fault| fault.to_string()).collect::<Vec<_>>().join("\n"));
    faults.unwrap_or_default()
}

fn says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "`{word}` is not in:\n{said}");
    }
}

fn planned(scenario: &Scenario) -> Planned {
    let candidates = expand(&scenario.fleets).unwrap();
    let spec = scenario.training().unwrap();
    let request = BatchRequest {
        precision: spec.precision,
        optimizer: spec.optimizer.clone(),
        global_batch: spec.global_batch,
        batch_per_device: spec.batch_per_device,
    };
    let cost = |layout: &ParallelLayout| 1.0 / layout.devices() as f64;
    plan(&candidates[0], &spec.model, &request, &cost)
}

fn fits(layout: &str, workload: &str) -> Plan {
    match planned(&scenario(layout, workload).unwrap()) {
        Planned::Feasible(plan) => *plan,
        Planned::Infeasible(reason) => panic!("{reason}"),
    }
}

#[test]
fn a_layout_fixes_some_and_leaves_the_rest_to_the_search() {
    let plan = fits("\"auto\"", "steps = 10");
    assert_eq!((plan.devices, plan.idle, plan.global_batch), (64, 0, 256));
    assert!(plan.memory.fits() && !plan.others.is_empty());
    let fixed = "{ tensor_parallel = 8, pipeline_parallel = 4, sharding = \"zero-1\", recompute = \"full\" }";
    let plan = fits(fixed, "steps = 10");
    let layout = plan.parallel;
    assert_eq!((layout.tensor, layout.pipeline, layout.data), (8, 4, 2));
    assert_eq!((layout.sharding, layout.recompute), (Sharding::Optimizer, Recompute::Full));
    assert_eq!(plan.words().to_string().split(',').next(), Some("data 2 × tensor 8 × pipeline 4"));
}

#[test]
fn degrees_that_the_shape_does_not_allow_are_told_with_those_that_work() {
    says(
        &told("{ tensor_parallel = 3 }"),
        &["split.toml:12:30: fleet[0].layout.tensor_parallel", "64 heads", "workable: 1, 2, 4, 8"],
    );
    says(&told("{ pipeline_parallel = 9 }"), &["48 layers", "workable: 1, 2, 3, 4"]);
    says(
        &told("{ pipeline_parallel = 4, virtual_stages = 5 }"),
        &["virtual_stages", "workable: 1, 2, 3, 4, 6"],
    );
    says(&told("{ expert_parallel = 8 }"), &["fleet[0].layout.expert_parallel", "no experts"]);
    says(&told("{ context_parallel = 3 }"), &["4096 tokens", "workable: 1, 2, 4"]);
    says(&told("{ sharding = \"zero-4\" }"), &["zero-4", "zero-3"]);
    says(&told("{ tensor_paralel = 8 }"), &["tensor_paralel", "tensor_parallel"]);
    says(&told("{ tensor_parallel = 0 }"), &["out of range"]);
}

#[test]
fn degrees_multiply_to_the_devices_and_the_batch() {
    let all = "{ data_parallel = 2, tensor_parallel = 8, pipeline_parallel = 3, context_parallel = 1 }";
    says(&told(all), &["= 48 devices, but the fleet has 64", "data_parallel", "allowed"]);
    says(&told("{ tensor_parallel = 16, pipeline_parallel = 8 }"), &["= 128 devices, but the fleet has 64"]);
    says(&told("{ data_parallel = 4, micro_batch = 3 }"), &["does not divide the global batch of 256"]);
    assert_eq!(told("{ data_parallel = 4, tensor_parallel = 8, pipeline_parallel = 2 }"), "");
}

#[test]
fn other_models_are_only_data_parallel() {
    let text = "format = 1\nname = \"a\"\n[workload]\nmodel = \"resnet-50\"\nsteps = 10\nKEYS\n[[fleet]]\nname = \"b\"\n\
                instance = \"gcp/a3-highgpu-8g\"\nlayout = LAYOUT\n";
    let told = |keys: &str, layout: &str| {
        let text = text.replace("KEYS", keys).replace("LAYOUT", layout);
        let faults = resolve(&load("a.toml", &text).unwrap(), &catalog(), None).err();
        faults.map(|faults| faults.sorted().iter().map(|fault| fault.to_string()).collect::<String>())
    };
    assert_eq!(told("", "{ data_parallel = 8, micro_batch = 4 }"), None);
    says(&told("", "{ tensor_parallel = 2 }").unwrap(), &["not known", "allowed here: data_parallel"]);
    says(&told("", "{ data_parallel = 4 }").unwrap(), &["the fleet has 8"]);
    says(&told("sequence_length = 128", "\"auto\"").unwrap(), &["fixed size"]);
    says(&told("tokens = 1e9", "\"auto\"").unwrap(), &["exclude each other"]);
}

#[test]
fn tokens_and_sequence_length_give_samples() {
    let scenario = scenario("\"auto\"", "sequence_length = 8192\ntokens = 8.192e9").unwrap();
    let spec = scenario.training().unwrap();
    assert_eq!(spec.model.sequence_length, Some(8192.0));
    assert_eq!(spec.amount.samples(256, 1.0), 1e6);
}

#[test]
fn a_precision_that_the_accelerator_lacks_is_a_reason() {
    let scenario = scenario("\"auto\"", "steps = 10\nprecision = \"nvfp4\"").unwrap();
    match planned(&scenario) {
        Planned::Infeasible(reason @ Reason::Precision { .. }) => {
            says(&reason.to_string(), &["H100", "nvfp4", "fp8"]);
        }
        other => panic!("{other:?}"),
    }
}
