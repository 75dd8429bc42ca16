//! What is wanted of the job.

use crate::document::Reader;
use crate::units::{Money, Seconds};

/// What is minimised among fleets that hold the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Minimize {
    /// Cost of one run.
    Cost,
    /// Time of one run.
    Time,
    /// Carbon of one run.
    Carbon,
}

impl Minimize {
    /// The word in scenarios.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Time => "time",
            Self::Carbon => "carbon",
        }
    }
}

/// A time of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestTime {
    /// From arrival to the first token.
    FirstToken,
    /// Between tokens after the first, on average over a request.
    PerOutputToken,
    /// From arrival to the end.
    Whole,
}

impl RequestTime {
    /// Every time with the start of its keys.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("ttft", Self::FirstToken), ("tpot", Self::PerOutputToken), ("latency", Self::Whole)];

    /// The start of its keys.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, time)| *time == self).map_or("", |(word, _)| word)
    }
}

/// Percentiles that targets may name.
pub const PERCENTILES: &[(&str, f64)] = &[("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)];

/// A limit on a percentile of a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyTarget {
    /// Which time.
    pub time: RequestTime,
    /// Which share of requests.
    pub share: f64,
    /// Stays under this.
    pub limit: Seconds,
}

impl LatencyTarget {
    /// Its key, as `ttft_p99`.
    #[must_use]
    pub fn key(&self) -> String {
        let percentile =
            PERCENTILES.iter().find(|(_, share)| *share == self.share).map_or("", |(word, _)| word);
        format!("{}_{percentile}", self.time.word())
    }
}

/// Targets and what is minimised.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// Deadline.
    pub deadline: Option<Seconds>,
    /// Budget of one run.
    pub budget: Option<Money>,
    /// Limits on times of requests.
    pub latency: Vec<LatencyTarget>,
    /// Share of requests that must stay within all of them.
    pub goodput: Option<f64>,
    /// Probability with which targets must hold.
    pub confidence: f64,
    /// Fleet that differences are taken against.
    pub baseline: Option<String>,
    /// What is minimised.
    pub minimize: Minimize,
    /// Time between two runs of a recurring job.
    pub repeat: Option<Seconds>,
    /// Time to test after training.
    pub test: Seconds,
    /// Time to deploy.
    pub deploy: Seconds,
    /// What one more run is worth.
    pub value_per_run: Option<Money>,
}

impl Objective {
    pub(super) fn read(table: &Reader<'_>) -> Self {
        Self {
            deadline: table.seconds("deadline"),
            budget: table.money("budget"),
            latency: latency(table),
            goodput: table.number("goodput"),
            confidence: table.number("confidence").unwrap_or(0.9),
            baseline: table.text("baseline").map(str::to_owned),
            minimize: match table.text("minimize") {
                Some("time") => Minimize::Time,
                Some("carbon") => Minimize::Carbon,
                _ => Minimize::Cost,
            },
            repeat: table.seconds("repeat"),
            test: table.seconds("test").unwrap_or(Seconds::ZERO),
            deploy: table.seconds("deploy").unwrap_or(Seconds::ZERO),
            value_per_run: table.money("value_per_run"),
        }
    }
}

fn latency(table: &Reader<'_>) -> Vec<LatencyTarget> {
    let mut found = Vec::new();
    for (start, time) in RequestTime::ALL {
        for (word, share) in PERCENTILES {
            if let Some(limit) = table.seconds(&format!("{start}_{word}")) {
                found.push(LatencyTarget { time: *time, share: *share, limit });
            }
        }
    }
    found
}
