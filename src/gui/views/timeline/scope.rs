//! The part of the time on the screen.

use crate::units::SimTime;

/// Zooming in ends at so many nanoseconds.
const SHORTEST: f64 = 1000.0;

/// The part of the time on the screen, within all that was recorded; in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Scope {
    whole: (f64, f64),
    from: f64,
    until: f64,
}

/// Something that a button or a key does.
pub(super) type Change = fn(&mut Scope);

/// Words, keys and changes.
pub(super) const BUTTONS: &[(&str, &str, Change)] = &[
    ("Whole run", "0", |scope| *scope = scope.all()),
    ("Zoom in", "W, or Ctrl and the wheel", |scope| scope.zoom(2.0, 0.5)),
    ("Zoom out", "S, or Ctrl and the wheel", |scope| scope.zoom(0.5, 0.5)),
    ("Earlier", "A, or drag", |scope| scope.pan(-0.25)),
    ("Later", "D, or drag", |scope| scope.pan(0.25)),
];

impl Scope {
    /// All of a recording.
    pub(super) fn of(first: SimTime, last: SimTime) -> Self {
        let (from, until) = (first.0 as f64, (last.0 as f64).max(first.0 as f64 + SHORTEST));
        Self { whole: (from, until), from, until }
    }

    fn all(&self) -> Self {
        Self { whole: self.whole, from: self.whole.0, until: self.whole.1 }
    }

    /// First and last instant on the screen.
    pub(super) fn ends(&self) -> (SimTime, SimTime) {
        (SimTime(self.from.max(0.0) as u64), SimTime(self.until.max(0.0) as u64))
    }

    /// Length of what is on the screen, in nanoseconds.
    pub(super) fn length(&self) -> f64 {
        self.until - self.from
    }

    /// Zooms by a factor; what stands at a share of the width stays there.
    pub(super) fn zoom(&mut self, factor: f64, share: f64) {
        if !(factor.is_finite() && factor > 0.0) {
            return;
        }
        let most = self.whole.1 - self.whole.0;
        let length = (self.length() / factor).clamp(SHORTEST.min(most), most);
        let still = self.from + share * self.length();
        self.place(still - share * length, length);
    }

    /// Moves by a share of the width.
    pub(super) fn pan(&mut self, share: f64) {
        self.place(self.from + share * self.length(), self.length());
    }

    fn place(&mut self, from: f64, length: f64) {
        self.from = from.clamp(self.whole.0, (self.whole.1 - length).max(self.whole.0));
        self.until = self.from + length;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_scope_never_leaves_the_recording(
            changes in prop::collection::vec((0usize..3, -3.0f64..3.0, 0.0f64..1.0), 0..60),
            first in 0u64..1_000_000_000, length in 0u64..1_000_000_000_000,
        ) {
            let mut scope = Scope::of(SimTime(first), SimTime(first + length));
            for (what, amount, share) in changes {
                match what {
                    0 => scope.zoom(libm::exp(amount), share),
                    1 => scope.pan(amount),
                    _ => (BUTTONS[(share * 4.9) as usize].2)(&mut scope),
                }
                prop_assert!(scope.from >= scope.whole.0 - 1.0 && scope.until <= scope.whole.1 + 1.0, "{scope:?}");
                prop_assert!(scope.length() > 0.0, "{scope:?}");
            }
            (BUTTONS[0].2)(&mut scope);
            prop_assert_eq!((scope.from, scope.until), scope.whole);
        }
    }

    #[test]
    fn zooming_leaves_what_is_pointed_at_where_it_is() {
        let mut scope = Scope::of(SimTime(0), SimTime(1_000_000_000));
        scope.zoom(10.0, 0.3);
        let at = scope.from + 0.3 * scope.length();
        assert!((at - 0.3e9).abs() < 1.0 && (scope.length() - 1e8).abs() < 1.0, "{scope:?}");
    }
}
