//! Files to text, and text to its format.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{ImportError, ImportFormat};

/// Largest file that is read; detailed results with the texts of thousands of answers stay below.
pub const MAX_BYTES: u64 = 64 << 20;

/// Names and texts of files, in order.
///
/// # Errors
/// The file, and why it cannot be read: absent, no file, too large, not text.
pub fn read_files(paths: &[PathBuf]) -> Result<Vec<(String, String)>, (PathBuf, io::Error)> {
    paths.iter().map(|path| read_file(path).map_err(|error| (path.clone(), error))).collect()
}

fn read_file(path: &Path) -> io::Result<(String, String)> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    let mut text = String::new();
    // A file may grow after it was asked for its size.
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        let message = format!("larger than {} MiB", MAX_BYTES >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok((path.display().to_string(), text))
}

/// The format of a file, by what only that format holds.
pub(super) fn recognise(file: &str, text: &str) -> Result<ImportFormat, ImportError> {
    if text.contains(":::MLLOG") {
        return Ok(ImportFormat::Mllog);
    }
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with(['{', '[']) {
        let values = documents(file, text)?;
        let first = values.first().unwrap_or(&Value::Null);
        let has = |key: &str| first.get(key).is_some();
        let is_object = |key: &str| first.get(key).is_some_and(Value::is_object);
        return if first.get("benchmarks").is_some_and(Value::is_array) {
            Ok(ImportFormat::Guidellm)
        } else if ["mean_ttft_ms", "median_ttft_ms", "ttfts"].into_iter().any(has) {
            Ok(ImportFormat::Vllm)
        } else if ["time_to_first_token", "inter_token_latency", "request_latency"].into_iter().any(is_object)
        {
            Ok(ImportFormat::GenaiPerf)
        } else {
            Err(unknown(file, &format!("its keys are {}", keys_of(first))))
        };
    }
    let header = start.lines().find(|line| !line.starts_with('#')).unwrap_or_default().to_lowercase();
    if header.contains("batch") && (header.contains("second") || header.contains("time")) {
        return Ok(ImportFormat::StepTable);
    }
    let seen: String = start.chars().take(40).filter(|letter| !letter.is_control()).collect();
    Err(unknown(
        file,
        &if seen.is_empty() { "it is empty".to_owned() } else { format!("it begins with `{seen}`") },
    ))
}

fn unknown(file: &str, seen: &str) -> ImportError {
    ImportError::Unknown { file: file.to_owned(), seen: seen.to_owned() }
}

fn keys_of(value: &Value) -> String {
    let keys: Vec<String> = match value {
        Value::Object(entries) => entries
            .keys()
            .take(6)
            .map(|key| format!("`{}`", key.chars().take(30).collect::<String>()))
            .collect(),
        _ => Vec::new(),
    };
    if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
}

/// The documents of a JSON file: one, a list of them, or one after another as when results are appended.
pub(super) fn documents(file: &str, text: &str) -> Result<Vec<Value>, ImportError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut documents = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value {
            Ok(Value::Array(values)) => documents.extend(values),
            Ok(value) => documents.push(value),
            Err(error) => return Err(syntax(file, text, &error)),
        }
    }
    if documents.is_empty() {
        let message = "it holds no result".to_owned();
        return Err(ImportError::Nothing { file: file.to_owned(), message });
    }
    Ok(documents)
}

fn syntax(file: &str, text: &str, error: &serde_json::Error) -> ImportError {
    let (line, column) = (error.line(), error.column());
    let bad = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let not_numbers = bad.contains("NaN") || bad.contains("Infinity");
    let message = match error.classify() {
        serde_json::error::Category::Eof => "the file ends too early: it was cut short".to_owned(),
        _ if not_numbers => {
            "NaN and Infinity are no JSON; the run behind them finished no request".to_owned()
        }
        _ => {
            let text = error.to_string();
            let words = text.split(" at line ").next().unwrap_or_default();
            format!("not JSON: {words}")
        }
    };
    ImportError::Syntax { file: file.to_owned(), line, column, message }
}
