//! Results of this window: a click shows one again, whatever the text is now.

use egui::{Grid, ScrollArea};

use crate::gui::app::App;
use crate::gui::command::Command;
use crate::report::digest;

/// Letters of a digest that tell texts apart.
const LETTERS: usize = 8;

pub(super) fn show(app: &mut App, ui: &mut egui::Ui) {
    if app.session.results().is_empty() {
        ui.weak("Nothing has run yet");
        return;
    }
    let now = app.session.shown().map(|shown| shown.number);
    ScrollArea::both().id_salt("runs").auto_shrink(false).show(ui, |ui| {
        Grid::new("runs").striped(true).show(ui, |ui| {
            for run in app.session.results().iter().rev() {
                let label = ui.selectable_label(now == Some(run.number), format!("Run {}", run.number));
                if label.on_hover_text("Show this result").clicked() {
                    app.send.push(Command::Recall(run.number));
                }
                ui.label(&run.title);
                ui.label(ago(run.made));
                let best = run.comparison.recommended.as_deref();
                ui.label(best.map_or_else(|| "no fleet".to_owned(), |best| format!("best: {best}")));
                ui.label(format!("{} fleets in {:.1} s", run.fleets, run.took.as_secs_f64()));
                let sum = digest(run.text.as_bytes());
                ui.monospace(&sum[..LETTERS]).on_hover_text(format!("SHA-256 of the text: {sum}"));
                if ui
                    .small_button("Take its text")
                    .on_hover_text("Undo brings the present one back")
                    .clicked()
                {
                    app.send.push(Command::TakeText(run.number));
                }
                if ui.small_button("×").on_hover_text(format!("Forget run {}", run.number)).clicked() {
                    app.send.push(Command::Forget(run.number));
                }
                ui.end_row();
            }
        });
    });
}

fn ago(made: std::time::SystemTime) -> String {
    let seconds = made.elapsed().map_or(0, |elapsed| elapsed.as_secs());
    match seconds {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        _ => format!("{} h ago", seconds / 3600),
    }
}
