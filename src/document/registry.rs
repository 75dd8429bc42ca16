//! What may stand where: static tables of keys, the one source of checks, defaults, the JSON Schema and the reference.

use crate::units::Dimension;

/// A table of keys.
#[derive(Debug)]
pub struct Table {
    /// What one such table is, for the reference.
    pub doc: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// What it is when absent.
    pub default: Default,
    /// What it means, in a sentence or two.
    pub doc: &'static str,
}

/// What a value may be.
#[derive(Debug)]
pub enum Kind {
    /// Free text, not empty.
    Text,
    /// A truth value.
    Boolean,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An integer within bounds.
    Count {
        /// Least allowed.
        min: u64,
        /// Greatest allowed.
        max: u64,
    },
    /// A finite number within bounds.
    Number {
        /// Least allowed.
        min: f64,
        /// Greatest allowed.
        max: f64,
    },
    /// A string with a unit, within bounds in SI units.
    Quantity {
        /// Which units are allowed.
        dimension: Dimension,
        /// Least allowed.
        min: f64,
        /// Whether the least itself is refused.
        positive: bool,
    },
    /// A list of strings.
    Texts,
    /// A list of finite numbers.
    Numbers,
    /// A table.
    Table(&'static Table),
    /// An array of tables.
    Tables(&'static Table),
    /// A table whose keys are free, each with a value of this kind.
    Map(&'static Kind),
    /// One of several kinds.
    Either(&'static [Kind]),
}

/// What a key is when absent.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// The document is refused.
    Required,
    /// It has no value.
    Absent,
    /// This text or quantity.
    Text(&'static str),
    /// This number.
    Number(f64),
    /// This count.
    Count(u64),
    /// This truth value.
    Boolean(bool),
    /// A value that depends on others; said in words.
    Derived(&'static str),
}

impl Table {
    /// The key of that name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Kind {
    /// A quantity that must be greater than zero.
    #[must_use]
    pub const fn positive(dimension: Dimension) -> Self {
        Self::Quantity { dimension, min: 0.0, positive: true }
    }

    /// A quantity of zero or more.
    #[must_use]
    pub const fn non_negative(dimension: Dimension) -> Self {
        Self::Quantity { dimension, min: 0.0, positive: false }
    }

    /// A share between 0 and 1, both allowed.
    #[must_use]
    pub const fn share() -> Self {
        Self::Number { min: 0.0, max: 1.0 }
    }

    /// A number of zero or more.
    #[must_use]
    pub const fn at_least_zero() -> Self {
        Self::Number { min: 0.0, max: f64::MAX }
    }

    /// An integer of one or more.
    #[must_use]
    pub const fn count() -> Self {
        Self::Count { min: 1, max: 1_000_000_000_000_000 }
    }

    /// What is allowed, in words.
    #[must_use]
    pub fn allowed(&self) -> String {
        match self {
            Self::Text => "a string".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Choice(words) => format!("one of {}", quoted(words)),
            Self::Count { min, max } => format!("an integer from {min} to {max}"),
            Self::Number { min, max } if *max == f64::MAX => format!("a number of {min} or more"),
            Self::Number { min, max } => format!("a number from {min} to {max}"),
            Self::Quantity { dimension, .. } => {
                format!("a string with a unit ({}), like \"{}\"", dimension.examples(), dimension.example())
            }
            Self::Texts => "a list of strings".to_owned(),
            Self::Numbers => "a list of numbers".to_owned(),
            Self::Table(_) | Self::Map(_) => "a table".to_owned(),
            Self::Tables(_) => "an array of tables".to_owned(),
            Self::Either(kinds) => kinds.iter().map(Self::allowed).collect::<Vec<_>>().join(", or "),
        }
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}
