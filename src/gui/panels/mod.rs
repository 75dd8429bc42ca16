//! Parts of the frame: one file each. They read the session and send commands.

mod catalog;
mod details;
mod dialogs;
mod form;
mod menu;
mod palette;
mod problems;
mod text;
mod welcome;

use egui::{CentralPanel, Panel, ScrollArea};

use super::app::App;
use super::command::Command;
use super::recorder::Wanted;
use super::views::{self, Seen, View};

pub(super) use catalog::CatalogPanel;
pub(super) use dialogs::Dialogs;
pub(super) use form::FormState;
pub(super) use palette::Palette;

/// What the panels remember between frames.
#[derive(Default)]
pub(super) struct Panels {
    pub(super) palette: Palette,
    pub(super) catalog: CatalogPanel,
    pub(super) dialogs: Dialogs,
    pub(super) form: FormState,
}

/// The compare table as it stands on the screen.
pub(super) fn screen(app: &App) -> Option<views::Screen> {
    let shown = app.session.shown()?;
    let base = shown.comparison.baseline.as_ref();
    let base = base.and_then(|name| shown.comparison.rows.iter().position(|row| row.fleet == *name));
    Some(app.states.compare.screen(&shown.table, base, &app.options.hidden))
}

/// Draws the whole window.
pub(super) fn draw(app: &mut App, ui: &mut egui::Ui) {
    Panel::top("menu").show(ui, |ui| menu::bar(app, ui));
    Panel::bottom("status").show(ui, |ui| menu::status(app, ui));
    if app.session.document().is_some() {
        if app.options.problems {
            Panel::bottom("problems")
                .resizable(true)
                .default_size(110.0)
                .show(ui, |ui| problems::show(app, ui));
        }
        if app.options.scenario {
            Panel::left("scenario")
                .resizable(true)
                .default_size(340.0)
                .size_range(220.0..=640.0)
                .show(ui, |ui| scenario(app, ui));
        }
        if app.options.details && app.session.shown().is_some() {
            Panel::right("details")
                .resizable(true)
                .default_size(280.0)
                .size_range(200.0..=520.0)
                .show(ui, |ui| details::show(app, ui));
        }
    }
    CentralPanel::default().show(ui, |ui| centre(app, ui));
    let context = ui.ctx().clone();
    app.panels.palette.draw(&context, &mut app.send);
    app.panels.catalog.draw(&context, app.session.catalog(), &mut app.send);
    dialogs::question(app, &context);
    let screen = screen(app);
    app.export.draw(&context, &app.session, screen.as_ref().map(|screen| &screen.table));
}

fn scenario(app: &mut App, ui: &mut egui::Ui) {
    ui.horizontal(|ui| {
        ui.heading("Scenario");
        let mut text = app.options.text;
        if ui.selectable_label(!text, "Form").clicked() {
            text = false;
        }
        if ui.selectable_label(text, "Text").clicked() {
            text = true;
        }
        if text != app.options.text {
            app.send.push(Command::ToggleText);
        }
        if ui.button("Add fleet…").clicked() {
            app.send.push(Command::ToggleCatalog);
        }
    });
    ui.separator();
    if app.options.text {
        text::show(app, ui);
    } else {
        ScrollArea::vertical().id_salt("form").auto_shrink(false).show(ui, |ui| form::show(app, ui));
    }
}

fn centre(app: &mut App, ui: &mut egui::Ui) {
    if app.session.document().is_none() {
        return welcome::show(app, ui);
    }
    ui.horizontal_wrapped(|ui| {
        for view in View::ALL {
            if ui.selectable_label(app.session.view() == *view, view.words()).clicked() {
                app.send.push(Command::Show(*view));
            }
        }
        if app.session.stale() {
            ui.colored_label(ui.visuals().warn_fg_color, "older than the scenario; F5 runs it again");
        }
    });
    ui.separator();
    let Some(shown) = app.session.shown() else {
        ui.centered_and_justified(|ui| ui.label("No result yet; F5 runs the scenario"));
        return;
    };
    ui.label(egui::RichText::new(&shown.comparison.verdict).strong());
    ui.add_space(4.0);
    let session = &app.session;
    let timeline = |wanted: &Wanted| session.timeline(wanted);
    let (selected, stale) = (session.selected(), session.stale());
    let mut seen = Seen { shown, selected, stale, timeline: &timeline, send: &mut app.send };
    views::show(app.session.view(), ui, &mut seen, &mut app.states, &mut app.options.hidden);
}
