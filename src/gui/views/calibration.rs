//! Calibrate this machine: what, for how long, points and curve as they come, the verdict on noise, and the profiles
//! that are there.

use egui::{Grid, ProgressBar, RichText, ScrollArea, TextEdit};

use crate::calibrate::ModelKind;
use crate::gui::calibration::{Asked, Live, Section};
use crate::gui::command::Command;
use crate::gui::session::Session;
use crate::report::{heading, measured_text, profiles_table};

use super::figure::figure;

/// What is being asked for, and which task is shown.
#[derive(Default)]
pub(in crate::gui) struct CalibrationState {
    asked: Asked,
    /// Title of the task shown; the one measured last when none is chosen.
    task: Option<String>,
}

pub(in crate::gui) fn show(
    ui: &mut egui::Ui,
    session: &Session,
    state: &mut CalibrationState,
    send: &mut Vec<Command>,
) {
    let running = session.calibrating();
    if let Some(here) = &session.catalog().here {
        ui.label(RichText::new(format!("This machine: {}", here.words())).strong());
    }
    ui.add_enabled_ui(!running, |ui| form(ui, &mut state.asked));
    ui.horizontal(|ui| {
        if ui.add_enabled(!running, egui::Button::new("Calibrate")).clicked() {
            state.task = None;
            send.push(Command::Calibrate(state.asked.clone()));
        }
        if ui.add_enabled(running, egui::Button::new("Stop calibrating")).clicked() {
            send.push(Command::StopCalibrating);
        }
    });
    let live = session.live();
    said(ui, session, running, &live, send);
    if live.tasks.is_empty() {
        return profiles(ui, session);
    }
    ui.collapsing("Profiles that are there", |ui| profiles(ui, session));
    if let Some(profile) = session.calibrated().map(|ended| &ended.profile) {
        ui.collapsing("The profile in words", |ui| {
            ScrollArea::both().id_salt("profile").max_height(180.0).show(ui, |ui| {
                for line in measured_text(profile).lines() {
                    ui.monospace(line);
                }
            });
        });
    }
    let shown = state.task.clone().unwrap_or_else(|| live.last.clone());
    egui::ComboBox::from_label("Curve").selected_text(&shown).width(420.0).show_ui(ui, |ui| {
        for task in &live.tasks {
            if ui.selectable_label(task.title == shown, &task.title).clicked() {
                state.task = Some(task.title.clone());
            }
        }
    });
    if let Some(task) = live.tasks.iter().find(|task| task.title == shown) {
        figure(ui, &task.figure, None);
    }
}

fn form(ui: &mut egui::Ui, asked: &mut Asked) {
    ui.horizontal_wrapped(|ui| {
        for (section, words) in [
            (Section::Train, "Training steps"),
            (Section::Infer, "Forward passes"),
            (Section::Input, "Input pipeline"),
        ] {
            ui.radio_value(&mut asked.section, section, words);
        }
        ui.separator();
        if asked.section != Section::Input {
            for ((word, _), wanted) in ModelKind::ALL.iter().zip(&mut asked.models) {
                ui.checkbox(wanted, *word);
            }
        }
    });
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Budget");
        ui.add(TextEdit::singleline(&mut asked.budget).hint_text("as long as it takes").desired_width(80.0))
            .labelled_by(label.id);
        let label = ui.label("Profile");
        ui.add(TextEdit::singleline(&mut asked.out).hint_text("my-machine.toml").desired_width(220.0))
            .labelled_by(label.id);
        ui.checkbox(&mut asked.restart, "Drop what a stopped one had measured");
    });
}

/// Progress, verdict, and what went wrong.
fn said(ui: &mut egui::Ui, session: &Session, running: bool, live: &Live, send: &mut Vec<Command>) {
    for line in &live.said {
        ui.weak(line);
    }
    if running {
        let (done, all) = live.runs;
        let share = done as f32 / all.max(1) as f32;
        let left = live.left.as_secs_f64().ceil();
        let text = if all == 0 {
            "warming up".to_owned()
        } else {
            format!("{done} of {all} runs, about {left:.0} s left")
        };
        ui.add(ProgressBar::new(share).desired_width(420.0).text(text));
    }
    match session.calibration_message() {
        Some(Ok(text)) => {
            ui.label(text);
        }
        Some(Err(text)) => {
            ui.colored_label(ui.visuals().error_fg_color, text);
        }
        None => {}
    }
    let Some(ended) = session.calibrated() else { return };
    if ended.cut_short {
        ui.label("the budget ended before every size was repeated: intervals are wider for it");
    }
    match &ended.complaint {
        Some(complaint) => {
            ui.horizontal_wrapped(|ui| {
                ui.colored_label(ui.visuals().warn_fg_color, format!("! {complaint}"));
                if ended.saved.is_none() && ui.button("Keep it although noisy").clicked() {
                    send.push(Command::KeepProfile);
                }
            });
        }
        None => {
            ui.label("the machine was quiet and steady");
        }
    }
}

/// The profiles of the catalog, and those saved by this window.
fn profiles(ui: &mut egui::Ui, session: &Session) {
    let table = profiles_table(session.catalog(), session.saved_profiles());
    ui.strong("Profiles");
    ScrollArea::both().id_salt("profiles").max_height(220.0).show(ui, |ui| {
        Grid::new("profiles").striped(true).show(ui, |ui| {
            for column in &table.columns {
                ui.weak(heading(&column.name).text());
            }
            ui.end_row();
            for row in 0..table.height() {
                for column in &table.columns {
                    ui.label(column.cells[row].short());
                }
                ui.end_row();
            }
        });
    });
    ui.weak("A scenario uses one by `[workload] profile = …`; `capplan calibrate verify` holds it against its machine");
}
