//! What one replica does when: lanes of spans, to zoom and to pan.

mod lanes;
mod scope;

use crate::gui::command::Command;
use crate::gui::recorder::{Recorded, Stage, Wanted};
use crate::report::{act_colour, span_words};
use crate::units::{Dimension, Seconds, Significant, human_duration, parse_quantity};

use super::Seen;
use scope::Scope;

/// What the view remembers between frames.
#[derive(Default)]
pub(in crate::gui) struct TimelineState {
    scope: Scope,
    lanes: lanes::Drawn,
    /// Number of the recording that the scope is of.
    number: u64,
    /// Ends of the part to record, as typed.
    part: [String; 2],
    /// The part that was asked for.
    window: Option<(Seconds, Seconds)>,
}

pub(super) fn show(ui: &mut egui::Ui, seen: &mut Seen<'_>, state: &mut TimelineState) {
    let comparison = &seen.shown.comparison;
    let Some(fleet) = seen.selected.or(comparison.recommended.as_deref()).map(str::to_owned) else {
        ui.centered_and_justified(|ui| ui.label("Select a fleet to see what one replica of it does"));
        return;
    };
    part(ui, state);
    let wanted = Wanted { fleet, window: state.window };
    match (seen.timeline)(&wanted) {
        Stage::Done(recorded) => draw(ui, &recorded, state),
        Stage::Recording(since) => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(format!("Recording {}, {:.0} s", wanted.fleet, since.as_secs_f32()));
            });
        }
        Stage::Refused(why) => {
            ui.colored_label(ui.visuals().warn_fg_color, why);
            if ui.button("Record again").clicked() {
                seen.send.push(Command::Record(wanted));
            }
        }
        // What is older than the text cannot be run again.
        Stage::Nothing if seen.stale => {
            ui.label("The scenario has changed; F5 runs it, and its timeline follows");
        }
        Stage::Nothing => {
            ui.label(format!("Recording {}", wanted.fleet));
            seen.send.push(Command::Record(wanted));
        }
    }
}

/// The part of the simulated time to record.
fn part(ui: &mut egui::Ui, state: &mut TimelineState) {
    ui.horizontal(|ui| {
        for (index, words) in ["Record from", "until"].into_iter().enumerate() {
            let label = ui.label(words);
            let field = egui::TextEdit::singleline(&mut state.part[index]);
            let hint = if index == 0 { "0 s" } else { "20 min" };
            ui.add(field.hint_text(hint).desired_width(70.0)).labelled_by(label.id);
        }
        if state.part.iter().all(|text| text.trim().is_empty()) {
            state.window = None;
            ui.weak("all of a job; ten minutes of a service");
            return;
        }
        let time = |text: &str, missing: f64| {
            if text.trim().is_empty() { Ok(missing) } else { parse_quantity(text, Dimension::Time) }
        };
        match (time(&state.part[0], 0.0), time(&state.part[1], f64::INFINITY)) {
            (Ok(from), Ok(until)) if 0.0 <= from && from < until => {
                if ui.button("Record this part").clicked() {
                    state.window = Some((Seconds(from), Seconds(until)));
                }
            }
            (Ok(_), Ok(_)) => {
                ui.colored_label(ui.visuals().error_fg_color, "it must end after it begins");
            }
            (Err(error), _) | (_, Err(error)) => {
                ui.colored_label(ui.visuals().error_fg_color, error.to_string());
            }
        }
    });
}

fn draw(ui: &mut egui::Ui, recorded: &Recorded, state: &mut TimelineState) {
    let timeline = recorded.lanes.timeline();
    let Some((first, last)) = recorded.lanes.reach() else {
        ui.label(format!("{} does nothing in this part of the time", recorded.wanted.fleet));
        return;
    };
    if state.number != recorded.number {
        state.number = recorded.number;
        state.scope = Scope::of(first, last);
        state.lanes = lanes::Drawn::default();
    }
    ui.horizontal_wrapped(|ui| {
        ui.strong(format!("{}: {}", recorded.wanted.fleet, recorded.told));
        for (words, key, change) in scope::BUTTONS {
            if ui.button(*words).on_hover_text(*key).clicked() {
                change(&mut state.scope);
            }
        }
        let (from, until) = state.scope.ends();
        let length = Significant(until.since(from).seconds().0, 3);
        let whole = Significant(last.since(first).seconds().0, 4);
        ui.weak(format!("Shown: {length} s of {whole} s, from {:.3} s on", from.seconds().0));
    });
    ui.horizontal_wrapped(|ui| {
        for act in recorded.lanes.acts() {
            let [red, green, blue] = act_colour(act);
            ui.horizontal(|ui| {
                let (square, _) = ui.allocate_exact_size(egui::vec2(11.0, 11.0), egui::Sense::hover());
                ui.painter().rect_filled(square, 1.0, egui::Color32::from_rgb(red, green, blue));
                ui.label(act.words());
            });
        }
    });
    if let Some(capped) = timeline.capped {
        ui.colored_label(
            ui.visuals().warn_fg_color,
            format!(
                "{} spans are kept: from {} on it is not complete; record a part of the time instead",
                timeline.spans.len(),
                human_duration(capped.seconds())
            ),
        );
    }
    if let Some(span) = lanes::show(ui, recorded, &mut state.scope, &mut state.lanes) {
        let words = span_words(&span);
        egui::Tooltip::always_open(
            ui.ctx().clone(),
            ui.layer_id(),
            egui::Id::unique("timeline span"),
            egui::PopupAnchor::Pointer,
        )
        .gap(12.0)
        .show(|ui| ui.label(words));
    }
}
