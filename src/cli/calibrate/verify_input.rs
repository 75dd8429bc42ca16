//! The part of `capplan calibrate verify` that writes and reads files.

use std::path::Path;
use std::time::Duration;

use crate::calibrate::input::InputBench;
use crate::calibrate::{Method, RealClock, measure};
use crate::catalog::MeasuredProfile;
use crate::catalog::measured::Section;
use crate::engine::Cancel;
use crate::validate::{SizeCheck, check_sizes};

use super::screen::Screen;
use crate::cli::args::Shared;
use crate::cli::exit::Failure;
use crate::cli::output::lively;

/// Sizes of samples between those of the profile, measured now; none where it has no input section.
pub fn sizes(
    profile: &MeasuredProfile,
    folder: Option<&Path>,
    budget: Option<Duration>,
    shared: &Shared,
    cancel: &Cancel,
) -> Result<Vec<SizeCheck>, Failure> {
    if profile.section(Section::Input).next().is_none() {
        return Ok(Vec::new());
    }
    let mut bench = InputBench::held_out(folder, cancel)?;
    let tasks = bench.tasks();
    let method = Method { repeats: 2, budget, ..Method::usual(cancel) };
    let screen = Screen::new(!shared.quiet, lively(shared.color));
    let clock = RealClock::start();
    let measured = measure(&tasks, &mut bench, &method, &clock, None, &mut |progress| screen.show(progress));
    screen.finish();
    Ok(check_sizes(profile, &measured?.curves))
}
