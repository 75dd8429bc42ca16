//! Which keys mean something where: what would be ignored is told instead, with what is allowed in its place.

use crate::document::{Code, Diagnostic, Node, Reader, Value};

use super::applies_rules::{Needs, Rule, SERVING_RULES, TRAINING_RULES};
use super::resolve::Resolver;

/// What a scenario is, as far as keys depend on it.
#[derive(Clone, Copy, Default)]
pub(super) struct Setting<'a> {
    /// The model's name, as typed.
    pub model: &'a str,
    /// Whether it writes tokens one after the other.
    pub language: bool,
    /// Online, batch or hybrid.
    pub mode: Option<&'a str>,
    /// Whether there are models beside it, which may write or not.
    pub several: bool,
    /// Where it lives; none where fleets say so themselves.
    pub hosting: Option<&'a str>,
    /// Whether some fleet is on spot terms.
    pub spot: bool,
}

/// Tells every key of a serving scenario that means nothing in its setting.
pub(super) fn serving(resolver: &mut Resolver<'_>, document: &Reader<'_>, setting: &Setting<'_>) {
    tell(resolver, document, setting, SERVING_RULES);
}

/// Tells every key of a training scenario that means nothing.
pub(super) fn training(resolver: &mut Resolver<'_>, document: &Reader<'_>, setting: &Setting<'_>) {
    tell(resolver, document, setting, TRAINING_RULES);
}

/// Whether some fleet, or group of one, is on spot terms.
pub(super) fn on_spot(document: &Reader<'_>) -> bool {
    let spot = |table: &Reader<'_>| table.texts("purchase").contains(&"spot");
    document.tables("fleet").iter().any(|fleet| spot(fleet) || fleet.tables("group").iter().any(spot))
}

fn tell(resolver: &mut Resolver<'_>, document: &Reader<'_>, setting: &Setting<'_>, rules: &[Rule]) {
    let mut told: Vec<String> = Vec::new();
    for rule in rules {
        for (path, table) in tables(document, rule.table) {
            for key in rule.keys.iter().filter(|key| !is_empty(table.get(key))) {
                let full = format!("{path}.{key}");
                // One reason is enough, and of a table that means nothing its keys need none.
                let inside = |earlier: &String| {
                    full.strip_prefix(earlier.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                };
                if told.iter().any(inside) {
                    continue;
                }
                let Some(message) = rule.needs.missed(key, &table, setting) else { continue };
                resolver.faults.push(fault(rule, (&path, &table, key), message, setting, rules));
                told.push(full);
            }
        }
    }
}

/// Whether nothing stands there: an empty table states nothing, and is how `--set` clears one.
fn is_empty(node: Option<&Node>) -> bool {
    match node.map(|node| &node.value) {
        None => true,
        Some(Value::Table(entries)) => entries.is_empty(),
        Some(_) => false,
    }
}

fn fault(
    rule: &Rule,
    (path, table, key): (&str, &Reader<'_>, &str),
    message: String,
    setting: &Setting<'_>,
    rules: &[Rule],
) -> Diagnostic {
    let fault = table.fault(Code::Conflict, path, key, message);
    if !rule.instead.is_empty() {
        return fault.suggest(rule.instead);
    }
    let means = |other: &str| {
        let of = |rule: &&Rule| rule.table == strip_indices(path) && rule.keys.contains(&other);
        !rules.iter().filter(of).any(|rule| rule.needs.missed(other, table, setting).is_some())
    };
    let allowed: Vec<&str> = table.known().filter(|other| *other != key && means(other)).collect();
    match allowed.is_empty() {
        true => fault.suggest("leave it out"),
        false => fault.suggest(format!("leave it out; allowed here: {}", allowed.join(", "))),
    }
}

/// `fleet[1].layout` as rules write it, `fleet[].layout`.
fn strip_indices(path: &str) -> String {
    path.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

/// The tables under a path, with their key paths; `[]` stands for every entry of a list.
fn tables<'a>(document: &Reader<'a>, path: &str) -> Vec<(String, Reader<'a>)> {
    let mut found = vec![(String::new(), *document)];
    for step in path.split('.') {
        let below = |path: &str, step: &str| {
            if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") }
        };
        found = found
            .into_iter()
            .flat_map(|(path, table)| match step.strip_suffix("[]") {
                Some(name) => {
                    let entries = table.tables(name).into_iter().enumerate();
                    entries.map(|(index, entry)| (below(&path, &format!("{name}[{index}]")), entry)).collect()
                }
                None => vec![(below(&path, step), table.table(step))],
            })
            .collect();
    }
    found
}

impl Needs {
    /// Why a key that stands in a table means nothing; `None` where it does, or where something else was told already.
    fn missed(&self, key: &str, table: &Reader<'_>, setting: &Setting<'_>) -> Option<String> {
        let model = setting.model;
        let one_of = |what: &str, words: &[&str], own: Option<&str>| {
            let own = own?;
            (!words.contains(&own))
                .then(|| format!("`{key}` is for {what} {}; this is {what} \"{own}\"", alternatives(words)))
        };
        match self {
            Self::Language => (!setting.language && !setting.several)
                .then(|| format!("`{key}` is for language models, and {model} is none")),
            Self::Ordinary => {
                let message =
                    || format!("`{key}` is for models that write no text, and {model} is a language model");
                (setting.language && !setting.several).then(message)
            }
            Self::Mode(words) => one_of("mode", words, setting.mode),
            Self::Kind(words) => one_of("kind", words, table.choice("kind")),
            Self::Hosting(words) => one_of("hosting", words, setting.hosting),
            Self::Is(other, words) => {
                let own = table.choice(other)?;
                (!words.contains(&own)).then(|| {
                    format!("`{key}` is for {other} {}; this is {other} \"{own}\"", alternatives(words))
                })
            }
            Self::Beside(others) => (!others.iter().any(|other| table.has(other))).then(|| {
                let names: Vec<String> = others.iter().map(|other| format!("`{other}`")).collect();
                format!("`{key}` means nothing without {}", names.join(" or "))
            }),
            Self::Alone(others) => {
                let other = others.iter().find(|other| table.has(other))?;
                Some(format!("`{key}` and `{other}` exclude each other"))
            }
            Self::Training => Some(format!("`{key}` is for training, and this workload serves")),
            Self::Spot => {
                (!setting.spot).then(|| format!("`{key}` is for spot machines, and no fleet has any"))
            }
        }
    }
}

fn alternatives(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ")
}
