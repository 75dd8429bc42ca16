//! Rates that change in time: arrivals by exact inversion of the integral of the rate.

use super::trace::{TraceError, Window, Windows};

/// A rate that is linear between evenly spaced points and repeats.
#[derive(Debug)]
pub(super) struct Profile {
    /// Requests per second at the points; the last piece leads back to the first.
    rates: Vec<f64>,
    piece: f64,
    /// Integral of the rate over the whole profile.
    total: f64,
    /// Start of the current repetition, the piece in it and the time in the piece.
    base: f64,
    index: usize,
    within: f64,
}

impl Profile {
    /// `points` are relative; `rate` is the mean over the profile.
    pub(super) fn new(rate: f64, points: &[f64], period: f64) -> Self {
        let count = points.len().max(1) as f64;
        let mean = points.iter().sum::<f64>() / count;
        let scale = if mean > 0.0 { rate / mean } else { 0.0 };
        let rates: Vec<f64> = points.iter().map(|point| point * scale).collect();
        Self {
            piece: period / count,
            total: rates.iter().sum::<f64>() / count * period,
            rates,
            base: 0.0,
            index: 0,
            within: 0.0,
        }
    }

    /// The time by which the integral of the rate has grown by `work`.
    pub(super) fn next(&mut self, mut work: f64) -> Option<f64> {
        let count = self.rates.len();
        if count == 0 || self.total.is_nan() || self.total <= 0.0 {
            return None;
        }
        let whole = (work / self.total).floor();
        if whole > 0.0 {
            self.base += whole * self.piece * count as f64;
            work = (work - whole * self.total).max(0.0);
        }
        // What is left is less than a repetition; rounding may need a piece more.
        for _ in 0..count + 2 {
            let (from, to) = (self.rates[self.index], self.rates[(self.index + 1) % count]);
            let slope = (to - from) / self.piece;
            let rate = from + slope * self.within;
            let rest = self.piece - self.within;
            let area = 0.5 * (rate + to) * rest;
            if work <= area {
                self.within += solve(rate, slope, work).min(rest);
                break;
            }
            work -= area;
            self.within = 0.0;
            self.index += 1;
            if self.index == count {
                self.index = 0;
                self.base += self.piece * count as f64;
            }
        }
        Some(self.base + self.index as f64 * self.piece + self.within)
    }
}

/// The time in which a rate that changes with a slope brings `work` requests.
fn solve(rate: f64, slope: f64, work: f64) -> f64 {
    let root = (rate * rate + 2.0 * slope * work).max(0.0).sqrt();
    let divisor = rate + root;
    if divisor > 0.0 { 2.0 * work / divisor } else { 0.0 }
}

/// Rates of the windows of a trace.
#[derive(Debug)]
pub(super) struct WindowRates {
    windows: Windows,
    speed: f64,
    repeat: bool,
    current: Option<Window>,
    /// Time into the current window, and the start of the current repetition, both of the file.
    within: f64,
    base: f64,
    /// Requests of the current repetition: a trace without any ends instead of repeating.
    area: f64,
}

impl WindowRates {
    pub(super) fn new(windows: Windows, speed: f64, repeat: bool) -> Self {
        Self { windows, speed, repeat, current: None, within: 0.0, base: 0.0, area: 0.0 }
    }

    pub(super) fn next(&mut self, mut work: f64) -> Result<Option<f64>, TraceError> {
        loop {
            let Some(window) = self.window()? else { return Ok(None) };
            let left = window.rate * (window.seconds - self.within);
            if work <= left {
                self.within += work / window.rate;
                return Ok(Some((self.base + window.start + self.within) / self.speed));
            }
            work -= left;
            self.area += window.rate * window.seconds;
            self.within = 0.0;
            self.current = self.windows.next()?;
            if self.current.is_none() {
                if !self.repeat || self.area <= 0.0 {
                    self.repeat = false;
                    return Ok(None);
                }
                self.area = 0.0;
                self.base += window.start + window.seconds;
                self.windows.rewind()?;
            }
        }
    }

    /// The current window, the first one included.
    fn window(&mut self) -> Result<Option<Window>, TraceError> {
        if self.current.is_none() {
            self.current = self.windows.next()?;
        }
        Ok(self.current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_puts_its_integral_at_the_time_asked_for() {
        // From 0 up to 2 and back over two hours: one request per second on average.
        let mut profile = Profile::new(1.0, &[0.0, 1.0], 7200.0);
        let half = profile.next(3600.0).unwrap_or(0.0);
        assert!((half - 3600.0).abs() < 1e-6, "{half}");
        let end = profile.next(3600.0 + 7200.0 * 3.0).unwrap_or(0.0);
        assert!((end - 4.0 * 7200.0).abs() < 1e-6, "{end}");
        let quarter = profile.next(900.0).unwrap_or(0.0);
        assert!((quarter - 4.0 * 7200.0 - 1800.0).abs() < 1e-6, "{quarter}");
    }

    #[test]
    fn a_profile_without_traffic_ends_and_a_thin_one_does_not_hang() {
        assert_eq!(Profile::new(0.0, &[1.0, 2.0], 60.0).next(1.0), None);
        assert_eq!(Profile::new(1.0, &[], 60.0).next(1.0), None);
        assert_eq!(Profile::new(1.0, &[0.0, 0.0], 60.0).next(1.0), None);
        let late = Profile::new(5e-324, &[1.0, 2.0], 60.0).next(1.0).unwrap_or(0.0);
        assert!(late > 1e300, "{late}");
    }
}
