//! Progress as latest value: a watcher is told, and may be slow.

/// How far a study is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Replications done.
    pub done: u64,
    /// Replications known to be needed so far; grows when intervals are not yet narrow enough.
    pub planned: u64,
}

/// Somebody who wants to know.
pub trait Watch: Sync {
    /// Called from any thread.
    fn progress(&self, progress: Progress);
}

/// Nobody wants to know.
impl Watch for () {
    fn progress(&self, _: Progress) {}
}
