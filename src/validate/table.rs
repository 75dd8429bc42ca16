//! Rows of a table of observations, read one at a time, with the line and column of what is wrong.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::rc::Rc;

use csv::StringRecord;
use thiserror::Error;

use crate::document::{Code, Diagnostic, FilePlace};

/// Rows that a file may hold.
pub const MAX_ROWS: usize = 1_000_000;
/// Bytes that a row may hold: an unclosed quote swallows the rest of a file.
const MAX_ROW_BYTES: u64 = 1 << 20;
/// Sizes, rates and values lie between these.
const LEAST: f64 = 1e-6;
const MOST: f64 = 1e15;

/// Why an observation file cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It cannot be opened.
    #[error("{file}: {error}")]
    Open {
        /// The file.
        file: String,
        /// The system's reason.
        error: io::Error,
    },
    /// It lacks a column.
    #[error("{file}:1: the column `{column}` is missing")]
    Column {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// Columns that a file must have.
        needed: String,
    },
    /// It has a column twice.
    #[error("{file}:1: the column `{column}` is there twice; keep one")]
    Twice {
        /// The file.
        file: String,
        /// The column.
        column: String,
    },
    /// Its rows are of another schema than was said.
    #[error("{file}:1: rows with a column `{column}` are of serving, not of training")]
    OtherSchema {
        /// The file.
        file: String,
        /// The column that tells.
        column: &'static str,
    },
    /// It has no row.
    #[error("{file}: there is no row below the header")]
    NoRows {
        /// The file.
        file: String,
    },
    /// A line is no row.
    #[error("{file}:{line}: {error}")]
    Line {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// What is wrong.
        error: csv::Error,
    },
    /// A row has more or fewer cells than the header.
    #[error("{file}:{line}: the row has {found} cells, and the header has {due}")]
    Cells {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// Cells of the row.
        found: usize,
        /// Cells of the header.
        due: usize,
    },
    /// A value is none.
    #[error("{file}:{line}: `{column}` is \"{text}\", which is no {what}")]
    Value {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
        /// Where it stands in the line, in characters from 1.
        at: usize,
        /// The value as written.
        text: String,
        /// What it should be.
        what: &'static str,
    },
    /// It is too long.
    #[error("{file}: more than {MAX_ROWS} rows")]
    TooMany {
        /// The file.
        file: String,
    },
}

impl ReadError {
    /// Where it lies.
    #[must_use]
    pub fn place(&self) -> FilePlace {
        let (file, line, column) = match self {
            Self::Open { file, .. } | Self::NoRows { file } | Self::TooMany { file } => (file, None, None),
            Self::Column { file, .. } | Self::Twice { file, .. } | Self::OtherSchema { file, .. } => {
                (file, Some(1), Some(1))
            }
            Self::Line { file, line, .. } | Self::Cells { file, line, .. } => (file, Some(*line), Some(1)),
            Self::Value { file, line, at, .. } => (file, Some(*line), Some(*at)),
        };
        FilePlace { file: file.clone(), line, column }
    }

    /// The fault with its place and a way out.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let (code, suggestion) = match self {
            Self::Open { .. } => (Code::Unreadable, "give the path of a CSV file".to_owned()),
            Self::Column { needed, .. } => (Code::MissingKey, format!("needed: {needed}")),
            Self::Twice { .. } => (Code::Duplicate, "keep one of them".to_owned()),
            Self::OtherSchema { .. } => {
                (Code::Conflict, "write `--schema inference`, or leave it out".to_owned())
            }
            Self::NoRows { .. } => (Code::Refused, "add rows below the header".to_owned()),
            Self::Line { error, .. } => match error.kind() {
                csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                    (Code::Limit, "rows end in line ends, and quotes that open have to close".to_owned())
                }
                csv::ErrorKind::Io(_) => (Code::Unreadable, "give the path of a CSV file".to_owned()),
                _ => (Code::Syntax, "rows are text in UTF-8, cells parted by commas".to_owned()),
            },
            Self::Cells { .. } => (Code::Syntax, "put cells that hold commas in quotes".to_owned()),
            Self::Value { text, what, .. } => {
                let number = text.parse::<f64>().is_ok();
                let code = if number { Code::OutOfRange } else { Code::WrongType };
                (code, format!("allowed: a {what}, or nothing where it is not known"))
            }
            Self::TooMany { .. } => (Code::Limit, "part the file".to_owned()),
        };
        let (text, place) = (self.to_string(), self.place());
        let before = FilePlace { column: None, ..place.clone() }.words() + ": ";
        let message = text.strip_prefix(&before).unwrap_or(&text).to_owned();
        let key =
            if let Self::Value { column, .. } | Self::Column { column, .. } = self { column } else { "" };
        Diagnostic::new(code, key, message).in_file(place).suggest(suggestion)
    }
}

/// The rows of a file, as they are read; the first fault is the last that comes.
///
/// # Errors
/// When a required column is missing or one is there twice.
pub(super) fn rows<T>(
    file: &str,
    source: impl Read,
    required: &[&'static str],
    row: impl Fn(&Line<'_>) -> Result<T, ReadError>,
) -> Result<impl Iterator<Item = Result<T, ReadError>>, ReadError> {
    let since = Rc::new(Cell::new(0));
    let source = PlainLines { source, carriage: false, last: b'\n', since: since.clone() };
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).flexible(true).from_reader(source);
    let headers = reader.headers().map_err(|error| line_error(file, error))?.clone();
    let columns = columns(file, &headers, required)?;
    let (file, due) = (file.to_owned(), headers.len());
    let (mut record, mut count, mut over) = (StringRecord::new(), 0, false);
    Ok(std::iter::from_fn(move || {
        if over {
            return None;
        }
        since.set(0);
        let found = reader.read_record(&mut record);
        // The reader stands after the row, and counts blank lines and comments before it as lines of the row.
        let within = record.iter().flat_map(str::bytes).filter(|byte| *byte == b'\n').count() as u64;
        let line = reader.position().line().saturating_sub(1 + within).max(1);
        count += 1;
        let read = match found {
            Ok(false) => return None,
            Err(error) => Err(ReadError::Line { file: file.clone(), line, error }),
            Ok(true) if count > MAX_ROWS => Err(ReadError::TooMany { file: file.clone() }),
            Ok(true) if record.len() != due => {
                Err(ReadError::Cells { file: file.clone(), line, found: record.len(), due })
            }
            Ok(true) => row(&Line { file: &file, columns: &columns, record: &record, line }),
        };
        over = read.is_err();
        Some(read)
    }))
}

/// The names of a file's columns.
///
/// # Errors
/// When there is no header that can be read.
pub(super) fn header(file: &str, source: impl Read) -> Result<StringRecord, ReadError> {
    let source = PlainLines { source, carriage: false, last: b'\n', since: Rc::default() };
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).flexible(true).from_reader(source);
    Ok(reader.headers().map_err(|error| line_error(file, error))?.clone())
}

/// Where each column stands.
fn columns(
    file: &str,
    headers: &StringRecord,
    required: &[&'static str],
) -> Result<BTreeMap<String, usize>, ReadError> {
    let name_of = |name: &str| name.trim().trim_start_matches('\u{feff}').to_owned();
    let columns: BTreeMap<String, usize> =
        headers.iter().enumerate().map(|(at, name)| (name_of(name), at)).collect();
    if let Some(column) = required.iter().find(|name| !columns.contains_key(**name)) {
        return Err(ReadError::Column { file: file.to_owned(), column, needed: required.join(", ") });
    }
    if columns.len() < headers.len() {
        let mut seen = std::collections::BTreeSet::new();
        let twice = headers.iter().find(|name| !seen.insert(name.trim()) && !name.trim().is_empty());
        if let Some(column) = twice {
            return Err(ReadError::Twice { file: file.to_owned(), column: column.trim().to_owned() });
        }
    }
    Ok(columns)
}

fn line_error(file: &str, error: csv::Error) -> ReadError {
    let line = error.position().map_or(1, csv::Position::line);
    ReadError::Line { file: file.to_owned(), line, error }
}

/// Line ends of any sort as `\n`, with one at the end, so that lines can be counted; a row too long ends the reading.
struct PlainLines<R> {
    source: R,
    carriage: bool,
    last: u8,
    /// Bytes since the last row.
    since: Rc<Cell<u64>>,
}

impl<R: Read> Read for PlainLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.source.read(buffer)?;
            if read == 0 {
                if self.last == b'\n' || buffer.is_empty() {
                    return Ok(0);
                }
                (buffer[0], self.last) = (b'\n', b'\n');
                return Ok(1);
            }
            let mut kept = 0;
            for at in 0..read {
                let byte = buffer[at];
                let second = byte == b'\n' && self.carriage;
                self.carriage = byte == b'\r';
                if !second {
                    buffer[kept] = if self.carriage { b'\n' } else { byte };
                    kept += 1;
                }
            }
            if kept > 0 {
                self.last = buffer[kept - 1];
                self.since.set(self.since.get() + kept as u64);
                if self.since.get() > MAX_ROW_BYTES {
                    let message = format!("a row is longer than {MAX_ROW_BYTES} bytes");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
                return Ok(kept);
            }
        }
    }
}

/// A row, by the names of its columns.
pub(super) struct Line<'a> {
    file: &'a str,
    columns: &'a BTreeMap<String, usize>,
    record: &'a StringRecord,
    line: u64,
}

impl Line<'_> {
    /// A cell, without blanks around it; empty where the column is missing.
    pub(super) fn text(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|at| self.record.get(*at)).unwrap_or_default().trim()
    }

    pub(super) fn owned(&self, column: &str) -> String {
        self.text(column).to_owned()
    }

    /// Its name, or its line where it has none.
    pub(super) fn id(&self) -> String {
        match self.text("id") {
            "" => format!("line {}", self.line),
            id => id.to_owned(),
        }
    }

    pub(super) fn number(&self, column: &'static str) -> Result<Option<f64>, ReadError> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| self.fault(column, "number"))
    }

    pub(super) fn checked(
        &self,
        column: &'static str,
        what: &'static str,
        holds: impl Fn(f64) -> bool,
    ) -> Result<Option<f64>, ReadError> {
        match self.number(column)? {
            Some(number) if !holds(number) => Err(self.fault(column, what)),
            number => Ok(number),
        }
    }

    /// A number above 0 and within reason.
    pub(super) fn positive(&self, column: &'static str) -> Result<Option<f64>, ReadError> {
        self.checked(column, "positive number", |number| (LEAST..=MOST).contains(&number))
    }

    /// A whole number from 1.
    pub(super) fn count(&self, column: &'static str) -> Result<Option<u64>, ReadError> {
        let whole = |number: f64| number >= 1.0 && number.fract() == 0.0 && number < 1e9;
        Ok(self.checked(column, "count", whole)?.map(|number| number as u64))
    }

    /// A whole number from 1, for arithmetic.
    pub(super) fn size(&self, column: &'static str) -> Result<Option<f64>, ReadError> {
        Ok(self.count(column)?.map(|count| count as f64))
    }

    /// A whole number, where 0 stands for none.
    pub(super) fn size_or_none(&self, column: &'static str) -> Result<Option<f64>, ReadError> {
        let whole = |number: f64| number >= 0.0 && number.fract() == 0.0 && number < 1e9;
        Ok(self.checked(column, "count", whole)?.filter(|number| *number > 0.0))
    }

    pub(super) fn fault(&self, column: &'static str, what: &'static str) -> ReadError {
        let before = self.columns.get(column).copied().unwrap_or(0);
        // Cells that hold commas or quotes stand in quotes.
        let width = |cell: &str| {
            cell.chars().count()
                + if cell.contains([',', '"', '\n']) { 3 + cell.matches('"').count() } else { 1 }
        };
        ReadError::Value {
            file: self.file.to_owned(),
            line: self.line,
            column,
            at: 1 + self.record.iter().take(before).map(width).sum::<usize>(),
            text: self.text(column).chars().take(80).collect(),
            what,
        }
    }
}
