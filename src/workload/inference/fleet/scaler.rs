//! The autoscaler: it looks at a signal over a window and says how many machines there should be.

use std::collections::VecDeque;

use super::super::fleet_spec::{Autoscaler, Role, ScaleSignal};
use super::server::Server;
use super::{Event, Fleet};
use crate::engine::Calendar;
use crate::units::{SimSpan, SimTime};

/// Shortest time between looks; a shorter one would be all that happens.
const SHORTEST_PERIOD: SimSpan = SimSpan(1_000_000);
/// Share of the target under which a fleet shrinks (AWS target tracking: alarms at 90 % of the target).
const SHRINK_BELOW: f64 = 0.9;
/// Most looks remembered.
const MOST_LOOKS: usize = 100_000;

/// What is seen at a look.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: SimTime,
    /// Integral of the signal, summed over replicas.
    integral: f64,
}

/// An autoscaler and what it remembers.
#[derive(Clone, Debug)]
pub(super) struct Scaling {
    pub(super) rule: Autoscaler,
    looks: VecDeque<Look>,
    changed: Option<SimTime>,
    /// The last look, while there is nothing to look at.
    asleep: Option<SimTime>,
}

impl Scaling {
    pub(super) fn new(rule: Autoscaler) -> Self {
        let looks = VecDeque::from([Look { at: SimTime::ZERO, integral: 0.0 }]);
        Self { rule, looks, changed: None, asleep: None }
    }

    pub(super) fn period(&self) -> SimSpan {
        self.rule.period.max(SHORTEST_PERIOD)
    }

    fn remember(&mut self, at: SimTime, integral: f64) {
        self.looks.push_back(Look { at, integral });
        let longest = self.rule.out_window.max(self.rule.in_window);
        // One look at or before the start of the longest window is needed.
        while self.looks.len() > 2 && (self.looks[1].at + longest <= at || self.looks.len() > MOST_LOOKS) {
            self.looks.pop_front();
        }
    }

    /// Mean of the signal over a window that ends with the last look; `None` while there is not so much to see.
    fn mean(&self, window: SimSpan) -> Option<f64> {
        let last = self.looks.back()?;
        let within = self.looks.partition_point(|look| look.at + window <= last.at);
        let place = within.min(self.looks.len() - 1).checked_sub(1)?;
        let before = self.looks.get(place)?;
        // While it slept, nothing changed: it would have seen the same at each of the looks left out.
        let left_out = last.at.since(before.at + window).0 / self.period().0;
        let next = self.looks.get(place + 1)?;
        let left_out = left_out.min((next.at.since(before.at).0.saturating_sub(1)) / self.period().0);
        let span = last.at.since(before.at + self.period().times(left_out)).0;
        (span > 0).then(|| (last.integral - before.integral) / span as f64)
    }

    /// Machines wanted, where `machines` are there or starting with `each` replicas, and so many `others` beside them.
    fn wanted(&self, now: SimTime, machines: u32, each: u32, others: f64) -> u32 {
        let rule = &self.rule;
        if self.changed.is_some_and(|changed| changed + rule.cooldown > now) {
            return machines;
        }
        let per_replica = rule.target.max(f64::MIN_POSITIVE);
        let needed = |mean: f64, share: f64| {
            let target = per_replica * share;
            let left = (mean - others * target) / (target * f64::from(each.max(1)));
            left.ceil().clamp(0.0, f64::from(u32::MAX)) as u32
        };
        let most = rule.most.max(rule.least);
        let more = self.mean(rule.out_window).map_or(0, |mean| needed(mean, 1.0));
        if more > machines {
            return more.clamp(rule.least, most).max(machines.min(most));
        }
        let mut fewer = self.mean(rule.in_window).map_or(machines, |mean| needed(mean, SHRINK_BELOW));
        if rule.signal == ScaleSignal::Queue {
            // An empty queue does not say how many could go.
            fewer = fewer.max(machines.saturating_sub(1));
        }
        fewer.min(machines).clamp(rule.least, most)
    }

    /// Whether looks will go on seeing nothing, until something happens.
    fn sees_nothing(&self, now: SimTime) -> bool {
        let rule = &self.rule;
        let waits = self.changed.is_some_and(|changed| changed + rule.cooldown > now);
        !waits && self.mean(rule.out_window) == Some(0.0) && self.mean(rule.in_window) == Some(0.0)
    }
}

impl Fleet<'_> {
    pub(super) fn look(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        let Some(rule) = self.scaling.as_ref().map(|scaling| scaling.rule) else { return };
        let Some(own) = self.machines.groups.get(rule.group as usize) else { return };
        let (role, there) = (own.role, own.staying());
        let each = self.job.groups.get(rule.group as usize).map_or(1, |group| group.replicas_per_machine);
        let others = self.replicas_beside(rule.group, role);
        let signal = self.signal(now, rule.signal, role);
        let Some(scaling) = self.scaling.as_mut() else { return };
        scaling.remember(now, signal);
        let mut wanted = scaling.wanted(now, there, each, others);
        if wanted == 0 && rule.most > 0 && !self.door.is_empty() {
            wanted = 1;
        }
        if wanted != there {
            scaling.changed = Some(now);
        }
        // Nobody is here, nobody was, and the fleet is as it should be: the next look that can see anything else is the
        // one after the next event.
        let idle = self.ledger.inside() == 0 && wanted == there && scaling.sees_nothing(now);
        scaling.asleep = idle.then_some(now);
        if !idle {
            calendar.schedule_in(scaling.period(), Event::Look);
        }
        self.scale_to(now, wanted, calendar);
    }

    /// Something happens: looks go on, in the rhythm that they had.
    pub(super) fn wake_scaler(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        let Some(scaling) = self.scaling.as_mut() else { return };
        let Some(since) = scaling.asleep.take() else { return };
        let period = scaling.period();
        let looks = now.since(since).0.div_ceil(period.0).max(1);
        calendar.schedule_at(since + period.times(looks), Event::Look);
    }

    /// Integral of a signal until now, over the replicas of a role.
    fn signal(&mut self, now: SimTime, signal: ScaleSignal, role: Role) -> f64 {
        let groups = &self.job.groups;
        let own = |server: &Server| groups.get(server.group as usize).is_some_and(|group| group.role == role);
        match signal {
            ScaleSignal::Outstanding => self.ledger.in_flight_until(now) as f64,
            ScaleSignal::Utilisation => {
                let busy = self.servers.iter_mut().filter(|server| own(server));
                busy.map(|server| server.busy(now).0 as f64).sum()
            }
            ScaleSignal::Queue => {
                let waiting: usize =
                    self.servers.iter().filter(|server| own(server)).map(Server::queued).sum();
                let waiting = waiting + self.door.len();
                // What is seen at a look is taken to have been so since the last.
                self.scaling.as_ref().map_or(0.0, |scaling| {
                    let before = scaling.looks.back().map_or(0.0, |last| last.integral);
                    before + waiting as f64 * scaling.period().0 as f64
                })
            }
        }
    }

    /// Replicas of the same role in other groups.
    fn replicas_beside(&self, group: u32, role: Role) -> f64 {
        let beside = self.machines.groups.iter().zip(&self.job.groups).enumerate();
        beside
            .filter(|(index, (own, _))| *index != group as usize && own.role == role)
            .map(|(_, (own, spec))| f64::from(own.staying()) * f64::from(spec.replicas_per_machine))
            .sum()
    }

    /// A request found nobody: a fleet scaled to zero starts again.
    pub(super) fn wake_fleet(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        let Some(rule) = self.scaling.as_ref().map(|scaling| scaling.rule) else { return };
        let there = self.machines.groups.get(rule.group as usize).map_or(0, |group| group.staying());
        if there == 0 && rule.most > 0 {
            if let Some(scaling) = self.scaling.as_mut() {
                scaling.changed = Some(now);
            }
            self.scale_to(now, rule.least.max(1), calendar);
        }
    }
}
