//! The selected fleet: its figures with their intervals, how each is known, and why.

use egui::{Grid, RichText, ScrollArea};

use crate::gui::app::App;
use crate::gui::command::Command;
use crate::gui::views::marked;
use crate::gui::why::Figure;
use crate::report::{Cell, Table, heading, known, stem};
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
        figures(ui, &shown.table, (index, row), &mut app.send);
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

/// Columns that stand above the figures in words.
const SAID: &[&str] =
    &["fleet", "recommended", "feasible", "warnings", "reason", "provenance", "basis", "layout"];

/// Every figure of the row, estimates on one line with their interval, each with the mark of how it is known; a click
/// explains it.
fn figures(ui: &mut egui::Ui, table: &Table, (index, row): (usize, &Row), send: &mut Vec<Command>) {
    ui.strong("Figures");
    let cell = |name: &str| table.column(name).map(|column| &column.cells[index]);
    Grid::new("figures").striped(true).show(ui, |ui| {
        for column in &table.columns {
            let name = column.name.as_str();
            let figure = stem(name);
            let first = name == figure || name.ends_with("_mean") || name.ends_with("_probability");
            if column.cells[index] == Cell::Null || !first || SAID.contains(&name) {
                continue;
            }
            ui.label(heading(name).text()).on_hover_text(name);
            let ends =
                (figure != name).then(|| (cell(&format!("{figure}_lo")), cell(&format!("{figure}_hi"))));
            let value = column.cells[index].short();
            let text = match ends {
                Some((Some(low), Some(high))) => format!("{value} ({}–{})", low.short(), high.short()),
                _ => value,
            };
            if marked(ui, RichText::new(text), known(row, name), false).clicked() {
                let figure = Figure { fleet: row.fleet.clone(), column: name.to_owned() };
                send.push(Command::Explain(Some(figure)));
            }
            ui.end_row();
        }
    });
}
