//! A language model served on a device whose iterations the user measured: one replica a machine, scheduled by the rules
//! of the engine, timed by the curves of the profile.

use std::sync::Arc;

use crate::catalog::{Engine, NumberFormat, Precision, ServingLayout};
use crate::fleet::Candidate;
use crate::layout::{MemoryNeed, Reason, ServingMemory, ServingMemoryJob, serving_memory};
use crate::steptime::measured::{MeasuredIterations, MeasuredSteps, Way as MeasuredWay};
use crate::units::{Bytes, SimSpan};
use crate::workload::inference::{KvSpace, ReplicaModel, Rules, ServiceModel};

use super::Asked;
use super::profile::{of_device, precision};
use super::sketch::Sketch;
use super::way::{SWAP_SHARE, Way, applied, factors, longest, rules, scope};

/// The way to serve by the workload's profile; `None` where there is no profile, it says nothing of the device, or the
/// machine has several: a profile is of one.
pub(super) fn way(asked: &Asked<'_>, candidate: &Candidate) -> Result<Option<Way>, Reason> {
    let spec = asked.spec;
    let Some((steps, way)) = of_device(asked, candidate) else { return Ok(None) };
    let served = Measured {
        asked,
        candidate,
        engine: engine(asked, candidate, steps)?,
        precision: precision(spec, &steps.profile.name)?,
    };
    served.way(steps, way).map(Some)
}

/// The engine's rules; no more sequences at once than were measured, unless the scenario asks for them.
fn engine(asked: &Asked<'_>, candidate: &Candidate, steps: &MeasuredSteps) -> Result<Engine, Reason> {
    let spec = asked.spec;
    let no = |what: String| Reason::NoStepTime(what);
    let engine = asked.catalog.engine(&spec.engine).map_err(|unknown| no(unknown.to_string()))?;
    let mut engine = match candidate.accelerator.as_deref() {
        Some(accelerator) => applied(&engine.on(accelerator), spec),
        None => applied(engine, spec),
    };
    let word = precision(spec, &steps.profile.name)?;
    if let (None, Some(most)) = (spec.batching.max_sequences, steps.most_decoded(&spec.model, word)) {
        engine.max_sequences = engine.max_sequences.min(most);
    }
    Ok(engine)
}

struct Measured<'a> {
    asked: &'a Asked<'a>,
    candidate: &'a Candidate,
    engine: Engine,
    precision: Precision,
}

impl Measured<'_> {
    fn way(&self, steps: &MeasuredSteps, measured: MeasuredWay<'_>) -> Result<Way, Reason> {
        let spec = self.asked.spec;
        let known = steps
            .iterations(measured, &spec.model, self.precision, self.engine.max_sequences)
            .map_err(|no| Reason::NoStepTime(no.to_string()))?;
        let layout = ServingLayout { tensor: 1, pipeline: 1, expert: 1, attention_data: 1 };
        let (memory, need) = self.memory(layout)?;
        let rules = rules(&self.engine, spec, memory.blocks(self.engine.block_tokens), [SimSpan::ZERO; 2]);
        let scope = scope(&self.engine, spec);
        let table = known.table(&scope, 1.0);
        let sketch = Sketch {
            asked: self.asked,
            table: &table,
            rules: &rules,
            cache_tokens: memory.tokens(),
            spec,
            role: self.candidate.role,
        };
        let guess = sketch.rate().0;
        Ok(Way {
            layout: Some(layout),
            per_machine: 1,
            machines_per_replica: 1,
            memory: Some(need),
            cache_tokens: Some(memory.tokens()),
            cache_bytes_per_token: memory.per_token,
            services: factors(known.log_error).map(|factor| self.service(&known, &memory, rules, factor)),
            log_error: known.log_error,
            provenance: known.provenance,
            basis: known.basis.clone(),
            guess,
            alone: sketch.alone(),
            // A measured iteration is not taken apart: the device is what a request waits for.
            parts: vec![("compute", 1.0)],
        })
    }

    fn service(
        &self,
        known: &MeasuredIterations,
        memory: &ServingMemory,
        rules: Rules,
        factor: f64,
    ) -> ServiceModel {
        let block_bytes = memory.per_token * f64::from(self.engine.block_tokens);
        let host = self.candidate.instance.memory.map_or(0.0, |memory| memory.0 * SWAP_SHARE);
        let pcie = self.candidate.accelerator.as_ref().map(|device| device.pcie_bandwidth().0.max(1.0));
        let kv = KvSpace {
            blocks: memory.blocks(self.engine.block_tokens),
            block_tokens: self.engine.block_tokens,
            // On a processor the cache is in host memory already.
            swap_blocks: pcie.map_or(0, |_| (host / block_bytes.max(1.0)) as u64),
            swap_block_ns: pcie.map_or(0.0, |rate| 1e9 * block_bytes / rate),
        };
        ServiceModel::Language(ReplicaModel {
            table: Arc::new(known.table(&scope(&self.engine, self.asked.spec), factor)),
            kv,
            rules,
        })
    }

    fn memory(&self, layout: ServingLayout) -> Result<(ServingMemory, MemoryNeed), Reason> {
        let spec = self.asked.spec;
        let shape = spec.model.transformer.as_ref();
        let shape = shape.ok_or_else(|| Reason::NoStepTime("the model has no shape".to_owned()))?;
        let of_device = match &self.candidate.accelerator {
            Some(accelerator) => accelerator.memory,
            None => self.candidate.instance.memory,
        };
        let wide = if spec.weights == NumberFormat::Fp32 { NumberFormat::Fp32 } else { NumberFormat::Bf16 };
        let memory = serving_memory(&ServingMemoryJob {
            shape,
            weights: spec.weights,
            cache: spec.cache.unwrap_or(wide),
            layout,
            max_batched_tokens: self.engine.max_batched_tokens,
            max_sequences: self.engine.max_sequences,
            memory_fraction: self.engine.memory_fraction,
            memory_share: self.engine.memory_share,
            present: of_device.unwrap_or(Bytes::ZERO),
        });
        let need = memory.need(shape, f64::from(longest(spec)));
        if need.fits() { Ok((memory, need)) } else { Err(Reason::Memory(need)) }
    }
}
