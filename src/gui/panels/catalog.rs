//! Machines of the catalog, to add as fleets: filtered by provider, accelerator, memory, price and region, as
//! `capplan list prices` filters them.

use egui::{Align, ComboBox, Layout, RichText, TextEdit, Window};
use egui_extras::{Column, TableBuilder};

use crate::catalog::Catalog;
use crate::gui::command::Command;
use crate::gui::views::name_handles;
use crate::report::{Cell, Listing, Table, heading, list};

/// Columns shown; the rest stands in the hint of the row.
const SHOWN: &[&str] = &[
    "instance",
    "region",
    "accelerator",
    "accelerators",
    "memory_gib_per_accelerator",
    "on_demand_usd_h",
    "on_demand_usd_h_per_accelerator",
    "spot_usd_h",
    "age_days",
];
/// Prices older than this are said to be old.
const OLD_DAYS: i64 = 90;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
struct Asked {
    provider: Option<String>,
    accelerator: String,
    memory: String,
    price: String,
    region: String,
    words: String,
    sort: Option<String>,
}

impl Asked {
    /// In the language of `--filter`; a number alone is a least memory and a greatest price.
    fn filters(&self) -> Vec<String> {
        let number = |column: &str, text: &str, usual: &str| {
            let text = text.trim();
            let signs = ['<', '>', '='];
            let sign = if text.starts_with(signs) { "" } else { usual };
            // A sign whose number is still to be typed asks for nothing.
            let typed = !text.trim_start_matches(signs).is_empty();
            typed.then(|| format!("{column}{sign}{text}"))
        };
        let text =
            |column: &str, text: &str| (!text.trim().is_empty()).then(|| format!("{column}~{}", text.trim()));
        [
            self.provider.as_ref().map(|provider| format!("provider={provider}")),
            text("accelerator", &self.accelerator),
            text("region", &self.region),
            number("memory_gib_per_accelerator", &self.memory, ">="),
            number("on_demand_usd_h_per_accelerator", &self.price, "<="),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The window over the catalog.
#[derive(Debug, Default)]
pub(in crate::gui) struct CatalogPanel {
    shown: bool,
    asked: Asked,
    /// What was listed last, or why nothing was, and of how many.
    listed: Option<(Asked, Result<Table, String>)>,
    providers: Vec<String>,
    all: usize,
}

impl CatalogPanel {
    /// Shows or hides it.
    pub(in crate::gui) fn toggle(&mut self) {
        self.shown ^= true;
    }

    /// Closes it; false when it was not open.
    pub(in crate::gui) fn close(&mut self) -> bool {
        std::mem::take(&mut self.shown)
    }

    pub(super) fn draw(&mut self, context: &egui::Context, catalog: &Catalog, send: &mut Vec<Command>) {
        if !self.shown {
            return;
        }
        self.look(catalog);
        let mut open = true;
        Window::new("Catalog").open(&mut open).collapsible(false).default_size([860.0, 440.0]).show(
            context,
            |ui| {
                filters(ui, &mut self.asked, &self.providers);
                match &self.listed {
                    Some((_, Ok(table))) => {
                        ui.weak(format!("{} of {} prices", table.height(), self.all));
                        rows(ui, table, &mut self.asked.sort, send);
                    }
                    Some((_, Err(error))) => {
                        ui.colored_label(ui.visuals().error_fg_color, error);
                    }
                    None => {}
                }
            },
        );
        self.shown = open;
    }

    /// Lists anew what is asked for, when that has changed.
    fn look(&mut self, catalog: &Catalog) {
        if self.all == 0 {
            let every = list(catalog, Listing::Prices, &[], None).unwrap_or_default();
            self.all = every.height();
            let cells = every.column("provider").map_or(&[][..], |column| &column.cells);
            self.providers = cells.iter().map(Cell::exact).collect();
            self.providers.sort();
            self.providers.dedup();
        }
        if self.listed.as_ref().is_some_and(|(asked, _)| *asked == self.asked) {
            return;
        }
        let found = list(catalog, Listing::Prices, &self.asked.filters(), self.asked.sort.as_deref());
        let found = found.map_err(|error| error.to_string()).map(|mut table| {
            let words: Vec<String> = self.asked.words.split_whitespace().map(str::to_lowercase).collect();
            let kept: Vec<usize> = (0..table.height()).filter(|row| holds(&table, *row, &words)).collect();
            table.select(&kept);
            table
        });
        self.listed = Some((self.asked.clone(), found));
    }
}

/// Whether a row holds every word somewhere.
fn holds(table: &Table, row: usize, words: &[String]) -> bool {
    words.iter().all(|word| {
        table.columns.iter().any(|column| match &column.cells[row] {
            Cell::Text(text) => text.to_lowercase().contains(word),
            _ => false,
        })
    })
}

fn filters(ui: &mut egui::Ui, asked: &mut Asked, providers: &[String]) {
    ui.horizontal_wrapped(|ui| {
        let all = "any provider".to_owned();
        let chosen = asked.provider.clone().unwrap_or_else(|| all.clone());
        ComboBox::from_label("Provider").selected_text(chosen).show_ui(ui, |ui| {
            ui.selectable_value(&mut asked.provider, None, all);
            for provider in providers {
                ui.selectable_value(&mut asked.provider, Some(provider.clone()), provider);
            }
        });
        for (name, hint, text, wide) in [
            ("Accelerator", "H100", &mut asked.accelerator, 90.0),
            ("Memory, GiB", ">=80", &mut asked.memory, 60.0),
            ("Price per accelerator, USD/h", "<3", &mut asked.price, 60.0),
            ("In region", "us-", &mut asked.region, 90.0),
            ("Words", "spot", &mut asked.words, 90.0),
        ] {
            let label = ui.label(name);
            ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(wide)).labelled_by(label.id);
        }
        if ui.button("Clear").clicked() {
            *asked = Asked { sort: asked.sort.take(), ..Asked::default() };
        }
    });
}

fn rows(ui: &mut egui::Ui, table: &Table, sort: &mut Option<String>, send: &mut Vec<Command>) {
    let columns: Vec<&crate::report::Column> = SHOWN.iter().filter_map(|name| table.column(name)).collect();
    let line = ui.text_style_height(&egui::TextStyle::Body) + 6.0;
    let builder = TableBuilder::new(ui)
        .id_salt("catalog")
        .striped(true)
        .resizable(true)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::exact(44.0));
    let builder = columns.iter().fold(builder, |builder, column| {
        let wide = if column.name == "instance" { 190.0 } else { 96.0 };
        builder.column(Column::initial(wide).at_least(40.0).clip(true))
    });
    let header = builder.header(line, |mut header| {
        header.col(|_| {});
        for column in &columns {
            header.col(|ui| head(ui, &column.name, sort));
        }
    });
    header.body(|body| {
        body.rows(line, table.height(), |mut row| {
            let index = row.index();
            let text = |name: &str| {
                table.column(name).map_or_else(String::new, |column| column.cells[index].exact())
            };
            row.col(|ui| {
                let (instance, region) = (text("instance"), text("region"));
                if ui.button("Add").on_hover_text(format!("Add {instance} in {region} as a fleet")).clicked()
                {
                    send.push(Command::AddFleet { instance, region });
                }
            });
            for column in &columns {
                row.col(|ui| {
                    let cell = &column.cells[index];
                    let old =
                        column.name == "age_days" && matches!(cell, Cell::Integer(days) if *days > OLD_DAYS);
                    let shown = RichText::new(cell.short());
                    let shown = if old { shown.color(ui.visuals().warn_fg_color) } else { shown };
                    ui.label(shown).on_hover_text(format!("as of {}\n{}", text("as_of"), text("source")));
                });
            }
        });
    });
    let names = std::iter::once("buttons".to_owned())
        .chain(columns.iter().map(|column| heading(&column.name).text()));
    name_handles(ui, "catalog", names);
}

/// The name of a column in words; a click sorts by it, a second one the other way.
fn head(ui: &mut egui::Ui, name: &str, sort: &mut Option<String>) {
    let down = format!("-{name}");
    let arrow = match sort.as_deref() {
        Some(by) if by == name => " ▴",
        Some(by) if by == down => " ▾",
        _ => "",
    };
    let words = RichText::new(format!("{}{arrow}", heading(name).text())).strong();
    if ui.button(words).on_hover_text(name).clicked() {
        *sort = Some(if sort.as_deref() == Some(name) { down } else { name.to_owned() });
    }
}
