//! An undisturbed stretch of training in closed form: steps with a checkpoint after every so many.
//!
//! All in integer nanoseconds, so that leaping over a stretch and stepping through it agree exactly.

use crate::units::SimSpan;

/// Steps of equal length with checkpoints in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Steps until the end of the phase.
    pub steps: u64,
    /// Time of one step.
    pub step: SimSpan,
    /// Steps between two checkpoints; `None` for no checkpoints.
    pub interval: Option<u64>,
    /// Time to write one checkpoint.
    pub write: SimSpan,
    /// Steps done since the last checkpoint when the stretch begins.
    pub unsaved: u64,
}

/// How far a stretch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps completed.
    pub steps: u64,
    /// Checkpoints completed.
    pub checkpoints: u64,
    /// Steps completed since the last checkpoint, those before the stretch included.
    pub unsaved: u64,
}

impl Stretch {
    /// No steps at all.
    pub const NOTHING: Self =
        Self { steps: 0, step: SimSpan::ZERO, interval: None, write: SimSpan::ZERO, unsaved: 0 };

    /// Checkpoints written on the way to the end; one that would fall on the very end is left to the next phase.
    #[must_use]
    pub fn checkpoints(&self) -> u64 {
        match self.interval {
            Some(interval) if self.steps > 0 => (self.unsaved + self.steps - 1) / interval,
            _ => 0,
        }
    }

    /// Time to the end.
    #[must_use]
    pub fn span(&self) -> SimSpan {
        self.step.times(self.steps) + self.write.times(self.checkpoints())
    }

    /// Progress after `elapsed`.
    #[must_use]
    pub fn after(&self, elapsed: SimSpan) -> Progress {
        if elapsed >= self.span() {
            let checkpoints = self.checkpoints();
            let saved = self.interval.map_or(0, |interval| checkpoints.saturating_mul(interval));
            return Progress { steps: self.steps, checkpoints, unsaved: self.unsaved + self.steps - saved };
        }
        let (elapsed, step) = (u128::from(elapsed.0), u128::from(self.step.0.max(1)));
        let Some(interval) = self.interval else {
            let steps = clamp(elapsed / step, self.steps);
            return Progress { steps, checkpoints: 0, unsaved: self.unsaved + steps };
        };
        // A checkpoint is due as soon as `unsaved` gets to the interval, before the next step.
        let first = u128::from(interval - self.unsaved.min(interval));
        let (interval, write) = (u128::from(interval), u128::from(self.write.0));
        let first_cycle = first * step + write;
        if elapsed < first_cycle {
            let steps = clamp((elapsed / step).min(first), self.steps);
            return Progress { steps, checkpoints: 0, unsaved: self.unsaved + steps };
        }
        let cycle = interval * step + write;
        let (cycles, rest) = ((elapsed - first_cycle) / cycle, (elapsed - first_cycle) % cycle);
        let partial = (rest / step).min(interval);
        Progress {
            steps: clamp(first + cycles * interval + partial, self.steps),
            checkpoints: clamp(1 + cycles, u64::MAX),
            unsaved: clamp(partial, u64::MAX),
        }
    }
}

fn clamp(value: u128, most: u64) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX).min(most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The oracle: one step or checkpoint at a time.
    fn stepped(stretch: &Stretch, elapsed: u64) -> Progress {
        let (mut now, mut progress) = (0, Progress { steps: 0, checkpoints: 0, unsaved: stretch.unsaved });
        loop {
            if stretch.interval == Some(progress.unsaved) && progress.steps < stretch.steps {
                now += stretch.write.0;
                if now > elapsed {
                    return progress;
                }
                progress.checkpoints += 1;
                progress.unsaved = 0;
            }
            if progress.steps == stretch.steps {
                return progress;
            }
            now += stretch.step.0;
            if now > elapsed {
                return progress;
            }
            progress.steps += 1;
            progress.unsaved += 1;
        }
    }

    proptest! {
        #[test]
        fn a_leap_equals_its_steps_to_the_nanosecond(
            steps in 0u64..400, step in 1u64..50, write in 0u64..120,
            interval in prop::option::of(1u64..40), unsaved in 0u64..40, share in 0.0f64..1.2,
        ) {
            let unsaved = unsaved.min(interval.unwrap_or(40));
            let stretch = Stretch { steps, step: SimSpan(step), interval, write: SimSpan(write), unsaved };
            let elapsed = (stretch.span().0 as f64 * share) as u64;
            prop_assert_eq!(stretch.after(SimSpan(elapsed)), stepped(&stretch, elapsed));
            let end = stepped(&stretch, u64::MAX / 2);
            prop_assert_eq!(stretch.checkpoints(), end.checkpoints);
            prop_assert_eq!(stretch.after(stretch.span()), end);
        }
    }

    #[test]
    fn a_trillion_steps_are_one_leap() {
        let stretch = Stretch {
            steps: 1_000_000_000_000,
            step: SimSpan(1_000_000),
            interval: Some(1000),
            write: SimSpan(1_000_000),
            unsaved: 0,
        };
        assert_eq!(stretch.checkpoints(), 999_999_999);
        let half = SimSpan(stretch.span().0 / 2);
        let progress = stretch.after(half);
        assert!(progress.steps.abs_diff(500_000_000_000) < 1000);
    }
}
