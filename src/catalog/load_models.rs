//! Model files to models: what a file leaves out follows from the transformer's shape, where it gives one.

use crate::document::{Code, Diagnostic, Diagnostics, Reader};
use crate::units::{Bytes, Flops};

use super::load::{Catalog, FileReader, owned};
use super::model::{Architecture, Dataset, Model};
use super::transformer::{Experts, StateSpace, Transformer};
use super::transformer_counts::CausalCount;
use super::transformer_draft::{Draft, LatentRanks};

/// Stated and derived parameters that differ by more than this factor do not tell of one model.
const PARAMETER_FACTOR: f64 = 2.0;

const SHAPE: &str = "model.transformer";

impl Catalog {
    /// The model of a file of its own.
    ///
    /// # Errors
    /// When the file is not a sound model file.
    pub fn read_model(name: &str, text: &str) -> Result<Model, Diagnostics> {
        let mut catalog = Self::default();
        let mut faults = Diagnostics::new();
        catalog.add_text(name, text, &mut faults);
        let model = catalog.models.into_values().next();
        if model.is_none() && faults.is_empty() {
            faults.push(Diagnostic::new(Code::MissingKey, "model", format!("{name} holds no `[model]`")));
        }
        match model {
            Some(model) if faults.is_empty() => Ok(model),
            _ => Err(faults),
        }
    }

    pub(super) fn add_model(&mut self, file: &FileReader<'_>, faults: &mut Diagnostics) {
        if !file.reader.has("model") {
            return;
        }
        let entry = file.reader.table("model");
        let architecture = Architecture::ALL
            .iter()
            .find(|(word, _)| Some(*word) == entry.text("architecture"))
            .map_or(Architecture::Convolutional, |(_, architecture)| *architecture);
        let Ok(shape) = transformer(&entry, architecture, faults) else { return };
        let size = size(&entry, shape.as_ref(), faults);
        let work = work(&entry, shape.as_ref(), faults);
        let (Some(size), Some(flops_forward)) = (size, work) else { return };
        let model = model(file, &entry, (architecture, shape), (size, flops_forward), faults);
        self.models.insert(model.id.clone(), model);
    }
}

/// Parameters: all, and those that one token meets.
#[derive(Clone, Copy)]
struct Size {
    all: f64,
    active: Option<f64>,
}

fn model(
    file: &FileReader<'_>,
    entry: &Reader<'_>,
    (architecture, transformer): (Architecture, Option<Transformer>),
    (size, flops_forward): (Size, Flops),
    faults: &mut Diagnostics,
) -> Model {
    let of_shape = |key: &str, value: fn(&Transformer) -> f64| {
        entry.number(key).or(transformer.as_ref().map(value).filter(|value| *value > 0.0))
    };
    Model {
        id: owned(entry, "id"),
        name: owned(entry, "name"),
        aliases: entry.texts("aliases").into_iter().map(str::to_owned).collect(),
        category: owned(entry, "category"),
        architecture,
        sample: entry.text("sample").unwrap_or("sample").to_owned(),
        parameters: size.all,
        active_parameters: size.active,
        embedding_parameters: entry.number("embedding_parameters").unwrap_or(0.0),
        embedding_lookup_bytes: entry.bytes("embedding_lookups_bytes").unwrap_or(Bytes::ZERO),
        flops_forward,
        sequence_length: entry.number("sequence_length"),
        context_length: entry.number("context_length"),
        hidden: of_shape("hidden", |shape| shape.hidden),
        layers: of_shape("layers", Transformer::all_layers),
        heads: of_shape("heads", |shape| shape.attention.heads()),
        vocabulary: of_shape("vocabulary", |shape| shape.vocabulary),
        transformer,
        activation_memory: entry.bytes("activation_memory"),
        bytes_per_sample: entry.bytes("bytes_per_sample"),
        decoded_bytes_per_sample: entry.bytes("decoded_bytes_per_sample"),
        decode_cpu: entry.seconds("decode_cpu"),
        record_decode_cpu: entry.seconds("record_decode_cpu"),
        optimizer: entry.text("optimizer").map(str::to_owned),
        default_batch: entry.number("default_batch"),
        critical_batch: entry.number("critical_batch"),
        samples_to_target: entry.number("samples_to_target"),
        dataset: dataset(&entry.table("dataset")),
        fact: file.fact(entry, faults),
    }
}

fn dataset(table: &Reader<'_>) -> Dataset {
    Dataset {
        name: table.text("name").map(str::to_owned),
        samples: table.number("samples"),
        sample_bytes: table.bytes("sample_bytes"),
        epochs: table.number("epochs_typical"),
    }
}

/// The shape, where the file has one. `Err` when it cannot be: told.
fn transformer(
    entry: &Reader<'_>,
    architecture: Architecture,
    faults: &mut Diagnostics,
) -> Result<Option<Transformer>, Told> {
    if !entry.has("transformer") {
        return Ok(None);
    }
    let table = entry.table("transformer");
    draft(&table, architecture).finish().map(Some).map_err(|found| {
        for fault in found {
            let (holder, key) = match fault.key().split_once('.') {
                Some((holder, key)) => (table.table(holder), key),
                None => (table, fault.key()),
            };
            let mut told = holder.fault(Code::Conflict, "", key, fault.to_string());
            told.key = format!("{SHAPE}.{}", fault.key());
            faults.push(told.suggest(fault.suggestion()));
        }
        Told
    })
}

/// The faults are in the list already.
struct Told;

fn draft(table: &Reader<'_>, architecture: Architecture) -> Draft {
    let number = |key: &str| table.number(key).unwrap_or(0.0);
    Draft {
        layers: number("layers"),
        decoder_layers: number("decoder_layers"),
        hidden: number("hidden"),
        heads: number("heads"),
        kv_heads: table.number("kv_heads"),
        head_dim: table.number("head_dim"),
        latent: table.has("latent").then(|| latent(&table.table("latent"))),
        attention_layers: table.number("attention_layers"),
        ffn: number("ffn"),
        ffn_layers: table.number("ffn_layers"),
        gated: table.boolean("gated"),
        vocabulary: number("vocabulary"),
        tied_embeddings: table.boolean("tied_embeddings"),
        causal: if table.has("causal") {
            table.boolean("causal")
        } else {
            architecture == Architecture::TransformerDecoder
        },
        window: table.number("window").map(|tokens| (tokens, table.number("window_share").unwrap_or(1.0))),
        experts: table.has("experts").then(|| experts(&table.table("experts"))),
        state_space: table.has("state_space").then(|| state_space(&table.table("state_space"))),
        prediction_layers: number("prediction_layers"),
        context: table.number("context"),
    }
}

fn latent(table: &Reader<'_>) -> LatentRanks {
    let number = |key: &str| table.number(key).unwrap_or(0.0);
    LatentRanks {
        query_rank: number("query_rank"),
        kv_rank: number("kv_rank"),
        plain_dim: number("plain_dim"),
        rotary_dim: number("rotary_dim"),
        value_dim: number("value_dim"),
    }
}

fn experts(table: &Reader<'_>) -> Experts {
    let number = |key: &str| table.number(key).unwrap_or(0.0);
    Experts {
        count: number("count"),
        top_k: number("top_k"),
        hidden: number("hidden"),
        shared: number("shared"),
        shared_hidden: table.number("shared_hidden").unwrap_or(number("hidden")),
        every: number("every"),
        dense_layers: number("dense_layers"),
        latent: table.number("latent"),
    }
}

fn state_space(table: &Reader<'_>) -> StateSpace {
    let number = |key: &str| table.number(key).unwrap_or(0.0);
    StateSpace {
        layers: number("layers"),
        inner: number("inner"),
        state: number("state"),
        groups: number("groups"),
    }
}

/// Parameters as stated, or else those of the shape; the two must tell of one model.
fn size(entry: &Reader<'_>, shape: Option<&Transformer>, faults: &mut Diagnostics) -> Option<Size> {
    let derived = shape.map(Transformer::parameters);
    let Some(all) = entry.number("parameters").or(derived) else {
        faults.push(
            entry
                .fault(Code::MissingKey, "model", "parameters", "a model needs `parameters`")
                .suggest("add `parameters = …`, or the shape as [model.transformer]"),
        );
        return None;
    };
    if let Some(derived) = derived.filter(|derived| {
        let factor = derived / all;
        !(PARAMETER_FACTOR.recip()..=PARAMETER_FACTOR).contains(&factor)
    }) {
        let message = format!("{all:.4e} parameters are stated, but the shape holds {derived:.4e}");
        let fault = entry.fault(Code::Conflict, "model", "parameters", message);
        faults.push(fault.suggest("correct one of them, or leave `parameters` out"));
        return None;
    }
    let of_mixture = shape.filter(|shape| shape.experts.is_some()).map(Transformer::active_parameters);
    let active = entry.number("active_parameters").or(of_mixture);
    if let Some(active) = active.filter(|active| *active > all) {
        let key = if entry.has("active_parameters") { "active_parameters" } else { "parameters" };
        let message = format!("{active:.4e} active parameters are more than all {all:.4e}");
        let fault = entry.fault(Code::Conflict, "model", key, message);
        faults.push(fault.suggest("a token meets a part of the parameters: state no more than `parameters`"));
        return None;
    }
    Some(Size { all, active })
}

/// Forward arithmetic per sample as stated, or else of the shape.
fn work(entry: &Reader<'_>, shape: Option<&Transformer>, faults: &mut Diagnostics) -> Option<Flops> {
    if let Some(stated) = entry.flops("flops_forward") {
        return Some(stated);
    }
    let length = entry.number("sequence_length").filter(|length| *length > 0.0);
    match (shape, length) {
        (Some(shape), Some(length)) => Some(shape.forward_flops(length, CausalCount::Full)),
        (Some(_), None) => {
            faults.push(
                entry
                    .fault(
                        Code::MissingKey,
                        "model",
                        "sequence_length",
                        "the arithmetic of a transformer needs `sequence_length`",
                    )
                    .suggest("add `sequence_length = 4096`, or `flops_forward`"),
            );
            None
        }
        (None, _) => {
            faults.push(
                entry
                    .fault(Code::MissingKey, "model", "flops_forward", "a model needs `flops_forward`")
                    .suggest("add `flops_forward = \"8 GFLOP\"`, or the shape as [model.transformer]"),
            );
            None
        }
    }
}
