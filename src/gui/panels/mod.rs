//! Parts of the frame: one file each. They read the session and send commands.

mod catalog;
mod details;
mod dialogs;
mod explain;
mod form;
mod menu;
mod palette;
mod path;
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
pub(super) use path::PathPrompt;
pub use path::Purpose;
pub(super) use text::TextState;

/// What the panels remember between frames.
#[derive(Default)]
pub(super) struct Panels {
    pub(super) palette: Palette,
    pub(super) catalog: CatalogPanel,
    pub(super) dialogs: Dialogs,
    pub(super) path: PathPrompt,
    pub(super) form: FormState,
    /// Whether past runs are shown instead of problems.
    pub(super) past: bool,
    pub(super) text: TextState,
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
    if app.session.document().is_some() {
        around(app, ui);
    }
    CentralPanel::default().show(ui, |ui| centre(app, ui));
    let context = ui.ctx().clone();
    app.panels.palette.draw(&context, &mut app.send);
    app.panels.catalog.draw(&context, app.session.catalog(), &mut app.send);
    if app.export.shown() {
        let screen = screen(app);
        app.export.draw(&context, &app.session, screen.as_ref().map(|screen| &screen.table));
    }
    app.panels.path.draw(&context, &mut app.send);
    dialogs::question(app, &context);
    dialogs::hovered(&context);
}

/// The panels around the middle, which always keeps a third of the width; their sizes are remembered.
fn around(app: &mut App, ui: &mut egui::Ui) {
    let (all, sizes) = (ui.available_size(), app.options.panels);
    let of_result = app.session.view().of_result();
    let side = |least: f32| least..=(all.x / 3.0).max(least);
    if app.options.problems {
        let panel = Panel::bottom("problems").resizable(true).default_size(sizes.problems);
        let panel = panel.size_range(48.0..=(all.y / 2.0).max(48.0));
        let shown = panel.show(ui, |ui| problems::show(app, ui));
        app.options.panels.problems = shown.response.rect.height();
    }
    if of_result && app.session.told().is_some() {
        let panel = Panel::bottom("explain").resizable(true).default_size(170.0);
        panel.size_range(80.0..=(all.y / 2.0).max(80.0)).show(ui, |ui| explain::show(app, ui));
    }
    if app.options.scenario {
        let panel = Panel::left("scenario").resizable(true).default_size(sizes.scenario);
        let shown = panel.size_range(side(220.0)).show(ui, |ui| scenario(app, ui));
        app.options.panels.scenario = shown.response.rect.width();
    }
    if of_result && app.options.details && app.session.shown().is_some() {
        let panel = Panel::right("details").resizable(true).default_size(sizes.details);
        let shown = panel.size_range(side(200.0)).show(ui, |ui| details::show(app, ui));
        app.options.panels.details = shown.response.rect.width();
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
    ui.horizontal_wrapped(|ui| tabs(app, ui));
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
    let partial = app.session.partial().filter(|_| view == View::Compare);
    let Some(shown) = partial.or(app.session.shown()) else {
        ui.centered_and_justified(|ui| ui.label("No result yet; F5 runs the scenario"));
        return;
    };
    ui.label(egui::RichText::new(&shown.comparison.verdict).strong());
    ui.add_space(4.0);
    if let Some(view) = app.options.beside.filter(|_| app.session.shown().is_some()) {
        let all = ui.available_width();
        let panel = Panel::right("beside").resizable(true).default_size(all * app.options.panels.beside);
        let half = panel.size_range(all * 0.25..=all * 0.75).show(ui, |ui| beside(app, ui, view));
        app.options.panels.beside = (half.response.rect.width() / all).clamp(0.1, 0.9);
    }
    // A table that does not fit is scrolled within its own half.
    CentralPanel::no_frame().show(ui, |ui| look(app, ui, view));
}

fn tabs(app: &mut App, ui: &mut egui::Ui) {
    for view in View::ALL {
        if ui.selectable_label(app.session.view() == *view, view.words()).clicked() {
            app.send.push(Command::Show(*view));
        }
    }
    ui.menu_button("Side by side", |ui| {
        for view in View::ALL.iter().filter(|view| view.of_result() && **view != app.session.view()) {
            if ui
                .selectable_label(app.options.beside == Some(*view), format!("{} beside", view.words()))
                .clicked()
            {
                app.send.push(Command::ShowBeside(Some(*view)));
                ui.close();
            }
        }
        ui.separator();
        if ui.selectable_label(app.options.beside.is_none(), "One view").clicked() {
            app.send.push(Command::ShowBeside(None));
            ui.close();
        }
    });
    if app.session.partial().is_some() && app.session.view() != View::Compare {
        ui.weak("the last result until all fleets have finished");
    } else if app.session.partial().is_none() && app.session.stale() {
        ui.colored_label(ui.visuals().warn_fg_color, "older than the scenario; F5 runs it again");
    }
}

/// The second view, under its own heading.
fn beside(app: &mut App, ui: &mut egui::Ui, view: View) {
    ui.horizontal(|ui| {
        ui.strong(view.words());
        let close = ui.small_button("×").on_hover_text("Show one view");
        close.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Show one view"));
        if close.clicked() {
            app.send.push(Command::ShowBeside(None));
        }
    });
    look(app, ui, view);
}

fn look(app: &mut App, ui: &mut egui::Ui, view: View) {
    let session = &app.session;
    // What has finished so far is a table and no more: pictures wait for all fleets.
    let partial = session.partial().filter(|_| view == View::Compare);
    let Some(shown) = partial.or(session.shown()) else { return };
    let timeline = |wanted: &Wanted| session.timeline(wanted);
    let (selected, stale) = (session.selected(), session.stale());
    let mut seen = Seen { shown, selected, stale, timeline: &timeline, send: &mut app.send };
    ui.push_id(view, |ui| views::show(view, ui, &mut seen, &mut app.states, &mut app.options.hidden));
}
