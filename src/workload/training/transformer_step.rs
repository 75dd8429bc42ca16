//! A candidate and a transformer to the job that the step model takes.

use crate::catalog::{AcceleratorKind, Model, ParallelLayout, Precision, Provenance, Transformer};
use crate::fleet::Candidate;
use crate::steptime::{
    Links, SoftwareStack, StepParts, TransformerCost, TransformerJob, TransformerSoftware, TransformerStep,
    TransformerSteps,
};
use crate::units::{BytesPerSecond, Seconds};

use super::bound::Component;

/// A host's card where the catalog knows none: 10 Gbit/s.
const UNKNOWN_CARD: BytesPerSecond = BytesPerSecond(1.25e9);
/// Tokens of a sample where the model says nothing.
const DEFAULT_SEQUENCE: f64 = 2048.0;

/// The question of one candidate, for any layout.
#[derive(Clone, Copy, Debug)]
pub struct TransformerQuestion<'a> {
    job: TransformerJob<'a>,
}

impl<'a> TransformerQuestion<'a> {
    /// The question; `None` for models that are not split, and for fleets without accelerators.
    #[must_use]
    pub fn of(
        candidate: &'a Candidate,
        model: &'a Model,
        precision: Precision,
        software: SoftwareStack,
    ) -> Option<Self> {
        let shape: &Transformer = model.split_shape()?;
        let accelerator = candidate.accelerator.as_deref()?;
        let fused =
            !matches!(accelerator.generation.as_str(), "kepler" | "maxwell" | "pascal" | "volta" | "turing");
        let job = TransformerJob {
            model: &model.id,
            shape,
            sequence: model.sequence_length.unwrap_or(DEFAULT_SEQUENCE),
            precision,
            recipe: "",
            accelerator,
            software: usual_software(accelerator.kind, software),
            release: "",
            asynchronous_tensor: false,
            flash: fused,
            adapters: false,
            layout: ParallelLayout::default(),
            links: links(candidate),
        };
        Some(Self { job })
    }

    /// The job under a layout.
    #[must_use]
    pub fn under(&self, layout: ParallelLayout) -> TransformerJob<'a> {
        TransformerJob { layout, ..self.job }
    }

    /// What layouts cost.
    #[must_use]
    pub fn cost(&self, steps: &TransformerSteps) -> TransformerCost<'a> {
        steps.cost(&self.job)
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
fn links(candidate: &Candidate) -> Links {
    let per_host = (candidate.devices_per_host().round() as u64).max(1);
    let card = candidate.network().across_bandwidth.unwrap_or(UNKNOWN_CARD);
    let accelerator = candidate.accelerator.as_deref();
    let links = accelerator.map(|accelerator| Links::of(accelerator, per_host, card.0));
    let links = links.unwrap_or(Links { domain: 1, inside: card.0, across: card.0, per_host, torus: false });
    if links.torus { Links { domain: candidate.accelerators_per_node(), ..links } } else { links }
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

/// One line for the reader.
pub(super) fn basis(job: &TransformerJob<'_>, step: &TransformerStep) -> String {
    let known = match step.provenance {
        Provenance::Published => "by terms fitted to published steps",
        _ => "by terms fitted to published steps, beyond the range measured",
    };
    format!(
        "{} on {} {known}: {} software; the {} take most of it",
        job.model,
        job.accelerator.name,
        job.software.word(),
        step.greatest.word()
    )
}
