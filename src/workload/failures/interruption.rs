//! Failures, spot losses, waiting for capacity and starting up, as laws drawn from named streams.

use crate::catalog::{Phases, SpotProcess};
use crate::stats::{Law, Stream};
use crate::units::Seconds;

/// Failures of the whole job: a Poisson process, since each of many nodes may fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailureProcess {
    /// Mean time between failures of the job; `None` for never.
    pub mtbf: Option<Seconds>,
    /// Until somebody notices.
    pub detection: Seconds,
    /// From noticing to restoring: a machine replaced or rebooted.
    pub restart: Seconds,
}

impl FailureProcess {
    /// Failures of `nodes` nodes, each at `per_node_day`, plus `per_job_day` whatever the size.
    ///
    /// Source: RSC (arXiv 2410.21680): 1,024-GPU jobs fail every 7.9 h where their nodes alone give 28.8 h.
    #[must_use]
    pub fn of_nodes(
        nodes: u64,
        per_node_day: f64,
        per_job_day: f64,
        detection: Seconds,
        restart: Seconds,
    ) -> Self {
        let per_day = nodes as f64 * per_node_day + per_job_day;
        let mtbf = (per_day > 0.0).then(|| Seconds(86_400.0 / per_day));
        Self { mtbf, detection, restart }
    }
}

/// A spot market: an on/off process of the zone, under which the whole gang falls together.
#[derive(Clone, Debug, PartialEq)]
pub struct SpotMarket {
    /// Time with capacity, in seconds.
    pub up: Law,
    /// Time without, in seconds.
    pub down: Law,
    /// Notice before a machine is taken.
    pub notice: Seconds,
}

/// Share of interruptions that hit single machines of a zone rather than all at once: the complement of the 92 %
/// that fall within three minutes of each other (arXiv 2604.16457).
const LONE_INTERRUPTIONS: f64 = 0.08;

impl SpotMarket {
    /// The market of a traced process: runs drawn from the trace's quantiles, or from the mixture fitted to them.
    #[must_use]
    pub fn of_process(process: &SpotProcess, fitted: bool, notice: Seconds) -> Self {
        let law = |phases: &Phases, quantiles: &[f64]| {
            let means = phases.mean_hours.iter().map(|hours| hours * 3600.0);
            let mixture = Law::Hyperexponential(phases.p.iter().copied().zip(means).collect());
            if fitted || quantiles.len() < 2 {
                return mixture;
            }
            // Between the last two quantiles lies most of a heavy tail; a straight line there is too long by up to a
            // factor of two. The shape is the table's, the mean that of the mixture, which was fitted to every run.
            let table = Law::Empirical(quantiles.iter().map(|hours| hours * 3600.0).collect());
            let factor = mixture.mean() / table.mean().max(1e-9);
            scaled(table, factor)
        };
        Self {
            up: law(&process.up, &process.up_quantiles),
            down: law(&process.down, &process.down_quantiles),
            notice,
        }
    }

    /// The market as a gang of `nodes` meets it: lone interruptions add up, so that up runs shorten.
    #[must_use]
    pub fn for_gang(self, nodes: u64) -> Self {
        let factor = 1.0 / (1.0 + LONE_INTERRUPTIONS * nodes.saturating_sub(1) as f64);
        Self { up: scaled(self.up, factor), ..self }
    }

    /// Long-run share of time with capacity.
    #[must_use]
    pub fn availability(&self) -> f64 {
        let (up, down) = (self.up.mean(), self.down.mean());
        if up + down > 0.0 { up / (up + down) } else { 1.0 }
    }

    /// Time until capacity is there, for somebody who asks at a random instant.
    pub fn first_wait(&self, stream: &mut Stream) -> Seconds {
        // Both numbers are always taken, so that the stream stays in step whatever the availability.
        let (asks, residual) = (stream.uniform(), stream.uniform());
        if asks < self.availability() {
            Seconds::ZERO
        } else {
            Seconds(residual_of(&self.down, residual, stream))
        }
    }

    /// The next time with capacity.
    pub fn draw_up(&self, stream: &mut Stream) -> Seconds {
        Seconds(self.up.draw(stream))
    }

    /// The next time without.
    pub fn draw_down(&self, stream: &mut Stream) -> Seconds {
        Seconds(self.down.draw(stream))
    }
}

/// Residual of a run in progress at a random instant: a run is met with a chance in proportion to its length, at a
/// uniform place in it.
fn residual_of(law: &Law, place: f64, stream: &mut Stream) -> f64 {
    match law {
        Law::Hyperexponential(branches) => {
            let total: f64 = branches.iter().map(|(p, mean)| p * mean).sum();
            let biased: Vec<(f64, f64)> =
                branches.iter().map(|(p, mean)| (p * mean / total, *mean)).collect();
            stream.hyperexponential(&biased)
        }
        Law::Exponential { mean } => stream.exponential(*mean),
        Law::Empirical(quantiles) => {
            // Length-biased choice among the table's steps.
            let total: f64 = quantiles.windows(2).map(|ends| ends[0] + ends[1]).sum();
            let mut left = stream.uniform() * total;
            let run = quantiles
                .windows(2)
                .find_map(|ends| {
                    left -= ends[0] + ends[1];
                    (left <= 0.0).then_some(0.5 * (ends[0] + ends[1]))
                })
                .unwrap_or_default();
            run * place
        }
        other => other.draw(stream) * place,
    }
}

fn scaled(law: Law, factor: f64) -> Law {
    match law {
        Law::Deterministic(value) => Law::Deterministic(value * factor),
        Law::Uniform { lo, hi } => Law::Uniform { lo: lo * factor, hi: hi * factor },
        Law::Exponential { mean } => Law::Exponential { mean: mean * factor },
        Law::Normal { mean, deviation } => Law::Normal { mean: mean * factor, deviation: deviation * factor },
        Law::Lognormal { median, sigma } => Law::Lognormal { median: median * factor, sigma },
        Law::Weibull { scale, shape } => Law::Weibull { scale: scale * factor, shape },
        Law::Hyperexponential(branches) => {
            Law::Hyperexponential(branches.into_iter().map(|(p, mean)| (p, mean * factor)).collect())
        }
        Law::Empirical(quantiles) => {
            Law::Empirical(quantiles.into_iter().map(|value| value * factor).collect())
        }
    }
}

/// From the request for machines to the first step, and back to computing after an interruption.
#[derive(Clone, Debug, PartialEq)]
pub struct Startup {
    /// What comes before machines are asked for, as a conversion job; not billed here.
    pub before: Seconds,
    /// Waiting for capacity, beside any spot market; not billed.
    pub wait: Law,
    /// Provisioning, driver, image; billed.
    pub boot: Law,
    /// Loading what every start loads, as the data set of a direct feed; billed.
    pub load: Seconds,
    /// Reading the last checkpoint, where there is one; billed.
    pub restore: Seconds,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gang_meets_shorter_up_runs_and_the_same_down_runs() {
        let market = SpotMarket {
            up: Law::Exponential { mean: 100.0 },
            down: Law::Exponential { mean: 50.0 },
            notice: Seconds::ZERO,
        };
        let gang = market.clone().for_gang(16);
        assert!((gang.up.mean() - 100.0 / 2.2).abs() < 1e-9);
        assert_eq!(gang.down, market.down);
        assert_eq!(market.clone().for_gang(1), market);
    }

    #[test]
    fn who_asks_at_random_waits_as_often_as_the_market_is_down() {
        let market = SpotMarket {
            up: Law::Exponential { mean: 3.0 },
            down: Law::Exponential { mean: 1.0 },
            notice: Seconds::ZERO,
        };
        let mut stream = Stream::named(1, 0, "test", "wait");
        let waits: Vec<f64> = (0..20_000).map(|_| market.first_wait(&mut stream).0).collect();
        let waited = waits.iter().filter(|wait| **wait > 0.0).count() as f64 / 20_000.0;
        assert!((waited - 0.25).abs() < 0.01, "{waited}");
        // The residual of an exponential run is that exponential.
        let mean = waits.iter().sum::<f64>() / (waited * 20_000.0);
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
    }

    #[test]
    fn a_job_fails_more_often_than_its_nodes() {
        let process = FailureProcess::of_nodes(128, 0.0065, 2.2, Seconds::ZERO, Seconds::ZERO);
        let hours = process.mtbf.unwrap().hours();
        assert!((hours - 7.9).abs() < 0.1, "{hours}");
    }
}
