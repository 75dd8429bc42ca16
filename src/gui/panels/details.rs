//! The selected fleet: its figures with their intervals, how each is known, and why.

use egui::{Grid, RichText, ScrollArea};

use crate::gui::app::App;
use crate::gui::command::Command;
use crate::report::{Cell, Table};
use crate::study::Row;
use crate::units::Significant;

pub(super) fn show(app: &mut App, ui: &mut egui::Ui) {
    let Some(shown) = app.session.shown() else { return };
    let rows = &shown.comparison.rows;
    let index = app.session.selected().and_then(|name| rows.iter().position(|row| row.fleet == name));
    let Some(index) = index else {
        ui.weak("Select a fleet");
        return;
    };
    let row = &rows[index];
    ui.horizontal(|ui| {
        ui.heading(&row.fleet);
        if ui.small_button("×").on_hover_text("Select nothing").clicked() {
            app.send.push(Command::Select(None));
        }
    });
    ScrollArea::both().id_salt("details").auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(ui.available_width());
        facts(ui, row);
        figures(ui, &shown.table, index);
    });
}

fn facts(ui: &mut egui::Ui, row: &Row) {
    if let Some(reason) = &row.reason {
        ui.colored_label(ui.visuals().error_fg_color, reason);
    }
    let known = row.provenance.map_or("unknown", |known| known.word());
    ui.label(format!("Step times: {known}"));
    if let Some(basis) = &row.basis {
        ui.label(RichText::new(basis).weak());
    }
    if let Some(bound) = &row.bound {
        ui.label(format!(
            "Bound by {} for {} % of the time; then by {}, once that is {}× better",
            bound.name,
            Significant((100.0 * bound.share).round(), 3),
            bound.next,
            Significant(bound.margin, 2)
        ));
    }
    for warning in &row.warnings {
        ui.colored_label(ui.visuals().warn_fg_color, format!("! {warning}"));
    }
    if let Some(layout) = &row.layout {
        ui.label(format!("Layout {layout}"));
    }
    ui.separator();
    if !row.ledger.is_empty() {
        ui.strong("Bill");
        Grid::new("bill").striped(true).show(ui, |ui| {
            for line in &row.ledger {
                ui.label(&line.item);
                ui.label(format!("{} USD", Significant(line.usd, 4)));
                ui.end_row();
            }
        });
    }
}

/// Every figure of the row, estimates on one line with their interval.
fn figures(ui: &mut egui::Ui, table: &Table, row: usize) {
    ui.strong("Figures");
    let cell = |name: &str| table.column(name).map(|column| &column.cells[row]);
    Grid::new("figures").striped(true).show(ui, |ui| {
        for column in &table.columns {
            let name = column.name.as_str();
            let part = ["_lo", "_hi", "_p50", "_p90"].iter().find_map(|part| name.strip_suffix(part));
            let of_estimate = part.is_some_and(|stem| {
                cell(&format!("{stem}_mean")).is_some() || cell(&format!("{stem}_probability")).is_some()
            });
            if column.cells[row] == Cell::Null || of_estimate || name == "warnings" || name == "reason" {
                continue;
            }
            let stem =
                name.strip_suffix("_mean").or_else(|| name.strip_suffix("_probability")).unwrap_or(name);
            ui.label(stem);
            let ends = (stem != name).then(|| (cell(&format!("{stem}_lo")), cell(&format!("{stem}_hi"))));
            let value = column.cells[row].short();
            ui.label(match ends {
                Some((Some(low), Some(high))) => format!("{value} ({}–{})", low.short(), high.short()),
                _ => value,
            });
            ui.end_row();
        }
    });
}
