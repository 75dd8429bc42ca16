//! The registry of scenario keys: the one source of checks, defaults, JSON Schema and reference.

use crate::document::{Default, Key, Kind, Node, Table};
use crate::units::Dimension;

use super::keys_fleet::FLEET;
use super::keys_objective::OBJECTIVE;
use super::keys_pricing::PRICING;
use super::keys_serving::SERVING;
use super::keys_training::WORKLOAD;

pub(super) const fn key(name: &'static str, kind: Kind, default: Default, doc: &'static str) -> Key {
    Key { name, kind, default, doc }
}

pub(super) const TIME: Kind = Kind::non_negative(Dimension::Time);
pub(super) const SOME_TIME: Kind = Kind::positive(Dimension::Time);
pub(super) const BYTES: Kind = Kind::positive(Dimension::Bytes);
pub(super) const MONEY: Kind = Kind::positive(Dimension::Money);
pub(super) const COUNTS: Kind = Kind::Count { min: 1, max: 1_000_000 };

const DOC: &str = "A workload, what is wanted of it, and the fleets that might do it.";
static TRAINING_KEYS: [Key; 8] = scenario_keys(&WORKLOAD);
static SERVING_KEYS: [Key; 8] = scenario_keys(&SERVING);

/// A scenario file that trains.
pub static SCENARIO: Table = Table { doc: DOC, keys: &TRAINING_KEYS };
/// A scenario file that serves.
pub static SERVING_SCENARIO: Table = Table { doc: DOC, keys: &SERVING_KEYS };

/// The registry of a document: the kind of its workload decides.
#[must_use]
pub fn registry_of(root: &Node) -> &'static Table {
    let kind = root.get("workload").and_then(|workload| workload.node.get("kind"));
    match kind.and_then(|kind| kind.node.text()) {
        Some("inference") => &SERVING_SCENARIO,
        _ => &SCENARIO,
    }
}

const fn scenario_keys(workload: &'static Table) -> [Key; 8] {
    [
        key("format", Kind::Count { min: 1, max: 1 }, Default::Required, "Version of the file format: 1."),
        key("name", Kind::Text, Default::Text("unnamed scenario"), "Title of the comparison."),
        key("description", Kind::Text, Default::Absent, "A remark for the reader."),
        key(
            "seed",
            Kind::Count { min: 0, max: u64::MAX >> 1 },
            Default::Count(42),
            "Seed of all random streams.",
        ),
        key("objective", Kind::Table(&OBJECTIVE), Default::Derived("table"), "What is wanted."),
        key("workload", Kind::Table(workload), Default::Required, "What is to be done."),
        key("pricing", Kind::Table(&PRICING), Default::Derived("table"), "Prices beside the catalog."),
        key("fleet", Kind::Tables(&FLEET), Default::Required, "Candidate fleets."),
    ]
}

pub(super) const PURCHASES: &[&str] = &["on-demand", "spot", "committed-1y", "committed-3y", "owned"];
