//! A Hugging Face `config.json` as a model: its shape, and what follows from it. The tables of keys stand in
//! `families.rs`.

use std::path::Path;

use serde_json::Value;

use crate::document::{Code, Diagnostics, Source};
use crate::units::{Bytes, Seconds};

use super::Fact;
use super::config_level::fault;
use super::config_values::Config;
use super::families::{ExpertKeys, Family, Ffn};
use super::load::Catalog;
use super::model::{Architecture, Dataset, Model};
use super::transformer::{Experts, Transformer};
use super::transformer_counts::CausalCount;
use super::transformer_draft::{Draft, LatentRanks, MAX_LAYERS, MAX_WIDTH, ShapeFault};

/// Tokens of a training sample: what the model allows, but no more than is usual.
const USUAL_SEQUENCE: f64 = 4096.0;
/// Positions where a file does not tell.
const POSITIONS: f64 = 2048.0;
/// Fetch of a tokenised sample, as in the model files.
const RECORD_CPU: Seconds = Seconds(0.03e-3);
/// Vocabularies beyond this need four bytes a token.
const TWO_BYTES: f64 = 65_536.0;

impl Catalog {
    /// The model that a Hugging Face `config.json` describes; `name` is the path as typed.
    ///
    /// # Errors
    /// When the text is not JSON, of no known family, incomplete, or of an impossible shape: all faults at once.
    pub fn read_config(name: &str, text: &str) -> Result<Model, Diagnostics> {
        let source = Source::new(name, text);
        let root = parse(&source)?;
        let mut config = Config::of(&source, &root)?;
        let positions = config.positions();
        let transformer = config.transformer();
        config.tell_missing();
        match transformer {
            Some(transformer) if config.faults.is_empty() => {
                Ok(model(name, config.family, positions, transformer))
            }
            _ => Err(config.faults),
        }
    }
}

fn parse(source: &Source) -> Result<Value, Diagnostics> {
    let text = source.text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).map_err(|error| {
        let before = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len);
        let offset =
            source.text.len() - text.len() + before.sum::<usize>() + error.column().saturating_sub(1);
        // The reader's message ends in the place, which is told anyway.
        let said = error.to_string();
        let what = said.split(" at line ").next().unwrap_or_default();
        let mut faults = Diagnostics::new();
        let fault = fault(source, offset, Code::Syntax, "", format!("not valid JSON: {what}"));
        faults.push(fault.suggest("a path that ends in .json must be a Hugging Face config.json"));
        faults
    })
}

impl Config<'_> {
    /// Positions that the model knows.
    fn positions(&mut self) -> Option<f64> {
        self.count(self.family.keys.positions, 1, MAX_WIDTH)
    }

    fn transformer(&mut self) -> Option<Transformer> {
        let keys = self.family.keys;
        let layers = self.needed(keys.layers, MAX_LAYERS);
        let hidden = self.needed(keys.hidden, MAX_WIDTH);
        let heads = self.needed(keys.heads, MAX_WIDTH);
        let ffn = self.ffn(hidden);
        let vocabulary = self.needed(keys.vocabulary, MAX_WIDTH);
        let encoder_decoder = self.family.architecture == Architecture::EncoderDecoder;
        let decoder_layers = self.count(keys.decoder_layers, 1, MAX_LAYERS);
        let draft = Draft {
            layers,
            decoder_layers: decoder_layers.unwrap_or(if encoder_decoder { layers } else { 0.0 }),
            hidden,
            heads,
            kv_heads: self.kv_heads(),
            head_dim: self.count(keys.head_dim, 1, MAX_WIDTH),
            latent: self.family.latent.then(|| self.latent()),
            attention_layers: None,
            ffn,
            ffn_layers: None,
            gated: self.gate("feed_forward_proj").unwrap_or(self.family.gated),
            vocabulary,
            tied_embeddings: self.flag("tie_word_embeddings").unwrap_or(self.family.tied),
            causal: self.family.architecture == Architecture::TransformerDecoder,
            window: self.window(),
            experts: self.family.experts.and_then(|keys| self.experts(&keys)),
            state_space: None,
            prediction_layers: 0.0,
            context: None,
        };
        // A shape of stand-ins for what is missing would tell of faults that are none.
        if !self.missing.is_empty() || !self.faults.is_empty() {
            return None;
        }
        draft.finish().map_err(|found| found.iter().for_each(|fault| self.impossible(*fault))).ok()
    }

    fn ffn(&mut self, hidden: f64) -> f64 {
        match self.family.keys.ffn {
            Ffn::Width(key) => self.needed(key, MAX_WIDTH),
            Ffn::WidthOrFour(key) => self.count(key, 1, MAX_WIDTH).unwrap_or(4.0 * hidden),
            Ffn::Ratio(key) => self.count(key, 1, 1000).unwrap_or(4.0) * hidden,
        }
    }

    /// One head of keys and values where the file asks for multi-query attention.
    fn kv_heads(&mut self) -> Option<f64> {
        let stated = self.count(self.family.keys.kv_heads, 1, MAX_WIDTH);
        let multi_query = self.flag("multi_query") == Some(true);
        let grouped = self.flag("new_decoder_architecture") == Some(true);
        if multi_query && !grouped { Some(1.0) } else { stated }
    }

    fn latent(&mut self) -> LatentRanks {
        LatentRanks {
            query_rank: self.count("q_lora_rank", 0, MAX_WIDTH).unwrap_or(0.0),
            kv_rank: self.needed("kv_lora_rank", MAX_WIDTH),
            plain_dim: self.needed("qk_nope_head_dim", MAX_WIDTH),
            rotary_dim: self.needed("qk_rope_head_dim", MAX_WIDTH),
            value_dim: self.needed("v_head_dim", MAX_WIDTH),
        }
    }

    fn window(&mut self) -> Option<(f64, f64)> {
        let window = self.family.window?;
        // Read also where no window follows: a faulty value is a fault all the same.
        let every = self.count("sliding_window_pattern", 1, MAX_LAYERS).unwrap_or(window.full_every);
        let usual = if every > 0.0 { 1.0 / every } else { 0.0 };
        let full = self.full_share("layer_types").unwrap_or(usual);
        if !window.switch.is_empty() && self.flag(window.switch) != Some(true) {
            return None;
        }
        let tokens = self.count(window.key, 1, MAX_WIDTH)?;
        Some((tokens, 1.0 - full))
    }

    fn experts(&mut self, keys: &ExpertKeys) -> Option<Experts> {
        let count = self.needed(keys.count, MAX_LAYERS);
        let top_k = self.needed(keys.top_k, MAX_LAYERS);
        let hidden = self.needed(keys.hidden, MAX_WIDTH);
        let shared_width = self.count(keys.shared_width, 0, MAX_WIDTH).filter(|width| *width > 0.0);
        let shared = match shared_width {
            Some(_) => 1.0,
            None => self.count(keys.shared, 0, MAX_LAYERS).unwrap_or(keys.always_shared),
        };
        Some(Experts {
            count,
            top_k,
            hidden,
            shared,
            shared_hidden: shared_width.unwrap_or(hidden),
            every: self.count(keys.every, 1, MAX_LAYERS).unwrap_or(1.0),
            dense_layers: self.count(keys.dense_layers, 0, MAX_LAYERS).unwrap_or(0.0),
            latent: None,
        })
    }

    fn impossible(&mut self, found: ShapeFault) {
        let (keys, experts) = (self.family.keys, self.family.experts);
        let of_experts = |name: fn(&ExpertKeys) -> &'static str| experts.as_ref().map_or("", name);
        let key = match found.key() {
            "heads" => keys.heads,
            "kv_heads" => keys.kv_heads,
            "experts.top_k" => of_experts(|keys| keys.top_k),
            "experts.dense_layers" => of_experts(|keys| keys.dense_layers),
            "experts.every" => of_experts(|keys| keys.every),
            _ => keys.layers,
        };
        self.tell_conflict(key, found.to_string(), found.suggestion());
    }
}

fn model(path: &str, family: &Family, context_length: Option<f64>, transformer: Transformer) -> Model {
    let sequence = context_length.unwrap_or(POSITIONS).min(USUAL_SEQUENCE);
    let token = if transformer.vocabulary > TWO_BYTES { 4.0 } else { 2.0 };
    let sample = Bytes(sequence * token);
    let id = id(path);
    let mixture = transformer.experts.is_some();
    let decoder = family.architecture == Architecture::TransformerDecoder;
    Model {
        name: id.clone(),
        id,
        aliases: Vec::new(),
        category: if decoder { "llm" } else { "nlp" }.to_owned(),
        architecture: family.architecture,
        sample: "sequence".to_owned(),
        parameters: transformer.parameters(),
        active_parameters: mixture.then(|| transformer.active_parameters()),
        embedding_parameters: 0.0,
        embedding_lookup_bytes: Bytes::ZERO,
        flops_forward: transformer.forward_flops(sequence, CausalCount::Full),
        sequence_length: Some(sequence),
        context_length,
        hidden: Some(transformer.hidden),
        layers: Some(transformer.all_layers()),
        heads: Some(transformer.attention.heads()),
        vocabulary: Some(transformer.vocabulary),
        transformer: Some(transformer),
        activation_memory: None,
        bytes_per_sample: Some(sample),
        decoded_bytes_per_sample: Some(sample),
        decode_cpu: None,
        record_decode_cpu: Some(RECORD_CPU),
        optimizer: Some("adamw".to_owned()),
        default_batch: None,
        critical_batch: None,
        samples_to_target: None,
        dataset: Dataset::default(),
        fact: Fact { sources: vec![format!("{path}: `{}` configuration", family.name)], as_of: None },
    }
}

/// The name of the file without `.json`; of a `config.json`, that of its folder.
fn id(path: &str) -> String {
    let path = Path::new(path);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("config");
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    if stem == "config" { folder.unwrap_or(stem) } else { stem }.to_owned()
}
