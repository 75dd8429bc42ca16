//! Keys of models and of the shapes of transformers.

use crate::document::{Default, Key, Kind, Table};
use crate::units::Dimension;

use super::keys::{AS_OF, BYTES, NOTES, SOURCE, TIME, key, required};
use super::transformer_draft::{MAX_LAYERS, MAX_WIDTH};

const PARAMETERS: Kind = Kind::Number { min: 1.0, max: 1e15 };
const LAYERS: Kind = Kind::Count { min: 1, max: MAX_LAYERS };
const LAYERS_OR_NONE: Kind = Kind::Count { min: 0, max: MAX_LAYERS };
const WIDTH: Kind = Kind::Count { min: 1, max: MAX_WIDTH };
const WIDTH_OR_NONE: Kind = Kind::Count { min: 0, max: MAX_WIDTH };

const fn usual(name: &'static str, kind: Kind, default: Default, doc: &'static str) -> Key {
    Key { name, kind, default, doc }
}

pub(super) static MODEL: Table = Table {
    doc: "A model.",
    keys: &[
        required("id", Kind::Text, "Catalog id."),
        required("name", Kind::Text, "Full name."),
        key("aliases", Kind::Texts, "Names used in published tables."),
        required("category", Kind::Text, "Field."),
        required(
            "architecture",
            Kind::Choice(&[
                "convolutional",
                "transformer-encoder",
                "transformer-decoder",
                "encoder-decoder",
                "recommender",
                "recurrent",
                "u-net",
                "diffusion-u-net",
                "diffusion-transformer",
            ]),
            "Family of operations.",
        ),
        key("sample", Kind::Text, "What one sample is."),
        key("parameters", PARAMETERS, "Dense parameters; else those of the shape in `transformer`."),
        key(
            "active_parameters",
            PARAMETERS,
            "Those that one token meets, in mixtures of experts; else of the shape.",
        ),
        key("embedding_parameters", Kind::at_least_zero(), "Parameters in sparse tables."),
        key(
            "embedding_lookups_bytes",
            Kind::non_negative(Dimension::Bytes),
            "Embedding bytes touched per sample.",
        ),
        key(
            "flops_forward",
            Kind::positive(Dimension::Flops),
            "Forward arithmetic per sample; else of the shape at `sequence_length`, causal attention counted in full.",
        ),
        key("sequence_length", Kind::at_least_zero(), "Tokens per sample."),
        key(
            "context_length",
            Kind::Number { min: 1.0, max: 1e9 },
            "Most tokens that it takes at once, prompt and answer together (max_position_embeddings).",
        ),
        key("hidden", Kind::at_least_zero(), "Width."),
        key("layers", Kind::at_least_zero(), "Layers."),
        key("heads", Kind::at_least_zero(), "Attention heads."),
        key("vocabulary", Kind::at_least_zero(), "Vocabulary."),
        key("transformer", Kind::Table(&TRANSFORMER), "The shape, of a transformer."),
        key("activation_memory", BYTES, "Activations kept per sample in 16-bit training."),
        key("bytes_per_sample", BYTES, "Stored bytes per sample."),
        key("decoded_bytes_per_sample", BYTES, "Bytes per sample as fed to the device."),
        key("decode_cpu", TIME, "CPU time per sample to decode original files, one core."),
        key("record_decode_cpu", TIME, "CPU time per sample to decode records, one core."),
        key("optimizer", Kind::Text, "Usual optimizer."),
        key("default_batch", Kind::Number { min: 1.0, max: 1e18 }, "Usual global batch."),
        key(
            "critical_batch",
            Kind::Number { min: 1e-3, max: 1e18 },
            "Batch at which samples to target have doubled.",
        ),
        key(
            "samples_to_target",
            Kind::Number { min: 1e-3, max: 1e18 },
            "Samples to the usual quality at small batch.",
        ),
        key("dataset", Kind::Table(&DATASET), "The usual data set."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static DATASET: Table = Table {
    doc: "A data set.",
    keys: &[
        key("name", Kind::Text, "Its name."),
        key("samples", Kind::Number { min: 1.0, max: 1e18 }, "Samples in one epoch."),
        key("sample_bytes", BYTES, "Stored bytes per sample."),
        key("epochs_typical", Kind::Number { min: 1e-3, max: 1e18 }, "Usual epochs."),
        NOTES,
    ],
};

static TRANSFORMER: Table = Table {
    doc: "The shape of a transformer: parameters, arithmetic and how it can be split follow from it.",
    keys: &[
        required(
            "layers",
            LAYERS,
            "Layers, of whatever sort; the encoder's where there is a decoder besides.",
        ),
        usual("decoder_layers", LAYERS_OR_NONE, Default::Count(0), "Layers of a decoder behind an encoder."),
        required("hidden", WIDTH, "Width."),
        required("heads", WIDTH, "Query heads."),
        usual(
            "kv_heads",
            WIDTH,
            Default::Derived("heads"),
            "Heads of keys and values; a divisor of `heads`.",
        ),
        usual("head_dim", WIDTH, Default::Derived("hidden / heads"), "Width of a head."),
        key(
            "latent",
            Kind::Table(&LATENT),
            "Ranks of multi-head latent attention, in place of grouped heads.",
        ),
        usual("attention_layers", LAYERS_OR_NONE, Default::Derived("layers"), "Layers that have attention."),
        required("ffn", WIDTH, "Inner width of the dense feed-forward part."),
        usual(
            "ffn_layers",
            LAYERS_OR_NONE,
            Default::Derived("layers"),
            "Layers that have a feed-forward part.",
        ),
        usual(
            "gated",
            Kind::Boolean,
            Default::Boolean(false),
            "Whether it is gated: three matrices, not two.",
        ),
        usual("vocabulary", WIDTH_OR_NONE, Default::Count(0), "Vocabulary; 0 where there is none."),
        usual(
            "tied_embeddings",
            Kind::Boolean,
            Default::Boolean(false),
            "Whether the output projection is the embedding's transpose.",
        ),
        usual(
            "causal",
            Kind::Boolean,
            Default::Derived("true for a transformer-decoder"),
            "Whether a token sees only earlier ones.",
        ),
        key("window", WIDTH, "Tokens that a layer with a sliding window sees."),
        usual("window_share", Kind::share(), Default::Number(1.0), "Share of layers that have the window."),
        key("experts", Kind::Table(&EXPERTS), "Mixture of experts in the feed-forward part."),
        key("state_space", Kind::Table(&STATE_SPACE), "State-space layers of a hybrid."),
        usual(
            "prediction_layers",
            Kind::Count { min: 0, max: 100 },
            Default::Count(0),
            "Further token-prediction layers trained on top.",
        ),
        key("context", WIDTH, "Tokens of a condition that every layer attends to besides, as a text's."),
    ],
};

static LATENT: Table = Table {
    doc: "Multi-head latent attention (arXiv 2405.04434).",
    keys: &[
        usual("query_rank", WIDTH_OR_NONE, Default::Count(0), "Rank of queries; 0 where projected directly."),
        required("kv_rank", WIDTH, "Rank of keys and values."),
        required("plain_dim", WIDTH, "Width of a head without position."),
        required("rotary_dim", WIDTH_OR_NONE, "Width of a head's rotary part."),
        required("value_dim", WIDTH, "Width of a head's values."),
    ],
};

static EXPERTS: Table = Table {
    doc: "A mixture of experts.",
    keys: &[
        required("count", LAYERS, "Routed experts."),
        required("top_k", LAYERS, "Experts that a token visits; at most `count`."),
        required("hidden", WIDTH, "Inner width of an expert."),
        usual("shared", LAYERS_OR_NONE, Default::Count(0), "Experts that every token visits."),
        usual("shared_hidden", WIDTH, Default::Derived("experts.hidden"), "Inner width of each of those."),
        usual("every", LAYERS, Default::Count(1), "Every how many layers has experts."),
        usual("dense_layers", LAYERS_OR_NONE, Default::Count(0), "First layers that stay dense."),
        key("latent", WIDTH, "Width that experts read and write, where it is not `hidden`."),
    ],
};

static STATE_SPACE: Table = Table {
    doc: "Mamba-2 mixers.",
    keys: &[
        required("layers", LAYERS, "Layers that are mixers."),
        required("inner", WIDTH, "Inner width: heads times head width."),
        required("state", WIDTH, "Width of the state."),
        usual("groups", LAYERS, Default::Count(1), "Groups that share B and C."),
    ],
};
