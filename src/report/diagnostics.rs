//! Faults drawn with their line and a caret, or as the JSON error object.

use std::fmt::Write;

use serde_json::json;

use crate::document::{Diagnostic, Diagnostics};

use super::table::clean;

/// Faults shown; the rest is counted.
const MOST: usize = 20;

/// All faults, in the order of the file, each with its line and a caret.
#[must_use]
pub fn draw(faults: &Diagnostics) -> String {
    let mut text = String::new();
    let sorted = faults.sorted();
    for fault in sorted.iter().take(MOST) {
        // Writing to a string does not fail.
        let _ = draw_one(&mut text, fault);
    }
    if sorted.len() > MOST {
        text.push_str(&format!("and {} more\n", sorted.len() - MOST));
    }
    text
}

fn draw_one(text: &mut String, fault: &Diagnostic) -> std::fmt::Result {
    let key = if fault.key.is_empty() { String::new() } else { format!("{}: ", short(&fault.key)) };
    writeln!(text, "error: {key}{}", short(&fault.message))?;
    if let Some(place) = &fault.file {
        writeln!(text, " --> {}", clean(&place.words()))?;
    }
    if let (Some(origin), Some(place)) = (&fault.origin, fault.place()) {
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(text, "{margin}--> {}:{}:{}", clean(&origin.source.name), place.line, place.column)?;
        let line = origin.source.text.lines().nth(place.line - 1).unwrap_or_default();
        // A very long line is shown around the place.
        let start = place.column.saturating_sub(60);
        let shown: String =
            line.chars().skip(start).take(120).map(|c| if c == '\t' { ' ' } else { c }).collect();
        let spanned = origin.source.text.get(origin.span.clone()).unwrap_or_default();
        let carets = spanned.lines().next().unwrap_or_default().chars().count().clamp(1, 60);
        writeln!(text, "{margin} |\n{number} | {}", clean(&shown))?;
        writeln!(text, "{margin} | {}{}", " ".repeat(place.column - 1 - start), "^".repeat(carets))?;
    }
    match &fault.suggestion {
        Some(suggestion) => writeln!(text, "  = {}", short(suggestion)),
        None => Ok(()),
    }
}

/// A text of bounded length: a key or value may be megabytes long.
fn short(text: &str) -> String {
    const MOST: usize = 400;
    if text.chars().nth(MOST).is_none() {
        return clean(text);
    }
    clean(&text.chars().take(MOST).collect::<String>()) + " …"
}

/// The contract's error object: the first fault, and how many there are.
#[must_use]
pub fn error_json(faults: &Diagnostics) -> String {
    let sorted = faults.sorted();
    let Some(first) = sorted.first() else { return String::new() };
    let (file, line, column) = match (&first.file, first.place()) {
        (Some(place), _) => (Some(place.file.clone()), place.line, place.column),
        (None, place) => (
            first.origin.as_ref().map(|origin| origin.source.name.to_string()),
            place.map(|place| place.line as u64),
            place.map(|place| place.column),
        ),
    };
    let error = json!({ "error": {
        "code": first.code.name(),
        "key": first.key,
        "file": file,
        "line": line,
        "column": column,
        "message": match sorted.len() {
            1 => first.message.clone(),
            count => format!("{} (and {} more)", first.message, count - 1),
        },
        "suggestion": first.suggestion,
    }});
    error.to_string()
}
