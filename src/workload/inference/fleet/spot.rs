//! The spot market of a group: it takes all machines, after a notice, and has some again later.

use super::machines::State;
use super::{Event, Fleet};
use crate::engine::Calendar;
use crate::stats::Stream;
use crate::units::{Seconds, SimSpan, SimTime};
use crate::workload::Act;
use crate::workload::failures::SpotMarket;

/// Shortest time with and without capacity: shorter ones would be all that happens.
const SHORTEST: Seconds = Seconds(1.0);

/// A market and its state.
#[derive(Clone, Debug)]
pub(super) struct Market {
    law: SpotMarket,
    pub(super) up: bool,
    /// Machines to ask for when there is capacity.
    pub(super) wanted: u32,
    ups: Stream,
    downs: Stream,
}

impl Market {
    pub(super) fn new(law: SpotMarket, group: u32, seed: u64, replica: u32) -> Self {
        let stream = |purpose| Stream::named(seed, replica, &format!("group {group}"), purpose);
        Self { law, up: true, wanted: 0, ups: stream("spot up runs"), downs: stream("spot down runs") }
    }
}

impl Fleet<'_> {
    /// Starts the market of a group, if it has one; `false` while it has no capacity.
    pub(super) fn start_market(&mut self, group: u32, wanted: u32, calendar: &mut Calendar<Event>) -> bool {
        let Some(market) = self.machines.groups[group as usize].market.as_mut() else { return true };
        market.wanted = wanted;
        let wait = market.law.first_wait(&mut market.downs);
        if wait.0 > 0.0 && !self.job.warm {
            market.up = false;
            calendar.schedule_in(SimSpan::from_seconds(wait), Event::Capacity { group });
            return false;
        }
        self.run_market(SimTime::ZERO, group, calendar);
        true
    }

    /// Draws how long there is capacity.
    fn run_market(&mut self, now: SimTime, group: u32, calendar: &mut Calendar<Event>) {
        let Some(market) = self.machines.groups[group as usize].market.as_mut() else { return };
        market.up = true;
        let run = market.law.draw_up(&mut market.ups).0.max(SHORTEST.0);
        let notice = (run - market.law.notice.0).clamp(0.0, run);
        calendar.schedule_at(now + SimSpan::from_seconds(Seconds(notice)), Event::Notice { group });
        calendar.schedule_at(now + SimSpan::from_seconds(Seconds(run)), Event::Taken { group });
    }

    /// Machines that will be taken take no more requests.
    pub(super) fn notice(&mut self, now: SimTime, group: u32, _: &mut Calendar<Event>) {
        let own = &mut self.machines.groups[group as usize];
        let staying = own.staying();
        if let Some(market) = &mut own.market {
            market.wanted = staying;
            market.up = false;
        }
        let machines = self.machines.of_group(group, &[State::Starting, State::Up]);
        self.machines.groups[group as usize].meters.interruptions += machines.len() as u64;
        machines.into_iter().for_each(|index| self.drain_machine(now, index));
    }

    /// Machines are taken, whatever they have inside.
    pub(super) fn taken(&mut self, now: SimTime, group: u32, calendar: &mut Calendar<Event>) {
        let mut inside = Vec::new();
        for index in self.machines.of_group(group, &[State::Starting, State::Up, State::Draining]) {
            self.goes_down(now, index, Act::SpotLoss);
            inside.append(&mut self.close_servers(now, index));
            self.stop_machine(now, index);
        }
        if let Some(market) = self.machines.groups[group as usize].market.as_mut() {
            market.up = false;
            let down = market.law.draw_down(&mut market.downs).0.max(SHORTEST.0);
            calendar.schedule_at(now + SimSpan::from_seconds(Seconds(down)), Event::Capacity { group });
        }
        self.send_back(now, inside, calendar);
    }

    /// There are machines again.
    pub(super) fn capacity(&mut self, now: SimTime, group: u32, calendar: &mut Calendar<Event>) {
        let wanted = self.machines.groups[group as usize].market.as_ref().map_or(0, |market| market.wanted);
        self.run_market(now, group, calendar);
        (0..wanted).for_each(|_| self.start_machine(now, group, false, calendar));
    }
}
