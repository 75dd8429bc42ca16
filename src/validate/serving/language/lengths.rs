//! Lengths of prompts and answers by the words of the column `dataset`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::validate::serving::ServingConfiguration;
use crate::workload::arrivals::{Dataset, LengthFigures, LengthLaw};

/// Share of the nominal lengths that the least request of `random_0.8_1.0` has.
const RANDOM_LEAST: f64 = 0.8;

/// Laws of the prompts and answers of data sets that generate, made once.
static LAWS: LazyLock<BTreeMap<&'static str, (LengthLaw, LengthLaw)>> = LazyLock::new(|| {
    let laws = |set: &'static Dataset| Some((set.name.as_str(), (set.input.law(), set.output?.law())));
    Dataset::all().iter().filter_map(laws).collect()
});

/// How requests of one run differ.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spread {
    /// Not at all.
    Fixed,
    /// Evenly between a share of the nominal and the nominal.
    Random,
    /// As a data set does.
    Dataset(&'static str),
    /// Of a run whose means alone are known: as conversations do.
    Conversations,
}

/// Lengths of requests as the closed forms take them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lengths {
    /// Mean prompt.
    pub input: f64,
    /// Mean answer.
    pub output: f64,
    /// Longest prompt and answer that must be reserved for.
    pub longest: f64,
    /// Squared coefficient of variation of prompts.
    pub input_spread: f64,
    /// The same of answers.
    pub output_spread: f64,
    /// Quantiles of the answer over its mean: 50, 90 and 99 %.
    pub output_quantiles: [f64; 3],
    spread: Spread,
}

impl Lengths {
    fn fixed(input: f64, output: f64) -> Self {
        Self {
            input,
            output,
            longest: input + output,
            input_spread: 0.0,
            output_spread: 0.0,
            output_quantiles: [1.0; 3],
            spread: Spread::Fixed,
        }
    }

    /// The lengths of a row; `None` where they are not known.
    pub(super) fn of(row: &ServingConfiguration) -> Option<Self> {
        let stated = row.input_tokens.zip(row.output_tokens);
        let known = Dataset::find(&row.dataset).and_then(|set| Some((set, set.output?)));
        match (row.dataset.as_str(), known, stated) {
            ("random_0.8_1.0", _, Some((input, output))) => {
                let mean = (1.0 + RANDOM_LEAST) / 2.0;
                let spread = ((1.0 - RANDOM_LEAST) / mean).powi(2) / 12.0;
                Some(Self {
                    input_spread: spread,
                    output_spread: spread,
                    longest: input + output,
                    output_quantiles: [1.0, 1.09, 1.11],
                    spread: Spread::Random,
                    ..Self::fixed(mean * input, mean * output)
                })
            }
            (_, Some((set, answers)), stated) => Some(Self::of_dataset(set, &answers, stated)),
            ("means_of_the_run", None, Some((input, output))) => Some(Self {
                input_spread: 1.0,
                output_spread: 0.7,
                longest: 2.0 * (input + output),
                output_quantiles: [0.8, 2.2, 3.5],
                spread: Spread::Conversations,
                ..Self::fixed(input, output)
            }),
            (_, None, Some((input, output))) => Some(Self::fixed(input, output)),
            _ => None,
        }
    }

    /// Lengths of a data set, at the means of a row where it states them.
    fn of_dataset(set: &'static Dataset, answers: &LengthFigures, stated: Option<(f64, f64)>) -> Self {
        let (input, output) = stated.unwrap_or((set.input.mean, answers.mean));
        // The spread of an exponential reaches 2.3 means at nine tenths.
        let spread = |figures: &LengthFigures| ((figures.p90 / figures.mean - 1.0) / 1.3).max(0.0).powi(2);
        let scale = output / answers.mean;
        Self {
            input,
            output,
            longest: input / set.input.mean * set.input.most + scale * answers.most,
            input_spread: spread(&set.input),
            output_spread: spread(answers),
            output_quantiles: [answers.p50, answers.p90, answers.most].map(|tokens| tokens / answers.mean),
            spread: Spread::Dataset(&set.name),
        }
    }

    /// Laws of the prompts and of the answers, to draw requests from.
    pub(super) fn laws(&self) -> (LengthLaw, LengthLaw) {
        let whole = |tokens: f64| (tokens + 0.5).clamp(1.0, 1e8) as u32;
        let fixed = || (LengthLaw::Fixed(whole(self.input)), LengthLaw::Fixed(whole(self.output)));
        match self.spread {
            Spread::Fixed => fixed(),
            Spread::Random => {
                let law = |mean: f64| {
                    let nominal = mean * 2.0 / (1.0 + RANDOM_LEAST);
                    LengthLaw::Uniform(whole(RANDOM_LEAST * nominal), whole(nominal))
                };
                (law(self.input), law(self.output))
            }
            Spread::Dataset(name) => match LAWS.get(name) {
                Some((input, output)) => (input.with_mean(self.input), output.with_mean(self.output)),
                None => fixed(),
            },
            Spread::Conversations => {
                let law = |mean: f64, median: f64| LengthLaw::LogNormal {
                    median: median * mean,
                    mean,
                    most: whole(8.0 * mean),
                };
                (law(self.input, 0.7), law(self.output, 0.8))
            }
        }
    }
}
