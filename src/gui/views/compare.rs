//! The table of all fleets: sorted, filtered, columns hidden or shown, differences to the baseline.

use std::cmp::Ordering;

use egui::{Align, Layout, RichText, Sense};
use egui_extras::{Column, TableBuilder};

use crate::report::{Cell, Table, fleet_style};
use crate::study::Comparison;

use super::Seen;
use super::figure::marker;
use crate::gui::command::Command;

/// Which columns, in which order.
#[derive(Default)]
pub(in crate::gui) struct CompareState {
    /// Whether every figure is shown, or only those that a reader wants first.
    every: bool,
    /// Whether numbers are told as differences to the baseline.
    against_baseline: bool,
    /// Names of the columns sorted by, the most important first, with their direction.
    sorted: Vec<(String, bool)>,
    /// What rows must hold, as `cost_usd_mean < 500` or a part of a name.
    filter: String,
}

/// The table on the screen: names and cells as they are shown, and the row of the result of each line.
pub(in crate::gui) struct Screen {
    /// The cells shown.
    pub table: Table,
    /// Rows of the result, in the order of the screen.
    pub order: Vec<usize>,
}

/// Columns of the figures that a reader wants first.
fn first(table: &Table) -> Vec<&'static str> {
    const WANTED: &[&str] = &[
        "fleet",
        "rank",
        "instance",
        "instances",
        "time_s_mean",
        "cost_usd_mean",
        "cost_per_month_usd_mean",
        "capacity_requests_per_s_mean",
        "ttft_s_p99_mean",
        "tpot_s_p99_mean",
        "latency_s_p99_mean",
        "cost_per_million_tokens_usd_mean",
        "cost_per_million_predictions_usd_mean",
        "deadline_met_probability",
        "budget_met_probability",
        "targets_met_probability",
        "bound",
        "bound_next",
        "stall_share_mean",
        "provenance",
        "reason",
    ];
    let told = |name: &&str| {
        table.column(name).is_some_and(|column| column.cells.iter().any(|cell| *cell != Cell::Null))
    };
    WANTED.iter().copied().filter(told).collect()
}

impl CompareState {
    /// What the screen shows of a table.
    pub(in crate::gui) fn screen(&self, flat: &Table, baseline: Option<usize>, hidden: &[String]) -> Screen {
        let order = self.order(flat);
        let wanted = first(flat);
        let mut table = Table::default();
        for column in &flat.columns {
            let empty = column.cells.iter().all(|cell| *cell == Cell::Null);
            let shown = if self.every { !empty } else { wanted.contains(&column.name.as_str()) };
            if !shown || (hidden.contains(&column.name) && column.name != "fleet") {
                continue;
            }
            let cells = order.iter().map(|row| self.cell(&column.cells, *row, baseline));
            table.push(column.name.clone(), cells.collect::<Vec<_>>());
        }
        Screen { table, order }
    }

    fn cell(&self, cells: &[Cell], row: usize, baseline: Option<usize>) -> Cell {
        let base = baseline.filter(|base| self.against_baseline && *base != row).map(|base| &cells[base]);
        match (&cells[row], base) {
            (Cell::Number(value), Some(Cell::Number(base))) if *base != 0.0 => {
                Cell::Text(format!("{:+.1} %", 100.0 * (value / base - 1.0)))
            }
            (cell, _) => cell.clone(),
        }
    }

    /// Rows that the filter takes, in the order of the sorted columns.
    fn order(&self, flat: &Table) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..flat.height()).filter(|row| self.takes(flat, *row)).collect();
        for (name, down) in self.sorted.iter().rev() {
            let Some(column) = flat.column(name) else { continue };
            rows.sort_by(|left, right| {
                let (left, right) = (&column.cells[*left], &column.cells[*right]);
                // What is unknown stands last, whichever way.
                match (left, right) {
                    (Cell::Null, Cell::Null) => Ordering::Equal,
                    (Cell::Null, _) => Ordering::Greater,
                    (_, Cell::Null) => Ordering::Less,
                    _ if *down => order(right, left),
                    _ => order(left, right),
                }
            });
        }
        rows
    }

    fn takes(&self, flat: &Table, row: usize) -> bool {
        self.filter.split(',').map(str::trim).filter(|part| !part.is_empty()).all(|part| {
            let compared = ["<=", ">=", "<", ">", "="].iter().find_map(|sign| {
                let (name, value) = part.split_once(sign)?;
                let column = flat.column(name.trim())?;
                Some((*sign, &column.cells[row], value.trim()))
            });
            match compared {
                Some((sign, cell, value)) => compare(cell, sign, value),
                None => flat.columns.iter().any(|column| {
                    matches!(&column.cells[row], Cell::Text(text) if text.to_lowercase().contains(&part.to_lowercase()))
                }),
            }
        })
    }

    fn sort_by(&mut self, name: &str, keep_others: bool) {
        let down = self.sorted.iter().find(|(known, _)| known == name).map(|(_, down)| *down);
        if !keep_others {
            self.sorted.clear();
        }
        self.sorted.retain(|(known, _)| known != name);
        match down {
            // A third click leaves the column alone.
            Some(true) => {}
            Some(false) => self.sorted.push((name.to_owned(), true)),
            None => self.sorted.push((name.to_owned(), false)),
        }
    }
}

fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Number(value) => Some(*value),
        Cell::Integer(value) => Some(*value as f64),
        _ => None,
    }
}

fn order(left: &Cell, right: &Cell) -> Ordering {
    match (number(left), number(right)) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        _ => left.exact().cmp(&right.exact()),
    }
}

fn compare(cell: &Cell, sign: &str, value: &str) -> bool {
    let Some((left, right)) = number(cell).zip(value.parse::<f64>().ok()) else {
        return sign == "=" && cell.exact() == value;
    };
    match sign {
        "<" => left < right,
        ">" => left > right,
        "<=" => left <= right,
        ">=" => left >= right,
        _ => left == right,
    }
}

pub(super) fn show(
    ui: &mut egui::Ui,
    seen: &mut Seen<'_>,
    state: &mut CompareState,
    hidden: &mut Vec<String>,
) {
    let comparison = &seen.shown.comparison;
    let flat = &seen.shown.table;
    controls(ui, state, flat, hidden, comparison.baseline.is_some());
    let baseline = comparison
        .baseline
        .as_ref()
        .and_then(|name| comparison.rows.iter().position(|row| row.fleet == *name));
    let screen = state.screen(flat, baseline, hidden);
    let mut clicked = None;
    let mut sorted = None;
    egui::ScrollArea::horizontal().id_salt("compare across").show(ui, |ui| {
        let line = ui.text_style_height(&egui::TextStyle::Body) + 6.0;
        let columns = screen.table.columns.len();
        TableBuilder::new(ui)
            .id_salt(("compare", columns))
            .striped(true)
            .sense(Sense::click())
            .resizable(true)
            .cell_layout(Layout::left_to_right(Align::Center))
            .columns(Column::auto().at_least(48.0).at_most(300.0).clip(true), columns)
            .header(line, |mut header| {
                for column in &screen.table.columns {
                    header.col(|ui| {
                        let direction = state.sorted.iter().find(|(name, _)| *name == column.name);
                        let arrow = direction.map_or("", |(_, down)| if *down { " ▾" } else { " ▴" });
                        let button = ui.button(RichText::new(format!("{}{arrow}", column.name)).strong());
                        if button
                            .on_hover_text("Sort; with Shift, after the columns sorted by already")
                            .clicked()
                        {
                            sorted = Some((column.name.clone(), ui.input(|input| input.modifiers.shift)));
                        }
                    });
                }
            })
            .body(|body| {
                body.rows(line, screen.order.len(), |mut row| {
                    let place = row.index();
                    let index = screen.order[place];
                    let fleet = &comparison.rows[index].fleet;
                    row.set_selected(seen.selected == Some(fleet));
                    for column in &screen.table.columns {
                        row.col(|ui| cell(ui, index, &column.name, &column.cells[place], comparison));
                    }
                    if row.response().clicked() {
                        clicked = Some(fleet.clone());
                    }
                });
            });
    });
    if let Some((name, keep)) = sorted {
        state.sort_by(&name, keep);
    }
    if let Some(fleet) = clicked {
        seen.send.push(Command::Select(Some(fleet)));
    }
}

fn cell(ui: &mut egui::Ui, index: usize, name: &str, cell: &Cell, comparison: &Comparison) {
    let row = &comparison.rows[index];
    let text = cell.short();
    let text = match name {
        "fleet" => {
            marker(ui, fleet_style(index));
            let best = comparison.recommended.as_deref() == Some(&row.fleet);
            let text = RichText::new(if best { format!("{text} (best)") } else { text });
            if row.feasible { text } else { text.weak().strikethrough() }
        }
        "provenance" => RichText::new(format!("{} {text}", mark(&text))),
        _ => RichText::new(text),
    };
    let label = ui.add(egui::Label::new(text).selectable(false).truncate());
    if name == "reason" || name == "fleet" {
        label.on_hover_text(row.reason.clone().unwrap_or_else(|| row.fleet.clone()));
    }
}

/// A mark for how a figure is known, beside its word.
fn mark(word: &str) -> &'static str {
    match word {
        "measured" => "=",
        "published" | "catalog" => "~",
        _ => "!",
    }
}

fn controls(
    ui: &mut egui::Ui,
    state: &mut CompareState,
    flat: &Table,
    hidden: &mut Vec<String>,
    baseline: bool,
) {
    ui.horizontal(|ui| {
        let label = ui.label("Filter");
        ui.add(
            egui::TextEdit::singleline(&mut state.filter)
                .hint_text("cost_usd_mean < 500, spot")
                .desired_width(220.0),
        )
        .labelled_by(label.id);
        ui.checkbox(&mut state.every, "Every figure");
        ui.add_enabled(baseline, egui::Checkbox::new(&mut state.against_baseline, "Against the baseline"));
        ui.menu_button("Columns", |ui| {
            egui::ScrollArea::vertical().max_height(400.0).show(ui, |ui| {
                for column in flat.columns.iter().filter(|column| column.name != "fleet") {
                    let mut shown = !hidden.contains(&column.name);
                    if ui.checkbox(&mut shown, &column.name).changed() {
                        hidden.retain(|name| *name != column.name);
                        if !shown {
                            hidden.push(column.name.clone());
                        }
                    }
                }
            });
        });
    });
}
