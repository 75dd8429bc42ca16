//! The time of requests as a distribution: which time is free.

use crate::report::{latencies, latency_times};
use crate::scenario::RequestTime;

use super::Seen;
use super::figure::figure;

/// The time chosen.
#[derive(Default)]
pub(in crate::gui) struct LatencyState {
    chosen: Option<RequestTime>,
}

pub(super) fn show(ui: &mut egui::Ui, seen: &mut Seen<'_>, state: &mut LatencyState) {
    let comparison = &seen.shown.comparison;
    let times = latency_times(comparison);
    let chosen = state.chosen.filter(|chosen| times.iter().any(|(time, _)| time == chosen));
    let Some(chosen) = chosen.or(times.first().map(|(time, _)| *time)) else {
        return super::nothing(ui, super::View::Latency);
    };
    ui.horizontal_wrapped(|ui| {
        for (time, words) in &times {
            if ui.selectable_label(*time == chosen, *words).clicked() {
                state.chosen = Some(*time);
            }
        }
    });
    match latencies(comparison, chosen) {
        Some(made) => figure(ui, &made, seen.selected),
        None => super::nothing(ui, super::View::Latency),
    }
}
