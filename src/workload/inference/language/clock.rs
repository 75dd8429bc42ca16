//! The clock of a replica: exact sums of iteration times, so that leaping and stepping give the same nanoseconds.
//!
//! Times are integers of 2⁻³² ns. The line of a decode iteration is rounded to them once; a leap over `n` iterations is
//! then the exact sum of its steps, not an approximation of it.

use crate::steptime::serving::DecodeLine;
use crate::units::{SimSpan, SimTime};

const FRACTION_BITS: u32 = 32;
/// Longest iteration in nanoseconds, 73 years: what is longer is a fault of the table and must not overflow.
const LONGEST_NS: f64 = (1_u64 << 61) as f64;

/// A time in 2⁻³² ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fine(i128);

impl Fine {
    pub(super) fn of(time: SimTime) -> Self {
        Self(i128::from(time.0) << FRACTION_BITS)
    }

    /// The first whole nanosecond that is not before it.
    pub(super) fn time(self) -> SimTime {
        let whole = (self.0 + ((1 << FRACTION_BITS) - 1)) >> FRACTION_BITS;
        SimTime(u64::try_from(whole).unwrap_or(u64::MAX))
    }

    pub(super) fn since(self, earlier: Self) -> SimSpan {
        SimSpan(u64::try_from((self.0 - earlier.0) >> FRACTION_BITS).unwrap_or(0))
    }

    pub(super) fn after(self, nanoseconds: f64) -> Self {
        Self(self.0 + fine(nanoseconds).max(0))
    }
}

fn fine(nanoseconds: f64) -> i128 {
    // NaN becomes zero.
    (nanoseconds.clamp(-LONGEST_NS, LONGEST_NS) * (1_u64 << FRACTION_BITS) as f64) as i128
}

/// Tokens that every decoding sequence gains in an iteration, in 2⁻¹⁶ tokens; whole tokens fall due as they fill up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace(u64);

const PACE_BITS: u32 = 16;

impl Pace {
    /// Expected tokens of a verification (Leviathan et al., arXiv 2211.17192, equation 1): `(1 − aᵏ⁺¹) / (1 − a)`.
    pub(super) fn speculating(drafts: u32, acceptance: f64) -> Self {
        let acceptance = if acceptance.is_finite() { acceptance.clamp(0.0, 1.0) } else { 0.0 };
        let mut term = 1.0;
        let mut expected = 1.0;
        for _ in 0..drafts.min(64) {
            term *= acceptance;
            expected += term;
        }
        Self((expected * (1_u64 << PACE_BITS) as f64) as u64)
    }

    pub(super) const ONE: Self = Self(1 << PACE_BITS);

    /// Tokens that `count` iterations after `from` earlier ones add to a sequence.
    pub(super) fn tokens(self, from: u64, count: u64) -> u64 {
        let total = |iterations: u64| (u128::from(iterations) * u128::from(self.0)) >> PACE_BITS;
        (total(from + count) - total(from)) as u64
    }

    /// Most tokens that one iteration adds.
    pub(super) fn most(self) -> u64 {
        self.0.div_ceil(1 << PACE_BITS)
    }

    /// Fewest iterations after `from` that add so many tokens, at least 1.
    pub(super) fn iterations(self, from: u64, tokens: u64) -> u64 {
        if self == Self::ONE {
            return tokens.max(1);
        }
        let target = ((u128::from(from) * u128::from(self.0)) >> PACE_BITS) + u128::from(tokens);
        let last = (target << PACE_BITS).div_ceil(u128::from(self.0)) as u64;
        (last - from).max(1)
    }

    /// Most iterations after `from` that add at most so many tokens.
    pub(super) fn iterations_within(self, from: u64, tokens: u64) -> u64 {
        if self == Self::ONE {
            return tokens;
        }
        self.iterations(from, tokens.saturating_add(1)) - 1
    }

    /// Sum over `count` iterations after `from` of the tokens added up to and including each.
    fn sum(self, from: u64, count: u64) -> i128 {
        if self == Self::ONE {
            return i128::from(count) * (i128::from(count) + 1) / 2;
        }
        let rest = (u128::from(from) * u128::from(self.0)) & ((1 << PACE_BITS) - 1);
        floor_sum(u128::from(count) + 1, 1 << PACE_BITS, u128::from(self.0), rest) as i128
    }
}

/// `Σ floor((a·i + b) / m)` over `i` below `n`, by the Euclidean algorithm (Graham, Knuth, Patashnik, section 3.5).
fn floor_sum(mut n: u128, mut m: u128, mut a: u128, mut b: u128) -> u128 {
    let mut sum = 0;
    loop {
        if a >= m {
            sum += n * n.saturating_sub(1) / 2 * (a / m);
            a %= m;
        }
        if b >= m {
            sum += n * (b / m);
            b %= m;
        }
        let last = a * n + b;
        if last < m {
            return sum;
        }
        n = last / m;
        b = last % m;
        std::mem::swap(&mut m, &mut a);
    }
}

/// Decode iterations of an unchanging batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leap {
    start: Fine,
    base: i128,
    slope: i128,
    contexts: u64,
    sequences: u64,
    pace: Pace,
    from: u64,
    /// Iterations.
    pub(super) count: u64,
}

impl Leap {
    /// A leap of one iteration from `start`: the batch holds `contexts` tokens, `from` iterations were made before.
    pub(super) fn new(
        start: Fine,
        line: DecodeLine,
        (sequences, contexts): (u64, u64),
        pace: Pace,
        from: u64,
    ) -> Self {
        let (base, slope) = (fine(line.base_ns), fine(line.slope_ns));
        Self { start, base, slope, contexts, sequences, pace, from, count: 1 }
    }

    /// Most iterations that stay on the line: contexts stay below `valid_below`, at least 1.
    pub(super) fn longest(&self, valid_below: u64) -> u64 {
        if self.slope < 0 {
            return 1;
        }
        let room = valid_below.saturating_sub(1).saturating_sub(self.contexts) / self.sequences.max(1);
        self.pace.iterations_within(self.from, room).max(1)
    }

    /// The end of the `count`-th iteration.
    pub(super) fn end_of(&self, count: u64) -> Fine {
        let tokens = i128::from(count) * i128::from(self.contexts)
            + i128::from(self.sequences) * self.pace.sum(self.from, count);
        let passed =
            i128::from(count).saturating_mul(self.base).saturating_add(self.slope.saturating_mul(tokens));
        Fine(self.start.0.saturating_add(passed.max(0)))
    }

    /// The end of the last iteration.
    pub(super) fn end(&self) -> Fine {
        self.end_of(self.count)
    }

    /// Iterations whose ends lie before `time`, and the one in progress then; at least 1, at most all.
    pub(super) fn boundary(&self, time: SimTime) -> u64 {
        let (mut low, mut high) = (1, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.end_of(middle).time() >= time {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_leap_is_the_sum_of_its_steps(
            base in 0.0f64..1e7, slope in 0.0f64..10.0, sequences in 1u64..300, mean in 1u64..5000,
            drafts in 0u32..6, acceptance in 0.0f64..1.0, from in 0u64..1_000_000, count in 1u64..400,
        ) {
            let line = DecodeLine { base_ns: base, slope_ns: slope, valid_below: u64::MAX };
            let pace = Pace::speculating(drafts, acceptance);
            let start = Fine::of(SimTime(17));
            let leap = Leap::new(start, line, (sequences, sequences * mean), pace, from);
            let (mut at, mut contexts) = (start, sequences * mean);
            for step in 0..count {
                let single = Leap::new(at, line, (sequences, contexts), pace, from + step);
                at = single.end();
                contexts += sequences * pace.tokens(from + step, 1);
            }
            prop_assert_eq!(leap.end_of(count), at);
            let leap = Leap { count, ..leap };
            let boundary = leap.boundary(at.time());
            prop_assert!(leap.end_of(boundary).time() == at.time());
        }

        #[test]
        fn a_pace_reaches_its_tokens_and_not_before(
            drafts in 0u32..6, acceptance in 0.0f64..1.0, from in 0u64..1_000_000, tokens in 1u64..4000,
        ) {
            let pace = Pace::speculating(drafts, acceptance);
            let count = pace.iterations(from, tokens);
            prop_assert!(pace.tokens(from, count) >= tokens);
            prop_assert!(count == 1 || pace.tokens(from, count - 1) < tokens);
            let within = pace.iterations_within(from, tokens);
            prop_assert!(pace.tokens(from, within) <= tokens && pace.tokens(from, within + 1) > tokens);
        }
    }

    #[test]
    fn speculation_gains_what_the_paper_says() {
        assert_eq!(Pace::speculating(0, 0.7), Pace::ONE);
        let expected = (1.0 - 0.8_f64.powi(6)) / 0.2;
        let tokens = Pace::speculating(5, 0.8).tokens(0, 1_000_000) as f64 / 1e6;
        assert!((tokens - expected).abs() < 1e-4, "{tokens} {expected}");
    }
}
