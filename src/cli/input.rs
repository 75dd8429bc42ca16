//! From what was typed to a resolved scenario.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, EXAMPLES, example};
use crate::document::{
    Diagnostics, MAX_DOCUMENT_BYTES, Node, Reader, Resolved, apply_override, load, nearest_list, read_file,
};
use crate::report::defaults_as_comments;
use crate::scenario::{Scenario, registry_of, resolve};

use super::args::ScenarioInput;
use super::exit::{Failure, Status};

/// A scenario with the text it came from.
pub struct Loaded {
    /// What it means.
    pub scenario: Scenario,
    /// Its text as read.
    pub text: String,
    /// Every value with its origin.
    pub resolved: Vec<Resolved>,
    /// The scenario with overrides applied, and the defaults in comments.
    pub document: String,
}

/// The catalog with the overlays of the command line.
///
/// # Errors
/// When an overlay is bad.
pub fn catalog(overlays: &[PathBuf]) -> Result<Catalog, Failure> {
    let mut catalog = Catalog::read(overlays)?;
    #[cfg(feature = "calibrate")]
    {
        catalog.here = Some(crate::calibrate::here());
    }
    #[cfg(not(feature = "calibrate"))]
    {
        catalog.here = None;
    }
    Ok(catalog)
}

/// Reads, overrides and resolves a scenario.
///
/// # Errors
/// When it cannot be read or makes no sense.
pub fn scenario(name: &str, input: &ScenarioInput, catalog: &Catalog) -> Result<Loaded, Failure> {
    let text = text(name)?;
    let mut root: Node = load(name, &text)?;
    let mut faults = Diagnostics::new();
    for change in &input.overrides {
        if let Err(fault) = apply_override(&mut root, change) {
            faults.push(*fault);
        }
    }
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let folder = if name == "-" || name.starts_with("example:") { None } else { Path::new(name).parent() };
    let scenario = resolve(&root, catalog, folder)?;
    let mut resolved = Vec::new();
    Reader::new(&root, registry_of(&root)).resolved("", &mut resolved);
    let document = format!("{}\n{}", root.to_document(), defaults_as_comments(&resolved));
    Ok(Loaded { scenario, text, resolved, document })
}

fn text(name: &str) -> Result<String, Failure> {
    if let Some(wanted) = name.strip_prefix("example:") {
        return example(wanted).map(str::to_owned).ok_or_else(|| {
            let near = nearest_list(wanted, EXAMPLES.iter().map(String::as_str), 4);
            let known = if near.is_empty() { EXAMPLES.join(", ") } else { near };
            Failure::plain(Status::BadFile, "unknown-name", format!("there is no example `{wanted}`"))
                .suggest(format!("examples: {known}; see `capplan list examples`"))
        });
    }
    if name == "-" {
        return stdin();
    }
    Ok(read_file(Path::new(name), MAX_DOCUMENT_BYTES)?)
}

fn stdin() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(MAX_DOCUMENT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::plain(Status::Io, "io", format!("cannot read stdin: {error}")))?;
    if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
        let message = format!("the scenario on stdin holds more than {MAX_DOCUMENT_BYTES} bytes");
        return Err(Failure::plain(Status::Limit, "limit", message));
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::plain(Status::BadFile, "not-text", "the scenario on stdin is not UTF-8 text"))
}
