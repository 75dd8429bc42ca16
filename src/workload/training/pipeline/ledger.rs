//! What is kept of a run: rows of five departures each, in fixed memory, from which the long-run figures are
//! computed.

use super::{PipelineStats, Stage, StageStats};
use crate::engine::{RunEnd, StationStatistics};
use crate::stats::{BatchMeans, Warmup, asymptotic_variance, mser};
use crate::units::{NANOS_PER_SECOND, Seconds, SimSpan, SimTime};

/// Departures per row: the five of MSER-5.
const ROW: u64 = 5;
/// Rows kept before neighbours are merged.
const ROWS: usize = 2048;

/// Columns of a row: the span of its departures, their summed sojourn, then three integrals per stage.
const SPAN: usize = 0;
const SOJOURN: usize = 1;
const FIRST_STAGE: usize = 2;
const PER_STAGE: usize = 3;

/// Running totals and the rows of differences between them. All times in seconds.
pub(super) struct Ledger {
    departures: u64,
    last_departure: SimTime,
    row_began: SimTime,
    row: Vec<f64>,
    totals: Vec<[u128; PER_STAGE]>,
    rows: BatchMeans,
}

impl Ledger {
    pub(super) fn new(stages: usize) -> Self {
        let width = FIRST_STAGE + PER_STAGE * stages;
        Self {
            departures: 0,
            last_departure: SimTime::ZERO,
            row_began: SimTime::ZERO,
            row: vec![0.0; width],
            totals: vec![[0; PER_STAGE]; stages],
            rows: BatchMeans::new(width, ROWS),
        }
    }

    /// Notes a departure; `true` when it completes a row, and the stages are to be observed.
    pub(super) fn departs(&mut self, now: SimTime, sojourn: SimSpan) -> bool {
        self.departures += 1;
        self.last_departure = now;
        self.row[SOJOURN] += sojourn.seconds().0;
        self.departures.is_multiple_of(ROW)
    }

    /// Notes what a station has done so far.
    pub(super) fn observe(&mut self, stage: usize, so_far: &StationStatistics) {
        let totals = [so_far.serving, so_far.held, so_far.waiting];
        let row = &mut self.row[FIRST_STAGE + PER_STAGE * stage..];
        for ((value, before), total) in row.iter_mut().zip(self.totals[stage]).zip(totals) {
            *value = (total - before) as f64 / NANOS_PER_SECOND as f64;
        }
        self.totals[stage] = totals;
    }

    pub(super) fn end_row(&mut self) {
        self.row[SPAN] = self.last_departure.since(self.row_began).seconds().0;
        self.row_began = self.last_departure;
        self.rows.push(&self.row);
        self.row.fill(0.0);
    }

    /// Cuts the warm-up and computes the long-run figures. `open` lines settle only if their sojourn does.
    pub(super) fn close(&self, stages: &[Stage], end: RunEnd, lost: u64, open: bool) -> PipelineStats {
        let cut = self.warmup(open);
        let from = cut.unwrap_or(0);
        let mean = |column| self.rows.mean_after(from, column).unwrap_or(0.0);
        let spans: Vec<f64> = self.rows.series(SPAN).skip(from).collect();
        // One batch of m rows averages m rows: the variance of a sum over rows is m times that of the batch
        // means.
        let rows_variance = asymptotic_variance(&spans) * self.rows.batch_size() as f64;
        let stages: Vec<StageStats> =
            stages.iter().enumerate().map(|(index, stage)| stage_stats(index, stage, mean)).collect();
        PipelineStats {
            end,
            departures: self.departures,
            lost,
            makespan: self.last_departure.since(SimTime::ZERO),
            steady: cut.is_some() && !self.rows.is_empty(),
            warmup: from as u64 * self.rows.batch_size() * ROW,
            step: Seconds(mean(SPAN) / ROW as f64),
            step_deviation: Seconds((rows_variance / ROW as f64).sqrt()),
            input_wait: stages.last().map_or(0.0, |device| (1.0 - device.utilisation).max(0.0)),
            sojourn: Seconds(mean(SOJOURN) / ROW as f64),
            stages,
        }
    }

    /// Batches of rows to drop; `None` where the line did not settle.
    fn warmup(&self, open: bool) -> Option<usize> {
        let cut = |column| match mser(&self.rows.series(column).collect::<Vec<f64>>()) {
            Warmup::Cut(rows) => Some(rows),
            Warmup::NotSteady => None,
        };
        let by_span = cut(SPAN)?;
        if open { cut(SOJOURN).map(|by_sojourn| by_sojourn.max(by_span)) } else { Some(by_span) }
    }
}

fn stage_stats(index: usize, stage: &Stage, mean: impl Fn(usize) -> f64) -> StageStats {
    let column = FIRST_STAGE + PER_STAGE * index;
    let span = mean(SPAN);
    let over_time = |area: f64| if span > 0.0 { area / span } else { 0.0 };
    let servers = stage.servers as f64;
    StageStats {
        name: stage.name.clone(),
        utilisation: over_time(mean(column)) / servers,
        blocked: over_time(mean(column + 1)) / servers,
        mean_waiting: over_time(mean(column + 2)),
        wait: Seconds(mean(column + 2) / ROW as f64),
    }
}
