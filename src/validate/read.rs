//! Observation files: rows of the public training schema, read one at a time.

use std::collections::BTreeMap;
use std::io::Read;

use csv::StringRecord;
use thiserror::Error;

use crate::steptime::Observation;

use super::configuration::{Configuration, Counting, Metric};
use super::text;
use super::transformers::TransformerColumns;

/// Rows that a file may hold.
pub const MAX_ROWS: usize = 1_000_000;
/// Columns that every file must have.
const REQUIRED: &[&str] = &["category", "model", "accelerator", "accelerator_count", "metric", "value"];
/// Parallelism that is not modelled yet when it is wider than one.
const SPLITS: &[(&str, &str)] = &[("tp", "tensor"), ("pp", "pipeline"), ("cp", "context"), ("ep", "expert")];

/// Batches, lengths and samples lie between these.
const LEAST: f64 = 1e-3;
const MOST: f64 = 1e15;

/// What the rows of an observation file are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Training jobs.
    Training,
    /// Serving.
    Inference,
}

/// Why an observation file cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It cannot be opened.
    #[error("{file}: {error}")]
    Open {
        /// The file.
        file: String,
        /// The system's reason.
        error: std::io::Error,
    },
    /// It lacks a column.
    #[error("{file}:1: the column `{column}` is missing")]
    Column {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
    },
    /// It has a column twice.
    #[error("{file}:1: the column `{column}` is there twice; keep one")]
    Twice {
        /// The file.
        file: String,
        /// The column.
        column: String,
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
    /// A value is no number.
    #[error("{file}:{line}: `{column}` is \"{text}\", which is no {what}")]
    Value {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
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

/// A published row: what was measured, apart from its configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name, or its line where it has none.
    pub id: String,
    /// The published value; `None` when blank.
    pub value: Option<f64>,
    /// Rows that count as one measurement.
    pub weight_group: String,
    /// What the prediction may read.
    pub configuration: Configuration,
}

impl Row {
    /// A shipped row; its value is that of all devices together.
    #[must_use]
    pub fn of_shipped(row: &Observation) -> Self {
        Self {
            id: row.id.clone(),
            value: Some(row.samples_per_s * row.count as f64),
            weight_group: row.weight_group.clone(),
            configuration: Configuration::of_shipped(row),
        }
    }
}

/// The rows of a file, as they are read.
///
/// # Errors
/// When a required column is missing; each row, when it is no row or a number is none.
pub fn rows(
    file: &str,
    source: impl Read,
) -> Result<impl Iterator<Item = Result<Row, ReadError>>, ReadError> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).flexible(false).from_reader(source);
    let headers = reader.headers().map_err(|error| line_error(file, error))?.clone();
    let columns = columns(file, &headers, REQUIRED)?;
    let file = file.to_owned();
    Ok(reader.into_records().enumerate().map(move |(index, record)| {
        if index >= MAX_ROWS {
            return Err(ReadError::TooMany { file: file.clone() });
        }
        let record = record.map_err(|error| line_error(&file, error))?;
        Line { file: &file, columns: &columns, record: &record }.row()
    }))
}

/// Where each column stands.
pub(super) fn columns(
    file: &str,
    headers: &StringRecord,
    required: &[&'static str],
) -> Result<BTreeMap<String, usize>, ReadError> {
    let name_of = |name: &str| name.trim().trim_start_matches('\u{feff}').to_owned();
    let columns: BTreeMap<String, usize> =
        headers.iter().enumerate().map(|(at, name)| (name_of(name), at)).collect();
    if let Some(column) = required.iter().find(|name| !columns.contains_key(**name)) {
        return Err(ReadError::Column { file: file.to_owned(), column });
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

/// The schema that a header is of: serving rows say how load was put on.
///
/// # Errors
/// When there is no header that can be read.
pub(super) fn schema(file: &str, source: impl Read) -> Result<Schema, ReadError> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).flexible(true).from_reader(source);
    let headers = reader.headers().map_err(|error| line_error(file, error))?;
    let serving = headers.iter().any(|name| name.trim() == "scenario");
    Ok(if serving { Schema::Inference } else { Schema::Training })
}

pub(super) fn line_error(file: &str, error: csv::Error) -> ReadError {
    let line = error.position().map_or(1, csv::Position::line);
    ReadError::Line { file: file.to_owned(), line, error }
}

struct Line<'a> {
    file: &'a str,
    columns: &'a BTreeMap<String, usize>,
    record: &'a StringRecord,
}

impl Line<'_> {
    fn text(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|at| self.record.get(*at)).unwrap_or_default().trim()
    }

    fn number(&self, column: &'static str) -> Result<Option<f64>, ReadError> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| self.fault(column, "number"))
    }

    fn count(&self, column: &'static str) -> Result<Option<u64>, ReadError> {
        let whole =
            |number: f64| (number >= 1.0 && number.fract() == 0.0 && number < 1e9).then_some(number as u64);
        match self.number(column)? {
            None => Ok(None),
            Some(number) => whole(number).map(Some).ok_or_else(|| self.fault(column, "count")),
        }
    }

    fn positive(&self, column: &'static str) -> Result<Option<f64>, ReadError> {
        match self.number(column)? {
            Some(number) if !(LEAST..=MOST).contains(&number) => Err(self.fault(column, "positive number")),
            number => Ok(number),
        }
    }

    /// A count of the model's shape.
    fn size(&self, column: &'static str) -> Result<Option<f64>, ReadError> {
        Ok(self.count(column)?.map(|count| count as f64))
    }

    fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    fn fault(&self, column: &'static str, what: &'static str) -> ReadError {
        ReadError::Value {
            file: self.file.to_owned(),
            line: self.line(),
            column,
            text: self.text(column).to_owned(),
            what,
        }
    }

    fn row(&self) -> Result<Row, ReadError> {
        let prefix = self.text("id").split('-').next().unwrap_or_default();
        let group = ["model", "accelerator", "accelerator_count", "metric"].map(|column| self.text(column));
        Ok(Row {
            value: self.number("value")?,
            weight_group: format!("{prefix}|{}", group.join("|")),
            configuration: self.configuration()?,
            id: match self.text("id") {
                "" => format!("line {}", self.line()),
                id => id.to_owned(),
            },
        })
    }

    fn transformer(&self) -> Result<TransformerColumns, ReadError> {
        let lower = |column: &str| self.text(column).to_lowercase();
        Ok(TransformerColumns {
            layers: self.size("layers")?,
            hidden: self.size("hidden")?,
            heads: self.size("heads")?,
            kv_heads: self.size("kv_heads")?,
            ffn: self.size("ffn")?,
            vocabulary: self.size("vocab")?,
            experts: self.size("experts")?,
            top_k: self.size("top_k")?,
            experts_hidden: self.size("experts_hidden")?,
            data: self.count("dp")?,
            tensor: self.count("tp")?,
            pipeline: self.count("pp")?,
            virtual_stages: self.count("vpp")?,
            context: self.count("cp")?,
            expert: self.count("ep")?,
            sharding: lower("zero_stage_or_fsdp"),
            recompute: lower("recompute"),
            precision: lower("precision"),
            recipe: lower("fp8_recipe"),
            optimizer: lower("optimizer"),
            attention: lower("attention"),
            compile: lower("compile"),
            interconnect: lower("interconnect"),
            unit: lower("unit"),
        })
    }

    fn configuration(&self) -> Result<Configuration, ReadError> {
        let interconnect = self.text("interconnect");
        let stack = text::stack(self.text("framework"), self.text("benchmark_round"), interconnect);
        let unit = self.text("unit");
        let mut split = None;
        for (column, name) in SPLITS {
            if self.number(column)?.is_some_and(|width| width > 1.0) {
                split = split.or(Some(*name));
            }
        }
        Ok(Configuration {
            category: self.text("category").to_owned(),
            metric: Metric::of(self.text("metric")),
            per_device: unit.to_lowercase().contains("per accelerator"),
            worker_steps: unit.to_lowercase().contains("worker steps"),
            counting: if text::counts_tokens(unit) { Counting::Tokens } else { Counting::PublishedSamples },
            model: self.text("model").to_owned(),
            variant: text::variant(self.text("model")),
            task: self.text("task").to_owned(),
            accelerator: self.text("accelerator").to_owned(),
            devices: self.count("accelerator_count")?,
            per_node: self.count("accelerators_per_node")?,
            framework: self.text("framework").to_owned(),
            stack: stack.to_owned(),
            precision: text::precision(self.text("precision")),
            inside: text::inside(interconnect, stack, self.text("accelerator").contains("SXM"))
                .map(str::to_owned),
            network: text::network(interconnect),
            year: text::round_year(self.text("benchmark_round")),
            micro_batch: self.positive("micro_batch")?,
            global_batch: self.positive("global_batch")?,
            accumulation: self.positive("grad_accum")?,
            sequence: self.positive("seq_len")?,
            samples_to_target: self.positive("samples_to_target")?,
            split,
            transformer: self.transformer()?,
        })
    }
}
