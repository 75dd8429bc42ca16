//! `[workload.hosting]` and `hosting` of a fleet: an own service, a managed one, serverless, or inside a pipeline.

use crate::document::{Code, Reader};
use crate::fleet::{FleetSpec, HostingKind};
use crate::units::{Seconds, SimSpan};

use super::resolve::{Job, Resolver};
use super::serving::{Mode, ServingSpec, narrow, span};

/// One call over the network: round trip and serialisation (assumed; `call_overhead` says otherwise).
const CALL: Seconds = Seconds(2e-3);

/// Hosting with its costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hosting {
    /// Which.
    pub kind: HostingKind,
    /// What the service adds, as a share of the machine's price; `None` for the catalog's.
    pub premium: Option<f64>,
    /// Time of one call beside the work.
    pub call: Seconds,
    /// That time, where the scenario states it for whichever kind.
    pub stated_call: Option<Seconds>,
    /// Items that a pipeline hands to the model at once.
    pub micro_batch: Option<u32>,
    /// Longest wait of a pipeline for a full micro-batch.
    pub window: SimSpan,
    /// Requests that a serverless instance takes at once before another is started.
    pub concurrency: Option<u32>,
    /// How long a serverless instance stays without a request.
    pub keep_warm: SimSpan,
}

pub(super) fn read(table: &Reader<'_>) -> Hosting {
    let kind = table.text("kind").and_then(HostingKind::of).unwrap_or(HostingKind::Microservice);
    let stated_call = table.seconds("call_overhead");
    Hosting {
        kind,
        premium: table.number("premium"),
        call: call(kind, stated_call),
        stated_call,
        micro_batch: narrow(table.count("micro_batch")),
        window: span(table.seconds("window")),
        concurrency: narrow(table.count("concurrency")),
        keep_warm: span(table.seconds("keep_warm")),
    }
}

/// In process and in a batch job nothing goes over the network.
fn call(kind: HostingKind, stated: Option<Seconds>) -> Seconds {
    let usual = match kind {
        HostingKind::Microservice | HostingKind::ManagedEndpoint | HostingKind::Serverless => CALL,
        HostingKind::ManagedBatch | HostingKind::InProcess => Seconds::ZERO,
    };
    stated.unwrap_or(usual)
}

impl ServingSpec {
    /// The workload under a hosting: its call overhead, and for a pipeline its micro-batches.
    #[must_use]
    pub fn hosted(&self, kind: HostingKind) -> Self {
        let mut spec = self.clone();
        spec.hosting.kind = kind;
        spec.hosting.call = call(kind, self.hosting.stated_call);
        if kind == HostingKind::InProcess {
            if let Some(size) = self.hosting.micro_batch {
                spec.batching.rules.max_batch = size;
            }
            spec.batching.rules.max_delay = self.hosting.window;
        }
        spec
    }
}

/// The hostings of a fleet; none for the workload's.
pub(super) fn of_fleet(resolver: &mut Resolver<'_>, table: &Reader<'_>, path: &str) -> Vec<HostingKind> {
    words(resolver, table, (path, "hosting"), HostingKind::WORDS, HostingKind::of)
}

/// Whether some fleet says itself where the model lives.
pub(super) fn by_fleets(document: &Reader<'_>) -> bool {
    document.tables("fleet").iter().any(|fleet| fleet.has("hosting"))
}

/// A word or a list of words of a fleet.
pub(super) fn words<T>(
    resolver: &mut Resolver<'_>,
    table: &Reader<'_>,
    (path, key): (&str, &str),
    allowed: &[&str],
    of: fn(&str) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for word in table.texts(key) {
        match of(word) {
            Some(kind) => found.push(kind),
            None => {
                let message = format!("\"{word}\" is no `{key}`");
                let fault = table.fault(Code::UnknownChoice, path, key, message);
                resolver.faults.push(fault.suggest(format!("allowed: {}", allowed.join(", "))));
            }
        }
    }
    found
}

/// Which hostings fit the mode; what does not is told where it stands.
pub(super) fn check(
    resolver: &mut Resolver<'_>,
    document: &Reader<'_>,
    fleets: &[FleetSpec],
    job: Option<&Job>,
) {
    let Some(Job::Serving(spec)) = job else { return };
    let hosting = document.table("workload").table("hosting");
    if let Some((message, suggestion)) = refused(spec, spec.hosting.kind)
        && fleets.iter().any(|fleet| fleet.hostings.is_empty())
    {
        let fault = hosting.fault(Code::Conflict, "workload.hosting", "kind", message);
        resolver.faults.push(fault.suggest(suggestion));
    }
    for (index, table) in document.tables("fleet").iter().enumerate() {
        let kinds = table.texts("hosting").into_iter().filter_map(HostingKind::of);
        if let Some((message, suggestion)) = kinds.filter_map(|kind| refused(spec, kind)).next() {
            let fault = table.fault(Code::Conflict, &format!("fleet[{index}]"), "hosting", message);
            resolver.faults.push(fault.suggest(suggestion));
        }
    }
}

fn refused(spec: &ServingSpec, kind: HostingKind) -> Option<(&'static str, &'static str)> {
    match (&spec.mode, kind) {
        (Mode::Online | Mode::Hybrid(_), HostingKind::ManagedBatch) => Some((
            "a managed batch job answers no requests as they come",
            "use managed-endpoint, or mode = \"batch\"",
        )),
        (Mode::Batch(_) | Mode::Hybrid(_), HostingKind::Serverless) => Some((
            "serverless instances come and go with requests, in mode \"online\" only",
            "use microservice, managed-batch or in-process",
        )),
        _ => None,
    }
}
