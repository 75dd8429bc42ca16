//! How many machines: those of the scenario, or the fewest whose capacity covers the demand with the wanted confidence.
//!
//! Fleets of 1, 2, 3, 4, 6, 8, 12, … units are simulated; what lies between is interpolated. So a machine more is never less
//! capacity, and the number of machines for a load depends on that load alone.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::workload::arrivals::ArrivalSpec;

use super::super::result::Probability;
use super::capacity::{Capacity, capacity};
use super::trial::Trial;

/// Fleets of more units are simulated as so many of them, with their share of the load.
const MOST_UNITS: u32 = 48;
/// Capacity is simulated with so many replicas at most.
const MOST_REPLICAS: u64 = 32;
/// No fleet is sized beyond this many machines.
pub(super) const MOST_MACHINES: u64 = 10_000;
/// Units beyond which the number that is needed is a guess.
const MOST_UNITS_SOUGHT: u64 = 4 * MOST_MACHINES;
/// A unit among up to half as many more takes at least so much of what it took: a router that spreads a load loses nothing.
const LEAST_GAIN: f64 = 0.8;

/// Units as they are, and as they are simulated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    /// Units of the fleet.
    pub units: u64,
    /// Of them simulated.
    pub simulated: u32,
}

impl Size {
    pub fn of(units: u64) -> Self {
        let units = units.max(1);
        Self { units, simulated: u32::try_from(units).unwrap_or(u32::MAX).min(MOST_UNITS) }
    }

    /// A fleet that is simulated machine by machine.
    pub fn whole(units: u64) -> Self {
        let units = units.max(1);
        Self { units, simulated: u32::try_from(units).unwrap_or(u32::MAX) }
    }

    /// Simulated figures times this are the fleet's.
    pub fn scale(&self) -> f64 {
        self.units as f64 / f64::from(self.simulated)
    }
}

/// What capacities have been found for: a sweep over the number of machines asks for the same ones again and again. Whoever
/// asks finds the same.
#[derive(Debug, Default)]
pub struct KnownCapacities(Mutex<BTreeMap<Key, Capacity>>);

/// A way on a machine, by place and by figures that follow from its times, with a load and the units tried.
type Key = (usize, String, [u64; 6], u32);

impl KnownCapacities {
    fn key(trial: &Trial<'_>, unit: f64, units: u32) -> Key {
        let way = trial.way;
        let (share, lookup) = (trial.served.online_share, trial.served.lookup.0);
        let figures = [way.guess, way.alone.1.0, way.log_error, unit, share, lookup].map(f64::to_bits);
        let machine = std::sync::Arc::as_ptr(&trial.served.candidate.instance) as usize;
        // What the way does not tell: the model, who hosts it, and so how it is batched and called.
        let spec = trial.asked.spec;
        let words =
            format!("{} {} {} {}", way.words(), spec.model.id, spec.models(), spec.hosting.kind.word());
        (machine, words, figures, units)
    }

    fn get(&self, key: &Key) -> Option<Capacity> {
        self.0.lock().ok()?.get(key).copied()
    }

    fn put(&self, key: Key, found: Capacity) {
        if let Ok(mut known) = self.0.lock() {
            known.insert(key, found);
        }
    }
}

/// Capacities of fleets of any number of units under one kind of load.
pub(super) struct CapacityLaw<'a> {
    trial: Trial<'a>,
    shape: ArrivalSpec,
    unit: f64,
}

impl<'a> CapacityLaw<'a> {
    /// `shape` is the arrival process whose rate is changed, `unit` its mean rate.
    pub fn new(trial: &Trial<'a>, shape: &ArrivalSpec, unit: f64) -> Self {
        Self { trial: *trial, shape: shape.clone(), unit }
    }

    /// The largest fleet that is simulated, a power of two.
    pub fn most(&self) -> u32 {
        let each = self.trial.way.per_machine.max(1);
        let most = (MOST_REPLICAS / each).max(1);
        1 << most.ilog2()
    }

    /// Capacity of each of so many simulated units.
    fn each(&self, units: u32) -> Capacity {
        let known = self.trial.asked.known;
        let key = KnownCapacities::key(&self.trial, self.unit, units);
        if let Some(each) = known.get(&key) {
            return each;
        }
        let found = capacity(&Trial { units, ..self.trial }, &self.shape, self.unit);
        let each = found.scaled(1.0 / f64::from(units));
        known.put(key, each);
        each
    }

    /// Capacity of a fleet of so many units.
    pub fn of(&self, units: u64) -> Capacity {
        let units = units.max(1);
        let most = self.most();
        let each = if units > u64::from(most) {
            self.beyond(units)
        } else {
            let (below, above) = simulated(units);
            let low = self.each(below);
            if below == above {
                low
            } else {
                let high = not_less(&self.each(above), &low);
                let way = libm::log(units as f64 / f64::from(below));
                low.between(&high, way / libm::log(f64::from(above) / f64::from(below)))
            }
        };
        each.scaled(units as f64)
    }

    /// A unit of more than can be simulated: waits for a free replica shrink with the root of their number, so that what
    /// a unit falls short of at the most simulated is made up for in this proportion, as far as half of that number shows
    /// that it is.
    fn beyond(&self, units: u64) -> Capacity {
        let most = self.most();
        let last = self.each(most);
        if most == 1 {
            return last;
        }
        let half = self.each(most / 2);
        // u(n) = a − b / √n through both; b of noise alone would be below 0.
        let (root, half_root) = (f64::from(most).sqrt(), f64::from(most / 2).sqrt());
        let gained = 1.0 / root - 1.0 / (units as f64).sqrt();
        let rates = std::array::from_fn(|speed| {
            let short = ((last.rates[speed] - half.rates[speed]) / (1.0 / half_root - 1.0 / root)).max(0.0);
            (last.rates[speed] + short * gained).min(last.sustained[speed]).max(last.rates[speed])
        });
        Capacity { rates, ..last }
    }

    /// The fewest units that cover a demand with confidence, or how many it would take, were they allowed; one where not
    /// even next to nothing is covered.
    pub fn fewest(&self, demand: f64, confidence: f64) -> u64 {
        let one = self.of(1).rate_with(confidence);
        if one <= 0.0 {
            return 1;
        }
        let enough = |units: u64| self.of(units).rate_with(confidence) >= demand;
        // Units of larger fleets take more each, as a rule: so many are enough.
        let guess = (demand / one).clamp(1.0, 1e15).ceil() as u64;
        if guess > MOST_UNITS_SOUGHT {
            return guess;
        }
        let mut high = guess.next_power_of_two();
        if enough(high) {
            while high > 1 && enough(high / 2) {
                high /= 2;
            }
        } else {
            while !enough(high) && high <= MOST_UNITS_SOUGHT {
                high *= 2;
            }
        }
        let mut low = high / 2;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if enough(middle) { high = middle } else { low = middle }
        }
        high
    }
}

/// The numbers of units at and above a number that are simulated: 1, 2, 3, 4, 6, 8, 12, 16, …
fn simulated(units: u64) -> (u32, u32) {
    let two = 1_u64 << units.max(1).ilog2();
    let (half, next) = (two + two / 2, 2 * two);
    let (below, above) = match units {
        _ if units == two => (two, two),
        _ if units < half => (two, half),
        _ if units == half => (half, half),
        _ => (half, next),
    };
    (below as u32, above as u32)
}

/// A unit among more, no worse than spreading a load explains.
fn not_less(high: &Capacity, low: &Capacity) -> Capacity {
    let rates = std::array::from_fn(|speed| high.rates[speed].max(LEAST_GAIN * low.rates[speed]));
    Capacity { rates, ..*high }
}

/// Probability that the capacity covers a demand.
pub(super) fn covers(found: &Capacity, demand: f64) -> Probability {
    let moved = |by: f64| {
        let factor = libm::exp(by * found.half);
        Capacity { rates: found.rates.map(|rate| rate * factor), ..*found }.covers(demand)
    };
    Probability { probability: moved(0.0), lo: moved(-1.0), hi: moved(1.0) }
}
