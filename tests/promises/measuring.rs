//! The way of measuring, on a bench and a clock that do as they are told.
#![cfg(feature = "calibrate")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use capplan::calibrate::{
    Bench, BenchError, Clock, Journal, JournalError, MeasureError, Measured, Method, Quantity, Task, measure,
};
use capplan::catalog::Fingerprint;
use capplan::catalog::measured::Section;
use capplan::engine::Cancel;
use capplan::stats::{Curve, Stream};

#[derive(Clone)]
struct FakeClock(Rc<Cell<f64>>);

impl Clock for FakeClock {
    fn now(&self) -> Duration {
        Duration::from_secs_f64(self.0.get())
    }
}

/// A step of 10 ms + 1 ms per item, the first ones slower, with noise and drift on demand.
struct FakeBench {
    clock: FakeClock,
    stream: Stream,
    size: f64,
    since_start: u32,
    noise: f64,
    level: f64,
    drift: f64,
    order: Vec<(usize, f64)>,
    cancel_after: Option<(usize, Cancel)>,
    largest: f64,
}

impl FakeBench {
    fn new(noise: f64) -> Self {
        Self {
            clock: FakeClock(Rc::new(Cell::new(0.0))),
            stream: Stream::named(3, 0, "fake", "bench"),
            size: 1.0,
            since_start: 0,
            noise,
            level: 1.0,
            drift: 0.0,
            order: Vec::new(),
            cancel_after: None,
            largest: 1e9,
        }
    }
}

impl Bench for FakeBench {
    fn start(&mut self, task: usize, size: f64) -> Result<(), BenchError> {
        self.order.push((task, size));
        if size > self.largest {
            return Err(BenchError::Skip { reason: "does not fit".to_owned() });
        }
        if let Some((after, cancel)) = &self.cancel_after
            && self.order.len() > *after
        {
            cancel.cancel();
        }
        self.size = size;
        self.since_start = 0;
        // Noise between runs, as fresh processes have it.
        self.level = 1.0 + self.noise * self.stream.normal() + self.drift * self.clock.0.get();
        Ok(())
    }

    fn sample(&mut self) -> Result<Vec<f64>, BenchError> {
        self.since_start += 1;
        let cold = if self.since_start <= 4 { 5.0 / f64::from(self.since_start) } else { 1.0 };
        let seconds = (0.010 + 0.001 * self.size) * self.level * cold;
        self.clock.0.set(self.clock.0.get() + seconds);
        Ok(vec![seconds, 0.25 * seconds])
    }
}

fn tasks() -> Vec<Task> {
    let task = |model: &str| Task {
        section: Section::Train,
        axis: "batch",
        settings: BTreeMap::from([("model".to_owned(), model.to_owned())]),
        quantities: vec![Quantity::seconds("step"), Quantity::seconds("forward")],
        sizes: vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0],
        essential: true,
    };
    vec![task("one"), task("two")]
}

fn run(
    bench: &mut FakeBench,
    budget: Option<f64>,
    journal: Option<&mut Journal>,
) -> Result<Measured, MeasureError> {
    let cancel = bench.cancel_after.as_ref().map_or_else(Cancel::new, |(_, cancel)| cancel.clone());
    let method = Method { budget: budget.map(Duration::from_secs_f64), ..Method::usual(&cancel) };
    let clock = bench.clock.clone();
    measure(&tasks(), bench, &method, &clock, journal, &mut |_| ())
}

#[test]
fn warm_up_is_dropped_and_the_curve_is_found() {
    let found = run(&mut FakeBench::new(0.0), None, None).unwrap();
    assert_eq!(found.curves.len(), 4);
    for curve in &found.curves {
        assert_eq!(curve.runs.len(), 21);
        assert!(curve.runs.iter().all(|run| run.samples.len() >= 12 && run.samples.len() < 40));
    }
    let fit = found.curves[0].fit.as_ref().unwrap();
    let Curve::Affine { a, b } = fit.fitted.curve else { panic!("{fit:?}") };
    assert!((a - 0.010).abs() < 1e-5 && (b - 0.001).abs() < 1e-6, "{a} {b}");
    assert!(!found.quality.is_doubtful() && !found.cut_short);
}

#[test]
fn each_repeat_goes_through_all_sizes_in_an_order_of_its_own() {
    let mut bench = FakeBench::new(0.0);
    run(&mut bench, None, None).unwrap();
    let rounds: Vec<&[(usize, f64)]> = bench.order.chunks(14).collect();
    assert_eq!(rounds.len(), 3);
    for round in &rounds {
        let mut sorted = round.to_vec();
        sorted.sort_by(|left, right| left.partial_cmp(right).unwrap());
        sorted.dedup();
        assert_eq!(sorted.len(), 14, "{round:?}");
    }
    assert!(rounds[0] != rounds[1] && rounds[1] != rounds[2]);
}

#[test]
fn sizes_whose_runs_disagree_are_repeated_more_often_and_not_for_ever() {
    let runs_of = |noise: f64| {
        let found = run(&mut FakeBench::new(noise), None, None).unwrap();
        let mut counts: Vec<usize> = Vec::new();
        for curve in found.curves.iter().step_by(2) {
            for at in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0] {
                counts.push(curve.runs.iter().filter(|run| run.at == at).count());
            }
        }
        counts
    };
    assert!(runs_of(0.002).iter().all(|count| *count == 3));
    let noisy = runs_of(0.10);
    assert!(noisy.iter().all(|count| (3..=5).contains(count)), "{noisy:?}");
    assert!(noisy.iter().any(|count| *count > 3) && noisy.iter().sum::<usize>() > 45, "{noisy:?}");
}

#[test]
fn sweeps_that_no_step_time_is_drawn_from_come_last_when_time_is_short() {
    let mut all = tasks();
    all[1].essential = false;
    let cancel = Cancel::new();
    let mut bench = FakeBench::new(0.0);
    let method = Method { budget: Some(Duration::from_secs(6)), ..Method::usual(&cancel) };
    let clock = bench.clock.clone();
    measure(&all, &mut bench, &method, &clock, None, &mut |_| ()).unwrap();
    let first_aside = bench.order.iter().position(|(task, _)| *task == 1).unwrap_or(bench.order.len());
    let sizes: std::collections::BTreeSet<u64> =
        bench.order[..first_aside].iter().map(|(_, size)| *size as u64).collect();
    assert_eq!(sizes.len(), 7, "{:?}", bench.order);
}

#[test]
fn noise_and_drift_are_told() {
    assert!(!run(&mut FakeBench::new(0.01), None, None).unwrap().quality.is_doubtful());
    let noisy = run(&mut FakeBench::new(0.15), None, None).unwrap().quality;
    assert!(noisy.complaint().unwrap().contains("noisy"), "{noisy:?}");
    let mut bench = FakeBench::new(0.005);
    bench.drift = 0.008;
    let slowing = run(&mut bench, None, None).unwrap().quality;
    assert!(slowing.complaint().unwrap().contains("slowed down"), "{slowing:?}");
}

#[test]
fn a_budget_is_kept_and_spent_on_what_tells_most() {
    for budget in [8.0, 12.0, 20.0] {
        let mut bench = FakeBench::new(0.005);
        let found = run(&mut bench, Some(budget), None).unwrap();
        // The last run may take a little longer than expected.
        assert!(bench.clock.0.get() < budget * 1.1, "{budget}: {}", bench.clock.0.get());
        assert!(found.cut_short);
        for curve in &found.curves {
            let fit = curve
                .fit
                .as_ref()
                .unwrap_or_else(|| panic!("{budget}: {} has no fit: {:?}", curve.title(), bench.order));
            assert_eq!(fit.fitted.range(), 1.0..=64.0, "both ends come first");
            assert!(
                (fit.fitted.evaluate(20.0) / if curve.quantity == "step" { 0.030 } else { 0.0075 } - 1.0)
                    .abs()
                    < 0.03
            );
        }
    }
    // New sizes come before repeats of old ones.
    let mut bench = FakeBench::new(0.005);
    run(&mut bench, Some(16.0), None).unwrap();
    let mut first: Vec<(usize, f64)> = bench.order[..12].to_vec();
    first.sort_by(|left, right| left.partial_cmp(right).unwrap());
    first.dedup();
    assert_eq!(first.len(), 12);
}

#[test]
fn a_size_that_does_not_fit_is_skipped_and_said_so() {
    let mut bench = FakeBench::new(0.0);
    bench.largest = 20.0;
    let found = run(&mut bench, None, None).unwrap();
    let curve = &found.curves[0];
    let skipped: Vec<f64> = curve.skipped.iter().map(|skipped| skipped.at).collect();
    assert_eq!(skipped.len(), 2, "{skipped:?}");
    assert_eq!(curve.fit.as_ref().unwrap().fitted.to, 16.0);
}

#[test]
fn a_stopped_calibration_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = Journal::path_of(&folder.path().join("p.toml"));
    let machine = Fingerprint::default();
    let open = |afresh| Journal::open(&path, &tasks(), &machine, afresh);

    let mut bench = FakeBench::new(0.0);
    bench.cancel_after = Some((9, Cancel::new()));
    let mut journal = open(false).unwrap();
    assert!(matches!(run(&mut bench, None, Some(&mut journal)), Err(MeasureError::Cancelled)));
    drop(journal);
    // The line being written when the power went.
    let torn = std::fs::read_to_string(&path).unwrap() + "{\"task\":0,\"at\":1";
    std::fs::write(&path, torn).unwrap();

    let mut journal = open(false).unwrap();
    assert_eq!(journal.finished(), 9);
    let mut bench = FakeBench::new(0.0);
    let found = run(&mut bench, None, Some(&mut journal)).unwrap();
    assert_eq!(bench.order.len(), 42 - 9);
    assert_eq!(found.curves[0].runs.len(), 21);
    let whole = run(&mut FakeBench::new(0.0), None, None).unwrap();
    assert_eq!(
        found.curves[0].fit.as_ref().unwrap().fitted.curve,
        whole.curves[0].fit.as_ref().unwrap().fitted.curve
    );
    drop(journal);

    // What was measured elsewhere, or of other work, is not mixed in.
    let other = Fingerprint { cpu: "another".to_owned(), ..Fingerprint::default() };
    assert!(matches!(Journal::open(&path, &tasks(), &other, false), Err(JournalError::Other { .. })));
    assert!(matches!(Journal::open(&path, &tasks()[..1], &machine, false), Err(JournalError::Other { .. })));
    let journal = open(true).unwrap();
    assert_eq!(journal.finished(), 0);
    journal.remove();
    assert!(!path.exists());
}

#[test]
fn a_journal_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent/p.partial");
    assert!(matches!(
        Journal::open(&absent, &tasks(), &Fingerprint::default(), false),
        Err(JournalError::Io { .. })
    ));
}
