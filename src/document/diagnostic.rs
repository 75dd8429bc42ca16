//! Faults of a user's file: a kind, a place, what is allowed, a way out. Drawing them is the report's business.

use std::fmt;

use super::node::Origin;

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// A place in a file that is read row by row and never held whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePlace {
    /// Its path.
    pub file: String,
    /// Line, from 1; `None` for the whole file.
    pub line: Option<u64>,
    /// Column in characters, from 1, where known.
    pub column: Option<usize>,
}

impl FilePlace {
    /// `file`, `file:line` or `file:line:column`.
    #[must_use]
    pub fn words(&self) -> String {
        let part = |number: Option<u64>| number.map_or_else(String::new, |number| format!(":{number}"));
        let column = self.line.and(self.column).map(|column| column as u64);
        format!("{}{}{}", self.file, part(self.line), part(column))
    }
}

/// The kinds of faults; the name is the stable `code` of the JSON error object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The text is not TOML.
    Syntax,
    /// A key that no registry knows.
    UnknownKey,
    /// A key that must be there.
    MissingKey,
    /// A value of another type.
    WrongType,
    /// A quantity without a unit, or with one of another dimension.
    BadUnit,
    /// A value outside its range, or not finite.
    OutOfRange,
    /// A word that is not one of the choices.
    UnknownChoice,
    /// A name that the catalog does not know.
    UnknownName,
    /// One name used twice.
    Duplicate,
    /// Values that contradict each other.
    Conflict,
    /// A file made by a newer capplan.
    NewerFormat,
    /// A figure that the loader refuses (sentinel price, spot above on-demand).
    Refused,
    /// More work than the limits allow.
    Limit,
    /// A file that cannot be read.
    Unreadable,
}

impl Code {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::UnknownKey => "unknown-key",
            Self::MissingKey => "missing-key",
            Self::WrongType => "wrong-type",
            Self::BadUnit => "bad-unit",
            Self::OutOfRange => "out-of-range",
            Self::UnknownChoice => "unknown-choice",
            Self::UnknownName => "unknown-name",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::NewerFormat => "newer-format",
            Self::Refused => "refused",
            Self::Limit => "limit",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One fault.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Its kind.
    pub code: Code,
    /// The key path, as `fleet[1].count`; empty for the whole document.
    pub key: String,
    /// Where it stands.
    pub origin: Option<Origin>,
    /// Where the fault lies in another file, as in a trace that the document names.
    pub file: Option<FilePlace>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What is allowed, or what to write instead.
    pub suggestion: Option<String>,
}

impl Diagnostic {
    /// A fault at `key`.
    #[must_use]
    pub fn new(code: Code, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, key: key.into(), origin: None, file: None, message: message.into(), suggestion: None }
    }

    /// With its place.
    #[must_use]
    pub fn at(mut self, origin: &Origin) -> Self {
        self.origin = Some(origin.clone());
        self
    }

    /// With its place in a file that the document names.
    #[must_use]
    pub fn in_file(mut self, place: FilePlace) -> Self {
        self.file = Some(place);
        self
    }

    /// With a way out.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Line and column, where known.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.origin.as_ref().map(|origin| origin.source.place(origin.span.start))
    }
}

impl fmt::Display for Diagnostic {
    /// One line: `file:line:column: key: message; suggestion`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.file {
            write!(out, "{}: ", place.words())?;
        } else if let (Some(origin), Some(place)) = (&self.origin, self.place()) {
            write!(out, "{}:{}:{}: ", origin.source.name, place.line, place.column)?;
        }
        if !self.key.is_empty() {
            write!(out, "{}: ", self.key)?;
        }
        write!(out, "{}", self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(out, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

/// All faults of one pass, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.items.push(diagnostic);
    }

    /// Adds all of another pass.
    pub fn extend(&mut self, other: Self) {
        self.items.extend(other.items);
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are faults and all are of one kind.
    #[must_use]
    pub fn all_are(&self, code: Code) -> bool {
        !self.items.is_empty() && self.items.iter().all(|item| item.code == code)
    }

    /// In the order of the file: by source, then by place.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut items: Vec<&Diagnostic> = self.items.iter().collect();
        items.sort_by_key(|item| {
            item.origin.as_ref().map(|origin| (origin.source.name.clone(), origin.span.start))
        });
        items
    }

    /// `Ok(value)` when there is no fault.
    ///
    /// # Errors
    /// The diagnostics themselves, when there is any.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}
