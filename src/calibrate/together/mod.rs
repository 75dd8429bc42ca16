//! Compute and input overlapped through a real prefetch queue: whether a step takes as long as the slower of the two, and
//! whether the one that should be waited for is the one that is.

mod bench;
mod queue;

use crate::catalog::measured::{MeasuredCurve, MeasuredFigure, Section, Settings};
use crate::stats::median;

pub use bench::TogetherBench;
pub use queue::{Delivered, Prefetch, Queue, SharedLoader};

/// The quantities of a configuration, in this order.
const QUANTITIES: [&str; 5] = ["both", "compute", "input", "taker-waits", "workers-wait"];

/// A faster side of less than this share of the slower one drowns in the noise of a step.
const SEEN: f64 = 0.15;

/// Which side a pipeline waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The device waits for batches.
    Input,
    /// Finished batches wait for the device.
    Compute,
}

impl Side {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Compute => "compute",
        }
    }
}

/// What one configuration showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlap {
    /// What was overlapped.
    pub settings: Settings,
    /// Seconds of a step with its batch there already.
    pub compute: f64,
    /// Seconds to make a batch, with nobody computing.
    pub input: f64,
    /// Seconds of a step when both go on at once: median, least and most over runs.
    pub both: [f64; 3],
    /// Share of a step that the device waited for a batch.
    pub taker_waits: f64,
    /// Share of a step that workers waited before a full queue.
    pub workers_wait: f64,
}

impl Overlap {
    /// The side that should be waited for, by the times of each alone.
    #[must_use]
    pub fn predicted(&self) -> Side {
        if self.input > self.compute { Side::Input } else { Side::Compute }
    }

    /// The side that was waited for.
    #[must_use]
    pub fn measured(&self) -> Side {
        if self.taker_waits > self.workers_wait { Side::Input } else { Side::Compute }
    }

    /// A step of both over the slower of the two alone: 1 when nothing is lost.
    #[must_use]
    pub fn over_slower(&self) -> f64 {
        self.both[0] / self.compute.max(self.input)
    }

    /// Share of the faster side's time that the slower one hides: 1 when a step takes the longer of both, 0 when it takes
    /// their sum. `None` where the faster side takes too little for the difference to be seen.
    #[must_use]
    pub fn hidden(&self) -> Option<f64> {
        let (faster, slower) = (self.compute.min(self.input), self.compute.max(self.input));
        (faster > SEEN * slower).then(|| (faster + slower - self.both[0]) / faster)
    }
}

/// What every configuration showed, out of the curves of a profile.
#[must_use]
pub fn overlaps(curves: &[MeasuredCurve]) -> Vec<Overlap> {
    let own = || curves.iter().filter(|curve| curve.section == Section::Together);
    own()
        .filter(|curve| curve.quantity == QUANTITIES[0])
        .filter_map(|both| {
            let values = |quantity: &str| {
                let same =
                    own().find(|curve| curve.quantity == quantity && curve.settings == both.settings)?;
                let values: Vec<f64> = same.points().iter().map(|point| point.y).collect();
                Some((median(&values)?, values))
            };
            let level = |quantity: &str| values(quantity).map(|(middle, _)| middle);
            let (middle, all) = values(QUANTITIES[0])?;
            let least = all.iter().copied().fold(f64::INFINITY, f64::min);
            let most = all.iter().copied().fold(0.0, f64::max);
            Some(Overlap {
                settings: both.settings.clone(),
                compute: level(QUANTITIES[1])?,
                input: level(QUANTITIES[2])?,
                both: [middle, least, most],
                taker_waits: level(QUANTITIES[3])?,
                workers_wait: level(QUANTITIES[4])?,
            })
        })
        .collect()
}

/// Figures for a profile: how much longer than its slower side each configuration took, with the side predicted and the
/// side measured; how much is hidden; and the share of configurations whose side was predicted rightly.
#[must_use]
pub fn figures(curves: &[MeasuredCurve]) -> Vec<MeasuredFigure> {
    let overlaps = overlaps(curves);
    let figure = |name: &str, [value, lo, hi]: [f64; 3], settings: Settings| MeasuredFigure {
        section: Section::Together,
        name: name.to_owned(),
        unit: "1".to_owned(),
        value,
        lo,
        hi,
        settings,
    };
    let mut figures: Vec<MeasuredFigure> = overlaps
        .iter()
        .map(|overlap| {
            let slower = overlap.compute.max(overlap.input);
            let mut settings = overlap.settings.clone();
            settings.insert("predicted".to_owned(), format!("{} bound", overlap.predicted().word()));
            settings.insert("seen".to_owned(), format!("{} waited for", overlap.measured().word()));
            figure("step-over-slower-side", overlap.both.map(|both| both / slower), settings)
        })
        .collect();
    let hidden: Vec<f64> = overlaps.iter().filter_map(Overlap::hidden).collect();
    if let Some(middle) = median(&hidden) {
        let least = hidden.iter().copied().fold(f64::INFINITY, f64::min);
        let most = hidden.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let settings = [("configurations".to_owned(), hidden.len().to_string())].into();
        figures.push(figure("overlap", [middle, least, most], settings));
    }
    if !overlaps.is_empty() {
        let right = overlaps.iter().filter(|one| one.predicted() == one.measured()).count() as f64;
        let share = right / overlaps.len() as f64;
        let settings = [("configurations".to_owned(), overlaps.len().to_string())].into();
        figures.push(figure("bound-predicted", [share; 3], settings));
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::measured::Run;

    fn curves(compute: f64, input: f64, both: f64, waits: [f64; 2]) -> Vec<MeasuredCurve> {
        let values = [both, compute, input, waits[0], waits[1]];
        let curve = |(quantity, value): (&str, f64)| MeasuredCurve {
            section: Section::Together,
            quantity: quantity.to_owned(),
            unit: "s".to_owned(),
            axis: "batch".to_owned(),
            settings: [("configuration".to_owned(), format!("{compute} {input}"))].into(),
            runs: [1.0, 0.9, 1.1]
                .iter()
                .zip(1..)
                .map(|(factor, repeat)| Run { at: 8.0, repeat, started: 0.0, samples: vec![factor * value] })
                .collect(),
            fit: None,
            noise: 0.0,
            skipped: Vec::new(),
        };
        QUANTITIES.into_iter().zip(values).map(curve).collect()
    }

    #[test]
    fn a_step_of_the_slower_side_hides_the_faster_one() {
        let hidden = overlaps(&curves(0.1, 0.04, 0.1, [0.01, 0.6]));
        assert_eq!((hidden[0].predicted(), hidden[0].measured()), (Side::Compute, Side::Compute));
        assert!(
            (hidden[0].hidden().unwrap() - 1.0).abs() < 1e-9 && (hidden[0].over_slower() - 1.0).abs() < 1e-9
        );
        let summed = overlaps(&curves(0.04, 0.1, 0.14, [0.7, 0.01]));
        assert_eq!((summed[0].predicted(), summed[0].measured()), (Side::Input, Side::Input));
        assert_eq!(overlaps(&curves(0.1, 0.001, 0.09, [0.01, 0.6]))[0].hidden(), None);
        assert!(summed[0].hidden().unwrap().abs() < 1e-9 && (summed[0].over_slower() - 1.4).abs() < 1e-9);
    }

    #[test]
    fn figures_count_the_sides_that_were_predicted_rightly() {
        let right = curves(0.1, 0.04, 0.1, [0.01, 0.6]);
        let wrong = curves(0.04, 0.1, 0.1, [0.01, 0.6]);
        let figures = figures(&[right, wrong].concat());
        let found = |name: &str| figures.iter().find(|figure| figure.name == name).unwrap().value;
        assert_eq!((found("bound-predicted"), figures.len()), (0.5, 4));
        assert!((found("overlap") - 1.0).abs() < 1e-9);
        assert_eq!(figures[1].settings["predicted"], "input bound");
        assert_eq!(figures[1].settings["seen"], "compute waited for");
        assert!(super::figures(&[]).is_empty());
    }
}
