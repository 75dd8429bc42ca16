//! Rates of a trace of windows, one row at a time.

use super::columns::{WINDOWS, WORKLOAD, position};
use super::fault::{RATE, TIME};
use super::lines::Lines;
use super::{MOST_RATE, MOST_SECONDS, TraceError};
use crate::workload::arrivals::TraceSource;

/// A stretch of time with one rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    /// Seconds since the start of the trace.
    pub(crate) start: f64,
    pub(crate) seconds: f64,
    /// Requests per second.
    pub(crate) rate: f64,
}

/// The windows of a file: each lasts until the next, the last as long as the one before.
#[derive(Debug)]
pub(crate) struct Windows {
    lines: Lines,
    start: usize,
    rate: usize,
    workload: Option<usize>,
    /// The workload whose windows are taken: as asked for, or the first of the file.
    taken: Option<String>,
    asked: bool,
    /// Where time counts from.
    origin: Option<f64>,
    ahead: Option<(f64, f64)>,
    last_seconds: f64,
}

impl Windows {
    pub(crate) fn open(source: &TraceSource) -> Result<Self, TraceError> {
        let mut lines = Lines::open(&source.path)?;
        if !lines.advance()? {
            return Err(TraceError::Empty { file: lines.file() });
        }
        let (start, rate) = (WINDOWS[0].place(&lines)?, WINDOWS[1].place(&lines)?);
        let workload = position(&lines, WORKLOAD);
        let taken = source.select.clone();
        let asked = taken.is_some();
        Ok(Self { lines, start, rate, workload, taken, asked, origin: None, ahead: None, last_seconds: 0.0 })
    }

    pub(crate) fn rewind(&mut self) -> Result<(), TraceError> {
        self.lines.rewind()?;
        (self.ahead, self.last_seconds) = (None, 0.0);
        self.lines.advance()?;
        Ok(())
    }

    /// The next window; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Window>, TraceError> {
        let current = match self.ahead.take() {
            Some(row) => Some(row),
            None => self.row(None)?,
        };
        let Some((start, rate)) = current else { return Ok(None) };
        self.ahead = self.row(Some(start))?;
        if let Some((next, _)) = self.ahead {
            self.last_seconds = next - start;
        }
        Ok(Some(Window { start, seconds: self.last_seconds, rate }))
    }

    pub(crate) fn file(&self) -> String {
        self.lines.file()
    }

    /// The workload asked for, if there was one.
    pub(crate) fn asked(&self) -> Option<&str> {
        if self.asked { self.taken.as_deref() } else { None }
    }

    /// The next row of the workload, as start and rate.
    fn row(&mut self, before: Option<f64>) -> Result<Option<(f64, f64)>, TraceError> {
        loop {
            if !self.lines.advance()? {
                return Ok(None);
            }
            if self.is_taken()? {
                break;
            }
        }
        let start = self.number(self.start, WINDOWS[0].name, MOST_SECONDS, TIME)?;
        let start = start - *self.origin.get_or_insert(start);
        if let Some(before) = before.filter(|before| *before >= start) {
            return Err(TraceError::Unsorted {
                file: self.file(),
                line: self.lines.number(),
                column: WINDOWS[0].name,
                at: self.lines.place(self.start),
                before,
                after: start,
            });
        }
        Ok(Some((start, self.number(self.rate, WINDOWS[1].name, MOST_RATE, RATE)?)))
    }

    fn is_taken(&mut self) -> Result<bool, TraceError> {
        let Some(column) = self.workload else { return Ok(!self.asked) };
        let name = self.lines.cell(column);
        match &self.taken {
            None => {
                self.taken = Some(name.to_owned());
                Ok(true)
            }
            Some(taken) if taken == name => Ok(true),
            Some(_) if self.asked => Ok(false),
            Some(taken) => Err(TraceError::Several {
                file: self.lines.file(),
                line: self.lines.number(),
                first: taken.clone(),
                second: name.to_owned(),
            }),
        }
    }

    fn number(
        &self,
        column: usize,
        name: &'static str,
        most: f64,
        what: &'static str,
    ) -> Result<f64, TraceError> {
        let text = self.lines.cell(column);
        let value = text.parse().ok().filter(|value| (0.0..=most).contains(value));
        value.ok_or_else(|| TraceError::Value {
            file: self.lines.file(),
            line: self.lines.number(),
            column: name,
            at: self.lines.place(column),
            text: text.chars().take(40).collect(),
            what,
        })
    }
}
