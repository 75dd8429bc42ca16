//! The first screen: what the program answers, examples to run, files to open.

use egui::{RichText, ScrollArea};

use crate::gui::app::App;
use crate::gui::command::Command;

/// What a newcomer may ask, and the example that answers it.
const EXAMPLES: &[(&str, &str)] = &[
    ("daily-recommender", "Daily recommender: one large machine or many cheap ones?"),
    ("chat", "Chat: how many replicas of which machine hold the latency?"),
    ("nightly-scoring", "Batch inference: 500 million records by morning"),
    ("continued-pretraining-7b", "Continued pre-training of a 7B model: H100, L4 or TPU?"),
];

pub(super) fn show(app: &mut App, ui: &mut egui::Ui) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.add_space(32.0);
            ui.heading(RichText::new("capplan").size(30.0));
            ui.label("Which fleet should do this job, what will it cost, when will it be done, what limits it, how sure are we?");
            ui.add_space(20.0);
            for (name, question) in EXAMPLES {
                if ui.add(egui::Button::new(*question).min_size([460.0, 34.0].into())).clicked() {
                    app.send.extend([Command::Open(format!("example:{name}")), Command::Run]);
                }
            }
            ui.add_space(16.0);
            ui.horizontal(|ui| {
                ui.add_space((ui.available_width() - 260.0).max(0.0) / 2.0);
                if ui.button("Open a scenario…").clicked() {
                    app.send.push(Command::OpenDialog);
                }
                if ui.button("New scenario").clicked() {
                    app.send.push(Command::New);
                }
            });
            ui.weak("or drop a scenario file here");
            ui.add_space(16.0);
            for name in app.options.recent.clone() {
                if ui.link(&name).clicked() {
                    app.send.push(Command::Open(name));
                }
            }
            ui.add_space(16.0);
            ui.weak("1. Open or edit a scenario   2. F5 runs it   3. Click a fleet to see why");
        });
    });
}
