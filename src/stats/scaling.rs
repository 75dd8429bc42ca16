//! Textbook laws of scaling.

/// Amdahl's speed-up of `n` workers when the share `serial` of the work cannot be divided: 1/(s + (1 − s)/n).
#[must_use]
pub fn amdahl(n: f64, serial: f64) -> f64 {
    1.0 / (serial + (1.0 - serial) / n)
}

/// Gustafson's scaled speed-up of `n` workers: n − s(n − 1).
#[must_use]
pub fn gustafson(n: f64, serial: f64) -> f64 {
    n - serial * (n - 1.0)
}

/// Gunther's universal scalability law: λn/(1 + σ(n − 1) + κn(n − 1)), a throughput in the unit of `lambda`.
#[must_use]
pub fn usl(n: f64, lambda: f64, sigma: f64, kappa: f64) -> f64 {
    lambda * n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0))
}

/// The number of workers at which [`usl`] peaks: √((1 − σ)/κ); infinite without crosstalk, 0 when even one is
/// contended.
#[must_use]
pub fn usl_peak(sigma: f64, kappa: f64) -> f64 {
    ((1.0 - sigma).max(0.0) / kappa).sqrt()
}

/// Throughput in items per second of batches of `n` that take `a + b·n` seconds.
#[must_use]
pub fn batch_throughput_affine(n: f64, a: f64, b: f64) -> f64 {
    n / (a + b * n)
}

/// The throughput that ever larger batches approach: 1/b.
#[must_use]
pub fn batch_throughput_limit(b: f64) -> f64 {
    1.0 / b
}

/// The batch that gives half of that limit: a/b.
#[must_use]
pub fn batch_of_half_throughput(a: f64, b: f64) -> f64 {
    a / b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_worker_is_no_speed_up() {
        assert_eq!(amdahl(1.0, 0.3), 1.0);
        assert_eq!(gustafson(1.0, 0.3), 1.0);
        assert_eq!(usl(1.0, 7.0, 0.3, 0.01), 7.0);
    }

    #[test]
    fn the_peak_is_higher_than_its_neighbours() {
        let peak = usl_peak(0.05, 0.002);
        let at = |n: f64| usl(n, 1.0, 0.05, 0.002);
        assert!(at(peak) > at(0.99 * peak) && at(peak) > at(1.01 * peak));
        assert_eq!(usl_peak(0.05, 0.0), f64::INFINITY);
    }

    #[test]
    fn the_half_batch_gives_half_the_limit() {
        let half = batch_throughput_affine(batch_of_half_throughput(0.01, 0.002), 0.01, 0.002);
        assert!((half / batch_throughput_limit(0.002) - 0.5).abs() < 1e-15);
    }
}
