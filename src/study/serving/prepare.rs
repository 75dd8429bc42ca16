//! Candidates of a serving scenario: what fits, how it is split, what it costs an hour.

use std::sync::Arc;

use rayon::prelude::*;

use crate::catalog::{Purchase, ServiceKind};
use crate::cost::serving::Hosted;
use crate::cost::{Tariff, Unpriced};
use crate::fleet::{Candidate, HostingKind, Placement, Replicas, expand};
use crate::layout::Reason;
use crate::scenario::ServingSpec;
use crate::stats::Law;
use crate::steptime::ordinary::OrdinaryTimes;
use crate::steptime::serving::ServingSteps;
use crate::units::Seconds;

use super::way::{self, Way};
use super::{Asked, StudyError, apart, groups, ordinary, serverless, several};

/// Seconds from asking for a machine to its first request where nothing is known of the provider.
const UNKNOWN_START: f64 = 250.0;
/// Weights from object storage to the device: least, usual, most seconds (assets/facts/reliability.toml, `boot`).
const LOAD: [f64; 3] = [10.0, 100.0, 300.0];

/// A candidate with all that is known before simulation.
#[derive(Clone, Debug)]
pub struct Served {
    /// The candidate.
    pub candidate: Candidate,
    /// Its price, or why there is none.
    pub tariff: Result<Tariff, Unpriced>,
    /// What a managed service adds, as a share of it.
    pub premium: f64,
    /// Ways to serve on it, the most promising first, or why there is none.
    pub ways: Result<Vec<Way>, Reason>,
    /// From asking for a machine to its first request, in seconds.
    pub start: Law,
    /// Share of the scenario's requests that reach these machines: less than 1 where others are look-ups.
    pub online_share: f64,
    /// Time that every request spends on a look-up first; zero without a store.
    pub lookup: Seconds,
    /// Time to send one token's cache to the decode groups, in nanoseconds; 0 of all but prefill groups.
    pub transfer_ns_per_token: f64,
    /// The groups beside this one, where the fleet is made of groups.
    pub others: Vec<Served>,
    /// The workload under this fleet's hosting; of one model where each has machines of its own.
    pub spec: Arc<ServingSpec>,
    /// The models of the workload, each on machines of its own, where they are apart.
    pub models: Vec<Served>,
}

impl Served {
    /// This group and those beside it.
    pub fn groups(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.others)
    }

    /// Share of all requests that a store answers.
    #[must_use]
    pub fn found(&self) -> f64 {
        1.0 - self.online_share
    }

    /// The way to serve that is taken.
    #[must_use]
    pub fn way(&self) -> Option<&Way> {
        self.ways.as_ref().ok().and_then(|ways| ways.first())
    }

    /// Machines that the scenario asks for under a way; `None` where they are to be found.
    #[must_use]
    pub fn machines(&self, way: &Way) -> Option<u64> {
        match self.candidate.replicas {
            Replicas::Auto => None,
            Replicas::Full => {
                Some((self.candidate.count / way.machines_per_replica).max(1) * way.machines_per_replica)
            }
            Replicas::Fixed(replicas) => {
                Some(replicas.div_ceil(way.per_machine.max(1)) * way.machines_per_replica)
            }
        }
    }
}

/// Spreads the fleets and finds the ways of each.
///
/// # Errors
/// Too many candidates, cancelled, or a table that cannot be read.
pub(in crate::study) fn prepare(asked: &Asked<'_>) -> Result<Vec<Served>, StudyError> {
    let steps = ServingSteps::embedded().map_err(|error| StudyError::Profile(error.to_string()))?;
    let times = OrdinaryTimes::embedded().map_err(|error| StudyError::Profile(error.to_string()))?;
    let candidates = expand(&asked.scenario.fleets)?;
    let served = candidates
        .into_par_iter()
        .map(|candidate| {
            let others = candidate.others.iter().map(|other| serve(asked, (&steps, &times), other.clone()));
            let others = others.collect();
            let placement = candidate.placement;
            if asked.spec.models() > 1 && placement == Placement::Apart {
                return models(asked, (&steps, &times), candidate);
            }
            groups::joined(serve(asked, (&steps, &times), candidate), others)
        })
        .collect();
    if asked.cancel.is_cancelled() { Err(StudyError::Cancelled) } else { Ok(served) }
}

/// A fleet of which each model has machines of its own.
fn models(asked: &Asked<'_>, laws: (&ServingSteps, &OrdinaryTimes), candidate: Candidate) -> Served {
    let of = |index: usize| {
        let spec = asked.spec.alone(index);
        serve(&Asked { spec: &spec, ..*asked }, laws, candidate.clone())
    };
    let all: Vec<Served> = (0..asked.spec.models()).map(of).collect();
    let shares: Vec<f64> = (0..all.len()).map(|index| asked.spec.share_of(index)).collect();
    let first = all.first().cloned();
    let hosting = candidate.hosting.unwrap_or(asked.spec.hosting.kind);
    let mut whole = first.unwrap_or_else(|| serve(asked, laws, candidate));
    whole.spec = Arc::new(asked.spec.hosted(hosting));
    match apart::split(all, &shares) {
        Ok(models) => whole.models = models,
        Err(reason) => whole.ways = Err(reason),
    }
    whole
}

/// What is known of one group.
fn serve(asked: &Asked<'_>, (steps, times): (&ServingSteps, &OrdinaryTimes), candidate: Candidate) -> Served {
    let hosting = candidate.hosting.unwrap_or(asked.spec.hosting.kind);
    let spec = Arc::new(asked.spec.hosted(hosting));
    let asked = &Asked { spec: &spec, ..*asked };
    let (tariff, premium) = match priced(asked, &candidate) {
        Ok((tariff, premium)) => (Ok(tariff), premium),
        Err(unpriced) => (Err(unpriced), 0.0),
    };
    let ways = if asked.spec.models() > 1 {
        several::together(asked, (steps, times), &candidate)
    } else if asked.spec.is_language() {
        way::language(asked, steps, &candidate)
    } else {
        ordinary::ordinary(asked, times, &candidate)
    };
    let start = start(asked, &candidate);
    Served {
        candidate,
        tariff,
        premium,
        ways,
        start,
        online_share: 1.0,
        lookup: Seconds::ZERO,
        transfer_ns_per_token: 0.0,
        others: Vec::new(),
        models: Vec::new(),
        spec,
    }
}

/// Boot, image and weights.
fn start(asked: &Asked<'_>, candidate: &Candidate) -> Law {
    if let Some(law) = &asked.spec.boot {
        return law.clone();
    }
    if asked.spec.hosting.kind == HostingKind::Serverless {
        return serverless::start(asked, candidate);
    }
    if candidate.purchase == Purchase::Owned {
        return Law::Empirical(LOAD.to_vec());
    }
    let boots = &asked.catalog.boots;
    match boots.get(&candidate.instance.provider).or_else(|| boots.get("any")) {
        Some(boot) => {
            let ends = [boot.low.0, boot.typical.0, boot.high.0];
            Law::Empirical(ends.iter().zip(LOAD).map(|(boot, load)| boot + load).collect())
        }
        None => Law::Deterministic(UNKNOWN_START),
    }
}

/// The machine's tariff, and what a managed service adds to it as a share; own machines have no premium unless the
/// scenario says so.
fn priced(asked: &Asked<'_>, candidate: &Candidate) -> Result<(Tariff, f64), Unpriced> {
    let hosting = &asked.spec.hosting;
    let assumptions = &asked.scenario.assumptions;
    let kind = match hosting.kind {
        HostingKind::ManagedEndpoint => Some(ServiceKind::Endpoint),
        HostingKind::ManagedBatch => Some(ServiceKind::BatchJob),
        HostingKind::Serverless => return Ok((serverless::tariff(asked, candidate)?, 0.0)),
        HostingKind::Microservice | HostingKind::InProcess => None,
    };
    let (instance, region) = (&*candidate.instance, candidate.region.as_str());
    match kind {
        Some(kind) => {
            let terms = (candidate.purchase, candidate.owned_price);
            let premium = (kind, hosting.premium);
            let hosted = Hosted::of(asked.catalog, (instance, region), terms, premium, assumptions)?;
            Ok((hosted.machine, hosted.premium))
        }
        None => {
            let owned = candidate.owned_price;
            let tariff = Tariff::of(asked.catalog, instance, region, candidate.purchase, owned, assumptions)?;
            // Where hostings are compared, the premium is that of the managed ones.
            let premium = hosting.premium.filter(|_| candidate.hosting.is_none());
            Ok((tariff, premium.unwrap_or(0.0)))
        }
    }
}
