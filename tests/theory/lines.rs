//! Lines of stages: overlap, prefetch buffers, workers, stragglers, tandem queues.

use capplan::engine::Cancel;
use capplan::stats::Law;
use capplan::units::Seconds;
use capplan::workload::training::closed_form;
use capplan::workload::training::pipeline::{Pipeline, PipelineStats, Source, Stage, steady_step};

use super::judge::Answer;
use super::oracle::Row;

const REPLICATIONS: u32 = 20;

fn saturated(stages: Vec<Stage>) -> Pipeline {
    Pipeline::new(stages, Source::Saturated).unwrap()
}

fn simulate(line: &Pipeline, replica: u32, items: u64) -> PipelineStats {
    line.simulate(1, replica, items, &Cancel::new())
}

fn sampled(line: &Pipeline, items: u64, figure: fn(&PipelineStats) -> f64) -> Vec<Answer> {
    let items = items / u64::from(REPLICATIONS);
    let figures = (0..REPLICATIONS).map(|replica| figure(&simulate(line, replica, items)));
    vec![Answer::Sampled(figures.collect())]
}

/// Stages with constant times and prefetch buffers of two batches.
fn constant_line(seconds: &[f64]) -> Pipeline {
    let stage =
        |(index, &time): (usize, &f64)| Stage::new(&index.to_string(), Law::Deterministic(time)).buffer(2);
    saturated(seconds.iter().enumerate().map(stage).collect())
}

/// The closed form must agree with the table and the simulation with the closed form, to the nanosecond.
pub fn pipeline_overlapped(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let times = case.list("t");
    let seconds: Vec<Seconds> = times.iter().copied().map(Seconds).collect();
    let line = constant_line(&times);
    let step = steady_step(&line, 1, 0, 0, &Cancel::new());
    let answer = |row: &Row| match row.quantity.as_str() {
        "step_s" => {
            assert_eq!(step.mean, closed_form::overlapped_step(&seconds));
            assert!((simulate(&line, 0, 1000).step.0 - step.mean.0).abs() < 1e-12);
            step.mean.0
        }
        "makespan_s" => {
            let batches = case.number("n") as u64;
            let makespan = simulate(&line, 0, batches).makespan.seconds().0;
            let formula = closed_form::overlapped_makespan(&seconds, batches).0;
            assert!((makespan - formula).abs() < 1e-9, "{makespan} {formula}");
            makespan
        }
        "data_stall_fraction" => {
            let formula = closed_form::data_stall_fraction(&seconds);
            assert!((simulate(&line, 0, 1000).input_wait - formula).abs() < 1e-9);
            assert!((step.input_wait - formula).abs() < 1e-12);
            formula
        }
        other => panic!("no such quantity: {other}"),
    };
    rows.iter().map(|row| Answer::Exact(answer(row))).collect()
}

/// Steps come in bursts of as many as there are workers, so whole bursts are compared.
pub fn pipeline_workers(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let (workers, prepare, train) =
        (case.count("workers"), case.number("prep_per_batch"), case.number("train"));
    let line = saturated(vec![
        Stage::new("prepare", Law::Deterministic(prepare)).servers(workers),
        Stage::new("train", Law::Deterministic(train)).buffer(2),
    ]);
    let bursts = 100;
    let (from, to) = (10 * workers as u64, (10 + bursts) * workers as u64);
    let span = simulate(&line, 0, to).makespan - simulate(&line, 0, from).makespan;
    let step = span.seconds().0 / (to - from) as f64;
    let formula = closed_form::workers_step(Seconds(prepare), workers as u32, Seconds(train)).0;
    assert!((step - formula).abs() < 1e-12, "{step} {formula}");
    vec![Answer::Exact(step)]
}

pub fn prefetch_buffer_exp(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let stage = |name| Stage::new(name, Law::Exponential { mean: 1.0 / case.number(name) });
    let line = saturated(vec![stage("producer"), stage("consumer").buffer(case.count("buffer"))]);
    sampled(&line, 1_000_000, |stats| 1.0 / stats.step.0)
}

pub fn tandem_mm1(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let stages = case.list("mu").into_iter().enumerate().map(|(index, rate)| {
        Stage::new(&index.to_string(), Law::Exponential { mean: 1.0 / rate }).buffer(usize::MAX)
    });
    let source = Source::Arrivals(Law::Exponential { mean: 1.0 / case.number("lambda") });
    let line = Pipeline::new(stages.collect(), source).unwrap();
    sampled(&line, 1_000_000, |stats| stats.sojourn.0)
}

pub fn straggler(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let service = match rows[0].family.as_str() {
        "straggler_exp" => Law::Exponential { mean: case.number("mean") },
        "straggler_uniform" => Law::Uniform { lo: 1.0, hi: 1.2 },
        _ => Law::Normal { mean: case.number("mean"), deviation: case.number("sigma") },
    };
    let line = saturated(vec![Stage::new("train", service).gang(case.count("n") as u32)]);
    sampled(&line, 200_000, |stats| stats.step.0)
}
