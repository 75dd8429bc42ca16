//! Which keys of a Hugging Face `config.json` say what, family by family, and what its absence means.

use super::model::Architecture;

/// Names of the common values; an empty name means that the family has none. A dot enters a nested object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    pub hidden: &'static str,
    pub layers: &'static str,
    pub heads: &'static str,
    pub kv_heads: &'static str,
    pub head_dim: &'static str,
    pub ffn: Ffn,
    pub vocabulary: &'static str,
    pub positions: &'static str,
    pub decoder_layers: &'static str,
}

/// Where the inner width of the feed-forward part stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ffn {
    /// Under this key.
    Width(&'static str),
    /// Under this key, or else four times the width.
    WidthOrFour(&'static str),
    /// As a multiple of the width under this key, or else four times.
    Ratio(&'static str),
}

/// Names of the values of a mixture of experts.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpertKeys {
    pub count: &'static str,
    pub top_k: &'static str,
    pub hidden: &'static str,
    /// How many shared experts; or else `shared_width` gives the width of one.
    pub shared: &'static str,
    pub shared_width: &'static str,
    pub every: &'static str,
    pub dense_layers: &'static str,
    /// Shared experts that no key tells of.
    pub always_shared: f64,
}

/// Sliding windows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub key: &'static str,
    /// Every how many layers sees everything, where `layer_types` does not say; 0 for none.
    pub full_every: f64,
    /// Whether the window holds only where this key is true.
    pub switch: &'static str,
}

/// What a layer can be in `layer_types`.
pub(super) const LAYER_KINDS: &[&str] =
    &["full_attention", "sliding_attention", "chunked_attention", "linear_attention"];

/// One family of configurations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    /// `model_type` in the file.
    pub name: &'static str,
    pub architecture: Architecture,
    pub keys: Keys,
    pub gated: bool,
    /// `tie_word_embeddings` where the file is silent.
    pub tied: bool,
    pub window: Option<Window>,
    pub experts: Option<ExpertKeys>,
    /// Multi-head latent attention.
    pub latent: bool,
    /// Values that the library assumes where the file is silent.
    pub defaults: &'static [(&'static str, f64)],
}

/// The family of a `model_type`.
pub(super) fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}

const COMMON: Keys = Keys {
    hidden: "hidden_size",
    layers: "num_hidden_layers",
    heads: "num_attention_heads",
    kv_heads: "num_key_value_heads",
    head_dim: "head_dim",
    ffn: Ffn::Width("intermediate_size"),
    vocabulary: "vocab_size",
    positions: "max_position_embeddings",
    decoder_layers: "",
};
const PLAIN: Keys = Keys { kv_heads: "", head_dim: "", ..COMMON };
const GPT: Keys = Keys {
    hidden: "n_embd",
    layers: "n_layer",
    heads: "n_head",
    kv_heads: "",
    head_dim: "",
    ffn: Ffn::WidthOrFour("n_inner"),
    vocabulary: "vocab_size",
    positions: "n_positions",
    decoder_layers: "",
};
const OPT: Keys = Keys { ffn: Ffn::Width("ffn_dim"), ..PLAIN };
const BLOOM: Keys =
    Keys { hidden: "hidden_size", ffn: Ffn::WidthOrFour("ffn_hidden_size"), positions: "seq_length", ..GPT };
const FALCON: Keys =
    Keys { kv_heads: "num_kv_heads", head_dim: "", ffn: Ffn::WidthOrFour("ffn_hidden_size"), ..COMMON };
const MPT: Keys = Keys {
    hidden: "d_model",
    layers: "n_layers",
    heads: "n_heads",
    kv_heads: "attn_config.kv_n_heads",
    ffn: Ffn::Ratio("expansion_ratio"),
    positions: "max_seq_len",
    ..GPT
};
const T5: Keys = Keys {
    hidden: "d_model",
    layers: "num_layers",
    heads: "num_heads",
    kv_heads: "",
    head_dim: "d_kv",
    ffn: Ffn::Width("d_ff"),
    vocabulary: "vocab_size",
    positions: "n_positions",
    decoder_layers: "num_decoder_layers",
};
const LLAMA4: Keys = Keys { ffn: Ffn::Width("intermediate_size_mlp"), ..COMMON };

const MIXTRAL: ExpertKeys = ExpertKeys {
    count: "num_local_experts",
    top_k: "num_experts_per_tok",
    hidden: "intermediate_size",
    shared: "",
    shared_width: "",
    every: "",
    dense_layers: "",
    always_shared: 0.0,
};
const QWEN_EXPERTS: ExpertKeys = ExpertKeys {
    count: "num_experts",
    hidden: "moe_intermediate_size",
    shared_width: "shared_expert_intermediate_size",
    every: "decoder_sparse_step",
    ..MIXTRAL
};
const DEEPSEEK_EXPERTS: ExpertKeys = ExpertKeys {
    count: "n_routed_experts",
    hidden: "moe_intermediate_size",
    shared: "n_shared_experts",
    every: "moe_layer_freq",
    dense_layers: "first_k_dense_replace",
    ..MIXTRAL
};
const LLAMA4_EXPERTS: ExpertKeys =
    ExpertKeys { every: "interleave_moe_layer_step", always_shared: 1.0, ..MIXTRAL };

const EVERYWHERE: Window = Window { key: "sliding_window", full_every: 0.0, switch: "" };
const EVERY_OTHER: Window = Window { full_every: 2.0, ..EVERYWHERE };
const FIVE_OF_SIX: Window = Window { full_every: 6.0, ..EVERYWHERE };
const IF_SWITCHED: Window = Window { switch: "use_sliding_window", ..EVERYWHERE };
const CHUNKS: Window = Window { key: "attention_chunk_size", full_every: 4.0, switch: "" };

const LLAMA: Family = Family {
    name: "llama",
    architecture: Architecture::TransformerDecoder,
    keys: COMMON,
    gated: true,
    tied: false,
    window: None,
    experts: None,
    latent: false,
    defaults: &[],
};
const GPT2: Family = Family { name: "gpt2", keys: GPT, gated: false, tied: true, ..LLAMA };
const BERT: Family = Family {
    name: "bert",
    architecture: Architecture::TransformerEncoder,
    keys: PLAIN,
    gated: false,
    tied: true,
    ..LLAMA
};
const DEEPSEEK: Family =
    Family { name: "deepseek_v3", experts: Some(DEEPSEEK_EXPERTS), latent: true, ..LLAMA };
const GEMMA: Family = Family { name: "gemma", tied: true, defaults: &[("head_dim", 256.0)], ..LLAMA };
const GEMMA3: Family = Family {
    name: "gemma3_text",
    window: Some(FIVE_OF_SIX),
    defaults: &[
        ("head_dim", 256.0),
        ("num_attention_heads", 8.0),
        ("num_key_value_heads", 4.0),
        ("vocab_size", 262_208.0),
    ],
    ..GEMMA
};
const QWEN2: Family = Family { name: "qwen2", window: Some(IF_SWITCHED), ..LLAMA };
const LLAMA4_TEXT: Family = Family {
    name: "llama4_text",
    keys: LLAMA4,
    window: Some(CHUNKS),
    experts: Some(LLAMA4_EXPERTS),
    ..LLAMA
};

/// Every family that is known, by `model_type`.
pub(super) const FAMILIES: &[Family] = &[
    LLAMA,
    Family { name: "mistral", window: Some(EVERYWHERE), ..LLAMA },
    Family { name: "mixtral", window: Some(EVERYWHERE), experts: Some(MIXTRAL), ..LLAMA },
    QWEN2,
    Family { name: "qwen2_moe", experts: Some(QWEN_EXPERTS), ..QWEN2 },
    Family { name: "qwen3", defaults: &[("head_dim", 128.0)], ..QWEN2 },
    Family { name: "qwen3_moe", experts: Some(QWEN_EXPERTS), ..QWEN2 },
    GEMMA,
    Family { name: "gemma2", window: Some(EVERY_OTHER), ..GEMMA },
    Family { name: "gemma3", ..GEMMA3 },
    GEMMA3,
    GPT2,
    Family { name: "gpt_bigcode", ..GPT2 },
    Family { name: "gpt_neox", keys: PLAIN, tied: false, ..GPT2 },
    Family { name: "gptj", tied: false, ..GPT2 },
    Family { name: "opt", keys: OPT, ..GPT2 },
    Family { name: "bloom", keys: BLOOM, ..GPT2 },
    Family { name: "falcon", keys: FALCON, ..GPT2 },
    Family { name: "mpt", keys: MPT, ..GPT2 },
    Family { name: "phi", gated: false, ..LLAMA },
    Family { name: "phi3", window: Some(EVERYWHERE), ..LLAMA },
    Family { name: "deepseek_v2", ..DEEPSEEK },
    DEEPSEEK,
    Family { name: "kimi_k2", ..DEEPSEEK },
    Family { name: "gpt_oss", window: Some(EVERY_OTHER), experts: Some(MIXTRAL), ..LLAMA },
    BERT,
    Family { name: "roberta", ..BERT },
    Family {
        name: "t5",
        architecture: Architecture::EncoderDecoder,
        keys: T5,
        gated: false,
        tied: true,
        ..LLAMA
    },
    Family { name: "olmo", ..LLAMA },
    Family { name: "olmo2", ..LLAMA },
    Family { name: "starcoder2", gated: false, tied: true, window: Some(EVERYWHERE), ..LLAMA },
    Family { name: "stablelm", ..LLAMA },
    Family { name: "cohere", tied: true, ..LLAMA },
    Family { name: "granite", ..LLAMA },
    Family { name: "llama4", ..LLAMA4_TEXT },
    LLAMA4_TEXT,
];
