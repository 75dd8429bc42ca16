//! A `config.json` while it is read: its family, and its values one by one, each told where it cannot be taken.

use serde_json::Value;

use crate::document::{Code, Diagnostic, Diagnostics, Source, nearest};

use super::config_fault::{ConfigFault, kind};
use super::config_level::{Level, fault, shown};
use super::families::{FAMILIES, Family, LAYER_KINDS, family};

/// A configuration while it is read.
pub(super) struct Config<'a> {
    /// The object that describes the text model.
    level: Level<'a>,
    pub family: &'static Family,
    pub missing: Vec<&'static str>,
    /// Keys told already: two parts of a shape may read one key.
    told: Vec<&'static str>,
    pub faults: Diagnostics,
}

impl<'a> Config<'a> {
    /// The configuration in a file.
    ///
    /// # Errors
    /// When it is no object or of no known family.
    pub(super) fn of(source: &'a Source, root: &'a Value) -> Result<Self, Diagnostics> {
        let mut faults = Diagnostics::new();
        match Self::begun(source, root, &mut faults) {
            Ok((level, family)) => Ok(Self { level, family, missing: Vec::new(), told: Vec::new(), faults }),
            Err(fault) => {
                faults.push(*fault);
                Err(faults)
            }
        }
    }

    fn begun(
        source: &'a Source,
        root: &'a Value,
        faults: &mut Diagnostics,
    ) -> Result<(Level<'a>, &'static Family), Box<Diagnostic>> {
        let top = Level::top(source, root).ok_or_else(|| {
            let found = ConfigFault::NoObject;
            let fault = fault(source, 0, found.code(), "", found.to_string());
            Box::new(fault.suggest("take the config.json that lies beside the weights"))
        })?;
        top.repeated("").into_iter().for_each(|fault| faults.push(fault));
        let level = text_level(top)?;
        if !level.prefix.is_empty() {
            level.repeated("").into_iter().for_each(|fault| faults.push(fault));
        }
        let family = family_of(level, top)?;
        check_inner(&level, family, faults);
        Ok((level, family))
    }

    /// An integer between bounds, or the library's default; anything else is told.
    pub(super) fn count(&mut self, key: &'static str, min: u64, max: u64) -> Option<f64> {
        let Some(value) = self.level.get(key) else {
            return self.family.defaults.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        };
        let found = match value.as_f64() {
            None => ConfigFault::kind(value, "a number"),
            Some(number) if number.fract() != 0.0 => ConfigFault::Fraction { value: value.to_string() },
            Some(number) if (min as f64..=max as f64).contains(&number) => return Some(number),
            Some(_) => ConfigFault::Range { value: value.to_string() },
        };
        self.tell(key, &found, format!("allowed: an integer from {min} to {max}"));
        // Told; a harmless value lets the rest be checked.
        Some(1.0)
    }

    /// A count that must be there.
    pub(super) fn needed(&mut self, key: &'static str, max: u64) -> f64 {
        self.count(key, 1, max).unwrap_or_else(|| {
            if !self.missing.contains(&key) {
                self.missing.push(key);
            }
            1.0
        })
    }

    /// A truth value; anything else is told.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.level.get(key)?;
        if value.as_bool().is_none() {
            let found = ConfigFault::kind(value, "a truth value");
            self.tell(key, &found, "allowed: true or false without quotes".into());
        }
        value.as_bool()
    }

    /// Whether an activation, as `gelu` or `gated-gelu`, has a gate; anything else is told.
    pub(super) fn gate(&mut self, key: &'static str) -> Option<bool> {
        let value = self.level.get(key)?;
        let Some(word) = value.as_str() else {
            self.tell_activation(key, &ConfigFault::kind(value, "a string"));
            return None;
        };
        let gated = word.strip_prefix("gated-");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let activation = gated.unwrap_or(word);
        if activation.is_empty() || activation.starts_with("gated") || !activation.bytes().all(plain) {
            self.tell_activation(key, &ConfigFault::Word { word: shown(word) });
        }
        Some(gated.is_some())
    }

    fn tell_activation(&mut self, key: &'static str, found: &ConfigFault) {
        self.tell(key, found, "allowed: an activation as `relu`, or with a gate as `gated-gelu`".into());
    }

    /// The share of full attention that a list of the layers' kinds states; anything else is told.
    pub(super) fn full_share(&mut self, key: &'static str) -> Option<f64> {
        let value = self.level.get(key)?;
        let found = match value.as_array() {
            None => Some(ConfigFault::kind(value, "an array of words")),
            Some(entries) if entries.is_empty() => Some(ConfigFault::Empty { key }),
            Some(entries) => entries.iter().enumerate().find_map(|(at, entry)| no_layer_kind(at + 1, entry)),
        };
        if let Some(found) = found {
            let words: Vec<String> = LAYER_KINDS.iter().map(|word| format!("\"{word}\"")).collect();
            self.tell(key, &found, format!("allowed: one word a layer, of {}", words.join(", ")));
            return None;
        }
        let entries = value.as_array()?;
        let full = entries.iter().filter(|kind| kind.as_str() == Some("full_attention")).count();
        Some(full as f64 / entries.len() as f64)
    }

    /// Tells what is missing, all at once.
    pub(super) fn tell_missing(&mut self) {
        let Some(first) = self.missing.first() else {
            return;
        };
        let names: Vec<String> = self.missing.iter().map(|key| format!("`{key}`")).collect();
        let message = format!("a `{}` configuration lacks {}", self.family.name, names.join(", "));
        let key = format!("{}{first}", self.level.prefix);
        let fault = fault(self.level.source, self.level.start, Code::MissingKey, &key, message);
        self.faults.push(fault.suggest("take the config.json that lies beside the weights"));
    }

    /// Tells that values contradict each other; `key` is the one to blame.
    pub(super) fn tell_conflict(&mut self, key: &str, message: String, way_out: String) {
        let path = format!("{}{key}", self.level.prefix);
        let fault = fault(self.level.source, self.level.place(key), Code::Conflict, &path, message);
        self.faults.push(fault.suggest(way_out));
    }

    fn tell(&mut self, key: &'static str, found: &ConfigFault, way_out: String) {
        if self.told.contains(&key) {
            return;
        }
        self.told.push(key);
        self.faults.push(self.level.fault(key, found).suggest(way_out));
    }
}

/// What is wrong with an entry of the list of layers.
fn no_layer_kind(number: usize, entry: &Value) -> Option<ConfigFault> {
    match entry.as_str() {
        None => Some(ConfigFault::EntryKind { number, found: kind(entry) }),
        Some(word) if LAYER_KINDS.contains(&word) => None,
        Some(word) => Some(ConfigFault::EntryWord { number, word: shown(word) }),
    }
}

/// The object that describes the text model: `text_config` where there is one.
fn text_level(top: Level<'_>) -> Result<Level<'_>, Box<Diagnostic>> {
    let key = "text_config";
    match top.get(key) {
        None => Ok(top),
        Some(object) if object.is_object() => {
            Ok(Level { object, start: top.place(key), prefix: "text_config.", ..top })
        }
        Some(other) => {
            let fault = top.fault(key, &ConfigFault::kind(other, "an object"));
            Err(Box::new(fault.suggest("allowed: the object that describes the text model, or null")))
        }
    }
}

/// The family that the object names, or else the top of the file.
fn family_of(level: Level<'_>, top: Level<'_>) -> Result<&'static Family, Box<Diagnostic>> {
    let key = "model_type";
    let named = [level, top].into_iter().find_map(|level| Some((level, level.get(key)?)));
    let (level, value) = named.unwrap_or((top, &Value::Null));
    let (found, near) = match value.as_str() {
        None if value.is_null() => (ConfigFault::NoFamily, None),
        None => (ConfigFault::FamilyKind { found: kind(value) }, None),
        Some(name) if name.trim().is_empty() => (ConfigFault::Empty { key }, None),
        Some(name) => match family(name) {
            Some(family) => return Ok(family),
            None => {
                let name = shown(name);
                let near = nearest(&name, FAMILIES.iter().map(|family| family.name));
                (ConfigFault::Family { name }, near)
            }
        },
    };
    let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    let known: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
    let way_out = format!("{near}known families: {}", known.join(", "));
    Err(Box::new(level.fault(key, &found).suggest(way_out)))
}

/// Tells an object that a key of the family enters, where it is none or repeats a key.
fn check_inner(level: &Level<'_>, family: &Family, faults: &mut Diagnostics) {
    let Some((outer, _)) = family.keys.kv_heads.split_once('.') else {
        return;
    };
    match level.get(outer) {
        None => {}
        Some(inner) if inner.is_object() => {
            level.repeated(outer).into_iter().for_each(|fault| faults.push(fault));
        }
        Some(other) => {
            let fault = level.fault(outer, &ConfigFault::kind(other, "an object"));
            faults.push(fault.suggest("allowed: an object, or null"));
        }
    }
}
