//! Facts that are neither device nor price list: fabrics, storage, tariffs, failures, spot markets, input pipelines.

use crate::units::{Bytes, BytesPerSecond, Money, PricePerByteMonth, Seconds};

use super::Fact;

/// Whether a fabric joins devices in a host or hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FabricScope {
    /// Between devices of one host.
    IntraNode,
    /// Between hosts.
    InterNode,
}

/// What a link achieves of its nominal bandwidth, fitted from measured collectives.
#[derive(Clone, Debug)]
pub struct Fabric {
    /// Name, as `nvlink-v4` or `tcp`.
    pub name: String,
    /// Where it runs.
    pub scope: FabricScope,
    /// Latency per hop.
    pub alpha: Seconds,
    /// Achieved share of the nominal bandwidth for large messages.
    pub bandwidth_share: f64,
    /// Achieved bandwidth where the nominal is unknown.
    pub large_message_bandwidth: Option<BytesPerSecond>,
    /// Relative error of the fit.
    pub uncertainty: f64,
    /// Source and date.
    pub fact: Fact,
}

/// Sort of storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageKind {
    /// Object store.
    Object,
    /// Block volume.
    Block,
    /// Shared file system.
    File,
    /// Disk inside the machine.
    Local,
}

/// A storage product.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Provider id.
    pub provider: String,
    /// Product slug, as `gcs-standard`.
    pub product: String,
    /// Sort.
    pub kind: StorageKind,
    /// Region, or `any`.
    pub region: String,
    /// Price of capacity.
    pub capacity: Option<PricePerByteMonth>,
    /// Price of reading one gigabyte back.
    pub retrieval: Option<Money>,
    /// Throughput that comes with each byte provisioned, per second.
    pub throughput_per_byte: Option<f64>,
    /// Greatest read rate of one instance.
    pub max_read: Option<BytesPerSecond>,
    /// Greatest write rate of one instance.
    pub max_write: Option<BytesPerSecond>,
    /// Price of one thousand writes (class A).
    pub class_a: Option<Money>,
    /// Price of one thousand reads (class B).
    pub class_b: Option<Money>,
    /// Source and date.
    pub fact: Fact,
}

/// Where egress goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EgressKind {
    /// To the internet.
    Internet,
    /// To another region.
    InterRegion,
    /// To another zone.
    InterZone,
    /// Into the cloud.
    Ingress,
}

/// One tier of egress prices.
#[derive(Clone, Debug)]
pub struct Egress {
    /// Provider id.
    pub provider: String,
    /// Where it goes.
    pub kind: EgressKind,
    /// Region.
    pub region: Option<String>,
    /// Monthly volume from which the tier holds.
    pub from: Bytes,
    /// Price of one gigabyte.
    pub price: Money,
    /// Source and date.
    pub fact: Fact,
}

/// How a provider counts time.
#[derive(Clone, Debug)]
pub struct BillingRule {
    /// Provider id.
    pub provider: String,
    /// Product in words.
    pub product: String,
    /// Time is rounded up to this.
    pub granularity: Seconds,
    /// Least time billed.
    pub minimum: Seconds,
    /// Source and date.
    pub fact: Fact,
}

/// A committed-use or savings-plan discount.
#[derive(Clone, Debug)]
pub struct Discount {
    /// Provider id.
    pub provider: String,
    /// Scheme in words.
    pub scheme: String,
    /// Instance family; empty for all.
    pub family: String,
    /// Commitment in years; 0 for none.
    pub term_years: f64,
    /// Percent off the on-demand price.
    pub percent: f64,
    /// Whether the percentage is an advertised ceiling ("up to") and not a rate: shown, never applied.
    pub ceiling: bool,
    /// Source and date.
    pub fact: Fact,
}

/// Carbon intensity of a region.
#[derive(Clone, Debug)]
pub struct CarbonRegion {
    /// Provider id.
    pub provider: String,
    /// Region.
    pub region: String,
    /// Grams of CO₂ equivalent per kWh of the grid.
    pub grams_per_kwh: f64,
    /// Power usage effectiveness, where known.
    pub pue: Option<f64>,
    /// Source and date.
    pub fact: Fact,
}

/// Failure rates of an environment.
#[derive(Clone, Debug)]
pub struct FailureRates {
    /// Environment, as `cloud-default` or `rsc-1`.
    pub environment: String,
    /// Failures per node and day.
    pub per_node_day: f64,
    /// Further failures per job and day, whatever its size.
    pub per_job_day: f64,
    /// Source and date.
    pub fact: Fact,
}

/// A time seen when jobs restart: retrieval, replacement, blocking writes.
#[derive(Clone, Debug)]
pub struct RestartTimes {
    /// Name.
    pub name: String,
    /// Least.
    pub low: Seconds,
    /// Usual.
    pub typical: Seconds,
    /// Greatest.
    pub high: Seconds,
    /// Source and date.
    pub fact: Fact,
}

/// Time from the grant of a machine to computing.
#[derive(Clone, Debug)]
pub struct BootTimes {
    /// Provider id, or `any`.
    pub provider: String,
    /// Least.
    pub low: Seconds,
    /// Usual.
    pub typical: Seconds,
    /// Greatest.
    pub high: Seconds,
    /// Source and date.
    pub fact: Fact,
}

/// A hyperexponential law: with probability `p` a mean of `hours`.
#[derive(Clone, Debug, Default)]
pub struct Phases {
    /// Probabilities, summing to 1.
    pub p: Vec<f64>,
    /// Means in hours.
    pub mean_hours: Vec<f64>,
}

/// Availability of a spot market: an on/off process fitted to a real trace.
#[derive(Clone, Debug)]
pub struct SpotProcess {
    /// Id, as `aws-p3-2xlarge-us-west-2b`.
    pub id: String,
    /// Provider id.
    pub provider: String,
    /// What was traced, as `1 V100`.
    pub instance_class: String,
    /// Zone.
    pub zone: String,
    /// Fitted law of the time between losses.
    pub up: Phases,
    /// Fitted law of the time without capacity.
    pub down: Phases,
    /// Quantiles (0, 5, …, 100 %) of up runs, in hours, for the bootstrap.
    pub up_quantiles: Vec<f64>,
    /// Quantiles of down runs, in hours.
    pub down_quantiles: Vec<f64>,
    /// Share of time with capacity.
    pub availability: f64,
    /// Source and date.
    pub fact: Fact,
}

/// How decode workers scale: the universal scalability law of Gunther.
#[derive(Clone, Debug)]
pub struct DecodeScaling {
    /// Catalog name of the vCPU; `any` for native threads over a whole host, counted in physical cores.
    pub cpu: String,
    /// Contention (σ).
    pub sigma: f64,
    /// Coherency (κ).
    pub kappa: f64,
    /// Mean relative error of the fit.
    pub relative_error: f64,
    /// Source and date.
    pub fact: Fact,
}

/// What readers of a storage product get.
#[derive(Clone, Debug)]
pub struct StorageReader {
    /// Product slug.
    pub product: String,
    /// Throughput of one stream.
    pub stream: Option<BytesPerSecond>,
    /// Most one machine gets.
    pub aggregate: Option<BytesPerSecond>,
    /// Time to first byte of one request.
    pub latency: Option<Seconds>,
    /// Source and date.
    pub fact: Fact,
}
