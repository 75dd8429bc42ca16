//! What is wrong with the scenario, and what to mind about the result; a click goes to the place.

use std::collections::HashMap;

use super::runs;
use crate::gui::app::App;
use crate::gui::command::Command;
use crate::study::Comparison;

/// Warnings shown at most; the details of a fleet have all of its own.
const MOST: usize = 200;

pub(super) fn show(app: &mut App, ui: &mut egui::Ui) {
    let Some(document) = app.session.document() else { return };
    let problems = &document.checked().problems;
    let warnings = app.session.shown().map_or_else(Vec::new, |shown| warnings(&shown.comparison));
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

/// What to mind about the result, each warning once with the fleets that it is of: of a thousand fleets a thousand lines
/// would say the same, and take longer than a frame.
fn warnings(comparison: &Comparison) -> Vec<String> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut found: Vec<(&str, &str, usize)> = Vec::new();
    for row in &comparison.rows {
        for warning in &row.warnings {
            let place = *places.entry(warning).or_insert(found.len());
            match found.get_mut(place) {
                Some((_, _, count)) => *count += 1,
                None => found.push((warning, &row.fleet, 1)),
            }
        }
    }
    let words = |(warning, fleet, count): &(&str, &str, usize)| match count {
        1 => format!("{fleet}: {warning}"),
        count => format!("{fleet} and {} more: {warning}", count - 1),
    };
    let mut told: Vec<String> = found.iter().take(MOST).map(words).collect();
    if found.len() > MOST {
        told.push(format!("and {} more warnings", found.len() - MOST));
    }
    told
}
