//! Laws of the step model of transformers.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Instant;

use capplan::catalog::{Accelerator, Catalog, Model, ParallelLayout, Precision, Sharding};
use capplan::steptime::kernels::{DeviceRates, matmul_seconds};
use capplan::steptime::{
    DeviceTables, JobNetwork, Term, TransformerJob, TransformerSoftware, TransformerSteps, Wiring,
};
use capplan::units::BytesPerSecond;

struct Bench {
    catalog: Catalog,
    tables: DeviceTables,
    steps: TransformerSteps,
}

impl Bench {
    fn new() -> Self {
        let catalog = Catalog::read(&[]).unwrap();
        Self {
            catalog,
            tables: DeviceTables::embedded().unwrap(),
            steps: TransformerSteps::embedded().unwrap(),
        }
    }

    fn model(&self, id: &str) -> &Model {
        self.catalog.model(id).unwrap()
    }

    fn network(&self, accelerator: &Accelerator, factor: f64) -> JobNetwork {
        let wiring = Wiring {
            inside: "nvlink-v4",
            inside_rate: accelerator.link_bandwidth.map(|rate| rate * factor),
            across: "infiniband",
            host_rate: Some(BytesPerSecond(400e9 * factor)),
            per_host: 8,
            slice: None,
        };
        self.tables.network(&self.catalog, accelerator, &wiring)
    }

    fn seconds(
        &self,
        model: &Model,
        accelerator: &Accelerator,
        device: &DeviceRates,
        network: &JobNetwork,
        layout: ParallelLayout,
    ) -> f64 {
        let job = TransformerJob {
            model: &model.id,
            shape: model.transformer.as_ref().unwrap(),
            sequence: 4096.0,
            precision: Precision::Bf16,
            recipe: "",
            accelerator,
            software: TransformerSoftware::FsdpCompiled,
            release: "",
            asynchronous_tensor: false,
            flash: true,
            adapters: false,
            layout,
            device,
            network,
        };
        self.steps.step(&job).parts.total()
    }
}

fn layouts() -> Vec<ParallelLayout> {
    let mut layouts = Vec::new();
    for tensor in [1, 2, 8] {
        for pipeline in [1, 4] {
            for sharding in [Sharding::None, Sharding::Optimizer, Sharding::Full] {
                let data = 64 / tensor / pipeline;
                let base = ParallelLayout { data, tensor, pipeline, sharding, ..ParallelLayout::default() };
                layouts.push(ParallelLayout { accumulation: 16, sequence_parallel: true, ..base });
            }
        }
    }
    layouts
}

#[test]
fn more_bandwidth_is_never_slower() {
    let bench = Bench::new();
    let accelerator = bench.catalog.accelerators.get("H100-SXM-80GB").unwrap();
    let mut faster = accelerator.clone();
    faster.memory_bandwidth = accelerator.memory_bandwidth.map(|rate| rate * 1.5);
    let rates = bench.tables.rates(accelerator).unwrap();
    let faster_rates = bench.tables.rates(&faster).unwrap();
    for model in ["llama-3-8b", "mixtral-8x7b", "gpt-3-175b"].map(|id| bench.model(id)) {
        for layout in layouts() {
            let at = |rates: &DeviceRates, factor: f64| {
                bench.seconds(model, accelerator, rates, &bench.network(accelerator, factor), layout)
            };
            let usual = at(&rates, 1.0);
            assert!(at(&rates, 2.0) <= usual, "network, {} {layout:?}", model.id);
            assert!(at(&faster_rates, 1.0) <= usual * (1.0 + 1e-12), "memory, {} {layout:?}", model.id);
        }
    }
}

#[test]
fn more_micro_batches_shrink_the_share_of_the_bubble() {
    let bench = Bench::new();
    let accelerator = bench.catalog.accelerators.get("H100-SXM-80GB").unwrap();
    let (rates, network) = (bench.tables.rates(accelerator).unwrap(), bench.network(accelerator, 1.0));
    let model = bench.model("llama-3-70b");
    let layout = ParallelLayout { data: 2, tensor: 8, pipeline: 4, ..ParallelLayout::default() };
    let per_batch = |accumulation: u64| {
        let layout = ParallelLayout { accumulation, ..layout };
        bench.seconds(model, accelerator, &rates, &network, layout) / accumulation as f64
    };
    let times: Vec<f64> = [4, 8, 16, 32, 64].map(per_batch).to_vec();
    assert!(times.windows(2).all(|pair| pair[1] < pair[0]), "{times:?}");
}

#[test]
fn parts_of_a_step_add_up_and_terms_have_words() {
    let bench = Bench::new();
    let accelerator = bench.catalog.accelerators.get("A100-SXM-80GB").unwrap();
    let (rates, network) = (bench.tables.rates(accelerator).unwrap(), bench.network(accelerator, 1.0));
    for layout in layouts() {
        assert!(bench.seconds(bench.model("llama-2-7b"), accelerator, &rates, &network, layout) > 0.0);
    }
    assert!(
        Term::ALL.iter().enumerate().all(|(index, (word, term))| *term as usize == index && !word.is_empty())
    );
}

/// A step is some tens of kernels and collectives; evaluating it is that and little beside.
#[test]
fn one_evaluation_costs_some_tens_of_kernel_evaluations() {
    let bench = Bench::new();
    let accelerator = bench.catalog.accelerators.get("H100-SXM-80GB").unwrap();
    let (rates, network) = (bench.tables.rates(accelerator).unwrap(), bench.network(accelerator, 1.0));
    let model = bench.model("deepseek-v3");
    let layout = ParallelLayout { data: 64, expert: 64, pipeline: 4, ..ParallelLayout::default() };
    let per_call = |work: &mut dyn FnMut() -> f64| {
        let started = Instant::now();
        let total: f64 = (0..20_000).map(|_| work()).sum();
        assert!(total > 0.0);
        started.elapsed().as_secs_f64()
    };
    let kernel = per_call(&mut || {
        matmul_seconds(black_box(&rates), Precision::Bf16, black_box(4096.0), 4096.0, 7168.0).0
    });
    let step =
        per_call(&mut || bench.seconds(model, accelerator, black_box(&rates), &network, black_box(layout)));
    println!("one evaluation: {:.1} kernel evaluations", step / kernel);
    assert!(step / kernel < 1000.0);
}
