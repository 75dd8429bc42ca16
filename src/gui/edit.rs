//! Changes of one value in the text of a scenario: comments, order and spacing of everything else stay.

use thiserror::Error;
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

/// Why a value could not be set.
#[derive(Debug, Error)]
pub(super) enum EditError {
    /// The text is no TOML at the moment.
    #[error("the text has a fault; mend it first")]
    Text,
    /// The value is no TOML.
    #[error("`{0}` is not a value")]
    Value(String),
    /// The path leads nowhere.
    #[error("there is no `{0}`")]
    Path(String),
}

/// Sets the value at a key path (`fleet[0].count`), or takes it out.
pub(super) fn set(text: &str, path: &str, value: Option<&str>) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse().map_err(|_| EditError::Text)?;
    let value = value
        .map(|value| value.trim().parse::<Value>().map_err(|_| EditError::Value(value.to_owned())))
        .transpose()?;
    let mut steps = steps(path);
    let last = steps.pop().ok_or_else(|| EditError::Path(path.to_owned()))?;
    let table = walk(document.as_table_mut(), &steps, value.is_some())
        .ok_or_else(|| EditError::Path(path.to_owned()))?;
    match value {
        Some(mut value) => {
            // The spacing and the remark behind the old value stay.
            if let Some(old) = table.get(&last).and_then(Item::as_value) {
                *value.decor_mut() = old.decor().clone();
            }
            if let Some(item) = table.get_mut(&last) {
                *item = Item::Value(value);
            } else {
                table.insert(&last, Item::Value(value));
            }
        }
        None => {
            table.remove(&last);
        }
    }
    Ok(document.to_string())
}

/// Adds a table to the list of fleets.
pub(super) fn add_fleet(text: &str, name: &str, instance: &str, region: &str) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse().map_err(|_| EditError::Text)?;
    let mut fleet = Table::new();
    for (key, value) in [("name", name), ("instance", instance), ("region", region)] {
        fleet.insert(key, toml_edit::value(value));
    }
    let list = document.entry("fleet").or_insert(Item::ArrayOfTables(toml_edit::ArrayOfTables::new()));
    match list {
        Item::ArrayOfTables(tables) => tables.push(fleet),
        Item::Value(Value::Array(array)) => push_inline(array, fleet),
        _ => return Err(EditError::Path("fleet".to_owned())),
    }
    Ok(document.to_string())
}

fn push_inline(array: &mut Array, fleet: Table) {
    array.push(Value::InlineTable(fleet.into_inline_table()));
}

/// Takes a fleet out.
pub(super) fn remove_fleet(text: &str, index: usize) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse().map_err(|_| EditError::Text)?;
    let missing = || EditError::Path(format!("fleet[{index}]"));
    match document.get_mut("fleet").ok_or_else(missing)? {
        Item::ArrayOfTables(tables) if index < tables.len() => {
            tables.remove(index);
        }
        Item::Value(Value::Array(array)) if index < array.len() => {
            array.remove(index);
        }
        _ => return Err(missing()),
    }
    Ok(document.to_string())
}

fn steps(path: &str) -> Vec<String> {
    path.replace('[', ".")
        .replace(']', "")
        .split('.')
        .map(str::to_owned)
        .filter(|step| !step.is_empty())
        .collect()
}

/// The table that the steps lead to; tables that are missing are made.
fn walk<'a>(table: &'a mut dyn TableLike, steps: &[String], make: bool) -> Option<&'a mut dyn TableLike> {
    let Some((step, rest)) = steps.split_first() else { return Some(table) };
    if make && !table.contains_key(step) {
        table.insert(step, Item::Table(Table::new()));
    }
    match table.get_mut(step)? {
        Item::ArrayOfTables(tables) => {
            let (index, rest) = rest.split_first()?;
            walk(tables.get_mut(index.parse().ok()?)?, rest, make)
        }
        Item::Value(Value::Array(array)) => {
            let (index, rest) = rest.split_first()?;
            walk(array.get_mut(index.parse().ok()?)?.as_inline_table_mut()?, rest, make)
        }
        item => walk(item.as_table_like_mut()?, rest, make),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# head\nformat = 1\n[workload]   # what\nepochs = 2 # twice\n\n[[fleet]]\nname = \"a\"\ncount = 1\n";

    #[test]
    fn a_change_leaves_every_remark_where_it_is() {
        let text = set(TEXT, "workload.epochs", Some("3")).unwrap();
        assert_eq!(text, TEXT.replace("epochs = 2", "epochs = 3"));
        let text = set(TEXT, "fleet[0].count", Some("[1, 2]")).unwrap();
        assert_eq!(text, TEXT.replace("count = 1", "count = [1, 2]"));
        let text = set(TEXT, "objective.deadline", Some("\"2 h\"")).unwrap();
        assert!(text.contains("[objective]\ndeadline = \"2 h\"") && text.starts_with("# head"), "{text}");
        assert_eq!(set(TEXT, "fleet[0].count", None).unwrap(), TEXT.replace("count = 1\n", ""));
    }

    #[test]
    fn what_cannot_be_set_is_told() {
        assert!(matches!(set("x = [", "x", Some("1")), Err(EditError::Text)));
        assert!(matches!(set(TEXT, "workload.epochs", Some("1 2")), Err(EditError::Value(_))));
        assert!(matches!(set(TEXT, "fleet[7].count", Some("1")), Err(EditError::Path(_))));
        assert!(matches!(set(TEXT, "format.x", Some("1")), Err(EditError::Path(_))));
    }

    #[test]
    fn fleets_come_and_go() {
        let text = add_fleet(TEXT, "b", "gcp/g2-standard-8", "us-central1").unwrap();
        assert!(text.starts_with(TEXT) && text.contains("name = \"b\""), "{text}");
        assert!(!remove_fleet(&text, 0).unwrap().contains("\"a\""));
        assert!(remove_fleet(&text, 2).is_err());
    }
}
