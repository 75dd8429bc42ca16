//! Work of the host's cores before and after a batch.

use std::collections::VecDeque;

use super::queue::Inside;
use crate::engine::Calendar;
use crate::units::{SimSpan, SimTime};

/// On which side of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// A piece of work of one core.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub(super) side: Side,
    pub(super) request: Inside,
    span: SimSpan,
}

/// Cores behind one first-come first-served queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    cores: usize,
    running: Calendar<Task>,
    waiting: VecDeque<Task>,
    /// Sum of work over cores.
    pub(super) busy: SimSpan,
}

impl Host {
    pub(super) fn new(cores: u32) -> Self {
        Self { cores: cores.max(1) as usize, ..Self::default() }
    }

    pub(super) fn offer(&mut self, now: SimTime, side: Side, request: Inside, span: SimSpan) {
        self.waiting.push_back(Task { side, request, span });
        self.start(now);
    }

    pub(super) fn next_end(&self) -> SimTime {
        self.running.peek_time().unwrap_or(SimTime::NEVER)
    }

    /// A task that is done by now; call until there is none.
    pub(super) fn pop_done(&mut self, now: SimTime) -> Option<Task> {
        if self.next_end() > now {
            return None;
        }
        let (at, task) = self.running.pop()?;
        self.start(at);
        Some(task)
    }

    /// Stops everything and gives back who was inside.
    pub(super) fn stop(&mut self) -> Vec<Inside> {
        let running = std::iter::from_fn(|| self.running.pop()).map(|(_, task)| task.request);
        let mut inside: Vec<Inside> = running.collect();
        inside.extend(self.waiting.drain(..).map(|task| task.request));
        self.running.clear();
        inside
    }

    fn start(&mut self, now: SimTime) {
        while self.running.len() < self.cores
            && let Some(task) = self.waiting.pop_front()
        {
            self.busy += task.span;
            self.running.schedule_at(now + task.span, task);
        }
    }
}
