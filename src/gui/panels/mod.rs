//! Parts of the frame: one file each. They read the session and send commands.

mod catalog;
mod details;
mod dialogs;
mod explain;
mod form;
mod menu;
mod palette;
mod problems;
mod runs;
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
    /// Whether past runs are shown instead of problems.
    pub(super) past: bool,
}

/// The compare table as it stands on the screen.
pub(super) fn screen(app: &App) -> Option<views::Screen> {
    let shown = app.session.shown()?;
    let base = shown.comparison.baseline.as_ref();
    let base = base.and_then(|name| shown.comparison.rows.iter().position(|row| row.fleet == *name));
    Some(app.states.compare.screen(shown, base, &app.options.hidden))
}

/// Draws the whole window.
pub(super) fn draw(app: &mut App, ui: &mut egui::Ui) {
    Panel::top("menu").show(ui, |ui| menu::bar(app, ui));
    Panel::bottom("status").show(ui, |ui| menu::status(app, ui));
    let of_result = app.session.view().of_result();
    if app.session.document().is_some() {
        if app.options.problems {
            Panel::bottom("problems")
                .resizable(true)
                .default_size(110.0)
                .show(ui, |ui| problems::show(app, ui));
        }
        if of_result && app.session.told().is_some() {
            Panel::bottom("explain")
                .resizable(true)
                .default_size(170.0)
                .size_range(80.0..=400.0)
                .show(ui, |ui| explain::show(app, ui));
        }
        if app.options.scenario {
            Panel::left("scenario")
                .resizable(true)
                .default_size(340.0)
                .size_range(220.0..=640.0)
                .show(ui, |ui| scenario(app, ui));
        }
        if of_result && app.options.details && app.session.shown().is_some() {
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
    if app.export.shown() {
        let screen = screen(app);
        app.export.draw(&context, &app.session, screen.as_ref().map(|screen| &screen.table));
    }
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
    let view = app.session.view();
    if app.session.document().is_none() && view.of_result() {
        return welcome::show(app, ui);
    }
    ui.horizontal_wrapped(|ui| {
        for other in View::ALL {
            if ui.selectable_label(view == *other, other.words()).clicked() {
                app.send.push(Command::Show(*other));
            }
        }
        if app.session.partial().is_some() && app.session.view() != View::Compare {
            ui.weak("the last result until all fleets have finished");
        } else if app.session.partial().is_none() && app.session.stale() {
            ui.colored_label(ui.visuals().warn_fg_color, "older than the scenario; F5 runs it again");
        }
    });
    ui.separator();
    match view {
        View::Validation => return views::show_validation(ui, &app.session, &mut app.states.validation),
        #[cfg(feature = "calibrate")]
        View::Calibration => {
            let state = &mut app.states.calibration;
            return views::show_calibration(ui, &app.session, state, &mut app.send);
        }
        view if view.of_result() => {}
        _ => return,
    }
    // What has finished so far is a table and no more: pictures wait for all fleets.
    let partial = app.session.partial().filter(|_| app.session.view() == View::Compare);
    let Some(shown) = partial.or(app.session.shown()) else {
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
