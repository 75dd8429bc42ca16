//! How wrong the fit is on what it did not see.

use std::collections::BTreeSet;

use crate::stats::quantile;
use crate::steptime::tables::ProfileError;

use super::fit::OrdinaryFit;
use super::profile::ServedKnowledge;

/// A configuration like those shown differs from the fit by at least this.
const LEAST: f64 = 0.08;
/// Factor on the deviation that holds 80 % of a normal law.
const Z80: f64 = 1.281_551_565_545;

impl OrdinaryFit {
    /// Standard deviations of ln(rate) by what was measured of a configuration: of rows left out by pair, by device and by
    /// model, each pair counting once.
    ///
    /// # Errors
    /// When the problem has no solution.
    pub fn errors(&self) -> Result<Vec<(ServedKnowledge, f64)>, ProfileError> {
        let pairs: Vec<(&str, &str)> = self.pairs().collect();
        let whole = self.without(|_, _| false)?;
        let shown = pairs.iter().filter_map(|(device, model)| self.typical_error(&whole, device, model));
        let shown = scale(shown.collect());
        let pair = self.left_out(&pairs, |(device, model)| format!("{device}|{model}"))?;
        let device = self.left_out(&pairs, |(device, _)| device.to_owned())?;
        let model = self.left_out(&pairs, |(_, model)| model.to_owned())?;
        Ok(vec![
            (ServedKnowledge::Pair, shown),
            (ServedKnowledge::Both, pair),
            (ServedKnowledge::Model, device),
            (ServedKnowledge::Device, model),
            (ServedKnowledge::Neither, libm::hypot(device, model)),
        ])
    }

    /// The error of pairs that are left out together with all of the same key.
    fn left_out(
        &self,
        pairs: &[(&str, &str)],
        key: impl Fn((&str, &str)) -> String,
    ) -> Result<f64, ProfileError> {
        let keys: BTreeSet<String> = pairs.iter().map(|pair| key(*pair)).collect();
        let mut errors = Vec::new();
        for hidden in keys {
            let view = self.without(|device, model| key((device, model)) == hidden)?;
            let own = pairs.iter().filter(|pair| key(**pair) == hidden);
            errors.extend(own.filter_map(|(device, model)| self.typical_error(&view, device, model)));
        }
        Ok(scale(errors))
    }
}

/// Standard deviation of the normal law that holds 80 % where these errors do: beyond are rows that tables mislabel.
fn scale(mut errors: Vec<f64>) -> f64 {
    errors.sort_by(f64::total_cmp);
    quantile(&errors, 0.8).map_or(1.0, |error| (error / Z80).max(LEAST))
}
