//! The error that the program showed against published measurements, as `capplan validate` found it over the shipped
//! tables: embedded, so that every report can say it.

use super::table::{Cell, Table};

/// What `validate` found; `tests/docs.rs` holds it against the program.
const FOUND: &str = include_str!("../../assets/profiles/accuracy.csv");

/// One row per group of measurements that `keep` takes.
pub(super) fn accuracy(keep: impl Fn(&str, &str) -> bool) -> Table {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(FOUND.as_bytes());
    let shown = [
        "by",
        "key",
        "scored",
        "median_abs_pct_error",
        "p90_abs_pct_error",
        "coverage_90",
        "interval_width_pct",
    ];
    let headers = reader.headers().cloned().unwrap_or_default();
    let rows: Vec<csv::StringRecord> = reader
        .records()
        .flatten()
        .filter(|row| keep(row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default()))
        .collect();
    let mut table = Table::default();
    for name in shown {
        let Some(place) = headers.iter().position(|header| header == name) else { continue };
        let cells = rows.iter().map(|row| {
            let text = row.get(place).unwrap_or_default();
            text.parse::<f64>().map_or_else(|_| Cell::Text(text.to_owned()), Cell::from)
        });
        table.push(name, cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_has_every_column_and_the_overall_row() {
        let table = accuracy(|by, _| by == "all");
        assert_eq!((table.columns.len(), table.height()), (7, 1));
        assert!(matches!(table.columns[3].cells[0], Cell::Number(error) if error > 0.0));
    }
}
