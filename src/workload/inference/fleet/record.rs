//! The timeline of one replica of each group: its machine, its batches or iterations, and the requests that it serves.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::fleet_spec::{MachineGroup, Role};
use super::super::language::Sequence;
use super::super::ledger::Fate;
use super::Fleet;
use super::server::Server;
use crate::units::SimTime;
use crate::workload::{Act, Timeline, TimelineSpan, Window};

/// Lanes of requests that are told apart; who comes while all are taken is left out.
const MOST_LANES: usize = 512;

/// A replica that is watched.
#[derive(Debug)]
struct Watched {
    server: u32,
    machine: u32,
    role: Role,
    name: String,
    /// When the iteration under way began.
    since: SimTime,
    /// Since when the machine takes requests.
    up: Option<SimTime>,
    machines: Vec<TimelineSpan>,
    work: Vec<TimelineSpan>,
    /// Each request's spans, in the order of time.
    requests: Vec<[Option<TimelineSpan>; 3]>,
}

/// What is recorded of a run.
#[derive(Debug)]
pub(super) struct Record {
    window: Window,
    watched: Vec<Watched>,
    kept: usize,
    capped: Option<SimTime>,
}

impl Record {
    pub(super) fn new(window: Window) -> Self {
        Self { window, watched: Vec::new(), kept: 0, capped: None }
    }

    /// Whether there is no more room: what follows would not be told.
    pub(super) fn full(&self) -> bool {
        self.capped.is_some()
    }

    /// A replica is made; the first of each group is watched.
    pub(super) fn made(&mut self, index: u32, server: &mut Server, group: &MachineGroup, groups: usize) {
        let several = group.replicas_per_machine.max(1) > 1 || group.machines > 1;
        let role = match group.role {
            Role::Whole => "replica",
            Role::Prefill => "prefill replica",
            Role::Decode => "decode replica",
        };
        let number = if groups > 1 && group.role == Role::Whole {
            format!(" of group {}", server.group + 1)
        } else {
            String::new()
        };
        let first = if several { "first " } else { "" };
        server.watch();
        self.watched.push(Watched {
            server: index,
            machine: server.machine,
            role: group.role,
            name: format!("{first}{role}{number}"),
            since: SimTime::ZERO,
            up: None,
            machines: Vec::new(),
            work: Vec::new(),
            requests: Vec::new(),
        });
    }

    /// Whether a replica of the group is watched.
    pub(super) fn watches(&self, group: u32, servers: &[Server]) -> bool {
        self.watched.iter().any(|own| servers[own.server as usize].group == group)
    }

    fn of(&mut self, server: u32) -> Option<&mut Watched> {
        self.watched.iter_mut().find(|own| own.server == server)
    }

    fn room(&mut self, start: SimTime, end: SimTime) -> bool {
        if !self.window.touches(start, end) {
            return false;
        }
        if self.kept >= self.window.limit {
            self.capped.get_or_insert(end);
            return false;
        }
        self.kept += 1;
        true
    }

    /// An iteration of a replica begins.
    pub(super) fn begins(&mut self, now: SimTime, server: u32) {
        if let Some(own) = self.of(server) {
            own.since = now;
        }
    }

    /// What a replica is at ends: an iteration or several, or batches.
    pub(super) fn ends(&mut self, now: SimTime, index: u32, server: &mut Server) {
        let Some(place) = self.watched.iter().position(|own| own.server == index) else { return };
        let since = self.watched[place].since;
        if let Some((act, numbers)) = server.under_way(now)
            && now > since
            && self.room(since, now)
        {
            self.watched[place].work.push(TimelineSpan::new(0, act, since, now).with(numbers));
        }
        for batch in server.batches() {
            if self.room(batch.start, batch.end) {
                let span = TimelineSpan::new(0, Act::Batch, batch.start, batch.end);
                self.watched[place].work.push(span.with([batch.requests, batch.items, 0]));
            }
        }
    }

    /// A machine has started.
    pub(super) fn ready(&mut self, now: SimTime, machine: u32, since: SimTime) {
        for place in 0..self.watched.len() {
            if self.watched[place].machine == machine {
                self.watched[place].up = Some(now);
                if now > since && self.room(since, now) {
                    self.watched[place].machines.push(TimelineSpan::new(0, Act::Boot, since, now));
                }
            }
        }
    }

    /// A machine takes no more requests; something may have happened to it.
    pub(super) fn down(&mut self, now: SimTime, machine: u32, why: Option<Act>) {
        for place in 0..self.watched.len() {
            if self.watched[place].machine != machine {
                continue;
            }
            if let Some(since) = self.watched[place].up.take()
                && now > since
                && self.room(since, now)
            {
                self.watched[place].machines.push(TimelineSpan::new(0, Act::Up, since, now));
            }
            if let Some(act) = why
                && self.room(now, now)
            {
                self.watched[place].machines.push(TimelineSpan::new(0, act, now, now));
            }
        }
    }

    /// A request leaves a replica; `None` where it is still there when the recording ends.
    pub(super) fn leaves(&mut self, now: SimTime, server: u32, own: &Sequence, fate: Option<Fate>) {
        let Some(place) = self.watched.iter().position(|watched| watched.server == server) else { return };
        let spans = spans(now, own, self.watched[place].role, fate);
        if !spans.iter().flatten().any(|span| self.window.touches(span.start, span.end)) {
            return;
        }
        let room = spans.map(|span| span.filter(|span| self.room(span.start, span.end)));
        if room.iter().any(Option::is_some) {
            self.watched[place].requests.push(room);
        }
    }

    /// Everything told, lane by lane.
    pub(super) fn finish(mut self) -> Timeline {
        let (mut tracks, mut spans) = (Vec::new(), Vec::new());
        let several = self.watched.len() > 1;
        for own in &mut self.watched {
            let named = |what: &str| if several { format!("{}: {what}", own.name) } else { what.to_owned() };
            let mut add = |name: String, own: &mut dyn Iterator<Item = TimelineSpan>| {
                let track = u32::try_from(tracks.len()).unwrap_or(u32::MAX);
                tracks.push(name);
                spans.extend(own.map(|span| TimelineSpan { track, ..span }));
            };
            add(named("machine"), &mut own.machines.drain(..));
            let ordinary = own.work.iter().any(|span| span.act == Act::Batch);
            let work = if ordinary { "batches" } else { "iterations" };
            for (number, lane) in
                lanes(own.work.drain(..).map(|span| [Some(span), None, None])).0.into_iter().enumerate()
            {
                let name = if number == 0 { work.to_owned() } else { format!("{work} {}", number + 1) };
                add(named(&name), &mut lane.into_iter());
            }
            let (requests, left_out) = lanes(own.requests.drain(..));
            for (number, lane) in requests.into_iter().enumerate() {
                add(named(&format!("requests {}", number + 1)), &mut lane.into_iter());
            }
            self.capped = match (self.capped, left_out) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        Timeline::new(tracks, spans, self.capped)
    }
}

/// What a request did on a replica, in the order of time.
fn spans(now: SimTime, own: &Sequence, role: Role, fate: Option<Fate>) -> [Option<TimelineSpan>; 3] {
    let (input, output) = (u64::from(own.request.input), u64::from(own.request.output));
    let came = if role == Role::Decode { own.ready } else { own.request.at };
    let began = if role == Role::Decode { came } else { own.started.min(now).max(came) };
    let first = own.first_token.min(now).max(began);
    let unfinished = u64::from(fate.is_none());
    let span = |act, start: SimTime, end: SimTime, numbers| {
        (end > start).then(|| TimelineSpan::new(0, act, start, end).with(numbers))
    };
    let waited = span(Act::Wait, came, began, [own.order, 0, 0]);
    if !matches!(fate, None | Some(Fate::Finished)) {
        let left = TimelineSpan::new(0, Act::Refused, now, now).with([own.order, 0, 0]);
        return [span(Act::Wait, came, now, [own.order, 0, 0]), Some(left), None];
    }
    if own.request.output == 0 {
        // Where in the replica it is cannot be told before it leaves.
        if fate.is_none() {
            return [None; 3];
        }
        return [waited, span(Act::Serve, began, now, [own.order, input, 0]), None];
    }
    let read = span(Act::Read, began, first, [own.order, input, unfinished]);
    let written = span(Act::Write, first, now, [own.order, output, unfinished]);
    if role == Role::Decode { [None, None, written] } else { [waited, read, written] }
}

/// Spreads things over as few lanes as they need, each on the first that is free; and when the first came that found
/// none.
fn lanes(
    things: impl Iterator<Item = [Option<TimelineSpan>; 3]>,
) -> (Vec<Vec<TimelineSpan>>, Option<SimTime>) {
    let mut things: Vec<_> = things
        .filter_map(|spans| {
            let first = spans.iter().flatten().map(|span| span.start).min()?;
            let last = spans.iter().flatten().map(|span| span.end).max()?;
            Some((first, last, spans))
        })
        .collect();
    things.sort_by_key(|(first, last, _)| (*first, *last));
    let mut lanes: Vec<Vec<TimelineSpan>> = Vec::new();
    let mut free: BinaryHeap<Reverse<usize>> = BinaryHeap::new();
    let mut busy: BinaryHeap<Reverse<(SimTime, usize)>> = BinaryHeap::new();
    let mut left_out = None;
    for (first, last, spans) in things {
        while busy.peek().is_some_and(|Reverse((until, _))| *until <= first) {
            if let Some(Reverse((_, lane))) = busy.pop() {
                free.push(Reverse(lane));
            }
        }
        let lane = match free.pop() {
            Some(Reverse(lane)) => lane,
            None if lanes.len() < MOST_LANES => {
                lanes.push(Vec::new());
                lanes.len() - 1
            }
            None => {
                left_out.get_or_insert(first);
                continue;
            }
        };
        busy.push(Reverse((last, lane)));
        lanes[lane].extend(spans.into_iter().flatten());
    }
    (lanes, left_out)
}

impl Fleet<'_> {
    /// The recording at the end of the run: what is under way is told as far as it has come.
    pub(super) fn recorded(mut self, end: SimTime) -> Timeline {
        let Some(mut record) = self.record.take() else { return Timeline::default() };
        let watched: Vec<(u32, u32)> = record.watched.iter().map(|own| (own.server, own.machine)).collect();
        for (index, machine) in watched {
            let server = &mut self.servers[index as usize];
            record.ends(end, index, server);
            for slot in server.evict(end, &self.slots) {
                record.leaves(end, index, &self.slots[slot], None);
            }
            record.ends(end, index, server);
            record.down(end, machine, None);
        }
        record.finish()
    }
}
