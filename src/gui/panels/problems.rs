//! What is wrong with the scenario, and what to mind about the result; a click goes to the place.

use super::runs;
use crate::gui::app::App;
use crate::gui::command::Command;

pub(super) fn show(app: &mut App, ui: &mut egui::Ui) {
    let Some(document) = app.session.document() else { return };
    let problems = &document.checked().problems;
    let warnings: Vec<String> = app
        .session
        .shown()
        .iter()
        .flat_map(|shown| &shown.comparison.rows)
        .flat_map(|row| row.warnings.iter().map(|warning| format!("{}: {warning}", row.fleet)))
        .collect();
    let words = match problems.len() {
        0 => "No problems".to_owned(),
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    let past = &mut app.panels.past;
    ui.horizontal(|ui| {
        ui.selectable_value(past, false, words);
        ui.selectable_value(past, true, format!("Past runs ({})", app.session.results().len()));
    });
    if *past {
        return runs::show(app, ui);
    }
    egui::ScrollArea::vertical().id_salt("problems").auto_shrink(false).show(ui, |ui| {
        for problem in problems {
            let place = problem
                .place
                .map_or_else(String::new, |(line, column)| format!("line {line}, column {column}: "));
            let key = if problem.key.is_empty() { String::new() } else { format!("{}: ", problem.key) };
            let text = egui::RichText::new(format!("{place}{key}{}", problem.message));
            let colour = ui.visuals().error_fg_color;
            let link = ui.add(egui::Button::new(text.color(colour)).frame(false).wrap());
            if let (true, Some(span)) = (link.clicked(), &problem.span) {
                app.send.push(Command::GoTo(span.start));
            }
        }
        for warning in &warnings {
            ui.label(egui::RichText::new(format!("! {warning}")).color(ui.visuals().warn_fg_color));
        }
    });
}
