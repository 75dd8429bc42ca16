//! Shapes of transformers tell the sizes that were published.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use capplan::catalog::{Catalog, CausalCount};

/// Models whose published size is not that of their shape, and why.
const UNLIKE: &[(&str, &str)] = &[
    ("gopher-280b", "relative positions add a matrix to every layer"),
    ("gemma-3-12b", "a vision encoder is counted"),
    ("gemma-4-26b", "3.2 % more is published than layers and vocabulary hold; why is not known"),
    ("gemma-4-2b", "per-layer embeddings and encoders are counted"),
    ("gemma-4-4b", "per-layer embeddings and encoders are counted"),
    ("bigscience-gpt-52b", "one of its names is of the nearest size"),
    ("bigscience-gpt-78b", "the name is of the nearest size"),
    ("megatron-gpt-1.7b", "1.65 is rounded up"),
    ("capplan-gpt", "learned positions, which its small layers do not dwarf, are counted"),
    ("mpt-125m", "more is published than layers and vocabulary hold; why is not known"),
    ("mpt-350m", "more is published than layers and vocabulary hold; why is not known"),
    ("mpt-7b", "more is published than layers and vocabulary hold; why is not known"),
];

/// Published sizes in billions: all, and active in the publisher's own way of counting.
const PUBLISHED: &[(&str, f64, Option<f64>)] = &[
    ("llama-3-8b", 8.03, None),
    ("llama-3-70b", 70.6, None),
    ("llama-3.1-405b", 405.9, None),
    ("llama-2-7b", 6.74, None),
    ("llama-2-70b", 68.98, None),
    ("gpt-3-175b", 175.0, None),
    ("mt-nlg-530b", 530.0, None),
    ("megatron-gpt-1t", 1008.0, None),
    ("bloom-176b", 176.2, None),
    ("opt-175b", 175.0, None),
    ("palm-540b", 540.0, None),
    ("mixtral-8x7b", 46.7, Some(12.9)),
    ("mixtral-8x22b", 140.6, Some(39.1)),
    ("deepseek-v2", 236.0, Some(21.0)),
    ("deepseek-v3", 671.0, Some(37.0)),
    ("kimi-k2", 1000.0, Some(32.0)),
    ("qwen3-30b-a3b", 30.5, Some(3.3)),
    ("qwen3-235b-a22b", 235.0, Some(22.0)),
    ("qwen3-coder-480b-a35b", 480.0, Some(35.0)),
    ("gpt-oss-20b", 20.9, Some(3.6)),
    ("gpt-oss-120b", 116.8, Some(5.1)),
    ("llama-4-scout", 109.0, Some(17.0)),
    ("llama-4-maverick", 400.0, Some(17.0)),
    ("nemotron-3-nano-30b-a3b", 31.6, Some(3.2)),
    ("nemotron-3-super-120b-a12b", 120.0, Some(12.0)),
    ("falcon-180b", 180.0, None),
    ("wan2.1-14b", 14.0, None),
];

#[test]
fn shapes_have_the_published_sizes() {
    let catalog = Catalog::read(&[]).unwrap();
    let mut wrong = Vec::new();
    for (id, all, active) in PUBLISHED {
        let shape = catalog.models.get(*id).and_then(|model| model.transformer).unwrap();
        let off = |found: f64, published: f64| (found / 1e9 / published - 1.0).abs();
        if off(shape.parameters(), *all) > 0.03 {
            wrong.push(format!("{id}: {:.4e}, published {all}e9", shape.parameters()));
        }
        // Some publishers count the embedding among the active parameters, some do not.
        if let Some(active) = active {
            let (with, without) = (shape.active_parameters(), shape.multiplied_parameters());
            if off(with, *active).min(off(without, *active)) > 0.025 {
                wrong.push(format!("{id}: {with:.4e} or {without:.4e} active, published {active}e9"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn stated_sizes_agree_with_the_shapes() {
    let catalog = Catalog::read(&[]).unwrap();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for model in catalog.models.values() {
        let Some(shape) = &model.transformer else { continue };
        seen += 1;
        let ratio = shape.parameters() / model.parameters;
        let excused = UNLIKE.iter().any(|(id, _)| *id == model.id);
        if (ratio - 1.0).abs() > 0.03 && !excused {
            wrong.push(format!("{}: {:.4e}, stated {:.4e}", model.id, shape.parameters(), model.parameters));
        }
        if let Some(active) = model.active_parameters.filter(|_| shape.experts.is_some()) {
            let ratio = shape.active_parameters() / active;
            if (ratio - 1.0).abs() > 0.03 || active > model.parameters {
                wrong.push(format!(
                    "{}: {:.4e} active, stated {active:.4e}",
                    model.id,
                    shape.active_parameters()
                ));
            }
        }
    }
    assert!(seen >= 100, "{seen} shapes");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_file_leaves_out_follows_from_its_shape() {
    let catalog = Catalog::read(&[]).unwrap();
    let model = catalog.model("Llama-3-8B").unwrap();
    let shape = model.transformer.unwrap();
    let length = model.sequence_length.unwrap();
    assert_eq!(model.flops_forward, shape.forward_flops(length, CausalCount::Full));
    assert_eq!((model.hidden, model.layers, model.heads), (Some(4096.0), Some(32.0), Some(32.0)));
    let maxtext = catalog.model("MaxText 32B").unwrap();
    assert_eq!(maxtext.parameters, maxtext.transformer.unwrap().parameters());
    // Fitted evidence rests on the stated figures of older files.
    let bert = catalog.model("bert-large").unwrap();
    assert_eq!((bert.parameters, bert.flops_forward.0), (335e6, 340e9));
}

#[test]
fn no_two_models_share_a_name() {
    let catalog = Catalog::read(&[]).unwrap();
    let mut names: Vec<(&str, &str)> = Vec::new();
    for model in catalog.models.values() {
        names.push((&model.id, &model.id));
        names.extend(model.aliases.iter().map(|alias| (alias.as_str(), model.id.as_str())));
    }
    names.sort_unstable();
    let twice: Vec<_> =
        names.windows(2).filter(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// Every published language model of known shape is in the catalog, with that shape and, but for those excused, that size.
#[test]
fn the_models_of_the_public_table_are_known() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/training_models.csv");
    let Ok(text) = std::fs::read_to_string(&table) else {
        eprintln!("skipped: {} is absent", table.display());
        return;
    };
    let catalog = Catalog::read(&[]).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let mut wrong = Vec::new();
    for row in reader.records().map(Result::unwrap) {
        let column = |name: &str| &row[headers.iter().position(|header| header == name).unwrap()];
        if !["llm", "moe"].contains(&column("category")) || column("hidden").is_empty() {
            continue;
        }
        let name = column("model_as_published");
        let Some(shape) = catalog.model(name).ok().and_then(|model| model.transformer) else {
            wrong.push(format!("{name} is missing"));
            continue;
        };
        let published: f64 = column("params_b").parse().unwrap();
        let ratio = shape.parameters() / 1e9 / published;
        let id = &catalog.model(name).unwrap().id;
        if (ratio - 1.0).abs() > 0.03 && !UNLIKE.iter().any(|(unlike, _)| unlike == id) {
            wrong.push(format!("{name}: {:.4e}, published {published}e9", shape.parameters()));
        }
        let heads = shape.attention.heads();
        for (key, value) in [("layers", shape.layers), ("hidden", shape.hidden), ("heads", heads)] {
            let published: f64 = column(key).parse().unwrap();
            if published != value {
                wrong.push(format!("{name}: {key} {value}, published {published}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
