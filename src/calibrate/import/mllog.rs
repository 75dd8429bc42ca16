//! Logs of MLPerf training runs: lines that begin with `:::MLLOG`, each a JSON object with a key, a value and a time.

use serde_json::Value;

use super::place::Place;
use super::steps::StepRow;
use super::{ImportError, Told};

/// What marks a line of the log; other lines are the program's own.
const MARK: &str = ":::MLLOG";
/// Keys that tell how many accelerators ran, where a submitter logs one.
const COUNTS: [&str; 4] = ["world_size", "num_accelerators", "number_of_accelerators", "total_accelerators"];

/// An interval's start: when, and the samples seen until then.
#[derive(Clone, Copy)]
struct Since {
    milliseconds: f64,
    samples: Option<f64>,
}

#[derive(Default)]
struct Log {
    model: Option<String>,
    global_batch: Option<f64>,
    epoch_samples: Option<f64>,
    accelerators: Option<f64>,
    block: Option<Since>,
    run: Option<Since>,
    /// Seconds of a step: as told, over a block, over the run; the first sort that there is counts.
    told: Vec<(String, f64)>,
    blocks: Vec<(String, f64)>,
    runs: Vec<(String, f64)>,
}

pub(super) fn rows(file: &str, text: &str, told: &Told) -> Result<Vec<StepRow>, ImportError> {
    let mut log = Log::default();
    let mut lines = 0;
    for (index, line) in text.lines().enumerate() {
        let Some(start) = line.find(MARK) else { continue };
        lines += 1;
        let column = start + MARK.len();
        let body = line.get(column..).unwrap_or_default().trim();
        let value: Value = serde_json::from_str(body).map_err(|error| ImportError::Syntax {
            file: file.to_owned(),
            line: index + 1,
            column: column + error.column() + 1,
            message: format!(
                "not JSON after {MARK}: {}",
                error.to_string().split(" at line").next().unwrap_or_default()
            ),
        })?;
        let path = format!("line {}", index + 1);
        log.read(&Place::new(file, path.clone(), &value), &path)?;
    }
    let nothing = |message: String| ImportError::Nothing { file: file.to_owned(), message };
    if lines == 0 {
        return Err(nothing(format!("no line holds {MARK}")));
    }
    let Some(global) = log.global_batch else {
        return Err(nothing("no line tells `global_batch_size`".to_owned()));
    };
    let accelerators =
        told.accelerators.map(|count| count as f64).or(log.accelerators).unwrap_or(1.0).max(1.0);
    let steps = [log.told, log.blocks, log.runs].into_iter().find(|steps| !steps.is_empty());
    let Some(steps) = steps else {
        return Err(nothing(
            "it tells neither throughputs (`tracked_stats`) nor blocks or a run with the samples between"
                .to_owned(),
        ));
    };
    Ok(steps
        .into_iter()
        .map(|(place, seconds)| StepRow {
            place: format!("{file}: {place}"),
            batch: global / accelerators,
            accelerators: accelerators as u64,
            seconds,
            model: log.model.clone(),
        })
        .collect())
}

impl Log {
    fn read(&mut self, line: &Place<'_>, place: &str) -> Result<(), ImportError> {
        let key = line.text_at(&["key"]).ok_or_else(|| line.missing("`key`"))?;
        match key.as_str() {
            "submission_benchmark" => self.model = line.text_at(&["value"]),
            "global_batch_size" => {
                self.global_batch = line.number_at(&["value"])?.filter(|batch| *batch >= 1.0)
            }
            "train_samples" => self.epoch_samples = line.number_at(&["value"])?,
            "tracked_stats" => self.stats(line, place)?,
            "run_start" => self.run = Some(self.since(line)?),
            "block_start" | "epoch_start" => self.block = Some(self.since(line)?),
            "block_stop" | "epoch_stop" => {
                let step = self.block.take().map(|since| self.step(since, line)).transpose()?.flatten();
                self.blocks.extend(step.map(|seconds| (place.to_owned(), seconds)));
            }
            "run_stop" => {
                let step = self.run.take().map(|since| self.step(since, line)).transpose()?.flatten();
                self.runs.extend(step.map(|seconds| (place.to_owned(), seconds)));
            }
            key if COUNTS.contains(&key) => self.accelerators = line.number_at(&["value"])?,
            _ => {}
        }
        Ok(())
    }

    /// Seconds of a step, or samples per second, as told.
    fn stats(&mut self, line: &Place<'_>, place: &str) -> Result<(), ImportError> {
        let step = line.first_number(&[&["value", "train_step_time"], &["value", "step_time"]])?;
        let rate = line.number_at(&["value", "throughput"])?;
        let by_rate =
            rate.filter(|rate| *rate > 0.0).zip(self.global_batch).map(|(rate, batch)| batch / rate);
        let seconds = step.or(by_rate).filter(|seconds| *seconds > 0.0);
        self.told.extend(seconds.map(|seconds| (place.to_owned(), seconds)));
        Ok(())
    }

    fn since(&self, line: &Place<'_>) -> Result<Since, ImportError> {
        let time = line.number_at(&["time_ms"])?.ok_or_else(|| line.missing("`time_ms`"))?;
        Ok(Since { milliseconds: time, samples: self.samples(line, false)?.or(Some(0.0)) })
    }

    /// Seconds of a step over an interval that ends here; `None` where nothing tells the samples between.
    fn step(&self, since: Since, line: &Place<'_>) -> Result<Option<f64>, ImportError> {
        let time = line.number_at(&["time_ms"])?.ok_or_else(|| line.missing("`time_ms`"))?;
        let of_block = self.length(line)?;
        let until = self.samples(line, true)?.zip(since.samples).map(|(now, before)| now - before);
        let steps = of_block.or(until).zip(self.global_batch).map(|(samples, batch)| samples / batch);
        let seconds = (time - since.milliseconds) / 1e3;
        Ok(steps.filter(|steps| *steps > 0.0 && seconds > 0.0).map(|steps| seconds / steps))
    }

    /// Samples seen so far, as the metadata of a line tell.
    fn samples(&self, line: &Place<'_>, stop: bool) -> Result<Option<f64>, ImportError> {
        if let Some(samples) = line.number_at(&["metadata", "samples_count"])? {
            return Ok(Some(samples));
        }
        let steps = if stop { line.number_at(&["metadata", "step_num"])? } else { None };
        Ok(steps.zip(self.global_batch).map(|(steps, batch)| steps * batch))
    }

    /// Samples of a block, as the metadata of its end tell: epochs, or samples where a benchmark counts these instead.
    fn length(&self, line: &Place<'_>) -> Result<Option<f64>, ImportError> {
        let Some(count) = line.number_at(&["metadata", "epoch_count"])? else { return Ok(None) };
        let counts_samples = self.global_batch.is_some_and(|batch| count >= batch);
        Ok(if counts_samples { Some(count) } else { self.epoch_samples.map(|samples| count * samples) })
    }
}
