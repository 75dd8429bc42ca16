//! The fit of served rates, whole or with some pairs of device and model left out.
//!
//! Ridge regression in its primal form, columns scaled by their prior deviations: H = ZᵀD⁻¹Z + I = L·Lᵀ. With the rows g
//! left out and V = L⁻¹·Z_gᵀ·D^(-½), H without them is L·(I − V·Vᵀ)·Lᵀ, so one factorisation serves every left-out set
//! (Woodbury 1950) and gives what the fit does not know of a configuration, z·H⁻¹·z. Values left out are never read.

use std::collections::BTreeMap;

use crate::stats::median;
use crate::steptime::dense::{Cholesky, LANES, dot};
use crate::steptime::tables::ProfileError;

use super::components::COMPONENTS;
use super::setting::{Factors, ServedLoad, ServedSetting};

/// A measured rate.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedObservation {
    /// Its configuration.
    pub setting: ServedSetting,
    /// Samples per second of one device; batch over latency where a latency was measured.
    pub rate: f64,
    /// Rows that count as one measurement.
    pub weight_group: String,
}

#[derive(Clone, Debug)]
struct Row {
    /// Columns that are not zero, and their values times the prior deviation.
    entries: Vec<(usize, f64)>,
    target: f64,
    variance: f64,
    /// Whether errors are judged by it: a compiled network on a device whose datasheet is known.
    judged: bool,
}

/// The regression over a set of observations.
#[derive(Clone, Debug)]
pub struct OrdinaryFit {
    /// Component and key of each column.
    columns: BTreeMap<(usize, String), usize>,
    rows: Vec<Row>,
    /// Rows of each pair of device and model.
    pairs: BTreeMap<(String, String), Vec<usize>>,
    factor: Cholesky,
}

/// Of compiled networks.
const NOISE_OF_COMPILED: f64 = 0.09;

/// Standard deviation of ln(rate) of one row about the regression: submissions of compiled networks to an audited
/// benchmark, framework examples, and servers whose request size a row does not tell.
pub(super) fn noise(setting: &ServedSetting) -> f64 {
    match (setting.load, setting.stack.as_str()) {
        (ServedLoad::Clients(_), _) => 0.45,
        (_, "TensorFlow" | "TensorFlow2" | "PyTorch" | "PaddlePaddle" | "MxNet" | "CUDA-Optimized") => 0.22,
        (_, "neuron" | "triton") => 0.2,
        _ => NOISE_OF_COMPILED,
    }
}

impl OrdinaryFit {
    /// Fits a set of observations.
    ///
    /// # Errors
    /// When the problem has no solution.
    pub fn new(observations: &[ServedObservation]) -> Result<Self, ProfileError> {
        let mut sizes: BTreeMap<&str, f64> = BTreeMap::new();
        for row in observations {
            *sizes.entry(&row.weight_group).or_default() += 1.0;
        }
        let (mut columns, mut rows, mut pairs) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        for observation in observations {
            let factors = observation.setting.factors();
            let size = sizes.get(observation.weight_group.as_str()).copied().unwrap_or(1.0);
            let entries = terms(&factors)
                .map(|(key, value)| {
                    let next = columns.len();
                    (*columns.entry(key).or_insert(next), value)
                })
                .collect();
            let pair = (factors.accelerator, factors.model);
            pairs.entry(pair).or_insert_with(Vec::new).push(rows.len());
            rows.push(Row {
                entries,
                target: libm::log(observation.rate) - factors.offset,
                // Many rows of one measurement say less than as many measurements.
                variance: noise(&observation.setting).powi(2) * size.sqrt(),
                judged: noise(&observation.setting) <= NOISE_OF_COMPILED
                    && observation.setting.device.has_rates(),
            });
        }
        let factor = normal(&rows, columns.len())?;
        Ok(Self { columns, rows, pairs, factor })
    }

    /// Rows and columns.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.rows.len(), self.columns.len())
    }

    /// The pairs of device and model that were observed.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.keys().map(|(device, model)| (device.as_str(), model.as_str()))
    }

    /// What the observations say without the pairs of device and model that `hides` names.
    ///
    /// # Errors
    /// When the problem has no solution.
    pub fn without(&self, hides: impl Fn(&str, &str) -> bool) -> Result<OrdinaryView, ProfileError> {
        let hidden = self.pairs.iter().filter(|((device, model), _)| hides(device, model));
        let excluded: Vec<usize> = hidden.flat_map(|(_, rows)| rows.iter().copied()).collect();
        let mut shown = vec![true; self.rows.len()];
        excluded.iter().for_each(|row| shown[*row] = false);
        let mut image = vec![0.0; self.columns.len()];
        for (row, _) in self.rows.iter().zip(&shown).filter(|(_, shown)| **shown) {
            let weighted = row.target / row.variance;
            row.entries.iter().for_each(|(column, value)| image[*column] += value * weighted);
        }
        self.factor.forward(&mut image);
        let shadows = self.shadows(&excluded);
        let size = shadows.len();
        let mut matrix = vec![0.0; size * size];
        for (i, left) in shadows.iter().enumerate() {
            for (j, right) in shadows[..=i].iter().enumerate() {
                matrix[i * size + j] = f64::from(u8::from(i == j)) - dot(left, right);
            }
        }
        let block = Cholesky::of(matrix, size).ok_or(ProfileError::Unsolvable("a pair left out"))?;
        let mut turned: Vec<f64> = shadows.iter().map(|shadow| dot(shadow, &image)).collect();
        block.solve(&mut turned);
        Ok(OrdinaryView { image, shadows, block, turned })
    }

    /// L⁻¹·Z_gᵀ·D^(-½), one vector for each excluded row.
    fn shadows(&self, excluded: &[usize]) -> Vec<Vec<f64>> {
        let columns = self.columns.len();
        let block = |rows: &[usize]| {
            let mut lanes = vec![[0.0; LANES]; columns];
            for (lane, row) in rows.iter().map(|row| &self.rows[*row]).enumerate() {
                let scale = row.variance.sqrt();
                row.entries.iter().for_each(|(column, value)| lanes[*column][lane] += value / scale);
            }
            self.factor.forward_lanes(&mut lanes);
            let single = |lane: usize| lanes.iter().map(|values| values[lane]).collect::<Vec<f64>>();
            (0..rows.len()).map(single).collect::<Vec<_>>()
        };
        excluded.chunks(LANES).flat_map(block).collect()
    }

    /// The coefficients of all rows: component, key, value.
    ///
    /// # Errors
    /// When the problem has no solution.
    pub fn coefficients(&self) -> Result<Vec<(&'static str, &str, f64)>, ProfileError> {
        let mut solution = self.without(|_, _| false)?.image;
        self.factor.backward(&mut solution);
        let columns = self.columns.iter().map(|((component, key), column)| {
            let component = &COMPONENTS[*component];
            (component.name, key.as_str(), solution[*column] * component.deviation)
        });
        Ok(columns.collect())
    }
}

/// The terms of a configuration that are not zero, values times prior deviation.
fn terms(factors: &Factors) -> impl Iterator<Item = ((usize, String), f64)> + '_ {
    COMPONENTS.iter().enumerate().filter_map(|(index, component)| {
        let value = component.multiplier(factors) * component.deviation;
        (value != 0.0).then(|| ((index, component.key(factors)), value))
    })
}

/// The factor of ZᵀD⁻¹Z + I.
fn normal(rows: &[Row], columns: usize) -> Result<Cholesky, ProfileError> {
    let mut matrix = vec![0.0; columns * columns];
    (0..columns).for_each(|column| matrix[column * columns + column] = 1.0);
    for row in rows {
        for (i, left) in &row.entries {
            for (j, right) in row.entries.iter().filter(|(j, _)| j <= i) {
                matrix[i * columns + j] += left * right / row.variance;
            }
        }
    }
    Cholesky::of(matrix, columns).ok_or(ProfileError::Unsolvable("the normal equations of served rates"))
}

/// What a fit says without the rows that are hidden from it.
#[derive(Clone, Debug)]
pub struct OrdinaryView {
    /// L⁻¹·ZᵀD⁻¹·y of the rows shown.
    image: Vec<f64>,
    shadows: Vec<Vec<f64>>,
    block: Cholesky,
    /// (I − VᵀV)⁻¹·Vᵀ·image.
    turned: Vec<f64>,
}

/// A rate with what is not known of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServedRate {
    /// Samples per second of one device; batch over latency where a latency is asked for.
    pub rate: f64,
    /// Standard deviation of ln(rate) that the fit leaves open.
    pub deviation: f64,
    /// Standard deviation of ln(rate) of one published row about the fit.
    pub noise: f64,
}

impl OrdinaryFit {
    /// The rate of a configuration by one of this fit's views.
    #[must_use]
    pub fn rate(&self, view: &OrdinaryView, setting: &ServedSetting) -> ServedRate {
        let factors = setting.factors();
        let (mut point, mut unseen) = (vec![0.0; self.columns.len()], 0.0);
        for (key, value) in terms(&factors) {
            match self.columns.get(&key) {
                Some(column) => point[*column] += value,
                None => unseen += value * value,
            }
        }
        let (correction, known) = self.at(view, &mut point);
        let variance = unseen + known;
        ServedRate {
            rate: libm::exp(factors.offset + correction),
            deviation: variance.max(0.0).sqrt(),
            noise: noise(setting),
        }
    }

    /// The correction of ln(rate) at a point, which is turned, and the variance that is left.
    fn at(&self, view: &OrdinaryView, point: &mut [f64]) -> (f64, f64) {
        self.factor.forward(point);
        let mut through: Vec<f64> = view.shadows.iter().map(|shadow| dot(shadow, point)).collect();
        let correction = dot(point, &view.image) + dot(&through, &view.turned);
        view.block.forward(&mut through);
        (correction, dot(point, point) + dot(&through, &through))
    }

    /// The median of |ln(rate) − fit| over the judged rows of a pair; `None` without such rows.
    pub(super) fn typical_error(&self, view: &OrdinaryView, device: &str, model: &str) -> Option<f64> {
        let rows = self.pairs.get(&(device.to_owned(), model.to_owned()))?;
        let error = |row: &Row| {
            let mut point = vec![0.0; self.columns.len()];
            row.entries.iter().for_each(|(column, value)| point[*column] += value);
            (row.target - self.at(view, &mut point).0).abs()
        };
        let judged = rows.iter().map(|row| &self.rows[*row]).filter(|row| row.judged);
        median(&judged.map(error).collect::<Vec<f64>>())
    }
}
