//! Serverless instances: paid while they are there, started when requests need them, gone when nothing does.

use crate::catalog::{Provenance, Purchase};
use crate::cost::serving::Serverless;
use crate::cost::{PriceRange, Tariff, Unpriced};
use crate::fleet::{Candidate, HostingKind};
use crate::scenario::ServingSpec;
use crate::stats::Law;
use crate::units::{Bytes, Seconds, SimSpan};
use crate::workload::inference::{Autoscaler, ScaleSignal};

use super::Asked;
use super::demand::demand;
use super::prepare::Served;
use super::size::CapacityLaw;
use super::trial::{MIDDLE, Trial};
use super::way::Way;

/// Weights from the image or a bucket to the device, in bytes per second (assumed; with the 5 s of an instance a model of
/// 4 billion parameters answers after some 20 s).
const LOAD_RATE: f64 = 0.5e9;
/// A container without an accelerator starts in this time where the catalog says nothing (assumed).
const CONTAINER: Seconds = Seconds(5.0);
/// Requests in flight for each instance of a language model (assumed).
const CONCURRENCY: u32 = 16;
/// How often the platform looks, and over how long before it starts an instance (assumed).
const PERIOD: SimSpan = SimSpan(2_000_000_000);
const OUT_WINDOW: SimSpan = SimSpan(4_000_000_000);
/// Instances that may be started, over those that hold the demand.
const SPARE: f64 = 2.0;

fn price(asked: &Asked<'_>, candidate: &Candidate) -> Result<Serverless, Unpriced> {
    let instance = &candidate.instance;
    Serverless::of(
        asked.catalog,
        &instance.provider,
        (instance.accelerator.as_deref(), instance.accelerators),
        (instance.vcpus.unwrap_or(1.0), instance.memory.unwrap_or(Bytes::ZERO)),
        &asked.scenario.assumptions,
    )
}

/// The price of an instance of the machine's size for as long as it is there.
pub(super) fn tariff(asked: &Asked<'_>, candidate: &Candidate) -> Result<Tariff, Unpriced> {
    let found = price(asked, candidate)?;
    let hourly = PriceRange { low: found.hourly, typical: found.hourly, high: found.hourly };
    Ok(Tariff {
        hourly,
        list: found.hourly,
        discount: 0.0,
        granularity: found.granularity,
        minimum: Seconds::ZERO,
        purchase: Purchase::OnDemand,
        provenance: Provenance::Catalog,
        origin: format!("{} {} vCPU {}", found.origin, found.vcpus, found.memory),
        marks: Vec::new(),
        commitment_utilisation: 1.0,
        single_snapshot: false,
    })
}

/// A cold start: the instance, then the weights of all models.
pub(super) fn start(asked: &Asked<'_>, candidate: &Candidate) -> Law {
    let spec = asked.spec;
    let bytes = |index: usize| {
        let (model, weights) = spec.model_of(index);
        (model.parameters + model.embedding_parameters) * weights.bytes()
    };
    let load: f64 = (0..spec.models()).map(bytes).sum::<f64>() / LOAD_RATE;
    let instance = price(asked, candidate).ok().and_then(|found| found.start).unwrap_or(CONTAINER);
    Law::Deterministic(instance.0 + load)
}

/// The workload with the platform's own scaling, where the scenario states none: to zero, and to twice what holds the
/// demand.
pub(super) fn scaled(asked: &Asked<'_>, served: &Served, way: &Way) -> ServingSpec {
    let mut spec = (*served.spec).clone();
    if spec.hosting.kind != HostingKind::Serverless || spec.autoscaler.is_some() {
        return spec;
    }
    let asked = &Asked { spec: &served.spec, ..*asked };
    let units = match (demand(&spec), served.machines(way)) {
        (_, Some(machines)) => machines as f64 / way.machines_per_replica.max(1) as f64,
        (None, None) => 1.0,
        (Some(demand), None) => {
            let trial = Trial { asked, served, way, units: 1, speed: MIDDLE };
            let confidence = asked.scenario.objective.confidence;
            let law = CapacityLaw::new(&trial, &demand.shape, demand.unit);
            SPARE * law.fewest(demand.peak, confidence) as f64
        }
    };
    let usual = if spec.is_language() { CONCURRENCY } else { spec.batching.rules.max_batch.max(1) };
    let each = spec.hosting.concurrency.unwrap_or(usual);
    spec.autoscaler = Some(Autoscaler {
        group: 0,
        least: 0,
        most: units.ceil().clamp(1.0, 1e5) as u32,
        signal: ScaleSignal::Outstanding,
        target: f64::from(each) / way.per_machine.max(1) as f64,
        period: PERIOD,
        out_window: OUT_WINDOW,
        in_window: spec.hosting.keep_warm,
        cooldown: SimSpan::ZERO,
    });
    spec
}
