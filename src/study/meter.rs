//! From what a replica did to what is billed.

use crate::catalog::{Catalog, EgressKind, Instance};
use crate::cost::{Meters, StorageUse, Tariff};
use crate::scenario::Scenario;
use crate::units::{Bytes, HOURS_PER_MONTH, Money, PricePerHour, Seconds};
use crate::workload::training::{
    Built, Distribution, InputMode, RECORD_CHUNK, TrainingReplica, TrainingSpec, object_store,
};

use super::prepare::Prepared;

/// A machine for work beside the fleet has at least so many vCPUs.
const LEAST_VCPUS: f64 = 32.0;
/// What is the same for every replica of a candidate.
#[derive(Clone, Debug)]
pub(super) struct Metering<'a> {
    scenario: &'a Scenario,
    tariff: &'a Tariff,
    instances: f64,
    storage: Vec<StorageUse>,
    requests: Money,
    egress: Money,
    preprocessing: Money,
    /// Price of an hour of all parameter servers.
    servers: PricePerHour,
    /// What could not be priced.
    pub warnings: Vec<String>,
}

impl<'a> Metering<'a> {
    pub fn of(
        scenario: &'a Scenario,
        spec: &TrainingSpec,
        catalog: &Catalog,
        item: &Prepared,
        built: &Built,
        tariff: &'a Tariff,
    ) -> Self {
        let factor = scenario.assumptions.factor();
        let instance = &item.candidate.instance;
        let mut warnings = Vec::new();
        let (storage, requests) = storage(scenario, spec, catalog, item, built);
        let storage: Vec<StorageUse> =
            storage.into_iter().map(|held| StorageUse { price: held.price.scaled(factor), ..held }).collect();
        if storage.is_empty() {
            warnings.push("the storage price is unknown and not in the cost".to_owned());
        }
        if elsewhere(spec, catalog, &instance.provider) {
            warnings.push("the data set lies with another provider: moving it is not in the cost".to_owned());
        }
        let preprocessing = if spec.input.convert_each_run {
            conversion_cost(scenario, spec, catalog, instance, built)
        } else {
            Some(Money::ZERO)
        };
        if preprocessing.is_none() {
            warnings.push("the price of the conversion job is unknown and not in the cost".to_owned());
        }
        let servers = match spec.distribution {
            Distribution::AllReduce => Some(0.0),
            Distribution::ParameterServer { servers, .. } => cpu_machine(scenario, catalog, instance)
                .map(|(_, hourly)| hourly * f64::from(servers) * factor),
        };
        if servers.is_none() {
            warnings.push("the price of the parameter servers is unknown and not in the cost".to_owned());
        }
        Self {
            scenario,
            tariff,
            instances: item.candidate.count as f64,
            storage,
            requests: requests.scaled(factor),
            egress: egress(scenario, catalog, instance).scaled(factor),
            preprocessing: preprocessing.unwrap_or(Money::ZERO),
            servers: PricePerHour(Money::from_usd(servers.unwrap_or(0.0))),
            warnings,
        }
    }

    /// What the data set costs in storage for a month, runs or not.
    pub fn kept_per_month(&self) -> Money {
        let month = Seconds::from_hours(HOURS_PER_MONTH);
        self.storage.iter().map(|held| held.price.for_time(held.bytes, month)).sum()
    }

    /// Meters of one replica whose steps take `factor` times as long as predicted.
    pub fn meters(&self, replica: &TrainingReplica, factor: f64) -> Meters {
        let meters = &replica.meters;
        let machines = |time: Seconds| time * self.instances;
        let computing = meters.computing.seconds() * factor;
        let waiting = meters.input_wait.seconds() * factor;
        let rework = meters.rework.seconds() * factor;
        let fixed = meters.starting.seconds() + meters.checkpoints.seconds();
        let billed = fixed + computing + rework;
        let total = billed + meters.waiting.seconds() + meters.first_wait.seconds();
        // Each grant of machines is a rental of its own, with its minimum and rounding.
        let grants = meters.grants.max(1) as f64;
        let rounding = self.tariff.billed(billed / grants) * grants - billed;
        Meters {
            busy: machines(computing - waiting),
            idle: machines(waiting),
            boot: machines(meters.starting.seconds()),
            checkpoint: machines(meters.checkpoints.seconds()),
            rework: machines(rework),
            rounding: machines(rounding.max(Seconds::ZERO)),
            preprocessing: self.preprocessing,
            parameter_servers: self.servers.for_time(billed),
            storage: self.storage.iter().map(|held| StorageUse { time: total, ..*held }).collect(),
            requests: self.requests,
            egress: self.egress,
            premium: 0.0,
            cluster: if self.scenario.assumptions.cluster_fee.is_some() { total } else { Seconds::ZERO },
        }
    }
}

/// The data set in the form that is read, and the requests for reading it.
fn storage(
    scenario: &Scenario,
    spec: &TrainingSpec,
    catalog: &Catalog,
    item: &Prepared,
    built: &Built,
) -> (Vec<StorageUse>, Money) {
    let provider = &item.candidate.instance.provider;
    let product = spec.dataset.storage.clone().unwrap_or_else(|| object_store(provider).to_owned());
    let row = catalog.storage_product(provider, &product, &item.candidate.region);
    let price = scenario.assumptions.storage.or_else(|| row.and_then(|row| row.capacity));
    let records = spec.input.mode == InputMode::PreprocessedRecords;
    let bytes = spec.dataset.sample_bytes
        * (spec.dataset.samples * if records { spec.input.record_ratio } else { 1.0 });
    let used = price.map(|price| StorageUse { bytes, price, time: Seconds::ZERO });
    let epochs = (built.samples / spec.dataset.samples).max(1.0);
    let cold_epochs = if built.input.cached_share >= 1.0 { 1.0 } else { epochs };
    let gets = match spec.input.mode {
        InputMode::PreprocessedRecords => bytes / RECORD_CHUNK * cold_epochs,
        InputMode::NativeOps => spec.dataset.files * cold_epochs,
        InputMode::DirectFeed => spec.dataset.files,
    };
    let requests = row.and_then(|row| row.class_b).map_or(Money::ZERO, |price| price.scaled(gets / 1000.0));
    (used.into_iter().collect(), requests)
}

/// Whether the storage product named is one that only other providers list.
fn elsewhere(spec: &TrainingSpec, catalog: &Catalog, provider: &str) -> bool {
    let Some(product) = &spec.dataset.storage else { return false };
    let mut listed = catalog.storage.iter().filter(|item| item.product == *product).peekable();
    listed.peek().is_some() && listed.all(|item| item.provider != provider)
}

fn egress(scenario: &Scenario, catalog: &Catalog, instance: &Instance) -> Money {
    let gigabytes = Bytes(scenario.assumptions.egress_bytes).gb();
    if gigabytes <= 0.0 {
        return Money::ZERO;
    }
    if let Some(price) = scenario.assumptions.egress {
        return price.scaled(gigabytes);
    }
    // Tiers are marginal: each part of the volume at the price of the tier it lies in.
    let mut tiers: Vec<(f64, Money)> = catalog
        .egress
        .iter()
        .filter(|tier| tier.provider == instance.provider && tier.kind == EgressKind::Internet)
        .filter(|tier| tier.region.as_deref().is_none_or(|region| region == "any"))
        .map(|tier| (tier.from.gb(), tier.price))
        .collect();
    tiers.sort_by(|left, right| left.0.total_cmp(&right.0));
    let mut total = Money::ZERO;
    for (index, (from, price)) in tiers.iter().enumerate() {
        let to = tiers.get(index + 1).map_or(f64::INFINITY, |next| next.0);
        total += price.scaled((gigabytes.min(to) - from).max(0.0));
    }
    total
}

/// A machine for work beside the fleet (conversion, parameter servers): the scenario's, or the provider's cheapest CPU
/// machine of some size, with its price of an hour.
fn cpu_machine(scenario: &Scenario, catalog: &Catalog, instance: &Instance) -> Option<(Instance, f64)> {
    let price = |candidate: &Instance| {
        candidate.offers.iter().filter_map(|offer| offer.on_demand).min().map(|price| price.usd_per_hour())
    };
    if let Some(id) = &scenario.conversion_instance {
        let machine = catalog.instance(id).ok()?;
        let hourly = price(&machine)?;
        return Some((machine, hourly));
    }
    catalog
        .instances
        .values()
        .filter(|machine| machine.provider == instance.provider && machine.accelerator.is_none())
        .filter(|machine| machine.vcpus.is_some_and(|vcpus| vcpus >= LEAST_VCPUS))
        .filter_map(|machine| Some((machine.clone(), price(machine)?)))
        .min_by(|left, right| {
            let per_vcpu = |(machine, hourly): &(Instance, f64)| hourly / machine.vcpus.unwrap_or(1.0);
            per_vcpu(left).total_cmp(&per_vcpu(right))
        })
}

/// Cost of the conversion job on its machine; `None` when that has no price.
pub(super) fn conversion_cost(
    scenario: &Scenario,
    spec: &TrainingSpec,
    catalog: &Catalog,
    instance: &Instance,
    built: &Built,
) -> Option<Money> {
    if built.conversion.0 <= 0.0 {
        return Some(Money::ZERO);
    }
    let (machine, hourly) = cpu_machine(scenario, catalog, instance)?;
    // The job was timed on the vCPUs assumed; a machine of another size takes longer or shorter in proportion.
    let scale = spec.input.conversion_vcpus / machine.vcpus.unwrap_or(spec.input.conversion_vcpus);
    Some(Money::from_usd(hourly * built.conversion.hours() * scale * scenario.assumptions.factor()))
}
