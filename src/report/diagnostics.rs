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
    let key = if fault.key.is_empty() { String::new() } else { format!("{}: ", clean(&fault.key)) };
    writeln!(text, "error: {key}{}", clean(&fault.message))?;
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
        Some(suggestion) => writeln!(text, "  = {}", clean(suggestion)),
        None => Ok(()),
    }
}

/// The contract's error object: the first fault, and how many there are.
#[must_use]
pub fn error_json(faults: &Diagnostics) -> String {
    let sorted = faults.sorted();
    let Some(first) = sorted.first() else { return String::new() };
    let place = first.place();
    let error = json!({ "error": {
        "code": first.code.name(),
        "key": first.key,
        "file": first.origin.as_ref().map(|origin| origin.source.name.to_string()),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "message": first.message,
        "suggestion": first.suggestion,
        "others": sorted.iter().skip(1).map(ToString::to_string).collect::<Vec<String>>(),
    }});
    error.to_string()
}
