//! Several models on one replica: each with queue, batches and cache of its own, all at work on the same device.
//!
//! Those that have requests share the device evenly (processor sharing): while `n` of them do, each goes slower by a
//! factor. A model therefore lives in a time of its own that passes more slowly than the fleet's: its iterations and
//! batches end at the same instants as they would with the factor on every one of them, and it leaps as if alone.

use super::super::fleet_spec::{Role, ServiceModel};
use super::super::language::{Leaving, Slots};
use super::server::{Kind, Out};
use crate::units::{SimSpan, SimTime};

/// Factors are kept in 2⁻²⁰.
const ONE: u64 = 1 << 20;

/// A model on the device, with its own time.
#[derive(Clone, Debug)]
struct Resident {
    kind: Kind,
    /// What time it is for the model, and what is left of a nanosecond of it, over the factor.
    own: SimTime,
    rest: u64,
}

/// The models of one replica.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    residents: Vec<Resident>,
    /// Factor on times while 1, 2, … models have requests.
    factors: Vec<u64>,
    /// When the models' times were true.
    since: SimTime,
    busy: SimSpan,
}

impl Shared {
    /// `sharing[n − 1]` is the factor while `n` models have requests, 1 or more.
    pub(super) fn new(models: &[ServiceModel], sharing: &[f64], stepwise: bool, role: Role) -> Self {
        let resident = |model: &ServiceModel| Resident {
            kind: Kind::new(model, stepwise, role),
            own: SimTime::ZERO,
            rest: 0,
        };
        let factor = |factor: &f64| (factor.clamp(1.0, 1e6) * ONE as f64) as u64;
        let mut factors: Vec<u64> = sharing.iter().map(factor).collect();
        if factors.is_empty() {
            factors.push(ONE);
        }
        Self {
            residents: models.iter().map(resident).collect(),
            factors,
            since: SimTime::ZERO,
            busy: SimSpan::ZERO,
        }
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.residents.iter().map(|resident| &resident.kind)
    }

    pub(super) fn kind(&self, model: u16) -> Option<&Kind> {
        self.residents.get(usize::from(model)).map(|resident| &resident.kind)
    }

    /// The factor now; of more models than factors the device does no more in total than with the last.
    fn factor(&self) -> u64 {
        let at_work = self.kinds().filter(|kind| kind.outstanding() > 0).count().max(1);
        let known = self.factors.len();
        match self.factors.get(at_work - 1) {
            Some(factor) => *factor,
            None => self.factors[known - 1].saturating_mul(at_work as u64) / known as u64,
        }
    }

    /// Lets the models' times pass until now.
    fn pass(&mut self, now: SimTime) {
        let passed = now.since(self.since);
        self.since = self.since.max(now);
        if passed == SimSpan::ZERO {
            return;
        }
        if self.kinds().any(|kind| kind.outstanding() > 0) {
            self.busy += passed;
        }
        let factor = self.factor();
        for resident in &mut self.residents {
            let whole = u128::from(passed.0) * u128::from(ONE) + u128::from(resident.rest);
            resident.own += SimSpan((whole / u128::from(factor)) as u64);
            resident.rest = (whole % u128::from(factor)) as u64;
        }
    }

    /// What changes the factor makes what is left of a nanosecond count for the new one.
    fn settle_rests(&mut self, before: u64) {
        let after = self.factor();
        if before != after {
            for resident in &mut self.residents {
                let rest = u128::from(resident.rest) * u128::from(after) / u128::from(before.max(1));
                resident.rest = (rest as u64).min(after - 1);
            }
        }
    }

    /// When the next of the models changes by itself, in the fleet's time.
    pub(super) fn wake_at(&self, slots: &Slots) -> SimTime {
        let factor = u128::from(self.factor());
        let at = |resident: &Resident| {
            let due = resident.kind.wake_at(slots);
            if due == SimTime::NEVER {
                return SimTime::NEVER;
            }
            let needed = u128::from(due.since(resident.own).0) * factor;
            let left = needed.saturating_sub(u128::from(resident.rest)).div_ceil(u128::from(ONE));
            self.since + SimSpan(u64::try_from(left).unwrap_or(u64::MAX))
        };
        self.residents.iter().map(at).min().unwrap_or(SimTime::NEVER)
    }

    pub(super) fn offer(&mut self, now: SimTime, slot: u32, slots: &mut Slots, out: &mut Vec<Out>) {
        self.pass(now);
        let before = self.factor();
        let model = usize::from(slots[slot].request.model);
        if let Some(resident) = self.residents.get_mut(model) {
            let from = out.len();
            resident.kind.offer(resident.own, slot, slots, out);
            restamp(now, resident.own, &resident.kind, &out[from..], slots);
        }
        self.settle_rests(before);
    }

    /// Lets everything end that ends now, and begin what follows, model by model.
    pub(super) fn advance(&mut self, now: SimTime, slots: &mut Slots, out: &mut Vec<Out>) {
        self.pass(now);
        let before = self.factor();
        let mut leaving = Leaving::default();
        for resident in &mut self.residents {
            if resident.kind.wake_at(slots) <= resident.own {
                let from = out.len();
                resident.kind.advance(resident.own, slots, &mut leaving, out);
                restamp(now, resident.own, &resident.kind, &out[from..], slots);
                resident.kind.begin(resident.own, slots);
                restamp(now, resident.own, &resident.kind, &[], slots);
            }
        }
        self.settle_rests(before);
    }

    pub(super) fn evict(&mut self, now: SimTime, slots: &Slots) -> Vec<u32> {
        self.pass(now);
        self.residents.iter_mut().flat_map(|resident| resident.kind.evict(resident.own, slots)).collect()
    }

    /// Time with at least one model at work until now.
    pub(super) fn busy(&mut self, now: SimTime) -> SimSpan {
        self.pass(now);
        self.busy
    }

    pub(super) fn settle(&mut self, now: SimTime) {
        self.pass(now);
        for resident in &mut self.residents {
            resident.kind.settle(resident.own);
        }
    }
}

/// Instants that a model has just noted in its own time become the fleet's.
fn restamp(now: SimTime, own: SimTime, kind: &Kind, out: &[Out], slots: &mut Slots) {
    if now == own {
        return;
    }
    let left = out.iter().map(|leaving| match leaving {
        Out::Gone(slot, _) | Out::Passed(slot) => *slot,
    });
    for slot in kind.running().iter().copied().chain(left) {
        let of = &mut slots[slot];
        for noted in [&mut of.first_token, &mut of.started] {
            if *noted == own {
                *noted = now;
            }
        }
    }
}
