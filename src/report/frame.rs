//! The flat table as a polars frame, and as Parquet. The only place that knows polars.

use polars::prelude::{Column, DataFrame, NamedFrom, ParquetWriter, PolarsError, Series};

use super::table::{Cell, Table};

/// The table as Parquet bytes.
///
/// # Errors
/// When polars cannot build or write the frame.
pub fn parquet(table: &Table) -> Result<Vec<u8>, PolarsError> {
    let mut frame = frame(table)?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame)?;
    Ok(bytes)
}

fn frame(table: &Table) -> Result<DataFrame, PolarsError> {
    let columns: Vec<Column> =
        table.columns.iter().map(|column| series(&column.name, &column.cells).into()).collect();
    DataFrame::new(table.height(), columns)
}

/// One type per column: truth values, integers, numbers, or else text.
fn series(name: &str, cells: &[Cell]) -> Series {
    let all = |fits: fn(&Cell) -> bool| {
        cells.iter().any(|cell| !matches!(cell, Cell::Null))
            && cells.iter().all(|cell| matches!(cell, Cell::Null) || fits(cell))
    };
    if all(|cell| matches!(cell, Cell::Boolean(_))) {
        let values: Vec<Option<bool>> = cells
            .iter()
            .map(|cell| if let Cell::Boolean(value) = cell { Some(*value) } else { None })
            .collect();
        Series::new(name.into(), values)
    } else if all(|cell| matches!(cell, Cell::Integer(_))) {
        let values: Vec<Option<i64>> = cells
            .iter()
            .map(|cell| if let Cell::Integer(value) = cell { Some(*value) } else { None })
            .collect();
        Series::new(name.into(), values)
    } else if all(|cell| matches!(cell, Cell::Integer(_) | Cell::Number(_))) {
        let values: Vec<Option<f64>> = cells
            .iter()
            .map(|cell| match cell {
                Cell::Integer(value) => Some(*value as f64),
                Cell::Number(value) => Some(*value),
                _ => None,
            })
            .collect();
        Series::new(name.into(), values)
    } else {
        let values: Vec<Option<String>> = cells
            .iter()
            .map(|cell| if matches!(cell, Cell::Null) { None } else { Some(cell.exact()) })
            .collect();
        Series::new(name.into(), values)
    }
}
