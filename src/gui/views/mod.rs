//! Views of the result: one file each, one line in [`View::ALL`]. A view reads a [`Shown`] and sends commands.

#[cfg(feature = "calibrate")]
mod calibration;
mod compare;
mod figure;
mod handles;
mod latency;
mod marks;
mod pareto;
mod timeline;
mod validation;

use serde::{Deserialize, Serialize};

use crate::report;

use super::command::Command;
use super::recorder::{Stage, Wanted};
use super::session::Shown;

#[cfg(feature = "calibrate")]
pub(super) use calibration::{CalibrationState, show as show_calibration};
pub(super) use compare::{CompareState, Screen};
pub(super) use figure::figure;
pub(super) use handles::name_handles;
pub(super) use latency::LatencyState;
pub(super) use marks::marked;
pub(super) use pareto::ParetoState;
pub(super) use timeline::TimelineState;
pub(super) use validation::{ValidationState, show as show_validation};

/// A view of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// The table of all fleets.
    Compare,
    /// Two figures against each other.
    Pareto,
    /// The bill.
    Cost,
    /// What bounds.
    Bound,
    /// Devices against time.
    Scaling,
    /// Percentiles of latency.
    Latency,
    /// Load against cost.
    BreakEven,
    /// Memory of a device.
    Memory,
    /// Which numbers matter.
    Sensitivity,
    /// What one replica does when.
    Timeline,
    /// Predictions against published measurements.
    Validation,
    /// What steps take on this machine.
    Calibration,
}

impl View {
    /// All, in the order of the tabs.
    pub const ALL: &[Self] = &[
        Self::Compare,
        Self::Pareto,
        Self::Cost,
        Self::Bound,
        Self::Scaling,
        Self::Latency,
        Self::BreakEven,
        Self::Memory,
        Self::Sensitivity,
        Self::Timeline,
        Self::Validation,
        #[cfg(feature = "calibrate")]
        Self::Calibration,
    ];

    /// Whether it shows the result of a scenario; the others stand on their own.
    #[must_use]
    pub fn of_result(self) -> bool {
        !matches!(self, Self::Validation | Self::Calibration)
    }

    /// What its tab says.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Compare => "Compare",
            Self::Pareto => "Pareto",
            Self::Cost => "Cost",
            Self::Bound => "Bound",
            Self::Scaling => "Scaling",
            Self::Latency => "Latency",
            Self::BreakEven => "Break-even",
            Self::Memory => "Memory",
            Self::Sensitivity => "What matters",
            Self::Timeline => "Timeline",
            Self::Validation => "Validation",
            Self::Calibration => "Calibration",
        }
    }
}

/// What the views remember between frames.
#[derive(Default)]
pub(super) struct States {
    pub(super) compare: CompareState,
    pub(super) pareto: ParetoState,
    pub(super) latency: LatencyState,
    pub(super) timeline: TimelineState,
    pub(super) validation: ValidationState,
    #[cfg(feature = "calibrate")]
    pub(super) calibration: CalibrationState,
}

/// What a view is drawn from.
pub(super) struct Seen<'a> {
    /// The result.
    pub shown: &'a Shown,
    /// The selected fleet.
    pub selected: Option<&'a str>,
    /// Whether the result is older than the scenario.
    pub stale: bool,
    /// How far the timeline of a fleet is.
    pub timeline: &'a dyn Fn(&Wanted) -> Stage,
    /// Where commands go.
    pub send: &'a mut Vec<Command>,
}

/// Draws a view.
pub(super) fn show(
    view: View,
    ui: &mut egui::Ui,
    seen: &mut Seen<'_>,
    states: &mut States,
    hidden: &mut Vec<String>,
) {
    let comparison = &seen.shown.comparison;
    let made = match view {
        View::Compare => return compare::show(ui, seen, &mut states.compare, hidden),
        View::Timeline => return timeline::show(ui, seen, &mut states.timeline),
        View::Latency => return latency::show(ui, seen, &mut states.latency),
        View::Pareto => return pareto::show(ui, seen, &mut states.pareto),
        View::Cost => report::costs(comparison),
        View::Bound => report::bounds(comparison),
        View::Scaling => report::scaling(comparison),
        View::BreakEven => report::break_even(comparison),
        View::Memory => report::memory(comparison),
        View::Sensitivity => match &seen.shown.sensitivity {
            Some(found) => report::tornado(found),
            None => return ask(ui, seen),
        },
        View::Validation | View::Calibration => None,
    };
    match made {
        Some(made) => figure(ui, &made, seen.selected),
        None => nothing(ui, view),
    }
}

/// Moving every number takes some fifty runs, so that it is asked for.
fn ask(ui: &mut egui::Ui, seen: &mut Seen<'_>) {
    ui.label("Every number of the scenario is moved a fifth down and up, and the fleets are compared anew each time");
    if ui.button("Find out what matters").clicked() {
        seen.send.push(Command::Weigh);
    }
}

/// What a view says when the result has nothing for it.
fn nothing(ui: &mut egui::Ui, view: View) {
    let why = match view {
        View::Scaling => "Give a fleet several counts, as count = [1, 2, 4], to see how it scales",
        View::Latency => "Only a service that keeps up has latencies",
        View::BreakEven => "Two fleets with a capacity and a price are needed",
        View::Sensitivity => "No number of the scenario matters",
        View::Memory => "Nothing is known of the memory of these fleets",
        _ => "No fleet has the figures for this view",
    };
    ui.centered_and_justified(|ui| ui.label(why));
}
