//! The command palette: every command by a part of its words.

use egui::{Align2, Key, TextEdit, Window};

use crate::catalog::EXAMPLES;
use crate::gui::command::{Command, SHORTCUTS};
use crate::gui::views::View;

/// What is typed into it.
#[derive(Debug, Default)]
pub(in crate::gui) struct Palette {
    shown: bool,
    typed: String,
}

impl Palette {
    /// Shows or hides it.
    pub(in crate::gui) fn toggle(&mut self) {
        self.shown ^= true;
        self.typed.clear();
    }

    fn matches(&self) -> Vec<(String, Command)> {
        let mut all: Vec<(String, Command)> =
            SHORTCUTS.iter().map(|shortcut| (shortcut.words.to_owned(), shortcut.command.clone())).collect();
        all.extend(View::ALL.iter().map(|view| (format!("Show {}", view.words()), Command::Show(*view))));
        all.extend(
            EXAMPLES.iter().map(|name| (format!("Example {name}"), Command::Open(format!("example:{name}")))),
        );
        all.dedup_by(|left, right| left.1 == right.1);
        let typed = self.typed.to_lowercase();
        all.retain(|(words, _)| typed.split_whitespace().all(|part| words.to_lowercase().contains(part)));
        all.truncate(14);
        all
    }

    pub(super) fn draw(&mut self, context: &egui::Context, send: &mut Vec<Command>) {
        if !self.shown {
            return;
        }
        let matches = self.matches();
        let mut chosen = None;
        Window::new("Command palette")
            .title_bar(false)
            .resizable(false)
            .anchor(Align2::CENTER_TOP, [0.0, 60.0])
            .show(context, |ui| {
                ui.set_width(420.0);
                let field = TextEdit::singleline(&mut self.typed)
                    .hint_text("Type a command")
                    .desired_width(f32::INFINITY);
                let field = ui.add(field);
                field.request_focus();
                if ui.input(|input| input.key_pressed(Key::Enter)) {
                    chosen = matches.first().map(|(_, command)| command.clone());
                }
                for (words, command) in &matches {
                    if ui.selectable_label(false, words).clicked() {
                        chosen = Some(command.clone());
                    }
                }
            });
        let left = context.input(|input| input.key_pressed(Key::Escape));
        if chosen.is_some() || left {
            self.shown = false;
        }
        send.extend(chosen);
    }
}
