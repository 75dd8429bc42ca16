//! A plain table of step times.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::ImportError;
use super::steps::StepRow;

/// Columns by the names that people give them; units belong to the name.
const GLOBAL_BATCH: [&str; 2] = ["batch", "global_batch"];
const LOCAL_BATCH: [&str; 4] = ["batch_per_accelerator", "local_batch", "local_bsz", "batch_per_gpu"];
const ACCELERATORS: [&str; 5] = ["accelerators", "gpus", "devices", "num_replicas", "count"];
const SECONDS: [&str; 4] = ["seconds", "step_time", "step_seconds", "time_s"];
const MILLISECONDS: [&str; 3] = ["milliseconds", "step_ms", "time_ms"];

/// Most rows that are read.
const MAX_ROWS: usize = 1_000_000;

struct Columns {
    batch: usize,
    /// Whether the batch is that of one accelerator.
    local: bool,
    accelerators: Option<usize>,
    seconds: usize,
    factor: f64,
    model: Option<usize>,
}

pub(super) fn rows(file: &str, text: &str) -> Result<Vec<StepRow>, ImportError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .comment(Some(b'#'))
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| syntax(file, &error))?.clone();
    let columns = columns(file, &header)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| syntax(file, &error))?;
        if rows.len() == MAX_ROWS {
            let message = format!("more than {MAX_ROWS} rows");
            return Err(ImportError::Nothing { file: file.to_owned(), message });
        }
        rows.push(row(file, &columns, &header, &record)?);
    }
    if rows.is_empty() {
        let message = "the table has a header and no rows".to_owned();
        return Err(ImportError::Nothing { file: file.to_owned(), message });
    }
    Ok(rows)
}

/// Semicolons and tabs where the header has more of them than commas.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
    let count = |letter: char| header.matches(letter).count();
    [(',', b','), (';', b';'), ('\t', b'\t')]
        .into_iter()
        .max_by_key(|(letter, _)| count(*letter))
        .map_or(b',', |(_, byte)| byte)
}

fn columns(file: &str, header: &StringRecord) -> Result<Columns, ImportError> {
    let find = |names: &[&str]| header.iter().position(|name| names.contains(&name.to_lowercase().as_str()));
    let missing = |what: &str, names: &[&str]| ImportError::Key {
        file: file.to_owned(),
        path: "header".to_owned(),
        message: format!("no column of {what}: {}", names.join(", ")),
    };
    let (batch, local) = match (find(&GLOBAL_BATCH), find(&LOCAL_BATCH)) {
        (_, Some(column)) => (column, true),
        (Some(column), None) => (column, false),
        (None, None) => return Err(missing("the batch", &[&GLOBAL_BATCH[..], &LOCAL_BATCH[..]].concat())),
    };
    let (seconds, factor) = match (find(&SECONDS), find(&MILLISECONDS)) {
        (Some(column), _) => (column, 1.0),
        (None, Some(column)) => (column, 1e-3),
        (None, None) => return Err(missing("the step time", &[&SECONDS[..], &MILLISECONDS[..]].concat())),
    };
    Ok(Columns { batch, local, accelerators: find(&ACCELERATORS), seconds, factor, model: find(&["model"]) })
}

fn row(
    file: &str,
    columns: &Columns,
    header: &StringRecord,
    record: &StringRecord,
) -> Result<StepRow, ImportError> {
    let line = record.position().map_or(0, csv::Position::line) as usize;
    let number = |column: usize| {
        let cell = record.get(column).unwrap_or_default();
        let value: Option<f64> = cell.parse().ok();
        value.filter(|value| value.is_finite() && *value > 0.0).ok_or_else(|| {
            let name = header.get(column).unwrap_or_default();
            let message = format!("`{name}` must be a number above 0, not `{cell}`");
            ImportError::Syntax { file: file.to_owned(), line, column: column + 1, message }
        })
    };
    let accelerators = match columns.accelerators {
        None => 1.0,
        Some(column) => number(column)?,
    };
    if accelerators.fract() != 0.0 || accelerators > 1e6 {
        let message = format!("{accelerators} is no count of accelerators");
        let column = columns.accelerators.unwrap_or(0) + 1;
        return Err(ImportError::Syntax { file: file.to_owned(), line, column, message });
    }
    let batch = number(columns.batch)?;
    Ok(StepRow {
        place: format!("{file}:{line}"),
        batch: if columns.local { batch } else { batch / accelerators },
        accelerators: accelerators as u64,
        seconds: number(columns.seconds)? * columns.factor,
        model: columns
            .model
            .and_then(|column| record.get(column))
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
    })
}

fn syntax(file: &str, error: &csv::Error) -> ImportError {
    let (line, message) = match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => (
            pos.as_ref().map_or(0, csv::Position::line),
            format!("{len} cells where the header has {expected_len}"),
        ),
        _ => (error.position().map_or(0, csv::Position::line), error.to_string()),
    };
    ImportError::Syntax { file: file.to_owned(), line: line as usize, column: 1, message }
}
