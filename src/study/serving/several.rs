//! Several models on every replica: their weights are resident, they share the memory and the time of its devices.
//!
//! What the engines leave of the devices' memory beside all weights and working sets is one room for keys and values; a
//! language model has a part of it in proportion to the tokens that its requests keep there.

use crate::catalog::{NumberFormat, ServingLayout};
use crate::fleet::Candidate;
use crate::layout::{MemoryNeed, Part, Reason};
use crate::scenario::ServingSpec;
use crate::steptime::ordinary::{OrdinaryTimes, TWO_INSTANCES};
use crate::steptime::serving::ServingSteps;
use crate::units::Bytes;
use crate::workload::inference::{ServiceModel, ServingRun};

use super::trial::{Trial, percentile};
use super::way::{self, Way, mean_lengths};
use super::{Asked, ordinary};
use crate::scenario::RequestTime;

/// Parts of a device's memory that a model takes whatever it holds of requests.
const FIXED: [Part; 5] = [Part::Weights, Part::Embeddings, Part::Activations, Part::Logits, Part::Context];

/// Ways to serve all models on each replica, the best first; or why there is none.
pub(super) fn together(
    asked: &Asked<'_>,
    (steps, times): (&ServingSteps, &OrdinaryTimes),
    candidate: &Candidate,
) -> Result<Vec<Way>, Reason> {
    let specs: Vec<ServingSpec> = (0..asked.spec.models()).map(|index| asked.spec.alone(index)).collect();
    let builder = Builder { asked, steps, times, candidate, specs };
    let mut found = Vec::new();
    let mut least: Option<Reason> = None;
    for tensor in builder.degrees() {
        match builder.way(tensor) {
            Ok(way) => found.push(way),
            Err(reason) => least = Some(nearer(least, reason)),
        }
    }
    if found.is_empty() {
        let none = || Reason::NoStepTime("no layout divides all models over these devices".to_owned());
        return Err(least.unwrap_or_else(none));
    }
    found.sort_by(|left, right| right.guess.total_cmp(&left.guess).then(left.layout.cmp(&right.layout)));
    Ok(found)
}

/// Of two reasons the one that misses less memory.
fn nearer(least: Option<Reason>, reason: Reason) -> Reason {
    let total = |reason: &Reason| reason.memory().map_or(f64::INFINITY, |need| need.total().0);
    match least {
        Some(least) if total(&least) <= total(&reason) => least,
        _ => reason,
    }
}

struct Builder<'a> {
    asked: &'a Asked<'a>,
    steps: &'a ServingSteps,
    times: &'a OrdinaryTimes,
    candidate: &'a Candidate,
    specs: Vec<ServingSpec>,
}

impl Builder<'_> {
    /// Devices of a replica: those that divide the machine, or one where an ordinary model is among them.
    fn degrees(&self) -> Vec<u64> {
        let devices = self.candidate.accelerators_per_node();
        if !self.specs.iter().all(ServingSpec::is_language) {
            return vec![1];
        }
        let asked = self.candidate.layout.tensor;
        let fits =
            |tensor: &u64| devices.is_multiple_of(*tensor) && asked.is_none_or(|wanted| wanted == *tensor);
        (1..=devices).filter(fits).collect()
    }

    /// The way of one model on so many devices.
    fn one(&self, spec: &ServingSpec, tensor: u64) -> Result<Way, Reason> {
        let asked = &Asked { spec, ..*self.asked };
        let mut candidate = self.candidate.clone();
        (candidate.layout.tensor, candidate.layout.pipeline) = (Some(tensor), Some(1));
        let ways = if spec.is_language() {
            way::language(asked, self.steps, &candidate)?
        } else {
            ordinary::ordinary(asked, self.times, &candidate)?
        };
        let none = || Reason::NoStepTime(format!("{} is not served on {tensor} devices", spec.model.id));
        ways.into_iter().next().ok_or_else(none)
    }

    fn way(&self, tensor: u64) -> Result<Way, Reason> {
        let alone =
            self.specs.iter().map(|spec| self.one(spec, tensor)).collect::<Result<Vec<Way>, Reason>>()?;
        let ways = self.sharing_memory(tensor, &alone)?;
        let weights: Vec<f64> = (0..ways.len())
            .map(|index| self.asked.spec.share_of(index) / ways[index].guess.max(1e-12))
            .collect();
        let work: f64 = weights.iter().sum();
        let cores = |service: &ServiceModel| match service {
            ServiceModel::Ordinary(table, rules) => {
                // The host's cores are for all models.
                let mut table = table.clone();
                table.host_cores = (table.host_cores / ways.len() as u32).max(1);
                ServiceModel::Ordinary(table, rules.clone())
            }
            other => other.clone(),
        };
        let service = |speed: usize| {
            let models = ways.iter().map(|way| cores(&way.services[speed])).collect();
            ServiceModel::Shared(models, self.sharing())
        };
        let language = self.specs.iter().any(ServingSpec::is_language);
        let layout = ServingLayout { tensor, pipeline: 1, expert: 1, attention_data: 1 };
        let cached: f64 = ways.iter().filter_map(|way| way.cache_tokens).sum();
        let first = ways.first().ok_or_else(|| Reason::NoStepTime("no model".to_owned()))?;
        Ok(Way {
            layout: language.then_some(layout),
            per_machine: ways.iter().map(|way| way.per_machine).min().unwrap_or(1),
            machines_per_replica: 1,
            memory: self.joined(&ways),
            cache_tokens: language.then_some(cached),
            cache_bytes_per_token: first.cache_bytes_per_token,
            services: [service(0), service(1), service(2)],
            log_error: ways.iter().map(|way| way.log_error).fold(0.0, f64::max),
            provenance: ways.iter().map(|way| way.provenance).max().unwrap_or(first.provenance),
            basis: ways.iter().map(|way| way.basis.as_str()).collect::<Vec<_>>().join("; "),
            guess: 1.0 / work.max(1e-12),
            alone: ways
                .iter()
                .map(|way| way.alone)
                .fold(first.alone, |most, alone| if alone.1 > most.1 { alone } else { most }),
            parts: parts(&ways, &weights),
        })
    }

    /// The models' ways with their parts of the room for keys and values.
    fn sharing_memory(&self, tensor: u64, alone: &[Way]) -> Result<Vec<Way>, Reason> {
        let fixed = |way: &Way| -> f64 {
            let parts = way.memory.iter().flat_map(|need| &need.parts);
            parts.filter(|(part, _)| FIXED.contains(part)).map(|(_, bytes)| bytes.0).sum()
        };
        let Some(present) = alone.iter().find_map(|way| way.memory.as_ref()).map(|need| need.present.0)
        else {
            return Ok(alone.to_vec());
        };
        let all: f64 = alone.iter().map(fixed).sum();
        let fraction = self.fraction();
        let room = present * fraction - all;
        let language = self.specs.iter().any(ServingSpec::is_language);
        if room < 0.0 || (language && room <= 0.0) {
            return self.joined(alone).map_or_else(|| Ok(alone.to_vec()), |need| Err(Reason::Memory(need)));
        }
        let kept: Vec<f64> = (0..alone.len()).map(|index| self.kept(index, &alone[index])).collect();
        let sum: f64 = kept.iter().sum();
        let each = self.specs.iter().zip(alone).zip(&kept);
        each.map(|((spec, way), kept)| {
            if !spec.is_language() {
                return Ok(way.clone());
            }
            let mut spec = spec.clone();
            spec.batching.memory_fraction = Some((fixed(way) + room * kept / sum.max(1e-12)) / present);
            self.one(&spec, tensor).map_err(|reason| match (reason, self.joined(alone)) {
                (Reason::Memory(_), Some(need)) => Reason::Memory(need),
                (reason, _) => reason,
            })
        })
        .collect()
    }

    /// Bytes of keys and values that the requests of a model keep, as a weight: rate × tokens × bytes of one.
    fn kept(&self, index: usize, way: &Way) -> f64 {
        let (input, output) = mean_lengths(&self.specs[index]);
        self.asked.spec.share_of(index) * (input + output) * output.max(1.0) * way.cache_bytes_per_token
    }

    /// Share of the devices' memory that may be taken.
    fn fraction(&self) -> f64 {
        let engine = self.asked.catalog.engine(&self.asked.spec.engine).map(|engine| engine.memory_fraction);
        let language = self.specs.iter().any(ServingSpec::is_language);
        let usual = if language { engine.unwrap_or(1.0) } else { 1.0 };
        self.asked.spec.batching.memory_fraction.unwrap_or(usual)
    }

    /// What all models need on one device.
    fn joined(&self, ways: &[Way]) -> Option<MemoryNeed> {
        let present = ways.iter().find_map(|way| way.memory.as_ref())?.present;
        let of = |part: Part| -> f64 {
            let parts = ways.iter().filter_map(|way| way.memory.as_ref()).flat_map(|need| &need.parts);
            parts.filter(|(own, _)| *own == part).map(|(_, bytes)| bytes.0).sum()
        };
        let mut parts: Vec<(Part, Bytes)> = FIXED.iter().map(|part| (*part, Bytes(of(*part)))).collect();
        parts.push((Part::Cache, Bytes(of(Part::Cache))));
        parts.push((Part::Slack, Bytes(present.0 * (1.0 - self.fraction()))));
        parts.retain(|(_, bytes)| bytes.0 > 0.0);
        Some(MemoryNeed { parts, present })
    }

    /// Factor on all times while 1, 2, … models have requests: instances of ordinary models do a little more together
    /// on an accelerator, as measured; others take turns.
    fn sharing(&self) -> Vec<f64> {
        let overlap =
            self.candidate.accelerator.is_some() && !self.specs.iter().any(ServingSpec::is_language);
        let factor = |at_work: usize| match at_work {
            1 => 1.0,
            _ if overlap => TWO_INSTANCES * at_work as f64 / 2.0,
            _ => at_work as f64,
        };
        (1..=self.specs.len()).map(factor).collect()
    }
}

/// What the time of a busy replica goes into, over all models.
fn parts(ways: &[Way], weights: &[f64]) -> Vec<(&'static str, f64)> {
    let mut sums: Vec<(&'static str, f64)> = Vec::new();
    for (way, weight) in ways.iter().zip(weights) {
        for (name, share) in &way.parts {
            match sums.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += share * weight,
                None => sums.push((name, share * weight)),
            }
        }
    }
    let total: f64 = sums.iter().map(|(_, sum)| sum).sum();
    sums.iter_mut().for_each(|(_, sum)| *sum /= total.max(1e-12));
    sums.sort_by(|left, right| right.1.total_cmp(&left.1));
    sums
}

/// Whether the requests of every model hold the limits on times by themselves; true where there is one model.
pub(super) fn every_model_holds(trial: &Trial<'_>, run: &ServingRun) -> bool {
    let objective = &trial.asked.scenario.objective;
    run.models.iter().filter(|own| own.offered > 0).all(|own| {
        objective.latency.iter().all(|target| {
            let times = match target.time {
                RequestTime::FirstToken => &own.time_to_first_token,
                RequestTime::PerOutputToken => &own.time_per_output_token,
                RequestTime::Whole => &own.latency,
            };
            // A model without tokens has no times of tokens.
            times.count() == 0 && target.time != RequestTime::Whole
                || percentile(times, target.share, own.unfinished)
                    .is_none_or(|seconds| seconds <= trial.own_limit(target).0)
        })
    })
}

/// A model in words, as `llama-3-8b bf16`.
pub(super) fn words(spec: &ServingSpec, index: usize) -> String {
    let (model, weights) = spec.model_of(index);
    let plain = spec.weights == weights || weights == NumberFormat::Bf16;
    if plain { model.id.clone() } else { format!("{} {}", model.id, weights.word()) }
}
