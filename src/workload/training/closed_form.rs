//! What an input pipeline and a pipeline of model stages give on average, in closed form.
//!
//! Good for a quick estimate, for naming the bottleneck, and as the oracle of the simulated line
//! ([`super::pipeline`]), which alone is right when times vary.

use crate::units::{Bytes, BytesPerSecond, SamplesPerSecond, Seconds};

/// Step time without overlap: the sum of the stages.
#[must_use]
pub fn serial_step(stages: &[Seconds]) -> Seconds {
    stages.iter().copied().sum()
}

/// Step time with full overlap and constant times: the slowest stage.
#[must_use]
pub fn overlapped_step(stages: &[Seconds]) -> Seconds {
    stages.iter().copied().fold(Seconds::ZERO, Seconds::max)
}

/// Time of `batches` batches with full overlap and constant times: Σt + (n − 1)·max t.
#[must_use]
pub fn overlapped_makespan(stages: &[Seconds], batches: u64) -> Seconds {
    if batches == 0 {
        return Seconds::ZERO;
    }
    serial_step(stages) + overlapped_step(stages) * (batches - 1) as f64
}

/// Share of the step in which the last stage, the device, waits for data: 1 − t_train/max t.
#[must_use]
pub fn data_stall_fraction(stages: &[Seconds]) -> f64 {
    let slowest = overlapped_step(stages);
    match stages.last() {
        Some(train) if slowest > Seconds::ZERO => 1.0 - *train / slowest,
        _ => 0.0,
    }
}

/// Step time when `workers` prepare batches in parallel while the device trains: max(t_prep/w, t_train).
#[must_use]
pub fn workers_step(prepare: Seconds, workers: u32, train: Seconds) -> Seconds {
    (prepare / f64::from(workers)).max(train)
}

/// Rate at which samples are fetched when the share `cached` comes from a cache and the rest from storage,
/// one after the other: 1/(x/C + (1−x)/S). Source: DS-Analyzer (Mohan et al., VLDB 2021), equations 1 and 2.
#[must_use]
pub fn cache_fetch_rate(cached: f64, cache: SamplesPerSecond, storage: SamplesPerSecond) -> SamplesPerSecond {
    SamplesPerSecond(1.0 / (cached / cache.0 + (1.0 - cached) / storage.0))
}

/// Misses per epoch, after the first, of a cache that holds the share `cached` and never replaces: 1 − x.
/// Source: MinIO cache (Mohan et al., VLDB 2021).
#[must_use]
pub fn minio_miss_share(cached: f64) -> f64 {
    1.0 - cached
}

/// What the slowest of three rates allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MinRate {
    /// Training speed.
    pub speed: SamplesPerSecond,
    /// Share of the device's time without data.
    pub stall_fraction: f64,
}

/// Training speed from the rates at which data are fetched, prepared and ingested by the device: min(F, P,
/// G), the device stalling for 1 − min/G. Source: DS-Analyzer (Mohan et al., VLDB 2021).
#[must_use]
pub fn min_rate(fetch: SamplesPerSecond, prepare: SamplesPerSecond, ingest: SamplesPerSecond) -> MinRate {
    let speed = fetch.min(prepare).min(ingest);
    MinRate { speed, stall_fraction: 1.0 - speed / ingest }
}

/// Rates of one server and of what it reads from, as profiled for Seneca's model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IngestRates {
    /// What the accelerators ingest when data are resident.
    pub device: SamplesPerSecond,
    /// What the host's processors decode and augment.
    pub decode_and_augment: SamplesPerSecond,
    /// What the host's processors augment when items are decoded already.
    pub augment: SamplesPerSecond,
    /// The host's network card.
    pub network: BytesPerSecond,
    /// The remote cache.
    pub cache: BytesPerSecond,
    /// The remote storage.
    pub storage: BytesPerSecond,
}

/// A data set and a cache that is split between three forms of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CacheSplit {
    /// Items in the data set.
    pub items: f64,
    /// Size of an encoded item.
    pub item: Bytes,
    /// Size of a decoded or augmented item over that of an encoded one.
    pub inflation: f64,
    /// Size of the cache.
    pub capacity: Bytes,
    /// Share of the cache for encoded items.
    pub encoded: f64,
    /// Share of the cache for decoded items.
    pub decoded: f64,
    /// Share of the cache for augmented items.
    pub augmented: f64,
}

/// The overall rate of a mix of items that are served at different rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixedRate {
    /// Mean of the rates weighted by share, as published (Seneca, equation 9): for classes served side by
    /// side.
    pub arithmetic: SamplesPerSecond,
    /// Items over summed times: what a bottleneck that all classes share gives.
    pub harmonic: SamplesPerSecond,
}

/// Items of one form and the rate at which they become training input.
type Class = (f64, SamplesPerSecond);

impl CacheSplit {
    /// The rate at which a server trains from this cache. Source: Seneca's data storage and ingestion model.
    #[must_use]
    pub fn rate(&self, rates: &IngestRates) -> MixedRate {
        let classes = self.classes(rates);
        let arithmetic = classes.iter().map(|(items, rate)| items * rate.0).sum::<f64>();
        let time = classes.iter().map(|(items, rate)| items / rate.0).sum::<f64>();
        MixedRate {
            arithmetic: SamplesPerSecond(arithmetic / self.items),
            harmonic: SamplesPerSecond(self.items / time),
        }
    }

    /// Augmented items are cached first, then decoded, then encoded ones; the rest is read from storage.
    fn classes(&self, rates: &IngestRates) -> [Class; 4] {
        let inflated = self.item * self.inflation;
        let by_wire = |source: BytesPerSecond, item: Bytes| {
            SamplesPerSecond((source.min(rates.network).0 / item.0).min(rates.device.0))
        };
        let fit = |share: f64, item: Bytes, left: f64| (self.capacity * share / item).min(left);
        let augmented = fit(self.augmented, inflated, self.items);
        let decoded = fit(self.decoded, inflated, self.items - augmented);
        let encoded = fit(self.encoded, self.item, self.items - augmented - decoded);
        let stored = self.items - augmented - decoded - encoded;
        [
            (augmented, by_wire(rates.cache, inflated)),
            (decoded, by_wire(rates.cache, inflated).min(rates.augment)),
            (encoded, by_wire(rates.cache, self.item).min(rates.decode_and_augment)),
            (stored, by_wire(rates.storage, self.item).min(rates.decode_and_augment)),
        ]
    }
}

/// Model stages that work on micro-batches in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelPipeline {
    /// Pipeline stages (p).
    pub stages: u32,
    /// Micro-batches per step (m).
    pub micro_batches: u32,
    /// Model chunks per stage (v); 1 without interleaving.
    pub chunks: u32,
}

impl ModelPipeline {
    /// Idle time over ideal time: (p − 1)/(v·m). Source: Narayanan et al. 2021 (Megatron-LM), section 2.2.
    #[must_use]
    pub fn bubble_over_ideal(&self) -> f64 {
        f64::from(self.stages.saturating_sub(1)) / (f64::from(self.chunks) * f64::from(self.micro_batches))
    }

    /// Idle share of the step.
    #[must_use]
    pub fn bubble_fraction(&self) -> f64 {
        let bubble = self.bubble_over_ideal();
        bubble / (1.0 + bubble)
    }

    /// Time of a step whose stages take `forward` and `backward` per micro-batch: (m + (p − 1)/v)·(t_f +
    /// t_b).
    #[must_use]
    pub fn makespan(&self, forward: Seconds, backward: Seconds) -> Seconds {
        let fill = f64::from(self.stages.saturating_sub(1)) / f64::from(self.chunks);
        (forward + backward) * (f64::from(self.micro_batches) + fill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_stages_or_batches_no_time_passes() {
        assert_eq!(overlapped_step(&[]), Seconds::ZERO);
        assert_eq!(data_stall_fraction(&[]), 0.0);
        assert_eq!(overlapped_makespan(&[Seconds(1.0)], 0), Seconds::ZERO);
    }

    #[test]
    fn a_cache_that_holds_everything_leaves_storage_alone() {
        let rate = cache_fetch_rate(1.0, SamplesPerSecond(2e4), SamplesPerSecond(1.0));
        assert_eq!(rate, SamplesPerSecond(2e4));
        assert_eq!(minio_miss_share(1.0), 0.0);
    }

    #[test]
    fn a_serial_mix_is_never_faster_than_the_published_mean() {
        let rates = IngestRates {
            device: SamplesPerSecond(1e4),
            decode_and_augment: SamplesPerSecond(3e3),
            augment: SamplesPerSecond(6e3),
            network: BytesPerSecond(1.25e9),
            cache: BytesPerSecond(1.25e9),
            storage: BytesPerSecond(2.5e8),
        };
        let split = CacheSplit {
            items: 1e6,
            item: Bytes(1.14e5),
            inflation: 5.0,
            capacity: Bytes(6.4e10),
            encoded: 0.3,
            decoded: 0.3,
            augmented: 0.4,
        };
        let mix = split.rate(&rates);
        assert!(mix.harmonic < mix.arithmetic);
        let all = CacheSplit { items: 1e4, ..split }.rate(&rates);
        assert!((all.harmonic / all.arithmetic - 1.0).abs() < 1e-12);
    }

    #[test]
    fn interleaving_shrinks_the_bubble_and_one_stage_has_none() {
        let plain = ModelPipeline { stages: 8, micro_batches: 32, chunks: 1 };
        let interleaved = ModelPipeline { chunks: 4, ..plain };
        assert_eq!(interleaved.bubble_over_ideal(), plain.bubble_over_ideal() / 4.0);
        let alone = ModelPipeline { stages: 1, ..plain };
        assert_eq!(alone.bubble_fraction(), 0.0);
        assert_eq!(alone.makespan(Seconds(1.0), Seconds(2.0)), Seconds(96.0));
    }
}
