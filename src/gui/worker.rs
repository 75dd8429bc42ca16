//! Runs in the background: one at a time, told to stop by a flag, progress as latest value, and every result marked
//! with the text that it is of.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::Cancel;
use crate::study::{self, Progress, Row, Watch};

/// A result with the run that made it.
pub(super) struct Finished<T> {
    /// Number of the run.
    pub run: u64,
    /// The text it is of.
    pub text: String,
    /// What came out.
    pub result: T,
    /// How long it took.
    pub took: Duration,
}

/// What the window sees of a run.
#[derive(Clone, Debug)]
pub(super) struct Running {
    /// Number of the run.
    pub run: u64,
    /// When it started.
    pub since: Instant,
    /// The text it is of.
    pub text: String,
    cancel: Cancel,
    progress: Arc<Latest>,
}

impl Running {
    /// Share done, as far as is known.
    pub(super) fn share(&self) -> f32 {
        let (done, planned) =
            (self.progress.done.load(Ordering::Relaxed), self.progress.planned.load(Ordering::Relaxed));
        if planned == 0 { 0.0 } else { done as f32 / planned as f32 }
    }

    /// Rows of fleets that finished since they were last taken, each with its place.
    pub(super) fn take_rows(&self) -> Vec<(usize, Row)> {
        std::mem::take(&mut *self.progress.rows.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fleets in all, once one has finished.
    pub(super) fn fleets(&self) -> Option<usize> {
        let fleets = self.progress.fleets.load(Ordering::Relaxed);
        (fleets > 0).then_some(fleets as usize)
    }
}

#[derive(Debug, Default)]
struct Latest {
    done: AtomicU64,
    planned: AtomicU64,
    fleets: AtomicU64,
    rows: Mutex<Vec<(usize, Row)>>,
}

/// Asks the window to look again; called from the thread of the run.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

struct Told {
    latest: Arc<Latest>,
    wake: Wake,
    woken: Mutex<Instant>,
}

impl Watch for Told {
    fn progress(&self, progress: Progress) {
        self.latest.done.store(progress.done, Ordering::Relaxed);
        self.latest.planned.store(progress.planned, Ordering::Relaxed);
        self.wake();
    }

    fn finished(&self, finished: study::Finished<'_>) {
        self.latest.fleets.store(finished.fleets as u64, Ordering::Relaxed);
        let mut rows = self.latest.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.push((finished.index, finished.row.clone()));
        drop(rows);
        self.wake();
    }
}

impl Told {
    fn wake(&self) {
        // A burst of replications is one repaint.
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        if woken.elapsed() >= Duration::from_millis(100) {
            *woken = Instant::now();
            (self.wake)();
        }
    }
}

/// Starts runs of one kind and hands their results over.
pub(super) struct Worker<T> {
    runs: u64,
    running: Option<Running>,
    sender: Sender<Finished<T>>,
    receiver: Receiver<Finished<T>>,
    wake: Wake,
}

impl<T: Send + 'static> Worker<T> {
    pub(super) fn new(wake: Wake) -> Self {
        let (sender, receiver) = channel();
        Self { runs: 0, running: None, sender, receiver, wake }
    }

    /// The run going on.
    pub(super) fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// Starts a run; one that goes on is stopped, and its result will not be taken.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(
        &mut self,
        text: String,
        job: impl FnOnce(&Cancel, &dyn Watch) -> T + Send + 'static,
    ) -> std::io::Result<()> {
        self.cancel();
        self.runs += 1;
        let cancel = Cancel::new();
        let progress = Arc::new(Latest::default());
        let since = Instant::now();
        let running = Running {
            run: self.runs,
            since,
            text: text.clone(),
            cancel: cancel.clone(),
            progress: progress.clone(),
        };
        let (sender, wake, run) = (self.sender.clone(), self.wake.clone(), self.runs);
        thread::Builder::new().name(format!("run {run}")).spawn(move || {
            let told = Told { latest: progress, wake: wake.clone(), woken: Mutex::new(since) };
            let result = job(&cancel, &told);
            // Nobody listens when the window is gone.
            let _ = sender.send(Finished { run, text, result, took: since.elapsed() });
            wake();
        })?;
        self.running = Some(running);
        Ok(())
    }

    /// The result of the run going on, once it is there. Results of stopped runs are dropped.
    pub(super) fn finished(&mut self) -> Option<Finished<T>> {
        let wanted = self.running.as_ref().map(|running| running.run);
        let found = self.receiver.try_iter().filter(|finished| Some(finished.run) == wanted).last();
        if found.is_some() {
            self.running = None;
        }
        found
    }
}

impl<T> Worker<T> {
    /// Stops the run going on.
    pub(super) fn cancel(&mut self) {
        if let Some(running) = self.running.take() {
            running.cancel.cancel();
        }
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.cancel();
    }
}
