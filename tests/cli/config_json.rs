//! Models of one's own: a Hugging Face `config.json`, and shapes in model files; good ones are read, bad ones told.

use std::process::Output;

use capplan::catalog::{Catalog, Model};
use serde_json::{Value, json};

use super::{SMALL, capplan, code, stderr, stdout, write};

fn llama() -> Value {
    json!({
        "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
        "max_position_embeddings": 8192, "tie_word_embeddings": false, "head_dim": null
    })
}

fn with(mut base: Value, changes: &[(&str, Value)]) -> Value {
    for (key, value) in changes {
        base[*key] = value.clone();
    }
    base
}

fn read(config: &Value) -> Model {
    Catalog::read_config("some/config.json", &config.to_string()).unwrap_or_else(|faults| {
        let told: Vec<String> = faults.sorted().iter().map(ToString::to_string).collect();
        unreachable!("{}", told.join("\n"))
    })
}

/// Runs `check` on a scenario beside a model file of that name and text.
fn check(name: &str, text: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), name, text);
    check_in(folder.path(), name, arguments)
}

fn check_in(folder: &std::path::Path, name: &str, arguments: &[&str]) -> Output {
    let scenario = write(folder, "scenario.toml", &SMALL.replace("resnet-50", name));
    capplan().arg("check").arg(scenario).args(arguments).output().unwrap()
}

/// The message to a bad file, which must be one of `status` with nothing on stdout.
fn refused(name: &str, text: &str, status: i32, words: &[&str]) {
    let output = check(name, text, &[]);
    let said = stderr(&output);
    assert_eq!(code(&output), status, "{said}");
    assert_eq!(stdout(&output), "");
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in:\n{said}");
    }
}

fn bad(config: &Value, words: &[&str]) {
    refused("config.json", &serde_json::to_string_pretty(config).unwrap(), 3, words);
}

#[test]
fn a_configuration_is_a_model() {
    let text = serde_json::to_string_pretty(&llama()).unwrap();
    let output = check("config.json", &text, &["--resolved"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("config.json"), "{}", stdout(&output));
    let model = read(&llama());
    assert_eq!((model.id.as_str(), model.sequence_length), ("some", Some(4096.0)));
    assert!((model.parameters / 8.03e9 - 1.0).abs() < 0.001, "{}", model.parameters);
}

#[test]
fn families_name_things_in_their_own_ways() {
    let gpt2 = json!({ "model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257,
        "n_positions": 1024, "n_inner": null });
    let bloom = json!({ "model_type": "bloom", "hidden_size": 14336, "n_layer": 70, "n_head": 112,
        "vocab_size": 250880 });
    let falcon = json!({ "model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32,
        "num_attention_heads": 71, "multi_query": true, "new_decoder_architecture": false, "vocab_size": 65024 });
    let mpt = json!({ "model_type": "mpt", "d_model": 4096, "n_layers": 32, "n_heads": 32, "expansion_ratio": 4,
        "vocab_size": 50432, "attn_config": { "attn_type": "multihead_attention" } });
    let opt = json!({ "model_type": "opt", "hidden_size": 4096, "num_hidden_layers": 32,
        "num_attention_heads": 32, "ffn_dim": 16384, "vocab_size": 50272 });
    let t5 = json!({ "model_type": "t5", "d_model": 1024, "num_layers": 24, "num_heads": 128, "d_kv": 128,
        "d_ff": 65536, "vocab_size": 32128, "feed_forward_proj": "relu" });
    let bert = json!({ "model_type": "bert", "hidden_size": 1024, "num_hidden_layers": 24,
        "num_attention_heads": 16, "intermediate_size": 4096, "vocab_size": 30522 });
    let gemma3 = json!({ "model_type": "gemma3", "text_config": { "model_type": "gemma3_text",
        "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34, "sliding_window": 1024 } });
    for (config, billions) in [
        (gpt2, 0.124),
        (bloom, 176.2),
        (falcon, 6.92),
        (mpt, 6.65),
        (opt, 6.66),
        (t5, 11.3),
        (bert, 0.335),
        (gemma3, 3.88),
    ] {
        let found = read(&config).parameters / 1e9;
        assert!((found / billions - 1.0).abs() < 0.02, "{}: {found}", config["model_type"]);
    }
}

#[test]
fn mixtures_and_latent_attention_are_understood() {
    let mixtral = with(
        llama(),
        &[
            ("model_type", json!("mixtral")),
            ("vocab_size", json!(32000)),
            ("num_local_experts", json!(8)),
            ("num_experts_per_tok", json!(2)),
            ("sliding_window", json!(null)),
        ],
    );
    let deepseek = json!({ "model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers": 61,
        "num_attention_heads": 128, "num_key_value_heads": 128, "intermediate_size": 18432, "vocab_size": 129280,
        "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
        "v_head_dim": 128, "n_routed_experts": 256, "num_experts_per_tok": 8, "moe_intermediate_size": 2048,
        "n_shared_experts": 1, "first_k_dense_replace": 3, "moe_layer_freq": 1 });
    let oss = json!({ "model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 36, "head_dim": 64,
        "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 2880, "vocab_size": 201088,
        "num_local_experts": 128, "num_experts_per_tok": 4, "sliding_window": 128,
        "layer_types": ["sliding_attention", "full_attention"] });
    let maverick = json!({ "model_type": "llama4", "text_config": { "model_type": "llama4_text",
        "hidden_size": 5120, "num_hidden_layers": 48, "num_attention_heads": 40, "num_key_value_heads": 8,
        "intermediate_size": 8192, "intermediate_size_mlp": 16384, "vocab_size": 202048, "head_dim": 128,
        "num_local_experts": 128, "num_experts_per_tok": 1, "interleave_moe_layer_step": 2 } });
    for (config, all, active) in
        [(mixtral, 46.7, 12.9), (deepseek, 671.0, 37.5), (oss, 116.8, 5.7), (maverick, 400.6, 17.2)]
    {
        let model = read(&config);
        let off = |found: f64, wanted: f64| (found / 1e9 / wanted - 1.0).abs();
        assert!(off(model.parameters, all) < 0.01, "{}: {}", config["model_type"], model.parameters);
        let found = model.active_parameters.unwrap();
        assert!(off(found, active) < 0.01, "{}: {found}", config["model_type"]);
    }
}

#[test]
fn what_is_not_json_is_told_with_its_place() {
    refused(
        "config.json",
        "{\n  \"model_type\": \"llama\",\n  oops\n}",
        3,
        &["not valid JSON", "config.json:3:"],
    );
    refused("config.json", "", 3, &["not valid JSON"]);
    refused("config.json", "[1, 2]", 3, &["one JSON object"]);
    refused("config.json", &"[".repeat(100_000), 3, &["not valid JSON"]);
}

#[test]
fn an_unknown_family_lists_the_known_ones() {
    bad(
        &with(llama(), &[("model_type", json!("lama"))]),
        &["unknown family `lama`", "did you mean `llama`?", "qwen3_moe", "config.json:"],
    );
    bad(&json!({ "hidden_size": 8 }), &["`model_type` is missing", "deepseek_v3"]);
}

#[test]
fn all_missing_keys_are_named_at_once() {
    bad(
        &json!({ "model_type": "llama", "hidden_size": 4096 }),
        &[
            "a `llama` configuration lacks",
            "`num_hidden_layers`, `num_attention_heads`, `intermediate_size`, `vocab_size`",
        ],
    );
}

#[test]
fn absurd_values_are_refused() {
    for (key, value, words) in [
        ("num_hidden_layers", json!(0), "0 is out of range"),
        ("num_hidden_layers", json!(-3), "-3 is out of range"),
        ("num_hidden_layers", json!(2_000_000), "allowed: an integer from 1 to 1000000"),
        ("num_hidden_layers", json!(1.5), "1.5 is out of range"),
        ("hidden_size", json!("big"), "a string stands where a number is due"),
        ("hidden_size", json!(1e300), "out of range"),
        ("num_attention_heads", json!(48), "does not split into 48 heads"),
        ("num_key_value_heads", json!(5), "do not share 5 heads"),
    ] {
        bad(&with(llama(), &[(key, value)]), &[words, key]);
    }
    let greedy = with(
        llama(),
        &[
            ("model_type", json!("mixtral")),
            ("num_local_experts", json!(8)),
            ("num_experts_per_tok", json!(9)),
        ],
    );
    bad(&greedy, &["cannot visit 9 of 8 experts", "num_experts_per_tok", "allowed: 1 to 8"]);
}

#[test]
fn the_place_is_that_of_the_value() {
    let text = "{\n  \"model_type\": \"llama\",\n  \"hidden_size\": 4096,\n  \"num_hidden_layers\": -1,\n  \
        \"num_attention_heads\": 32,\n  \"intermediate_size\": 1,\n  \"vocab_size\": 2\n}";
    refused("config.json", text, 3, &["config.json:4:24", "num_hidden_layers"]);
}

/// The faults of a configuration, one line each.
fn faults(text: &str) -> Vec<String> {
    match Catalog::read_config("config.json", text) {
        Ok(model) => unreachable!("{text} is taken as {}", model.id),
        Err(faults) => faults.sorted().iter().map(ToString::to_string).collect(),
    }
}

/// The only fault of a configuration with `"key": value` in its second line has its place and these words.
fn one_fault(base: &Value, key: &str, value: &Value, words: &[&str]) {
    let mut rest = base.clone();
    rest.as_object_mut().unwrap().remove(key);
    let text = format!("{{\n  \"{key}\": {value},{}", &rest.to_string()[1..]);
    let told = faults(&text);
    assert_eq!(told.len(), 1, "{told:?}");
    let place = format!("config.json:2:{}: {key}: ", key.len() + 7);
    assert!(told[0].starts_with(&place), "`{place}` does not start {}", told[0]);
    for word in words {
        assert!(told[0].contains(word), "`{word}` is not in {}", told[0]);
    }
}

fn t5() -> Value {
    json!({ "model_type": "t5", "d_model": 1024, "num_layers": 24, "num_heads": 16, "d_kv": 64, "d_ff": 4096,
        "vocab_size": 32128 })
}

fn gemma3() -> Value {
    json!({ "model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240,
        "num_hidden_layers": 34 })
}

#[test]
fn values_of_a_wrong_kind_are_no_defaults() {
    let falcon = json!({ "model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32,
        "num_attention_heads": 71, "vocab_size": 65024 });
    let mpt =
        json!({ "model_type": "mpt", "d_model": 4096, "n_layers": 32, "n_heads": 32, "vocab_size": 50432 });
    let words = "allowed: one word a layer, of \"full_attention\", \"sliding_attention\"";
    for (base, key, value, words) in [
        (
            llama(),
            "max_position_embeddings",
            json!(0),
            &["0 is out of range", "allowed: an integer from 1"][..],
        ),
        (llama(), "max_position_embeddings", json!(-5), &["-5 is out of range"]),
        (llama(), "max_position_embeddings", json!("abc"), &["a string stands where a number is due"]),
        (llama(), "tie_word_embeddings", json!("yes"), &["where a truth value is due", "true or false"]),
        (llama(), "tie_word_embeddings", json!(1), &["a number stands where a truth value is due"]),
        (llama(), "text_config", json!(7), &["a number stands where an object is due"]),
        (
            llama(),
            "model_type",
            json!(5),
            &["`model_type` must be text, but a number", "known families: llama"],
        ),
        (llama(), "model_type", json!(""), &["`model_type` is empty; known families: llama"]),
        (falcon.clone(), "multi_query", json!("yes"), &["a string stands where a truth value is due"]),
        (falcon, "new_decoder_architecture", json!([]), &["an array stands where a truth value is due"]),
        (gemma3(), "layer_types", json!("abc"), &["a string stands where an array of words is due", words]),
        (gemma3(), "layer_types", json!([1, 2]), &["entry 1 is a number where a word is due", words]),
        (
            gemma3(),
            "layer_types",
            json!(["full_attention", "odd"]),
            &["entry 2 is the unknown word `odd`", words],
        ),
        (gemma3(), "layer_types", json!([]), &["`layer_types` is empty", words]),
        (t5(), "feed_forward_proj", json!(7), &["a number stands where a string is due", "`gated-gelu`"]),
        (t5(), "feed_forward_proj", json!("gated_gelu"), &["unknown word `gated_gelu`", "`gated-gelu`"]),
        (t5(), "num_decoder_layers", json!(0), &["0 is out of range", "allowed: an integer from 1 to"]),
        (mpt.clone(), "expansion_ratio", json!(4.5), &["it must be a whole number", "from 1 to 1000"]),
        (mpt, "attn_config", json!("multi"), &["a string stands where an object is due"]),
    ] {
        one_fault(&base, key, &value, words);
    }
    bad(&with(t5(), &[("num_decoder_layers", json!(0))]), &["config.json:", "num_decoder_layers"]);
}

#[test]
fn a_key_that_two_parts_read_is_told_once() {
    let mixtral = with(
        llama(),
        &[
            ("model_type", json!("mixtral")),
            ("num_local_experts", json!(8)),
            ("num_experts_per_tok", json!(2)),
        ],
    );
    one_fault(&mixtral, "intermediate_size", &json!("wide"), &["a string stands where a number is due"]);
}

#[test]
fn a_key_that_stands_twice_is_refused_at_the_second() {
    let text = serde_json::to_string_pretty(&llama()).unwrap();
    let twice = text.replacen('{', "{\n  \"hidden_size\": 1,\n\"x\": {\"y\": \"}\\\"{\"},", 1);
    let told = faults(&twice);
    assert_eq!(told.len(), 1, "{told:?}");
    let line = twice.lines().position(|line| line.contains("4096")).unwrap() + 1;
    assert!(told[0].starts_with(&format!("config.json:{line}:3: hidden_size: `hidden_size` stands twice")));
    assert!(told[0].contains("the first stands in line 2"), "{}", told[0]);
    refused("config.json", &twice, 3, &["`hidden_size` stands twice"]);
    // The place of a faulty value is that of the value used, the last.
    let told = faults(&text.replacen("4096", "-7", 1).replacen('{', "{\n  \"hidden\\u005fsize\": 1,", 1));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().any(|fault| fault.contains(":18: hidden_size: -7 is out of range")), "{told:?}");
}

#[test]
fn a_nested_configuration_is_told_with_its_path() {
    let nested = "{\"model_type\": \"gemma3\", \"vision_config\": {\"hidden_size\": \"no\"},\n\"text_config\": \
        {\"hidden_size\": 2560,\n\"intermediate_size\": 10240, \"num_hidden_layers\": 34,\n\
        \"vocab_size\": true, \"hidden_size\": 2560}}";
    let told = faults(nested);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("config.json:4:15: text_config.vocab_size: a truth value"), "{}", told[0]);
    assert!(
        told[1].starts_with("config.json:4:21: text_config.hidden_size: `hidden_size` stands"),
        "{}",
        told[1]
    );
}

#[test]
fn configurations_as_they_are_published_are_taken() {
    let scaling = json!({ "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0 });
    let kinds = json!(["full_attention", "sliding_attention", "chunked_attention", "linear_attention"]);
    let absent = json!(null);
    for config in [
        with(
            llama(),
            &[("rope_scaling", scaling), ("eos_token_id", json!([1, 2])), ("text_config", absent.clone())],
        ),
        with(
            llama(),
            &[("max_position_embeddings", absent.clone()), ("tie_word_embeddings", absent.clone())],
        ),
        with(gemma3(), &[("layer_types", kinds), ("sliding_window", json!(1024))]),
        with(gemma3(), &[("layer_types", absent.clone()), ("sliding_window", absent.clone())]),
        with(llama(), &[("model_type", json!("qwen2")), ("use_sliding_window", json!(false))]),
        with(t5(), &[("feed_forward_proj", json!("gated-gelu")), ("num_decoder_layers", absent.clone())]),
        with(t5(), &[("feed_forward_proj", json!("gelu_new")), ("n_positions", json!(512))]),
    ] {
        read(&config);
    }
    let marked = format!("\u{feff}\n{}", llama());
    assert!(Catalog::read_config("config.json", &marked).is_ok());
}

#[test]
fn an_unreadable_or_oversized_configuration_has_its_own_status() {
    let folder = tempfile::tempdir().unwrap();
    let output = check_in(folder.path(), "nowhere/config.json", &[]);
    assert_eq!(code(&output), 5, "{}", stderr(&output));
    assert!(stderr(&output).contains("cannot read"), "{}", stderr(&output));
    refused("config.json", &format!("{{\"a\": \"{}\"}}", "x".repeat(5 << 20)), 4, &["a document may hold"]);
}

/// A model file around a `[model.transformer]`.
fn file(head: &str, shape: &str) -> String {
    format!(
        "format = 1\n[model]\nid = \"own\"\nname = \"Own\"\ncategory = \"llm\"\n\
         architecture = \"transformer-decoder\"\n{head}\n[model.transformer]\n{shape}\n"
    )
}

const SHAPE: &str = "layers = 4\nhidden = 512\nheads = 8\nffn = 2048\nvocabulary = 1000";
const EXPERTS: &str = "[model.transformer.experts]\ncount = 8\ntop_k = 2\nhidden = 512";

#[test]
fn a_model_file_needs_its_shape_only() {
    let output = check("own.toml", &file("sequence_length = 128", SHAPE), &[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[test]
fn impossible_shapes_in_model_files_are_told() {
    let shape = |from: &str, to: &str| file("sequence_length = 128", &SHAPE.replace(from, to));
    refused(
        "own.toml",
        &shape("heads = 8", "heads = 7"),
        3,
        &["model.transformer.heads", "does not split into 7 heads", "own.toml:11:9"],
    );
    refused("own.toml", &shape("heads = 8", "heads = 8\nkv_heads = 3"), 3, &["kv_heads", "a divisor of 8"]);
    refused("own.toml", &shape("layers = 4", "layers = 0"), 3, &["an integer from 1 to 1000000"]);
    refused("own.toml", &shape("ffn = 2048", "fnn = 2048"), 3, &["did you mean `ffn`?", "lacks `ffn`"]);
    refused("own.toml", &file("", SHAPE), 3, &["needs `sequence_length`"]);
    let mixture = |from: &str, to: &str| {
        file("sequence_length = 128", &format!("{SHAPE}\n{}", EXPERTS.replace(from, to)))
    };
    refused("own.toml", &mixture("top_k = 2", "top_k = 9"), 3, &["experts.top_k", "cannot visit 9 of 8"]);
    refused("own.toml", &mixture("top_k = 2", "top_k = 2\ndense_layers = 5"), 3, &["allowed: 0 to 4"]);
}

#[test]
fn more_active_parameters_than_parameters_cannot_be() {
    let head = "sequence_length = 128\nparameters = 30e6\nactive_parameters = 40e6";
    let text = file(head, &format!("{SHAPE}\n{EXPERTS}"));
    refused("own.toml", &text, 3, &["model.active_parameters", "are more than all", "own.toml:9:"]);
    let far = file("sequence_length = 128\nparameters = 7e9", SHAPE);
    refused("own.toml", &far, 3, &["model.parameters", "are stated, but the shape holds"]);
    let neither = file("", SHAPE).split("[model.transformer]").next().unwrap_or_default().to_owned();
    refused("own.toml", &neither, 3, &["needs `parameters`", "needs `flops_forward`"]);
}
