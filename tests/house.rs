//! The house stands: rooms use only rooms on lower floors, and heavy crates have one owner.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const FLOORS: &[(u32, &[&str])] = &[
    (0, &["units"]),
    (1, &["stats", "document"]),
    (2, &["engine", "catalog"]),
    (3, &["steptime", "fleet", "cost"]),
    (4, &["layout"]),
    (5, &["workload"]),
    (6, &["scenario", "calibrate"]),
    (7, &["study"]),
    (8, &["validate"]),
    (9, &["report"]),
    (10, &["cli", "gui"]),
];

/// Crates with one owner: where their name may stand in a path.
const OWNERS: &[(&str, &[&str])] = &[
    ("polars", &["report/frame.rs"]),
    ("candle_core", &["calibrate/"]),
    ("candle_nn", &["calibrate/"]),
    ("eframe", &["gui/"]),
    ("egui", &["gui/"]),
    ("toml", &["document/"]),
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/"]),
    ("rayon", &["study/"]),
    ("resvg", &["report/plot/png.rs"]),
    ("rust_xlsxwriter", &["report/workbook.rs"]),
    ("toml_edit", &["gui/edit.rs"]),
];

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

fn room_of(path: &Path) -> Option<String> {
    let mut parts = path.components();
    let first = parts.next()?.as_os_str().to_str()?.to_owned();
    parts.next().map(|_| first)
}

/// Code without comments, which may name anything.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Rooms named after `crate::`, those in braces included.
fn named_rooms(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for part in code.split("crate::").skip(1) {
        let list = part.strip_prefix('{').map_or(part, |list| list.split('}').next().unwrap_or_default());
        let names: Vec<&str> = if part.starts_with('{') { list.split(',').collect() } else { vec![list] };
        for name in names {
            let word: String =
                name.trim().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            rooms.push(word);
        }
    }
    rooms
}

#[test]
fn a_room_uses_only_lower_floors() {
    let floors: BTreeMap<&str, u32> =
        FLOORS.iter().flat_map(|(floor, rooms)| rooms.iter().map(move |room| (*room, *floor))).collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (path, text) in sources() {
        let Some(room) = room_of(&path) else { continue };
        let own = floors.get(room.as_str()).unwrap_or_else(|| panic!("{room} has no floor"));
        for other in named_rooms(&code(&text)) {
            let Some(floor) = floors.get(other.as_str()) else { continue };
            seen += 1;
            if other != room && floor >= own {
                wrong.push(format!("{}: {room} (floor {own}) uses {other} (floor {floor})", path.display()));
            }
        }
    }
    assert!(seen > 50, "the test reads nothing");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn heavy_crates_have_one_owner() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let place = path.display().to_string();
        let code = code(&text);
        for (name, owners) in OWNERS {
            let used = code.contains(&format!("{name}::")) && !code.contains(&format!("::{name}::"));
            if used && !owners.iter().any(|owner| place.starts_with(owner)) {
                wrong.push(format!("{place} uses {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_says_what_it_owns_and_must_not_know() {
    for (_, rooms) in FLOORS {
        for room in *rooms {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room).join("mod.rs");
            let Ok(text) = fs::read_to_string(&path) else { continue };
            assert!(text.starts_with("//! "), "{room} opens without words");
            let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
            assert!(
                head.contains("wns") && head.contains("not know") || head.contains("must not"),
                "{room}: {head}"
            );
        }
    }
}
