//! Observation files: rows of the public training schema, read one at a time.

use std::io::Read;

use csv::StringRecord;

use crate::steptime::Observation;

use super::configuration::{Configuration, Counting, Metric};
use super::table::{self, Line, ReadError};
use super::text;
use super::transformers::TransformerColumns;

/// Columns that every file must have.
const REQUIRED: &[&str] = &["category", "model", "accelerator", "accelerator_count", "metric", "value"];
/// Parallelism that is not modelled yet when it is wider than one.
const SPLITS: &[(&str, &str)] = &[("tp", "tensor"), ("pp", "pipeline"), ("cp", "context"), ("ep", "expert")];

/// The column that only serving rows have: how load was put on.
const SCENARIO: &str = "scenario";

/// What the rows of an observation file are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Training jobs.
    Training,
    /// Serving.
    Inference,
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
    table::rows(file, source, REQUIRED, row)
}

/// The schema that a header is of: serving rows say how load was put on.
///
/// # Errors
/// When there is no header that can be read.
pub(super) fn schema(file: &str, source: impl Read) -> Result<Schema, ReadError> {
    Ok(if is_serving(&table::header(file, source)?) { Schema::Inference } else { Schema::Training })
}

/// Refuses a file of serving rows.
///
/// # Errors
/// When its header says how load was put on.
pub(super) fn not_serving(file: &str, source: impl Read) -> Result<(), ReadError> {
    match is_serving(&table::header(file, source)?) {
        true => Err(ReadError::OtherSchema { file: file.to_owned(), column: SCENARIO }),
        false => Ok(()),
    }
}

fn is_serving(header: &StringRecord) -> bool {
    header.iter().any(|name| name.trim() == SCENARIO)
}

fn row(line: &Line<'_>) -> Result<Row, ReadError> {
    let prefix = line.text("id").split('-').next().unwrap_or_default();
    let group = ["model", "accelerator", "accelerator_count", "metric"].map(|column| line.text(column));
    Ok(Row {
        value: line.positive("value")?,
        weight_group: format!("{prefix}|{}", group.join("|")),
        configuration: configuration(line)?,
        id: line.id(),
    })
}

fn transformer(line: &Line<'_>) -> Result<TransformerColumns, ReadError> {
    let lower = |column: &str| line.text(column).to_lowercase();
    Ok(TransformerColumns {
        layers: line.size("layers")?,
        hidden: line.size("hidden")?,
        heads: line.size("heads")?,
        kv_heads: line.size("kv_heads")?,
        ffn: line.size("ffn")?,
        vocabulary: line.size("vocab")?,
        experts: line.size("experts")?,
        top_k: line.size("top_k")?,
        experts_hidden: line.size("experts_hidden")?,
        data: line.count("dp")?,
        tensor: line.count("tp")?,
        pipeline: line.count("pp")?,
        virtual_stages: line.count("vpp")?,
        context: line.count("cp")?,
        expert: line.count("ep")?,
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

fn configuration(line: &Line<'_>) -> Result<Configuration, ReadError> {
    let interconnect = line.text("interconnect");
    let stack = text::stack(line.text("framework"), line.text("benchmark_round"), interconnect);
    let unit = line.text("unit");
    let mut split = None;
    for (column, name) in SPLITS {
        if line.number(column)?.is_some_and(|width| width > 1.0) {
            split = split.or(Some(*name));
        }
    }
    Ok(Configuration {
        category: line.text("category").to_owned(),
        metric: Metric::of(line.text("metric")),
        per_device: unit.to_lowercase().contains("per accelerator"),
        worker_steps: unit.to_lowercase().contains("worker steps"),
        counting: if text::counts_tokens(unit) { Counting::Tokens } else { Counting::PublishedSamples },
        model: line.text("model").to_owned(),
        variant: text::variant(line.text("model")),
        task: line.text("task").to_owned(),
        accelerator: line.text("accelerator").to_owned(),
        devices: line.count("accelerator_count")?,
        per_node: line.count("accelerators_per_node")?,
        framework: line.text("framework").to_owned(),
        stack: stack.to_owned(),
        precision: text::precision(line.text("precision")),
        inside: text::inside(interconnect, stack, line.text("accelerator").contains("SXM"))
            .map(str::to_owned),
        network: text::network(interconnect),
        year: text::round_year(line.text("benchmark_round")),
        micro_batch: line.positive("micro_batch")?,
        global_batch: line.positive("global_batch")?,
        accumulation: line.positive("grad_accum")?,
        sequence: line.positive("seq_len")?,
        samples_to_target: line.positive("samples_to_target")?,
        split,
        transformer: transformer(line)?,
    })
}
