//! `[workload]`: the training job, with the model's usual figures where the scenario is silent.

use std::sync::Arc;

use crate::catalog::{Catalog, Model, Precision};
use crate::document::{Code, Diagnostics, MAX_DOCUMENT_BYTES, Reader, read_file};
use crate::stats::Law;
use crate::steptime::SoftwareStack;
use crate::units::{Bytes, BytesPerSecond, Seconds};
use crate::workload::failures::{CheckpointPolicy, SpotMarket};
use crate::workload::training::{
    Amount, CODECS, CacheTier, CheckpointSpec, DatasetSpec, Distribution, FailureSpec, InputMode, InputSpec,
    TrainingSpec,
};

use super::resolve::Resolver;
use super::sequence;

/// Bytes of a shard where nothing says how many files there are.
const SHARD: f64 = 256e6;
/// Samples at least this large are usually files of their own.
const OWN_FILE: f64 = 10e3;
/// The single-threaded feeder: loop overhead and copy rate per sample (assumed).
const FEED_OVERHEAD: Seconds = Seconds(5e-6);
const FEED_COPY: BytesPerSecond = BytesPerSecond(2e9);

pub(super) fn training(resolver: &mut Resolver<'_>, table: &Reader<'_>) -> Option<TrainingSpec> {
    let mut model = model(resolver, table)?;
    if let Some(tokens) = table.count("sequence_length") {
        sequence::set(resolver, table, &mut model, tokens as f64);
    }
    let global_batch =
        table.count("global_batch").or(model.default_batch.map(|batch| batch as u64)).unwrap_or(256);
    let dataset = dataset(resolver, &table.table("dataset"), &model);
    let amount = amount(resolver, table, &model)?;
    let word = |key: &str| table.text(key).unwrap_or_default();
    Some(TrainingSpec {
        precision: precision(word("precision")),
        optimizer: table.text("optimizer").or(model.optimizer.as_deref()).unwrap_or("adam").to_owned(),
        software: match word("software") {
            "tuned" => SoftwareStack::Tuned,
            "research" => SoftwareStack::Research,
            _ => SoftwareStack::Reference,
        },
        global_batch,
        batch_per_device: table.count("batch_per_accelerator"),
        amount,
        warm_start: table.number("warm_start").unwrap_or(0.0),
        distribution: match word("distribution") {
            "parameter-server" => Distribution::ParameterServer {
                servers: table.count("parameter_servers").unwrap_or(1).try_into().unwrap_or(u32::MAX),
                staleness: table.number("staleness").unwrap_or(0.0),
            },
            _ => Distribution::AllReduce,
        },
        overlap: table.number("overlap"),
        jitter: table.number("jitter").unwrap_or(0.0),
        input: input(resolver, &table.table("input"), &model, &dataset),
        dataset,
        checkpoint: checkpoint(&table.table("checkpoint")),
        failures: failures(resolver, &table.table("failures")),
        boot: table.table("startup").seconds("boot").map(|boot| Law::Deterministic(boot.0)),
        wait: Law::Deterministic(table.table("startup").seconds("wait").unwrap_or(Seconds::ZERO).0),
        measured: resolver.profile.clone(),
        model: Arc::new(model),
    })
}

fn precision(word: &str) -> Precision {
    Precision::ALL.iter().find(|(name, _)| *name == word).map_or(Precision::Bf16, |(_, precision)| *precision)
}

/// A catalog id, a model file of its own, or a Hugging Face configuration.
pub(super) fn model(resolver: &mut Resolver<'_>, table: &Reader<'_>) -> Option<Model> {
    model_at(resolver, table, "workload")
}

/// The same, of the table at a path.
pub(super) fn model_at(resolver: &mut Resolver<'_>, table: &Reader<'_>, at: &str) -> Option<Model> {
    let name = table.text("model")?;
    let reading: fn(&str, &str) -> Result<Model, Diagnostics> = match name.rsplit_once('.') {
        Some((_, "toml")) => Catalog::read_model,
        Some((_, "json")) => Catalog::read_config,
        _ => {
            return match resolver.catalog.model(name) {
                Ok(model) => Some(model.clone()),
                Err(unknown) => {
                    resolver.unknown(table, at, "model", unknown);
                    None
                }
            };
        }
    };
    let path = match &resolver.folder {
        Some(folder) => folder.join(name),
        None => name.into(),
    };
    let read = match read_file(&path, MAX_DOCUMENT_BYTES) {
        Ok(text) => reading(&path.display().to_string(), &text),
        Err(error) => {
            resolver.faults.push(table.fault(error.code(), at, "model", error.to_string()));
            return None;
        }
    };
    read.map_err(|faults| resolver.faults.extend(faults)).ok()
}

fn amount(resolver: &mut Resolver<'_>, table: &Reader<'_>, model: &Model) -> Option<Amount> {
    let given: Vec<&str> = ["epochs", "steps", "samples", "tokens", "samples_to_target"]
        .into_iter()
        .filter(|key| table.has(key))
        .collect();
    if given.len() > 1 {
        let message = format!("{} exclude each other", given.join(", "));
        resolver.faults.push(table.fault(Code::Conflict, "workload", given[1], message));
        return None;
    }
    let target = |samples: f64| match table.number("critical_batch").or(model.critical_batch) {
        Some(critical_batch) => Amount::ToTarget { samples, critical_batch },
        None => Amount::Samples(samples),
    };
    Some(match given.first() {
        Some(&"steps") => Amount::Steps(table.count("steps")?),
        Some(&"samples") => Amount::Samples(table.number("samples")?),
        Some(&"tokens") => Amount::Samples(sequence::samples(resolver, table, model)?),
        Some(&"samples_to_target") => target(table.number("samples_to_target")?),
        Some(_) => Amount::Epochs(table.number("epochs")?),
        None => Amount::Epochs(1.0),
    })
}

fn dataset(resolver: &mut Resolver<'_>, table: &Reader<'_>, model: &Model) -> DatasetSpec {
    let usual = &model.dataset;
    let samples = table.number("samples").or(usual.samples).unwrap_or(1e6);
    let sample_bytes =
        table.bytes("sample_size").or(usual.sample_bytes).or(model.bytes_per_sample).unwrap_or(Bytes(1000.0));
    let shards = (samples * sample_bytes.0 / SHARD).ceil().max(1.0);
    let files = if sample_bytes.0 >= OWN_FILE { samples } else { shards };
    let storage = table.text("storage").map(str::to_owned);
    if let Some(product) = &storage {
        let known = |name: &str| resolver.catalog.readers.contains_key(name);
        let listed = resolver.catalog.storage.iter().any(|item| item.product == *product);
        if !known(product) && !listed {
            let mut names: Vec<&str> = resolver.catalog.readers.keys().map(String::as_str).collect();
            names.extend(resolver.catalog.storage.iter().map(|item| item.product.as_str()));
            names.sort_unstable();
            names.dedup();
            let near = crate::document::nearest_list(product, names.iter().copied(), 5);
            let message = format!("unknown storage product `{product}`");
            resolver.faults.push(
                table
                    .fault(Code::UnknownName, "workload.dataset", "storage", message)
                    .suggest(format!("nearest: {near}")),
            );
        }
    }
    DatasetSpec { samples, sample_bytes, files: table.number("files").unwrap_or(files), storage }
}

fn input(resolver: &Resolver<'_>, table: &Reader<'_>, model: &Model, dataset: &DatasetSpec) -> InputSpec {
    let decoded =
        table.bytes("decoded_size").or(model.decoded_bytes_per_sample).unwrap_or(dataset.sample_bytes);
    let word = |key: &str| table.text(key).unwrap_or_default();
    let conversion_vcpus = table
        .text("conversion_instance")
        .and_then(|id| resolver.catalog.instance(id).ok())
        .and_then(|instance| instance.vcpus)
        .unwrap_or(64.0);
    let mode = InputMode::ALL
        .iter()
        .find(|(name, _)| *name == word("mode"))
        .map_or(InputMode::NativeOps, |(_, mode)| *mode);
    let cpu_key = match mode {
        InputMode::DirectFeed => "feed_cpu",
        InputMode::NativeOps => "decode_cpu",
        InputMode::PreprocessedRecords => "record_decode_cpu",
    };
    InputSpec {
        mode,
        cpu_is_stated: table.has(cpu_key),
        codec: CODECS.iter().find(|codec| **codec == word("codec")).copied().unwrap_or("jpeg"),
        workers: table.count("workers"),
        prefetch: table.count("prefetch").unwrap_or(2),
        read_streams: table.count("read_streams"),
        cache: CacheTier::ALL
            .iter()
            .find(|(name, _)| *name == word("cache"))
            .map_or(CacheTier::None, |(_, tier)| *tier),
        decode_cpu: table.seconds("decode_cpu").or(model.decode_cpu).unwrap_or(Seconds::ZERO),
        record_decode_cpu: table
            .seconds("record_decode_cpu")
            .or(model.record_decode_cpu)
            .unwrap_or(Seconds::ZERO),
        feed_cpu: table.seconds("feed_cpu").unwrap_or(FEED_OVERHEAD + decoded / FEED_COPY),
        decoded_bytes: decoded,
        record_ratio: table.number("record_ratio").unwrap_or(1.0),
        read_variation: table.number("read_variation").unwrap_or(0.0),
        decode_variation: table.number("decode_variation").unwrap_or(0.0),
        conversion_vcpus,
        convert_each_run: table.text("convert") == Some("each-run"),
    }
}

fn checkpoint(table: &Reader<'_>) -> CheckpointSpec {
    CheckpointSpec {
        policy: match table.text("kind") {
            Some("interval") => {
                CheckpointPolicy::Interval(table.seconds("interval").unwrap_or(Seconds(1800.0)))
            }
            Some("none") => CheckpointPolicy::None,
            _ => CheckpointPolicy::YoungDaly,
        },
        size: table.bytes("size"),
        rate: table.byte_rate("rate").unwrap_or(BytesPerSecond(1e9)),
        on_notice: table.boolean("on_notice"),
    }
}

pub(super) fn failures(resolver: &mut Resolver<'_>, table: &Reader<'_>) -> FailureSpec {
    let environment = table.text("environment").unwrap_or("default");
    let rates = resolver.catalog.failures.get(environment).cloned();
    if rates.is_none() {
        let known: Vec<&str> = resolver.catalog.failures.keys().map(String::as_str).collect();
        let fault = table.fault(
            Code::UnknownName,
            "workload.failures",
            "environment",
            format!("unknown environment `{environment}`"),
        );
        resolver.faults.push(fault.suggest(format!("known: {}", known.join(", "))));
    }
    let per_day = |key: &str, of_catalog: Option<f64>| {
        table.quantity(key).map(|per_second| per_second * 86_400.0).or(of_catalog).unwrap_or(0.0)
    };
    FailureSpec {
        per_node_day: per_day("node_failures", rates.as_ref().map(|rates| rates.per_node_day)),
        per_job_day: per_day("job_failures", rates.as_ref().map(|rates| rates.per_job_day)),
        detection: table.seconds("detection").unwrap_or(Seconds::ZERO),
        restart: table.seconds("restart").unwrap_or(Seconds::ZERO),
        spot: spot(resolver, table),
    }
}

/// The spot market that the scenario names; `None` leaves the choice to each fleet's provider.
fn spot(resolver: &mut Resolver<'_>, table: &Reader<'_>) -> Option<SpotMarket> {
    if let Some(up) = table.seconds("spot_up") {
        let down = table.seconds("spot_down").unwrap_or(Seconds(1800.0));
        let law = |mean: Seconds| Law::Exponential { mean: mean.0 };
        return Some(SpotMarket { up: law(up), down: law(down), notice: Seconds(30.0) });
    }
    let id = table.text("spot_process")?;
    let Some(process) = resolver.catalog.spot.get(id) else {
        let near = crate::document::nearest_list(id, resolver.catalog.spot.keys().map(String::as_str), 4);
        let fault = table.fault(
            Code::UnknownName,
            "workload.failures",
            "spot_process",
            format!("unknown process `{id}`"),
        );
        resolver.faults.push(fault.suggest(format!("nearest: {near}")));
        return None;
    };
    Some(SpotMarket::of_process(process, table.text("spot_law") == Some("fitted"), Seconds(30.0)))
}
