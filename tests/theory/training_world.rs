//! The training world against theory: failures, checkpoints, spot losses, and the leap against its steps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capplan::engine::Cancel;
use capplan::stats::Law;
use capplan::units::{Seconds, SimSpan, SimTime};
use capplan::workload::Workload;
use capplan::workload::failures::{FailureProcess, SpotMarket, Startup};
use capplan::workload::training::pipeline::SteadyStep;
use capplan::workload::training::{Phase, TrainingJob, TrainingReplica};

use super::oracle;

fn job(work: f64, interval: Option<f64>, write: f64, mtbf: Option<f64>, restart: f64) -> TrainingJob {
    // Steps of one second, so that intervals of work are whole steps.
    let step = SteadyStep { mean: Seconds(1.0), deviation: Seconds::ZERO, input_wait: 0.0, steady: true };
    TrainingJob {
        phases: vec![Phase { steps: work as u64, step }],
        checkpoint_interval: interval.map(Seconds),
        checkpoint_write: SimSpan::from_seconds(Seconds(write)),
        save_on_notice: false,
        startup: Startup {
            before: Seconds::ZERO,
            load: Seconds::ZERO,
            wait: Law::Deterministic(0.0),
            boot: Law::Deterministic(0.0),
            restore: Seconds::ZERO,
        },
        failures: FailureProcess {
            mtbf: mtbf.map(Seconds),
            detection: Seconds::ZERO,
            restart: Seconds(restart),
        },
        spot: None,
        elastic_workers: None,
        horizon: SimSpan(u64::MAX),
        stepwise: false,
    }
}

fn rows(family: &str) -> Vec<oracle::Row> {
    oracle::rows().into_iter().filter(|row| row.family == family).collect()
}

fn mean_wall(job: &TrainingJob, replicas: u32) -> (f64, f64) {
    let walls: Vec<f64> = (0..replicas)
        .map(|replica| {
            let result = job.simulate(7, replica, &Cancel::new());
            assert_eq!(
                result.meters.total(),
                result.reached.since(SimTime::ZERO),
                "the meters do not sum to the time"
            );
            result.finish.expect("the job ends").seconds().0
        })
        .collect();
    let mean = walls.iter().sum::<f64>() / f64::from(replicas);
    let variance = walls.iter().map(|wall| (wall - mean).powi(2)).sum::<f64>() / f64::from(replicas - 1);
    (mean, (variance / f64::from(replicas)).sqrt())
}

fn close(name: &str, (mean, error): (f64, f64), exact: f64) {
    let tolerance = (0.01 * exact).max(3.5 * error);
    assert!((mean - exact).abs() < tolerance, "{name}: simulated {mean} ± {error}, exact {exact}");
    // A tolerance that anything would pass is none.
    assert!(tolerance < 0.05 * exact, "{name}: too few replicas, tolerance {tolerance} of {exact}");
}

#[test]
fn checkpointed_runs_take_dalys_expected_time() {
    let mut seen = 0;
    for row in rows("young_daly").iter().filter(|row| row.quantity == "tau_young") {
        let number = |name| row.case.number(name);
        let (delta, m, r, work) = (number("delta"), number("M"), number("R"), number("Ts"));
        // The world takes whole steps, so the exact value is taken at the rounded interval, by the form that the rows
        // of the table are checked with to nine digits.
        let model = capplan::workload::failures::checkpoint::CheckpointModel {
            write: Seconds(delta),
            mtbf: Seconds(m),
            restart: Seconds(r),
        };
        let interval = model.daly_interval().0.round();
        let segments = (work / interval).round().max(1.0);
        let whole = segments * interval;
        let exact = model.expected_wall(Seconds(whole), Seconds(interval)).0;
        close(&row.case.0, mean_wall(&job(whole, Some(interval), delta, Some(m), r), 1500), exact);
        seen += 1;
    }
    assert!(seen > 2, "too few cases were simulated");
}

#[test]
fn without_checkpoints_a_run_starts_from_zero_each_time() {
    let mut seen = 0;
    for row in rows("restart_no_ckpt") {
        let (work, mtbf, restart) = (row.case.number("T"), row.case.number("MTBF"), row.case.number("R"));
        close(&row.case.0, mean_wall(&job(work, None, 0.0, Some(mtbf), restart), 20_000), row.value);
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn failures_of_many_nodes_come_at_the_sum_of_their_rates() {
    for row in rows("cluster_mtbf") {
        let (nodes, node) = (row.case.number("n"), row.case.number("mtbf_node"));
        let process =
            FailureProcess::of_nodes(nodes as u64, 86_400.0 / node, 0.0, Seconds::ZERO, Seconds::ZERO);
        let exact = process.mtbf.expect("nodes fail").0;
        assert!((exact / row.value - 1.0).abs() < 1e-9, "{}", row.case.0);
        // A run of 40 such times sees 40 failures.
        let work = (40.0 * exact).round();
        let seen: Vec<TrainingReplica> = (0..400)
            .map(|replica| {
                job(work, Some((exact / 100.0).max(1.0)), 0.0, Some(exact), 0.0).simulate(
                    3,
                    replica,
                    &Cancel::new(),
                )
            })
            .collect();
        let failures = seen.iter().map(|replica| replica.meters.interruptions as f64).sum::<f64>();
        let time = seen.iter().map(|replica| replica.reached.seconds().0).sum::<f64>();
        assert!((time / failures / exact - 1.0).abs() < 0.03, "{}: {}", row.case.0, time / failures);
    }
}

#[test]
fn spot_costs_what_its_rework_makes_of_the_discount() {
    let mut seen = 0;
    for row in rows("spot_cost_ratio").iter().filter(|row| row.quantity == "cost_vs_on_demand") {
        let number = |name| row.case.number(name);
        let (discount, mtbi, tau, delta, restart) =
            (number("discount"), number("MTBI"), number("tau"), number("delta"), number("R"));
        let work = (40.0 * tau).round();
        let mut spot = job(work, Some(tau), delta, None, 0.0);
        // The market has capacity again at once; what is billed is the restart, and starting over can be hit too.
        spot.spot = Some(SpotMarket {
            up: Law::Exponential { mean: mtbi },
            down: Law::Deterministic(0.0),
            notice: Seconds::ZERO,
        });
        spot.startup.boot = Law::Deterministic(restart);
        let replicas = 3000;
        let billed: f64 = (0..replicas)
            .map(|replica| {
                let meters = spot.simulate(5, replica, &Cancel::new()).meters;
                // The first start is not a restart.
                (meters.billed().seconds().0 - restart) / work
            })
            .sum::<f64>()
            / f64::from(replicas);
        let ratio = (1.0 - discount) * billed;
        assert!(
            (ratio / row.value - 1.0).abs() < 0.01,
            "{}: simulated {ratio}, exact {}",
            row.case.0,
            row.value
        );
        seen += 1;
    }
    assert!(seen >= 2, "no oracle row was simulated");
}

#[test]
fn a_leap_takes_the_time_of_its_steps() {
    for (interval, write) in [(None, 0.0), (Some(50.0), 3.0), (Some(1.0), 0.5)] {
        for mtbf in [None, Some(900.0), Some(120.0)] {
            let leap = job(2000.0, interval, write, mtbf, 20.0);
            if interval.is_none() && mtbf == Some(120.0) {
                continue;
            }
            let steps = TrainingJob { stepwise: true, ..leap.clone() };
            for replica in 0..20 {
                let (leap, steps) =
                    (leap.simulate(1, replica, &Cancel::new()), steps.simulate(1, replica, &Cancel::new()));
                assert_eq!(leap.finish, steps.finish, "{interval:?} {mtbf:?} {replica}");
                assert_eq!(leap.meters, steps.meters, "{interval:?} {mtbf:?} {replica}");
                assert!(leap.events <= steps.events);
            }
        }
    }
}

#[test]
fn a_trillion_samples_take_no_more_events_than_a_thousand() {
    let small = job(1000.0, Some(100.0), 1.0, None, 0.0).simulate(1, 0, &Cancel::new());
    let large = job(1e9, Some(100.0), 1.0, None, 0.0).simulate(1, 0, &Cancel::new());
    assert_eq!(small.events, large.events);
}

#[test]
fn an_asynchronous_job_goes_on_when_a_worker_fails() {
    let mut elastic = job(20_000.0, None, 0.0, Some(500.0), 1000.0);
    elastic.elastic_workers = Some(16);
    let result = elastic.simulate(1, 0, &Cancel::new());
    assert!(result.meters.interruptions > 10);
    assert_eq!(result.meters.rework, SimSpan::ZERO, "nothing is computed twice");
    // About two of sixteen workers are away at any time.
    let slowdown = result.reached.seconds().0 / 20_000.0;
    assert!((1.05..1.35).contains(&slowdown), "{slowdown}");
}

#[test]
fn a_notice_long_enough_saves_the_steps_since_the_last_checkpoint() {
    let mut spot = job(20_000.0, None, 10.0, None, 0.0);
    spot.spot = Some(SpotMarket {
        up: Law::Exponential { mean: 3000.0 },
        down: Law::Deterministic(60.0),
        notice: Seconds(30.0),
    });
    spot.horizon = SimSpan::from_seconds(Seconds(1e9));
    let without = spot.simulate(1, 0, &Cancel::new());
    spot.save_on_notice = true;
    let with = spot.simulate(1, 0, &Cancel::new());
    assert!(with.meters.rework.0 < without.meters.rework.0 / 20);
    assert!(with.finish < without.finish);
}
