//! The door: requests come, are let in or refused, are given to replicas, and leave.

use super::super::fleet_spec::{AdmissionRule, Role};
use super::super::ledger::{Fate, RequestRecord};
use super::{Event, Fleet, MOST_INSIDE, MOST_REFUSED};
use crate::engine::Calendar;
use crate::units::{SimSpan, SimTime};
use crate::workload::arrivals::Request;

impl Fleet<'_> {
    /// Draws the first request, or lets every client send one.
    pub(super) fn open_door(&mut self, calendar: &mut Calendar<Event>) {
        match self.source.clients() {
            Some(clients) => {
                self.closed = true;
                for _ in 0..clients {
                    if self.over || self.ledger.inside() > MOST_INSIDE {
                        return;
                    }
                    self.send_next(SimTime::ZERO, calendar);
                }
            }
            None => self.draw_next(calendar),
        }
    }

    fn draw_next(&mut self, calendar: &mut Calendar<Event>) {
        self.next = self.source.next();
        match &self.next {
            Some(request) => calendar.schedule_at(request.at.max(calendar.now()), Event::Arrival),
            None => self.over = true,
        }
    }

    /// Lets in whoever has come by now.
    pub(super) fn take_arrivals(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        while self.ledger.inside() <= MOST_INSIDE
            && self.refused_in_a_row <= MOST_REFUSED
            && let Some(request) = self.next.filter(|request| request.at <= now)
        {
            self.arrive(now, request, calendar);
            // Those of the same instant follow without an event of their own.
            self.next = self.source.next();
            match &self.next {
                Some(request) if request.at <= now => {}
                Some(request) => calendar.schedule_at(request.at, Event::Arrival),
                None => self.over = true,
            }
        }
    }

    /// A client sends its next request.
    pub(super) fn send_next(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        match self.source.next() {
            Some(request) => self.arrive(now, Request { at: now, ..request }, calendar),
            None => self.over = true,
        }
    }

    fn arrive(&mut self, now: SimTime, request: Request, calendar: &mut Calendar<Event>) {
        self.idle_events = 0;
        self.ledger.arrive(now, &request);
        let slot = self.slots.place(request, self.arrived);
        self.arrived += 1;
        if !self.fits_somewhere(&request) {
            self.answer(now, slot, Fate::TooLarge, calendar);
        } else if self.turned_away() {
            self.answer(now, slot, Fate::Refused, calendar);
        } else {
            self.route(now, slot, calendar);
        }
    }

    /// Whether some replica that takes the request, and one that goes on with it, could hold it.
    fn fits_somewhere(&self, request: &Request) -> bool {
        let groups = &self.machines.groups;
        let fits = |role: Role, output: u32| {
            let mut own = groups.iter().filter(|group| group.role == role);
            own.any(|group| group.can_hold(request, output))
        };
        fits(Role::Whole, request.output)
            || (fits(Role::Prefill, request.output) && fits(Role::Decode, request.output))
    }

    fn turned_away(&mut self) -> bool {
        self.list_servers();
        match self.job.admission {
            AdmissionRule::Open => false,
            AdmissionRule::Outstanding(most) => {
                let servers = self.entry.len().max(1) as u64;
                self.ledger.inside() > u64::from(most).saturating_mul(servers)
            }
            AdmissionRule::Wait(longest) => {
                let waits = self.entry.iter().map(|index| self.servers[*index as usize].expected_wait());
                waits.min().is_some_and(|wait| wait > longest)
            }
        }
    }

    /// Gives a request to a replica; where there is none it stays at the door.
    pub(super) fn route(&mut self, now: SimTime, slot: u32, calendar: &mut Calendar<Event>) {
        self.list_servers();
        let chosen = self.routing.choose(&self.slots[slot].request, &self.entry, &self.servers);
        let Some(index) = chosen else {
            self.door.push_back(slot);
            self.wake_fleet(now, calendar);
            return;
        };
        self.offer(now, index, slot, calendar);
    }

    /// Gives a computed prompt to a decode replica.
    pub(super) fn route_decode(&mut self, now: SimTime, slot: u32, calendar: &mut Calendar<Event>) {
        self.list_servers();
        let request = self.slots[slot].request;
        let servers = &self.servers;
        let holds = |index: &u32| servers[*index as usize].can_hold(&request, request.output);
        match self.routing.least(&self.decoders, servers, holds) {
            Some(index) => self.offer(now, index, slot, calendar),
            None => self.decode_door.push_back(slot),
        }
    }

    fn offer(&mut self, now: SimTime, index: u32, slot: u32, calendar: &mut Calendar<Event>) {
        let mut out = Vec::new();
        self.servers[index as usize].offer(now, slot, &mut self.slots, &mut out);
        self.let_out(now, index, &mut out, calendar);
        self.schedule(index, calendar);
    }

    /// Those at the door go in, now that there is a replica.
    pub(super) fn empty_door(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        for slot in std::mem::take(&mut self.door) {
            self.route(now, slot, calendar);
        }
        for slot in std::mem::take(&mut self.decode_door) {
            self.route_decode(now, slot, calendar);
        }
    }

    /// Those that a lost machine had begin again.
    pub(super) fn send_back(&mut self, now: SimTime, slots: Vec<u32>, calendar: &mut Calendar<Event>) {
        for slot in slots {
            self.slots.restart(slot);
            self.route(now, slot, calendar);
        }
    }

    /// A replica is done with a request.
    pub(super) fn served(
        &mut self,
        now: SimTime,
        index: u32,
        slot: u32,
        fate: Fate,
        calendar: &mut Calendar<Event>,
    ) {
        self.slots[slot].last_token = now;
        if let Some(record) = &mut self.record {
            record.leaves(now, index, &self.slots[slot], Some(fate));
        }
        let group = &self.machines.groups[self.servers[index as usize].group as usize];
        let model = usize::from(self.slots[slot].request.model);
        let overhead = group.response.get(model).or(group.response.first()).copied().unwrap_or(SimSpan::ZERO);
        if fate == Fate::Finished && overhead > SimSpan::ZERO {
            calendar.schedule_at(now + overhead, Event::Answer { slot });
        } else {
            self.answer(now, slot, fate, calendar);
        }
    }

    /// A request leaves the system.
    pub(super) fn answer(&mut self, now: SimTime, slot: u32, fate: Fate, calendar: &mut Calendar<Event>) {
        self.idle_events = 0;
        self.refused_in_a_row = if fate == Fate::Finished { 0 } else { self.refused_in_a_row + 1 };
        let own = &self.slots[slot];
        let record = RequestRecord {
            request: own.request,
            order: own.order,
            first_token: (own.first_token != SimTime::NEVER).then_some(own.first_token),
            last_token: own.last_token.min(now),
            end: now,
            fate,
        };
        let waited = own.started.min(now).since(own.request.at);
        self.ledger.leave(now, &record, waited);
        (self.sink)(&record);
        self.slots.release(slot);
        if self.closed {
            let think = self.source.think();
            // Also without a thought the next request comes by an event: a client that is refused must not recurse.
            calendar.schedule_at(now + think, Event::Client);
        }
    }
}
