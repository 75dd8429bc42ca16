//! A candidate and a transformer to the job that the step model takes.

use crate::catalog::{
    Accelerator, AcceleratorKind, Catalog, Model, ParallelLayout, Precision, Provenance, Transformer,
};
use crate::fleet::Candidate;
use crate::steptime::kernels::{DeviceRates, NoKernel};
use crate::steptime::{
    DeviceTables, JobNetwork, SoftwareStack, StepParts, Term, TransformerCost, TransformerJob,
    TransformerSoftware, TransformerStep, TransformerSteps, Wiring,
};
use crate::units::{BytesPerSecond, Seconds};

use super::bound::Component;

/// A host's card where the catalog knows none: 10 Gbit/s.
const UNKNOWN_CARD: BytesPerSecond = BytesPerSecond(1.25e9);
/// Tokens of a sample where the model says nothing.
const DEFAULT_SEQUENCE: f64 = 2048.0;

/// The question of one candidate, for any layout.
#[derive(Clone, Debug)]
pub struct TransformerQuestion<'a> {
    model: &'a Model,
    shape: &'a Transformer,
    accelerator: &'a Accelerator,
    precision: Precision,
    software: TransformerSoftware,
    device: DeviceRates,
    network: JobNetwork,
}

impl<'a> TransformerQuestion<'a> {
    /// The question; `None` for models that are not split, and for fleets without accelerators.
    ///
    /// # Errors
    /// When the device's datasheet lacks what its kernels start from.
    pub fn of(
        catalog: &Catalog,
        tables: &DeviceTables,
        candidate: &'a Candidate,
        model: &'a Model,
        precision: Precision,
        software: SoftwareStack,
    ) -> Result<Option<Self>, NoKernel> {
        let (Some(shape), Some(accelerator)) = (model.split_shape(), candidate.accelerator.as_deref()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            model,
            shape,
            accelerator,
            precision,
            software: usual_software(accelerator.kind, software),
            device: tables.rates(accelerator)?,
            network: network(catalog, tables, candidate, accelerator),
        }))
    }

    /// The job under a layout.
    #[must_use]
    pub fn under(&self, layout: ParallelLayout) -> TransformerJob<'_> {
        let old = matches!(
            self.accelerator.generation.as_str(),
            "kepler" | "maxwell" | "pascal" | "volta" | "turing"
        );
        TransformerJob {
            model: &self.model.id,
            shape: self.shape,
            sequence: self.model.sequence_length.unwrap_or(DEFAULT_SEQUENCE),
            precision: self.precision,
            recipe: "",
            accelerator: self.accelerator,
            software: self.software,
            release: "",
            asynchronous_tensor: false,
            flash: !old,
            adapters: false,
            layout,
            device: &self.device,
            network: &self.network,
        }
    }

    /// What layouts cost.
    #[must_use]
    pub fn cost(&self, steps: &TransformerSteps) -> TransformerCost<'_> {
        steps.cost(&self.under(ParallelLayout::default()))
    }

    /// The step under a layout.
    #[must_use]
    pub fn step(&self, steps: &TransformerSteps, layout: ParallelLayout) -> TransformerStep {
        steps.step(&self.under(layout))
    }
}

/// The software that a class of it stands for.
fn usual_software(kind: AcceleratorKind, class: SoftwareStack) -> TransformerSoftware {
    match (kind, class) {
        (AcceleratorKind::Tpu, _) => TransformerSoftware::Jax,
        (_, SoftwareStack::Tuned) => TransformerSoftware::MegatronBridge,
        (_, SoftwareStack::Reference) => TransformerSoftware::FsdpCompiled,
        (_, SoftwareStack::Research) => TransformerSoftware::FsdpEager,
    }
}

/// A slice is one domain; joined slices and other machines meet over their hosts' cards.
fn network(
    catalog: &Catalog,
    tables: &DeviceTables,
    candidate: &Candidate,
    accelerator: &Accelerator,
) -> JobNetwork {
    let fabrics = candidate.network();
    let wiring = Wiring {
        inside: &fabrics.inside,
        inside_rate: fabrics.inside_bandwidth,
        across: &fabrics.across,
        host_rate: Some(fabrics.across_bandwidth.unwrap_or(UNKNOWN_CARD)),
        per_host: (candidate.devices_per_host().round() as u64).max(1),
        slice: (accelerator.kind == AcceleratorKind::Tpu).then(|| candidate.accelerators_per_node()),
    };
    tables.network(catalog, accelerator, &wiring)
}

/// The parts of a step as components of the training world.
pub(super) fn components(parts: &StepParts) -> Vec<(Component, Seconds)> {
    vec![
        (Component::Compute, Seconds(parts.compute)),
        (Component::MemoryBandwidth, Seconds(parts.memory)),
        (Component::HostOverhead, Seconds(parts.host)),
        (Component::Network, Seconds(parts.exchange + parts.gradients)),
        (Component::PipelineBubble, Seconds(parts.bubble)),
    ]
}

/// The terms of a step that take any time, in the model's words.
pub(super) fn terms(step: &TransformerStep) -> Vec<(&'static str, Seconds)> {
    let all = Term::ALL.iter().zip(&step.terms);
    all.filter(|(_, seconds)| **seconds > 0.0)
        .map(|((word, _), seconds)| (*word, Seconds(*seconds)))
        .collect()
}

/// One line for the reader.
pub(super) fn basis(job: &TransformerJob<'_>, step: &TransformerStep) -> String {
    let known = match step.provenance {
        Provenance::Published => "by terms fitted to published steps",
        _ => "by terms fitted to published steps of other devices or smaller fleets",
    };
    format!(
        "{} on {} {known}: {} software; most of it: {}",
        job.model,
        job.accelerator.name,
        job.software.word(),
        step.greatest.word()
    )
}
