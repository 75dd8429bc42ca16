//! Progress as latest value: a watcher is told, and may be slow.

use super::result::Row;

/// How far a study is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Replications done.
    pub done: u64,
    /// Replications known to be needed so far; grows when intervals are not yet narrow enough.
    pub planned: u64,
}

/// A fleet that needs no more replications.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    /// Its place among the rows of the result.
    pub index: usize,
    /// Fleets in all.
    pub fleets: usize,
    /// Its row, without what takes all fleets to say: rank, frontier, differences.
    pub row: &'a Row,
}

/// Somebody who wants to know.
pub trait Watch: Sync {
    /// Called from any thread.
    fn progress(&self, progress: Progress);

    /// Called from any thread, once for each fleet, in no order.
    fn finished(&self, _: Finished<'_>) {}
}

/// Nobody wants to know.
impl Watch for () {
    fn progress(&self, _: Progress) {}
}
