//! A table drawn for a terminal of a given width.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, TableComponent};

use super::table::{BREAK, Cell, Table};

/// How wide the terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width(pub u16);

/// Draws the table; cells wrap where the width demands it.
#[must_use]
pub fn terminal(table: &Table, width: Width) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn
        .load_preset(UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width.0);
    // Lines between rows cost half the height and part nothing that blanks do not.
    drawn.remove_style(TableComponent::HorizontalLines).remove_style(TableComponent::MiddleIntersections);
    drawn.set_header(table.columns.iter().map(|column| column.name.clone()));
    for row in 0..table.height() {
        drawn.add_row(table.columns.iter().map(|column| column.cells[row].short().replace(BREAK, "\n")));
    }
    for (index, column) in table.columns.iter().enumerate() {
        let numeric = column.cells.iter().all(|cell| !matches!(cell, Cell::Text(_)));
        if let (true, Some(drawn)) = (numeric, drawn.column_mut(index)) {
            drawn.set_cell_alignment(CellAlignment::Right);
        }
    }
    let text: String = drawn.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    text
}
