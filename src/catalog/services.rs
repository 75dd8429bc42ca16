//! What is bought by the token or managed by the cloud: prices of models behind an API, and managed services.

use crate::units::{Bytes, Money, PricePerHour, PricePerMillion, Seconds};

use super::Fact;

/// The price of a model behind somebody's API.
#[derive(Clone, Debug)]
pub struct ApiPrice {
    /// Who sells it.
    pub provider: String,
    /// The seller's own name of the model.
    pub name: String,
    /// Catalog model of the same shape, when there is one.
    pub model: Option<String>,
    /// Price of a million input tokens.
    pub input: PricePerMillion,
    /// Price of a million output tokens.
    pub output: PricePerMillion,
    /// Price of a million input tokens found in the seller's cache.
    pub cache_read: Option<PricePerMillion>,
    /// Longest context in tokens.
    pub context: Option<u64>,
    /// Whether answers may take hours: a price to hold against batch jobs, not against online serving.
    pub batch: bool,
    /// Source and date.
    pub fact: Fact,
}

impl ApiPrice {
    /// `provider/name`, as scenarios write it.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.provider, self.name)
    }

    /// What so many input tokens, of which a share is found in the seller's cache, and output tokens cost.
    #[must_use]
    pub fn cost(&self, input: f64, cached_share: f64, output: f64) -> Money {
        let cached = self.cache_read.map_or(0.0, |_| cached_share.clamp(0.0, 1.0));
        self.input.for_count(input * (1.0 - cached))
            + self.cache_read.map_or(Money::ZERO, |price| price.for_count(input * cached))
            + self.output.for_count(output)
    }
}

/// What a managed service does for its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKind {
    /// Replicas behind an address, kept by the cloud.
    Endpoint,
    /// A batch-prediction job: machines are there for the job only.
    BatchJob,
    /// A data pipeline whose workers hold the model.
    Pipeline,
    /// Instances that come and go with requests.
    Serverless,
    /// The management of a cluster on which the user's own replicas run.
    Cluster,
    /// Anything else with a price.
    Other,
}

impl ServiceKind {
    /// Every kind with its word in catalog files.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("endpoint", Self::Endpoint),
        ("batch-job", Self::BatchJob),
        ("pipeline", Self::Pipeline),
        ("serverless", Self::Serverless),
        ("cluster", Self::Cluster),
        ("other", Self::Other),
    ];

    /// The word in catalog files.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

/// What the price of a managed service is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceUnit {
    /// A whole machine.
    Machine,
    /// One accelerator.
    Accelerator,
    /// One vCPU.
    Vcpu,
    /// One GiB of memory.
    Gib,
    /// One cluster.
    Cluster,
    /// One run of a job.
    Run,
    /// Requests.
    Request,
}

impl ServiceUnit {
    /// Every unit with its word in catalog files.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("machine", Self::Machine),
        ("accelerator", Self::Accelerator),
        ("vcpu", Self::Vcpu),
        ("gib", Self::Gib),
        ("cluster", Self::Cluster),
        ("run", Self::Run),
        ("request", Self::Request),
    ];

    /// The word in catalog files.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, unit)| *unit == self).map_or("", |(word, _)| word)
    }
}

/// One item of a managed service's price list. A figure that is not known is absent, never zero.
#[derive(Clone, Debug)]
pub struct ManagedService {
    /// Provider id.
    pub provider: String,
    /// Service, as `vertex-ai`.
    pub service: String,
    /// Item of its price list.
    pub item: String,
    /// What it does.
    pub kind: ServiceKind,
    /// Accelerator that the item is about.
    pub accelerator: Option<String>,
    /// Share of the machine's on-demand price that comes on top of it, as 0.2.
    pub premium: Option<f64>,
    /// Price of an hour of one unit.
    pub hourly: Option<PricePerHour>,
    /// Price of one run.
    pub once: Option<Money>,
    /// Price of a million units.
    pub per_million: Option<PricePerMillion>,
    /// What the price is for.
    pub per: Option<ServiceUnit>,
    /// Whether it costs while no request is there.
    pub idle_billed: bool,
    /// vCPUs that must be taken with it.
    pub least_vcpus: Option<f64>,
    /// Memory that must be taken with it.
    pub least_memory: Option<Bytes>,
    /// Time to start one more instance.
    pub start: Option<Seconds>,
    /// Source and date.
    pub fact: Fact,
}

impl ManagedService {
    /// `provider/service/item`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.provider, self.service, self.item)
    }

    /// Whether any figure of its price is known.
    #[must_use]
    pub fn is_priced(&self) -> bool {
        self.premium.is_some() || self.hourly.is_some() || self.once.is_some() || self.per_million.is_some()
    }
}
