//! Machines of a fleet: they start, serve, break down, are drained and go.

use super::super::fleet_spec::{FleetJob, MachineGroup, Role, ServiceModel};
use super::super::run::GroupMeters;
use super::server::Server;
use super::spot::Market;
use super::{Event, Fleet};
use crate::engine::Calendar;
use crate::stats::Stream;
use crate::units::{Seconds, SimSpan, SimTime};
use crate::workload::Act;
use crate::workload::arrivals::Request;

/// Most replicas of a fleet; what would be more is not started.
const MOST_SERVERS: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Off,
    Starting,
    Up,
    /// It finishes what it has, and goes.
    Draining,
}

/// A machine and the replicas on it.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) group: u32,
    pub(super) state: State,
    generation: u32,
    asked: SimTime,
    starting_since: SimTime,
    first_server: u32,
    servers: u32,
    failures: Stream,
    starts: Stream,
}

/// A group of machines and its books.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) role: Role,
    /// Time of an answer after the last token, by model.
    pub(super) response: Vec<SimSpan>,
    /// What a new replica looks like.
    template: Server,
    /// Machines there, starting ones and draining ones included, and those of them that stay.
    there: u32,
    stay: u32,
    /// Machines known so far, and those of them that are off.
    known: u32,
    off: Vec<u32>,
    pub(super) market: Option<Market>,
    pub(super) meters: GroupMeters,
    /// Integral of machines over the counted time.
    machine_ns: f64,
    since: SimTime,
}

impl Group {
    fn new(job: &FleetJob, spec: &MachineGroup, index: u32, (seed, replica): (u64, u32)) -> Self {
        let response = response(&spec.service);
        Self {
            role: spec.role,
            response,
            template: Server::new(spec, index, 0, job.stepwise),
            there: 0,
            stay: 0,
            known: 0,
            off: Vec::new(),
            market: spec.spot.clone().map(|spot| Market::new(spot, index, seed, replica)),
            meters: GroupMeters::default(),
            machine_ns: 0.0,
            since: super::time_of(job.warm_up),
        }
    }

    pub(super) fn can_hold(&self, request: &Request, output: u32) -> bool {
        self.template.can_hold(request, output)
    }

    /// Machines that stay, or that will be back when the market has some.
    pub(super) fn staying(&self) -> u32 {
        match &self.market {
            Some(market) if !market.up => market.wanted,
            _ => self.stay,
        }
    }

    fn count(&mut self, now: SimTime, change: i64) {
        self.machine_ns += now.since(self.since).0 as f64 * f64::from(self.there);
        self.since = self.since.max(now);
        self.there = (i64::from(self.there) + change).clamp(0, i64::from(u32::MAX)) as u32;
        self.meters.most_machines = self.meters.most_machines.max(self.there);
    }

    /// The books at the end; `counted` is the time that counts.
    pub(super) fn close(&mut self, now: SimTime, counted: SimSpan) -> GroupMeters {
        self.count(now, 0);
        let mut meters = std::mem::take(&mut self.meters);
        if counted > SimSpan::ZERO {
            meters.mean_machines = self.machine_ns / counted.0 as f64;
        }
        meters
    }
}

/// Time of an answer after the last token, by model.
fn response(service: &ServiceModel) -> Vec<SimSpan> {
    match service {
        ServiceModel::Language(model) => vec![model.rules.response_overhead],
        ServiceModel::Ordinary(..) => vec![SimSpan::ZERO],
        ServiceModel::Shared(models, _) => models.iter().flat_map(response).collect(),
    }
}

/// All machines.
#[derive(Clone, Debug)]
pub(super) struct Machines {
    pub(super) groups: Vec<Group>,
    pub(super) machines: Vec<Machine>,
    seeds: (u64, u32),
}

impl Machines {
    pub(super) fn new(job: &FleetJob, seed: u64, replica: u32) -> Self {
        let group = |(index, spec)| Group::new(job, spec, index as u32, (seed, replica));
        let groups = job.groups.iter().enumerate().map(group).collect();
        Self { groups, machines: Vec::new(), seeds: (seed, replica) }
    }

    /// Machines of a group in one of some states.
    pub(super) fn of_group(&self, group: u32, states: &[State]) -> Vec<u32> {
        let own =
            |(_, machine): &(usize, &Machine)| machine.group == group && states.contains(&machine.state);
        self.machines.iter().enumerate().filter(own).map(|(index, _)| index as u32).collect()
    }
}

impl Fleet<'_> {
    pub(super) fn start_machines(&mut self, calendar: &mut Calendar<Event>) {
        for index in 0..self.job.groups.len() as u32 {
            let mut machines = self.job.groups[index as usize].machines;
            if let Some(scaling) = self.scaling.as_ref().filter(|scaling| scaling.rule.group == index) {
                machines = machines.clamp(scaling.rule.least, scaling.rule.most.max(scaling.rule.least));
            }
            if self.start_market(index, machines, calendar) {
                (0..machines).for_each(|_| self.start_machine(SimTime::ZERO, index, self.job.warm, calendar));
            }
        }
        for (index, loss) in self.job.losses.iter().enumerate() {
            calendar.schedule_at(super::time_of(loss.at), Event::Loss { index: index as u32 });
        }
    }

    /// Asks for a machine.
    pub(super) fn start_machine(
        &mut self,
        now: SimTime,
        group: u32,
        warm: bool,
        calendar: &mut Calendar<Event>,
    ) {
        let Some(index) = self.machines.groups[group as usize].off.pop().or_else(|| self.add_machine(group))
        else {
            return;
        };
        let machine = &mut self.machines.machines[index as usize];
        machine.state = State::Starting;
        (machine.asked, machine.starting_since) = (now, now);
        let own = &mut self.machines.groups[group as usize];
        own.count(now, 1);
        own.stay += 1;
        if warm {
            let generation = self.machines.machines[index as usize].generation;
            self.machine_ready(now, index, generation, calendar);
        } else {
            self.boot(now, index, calendar);
        }
    }

    fn boot(&mut self, now: SimTime, index: u32, calendar: &mut Calendar<Event>) {
        let machine = &mut self.machines.machines[index as usize];
        let law = &self.job.groups[machine.group as usize].start;
        let span = SimSpan::from_seconds(Seconds(law.draw(&mut machine.starts)));
        let generation = machine.generation;
        calendar.schedule_at(now + span, Event::Ready { machine: index, generation });
    }

    fn add_machine(&mut self, group: u32) -> Option<u32> {
        let each = self.job.groups[group as usize].replicas_per_machine.max(1);
        if self.servers.len() + each as usize > MOST_SERVERS {
            return None;
        }
        let own = &mut self.machines.groups[group as usize];
        own.known += 1;
        let number = own.known;
        let index = self.machines.machines.len() as u32;
        let (seed, replica) = self.machines.seeds;
        let stream = |purpose| Stream::named(seed, replica, &format!("machine {group} {number}"), purpose);
        self.machines.machines.push(Machine {
            group,
            state: State::Off,
            generation: 0,
            asked: SimTime::ZERO,
            starting_since: SimTime::ZERO,
            first_server: self.servers.len() as u32,
            servers: each,
            failures: stream("failures"),
            starts: stream("start"),
        });
        for _ in 0..each {
            let mut server = self.machines.groups[group as usize].template.clone();
            server.machine = index;
            self.servers.push(server);
        }
        if let Some(record) = &mut self.record
            && !record.watches(group, &self.servers)
        {
            let first = self.machines.machines[index as usize].first_server;
            let spec = &self.job.groups[group as usize];
            record.made(first, &mut self.servers[first as usize], spec, self.job.groups.len());
        }
        Some(index)
    }

    /// A machine has started: its replicas take requests.
    pub(super) fn machine_ready(
        &mut self,
        now: SimTime,
        index: u32,
        generation: u32,
        calendar: &mut Calendar<Event>,
    ) {
        let machine = &mut self.machines.machines[index as usize];
        if machine.generation != generation || machine.state != State::Starting {
            return;
        }
        machine.state = State::Up;
        let spec = &self.job.groups[machine.group as usize];
        let starting = now.since(machine.starting_since).times(u64::from(spec.billed_per_machine));
        self.machines.groups[machine.group as usize].meters.starting += starting;
        if let Some(mtbf) = spec.failures.filter(|mtbf| mtbf.0 > 0.0) {
            let span = SimSpan::from_seconds(Seconds(machine.failures.exponential(mtbf.0)));
            calendar.schedule_at(now + span, Event::Failure { machine: index, generation });
        }
        for server in &mut self.servers[servers_of(machine)] {
            (server.open, server.up_since) = (true, Some(now));
        }
        if let Some(record) = &mut self.record {
            record.ready(now, index, machine.starting_since);
        }
        self.list_is_old = true;
        self.empty_door(now, calendar);
    }

    pub(super) fn machine_fails(
        &mut self,
        now: SimTime,
        index: u32,
        generation: u32,
        calendar: &mut Calendar<Event>,
    ) {
        let machine = &self.machines.machines[index as usize];
        if machine.generation != generation || !matches!(machine.state, State::Up | State::Draining) {
            return;
        }
        let (group, goes) = (machine.group, machine.state == State::Draining);
        self.machines.groups[group as usize].meters.interruptions += 1;
        self.goes_down(now, index, Act::Failure);
        let inside = self.close_servers(now, index);
        if goes {
            self.stop_machine(now, index);
        } else {
            let machine = &mut self.machines.machines[index as usize];
            (machine.state, machine.starting_since) = (State::Starting, now);
            self.boot(now, index, calendar);
        }
        self.send_back(now, inside, calendar);
    }

    /// The replicas of a machine are no more; those inside come back.
    pub(super) fn close_servers(&mut self, now: SimTime, index: u32) -> Vec<u32> {
        let machine = &mut self.machines.machines[index as usize];
        machine.generation = machine.generation.wrapping_add(1);
        let mut inside = Vec::new();
        let servers = servers_of(machine);
        if let Some(record) = &mut self.record {
            record.down(now, index, None);
        }
        for (own, server) in (machine.first_server..).zip(&mut self.servers[servers]) {
            server.open = false;
            server.up += server.up_since.take().map_or(SimSpan::ZERO, |since| now.since(since));
            if let Some(record) = &mut self.record {
                record.ends(now, own, server);
            }
            let mut evicted = server.evict(now, &self.slots);
            if let Some(record) = &mut self.record {
                evicted.iter().for_each(|slot| record.leaves(now, own, &self.slots[*slot], None));
            }
            inside.append(&mut evicted);
            server.due = SimTime::NEVER;
            server.generation = server.generation.wrapping_add(1);
        }
        self.list_is_old = true;
        inside.sort_unstable_by_key(|slot| self.slots[*slot].order);
        inside
    }

    /// Records what happened to a machine.
    pub(super) fn goes_down(&mut self, now: SimTime, index: u32, why: Act) {
        if let Some(record) = &mut self.record {
            record.down(now, index, Some(why));
        }
    }

    /// A machine is given back; its replicas are closed already.
    pub(super) fn stop_machine(&mut self, now: SimTime, index: u32) {
        let machine = &mut self.machines.machines[index as usize];
        let spec = &self.job.groups[machine.group as usize];
        let group = &mut self.machines.groups[machine.group as usize];
        if machine.state != State::Draining {
            group.stay = group.stay.saturating_sub(1);
        }
        let billed = u64::from(spec.billed_per_machine);
        if machine.state == State::Starting {
            group.meters.starting += now.since(machine.starting_since).times(billed);
        }
        group.meters.billed += now.since(machine.asked).times(billed);
        group.count(now, -1);
        group.off.push(index);
        machine.state = State::Off;
        machine.generation = machine.generation.wrapping_add(1);
    }

    /// A machine takes no more requests and goes when it has none.
    pub(super) fn drain_machine(&mut self, now: SimTime, index: u32) {
        let machine = &mut self.machines.machines[index as usize];
        match machine.state {
            State::Starting => self.stop_machine(now, index),
            State::Up => {
                machine.state = State::Draining;
                let servers = servers_of(machine);
                let group = &mut self.machines.groups[machine.group as usize];
                group.stay = group.stay.saturating_sub(1);
                self.servers[servers].iter_mut().for_each(|server| server.open = false);
                self.list_is_old = true;
                self.stop_if_empty(now, index);
            }
            State::Off | State::Draining => {}
        }
    }

    pub(super) fn stop_if_drained(&mut self, now: SimTime, server: u32, _: &mut Calendar<Event>) {
        self.stop_if_empty(now, self.servers[server as usize].machine);
    }

    fn stop_if_empty(&mut self, now: SimTime, index: u32) {
        let machine = &self.machines.machines[index as usize];
        let own = &self.servers[servers_of(machine)];
        if machine.state == State::Draining && own.iter().all(|server| server.outstanding() == 0) {
            let _ = self.close_servers(now, index);
            self.stop_machine(now, index);
        }
    }

    /// Starts or drains machines of the group that is scaled.
    pub(super) fn scale_to(&mut self, now: SimTime, wanted: u32, calendar: &mut Calendar<Event>) {
        let Some(index) = self.scaling.as_ref().map(|scaling| scaling.rule.group) else { return };
        let Some(group) = self.machines.groups.get_mut(index as usize) else { return };
        let there = group.staying();
        if let Some(market) = group.market.as_mut().filter(|market| !market.up) {
            market.wanted = wanted;
            return;
        }
        if there == wanted {
            return;
        }
        (there..wanted).for_each(|_| self.start_machine(now, index, false, calendar));
        let mut staying = self.machines.of_group(index, &[State::Starting, State::Up]);
        // Those that still start go first, then the ones with least to do, the newest of them.
        staying.sort_by_key(|index| {
            let machine = &self.machines.machines[*index as usize];
            let inside: usize = self.servers[servers_of(machine)].iter().map(Server::outstanding).sum();
            (machine.state == State::Up, inside, std::cmp::Reverse(*index))
        });
        let excess = there.saturating_sub(wanted) as usize;
        staying.into_iter().take(excess).for_each(|index| self.drain_machine(now, index));
    }

    /// Machines are taken on purpose: the first that are up.
    pub(super) fn loss(&mut self, now: SimTime, index: u32, calendar: &mut Calendar<Event>) {
        let loss = self.job.losses[index as usize];
        let groups = 0..self.job.groups.len() as u32;
        let up = groups.flat_map(|group| self.machines.of_group(group, &[State::Up]));
        let lost: Vec<u32> = up.take(loss.machines as usize).collect();
        let mut inside = Vec::new();
        for index in lost {
            let group = self.machines.machines[index as usize].group;
            self.machines.groups[group as usize].meters.interruptions += 1;
            self.goes_down(now, index, Act::Failure);
            inside.append(&mut self.close_servers(now, index));
            self.stop_machine(now, index);
            if let Some(after) = loss.back_after {
                calendar.schedule_at(now + SimSpan::from_seconds(after), Event::Return { group });
            }
        }
        self.send_back(now, inside, calendar);
    }

    /// A replacement is asked for.
    pub(super) fn machine_returns(&mut self, now: SimTime, group: u32, calendar: &mut Calendar<Event>) {
        match self.machines.groups[group as usize].market.as_mut().filter(|market| !market.up) {
            Some(market) => market.wanted += 1,
            None => self.start_machine(now, group, false, calendar),
        }
    }
}

fn servers_of(machine: &Machine) -> std::ops::Range<usize> {
    let first = machine.first_server as usize;
    first..first + machine.servers as usize
}
