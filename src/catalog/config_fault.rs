//! What can be wrong with a value of a `config.json`.

use serde_json::Value;
use thiserror::Error;

use crate::document::Code;

/// Why a value cannot be taken; the diagnostic that tells it knows the place.
#[derive(Clone, Debug, PartialEq, Error)]
pub(super) enum ConfigFault {
    #[error("a config.json is one JSON object")]
    NoObject,
    #[error("{found} stands where {due} is due")]
    Kind { found: &'static str, due: &'static str },
    #[error("{value} is out of range")]
    Range { value: String },
    #[error("{value} is out of range: it must be a whole number")]
    Fraction { value: String },
    #[error("`model_type` is missing")]
    NoFamily,
    #[error("`model_type` must be text, but {found} stands there")]
    FamilyKind { found: &'static str },
    #[error("`{key}` is empty")]
    Empty { key: &'static str },
    #[error("unknown family `{name}`")]
    Family { name: String },
    #[error("unknown word `{word}`")]
    Word { word: String },
    #[error("entry {number} is {found} where a word is due")]
    EntryKind { number: usize, found: &'static str },
    #[error("entry {number} is the unknown word `{word}`")]
    EntryWord { number: usize, word: String },
    #[error("`{key}` stands twice")]
    Twice { key: String },
}

impl ConfigFault {
    /// The wrong kind of value.
    pub(super) fn kind(value: &Value, due: &'static str) -> Self {
        Self::Kind { found: kind(value), due }
    }

    /// The kind of the diagnostic.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::NoObject | Self::Kind { .. } | Self::FamilyKind { .. } | Self::EntryKind { .. } => {
                Code::WrongType
            }
            Self::Range { .. } | Self::Fraction { .. } | Self::Empty { .. } => Code::OutOfRange,
            Self::NoFamily => Code::MissingKey,
            Self::Family { .. } => Code::UnknownName,
            Self::Word { .. } | Self::EntryWord { .. } => Code::UnknownChoice,
            Self::Twice { .. } => Code::Duplicate,
        }
    }
}

/// The kind of a value in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
