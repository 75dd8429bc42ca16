//! Lengths of the data sets that traffic and published rows name.

use std::sync::LazyLock;

use super::lengths::bisect;
use super::spec::LengthLaw;
use crate::stats::normal_quantile;

static TABLE: &str = include_str!("../../../assets/facts/dataset-lengths.csv");

/// Quantiles of the laws made from the figures.
const STEPS: usize = 1000;

/// Figures of token counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LengthFigures {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// Greatest.
    pub most: f64,
}

/// A data set of prompts and answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Name, as scenarios and rows write it.
    pub name: String,
    /// Prompt tokens.
    pub input: LengthFigures,
    /// Answer tokens; `None` where nothing is generated.
    pub output: Option<LengthFigures>,
    /// Where the figures come from.
    pub source: String,
    /// When.
    pub as_of: String,
}

/// The data sets that ship, by name.
static DATASETS: LazyLock<Vec<Dataset>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(TABLE.as_bytes());
    reader.records().filter_map(|record| dataset(&record.ok()?)).collect()
});

fn dataset(record: &csv::StringRecord) -> Option<Dataset> {
    let figures = |first: usize| {
        let number = |column| record.get(column)?.parse::<f64>().ok();
        Some(LengthFigures {
            mean: number(first)?,
            p50: number(first + 1)?,
            p90: number(first + 2)?,
            most: number(first + 3)?,
        })
    };
    Some(Dataset {
        name: record.get(0)?.to_owned(),
        input: figures(1)?,
        output: figures(5),
        source: record.get(9)?.to_owned(),
        as_of: record.get(10)?.to_owned(),
    })
}

impl Dataset {
    /// All that ship.
    #[must_use]
    pub fn all() -> &'static [Dataset] {
        &DATASETS
    }

    /// The one of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Dataset> {
        DATASETS.iter().find(|dataset| dataset.name.eq_ignore_ascii_case(name))
    }
}

impl LengthFigures {
    /// A law with these figures: straight in the logarithm over the normal quantile through the median and the 90th
    /// percentile. Above that it is bent until the mean is met; where that is not enough, between the two or below the
    /// median as well.
    #[must_use]
    pub fn law(&self) -> LengthLaw {
        let mean = |bends: Bends| table_mean(|step| self.quantile(step, bends));
        let above = |bends: Bends| mean(bends) > self.mean;
        // Each exponent and width lowers the mean as it grows.
        let mut bends = Bends { tail: 1.0, middle: 1.0, body: 1.0 };
        bends.tail = bisect(0.05, 40.0, |tail| above(Bends { tail, ..bends }));
        if above(bends) {
            bends.body = bisect(1.0, 8.0, |body| above(Bends { body, ..bends }));
        } else {
            bends.middle = bisect(0.2, 1.0, |middle| above(Bends { middle, ..bends }));
        }
        let table = (0..=STEPS).map(|step| (self.quantile(step, bends) + 0.5).max(1.0) as u32);
        LengthLaw::Empirical(table.collect())
    }

    fn quantile(&self, step: usize, bends: Bends) -> f64 {
        const Z90: f64 = 1.281_551_565_544_6;
        let probability = step as f64 / STEPS as f64;
        let width = libm::log((self.p90 / self.p50).max(1.0));
        if probability >= 0.9 {
            let share = libm::pow((probability - 0.9) / 0.1, bends.tail);
            return self.p90 + (self.most - self.p90).max(0.0) * share;
        }
        // The least value is that of one in a thousand.
        let z = normal_quantile(probability.max(1.0 / STEPS as f64)) / Z90;
        let bent = if z > 0.0 { libm::pow(z, bends.middle) } else { z * bends.body };
        self.p50 * libm::exp(width * bent)
    }
}

/// How a law leaves the straight line.
#[derive(Clone, Copy)]
struct Bends {
    /// Exponent above the 90th percentile.
    tail: f64,
    /// Exponent between the median and the 90th percentile.
    middle: f64,
    /// Width below the median, in that above.
    body: f64,
}

fn table_mean(quantile: impl Fn(usize) -> f64) -> f64 {
    let sum: f64 = (0..=STEPS).map(&quantile).sum();
    (sum - 0.5 * (quantile(0) + quantile(STEPS))) / STEPS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_has_a_source() {
        assert_eq!(Dataset::all().len(), TABLE.lines().count() - 1);
        assert!(Dataset::all().iter().all(|dataset| !dataset.source.is_empty() && !dataset.as_of.is_empty()));
    }

    #[test]
    fn laws_have_the_figures_that_they_were_made_from() {
        for dataset in Dataset::all() {
            for figures in [Some(dataset.input), dataset.output].into_iter().flatten() {
                let law = figures.law();
                let LengthLaw::Empirical(table) = &law else { panic!("another law") };
                let off = |ours: f64, theirs: f64| (ours / theirs - 1.0).abs();
                assert!(table.is_sorted(), "{}", dataset.name);
                assert!(off(law.mean(), figures.mean) < 0.02, "{}: {} {figures:?}", dataset.name, law.mean());
                assert!(off(f64::from(table[STEPS / 2]), figures.p50) < 0.02, "{}", dataset.name);
                assert!(off(f64::from(table[STEPS * 9 / 10]), figures.p90) < 0.02, "{}", dataset.name);
                assert!(f64::from(law.most()) <= figures.most + 0.5, "{}", dataset.name);
            }
        }
    }
}
