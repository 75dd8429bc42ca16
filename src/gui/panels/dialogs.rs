//! Questions that need an answer first: files by the system's own dialog, on a thread of its own, and unsaved changes.

use std::sync::mpsc::{Receiver, channel};
use std::thread;

use egui::{Id, Modal};

use crate::gui::app::App;
use crate::gui::command::Command;
use crate::gui::session::Question;

/// A file dialog that may be open.
#[derive(Debug, Default)]
pub(in crate::gui) struct Dialogs {
    waiting: Option<Receiver<Option<Command>>>,
}

impl Dialogs {
    /// Asks for a scenario to open.
    pub(in crate::gui) fn open(&mut self, context: &egui::Context) {
        self.ask(context, || {
            let picked = rfd::FileDialog::new().add_filter("scenario", &["toml"]).pick_file()?;
            Some(Command::Open(picked.display().to_string()))
        });
    }

    /// Asks where to save.
    pub(in crate::gui) fn save_as(&mut self, context: &egui::Context) {
        self.ask(context, || {
            let dialog =
                rfd::FileDialog::new().add_filter("scenario", &["toml"]).set_file_name("scenario.toml");
            dialog.save_file().map(Command::SaveAs)
        });
    }

    /// The dialog would stop the window if it were asked here.
    fn ask(&mut self, context: &egui::Context, ask: impl FnOnce() -> Option<Command> + Send + 'static) {
        if self.waiting.is_some() {
            return;
        }
        let (sender, receiver) = channel();
        let context = context.clone();
        let started = thread::Builder::new().name("file dialog".to_owned()).spawn(move || {
            let _ = sender.send(ask());
            context.request_repaint();
        });
        self.waiting = started.is_ok().then_some(receiver);
    }

    /// The answer, once it is there.
    pub(in crate::gui) fn take(&mut self) -> Option<Command> {
        let answer = match self.waiting.as_ref()?.try_recv() {
            Err(std::sync::mpsc::TryRecvError::Empty) => return None,
            Ok(answer) => answer,
            Err(std::sync::mpsc::TryRecvError::Disconnected) => None,
        };
        self.waiting = None;
        answer
    }
}

/// Asks what becomes of unsaved changes.
pub(super) fn question(app: &mut App, context: &egui::Context) {
    let Some(Question::Unsaved) = app.session.question() else { return };
    let mut answer = None;
    Modal::new(Id::unique("unsaved")).show(context, |ui| {
        ui.heading("Unsaved changes");
        let name = app.session.document().map_or_else(String::new, |document| document.title());
        ui.label(format!("{name} has changes that are in no file."));
        ui.horizontal(|ui| {
            if ui.button("Save").clicked() {
                answer = Some(Some(true));
            }
            if ui.button("Give them up").clicked() {
                answer = Some(Some(false));
            }
            if ui.button("Stay").clicked() {
                answer = Some(None);
            }
        });
    });
    if let Some(answer) = answer {
        let next = app.session.answer(answer);
        app.send.extend(next);
    }
}
