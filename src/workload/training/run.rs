//! The training run as a world: waiting, booting, restoring, computing, failing, starting over.
//!
//! Events are spent on changes only: between two disturbances a whole phase of steps and checkpoints is one leap
//! ([`Stretch`]). What a disturbance finds is computed in closed form from the time at which it strikes. With
//! `stepwise` set, every step and checkpoint is an event of its own: the oracle that the leap is tested against.

use crate::engine::{Calendar, Cancel, Limits, RunEnd, World, run};
use crate::stats::Stream;
use crate::units::{Seconds, SimSpan, SimTime};

use crate::workload::{Act, Timeline, Window};

use super::job::{Meters, Phase, TrainingJob, TrainingReplica};
use super::record::{Record, Told};
use super::stretch::{Progress, Stretch};

/// A leaping replica gets at most so many events: a job interrupted more often will not end.
const MAX_EVENTS: u64 = 300_000;

/// What can happen. Each event carries the generation of what it is about, and is void when that is over.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Machines are granted.
    Granted,
    /// Machines have booted and state is restored.
    Ready { attempt: u32 },
    /// The stretch is at its end.
    StretchEnd { stretch: u32 },
    /// Something fails.
    Failure { attempt: u32 },
    /// A failed worker of an asynchronous job is back.
    WorkerBack { attempt: u32 },
    /// The spot market takes the machines.
    Taken { grant: u32 },
}

/// What the machines are doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Starting,
    Computing,
    Done,
}

/// A place in the job: a phase and the steps done of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    phase: usize,
    steps: u64,
}

struct TrainingRun<'a> {
    job: &'a TrainingJob,
    state: State,
    /// When the state, or the stretch within it, began.
    since: SimTime,
    grant: u32,
    attempt: u32,
    stretch_id: u32,
    stretch: Stretch,
    position: Position,
    saved: Position,
    /// Steps since the last checkpoint, and the time they took.
    unsaved: u64,
    unsaved_time: SimSpan,
    /// Part of `unsaved_time` in which the device waited for input.
    unsaved_wait: SimSpan,
    workers_up: u64,
    /// Boot or restart in progress.
    boot: Seconds,
    meters: Meters,
    streams: Streams,
    /// What is recorded; `None` costs nothing.
    record: Option<Record>,
}

/// One stream per purpose, so that all fleets meet the same luck and adding a purpose shifts none of the others.
struct Streams {
    noise: Stream,
    failures: Stream,
    market_up: Stream,
    market_down: Stream,
    startup: Stream,
}

/// Runs one replica of the job to its end, or to the horizon.
pub(super) fn simulate(job: &TrainingJob, seed: u64, replica: u32, cancel: &Cancel) -> TrainingReplica {
    let mut world = TrainingRun::new(job, seed, replica);
    let ended = run(&mut world, limits(job), cancel);
    world.settle(ended.reached);
    TrainingReplica {
        finish: (world.state == State::Done).then_some(ended.reached),
        reached: ended.reached,
        cancelled: ended.end == RunEnd::Cancelled,
        events: ended.events,
        meters: world.meters,
    }
}

/// The same run with what it does in the window.
pub(super) fn record(
    job: &TrainingJob,
    seed: u64,
    replica: u32,
    window: Window,
    cancel: &Cancel,
) -> Timeline {
    let mut world = TrainingRun::new(job, seed, replica);
    world.record = Some(Record::new(window));
    // What comes after the window is not simulated.
    let limits = limits(job);
    let ended = run(&mut world, Limits { until: limits.until.min(window.until), ..limits }, cancel);
    world.settle(ended.reached);
    world.record.map(Record::finish).unwrap_or_default()
}

fn limits(job: &TrainingJob) -> Limits {
    let max_events = if job.stepwise { u64::MAX } else { MAX_EVENTS };
    Limits { until: SimTime::ZERO + job.horizon, max_events }
}

impl World for TrainingRun<'_> {
    type Event = Event;

    fn start(&mut self, calendar: &mut Calendar<Event>) {
        let wait = Seconds(self.job.startup.wait.draw(&mut self.streams.startup));
        let market = self.job.spot.as_ref().map(|market| market.first_wait(&mut self.streams.market_down));
        let first = self.job.startup.before + wait + market.unwrap_or(Seconds::ZERO);
        calendar.schedule_in(SimSpan::from_seconds(first), Event::Granted);
    }

    fn handle(&mut self, now: SimTime, event: Event, calendar: &mut Calendar<Event>) {
        match event {
            Event::Granted => self.granted(now, calendar),
            Event::Ready { attempt } if attempt == self.attempt => self.ready(now, calendar),
            Event::StretchEnd { stretch } if stretch == self.stretch_id => self.stretch_end(now, calendar),
            Event::Failure { attempt } if attempt == self.attempt => self.failure(now, calendar),
            Event::WorkerBack { attempt } if attempt == self.attempt => self.worker_back(now, calendar),
            Event::Taken { grant } if grant == self.grant => self.taken(now, calendar),
            _ => {}
        }
    }

    fn finished(&self) -> bool {
        self.state == State::Done
    }
}

impl<'a> TrainingRun<'a> {
    fn new(job: &'a TrainingJob, seed: u64, replica: u32) -> Self {
        let stream = |purpose: &str| Stream::named(seed, replica, "training", purpose);
        Self {
            job,
            state: State::Waiting,
            since: SimTime::ZERO,
            grant: 0,
            attempt: 0,
            stretch_id: 0,
            stretch: Stretch::NOTHING,
            position: Position::default(),
            saved: Position::default(),
            unsaved: 0,
            unsaved_time: SimSpan::ZERO,
            unsaved_wait: SimSpan::ZERO,
            workers_up: job.elastic_workers.unwrap_or(1),
            boot: Seconds::ZERO,
            meters: Meters::default(),
            streams: Streams {
                noise: stream("step noise"),
                failures: stream("failures"),
                market_up: stream("spot up runs"),
                market_down: stream("spot down runs"),
                startup: stream("startup"),
            },
            record: None,
        }
    }

    fn granted(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        self.settle(now);
        self.grant += 1;
        self.meters.grants += 1;
        if let Some(market) = &self.job.spot {
            let up = SimSpan::from_seconds(market.draw_up(&mut self.streams.market_up));
            calendar.schedule_in(up, Event::Taken { grant: self.grant });
        }
        let boot = Seconds(self.job.startup.boot.draw(&mut self.streams.startup));
        self.start_again(boot, calendar);
    }

    /// Boot or restart, then restore; everything pending of the last attempt is void.
    fn start_again(&mut self, boot: Seconds, calendar: &mut Calendar<Event>) {
        self.attempt += 1;
        self.stretch_id += 1;
        self.state = State::Starting;
        self.boot = boot;
        let restore =
            if self.saved == Position::default() { Seconds::ZERO } else { self.job.startup.restore };
        let span = SimSpan::from_seconds(boot + self.job.startup.load + restore);
        calendar.schedule_in(span, Event::Ready { attempt: self.attempt });
        // Starting over can fail as well (Daly 2006).
        self.schedule_failure(calendar);
    }

    fn ready(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        self.settle(now);
        self.state = State::Computing;
        self.workers_up = self.job.elastic_workers.unwrap_or(1);
        self.begin_stretch(calendar);
    }

    fn schedule_failure(&mut self, calendar: &mut Calendar<Event>) {
        if let Some(mtbf) = self.job.failures.mtbf {
            let next = Seconds(self.streams.failures.exponential(mtbf.0));
            calendar.schedule_in(SimSpan::from_seconds(next), Event::Failure { attempt: self.attempt });
        }
    }

    fn begin_stretch(&mut self, calendar: &mut Calendar<Event>) {
        let Some(phase) = self.job.phases.get(self.position.phase) else {
            return self.state = State::Done;
        };
        self.stretch_id += 1;
        self.stretch = self.next_stretch(phase);
        let span = self.stretch.span() + self.final_save();
        calendar.schedule_in(span, Event::StretchEnd { stretch: self.stretch_id });
    }

    /// The rest of the phase, or a single step for the oracle. The noise of all its steps is one draw.
    fn next_stretch(&mut self, phase: &Phase) -> Stretch {
        let left = phase.steps - self.position.steps;
        let steps = if self.job.stepwise { left.min(1) } else { left };
        let spread = phase.step.deviation.0 * self.streams.noise.normal() / (steps.max(1) as f64).sqrt();
        let slowed = self.job.elastic_workers.map_or(1.0, |all| all as f64 / self.workers_up.max(1) as f64);
        let step = Seconds((phase.step.mean.0 + spread).max(0.0) * slowed);
        let interval = self.job.checkpoint_interval.map(|interval| {
            let steps = (interval.0 / phase.step.mean.0.max(1e-9)).round();
            (steps as u64).max(self.unsaved).max(1)
        });
        Stretch {
            steps,
            step: SimSpan::from_seconds(step),
            interval,
            write: self.job.checkpoint_write,
            unsaved: self.unsaved,
        }
    }

    /// The finished model is saved once more at the very end.
    fn final_save(&self) -> SimSpan {
        let last_phase = self.position.phase + 1 == self.job.phases.len();
        let whole = self
            .job
            .phases
            .get(self.position.phase)
            .is_some_and(|phase| self.position.steps + self.stretch.steps == phase.steps);
        if last_phase && whole { self.job.checkpoint_write } else { SimSpan::ZERO }
    }

    fn stretch_end(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        self.settle(now);
        let at_end =
            self.job.phases.get(self.position.phase).is_none_or(|phase| self.position.steps >= phase.steps);
        if at_end {
            self.position = Position { phase: self.position.phase + 1, steps: 0 };
        }
        self.begin_stretch(calendar);
    }

    fn failure(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        self.settle(now);
        self.meters.interruptions += 1;
        let away = self.job.failures.detection + self.job.failures.restart;
        if self.state == State::Computing && self.job.elastic_workers.is_some() && self.workers_up > 1 {
            // The others go on: only the speed changes.
            self.workers_up -= 1;
            if let Some(record) = &mut self.record {
                record.lost(Act::Failure, now, 0, SimSpan::ZERO);
            }
            calendar.schedule_in(SimSpan::from_seconds(away), Event::WorkerBack { attempt: self.attempt });
            self.schedule_failure(calendar);
            return self.begin_stretch(calendar);
        }
        self.lose(Act::Failure);
        // What fails while starting starts again from the beginning.
        let boot = if self.state == State::Starting { self.boot } else { away };
        self.start_again(boot, calendar);
    }

    fn worker_back(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        self.settle(now);
        self.workers_up += 1;
        self.begin_stretch(calendar);
    }

    fn taken(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        self.save_on_notice(now);
        self.settle(now);
        self.meters.interruptions += 1;
        self.lose(Act::SpotLoss);
        self.state = State::Waiting;
        self.grant += 1;
        self.attempt += 1;
        self.stretch_id += 1;
        if let Some(market) = &self.job.spot {
            let down = market.draw_down(&mut self.streams.market_down);
            calendar.schedule_in(SimSpan::from_seconds(down), Event::Granted);
        }
    }

    /// With notice enough to write a checkpoint, the steps done until the write began survive.
    fn save_on_notice(&mut self, now: SimTime) {
        let write = self.job.checkpoint_write;
        let elapsed = now.since(self.since);
        let notice = self.job.spot.as_ref().map_or(Seconds::ZERO, |market| market.notice);
        if self.job.save_on_notice
            && self.state == State::Computing
            && elapsed > write
            && write <= SimSpan::from_seconds(notice)
        {
            let from = SimTime(now.0 - write.0);
            self.settle(from);
            if let Some(record) = &mut self.record {
                record.plain(Act::Checkpoint, from, now);
            }
            self.meters.checkpoints += write;
            self.since = now;
            self.stretch = Stretch::NOTHING;
            self.saved = self.position;
            self.forget_unsaved();
        }
    }

    /// Back to the last checkpoint; what was computed since is lost.
    fn lose(&mut self, act: Act) {
        if let Some(record) = &mut self.record {
            record.lost(act, self.since, self.unsaved, self.unsaved_time);
        }
        self.meters.rework += self.unsaved_time;
        self.meters.computing = self.meters.computing - self.unsaved_time;
        self.meters.input_wait = self.meters.input_wait - self.unsaved_wait;
        self.position = self.saved;
        self.forget_unsaved();
    }

    fn forget_unsaved(&mut self) {
        self.unsaved = 0;
        self.unsaved_time = SimSpan::ZERO;
        self.unsaved_wait = SimSpan::ZERO;
    }

    /// Books the time since the last change, and the progress made in it.
    fn settle(&mut self, now: SimTime) {
        let elapsed = now.since(self.since);
        let since = std::mem::replace(&mut self.since, now);
        self.tell(since, now);
        match self.state {
            State::Waiting if self.meters.grants == 0 => self.meters.first_wait += elapsed,
            State::Waiting => self.meters.waiting += elapsed,
            State::Starting => self.meters.starting += elapsed,
            State::Computing => self.settle_stretch(elapsed),
            State::Done => {}
        }
    }

    /// Records what was done since the last change.
    fn tell(&mut self, since: SimTime, now: SimTime) {
        let Some(record) = &mut self.record else { return };
        match self.state {
            State::Waiting if self.meters.grants == 0 => {
                let converted = (since + SimSpan::from_seconds(self.job.startup.before)).min(now);
                record.plain(Act::Convert, since, converted);
                record.plain(Act::WaitForMachines, converted, now);
            }
            State::Waiting => record.plain(Act::WaitForMachines, since, now),
            State::Starting if self.meters.interruptions == 0 => record.plain(Act::Boot, since, now),
            State::Starting => record.plain(Act::Restart, since, now),
            State::Computing => {
                let phase = self.job.phases.get(self.position.phase);
                let input_wait = phase.map_or(0.0, |phase| phase.step.input_wait);
                let before: u64 =
                    self.job.phases.iter().take(self.position.phase).map(|phase| phase.steps).sum();
                let (stretch, first_step) = (&self.stretch, before + self.position.steps);
                record.stretch(&Told { stretch, input_wait, first_step }, (since, now));
            }
            State::Done => {}
        }
    }

    fn settle_stretch(&mut self, elapsed: SimSpan) {
        let Progress { steps, checkpoints, unsaved } = self.stretch.after(elapsed);
        // What goes beyond the stretch is the final save.
        let beyond = elapsed - self.stretch.span();
        let saving = self.stretch.write.times(checkpoints) + beyond;
        let computing = elapsed - saving;
        self.meters.checkpoints += saving;
        self.meters.computing += computing;
        let waited = self.job.phases.get(self.position.phase).map_or(0.0, |phase| phase.step.input_wait);
        let wait = |time: SimSpan| SimSpan::from_seconds(time.seconds() * waited);
        self.meters.input_wait += wait(computing);
        self.position.steps += steps;
        self.unsaved = unsaved;
        if checkpoints > 0 {
            self.saved = Position { steps: self.position.steps - unsaved.min(steps), ..self.position };
            let until_saved =
                self.stretch.step.times(steps - unsaved.min(steps)) + self.stretch.write.times(checkpoints);
            self.unsaved_time = elapsed - beyond - until_saved;
            self.unsaved_wait = wait(self.unsaved_time);
        } else {
            self.unsaved_time += computing;
            self.unsaved_wait += wait(computing);
        }
        self.stretch = Stretch { steps: self.stretch.steps - steps, unsaved, ..self.stretch };
    }
}
