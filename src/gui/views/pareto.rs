//! Two figures against each other, the axes free.

use egui::ComboBox;

use crate::report::{Measure, measures, pareto};

use super::Seen;
use super::figure::figure;

/// The axes chosen.
#[derive(Default)]
pub(in crate::gui) struct ParetoState {
    chosen: [Option<Measure>; 2],
}

pub(super) fn show(ui: &mut egui::Ui, seen: &mut Seen<'_>, state: &mut ParetoState) {
    let comparison = &seen.shown.comparison;
    let known = measures(comparison);
    let usual = Measure::usual(comparison);
    let mut axes = [usual.0, usual.1];
    ui.horizontal_wrapped(|ui| {
        for (axis, (words, usual)) in [("Across", usual.0), ("Up", usual.1)].into_iter().enumerate() {
            let chosen = state.chosen[axis].filter(|measure| known.contains(measure)).unwrap_or(usual);
            axes[axis] = chosen;
            ComboBox::from_label(words).selected_text(chosen.label).show_ui(ui, |ui| {
                for measure in &known {
                    if ui.selectable_label(*measure == chosen, measure.label).clicked() {
                        state.chosen[axis] = Some(*measure);
                        axes[axis] = *measure;
                    }
                }
            });
        }
    });
    match pareto(comparison, axes[0], axes[1]) {
        Some(made) => figure(ui, &made, seen.selected),
        None => super::nothing(ui, super::View::Pareto),
    }
}
