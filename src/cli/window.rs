//! `capplan gui`: hands over to the window, which this room does not know.

use std::path::PathBuf;
use std::time::Instant;

use crate::catalog::Catalog;
use crate::steptime::StepTimes;

use super::args::{Drawing, Gui, Look, Shared};
use super::exit::{Failure, Status};
use super::{input, output, simulate};

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
    /// What to show.
    pub show: Vec<String>,
    /// Colours.
    pub theme: Option<Look>,
    /// Inner size in points.
    pub size: Option<[u16; 2]>,
    /// Where to write a picture of the window.
    pub screenshot: Option<PathBuf>,
    /// Told once the first frame is on the screen.
    pub first_frame: Option<Box<dyn FnOnce()>>,
}

/// Why there is no window.
#[derive(Debug)]
pub enum Unopened {
    /// A wrong call.
    Usage(String),
    /// No display, no renderer, or a file that cannot be written.
    Display(String),
}

/// Opens the window and returns when it is closed, with what there is to tell.
pub type OpenWindow = fn(Window) -> Result<Option<String>, Unopened>;

pub(super) fn run(
    options: Gui,
    shared: &Shared,
    begun: Instant,
    open: OpenWindow,
) -> Result<Status, Failure> {
    let first_frame = (shared.verbose > 0).then(|| -> Box<dyn FnOnce()> {
        Box::new(move || {
            let took = begun.elapsed().as_secs_f64();
            output::to_stderr(&format!("first frame after {took:.3} s\n"));
        })
    });
    let window = Window {
        catalog: input::catalog(&options.catalog)?,
        step_times: simulate::step_times()?,
        scenario: options.scenario,
        renderer: options.renderer,
        show: options.show,
        theme: options.theme,
        size: options.size,
        screenshot: options.screenshot,
        first_frame,
    };
    match open(window) {
        Ok(told) => {
            told.map_or(Ok(()), |told| output::to_stdout(&format!("{told}\n")))?;
            Ok(Status::Done)
        }
        Err(Unopened::Usage(why)) => Err(Failure::plain(Status::Usage, "usage", why)),
        Err(Unopened::Display(why)) => Err(Failure::plain(Status::Io, "display", why)),
    }
}
