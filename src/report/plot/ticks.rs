//! Where an axis is marked.

use crate::units::Significant;

use super::figure::Scale;

/// Values to mark between two ends, some five to eight of them.
#[must_use]
pub fn ticks(scale: &Scale, (low, high): (f64, f64)) -> Vec<f64> {
    match scale {
        Scale::Named(names) => (0..names.len()).map(|index| index as f64).collect(),
        Scale::Linear => linear(low, high),
        Scale::Logarithmic => logarithmic(low, high),
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn linear(low: f64, high: f64) -> Vec<f64> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return vec![low];
    }
    let raw = span / 6.0;
    let power = libm::pow(10.0, libm::log10(raw).floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|unit| unit * power).into_iter().find(|step| *step >= raw);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step).ceil();
    (0..32).map(|index| (first + f64::from(index)) * step).take_while(|value| *value <= high).collect()
}

/// Powers of ten, with 2 and 5 between them where there are few.
fn logarithmic(low: f64, high: f64) -> Vec<f64> {
    if !(low > 0.0 && high > low) {
        return vec![low];
    }
    let (first, last) = (libm::log10(low).floor() as i32, libm::log10(high).ceil() as i32);
    let units: &[f64] = match last - first {
        ..=1 => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0],
        2..=4 => &[1.0, 2.0, 5.0],
        _ => &[1.0],
    };
    let stride = usize::try_from((last - first) / 10 + 1).unwrap_or(1);
    (first..=last)
        .step_by(stride)
        .flat_map(|power| units.iter().map(move |unit| unit * libm::pow(10.0, f64::from(power))))
        .filter(|value| *value >= low * 0.999_999 && *value <= high * 1.000_001)
        .collect()
}

/// A marked value in words: `1.5k`, `20M`.
#[must_use]
pub fn tick_text(value: f64) -> String {
    let magnitude = value.abs();
    let (scaled, suffix) = match magnitude {
        1e12.. => (value / 1e12, "T"),
        1e9.. => (value / 1e9, "G"),
        1e6.. => (value / 1e6, "M"),
        1e4.. => (value / 1e3, "k"),
        _ => (value, ""),
    };
    format!("{}{suffix}", Significant(scaled, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_round_values_are_marked_within_the_ends() {
        assert_eq!(ticks(&Scale::Linear, (0.0, 10.5)), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(&Scale::Logarithmic, (0.5, 120.0)), [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        for (low, high) in [(1e-9, 3e-9), (5.0, 5.0), (1e300, 1.7e308), (-3.0, 4.0), (f64::NAN, 1.0)] {
            for scale in [Scale::Linear, Scale::Logarithmic] {
                assert!(ticks(&scale, (low, high)).len() < 40, "{low} to {high}");
            }
        }
        assert_eq!(tick_text(12_500.0), "12.5k");
    }
}
