//! The input stages of the machine that the workload's profile was measured on, by the curves of its input section.

use crate::catalog::{InstanceKind, Provenance};
use crate::stats::usl;
use crate::steptime::InputCurves;
use crate::steptime::measured::Standing;
use crate::units::{BytesPerSecond, SamplesPerSecond, Seconds};

use super::closed_form::cache_fetch_rate;
use super::input::{HostInput, InputTimes};
use super::spec::{CacheTier, InputMode};

/// Size of the records that a whole set is read in before the first step, in bytes: those whose reading was measured.
const PRELOADED: f64 = 150_528.0;

/// Times off measured curves, and how far off they may be.
#[derive(Default)]
struct Sum {
    squares: f64,
    used: bool,
}

impl Sum {
    fn add(&mut self, log_error: f64) {
        self.squares = self.squares.max(log_error * log_error);
        self.used = true;
    }
}

impl HostInput<'_> {
    /// The times with those in their place that the profile knows; a figure that the scenario states stays.
    pub(super) fn measured(&self, mut times: InputTimes) -> InputTimes {
        let own = self.candidate.instance.kind == InstanceKind::Measured;
        let Some(steps) = self.spec.measured.as_ref().filter(|_| own) else { return times };
        let Some(curves) = InputCurves::of(&steps.profile) else { return times };
        let mut processor = Sum::default();
        if let Some(decode) = self.measured_processor(&curves, &mut processor) {
            times.decode = decode;
        }
        let mut reading = Sum::default();
        if self.spec.dataset.storage.is_none() {
            self.measured_reading(&curves, &mut times, &mut reading);
        }
        let nothing_to_do = times.decode == Seconds::ZERO;
        if (processor.used || nothing_to_do) && reading.used {
            times.log_error = processor.squares.max(reading.squares).sqrt();
            times.provenance = match steps.standing {
                Standing::Here | Standing::Imported => Provenance::Measured,
                Standing::Elsewhere(_) => Provenance::Extrapolated,
            };
        } else if processor.used || reading.used {
            times.log_error = times.log_error.max(processor.squares.max(reading.squares).sqrt());
        }
        times
    }

    /// Time of the host's cores for the batch; `None` where the profile has not seen samples of about this size.
    fn measured_processor(&self, curves: &InputCurves<'_>, sum: &mut Sum) -> Option<Seconds> {
        let input = &self.spec.input;
        if input.cpu_is_stated {
            return None;
        }
        let bytes = self.stored_bytes().0;
        let mode = input.mode.word();
        let cpu = match input.mode {
            InputMode::DirectFeed => curves.feed(input.decoded_bytes.0),
            // A model whose samples need no decoding has no pictures.
            InputMode::NativeOps if input.decode_cpu.0 <= 0.0 => None,
            InputMode::NativeOps => curves.processor(mode, Some(input.codec), bytes),
            InputMode::PreprocessedRecords => curves.processor(mode, None, bytes),
        };
        let cpu = cpu.filter(|read| !read.is_far)?;
        sum.add(cpu.log_error);
        if input.mode == InputMode::DirectFeed {
            return Some(Seconds(cpu.value * self.host_batch));
        }
        let cores = self.candidate.vcpus_per_host().unwrap_or(1.0);
        let asked = input.workers.map_or(cores, |workers| workers as f64);
        let rate = match curves.workers(mode) {
            Some(law) => {
                sum.add(law.log_error);
                usl(asked.min(law.most).max(1.0), 1.0 / cpu.value, law.sigma, law.kappa)
            }
            None => 1.0 / cpu.value,
        };
        Some(Seconds(self.host_batch / rate))
    }

    /// Reading from the disk that the profile's data set lay on, and from its cache.
    fn measured_reading(&self, curves: &InputCurves<'_>, times: &mut InputTimes, sum: &mut Sum) {
        let input = &self.spec.input;
        let mode = input.mode.word();
        let cores = self.candidate.vcpus_per_host().unwrap_or(1.0);
        let streams = input.read_streams.map_or(cores, |streams| streams as f64);
        let speedup = curves
            .readers()
            .map_or(1.0, |law| usl(streams.min(law.most).max(1.0), 1.0, law.sigma, law.kappa));
        if input.mode == InputMode::DirectFeed {
            let Some(read) = curves.reading(InputMode::PreprocessedRecords.word(), true, PRELOADED) else {
                return;
            };
            let whole = self.spec.dataset.sample_bytes * self.spec.dataset.samples;
            times.preload = whole / BytesPerSecond(PRELOADED * speedup / read.value);
            sum.add(read.log_error);
            return;
        }
        let bytes = self.stored_bytes().0;
        let near = |is_cold| curves.reading(mode, is_cold, bytes).filter(|read| !read.is_far);
        let (Some(cold), Some(warm)) = (near(true), near(false)) else { return };
        let disk = SamplesPerSecond(speedup / cold.value);
        let memory = SamplesPerSecond(cores / warm.value);
        let later = match input.cache {
            CacheTier::Memory => cache_fetch_rate(times.cached_share, memory, disk),
            CacheTier::None | CacheTier::LocalDisk => disk,
        };
        times.read = [disk, later].map(|rate| Seconds(self.host_batch / rate.0.max(1e-12)));
        sum.add(cold.log_error.max(warm.log_error));
    }
}
