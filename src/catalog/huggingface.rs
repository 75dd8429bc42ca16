//! A Hugging Face `config.json` as a model: its shape, and what follows from it. The tables of keys stand in
//! `families.rs`.

use std::path::Path;

use serde_json::Value;

use crate::document::{Code, Diagnostic, Diagnostics, Origin, Source, nearest};
use crate::units::{Bytes, Seconds};

use super::Fact;
use super::families::{ExpertKeys, FAMILIES, Family, Ffn, family};
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
        let transformer = config.transformer();
        config.tell_missing();
        let faults = std::mem::take(&mut config.faults);
        match transformer {
            Some(transformer) if faults.is_empty() => Ok(model(name, &config, transformer)),
            _ => Err(faults),
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
        one(fault(source, offset, Code::Syntax, "", format!("not valid JSON: {what}"))
            .suggest("a path that ends in .json must be a Hugging Face config.json"))
    })
}

fn one(fault: Diagnostic) -> Diagnostics {
    let mut faults = Diagnostics::new();
    faults.push(fault);
    faults
}

fn fault(source: &Source, offset: usize, code: Code, key: &str, message: String) -> Diagnostic {
    let offset = offset.min(source.text.len());
    Diagnostic::new(code, key, message).at(&Origin { source: source.clone(), span: offset..offset })
}

/// A configuration while it is read.
struct Config<'a> {
    source: &'a Source,
    /// The object that describes the text model, and where it starts.
    object: &'a Value,
    start: usize,
    family: &'static Family,
    missing: Vec<&'static str>,
    faults: Diagnostics,
}

impl<'a> Config<'a> {
    fn of(source: &'a Source, root: &'a Value) -> Result<Self, Diagnostics> {
        let told = |code, key, message: &str| one(fault(source, 0, code, key, message.to_owned()));
        if !root.is_object() {
            return Err(told(Code::WrongType, "", "a config.json is one JSON object"));
        }
        let nested = root.get("text_config").filter(|inner| inner.is_object());
        let word = |value: &'a Value| value.get("model_type").and_then(Value::as_str);
        let Some(named) = nested.and_then(word).or_else(|| word(root)) else {
            let fault =
                fault(source, 0, Code::MissingKey, "model_type", "`model_type` is missing".to_owned());
            return Err(one(fault.suggest(format!("known families: {}", known()))));
        };
        let Some(family) = family(named) else {
            let offset = position(source, 0, "model_type");
            let near = nearest(named, FAMILIES.iter().map(|family| family.name));
            let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
            let shown: String = named.chars().take(80).collect();
            let message = format!("unknown family `{shown}`");
            let fault = fault(source, offset, Code::UnknownName, "model_type", message);
            return Err(one(fault.suggest(format!("{near}known families: {}", known()))));
        };
        let start = if nested.is_some() { position(source, 0, "text_config") } else { 0 };
        let object = nested.unwrap_or(root);
        Ok(Self { source, object, start, family, missing: Vec::new(), faults: Diagnostics::new() })
    }

    /// The value of a key, dots entering objects; null counts as absent.
    fn get(&self, key: &str) -> Option<&'a Value> {
        if key.is_empty() {
            return None;
        }
        let found = key.split('.').try_fold(self.object, |object, part| object.get(part));
        found.filter(|value| !value.is_null())
    }

    fn is_true(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// An integer between bounds, or the library's default; anything else is told.
    fn count(&mut self, key: &'static str, min: u64, max: u64) -> Option<f64> {
        let Some(value) = self.get(key) else {
            return self.family.defaults.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        };
        let number = value.as_f64();
        let fits = |number: &f64| number.fract() == 0.0 && (min as f64..=max as f64).contains(number);
        match (number.filter(fits), number) {
            (Some(number), _) => return Some(number),
            (None, Some(_)) => self.tell(Code::OutOfRange, key, format!("{value} is out of range"), min, max),
            (None, None) => {
                let message = format!("{} stands where a number is due", kind(value));
                self.tell(Code::WrongType, key, message, min, max);
            }
        }
        // Told; a harmless value lets the rest be checked.
        Some(1.0)
    }

    fn tell(&mut self, code: Code, key: &str, message: String, min: u64, max: u64) {
        let offset = position(self.source, self.start, key);
        let fault = fault(self.source, offset, code, key, message);
        self.faults.push(fault.suggest(format!("allowed: an integer from {min} to {max}")));
    }

    fn needed(&mut self, key: &'static str, max: u64) -> f64 {
        self.count(key, 1, max).unwrap_or_else(|| {
            self.missing.push(key);
            1.0
        })
    }

    fn tell_missing(&mut self) {
        if self.missing.is_empty() {
            return;
        }
        let names: Vec<String> = self.missing.iter().map(|key| format!("`{key}`")).collect();
        let message = format!("a `{}` configuration lacks {}", self.family.name, names.join(", "));
        let fault = fault(self.source, self.start, Code::MissingKey, self.missing[0], message);
        self.faults.push(fault.suggest("take the config.json that lies beside the weights"));
    }

    fn transformer(&mut self) -> Option<Transformer> {
        let keys = self.family.keys;
        let layers = self.needed(keys.layers, MAX_LAYERS);
        let hidden = self.needed(keys.hidden, MAX_WIDTH);
        let heads = self.needed(keys.heads, MAX_WIDTH);
        let ffn = self.ffn(hidden);
        let vocabulary = self.needed(keys.vocabulary, MAX_WIDTH);
        let encoder_decoder = self.family.architecture == Architecture::EncoderDecoder;
        let decoder_layers = self.count(keys.decoder_layers, 0, MAX_LAYERS);
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
            gated: self.gated(),
            vocabulary,
            tied_embeddings: self.tied(),
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
        if self.is_true("multi_query") && !self.is_true("new_decoder_architecture") {
            return Some(1.0);
        }
        self.count(self.family.keys.kv_heads, 1, MAX_WIDTH)
    }

    fn gated(&self) -> bool {
        let projection = self.get("feed_forward_proj").and_then(Value::as_str);
        projection.map_or(self.family.gated, |word| word.starts_with("gated"))
    }

    fn tied(&self) -> bool {
        self.get("tie_word_embeddings").and_then(Value::as_bool).unwrap_or(self.family.tied)
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
        if !window.switch.is_empty() && !self.is_true(window.switch) {
            return None;
        }
        let tokens = self.count(window.key, 1, MAX_WIDTH)?;
        let stated = self.get("layer_types").and_then(Value::as_array).filter(|kinds| !kinds.is_empty());
        let share = match stated {
            Some(kinds) => {
                let full = kinds.iter().filter(|kind| kind.as_str() == Some("full_attention")).count();
                1.0 - full as f64 / kinds.len() as f64
            }
            None => {
                let every = self.count("sliding_window_pattern", 1, MAX_LAYERS).unwrap_or(window.full_every);
                if every > 0.0 { 1.0 - 1.0 / every } else { 1.0 }
            }
        };
        Some((tokens, share))
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
        let offset = position(self.source, self.start, key);
        let fault = fault(self.source, offset, Code::Conflict, key, found.to_string());
        self.faults.push(fault.suggest(found.suggestion()));
    }
}

/// Where the value of a key stands: the first use of its name as a key behind `start`.
fn position(source: &Source, start: usize, key: &str) -> usize {
    let name = format!("\"{}\"", key.rsplit('.').next().unwrap_or_default());
    let behind = &source.text[start..];
    let mut uses = behind.match_indices(&name).map(|(at, _)| at);
    let found = uses.find(|at| behind[at + name.len()..].trim_start().starts_with(':'));
    start + found.unwrap_or(0)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn known() -> String {
    FAMILIES.iter().map(|family| family.name).collect::<Vec<_>>().join(", ")
}

fn model(path: &str, config: &Config<'_>, transformer: Transformer) -> Model {
    let positions = config.get(config.family.keys.positions).and_then(Value::as_f64);
    let sequence = positions.filter(|length| *length >= 1.0).unwrap_or(POSITIONS).min(USUAL_SEQUENCE);
    let token = if transformer.vocabulary > TWO_BYTES { 4.0 } else { 2.0 };
    let sample = Bytes(sequence * token);
    let id = id(path);
    let mixture = transformer.experts.is_some();
    let decoder = config.family.architecture == Architecture::TransformerDecoder;
    Model {
        name: id.clone(),
        id,
        aliases: Vec::new(),
        category: if decoder { "llm" } else { "nlp" }.to_owned(),
        architecture: config.family.architecture,
        sample: "sequence".to_owned(),
        parameters: transformer.parameters(),
        active_parameters: mixture.then(|| transformer.active_parameters()),
        embedding_parameters: 0.0,
        embedding_lookup_bytes: Bytes::ZERO,
        flops_forward: transformer.forward_flops(sequence, CausalCount::Full),
        sequence_length: Some(sequence),
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
        fact: Fact { sources: vec![format!("{path}: `{}` configuration", config.family.name)], as_of: None },
    }
}

/// The name of the file without `.json`; of a `config.json`, that of its folder.
fn id(path: &str) -> String {
    let path = Path::new(path);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("config");
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    if stem == "config" { folder.unwrap_or(stem) } else { stem }.to_owned()
}
