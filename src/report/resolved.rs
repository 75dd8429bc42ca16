//! `capplan check`: what each fleet would do, without simulating it, and every value with its origin.

use crate::document::Resolved;
use crate::study::{Plans, Prepared, Served, Verdict, Way};
use crate::units::{Significant, human_duration};

use super::table::{Cell, Table};

/// One row per candidate: machines, layout, memory, price, step.
#[must_use]
pub fn planned_table(plans: &Plans) -> Table {
    match plans {
        Plans::Training(prepared) => training_table(prepared),
        Plans::Serving(served) => serving_table(served),
    }
}

/// One row per candidate of a serving scenario: machines, split, memory, cache, price, first estimate.
fn serving_table(served: &[Served]) -> Table {
    let mut table = Table::default();
    let mut column = |name: &str, value: &dyn Fn(&Served) -> Cell| table.push(name, served.iter().map(value));
    let way = |item: &Served, tell: &dyn Fn(&Way) -> Cell| match item
        .ways
        .as_ref()
        .ok()
        .and_then(|ways| ways.first())
    {
        Some(way) => tell(way),
        None => Cell::Null,
    };
    column("fleet", &|item| item.candidate.name.as_str().into());
    column("machines", &|item| {
        let machines = item.ways.as_ref().ok().and_then(|ways| item.machines(ways.first()?));
        let count = machines.map_or_else(|| "as many as needed".to_owned(), |count| count.to_string());
        let other =
            |other: &Served| format!(" + {} × {}", other.candidate.count, other.candidate.instance.id());
        let others: String = item.others.iter().map(other).collect();
        format!("{count} × {}{others}", item.candidate.instance.id()).into()
    });
    column("region", &|item| item.candidate.region.as_str().into());
    column("terms", &|item| item.candidate.purchase.word().into());
    column("usd_per_machine_hour", &|item| {
        item.tariff.as_ref().ok().map(|tariff| tariff.hourly.typical.usd_per_hour()).into()
    });
    column("feasible", &|item| item.ways.is_ok().into());
    column("layout", &|item| match &item.ways {
        Ok(_) => way(item, &|way| way.words().into()),
        Err(reason) => reason.to_string().into(),
    });
    column("memory", &|item| {
        way(item, &|way| {
            way.memory.as_ref().map(|need| format!("{} of {}", need.total(), need.present)).into()
        })
    });
    column("cache_tokens", &|item| way(item, &|way| way.cache_tokens.map(f64::round).into()));
    column("alone", &|item| way(item, &|way| human_duration(way.alone.1).into()));
    column("requests_per_s_and_machine", &|item| way(item, &|way| way.guess.into()));
    column("known", &|item| {
        way(item, &|way| {
            let error = Significant((164.5 * way.log_error).round(), 3);
            format!("{}, ±{error} %", way.provenance.word()).into()
        })
    });
    table
}

fn training_table(prepared: &[Prepared]) -> Table {
    let mut table = Table::default();
    let mut column =
        |name: &str, value: &dyn Fn(&Prepared) -> Cell| table.push(name, prepared.iter().map(value));
    column("fleet", &|item| item.candidate.name.as_str().into());
    column("machines", &|item| format!("{} × {}", item.candidate.count, item.candidate.instance.id()).into());
    column("region", &|item| item.candidate.region.as_str().into());
    column("terms", &|item| item.candidate.purchase.word().into());
    column("usd_per_hour", &|item| match &item.tariff {
        Ok(tariff) => (tariff.hourly.typical.usd_per_hour() * item.candidate.count as f64).into(),
        Err(_) => Cell::Null,
    });
    column("feasible", &|item| matches!(item.verdict, Verdict::Ready(_)).into());
    column("layout", &|item| match &item.verdict {
        // Searched layouts have sharding and recomputation to tell.
        Verdict::Ready(ready) if ready.plan.counts.considered > 0 => ready.plan.words().to_string().into(),
        Verdict::Ready(ready) => {
            format!("batch {} on each of {}", ready.plan.local_batch, ready.plan.devices).into()
        }
        Verdict::Infeasible(reason) => reason.to_string().into(),
    });
    column("memory", &|item| match &item.verdict {
        Verdict::Ready(ready) => {
            format!("{} of {}", ready.plan.memory.total(), ready.plan.memory.present).into()
        }
        Verdict::Infeasible(_) => Cell::Null,
    });
    column("step", &|item| match &item.verdict {
        Verdict::Ready(ready) => human_duration(ready.built.job.mean_step()).into(),
        Verdict::Infeasible(_) => Cell::Null,
    });
    column("undisturbed", &|item| match &item.verdict {
        Verdict::Ready(ready) => human_duration(ready.built.job.undisturbed()).into(),
        Verdict::Infeasible(_) => Cell::Null,
    });
    column("known", &|item| match &item.verdict {
        Verdict::Ready(ready) => format!(
            "{}, ±{} %",
            ready.built.provenance.word(),
            Significant((164.5 * ready.built.log_error).round(), 3)
        )
        .into(),
        Verdict::Infeasible(_) => Cell::Null,
    });
    table
}

/// The same as JSON.
#[must_use]
pub fn planned_json(table: &Table) -> serde_json::Value {
    serde_json::json!({ "format": 1, "rows": table.json() })
}

/// Every value with its origin.
#[must_use]
pub fn resolved_table(values: &[Resolved]) -> Table {
    let mut table = Table::default();
    table.push("key", values.iter().map(|value| Cell::from(value.path.as_str())));
    table.push("value", values.iter().map(|value| Cell::from(value.value.as_str())));
    table.push("origin", values.iter().map(|value| Cell::from(value.origin.as_str())));
    table
}

/// Every value that the scenario left out, as comments.
#[must_use]
pub fn defaults_as_comments(values: &[Resolved]) -> String {
    let taken = |value: &&Resolved| !value.origin.contains(':') && value.origin != "command line";
    values
        .iter()
        .filter(taken)
        .map(|value| format!("# {} = {}  ({})\n", value.path, value.value, value.origin))
        .collect()
}
