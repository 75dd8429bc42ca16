//! Arrivals, lengths and mixes of an inference workload.

use std::path::PathBuf;

use crate::catalog::Model;
use crate::document::{Code, Reader, regular_file};
use crate::units::{Seconds, Significant};
use crate::workload::arrivals::{
    ArrivalSpec, Dataset, LengthLaw, LengthSpec, Mix, TraceError, TraceFormat, TraceSource, TraceSurvey,
    TrafficSpec,
};

use super::models::Models;
use super::resolve::Resolver;

const ARRIVALS: &str = "workload.arrivals";
/// Points of the daily cosine.
const HOURS: usize = 24;
/// A lognormal law is cut at so many times its mean.
const LONGEST: f64 = 16.0;

/// All traffic, with the mean rate of a trace; `None` after a fault. A job without arrivals (`online` false) needs no rate.
pub(super) fn read(
    resolver: &mut Resolver<'_>,
    workload: &Reader<'_>,
    models: &mut Models<'_>,
    online: bool,
) -> Option<(TrafficSpec, Option<f64>)> {
    let language = models.own_is_language();
    let table = workload.table("arrivals");
    let (arrivals, own) = match online {
        true if table.text("kind") == Some("trace") => {
            let (source, survey) = source(resolver, &table, ARRIVALS)?;
            (Some(ArrivalSpec::Trace(source.clone())), Some((source, survey)))
        }
        true => (arrivals(resolver, &table), None),
        false => (Some(ArrivalSpec::Burst), None),
    };
    let rate = own.as_ref().and_then(|(_, survey)| survey.rate);
    let own = own.filter(|(source, _)| source.format != TraceFormat::Windows);
    let mixes = mixes(resolver, workload, models, own.map(of_trace));
    // Of several models each has a context of its own.
    let most_tokens = match models.own() {
        model if language && models.others.is_empty() => most_tokens(resolver, workload, model),
        _ => None,
    };
    let (arrivals, mixes) = (arrivals?, mixes?);
    lengths_within(resolver, workload, &mixes, most_tokens);
    let traffic = TrafficSpec { arrivals, mixes, requests: table.count("requests"), most_tokens };
    match traffic.arrivals.check() {
        Ok(()) => Some((traffic, rate)),
        Err(error) => {
            resolver.faults.push(table.fault(Code::OutOfRange, ARRIVALS, "", error.to_string()));
            None
        }
    }
}

/// Most tokens of a request: the scenario's, or what the model takes.
fn most_tokens(resolver: &mut Resolver<'_>, workload: &Reader<'_>, model: &Model) -> Option<u32> {
    let batching = workload.table("batching");
    let narrow = |tokens: f64| tokens.min(f64::from(u32::MAX)) as u32;
    let known = model.context_length.map(narrow);
    let Some(asked) = batching.count("max_length").and_then(|tokens| u32::try_from(tokens).ok()) else {
        return known;
    };
    if let Some(known) = known.filter(|known| *known < asked) {
        let message = format!("{} takes {known} tokens at most", model.id);
        let fault = batching.fault(Code::OutOfRange, "workload.batching", "max_length", message);
        resolver.faults.push(fault.suggest(format!("at most {known}")));
    }
    Some(asked)
}

/// Requests that are usually too long are a slip; of the few that are longer, the rest is cut off.
fn lengths_within(
    resolver: &mut Resolver<'_>,
    workload: &Reader<'_>,
    mixes: &[Mix],
    most_tokens: Option<u32>,
) {
    let Some(most) = most_tokens else { return };
    let tables = workload.tables("mix");
    for (index, mix) in mixes.iter().enumerate() {
        let (input, output) = (mix.lengths.input.mean(), mix.lengths.output.mean());
        if input + output <= f64::from(most) {
            continue;
        }
        let (table, path) = match tables.get(index) {
            Some(table) => (table.table("lengths"), format!("workload.mix[{index}].lengths")),
            None => (workload.table("lengths"), "workload.lengths".to_owned()),
        };
        let (input, output) = (Significant(input, 4), Significant(output, 4));
        let message = format!(
            "prompts of {input} tokens and answers of {output} do not fit the {most} that the model takes"
        );
        let key = ["input", "output", "dataset", "file"].into_iter().find(|key| table.has(key));
        let fault = table.fault(Code::OutOfRange, &path, key.unwrap_or_default(), message);
        resolver.faults.push(
            fault.suggest("the limit is the model's context length, or `workload.batching.max_length`"),
        );
    }
}

fn arrivals(resolver: &mut Resolver<'_>, table: &Reader<'_>) -> Option<ArrivalSpec> {
    let kind = table.text("kind").unwrap_or_default();
    let rate = |resolver: &mut Resolver<'_>, key: &str| {
        let found = table.number(key);
        if !table.has(key) {
            let message = format!("`{kind}` arrivals need `{key}`");
            let fault = table.fault(Code::MissingKey, ARRIVALS, key, message);
            resolver.faults.push(fault.suggest(format!("requests per second, as `{key} = 20`")));
        }
        found
    };
    Some(match kind {
        "gamma" => {
            ArrivalSpec::Gamma { rate: rate(resolver, "rate")?, cv: table.number("cv").unwrap_or(1.0) }
        }
        "mmpp" => ArrivalSpec::Mmpp {
            quiet_rate: rate(resolver, "rate")?,
            burst_rate: rate(resolver, "burst_rate")?,
            quiet: table.seconds("quiet").unwrap_or(Seconds(600.0)),
            burst: table.seconds("burst").unwrap_or(Seconds(60.0)),
        },
        "diurnal" => ArrivalSpec::Profile {
            rate: rate(resolver, "rate")?,
            points: points(resolver, table)?,
            period: table.seconds("period").unwrap_or(Seconds(86_400.0)),
        },
        "burst" => ArrivalSpec::Burst,
        "closed" => ArrivalSpec::Closed {
            clients: u32::try_from(table.count("clients").unwrap_or(1)).unwrap_or(u32::MAX),
            think: table.seconds("think").unwrap_or(Seconds::ZERO),
        },
        _ => ArrivalSpec::Poisson { rate: rate(resolver, "rate")? },
    })
}

/// Relative rates over the period: the scenario's, or a cosine with its peak in the middle.
fn points(resolver: &mut Resolver<'_>, table: &Reader<'_>) -> Option<Vec<f64>> {
    if table.has("points") {
        let points = table.numbers("points");
        let sum: f64 = points.iter().sum();
        let fits = (2..=100_000).contains(&points.len())
            && points.iter().all(|point| (0.0..=1e6).contains(point))
            && sum > 0.0;
        if !fits {
            let message = "points are 2 to 100000 numbers of 0 or more, not all 0";
            resolver.faults.push(table.fault(Code::OutOfRange, ARRIVALS, "points", message));
            return None;
        }
        return Some(points);
    }
    let swing = table.number("peak_to_mean").unwrap_or(1.0) - 1.0;
    let at = |hour: usize| 1.0 - swing * libm::cos(std::f64::consts::TAU * hour as f64 / HOURS as f64);
    Some((0..HOURS).map(at).collect())
}

/// A trace with what it holds.
fn source(resolver: &mut Resolver<'_>, table: &Reader<'_>, path: &str) -> Option<(TraceSource, TraceSurvey)> {
    let Some(name) = table.text("file") else {
        let fault = table.fault(Code::MissingKey, path, "file", "a trace needs `file`, its path");
        resolver.faults.push(fault);
        return None;
    };
    let file = match &resolver.folder {
        Some(folder) => folder.join(name),
        None => PathBuf::from(name),
    };
    if let Err(error) = regular_file(&file) {
        let fault = table.fault(error.code(), path, "file", error.to_string());
        resolver.faults.push(fault.suggest("paths start at the scenario's folder"));
        return None;
    }
    let mut told = |error: &TraceError| {
        let fault = table.fault(error.code(), path, "file", error.message());
        resolver.faults.push(fault.in_file(error.place()).suggest(error.suggestion()));
    };
    let stated = TraceFormat::ALL.iter().find(|(word, _)| Some(*word) == table.text("format"));
    let format = match stated {
        Some((_, format)) => *format,
        None => TraceFormat::of_file(&file).map_err(|error| told(&error)).ok()?,
    };
    let found = TraceSource {
        path: file,
        format,
        speed: table.number("speed").unwrap_or(1.0),
        repeat: table.boolean("repeat"),
        select: table.text("select").map(str::to_owned),
    };
    let lacks = match (path == ARRIVALS, format) {
        (true, TraceFormat::Lengths) => Some("times"),
        (false, TraceFormat::Windows) => Some("lengths, only rates"),
        _ => None,
    };
    if let Some(what) = lacks {
        told(&TraceError::Lacks { file: found.path.display().to_string(), what });
        return None;
    }
    let survey = TraceSurvey::of(&found).map_err(|error| told(&error)).ok()?;
    if found.select.is_some() && format != TraceFormat::Windows {
        let message =
            format!("`select` names one of several workloads; a trace of {} has one", format.word());
        resolver.faults.push(table.fault(Code::Conflict, path, "select", message).suggest("leave it out"));
    }
    Some((found, survey))
}

/// Lengths of the rows of a trace; the laws are those of its columns.
fn of_trace((source, survey): (TraceSource, TraceSurvey)) -> LengthSpec {
    LengthSpec {
        input: LengthLaw::Empirical(survey.input_quantiles),
        output: LengthLaw::Empirical(survey.output_quantiles),
        trace: Some(source),
    }
}

/// Kinds of requests; `own` are the lengths that come with the arrivals, for a scenario that states none.
fn mixes(
    resolver: &mut Resolver<'_>,
    workload: &Reader<'_>,
    models: &mut Models<'_>,
    own: Option<LengthSpec>,
) -> Option<Vec<Mix>> {
    let tables = workload.tables("mix");
    if tables.is_empty() {
        let language = models.own_is_language();
        let table = workload.table("lengths");
        let stated = ["input", "output", "dataset", "file"].iter().any(|key| table.has(key));
        let lengths = match own.filter(|_| language && !stated) {
            Some(own) => own,
            None => lengths(resolver, &table, "workload.lengths", language)?,
        };
        return Some(vec![Mix { share: 1.0, lengths, priority: 0, model: 0, prefix: None }]);
    }
    let total: f64 = tables.iter().filter_map(|table| table.number("share")).sum();
    let mut mixes = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let path = format!("workload.mix[{index}]");
        let (model, language) = models.of(resolver, table, &path)?;
        let lengths = lengths(resolver, &table.table("lengths"), &format!("{path}.lengths"), language)?;
        let narrow = |key: &str| table.count(key).and_then(|count| u32::try_from(count).ok());
        let prefix = match (narrow("prefix_groups"), narrow("prefix_tokens")) {
            (Some(groups), Some(tokens)) => Some((groups, tokens)),
            (None, None) => None,
            _ => {
                let message = "a shared prefix needs both `prefix_groups` and `prefix_tokens`";
                resolver.faults.push(table.fault(Code::MissingKey, &path, "", message));
                None
            }
        };
        mixes.push(Mix {
            share: table.number("share").unwrap_or(1.0) / total,
            lengths,
            priority: table.count("priority").and_then(|priority| u8::try_from(priority).ok()).unwrap_or(0),
            model,
            prefix,
        });
    }
    Some(mixes)
}

fn lengths(
    resolver: &mut Resolver<'_>,
    table: &Reader<'_>,
    path: &str,
    language: bool,
) -> Option<LengthSpec> {
    if !language {
        let items = u32::try_from(table.count("items").unwrap_or(1)).unwrap_or(u32::MAX);
        return Some(LengthSpec { input: LengthLaw::Fixed(items), output: LengthLaw::Fixed(0), trace: None });
    }
    if table.has("file") {
        return source(resolver, table, path).map(of_trace);
    }
    if let Some(name) = table.text("dataset") {
        return dataset(resolver, table, path, name);
    }
    let input = law(resolver, table, path, "input");
    let output = law(resolver, table, path, "output");
    Some(LengthSpec { input: input?, output: output?, trace: None })
}

/// Lengths of a data set of the catalog.
fn dataset(resolver: &mut Resolver<'_>, table: &Reader<'_>, path: &str, name: &str) -> Option<LengthSpec> {
    let known = || Dataset::all().iter().filter(|dataset| dataset.output.is_some());
    match known().find(|dataset| dataset.name.eq_ignore_ascii_case(name)) {
        Some(dataset) => Some(LengthSpec {
            input: dataset.input.law(),
            output: dataset.output.map(|output| output.law())?,
            trace: None,
        }),
        None => {
            let near = crate::document::nearest_list(name, known().map(|dataset| dataset.name.as_str()), 4);
            let all: Vec<&str> = known().map(|dataset| dataset.name.as_str()).collect();
            let fault = table.fault(Code::UnknownName, path, "dataset", format!("unknown data set `{name}`"));
            let nearest = if near.is_empty() { all.join(", ") } else { near };
            resolver.faults.push(fault.suggest(format!("nearest: {nearest}")));
            None
        }
    }
}

fn law(resolver: &mut Resolver<'_>, lengths: &Reader<'_>, path: &str, key: &str) -> Option<LengthLaw> {
    if let Some(tokens) = lengths.count(key) {
        return Some(LengthLaw::Fixed(u32::try_from(tokens).unwrap_or(u32::MAX)));
    }
    let table = lengths.table(key);
    let path = format!("{path}.{key}");
    let count = |key: &str| table.count(key).and_then(|tokens| u32::try_from(tokens).ok());
    let mut missing = |needs: &str| {
        let message = format!("a {} law needs {needs}", table.text("kind").unwrap_or_default());
        resolver.faults.push(table.fault(Code::MissingKey, &path, "", message));
    };
    match table.text("kind") {
        Some("fixed") => match count("tokens") {
            Some(tokens) => return Some(LengthLaw::Fixed(tokens)),
            None => missing("`tokens`"),
        },
        Some("uniform") => match (count("low"), count("high")) {
            (Some(low), Some(high)) if low <= high => return Some(LengthLaw::Uniform(low, high)),
            _ => missing("`low` and `high`, in this order"),
        },
        Some("empirical") => {
            let quantiles = table.numbers("quantiles");
            let fits = (2..=10_000).contains(&quantiles.len())
                && quantiles.iter().all(|tokens| (0.0..=1e7).contains(tokens))
                && quantiles.windows(2).all(|pair| pair[0] <= pair[1]);
            if fits {
                return Some(LengthLaw::Empirical(quantiles.iter().map(|tokens| *tokens as u32).collect()));
            }
            missing("`quantiles`: 2 to 10000 ascending numbers of tokens");
        }
        _ => match (table.number("median"), table.number("mean")) {
            (Some(median), Some(mean)) if median <= mean => {
                let most = count("most").unwrap_or((LONGEST * mean).min(1e7) as u32);
                return Some(LengthLaw::LogNormal { median, mean, most });
            }
            _ => missing("`median` and `mean`, the median at most the mean"),
        },
    }
    None
}
