//! The table of all fleets: sorted, filtered, columns hidden or shown, differences to the baseline.

use std::cmp::Ordering;

use egui::{Align, Layout, RichText, Sense};
use egui_extras::{Column, TableBuilder};

use crate::report::{Cell, Column as Figures, Table, fleet_style, heading, known, stem};

use super::Seen;
use super::figure::marker;
use super::marks::{legend, marked};
use crate::gui::command::Command;
use crate::gui::session::Shown;
use crate::gui::why::Figure;

/// Which columns, in which order.
#[derive(Default)]
pub(in crate::gui) struct CompareState {
    /// Whether every figure is shown, or only those that a reader wants first.
    every: bool,
    /// Whether numbers are told as differences to the baseline.
    against_baseline: bool,
    /// Names of the columns sorted by, the most important first, with their direction.
    sorted: Vec<(String, bool)>,
    /// What rows must hold, as `cost < 500` or a part of a name.
    filter: String,
    /// Column of the cell that keys move.
    column: usize,
    /// The order of the rows, and what it was made for.
    ordered: Option<(Asked, Vec<usize>)>,
}

/// What an order of rows depends on: the result, the filter, the columns sorted by.
type Asked = (u64, String, Vec<(String, bool)>);

/// The table on the screen: raw names, and cells as they are shown.
pub(in crate::gui) struct Screen {
    /// The cells shown.
    pub table: Table,
}

/// Columns of the figures that a reader wants first.
fn first(table: &Table) -> Vec<&'static str> {
    const WANTED: &[&str] = &[
        "fleet",
        "rank",
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
        "instances",
        "instance",
        "reason",
    ];
    let told = |name: &&str| {
        table.column(name).is_some_and(|column| column.cells.iter().any(|cell| *cell != Cell::Null))
    };
    WANTED.iter().copied().filter(told).collect()
}

impl CompareState {
    /// What the screen shows of a result.
    pub(in crate::gui) fn screen(&self, shown: &Shown, baseline: Option<usize>, hidden: &[String]) -> Screen {
        let order = self.order(&shown.table);
        let mut table = Table::default();
        for column in self.columns(&shown.table, hidden) {
            let cells = order.iter().map(|row| self.cell(&column.cells, *row, baseline));
            table.push(column.name.clone(), cells.collect::<Vec<_>>());
        }
        Screen { table }
    }

    /// The columns that are shown: every one that holds something, or those that a reader wants first.
    fn columns<'t>(&self, flat: &'t Table, hidden: &[String]) -> Vec<&'t Figures> {
        let told = |column: &&Figures| column.cells.iter().any(|cell| *cell != Cell::Null);
        let seen = |column: &&Figures| column.name == "fleet" || !hidden.contains(&column.name);
        if self.every {
            return flat.columns.iter().filter(told).filter(seen).collect();
        }
        first(flat).into_iter().filter_map(|name| flat.column(name)).filter(seen).collect()
    }

    /// The order of the rows; that of the last frame unless something changed.
    fn ordered(&mut self, shown: &Shown) -> &[usize] {
        let asked = (shown.number, self.filter.clone(), self.sorted.clone());
        // A result that grows keeps its number.
        let stands = self.ordered.as_ref().is_some_and(|(known, _)| *known == asked)
            && shown.places.len() == shown.fleets;
        if !stands {
            self.ordered = Some((asked, self.order(&shown.table)));
        }
        self.ordered.as_ref().map_or(&[], |(_, order)| order)
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
                let column = column(flat, name.trim())?;
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

/// A column by what a user may call it: its raw name, its figure, or its words.
fn column<'t>(flat: &'t Table, typed: &str) -> Option<&'t Figures> {
    let called = |column: &&Figures| stem(&column.name) == typed || heading(&column.name).words == typed;
    flat.column(typed).or_else(|| flat.columns.iter().find(called))
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
    let shown = seen.shown;
    let comparison = &shown.comparison;
    controls(ui, state, &shown.table, hidden, comparison.baseline.is_some());
    legend(ui);
    let baseline = comparison.baseline.as_ref();
    let baseline = baseline.and_then(|name| comparison.rows.iter().position(|row| row.fleet == *name));
    let order = state.ordered(shown).to_vec();
    let columns = state.columns(&shown.table, hidden);
    keys(ui, seen, state, &order, &columns);
    let mut sorted = None;
    egui::ScrollArea::horizontal().id_salt("compare across").show(ui, |ui| {
        let line = ui.text_style_height(&egui::TextStyle::Body) + 6.0;
        let table = TableBuilder::new(ui)
            .id_salt(("compare", columns.len()))
            .striped(true)
            .sense(Sense::CLICK)
            .resizable(true)
            .cell_layout(Layout::left_to_right(Align::Center));
        let table = columns.iter().fold(table, |table, column| {
            table.column(Column::initial(width(column)).at_least(48.0).clip(true))
        });
        table
            .header(line, |mut header| {
                for column in &columns {
                    header.col(|ui| {
                        if head(ui, state, &column.name) {
                            sorted = Some((column.name.clone(), ui.input(|input| input.modifiers.shift)));
                        }
                    });
                }
            })
            .body(|body| {
                body.rows(line, order.len(), |mut row| {
                    let index = order[row.index()];
                    let fleet = &comparison.rows[index].fleet;
                    row.set_selected(seen.selected == Some(fleet));
                    for (place, column) in columns.iter().enumerate() {
                        let value = state.cell(&column.cells, index, baseline);
                        let mut clicked = false;
                        let here = place == state.column && seen.selected == Some(fleet);
                        let (_, blank) = row.col(|ui| {
                            if here {
                                let line = ui.visuals().selection.stroke;
                                ui.painter().hline(
                                    ui.max_rect().x_range(),
                                    ui.max_rect().bottom() - 1.0,
                                    line,
                                );
                            }
                            clicked = cell(ui, shown, index, column, &value);
                        });
                        if clicked || blank.clicked() {
                            state.column = place;
                            ask(seen, fleet, column);
                        }
                    }
                });
            });
        let names = columns.iter().map(|column| heading(&column.name).text());
        super::name_handles(ui, ("compare", columns.len()), names);
    });
    if let Some((name, keep)) = sorted {
        state.sort_by(&name, keep);
    }
}

/// Room for the name and the first cells of a column.
fn width(column: &Figures) -> f32 {
    let cells = column.cells.iter().take(60).map(|cell| cell.short().chars().count() + 2);
    let best = if column.name == "fleet" { 9 } else { 0 };
    let letters = cells.max().unwrap_or(0) + best;
    let letters = letters.max(heading(&column.name).text().chars().count() + 3);
    (6.6 * letters as f32 + 10.0).clamp(48.0, 180.0)
}

/// Selects the fleet, and explains the figure where the result is whole.
fn ask(seen: &mut Seen<'_>, fleet: &str, column: &Figures) {
    let whole = seen.shown.places.len() == seen.shown.fleets;
    seen.send.push(if whole && column.name != "fleet" {
        Command::Explain(Some(Figure { fleet: fleet.to_owned(), column: column.name.clone() }))
    } else {
        Command::Select(Some(fleet.to_owned()))
    });
}

/// Arrows go from cell to cell, Enter explains; only while no field has the keys.
fn keys(ui: &egui::Ui, seen: &mut Seen<'_>, state: &mut CompareState, order: &[usize], columns: &[&Figures]) {
    use egui::{Key, Modifiers};
    if ui.memory(|memory| memory.focused().is_some()) || order.is_empty() || columns.is_empty() {
        return;
    }
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let rows = &seen.shown.comparison.rows;
    let at = order.iter().position(|index| seen.selected == Some(rows[*index].fleet.as_str()));
    let to = match (pressed(Key::ArrowUp), pressed(Key::ArrowDown)) {
        (true, _) => at.map_or(Some(0), |at| at.checked_sub(1)),
        (_, true) => Some(at.map_or(0, |at| at + 1)).filter(|to| *to < order.len()),
        _ => None,
    };
    if let Some(to) = to {
        seen.send.push(Command::Select(Some(rows[order[to]].fleet.clone())));
    }
    state.column = state.column.min(columns.len() - 1);
    if pressed(Key::ArrowLeft) {
        state.column = state.column.saturating_sub(1);
    }
    if pressed(Key::ArrowRight) {
        state.column = (state.column + 1).min(columns.len() - 1);
    }
    if let (true, Some(at)) = (pressed(Key::Enter), at) {
        ask(seen, &rows[order[at]].fleet, columns[state.column]);
    }
}

/// The name of a column in words, which sorts by it; its raw name stands in the hint. True when clicked.
fn head(ui: &mut egui::Ui, state: &CompareState, name: &str) -> bool {
    let direction = state.sorted.iter().find(|(known, _)| known == name);
    let arrow = direction.map_or("", |(_, down)| if *down { " ▾" } else { " ▴" });
    let button = ui.button(RichText::new(format!("{}{arrow}", heading(name).text())).strong());
    button.on_hover_text(format!("{name}\nSort; with Shift, after the columns sorted by already")).clicked()
}

/// A cell with its mark; true when clicked.
fn cell(ui: &mut egui::Ui, shown: &Shown, index: usize, column: &Figures, value: &Cell) -> bool {
    let row = &shown.comparison.rows[index];
    let (name, text) = (column.name.as_str(), value.short());
    let mut text = RichText::new(text);
    if name == "fleet" {
        marker(ui, fleet_style(shown.places[index]));
        let best = shown.comparison.recommended.as_deref() == Some(&row.fleet);
        if best {
            text = RichText::new(format!("{} (best)", row.fleet));
        }
        if !row.feasible {
            text = text.weak().strikethrough();
        }
    }
    let mark = known(row, name).filter(|_| *value != Cell::Null);
    let label = marked(ui, text, mark, true);
    let more = match name {
        "reason" | "fleet" => Some(row.reason.as_deref().unwrap_or(&row.fleet)),
        "provenance" => row.basis.as_deref(),
        _ => None,
    };
    match more {
        Some(more) => label.on_hover_text(more).clicked(),
        None => label.clicked(),
    }
}

fn controls(
    ui: &mut egui::Ui,
    state: &mut CompareState,
    flat: &Table,
    hidden: &mut Vec<String>,
    baseline: bool,
) {
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Filter");
        ui.add(
            egui::TextEdit::singleline(&mut state.filter).hint_text("cost < 500, spot").desired_width(220.0),
        )
        .labelled_by(label.id);
        ui.checkbox(&mut state.every, "Every figure");
        ui.add_enabled(baseline, egui::Checkbox::new(&mut state.against_baseline, "Against the baseline"));
        ui.menu_button("Columns", |ui| {
            egui::ScrollArea::vertical().max_height(400.0).show(ui, |ui| {
                for column in flat.columns.iter().filter(|column| column.name != "fleet") {
                    let mut shown = !hidden.contains(&column.name);
                    let words = heading(&column.name).text();
                    if ui.checkbox(&mut shown, words).on_hover_text(&column.name).changed() {
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
