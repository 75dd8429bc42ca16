//! The input pipeline: a line of stages with bounded buffers that ends in the device.
//!
//! Owns how batches move from storage to the accelerator when times vary: read, decode, prefetch,
//! host-to-device, train. It answers what a step costs in the long run and how much it varies
//! ([`steady_step`]), so that a training run can leap over any number of steps. It must not know what the
//! stages are, where their times come from, or what they cost.
//!
//! # The model
//! Each stage has parallel servers behind a first-come first-served buffer of bounded size. A server whose
//! batch finds the next buffer full keeps it and is blocked (blocking after service), as a prefetching loader
//! does. A stage may work as a gang: its service lasts as long as the slowest of its members, which is a
//! synchronous training step.
//!
//! With constant times and single servers the makespan of n batches is exactly Σtᵢ + (n − 1)·max tᵢ, to the
//! nanosecond.

mod ledger;
mod line;

use thiserror::Error;

use crate::engine::{Cancel, RunEnd};
use crate::stats::{Law, LawError, Stream};
use crate::units::{Seconds, SimSpan};

/// One stage of the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The name; it also names the stage's random stream.
    pub name: String,
    /// Batches worked on at once.
    pub servers: usize,
    /// Batches that may wait in front of the stage; `usize::MAX` for no bound.
    pub buffer: usize,
    /// Workers that serve one batch together; the slowest decides. 1 for an ordinary server.
    pub gang: u32,
    /// Service time of one batch, or of one gang member, in seconds.
    pub service: Law,
}

impl Stage {
    /// A stage with one server and no buffer in front of it.
    #[must_use]
    pub fn new(name: &str, service: Law) -> Self {
        Self { name: name.to_owned(), servers: 1, buffer: 0, gang: 1, service }
    }

    /// With so many batches worked on at once.
    #[must_use]
    pub fn servers(self, servers: usize) -> Self {
        Self { servers, ..self }
    }

    /// With room for so many waiting batches.
    #[must_use]
    pub fn buffer(self, buffer: usize) -> Self {
        Self { buffer, ..self }
    }

    /// With so many synchronous workers.
    #[must_use]
    pub fn gang(self, gang: u32) -> Self {
        Self { gang, ..self }
    }
}

/// Where batches come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// There is always one more, as in a training epoch; the first stage's buffer plays no part.
    Saturated,
    /// They arrive with independent gaps in seconds (exponential gaps are a Poisson process); whatever finds
    /// the first stage's buffer full is lost.
    Arrivals(Law),
}

/// Why a line is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PipelineError {
    /// There is no stage.
    #[error("an input pipeline needs at least one stage")]
    NoStage,
    /// A stage has no server, or a gang no member.
    #[error("stage `{stage}` needs at least one server and one worker")]
    NoServer {
        /// The stage.
        stage: String,
    },
    /// A law's parameters are none.
    #[error("the times of `{of}` are no law: {law}")]
    Law {
        /// The stage, or `arrivals`.
        of: String,
        /// What is wrong.
        law: LawError,
    },
}

/// A line of stages, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    stages: Vec<Stage>,
    source: Source,
}

/// What a simulated line did.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineStats {
    /// Why the run ended; anything but [`RunEnd::Drained`] means that it was cut short.
    pub end: RunEnd,
    /// Batches that left the last stage.
    pub departures: u64,
    /// Batches that found the first buffer full.
    pub lost: u64,
    /// From the start to the last departure.
    pub makespan: SimSpan,
    /// Whether the line settled; if not, the long-run figures below describe the whole run and mean little. Fewer
    /// than five departures tell nothing: the figures are then 0.
    pub steady: bool,
    /// Departures dropped as warm-up (MSER-5) before the long-run figures.
    pub warmup: u64,
    /// Long-run time between departures: the step time.
    pub step: Seconds,
    /// Long-run deviation: the sum of k steps deviates from k·`step` by √k times this.
    pub step_deviation: Seconds,
    /// Share of time in which the last stage's servers waited for input.
    pub input_wait: f64,
    /// Mean time from entering the first stage's queue (its service, if saturated) to leaving the last stage.
    pub sojourn: Seconds,
    /// Stage by stage, in the order of the line.
    pub stages: Vec<StageStats>,
}

/// Long-run figures of one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageStats {
    /// The stage's name.
    pub name: String,
    /// Share of the servers' time spent working.
    pub utilisation: f64,
    /// Share of the servers' time spent holding a finished batch for which there is no room downstream.
    pub blocked: f64,
    /// Batches waiting in front of the stage, averaged over time.
    pub mean_waiting: f64,
    /// Mean time of a batch in front of the stage (Little's law).
    pub wait: Seconds,
}

impl Pipeline {
    /// A line of `stages` fed by `source`; the last stage is the device.
    ///
    /// # Errors
    /// No stage, a stage without servers, or times that are no law.
    pub fn new(stages: Vec<Stage>, source: Source) -> Result<Self, PipelineError> {
        if stages.is_empty() {
            return Err(PipelineError::NoStage);
        }
        for stage in &stages {
            if stage.servers == 0 || stage.gang == 0 {
                return Err(PipelineError::NoServer { stage: stage.name.clone() });
            }
            let wrong = |law| PipelineError::Law { of: stage.name.clone(), law };
            stage.service.check().map_err(wrong)?;
        }
        if let Source::Arrivals(gaps) = &source {
            gaps.check().map_err(|law| PipelineError::Law { of: "arrivals".to_owned(), law })?;
        }
        Ok(Self { stages, source })
    }

    /// Sends `items` batches through the line. Memory does not depend on their number, unless a buffer
    /// without bound fills.
    ///
    /// Streams are named (`seed`, `replica`, stage name, `service`) and (`seed`, `replica`, `pipeline`,
    /// `arrivals`).
    #[must_use]
    pub fn simulate(&self, seed: u64, replica: u32, items: u64, cancel: &Cancel) -> PipelineStats {
        line::Line::new(self, seed, replica, items).simulate(cancel)
    }

    /// The step of a line that never varies and never branches, exactly.
    fn constant_step(&self) -> Option<SteadyStep> {
        let constant = |stage: &Stage| match stage.service {
            Law::Deterministic(seconds) if stage.servers == 1 => Some(seconds),
            _ => None,
        };
        if self.source != Source::Saturated {
            return None;
        }
        let times = self.stages.iter().map(constant).collect::<Option<Vec<f64>>>()?;
        let slowest = times.iter().copied().fold(0.0, f64::max);
        let device = times.last().copied().unwrap_or(0.0);
        Some(SteadyStep {
            mean: Seconds(slowest),
            deviation: Seconds::ZERO,
            input_wait: if slowest > 0.0 { 1.0 - device / slowest } else { 0.0 },
            steady: true,
        })
    }
}

/// What a step of a settled line costs: all that a training run needs in order to leap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteadyStep {
    /// Mean time of one step.
    pub mean: Seconds,
    /// Long-run deviation: k steps deviate from k·`mean` by √k times this.
    pub deviation: Seconds,
    /// Share of time in which the device waited for input.
    pub input_wait: f64,
    /// Whether the line settled; if not, the other figures mean little.
    pub steady: bool,
}

impl SteadyStep {
    /// The time of `steps` consecutive steps in one draw: k·μ + √k·σ·Z (central limit theorem), never
    /// negative.
    pub fn leap(&self, steps: u64, stream: &mut Stream) -> Seconds {
        let k = steps as f64;
        let spread = self.deviation * (k.sqrt() * stream.normal());
        (self.mean * k + spread).max(Seconds::ZERO)
    }
}

/// The long-run step of a line, from a run of `items` batches; exact and without a run where no time varies.
#[must_use]
pub fn steady_step(pipeline: &Pipeline, seed: u64, replica: u32, items: u64, cancel: &Cancel) -> SteadyStep {
    pipeline.constant_step().unwrap_or_else(|| {
        let stats = pipeline.simulate(seed, replica, items, cancel);
        SteadyStep {
            mean: stats.step,
            deviation: stats.step_deviation,
            input_wait: stats.input_wait,
            steady: stats.steady,
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn constant(seconds: f64) -> Law {
        Law::Deterministic(seconds)
    }

    fn saturated(stages: Vec<Stage>) -> Pipeline {
        Pipeline::new(stages, Source::Saturated).unwrap()
    }

    fn exponential_pair(buffer: usize) -> Pipeline {
        let stage = |name| Stage::new(name, Law::Exponential { mean: 1.0 });
        saturated(vec![stage("read"), stage("train").buffer(buffer)])
    }

    proptest! {
        #[test]
        fn a_constant_line_takes_the_sum_and_then_the_slowest_to_the_nanosecond(
            nanos in prop::collection::vec(0u64..1_000_000_000, 1..6),
            buffer in 0usize..4,
            items in 1u64..200,
        ) {
            let stages = nanos.iter().enumerate().map(|(index, nanos)| {
                Stage::new(&index.to_string(), constant(*nanos as f64 / 1e9)).buffer(buffer)
            });
            let stats = saturated(stages.collect()).simulate(1, 0, items, &Cancel::new());
            let slowest = nanos.iter().max().copied().unwrap_or(0);
            let exact = nanos.iter().sum::<u64>() + (items - 1) * slowest;
            prop_assert_eq!(stats.makespan, SimSpan(exact));
            prop_assert_eq!(stats.departures, items);
            prop_assert_eq!(stats.end, RunEnd::Drained);
        }
    }

    #[test]
    fn no_batch_is_lost_or_invented_between_stages() {
        let stages = vec![
            Stage::new("read", Law::lognormal(0.1, 1.0)).servers(3),
            Stage::new("decode", Law::Exponential { mean: 0.2 }).servers(4).buffer(2),
            Stage::new("train", Law::Uniform { lo: 0.03, hi: 0.06 }).buffer(1),
        ];
        let stats = saturated(stages).simulate(1, 0, 10_001, &Cancel::new());
        assert_eq!((stats.departures, stats.lost), (10_001, 0));
        let device = &stats.stages[2];
        assert!((stats.step.0 - 0.045 / device.utilisation).abs() < 0.001);
        for stage in &stats.stages {
            assert!(stage.utilisation + stage.blocked <= 1.0 + 1e-12, "{stage:?}");
        }
    }

    #[test]
    fn a_steady_step_of_constant_times_equals_its_simulation() {
        let line = saturated(vec![
            Stage::new("read", constant(0.08)),
            Stage::new("decode", constant(0.12)).buffer(2),
            Stage::new("train", constant(0.1)).buffer(2),
        ]);
        let exact = steady_step(&line, 1, 0, 0, &Cancel::new());
        let simulated = line.simulate(1, 0, 1000, &Cancel::new());
        assert_eq!(exact.mean, Seconds(0.12));
        assert!((simulated.step.0 - 0.12).abs() < 1e-12);
        assert!((simulated.input_wait - exact.input_wait).abs() < 1e-9);
        assert!(simulated.step_deviation.0 < 1e-9 && simulated.steady);
    }

    #[test]
    fn a_leap_has_the_mean_and_the_spread_of_the_steps_it_skips() {
        let line = exponential_pair(4);
        let steps = 400;
        let step = steady_step(&line, 1, 0, 200_000, &Cancel::new());
        let runs: Vec<f64> = (0..400)
            .map(|replica| line.simulate(2, replica, 2 * steps, &Cancel::new()).makespan.seconds().0)
            .collect();
        let halves: Vec<f64> = (0..400)
            .map(|replica| line.simulate(2, replica, steps, &Cancel::new()).makespan.seconds().0)
            .collect();
        // The second half of each run starts warm; same streams, so it is the difference.
        let second: Vec<f64> = runs.iter().zip(&halves).map(|(run, half)| run - half).collect();
        let mean = second.iter().sum::<f64>() / 400.0;
        let variance = second.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 399.0;
        assert!((mean / (step.mean.0 * steps as f64) - 1.0).abs() < 0.01);
        let deviation = step.deviation.0 * (steps as f64).sqrt();
        assert!((variance.sqrt() / deviation - 1.0).abs() < 0.15, "{} {deviation}", variance.sqrt());
    }

    #[test]
    fn an_overloaded_open_line_is_called_unsteady() {
        let stages = vec![Stage::new("train", Law::Exponential { mean: 1.0 }).buffer(usize::MAX)];
        let source = Source::Arrivals(Law::Exponential { mean: 0.8 });
        let stats = Pipeline::new(stages, source).unwrap().simulate(1, 0, 20_000, &Cancel::new());
        assert!(!stats.steady);
    }

    #[test]
    fn a_full_first_buffer_loses_arrivals() {
        let stages = vec![Stage::new("train", constant(1.0))];
        let source = Source::Arrivals(constant(0.5));
        let stats = Pipeline::new(stages, source).unwrap().simulate(1, 0, 1000, &Cancel::new());
        assert_eq!(stats.departures + stats.lost, 1000);
        assert!((stats.lost as f64 - 500.0).abs() <= 1.0);
    }

    #[test]
    fn adding_a_stage_shifts_no_other_stage() {
        let train = Stage::new("train", Law::Exponential { mean: 1.0 });
        let alone = saturated(vec![train.clone()]).simulate(1, 0, 1000, &Cancel::new());
        let behind = saturated(vec![Stage::new("read", constant(0.0)), train]);
        assert_eq!(behind.simulate(1, 0, 1000, &Cancel::new()).makespan, alone.makespan);
    }

    #[test]
    fn fewer_than_five_departures_settle_nothing() {
        let stats = exponential_pair(1).simulate(1, 0, 4, &Cancel::new());
        assert_eq!((stats.departures, stats.steady, stats.step), (4, false, Seconds::ZERO));
    }

    #[test]
    fn a_cancelled_line_says_so() {
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(exponential_pair(1).simulate(1, 0, 10, &cancel).end, RunEnd::Cancelled);
    }

    #[test]
    fn what_is_no_line_is_refused() {
        let train = Stage::new("train", constant(1.0));
        assert_eq!(Pipeline::new(vec![], Source::Saturated), Err(PipelineError::NoStage));
        assert!(matches!(
            Pipeline::new(vec![train.clone().servers(0)], Source::Saturated),
            Err(PipelineError::NoServer { .. })
        ));
        let negative = Source::Arrivals(constant(-1.0));
        assert!(matches!(Pipeline::new(vec![train], negative), Err(PipelineError::Law { .. })));
    }
}
