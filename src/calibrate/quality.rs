//! Whether a machine was quiet and steady while it was measured.

use crate::stats::{Point, median, theil_sen};

use super::journal::Line;

/// Relative spread between runs beyond which a machine is noisy.
pub const NOISE_LIMIT: f64 = 0.05;
/// Change of speed over the whole calibration beyond which a machine throttles, or somebody else came or went.
pub const DRIFT_LIMIT: f64 = 0.10;
/// Runs below which no drift can be told.
const FEWEST_RUNS: usize = 8;

/// What the runs tell of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Median over sizes of the relative standard deviation between their runs, or within a single one.
    pub noise: f64,
    /// By how much longer the same work took at the end than at the start, as a share.
    pub drift: f64,
}

/// The runs of one size.
struct Cell {
    task: usize,
    at: f64,
    /// When each began, and its median.
    runs: Vec<(f64, f64)>,
    /// Relative deviation of the samples within the first.
    within: f64,
}

impl Cell {
    fn mean(&self) -> f64 {
        self.runs.iter().map(|run| run.1).sum::<f64>() / self.runs.len() as f64
    }

    fn spread(&self) -> f64 {
        let levels: Vec<f64> = self.runs.iter().map(|run| run.1).collect();
        if levels.len() > 1 { deviation(&levels) / self.mean() } else { self.within }
    }
}

impl Quality {
    /// Of the first quantity of every run.
    pub(super) fn of(lines: &[Line]) -> Self {
        let mut cells: Vec<Cell> = Vec::new();
        for line in lines {
            let Some(samples) = line.samples.first() else { continue };
            let Some(level) = median(samples) else { continue };
            match cells.iter_mut().find(|cell| cell.task == line.task && cell.at == line.at) {
                Some(cell) => cell.runs.push((line.started, level)),
                None => cells.push(Cell {
                    task: line.task,
                    at: line.at,
                    runs: vec![(line.started, level)],
                    within: deviation(samples) / level,
                }),
            }
        }
        let spreads: Vec<f64> = cells.iter().map(Cell::spread).collect();
        Self { noise: median(&spreads).unwrap_or(0.0), drift: drift(&cells) }
    }

    /// Whether the figures should not be kept without a word from the user.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.noise > NOISE_LIMIT || self.drift.abs() > DRIFT_LIMIT
    }

    /// What is wrong, in words; `None` when nothing is.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let mut words = Vec::new();
        if self.noise > NOISE_LIMIT {
            words.push(format!(
                "the machine is noisy: the same work differs by {:.1} % between runs (limit {:.0} %)",
                100.0 * self.noise,
                100.0 * NOISE_LIMIT
            ));
        }
        if self.drift.abs() > DRIFT_LIMIT {
            let how = if self.drift > 0.0 { "slowed down" } else { "sped up" };
            words.push(format!(
                "the machine {how} by {:.0} % while it was measured: it throttles, or shares its cores",
                100.0 * self.drift.abs()
            ));
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// The robust slope of each run against the mean of its size, over the time from the first run to the last.
fn drift(cells: &[Cell]) -> f64 {
    let repeated = cells.iter().filter(|cell| cell.runs.len() > 1);
    let points: Vec<Point> = repeated
        .flat_map(|cell| {
            let mean = cell.mean();
            let middle = cell.runs.iter().map(|run| run.0).sum::<f64>() / cell.runs.len() as f64;
            cell.runs.iter().map(move |run| Point { x: run.0 - middle, y: run.1 / mean - 1.0 })
        })
        .collect();
    if points.len() < FEWEST_RUNS {
        return 0.0;
    }
    let all = cells.iter().flat_map(|cell| cell.runs.iter().map(|run| run.0));
    let (first, last) = all.fold((f64::INFINITY, 0.0_f64), |(low, high), at| (low.min(at), high.max(at)));
    theil_sen(&points).map_or(0.0, |line| line.slope * (last - first))
}
