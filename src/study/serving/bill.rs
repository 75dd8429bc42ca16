//! What a serving fleet costs: machines by the hour, the premium of a managed service, fees, store and look-ups.

use crate::catalog::{Provenance, Purchase};
use crate::cost::{Item, Ledger, Meters, Tariff};
use crate::fleet::HostingKind;
use crate::units::{HOURS_PER_MONTH, Money, Seconds};

use super::super::result::{Estimate, LedgerLine, Row};
use super::super::{LEVEL, outcome::price_error};
use super::Asked;
use super::prepare::Served;

/// What is paid for over a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Paid {
    /// Machine-hours at work.
    pub busy_hours: f64,
    /// Machine-hours waiting for requests.
    pub idle_hours: f64,
    /// Machine-hours starting.
    pub starting_hours: f64,
    /// Machine-hours billed and not used: minimum and rounding.
    pub rounding_hours: f64,
    /// Hours that the whole thing lasts, for fees.
    pub hours: f64,
    /// Store and look-ups.
    pub store: Money,
}

/// The bill at the usual price, and what could not be priced.
pub(super) fn bill(asked: &Asked<'_>, served: &Served, tariff: &Tariff, paid: &Paid) -> Ledger {
    let assumptions = &asked.scenario.assumptions;
    let factor = assumptions.factor();
    let fee = assumptions.cluster_fee.map(|fee| fee.scaled(factor));
    let meters = Meters {
        busy: Seconds::from_hours(paid.busy_hours),
        idle: Seconds::from_hours(paid.idle_hours),
        boot: Seconds::from_hours(paid.starting_hours),
        rounding: Seconds::from_hours(paid.rounding_hours),
        cluster: if fee.is_some() { Seconds::from_hours(paid.hours) } else { Seconds::ZERO },
        requests: paid.store.scaled(factor),
        premium: served.premium,
        ..Meters::default()
    };
    Ledger::of(&meters, tariff.hourly.typical, tariff, fee)
}

/// The estimate of a sum: its bill at the usual price, the range of the price, and how far machine time may be off.
pub(super) fn estimate(ledger: &Ledger, tariff: &Tariff, time_ends: [f64; 2]) -> Estimate {
    let total = ledger.total().usd();
    let machines = ledger.machines().usd();
    let price = machines * price_error(tariff);
    let side = |end: f64| libm::hypot(machines * (end - 1.0), price);
    let high = side(time_ends[1]);
    Estimate {
        mean: total,
        lo: (total - side(time_ends[0])).max(0.0),
        hi: total + high,
        level: LEVEL,
        p50: total,
        p90: total + 0.779 * high,
    }
}

/// A row's bill as dollars that stay and dollars that move with the price of its machines.
pub(super) fn line(row: &Row) -> Option<(f64, f64)> {
    let of_machines =
        |line: &&LedgerLine| Item::ALL.iter().any(|item| item.word() == line.item && item.of_machines());
    let moves: f64 = row.ledger.iter().filter(of_machines).map(|line| line.usd).sum();
    Some((row.cost_usd?.mean - moves, moves))
}

/// What the reader should know of the price.
pub(super) fn warnings(asked: &Asked<'_>, tariff: &Tariff) -> Vec<String> {
    let mut said = Vec::new();
    if tariff.provenance > Provenance::Catalog {
        said.push("price is the scenario's own".to_owned());
    }
    if tariff.single_snapshot {
        said.push("the spot price is one snapshot: taken as half to twice of it".to_owned());
    }
    if tariff.purchase == Purchase::Spot && asked.spec.failures.spot.is_none() {
        said.push("spot availability is that of a traced V100 or CPU market of 2022 to 2023".to_owned());
    }
    said.extend(tariff.marks.iter().map(|mark| mark.word().to_owned()));
    let kind = asked.spec.hosting.kind;
    if kind == HostingKind::ManagedEndpoint && asked.spec.autoscaler.is_some_and(|scaler| scaler.least == 0) {
        said.push(
            "managed endpoints keep one machine as a rule; scaling to zero may not be offered".to_owned(),
        );
    }
    said
}

/// Hours of a month.
pub(super) const MONTH: f64 = HOURS_PER_MONTH;
