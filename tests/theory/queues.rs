//! Queues: arrivals, service, servers, finite room, loss.

use super::judge::Answer;
use super::oracle::{Case, Row};
use super::queue_world::{Draw, Seen, System, constant, exponential, simulate};

const REPLICATIONS: u32 = 20;
const CUSTOMERS: u64 = 1_000_000;

fn replicate(system: &System) -> Vec<Seen> {
    replicate_with(system, CUSTOMERS)
}

fn replicate_with(system: &System, customers: u64) -> Vec<Seen> {
    (0..REPLICATIONS).map(|replica| simulate(system, replica, customers / u64::from(REPLICATIONS))).collect()
}

/// The figure of that name.
fn figure(quantity: &str) -> fn(&Seen) -> f64 {
    match quantity {
        "L" => |seen| seen.mean_serving + seen.mean_waiting,
        "Lq" => |seen| seen.mean_waiting,
        "W" => |seen| seen.mean_sojourn,
        "Wq" | "Wq_accepted" => |seen| seen.mean_wait,
        "P_block" => |seen| seen.refused_share,
        "P_wait" | "sigma" => |seen| seen.waits_beyond(0.0),
        "P(no wait)=P(N<c)" => |seen| 1.0 - seen.waits_beyond(0.0),
        "P0" => |seen| seen.empty_share,
        "carried_load" | "rho" => |seen| seen.mean_serving,
        "throughput" => |seen| seen.throughput,
        other => panic!("no such quantity: {other}"),
    }
}

/// An exact quantile is right if the exact share of customers lies beyond it. (The quantiles of short
/// correlated runs are biased; the share is not.)
fn beyond(row: &Row, seen: &[Seen]) -> Option<Answer> {
    let (of, percent) = row.quantity.split_once("_p")?;
    let share: fn(&Seen, f64) -> f64 = if of == "W" { Seen::sojourns_beyond } else { Seen::waits_beyond };
    let shares = seen.iter().map(|seen| share(seen, row.value)).collect();
    Some(Answer::Beyond { shares, expected: 1.0 - percent.parse::<f64>().ok()? / 100.0 })
}

/// Simulates the case once and answers all its rows.
fn answer(rows: &[Row], system: &System) -> Vec<Answer> {
    answer_from(rows, &replicate(system))
}

/// The same for a queue without bound under a load near 1: it forgets in a time that grows with 1/(1 − ρ)²,
/// and at ρ = 0.95 a run must be four times as long to say as much as at 0.9.
fn answer_near_saturation(rows: &[Row], system: &System, load: f64) -> Vec<Answer> {
    let longer = (0.1 / (1.0 - load)).powi(2).max(1.0);
    answer_from(rows, &replicate_with(system, (CUSTOMERS as f64 * longer) as u64))
}

/// Answers rows from what was seen.
pub fn answer_from(rows: &[Row], seen: &[Seen]) -> Vec<Answer> {
    let answer = |row: &Row| {
        if row.quantity == "P0" && row.value < 1e-3 {
            return Answer::Rare;
        }
        let plain = || Answer::Sampled(seen.iter().map(figure(&row.quantity)).collect());
        beyond(row, seen).unwrap_or_else(plain)
    };
    rows.iter().map(answer).collect()
}

fn poisson(case: &Case) -> Draw {
    exponential(case.number("lambda"))
}

/// Poisson arrivals and exponential services of rate `mu`.
fn markov(case: &Case, servers: usize) -> System {
    System::new(poisson(case), exponential(case.number("mu")), servers)
}

/// A queue without bound before `servers` servers.
fn open_queue(rows: &[Row], servers: usize) -> Vec<Answer> {
    let case = &rows[0].case;
    let load = case.number("lambda") / case.number("mu") / servers as f64;
    answer_near_saturation(rows, &markov(case, servers), load)
}

pub fn mm1(rows: &[Row]) -> Vec<Answer> {
    open_queue(rows, 1)
}

pub fn mmc(rows: &[Row]) -> Vec<Answer> {
    open_queue(rows, rows[0].case.count("c"))
}

pub fn mm1k(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    answer(rows, &System { places: case.count("K") - 1, ..markov(case, 1) })
}

pub fn mmck(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let servers = case.count("c");
    answer(rows, &System { places: case.count("K") - servers, ..markov(case, servers) })
}

pub fn mmcc_loss(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let system = System::new(exponential(case.number("a")), exponential(1.0), case.count("c"));
    answer(rows, &System { places: 0, ..system })
}

pub fn mminf(rows: &[Row]) -> Vec<Answer> {
    answer(rows, &markov(&rows[0].case, usize::MAX))
}

pub fn dm1(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let system = System::new(constant(1.0 / case.number("lambda")), exponential(case.number("mu")), 1);
    answer(rows, &system)
}

pub fn mdc(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    answer(rows, &System::new(poisson(case), constant(case.number("D")), case.count("c")))
}

pub fn mg1(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let service: Draw = match case.text("service") {
        "D" => constant(1.0),
        "M" => exponential(1.0),
        "Erlang-2" => Box::new(|stream| stream.gamma(1.0, 0.5f64.sqrt())),
        "Erlang-4" => Box::new(|stream| stream.gamma(1.0, 0.5)),
        "H2 cs2=4" => {
            let fast = 0.5 * (1.0 + 0.6f64.sqrt());
            let branches = [(fast, 0.5 / fast), (1.0 - fast, 0.5 / (1.0 - fast))];
            Box::new(move |stream| stream.hyperexponential(&branches))
        }
        "Uniform(0,2)" => Box::new(|stream| 2.0 * stream.uniform()),
        "lognormal sigma=1" => {
            let cv = case.number("cs2").sqrt();
            Box::new(move |stream| stream.lognormal_mean_cv(1.0, cv))
        }
        other => panic!("no such service: {other}"),
    };
    answer(rows, &System::new(poisson(case), service, 1))
}

pub fn md1_wait_cdf(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let seen = replicate(&System::new(poisson(case), constant(case.number("D")), 1));
    let bound = case.number("t");
    vec![Answer::Sampled(seen.iter().map(|seen| 1.0 - seen.waits_beyond(bound)).collect())]
}

pub fn mxm1_bulk_arrival(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let gap = exponential(case.number("batch_rate"));
    let system = System::new(gap, exponential(case.number("mu")), 1);
    answer(rows, &System { bulk: case.count("batch"), ..system })
}

/// The seed's question. Arrivals are common, so the order must hold in every single replication.
pub fn one_fast_vs_c_slow(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let c = case.count("c");
    let slow = || exponential(1.0 / c as f64);
    let fast = replicate(&System::new(poisson(case), exponential(1.0), 1));
    let shared = replicate(&System::new(poisson(case), slow(), c));
    let split = replicate(&System { stations: c, ..System::new(poisson(case), slow(), 1) });
    for ((fast, shared), split) in fast.iter().zip(&shared).zip(&split) {
        let order = [fast.mean_sojourn, shared.mean_sojourn, split.mean_sojourn];
        assert!(order.is_sorted_by(|less, more| less < more), "{}: {order:?}", case.0);
    }
    let answer = |row: &Row| {
        let system = match row.quantity.as_str() {
            "W_one_fast" => &fast,
            "W_c_slow_shared_queue" => &shared,
            _ => &split,
        };
        Answer::Sampled(system.iter().map(|seen| seen.mean_sojourn).collect())
    };
    rows.iter().map(answer).collect()
}
