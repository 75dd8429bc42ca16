//! Real work in small, and what a measured profile says in scenarios.
#![cfg(feature = "calibrate")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use capplan::calibrate::{
    Bench, BenchError, ComputeBench, DeviceName, ModelKind, infer_works, job_works, serve_worker, tasks_of,
    train_works,
};
use capplan::catalog::measured::{MeasuredCurve, MeasuredFigure, ProfileOrigin, Run, Section};
use capplan::catalog::{Catalog, Fingerprint, MeasuredProfile, Model, Precision, Provenance};
use capplan::stats::{Curve, Form, Stream};
use capplan::steptime::measured::{
    MeasuredAnswer, MeasuredQuery, MeasuredSteps, NotMeasured, Standing, Transfer, TransferRule, Way,
    predicted,
};

const ALL: [ModelKind; 3] = [ModelKind::Gpt, ModelKind::Cnn, ModelKind::Recommender];

#[test]
fn the_catalog_knows_the_models_that_are_measured() {
    let catalog = Catalog::read(&[]).unwrap();
    for (_, kind) in ModelKind::ALL {
        let model = catalog.model(kind.id()).unwrap();
        let share = model.flops_forward.0 / kind.flops_forward();
        assert!((share - 1.0).abs() < 1e-6, "{}: {share}", kind.id());
    }
}

#[test]
fn every_work_runs_at_its_smallest_size_and_its_parts_make_the_whole() {
    let cpu = DeviceName::Cpu;
    for works in [train_works(&ALL, cpu, 1), infer_works(&ALL, cpu, 1)] {
        let tasks = tasks_of(&works);
        let mut bench = ComputeBench::new(works, cpu).unwrap();
        for (index, task) in tasks.iter().enumerate() {
            bench.start(index, task.sizes[0]).unwrap_or_else(|error| panic!("{}: {error}", task.title()));
            let values = bench.sample().unwrap();
            assert_eq!(values.len(), task.quantities.len(), "{}", task.title());
            assert!(
                values.iter().all(|value| *value > 0.0 && value.is_finite()),
                "{}: {values:?}",
                task.title()
            );
            if let [step, forward, backward, optimizer] = values[..] {
                assert!((step - forward - backward - optimizer).abs() < 1e-9 * step);
            }
        }
    }
}

#[test]
fn a_real_job_loses_loss() {
    let works = job_works(&ALL, DeviceName::Cpu, 1);
    let mut bench = ComputeBench::new(works, DeviceName::Cpu).unwrap();
    bench.start(0, 1.0).unwrap();
    let losses: Vec<f64> = (0..15).map(|_| bench.sample().unwrap()[2]).collect();
    // The logarithm of 1024 tokens at first, fewer nats once it knows which ones occur.
    assert!(losses[0] > 6.0 && losses[0] < 9.0, "{losses:?}");
    assert!(losses[14] < losses[0] - 0.5, "{losses:?}");
}

#[test]
fn a_size_that_does_not_fit_in_memory_is_skipped() {
    let works = train_works(&[ModelKind::Gpt], DeviceName::Cpu, 1);
    let tasks = tasks_of(&works);
    let index = tasks.iter().position(|task| task.axis == "batch").unwrap();
    let mut bench = ComputeBench::new(works, DeviceName::Cpu).unwrap().with_memory(100e6);
    match bench.start(index, 4096.0) {
        Err(BenchError::Skip { reason }) => assert!(reason.contains("GiB"), "{reason}"),
        _ => panic!("4096 sequences fit in 100 MB"),
    }
}

#[test]
fn a_worker_answers_sense_and_nonsense_alike() {
    let works = train_works(&[ModelKind::Recommender], DeviceName::Cpu, 1);
    let mut bench = ComputeBench::new(works, DeviceName::Cpu).unwrap();
    let requests = "sample\nstart 0 64\nsample\nstart 99 1\nstart 0 nan\nstart 0 -1\nnonsense\n";
    let mut answers = Vec::new();
    serve_worker(&mut bench, Cursor::new(requests), &mut answers).unwrap();
    let answers = String::from_utf8(answers).unwrap();
    let words: Vec<&str> = answers.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(words, ["skip", "ok", "values", "skip", "skip", "skip", "skip"], "{answers}");
}

#[test]
fn devices_are_named_or_refused() {
    assert_eq!(DeviceName::parse("cpu").unwrap(), DeviceName::Cpu);
    assert_eq!(DeviceName::parse("cuda:1").unwrap(), DeviceName::Cuda(1));
    for wrong in ["gpu", "cpu:1", "cuda:x", "", "cuda:-1"] {
        assert!(DeviceName::parse(wrong).is_err(), "{wrong}");
    }
}

fn here() -> Fingerprint {
    Fingerprint {
        cpu: "Some CPU".to_owned(),
        cores: Some(2),
        memory: Some(24 << 30),
        system: "linux x86_64".to_owned(),
        device: "cpu".to_owned(),
        program: "capplan".to_owned(),
        ..Fingerprint::default()
    }
}

/// t(b) = 10 ms + 20 ms·b, with noise between runs.
fn curve(model: &str, noise: f64, seed: u64) -> MeasuredCurve {
    let mut stream = Stream::named(seed, 0, "test", model);
    let sizes = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
    let runs = (1..=3)
        .flat_map(|repeat| sizes.iter().map(move |&at| (repeat, at)))
        .map(|(repeat, at)| Run {
            at,
            repeat,
            started: 0.0,
            samples: vec![(0.010 + 0.020 * at) * (1.0 + noise * stream.normal())],
        })
        .collect();
    let settings =
        [("model", model), ("precision", "fp32")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut curve = MeasuredCurve {
        section: Section::Train,
        quantity: "step".to_owned(),
        unit: "s".to_owned(),
        axis: "batch".to_owned(),
        settings: BTreeMap::from(settings),
        runs,
        fit: None,
        noise: 0.0,
        skipped: Vec::new(),
    };
    curve.refit(&Form::TIMES).unwrap();
    curve
}

fn profile() -> MeasuredProfile {
    let figure = |name: &str, value: f64| MeasuredFigure {
        section: Section::Machine,
        name: name.to_owned(),
        unit: "1".to_owned(),
        value,
        lo: value,
        hi: value,
        settings: BTreeMap::from([("precision".to_owned(), "fp32".to_owned())]),
    };
    MeasuredProfile {
        name: "mine".to_owned(),
        measured: "2026-11-27".parse().unwrap(),
        origin: ProfileOrigin::Measured,
        accepted_noise: false,
        machine: here(),
        curves: vec![curve("capplan-gpt", 0.01, 1)],
        figures: vec![figure("matmul-peak", 2e11), figure("memory-bandwidth", 2e10)],
    }
}

fn model(catalog: &Catalog, id: &str) -> Model {
    catalog.model(id).unwrap().clone()
}

fn ask(
    steps: &MeasuredSteps,
    catalog: &Catalog,
    way: Way<'_>,
    (id, precision, micro_batch): (&str, Precision, f64),
) -> Result<MeasuredAnswer, NotMeasured> {
    let model = model(catalog, id);
    steps.step(catalog, way, &MeasuredQuery { model: &model, precision, micro_batch, accumulation: 1.0 })
}

#[test]
fn what_was_measured_here_is_measured_and_elsewhere_is_marked() {
    let catalog = Catalog::read(&[]).unwrap();
    let question = ("capplan-gpt", Precision::Fp32, 12.0);
    let steps = MeasuredSteps::new(Arc::new(profile()), Some(&here()), Vec::new());
    let answer = ask(&steps, &catalog, Way::Own, question).unwrap();
    assert!((answer.seconds.0 / 0.250 - 1.0).abs() < 0.02, "{answer:?}");
    assert_eq!(answer.provenance, Provenance::Measured);
    assert!(answer.basis.contains("measured here") && answer.warnings.is_empty(), "{answer:?}");
    assert!(answer.log_error > 0.001 && answer.log_error < 0.05, "{}", answer.log_error);
    assert!(steps.warning().is_none());

    let other = Fingerprint { cpu: "Another CPU".to_owned(), ..here() };
    for elsewhere in [Some(&other), None] {
        let steps = MeasuredSteps::new(Arc::new(profile()), elsewhere, Vec::new());
        let answer = ask(&steps, &catalog, Way::Own, question).unwrap();
        assert_eq!(answer.provenance, Provenance::Extrapolated);
        assert!(matches!(steps.standing, Standing::Elsewhere(_)));
        assert!(steps.warning().unwrap().contains("another machine"));
    }
}

#[test]
fn a_hundred_times_beyond_the_range_is_extrapolated_and_wide() {
    let catalog = Catalog::read(&[]).unwrap();
    let steps = MeasuredSteps::new(Arc::new(profile()), Some(&here()), Vec::new());
    let inside = ask(&steps, &catalog, Way::Own, ("capplan-gpt", Precision::Fp32, 32.0)).unwrap();
    let beyond = ask(&steps, &catalog, Way::Own, ("capplan-gpt", Precision::Fp32, 3200.0)).unwrap();
    assert_eq!(beyond.provenance, Provenance::Extrapolated);
    assert!(beyond.warnings[0].contains("100 times beyond"), "{:?}", beyond.warnings);
    assert!(beyond.log_error > 20.0 * inside.log_error, "{} {}", inside.log_error, beyond.log_error);
}

#[test]
fn other_precisions_and_models_are_told_or_carried_by_the_measured_roof() {
    let catalog = Catalog::read(&[]).unwrap();
    let steps = MeasuredSteps::new(Arc::new(profile()), Some(&here()), Vec::new());
    let error = ask(&steps, &catalog, Way::Own, ("capplan-gpt", Precision::Bf16, 8.0)).unwrap_err();
    assert!(error.to_string().contains("capplan-gpt in fp32"), "{error}");
    let carried = ask(&steps, &catalog, Way::Own, ("resnet-50", Precision::Fp32, 8.0)).unwrap();
    assert_eq!(carried.provenance, Provenance::Extrapolated);
    assert!(carried.basis.contains("not measured") && carried.log_error > 0.5, "{carried:?}");
    // Slower than the roof, and by the share that the measured model reaches.
    let work = 3.0 * model(&catalog, "resnet-50").flops_forward.0 * 8.0;
    assert!(carried.seconds.0 > work / 2e11);
}

#[test]
fn nothing_is_carried_to_another_device_but_by_a_named_rule() {
    let catalog = Catalog::read(&[]).unwrap();
    let t4 = catalog.accelerators.values().find(|device| device.name.to_lowercase().contains("t4")).unwrap();
    let question = ("capplan-gpt", Precision::Fp32, 8.0);
    let silent = MeasuredSteps::new(Arc::new(profile()), Some(&here()), Vec::new());
    assert!(silent.way(false, Some(t4)).is_none());
    let own = ask(&silent, &catalog, Way::Own, question).unwrap();

    let mut twice = profile();
    twice.curves[0].runs.iter_mut().for_each(|run| run.samples.iter_mut().for_each(|sample| *sample /= 2.0));
    twice.curves[0].refit(&Form::TIMES).unwrap();
    let rules = [
        (TransferRule::Ratio { faster: 10.0, error: 0.2 }, Some(10.0), "user's ratio"),
        (TransferRule::MeasuredPair(Arc::new(twice)), Some(2.0), "measured pair"),
        (TransferRule::Roofline, None, "ratio of peaks"),
    ];
    for (rule, faster, label) in rules {
        let transfers = vec![Transfer { to: t4.name.clone(), rule }];
        let steps = MeasuredSteps::new(Arc::new(profile()), Some(&here()), transfers);
        let way = steps.way(false, Some(t4)).unwrap();
        let carried = ask(&steps, &catalog, way, question).unwrap();
        assert_eq!(carried.provenance, Provenance::Extrapolated);
        assert!(carried.basis.contains(label), "{}", carried.basis);
        assert!(
            carried.log_error >= 0.11 && carried.log_error > own.log_error,
            "{label} {}",
            carried.log_error
        );
        if let Some(faster) = faster {
            assert!((own.seconds.0 / carried.seconds.0 / faster - 1.0).abs() < 1e-6, "{label}");
        }
    }
}

#[test]
fn a_curve_through_two_single_runs_does_not_seem_certain() {
    let mut few = curve("few", 0.0, 1);
    few.runs.retain(|run| run.repeat == 1 && [1.0, 32.0].contains(&run.at));
    for run in &mut few.runs {
        run.samples = [0.9, 1.0, 1.1].map(|factor| factor * run.samples[0]).to_vec();
    }
    few.refit(&Form::TIMES).unwrap();
    let fit = few.fit.as_ref().unwrap();
    assert!(fit.leave_one_out.is_infinite() && few.noise > 0.05, "{few:?}");
    let slope = fit.intervals[1];
    assert!(slope.hi - slope.lo > 0.05 * slope.value, "{slope:?}");
    let told = predicted(&few, 8.0, 0.9).unwrap();
    assert!(told.lo < 0.85 * told.mean && told.hi > 1.15 * told.mean, "{told:?}");
}

#[test]
fn intervals_cover_the_true_curve_about_as_often_as_they_say() {
    let truth = Curve::Affine { a: 0.010, b: 0.020 };
    let (mut covered, mut asked) = (0.0, 0.0);
    for seed in 0..150 {
        let curve = curve("coverage", 0.03, seed);
        let form = curve.fit.as_ref().unwrap().fitted.curve.form();
        let sure = curve.resample(form).unwrap();
        for at in [1.0, 3.0, 12.0, 32.0] {
            covered += f64::from(u8::from(sure.predict(at, 0.95).contains(truth.evaluate(at))));
            asked += 1.0;
        }
    }
    let share = covered / asked;
    assert!((0.88..=0.97).contains(&share), "{share}");
}

#[test]
fn intervals_of_single_runs_hold_new_runs() {
    let (mut held, mut asked) = (0.0, 0.0);
    for seed in 0..100 {
        let curve = curve("runs", 0.03, seed);
        let mut stream = Stream::named(seed, 1, "test", "new runs");
        for at in [3.0, 12.0, 24.0] {
            let run = (0.010 + 0.020 * at) * (1.0 + 0.03 * stream.normal());
            held += f64::from(u8::from(predicted(&curve, at, 0.9).unwrap().contains(run)));
            asked += 1.0;
        }
    }
    let share = held / asked;
    assert!((0.85..=0.99).contains(&share), "{share}");
}
