//! Ways to serve a model that is no language model: batches on each device, or on a host's processors.

use std::sync::Arc;

use crate::catalog::{Accelerator, NumberFormat};
use crate::fleet::Candidate;
use crate::layout::{MemoryNeed, Part, Reason};
use crate::steptime::ordinary::{BatchQuery, BatchTimes, OrdinaryTimes, TWO_INSTANCES};
use crate::units::{Bytes, Seconds, SimSpan};
use crate::workload::inference::{BatchTable, ServiceModel};

use super::Asked;
use super::profile::{of_device, precision};
use super::way::{Way, factors};

/// Share of the activations kept for training that a forward pass has alive at once (assumed).
const ALIVE: f64 = 0.1;
/// Copies of the hidden state alive in a layer of a transformer, its inner width included (assumed).
const COPIES: f64 = 16.0;
/// Driver, runtime and kernels of one process on an accelerator.
const CONTEXT: f64 = 1.5e9;

/// The way to serve on the candidate's machines, or why there is none.
pub(super) fn ordinary(
    asked: &Asked<'_>,
    times: &OrdinaryTimes,
    candidate: &Candidate,
) -> Result<Vec<Way>, Reason> {
    let spec = asked.spec;
    let no = |what: String| Reason::NoStepTime(what);
    let instances = f64::from(spec.batching.rules.instances.max(1));
    let vcpus = candidate.instance.vcpus.unwrap_or(1.0);
    let measured = measured(asked, candidate)?;
    let devices = if measured.is_some() { 1 } else { device(asked, candidate)?.1 };
    let memory = memory(asked, candidate, f64::from(spec.batching.rules.max_batch) * instances);
    if let Some(need) = memory.as_ref().filter(|need| !need.fits()) {
        return Err(Reason::Memory(need.clone()));
    }
    let known = match measured {
        Some(known) => known,
        None => {
            let accelerator = device(asked, candidate)?.0;
            let query = BatchQuery {
                model: &spec.model,
                accelerator: &accelerator,
                vcpus: vcpus / instances,
                precision: spec.weights.word(),
                software: &spec.software,
                max_batch: spec.batching.rules.max_batch,
            };
            times.batch_times(asked.catalog, &query).map_err(|error| no(error.to_string()))?
        }
    };
    let host_cores = ((vcpus / devices as f64) as u32).max(1);
    let on_host = candidate.accelerator.is_none();
    let service = |factor: f64| {
        let table = table(&known, factor, spec.batching.rules.instances, host_cores, on_host);
        ServiceModel::Ordinary(table, spec.batching.rules.clone())
    };
    let sketch = Sketch { known: &known, instances, cores: f64::from(host_cores), on_host };
    let alone = Seconds(sketch.alone());
    Ok(vec![Way {
        layout: None,
        per_machine: devices,
        machines_per_replica: 1,
        memory,
        cache_tokens: None,
        cache_bytes_per_token: 0.0,
        services: factors(known.log_error).map(service),
        log_error: known.log_error,
        provenance: known.provenance,
        basis: known.basis.clone(),
        guess: sketch.rate() * devices as f64 / f64::from(spec.items_per_request.max(1)),
        alone: (alone, alone),
        parts: sketch.parts(),
    }])
}

/// The batches by the workload's profile; `None` where it says nothing of the device, or where the machine has several:
/// a profile is of one.
fn measured(asked: &Asked<'_>, candidate: &Candidate) -> Result<Option<BatchTimes>, Reason> {
    let spec = asked.spec;
    let Some((steps, way)) = of_device(asked, candidate) else { return Ok(None) };
    let precision = precision(spec, &steps.profile.name)?;
    let largest = spec.batching.rules.max_batch;
    let known = steps.batches(way, &spec.model, precision, largest);
    known.map(Some).map_err(|no| Reason::NoStepTime(no.to_string()))
}

/// What computes, and how many of it one machine has.
fn device(asked: &Asked<'_>, candidate: &Candidate) -> Result<(Arc<Accelerator>, u64), Reason> {
    if let Some(accelerator) = &candidate.accelerator {
        if candidate.instance.accelerators < 1.0 {
            return Err(Reason::SharedDevice(candidate.instance.accelerators));
        }
        return Ok((accelerator.clone(), candidate.accelerators_per_node()));
    }
    let name = candidate.instance.cpu.as_deref();
    let found = name.and_then(|name| asked.catalog.accelerator(name).ok());
    let unknown = || Reason::NoStepTime(format!("the processor of {} is unknown", candidate.instance.id()));
    found.map(|cpu| (Arc::new(cpu.clone()), 1)).ok_or_else(unknown)
}

/// Weights, tables, what a batch has alive, and the process; `None` where nothing is known of the memory.
fn memory(asked: &Asked<'_>, candidate: &Candidate, items: f64) -> Option<MemoryNeed> {
    let model = &asked.spec.model;
    let present = match &candidate.accelerator {
        Some(accelerator) => accelerator.memory?,
        None => candidate.instance.memory?,
    };
    let width = asked.spec.weights.bytes();
    let half = NumberFormat::Bf16.bytes();
    let hidden =
        model.sequence_length.zip(model.hidden).map(|(tokens, hidden)| tokens * hidden * half * COPIES);
    let trained = model.activation_memory.map(|kept| kept.0 * ALIVE);
    let kept = trained.or(hidden).unwrap_or(0.0) * width.max(1.0) / half;
    let fed = model.decoded_bytes_per_sample.or(model.bytes_per_sample).unwrap_or(Bytes::ZERO).0;
    let context = if candidate.accelerator.is_some() { CONTEXT } else { 0.0 };
    Some(MemoryNeed {
        parts: vec![
            (Part::Weights, Bytes(model.parameters * width)),
            (Part::Embeddings, Bytes(model.embedding_parameters * width)),
            (Part::Activations, Bytes(items * (kept + fed))),
            (Part::Context, Bytes(context)),
        ],
        present,
    })
}

fn table(known: &BatchTimes, factor: f64, instances: u32, cores: u32, on_host: bool) -> BatchTable {
    // Instances on a host have their own vCPUs; on a device they share it.
    let share = |busy: u32| if on_host || busy <= 1 { 1.0 } else { TWO_INSTANCES * f64::from(busy) / 2.0 };
    let (before, after) = known.host_per_item;
    BatchTable {
        ns: known.ns.iter().map(|ns| ((*ns as f64 * factor + 0.5) as u64).max(1)).collect(),
        sharing: (1..=instances.max(1)).map(share).collect(),
        host_per_item: SimSpan::from_seconds(before * factor),
        host_after_per_item: SimSpan::from_seconds(after * factor),
        host_cores: cores,
    }
}

/// What a device does in the mean, without queues.
struct Sketch<'a> {
    known: &'a BatchTimes,
    instances: f64,
    cores: f64,
    on_host: bool,
}

impl Sketch<'_> {
    fn seconds(&self, batch: usize) -> f64 {
        self.known.ns.get(batch - 1).map_or(0.0, |ns| *ns as f64 / 1e9)
    }

    fn host(&self) -> f64 {
        (self.known.host_per_item.0 + self.known.host_per_item.1).0
    }

    /// Device seconds of an item in the best batch.
    fn device(&self) -> f64 {
        let batches = 1..=self.known.ns.len().max(1);
        let best = batches.map(|batch| self.seconds(batch) / batch as f64).fold(f64::INFINITY, f64::min);
        let more = match (self.on_host, self.instances > 1.0) {
            (true, _) => self.instances,
            (false, true) => 2.0 / TWO_INSTANCES,
            (false, false) => 1.0,
        };
        best / more
    }

    /// Items per second.
    fn rate(&self) -> f64 {
        1.0 / self.device().max(self.host() / self.cores).max(1e-12)
    }

    fn alone(&self) -> f64 {
        self.seconds(1) + self.host()
    }

    /// What bounds: the device, the calls of small batches, or decoding on the host.
    fn parts(&self) -> Vec<(&'static str, f64)> {
        let largest = self.known.ns.len().max(1);
        let each = if largest > 1 {
            (self.seconds(largest) - self.seconds(1)) / (largest as f64 - 1.0)
        } else {
            self.seconds(1)
        };
        let calls = (self.seconds(largest) / largest as f64 - each).max(0.0);
        let mut parts =
            vec![("compute", each), ("host-overhead", calls), ("input-decode", self.host() / self.cores)];
        let total: f64 = parts.iter().map(|(_, seconds)| seconds).sum();
        parts.iter_mut().for_each(|(_, seconds)| *seconds /= total.max(1e-12));
        parts.sort_by(|left, right| right.1.total_cmp(&left.1));
        parts
    }
}
