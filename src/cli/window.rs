//! `capplan gui`: hands over to the window, which this room does not know.

use std::error::Error;

use crate::catalog::Catalog;
use crate::steptime::StepTimes;

use super::args::{Drawing, Gui};
use super::exit::{Failure, Status};
use super::{input, simulate};

/// What the window is opened with.
pub struct Window {
    /// The catalog with its overlays.
    pub catalog: Catalog,
    /// The shipped step times.
    pub step_times: StepTimes,
    /// Scenario to open.
    pub scenario: Option<String>,
    /// What draws.
    pub renderer: Drawing,
}

/// Opens the window and returns when it is closed.
pub type OpenWindow = fn(Window) -> Result<(), Box<dyn Error>>;

pub(super) fn run(options: Gui, open: OpenWindow) -> Result<Status, Failure> {
    let window = Window {
        catalog: input::catalog(&options.catalog)?,
        step_times: simulate::step_times()?,
        scenario: options.scenario,
        renderer: options.renderer,
    };
    open(window).map_err(|error| Failure::plain(Status::Io, "display", error.to_string()))?;
    Ok(Status::Done)
}
