//! The parts of a row that need no estimate: what the fleet is, its memory, its bound, its bill.

use crate::cost::{Item, Ledger, Tariff};
use crate::fleet::Candidate;
use crate::layout::MemoryNeed;
use crate::units::Money;
use crate::workload::training::Built;

use super::result::{BoundRow, LedgerLine, MemoryPart, Row};

/// Each item's mean over bills.
pub(super) fn mean_ledger(ledgers: &[Ledger]) -> Vec<LedgerLine> {
    let count = ledgers.len().max(1) as f64;
    Item::ALL
        .iter()
        .filter_map(|item| {
            let total: Money = ledgers.iter().map(|ledger| ledger.amount(*item)).sum();
            (total != Money::ZERO)
                .then(|| LedgerLine { item: item.word().to_owned(), usd: total.scaled(1.0 / count).usd() })
        })
        .collect()
}

/// The bound of a step.
pub(super) fn bound_row(built: &Built) -> BoundRow {
    let bound = built.bound;
    BoundRow {
        name: bound.name.name().to_owned(),
        share: bound.share,
        next: bound.next.name().to_owned(),
        margin: if bound.margin.is_finite() { bound.margin } else { f64::MAX },
    }
}

/// Memory of one device, part by part.
pub(super) fn fill_memory(row: &mut Row, need: &MemoryNeed) {
    row.memory_per_accelerator_bytes = Some(need.total().0);
    row.memory = need
        .parts
        .iter()
        .map(|(part, bytes)| MemoryPart { part: part.word().to_owned(), bytes: bytes.0 })
        .collect();
}

/// Different words, joined; `None` of none.
fn listed(words: impl Iterator<Item = String>) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    for word in words {
        if !found.contains(&word) {
            found.push(word);
        }
    }
    (!found.is_empty()).then(|| found.join(" + "))
}

/// What is known of a candidate before any simulation.
pub(super) fn blank_row(candidate: &Candidate, tariff: Option<&Tariff>) -> Row {
    Row {
        fleet: candidate.name.clone(),
        feasible: false,
        reason: None,
        rank: None,
        pareto: false,
        instance: listed(candidate.groups().map(|group| group.instance.id())).unwrap_or_default(),
        instances: candidate.groups().map(|group| group.count).sum(),
        accelerator: listed(
            candidate
                .groups()
                .filter_map(|group| group.accelerator.as_ref().map(|accelerator| accelerator.name.clone())),
        ),
        accelerators: candidate
            .groups()
            .map(|group| if group.accelerator.is_some() { group.devices() } else { 0 })
            .sum(),
        purchase: candidate.purchase,
        region: listed(candidate.groups().map(|group| group.region.clone())).unwrap_or_default(),
        layout: None,
        split: false,
        step_s: None,
        price_usd_per_hour: tariff
            .filter(|_| candidate.others.is_empty())
            .map(|tariff| tariff.hourly.typical.usd_per_hour() * candidate.count as f64),
        time_s: None,
        cost_usd: None,
        ledger: Vec::new(),
        bound: None,
        deadline_met: None,
        budget_met: None,
        provenance: None,
        basis: None,
        warnings: Vec::new(),
        samples_per_s: None,
        tokens_per_s_per_accelerator: None,
        mfu: None,
        stall_share: None,
        checkpoint_share: None,
        failure_share: None,
        memory_per_accelerator_bytes: None,
        memory: Vec::new(),
        carbon_kg: None,
        interruptions: None,
        steps: None,
        samples: None,
        replications: 0,
        relative_half_width: None,
        difference: None,
        conversion: None,
        recurring: None,
        serving: None,
    }
}
