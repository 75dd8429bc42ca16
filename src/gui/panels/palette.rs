//! The command palette: every command by a part of its words, with its keys.

use egui::{Align2, Button, Key, KeyboardShortcut, TextEdit, Window};

use crate::catalog::EXAMPLES;
use crate::gui::command::{Command, SHORTCUTS, view_keys};
use crate::gui::views::View;

/// Most commands shown at once.
const SHOWN: usize = 14;

/// What is typed into it.
#[derive(Debug, Default)]
pub(in crate::gui) struct Palette {
    shown: bool,
    typed: String,
    /// The command that Enter carries out.
    at: usize,
    fresh: bool,
}

struct Entry {
    words: String,
    command: Command,
    keys: Option<KeyboardShortcut>,
}

impl Entry {
    fn new(words: String, command: Command) -> Self {
        Self { words, command, keys: None }
    }
}

impl Palette {
    /// Shows or hides it.
    pub(in crate::gui) fn toggle(&mut self) {
        *self = Self { shown: !self.shown, fresh: true, ..Self::default() };
    }

    /// Closes it; false when it was not open.
    pub(in crate::gui) fn close(&mut self) -> bool {
        std::mem::take(&mut self.shown)
    }

    fn matches(&self) -> Vec<Entry> {
        let commands = SHORTCUTS.iter().map(|shortcut| Entry {
            keys: shortcut.keys,
            ..Entry::new(shortcut.words.to_owned(), shortcut.command.clone())
        });
        let mut all: Vec<Entry> = commands.collect();
        all.dedup_by(|left, right| left.command == right.command);
        for view in View::ALL {
            all.push(Entry::new(format!("Show {}", view.words()), Command::Show(*view)));
        }
        for view in View::ALL {
            let beside = Command::ShowBeside(Some(*view));
            all.push(Entry::new(format!("Show {} beside", view.words()), beside));
        }
        for entry in &mut all {
            entry.keys = entry
                .keys
                .or_else(|| view_keys().find(|(_, command)| *command == entry.command).map(|(keys, _)| keys));
        }
        all.push(Entry::new("Show one view".to_owned(), Command::ShowBeside(None)));
        for name in EXAMPLES.iter() {
            all.push(Entry::new(format!("Example {name}"), Command::Open(format!("example:{name}"))));
        }
        let typed = self.typed.to_lowercase();
        all.retain(|entry| typed.split_whitespace().all(|part| entry.words.to_lowercase().contains(part)));
        all.truncate(SHOWN);
        all
    }

    pub(super) fn draw(&mut self, context: &egui::Context, send: &mut Vec<Command>) {
        if !self.shown {
            return;
        }
        let mut chosen = None;
        Window::new("Command palette")
            .title_bar(false)
            .resizable(false)
            .anchor(Align2::CENTER_TOP, [0.0, 60.0])
            .show(context, |ui| {
                ui.set_width(420.0);
                chosen = self.entries(ui);
            });
        if chosen.is_some() {
            self.shown = false;
        }
        send.extend(chosen);
    }

    fn entries(&mut self, ui: &mut egui::Ui) -> Option<Command> {
        let label = ui.strong("Command palette");
        // The arrows move among the commands, not within the text.
        let moved =
            |ui: &mut egui::Ui, key| ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, key));
        let (down, up) = (moved(ui, Key::ArrowDown), moved(ui, Key::ArrowUp));
        let hint = "Type a part of a command";
        let field = TextEdit::singleline(&mut self.typed).hint_text(hint).desired_width(f32::INFINITY);
        let field = ui.add(field).labelled_by(label.id);
        if std::mem::take(&mut self.fresh) {
            field.request_focus();
        }
        if field.changed() {
            self.at = 0;
        }
        let matches = self.matches();
        self.at = (self.at + usize::from(down)).saturating_sub(usize::from(up));
        self.at = self.at.min(matches.len().saturating_sub(1));
        let mut chosen = None;
        if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            chosen = matches.get(self.at).map(|entry| entry.command.clone());
        }
        for (index, entry) in matches.iter().enumerate() {
            let mut button = Button::selectable(index == self.at, &entry.words);
            if let Some(keys) = &entry.keys {
                button = button.shortcut_text(ui.ctx().format_shortcut(keys));
            }
            if ui.add_sized([ui.available_width(), 20.0], button).clicked() {
                chosen = Some(entry.command.clone());
            }
        }
        if matches.is_empty() {
            ui.weak("No command has these words");
        }
        chosen
    }
}
