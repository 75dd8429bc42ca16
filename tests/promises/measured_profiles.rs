//! Measured profiles: what is written is read, and what was damaged is told and refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use capplan::catalog::measured::{
    Fingerprint, MeasuredCurve, MeasuredFigure, MeasuredProfile, ProfileOrigin, Run, Section, Skipped,
};
use capplan::document::{Code, Diagnostics};
use capplan::stats::{Form, Stream};
use sha2::{Digest, Sha256};

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn curve(sizes: &[f64], noise: f64) -> MeasuredCurve {
    let mut stream = Stream::named(1, 0, "test", "profile");
    let mut runs = Vec::new();
    for repeat in 1..=3 {
        for &at in sizes {
            let level = (0.004 + 0.001 * at) * (1.0 + noise * stream.normal());
            runs.push(Run { at, repeat, started: runs.len() as f64, samples: vec![level; 5] });
        }
    }
    let mut curve = MeasuredCurve {
        section: Section::Train,
        quantity: "step".to_owned(),
        unit: "s".to_owned(),
        axis: "batch".to_owned(),
        settings: settings(&[("model", "gpt"), ("precision", "f32")]),
        runs,
        fit: None,
        noise: 0.0,
        skipped: vec![Skipped { at: 4096.0, reason: "needs 40 GiB, \"24\" are here".to_owned() }],
    };
    let _ = curve.refit(&Form::TIMES);
    curve
}

fn profile(sizes: &[f64]) -> MeasuredProfile {
    MeasuredProfile {
        name: "a machine".to_owned(),
        measured: "2026-11-27".parse().unwrap(),
        origin: ProfileOrigin::Imported { from: "run.json (vllm)".to_owned() },
        accepted_noise: true,
        machine: Fingerprint {
            cpu: "Some \"CPU\" \\ 9".to_owned(),
            cores: Some(2),
            memory: Some(25_000_000_000),
            system: "linux x86_64".to_owned(),
            device: "cpu".to_owned(),
            driver: None,
            accelerator: Some("cpu".to_owned()),
            program: "capplan 0.1.0".to_owned(),
            candle: Some("0.11.1".to_owned()),
        },
        curves: vec![curve(sizes, 0.01)],
        figures: vec![MeasuredFigure {
            section: Section::Machine,
            name: "matmul-peak".to_owned(),
            unit: "flop/s".to_owned(),
            value: 2.0e11,
            lo: 1.9e11,
            hi: 2.1e11,
            settings: settings(&[("precision", "f32")]),
        }],
    }
}

const SIZES: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

fn told(faults: &Diagnostics) -> String {
    faults.sorted().iter().map(|fault| fault.to_string()).collect::<Vec<_>>().join("\n")
}

/// The text with a checksum that fits it again.
fn signed(text: &str) -> String {
    let start = text.find("\nchecksum = \"").unwrap() + "\nchecksum = \"".len();
    let end = start + text[start..].find('"').unwrap();
    let (head, rest) = (&text[..start], &text[end..]);
    let digest: String =
        Sha256::digest(format!("{head}{rest}")).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{head}{digest}{rest}")
}

#[test]
fn a_profile_survives_being_written_and_read() {
    let profile = profile(&SIZES);
    let text = profile.to_toml();
    let mut read =
        MeasuredProfile::read("p.toml", &text).unwrap_or_else(|faults| panic!("{}", told(&faults)));
    // Samples keep five digits; everything else is exact.
    for (ours, theirs) in profile.curves[0].runs.iter().zip(&mut read.curves[0].runs) {
        assert!((ours.samples[0] / theirs.samples[0] - 1.0).abs() < 1e-4);
        theirs.samples.clone_from(&ours.samples);
    }
    assert_eq!(profile, read);
    assert_eq!(read.curves[0].fit.as_ref().unwrap().intervals.len(), 2);
}

#[test]
fn a_saved_profile_replaces_the_old_one_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.toml");
    profile(&SIZES).save(&path).unwrap();
    profile(&SIZES[..4]).save(&path).unwrap();
    let read = MeasuredProfile::open(&path).unwrap().unwrap_or_else(|faults| panic!("{}", told(&faults)));
    assert_eq!(read.curves[0].runs.len(), 12);
    assert!(profile(&SIZES).save(&folder.path().join("absent/p.toml")).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
}

#[test]
fn a_file_cut_short_is_refused_wherever_it_was_cut() {
    let text = profile(&SIZES).to_toml();
    for length in (0..text.len()).step_by(97) {
        assert!(MeasuredProfile::read("p.toml", &text[..length]).is_err(), "cut at {length}");
    }
    let faults = MeasuredProfile::read("p.toml", &text[..text.len() - 30]).unwrap_err();
    assert!(told(&faults).contains("cut short"), "{}", told(&faults));
}

#[test]
fn one_flipped_byte_is_found_wherever_it_is() {
    let text = profile(&SIZES).to_toml();
    for place in (0..text.len()).step_by(53) {
        let mut bytes = text.clone().into_bytes();
        bytes[place] ^= 1;
        let Ok(flipped) = String::from_utf8(bytes) else { continue };
        assert!(MeasuredProfile::read("p.toml", &flipped).is_err(), "byte {place} of {text}");
    }
}

#[test]
fn another_format_is_named_before_anything_else() {
    for (format, word, code) in [("0", "an older", Code::Refused), ("2", "a newer", Code::NewerFormat)] {
        let text = profile(&SIZES).to_toml().replace("format = 1", &format!("format = {format}"));
        for text in [signed(&text), text] {
            let faults = MeasuredProfile::read("p.toml", &text).unwrap_err();
            assert!(told(&faults).contains(word) && faults.all_are(code), "{}", told(&faults));
        }
    }
}

#[test]
fn numbers_that_are_none_are_faults_with_places() {
    let text = profile(&SIZES).to_toml();
    let noise = text.lines().find(|line| line.starts_with("noise = ")).unwrap();
    for (from, to) in [
        (noise, "noise = nan"),
        ("samples = [", "samples = [nan, "),
        ("samples = [", "samples = [-1.0, "),
        ("at = 1.0", "at = 0.0"),
        ("a = [", "a = [inf, "),
    ] {
        let text = signed(&text.replacen(from, to, 1));
        let faults = MeasuredProfile::read("p.toml", &text).unwrap_err();
        assert!(faults.sorted()[0].place().is_some_and(|place| place.line > 3), "{to}: {}", told(&faults));
    }
}

#[test]
fn a_fit_to_one_size_is_refused_and_one_without_is_not_claimed() {
    assert!(curve(&SIZES[..1], 0.0).fit.is_none());
    let text = profile(&SIZES).to_toml();
    let single: String = text
        .lines()
        .filter(|line| !line.starts_with("  { at = ") || line.contains("at = 1.0,"))
        .map(|line| format!("{line}\n"))
        .collect();
    let faults = MeasuredProfile::read("p.toml", &signed(&single)).unwrap_err();
    assert!(told(&faults).contains("at least 2 sizes"), "{}", told(&faults));
}

#[test]
fn intervals_are_the_same_each_time_they_are_drawn() {
    let (one, two) = (curve(&SIZES, 0.02), curve(&SIZES, 0.02));
    assert_eq!(one, two);
    let interval = one.fit.unwrap().intervals[1];
    assert!(interval.lo < interval.value && interval.value < interval.hi, "{interval:?}");
}
