//! Times of batches on one device, as a server's simulation asks for them.
//!
//! Compiled networks: one query takes what single-stream runs take, and each further sample what saturated runs take, so
//! that t(b) = t(1) + (b − 1)/r (the affine law: Inoue, arXiv 1912.06322). Framework stacks were measured batch by batch:
//! their curve is made of those, never falling in time and never in rate. Processors: a roofline.

use crate::catalog::{Accelerator, AcceleratorKind, Catalog, Model, Provenance};
use crate::steptime::predict::NoStepTime;
use crate::steptime::tables::ProfileError;
use crate::units::{Seconds, SimSpan};

use super::cpu;
use super::facts::ServedFacts;
use super::profile::{OrdinaryProfile, ServedKnowledge};
use super::setting::{ServedDevice, ServedLoad, ServedModel, ServedSetting};

/// Version of compiled networks where none is asked for, on TensorRT's count.
const USUAL_VERSION: f64 = 8.6;
/// Most batches that a table holds.
pub const MAX_BATCH: u32 = 65_536;
/// Factor on the time of a batch while a second instance of the device is at work: two did 1.3 times the work of one
/// (Triton tutorials, part 2; `serving_ordinary_models.md`, measured curve 3).
pub const TWO_INSTANCES: f64 = 2.0 / 1.3;
/// What framework examples scatter about the fit beyond compiled networks, in ln(rate).
const FRAMEWORK_ERROR: f64 = 0.2;
/// Longest batch that is answered for: a day.
const LONGEST: f64 = 86_400.0;

/// What batches are asked for.
#[derive(Clone, Copy, Debug)]
pub struct BatchQuery<'a> {
    /// What is served.
    pub model: &'a Model,
    /// On what; a kind of vCPU for processors.
    pub accelerator: &'a Accelerator,
    /// vCPUs that work on one batch, for processors.
    pub vcpus: f64,
    /// `int8`, `fp16`, `tf32`, `fp32`.
    pub precision: &'a str,
    /// `tensorrt`, `onnxruntime`, `pytorch`, `tensorflow`, `tensorflow2`, `mxnet`, `paddle`; empty: as benchmark
    /// submissions of the device's maker.
    pub software: &'a str,
    /// Largest batch.
    pub max_batch: u32,
}

/// Times of batches of 1 to the largest.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchTimes {
    /// Nanoseconds, from a batch of one item.
    pub ns: Vec<u64>,
    /// Standard deviation of ln(error).
    pub log_error: f64,
    /// How they are known.
    pub provenance: Provenance,
    /// Where they come from.
    pub basis: String,
    /// Work of one host core on one item before it reaches the device, and after: decoding as the catalog has it.
    pub host_per_item: (Seconds, Seconds),
}

/// Batch times of everything in the catalog.
#[derive(Clone, Debug)]
pub struct OrdinaryTimes {
    profile: OrdinaryProfile,
    facts: ServedFacts,
}

impl OrdinaryTimes {
    /// The shipped tables.
    ///
    /// # Errors
    /// When they are not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        Ok(Self { profile: OrdinaryProfile::embedded()?, facts: ServedFacts::embedded()? })
    }

    /// The times of batches of a model on a device.
    ///
    /// # Errors
    /// When nothing can be said about the device or the model.
    pub fn batch_times(&self, catalog: &Catalog, query: &BatchQuery<'_>) -> Result<BatchTimes, NoStepTime> {
        let served = self.facts.model(catalog, &query.model.id);
        let mut served = served.ok_or_else(|| NoStepTime::NoWork { model: query.model.id.clone() })?;
        if !(served.gflops.is_finite() && served.gflops > 0.0) {
            return Err(NoStepTime::NoWork { model: query.model.id.clone() });
        }
        let host_per_item = (query.model.decode_cpu.unwrap_or(Seconds::ZERO), Seconds::ZERO);
        let batches = query.max_batch.clamp(1, MAX_BATCH);
        if query.accelerator.kind == AcceleratorKind::Cpu {
            let (law, basis) = cpu::law(query, served.gflops)?;
            return Ok(BatchTimes {
                ns: law.table(batches),
                log_error: cpu::LOG_ERROR,
                provenance: Provenance::Extrapolated,
                basis,
                host_per_item,
            });
        }
        let device = ServedDevice::of(query.accelerator, &query.accelerator.name);
        let knowledge = self.profile.knowledge(&device.name, &served.id);
        if !device.has_rates() && matches!(knowledge, ServedKnowledge::Model | ServedKnowledge::Neither) {
            let accelerator = query.accelerator.name.clone();
            return Err(NoStepTime::UnknownDevice { accelerator, what: "peak" });
        }
        if let Some(variant) = usual_variant(&served.id) {
            variant.clone_into(&mut served.variant);
        }
        let stack = stack(query);
        let asked = Asked { served, device, stack, precision: query.precision };
        let ns = if asked.compiled() {
            self.affine(&asked).table(batches)
        } else {
            self.measured(&asked, batches)
        };
        Ok(BatchTimes {
            ns,
            log_error: libm::hypot(
                self.profile.log_error(knowledge),
                if asked.compiled() { 0.0 } else { FRAMEWORK_ERROR },
            ),
            provenance: match knowledge {
                ServedKnowledge::Pair => Provenance::Published,
                _ => Provenance::Extrapolated,
            },
            basis: basis(&asked, knowledge),
            host_per_item,
        })
    }

    fn affine(&self, asked: &Asked<'_>) -> Affine {
        let each = 1.0 / self.profile.rate(&asked.setting(ServedLoad::Saturated));
        let one = 1.0 / self.profile.rate(&asked.setting(ServedLoad::SingleStream(1.0)));
        Affine { first: one.max(each), each }
    }

    /// Powers of two from the fit, lines between.
    fn measured(&self, asked: &Asked<'_>, batches: u32) -> Vec<u64> {
        let doubled = std::iter::successors(Some(1u32), |batch| batch.checked_mul(2));
        let mut points: Vec<(f64, f64)> = Vec::new();
        for batch in doubled.take_while(|batch| *batch < batches.saturating_mul(2)) {
            let batch = f64::from(batch);
            let mut seconds = batch / self.profile.rate(&asked.setting(ServedLoad::Batch(batch)));
            if let Some((before, known)) = points.last() {
                // Larger batches take no less time, and no more for each item.
                seconds = seconds.clamp(*known, known * batch / before);
            }
            points.push((batch, seconds));
        }
        let at = |batch: u32| {
            let batch = f64::from(batch);
            let above = points.iter().position(|(known, _)| *known >= batch).unwrap_or(points.len() - 1);
            let ((low, from), (high, to)) = (points[above.saturating_sub(1)], points[above]);
            if high > low { from + (to - from) * (batch - low) / (high - low) } else { to }
        };
        (1..=batches).map(|batch| nanoseconds(at(batch))).collect()
    }
}

/// t(b) = first + (b − 1)·each, seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    pub first: f64,
    pub each: f64,
}

impl Affine {
    fn table(self, batches: u32) -> Vec<u64> {
        (0..batches).map(|more| nanoseconds(self.first + f64::from(more) * self.each)).collect()
    }
}

fn nanoseconds(seconds: f64) -> u64 {
    SimSpan::from_seconds(Seconds(seconds.clamp(1e-9, LONGEST))).0.max(1)
}

/// What is asked of the profile.
struct Asked<'a> {
    served: ServedModel,
    device: ServedDevice,
    stack: &'static str,
    precision: &'a str,
}

impl Asked<'_> {
    fn compiled(&self) -> bool {
        !matches!(self.stack, "PyTorch" | "TensorFlow" | "TensorFlow2" | "MxNet" | "PaddlePaddle")
    }

    fn setting(&self, load: ServedLoad) -> ServedSetting {
        ServedSetting {
            model: self.served.clone(),
            device: self.device.clone(),
            stack: self.stack.to_owned(),
            version: self.compiled().then_some(USUAL_VERSION),
            precision: match self.precision {
                "bf16" | "fp8" => "fp16".to_owned(),
                precision => precision.to_owned(),
            },
            load,
            latency: matches!(load, ServedLoad::SingleStream(_)),
            metric: if matches!(load, ServedLoad::SingleStream(_)) { "latency_ms" } else { "samples_s" }
                .to_owned(),
            devices: 1.0,
        }
    }
}

fn stack(query: &BatchQuery<'_>) -> &'static str {
    match query.software.to_lowercase().as_str() {
        "pytorch" => "PyTorch",
        "tensorflow" | "tf-serving" => "TensorFlow",
        "tensorflow2" => "TensorFlow2",
        "mxnet" => "MxNet",
        "paddle" => "PaddlePaddle",
        _ => match query.accelerator.vendor.as_str() {
            "Qualcomm" => "qaic",
            "AWS" => "neuron",
            _ => "TensorRT",
        },
    }
}

/// The published name whose single-query and saturated runs a model's own figures come from.
fn usual_variant(model: &str) -> Option<&'static str> {
    Some(match model {
        "resnet-50" => "resnet50/imagenet",
        "bert-large" => "bert-99/squad_v1.1",
        "dlrm" => "dlrm-99/criteo",
        "rnn-t" => "rnnt/librispeech",
        "ssd-resnet34-1200" => "ssd-resnet34/coco_1200",
        "ssd-mobilenet" => "ssd-mobilenet/coco_300",
        _ => return None,
    })
}

fn basis(asked: &Asked<'_>, knowledge: ServedKnowledge) -> String {
    let (device, model) = (&asked.device.name, &asked.served.id);
    let known = match knowledge {
        ServedKnowledge::Pair => format!("measured runs of {model} on {device}"),
        ServedKnowledge::Both => format!("{model} on other devices and {device} with other models"),
        ServedKnowledge::Model => format!("{model} on other devices, carried over by {device}'s datasheet"),
        ServedKnowledge::Device => {
            format!("{device} with other models, carried over by {model}'s arithmetic")
        }
        ServedKnowledge::Neither => format!("{device}'s datasheet and {model}'s arithmetic"),
    };
    format!("fit of served rates ({}, {}): {known}", asked.stack, asked.precision)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(device: &str, software: &str, max_batch: u32) -> BatchTimes {
        let catalog = Catalog::read(&[]).unwrap();
        let (model, accelerator) = (catalog.model("resnet-50").unwrap(), &catalog.accelerators[device]);
        let query = BatchQuery { model, accelerator, vcpus: 16.0, precision: "int8", software, max_batch };
        OrdinaryTimes::embedded().unwrap().batch_times(&catalog, &query).unwrap()
    }

    #[test]
    fn batches_take_longer_and_items_less_as_they_grow() {
        for (device, software) in
            [("T4", ""), ("L4", ""), ("A10", ""), ("T4", "pytorch"), ("intel-cascade-lake-vcpu", "")]
        {
            let times = times(device, software, 64);
            println!(
                "{device} {software}: {:?} {} {}",
                [1, 8, 64].map(|b| times.ns[b - 1]),
                times.log_error,
                times.basis
            );
            assert_eq!(times.ns.len(), 64);
            for (index, pair) in times.ns.windows(2).enumerate() {
                let (before, batch) = (index as f64 + 1.0, index as f64 + 2.0);
                assert!(pair[0] <= pair[1], "{device} {software}: {pair:?}");
                assert!(
                    pair[1] as f64 / batch <= pair[0] as f64 / before + 1.0,
                    "{device} {software}: {pair:?}"
                );
            }
        }
    }

    #[test]
    fn what_was_measured_is_told_apart_from_what_is_carried_over() {
        let (seen, carried) = (times("T4", "", 8), times("A10", "", 8));
        assert_eq!((seen.provenance, carried.provenance), (Provenance::Published, Provenance::Extrapolated));
        assert!(seen.log_error < carried.log_error);
        // MLPerf Offline on T4: 6,200 images a second and device.
        let each = (seen.ns[7] - seen.ns[0]) as f64 / 7.0;
        assert!((1e9 / each / 6200.0 - 1.0).abs() < 0.2, "{each}");
    }

    #[test]
    fn a_device_of_which_nothing_is_known_has_no_times() {
        let catalog = Catalog::read(&[]).unwrap();
        let (model, accelerator) =
            (catalog.model("resnet-50").unwrap(), &catalog.accelerators["Radeon-Pro-V520"]);
        let query =
            BatchQuery { model, accelerator, vcpus: 0.0, precision: "int8", software: "", max_batch: 8 };
        let times = OrdinaryTimes::embedded().unwrap().batch_times(&catalog, &query);
        assert!(matches!(times, Err(NoStepTime::UnknownDevice { .. })));
    }
}
