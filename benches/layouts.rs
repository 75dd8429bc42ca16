//! What laying out a large model costs: one memory reckoning, one step time, and the search of every layout.
//!
//! `cargo bench --bench layouts` prints them; `tests/promises/layouts.rs` keeps the search's own work in proportion.

#![allow(clippy::expect_used)]

use capplan::catalog::{Catalog, ParallelLayout, Precision};
use capplan::fleet::LayoutRequest;
use capplan::layout::{LayoutQuestion, MemoryJob, StepCost, TrainingStack, search};
use capplan::steptime::kernels::DeviceRates;
use capplan::steptime::{
    DeviceTables, JobNetwork, TransformerCost, TransformerJob, TransformerSoftware, TransformerSteps, Wiring,
};
use capplan::units::{Bytes, BytesPerSecond};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

struct Cost<'a>(TransformerCost<'a>);

impl StepCost for Cost<'_> {
    fn seconds(&self, layout: &ParallelLayout) -> f64 {
        self.0.seconds(layout)
    }

    fn at_least(&self, layout: &ParallelLayout) -> f64 {
        self.0.at_least(layout)
    }
}

/// GPT-3 175B on A100 of 80 GB in hosts of eight with eight cards of 200 Gbit/s.
struct Setting {
    catalog: Catalog,
    steps: TransformerSteps,
    device: DeviceRates,
    network: JobNetwork,
}

const DEVICE: &str = "A100-SXM-80GB";
const MODEL: &str = "gpt-3-175b";
const SEQUENCE: f64 = 2048.0;

impl Setting {
    fn new() -> Self {
        let catalog = Catalog::read(&[]).expect("the shipped catalog reads");
        let tables = DeviceTables::embedded().expect("the shipped tables read");
        let accelerator = &catalog.accelerators[DEVICE];
        let wiring = Wiring {
            inside: "nvlink-v3",
            inside_rate: accelerator.link_bandwidth,
            across: "infiniband",
            host_rate: Some(BytesPerSecond(200e9)),
            per_host: 8,
            slice: None,
        };
        let device = tables.rates(accelerator).expect("its datasheet is known");
        let network = tables.network(&catalog, accelerator, &wiring);
        let steps = TransformerSteps::embedded().expect("the shipped profile reads");
        Self { catalog, steps, device, network }
    }

    fn cost(&self) -> Cost<'_> {
        let model = self.catalog.model(MODEL).expect("it ships");
        Cost(self.steps.cost(&TransformerJob {
            model: MODEL,
            shape: model.transformer.as_ref().expect("it has a shape"),
            sequence: SEQUENCE,
            precision: Precision::Bf16,
            recipe: "",
            accelerator: &self.catalog.accelerators[DEVICE],
            software: TransformerSoftware::MegatronCore,
            release: "",
            asynchronous_tensor: false,
            flash: true,
            adapters: false,
            layout: ParallelLayout::default(),
            device: &self.device,
            network: &self.network,
        }))
    }

    fn memory(&self) -> MemoryJob {
        let model = self.catalog.model(MODEL).expect("it ships");
        let shape = model.transformer.as_ref().expect("it has a shape");
        MemoryJob::new(shape, SEQUENCE, Precision::Bf16, "adam", true, TrainingStack::Megatron)
    }
}

fn usual() -> ParallelLayout {
    ParallelLayout {
        data: 4,
        tensor: 8,
        pipeline: 12,
        accumulation: 384,
        sequence_parallel: true,
        ..ParallelLayout::default()
    }
}

#[divan::bench]
fn memory(bencher: Bencher) {
    let job = Setting::new().memory();
    bencher.bench_local(|| job.memory(black_box(&usual())).total());
}

#[divan::bench]
fn step(bencher: Bencher) {
    let setting = Setting::new();
    let cost = setting.cost();
    bencher.bench_local(|| cost.seconds(black_box(&usual())));
}

/// Every layout of 384 devices at a batch of 1,536.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn search_of_every_layout(bencher: Bencher) {
    let setting = Setting::new();
    let (cost, job, request) = (setting.cost(), setting.memory(), LayoutRequest::default());
    let question = LayoutQuestion {
        job: &job,
        devices: 384,
        per_node: 8,
        global_batch: 1536,
        present: Bytes(80e9),
        host: None,
        request: &request,
    };
    bencher.bench_local(|| search(black_box(&question), &cost).is_ok());
}
