//! Several workers at one loader: how long they take for so many samples.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::engine::Cancel;

use super::InputError;
use super::clock::Clock;
use super::loader::Loader;

/// Samples that a worker puts side by side before it throws them away, as in a batch: they leave the processor's caches.
const BATCH: usize = 32;

/// What some workers did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ran {
    /// Samples prepared.
    pub samples: usize,
    /// Seconds from the first worker's start to the last one's end.
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

/// Lets `workers` prepare `samples` as fast as they can, and throws the samples away.
///
/// # Errors
/// The first worker's error, or that the run was cancelled.
pub fn run(loader: &dyn Loader, workers: usize, samples: usize, cancel: &Cancel) -> Result<Ran, InputError> {
    let workers = workers.clamp(1, loader.most_workers());
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let work = |worker: usize| {
        let done = prepare(loader, (worker, workers), (&next, samples), &stop, cancel);
        if done.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        done
    };
    let clocks: Result<Vec<Clock>, InputError> = thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(Err(InputError::Worker))).collect()
    });
    let mut clock = Clock::default();
    clocks?.iter().for_each(|of_worker| clock.add(of_worker));
    Ok(Ran { samples, seconds: start.elapsed().as_secs_f64(), clock })
}

/// One worker's loop.
fn prepare(
    loader: &dyn Loader,
    (worker, workers): (usize, usize),
    (next, samples): (&AtomicUsize, usize),
    stop: &AtomicBool,
    cancel: &Cancel,
) -> Result<Clock, InputError> {
    let mut own = loader.worker(worker, workers)?;
    let mut clock = Clock::default();
    let mut batch = Vec::new();
    let mut held = 0;
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= samples || stop.load(Ordering::Relaxed) {
            return Ok(clock);
        }
        if cancel.is_cancelled() {
            return Err(InputError::Cancelled);
        }
        if held == BATCH {
            batch.clear();
            held = 0;
        }
        own.prepare(index, &mut batch, &mut clock)?;
        held += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::Stage;
    use super::super::loader::{Memory, Worker};
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
        let ran = run(&Memory::new(16, 4000), 3, 50, &Cancel::new()).unwrap();
        assert_eq!(ran.samples, 50);
        assert!(ran.clock.seconds(Stage::Feed) > 0.0 && ran.clock.seconds(Stage::Decode) == 0.0);
        assert!(run(&Failing(1000), 4, 1000, &Cancel::new()).is_ok());
    }

    #[test]
    fn one_worker_that_fails_ends_the_run() {
        for workers in [1, 4] {
            assert!(matches!(run(&Failing(30), workers, 1000, &Cancel::new()), Err(InputError::Empty)));
        }
    }

    #[test]
    fn a_raised_flag_ends_the_run() {
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(matches!(run(&Failing(5000), 2, 1000, &cancel), Err(InputError::Cancelled)));
    }
}
