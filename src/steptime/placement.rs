//! How a step slows down over more devices, fitted to a few measured placements.
//!
//! t = max(t_c, κ·t_c + (S/β)·2(K−1)/K + α·2(K−1)) over K devices, with t_c(n) = a + b·n of one device at batch n: the
//! part κ of the computing that the exchange does not hide, and a ring all-reduce of S bytes. Each class of placements
//! (inside a host, two hosts, three and more) has its own three coefficients, none negative, fitted to relative errors.

use thiserror::Error;

use crate::units::Seconds;

/// A measured step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlacementPoint {
    /// Devices.
    pub devices: u32,
    /// Samples of one device.
    pub batch: f64,
    /// Time of the step.
    pub step: Seconds,
}

/// Why measured placements give no fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PlacementError {
    /// No point, or one whose time is not positive.
    #[error("a placement fit needs measured steps of positive time")]
    NoPoints,
}

/// Step time of one device: `fixed + per_sample · batch`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SingleDevice {
    /// Time of an empty batch.
    pub fixed: Seconds,
    /// Time per sample.
    pub per_sample: Seconds,
}

impl SingleDevice {
    /// Fits measured steps of one device.
    ///
    /// # Errors
    /// When there is nothing to fit.
    pub fn fit(points: &[PlacementPoint]) -> Result<Self, PlacementError> {
        let rows: Vec<[f64; 2]> = points.iter().map(|point| [1.0, point.batch]).collect();
        let [fixed, per_sample] = relative_fit(&rows, points)?;
        Ok(Self { fixed: Seconds(fixed), per_sample: Seconds(per_sample) })
    }

    /// The step of a batch.
    #[must_use]
    pub fn step(&self, batch: f64) -> Seconds {
        self.fixed + self.per_sample * batch
    }
}

/// Steps of one class of placements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlacementFit {
    /// Steps of one device alone.
    pub single: SingleDevice,
    /// Part of the computing that the exchange does not hide (κ).
    pub unhidden: f64,
    /// Gradient bytes over bandwidth (S/β).
    pub transfer: Seconds,
    /// Latency of one hop (α).
    pub hop: Seconds,
}

impl PlacementFit {
    /// Fits measured placements of one class.
    ///
    /// # Errors
    /// When there is nothing to fit.
    pub fn fit(single: SingleDevice, points: &[PlacementPoint]) -> Result<Self, PlacementError> {
        let rows: Vec<[f64; 3]> = points
            .iter()
            .map(|point| {
                let [sent, hops] = ring(point.devices);
                [single.step(point.batch).0, sent, hops]
            })
            .collect();
        let [unhidden, transfer, hop] = relative_fit(&rows, points)?;
        Ok(Self { single, unhidden, transfer: Seconds(transfer), hop: Seconds(hop) })
    }

    /// The step over `devices` at `batch` samples each.
    #[must_use]
    pub fn step(&self, devices: u32, batch: f64) -> Seconds {
        let alone = self.single.step(batch);
        let [sent, hops] = ring(devices);
        alone.max(alone * self.unhidden + self.transfer * sent + self.hop * hops)
    }
}

/// Tensors that a device sends in a ring all-reduce, and its hops.
fn ring(devices: u32) -> [f64; 2] {
    let devices = f64::from(devices.max(1));
    [2.0 * (devices - 1.0) / devices, 2.0 * (devices - 1.0)]
}

/// Non-negative coefficients with the least squares of relative errors: the best of all subsets of terms whose free
/// solution is not negative. The problem is convex, so that is its optimum (Lawson and Hanson 1974, chapter 23).
fn relative_fit<const N: usize>(
    rows: &[[f64; N]],
    points: &[PlacementPoint],
) -> Result<[f64; N], PlacementError> {
    if points.is_empty() || !points.iter().all(|point| point.step.0 > 0.0) {
        return Err(PlacementError::NoPoints);
    }
    let scaled: Vec<[f64; N]> =
        rows.iter().zip(points).map(|(row, point)| row.map(|value| value / point.step.0)).collect();
    let error = |fit: &[f64; N]| -> f64 { scaled.iter().map(|row| (product(row, fit) - 1.0).powi(2)).sum() };
    let mut best = [0.0; N];
    let mut least = error(&best);
    for subset in 1u32..1 << N {
        let Some(fit) = subset_fit(&scaled, subset) else { continue };
        if fit.iter().all(|value| *value >= 0.0) && error(&fit) < least {
            least = error(&fit);
            best = fit;
        }
    }
    Ok(best)
}

fn product<const N: usize>(left: &[f64; N], right: &[f64; N]) -> f64 {
    left.iter().zip(right).map(|(l, r)| l * r).sum()
}

/// Least squares against ones over the columns in `subset`; `None` when they depend on each other.
fn subset_fit<const N: usize>(rows: &[[f64; N]], subset: u32) -> Option<[f64; N]> {
    let chosen: Vec<usize> = (0..N).filter(|column| subset >> column & 1 == 1).collect();
    let columns: Vec<Vec<f64>> =
        chosen.iter().map(|column| rows.iter().map(|row| row[*column]).collect()).collect();
    let solution = crate::stats::least_squares(&columns, &vec![1.0; rows.len()]).ok()?;
    let mut fit = [0.0; N];
    chosen.iter().zip(solution).for_each(|(column, value)| fit[*column] = value);
    Some(fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(devices: u32, batch: f64, step: f64) -> PlacementPoint {
        PlacementPoint { devices, batch, step: Seconds(step) }
    }

    #[test]
    fn exact_placements_give_back_their_coefficients() {
        let single =
            SingleDevice::fit(&[point(1, 4.0, 0.5), point(1, 8.0, 0.9), point(1, 12.0, 1.3)]).unwrap();
        assert!((single.fixed.0 - 0.1).abs() < 1e-12 && (single.per_sample.0 - 0.1).abs() < 1e-12);
        let truth = PlacementFit { single, unhidden: 0.7, transfer: Seconds(0.8), hop: Seconds(0.01) };
        let points: Vec<PlacementPoint> = [2, 4, 8, 16]
            .into_iter()
            .flat_map(|devices| [4.0, 12.0].map(|batch| point(devices, batch, truth.step(devices, batch).0)))
            .collect();
        let fit = PlacementFit::fit(single, &points).unwrap();
        assert!((fit.unhidden - 0.7).abs() < 1e-9 && (fit.transfer.0 - 0.8).abs() < 1e-9);
    }

    #[test]
    fn a_step_is_never_shorter_than_its_own_computing() {
        let single = SingleDevice { fixed: Seconds(0.0), per_sample: Seconds(0.1) };
        let fit = PlacementFit { single, unhidden: 0.2, transfer: Seconds(0.0), hop: Seconds(0.0) };
        assert_eq!(fit.step(8, 10.0), Seconds(1.0));
    }

    #[test]
    fn nothing_measured_is_nothing_fitted() {
        assert_eq!(SingleDevice::fit(&[]), Err(PlacementError::NoPoints));
        assert_eq!(SingleDevice::fit(&[point(1, 1.0, 0.0)]), Err(PlacementError::NoPoints));
    }
}
