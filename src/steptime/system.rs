//! Observations to the rows of the regression.

use std::collections::BTreeMap;

use crate::catalog::Catalog;
use crate::stats::median;

use super::components::COMPONENTS;
use super::factors::Factors;
use super::observation::Observation;
use super::predict::StepTimes;
use super::tables::ProfileError;

/// Standard deviation of the logarithm of one published rate about the regression.
const NOISE: f64 = 0.102;
/// Repeats beyond this many add no certainty: they share what the model lacks.
const COUNTED_REPEATS: f64 = 3.0;
/// Keeps a row without repeats from being exact.
const LEAST_VARIANCE: f64 = 1e-6;

/// A pair of device and model.
pub(super) type Pair = (String, String);

/// One configuration of one measurement.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Columns that are not zero, and their values.
    pub entries: Vec<(usize, f64)>,
    /// ln(rate) less the offset: the median of the row's repeats.
    pub target: f64,
    /// Variance of the target about the regression.
    pub variance: f64,
}

/// The whole regression problem.
#[derive(Clone, Debug, Default)]
pub(super) struct System {
    pub rows: Vec<Row>,
    /// Component and key of each column.
    pub columns: Vec<(usize, String)>,
    /// Rows that are one measurement.
    pub weight_groups: Vec<Vec<usize>>,
    /// Rows of each pair of device and model.
    pub pairs: BTreeMap<Pair, Vec<usize>>,
}

impl System {
    pub(super) fn of(
        times: &StepTimes,
        catalog: &Catalog,
        observations: &[Observation],
    ) -> Result<Self, ProfileError> {
        let mut builder = Builder::default();
        for repeats in repeats(observations) {
            let factors = factors(times, catalog, repeats[0])?;
            builder.add(&factors, &repeats);
        }
        let Builder { mut system, weight_groups, .. } = builder;
        system.weight_groups = weight_groups.into_values().collect();
        Ok(system)
    }

    /// Ridge penalty of a column: the inverse of its prior variance.
    pub(super) fn penalty(&self, column: usize) -> f64 {
        COMPONENTS[self.columns[column].0].deviation.powi(-2)
    }
}

/// The factors of an observation.
pub(super) fn factors(
    times: &StepTimes,
    catalog: &Catalog,
    observation: &Observation,
) -> Result<Factors, ProfileError> {
    let setting = observation.setting(catalog)?;
    Factors::of(&times.subjects, &setting).map_err(|_| ProfileError::Unknown {
        file: "assets/observations/training.csv",
        what: "rates of the device of row",
        name: observation.id.clone(),
    })
}

/// Observations of equal configuration in one weight group, in the order of their first one.
fn repeats(observations: &[Observation]) -> Vec<Vec<&Observation>> {
    let mut index = BTreeMap::new();
    let mut found: Vec<Vec<&Observation>> = Vec::new();
    for row in observations {
        let bits = [row.micro_batch, row.accumulation, row.sequence.unwrap_or(0.0)].map(f64::to_bits);
        let key = (
            &row.weight_group,
            &row.model,
            bits,
            row.precision,
            (&row.stack, &row.fabric, &row.task, &row.variant),
            (row.count, row.per_host, [row.card, row.year].map(|value| value.map(f64::to_bits))),
        );
        let at = *index.entry(key).or_insert_with(|| {
            found.push(Vec::new());
            found.len() - 1
        });
        found[at].push(row);
    }
    found
}

#[derive(Default)]
struct Builder {
    system: System,
    known: BTreeMap<(usize, String), usize>,
    weight_groups: BTreeMap<String, Vec<usize>>,
}

impl Builder {
    fn add(&mut self, factors: &Factors, repeats: &[&Observation]) {
        let targets: Vec<f64> =
            repeats.iter().map(|row| libm::log(row.samples_per_s) - factors.offset).collect();
        let entries = COMPONENTS
            .iter()
            .enumerate()
            .map(|(index, component)| (index, component, component.multiplier(factors)))
            .filter(|(.., value)| *value != 0.0)
            .map(|(index, component, value)| (self.column(index, component.key(factors)), value))
            .collect();
        let counted = (repeats.len() as f64).min(COUNTED_REPEATS);
        let at = self.system.rows.len();
        self.system.rows.push(Row {
            entries,
            target: median(&targets).unwrap_or(0.0),
            variance: NOISE * NOISE / counted + LEAST_VARIANCE,
        });
        let pair = (factors.accelerator.clone(), factors.model.clone());
        self.system.pairs.entry(pair).or_default().push(at);
        self.weight_groups.entry(repeats[0].weight_group.clone()).or_default().push(at);
    }

    fn column(&mut self, component: usize, key: String) -> usize {
        let columns = &mut self.system.columns;
        *self.known.entry((component, key)).or_insert_with_key(|key| {
            columns.push(key.clone());
            columns.len() - 1
        })
    }
}
