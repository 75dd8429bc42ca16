//! Serving rows to predictions: grouped by run, spread over threads, put back in the order of the file.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::validate::predict::Predicted;
use crate::validate::resolve::Skip;
use crate::validate::score::{Comparison, Keys, Scored};

use super::configuration::ServingConfiguration;
use super::read::ServingRow;

/// Predicts the rows of one run: the same configuration but for the figure that is asked for.
pub(crate) trait RunPredictor: Sync {
    /// One prediction for every row of the run, in its order.
    fn predict(&self, rows: &[&ServingConfiguration]) -> Vec<Result<Predicted, Skip>>;
}

/// Predicts every row and compares it with what was published.
pub(crate) fn scored(rows: Vec<ServingRow>, predictor: &dyn RunPredictor, threads: usize) -> Vec<Scored> {
    let mut runs: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        if let (Ok(configuration), None) = (&row.configuration, &row.not_scorable) {
            runs.entry(configuration.run_key()).or_default().push(index);
        }
    }
    let runs: Vec<Vec<usize>> = runs.into_values().collect();
    let mut predictions: Vec<Option<Result<Predicted, Skip>>> = vec![None; rows.len()];
    for (index, outcome) in spread(&rows, &runs, predictor, threads) {
        predictions[index] = Some(outcome);
    }
    rows.into_iter().zip(predictions).map(|(row, prediction)| compare(row, prediction)).collect()
}

/// The predictions of all runs, by row.
fn spread(
    rows: &[ServingRow],
    runs: &[Vec<usize>],
    predictor: &dyn RunPredictor,
    threads: usize,
) -> Vec<(usize, Result<Predicted, Skip>)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let members: Vec<(usize, &ServingConfiguration)> = run
                .iter()
                .filter_map(|index| Some((*index, rows[*index].configuration.as_ref().ok()?)))
                .collect();
            let asked: Vec<&ServingConfiguration> = members.iter().map(|(_, row)| *row).collect();
            let outcomes = predictor.predict(&asked);
            found.extend(members.iter().map(|(index, _)| *index).zip(outcomes));
        }
        found
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut found = work();
        for worker in workers {
            match worker.join() {
                Ok(more) => found.extend(more),
                Err(fault) => std::panic::resume_unwind(fault),
            }
        }
        found
    })
}

fn compare(row: ServingRow, prediction: Option<Result<Predicted, Skip>>) -> Scored {
    let outcome = match (row.not_scorable, row.configuration, prediction) {
        (Some(words), _, _) => Err(Skip::NotScorable(words)),
        _ if row.value.is_none_or(|value| value <= 0.0) => Err(Skip::Value),
        (None, Err(skip), _) => Err(skip),
        (None, Ok(_), Some(prediction)) => {
            prediction.and_then(|predicted| Comparison::of(predicted, row.value))
        }
        (None, Ok(_), None) => Err(Skip::Serving("no prediction was made".to_owned())),
    };
    let [category, model, accelerator, framework, scenario] = row.written;
    let keys =
        Keys { accelerator, model, framework, metric: row.metric, devices: row.devices, category, scenario };
    Scored { id: row.id, published: row.value, weight_group: row.weight_group, keys, outcome }
}
