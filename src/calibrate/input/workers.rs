//! Several workers at one loader: how long they take for so many samples.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, PoisonError, RwLock};
use std::thread;
use std::time::Instant;

use crate::engine::Cancel;

use super::InputError;
use super::clock::Clock;
use super::loader::{Loader, Worker};
use super::photo::FED_BYTES;

/// Samples that a worker puts side by side before it throws them away, as in a batch: they leave the nearer caches.
const BATCH: usize = 8;

/// What some workers did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ran {
    /// Samples prepared.
    pub samples: usize,
    /// Seconds from the moment when all workers were ready to the last one's end.
    pub seconds: f64,
    /// Seconds by stage, of all workers together.
    pub clock: Clock,
}

impl Ran {
    /// Samples per second of all workers together.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.samples as f64 / self.seconds.max(1e-9)
    }
}

/// What the workers of a run share.
struct Shared<'a> {
    loader: &'a dyn Loader,
    workers: usize,
    /// The next sample, and the one after the last.
    next: AtomicUsize,
    end: usize,
    ready: Barrier,
    began: RwLock<Option<Instant>>,
    stop: AtomicBool,
    cancel: &'a Cancel,
}

/// Lets `workers` prepare `samples` from the one at `from` on, as fast as they can, and throws the samples away.
///
/// # Errors
/// The first worker's error, or that the run was cancelled.
pub fn run(
    loader: &dyn Loader,
    workers: usize,
    (from, samples): (usize, usize),
    cancel: &Cancel,
) -> Result<Ran, InputError> {
    let workers = workers.clamp(1, loader.most_workers());
    let shared = Shared {
        loader,
        workers,
        next: AtomicUsize::new(from),
        end: from + samples,
        ready: Barrier::new(workers),
        began: RwLock::new(None),
        stop: AtomicBool::new(false),
        cancel,
    };
    let clocks: Result<Vec<Clock>, InputError> = thread::scope(|scope| {
        let shared = &shared;
        let threads: Vec<_> = (0..workers).map(|worker| scope.spawn(move || shared.work(worker))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(Err(InputError::Worker))).collect()
    });
    let mut clock = Clock::default();
    clocks?.iter().for_each(|of_worker| clock.add(of_worker));
    let began = shared.began.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seconds = began.map_or(0.0, |began| began.elapsed().as_secs_f64());
    Ok(Ran { samples, seconds, clock })
}

impl Shared<'_> {
    /// One worker: everything it needs is there before the time starts for all.
    fn work(&self, worker: usize) -> Result<Clock, InputError> {
        let own = self.loader.worker(worker, self.workers);
        let mut batch = vec![0.0; BATCH * FED_BYTES / 4];
        batch.clear();
        if self.ready.wait().is_leader() {
            *self.began.write().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        let done = own.and_then(|mut own| self.prepare(own.as_mut(), &mut batch));
        if done.is_err() {
            self.stop.store(true, Ordering::Relaxed);
        }
        done
    }

    fn prepare(&self, own: &mut dyn Worker, batch: &mut Vec<f32>) -> Result<Clock, InputError> {
        let mut clock = Clock::default();
        let mut held = 0;
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.end || self.stop.load(Ordering::Relaxed) {
                return Ok(clock);
            }
            if self.cancel.is_cancelled() {
                return Err(InputError::Cancelled);
            }
            if held == BATCH {
                batch.clear();
                held = 0;
            }
            own.prepare(index, batch, &mut clock)?;
            held += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::Stage;
    use super::super::loader::Memory;
    use super::*;

    /// Fails at one sample.
    struct Failing(usize);

    impl Loader for Failing {
        fn samples(&self) -> usize {
            100
        }

        fn worker(&self, _: usize, _: usize) -> Result<Box<dyn Worker + '_>, InputError> {
            Ok(Box::new(Self(self.0)))
        }
    }

    impl Worker for Failing {
        fn prepare(&mut self, index: usize, into: &mut Vec<f32>, _: &mut Clock) -> Result<(), InputError> {
            into.push(index as f32);
            if index == self.0 { Err(InputError::Empty) } else { Ok(()) }
        }
    }

    #[test]
    fn every_sample_is_prepared_once() {
        let ran = run(&Memory::new(16, 4000), 3, (0, 50), &Cancel::new()).unwrap();
        assert_eq!(ran.samples, 50);
        assert!(ran.clock.seconds(Stage::Feed) > 0.0 && ran.clock.seconds(Stage::Decode) == 0.0);
        assert!(run(&Failing(1000), 4, (0, 1000), &Cancel::new()).is_ok());
        assert!(run(&Failing(1000), 4, (1, 1000), &Cancel::new()).is_err());
    }

    #[test]
    fn one_worker_that_fails_ends_the_run() {
        for workers in [1, 4] {
            assert!(matches!(run(&Failing(30), workers, (0, 1000), &Cancel::new()), Err(InputError::Empty)));
        }
    }

    #[test]
    fn a_raised_flag_ends_the_run() {
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(matches!(run(&Failing(5000), 2, (0, 1000), &cancel), Err(InputError::Cancelled)));
    }
}
