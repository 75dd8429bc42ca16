//! Counts what happens to requests, and turns it into a [`ServingRun`].

use super::fleet_spec::Targets;
use super::run::{ModelMeters, ServingRun};
use crate::units::{Seconds, SimSpan, SimTime};
use crate::workload::arrivals::Request;

/// Backlog samples kept; when there are more, every other one goes.
const SAMPLES: usize = 256;

/// How a request left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Served.
    Finished,
    /// Larger than the cache of any replica that could take it.
    TooLarge,
    /// Refused at the door, or by a full queue.
    Refused,
    /// Waited for too long.
    TimedOut,
}

/// One request that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// As it arrived.
    pub request: Request,
    /// Number in the order of arrival.
    pub order: u64,
    /// First token; `None` of requests without one.
    pub first_token: Option<SimTime>,
    /// Last token, or the end of its batch.
    pub last_token: SimTime,
    /// When it left: the client has its answer.
    pub end: SimTime,
    /// How.
    pub fate: Fate,
}

/// What is to be counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counting {
    pub(super) warm_up: SimTime,
    pub(super) targets: Limits,
    /// Models that are counted apart, where there are several.
    pub(super) models: usize,
}

/// Targets in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    first_token: Option<SimSpan>,
    output_token: Option<SimSpan>,
    latency: Option<SimSpan>,
}

impl Limits {
    pub(super) fn of(targets: &Targets) -> Self {
        let span = |limit: Option<Seconds>| limit.map(SimSpan::from_seconds);
        Self {
            first_token: span(targets.time_to_first_token),
            output_token: span(targets.time_per_output_token),
            latency: span(targets.latency),
        }
    }
}

/// The books of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    counting: Counting,
    pub(super) run: ServingRun,
    inside: u64,
    since: SimTime,
    first: Option<SimTime>,
    last: SimTime,
    /// Requests inside at every `stride`-th counted arrival.
    samples: Vec<u64>,
    stride: u64,
}

impl Ledger {
    pub(super) fn new(counting: Counting) -> Self {
        let mut run = ServingRun::default();
        if counting.models > 1 {
            run.models.resize_with(counting.models, ModelMeters::default);
        }
        Self { counting, run, stride: 1, ..Self::default() }
    }

    /// Requests inside.
    pub(super) fn inside(&self) -> u64 {
        self.inside
    }

    /// Integral of requests inside, until now.
    pub(super) fn in_flight_until(&mut self, now: SimTime) -> u128 {
        self.pass(now);
        self.run.in_flight_ns
    }

    fn pass(&mut self, now: SimTime) {
        self.run.in_flight_ns += u128::from(now.since(self.since).0) * u128::from(self.inside);
        self.since = self.since.max(now);
    }

    fn counts(&self, request: &Request) -> bool {
        request.at >= self.counting.warm_up
    }

    /// A request comes to the door.
    pub(super) fn arrive(&mut self, now: SimTime, request: &Request) {
        self.pass(now);
        self.inside += 1;
        if !self.counts(request) {
            return;
        }
        self.first.get_or_insert(now);
        if self.run.offered.is_multiple_of(self.stride) {
            if self.samples.len() == SAMPLES {
                let mut index = 0;
                self.samples.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                self.stride *= 2;
            }
            if self.run.offered.is_multiple_of(self.stride) {
                self.samples.push(self.inside);
            }
        }
        self.run.offered += 1;
        self.of_model(request, |own| own.offered += 1);
        self.run.backlog.1 = self.inside;
    }

    /// A request leaves; `waited` is its time before the first iteration.
    pub(super) fn leave(&mut self, now: SimTime, record: &RequestRecord, waited: SimSpan) {
        self.pass(now);
        self.inside = self.inside.saturating_sub(1);
        let time = now.since(record.request.at);
        self.run.time_in_system_ns += u128::from(time.0);
        if !self.counts(&record.request) {
            return;
        }
        self.last = self.last.max(now);
        self.run.waiting_ns += u128::from(waited.0);
        if record.fate != Fate::Finished {
            self.run.refused += 1;
            self.run.too_large += u64::from(record.fate == Fate::TooLarge);
            self.of_model(&record.request, |own| own.refused += 1);
            return;
        }
        self.finish(record, time);
    }

    fn finish(&mut self, record: &RequestRecord, time: SimSpan) {
        let (request, run) = (&record.request, &mut self.run);
        run.finished += 1;
        run.input_tokens += u64::from(request.input);
        run.output_tokens += u64::from(request.output);
        run.latency.record(time.0);
        let within = |limit: Option<SimSpan>, value: Option<SimSpan>| match (limit, value) {
            (Some(limit), Some(value)) => value <= limit,
            _ => true,
        };
        let first = record.first_token.filter(|_| request.output > 0);
        let first_time = first.map(|first| first.since(request.at));
        let each = first
            .filter(|_| request.output > 1)
            .map(|first| SimSpan(record.last_token.since(first).0 / u64::from(request.output - 1)));
        if let Some(span) = first_time {
            run.time_to_first_token.record(span.0);
        }
        if let Some(span) = each {
            run.time_per_output_token.record(span.0);
        }
        let targets = &self.counting.targets;
        let good = within(targets.first_token, first_time)
            && within(targets.output_token, each)
            && within(targets.latency, Some(time));
        run.good += u64::from(good);
        self.of_model(request, |own| {
            own.finished += 1;
            own.good += u64::from(good);
            own.latency.record(time.0);
            if let Some(span) = first_time {
                own.time_to_first_token.record(span.0);
            }
            if let Some(span) = each {
                own.time_per_output_token.record(span.0);
            }
        });
    }

    /// Counts for the model of a request, where there are several.
    fn of_model(&mut self, request: &Request, count: impl FnOnce(&mut ModelMeters)) {
        if let Some(own) = self.run.models.get_mut(usize::from(request.model)) {
            count(own);
        }
    }

    /// A request is still inside when the run ends.
    pub(super) fn strand(&mut self, now: SimTime, request: &Request) {
        self.run.time_in_system_ns += u128::from(now.since(request.at).0);
        let counts = self.counts(request);
        self.run.unfinished += u64::from(counts);
        self.of_model(request, |own| own.unfinished += u64::from(counts));
    }

    /// The books at the end, everybody still inside having been stranded.
    pub(super) fn close(mut self, now: SimTime) -> ServingRun {
        self.pass(now);
        if self.run.unfinished > 0 {
            self.last = self.last.max(now);
        }
        self.run.span = self.first.map_or(SimSpan::ZERO, |first| self.last.since(first));
        let half = self.run.offered / 2 / self.stride.max(1);
        self.run.backlog.0 = self.samples.get(half as usize).copied().unwrap_or(self.run.backlog.1);
        self.run
    }
}
