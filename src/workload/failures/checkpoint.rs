//! Checkpoints against failures, in closed form: how often to write, and what the wall clock then says.
//!
//! Failures are a Poisson process of the whole job; work since the last checkpoint is lost; writing and
//! restarting can fail too. The training world simulates the same with any failure process; these forms
//! choose its intervals and check it.
//!
//! Sources: Young 1974 (CACM 17); Daly 2006 (Future Generation Computer Systems 22).

use crate::units::Seconds;

/// What decides how often to write a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckpointModel {
    /// Time to write one checkpoint, the job waiting (δ).
    pub write: Seconds,
    /// Mean time between failures of the whole job (M).
    pub mtbf: Seconds,
    /// Time from a failure until the job works again (R).
    pub restart: Seconds,
}

impl CheckpointModel {
    /// Young's interval of work between two checkpoints: √(2δM), good while it is far below the MTBF.
    #[must_use]
    pub fn young_interval(&self) -> Seconds {
        Seconds((2.0 * self.write.0 * self.mtbf.0).sqrt())
    }

    /// Daly's higher-order interval: √(2δM)·[1 + ⅓√(δ/2M) + ⅑(δ/2M)] − δ for δ < 2M, else M.
    #[must_use]
    pub fn daly_interval(&self) -> Seconds {
        let ratio = self.write.0 / (2.0 * self.mtbf.0);
        if ratio >= 1.0 {
            return self.mtbf;
        }
        let correction = 1.0 + ratio.sqrt() / 3.0 + ratio / 9.0;
        self.young_interval() * correction - self.write
    }

    /// The interval that minimises [`CheckpointModel::expected_wall`]: the root of τ/M = 1 − exp(−(τ + δ)/M).
    #[must_use]
    pub fn optimal_interval(&self) -> Seconds {
        let write = self.write / self.mtbf;
        let mut interval = (2.0 * write).sqrt();
        // Newton; the function is convex, so after the first step the root is approached from above.
        for _ in 0..64 {
            let failing = -libm::expm1(-(interval + write));
            let step = (interval - failing) / failing;
            if step.is_nan() || step.abs() <= 1e-15 * interval {
                break;
            }
            interval -= step;
        }
        self.mtbf * interval
    }

    /// Expected wall time of `work` with a checkpoint after every `interval` of work (Daly's complete model):
    /// M·e^(R/M)·(e^((τ+δ)/M) − 1)·Ts/τ.
    #[must_use]
    pub fn expected_wall(&self, work: Seconds, interval: Seconds) -> Seconds {
        work * self.wall_multiplier(interval)
    }

    /// Expected wall time per unit of work.
    #[must_use]
    pub fn wall_multiplier(&self, interval: Seconds) -> f64 {
        let segment = libm::expm1((interval + self.write) / self.mtbf);
        (self.mtbf / interval) * libm::exp(self.restart / self.mtbf) * segment
    }

    /// First-order share of time lost to writing and rework: δ/τ + τ/2M.
    #[must_use]
    pub fn first_order_overhead(&self, interval: Seconds) -> f64 {
        self.write / interval + interval / (self.mtbf * 2.0)
    }
}

/// Expected wall time of `work` without checkpoints, from zero after every failure, with restarts that do not
/// fail: (M + R)·(e^(T/M) − 1).
#[must_use]
pub fn wall_without_checkpoints(work: Seconds, mtbf: Seconds, restart: Seconds) -> Seconds {
    (mtbf + restart) * libm::expm1(work / mtbf)
}

/// Mean time between failures of `nodes` independent nodes of which each one stops the job: M/n.
#[must_use]
pub fn cluster_mtbf(node_mtbf: Seconds, nodes: u32) -> Seconds {
    node_mtbf / f64::from(nodes)
}

/// Cost of interruptible machines over on-demand ones that never fail, every second billed, restarts too:
/// (1 − discount)·wall multiplier.
#[must_use]
pub fn spot_cost_ratio(discount: f64, interruptions: &CheckpointModel, interval: Seconds) -> f64 {
    (1.0 - discount) * interruptions.wall_multiplier(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(write: f64, mtbf: f64) -> CheckpointModel {
        CheckpointModel { write: Seconds(write), mtbf: Seconds(mtbf), restart: Seconds(60.0) }
    }

    #[test]
    fn no_interval_beats_the_optimal_one() {
        for (write, mtbf) in [(1.0, 1e6), (60.0, 3600.0), (600.0, 700.0), (5000.0, 1000.0)] {
            let model = model(write, mtbf);
            let best = model.optimal_interval();
            let wall = model.wall_multiplier(best);
            for factor in [0.5, 0.99, 1.01, 2.0] {
                assert!(model.wall_multiplier(best * factor) > wall, "{write} {mtbf} {factor}");
            }
        }
    }

    #[test]
    fn approximations_approach_the_optimum_as_failures_become_rare() {
        let rare = model(10.0, 1e8);
        let best = rare.optimal_interval();
        assert!((rare.daly_interval() / best - 1.0).abs() < 1e-9);
        assert!((rare.young_interval() / best - 1.0).abs() < 1e-3);
    }

    #[test]
    fn without_failures_only_the_writing_remains() {
        let never = model(10.0, 1e15);
        let multiplier = never.wall_multiplier(Seconds(100.0));
        assert!((multiplier - 1.1).abs() < 1e-9, "{multiplier}");
        let wall = wall_without_checkpoints(Seconds(100.0), Seconds(1e15), Seconds(60.0));
        assert!((wall.0 - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_checkpoint_slower_than_failures_is_written_once_per_failure() {
        assert_eq!(model(2000.0, 1000.0).daly_interval(), Seconds(1000.0));
    }
}
