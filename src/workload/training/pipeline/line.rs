//! The line as a world: stations in a row, and the rules by which batches move between them.

use super::ledger::Ledger;
use super::{Pipeline, PipelineStats, Source, Stage};
use crate::engine::{Calendar, Cancel, Limits, Offer, Release, Run, Station, World, run};
use crate::stats::{Law, Stream};
use crate::units::{Seconds, SimSpan, SimTime};

/// A batch on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    entered: SimTime,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// The next batch of an arrival process.
    Arrives,
    /// A service ends.
    Served { stage: usize, batch: Batch },
}

/// A stage at work.
struct Post<'a> {
    stage: &'a Stage,
    station: Station<Batch>,
    stream: Stream,
    /// The service time, where it is always the same.
    constant: Option<SimSpan>,
}

pub(super) struct Line<'a> {
    pipeline: &'a Pipeline,
    posts: Vec<Post<'a>>,
    arrivals: Stream,
    to_come: u64,
    lost: u64,
    ledger: Ledger,
}

impl<'a> Line<'a> {
    pub(super) fn new(pipeline: &'a Pipeline, seed: u64, replica: u32, items: u64) -> Self {
        let posts = pipeline.stages.iter().map(|stage| Post::new(stage, seed, replica)).collect();
        Self {
            pipeline,
            posts,
            arrivals: Stream::named(seed, replica, "pipeline", "arrivals"),
            to_come: items,
            lost: 0,
            ledger: Ledger::new(pipeline.stages.len()),
        }
    }

    pub(super) fn simulate(mut self, cancel: &Cancel) -> PipelineStats {
        let Run { end, .. } = run(&mut self, Limits::NONE, cancel);
        let open = !self.saturated();
        self.ledger.close(&self.pipeline.stages, end, self.lost, open)
    }

    fn saturated(&self) -> bool {
        matches!(self.pipeline.source, Source::Saturated)
    }

    /// Fills the first stage's free servers from a source that never runs dry.
    fn feed(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        while self.saturated() && self.to_come > 0 && self.posts[0].station.has_free_server() {
            self.to_come -= 1;
            self.enter(now, 0, Batch { entered: now }, calendar);
        }
    }

    fn expect_arrival(&mut self, calendar: &mut Calendar<Event>) {
        if let Source::Arrivals(gaps) = &self.pipeline.source
            && self.to_come > 0
        {
            self.to_come -= 1;
            let gap = SimSpan::from_seconds(Seconds(gaps.draw(&mut self.arrivals)));
            calendar.schedule_in(gap, Event::Arrives);
        }
    }

    fn enter(&mut self, now: SimTime, stage: usize, batch: Batch, calendar: &mut Calendar<Event>) {
        match self.posts[stage].station.offer(now, batch) {
            Offer::Starts(batch) => self.serve(stage, batch, calendar),
            Offer::Waits => {}
            Offer::Refused(_) => self.lost += 1,
        }
    }

    fn serve(&mut self, stage: usize, batch: Batch, calendar: &mut Calendar<Event>) {
        let span = self.posts[stage].service();
        calendar.schedule_in(span, Event::Served { stage, batch });
    }

    /// A served batch leaves, moves on, or keeps its server because there is no room for it.
    fn served(&mut self, now: SimTime, stage: usize, batch: Batch, calendar: &mut Calendar<Event>) {
        let last = stage + 1 == self.posts.len();
        if !last && !self.posts[stage + 1].station.has_room() {
            self.posts[stage].station.hold(now, batch);
            return;
        }
        if let Some(next) = self.posts[stage].station.finish(now) {
            self.serve(stage, next, calendar);
        }
        if last {
            self.depart(now, batch);
        } else {
            self.enter(now, stage + 1, batch, calendar);
        }
        self.pull(now, stage, calendar);
    }

    /// A place at `stage` became free: held batches upstream move up, one per stage.
    fn pull(&mut self, now: SimTime, mut stage: usize, calendar: &mut Calendar<Event>) {
        while stage > 0 && self.posts[stage].station.has_room() {
            let Some(Release { leaves, starts }) = self.posts[stage - 1].station.release(now) else {
                break;
            };
            if let Some(next) = starts {
                self.serve(stage - 1, next, calendar);
            }
            self.enter(now, stage, leaves, calendar);
            stage -= 1;
        }
        self.feed(now, calendar);
    }

    fn depart(&mut self, now: SimTime, batch: Batch) {
        if self.ledger.departs(now, now.since(batch.entered)) {
            for (stage, post) in self.posts.iter().enumerate() {
                self.ledger.observe(stage, &post.station.statistics(now));
            }
            self.ledger.end_row();
        }
    }
}

impl World for Line<'_> {
    type Event = Event;

    fn start(&mut self, calendar: &mut Calendar<Event>) {
        self.feed(SimTime::ZERO, calendar);
        self.expect_arrival(calendar);
    }

    fn handle(&mut self, now: SimTime, event: Event, calendar: &mut Calendar<Event>) {
        match event {
            Event::Arrives => {
                self.enter(now, 0, Batch { entered: now }, calendar);
                self.expect_arrival(calendar);
            }
            Event::Served { stage, batch } => self.served(now, stage, batch, calendar),
        }
    }
}

impl<'a> Post<'a> {
    fn new(stage: &'a Stage, seed: u64, replica: u32) -> Self {
        Self {
            stage,
            station: Station::bounded(stage.servers, stage.buffer),
            stream: Stream::named(seed, replica, &stage.name, "service"),
            constant: match stage.service {
                Law::Deterministic(seconds) => Some(SimSpan::from_seconds(Seconds(seconds))),
                _ => None,
            },
        }
    }

    fn service(&mut self) -> SimSpan {
        self.constant.unwrap_or_else(|| {
            let seconds = self.stage.service.draw_max(self.stage.gang, &mut self.stream);
            SimSpan::from_seconds(Seconds(seconds))
        })
    }
}
