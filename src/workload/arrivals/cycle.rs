//! A trace as a stream of rows, once or over and over.

use super::spec::TraceSource;
use super::trace::{Rows, TraceError, TraceRow};

/// Traces up to so many rows stay in memory while they repeat (2 MB); longer ones are read again.
const KEPT_ROWS: usize = 1 << 16;

/// Rows of a trace with their times divided by its speed.
#[derive(Debug)]
pub(super) struct Cycle {
    rows: Rows,
    speed: f64,
    repeat: bool,
    kept: Vec<TraceRow>,
    /// Place in `kept` once the file was read to its end and all of it is there.
    replayed: Option<usize>,
    /// Rows of this repetition, its first time and its last.
    count: u64,
    first: f64,
    last: f64,
    /// What was added to the times of this repetition.
    base: f64,
}

impl Cycle {
    pub(super) fn open(source: &TraceSource) -> Result<Self, TraceError> {
        Ok(Self {
            rows: Rows::open(source)?,
            speed: source.speed,
            repeat: source.repeat,
            kept: Vec::new(),
            replayed: None,
            count: 0,
            first: 0.0,
            last: 0.0,
            base: 0.0,
        })
    }

    /// The next row.
    pub(super) fn next(&mut self) -> Result<Option<TraceRow>, TraceError> {
        let row = match self.read()? {
            Some(row) => row,
            None if self.repeat && self.count > 0 => {
                self.start_again()?;
                match self.read()? {
                    Some(row) => row,
                    None => return Ok(None),
                }
            }
            None => return Ok(None),
        };
        if self.count == 0 {
            self.first = row.at;
        }
        self.count += 1;
        self.last = row.at;
        Ok(Some(TraceRow { at: (self.base + row.at) / self.speed, ..row }))
    }

    fn read(&mut self) -> Result<Option<TraceRow>, TraceError> {
        if let Some(place) = &mut self.replayed {
            let row = self.kept.get(*place).copied();
            *place += 1;
            return Ok(row);
        }
        let row = self.rows.next()?;
        if let Some(row) = row
            && self.repeat
            && self.kept.len() <= KEPT_ROWS
        {
            self.kept.push(row);
        }
        Ok(row)
    }

    /// The next repetition begins a mean gap after the last arrival, so that the rate stays.
    fn start_again(&mut self) -> Result<(), TraceError> {
        let span = self.last - self.first;
        if self.count > 1 {
            self.base += span + span / (self.count - 1) as f64;
        }
        if self.kept.len() as u64 == self.count {
            self.replayed = Some(0);
        } else {
            self.kept = Vec::new();
            self.rows.rewind()?;
        }
        self.count = 0;
        Ok(())
    }
}
