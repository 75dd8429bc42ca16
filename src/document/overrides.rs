//! `--set key.path=value`: one value replaced or added, later ones winning; `fleet.NAME.key` and `fleet[0].key` reach into lists.

use super::diagnostic::{Code, Diagnostic};
use super::load::load;
use super::node::{Entry, Node, Origin, Source, Value};

/// No key lies deeper than this.
const MAX_STEPS: usize = 32;

/// Applies one override, `key.path=value` with the value in TOML, or bare text where it is no TOML.
///
/// # Errors
/// When there is no `=`, the path is empty, or a list entry is not there.
pub fn apply_override(root: &mut Node, text: &str) -> Result<(), Box<Diagnostic>> {
    let typed = |end: usize| Origin { source: Source::new("--set", text), span: 0..end };
    let fault = |message: String| {
        let fault = Diagnostic::new(Code::Syntax, "--set", message).at(&typed(text.len()));
        Box::new(fault.suggest("write --set key.path=value"))
    };
    let (path, value) = text.split_once('=').ok_or_else(|| fault(format!("`{text}` has no `=`")))?;
    let steps = split_path(path.trim());
    if steps.len() > MAX_STEPS {
        return Err(fault(format!("a key path of {} steps is too long", steps.len())));
    }
    if steps.iter().any(String::is_empty) {
        return Err(fault(format!("`{path}` is not a key path")));
    }
    let node = parse_value(value.trim());
    place(root, &steps, node, path).map_err(|fault| Box::new(fault.at(&typed(path.len()))))
}

/// The value as TOML, or, where that fails, as the bare text (`--set fleet.a.region=us-east4`).
fn parse_value(text: &str) -> Node {
    let parsed = load("--set", &format!("value = {text}")).ok();
    let found = parsed.and_then(|root| match root.value {
        Value::Table(mut entries) if entries.len() == 1 => entries.pop().map(|entry| entry.node),
        _ => None,
    });
    found.unwrap_or_else(|| {
        let source = Source::new("--set", text);
        let span = 0..text.len();
        Node { value: Value::Text(text.to_owned()), origin: Origin { source, span } }
    })
}

/// Dots part steps, except within quotes; `name[2]` is two steps.
fn split_path(path: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let mut quote = None;
    for letter in path.chars() {
        match (letter, quote) {
            ('"' | '\'', None) => quote = Some(letter),
            (_, Some(open)) if letter == open => quote = None,
            ('.' | '[', None) => steps.push(String::new()),
            (']', None) => {}
            _ => {
                if let Some(step) = steps.last_mut() {
                    step.push(letter);
                }
            }
        }
    }
    steps
}

fn place(node: &mut Node, steps: &[String], value: Node, path: &str) -> Result<(), Box<Diagnostic>> {
    let Some((step, rest)) = steps.split_first() else {
        *node = value;
        return Ok(());
    };
    let missing = |what: String| Diagnostic::new(Code::UnknownKey, path.trim(), what);
    // "auto" fixes nothing: what is set below it fixes a part.
    if matches!(&node.value, Value::Text(text) if text == "auto") {
        node.value = Value::Table(Vec::new());
    }
    match &mut node.value {
        Value::Table(entries) => {
            let index = match entries.iter().position(|entry| entry.key == *step) {
                Some(index) => index,
                None => {
                    let origin = value.origin.clone();
                    let empty = Node { value: Value::Table(Vec::new()), origin: origin.clone() };
                    entries.push(Entry { key: step.clone(), key_origin: origin, node: empty });
                    entries.len() - 1
                }
            };
            place(&mut entries[index].node, rest, value, path)
        }
        Value::Array(items) => {
            let index = step.parse::<usize>().ok().filter(|index| *index < items.len());
            let named = || {
                items
                    .iter()
                    .position(|item| item.get("name").and_then(|entry| entry.node.text()) == Some(step))
            };
            match index.or_else(named) {
                Some(index) => place(&mut items[index], rest, value, path),
                None => {
                    let names: Vec<String> = items
                        .iter()
                        .filter_map(|item| {
                            item.get("name").and_then(|entry| entry.node.text()).map(str::to_owned)
                        })
                        .collect();
                    let fault = missing(format!("no entry `{step}` in the list"));
                    Err(Box::new(fault.suggest(format!("entries: {}", names.join(", ")))))
                }
            }
        }
        _ => Err(Box::new(missing(format!("`{step}` lies below a plain value")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(root: &Node, list: &str, index: usize, key: &str) -> Option<f64> {
        match &root.get(list)?.node.value {
            Value::Array(items) => items.get(index)?.get(key)?.node.number(),
            _ => None,
        }
    }

    #[test]
    fn list_entries_are_reached_by_name_and_by_index() {
        let text = "[[fleet]]\nname = \"a b\"\ncount = 1\n[[fleet]]\nname = \"c\"\ncount = 1\n";
        let mut root = load("t", text).unwrap();
        apply_override(&mut root, "fleet.'a b'.count=32").unwrap();
        apply_override(&mut root, "fleet[1].count=4").unwrap();
        apply_override(&mut root, "objective.deadline=2 h").unwrap();
        assert_eq!(number(&root, "fleet", 0, "count"), Some(32.0));
        assert_eq!(number(&root, "fleet", 1, "count"), Some(4.0));
        assert_eq!(root.get("objective").unwrap().node.get("deadline").unwrap().node.text(), Some("2 h"));
        assert!(apply_override(&mut root, "fleet.zzz.count=4").is_err());
        assert!(apply_override(&mut root, "nonsense").is_err());
    }
}
