//! Traffic: every process has the rate that it states, traces are replayed as they are, nonsense is told with its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use capplan::units::{Seconds, SimTime};
use capplan::workload::arrivals::{
    ArrivalSpec, LengthLaw, LengthSpec, Mix, Prefix, Request, TraceFormat, TraceSource, TraceSurvey, Traffic,
    TrafficError, TrafficSpec,
};
use proptest::prelude::*;

fn laws(input: LengthLaw, output: LengthLaw) -> LengthSpec {
    LengthSpec { input, output, trace: None }
}

fn mix(lengths: LengthSpec) -> Mix {
    Mix { share: 1.0, lengths, priority: 0, model: 0, prefix: None }
}

fn traffic(arrivals: ArrivalSpec, requests: u64) -> TrafficSpec {
    let lengths = laws(LengthLaw::Uniform(10, 1000), LengthLaw::Uniform(1, 500));
    TrafficSpec { arrivals, mixes: vec![mix(lengths)], requests: Some(requests), most_tokens: None }
}

fn draw(spec: &TrafficSpec, replica: u32) -> Vec<Request> {
    let mut traffic = Traffic::open(spec, 42, replica).unwrap();
    let requests = traffic.by_ref().collect();
    assert!(traffic.fault().is_none(), "{:?}", traffic.fault());
    requests
}

fn source(path: &Path, format: TraceFormat) -> TraceSource {
    TraceSource { path: path.to_owned(), format, speed: 1.0, repeat: false, select: None }
}

/// Requests whose times and lengths are those of a trace.
fn replay(source: TraceSource, requests: Option<u64>) -> TrafficSpec {
    let mut own = mix(laws(LengthLaw::Fixed(1), LengthLaw::Fixed(1)));
    own.lengths.trace = Some(source.clone());
    TrafficSpec { arrivals: ArrivalSpec::Trace(source), mixes: vec![own], requests, most_tokens: None }
}

fn written(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// A public trace; `None`, and a word, where the shared data are absent.
fn public(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/traces").join(name);
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
    }
    path.exists().then_some(path)
}

fn gaps(requests: &[Request]) -> Vec<f64> {
    requests.windows(2).map(|pair| pair[1].at.since(pair[0].at).seconds().0).collect()
}

fn mean_and_cv(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
    (mean, variance.sqrt() / mean)
}

#[test]
fn processes_have_their_rate_and_their_burstiness() {
    let mmpp =
        ArrivalSpec::Mmpp { quiet_rate: 2.0, burst_rate: 50.0, quiet: Seconds(30.0), burst: Seconds(5.0) };
    let profile =
        ArrivalSpec::Profile { rate: 5.0, points: vec![1.0, 3.0, 2.0, 0.0], period: Seconds(100.0) };
    let cases = [
        (ArrivalSpec::Poisson { rate: 7.0 }, Some(1.0)),
        (ArrivalSpec::Gamma { rate: 7.0, cv: 0.5 }, Some(0.5)),
        (ArrivalSpec::Gamma { rate: 7.0, cv: 3.0 }, Some(3.0)),
        (mmpp, None),
        (profile, None),
    ];
    for (arrivals, cv) in cases {
        let requests = draw(&traffic(arrivals.clone(), 400_000), 0);
        let (mean, seen_cv) = mean_and_cv(&gaps(&requests));
        let rate = arrivals.rate().unwrap();
        assert!((mean * rate - 1.0).abs() < 0.03, "{arrivals:?}: rate {}", 1.0 / mean);
        match cv {
            Some(cv) => assert!((seen_cv / cv - 1.0).abs() < 0.03, "{arrivals:?}: cv {seen_cv}"),
            None => assert!(seen_cv > 1.05, "{arrivals:?} is no burstier than Poisson: {seen_cv}"),
        }
    }
}

#[test]
fn a_day_profile_is_followed_hour_by_hour() {
    let points = vec![1.0, 3.0, 2.0, 0.0];
    let spec = traffic(ArrivalSpec::Profile { rate: 50.0, points, period: Seconds(400.0) }, 400_000);
    let mut counts = [0.0_f64; 4];
    for request in draw(&spec, 0) {
        counts[(request.at.seconds().0 / 100.0) as usize % 4] += 1.0;
    }
    // Means of the pieces between 1, 3, 2, 0 and back to 1, of a sum of 6.
    for (seen, share) in counts.iter().zip([2.0, 2.5, 1.0, 0.5]) {
        assert!((seen / 400_000.0 / (share / 6.0) - 1.0).abs() < 0.02, "{counts:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_requests_and_another_replica_others() {
    let spec = traffic(ArrivalSpec::Gamma { rate: 3.0, cv: 2.0 }, 1000);
    assert_eq!(draw(&spec, 0), draw(&spec, 0));
    assert_ne!(draw(&spec, 0), draw(&spec, 1));
}

#[test]
fn what_one_part_draws_shifts_no_other() {
    let spec = traffic(ArrivalSpec::Poisson { rate: 3.0 }, 1000);
    let lengths = |requests: &[Request]| -> Vec<(u32, u32)> {
        requests.iter().map(|request| (request.input, request.output)).collect()
    };
    let times =
        |requests: &[Request]| -> Vec<SimTime> { requests.iter().map(|request| request.at).collect() };
    let base = draw(&spec, 0);
    let mut other = spec.clone();
    other.mixes[0].lengths.output = LengthLaw::LogNormal { median: 100.0, mean: 150.0, most: 4000 };
    let longer = draw(&other, 0);
    assert_eq!(times(&longer), times(&base));
    assert_eq!(
        longer.iter().map(|request| request.input).collect::<Vec<_>>(),
        base.iter().map(|request| request.input).collect::<Vec<_>>()
    );
    let faster = TrafficSpec { arrivals: spec.arrivals.faster(4.0), ..spec.clone() };
    let faster = draw(&faster, 0);
    assert_eq!(lengths(&faster), lengths(&base));
    for (fast, slow) in faster.iter().zip(&base) {
        assert!((fast.at.0 as f64 - slow.at.0 as f64 / 4.0).abs() <= 1.0);
    }
    let mut shared = spec.clone();
    shared.mixes[0].prefix = Some((10, 64));
    let shared = draw(&shared, 0);
    assert_eq!((times(&shared), lengths(&shared)), (times(&base), lengths(&base)));
}

#[test]
fn a_mix_has_its_shares_models_priorities_and_groups() {
    let kind = |share, model, priority, prefix| Mix {
        share,
        model,
        priority,
        prefix,
        ..mix(laws(LengthLaw::Fixed(100 * (u32::from(model) + 1)), LengthLaw::Fixed(1)))
    };
    let spec = TrafficSpec {
        arrivals: ArrivalSpec::Burst,
        mixes: vec![kind(0.25, 0, 1, Some((3, 40))), kind(0.75, 1, 0, Some((2, 500)))],
        requests: Some(100_000),
        most_tokens: None,
    };
    let requests = draw(&spec, 0);
    let second = requests.iter().filter(|request| request.model == 1).count() as f64;
    assert!((second / 75_000.0 - 1.0).abs() < 0.01, "{second}");
    for request in &requests {
        let Prefix { group, tokens } = request.prefix.unwrap();
        assert_eq!(request.at, SimTime::ZERO);
        match request.model {
            0 => assert!((request.input, request.priority) == (100, 1) && group < 3 && tokens == 40),
            _ => assert!(
                (request.input, request.priority) == (200, 0) && (3..5).contains(&group) && tokens == 200
            ),
        }
    }
}

#[test]
fn public_traces_have_the_figures_that_were_published_with_them() {
    // From `trace_summary.csv`: requests, rate, cv of gaps, mean input, mean output.
    let cases = [
        ("azure_llm_2023_conv.csv", TraceFormat::Azure, 19_366, 5.5301, 1.094, 1154.7, 211.1),
        ("mooncake_fast25_synthetic.jsonl", TraceFormat::Mooncake, 3993, 3.906, 1.011, 15_325.5, 149.1),
        ("sharegpt_lss_llama-3.1-8b.csv", TraceFormat::Seconds, 300, 10.2619, 0.942, 857.5, 652.5),
    ];
    for (name, format, rows, rate, cv, input, output) in cases {
        let Some(path) = public(name) else { return };
        let survey = TraceSurvey::of(&source(&path, format)).unwrap();
        assert_eq!(survey.rows, rows);
        let near = |ours: Option<f64>, theirs: f64| (ours.unwrap() / theirs - 1.0).abs() < 0.005;
        assert!(near(survey.rate, rate) && near(survey.gap_cv, cv), "{name}: {survey:?}");
        assert!(near(survey.input, input) && near(survey.output, output), "{name}: {survey:?}");
        let replayed = draw(&replay(source(&path, format), None), 0);
        assert_eq!(replayed.len() as u64, rows);
        let (mean, seen) = mean_and_cv(&gaps(&replayed));
        assert!(near(Some(1.0 / mean), rate) && near(Some(seen), cv), "{name}: {mean} {seen}");
    }
    let Some(path) = public("vidur_arxiv_summarization.csv") else { return };
    let survey = TraceSurvey::of(&source(&path, TraceFormat::Lengths)).unwrap();
    assert_eq!((survey.rows, survey.rate), (28_257, None));
    let mut spec = traffic(ArrivalSpec::Poisson { rate: 2.0 }, 100);
    spec.mixes[0].lengths.trace = Some(source(&path, TraceFormat::Lengths));
    let first = draw(&spec, 0)[0];
    assert_eq!((first.input, first.output), (3772, 54));
}

#[test]
fn repeated_blocks_of_the_public_trace_are_found_again() {
    let Some(path) = public("mooncake_fast25_synthetic.jsonl") else { return };
    let requests = draw(&replay(source(&path, TraceFormat::Mooncake), None), 0);
    let mut cached = std::collections::HashMap::new();
    let (mut hits, mut blocks) = (0_u64, 0_u64);
    for request in requests {
        let prefix = request.prefix.unwrap();
        let known: &mut u32 = cached.entry(prefix.group).or_default();
        hits += u64::from(prefix.tokens.min(*known)).div_ceil(512);
        blocks += u64::from(request.input).div_ceil(512);
        *known = (*known).max(prefix.tokens);
    }
    let share = hits as f64 / blocks as f64;
    assert!((share - 0.640).abs() < 0.005, "published 0.640 with a cache without bound: {share}");
}

#[test]
fn rates_of_windows_are_followed() {
    let Some(path) = public("servegen_windows.csv") else { return };
    let mut windows = source(&path, TraceFormat::Windows);
    let several = TraceSurvey::of(&windows).unwrap_err().to_string();
    assert!(several.contains("name one workload"), "{several}");
    windows.select = Some("reason/deepseek-r1".to_owned());
    let survey = TraceSurvey::of(&windows).unwrap();
    // Published: 16.0 requests per second on average over a day.
    assert!((survey.rate.unwrap() / 16.0 - 1.0).abs() < 0.01, "{survey:?}");
    windows.speed = 10.0;
    let mut spec = traffic(ArrivalSpec::Trace(windows.clone()), 10_000_000);
    let requests = draw(&spec, 0);
    let expected = survey.rate.unwrap() * survey.span.0;
    assert!((requests.len() as f64 / expected - 1.0).abs() < 0.01, "{} {expected}", requests.len());
    assert!(requests.last().unwrap().at.seconds().0 <= survey.span.0 / 10.0);
    windows.repeat = true;
    spec = TrafficSpec {
        arrivals: ArrivalSpec::Trace(windows),
        requests: Some(3 * requests.len() as u64),
        ..spec
    };
    let last = draw(&spec, 0).last().unwrap().at.seconds().0;
    assert!((last / (3.0 * survey.span.0 / 10.0) - 1.0).abs() < 0.02, "{last}");
}

#[test]
fn a_trace_is_replayed_row_by_row() {
    let file = written("arrival_s,input_tokens,output_tokens\n0.5,10,20\n0.5,11,0\n\n2.25,12,1\n");
    let rows = |speed, repeat, requests| {
        let source = TraceSource { speed, repeat, ..source(file.path(), TraceFormat::Seconds) };
        let requests = draw(&replay(source, requests), 0);
        requests.into_iter().map(|request| (request.at.0, request.input, request.output)).collect::<Vec<_>>()
    };
    let once = [(500_000_000, 10, 20), (500_000_000, 11, 0), (2_250_000_000, 12, 1)];
    assert_eq!(rows(1.0, false, None), once);
    assert_eq!(rows(2.0, false, None)[2].0, 1_125_000_000);
    assert_eq!(rows(1.0, false, Some(2)).len(), 2);
    // Three arrivals in 1.75 s: a repetition takes 2.625 s, and the rate stays.
    let again = rows(1.0, true, Some(7));
    assert_eq!(
        again[3..6].iter().map(|row| row.0 - 2_625_000_000).collect::<Vec<_>>(),
        once.map(|row| row.0)
    );
    assert_eq!(again[6].0, 500_000_000 + 5_250_000_000);
}

#[test]
fn a_long_trace_repeats_from_the_file_as_a_short_one_does_from_memory() {
    let rows = 70_000;
    let mut text = "arrival,num_prefill_tokens,num_decode_tokens\n".to_owned();
    for row in 0..rows {
        writeln!(text, "{row},{},{}", row % 100 + 1, row % 7).unwrap();
    }
    let file = written(&text);
    let source = TraceSource { repeat: true, ..source(file.path(), TraceFormat::Seconds) };
    let requests = draw(&replay(source, Some(2 * rows + 5)), 0);
    for (place, request) in requests.iter().enumerate() {
        let row = place as u64 % rows;
        assert_eq!(request.at.seconds(), Seconds(place as f64));
        assert_eq!((u64::from(request.input), u64::from(request.output)), (row % 100 + 1, row % 7));
    }
}

#[test]
fn what_is_wrong_with_a_trace_is_told_with_its_place() {
    let seconds = "arrival_s,input_tokens,output_tokens\n";
    let long = format!("{seconds}1,{},2\n", "9".repeat(2 << 20));
    let cases: &[(TraceFormat, &str, &str)] = &[
        (TraceFormat::Seconds, "", ": there is no request"),
        (TraceFormat::Seconds, seconds, ": there is no request"),
        (TraceFormat::Seconds, "arrival_s,input_tokens\n1,2\n", ":1: the column `output_tokens` is missing"),
        (
            TraceFormat::Seconds,
            "arrival_s,input_tokens,output_tokens\n2,1,1\n1,1,1\n",
            ":3: `arrival_s` falls",
        ),
        (TraceFormat::Seconds, "arrival_s,input_tokens,output_tokens\n-1,1,1\n", ":2: `arrival_s` is \"-1\""),
        (
            TraceFormat::Seconds,
            "arrival_s,input_tokens,output_tokens\nNaN,1,1\n",
            ":2: `arrival_s` is \"NaN\"",
        ),
        (TraceFormat::Seconds, "arrival_s,input_tokens,output_tokens\n1e99,1,1\n", ":2: `arrival_s`"),
        (TraceFormat::Seconds, "arrival_s,input_tokens,output_tokens\n1,,1\n", ":2: `input_tokens` is \"\""),
        (
            TraceFormat::Seconds,
            "arrival_s,input_tokens,output_tokens\n1,1\n",
            ":2: `num_decode_tokens` is \"\"",
        ),
        (
            TraceFormat::Seconds,
            "arrival_s,input_tokens,output_tokens\n1,0,1\n",
            ":2: `input_tokens` is \"0\"",
        ),
        (TraceFormat::Seconds, "arrival_s,input_tokens,output_tokens\n1,1.5,1\n", "whole number from 1"),
        (
            TraceFormat::Seconds,
            "arrival_s,input_tokens,output_tokens\n1,4294967296,1\n",
            ":2: `input_tokens`",
        ),
        (TraceFormat::Seconds, &long, ":2: the line is longer"),
        (
            TraceFormat::Azure,
            "TIMESTAMP,ContextTokens,GeneratedTokens\nnow,1,1\n",
            ":2: `TIMESTAMP` is \"now\"",
        ),
        (
            TraceFormat::Azure,
            "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-01-02 00:00:00,1,1\n2023-01-01 00:00:00,1,1\n",
            ":3: `TIMESTAMP` falls",
        ),
        (TraceFormat::Mooncake, "{\"timestamp\": 1}\n", ":1: missing field"),
        (
            TraceFormat::Mooncake,
            "{\"timestamp\": -1, \"input_length\": 1, \"output_length\": 1}\n",
            ":1: `timestamp` is \"-1\"",
        ),
        (TraceFormat::Windows, "window_start_s,total_rate_rps\n0,-2\n", ":2: `total_rate_rps` is \"-2\""),
        (TraceFormat::Windows, "window_start_s,total_rate_rps\n0,1\n0,1\n", ":3: `window_start_s` falls"),
    ];
    for (format, text, expected) in cases {
        let file = written(text);
        let fault = TraceSurvey::of(&source(file.path(), *format)).unwrap_err().to_string();
        let expected = expected.replace("num_decode_tokens", "output_tokens");
        assert!(fault.contains(&expected), "{expected}: {fault}");
        assert!(fault.starts_with(&file.path().display().to_string()), "{fault}");
    }
    let absent = TraceSurvey::of(&source(Path::new("no/such.csv"), TraceFormat::Azure)).unwrap_err();
    assert!(absent.to_string().starts_with("no/such.csv: "), "{absent}");
}

#[test]
fn a_trace_that_is_wrong_on_the_way_ends_the_traffic_and_says_so() {
    let file = written("arrival_s,input_tokens,output_tokens\n1,1,1\n2,1,1\nx,1,1\n");
    let spec = replay(source(file.path(), TraceFormat::Seconds), None);
    let mut traffic = Traffic::open(&spec, 1, 0).unwrap();
    assert_eq!(traffic.by_ref().count(), 2);
    assert!(traffic.fault().unwrap().to_string().contains(":4: "));
    assert_eq!(traffic.next(), None);
}

#[test]
fn rates_without_sense_end_or_are_refused() {
    let tiny = 5e-324;
    let mmpp = |rate| ArrivalSpec::Mmpp {
        quiet_rate: rate,
        burst_rate: rate,
        quiet: Seconds(0.001),
        burst: Seconds(0.001),
    };
    let profile = |rate| ArrivalSpec::Profile { rate, points: vec![1.0, 2.0], period: Seconds(1.0) };
    for rate in [0.0, tiny] {
        for arrivals in
            [ArrivalSpec::Poisson { rate }, ArrivalSpec::Gamma { rate, cv: 100.0 }, mmpp(rate), profile(rate)]
        {
            let spec = TrafficSpec { requests: None, ..traffic(arrivals.clone(), 0) };
            assert_eq!(Traffic::open(&spec, 1, 0).unwrap().count(), 0, "{arrivals:?}");
        }
    }
    for rate in [1e308, -1.0, f64::NAN, f64::INFINITY] {
        for arrivals in [
            ArrivalSpec::Poisson { rate },
            ArrivalSpec::Gamma { rate, cv: 1.0 },
            mmpp(rate),
            profile(rate),
            ArrivalSpec::Gamma { rate: 1.0, cv: rate },
        ] {
            let fault = Traffic::open(&traffic(arrivals.clone(), 10), 1, 0).map(|_| ());
            assert!(matches!(fault, Err(TrafficError::Range { .. })), "{arrivals:?}");
        }
    }
    let endless = TrafficSpec { requests: None, ..traffic(ArrivalSpec::Burst, 0) };
    assert!(matches!(Traffic::open(&endless, 1, 0).map(|_| ()), Err(TrafficError::Endless)));
    let mut uneven = traffic(ArrivalSpec::Burst, 1);
    uneven.mixes[0].share = 0.5;
    assert!(matches!(Traffic::open(&uneven, 1, 0).map(|_| ()), Err(TrafficError::Shares { .. })));
    let none = TrafficSpec { mixes: Vec::new(), ..uneven };
    assert!(matches!(Traffic::open(&none, 1, 0).map(|_| ()), Err(TrafficError::NoKind)));
}

#[test]
fn the_fastest_rate_still_moves_time() {
    let requests = draw(&traffic(ArrivalSpec::Poisson { rate: 1e9 }, 1_000_000), 0);
    let last = requests.last().unwrap().at;
    assert!((last.0 as f64 / 1e6 - 1.0).abs() < 0.01, "{last}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn times_never_fall_and_lengths_stay_in_their_laws(
        kind in 0u8..4,
        rate in 1e-3f64..1e6,
        shape in 0.0f64..20.0,
        seed in any::<u64>(),
    ) {
        let arrivals = match kind {
            0 => ArrivalSpec::Poisson { rate },
            1 => ArrivalSpec::Gamma { rate, cv: shape },
            2 => ArrivalSpec::Mmpp {
                quiet_rate: 0.0, burst_rate: rate, quiet: Seconds(1.0), burst: Seconds(0.01 + shape),
            },
            _ => ArrivalSpec::Profile { rate, points: vec![0.0, shape + 0.1, 1.0], period: Seconds(60.0) },
        };
        let mut last = SimTime::ZERO;
        let mut count = 0;
        for request in Traffic::open(&traffic(arrivals, 500), seed, 0).unwrap() {
            prop_assert!(request.at >= last && request.at < SimTime::NEVER);
            prop_assert!((10..=1000).contains(&request.input) && (1..=500).contains(&request.output));
            last = request.at;
            count += 1;
        }
        prop_assert_eq!(count, 500);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), format in 0usize..5) {
        let formats = [
            (TraceFormat::Azure, "TIMESTAMP,ContextTokens,GeneratedTokens\n"),
            (TraceFormat::Seconds, "arrival_s,input_tokens,output_tokens\n"),
            (TraceFormat::Mooncake, ""),
            (TraceFormat::Lengths, "num_prefill_tokens,num_decode_tokens\n"),
            (TraceFormat::Windows, "workload,window_start_s,total_rate_rps\n"),
        ];
        let (format, header) = formats[format];
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [header.as_bytes(), bytes.as_slice()].concat()).unwrap();
        if let Err(fault) = TraceSurvey::of(&source(file.path(), format)) {
            prop_assert!(!fault.to_string().is_empty());
        }
    }
}
