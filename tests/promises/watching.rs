//! Who watches a study is told of every fleet once, as it finishes, with the figures of the result.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use capplan::catalog::{Catalog, example};
use capplan::document::load;
use capplan::engine::Cancel;
use capplan::report::flat_table;
use capplan::scenario::resolve;
use capplan::steptime::StepTimes;
use capplan::study::{Comparison, Finished, Options, Progress, Row, Watch, run};

#[derive(Default)]
struct Told(Mutex<Vec<(usize, usize, Row)>>);

impl Watch for Told {
    fn progress(&self, _: Progress) {}

    fn finished(&self, finished: Finished<'_>) {
        self.0.lock().unwrap().push((finished.index, finished.fleets, finished.row.clone()));
    }
}

/// What takes all fleets to say is left out.
fn alone(row: &Row) -> Row {
    Row { rank: None, pareto: false, difference: None, ..row.clone() }
}

#[test]
fn every_fleet_is_told_once_with_its_figures_whatever_the_threads() {
    let catalog = Catalog::read(&[]).unwrap();
    let steps = StepTimes::embedded().unwrap();
    for name in ["daily-recommender", "chat"] {
        let root = load(name, example(name).unwrap()).unwrap();
        let scenario = resolve(&root, &catalog, None).unwrap();
        let mut results: Vec<Comparison> = Vec::new();
        for threads in [1, 5] {
            let told = Told::default();
            let options = Options { threads: Some(threads), ..Options::default() };
            let result = run(&scenario, &catalog, &steps, &options, &Cancel::new(), &told).unwrap();
            let mut told = told.0.into_inner().unwrap();
            told.sort_by_key(|(index, ..)| *index);
            assert_eq!(told.len(), result.rows.len(), "{name}");
            for (place, (row, (index, fleets, told))) in result.rows.iter().zip(&told).enumerate() {
                assert_eq!((place, result.rows.len()), (*index, *fleets), "{name}");
                assert_eq!(alone(row), alone(told), "{name}: {}", row.fleet);
            }
            results.push(result);
        }
        assert_eq!(flat_table(&results[0]), flat_table(&results[1]), "{name}");
    }
}
