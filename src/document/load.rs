//! Text to tree, and files to text, with every way in which a path can disappoint.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::node::{Entry, Node, Origin, Source, Value};

/// A larger scenario or catalog file is refused.
pub const MAX_DOCUMENT_BYTES: u64 = 4 << 20;

/// Syntax faults beyond this many are noise.
const MAX_SYNTAX_FAULTS: usize = 20;

/// Why a file gave no text.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It cannot be opened or read.
    #[error("cannot read {}: {error}", path.display())]
    Io {
        /// The path as typed.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// It is a directory, pipe, socket or device.
    #[error("cannot read {}: it is {what}, not a regular file", path.display())]
    NotAFile {
        /// The path as typed.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It is larger than a document may be.
    #[error("{} holds {bytes} bytes; a document may hold {limit}", path.display())]
    TooLarge {
        /// The path as typed.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// It is not UTF-8 text.
    #[error("{} is not UTF-8 text (byte {offset})", path.display())]
    NotText {
        /// The path as typed.
        path: PathBuf,
        /// Offset of the first bad byte.
        offset: usize,
    },
}

impl LoadError {
    /// The kind of fault that it is where a document names the file.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Io { .. } | Self::NotAFile { .. } => Code::Unreadable,
            Self::TooLarge { .. } => Code::Limit,
            Self::NotText { .. } => Code::Syntax,
        }
    }
}

/// Whether the path is that of a regular file: anything else is told, and never waited on.
///
/// # Errors
/// When it is not there, or a directory, pipe, socket or device.
pub fn regular_file(path: &Path) -> Result<fs::Metadata, LoadError> {
    let metadata = fs::metadata(path).map_err(|error| LoadError::Io { path: path.to_owned(), error })?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a directory" } else { "a pipe, socket or device" };
        return Err(LoadError::NotAFile { path: path.to_owned(), what });
    }
    Ok(metadata)
}

/// Reads a regular file of at most `limit` bytes as UTF-8 text; never waits on a pipe.
///
/// # Errors
/// When the path is no such file, too large, or not text.
pub fn read_file(path: &Path, limit: u64) -> Result<String, LoadError> {
    let io_error = |error| LoadError::Io { path: path.to_owned(), error };
    let metadata = regular_file(path)?;
    let too_large = |bytes| LoadError::TooLarge { path: path.to_owned(), bytes, limit };
    if metadata.len() > limit {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    // The file may grow between the look and the read.
    File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(io_error)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64));
    }
    String::from_utf8(bytes).map_err(|error| LoadError::NotText {
        path: path.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })
}

/// Parses a document into its tree.
///
/// # Errors
/// All syntax faults at once.
pub fn load(name: &str, text: &str) -> Result<Node, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Source::new(name, text);
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    let mut faults = Diagnostics::new();
    for error in errors.iter().take(MAX_SYNTAX_FAULTS) {
        let span = error.span().unwrap_or(0..0);
        faults.push(
            Diagnostic::new(Code::Syntax, "", format!("not valid TOML: {}", error.message()))
                .at(&Origin { source: source.clone(), span }),
        );
    }
    let root = table_node(table.get_ref(), table.span(), &source, &mut faults);
    faults.into_result(root)
}

fn table_node(table: &DeTable<'_>, span: Range<usize>, source: &Source, faults: &mut Diagnostics) -> Node {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_origin: Origin { source: source.clone(), span: key.span() },
            node: node(value, source, faults),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_origin.span.start);
    Node { value: Value::Table(entries), origin: Origin { source: source.clone(), span } }
}

fn node(value: &Spanned<DeValue<'_>>, source: &Source, faults: &mut Diagnostics) -> Node {
    let origin = Origin { source: source.clone(), span: value.span() };
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(value) => Value::Datetime(value.to_string()),
        DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(value) => Value::Integer(value),
            Err(_) => {
                let message = format!("the integer `{}` does not fit 64 bits", digits.as_str());
                faults.push(Diagnostic::new(Code::OutOfRange, "", message).at(&origin));
                Value::Integer(0)
            }
        },
        DeValue::Float(digits) => Value::Float(digits.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| node(item, source, faults)).collect()),
        DeValue::Table(table) => return table_node(table, value.span(), source, faults),
    };
    Node { value, origin }
}
