//! How far an answer may be from the table.

use super::oracle::{Row, cases};

/// Ten digits are written in the table, so nine can be compared.
const CLOSED_FORM: f64 = 1e-9;
/// Standard errors that chance may cause.
const CHANCE: f64 = 3.0;
/// Relative error allowed on top: the start from empty, and the error of the standard error.
const FINITE_RUN: f64 = 0.01;

/// Our answer to one row.
pub enum Answer {
    /// Computed or simulated without chance.
    Exact(f64),
    /// Simulated: one figure per replication.
    Sampled(Vec<f64>),
    /// For a row that states a quantile: the simulated shares beyond it, one per replication, and the share
    /// that should be.
    Beyond { shares: Vec<f64>, expected: f64 },
    /// Too rare to be seen in a run of this length.
    Rare,
}

/// Answers the rows of one case, in order.
pub type Answers = fn(&[Row]) -> Vec<Answer>;

/// The worst deviations of a family.
#[derive(Default)]
struct Worst {
    relative: f64,
    errors: f64,
}

/// Compares every row of the family and fails with all rows that are off.
pub fn family(name: &str, answers: Answers) {
    let began = std::time::Instant::now();
    let (mut worst, mut rows, mut rare) = (Worst::default(), 0, 0);
    let mut off = Vec::new();
    for case in cases(name) {
        let given = answers(&case);
        assert_eq!(given.len(), case.len(), "{name}: an answer per row");
        for (row, answer) in case.iter().zip(given) {
            rows += 1;
            match answer {
                Answer::Rare => rare += 1,
                answer => off.extend(worst.compare(row, &answer)),
            }
        }
    }
    println!(
        "{name}: {rows} rows, {rare} too rare, worst {:.1e} relative, {:.1} standard errors, {:.2} s",
        worst.relative,
        worst.errors,
        began.elapsed().as_secs_f64()
    );
    assert!(rows > rare, "{name}: nothing was compared");
    assert!(off.is_empty(), "{name}:\n{}", off.join("\n"));
}

impl Worst {
    /// Keeps the deviation; `Some` complaint if it is too large.
    fn compare(&mut self, row: &Row, answer: &Answer) -> Option<String> {
        let (exact, values) = match answer {
            Answer::Exact(ours) => (row.value, std::slice::from_ref(ours)),
            Answer::Sampled(values) => (row.value, values.as_slice()),
            Answer::Beyond { shares, expected } => (*expected, shares.as_slice()),
            Answer::Rare => return None,
        };
        let (ours, standard_error) = mean_and_error(values);
        let allowed = match answer {
            Answer::Exact(_) => CLOSED_FORM * exact.abs().max(1e-3),
            _ => CHANCE * standard_error + FINITE_RUN * exact.abs(),
        };
        let deviation = (ours - exact).abs();
        if exact != 0.0 {
            self.relative = self.relative.max(deviation / exact.abs());
        }
        if standard_error > 0.0 {
            self.errors = self.errors.max(deviation / standard_error);
        }
        // A NaN is off as well.
        (deviation.is_nan() || deviation > allowed)
            .then(|| format!("{} {}: {ours} ± {standard_error}, exact {exact}", row.case.0, row.quantity))
    }
}

/// The mean and its standard error; a single value has none.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { 0.0 })
}
