//! Typed reading of a checked tree: a value is the document's, or else the registry's default.

use crate::units::{
    Bytes, BytesPerSecond, Dimension, Flops, FlopsPerSecond, Money, PricePerHour, Seconds, Watts,
    parse_decimal, parse_quantity,
};

use super::diagnostic::{Code, Diagnostic};
use super::node::{Node, Origin, Value};
use super::registry::{Default, Kind, Table};

/// Reads one table. Values of a wrong type read as absent: [`super::check`] has already told.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    node: Option<&'a Node>,
    table: &'static Table,
}

/// One value of the resolved document, for `check --resolved`.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Its key path.
    pub path: String,
    /// The value as TOML.
    pub value: String,
    /// Where it comes from: `file:line`, the command line, the default, or how it is derived.
    pub origin: String,
}

impl<'a> Reader<'a> {
    /// A reader of `node`, which has been checked against `table`.
    #[must_use]
    pub fn new(node: &'a Node, table: &'static Table) -> Self {
        Self { node: Some(node), table }
    }

    /// Whether the document has the key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The keys that the document has.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        let entries = match self.node.map(|node| &node.value) {
            Some(Value::Table(entries)) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|entry| entry.key.as_str())
    }

    /// The keys that the registry knows here.
    pub fn known(&self) -> impl Iterator<Item = &'static str> {
        self.table.keys.iter().map(|key| key.name)
    }

    /// A word, or the default, where it is one of the choices; what is none of them was told already.
    #[must_use]
    pub fn choice(&self, key: &str) -> Option<&'a str> {
        let Kind::Choice(words) = self.table.key(key)?.kind else { return None };
        self.text(key).filter(|text| words.contains(text))
    }

    /// The node of a key, when the document has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.node.and_then(|node| node.get(key)).map(|entry| &entry.node)
    }

    /// Where the key stands, or else the table.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<&'a Origin> {
        self.get(key).or(self.node).map(|node| &node.origin)
    }

    /// A fault at the key.
    #[must_use]
    pub fn fault(&self, code: Code, path: &str, key: &str, message: impl Into<String>) -> Diagnostic {
        let full = match (path.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => path.to_owned(),
            (false, false) => format!("{path}.{key}"),
        };
        let fault = Diagnostic::new(code, full, message);
        match self.origin(key) {
            Some(origin) => fault.at(origin),
            None => fault,
        }
    }

    /// A string, or the default.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&'a str> {
        match (self.get(key), self.default(key)) {
            (Some(node), _) => node.text(),
            (None, Default::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A quantity in SI units (dollars for money), or the default.
    #[must_use]
    pub fn quantity(&self, key: &str) -> Option<f64> {
        parse_quantity(self.text(key)?, self.dimension(key)?).ok()
    }

    /// A time.
    #[must_use]
    pub fn seconds(&self, key: &str) -> Option<Seconds> {
        self.quantity(key).map(Seconds)
    }

    /// An amount of data.
    #[must_use]
    pub fn bytes(&self, key: &str) -> Option<Bytes> {
        self.quantity(key).map(Bytes)
    }

    /// A data rate.
    #[must_use]
    pub fn byte_rate(&self, key: &str) -> Option<BytesPerSecond> {
        self.quantity(key).map(BytesPerSecond)
    }

    /// An amount of arithmetic.
    #[must_use]
    pub fn flops(&self, key: &str) -> Option<Flops> {
        self.quantity(key).map(Flops)
    }

    /// An arithmetic rate.
    #[must_use]
    pub fn flop_rate(&self, key: &str) -> Option<FlopsPerSecond> {
        self.quantity(key).map(FlopsPerSecond)
    }

    /// A power.
    #[must_use]
    pub fn watts(&self, key: &str) -> Option<Watts> {
        self.quantity(key).map(Watts)
    }

    /// A rental price, exactly as written.
    #[must_use]
    pub fn price_per_hour(&self, key: &str) -> Option<PricePerHour> {
        self.money(key).map(PricePerHour)
    }

    /// Money, exactly as written.
    #[must_use]
    pub fn money(&self, key: &str) -> Option<Money> {
        parse_decimal(self.text(key)?, self.dimension(key)?).ok()
    }

    /// A number, or the default.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        match (self.get(key), self.default(key)) {
            (Some(node), _) => node.number(),
            (None, Default::Number(number)) => Some(number),
            (None, Default::Count(count)) => Some(count as f64),
            _ => None,
        }
    }

    /// A count, or the default.
    #[must_use]
    pub fn count(&self, key: &str) -> Option<u64> {
        match (self.get(key).map(|node| &node.value), self.default(key)) {
            (Some(Value::Integer(value)), _) => u64::try_from(*value).ok(),
            (None, Default::Count(count)) => Some(count),
            _ => None,
        }
    }

    /// A truth value, or the default; false when there is neither.
    #[must_use]
    pub fn boolean(&self, key: &str) -> bool {
        match (self.get(key).map(|node| &node.value), self.default(key)) {
            (Some(Value::Boolean(value)), _) => *value,
            (None, Default::Boolean(value)) => value,
            _ => false,
        }
    }

    /// The strings of a list; a single string counts as a list of one.
    #[must_use]
    pub fn texts(&self, key: &str) -> Vec<&'a str> {
        match self.get(key).map(|node| &node.value) {
            Some(Value::Array(items)) => items.iter().filter_map(Node::text).collect(),
            Some(Value::Text(text)) => vec![text],
            _ => Vec::new(),
        }
    }

    /// The numbers of a list.
    #[must_use]
    pub fn numbers(&self, key: &str) -> Vec<f64> {
        match self.get(key).map(|node| &node.value) {
            Some(Value::Array(items)) => items.iter().filter_map(Node::number).collect(),
            _ => Vec::new(),
        }
    }

    /// A table under a key; when the document lacks it, a reader that answers with defaults only.
    #[must_use]
    pub fn table(&self, key: &str) -> Reader<'a> {
        match self.table.key(key).map(|key| &key.kind) {
            Some(kind) => Reader { node: self.get(key), table: table_of(kind).unwrap_or(&NOTHING) },
            None => Reader { node: None, table: &NOTHING },
        }
    }

    /// The tables of an array.
    #[must_use]
    pub fn tables(&self, key: &str) -> Vec<Reader<'a>> {
        let Some(table) = self.table.key(key).and_then(|key| table_of(&key.kind)) else { return Vec::new() };
        match self.get(key).map(|node| &node.value) {
            Some(Value::Array(items)) => {
                items.iter().map(|item| Reader { node: Some(item), table }).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Every value below this table with where it came from, in the order of the registry.
    pub fn resolved(&self, path: &str, out: &mut Vec<Resolved>) {
        for key in self.table.keys {
            let full = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
            match (&key.kind, self.get(key.name)) {
                (Kind::Tables(_), Some(_)) => {
                    for (index, item) in self.tables(key.name).iter().enumerate() {
                        item.resolved(&format!("{full}[{index}]"), out);
                    }
                }
                (Kind::Table(_), Some(_)) => self.table(key.name).resolved(&full, out),
                (_, Some(node)) => {
                    let place = node.origin.source.place(node.origin.span.start);
                    let origin = if &*node.origin.source.name == "--set" {
                        "command line".to_owned()
                    } else {
                        format!("{}:{}", node.origin.source.name, place.line)
                    };
                    out.push(Resolved { path: full, value: node.value.to_toml(), origin });
                }
                (Kind::Table(_), None) if !matches!(key.default, Default::Absent) => {
                    self.table(key.name).resolved(&full, out);
                }
                (_, None) => {
                    let (value, origin) = match key.default {
                        Default::Text(text) => (format!("{text:?}"), "default"),
                        Default::Number(number) => (format!("{number:?}"), "default"),
                        Default::Count(count) => (count.to_string(), "default"),
                        Default::Boolean(value) => (value.to_string(), "default"),
                        Default::Derived(words) => ("…".to_owned(), words),
                        Default::Required | Default::Absent => continue,
                    };
                    out.push(Resolved { path: full, value, origin: origin.to_owned() });
                }
            }
        }
    }

    fn default(&self, key: &str) -> Default {
        self.table.key(key).map_or(Default::Absent, |key| key.default)
    }

    fn dimension(&self, key: &str) -> Option<Dimension> {
        dimension_of(&self.table.key(key)?.kind)
    }
}

static NOTHING: Table = Table { doc: "", keys: &[] };

fn table_of(kind: &'static Kind) -> Option<&'static Table> {
    match kind {
        Kind::Table(table) | Kind::Tables(table) => Some(table),
        Kind::Either(kinds) => kinds.iter().find_map(table_of),
        _ => None,
    }
}

fn dimension_of(kind: &Kind) -> Option<Dimension> {
    match kind {
        Kind::Quantity { dimension, .. } => Some(*dimension),
        Kind::Either(kinds) => kinds.iter().find_map(dimension_of),
        _ => None,
    }
}
