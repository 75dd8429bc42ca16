//! Queues answered by the serving world itself: traffic drawn as a scenario draws it, one device that batches as the
//! server does. A customer is a request whose items set its service time; a largest batch of one item keeps requests
//! apart, since a request is never split.

use std::cell::RefCell;
use std::sync::Arc;

use capplan::engine::Cancel;
use capplan::stats::{Law, Stream};
use capplan::units::{Seconds, SimSpan, SimTime};
use capplan::workload::arrivals::{
    ArrivalSpec, LengthLaw, LengthSpec, Mix, TraceFormat, TraceSource, TrafficSpec,
};
use capplan::workload::inference::ordinary::{DeviceJob, DeviceRun, End};
use capplan::workload::inference::{BatchRules, BatchTable};

use super::judge::Answer;
use super::oracle::{Case, Row};
use super::queue_world::Seen;

const REPLICATIONS: u32 = 20;
const CUSTOMERS: u64 = 600_000;
/// Items of a mean service: fine enough that whole items do not matter.
pub const GRAIN: f64 = 10_000.0;
/// Quantiles of a law of services.
const QUANTILES: usize = 200_000;

/// Requests of one kind.
pub fn kind(input: LengthLaw) -> Mix {
    let lengths = LengthSpec { input, output: LengthLaw::Fixed(0), trace: None };
    Mix { share: 1.0, lengths, priority: 0, model: 0, prefix: None }
}

/// Items that take the times of the law: `GRAIN` items are one mean. The tail beyond the last but one quantile has the
/// right mean.
pub fn items(law: &Law) -> LengthLaw {
    let grain = GRAIN / law.mean();
    let at = |place: usize| law.exceeded_with(1.0 - place as f64 / QUANTILES as f64) * grain;
    let mut quantiles: Vec<f64> = (0..QUANTILES).map(at).collect();
    let so_far = quantiles.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])).sum::<f64>() / QUANTILES as f64;
    let last = quantiles[QUANTILES - 1];
    let tail = (GRAIN - so_far) * QUANTILES as f64;
    quantiles.push((2.0 * tail - last).max(last));
    LengthLaw::Empirical(quantiles.into_iter().map(|items| (items + 0.5).max(1.0) as u32).collect())
}

/// Instances that serve one request at a time, each in as long as its items say.
pub struct Served {
    pub arrivals: ArrivalSpec,
    pub kinds: Vec<Mix>,
    /// Mean service.
    pub service: f64,
    pub instances: u32,
    pub places: Option<u64>,
    /// Whether the instances share one device instead of having one each.
    pub shared: bool,
}

impl Served {
    fn new(rate: f64, service: Law, instances: u32) -> Self {
        Self {
            arrivals: ArrivalSpec::Poisson { rate },
            service: service.mean(),
            kinds: vec![kind(items(&service))],
            instances,
            places: None,
            shared: false,
        }
    }

    fn job(&self, customers: u64) -> DeviceJob {
        let unit = (self.service / GRAIN * 1e9 + 0.5) as u64;
        let busy = if self.shared { 1 } else { self.instances as usize };
        let table = BatchTable { sharing: vec![1.0; busy], ..BatchTable::of_device(vec![unit, 2 * unit]) };
        let rules = BatchRules { max_queue: self.places, ..BatchRules::greedy(1, self.instances) };
        let warm_up = customers as f64 / 10.0 / self.arrivals.rate().unwrap_or(1.0 / self.service);
        DeviceJob {
            traffic: TrafficSpec {
                arrivals: self.arrivals.clone(),
                mixes: self.kinds.clone(),
                requests: Some(customers + customers / 10),
                most_tokens: None,
            },
            table: Arc::new(table),
            rules: Arc::new(rules),
            target: None,
            warm_up: Seconds(warm_up),
            horizon: Seconds(1e10),
        }
    }

    /// What a replication shows of the requests of one priority.
    fn seen(&self, replica: u32, customers: u64, priority: u8) -> Seen {
        let job = self.job(customers);
        let (mut waits, mut sojourns) = (Vec::new(), Vec::new());
        let warm_up = SimTime::ZERO + SimSpan::from_seconds(job.warm_up);
        let (mut waited, mut served, mut last) = (0.0, 0.0, warm_up);
        let run = job
            .observe(1, replica, &Cancel::new(), |gone| {
                last = last.max(gone.arrived);
                if gone.arrived < warm_up || gone.end != End::Finished {
                    return;
                }
                let (wait, sojourn) = (gone.queued.seconds().0, gone.left.since(gone.arrived).seconds().0);
                waited += wait;
                served += sojourn - wait;
                if gone.priority == priority {
                    waits.push(wait);
                    sojourns.push(sojourn);
                }
            })
            .unwrap();
        assert_eq!(run.serving.in_flight_ns, run.serving.time_in_system_ns, "Little's law");
        // Rates are of the time in which the counted requests arrived: the end, when the last are served, is none of it.
        let (time, span) = (run.reached.seconds().0, last.since(warm_up).seconds().0);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        Seen {
            mean_wait: mean(&waits),
            mean_sojourn: mean(&sojourns),
            mean_serving: served / span,
            mean_waiting: waited / span,
            refused_share: run.serving.refused as f64 / run.serving.offered as f64,
            empty_share: 1.0 - run.meters.busy.seconds().0 / time,
            throughput: run.serving.finished as f64 / span,
            waits,
            sojourns,
        }
    }
}

fn replicate(system: &Served, customers: u64, priority: u8) -> Vec<Seen> {
    let each = customers / u64::from(REPLICATIONS);
    (0..REPLICATIONS).map(|replica| system.seen(replica, each, priority)).collect()
}

fn answer(rows: &[Row], system: &Served) -> Vec<Answer> {
    let load = system.arrivals.rate().unwrap() * system.service / f64::from(system.instances);
    // A queue under a load near 1 forgets in a time that grows with 1/(1 − ρ)²: see `queues`.
    let longer = if system.places.is_none() { (0.1 / (1.0 - load)).powi(2).max(1.0) } else { 1.0 };
    let seen = replicate(system, (CUSTOMERS as f64 * longer) as u64, 0);
    super::queues::answer_from(rows, &seen)
}

fn exponential(rate: f64) -> Law {
    Law::Exponential { mean: 1.0 / rate }
}

fn markov(case: &Case, instances: u32) -> Served {
    Served::new(case.number("lambda"), exponential(case.number("mu")), instances)
}

pub fn mm1(rows: &[Row]) -> Vec<Answer> {
    answer(rows, &markov(&rows[0].case, 1))
}

pub fn mmc(rows: &[Row]) -> Vec<Answer> {
    answer(rows, &markov(&rows[0].case, rows[0].case.count("c") as u32))
}

pub fn mm1k(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    answer(rows, &Served { places: Some(case.count("K") as u64 - 1), ..markov(case, 1) })
}

pub fn mmck(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let servers = case.count("c");
    let places = Some((case.count("K") - servers) as u64);
    answer(rows, &Served { places, ..markov(case, servers as u32) })
}

pub fn mmcc_loss(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let system = Served::new(case.number("a"), exponential(1.0), case.count("c") as u32);
    answer(rows, &Served { places: Some(0), ..system })
}

pub fn mminf(rows: &[Row]) -> Vec<Answer> {
    answer(rows, &markov(&rows[0].case, 10_000))
}

pub fn dm1(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    // Gamma gaps without any spread are all alike.
    let arrivals = ArrivalSpec::Gamma { rate: case.number("lambda"), cv: 0.0 };
    answer(rows, &Served { arrivals, ..markov(case, 1) })
}

pub fn mdc(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let service = Law::Deterministic(case.number("D"));
    answer(rows, &Served::new(case.number("lambda"), service, case.count("c") as u32))
}

pub fn md1_wait_cdf(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let system = Served::new(case.number("lambda"), Law::Deterministic(case.number("D")), 1);
    let seen = replicate(&system, CUSTOMERS, 0);
    vec![Answer::Sampled(seen.iter().map(|seen| 1.0 - seen.waits_beyond(case.number("t"))).collect())]
}

pub fn mg1(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let service = match case.text("service") {
        "D" => Law::Deterministic(1.0),
        "M" => exponential(1.0),
        "Erlang-2" => erlang(2),
        "Erlang-4" => erlang(4),
        "H2 cs2=4" => Law::hyperexponential(1.0, 2.0),
        "Uniform(0,2)" => Law::Uniform { lo: 0.0, hi: 2.0 },
        "lognormal sigma=1" => Law::lognormal(1.0, case.number("cs2").sqrt()),
        other => panic!("no such service: {other}"),
    };
    answer(rows, &Served::new(case.number("lambda"), service, 1))
}

/// The sum of `stages` exponential times, as quantiles found by halving.
fn erlang(stages: i32) -> Law {
    let survival = |x: f64| {
        let y = f64::from(stages) * x;
        let terms = (0..stages).scan(1.0, |term, stage| {
            let own = *term;
            *term *= y / f64::from(stage + 1);
            Some(own)
        });
        (-y).exp() * terms.sum::<f64>()
    };
    let quantile = |place: usize| {
        let tail = 1.0 - place as f64 / 50_000.0;
        let (mut low, mut high) = (0.0, 40.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if survival(middle) > tail { low = middle } else { high = middle }
        }
        low
    };
    let mut quantiles: Vec<f64> = (0..50_000).map(quantile).collect();
    quantiles.push(quantiles[49_999] + 2.0 / f64::from(stages));
    Law::Empirical(quantiles)
}

/// One device shared by all: the law of services must not matter, and three are tried.
pub fn mg1_ps(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let laws = [Law::Deterministic(1.0), exponential(1.0), Law::hyperexponential(1.0, 2.0)];
    let means = laws.into_iter().flat_map(|law| {
        let system = Served { shared: true, ..Served::new(case.number("lambda"), law, u32::from(u16::MAX)) };
        let seen = replicate(&system, CUSTOMERS, 0);
        let means: Vec<f64> = seen.iter().map(|seen| seen.mean_sojourn).collect();
        let mean = means.iter().sum::<f64>() / means.len() as f64;
        assert!((mean / rows[0].value - 1.0).abs() < 0.05, "{}: {mean}", case.0);
        means
    });
    vec![Answer::Sampled(means.collect())]
}

pub fn mg1_priority_np(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let rates = [case.number("lambda1"), case.number("lambda2")];
    let sum = rates[0] + rates[1];
    let mut system = Served::new(sum, exponential(case.number("mu")), 1);
    let of_level =
        |(priority, rate): (u8, f64)| Mix { priority, share: rate / sum, ..system.kinds[0].clone() };
    system.kinds = [(0, rates[0]), (1, rates[1])].map(of_level).to_vec();
    let answer = |row: &Row| {
        let priority = if row.quantity == "Wq1" { 0 } else { 1 };
        let seen = replicate(&system, 2 * CUSTOMERS, priority);
        Answer::Sampled(seen.iter().map(|seen| seen.mean_wait).collect())
    };
    rows.iter().map(answer).collect()
}

/// A closed load before one station; the closed form is checked beside it.
pub fn closed_mva(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let demands: Vec<f64> =
        case.text("D").trim_matches(['[', ']']).split('|').map(|part| part.trim().parse().unwrap()).collect();
    let (clients, think) = (case.count("N") as u32, case.number("Z"));
    let closed = capplan::stats::closed_load(clients, &demands, think);
    let exact = |row: &Row| match row.quantity.as_str() {
        "X" => closed.throughput,
        "R" => closed.response,
        _ => capplan::stats::closed_load_bound(clients, &demands, think),
    };
    if demands.len() == 1 {
        let load = ArrivalSpec::Closed { clients, think: Seconds(think) };
        let system = Served { arrivals: load, ..Served::new(1.0, exponential(1.0 / demands[0]), 1) };
        let run = |replica| system.job(40_000).observe(1, replica, &Cancel::new(), |_| ()).unwrap();
        let runs: Vec<DeviceRun> = (0..REPLICATIONS).map(run).collect();
        let mean = |figure: &dyn Fn(&DeviceRun) -> f64| {
            runs.iter().map(figure).sum::<f64>() / f64::from(REPLICATIONS)
        };
        let throughput = mean(&|run| run.serving.finished as f64 / run.serving.span.seconds().0);
        let response = mean(&|run| run.serving.latency.mean().unwrap() / 1e9);
        assert!((throughput / closed.throughput - 1.0).abs() < 0.01, "{}: {throughput}", case.0);
        assert!((response / closed.response - 1.0).abs() < 0.01, "{}: {response}", case.0);
    }
    rows.iter().map(|row| Answer::Exact(exact(row))).collect()
}

/// Both traces are the same six customers, read from a file and replayed through the device.
pub fn trace_fcfs(rows: &[Row]) -> Vec<Answer> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let rows_of_file = "0,15\n1,15\n2,10\n2.5,5\n6,20\n6.1,2\n".replace('\n', ",0\n");
    std::fs::write(file.path(), format!("arrival_s,input_tokens,output_tokens\n{rows_of_file}")).unwrap();
    let source = TraceSource {
        path: file.path().to_owned(),
        format: TraceFormat::Seconds,
        speed: 1.0,
        repeat: false,
        select: None,
    };
    let mut mix = kind(LengthLaw::Fixed(1));
    mix.lengths.trace = Some(source.clone());
    let instances = if rows[0].family == "trace_fcfs2" { 2 } else { 1 };
    let tenth = 100_000_000;
    let job = DeviceJob {
        traffic: TrafficSpec {
            arrivals: ArrivalSpec::Trace(source),
            mixes: vec![mix],
            requests: None,
            most_tokens: None,
        },
        table: Arc::new(BatchTable {
            sharing: vec![1.0; 2],
            ..BatchTable::of_device(vec![tenth, 2 * tenth])
        }),
        rules: Arc::new(BatchRules::greedy(1, instances)),
        target: None,
        warm_up: Seconds::ZERO,
        horizon: Seconds(1e9),
    };
    let last = RefCell::new(SimTime::ZERO);
    let run = job.observe(1, 0, &Cancel::new(), |gone| *last.borrow_mut() = gone.left).unwrap();
    assert_eq!(run.serving.finished, 6);
    let answer = |row: &Row| match row.quantity.as_str() {
        "mean_wait" => Answer::Exact(run.queued.mean().unwrap() / 1e9),
        _ => Answer::Exact(last.borrow().seconds().0),
    };
    rows.iter().map(answer).collect()
}

/// Gaps of a stream of events per second, for worlds of tests that are not the serving world.
pub fn gap(stream: &mut Stream, rate: f64) -> SimSpan {
    SimSpan::from_seconds(Seconds(stream.exponential(1.0 / rate)))
}
