//! The search over parallel layouts: what it enumerates goes with the fleet and the batch, more of anything never hurts.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Instant;

use capplan::catalog::{
    Attention, Experts, Offload, ParallelLayout, Precision, Recompute, Sharding, Transformer,
};
use capplan::fleet::LayoutRequest;
use capplan::layout::{
    LayoutQuestion, LayoutSearch, MemoryJob, NoLayout, StepCost, TrainingStack, bad_degrees, search,
    stage_layers,
};
use capplan::units::Bytes;
use capplan::workload::training::closed_form::ModelPipeline;
use proptest::prelude::*;

const GIB: f64 = 1_073_741_824.0;

fn shape(layers: f64, hidden: f64, heads: f64, kv_heads: f64) -> Transformer {
    Transformer {
        layers,
        decoder_layers: 0.0,
        hidden,
        attention: Attention::Grouped { heads, kv_heads, head_dim: hidden / heads },
        attention_layers: layers,
        ffn: 4.0 * hidden,
        ffn_layers: layers,
        gated: false,
        vocabulary: 51_200.0,
        tied_embeddings: true,
        causal: true,
        window: None,
        experts: None,
        state_space: None,
        prediction_layers: 0.0,
        context: None,
    }
}

/// GPT-3 175B (arXiv 2005.14165, table 2.1).
fn gpt3() -> Transformer {
    shape(96.0, 12_288.0, 96.0, 96.0)
}

fn mixture() -> Transformer {
    let experts = Experts {
        count: 64.0,
        top_k: 4.0,
        hidden: 1024.0,
        shared: 1.0,
        shared_hidden: 1024.0,
        every: 1.0,
        dense_layers: 1.0,
        latent: None,
    };
    Transformer { experts: Some(experts), gated: true, ..shape(24.0, 2048.0, 16.0, 8.0) }
}

fn job(shape: &Transformer, sequence: f64) -> MemoryJob {
    MemoryJob::new(shape, sequence, Precision::Bf16, "adam", true, TrainingStack::Megatron)
}

/// A cost that scales: arithmetic, the bubble, a little for every split and every micro-batch.
fn toy(layout: &ParallelLayout) -> f64 {
    let pipeline = ModelPipeline {
        stages: layout.pipeline as u32,
        micro_batches: layout.accumulation as u32,
        chunks: layout.virtual_stages as u32,
    };
    let again = [1.0, 1.1, 1.33][layout.recompute as usize];
    let shards = [0.0, 0.0, 0.01, 0.05][layout.sharding as usize];
    let offloaded = if layout.offload == Offload::None { 1.0 } else { 3.0 };
    let work = 1e4 * again * offloaded / layout.devices() as f64;
    work * (1.0 + pipeline.bubble_over_ideal())
        + layout.accumulation as f64
            * (0.001 + shards + 0.002 * (layout.tensor as f64).ln() + 0.001 * layout.virtual_stages as f64)
}

fn ask<C: StepCost + ?Sized>(
    job: &MemoryJob,
    devices: u64,
    batch: u64,
    memory: f64,
    request: &LayoutRequest,
    cost: &C,
) -> Result<LayoutSearch, NoLayout> {
    let question = LayoutQuestion {
        job,
        devices,
        per_node: 8,
        global_batch: batch,
        present: Bytes(memory * GIB),
        host: Some(Bytes(128.0 * GIB)),
        request,
    };
    search(&question, cost)
}

fn auto(job: &MemoryJob, devices: u64, batch: u64, memory: f64) -> Result<LayoutSearch, NoLayout> {
    ask(job, devices, batch, memory, &LayoutRequest::default(), &toy)
}

fn shapes() -> impl Strategy<Value = Transformer> {
    prop_oneof![
        Just(gpt3()),
        Just(mixture()),
        Just(shape(32.0, 4096.0, 32.0, 8.0)),
        Just(shape(70.0, 14_336.0, 112.0, 112.0)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_layout_goes_with_devices_and_batch(
        shape in shapes(), nodes in 1u64..12, batch in 1u64..40, sequence in prop_oneof![Just(2048.0), Just(16_384.0)],
    ) {
        let (devices, batch) = (nodes * 8, batch * 8);
        let seen = RefCell::new(Vec::new());
        let cost = |layout: &ParallelLayout| {
            seen.borrow_mut().push(*layout);
            toy(layout)
        };
        let _ = ask(&job(&shape, sequence), devices, batch, 80.0, &LayoutRequest::default(), &cost);
        for layout in seen.into_inner() {
            prop_assert!(layout.devices() <= devices && layout.devices() > 0);
            prop_assert_eq!(layout.global_batch(), batch);
            let request = LayoutRequest {
                tensor: Some(layout.tensor), pipeline: Some(layout.pipeline),
                virtual_stages: Some(layout.virtual_stages), context: Some(layout.context),
                expert: Some(layout.expert), ..LayoutRequest::default()
            };
            prop_assert_eq!(bad_degrees(&shape, sequence, &request), vec![]);
            prop_assert!((layout.data * layout.context).is_multiple_of(layout.expert));
        }
    }

    #[test]
    fn more_memory_is_never_newly_infeasible_nor_slower(
        shape in shapes(), nodes in 1u64..9, memory in 16.0f64..140.0, more in 1.0f64..2.0,
    ) {
        let job = job(&shape, 4096.0);
        if let Ok(little) = auto(&job, nodes * 8, 64, memory) {
            let plenty = auto(&job, nodes * 8, 64, memory * more);
            prop_assert!(plenty.is_ok());
            prop_assert!(plenty.unwrap().best.seconds <= little.best.seconds);
        }
    }

    #[test]
    fn more_devices_are_never_slower(shape in shapes(), nodes in 1u64..20, more in 1u64..8) {
        let job = job(&shape, 2048.0);
        if let Ok(few) = auto(&job, nodes * 8, 96, 80.0) {
            let many = auto(&job, (nodes + more) * 8, 96, 80.0);
            prop_assert!(many.is_ok());
            prop_assert!(many.unwrap().best.seconds <= few.best.seconds);
        }
    }

    #[test]
    fn more_micro_batches_shrink_the_bubble(stages in 2u32..64, micro_batches in 1u32..512, chunks in 1u32..8) {
        let few = ModelPipeline { stages, micro_batches, chunks };
        let many = ModelPipeline { micro_batches: 2 * micro_batches, ..few };
        prop_assert!(many.bubble_fraction() < few.bubble_fraction());
    }

    #[test]
    fn memory_falls_with_sharding_recompute_and_offload(
        shape in shapes(), data in 2u64..17, tensor in prop_oneof![Just(1u64), Just(4), Just(8)], micro in 1u64..5,
    ) {
        let job = MemoryJob::new(&shape, 2048.0, Precision::Bf16, "adam", false, TrainingStack::Megatron);
        let plain = ParallelLayout {
            data, tensor, sequence_parallel: tensor > 1, micro_batch: micro, accumulation: 4,
            ..ParallelLayout::default()
        };
        let total = |layout: ParallelLayout| job.memory(&layout).total();
        let mut before = f64::INFINITY;
        for sharding in [Sharding::None, Sharding::Optimizer, Sharding::Gradients] {
            let now = total(ParallelLayout { sharding, ..plain });
            prop_assert!(now < before);
            before = now;
        }
        before = f64::INFINITY;
        for recompute in [Recompute::None, Recompute::Selective, Recompute::Full] {
            let now = total(ParallelLayout { recompute, ..plain });
            prop_assert!(now < before);
            before = now;
        }
        let offloaded = total(ParallelLayout { offload: Offload::Optimizer, ..plain });
        prop_assert!(offloaded < total(plain));
        let larger = total(ParallelLayout { micro_batch: micro + 1, ..plain });
        prop_assert!(larger > total(plain));
    }
}

#[test]
fn a_bound_changes_nothing_but_the_work() {
    struct Bounded;
    impl StepCost for Bounded {
        fn seconds(&self, layout: &ParallelLayout) -> f64 {
            toy(layout)
        }
        fn at_least(&self, layout: &ParallelLayout) -> f64 {
            1e4 / layout.devices() as f64
        }
    }
    let job = job(&gpt3(), 2048.0);
    let plain = auto(&job, 128, 256, 80.0).unwrap();
    let bounded = ask(&job, 128, 256, 80.0, &LayoutRequest::default(), &Bounded).unwrap();
    assert_eq!((plain.best, &plain.others), (bounded.best, &bounded.others));
    assert!(bounded.counts.costed < plain.counts.costed);
}

#[test]
fn what_is_fixed_stays_fixed() {
    let request = LayoutRequest {
        tensor: Some(4),
        pipeline: Some(4),
        virtual_stages: Some(2),
        micro_batch: Some(2),
        recompute: Some(Recompute::Full),
        sharding: Some(Sharding::Optimizer),
        ..LayoutRequest::default()
    };
    let found = ask(&job(&gpt3(), 2048.0), 128, 128, 160.0, &request, &toy).unwrap().best.layout;
    assert_eq!((found.tensor, found.pipeline, found.virtual_stages, found.micro_batch), (4, 4, 2, 2));
    assert_eq!((found.recompute, found.sharding), (Recompute::Full, Sharding::Optimizer));
    // With the replicas fixed nothing may idle: 3 × 4 × 4 devices are not 128.
    let uneven = LayoutRequest { data: Some(3), ..request };
    assert_eq!(ask(&job(&gpt3(), 2048.0), 128, 96, 160.0, &uneven, &toy), Err(NoLayout::Devices));
}

#[test]
fn bad_degrees_say_what_works() {
    let told = |request: LayoutRequest| {
        let bad = bad_degrees(&shape(48.0, 8192.0, 64.0, 8.0), 4096.0, &request);
        bad.first().map(ToString::to_string).unwrap_or_default()
    };
    let nothing = LayoutRequest::default();
    let tensor = told(LayoutRequest { tensor: Some(3), ..nothing });
    assert!(tensor.contains("tensor_parallel 3") && tensor.contains("64 heads"), "{tensor}");
    assert!(tensor.contains("workable: 1, 2, 4, 8, 16, 32, 64"), "{tensor}");
    // 7 stages hold 48 layers and the loss, 5 the embedding too; 9 come out even in no way.
    let pipeline = told(LayoutRequest { pipeline: Some(9), ..nothing });
    assert!(pipeline.contains("48 layers"), "{pipeline}");
    assert!(pipeline.contains("workable: 1, 2, 3, 4, 5, 6, 7, 8, 10"), "{pipeline}");
    let expert = told(LayoutRequest { expert: Some(4), ..nothing });
    assert!(expert.contains("no experts"), "{expert}");
    let context = told(LayoutRequest { context: Some(3), ..nothing });
    assert!(context.contains("4096 tokens"), "{context}");
}

#[test]
fn edges_of_a_pipeline_hold_fewer_layers_where_the_vocabulary_weighs() {
    let stages = |layers: f64, predictions: f64, pipeline: u64| {
        let shape = Transformer { prediction_layers: predictions, ..shape(layers, 1024.0, 16.0, 16.0) };
        stage_layers(&shape, pipeline, 1).map(|stages| (stages.first, stages.middle, stages.last))
    };
    assert_eq!(stages(96.0, 0.0, 8), Some((12.0, 12.0, 12.0)));
    // BLOOM: 70 layers on 12 stages (arXiv 2211.05100, section 3.3); DeepSeek-V3: 61 and one further on 16.
    assert_eq!(stages(70.0, 0.0, 12), Some((5.0, 6.0, 5.0)));
    assert_eq!(stages(61.0, 1.0, 16), Some((3.0, 4.0, 2.0)));
    assert_eq!(stages(61.0, 0.0, 16), None);
}

#[test]
fn what_does_not_fit_names_the_least_hungry_layout() {
    let Err(NoLayout::Memory(least)) = auto(&job(&gpt3(), 2048.0), 8, 64, 16.0) else {
        panic!("175B parameters fit 8 devices of 16 GiB")
    };
    let (layout, memory) = *least;
    assert!(memory.total() > 16.0 * GIB);
    assert_eq!(layout.devices(), 8);
}

/// The search's own work is the reckoning of memory and the costing of what fits, and little beside.
#[test]
fn a_search_costs_little_more_than_what_it_looks_at() {
    let job = job(&gpt3(), 2048.0);
    let layout = ParallelLayout {
        data: 8,
        tensor: 8,
        pipeline: 6,
        accumulation: 192,
        sequence_parallel: true,
        ..ParallelLayout::default()
    };
    let rounds = 50_000;
    let started = Instant::now();
    for _ in 0..rounds {
        black_box(job.memory(black_box(&layout)).total());
        black_box(toy(black_box(&layout)));
    }
    let each = started.elapsed().as_secs_f64() / f64::from(rounds);
    let started = Instant::now();
    let found = ask(&job, 384, 1536, 80.0, &LayoutRequest::default(), &toy).unwrap();
    let took = started.elapsed().as_secs_f64();
    let ratio = took / (each * found.counts.considered as f64);
    println!("search {:.1} ms of {:?}, {ratio:.1} × what it looks at", took * 1e3, found.counts);
    assert!(ratio < 12.0, "{ratio}");
}

#[test]
fn a_batch_without_end_does_not_keep_the_search_busy() {
    // It ends at all: trial division up to the root of such a batch would take minutes.
    let _ = auto(&job(&gpt3(), 2048.0), 8_000, 999_999_999_999_999_989, 80.0);
    let _ = auto(&job(&gpt3(), 2048.0), 8_000, 1_000_000_000_000_000_000, 80.0);
}
