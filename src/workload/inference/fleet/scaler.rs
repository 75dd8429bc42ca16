//! The autoscaler: it looks at a signal over a window and says how many machines there should be.

use std::collections::VecDeque;

use super::super::fleet_spec::{Autoscaler, ScaleSignal};
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
}

impl Scaling {
    pub(super) fn new(rule: Autoscaler) -> Self {
        let looks = VecDeque::from([Look { at: SimTime::ZERO, integral: 0.0 }]);
        Self { rule, looks, changed: None }
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
        let before = self.looks.get(within.min(self.looks.len() - 1).checked_sub(1)?)?;
        let span = last.at.since(before.at).0;
        (span > 0).then(|| (last.integral - before.integral) / span as f64)
    }

    /// Machines wanted, where `machines` are there or starting with `each` replicas.
    fn wanted(&self, now: SimTime, machines: u32, each: u32) -> u32 {
        let rule = &self.rule;
        if self.changed.is_some_and(|changed| changed + rule.cooldown > now) {
            return machines;
        }
        let target = rule.target.max(f64::MIN_POSITIVE) * f64::from(each.max(1));
        let needed = |mean: f64, target: f64| (mean / target).ceil().min(f64::from(u32::MAX)) as u32;
        let most = rule.most.max(rule.least);
        let more = self.mean(rule.out_window).map_or(0, |mean| needed(mean, target));
        if more > machines {
            return more.clamp(rule.least, most).max(machines.min(most));
        }
        let fewer = self.mean(rule.in_window).map_or(machines, |mean| needed(mean, target * SHRINK_BELOW));
        fewer.min(machines).clamp(rule.least, most)
    }
}

impl Fleet<'_> {
    pub(super) fn look(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        let Some(rule) = self.scaling.as_ref().map(|scaling| scaling.rule) else { return };
        let integral = match rule.signal {
            ScaleSignal::Outstanding => self.ledger.in_flight_until(now) as f64,
            ScaleSignal::Utilisation => {
                let busy = self.servers.iter_mut().filter(|server| server.group == 0);
                busy.map(|server| server.busy(now).0 as f64).sum()
            }
        };
        let there = self.machines.groups.first().map_or(0, |group| group.staying());
        let each = self.job.groups.first().map_or(1, |group| group.replicas_per_machine);
        let Some(scaling) = self.scaling.as_mut() else { return };
        scaling.remember(now, integral);
        let mut wanted = scaling.wanted(now, there, each);
        if wanted == 0 && rule.most > 0 && !self.door.is_empty() {
            wanted = 1;
        }
        if wanted != there {
            scaling.changed = Some(now);
        }
        calendar.schedule_in(scaling.period(), Event::Look);
        self.scale_to(now, wanted, calendar);
    }

    /// A request found nobody: a fleet scaled to zero starts again.
    pub(super) fn wake_fleet(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        let Some(rule) = self.scaling.as_ref().map(|scaling| scaling.rule) else { return };
        let there = self.machines.groups.first().map_or(0, |group| group.staying());
        if there == 0 && rule.most > 0 {
            if let Some(scaling) = self.scaling.as_mut() {
                scaling.changed = Some(now);
            }
            self.scale_to(now, rule.least.max(1), calendar);
        }
    }
}
