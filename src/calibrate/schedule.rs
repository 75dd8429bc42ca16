//! Which run comes next: all of them in random order, or, against a budget, the one that tells most for its time.

use std::time::Duration;

use crate::stats::Stream;

use super::bench::Task;

/// What a further repeat tells beside a first run at a new size, whose worth is the gap that it closes (at most 1).
const REPEAT_WORTH: f64 = 0.1;
/// Expected time of a first run in units of the shortest one.
const FIRST_RUN: f64 = 1.5;
/// Most that a run at a larger size is expected to take in units of the nearest one's; at a smaller one, the inverse.
const STEEPEST: f64 = 2.0;
/// The ends of a range come before anything between them, whatever they take: a curve cannot be carried beyond them.
const END_FIRST: f64 = 1000.0;
/// Relative standard error of a size's mean beyond which it is repeated more often than the others, and how often.
const UNSURE: f64 = 0.04;
const FURTHER: u64 = 2;
/// Worth of sweeps that no step time is drawn from: their first sizes come after the second repeats of the others.
const ASIDE: f64 = 0.02;
/// Equal worth is decided by lot: up to this much is added.
const LOT: f64 = 0.02;

/// One size of one task.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub task: usize,
    pub at: f64,
    /// Medians of the first quantity in the runs done.
    pub levels: Vec<f64>,
    /// Seconds of the last run.
    pub took: f64,
    /// Whether it cannot be measured.
    pub skipped: bool,
    /// As of its task.
    pub essential: bool,
}

impl Cell {
    fn runs(&self) -> u64 {
        self.levels.len() as u64
    }

    /// Runs that it should have: some more where those done disagree.
    fn wanted(&self, repeats: u64) -> u64 {
        let runs = self.runs();
        let unsure = runs >= repeats.max(2) && relative_error(&self.levels) > UNSURE;
        if unsure { (runs + 1).min(repeats + FURTHER) } else { repeats.max(1) }
    }
}

/// Standard error of the mean, relative to it.
fn relative_error(levels: &[f64]) -> f64 {
    let count = levels.len() as f64;
    let mean = levels.iter().sum::<f64>() / count;
    let squares: f64 = levels.iter().map(|level| (level - mean) * (level - mean)).sum();
    (squares / (count - 1.0).max(1.0) / count).sqrt() / mean
}

/// The cells of all tasks.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub cells: Vec<Cell>,
    repeats: u64,
    shortest: Duration,
    stream: Stream,
    /// Cells of the round under way, in random order, last first.
    round: Vec<usize>,
}

impl Schedule {
    pub fn new(tasks: &[Task], repeats: u64, shortest: Duration, seed: u64) -> Self {
        let cells = tasks
            .iter()
            .enumerate()
            .flat_map(|(task, one)| {
                one.sizes.iter().map(move |&at| Cell {
                    task,
                    at,
                    levels: Vec::new(),
                    took: 0.0,
                    skipped: false,
                    essential: one.essential,
                })
            })
            .collect();
        let stream = Stream::named(seed, 0, "calibrate", "order");
        Self { cells, repeats: repeats.max(1), shortest, stream, round: Vec::new() }
    }

    /// Runs still to do without a budget.
    pub fn left(&self) -> u64 {
        self.open().map(|cell| cell.wanted(self.repeats) - cell.runs()).sum()
    }

    /// All runs, done or to do.
    pub fn all(&self) -> u64 {
        self.cells
            .iter()
            .filter(|cell| !cell.skipped)
            .map(|cell| cell.wanted(self.repeats).max(cell.runs()))
            .sum()
    }

    /// Expected seconds of everything still to do.
    pub fn seconds_left(&self) -> f64 {
        (0..self.cells.len())
            .filter(|index| self.is_open(*index))
            .map(|index| {
                let cell = &self.cells[index];
                self.expected(index) * (cell.wanted(self.repeats) - cell.runs()) as f64
            })
            .sum()
    }

    fn open(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|cell| self.wants(cell))
    }

    fn wants(&self, cell: &Cell) -> bool {
        !cell.skipped && cell.runs() < cell.wanted(self.repeats)
    }

    fn is_open(&self, index: usize) -> bool {
        self.wants(&self.cells[index])
    }

    /// The next cell to run; with seconds left, the most telling one that should still fit.
    pub fn next(&mut self, seconds: Option<f64>) -> Option<usize> {
        match seconds {
            None => self.next_of_round(),
            Some(seconds) => self.most_telling(seconds),
        }
    }

    /// Every open cell once before any twice, in an order drawn anew for each round.
    fn next_of_round(&mut self) -> Option<usize> {
        loop {
            while let Some(index) = self.round.pop() {
                if self.is_open(index) {
                    return Some(index);
                }
            }
            let fewest = self.open().map(Cell::runs).min()?;
            self.round = (0..self.cells.len())
                .filter(|index| self.is_open(*index) && self.cells[*index].runs() == fewest)
                .collect();
            for index in (1..self.round.len()).rev() {
                let other = self.stream.below(index + 1);
                self.round.swap(index, other);
            }
        }
    }

    fn most_telling(&mut self, seconds: f64) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for index in 0..self.cells.len() {
            let expected = self.expected(index);
            if !self.is_open(index) || expected > seconds {
                continue;
            }
            let weight = if self.cells[index].essential { 1.0 } else { ASIDE };
            let worth = weight * self.worth(index) / expected * (1.0 + LOT * self.stream.uniform());
            if best.is_none_or(|(_, most)| worth > most) {
                best = Some((index, worth));
            }
        }
        best.map(|(index, _)| index)
    }

    /// What a run would tell. At the ends of a range: all. At a new size between them: the distance to the nearest measured size of its task as a share of the
    /// whole range, in logarithms. At a known one: what a further repeat takes off the variance of the mean.
    fn worth(&self, index: usize) -> f64 {
        let cell = &self.cells[index];
        if cell.runs() > 0 {
            return REPEAT_WORTH / (cell.runs() * (cell.runs() + 1)) as f64;
        }
        let same = || self.cells.iter().filter(|other| other.task == cell.task && !other.skipped);
        let (low, high) = same()
            .fold((f64::INFINITY, 0.0_f64), |(low, high), other| (low.min(other.at), high.max(other.at)));
        let range = libm::log(high / low);
        let gap = same()
            .filter(|other| other.runs() > 0)
            .map(|other| libm::log(other.at / cell.at).abs())
            .fold(f64::INFINITY, f64::min);
        if !cell.essential && (cell.at == low || cell.at == high) {
            1.0
        } else if cell.at == low {
            END_FIRST
        } else if cell.at == high {
            // The cheaper end tells what the other may take.
            0.5 * END_FIRST
        } else if gap.is_finite() && range > 0.0 {
            gap / range
        } else {
            REPEAT_WORTH
        }
    }

    /// Seconds that a run should take: as the last one, or as the nearest size's, scaled up by the sizes.
    fn expected(&self, index: usize) -> f64 {
        let cell = &self.cells[index];
        let shortest = self.shortest.as_secs_f64();
        if cell.runs() > 0 {
            return cell.took.max(shortest);
        }
        self.cells
            .iter()
            .filter(|other| other.task == cell.task && other.runs() > 0)
            .min_by(|left, right| {
                let far = |other: &Cell| libm::log(other.at / cell.at).abs();
                far(left).total_cmp(&far(right))
            })
            .map_or(FIRST_RUN * shortest, |near| {
                (near.took * (cell.at / near.at).clamp(1.0 / STEEPEST, STEEPEST)).max(shortest)
            })
    }
}
