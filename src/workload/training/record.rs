//! The timeline of a training run: what the closed form of a stretch leapt over, told step by step within the window.

use crate::units::{SimSpan, SimTime};
use crate::workload::{Act, Timeline, TimelineSpan, Window};

use super::stretch::Stretch;

/// Tracks: what the machines do, and within a step what the device does.
const JOB: usize = 0;
const DEVICE: usize = 1;

/// What is recorded of a run.
pub(super) struct Record {
    window: Window,
    job: Vec<TimelineSpan>,
    device: Vec<TimelineSpan>,
    capped: Option<SimTime>,
}

/// A stretch as it is told: where it stands in the job, and what share of a step waits for input.
pub(super) struct Told<'a> {
    pub stretch: &'a Stretch,
    pub input_wait: f64,
    pub first_step: u64,
}

impl Record {
    pub(super) fn new(window: Window) -> Self {
        Self { window, job: Vec::new(), device: Vec::new(), capped: None }
    }

    pub(super) fn finish(self) -> Timeline {
        let spans = self.job.into_iter().chain(self.device).collect();
        Timeline::new(vec!["job".to_owned(), "device".to_owned()], spans, self.capped)
    }

    /// An eighth of the room is for what the machines do, the rest for single steps.
    fn most(&self, track: usize) -> usize {
        let job = self.window.limit.div_ceil(8);
        if track == JOB { job } else { (self.window.limit - job).max(1) }
    }

    fn keep(&mut self, span: TimelineSpan) {
        if !self.window.touches(span.start, span.end) {
            return;
        }
        let most = self.most(span.track as usize);
        let kept = if span.track as usize == JOB { &mut self.job } else { &mut self.device };
        if kept.len() < most {
            kept.push(span);
        } else {
            self.capped = Some(self.capped.map_or(span.start, |capped| capped.min(span.start)));
        }
    }

    fn full(&self, track: usize) -> bool {
        let kept = if track == JOB { &self.job } else { &self.device };
        kept.len() >= self.most(track)
    }

    /// Something without parts.
    pub(super) fn plain(&mut self, act: Act, start: SimTime, end: SimTime) {
        if end > start {
            self.keep(TimelineSpan::new(JOB, act, start, end));
        }
    }

    /// A failure or loss: back to the last checkpoint.
    pub(super) fn lost(&mut self, act: Act, at: SimTime, steps: u64, time: SimSpan) {
        self.keep(TimelineSpan::new(JOB, act, at, at).with([steps, time.0, 0]));
    }

    /// The part of a stretch between two times: blocks of steps, checkpoints between them, and steps one by one.
    pub(super) fn stretch(&mut self, told: &Told<'_>, (start, end): (SimTime, SimTime)) {
        let stretch = told.stretch;
        // What ends before the window is leapt over in closed form.
        let skipped = stretch.after(self.window.from.since(start).min(end.since(start)));
        let mut now = start + stretch.step.times(skipped.steps) + stretch.write.times(skipped.checkpoints);
        let mut left = stretch.steps - skipped.steps;
        let mut unsaved = skipped.unsaved;
        let mut done = told.first_step + skipped.steps;
        while now < end && now <= self.window.until && !self.full(JOB) {
            if stretch.interval.is_some_and(|interval| unsaved >= interval) && left > 0 {
                let until = now + stretch.write;
                let act = if until <= end { Act::Checkpoint } else { Act::CheckpointLost };
                self.plain(act, now, until.min(end));
                (now, unsaved) = (until, 0);
                continue;
            }
            if left == 0 {
                // What goes beyond the steps is the final save.
                self.plain(Act::Checkpoint, now, end);
                return;
            }
            let block =
                stretch.interval.map_or(left, |interval| (interval - unsaved.min(interval)).clamp(1, left));
            let fits = end.since(now).0.div_ceil(stretch.step.0.max(1));
            let block = block.min(fits.max(1));
            let until = (now + stretch.step.times(block)).min(end);
            let waited = wait(until.since(now), told.input_wait);
            let span = TimelineSpan::new(JOB, Act::Compute, now, until).with([done, block, waited.0]);
            self.keep(span);
            self.steps(stretch.step, told.input_wait, done, (now, until));
            now = until;
            (left, unsaved, done) = (left - block, unsaved + block, done + block);
        }
        if now < end && now <= self.window.until {
            self.capped.get_or_insert(now);
        }
    }

    /// Steps one by one: what the device waits for, and what it computes.
    fn steps(&mut self, step: SimSpan, input_wait: f64, first: u64, (start, end): (SimTime, SimTime)) {
        if step.0 == 0 {
            return;
        }
        let skipped = self.window.from.since(start).0 / step.0;
        let (mut now, mut number) = (start + step.times(skipped), first + skipped);
        while now < end && now <= self.window.until {
            if self.full(DEVICE) {
                self.capped.get_or_insert(now);
                return;
            }
            let until = (now + step).min(end);
            let ready = (now + wait(step, input_wait)).min(until);
            for (act, start, end) in [(Act::InputStall, now, ready), (Act::Step, ready, until)] {
                if end > start {
                    self.keep(TimelineSpan::new(DEVICE, act, start, end).with([number, 0, 0]));
                }
            }
            (now, number) = (until, number + 1);
        }
    }
}

/// The part of a time in which the device waits for input.
fn wait(time: SimSpan, share: f64) -> SimSpan {
    SimSpan::from_seconds(time.seconds() * share.clamp(0.0, 1.0))
}
