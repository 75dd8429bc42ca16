//! What a fleet promises: machines may start, fail, be taken and go, and every request is still served once.
#![allow(clippy::unwrap_used, clippy::panic)]

use capplan::catalog::Batching;
use capplan::engine::Cancel;
use capplan::stats::Law;
use capplan::units::{Seconds, SimSpan, SimTime};
use capplan::workload::Workload;
use capplan::workload::arrivals::{ArrivalSpec, LengthLaw, LengthSpec, Mix, Prefix, Request, TrafficSpec};
use capplan::workload::failures::SpotMarket;
use capplan::workload::inference::{
    AdmissionRule, Autoscaler, BatchRules, BatchTable, Fate, FleetJob, Loss, MachineGroup, RequestRecord,
    Role, Router, Rules, ScaleSignal, ServiceModel, ServingRun, Targets,
};
use proptest::prelude::*;

use super::serving::{assert_books, model, requests, rules, serve};

fn fleet(replicas: u32) -> FleetJob {
    FleetJob::of(ServiceModel::Language(model(1000, rules())), replicas)
}

fn scaler(least: u32, most: u32) -> Autoscaler {
    Autoscaler {
        group: 0,
        least,
        most,
        signal: ScaleSignal::Outstanding,
        target: 8.0,
        period: SimSpan(1_000_000_000),
        out_window: SimSpan(5_000_000_000),
        in_window: SimSpan(20_000_000_000),
        cooldown: SimSpan(10_000_000_000),
    }
}

fn any_router() -> impl Strategy<Value = Router> {
    prop_oneof![
        Just(Router::RoundRobin),
        Just(Router::LeastOutstanding),
        (1u32..4).prop_map(Router::PowerOfChoices),
        Just(Router::PrefixAware),
        (1u32..800).prop_map(Router::ByLength),
    ]
}

fn any_group(roles: &'static [Role]) -> impl Strategy<Value = MachineGroup> {
    let shape = (prop::sample::select(roles), 1u32..4, 1u32..3, 1u32..3, 100u64..600, any::<bool>());
    let luck = (0.0f64..30.0, prop::option::of(20.0f64..200.0), any::<bool>());
    (shape, luck).prop_map(|((role, machines, each, billed, blocks, prefix_cache), (start, mtbf, spot))| {
        let market = SpotMarket {
            up: Law::Exponential { mean: 60.0 },
            down: Law::Exponential { mean: 20.0 },
            notice: Seconds(5.0),
        };
        MachineGroup {
            role,
            service: ServiceModel::Language(model(blocks, Rules { prefix_cache, ..rules() })),
            machines,
            replicas_per_machine: each,
            billed_per_machine: billed,
            start: Law::Deterministic(start),
            failures: mtbf.map(Seconds),
            spot: spot.then_some(market),
            transfer_ns_per_token: 1000.0,
        }
    })
}

fn any_groups() -> impl Strategy<Value = Vec<MachineGroup>> {
    prop_oneof![
        prop::collection::vec(any_group(&[Role::Whole]), 1..3),
        (any_group(&[Role::Prefill]), any_group(&[Role::Decode])).prop_map(|(one, two)| vec![one, two]),
    ]
}

fn any_fleet() -> impl Strategy<Value = FleetJob> {
    let admission = prop_oneof![
        2 => Just(AdmissionRule::Open),
        1 => (1u32..40).prop_map(AdmissionRule::Outstanding),
        1 => (1u64..5_000_000_000).prop_map(|ns| AdmissionRule::Wait(SimSpan(ns))),
    ];
    let scaling = prop::option::of((0u32..3, 1u32..6).prop_map(|(least, more)| scaler(least, least + more)));
    let loss = (0.0f64..40.0, 1u32..3).prop_map(|(at, machines)| Loss {
        at: Seconds(at),
        machines,
        back_after: Some(Seconds(3.0)),
    });
    let losses = prop::collection::vec(loss, 0..3);
    (any_groups(), any_router(), admission, scaling, losses, any::<bool>()).prop_map(
        |(groups, router, admission, autoscaler, losses, warm)| FleetJob {
            groups,
            router,
            admission,
            autoscaler,
            losses,
            warm,
            horizon: Seconds(50_000.0),
            ..fleet(1)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nobody_is_lost_or_served_twice_whatever_happens_to_machines(
        job in any_fleet(), seed in any::<u64>(), rate in 0.5f64..20.0, cut in any::<bool>(),
    ) {
        let requests = requests(seed, 150, rate, 2);
        let horizon = if cut { Seconds(20.0) } else { job.horizon };
        let job = FleetJob { horizon, ..job };
        let (run, records) = serve(&job, &requests, seed);
        let came = requests.iter().filter(|own| own.at.seconds().0 <= horizon.0).count();
        assert_books(&run, &records, came);
        if !cut {
            prop_assert_eq!(run.unfinished, 0);
        }
        for group in &run.groups {
            prop_assert!(group.busy <= group.up);
            prop_assert!(group.starting <= group.billed);
        }
        if job.router != Router::PrefixAware {
            // Such a router sees what a cache holds between two iterations, which a leap does not tell.
            let stepwise = FleetJob { stepwise: true, ..job.clone() };
            let sorted = |mut records: Vec<RequestRecord>| {
                records.sort_by_key(|record| record.order);
                records
            };
            prop_assert_eq!(sorted(serve(&stepwise, &requests, seed).1), sorted(records.clone()));
        }
        let (again, records_again) = serve(&job, &requests, seed);
        prop_assert_eq!(run, again);
        prop_assert_eq!(records, records_again);
    }

    #[test]
    fn a_further_replica_never_lowers_capacity(
        seed in any::<u64>(), replicas in 1u32..6, batching in prop::sample::select(vec![
            Batching::DecodeFirst, Batching::PrefillFirst, Batching::Static,
        ]),
    ) {
        let mut requests = requests(seed, 3000, 1.0, 1);
        requests.iter_mut().for_each(|own| own.at = SimTime::ZERO);
        // When four fifths are served: what follows is the tail of the longest, not capacity.
        let bulk = |replicas| {
            let service = ServiceModel::Language(model(800, Rules { batching, ..rules() }));
            let job = FleetJob { router: Router::RoundRobin, ..FleetJob::of(service, replicas) };
            serve(&job, &requests, seed).0.latency.quantile(0.8).unwrap()
        };
        prop_assert!(bulk(replicas + 1) <= bulk(replicas));
    }
}

#[test]
fn losing_one_of_two_hurts_more_than_one_of_sixteen() {
    let latency = |replicas: u32, loss: bool| {
        let losses = vec![Loss { at: Seconds(30.0), machines: 1, back_after: Some(Seconds(20.0)) }];
        let job = FleetJob { losses: if loss { losses } else { Vec::new() }, ..fleet(replicas) };
        // The same load on each replica.
        let rate = 20.0 * f64::from(replicas);
        let (run, _) = serve(&job, &requests(7, 2000 * u64::from(replicas), rate, 1), 7);
        assert_eq!(run.groups[0].interruptions, u64::from(loss));
        run.latency.quantile(0.99).unwrap()
    };
    let hurt = |replicas| latency(replicas, true) / latency(replicas, false);
    let (two, sixteen) = (hurt(2), hurt(16));
    assert!(two > 1.3 * sixteen, "{two} {sixteen}");
}

#[test]
fn a_request_on_a_lost_machine_begins_again() {
    let one = Request { at: SimTime::ZERO, input: 500, output: 500, model: 0, priority: 0, prefix: None };
    let undisturbed = serve(&fleet(2), &[one], 1).1[0];
    let losses = vec![Loss { at: Seconds(2.0), machines: 1, back_after: None }];
    let disturbed = serve(&FleetJob { losses, ..fleet(2) }, &[one], 1).1[0];
    assert_eq!(disturbed.end, undisturbed.end + SimSpan(2_000_000_000));
    assert!(disturbed.first_token.unwrap() > SimTime(2_000_000_000));
}

/// A machine busy half of the time with lone requests, and the meters of its fleet.
fn metered(job: &FleetJob, gap: f64, count: u64) -> ServingRun {
    let request = |order: u64| Request {
        at: SimTime::ZERO + SimSpan::from_seconds(Seconds(gap * order as f64)),
        input: 100,
        output: 100,
        model: 0,
        priority: 0,
        prefix: None,
    };
    let requests: Vec<Request> = (0..count).map(request).collect();
    serve(job, &requests, 1).0
}

#[test]
fn a_fleet_scaled_to_zero_holds_requests_at_the_door() {
    let mut job = fleet(1);
    job.groups[0].start = Law::Deterministic(60.0);
    job.groups[0].billed_per_machine = 2;
    job.autoscaler = Some(scaler(0, 3));
    let run = metered(&job, 600.0, 5);
    assert_eq!((run.finished, run.unfinished), (5, 0));
    let group = &run.groups[0];
    // The first meets a machine; the others each wait for a start.
    assert_eq!(group.starting, SimSpan(4 * 2 * 60_000_000_000));
    let slow = run.time_to_first_token.quantile(0.9).unwrap() / 1e9;
    assert!((slow / 60.0 - 1.0).abs() < 0.01, "{slow}");
    assert!(group.billed < SimSpan(2 * 600_000_000_000), "{:?}", group.billed);
    assert!(group.mean_machines < 0.3);
}

#[test]
fn an_autoscaler_follows_the_load_and_comes_back() {
    let mut job = fleet(1);
    job.groups[0].start = Law::Deterministic(20.0);
    job.autoscaler = Some(scaler(1, 6));
    let mut requests = requests(11, 4000, 40.0, 1);
    let last = requests.last().unwrap().at;
    // A quiet hour after the storm.
    let late = |minutes: u64| Request { at: last + SimSpan(minutes * 60_000_000_000), ..requests[0] };
    let calm: Vec<Request> = (1..60).map(late).collect();
    requests.extend(calm);
    let (run, records) = serve(&job, &requests, 1);
    assert_books(&run, &records, requests.len());
    let group = &run.groups[0];
    assert!(group.most_machines >= 4, "{}", group.most_machines);
    assert!(group.mean_machines < 1.5, "{}", group.mean_machines);
    let fixed = serve(&fleet(1), &requests, 1).0;
    assert!(run.latency.quantile(0.9) < fixed.latency.quantile(0.9));
}

#[test]
fn a_spot_fleet_is_billed_while_it_is_there() {
    let mut job = fleet(2);
    job.groups[0].spot = Some(SpotMarket {
        up: Law::Deterministic(100.0),
        down: Law::Deterministic(50.0),
        notice: Seconds(10.0),
    });
    job.horizon = Seconds(600.0);
    let run = metered(&job, 1.0, 700);
    let group = &run.groups[0];
    // Four runs of a hundred seconds in six hundred: machines go when their work is done, within the notice.
    let billed = group.billed.seconds().0;
    assert!((4.0 * 2.0 * 90.0..=4.0 * 2.0 * 100.0).contains(&billed), "{billed}");
    assert_eq!(group.interruptions, 8);
    assert!(run.unfinished <= 61 && run.finished >= 539, "{} {}", run.unfinished, run.finished);
}

#[test]
fn prompts_and_answers_on_machines_of_their_own() {
    let group = |role, machines| MachineGroup {
        role,
        machines,
        transfer_ns_per_token: 1e3,
        ..fleet(1).groups[0].clone()
    };
    let mut job = FleetJob { groups: vec![group(Role::Prefill, 1), group(Role::Decode, 1)], ..fleet(1) };
    let requests = requests(2, 1000, 15.0, 1);
    let (split, records) = serve(&job, &requests, 1);
    assert_books(&split, &records, requests.len());
    let mixed = serve(&fleet(2), &requests, 1).0;
    assert_eq!(split.output_tokens, mixed.output_tokens);
    let worst = |run: &ServingRun| run.time_per_output_token.quantile(0.9).unwrap();
    assert!(worst(&split) < worst(&mixed), "answers are not disturbed by prompts");
    job.groups[0].transfer_ns_per_token = 1e5;
    let one = Request { at: SimTime::ZERO, input: 500, output: 2, model: 0, priority: 0, prefix: None };
    let [alone, sent] = [&fleet(1), &job].map(|job| serve(job, &[one], 1).1[0]);
    assert_eq!(alone.first_token, sent.first_token);
    assert_eq!(sent.end, alone.end + SimSpan(500 * 100_000));
}

#[test]
fn a_prefix_aware_router_finds_more_than_a_blind_one() {
    let prefix = |order: u64| Some(Prefix { group: (order * 7 % 25) as u32, tokens: 512 });
    let mut requests = requests(4, 2000, 12.0, 1);
    for (order, own) in requests.iter_mut().enumerate() {
        own.input += 512;
        own.prefix = prefix(order as u64);
    }
    let hits = |router| {
        let service = ServiceModel::Language(model(700, Rules { prefix_cache: true, ..rules() }));
        let job = FleetJob { router, ..FleetJob::of(service, 4) };
        serve(&job, &requests, 1).0.prefix_hits
    };
    let (aware, blind) = (hits(Router::PrefixAware), hits(Router::RoundRobin));
    assert!(aware as f64 > 1.2 * blind as f64, "{aware} {blind}");
}

#[test]
fn a_door_that_refuses_keeps_the_wait_short() {
    let requests = requests(6, 3000, 60.0, 1);
    let run = |admission| serve(&FleetJob { admission, ..fleet(2) }, &requests, 1).0;
    let open = run(AdmissionRule::Open);
    let bounded = run(AdmissionRule::Outstanding(20));
    let patient = run(AdmissionRule::Wait(SimSpan(1_000_000_000)));
    for shed in [&bounded, &patient] {
        assert!(shed.refused > 0 && shed.finished > 500);
        assert!(shed.time_to_first_token.quantile(0.99) < open.time_to_first_token.quantile(0.99));
    }
}

#[test]
fn targets_count_who_keeps_all_of_them() {
    let requests = requests(8, 500, 4.0, 1);
    let good = |targets| serve(&FleetJob { targets, ..fleet(1) }, &requests, 1);
    let (run, records) = good(Targets { latency: Some(Seconds(1.0)), ..Targets::default() });
    let within = |limit: u64| records.iter().filter(|own| own.end.since(own.request.at).0 <= limit).count();
    assert_eq!(run.good, within(1_000_000_000) as u64);
    assert!(run.good > 0 && run.good < 500);
    let none = Targets { time_to_first_token: Some(Seconds(1e-9)), ..Targets::default() };
    let without_answer = records.iter().filter(|own| own.request.output == 0).count() as u64;
    assert_eq!(good(none).0.good, without_answer);
}

#[test]
fn ordinary_models_are_served_by_fleets_too() {
    let table = BatchTable::of_device(vec![4_000_000, 5_000_000, 6_000_000, 7_000_000]);
    let service = ServiceModel::Ordinary(table, BatchRules::greedy(4, 1));
    let lengths = LengthSpec { input: LengthLaw::Fixed(1), output: LengthLaw::Fixed(0), trace: None };
    let mix = Mix { share: 1.0, lengths, priority: 0, model: 0, prefix: None };
    let traffic = TrafficSpec {
        arrivals: ArrivalSpec::Poisson { rate: 800.0 },
        mixes: vec![mix],
        requests: Some(20_000),
        most_tokens: None,
    };
    let mut job = FleetJob { traffic, ..FleetJob::of(service, 2) };
    let calm = job.simulate(1, 0, &Cancel::new());
    assert_eq!((calm.finished, calm.in_flight_ns), (20_000, calm.time_in_system_ns));
    job.groups[0].failures = Some(Seconds(3.0));
    job.groups[0].start = Law::Deterministic(1.0);
    let rough = job.simulate(1, 0, &Cancel::new());
    assert_eq!((rough.finished, rough.in_flight_ns), (20_000, rough.time_in_system_ns));
    assert!(rough.groups[0].interruptions > 5);
    assert!(rough.latency.quantile(0.99) > calm.latency.quantile(0.99));
}

#[test]
fn looks_left_out_while_nothing_happens_change_nothing() {
    // Few requests, far apart, and a machine that fails now and then.
    for (seed, signal) in
        [(1, ScaleSignal::Outstanding), (2, ScaleSignal::Utilisation), (3, ScaleSignal::Queue)]
    {
        let target = if signal == ScaleSignal::Utilisation { 0.5 } else { 2.0 };
        let requests = requests(seed, 60, 0.01, 2);
        let mut job = fleet(1);
        job.warm = false;
        job.groups[0].start = Law::Deterministic(7.0);
        job.groups[0].failures = Some(Seconds(2000.0));
        job.horizon = Seconds(20_000.0);
        job.autoscaler = Some(Autoscaler { signal, target, ..scaler(seed as u32 % 2, 4) });
        let asleep = serve(&job, &requests, seed);
        // A loss of no machine between any two looks wakes the scaler.
        let none = |half: u32| Loss { at: Seconds(f64::from(half) + 0.5), machines: 0, back_after: None };
        job.losses = (0..20_000).map(none).collect();
        let awake = serve(&job, &requests, seed);
        assert_eq!(asleep.1, awake.1);
        let (mut quiet, busy) = (asleep.0, awake.0);
        assert!(quiet.events * 3 < busy.events, "{} of {} events", quiet.events, busy.events);
        quiet.events = busy.events;
        assert_eq!(quiet, busy);
    }
}

#[test]
fn odd_fleets_end() {
    let requests = requests(1, 50, 5.0, 1);
    let zero_period = Autoscaler { period: SimSpan::ZERO, cooldown: SimSpan::ZERO, ..scaler(5, 2) };
    let mut hopeless = fleet(1);
    hopeless.groups[0].failures = Some(Seconds(1e-3));
    let odd = [
        fleet(0),
        FleetJob { groups: Vec::new(), ..fleet(1) },
        FleetJob { autoscaler: Some(zero_period), ..fleet(0) },
        FleetJob { admission: AdmissionRule::Outstanding(0), ..fleet(1) },
        FleetJob { router: Router::PowerOfChoices(u32::MAX), ..fleet(3) },
        FleetJob { horizon: Seconds(100.0), ..hopeless },
        FleetJob { horizon: Seconds::ZERO, ..fleet(1) },
    ];
    for job in odd {
        let (run, records) = serve(&job, &requests, 1);
        assert_eq!(records.len() as u64 + run.unfinished, run.offered);
        assert_eq!(run.in_flight_ns, run.time_in_system_ns);
        let fates = records.iter().filter(|record| record.fate == Fate::Finished).count() as u64;
        assert_eq!(run.finished, fates);
    }
}
