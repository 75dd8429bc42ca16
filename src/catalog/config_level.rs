//! An object of a `config.json`, and where its keys and values stand. The JSON reader keeps the values only, and
//! of a key that is written twice the last one.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::{Code, Diagnostic, Origin, Source};

use super::config_fault::ConfigFault;

/// Repeated keys told of one object.
const REPEATED_TOLD: usize = 10;
/// Characters shown of a word of the file.
const SHOWN: usize = 80;

/// A key of an object, and where it and its value start.
struct Member {
    key: String,
    at: usize,
    value: usize,
}

/// An object, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Level<'a> {
    pub source: &'a Source,
    pub object: &'a Value,
    /// Where its brace opens.
    pub start: usize,
    /// Its path with a dot behind, or nothing at the top.
    pub prefix: &'static str,
}

impl<'a> Level<'a> {
    /// The top of a file that is one object.
    pub(super) fn top(source: &'a Source, root: &'a Value) -> Option<Self> {
        let start = source.text.find('{')?;
        root.is_object().then_some(Self { source, object: root, start, prefix: "" })
    }

    /// The value of a key, dots entering objects; null counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        if key.is_empty() {
            return None;
        }
        let found = key.split('.').try_fold(self.object, |object, part| object.get(part));
        found.filter(|value| !value.is_null())
    }

    /// Where the value of a key starts; of a key that is absent, the object.
    pub(super) fn place(&self, key: &str) -> usize {
        let inner = |object, key: &str| {
            let last = members(&self.source.text, object).into_iter().rev().find(|member| member.key == key);
            last.map(|member| member.value)
        };
        key.split('.').try_fold(self.start, inner).unwrap_or(self.start)
    }

    /// A fault of the value of a key.
    pub(super) fn fault(&self, key: &str, found: &ConfigFault) -> Diagnostic {
        let path = format!("{}{key}", self.prefix);
        fault(self.source, self.place(key), found.code(), &path, found.to_string())
    }

    /// The keys that are written more than once, each at its second place; `key` is the object, empty for this.
    pub(super) fn repeated(&self, key: &str) -> Vec<Diagnostic> {
        let (start, prefix) = match key {
            "" => (self.start, self.prefix.to_owned()),
            key => (self.place(key), format!("{}{key}.", self.prefix)),
        };
        let mut seen: BTreeMap<String, (usize, bool)> = BTreeMap::new();
        let mut told = Vec::new();
        for member in members(&self.source.text, start) {
            let Some((first, is_told)) = seen.get_mut(&member.key) else {
                seen.insert(member.key, (member.at, false));
                continue;
            };
            if !*is_told && told.len() < REPEATED_TOLD {
                *is_told = true;
                told.push(self.twice(&prefix, &member, *first));
            }
        }
        told
    }

    fn twice(&self, prefix: &str, member: &Member, first: usize) -> Diagnostic {
        let key = shown(&member.key);
        let found = ConfigFault::Twice { key: key.clone() };
        let line = self.source.place(first).line;
        fault(self.source, member.at, found.code(), &format!("{prefix}{key}"), found.to_string())
            .suggest(format!("each key may stand once; the first stands in line {line}"))
    }
}

/// A diagnostic at an offset.
pub(super) fn fault(source: &Source, offset: usize, code: Code, key: &str, message: String) -> Diagnostic {
    let offset = offset.min(source.text.len());
    Diagnostic::new(code, key, message).at(&Origin { source: source.clone(), span: offset..offset })
}

/// The start of a word of the file, for a message.
pub(super) fn shown(word: &str) -> String {
    word.chars().take(SHOWN).collect()
}

/// The members of the object whose brace opens at `start`, in the order of a text that is known to be JSON.
fn members(text: &str, start: usize) -> Vec<Member> {
    let mut at = start + 1;
    let opens = text.as_bytes().get(start) == Some(&b'{');
    std::iter::from_fn(|| opens.then(|| member(text, &mut at)).flatten()).collect()
}

fn member(text: &str, at: &mut usize) -> Option<Member> {
    let bytes = text.as_bytes();
    let key_at = skip(bytes, *at, b',');
    if bytes.get(key_at) != Some(&b'"') {
        return None;
    }
    let key_end = string_end(bytes, key_at);
    let key = serde_json::from_str(text.get(key_at..key_end)?).ok()?;
    let value = skip(bytes, key_end, b':');
    *at = value_end(bytes, value);
    Some(Member { key, at: key_at, value })
}

/// Behind white space and a mark.
fn skip(bytes: &[u8], mut at: usize, mark: u8) -> usize {
    while bytes.get(at).is_some_and(|byte| byte.is_ascii_whitespace() || *byte == mark) {
        at += 1;
    }
    at
}

/// Behind the closing quote of the string that opens at `quote`.
fn string_end(bytes: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The comma or the bracket behind the value that starts at `at`.
fn value_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b',' | b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            b'{' | b'[' => depth += 1,
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    at
}
