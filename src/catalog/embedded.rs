//! The files that travel inside the program, so that it runs from any folder.

use include_dir::{Dir, include_dir};

static ACCELERATORS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/accelerators");
static ENGINES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/engines");
static FACTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/facts");
static MODELS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/models");
static SPOT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/spot");
static PRICING: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pricing");
static MEASURED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/profiles/measured");
static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// Every embedded catalog file as (name, text), sorted by name.
pub(super) fn catalog_files() -> Vec<(String, &'static str)> {
    let folders = [
        ("assets/accelerators", &ACCELERATORS),
        ("assets/engines", &ENGINES),
        ("assets/facts", &FACTS),
        ("assets/models", &MODELS),
        ("assets/spot", &SPOT),
        ("pricing", &PRICING),
    ];
    let mut files = Vec::new();
    for (prefix, folder) in folders {
        for file in folder.files() {
            add(&mut files, prefix, file);
        }
    }
    files.sort_by(|left, right| left.0.cmp(&right.0));
    files
}

/// Measured profiles that travel inside the program as (name, text), sorted by name. They are long, and read only when
/// asked for.
pub(super) fn measured_profiles() -> Vec<(&'static str, &'static str)> {
    let mut profiles: Vec<(&str, &str)> = MEASURED
        .files()
        .filter_map(|file| {
            let name = file.path().file_name()?.to_str()?.strip_suffix(".toml")?;
            Some((name, file.contents_utf8()?))
        })
        .collect();
    profiles.sort_unstable();
    profiles
}

fn add(files: &mut Vec<(String, &'static str)>, prefix: &str, file: &'static include_dir::File<'static>) {
    let path = file.path().display().to_string();
    if let (true, Some(text)) = (path.ends_with(".toml"), file.contents_utf8()) {
        files.push((format!("{prefix}/{path}"), text));
    }
}

/// Names of the embedded scenarios, sorted; use as `example:NAME`.
pub static EXAMPLES: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
    let mut names: Vec<String> = SCENARIOS
        .files()
        .filter_map(|file| file.path().file_name()?.to_str()?.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    names
});

/// The text of an embedded scenario.
#[must_use]
pub fn example(name: &str) -> Option<&'static str> {
    SCENARIOS.get_file(format!("{name}.toml"))?.contents_utf8()
}
