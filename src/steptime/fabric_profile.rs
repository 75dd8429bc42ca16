//! The shipped curves of collectives.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::catalog::Fabric;

use super::fabric::{CollectiveCurve, Operation};
use super::tables::{ProfileError, rows};

const FILE: &str = "assets/profiles/collectives.csv";
/// Ramp of fabrics without tables: that of a message cut into the best number of chunks is 2, of NCCL about 1.
const USUAL_RAMP: f64 = 1.0;

/// A curve, how far it missed the calls behind it, and where they were published.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedCollective {
    /// The curve.
    pub curve: CollectiveCurve,
    /// Standard deviation of ln(predicted ÷ measured), or a judgement.
    pub log_error: f64,
    /// Calls behind it; none for a judgement.
    pub rows: u64,
    /// Source.
    pub source: String,
}

/// Fitted curves by fabric and operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CollectiveProfile {
    curves: BTreeMap<(String, Operation), FittedCollective>,
}

#[derive(Deserialize)]
struct Row {
    fabric: String,
    operation: Operation,
    base_s: f64,
    hop_s: f64,
    ramp: f64,
    share: f64,
    small_group: f64,
    log_error: f64,
    rows: u64,
    source: String,
}

impl CollectiveProfile {
    /// The shipped table.
    ///
    /// # Errors
    /// When the table is not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        let table: Vec<Row> = rows(FILE, include_str!("../../assets/profiles/collectives.csv"))?;
        let mut profile = Self::default();
        for row in table {
            let Row { base_s, hop_s, ramp, share, small_group, log_error, rows, source, .. } = row;
            let curve = CollectiveCurve { base_s, hop_s, ramp, share, small_group };
            profile.set(&row.fabric, row.operation, FittedCollective { curve, log_error, rows, source });
        }
        Ok(profile)
    }

    /// The curve of an operation on a fabric, where there is one.
    #[must_use]
    pub fn curve(&self, fabric: &str, operation: Operation) -> Option<&FittedCollective> {
        self.curves.get(&(fabric.to_owned(), operation))
    }

    /// Puts a fit in the place of a curve.
    pub fn set(&mut self, fabric: &str, operation: Operation, fitted: FittedCollective) {
        self.curves.insert((fabric.to_owned(), operation), fitted);
    }

    /// The curve of an operation with its relative error; without tables, of the latency and share of the catalog.
    pub(super) fn of(&self, fabric: &Fabric, operation: Operation) -> (CollectiveCurve, f64) {
        if let Some(fitted) = self.curve(&fabric.name, operation) {
            return (fitted.curve, fitted.log_error);
        }
        let alpha = fabric.alpha.0;
        let hop_s = if operation == Operation::AllReduce { alpha } else { alpha / 2.0 };
        let share = fabric.bandwidth_share;
        let curve = CollectiveCurve { base_s: alpha, hop_s, ramp: USUAL_RAMP, share, small_group: 0.0 };
        (curve, fabric.uncertainty)
    }

    /// Rows of the shipped table, without its comment.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text =
            String::from("fabric,operation,base_s,hop_s,ramp,share,small_group,log_error,rows,source\n");
        for ((fabric, operation), fitted) in &self.curves {
            let CollectiveCurve { base_s, hop_s, ramp, share, small_group } = fitted.curve;
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "{fabric},{},{base_s:.4e},{hop_s:.4e},{ramp:.4},{share:.4},{small_group:.4},{:.3},{},\"{}\"",
                operation.word(),
                fitted.log_error,
                fitted.rows,
                fitted.source
            );
        }
        text
    }
}
