//! Requests of a trace, one row at a time.

use serde::Deserialize;

use super::columns::{AZURE, Column, LENGTHS, SECONDS};
use super::fault::{DATE, INPUT, MILLISECONDS, OUTPUT, TIME};
use super::lines::Lines;
use super::{MOST_SECONDS, MOST_TOKENS, TraceError, stamp};
use crate::workload::arrivals::{Prefix, TraceFormat, TraceSource};

/// Tokens of a block of the Mooncake traces (kvcache-ai/Mooncake, FAST'25 release).
const BLOCK_TOKENS: u32 = 512;

/// A row of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TraceRow {
    /// Seconds since the start of the trace; 0 where it has no times.
    pub(crate) at: f64,
    pub(crate) input: u32,
    pub(crate) output: u32,
    pub(crate) prefix: Option<Prefix>,
}

/// The rows of a trace of requests, checked as they are read.
#[derive(Debug)]
pub(crate) struct Rows {
    lines: Lines,
    format: TraceFormat,
    columns: [usize; 3],
    /// The first date, from which time counts.
    origin: Option<i64>,
    last: f64,
    /// Blocks below this were seen: a trace numbers its blocks in the order of their first appearance.
    blocks: u64,
}

#[derive(Deserialize)]
struct Line {
    timestamp: f64,
    input_length: f64,
    output_length: f64,
    #[serde(default)]
    hash_ids: Vec<u64>,
}

impl Rows {
    /// Opens a trace of requests (any format but windows).
    pub(crate) fn open(source: &TraceSource) -> Result<Self, TraceError> {
        let mut lines = Lines::open(&source.path)?;
        let mut columns = [0; 3];
        let header: &[Column] = match source.format {
            TraceFormat::Azure => &AZURE,
            TraceFormat::Seconds => &SECONDS,
            TraceFormat::Lengths => &LENGTHS,
            TraceFormat::Mooncake => &[],
            TraceFormat::Windows => {
                return Err(TraceError::Lacks { file: lines.file(), what: "requests, only rates" });
            }
        };
        if !header.is_empty() {
            if !lines.advance()? {
                return Err(TraceError::Empty { file: lines.file() });
            }
            for (place, column) in columns.iter_mut().zip(header) {
                *place = column.place(&lines)?;
            }
        }
        let format = source.format;
        Ok(Self { lines, format, columns, origin: None, last: 0.0, blocks: 0 })
    }

    /// Starts again at the first row.
    pub(crate) fn rewind(&mut self) -> Result<(), TraceError> {
        self.lines.rewind()?;
        (self.last, self.blocks) = (0.0, 0);
        if self.format != TraceFormat::Mooncake {
            self.lines.advance()?;
        }
        Ok(())
    }

    /// The next row; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<TraceRow>, TraceError> {
        if !self.lines.advance()? {
            return Ok(None);
        }
        let row = match self.format {
            TraceFormat::Mooncake => self.json()?,
            _ => self.cells()?,
        };
        if row.at < self.last {
            return Err(TraceError::Unsorted {
                file: self.lines.file(),
                line: self.lines.number(),
                column: self.time_column(),
                at: if self.format == TraceFormat::Mooncake { 1 } else { self.lines.place(self.columns[0]) },
                before: self.last,
                after: row.at,
            });
        }
        self.last = row.at;
        Ok(Some(row))
    }

    /// The file's name.
    pub(crate) fn file(&self) -> String {
        self.lines.file()
    }

    fn time_column(&self) -> &'static str {
        match self.format {
            TraceFormat::Azure => AZURE[0].name,
            TraceFormat::Mooncake => "timestamp",
            _ => SECONDS[0].name,
        }
    }

    fn cells(&mut self) -> Result<TraceRow, TraceError> {
        let [first, second, third] = self.columns;
        let (at, lengths, header) = match self.format {
            TraceFormat::Azure => (self.date(first)?, [second, third], &AZURE[1..]),
            TraceFormat::Lengths => (0.0, [first, second], &LENGTHS[..]),
            _ => (self.seconds(first)?, [second, third], &SECONDS[1..]),
        };
        let input = self.count(lengths[0], header[0].name, 1, INPUT)?;
        let output = self.count(lengths[1], header[1].name, 0, OUTPUT)?;
        Ok(TraceRow { at, input, output, prefix: None })
    }

    fn seconds(&self, column: usize) -> Result<f64, TraceError> {
        let text = self.lines.cell(column);
        let value = text.parse().ok().filter(|value| (0.0..=MOST_SECONDS).contains(value));
        value.ok_or_else(|| self.wrong(SECONDS[0].name, self.lines.place(column), text, TIME))
    }

    fn date(&mut self, column: usize) -> Result<f64, TraceError> {
        let text = self.lines.cell(column);
        let Some(stamp) = stamp::nanoseconds(text) else {
            return Err(self.wrong(AZURE[0].name, self.lines.place(column), text, DATE));
        };
        let origin = *self.origin.get_or_insert(stamp);
        Ok((stamp - origin) as f64 / 1e9)
    }

    fn count(
        &self,
        column: usize,
        name: &'static str,
        least: u32,
        what: &'static str,
    ) -> Result<u32, TraceError> {
        let text = self.lines.cell(column);
        let value = text.parse().ok().filter(|value| (least..=MOST_TOKENS).contains(value));
        value.ok_or_else(|| self.wrong(name, self.lines.place(column), text, what))
    }

    fn json(&mut self) -> Result<TraceRow, TraceError> {
        let line: Line = serde_json::from_slice(self.lines.text()).map_err(|error| TraceError::Json {
            file: self.lines.file(),
            line: self.lines.number(),
            error,
        })?;
        let at = line.timestamp / 1e3;
        if !(0.0..=MOST_SECONDS).contains(&at) {
            return Err(self.wrong("timestamp", 1, &line.timestamp.to_string(), MILLISECONDS));
        }
        let count = |value: f64, name, least: u32, what| {
            let sound = value.fract() == 0.0 && (f64::from(least)..=f64::from(MOST_TOKENS)).contains(&value);
            if sound { Ok(value as u32) } else { Err(self.wrong(name, 1, &value.to_string(), what)) }
        };
        let input = count(line.input_length, "input_length", 1, INPUT)?;
        let output = count(line.output_length, "output_length", 0, OUTPUT)?;
        let prefix = self.prefix(&line.hash_ids, input);
        Ok(TraceRow { at, input, output, prefix })
    }

    /// Prompts that begin with the same block form a group. A prompt that repeats blocks shares those; the first of a
    /// group brings all of its own, for others to find. On the public trace this finds every repeated block.
    fn prefix(&mut self, blocks: &[u64], input: u32) -> Option<Prefix> {
        let first = *blocks.first()?;
        let known = blocks.iter().take_while(|block| **block < self.blocks).count();
        let shared = if known == 0 { blocks.len() } else { known };
        self.blocks = blocks.iter().fold(self.blocks, |most, block| most.max(block.saturating_add(1)));
        let tokens = (shared as u64 * u64::from(BLOCK_TOKENS)).min(u64::from(input));
        Some(Prefix { group: first as u32, tokens: tokens as u32 })
    }

    fn wrong(&self, column: &'static str, at: usize, text: &str, what: &'static str) -> TraceError {
        let text = text.chars().take(40).collect();
        TraceError::Value { file: self.lines.file(), line: self.lines.number(), column, at, text, what }
    }
}
