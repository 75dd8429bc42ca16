//! The prefetch queue: workers make whole batches ahead, the one who trains takes them, and both are asked how long they
//! waited for each other.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::calibrate::input::InputError;
use crate::calibrate::input::clock::Clock;
use crate::calibrate::input::loader::{Loader, Worker};
use crate::engine::Cancel;

/// A loader that threads of their own can share.
pub type SharedLoader = Arc<dyn Loader + Send + Sync>;

/// Between two looks at the flag while waiting.
const LOOK: Duration = Duration::from_millis(50);

/// How batches are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefetch {
    /// Threads that make them.
    pub workers: usize,
    /// Samples of a batch.
    pub batch: usize,
    /// Batches made ahead.
    pub depth: usize,
}

/// Workers with their queue; dropping it ends them.
pub struct Queue {
    receiver: Option<Receiver<Result<Vec<f32>, InputError>>>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    cancel: Cancel,
}

struct Shared {
    loader: SharedLoader,
    prefetch: Prefetch,
    next: AtomicUsize,
    stop: AtomicBool,
    /// Nanoseconds that workers stood before a full queue, all together.
    blocked: AtomicU64,
    /// Batches that were used up, to be filled again.
    empty: Mutex<Vec<Vec<f32>>>,
}

/// A batch, and how long it was waited for.
#[derive(Debug)]
pub struct Delivered {
    /// The samples, one after another.
    pub batch: Vec<f32>,
    /// Seconds that the taker waited.
    pub waited: f64,
}

impl Queue {
    /// Starts the workers.
    #[must_use]
    pub fn start(loader: SharedLoader, prefetch: Prefetch, cancel: &Cancel) -> Self {
        let workers = prefetch.workers.clamp(1, loader.most_workers());
        let prefetch = Prefetch { workers, ..prefetch };
        // No room at all would make a rendezvous of it: nothing ahead, though each worker holds a finished batch.
        let (sender, receiver) = sync_channel(prefetch.depth);
        let shared = Arc::new(Shared {
            loader,
            prefetch,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            blocked: AtomicU64::new(0),
            empty: Mutex::new(Vec::new()),
        });
        let threads = (0..workers)
            .map(|worker| {
                let (shared, sender) = (Arc::clone(&shared), sender.clone());
                std::thread::spawn(move || shared.work(worker, &sender))
            })
            .collect();
        Self { receiver: Some(receiver), shared, threads, cancel: cancel.clone() }
    }

    /// The next batch, as soon as there is one.
    ///
    /// # Errors
    /// A worker's error, or a raised flag.
    pub fn take(&self) -> Result<Delivered, InputError> {
        let Some(receiver) = &self.receiver else { return Err(InputError::Worker) };
        let start = Instant::now();
        loop {
            match receiver.recv_timeout(LOOK) {
                Ok(batch) => return Ok(Delivered { batch: batch?, waited: start.elapsed().as_secs_f64() }),
                Err(RecvTimeoutError::Disconnected) => return Err(InputError::Worker),
                Err(RecvTimeoutError::Timeout) if self.cancel.is_cancelled() => {
                    return Err(InputError::Cancelled);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Hands a used batch back to be filled again.
    pub fn give_back(&self, mut batch: Vec<f32>) {
        batch.clear();
        if let Ok(mut empty) = self.shared.empty.lock() {
            empty.push(batch);
        }
    }

    /// Seconds that a worker stood before a full queue until now, on average over workers.
    #[must_use]
    pub fn blocked(&self) -> f64 {
        let nanoseconds = self.shared.blocked.load(Ordering::Relaxed) as f64;
        nanoseconds / 1e9 / self.shared.prefetch.workers as f64
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Workers that stand before a full queue learn that nobody takes any more.
        self.receiver = None;
        for thread in self.threads.drain(..) {
            // One that failed has nothing to say any more.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn work(&self, worker: usize, sender: &SyncSender<Result<Vec<f32>, InputError>>) {
        let mut own = match self.loader.worker(worker, self.prefetch.workers) {
            Ok(own) => own,
            Err(error) => {
                let _ = sender.send(Err(error));
                return;
            }
        };
        while !self.stop.load(Ordering::Relaxed) {
            let made = self.batch(own.as_mut());
            let failed = made.is_err();
            if !self.hand_over(sender, made) || failed {
                return;
            }
        }
    }

    fn batch(&self, own: &mut dyn Worker) -> Result<Vec<f32>, InputError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut batch = self.empty.lock().ok().and_then(|mut empty| empty.pop()).unwrap_or_default();
        let mut clock = Clock::default();
        for sample in 0..self.prefetch.batch {
            if self.stop.load(Ordering::Relaxed) {
                return Err(InputError::Cancelled);
            }
            own.prepare(number * self.prefetch.batch + sample, &mut batch, &mut clock)?;
        }
        Ok(batch)
    }

    /// Whether somebody still takes.
    fn hand_over(
        &self,
        sender: &SyncSender<Result<Vec<f32>, InputError>>,
        made: Result<Vec<f32>, InputError>,
    ) -> bool {
        match sender.try_send(made) {
            Ok(()) => true,
            Err(TrySendError::Disconnected(_)) => false,
            Err(TrySendError::Full(made)) => {
                let start = Instant::now();
                let sent = sender.send(made).is_ok();
                let waited = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
                self.blocked.fetch_add(waited, Ordering::Relaxed);
                sent
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::input::loader::Memory;

    /// Sleeps for each sample, and fails at one.
    struct Sleeper {
        seconds: f64,
        fails_at: usize,
    }

    impl Loader for Sleeper {
        fn samples(&self) -> usize {
            10
        }

        fn worker(&self, _: usize, _: usize) -> Result<Box<dyn Worker + '_>, InputError> {
            Ok(Box::new(SleepingWorker(self)))
        }
    }

    struct SleepingWorker<'a>(&'a Sleeper);

    impl Worker for SleepingWorker<'_> {
        fn prepare(&mut self, index: usize, into: &mut Vec<f32>, _: &mut Clock) -> Result<(), InputError> {
            std::thread::sleep(Duration::from_secs_f64(self.0.seconds));
            into.push(index as f32);
            if index == self.0.fails_at { Err(InputError::Empty) } else { Ok(()) }
        }
    }

    fn sleeper(seconds: f64) -> SharedLoader {
        Arc::new(Sleeper { seconds, fails_at: usize::MAX })
    }

    const USUAL: Prefetch = Prefetch { workers: 1, batch: 2, depth: 2 };

    #[test]
    fn one_worker_makes_the_batches_in_order_and_fills_them_anew() {
        let queue = Queue::start(sleeper(0.0), USUAL, &Cancel::new());
        for number in 0..20 {
            let taken = queue.take().unwrap();
            assert_eq!(taken.batch, [2.0 * number as f32, 2.0 * number as f32 + 1.0]);
            queue.give_back(taken.batch);
        }
    }

    #[test]
    fn the_slower_side_is_the_one_that_nobody_waits_for() {
        // Input takes 8 ms a batch; the taker 2 ms or 32 ms.
        for (taker, input_waits) in [(0.002, false), (0.032, true)] {
            let queue = Queue::start(sleeper(0.004), USUAL, &Cancel::new());
            let mut waited = 0.0;
            for step in 0..12 {
                let taken = queue.take().unwrap();
                if step > 3 {
                    waited += taken.waited;
                }
                std::thread::sleep(Duration::from_secs_f64(taker));
            }
            assert_eq!(queue.blocked() > waited, input_waits, "{taker}: {} {waited}", queue.blocked());
        }
    }

    #[test]
    fn more_workers_deliver_more() {
        let time = |workers| {
            let queue = Queue::start(sleeper(0.004), Prefetch { workers, ..USUAL }, &Cancel::new());
            queue.take().unwrap();
            let start = Instant::now();
            (0..16).for_each(|_| drop(queue.take().unwrap()));
            start.elapsed().as_secs_f64()
        };
        assert!(time(4) < 0.5 * time(1));
        // The one thread that feeds from memory stays one.
        let queue =
            Queue::start(Arc::new(Memory::new(4, 16)), Prefetch { workers: 4, ..USUAL }, &Cancel::new());
        assert_eq!(queue.threads.len(), 1);
    }

    #[test]
    fn a_failing_worker_and_a_raised_flag_end_the_taking() {
        let failing: SharedLoader = Arc::new(Sleeper { seconds: 0.0, fails_at: 5 });
        let queue = Queue::start(failing, USUAL, &Cancel::new());
        let taken: Vec<bool> = (0..3).map(|_| queue.take().is_ok()).collect();
        assert_eq!(taken, [true, true, false]);
        let cancel = Cancel::new();
        let queue = Queue::start(sleeper(10.0), Prefetch { batch: 1, ..USUAL }, &cancel);
        cancel.cancel();
        let start = Instant::now();
        assert!(matches!(queue.take(), Err(InputError::Cancelled)));
        assert!(start.elapsed() < Duration::from_secs(1));
        // Its worker sleeps on; nobody waits for that here.
        std::mem::forget(queue);
    }
}
