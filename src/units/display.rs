//! Numbers as people read them: significant digits, never a non-zero figure rounded to zero.

use std::fmt;

use super::{Bytes, Seconds};

/// A number with that many significant digits; integers above are kept whole.
#[derive(Clone, Copy, Debug)]
pub struct Significant(pub f64, pub usize);

impl fmt::Display for Significant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, digits) = *self;
        let magnitude = value.abs();
        if value == 0.0 || !value.is_finite() {
            return out.pad(&value.to_string());
        }
        let text = if !(1e-4..1e15).contains(&magnitude) {
            format!("{value:.*e}", digits.saturating_sub(1))
        } else {
            let exponent = magnitude.log10().floor() as i32;
            let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
            let fixed = format!("{value:.decimals$}");
            if fixed.contains('.') {
                fixed.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                fixed
            }
        };
        out.pad(&text)
    }
}

/// A duration with the unit that suits it: `"250 ms"`, `"42 s"`, `"37 min"`, `"5.2 h"`, `"3.1 days"`.
#[must_use]
pub fn human_duration(time: Seconds) -> String {
    let seconds = time.0;
    let magnitude = seconds.abs();
    let (value, unit) = if magnitude == 0.0 {
        (seconds, "s")
    } else if magnitude < 1e-3 {
        (seconds * 1e6, "us")
    } else if magnitude < 1.0 {
        (seconds * 1e3, "ms")
    } else if magnitude < 120.0 {
        (seconds, "s")
    } else if magnitude < 7200.0 {
        (seconds / 60.0, "min")
    } else if magnitude < 72.0 * 3600.0 {
        (seconds / 3600.0, "h")
    } else {
        (seconds / 86_400.0, "days")
    };
    format!("{} {unit}", Significant(value, 3))
}

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.abs();
        let (value, unit) = if magnitude < 1024.0 {
            (self.0, "B")
        } else if magnitude < 1_048_576.0 {
            (self.0 / 1024.0, "KiB")
        } else if magnitude < 1_073_741_824.0 {
            (self.0 / 1_048_576.0, "MiB")
        } else if magnitude < 1_099_511_627_776.0 {
            (self.gib(), "GiB")
        } else {
            (self.gib() / 1024.0, "TiB")
        };
        write!(out, "{} {unit}", Significant(value, 3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_price_is_never_rounded_to_zero() {
        assert_eq!(Significant(0.00123, 3).to_string(), "0.00123");
        assert_eq!(Significant(1234.567, 3).to_string(), "1235");
        assert_eq!(Significant(1.0, 3).to_string(), "1");
        assert_eq!(Significant(3.3e-9, 3).to_string(), "3.30e-9");
    }

    #[test]
    fn durations_take_the_unit_that_suits_them() {
        assert_eq!(human_duration(Seconds(0.25)), "250 ms");
        assert_eq!(human_duration(Seconds(5.25 * 3600.0)), "5.25 h");
        assert_eq!(human_duration(Seconds(10.0 * 86_400.0)), "10 days");
    }
}
