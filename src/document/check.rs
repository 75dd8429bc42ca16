//! A tree against a registry: unknown keys, missing keys, types, units and ranges, all found in one pass.

use crate::units::{Dimension, QuantityError, parse_quantity};

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::node::{Entry, Node, Value};
use super::registry::{Default, Kind, Table};
use super::suggest::nearest;

/// Checks `node` as a `table` and adds every fault found to `faults`; `path` is the key path so far.
pub fn check(node: &Node, table: &'static Table, path: &str, faults: &mut Diagnostics) {
    let Value::Table(entries) = &node.value else {
        faults.push(wrong_type(node, path, "a table"));
        return;
    };
    for entry in entries {
        let key_path = join(path, &entry.key);
        match table.key(&entry.key) {
            Some(key) => check_kind(&entry.node, &key.kind, &key_path, faults),
            None => faults.push(unknown_key(entry, table, key_path)),
        }
    }
    for key in table.keys {
        if matches!(key.default, Default::Required) && node.get(key.name).is_none() {
            let place = if path.is_empty() { "the document".to_owned() } else { format!("`{path}`") };
            faults.push(
                Diagnostic::new(
                    Code::MissingKey,
                    join(path, key.name),
                    format!("{place} lacks `{}`", key.name),
                )
                .at(&node.origin)
                .suggest(format!("add `{} = {}`", key.name, example(&key.kind))),
            );
        }
    }
}

/// A number in few characters, however small or large.
fn short(value: f64) -> String {
    if value == 0.0 || (1e-6..1e15).contains(&value.abs()) { value.to_string() } else { format!("{value:e}") }
}

fn check_kind(node: &Node, kind: &'static Kind, path: &str, faults: &mut Diagnostics) {
    let fault =
        |code, message: String| Diagnostic::new(code, path, message).at(&node.origin).suggest(allowed(kind));
    match (kind, &node.value) {
        (Kind::Text, Value::Text(text)) if text.trim().is_empty() => {
            faults.push(fault(Code::OutOfRange, "the text is empty".to_owned()));
        }
        (Kind::Text, Value::Text(_)) | (Kind::Boolean, Value::Boolean(_)) => {}
        (Kind::Choice(words), Value::Text(text)) => {
            if !words.contains(&text.as_str()) {
                let mut found = fault(Code::UnknownChoice, format!("\"{text}\" is not allowed here"));
                if let Some(near) = nearest(text, words.iter().copied()) {
                    found.suggestion = Some(format!("did you mean \"{near}\"? {}", allowed(kind)));
                }
                faults.push(found);
            }
        }
        (Kind::Count { min, max }, Value::Integer(value)) => {
            if u64::try_from(*value).map_or(true, |value| value < *min || value > *max) {
                faults.push(fault(Code::OutOfRange, format!("{value} is out of range")));
            }
        }
        (Kind::Number { min, max }, Value::Integer(_) | Value::Float(_)) => {
            let value = node.number().unwrap_or(f64::NAN);
            if !value.is_finite() {
                faults.push(fault(Code::OutOfRange, format!("{value} is not a finite number")));
            } else if value < *min || value > *max {
                faults.push(fault(Code::OutOfRange, format!("{} is out of range", short(value))));
            }
        }
        (Kind::Quantity { dimension, min, positive }, value) => {
            check_quantity(node, value, (*dimension, *min, *positive), path, faults);
        }
        (Kind::Texts, Value::Array(items)) => {
            for item in items.iter().filter(|item| item.text().is_none()) {
                faults.push(wrong_type(item, path, "a string"));
            }
        }
        (Kind::Numbers, Value::Array(items)) => {
            for item in items.iter().filter(|item| !item.number().is_some_and(f64::is_finite)) {
                faults.push(wrong_type(item, path, "a finite number"));
            }
        }
        (Kind::Table(table), Value::Table(_)) => check(node, table, path, faults),
        (Kind::Tables(table), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                check(item, table, &format!("{path}[{index}]"), faults);
            }
        }
        (Kind::Map(kind), Value::Table(entries)) => {
            for entry in entries {
                check_kind(&entry.node, kind, &join(path, &entry.key), faults);
            }
        }
        (Kind::Either(kinds), _) => check_either(node, kinds, path, faults),
        _ => faults.push(wrong_type(node, path, &kind.allowed())),
    }
}

/// The kind whose type fits is checked on its own, so that its particular fault is told; else all are named.
fn check_either(node: &Node, kinds: &'static [Kind], path: &str, faults: &mut Diagnostics) {
    let mut best: Option<Diagnostics> = None;
    for kind in kinds {
        let mut found = Diagnostics::new();
        check_kind(node, kind, path, &mut found);
        if found.is_empty() {
            return;
        }
        if found.sorted().iter().all(|fault| fault.code != Code::WrongType || fault.key != path) {
            best.get_or_insert(found);
        }
    }
    match best {
        Some(found) => faults.extend(found),
        None => {
            let all: Vec<String> = kinds.iter().map(Kind::allowed).collect();
            faults.push(wrong_type(node, path, &all.join(", or ")));
        }
    }
}

fn check_quantity(
    node: &Node,
    value: &Value,
    (dimension, min, positive): (Dimension, f64, bool),
    path: &str,
    faults: &mut Diagnostics,
) {
    let hint = format!("write it like \"{}\"; units: {}", dimension.example(), dimension.examples());
    let fault =
        |code, message: String| Diagnostic::new(code, path, message).at(&node.origin).suggest(hint.clone());
    match value {
        Value::Text(text) => match parse_quantity(text, dimension) {
            Ok(value) if value < min || (positive && value <= min) => {
                let bound = if positive { "greater than" } else { "at least" };
                faults.push(fault(Code::OutOfRange, format!("\"{text}\" must be {bound} {min}")));
            }
            Ok(value)
                if value > 0.0 && (value < dimension.sensible().0 || value > dimension.sensible().1) =>
            {
                faults.push(fault(Code::OutOfRange, format!("\"{text}\" is beyond all reason")));
            }
            Ok(_) => {}
            Err(error @ QuantityError::NotFinite(_)) => {
                faults.push(fault(Code::OutOfRange, error.to_string()))
            }
            Err(error) => faults.push(fault(Code::BadUnit, error.to_string())),
        },
        Value::Integer(_) | Value::Float(_) => {
            let value = node.number().unwrap_or(f64::NAN);
            if value.is_finite() {
                faults.push(fault(Code::BadUnit, format!("{value} has no unit")));
            } else {
                faults.push(fault(Code::OutOfRange, format!("{value} is not a finite number")));
            }
        }
        _ => faults.push(wrong_type(
            node,
            path,
            &format!("a string with a unit, like \"{}\"", dimension.example()),
        )),
    }
}

fn unknown_key(entry: &Entry, table: &'static Table, key_path: String) -> Diagnostic {
    let known = table.keys.iter().map(|key| key.name);
    let fault = Diagnostic::new(Code::UnknownKey, key_path, format!("unknown key `{}`", entry.key))
        .at(&entry.key_origin);
    match nearest(&entry.key, known.clone()) {
        Some(near) => fault.suggest(format!("did you mean `{near}`?")),
        None => fault.suggest(format!("known keys: {}", known.collect::<Vec<_>>().join(", "))),
    }
}

fn wrong_type(node: &Node, path: &str, wanted: &str) -> Diagnostic {
    Diagnostic::new(Code::WrongType, path, format!("{} stands where {wanted} is due", node.value.kind()))
        .at(&node.origin)
}

fn allowed(kind: &Kind) -> String {
    format!("allowed: {}", kind.allowed())
}

fn example(kind: &Kind) -> String {
    match kind {
        Kind::Text => "\"…\"".to_owned(),
        Kind::Boolean => "true".to_owned(),
        Kind::Choice(words) => format!("\"{}\"", words.first().unwrap_or(&"…")),
        Kind::Count { min, .. } => min.to_string(),
        Kind::Number { min, .. } => min.to_string(),
        Kind::Quantity { dimension, .. } => format!("\"{}\"", dimension.example()),
        Kind::Texts => "[\"…\"]".to_owned(),
        Kind::Numbers => "[1.0]".to_owned(),
        Kind::Table(_) | Kind::Map(_) => "{ … }".to_owned(),
        Kind::Tables(_) => "[{ … }]".to_owned(),
        Kind::Either(kinds) => kinds.first().map(example).unwrap_or_default(),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
