//! A progress bar with time left on a terminal, a line per tenth elsewhere; and Ctrl-C.

use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::Cancel;
use crate::study::{Progress, Watch};

/// Shows progress on stderr.
pub struct Bar {
    bar: Option<ProgressBar>,
    tenths: Option<AtomicU64>,
}

impl Bar {
    /// Nothing, a bar, or lines.
    pub fn new(shown: bool, lively: bool, verbose: bool) -> Self {
        if !shown || !(lively || verbose) {
            return Self { bar: None, tenths: None };
        }
        if !lively {
            return Self { bar: None, tenths: Some(AtomicU64::new(0)) };
        }
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} replications, {eta} left") {
            bar.set_style(style);
        }
        Self { bar: Some(bar), tenths: None }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Bar {
    fn progress(&self, progress: Progress) {
        if let Some(bar) = &self.bar {
            bar.set_length(progress.planned);
            bar.set_position(progress.done);
        }
        if let Some(tenths) = &self.tenths {
            let tenth = 10 * progress.done / progress.planned.max(1);
            if tenths.fetch_max(tenth, Ordering::Relaxed) < tenth {
                super::output::to_stderr(&format!("{} % of {} replications\n", 10 * tenth, progress.planned));
            }
        }
    }
}

/// Raises the flag at the first Ctrl-C and leaves at the second.
pub fn cancel_on_interrupt() -> Cancel {
    let cancel = Cancel::new();
    let flag = cancel.clone();
    // Only fails when a handler is there already, which keeps working.
    let _ = ctrlc::set_handler(move || {
        if flag.is_cancelled() {
            std::process::exit(130);
        }
        flag.cancel();
    });
    cancel
}

/// Longest that a run under way may go on after Ctrl-C.
#[cfg(feature = "calibrate")]
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(800);

/// Raises the flag at the first Ctrl-C and leaves soon after, whatever is under way: files are replaced whole or not at
/// all, and a journal forgives a torn line.
#[cfg(feature = "calibrate")]
pub fn leave_on_interrupt() -> Cancel {
    let cancel = Cancel::new();
    let flag = cancel.clone();
    let leave = || {
        crate::calibrate::input::folder::remove_present();
        std::process::exit(130)
    };
    let _ = ctrlc::set_handler(move || {
        if flag.is_cancelled() {
            leave();
        }
        flag.cancel();
        std::thread::spawn(move || {
            std::thread::sleep(PATIENCE);
            leave();
        });
    });
    cancel
}
