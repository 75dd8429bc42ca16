//! Menu bar and status line.

use egui::{MenuBar, ProgressBar};

use crate::catalog::EXAMPLES;
use crate::gui::app::App;
use crate::gui::command::{Command, SHORTCUTS};
use crate::gui::document::OnDisk;

pub(super) fn bar(app: &mut App, ui: &mut egui::Ui) {
    MenuBar::new().ui(ui, |ui| {
        ui.menu_button("File", |ui| {
            item(app, ui, &Command::New);
            item(app, ui, &Command::OpenDialog);
            ui.menu_button("Examples", |ui| {
                for name in EXAMPLES.iter() {
                    if ui.button(name.as_str()).clicked() {
                        app.send.push(Command::Open(format!("example:{name}")));
                        ui.close();
                    }
                }
            });
            ui.menu_button("Recent", |ui| {
                if app.options.recent.is_empty() {
                    ui.weak("Nothing yet");
                }
                for name in &app.options.recent {
                    if ui.button(name).clicked() {
                        app.send.push(Command::Open(name.clone()));
                        ui.close();
                    }
                }
            });
            ui.separator();
            item(app, ui, &Command::Save);
            item(app, ui, &Command::SaveAsDialog);
            item(app, ui, &Command::ExportDialog);
            ui.separator();
            item(app, ui, &Command::Quit);
        });
        ui.menu_button("Edit", |ui| {
            for command in [Command::Undo, Command::Redo, Command::CopyTable] {
                item(app, ui, &command);
            }
        });
        ui.menu_button("View", |ui| {
            for command in [
                Command::ToggleScenario,
                Command::ToggleText,
                Command::ToggleDetails,
                Command::ToggleProblems,
                Command::ToggleCatalog,
                Command::TogglePalette,
                Command::ZoomIn,
                Command::ZoomOut,
                Command::ZoomReset,
                Command::NextTheme,
            ] {
                item(app, ui, &command);
            }
        });
        ui.menu_button("Simulate", |ui| {
            item(app, ui, &Command::Run);
            item(app, ui, &Command::Weigh);
            item(app, ui, &Command::Cancel);
        });
        ui.separator();
        let running = app.session.progress().is_some();
        let open = app.session.document().is_some();
        if ui.add_enabled(open && !running, egui::Button::new("Run")).on_hover_text("F5").clicked() {
            app.send.push(Command::Run);
        }
        if ui.add_enabled(running, egui::Button::new("Stop")).on_hover_text("Esc").clicked() {
            app.send.push(Command::Cancel);
        }
        let shown = app.session.shown().is_some();
        if ui.add_enabled(shown, egui::Button::new("Export…")).clicked() {
            app.send.push(Command::ExportDialog);
        }
    });
}

fn item(app: &mut App, ui: &mut egui::Ui, command: &Command) {
    let Some(shortcut) = SHORTCUTS.iter().find(|shortcut| shortcut.command == *command) else { return };
    let mut button = egui::Button::new(shortcut.words);
    if let Some(keys) = &shortcut.keys {
        button = button.shortcut_text(ui.ctx().format_shortcut(keys));
    }
    if ui.add(button).clicked() {
        app.send.push(command.clone());
        ui.close();
    }
}

pub(super) fn status(app: &mut App, ui: &mut egui::Ui) {
    ui.horizontal(|ui| {
        if let Some((share, took)) = app.session.progress() {
            let share = share.clamp(0.0, 1.0);
            let took = took.as_secs_f32();
            let left =
                if share > 0.02 { format!(", {:.0} s left", took / share - took) } else { String::new() };
            if let Some(partial) = app.session.partial() {
                ui.label(&partial.comparison.verdict);
            }
            ui.add(
                ProgressBar::new(share).desired_width(220.0).text(format!("{:.0} %{left}", share * 100.0)),
            );
        }
        on_disk(app, ui);
        match app.session.message() {
            Some(message) if message.fault => {
                ui.colored_label(ui.visuals().error_fg_color, &message.text);
            }
            Some(message) => {
                ui.label(&message.text);
            }
            None => {
                ui.label("Ready");
            }
        }
    });
}

/// What another program did to the file, and the ways on.
fn on_disk(app: &mut App, ui: &mut egui::Ui) {
    let Some(document) = app.session.document() else { return };
    let (what, ways): (_, &[(&str, Command)]) = match document.on_disk() {
        OnDisk::Same => return,
        OnDisk::Changed => {
            ("was changed", &[("Read it again", Command::Reload), ("Keep this text", Command::KeepText)])
        }
        OnDisk::Gone => {
            ("was removed", &[("Write it again", Command::Save), ("Keep this text", Command::KeepText)])
        }
    };
    ui.colored_label(ui.visuals().warn_fg_color, format!("{} {what} by another program", document.title()));
    for (words, command) in ways {
        if ui.button(*words).clicked() {
            app.send.push(command.clone());
        }
    }
}
