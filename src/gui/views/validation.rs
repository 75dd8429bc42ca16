//! Predicted over published values, row by row: all of them, or those of one group.

use std::sync::Arc;

use egui::{ComboBox, Grid, ScrollArea};

use crate::gui::session::Session;
use crate::gui::validation::Validated;
use crate::report::{self, Cell, Figure, heading, validation_figure};
use crate::validate::Report;

use super::figure::figure;

/// Which rows are shown.
#[derive(Default)]
pub(in crate::gui) struct ValidationState {
    /// What rows are grouped by.
    by: Option<&'static str>,
    /// The group.
    key: Option<String>,
    /// The picture, and the group that it is of.
    drawn: Option<(Option<(&'static str, String)>, Figure)>,
}

pub(in crate::gui) fn show(ui: &mut egui::Ui, session: &Session, state: &mut ValidationState) {
    if let Some(fault) = session.validation_fault() {
        ui.colored_label(ui.visuals().error_fg_color, fault);
        return;
    }
    let Some(validated) = session.validated() else {
        ui.label("Predicting published measurements, each with its own accelerator and model left out of the fit …");
        return;
    };
    let validated = validated.clone();
    ui.horizontal(|ui| {
        let groupings = groupings(&validated.report);
        let words = |by: &str| by.replace('_', " ");
        let chosen = state.by.map_or_else(|| "all rows".to_owned(), words);
        ComboBox::from_label("Rows by").selected_text(chosen).show_ui(ui, |ui| {
            let mut by = state.by;
            ui.selectable_value(&mut by, None, "all rows");
            for grouping in groupings {
                ui.selectable_value(&mut by, Some(grouping), words(grouping));
            }
            if by != state.by {
                (state.by, state.key) = (by, None);
            }
        });
        if let Some(by) = state.by {
            let chosen = state.key.clone().unwrap_or_else(|| "any".to_owned());
            ComboBox::from_label("Group").selected_text(chosen).height(400.0).show_ui(ui, |ui| {
                ui.selectable_value(&mut state.key, None, "any");
                for group in validated.report.groups.iter().filter(|group| group.by == by) {
                    let median = group.median_abs_pct_error.map_or(Cell::Null, Cell::from).short();
                    let text = format!("{} ({} rows, {median} %)", group.key, group.rows);
                    ui.selectable_value(&mut state.key, Some(group.key.clone()), text);
                }
            });
        }
    });
    let group = state.by.zip(state.key.clone());
    errors(ui, &validated, group.as_ref());
    if state.drawn.as_ref().is_none_or(|(drawn, _)| *drawn != group) {
        state.drawn = Some((group.clone(), picture(&validated.report, group.as_ref())));
    }
    let Some((_, drawn)) = &state.drawn else { return };
    ui.collapsing("The worst rows, and those that are not modelled", |ui| {
        ScrollArea::both().id_salt("worst").max_height(220.0).show(ui, |ui| {
            for line in report::validation_text(&validated.report, report::Width(120)).lines() {
                ui.monospace(line);
            }
        });
    });
    figure(ui, drawn, None);
}

fn groupings(report: &Report) -> Vec<&'static str> {
    let mut all: Vec<&'static str> = report.groups.iter().map(|group| group.by).collect();
    all.dedup();
    all
}

/// The figures of the group as the command line writes them.
fn errors(ui: &mut egui::Ui, validated: &Arc<Validated>, group: Option<&(&'static str, String)>) {
    let table = &validated.table;
    let text = |name: &str, row: usize| {
        table.column(name).map_or_else(String::new, |column| column.cells[row].exact())
    };
    let (by, key) = group.map_or(("all", ""), |(by, key)| (*by, key.as_str()));
    let Some(row) = (0..table.height()).find(|row| text("by", *row) == by && text("key", *row) == key) else {
        return;
    };
    Grid::new("errors").num_columns(table.columns.len()).show(ui, |ui| {
        let shown = || table.columns.iter().filter(|column| !["by", "key"].contains(&column.name.as_str()));
        for column in shown() {
            ui.weak(heading(&column.name).text()).on_hover_text(&column.name);
        }
        ui.end_row();
        for column in shown() {
            ui.label(column.cells[row].short());
        }
        ui.end_row();
    });
}

fn picture(report: &Report, group: Option<&(&'static str, String)>) -> Figure {
    let Some((by, key)) = group else { return validation_figure(report) };
    let of_group =
        |row: &&crate::validate::RowReport| row.keys.iter().any(|(own, value)| own == by && value == key);
    let rows = report.rows.iter().filter(of_group).cloned().collect();
    // Medians of whole categories are none of this group's.
    validation_figure(&Report { rows, groups: Vec::new(), overall: report.overall.clone(), ..*report })
}
