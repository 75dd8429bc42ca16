//! What a calibration shows while it runs: runs done, time left, the curve so far.

use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::calibrate::{Progress, Task};
use crate::report::curve_plot;
use crate::stats::{Form, Point, choose};

use super::super::output::to_stderr;

/// Progress on stderr: a moving plot with a bar on a terminal, a line per tenth elsewhere.
pub struct Screen {
    bar: Option<ProgressBar>,
    tenth: AtomicU64,
    shown: bool,
}

impl Screen {
    /// Nothing, a moving picture, or lines.
    pub fn new(shown: bool, lively: bool) -> Self {
        let bar = (shown && lively).then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(4));
            if let Ok(style) = ProgressStyle::with_template("{msg}{bar:30} {pos}/{len} runs, {prefix}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, tenth: AtomicU64::new(0), shown }
    }

    /// After each run.
    pub fn show(&self, progress: &Progress<'_>) {
        let left = format!("about {:.0} s left", progress.left.as_secs_f64().ceil());
        if let Some(bar) = &self.bar {
            bar.set_length(progress.all);
            bar.set_position(progress.done);
            bar.set_prefix(left.clone());
            bar.set_message(picture(progress.task, &progress.points));
        } else if self.shown {
            let tenth = 10 * progress.done / progress.all.max(1);
            if self.tenth.fetch_max(tenth, Ordering::Relaxed) < tenth {
                to_stderr(&format!("{} of {} runs, {left}\n", progress.done, progress.all));
            }
        }
    }

    /// Takes the picture away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The curve of a task so far.
pub fn picture(task: &Task, points: &[Point]) -> String {
    let Some(quantity) = task.quantities.first() else { return String::new() };
    let forms: &[Form] = if quantity.forms.is_empty() { &Form::RATES } else { quantity.forms };
    let curve = choose(forms, points).ok().map(|choice| choice.fitted.curve);
    curve_plot(&task.title(), task.axis, quantity.unit, points, curve.as_ref())
}
