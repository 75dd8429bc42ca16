//! Measured profiles side by side: when, on which machine, over which sizes, and whether that machine is this one.

use crate::catalog::{Catalog, Fingerprint, MeasuredProfile};

use super::table::Table;

/// The measured profiles of the catalog and further ones, those of this machine first.
#[must_use]
pub fn profiles_table(catalog: &Catalog, more: &[MeasuredProfile]) -> Table {
    let known: Vec<_> =
        catalog.measured_names().iter().filter_map(|name| catalog.measured_profile(name).ok()).collect();
    let mut all: Vec<&MeasuredProfile> = more.iter().chain(known.iter().map(|profile| &**profile)).collect();
    let here = catalog.here.as_ref();
    all.sort_by_key(|profile| !here.is_some_and(|here| profile.machine.same_machine(here)));
    let mut table = Table::default();
    table.push("profile", all.iter().map(|profile| profile.name.as_str().into()));
    table.push("measured", all.iter().map(|profile| profile.measured.to_string().into()));
    table.push("machine", all.iter().map(|profile| profile.machine.words().into()));
    table.push("here", all.iter().map(|profile| of_here(profile, here).into()));
    table.push("range", all.iter().map(|profile| range(profile).into()));
    table
}

/// Sections with their curves and the sizes that they reach over.
fn range(profile: &MeasuredProfile) -> String {
    let words = profile.sections().into_iter().map(|section| {
        let sizes = || profile.section(section).flat_map(|curve| curve.runs.iter().map(|run| run.at));
        let (low, high) = sizes()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), size| (low.min(size), high.max(size)));
        let curves = profile.section(section).count();
        let ends = if low <= high { format!(", sizes {low} to {high}") } else { String::new() };
        format!("{}: {curves} curves{ends}", section.word())
    });
    words.collect::<Vec<_>>().join("; ")
}

fn of_here(profile: &MeasuredProfile, here: Option<&Fingerprint>) -> String {
    let Some(here) = here else { return "unknown".to_owned() };
    let differences = profile.machine.differences(here);
    let told = |other: bool| {
        let of = differences.iter().filter(|difference| difference.other_machine == other);
        of.map(|difference| difference.what).collect::<Vec<_>>().join(", ")
    };
    match (told(true).as_str(), told(false).as_str()) {
        ("", "") => "this machine".to_owned(),
        ("", versions) => format!("this machine, other {versions}"),
        (other, _) => format!("another machine: {other}"),
    }
}
