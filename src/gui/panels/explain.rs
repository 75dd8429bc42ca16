//! Where the figure asked about comes from, with its sources, and the call of the command line that says the same.

use egui::{RichText, ScrollArea};

use crate::gui::app::App;
use crate::gui::command::Command;
use crate::report::heading;

pub(super) fn show(app: &mut App, ui: &mut egui::Ui) {
    let Some(told) = app.session.told() else { return };
    ui.horizontal_wrapped(|ui| {
        ui.strong(format!("{}: {}", told.figure.fleet, heading(&told.figure.column).text()));
        if let Some(known) = told.known {
            ui.label(format!("{} {}", known.letter(), known.word())).on_hover_text(known.meaning());
            ui.weak(known.meaning());
        }
        if ui.small_button("×").on_hover_text("Close the explanation").clicked() {
            app.send.push(Command::Explain(None));
        }
    });
    ScrollArea::both().id_salt("explain").auto_shrink(false).show(ui, |ui| {
        let Some(text) = &told.text else {
            ui.weak("looking it up …");
            return;
        };
        for line in text.lines() {
            ui.label(RichText::new(line).monospace());
        }
        let basis = app.session.shown().and_then(|shown| {
            let row = shown.comparison.rows.iter().find(|row| row.fleet == told.figure.fleet)?;
            row.basis.clone()
        });
        if let Some(basis) = basis {
            ui.label(RichText::new(format!("step times: {basis}")).monospace().weak());
        }
        if let (Some(metric), Some(document)) = (&told.metric, app.session.document()) {
            ui.weak("The same from the command line");
            ui.code(format!("capplan explain {} '{}' {metric}", document.argument(), told.figure.fleet));
        }
    });
}
