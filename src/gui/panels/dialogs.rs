//! Questions that need an answer first: files by the system's own dialog, on a thread of its own, and unsaved changes.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use egui::{Id, Modal};

use crate::gui::app::App;
use crate::gui::command::Command;
use crate::gui::session::Question;

use super::path::Purpose;

/// Nobody sees a dialog and closes it this quickly: the system has none.
const NO_DIALOG: Duration = Duration::from_millis(500);

/// A file dialog that may be open.
#[derive(Debug, Default)]
pub(in crate::gui) struct Dialogs {
    waiting: Option<(Purpose, Instant, Receiver<Option<Command>>)>,
}

impl Dialogs {
    /// Asks for a scenario to open.
    pub(in crate::gui) fn open(&mut self, context: &egui::Context) {
        self.ask(context, Purpose::Open, || {
            let picked = rfd::FileDialog::new().add_filter("scenario", &["toml"]).pick_file()?;
            Some(Command::Open(picked.display().to_string()))
        });
    }

    /// Asks where to save.
    pub(in crate::gui) fn save_as(&mut self, context: &egui::Context) {
        self.ask(context, Purpose::Save, || {
            let dialog =
                rfd::FileDialog::new().add_filter("scenario", &["toml"]).set_file_name("scenario.toml");
            dialog.save_file().map(Command::SaveAs)
        });
    }

    /// The dialog would stop the window if it were asked here.
    fn ask(
        &mut self,
        context: &egui::Context,
        purpose: Purpose,
        ask: impl FnOnce() -> Option<Command> + Send + 'static,
    ) {
        if self.waiting.is_some() {
            return;
        }
        let (sender, receiver) = channel();
        let context = context.clone();
        let started = thread::Builder::new().name("file dialog".to_owned()).spawn(move || {
            let _ = sender.send(ask());
            context.request_repaint();
        });
        self.waiting = started.is_ok().then(|| (purpose, Instant::now(), receiver));
    }

    /// The answer, once it is there; a path is asked for where the system has no dialog.
    pub(in crate::gui) fn take(&mut self) -> Option<Command> {
        let (purpose, since, receiver) = self.waiting.as_ref()?;
        let answer = match receiver.try_recv() {
            Err(std::sync::mpsc::TryRecvError::Empty) => return None,
            Ok(answer) => answer,
            Err(std::sync::mpsc::TryRecvError::Disconnected) => None,
        };
        let missing = (since.elapsed() < NO_DIALOG).then_some(Command::AskPath(*purpose));
        self.waiting = None;
        answer.or(missing)
    }
}

/// Asks what becomes of unsaved changes, or of a file that another program wrote into.
pub(super) fn question(app: &mut App, context: &egui::Context) {
    let Some(question) = app.session.question() else { return };
    let name = app.session.document().map_or_else(String::new, |document| document.title());
    let (heading, text, choices): (_, _, &[(&str, Option<bool>)]) = match question {
        Question::Unsaved => (
            "Unsaved changes",
            format!("{name} has changes that are in no file."),
            &[("Save", Some(true)), ("Give them up", Some(false)), ("Stay", None)],
        ),
        Question::Overwrite => (
            "The file was changed by another program",
            format!("Saving {name} would undo what the other program wrote."),
            &[("Write over it", Some(true)), ("Do not save", None)],
        ),
    };
    let mut answer = None;
    let modal = Modal::new(Id::unique("question")).show(context, |ui| {
        ui.heading(heading);
        ui.label(text);
        ui.horizontal(|ui| {
            for (index, (words, means)) in choices.iter().enumerate() {
                let button = ui.button(*words);
                if index == 0 && ui.memory(|memory| memory.focused().is_none()) {
                    button.request_focus();
                }
                if button.clicked() {
                    answer = Some(*means);
                }
            }
        });
    });
    if modal.should_close() {
        answer = Some(None);
    }
    if let Some(answer) = answer {
        let next = app.session.answer(answer);
        app.send.extend(next);
    }
}

/// Says what dropping does, while files are held over the window.
pub(super) fn hovered(context: &egui::Context) {
    if context.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    egui::Area::new(Id::unique("hovered"))
        .order(egui::Order::Tooltip)
        .anchor(egui::Align2::CENTER_CENTER, [0.0, 0.0])
        .interactable(false)
        .show(context, |ui| {
            egui::Frame::popup(ui.style()).show(ui, |ui| ui.heading("Drop a scenario to open it"));
        });
}
