//! Fleets of replicas against theory: routers, scale to zero, autoscaling, machines that come late.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capplan::engine::Cancel;
use capplan::stats::{self, Law};
use capplan::units::{Seconds, SimSpan, SimTime};
use capplan::workload::arrivals::{ArrivalSpec, LengthLaw, Traffic, TrafficSpec};
use capplan::workload::inference::{
    Autoscaler, BatchRules, BatchTable, Fate, FleetJob, RequestRecord, Router, ScaleSignal, ServiceModel,
    ServingRun,
};

use super::judge::Answer;
use super::oracle::{Case, Row, cases};
use super::served::{GRAIN, items, kind};

const REPLICATIONS: u32 = 20;
const CUSTOMERS: u64 = 25_000;

/// Replicas of `instances` servers each that serve one request at a time; services are drawn from a law of mean 1 and
/// take `service` seconds on average.
fn fleet(arrivals: ArrivalSpec, law: &Law, service: f64, instances: u32, replicas: u32) -> FleetJob {
    let unit = (service / GRAIN * 1e9 + 0.5) as u64;
    let table =
        BatchTable { sharing: vec![1.0; instances as usize], ..BatchTable::of_device(vec![unit, 2 * unit]) };
    let service = ServiceModel::Ordinary(table, BatchRules::greedy(1, instances));
    let traffic =
        TrafficSpec { arrivals, mixes: vec![kind(items(law))], requests: Some(CUSTOMERS), most_tokens: None };
    FleetJob { traffic, horizon: Seconds(1e10), ..FleetJob::of(service, replicas) }
}

fn exponential() -> Law {
    Law::Exponential { mean: 1.0 }
}

/// A run, and every request in the order in which it left.
fn records(job: &FleetJob, replica: u32) -> (ServingRun, Vec<RequestRecord>) {
    let mut traffic = Traffic::open(&job.traffic, 1, replica).unwrap();
    let mut records = Vec::new();
    let mut sink = |record: &RequestRecord| records.push(*record);
    let run = job.serve(&mut traffic, (1, replica), &mut sink, &Cancel::new());
    assert!(records.iter().all(|record| record.fate == Fate::Finished));
    (run, records)
}

/// Mean time in the system, of those after the first tenth.
fn mean_stay(job: &FleetJob, replica: u32) -> f64 {
    let (run, records) = records(job, replica);
    assert_eq!(run.in_flight_ns, run.time_in_system_ns, "Little's law");
    let stays = records.iter().filter(|record| record.order >= CUSTOMERS / 10);
    let stays: Vec<f64> = stays.map(|record| record.end.since(record.request.at).seconds().0).collect();
    stays.iter().sum::<f64>() / stays.len() as f64
}

/// The seed's question, asked of fleets: one fast machine, one machine with as many slow instances behind one queue, as
/// many slow machines behind a router that looks at nothing. Arrivals and work are common, so the order must hold in
/// every replication; and a router that looks does better than one that does not.
pub fn one_fast_vs_c_slow(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let count = case.count("c") as u32;
    let arrivals = ArrivalSpec::Poisson { rate: case.number("lambda") };
    let of = |service: f64, instances, replicas, router| FleetJob {
        router,
        ..fleet(arrivals.clone(), &exponential(), service, instances, replicas)
    };
    let slow = f64::from(count);
    let jobs = [
        of(1.0, 1, 1, Router::RoundRobin),
        of(slow, count, 1, Router::RoundRobin),
        of(slow, 1, count, Router::PowerOfChoices(1)),
    ];
    let looking =
        [of(slow, 1, count, Router::LeastOutstanding), of(slow, 1, count, Router::PowerOfChoices(2))];
    let seen: Vec<[f64; 3]> =
        (0..REPLICATIONS).map(|replica| jobs.each_ref().map(|job| mean_stay(job, replica))).collect();
    for (replica, order) in seen.iter().enumerate() {
        assert!(order.is_sorted_by(|less, more| less < more), "{}: {order:?}", case.0);
        if replica < 3 {
            let [least, of_two] = looking.each_ref().map(|job| mean_stay(job, replica as u32));
            assert!(order[1] < least && least < order[2], "{}: {least} {order:?}", case.0);
            assert!(order[1] < of_two && of_two < order[2], "{}: {of_two} {order:?}", case.0);
        }
    }
    let answer = |row: &Row| {
        let place = match row.quantity.as_str() {
            "W_one_fast" => 0,
            "W_c_slow_shared_queue" => 1,
            _ => 2,
        };
        Answer::Sampled(seen.iter().map(|seen| seen[place]).collect())
    };
    rows.iter().map(answer).collect()
}

fn scaler(least: u32, most: u32, signal: ScaleSignal, target: f64, period: f64) -> Autoscaler {
    let span = SimSpan::from_seconds(Seconds(period));
    Autoscaler {
        group: 0,
        least,
        most,
        signal,
        target,
        period: span,
        out_window: span,
        in_window: span,
        cooldown: SimSpan::ZERO,
    }
}

/// One replica that scales to zero as soon as it is idle and takes an exponential time to come back.
pub fn mm1_setup(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let arrivals = ArrivalSpec::Poisson { rate: case.number("lambda") };
    let mut job = fleet(arrivals, &exponential(), 1.0 / case.number("mu"), 1, 1);
    // Idleness is seen within a hundredth of a service, so that hardly anybody comes before it is.
    job.autoscaler = Some(scaler(0, 1, ScaleSignal::Outstanding, 1000.0, 0.008));
    job.groups[0].start = Law::Exponential { mean: 1.0 / case.number("setup_rate") };
    job.warm = false;
    let stays: Vec<f64> = (0..REPLICATIONS / 2).map(|replica| mean_stay(&job, replica)).collect();
    rows.iter().map(|_| Answer::Sampled(stays.clone())).collect()
}

/// Constant gaps and services.
fn constant(case: &Case, rate: &str, replicas: u32) -> FleetJob {
    let arrivals = ArrivalSpec::Gamma { rate: case.number(rate), cv: 0.0 };
    let mut job = fleet(arrivals, &Law::Deterministic(1.0), case.number("service_s"), 1, replicas);
    job.traffic.requests = Some(50_000);
    job
}

#[test]
fn an_autoscaler_settles_at_the_replicas_of_its_target() {
    for rows in cases("autoscale_target") {
        let case = &rows[0].case;
        // One machine more than the load needs: no queue tells the scaler of work that is not there.
        let load = case.number("lambda") * case.number("service_s");
        let mut job = constant(case, "lambda", load as u32 + 1);
        job.autoscaler = Some(scaler(1, 100, ScaleSignal::Utilisation, case.number("target_util"), 10.0));
        let run = records(&job, 0).0;
        println!("{}: {} machines, exact {}", case.0, run.groups[0].most_machines, rows[0].value);
        assert_eq!(f64::from(run.groups[0].most_machines), rows[0].value, "{}", case.0);
        // After the first look all of them stay.
        let mean = run.groups[0].mean_machines;
        let span = run.span.seconds().0;
        let least = rows[0].value - (rows[0].value - load) * 10.5 / span;
        assert!(mean > least - 0.5 && mean <= rows[0].value, "{}: {mean} of {least}", case.0);
    }
}

#[test]
fn a_backlog_grows_while_machines_start() {
    for rows in cases("scaleup_backlog_fluid") {
        let case = &rows[0].case;
        let replicas = case.count("c") as u32;
        let mut job = constant(case, "lam1", replicas);
        // The first look, after a second, asks for twice the machines; they are there when the delay is over.
        job.autoscaler = Some(Autoscaler {
            cooldown: SimSpan::from_seconds(Seconds(1e6)),
            ..scaler(replicas, 2 * replicas, ScaleSignal::Utilisation, 0.1, 1.0)
        });
        let delay = case.number("delay_s");
        job.groups[0].start = Law::Deterministic(delay - 1.0);
        let (run, records) = records(&job, 0);
        assert_eq!(run.groups[0].most_machines, 2 * replicas);
        let then = SimTime::ZERO + SimSpan::from_seconds(Seconds(delay));
        let inside = records.iter().filter(|record| record.request.at <= then && record.end > then).count();
        let service = case.number("service_s");
        // Those in service are no backlog.
        let backlog = inside as f64 - f64::from(replicas);
        let waits = records.iter().map(|record| record.end.since(record.request.at).seconds().0 - service);
        let longest = waits.fold(0.0, f64::max);
        for row in &rows {
            let ours = if row.quantity == "backlog_at_scaleup" { backlog } else { longest };
            println!("{} {}: {ours:.2}, exact {}", case.0, row.quantity, row.value);
            assert!((ours / row.value - 1.0).abs() < 0.01, "{} {}: {ours}", case.0, row.quantity);
        }
        let fluid = stats::backlog_of_start(case.number("lam1"), f64::from(replicas), service, delay);
        assert!((backlog / fluid - 1.0).abs() < 0.01);
    }
}

#[test]
fn a_fleet_of_one_is_the_device_on_its_own() {
    use capplan::workload::inference::ordinary::DeviceJob;
    let rules = BatchRules { max_delay: SimSpan(3_000_000), ..BatchRules::greedy(8, 2) };
    let table = BatchTable {
        sharing: vec![1.0, 1.4],
        host_per_item: SimSpan(200_000),
        host_cores: 2,
        ..BatchTable::of_device((1..=8).map(|n| 1_000_000 * (2 + n)).collect())
    };
    let traffic = TrafficSpec {
        arrivals: ArrivalSpec::Gamma { rate: 600.0, cv: 2.0 },
        mixes: vec![kind(LengthLaw::Uniform(1, 3))],
        requests: Some(20_000),
        most_tokens: None,
    };
    let device = DeviceJob {
        traffic: traffic.clone(),
        table: table.clone().into(),
        rules: rules.clone().into(),
        target: None,
        warm_up: Seconds::ZERO,
        horizon: Seconds(1e9),
    };
    let alone = device.observe(1, 0, &Cancel::new(), |_| ()).unwrap().serving;
    let job = FleetJob { traffic, ..FleetJob::of(ServiceModel::Ordinary(table, rules), 1) };
    let (run, _) = records(&job, 0);
    assert_eq!(run.latency, alone.latency);
    assert_eq!((run.finished, run.time_in_system_ns), (alone.finished, alone.time_in_system_ns));
}
