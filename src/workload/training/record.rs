//! The timeline of a training run: what the closed form of a stretch leapt over, told step by step within the window.

use crate::units::{SimSpan, SimTime};
use crate::workload::{Timeline, TimelineSpan, Window};

use super::stretch::Stretch;

/// Tracks: what the machines do, and within a step what the device does.
const JOB: usize = 0;
const DEVICE: usize = 1;
/// Steps told one by one before they are told in blocks between checkpoints.
const STEPS: u64 = 2000;

/// Nothing recorded yet.
pub(super) fn empty(window: Window) -> Timeline {
    Timeline::new(vec!["job".to_owned(), "device".to_owned()], window)
}

/// Something without parts.
pub(super) fn plain(timeline: &mut Timeline, name: &'static str, start: SimTime, end: SimTime) {
    if end > start {
        timeline.record(TimelineSpan { track: JOB, name, start, end, facts: Vec::new() });
    }
}

/// A failure or loss: back to the last checkpoint.
pub(super) fn lost(timeline: &mut Timeline, at: SimTime, steps: u64, time: SimSpan) {
    let facts = vec![("steps_lost", steps), ("lost_ms", time.0 / 1_000_000)];
    timeline.record(TimelineSpan { track: JOB, name: "interruption", start: at, end: at, facts });
}

/// The part of a stretch between two times: blocks of steps, checkpoints between them, and the first steps one by one.
pub(super) fn stretch(
    timeline: &mut Timeline,
    stretch: &Stretch,
    input_wait: f64,
    first_step: u64,
    (start, end): (SimTime, SimTime),
) {
    let mut now = start;
    let (mut left, mut unsaved, mut done) = (stretch.steps, stretch.unsaved, first_step);
    let mut told = 0;
    while now < end && timeline.dropped == 0 && now <= timeline.window().until {
        if stretch.interval.is_some_and(|interval| unsaved >= interval) && left > 0 {
            let until = (now + stretch.write).min(end);
            plain(timeline, "checkpoint", now, until);
            (now, unsaved) = (until, 0);
            continue;
        }
        if left == 0 {
            // What goes beyond the steps is the final save.
            plain(timeline, "checkpoint", now, end);
            return;
        }
        let block =
            stretch.interval.map_or(left, |interval| (interval - unsaved.min(interval)).clamp(1, left));
        let fits = end.since(now).0 / stretch.step.0.max(1);
        let block = block.min(fits.max(1));
        let until = (now + stretch.step.times(block)).min(end);
        let facts = vec![("first_step", done), ("steps", block)];
        timeline.record(TimelineSpan { track: JOB, name: "compute", start: now, end: until, facts });
        steps(timeline, stretch.step, input_wait, (now, until), &mut told);
        now = until;
        (left, unsaved, done) = (left - block, unsaved + block, done + block);
    }
}

/// Steps one by one: what the device waits for, and what it computes.
fn steps(
    timeline: &mut Timeline,
    step: SimSpan,
    input_wait: f64,
    (start, end): (SimTime, SimTime),
    told: &mut u64,
) {
    let wait = SimSpan::from_seconds(step.seconds() * input_wait.clamp(0.0, 1.0));
    let mut now = start;
    while now < end && *told < STEPS && step.0 > 0 {
        let until = (now + step).min(end);
        let ready = (now + wait).min(until);
        for (name, start, end) in [("wait for input", now, ready), ("step", ready, until)] {
            if end > start {
                timeline.record(TimelineSpan { track: DEVICE, name, start, end, facts: Vec::new() });
            }
        }
        *told += 1;
        now = until;
    }
}
