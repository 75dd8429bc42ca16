//! The registry as JSON Schema, for editors, and as commented TOML, for readers.

use serde_json::{Map, Value, json};

use crate::document::{Default, Key, Kind, Table};

use super::keys::{SCENARIO, SERVING_SCENARIO};

/// JSON Schema (2020-12) of a scenario file.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = table_schema(&SCENARIO);
    if let Value::Object(fields) = &mut schema {
        fields.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        fields.insert("title".to_owned(), json!("capplan scenario"));
        // Both kinds of workload may stand there; all else is common.
        let of = |table: &'static Table| table.key("workload").map(key_schema);
        if let Some(Value::Object(properties)) = fields.get_mut("properties") {
            properties
                .insert("workload".to_owned(), json!({ "anyOf": [of(&SCENARIO), of(&SERVING_SCENARIO)] }));
        }
    }
    schema
}

fn table_schema(table: &Table) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in table.keys {
        properties.insert(key.name.to_owned(), key_schema(key));
        if matches!(key.default, Default::Required) {
            required.push(key.name);
        }
    }
    json!({
        "type": "object", "description": table.doc, "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

fn key_schema(key: &Key) -> Value {
    let mut schema = kind_schema(&key.kind);
    if let Value::Object(fields) = &mut schema {
        fields.insert("description".to_owned(), json!(key.doc));
        let default = match key.default {
            Default::Text(text) => Some(json!(text)),
            Default::Number(number) => Some(json!(number)),
            Default::Count(count) => Some(json!(count)),
            Default::Boolean(value) => Some(json!(value)),
            Default::Required | Default::Absent | Default::Derived(_) => None,
        };
        if let Some(default) = default {
            fields.insert("default".to_owned(), default);
        }
    }
    schema
}

fn kind_schema(kind: &Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string", "minLength": 1 }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Count { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Number { min, max } if *max == f64::MAX => json!({ "type": "number", "minimum": min }),
        Kind::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Kind::Quantity { dimension, .. } => json!({ "type": "string", "examples": [dimension.example()] }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Numbers => json!({ "type": "array", "items": { "type": "number" } }),
        Kind::Table(table) => table_schema(table),
        Kind::Tables(table) => json!({ "type": "array", "items": table_schema(table) }),
        Kind::Map(kind) => json!({ "type": "object", "additionalProperties": kind_schema(kind) }),
        Kind::Either(kinds) => json!({ "anyOf": kinds.iter().map(kind_schema).collect::<Vec<_>>() }),
    }
}

/// Every key with its default and meaning, as commented TOML.
#[must_use]
pub fn reference_toml() -> String {
    let mut text = String::new();
    table_reference(&SCENARIO, "", &mut text);
    if let Some((serving, _)) = SERVING_SCENARIO.key("workload").and_then(|key| inner(&key.kind)) {
        text.push_str("\n[workload]   # of kind \"inference\"\n");
        table_reference(serving, "workload", &mut text);
    }
    text
}

fn table_reference(table: &Table, path: &str, text: &mut String) {
    for key in table.keys.iter().filter(|key| inner(&key.kind).is_none()) {
        let value = match key.default {
            Default::Text(value) => format!("{value:?}"),
            Default::Number(number) => format!("{number:?}"),
            Default::Count(count) => count.to_string(),
            Default::Boolean(value) => value.to_string(),
            Default::Required => "…  (required)".to_owned(),
            Default::Absent => "…".to_owned(),
            Default::Derived(words) => format!("…  ({words})"),
        };
        text.push_str(&format!("# {}\n# {} = {value}   # {}\n", key.doc, key.name, key.kind.allowed()));
    }
    for key in table.keys {
        if let Some((inner, many)) = inner(&key.kind) {
            let full = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
            let (open, close) = if many { ("[[", "]]") } else { ("[", "]") };
            text.push_str(&format!("\n{open}{full}{close}   # {}\n", key.doc));
            table_reference(inner, &full, text);
        }
    }
}

fn inner(kind: &Kind) -> Option<(&'static Table, bool)> {
    match kind {
        Kind::Table(table) => Some((table, false)),
        Kind::Tables(table) => Some((table, true)),
        _ => None,
    }
}
