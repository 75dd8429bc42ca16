//! Machines of the catalog, to add as fleets: filtered by words, memory and price.

use egui::{ScrollArea, Window};

use crate::catalog::Catalog;
use crate::gui::command::Command;
use crate::report::{Cell, Listing, Table, list};

/// Most machines shown at once.
const SHOWN: usize = 300;

/// The window over the catalog.
#[derive(Debug, Default)]
pub(in crate::gui) struct CatalogPanel {
    shown: bool,
    filter: String,
    listed: Option<Table>,
}

impl CatalogPanel {
    /// Shows or hides it.
    pub(in crate::gui) fn toggle(&mut self) {
        self.shown ^= true;
    }

    pub(super) fn draw(&mut self, context: &egui::Context, catalog: &Catalog, send: &mut Vec<Command>) {
        if !self.shown {
            return;
        }
        let listed =
            self.listed.get_or_insert_with(|| list(catalog, Listing::Prices, &[], None).unwrap_or_default());
        let mut open = true;
        Window::new("Catalog").open(&mut open).default_size([640.0, 420.0]).show(context, |ui| {
            ui.horizontal(|ui| {
                let label = ui.label("Filter");
                ui.add(egui::TextEdit::singleline(&mut self.filter).hint_text("gcp h100 on-demand"))
                    .labelled_by(label.id);
            });
            rows(ui, listed, &self.filter, send);
        });
        self.shown = open;
    }
}

fn rows(ui: &mut egui::Ui, table: &Table, filter: &str, send: &mut Vec<Command>) {
    let words: Vec<String> = filter.split_whitespace().map(str::to_lowercase).collect();
    let line = |row: usize| -> Vec<String> {
        table.columns.iter().map(|column| column.cells[row].short()).collect()
    };
    let kept: Vec<usize> = (0..table.height())
        .filter(|row| {
            let text = line(*row).join(" ").to_lowercase();
            words.iter().all(|word| text.contains(word))
        })
        .collect();
    ui.weak(format!("{} of {} prices", kept.len(), table.height()));
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        egui::Grid::new("catalog").striped(true).show(ui, |ui| {
            ui.label("");
            for column in &table.columns {
                ui.strong(&column.name);
            }
            ui.end_row();
            for row in kept.iter().copied().take(SHOWN) {
                let text = |name: &str| match table.column(name).map(|column| &column.cells[row]) {
                    Some(Cell::Text(text)) => text.clone(),
                    _ => String::new(),
                };
                let (instance, region) = (text("instance"), text("region"));
                if ui.button("Add").on_hover_text(format!("{instance} in {region}")).clicked() {
                    send.push(Command::AddFleet { instance, region });
                }
                for cell in line(row) {
                    ui.label(cell);
                }
                ui.end_row();
            }
        });
    });
}
