//! Several models on one device: nobody is lost, leaping equals stepping, and sharing costs what the factor says.
#![allow(clippy::unwrap_used, clippy::panic)]

use capplan::units::{SimSpan, SimTime};
use capplan::workload::arrivals::Request;
use capplan::workload::inference::{
    BatchRules, BatchTable, Fate, FleetJob, RequestRecord, ServiceModel, ServingRun,
};
use proptest::prelude::*;

use super::serving::{assert_books, model, requests, rules, serve};

fn language(blocks: u64) -> ServiceModel {
    ServiceModel::Language(model(blocks, rules()))
}

fn ordinary(ns: u64) -> ServiceModel {
    ServiceModel::Ordinary(BatchTable::of_device(vec![ns]), BatchRules::greedy(1, 1))
}

fn at(ns: u64, model: u16) -> Request {
    Request { at: SimTime(ns), input: 1, output: 0, model, priority: 0, prefix: None }
}

fn shared(models: Vec<ServiceModel>, sharing: &[f64]) -> FleetJob {
    FleetJob::of(ServiceModel::Shared(models, sharing.to_vec()), 1)
}

fn ends(records: &[RequestRecord]) -> Vec<(u64, u64)> {
    let mut ends: Vec<(u64, u64)> = records.iter().map(|record| (record.order, record.end.0)).collect();
    ends.sort_unstable();
    ends
}

#[test]
fn two_at_once_take_the_factor_longer_and_one_alone_does_not() {
    // 1,000 ns each. The first is alone for 400 ns; then both go at half the speed: the first is done 1,200 ns later, the
    // second has 400 ns left, alone.
    let job = shared(vec![ordinary(1000), ordinary(1000)], &[1.0, 2.0]);
    let (run, records) = serve(&job, &[at(0, 0), at(400, 1)], 1);
    assert_eq!(ends(&records), [(0, 1600), (1, 2000)]);
    assert_eq!(run.groups[0].busy, SimSpan(2000));
    // At a factor below the number of models the device does more in total: 600 ns left at 1.25 take 750.
    let quick = shared(vec![ordinary(1000), ordinary(1000)], &[1.0, 1.25]);
    assert_eq!(ends(&serve(&quick, &[at(0, 0), at(400, 1)], 1).1), [(0, 1150), (1, 1550)]);
    // Three at work with factors for two: no more in total than with two.
    let three = shared(vec![ordinary(900), ordinary(900), ordinary(900)], &[1.0, 2.0]);
    assert_eq!(ends(&serve(&three, &[at(0, 0), at(0, 1), at(0, 2)], 1).1), [(0, 2700), (1, 2700), (2, 2700)]);
}

#[test]
fn each_model_is_counted_apart_and_together_they_are_all() {
    let job = shared(vec![language(4000), language(4000)], &[1.0, 2.0]);
    let mut asked = requests(7, 400, 4.0, 1);
    for (index, request) in asked.iter_mut().enumerate() {
        request.model = u16::from(index % 3 == 0);
    }
    let (run, records) = serve(&job, &asked, 7);
    assert_books(&run, &records, asked.len());
    assert_eq!(run.models.len(), 2);
    let sum = |of: fn(&capplan::workload::inference::ModelMeters) -> u64| -> u64 {
        run.models.iter().map(of).sum()
    };
    assert_eq!(sum(|own| own.offered), run.offered);
    assert_eq!(sum(|own| own.finished), run.finished);
    assert_eq!(sum(|own| own.good), run.good);
    assert_eq!(sum(|own| own.latency.count()), run.latency.count());
    assert_eq!(run.models[1].offered, 134);
}

fn same(leap: &(ServingRun, Vec<RequestRecord>), step: &(ServingRun, Vec<RequestRecord>)) {
    let sorted = |records: &[RequestRecord]| {
        let mut all = records.to_vec();
        all.sort_unstable_by_key(|record| record.order);
        all
    };
    for (leap, step) in sorted(&leap.1).iter().zip(&sorted(&step.1)) {
        let iterations = u64::from(step.request.output) + 8;
        let near = |one: SimTime, other: SimTime| one.0.abs_diff(other.0) <= iterations;
        assert!(near(leap.end, step.end), "{leap:?} {step:?}");
        let first = |record: &RequestRecord| record.first_token.unwrap_or(record.end);
        assert!(near(first(leap), first(step)), "{leap:?} {step:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn leaping_equals_stepping_on_a_shared_device(seed in 0u64..1000, rate in 0.5f64..12.0, blocks in 300u64..3000) {
        let mut asked = requests(seed, 120, rate, 2);
        for (index, request) in asked.iter_mut().enumerate() {
            request.model = (index % 2) as u16;
            request.prefix = None;
        }
        let job = shared(vec![language(blocks), language(blocks)], &[1.0, 2.0]);
        let stepwise = FleetJob { stepwise: true, ..job.clone() };
        let (leap, step) = (serve(&job, &asked, seed), serve(&stepwise, &asked, seed));
        assert_books(&leap.0, &leap.1, asked.len());
        prop_assert!(leap.1.iter().all(|record| record.fate != Fate::Refused));
        same(&leap, &step);
    }

    #[test]
    fn a_model_whose_neighbour_has_nothing_to_do_is_alone(seed in 0u64..1000, rate in 0.5f64..12.0) {
        let asked = requests(seed, 100, rate, 2);
        let alone = serve(&FleetJob::of(language(2000), 1), &asked, seed);
        let beside = serve(&shared(vec![language(2000), language(2000)], &[1.0, 2.0]), &asked, seed);
        prop_assert_eq!(ends(&alone.1), ends(&beside.1));
    }
}
