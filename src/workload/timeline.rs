//! What one replica did when: spans on tracks, bounded in number, for traces and pictures of a run.

use crate::units::SimTime;

/// One thing done on one track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineSpan {
    /// Index into [`Timeline::tracks`].
    pub track: usize,
    /// What was done, in a word or two.
    pub name: &'static str,
    /// When it began.
    pub start: SimTime,
    /// When it ended; equal to the start for something that takes no time.
    pub end: SimTime,
    /// What else is known of it: a name and a number each.
    pub facts: Vec<(&'static str, u64)>,
}

/// The part of a run to record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From when.
    pub from: SimTime,
    /// Until when.
    pub until: SimTime,
    /// Most spans kept.
    pub limit: usize,
}

impl Window {
    /// The whole run, as far as `limit` spans reach.
    #[must_use]
    pub fn all(limit: usize) -> Self {
        Self { from: SimTime::ZERO, until: SimTime(u64::MAX), limit }
    }
}

/// The recorded spans, in the order in which they ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Names of the tracks.
    pub tracks: Vec<String>,
    /// The spans.
    pub spans: Vec<TimelineSpan>,
    /// Spans within the window that found no room.
    pub dropped: u64,
    window: Window,
}

impl Timeline {
    /// Nothing recorded yet.
    #[must_use]
    pub fn new(tracks: Vec<String>, window: Window) -> Self {
        Self { tracks, spans: Vec::new(), dropped: 0, window }
    }

    /// The part of the run that is recorded.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// Records a span that touches the window.
    pub fn record(&mut self, span: TimelineSpan) {
        if span.end < self.window.from || span.start > self.window.until {
            return;
        }
        if self.spans.len() < self.window.limit {
            self.spans.push(span);
        } else {
            self.dropped += 1;
        }
    }
}
