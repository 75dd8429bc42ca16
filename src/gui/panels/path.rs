//! A path typed by hand: for systems without a file dialog, and for those who know where their files are.

use std::path::PathBuf;

use egui::{Key, Modal, TextEdit};

use crate::gui::command::Command;

/// What the path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A scenario to open.
    Open,
    /// Where to save.
    Save,
}

/// The question for a path.
#[derive(Debug, Default)]
pub(in crate::gui) struct PathPrompt {
    purpose: Option<Purpose>,
    typed: String,
    /// The path that is there already, so that it is written over when it is confirmed once more.
    taken: Option<String>,
    fresh: bool,
}

impl PathPrompt {
    /// Asks.
    pub(in crate::gui) fn ask(&mut self, purpose: Purpose) {
        *self = Self { purpose: Some(purpose), fresh: true, ..Self::default() };
        if purpose == Purpose::Save {
            self.typed = "scenario.toml".to_owned();
        }
    }

    pub(super) fn draw(&mut self, context: &egui::Context, send: &mut Vec<Command>) {
        let Some(purpose) = self.purpose else { return };
        let mut done = false;
        let modal = Modal::new(egui::Id::unique("path")).show(context, |ui| {
            ui.set_width(460.0);
            ui.heading(match purpose {
                Purpose::Open => "Open a scenario by its path",
                Purpose::Save => "Save the scenario to a path",
            });
            let label = ui.label("Path");
            let field = ui
                .add(TextEdit::singleline(&mut self.typed).desired_width(f32::INFINITY))
                .labelled_by(label.id);
            if std::mem::take(&mut self.fresh) {
                field.request_focus();
            }
            let taken = self.taken.as_deref() == Some(self.typed.trim());
            if taken {
                ui.colored_label(ui.visuals().warn_fg_color, "There is a file of that name");
            }
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            ui.horizontal(|ui| {
                let words = match purpose {
                    Purpose::Open => "Open the file",
                    Purpose::Save if taken => "Replace it",
                    Purpose::Save => "Save the file",
                };
                let named = !self.typed.trim().is_empty();
                let pressed = ui.add_enabled(named, egui::Button::new(words)).clicked();
                if named && (pressed || entered) {
                    done = self.answer(purpose, taken, send);
                }
                done |= ui.button("Cancel").clicked();
            });
        });
        if done || modal.should_close() {
            self.purpose = None;
        }
    }

    /// Sends the command, unless a file would be lost that nobody was told of.
    fn answer(&mut self, purpose: Purpose, taken: bool, send: &mut Vec<Command>) -> bool {
        let path = PathBuf::from(self.typed.trim());
        match purpose {
            Purpose::Open => send.push(Command::Open(path.display().to_string())),
            Purpose::Save if path.exists() && !taken => {
                self.taken = Some(self.typed.trim().to_owned());
                return false;
            }
            Purpose::Save => send.push(Command::SaveAs(path)),
        }
        true
    }

    /// Whether it is asked.
    pub(in crate::gui) fn asked(&self) -> bool {
        self.purpose.is_some()
    }
}
