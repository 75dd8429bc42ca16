//! Fleets of several groups: what each is for, how caches reach the decode groups, and what they cost together.

use crate::cost::{Item, Ledger, Line};
use crate::fleet::GroupRole;
use crate::units::{BytesPerSecond, Money};
use crate::workload::inference::{Role, ServingRun};

use super::super::result::{Estimate, Row};
use super::super::serving_result::GroupFigures;
use super::measure::Measured;
use super::prepare::Served;
use super::way::{UNKNOWN_CARD, Way};

/// A group with the way it serves.
#[derive(Clone, Copy)]
pub(super) struct Group<'a> {
    pub served: &'a Served,
    pub way: &'a Way,
}

/// The groups of a fleet; the first serves in the way given.
pub(super) fn of<'a>(served: &'a Served, way: &'a Way) -> Vec<Group<'a>> {
    let others = served.others.iter().filter_map(|served| Some(Group { served, way: served.way()? }));
    std::iter::once(Group { served, way }).chain(others).collect()
}

impl Group<'_> {
    /// Machines of a group that is one of several.
    pub fn machines(&self) -> u64 {
        self.served.machines(self.way).unwrap_or(1)
    }

    /// What the simulation lets it do.
    pub fn role(&self) -> Role {
        match self.served.candidate.role {
            Some(GroupRole::Prefill) => Role::Prefill,
            Some(GroupRole::Decode) => Role::Decode,
            Some(GroupRole::Base | GroupRole::Burst | GroupRole::Online) | None => Role::Whole,
        }
    }

    /// Whether it is the group that comes and goes with the load.
    pub fn bursts(&self) -> bool {
        self.served.candidate.role == Some(GroupRole::Burst)
    }

    /// The word of its role.
    pub fn word(&self) -> &'static str {
        self.served.candidate.role.map_or("", GroupRole::word)
    }
}

/// A fleet of groups: what is missing of one is missing of the fleet.
pub(super) fn joined(mut first: Served, mut others: Vec<Served>) -> Served {
    for other in &mut others {
        if first.ways.is_ok()
            && let Err(reason) = &other.ways
        {
            first.ways = Err(reason.clone());
        }
        if first.tariff.is_ok()
            && let Err(unpriced) = &other.tariff
        {
            first.tariff = Err(unpriced.clone());
        }
    }
    first.others = others;
    let role = |served: &Served, role: GroupRole| served.candidate.role == Some(role);
    let card = |served: &Served| served.candidate.network().across_bandwidth.unwrap_or(UNKNOWN_CARD);
    let decoding = first.groups().filter(|served| role(served, GroupRole::Decode)).map(card);
    // Without decode groups nothing is sent.
    if let Some(slowest) = decoding.reduce(BytesPerSecond::min) {
        let send = |served: &mut Served| {
            if role(served, GroupRole::Prefill) {
                let rate = card(served).min(slowest).0.max(1.0);
                let bytes = served.way().map_or(0.0, |way| way.cache_bytes_per_token);
                served.transfer_ns_per_token = 1e9 * bytes / rate;
            }
        };
        send(&mut first);
        first.others.iter_mut().for_each(send);
    }
    first
}

/// Share of the time that a group's replicas are up in which they work.
pub(super) fn busy_share(run: &ServingRun, index: usize) -> f64 {
    run.groups.get(index).map_or(0.0, |group| {
        let up = group.up.seconds().0;
        if up > 0.0 { (group.busy.seconds().0 / up).clamp(0.0, 1.0) } else { 0.0 }
    })
}

/// The group whose replicas are busiest.
pub(super) fn busiest<'a>(groups: &[Group<'a>], measured: &Measured) -> Option<Group<'a>> {
    let share = |index: usize| measured.mean(|run| busy_share(run, index));
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by(|left, right| share(*right).total_cmp(&share(*left)));
    order.first().and_then(|index| groups.get(*index)).copied()
}

/// Words and sums of a row whose fleet is made of groups.
pub(super) fn describe(row: &mut Row, groups: &[Group<'_>], measured: &Measured) -> Vec<GroupFigures> {
    let words = |group: &Group<'_>| format!("{}: {}", group.word(), group.way.words());
    row.layout = Some(groups.iter().map(words).collect::<Vec<_>>().join("; "));
    row.provenance = groups.iter().map(|group| group.way.provenance).max();
    let mut bases: Vec<String> =
        groups.iter().map(|group| format!("{}: {}", group.word(), group.way.basis)).collect();
    let sent = groups.iter().map(|group| group.served.transfer_ns_per_token).fold(0.0, f64::max);
    if sent > 0.0 {
        let micros = crate::units::Significant(sent / 1e3, 3);
        bases.push(format!(
            "a token's cache takes {micros} µs to the decode group, over the slower network card"
        ));
    }
    row.basis = Some(bases.join("; "));
    let devices = |group: &Group<'_>| match &group.served.candidate.accelerator {
        Some(_) => group.machines() * group.served.candidate.accelerators_per_node(),
        None => 0,
    };
    row.accelerators = groups.iter().map(devices).sum();
    let hourly = |group: &Group<'_>| {
        let tariff = group.served.tariff.as_ref().ok()?;
        Some(tariff.hourly.typical.usd_per_hour() * group.machines() as f64)
    };
    row.price_usd_per_hour = groups.iter().map(hourly).sum();
    let figures = |(index, group): (usize, &Group<'_>)| {
        let candidate = &group.served.candidate;
        GroupFigures {
            role: group.word().to_owned(),
            instance: candidate.instance.id(),
            instances: group.machines(),
            purchase: candidate.purchase,
            region: candidate.region.clone(),
            layout: group.way.words(),
            replicas: group.machines() / group.way.machines_per_replica.max(1) * group.way.per_machine,
            memory_per_accelerator_bytes: group.way.memory.as_ref().map(|need| need.total().0),
            utilisation: measured.mean(|run| busy_share(run, index)),
            price_usd_per_hour: hourly(group),
            cost_per_month_usd: None,
        }
    };
    groups.iter().enumerate().map(figures).collect()
}

/// The bill of all groups.
pub(super) fn total(ledgers: &[Ledger]) -> Ledger {
    let line = |item: &Item| {
        let amount: Money = ledgers.iter().map(|ledger| ledger.amount(*item)).sum();
        (amount != Money::ZERO).then_some(Line { item: *item, amount })
    };
    Ledger { lines: Item::ALL.iter().filter_map(line).collect() }
}

/// The sum of costs; what is not known of the groups' prices is taken to be independent.
pub(super) fn sum(costs: &[Estimate], total: f64) -> Option<Estimate> {
    let (first, rest) = costs.split_first()?;
    if rest.is_empty() {
        return Some(*first);
    }
    let side = |of: fn(&Estimate) -> f64| costs.iter().map(of).fold(0.0, libm::hypot);
    Some(Estimate {
        mean: total,
        lo: (total - side(|cost| cost.mean - cost.lo)).max(0.0),
        hi: total + side(|cost| cost.hi - cost.mean),
        level: first.level,
        p50: total,
        p90: total + side(|cost| cost.p90 - cost.mean),
    })
}
