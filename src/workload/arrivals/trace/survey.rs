//! A trace read once from end to end, before anything is simulated with it.

use super::TraceError;
use super::rows::Rows;
use super::windows::Windows;
use crate::stats::Histogram;
use crate::units::Seconds;
use crate::workload::arrivals::{TraceFormat, TraceSource};

/// Steps between the least and the greatest of the quantiles kept of a column.
const QUANTILES: u32 = 256;

/// What a trace holds, as the file has it (before any speed-up).
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSurvey {
    /// Rows: requests, or windows.
    pub rows: u64,
    /// From the first arrival to the last, or the length of all windows; zero for lengths alone.
    pub span: Seconds,
    /// Requests per second; `None` where it has no times or all are one instant.
    pub rate: Option<f64>,
    /// Coefficient of variation of the gaps between arrivals.
    pub gap_cv: Option<f64>,
    /// Mean prompt tokens; `None` of windows.
    pub input: Option<f64>,
    /// Mean answer tokens.
    pub output: Option<f64>,
    /// Quantiles of prompt tokens at evenly spaced probabilities, from the least to the greatest; empty of windows.
    pub input_quantiles: Vec<u32>,
    /// The same of answer tokens.
    pub output_quantiles: Vec<u32>,
}

impl TraceSurvey {
    /// Reads the whole trace and checks every row, in bounded memory.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn of(source: &TraceSource) -> Result<Self, TraceError> {
        if source.format == TraceFormat::Windows { of_windows(source) } else { of_rows(source) }
    }
}

fn of_rows(source: &TraceSource) -> Result<TraceSurvey, TraceError> {
    let mut rows = Rows::open(source)?;
    let (mut count, mut input, mut output) = (0_u64, Histogram::new(), Histogram::new());
    let (mut first, mut last, mut squares) = (0.0, 0.0, 0.0);
    while let Some(row) = rows.next()? {
        if count == 0 {
            first = row.at;
        } else {
            squares += (row.at - last) * (row.at - last);
        }
        last = row.at;
        count += 1;
        input.record(u64::from(row.input));
        output.record(u64::from(row.output));
    }
    if count == 0 {
        return Err(TraceError::Empty { file: rows.file() });
    }
    let (span, gaps) = (last - first, (count - 1) as f64);
    let mean = span / gaps;
    let timed = source.format != TraceFormat::Lengths && span > 0.0;
    Ok(TraceSurvey {
        rows: count,
        span: Seconds(span),
        rate: timed.then(|| gaps / span),
        gap_cv: timed.then(|| (squares / gaps - mean * mean).max(0.0).sqrt() / mean),
        input: input.mean(),
        output: output.mean(),
        input_quantiles: quantiles(&input),
        output_quantiles: quantiles(&output),
    })
}

fn quantiles(column: &Histogram) -> Vec<u32> {
    let at = |step: u32| column.quantile(f64::from(step) / f64::from(QUANTILES)).unwrap_or(0.0);
    (0..=QUANTILES).map(|step| at(step).round() as u32).collect()
}

fn of_windows(source: &TraceSource) -> Result<TraceSurvey, TraceError> {
    let mut windows = Windows::open(source)?;
    let (mut count, mut requests, mut span) = (0, 0.0, 0.0);
    while let Some(window) = windows.next()? {
        count += 1;
        requests += window.rate * window.seconds;
        span = window.start + window.seconds;
    }
    if count == 0 {
        let file = windows.file();
        return Err(match windows.asked() {
            Some(workload) => TraceError::Absent { file, workload: workload.to_owned() },
            None => TraceError::Empty { file },
        });
    }
    let rate = (span > 0.0).then_some(requests / span);
    Ok(TraceSurvey {
        rows: count,
        span: Seconds(span),
        rate,
        gap_cv: None,
        input: None,
        output: None,
        input_quantiles: Vec::new(),
        output_quantiles: Vec::new(),
    })
}
