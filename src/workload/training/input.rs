//! Times of the input stages of one host for one step's batch: read, decode, host-to-device.

use crate::catalog::{Catalog, Provenance, StorageKind};
use crate::fleet::Candidate;
use crate::stats::usl;
use crate::units::{Bytes, BytesPerSecond, SamplesPerSecond, Seconds};

use super::closed_form::cache_fetch_rate;
use super::spec::{CacheTier, InputMode, InputSpec, TrainingSpec};

/// Bytes that one request for records asks for; readers interleave as many shards as they have streams.
pub const RECORD_CHUNK: Bytes = Bytes(64e6);
/// Achieved share of a PCIe link by pinned copies.
const PCIE_SHARE: f64 = 0.8;
/// What one machine reads from an object store through a pipeline of files (Plumber, MLSys 2022: 11,000 images of 110 kB
/// a second), and is taken to write.
const OBJECT_STORE: BytesPerSecond = BytesPerSecond(1.21e9);
/// Host memory bandwidth that serves a page cache, per host.
const MEMORY_CACHE: BytesPerSecond = BytesPerSecond(10e9);
/// Read rate of a local NVMe disk, per host.
const LOCAL_DISK: BytesPerSecond = BytesPerSecond(2e9);
/// Points by which a real page cache reads more than its size promises (DS-Analyzer, VLDB 2021).
const PAGE_CACHE_PENALTY: f64 = 0.2;
/// Readers open at least so many streams.
const LEAST_STREAMS: f64 = 16.0;
/// Share of host memory that a page cache may use.
const CACHE_SHARE: f64 = 0.7;
/// What one stream gets where no measurement of the product is known, as (throughput, time to first byte): object stores
/// near the measured ones, block volumes and file systems of the order that their vendors state, local disks of an NVMe.
const fn usual_stream(kind: StorageKind) -> (BytesPerSecond, Seconds) {
    match kind {
        StorageKind::Object => (BytesPerSecond(85e6), Seconds(0.02)),
        StorageKind::File => (BytesPerSecond(250e6), Seconds(0.002)),
        StorageKind::Block => (BytesPerSecond(250e6), Seconds(0.001)),
        StorageKind::Local => (BytesPerSecond(1e9), Seconds(0.000_1)),
    }
}

/// Times of the stages for one batch of one host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputTimes {
    /// Reading, in the first epoch and in later ones.
    pub read: [Seconds; 2],
    /// Decoding and augmenting, or feeding.
    pub decode: Seconds,
    /// Copying to the device.
    pub host_to_device: Seconds,
    /// Reading the whole set into memory before the first step (direct feed).
    pub preload: Seconds,
    /// Share of the data set that the cache holds.
    pub cached_share: f64,
    /// Standard deviation of the logarithm of the error of these times.
    pub log_error: f64,
    /// The worst provenance among the figures used.
    pub provenance: Provenance,
}

/// Rates of one host's side of the pipeline.
pub(super) struct HostInput<'a> {
    pub catalog: &'a Catalog,
    pub candidate: &'a Candidate,
    pub spec: &'a TrainingSpec,
    /// Samples of one step that this host prepares.
    pub host_batch: f64,
}

impl HostInput<'_> {
    pub fn times(&self) -> InputTimes {
        let input = &self.spec.input;
        let (storage, known) = self.storage_rate();
        let cached_share = self.cached_share();
        let read_time = |rate: SamplesPerSecond| Seconds(self.host_batch / rate.0.max(1e-12));
        let storage_samples = SamplesPerSecond(storage.0 / self.stored_bytes().0.max(1e-9));
        let (read, preload) = match input.mode {
            InputMode::DirectFeed => {
                let whole = self.spec.dataset.sample_bytes * self.spec.dataset.samples;
                ([Seconds::ZERO; 2], whole / storage)
            }
            _ => {
                let cache = SamplesPerSecond(self.cache_rate().0 / self.stored_bytes().0.max(1e-9));
                let warm = cache_fetch_rate(cached_share, cache, storage_samples);
                ([read_time(storage_samples), read_time(warm)], Seconds::ZERO)
            }
        };
        let has_cpu = self.candidate.vcpus_per_host().is_some();
        self.measured(InputTimes {
            read,
            decode: self.decode_time(),
            host_to_device: self.host_to_device(),
            preload,
            cached_share,
            // Mean absolute error of the law of decode workers over hosts, as a standard deviation (√(π/2) times it).
            log_error: 1.25 * self.catalog.decode.get("any").map_or(0.25, |law| law.relative_error),
            provenance: if known && has_cpu { Provenance::Catalog } else { Provenance::Assumed },
        })
    }

    /// Stored bytes of one sample in the form that is read.
    pub fn stored_bytes(&self) -> Bytes {
        let ratio = match self.spec.input.mode {
            InputMode::PreprocessedRecords => self.spec.input.record_ratio,
            _ => 1.0,
        };
        self.spec.dataset.sample_bytes * ratio
    }

    /// Rate at which one host reads, and whether it is known of the product.
    fn storage_rate(&self) -> (BytesPerSecond, bool) {
        let product = self
            .spec
            .dataset
            .storage
            .clone()
            .unwrap_or_else(|| object_store(&self.candidate.instance.provider).to_owned());
        let reader = self.catalog.readers.get(&product);
        let usual = usual_stream(self.kind_of(&product));
        let stream = reader.and_then(|reader| reader.stream).unwrap_or(usual.0);
        let latency = reader.and_then(|reader| reader.latency).unwrap_or(usual.1);
        let chunk = match self.spec.input.mode {
            InputMode::PreprocessedRecords => RECORD_CHUNK,
            _ => {
                self.spec.dataset.sample_bytes
                    * (self.spec.dataset.samples / self.spec.dataset.files.max(1.0))
            }
        }
        .min(RECORD_CHUNK);
        // One stream: the first byte, then the body, again and again.
        let of_stream = BytesPerSecond(chunk.0 / (latency + chunk / stream).0.max(1e-12));
        let mut rate = BytesPerSecond(of_stream.0 * self.read_streams());
        let limits = [reader.and_then(|reader| reader.aggregate), self.product_limit(&product), self.card()];
        for limit in limits.into_iter().flatten() {
            rate = rate.min(limit);
        }
        let known = reader.is_some_and(|reader| reader.stream.is_some() || reader.aggregate.is_some());
        (rate, known)
    }

    /// Parallel reads of one host: the scenario's, or one for each vCPU and some at least.
    fn read_streams(&self) -> f64 {
        let of_host = self.candidate.vcpus_per_host().unwrap_or(0.0).max(LEAST_STREAMS);
        self.spec.input.read_streams.map_or(of_host, |streams| streams as f64)
    }

    /// The sort of a product: the catalog's, or what its name says.
    fn kind_of(&self, product: &str) -> StorageKind {
        let listed = self.catalog.storage.iter().find(|item| item.product == product).map(|item| item.kind);
        listed.unwrap_or_else(|| match product {
            "local-ssd" | "nvme-ssd" | "sata-ssd" | "hdd" => StorageKind::Local,
            "nfs" | "lustre" => StorageKind::File,
            name if name.starts_with("parallel-")
                || name.starts_with("filestore")
                || name.starts_with("fsx") =>
            {
                StorageKind::File
            }
            name if name.starts_with("pd-") || name.starts_with("gp") || name.starts_with("hyperdisk") => {
                StorageKind::Block
            }
            _ => StorageKind::Object,
        })
    }

    fn product_limit(&self, product: &str) -> Option<BytesPerSecond> {
        self.catalog.storage.iter().find(|item| item.product == product).and_then(|item| item.max_read)
    }

    /// Network card of one host.
    fn card(&self) -> Option<BytesPerSecond> {
        self.candidate.instance.network.map(|rate| rate / self.candidate.instance.hosts as f64)
    }

    fn cache_rate(&self) -> BytesPerSecond {
        match self.spec.input.cache {
            CacheTier::LocalDisk => LOCAL_DISK,
            CacheTier::Memory | CacheTier::None => MEMORY_CACHE,
        }
    }

    /// Share of this host's part of the data set that survives until the next epoch.
    fn cached_share(&self) -> f64 {
        let hosts = self.candidate.hosts() as f64;
        let part = self.stored_bytes() * (self.spec.dataset.samples / hosts);
        let per_host =
            |bytes: Option<Bytes>| bytes.map_or(0.0, |bytes| bytes.0 / self.candidate.instance.hosts as f64);
        match self.spec.input.cache {
            CacheTier::None => 0.0,
            CacheTier::LocalDisk => (per_host(self.candidate.instance.local_disk) / part.0).min(1.0),
            CacheTier::Memory => {
                let share = (per_host(self.candidate.instance.memory) * CACHE_SHARE / part.0).min(1.0);
                // Least-recently-used replacement evicts what the next epoch wants.
                if share < 1.0 { (share - PAGE_CACHE_PENALTY).max(0.0) } else { 1.0 }
            }
        }
    }

    /// Physical cores of one host: a vCPU is a hyper-thread except on Arm.
    pub fn cores(&self) -> f64 {
        let vcpus = self.candidate.vcpus_per_host().unwrap_or(8.0);
        physical_cores(vcpus, self.candidate.instance.cpu.as_deref())
    }

    fn decode_time(&self) -> Seconds {
        let input = &self.spec.input;
        match input.mode {
            InputMode::DirectFeed => input.feed_cpu * self.host_batch,
            InputMode::NativeOps => {
                decode_time(self.catalog, input, input.decode_cpu, self.host_batch, self.cores())
            }
            InputMode::PreprocessedRecords => {
                decode_time(self.catalog, input, input.record_decode_cpu, self.host_batch, self.cores())
            }
        }
    }

    /// All devices of a host copy at once, each over a link of its own.
    fn host_to_device(&self) -> Seconds {
        let Some(accelerator) = &self.candidate.accelerator else { return Seconds::ZERO };
        let link = accelerator.pcie_bandwidth() * PCIE_SHARE;
        let local = self.host_batch / self.candidate.devices_per_host().max(1.0);
        self.spec.input.decoded_bytes * local / link
    }
}

/// Time to decode `samples` on a host: one core's rate scaled by the law of native threads, never cores × one core.
fn decode_time(catalog: &Catalog, input: &InputSpec, cpu: Seconds, samples: f64, cores: f64) -> Seconds {
    if cpu.0 <= 0.0 {
        return Seconds::ZERO;
    }
    let workers = input.workers.map_or(cores, |workers| (workers as f64).min(cores));
    let (sigma, kappa) = catalog.decode.get("any").map_or((0.0237, 0.0), |law| (law.sigma, law.kappa));
    Seconds(samples / usl(workers.max(1.0), 1.0 / cpu.0, sigma, kappa))
}

/// Time of the conversion job: read and decode every sample once, write the records, the slower of the three.
pub(super) fn conversion_time(catalog: &Catalog, spec: &TrainingSpec) -> Seconds {
    let input = &spec.input;
    let cores = physical_cores(input.conversion_vcpus, None);
    let decode = decode_time(catalog, input, input.decode_cpu, spec.dataset.samples, cores);
    let read = spec.dataset.sample_bytes * spec.dataset.samples / OBJECT_STORE;
    let write = spec.dataset.sample_bytes * (spec.dataset.samples * input.record_ratio) / OBJECT_STORE;
    decode.max(read).max(write)
}

fn physical_cores(vcpus: f64, cpu: Option<&str>) -> f64 {
    let threads = if cpu.is_some_and(|cpu| cpu.starts_with("neoverse")) { 1.0 } else { 2.0 };
    (vcpus / threads).max(1.0)
}

/// The object store of a provider.
#[must_use]
pub fn object_store(provider: &str) -> &'static str {
    match provider {
        "aws" => "s3-standard",
        "azure" => "blob-hot",
        _ => "gcs-standard",
    }
}
