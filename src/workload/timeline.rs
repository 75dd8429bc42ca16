//! What one replica did when: spans on tracks, bounded in number, for traces and pictures of a run.

use crate::units::SimTime;

/// What is done in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Samples are converted before machines are asked for.
    Convert,
    /// Machines are waited for.
    WaitForMachines,
    /// Machines boot and load.
    Boot,
    /// Machines come back after an interruption and restore the last checkpoint.
    Restart,
    /// Steps one after the other.
    Compute,
    /// A checkpoint is written.
    Checkpoint,
    /// A checkpoint that an interruption cut off.
    CheckpointLost,
    /// Something fails.
    Failure,
    /// The spot market takes machines.
    SpotLoss,
    /// The device waits for input.
    InputStall,
    /// The device computes a step.
    Step,
    /// A machine takes requests.
    Up,
    /// A batch of an ordinary model.
    Batch,
    /// An iteration in which prompts are read.
    Prefill,
    /// Iterations in which answers are written.
    Decode,
    /// A request waits for its first iteration or batch.
    Wait,
    /// A request is in a batch of an ordinary model.
    Serve,
    /// The prompt of a request is read.
    Read,
    /// The answer of a request is written.
    Write,
    /// A request leaves without an answer.
    Refused,
}

impl Act {
    /// All, in order.
    pub const ALL: &[Self] = &[
        Self::Convert,
        Self::WaitForMachines,
        Self::Boot,
        Self::Restart,
        Self::Compute,
        Self::Checkpoint,
        Self::CheckpointLost,
        Self::Failure,
        Self::SpotLoss,
        Self::InputStall,
        Self::Step,
        Self::Up,
        Self::Batch,
        Self::Prefill,
        Self::Decode,
        Self::Wait,
        Self::Serve,
        Self::Read,
        Self::Write,
        Self::Refused,
    ];

    /// In a word or two.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Convert => "convert",
            Self::WaitForMachines => "wait for machines",
            Self::Boot => "boot and load",
            Self::Restart => "restart and restore",
            Self::Compute => "compute",
            Self::Checkpoint => "checkpoint",
            Self::CheckpointLost => "checkpoint cut off",
            Self::Failure => "failure",
            Self::SpotLoss => "spot loss",
            Self::InputStall => "wait for input",
            Self::Step => "step",
            Self::Up => "up",
            Self::Batch => "batch",
            Self::Prefill => "iteration with prompts",
            Self::Decode => "decode iterations",
            Self::Wait => "wait in the queue",
            Self::Serve => "serve",
            Self::Read => "prefill",
            Self::Write => "decode",
            Self::Refused => "refused",
        }
    }

    /// What its numbers are of; fewer than three names where it has fewer.
    #[must_use]
    pub fn facts(self) -> &'static [&'static str] {
        match self {
            Self::Compute => &["first_step", "steps", "input_stall_ns"],
            Self::Failure | Self::SpotLoss => &["steps_lost", "lost_ns"],
            Self::Step => &["step"],
            Self::Batch => &["requests", "items"],
            Self::Prefill => &["prompt_tokens", "prompts", "decoding"],
            Self::Decode => &["iterations", "sequences"],
            Self::Wait | Self::Refused => &["request"],
            Self::Serve => &["request", "items"],
            Self::Read => &["request", "input_tokens", "unfinished"],
            Self::Write => &["request", "output_tokens", "unfinished"],
            _ => &[],
        }
    }

    /// Whether it takes no time by nature.
    #[must_use]
    pub fn instant(self) -> bool {
        matches!(self, Self::Failure | Self::SpotLoss | Self::Refused)
    }
}

/// One thing done on one track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineSpan {
    /// When it began.
    pub start: SimTime,
    /// When it ended; equal to the start for something that takes no time.
    pub end: SimTime,
    /// What else is known of it, in the order of [`Act::facts`].
    pub numbers: [u64; 3],
    /// Index into [`Timeline::tracks`].
    pub track: u32,
    /// What was done.
    pub act: Act,
}

impl TimelineSpan {
    /// A span of which no more is known.
    #[must_use]
    pub fn new(track: usize, act: Act, start: SimTime, end: SimTime) -> Self {
        Self { start, end, numbers: [0; 3], track: u32::try_from(track).unwrap_or(u32::MAX), act }
    }

    /// The same with its numbers.
    #[must_use]
    pub fn with(self, numbers: [u64; 3]) -> Self {
        Self { numbers, ..self }
    }

    /// Its numbers with their names.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.act.facts().iter().copied().zip(self.numbers)
    }
}

/// The part of a run to record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From when.
    pub from: SimTime,
    /// Until when.
    pub until: SimTime,
    /// Most spans kept.
    pub limit: usize,
}

impl Window {
    /// The whole run, as far as `limit` spans reach.
    #[must_use]
    pub fn all(limit: usize) -> Self {
        Self { from: SimTime::ZERO, until: SimTime::NEVER, limit }
    }

    /// Whether a span touches it.
    #[must_use]
    pub fn touches(&self, start: SimTime, end: SimTime) -> bool {
        end >= self.from && start <= self.until
    }
}

/// The recorded spans of every track, by their start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Names of the tracks.
    pub tracks: Vec<String>,
    /// The spans, track by track, each track by its start. Those of one track do not overlap.
    pub spans: Vec<TimelineSpan>,
    /// When the first span began or ended that found no room; what was done from then on is told in part at most.
    pub capped: Option<SimTime>,
}

impl Timeline {
    /// Spans of tracks, in whatever order.
    #[must_use]
    pub fn new(tracks: Vec<String>, mut spans: Vec<TimelineSpan>, capped: Option<SimTime>) -> Self {
        spans.sort_by_key(|span| (span.track, span.start, span.end));
        Self { tracks, spans, capped }
    }

    /// From the first start to the last end; `None` of nothing.
    #[must_use]
    pub fn reach(&self) -> Option<(SimTime, SimTime)> {
        let first = self.spans.iter().map(|span| span.start).min()?;
        let last = self.spans.iter().map(|span| span.end).max()?;
        Some((first, last))
    }

    /// The spans of one track.
    #[must_use]
    pub fn track(&self, track: usize) -> &[TimelineSpan] {
        let from = self.spans.partition_point(|span| (span.track as usize) < track);
        let to = self.spans.partition_point(|span| span.track as usize <= track);
        &self.spans[from..to]
    }
}
