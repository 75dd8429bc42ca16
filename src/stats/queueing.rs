//! Queues in closed form: first guesses for sizes, and checks on what a simulation says. Rates are per second, times in
//! seconds. What has no steady state waits for ever: infinity, never a negative number.

/// Servers beyond which a size is not looked for.
const MOST_SERVERS: u32 = 10_000_000;

/// Share of arrivals lost by `servers` servers without a queue under a load of `load` Erlang (Erlang B, by its
/// recursion).
#[must_use]
pub fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, server| blocked_with_one_more(blocked, server, load))
}

fn blocked_with_one_more(blocked: f64, server: u32, load: f64) -> f64 {
    load * blocked / (f64::from(server) + load * blocked)
}

/// Share of arrivals that wait before `servers` servers with a queue (Erlang C); 1 when the load is too much.
#[must_use]
pub fn erlang_c(servers: u32, load: f64) -> f64 {
    waiting_share(erlang_b(servers, load), servers, load)
}

fn waiting_share(blocked: f64, servers: u32, load: f64) -> f64 {
    let usage = load / f64::from(servers);
    if usage < 1.0 { blocked / (1.0 - usage * (1.0 - blocked)) } else { 1.0 }
}

/// Mean wait in M/M/c: arrivals at `arrivals`, servers that serve at `rate` each.
#[must_use]
pub fn mmc_wait(servers: u32, arrivals: f64, rate: f64) -> f64 {
    let spare = f64::from(servers) * rate - arrivals;
    if spare > 0.0 { erlang_c(servers, arrivals / rate) / spare } else { f64::INFINITY }
}

/// Fewest servers of M/M/c with which at least `share` of the requests wait for at most `wait`; `None` when more than ten
/// million would be needed or an argument is no number.
#[must_use]
pub fn servers_for_wait(arrivals: f64, rate: f64, wait: f64, share: f64) -> Option<u32> {
    let load = arrivals / rate;
    if !load.is_finite() {
        return None;
    }
    let mut blocked = 1.0;
    for servers in 1..=MOST_SERVERS {
        blocked = blocked_with_one_more(blocked, servers, load);
        let spare = f64::from(servers) * rate - arrivals;
        let beyond = || waiting_share(blocked, servers, load) * libm::exp(-spare * wait);
        if spare > 0.0 && beyond() <= 1.0 - share {
            return Some(servers);
        }
    }
    None
}

/// The square-root rule: the load, and `safety` standard deviations of it (Halfin and Whitt 1981).
#[must_use]
pub fn square_root_staffing(load: f64, safety: f64) -> f64 {
    load + safety * load.sqrt()
}

/// Kingman's approximation of the mean wait before one server: usage, mean service, squared coefficients of variation
/// of gaps and services.
#[must_use]
pub fn kingman_wait(usage: f64, service: f64, gap_scv: f64, service_scv: f64) -> f64 {
    if usage < 1.0 { usage / (1.0 - usage) * 0.5 * (gap_scv + service_scv) * service } else { f64::INFINITY }
}

/// Mean wait in M/G/c as Lee and Longton (1959) put it: that of M/M/c times the mean of 1 and the squared coefficient of
/// variation of services. With 0 it is the usual half of M/M/c for M/D/c.
#[must_use]
pub fn mgc_wait(servers: u32, arrivals: f64, service: f64, service_scv: f64) -> f64 {
    0.5 * (1.0 + service_scv) * mmc_wait(servers, arrivals, 1.0 / service)
}

/// Mean wait in M/D/c by Cosmetatos (1975), closer than half of M/M/c.
#[must_use]
pub fn mdc_wait(servers: u32, arrivals: f64, service: f64) -> f64 {
    let count = f64::from(servers);
    let usage = arrivals * service / count;
    let nearer = (1.0 - usage) * (count - 1.0) * ((4.0 + 5.0 * count).sqrt() - 2.0) / (16.0 * usage * count);
    (1.0 + nearer) * mgc_wait(servers, arrivals, service, 0.0)
}

/// A closed load in the long run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClosedLoad {
    /// Answers per second.
    pub throughput: f64,
    /// Mean time of an answer, thinking excluded.
    pub response: f64,
}

/// `clients` clients that think for `think` and visit stations with the demands `demands`: exact mean value analysis
/// (Reiser and Lavenberg 1980).
#[must_use]
pub fn closed_load(clients: u32, demands: &[f64], think: f64) -> ClosedLoad {
    let mut lengths = vec![0.0; demands.len()];
    let mut load = ClosedLoad { throughput: 0.0, response: 0.0 };
    for count in 1..=clients {
        let times: Vec<f64> = demands.iter().zip(&lengths).map(|(demand, at)| demand * (1.0 + at)).collect();
        let response: f64 = times.iter().sum();
        let throughput = f64::from(count) / (think + response);
        lengths = times.iter().map(|time| throughput * time).collect();
        load = ClosedLoad { throughput, response };
    }
    load
}

/// The most that a closed load can bring: what the slowest station serves, or what the clients ask if nobody waits.
#[must_use]
pub fn closed_load_bound(clients: u32, demands: &[f64], think: f64) -> f64 {
    let slowest = demands.iter().copied().fold(0.0, f64::max);
    let asked = f64::from(clients) / (demands.iter().sum::<f64>() + think);
    asked.min(1.0 / slowest)
}

/// Replicas that keep the usage at or below a target: ⌈λs/target⌉. Rounding errors of the product do not add a replica.
#[must_use]
pub fn replicas_at_usage(arrivals: f64, service: f64, target: f64) -> f64 {
    let needed = arrivals * service / target;
    (needed * (1.0 - 1e-12)).ceil()
}

/// Requests that pile up while more replicas start: arrivals beyond what the present ones serve, for as long as the start
/// takes (a fluid).
#[must_use]
pub fn backlog_of_start(arrivals: f64, replicas: f64, service: f64, start: f64) -> f64 {
    (arrivals - replicas / service).max(0.0) * start
}

/// Mean time in M/M/1 whose server, when it fell idle, first sets up for an exponential time of mean `setup`: the
/// sojourn of M/M/1 and the setup (Welch 1964). One replica that scales to zero.
#[must_use]
pub fn mm1_with_setup(arrivals: f64, rate: f64, setup: f64) -> f64 {
    if rate > arrivals { 1.0 / (rate - arrivals) + setup } else { f64::INFINITY }
}

/// Inoue's bound on the mean time in a server that takes all who wait and needs `fixed + each·n` for n of them (arXiv
/// 1912.06322): close from a usage of the slope of a half upwards.
#[must_use]
pub fn batch_server_bound(arrivals: f64, each: f64, fixed: f64) -> f64 {
    let usage = arrivals * each;
    if usage >= 1.0 {
        return f64::INFINITY;
    }
    let sparse = 1.0 + 2.0 * arrivals * fixed + (1.0 - arrivals * fixed) / (1.0 + usage);
    let light = (each + fixed) / (2.0 * (1.0 - usage)) * sparse;
    let heavy = 1.5 * fixed / (1.0 - usage) + 0.5 * each * (usage + 2.0) / (1.0 - usage * usage);
    light.min(heavy)
}

/// Mean requests of a batch that goes when it holds `most` or when its first has waited for `delay`, if an instance is
/// always free: E[min(most, 1 + Poisson(λ·delay))].
#[must_use]
pub fn mean_window_batch(arrivals: f64, most: u32, delay: f64) -> f64 {
    let mean = arrivals * delay;
    // P(Poisson ≥ k) summed over k = 1 … most − 1.
    let (mut term, mut below, mut sum) = (libm::exp(-mean), 0.0, 1.0);
    for count in 1..most {
        below += term;
        sum += (1.0 - below).max(0.0);
        term *= mean / f64::from(count);
    }
    sum
}

/// Mean wait of a request until its batch of `size` is full: (size − 1)/2λ.
#[must_use]
pub fn batch_fill_wait(arrivals: f64, size: u32) -> f64 {
    f64::from(size.saturating_sub(1)) / (2.0 * arrivals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_steady_state_waits_for_ever() {
        assert_eq!(mmc_wait(2, 2.0, 1.0), f64::INFINITY);
        assert_eq!(kingman_wait(1.0, 1.0, 1.0, 1.0), f64::INFINITY);
        assert_eq!(batch_server_bound(500.0, 0.002, 0.01), f64::INFINITY);
        assert_eq!(mm1_with_setup(1.0, 1.0, 1.0), f64::INFINITY);
    }

    #[test]
    fn sizes_of_nonsense_are_none_and_come_at_once() {
        assert_eq!(servers_for_wait(f64::NAN, 1.0, 0.1, 0.9), None);
        assert_eq!(servers_for_wait(1e12, 1.0, 0.1, 0.9), None);
        assert_eq!(servers_for_wait(0.0, 1.0, 0.1, 0.9), Some(1));
    }

    #[test]
    fn a_window_holds_what_poisson_brings() {
        assert!((mean_window_batch(100.0, 8, 0.0) - 1.0).abs() < 1e-12);
        assert!((mean_window_batch(100.0, 8, 1e3) - 8.0).abs() < 1e-12);
        assert!((mean_window_batch(10.0, 1000, 1.0) - 11.0).abs() < 1e-9);
    }
}
