//! What other nodes add to the step of a model that was measured whole.
#![allow(clippy::unwrap_used, clippy::panic)]

use capplan::catalog::{Accelerator, AcceleratorKind, Catalog, Model, ParallelLayout, Precision};
use capplan::document::load;
use capplan::engine::Cancel;
use capplan::fleet::expand;
use capplan::layout::{BatchRequest, Planned, plan};
use capplan::scenario::resolve;
use capplan::steptime::{Across, DeviceTime, SoftwareStack, StepQuery, StepTimes};
use capplan::units::BytesPerSecond;
use capplan::workload::training::{Builder, Built, Component};

/// Gigabits per second of a node's cards as they are sold, each faster than the one before.
const CARDS: [f64; 10] = [12.5, 25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0, 3200.0, 12_800.0];

fn query<'a>(model: &'a Model, accelerator: &'a Accelerator) -> StepQuery<'a> {
    StepQuery {
        model,
        accelerator: Some(accelerator),
        vcpus: 8.0,
        cpu: None,
        precision: Precision::Bf16,
        optimizer: "adam",
        software: SoftwareStack::Reference,
        micro_batch: 32.0,
        gradient_accumulation: 1.0,
        devices: 8,
        fabric: "nvlink-v4",
        across: None,
    }
}

fn over(nodes: u64, fabric: &str, gigabits: f64) -> Option<Across<'_>> {
    Some(Across { nodes, fabric, card: BytesPerSecond(gigabits * 125e6) })
}

/// The step of `nodes` over cards of ever more bandwidth, without those that no step time is known of.
fn ladder(catalog: &Catalog, times: &StepTimes, base: &StepQuery<'_>, nodes: u64) -> Vec<DeviceTime> {
    let ask = |gigabits| StepQuery { across: over(nodes, "infiniband", gigabits), ..base.clone() };
    CARDS.iter().filter_map(|gigabits| times.device_time(catalog, &ask(*gigabits)).ok()).collect()
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn more_bandwidth_between_nodes_is_never_slower() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    let devices = ["V100-SXM2-16GB", "A100-SXM-80GB", "H100-SXM-80GB", "L4", "GB200"];
    let classes = [SoftwareStack::Tuned, SoftwareStack::Reference, SoftwareStack::Research];
    let mut wrong = Vec::new();
    let mut seen = 0;
    for model in catalog.models.values().filter(|model| model.split_shape().is_none()) {
        for device in devices.map(|name| catalog.accelerator(name).unwrap()) {
            for software in classes {
                for (nodes, micro_batch) in [(2, 1.0), (2, 64.0), (16, 8.0), (64, 4096.0)] {
                    let base = StepQuery { software, micro_batch, ..query(model, device) };
                    let steps = ladder(&catalog, &times, &base, nodes);
                    seen += steps.len();
                    let slower = |pair: &[DeviceTime]| pair[1].total().0 > pair[0].total().0 * (1.0 + 1e-12);
                    if steps.windows(2).any(slower) {
                        wrong.push(format!(
                            "{} on {} ×{nodes} at {micro_batch}, {software:?}",
                            model.id, device.name
                        ));
                    }
                    assert!(steps.iter().all(|step| step.exposed_across.unwrap().0 >= 0.0));
                }
            }
        }
    }
    assert!(seen > 5000, "{seen}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn one_node_is_what_it_was_alone_to_the_last_digit() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    for model in catalog.models.values() {
        for device in catalog.accelerators.values().filter(|device| device.kind == AcceleratorKind::Gpu) {
            let alone = times.device_time(&catalog, &query(model, device));
            let one = StepQuery { across: over(1, "infiniband", 400.0), ..query(model, device) };
            assert_eq!(alone, times.device_time(&catalog, &one));
        }
    }
}

#[test]
fn only_measured_networks_have_a_fitted_exchange() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    let base = query(catalog.model("resnet-50").unwrap(), catalog.accelerator("A100-SXM-80GB").unwrap());
    let exposed = |fabric| {
        let query = StepQuery { across: over(4, fabric, 400.0), ..base.clone() };
        times.device_time(&catalog, &query).unwrap().exposed_across
    };
    for fabric in ["infiniband", "roce", "efa", "gpudirect-tcpx", "gpudirect-tcpxo"] {
        assert!(exposed(fabric).is_some(), "{fabric}");
    }
    for fabric in ["tcp", "tcp-2-nodes", "tpu-dcn"] {
        assert!(exposed(fabric).is_none(), "{fabric}");
    }
}

/// The job of BERT-large on eight nodes of eight A100 with further keys of the workload.
fn built(catalog: &Catalog, times: &StepTimes, keys: &str) -> Built {
    let text = format!(
        "format = 1\nname = \"nodes\"\n[workload]\nmodel = \"bert-large\"\nglobal_batch = 1024\nsteps = 100\n{keys}\n\
         [[fleet]]\nname = \"nodes\"\ninstance = \"aws/p4d.24xlarge\"\ncount = 8\nregion = \"us-east-1\"\n"
    );
    let scenario = resolve(&load("nodes.toml", &text).unwrap(), catalog, None).unwrap();
    let spec = scenario.training().unwrap();
    let request = BatchRequest {
        precision: spec.precision,
        optimizer: spec.optimizer.clone(),
        global_batch: spec.global_batch,
        batch_per_device: spec.batch_per_device,
    };
    let candidate = &expand(&scenario.fleets).unwrap()[0];
    let Planned::Feasible(plan) = plan(candidate, &spec.model, &request, &|_: &ParallelLayout| 1.0) else {
        panic!("no plan")
    };
    let builder = Builder { catalog, step_times: times, spec, pilot_batches: 0 };
    builder.build(candidate, &plan, 1, &Cancel::default()).unwrap()
}

fn network(built: &Built) -> f64 {
    built.components.iter().filter(|(part, _)| *part == Component::Network).map(|(_, time)| time.0).sum()
}

#[test]
fn a_job_of_several_nodes_takes_the_step_that_published_jobs_tell() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    let device = catalog.accelerator("A100-SXM-40GB").unwrap();
    let query = StepQuery {
        micro_batch: 16.0,
        fabric: "nvlink-v3",
        across: over(8, "efa", 400.0),
        ..query(catalog.model("bert-large").unwrap(), device)
    };
    let fitted = times.device_time(&catalog, &query).unwrap();
    let job = built(&catalog, &times, "");
    assert!((job.device_step.0 / fitted.total().0 - 1.0).abs() < 1e-9, "{job:?} {fitted:?}");
    assert_eq!((job.log_error, &job.basis), (fitted.log_error, &fitted.basis));
}

#[test]
fn an_overlap_that_the_scenario_states_is_kept() {
    let catalog = Catalog::read(&[]).unwrap();
    let times = StepTimes::embedded().unwrap();
    let hidden = network(&built(&catalog, &times, "overlap = 1.0"));
    let half = network(&built(&catalog, &times, "overlap = 0.5"));
    let bare = network(&built(&catalog, &times, "overlap = 0.0"));
    assert!(hidden <= half && half < bare, "{hidden} {half} {bare}");
}
