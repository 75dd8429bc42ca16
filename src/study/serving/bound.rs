//! What bounds a serving fleet, and what would be next.

use super::super::result::BoundRow;
use super::measure::Measured;
use super::way::Way;

/// Share of all waiting that is for the cache, from which the cache is the bound.
const WAITING_FOR_CACHE: f64 = 0.5;
/// Peak use of the cache that goes with it.
const FULL_CACHE: f64 = 0.95;
/// A fleet whose targets fail at less than this share of what it can sustain is bound by queues, not by its devices.
const QUEUE: f64 = 0.6;

/// The bound: the queue where limits on times stop a fleet far from its devices' limits, the cache where requests wait
/// for it, or else what the devices spend most of their time on.
pub(super) fn bound(way: &Way, measured: &Measured, capacity_share: Option<f64>) -> Option<BoundRow> {
    let (first, share) = way.parts.first().copied()?;
    let (second, next) = way.parts.get(1).copied().unwrap_or(("queue", 0.0));
    let row = |name: &str, share: f64, next: &str, margin: f64| {
        Some(BoundRow { name: name.to_owned(), share, next: next.to_owned(), margin: margin.clamp(1.0, 1e6) })
    };
    if let Some(short) = capacity_share.filter(|short| *short > 0.0 && *short < QUEUE) {
        return row("queue", 1.0 - short, first, 1.0 / short);
    }
    let waiting = measured.mean(|run| run.waiting_ns as f64);
    let for_cache = measured.mean(|run| run.waiting_for_cache_ns as f64);
    let full = measured.runs.iter().any(|run| run.peak_cache >= FULL_CACHE || run.preemptions > 0);
    if full && waiting > 0.0 && for_cache > WAITING_FOR_CACHE * waiting {
        return row("kv-capacity", for_cache / waiting, first, for_cache / (waiting - for_cache).max(1.0));
    }
    row(first, share, second, share / next.max(1e-6))
}
