//! Lengths of prompts and answers by the words of the column `dataset`.

use serde::Deserialize;

use crate::steptime::ProfileError;
use crate::validate::serving::ServingConfiguration;

const FILE: &str = "assets/observations/dataset-lengths.csv";

/// A data set's lengths.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Dataset {
    dataset: String,
    in_mean: f64,
    in_p90: f64,
    in_max: f64,
    out_mean: f64,
    out_p50: f64,
    out_p90: f64,
    out_max: f64,
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
        }
    }

    /// The lengths of a row; `None` where they are not known.
    pub(super) fn of(datasets: &[Dataset], row: &ServingConfiguration) -> Option<Self> {
        let stated = row.input_tokens.zip(row.output_tokens);
        let known = datasets.iter().find(|set| set.dataset == row.dataset);
        match (row.dataset.as_str(), known, stated) {
            ("random_0.8_1.0", _, Some((input, output))) => {
                // Uniform between 0.8 and 1.0 of the nominal.
                let spread = (0.2f64 / 0.9).powi(2) / 12.0;
                Some(Self {
                    input_spread: spread,
                    output_spread: spread,
                    longest: input + output,
                    output_quantiles: [1.0, 1.09, 1.11],
                    ..Self::fixed(0.9 * input, 0.9 * output)
                })
            }
            (_, Some(set), stated) => Some(set.lengths(stated)),
            ("means_of_the_run", None, Some((input, output))) => Some(Self {
                input_spread: 1.0,
                output_spread: 0.7,
                longest: 2.0 * (input + output),
                output_quantiles: [0.8, 2.2, 3.5],
                ..Self::fixed(input, output)
            }),
            (_, None, Some((input, output))) => Some(Self::fixed(input, output)),
            _ => None,
        }
    }
}

impl Dataset {
    pub(super) fn embedded() -> Result<Vec<Self>, ProfileError> {
        let text = include_str!("../../../../assets/observations/dataset-lengths.csv");
        csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .from_reader(text.as_bytes())
            .into_deserialize()
            .collect::<Result<_, _>>()
            .map_err(|error| ProfileError::Table { file: FILE, error })
    }

    /// Its lengths, at the means of a row where it states them.
    fn lengths(&self, stated: Option<(f64, f64)>) -> Lengths {
        let (input, output) = stated.unwrap_or((self.in_mean, self.out_mean));
        // The spread of an exponential reaches 2.3 means at nine tenths.
        let spread = |mean: f64, p90: f64| ((p90 / mean - 1.0) / 1.3).max(0.0).powi(2);
        let scale = output / self.out_mean;
        Lengths {
            input,
            output,
            longest: input / self.in_mean * self.in_max + scale * self.out_max,
            input_spread: spread(self.in_mean, self.in_p90),
            output_spread: spread(self.out_mean, self.out_p90),
            output_quantiles: [
                self.out_p50 / self.out_mean,
                self.out_p90 / self.out_mean,
                self.out_max / self.out_mean,
            ],
        }
    }
}
