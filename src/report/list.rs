//! `capplan list`: the catalog as tables, filtered and sorted.

use thiserror::Error;

use crate::catalog::{Accelerator, Catalog, EXAMPLES, Instance, Offer};
use crate::document::nearest;

use super::table::{Cell, Table};
use super::{list_policies, list_services};

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Accelerators.
    Accelerators,
    /// Machine types.
    Instances,
    /// Prices per region.
    Prices,
    /// Prices of models behind an API, by the token.
    ApiPrices,
    /// Managed services.
    Managed,
    /// Serving engines.
    Engines,
    /// Models.
    Models,
    /// Measured and fitted behaviour: spot markets, fabrics, decode scaling.
    Profiles,
    /// Policies that scenarios may name.
    Policies,
    /// Embedded scenarios.
    Examples,
}

/// Why nothing is listed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ListError {
    /// A filter is not `column`, operator, `value`.
    #[error("`{0}` is no filter; write column=value, column!=value, column~text, or column>=number")]
    BadFilter(String),
    /// The column is not there.
    #[error("there is no column `{name}`{}; columns: {columns}", hint(suggestion))]
    NoColumn {
        /// As typed.
        name: String,
        /// All columns.
        columns: String,
        /// The nearest.
        suggestion: Option<String>,
    },
    /// A comparison needs a number.
    #[error("`{0}` is not a number")]
    NotANumber(String),
}

fn hint(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// The listing with filters applied, sorted by a column (descending with `-` in front).
///
/// # Errors
/// When a filter or the column is not understood.
pub fn list(
    catalog: &Catalog,
    what: Listing,
    filters: &[String],
    sort: Option<&str>,
) -> Result<Table, ListError> {
    let mut table = match what {
        Listing::Accelerators => accelerators(catalog),
        Listing::Instances => instances(catalog),
        Listing::Prices => prices(catalog),
        Listing::ApiPrices => list_services::api_prices(catalog),
        Listing::Engines => list_services::engines(catalog),
        Listing::Managed => list_services::managed(catalog),
        Listing::Models => models(catalog),
        Listing::Profiles => profiles(catalog),
        Listing::Policies => list_policies::policies(),
        Listing::Examples => examples(),
    };
    for filter in filters {
        keep(&mut table, filter)?;
    }
    if let Some(column) = sort {
        order(&mut table, column)?;
    }
    Ok(table)
}

fn accelerators(catalog: &Catalog) -> Table {
    let all: Vec<&Accelerator> = catalog.accelerators.values().collect();
    let mut table = Table::default();
    let mut column = |name: &str, value: &dyn Fn(&Accelerator) -> Cell| {
        table.push(name, all.iter().map(|accelerator| value(accelerator)));
    };
    let tera = |rate: Option<crate::units::FlopsPerSecond>| Cell::from(rate.map(|rate| rate.0 / 1e12));
    column("name", &|item| item.name.as_str().into());
    column("vendor", &|item| item.vendor.as_str().into());
    column("generation", &|item| item.generation.as_str().into());
    column("year", &|item| item.year.into());
    column("memory_gib", &|item| item.memory.map(|memory| memory.gib()).into());
    column("bandwidth_gb_s", &|item| item.memory_bandwidth.map(|rate| rate.0 / 1e9).into());
    column("fp32_tflops", &|item| tera(item.peaks.fp32));
    column("tflops_16bit", &|item| tera(item.peaks.half));
    column("fp8_tflops", &|item| tera(item.peaks.fp8));
    column("power_w", &|item| item.power.map(|power| power.0).into());
    column("interconnect", &|item| item.interconnect.as_str().into());
    column("on_demand_usd_h", &|item| {
        cheapest(catalog, &item.name, |offer| offer.on_demand.map(|price| price.usd_per_hour())).into()
    });
    column("spot_usd_h", &|item| {
        cheapest(catalog, &item.name, |offer| offer.spot.map(|spot| spot.typical.usd_per_hour())).into()
    });
    column("offers", &|item| {
        let of = |instance: &&Instance| instance.accelerator.as_deref() == Some(item.name.as_str());
        (catalog.instances.values().filter(of).map(|instance| instance.offers.len()).sum::<usize>() as u64)
            .into()
    });
    column("as_of", &|item| item.fact.as_of.map(|day| day.to_string()).into());
    column("source", &|item| item.fact.sources.join("; ").into());
    table
}

/// Least price of one accelerator over all instances and regions.
fn cheapest(catalog: &Catalog, accelerator: &str, price: impl Fn(&Offer) -> Option<f64>) -> Option<f64> {
    catalog
        .instances
        .values()
        .filter(|instance| instance.accelerator.as_deref() == Some(accelerator))
        .flat_map(|instance| {
            let count = instance.accelerators;
            instance.offers.iter().filter_map(&price).map(move |price| price / count).collect::<Vec<f64>>()
        })
        .min_by(f64::total_cmp)
}

/// Memory of one accelerator, in GiB.
fn device_memory(catalog: &Catalog, instance: &Instance) -> Option<f64> {
    let accelerator = instance.accelerator.as_ref().and_then(|name| catalog.accelerators.get(name))?;
    accelerator.memory.map(|memory| memory.gib())
}

fn instances(catalog: &Catalog) -> Table {
    let all: Vec<&Instance> = catalog.instances.values().collect();
    let mut table = Table::default();
    let mut column = |name: &str, value: &dyn Fn(&Instance) -> Cell| {
        table.push(name, all.iter().map(|instance| value(instance)))
    };
    let least = |instance: &Instance, price: &dyn Fn(&Offer) -> Option<f64>| {
        instance.offers.iter().filter_map(price).min_by(f64::total_cmp)
    };
    let on_demand = |offer: &Offer| offer.on_demand.map(|price| price.usd_per_hour());
    let spot = |offer: &Offer| offer.spot.map(|spot| spot.typical.usd_per_hour());
    column("instance", &|item| item.id().into());
    column("accelerator", &|item| item.accelerator.clone().into());
    column("accelerators", &|item| {
        if item.accelerators > 0.0 { item.accelerators.into() } else { Cell::Null }
    });
    column("memory_gib_per_accelerator", &|item| device_memory(catalog, item).into());
    column("memory_gib_accelerators", &|item| {
        device_memory(catalog, item).map(|memory| memory * item.accelerators).into()
    });
    column("vcpus", &|item| item.vcpus.into());
    column("host_memory_gib", &|item| item.memory.map(|memory| memory.gib()).into());
    column("network_gbit_s", &|item| item.network.map(|rate| rate.0 / 125e6).into());
    column("local_disk_gib", &|item| item.local_disk.map(|disk| disk.gib()).into());
    column("on_demand_usd_h", &|item| least(item, &on_demand).into());
    column("on_demand_usd_h_per_accelerator", &|item| {
        least(item, &on_demand)
            .filter(|_| item.accelerators > 0.0)
            .map(|price| price / item.accelerators)
            .into()
    });
    column("spot_usd_h", &|item| least(item, &spot).into());
    column("regions", &|item| (item.offers.len() as u64).into());
    table
}

fn prices(catalog: &Catalog) -> Table {
    let all: Vec<(&Instance, &Offer)> = catalog
        .instances
        .values()
        .flat_map(|instance| instance.offers.iter().map(move |offer| (instance, offer)))
        .collect();
    let today = catalog.date();
    let mut table = Table::default();
    let mut column = |name: &str, value: &dyn Fn(&Instance, &Offer) -> Cell| {
        table.push(name, all.iter().map(|(instance, offer)| value(instance, offer)));
    };
    column("instance", &|instance, _| instance.id().into());
    column("provider", &|instance, _| instance.provider.as_str().into());
    column("region", &|_, offer| offer.region.as_str().into());
    column("accelerator", &|instance, _| instance.accelerator.clone().into());
    column("accelerators", &|instance, _| {
        if instance.accelerators > 0.0 { instance.accelerators.into() } else { Cell::Null }
    });
    column("memory_gib_per_accelerator", &|instance, _| device_memory(catalog, instance).into());
    column("on_demand_usd_h", &|_, offer| offer.on_demand.map(|price| price.usd_per_hour()).into());
    column("on_demand_usd_h_per_accelerator", &|instance, offer| {
        offer
            .on_demand
            .filter(|_| instance.accelerators > 0.0)
            .map(|price| price.usd_per_hour() / instance.accelerators)
            .into()
    });
    column("spot_low_usd_h", &|_, offer| offer.spot.map(|spot| spot.low.usd_per_hour()).into());
    column("spot_usd_h", &|_, offer| offer.spot.map(|spot| spot.typical.usd_per_hour()).into());
    column("spot_high_usd_h", &|_, offer| offer.spot.map(|spot| spot.high.usd_per_hour()).into());
    column("as_of", &|_, offer| offer.fact.as_of.map(|day| day.to_string()).into());
    column("age_days", &|_, offer| {
        today.zip(offer.fact.as_of).map(|(today, day)| today.days_since(day).unsigned_abs()).into()
    });
    column("marks", &|_, offer| {
        offer.marks.iter().map(|mark| mark.word()).collect::<Vec<_>>().join("; ").into()
    });
    column("source", &|_, offer| offer.fact.sources.join("; ").into());
    table
}

fn models(catalog: &Catalog) -> Table {
    let all: Vec<&crate::catalog::Model> = catalog.models.values().collect();
    let mut table = Table::default();
    let mut column = |name: &str, value: &dyn Fn(&crate::catalog::Model) -> Cell| {
        table.push(name, all.iter().map(|model| value(model)))
    };
    column("id", &|model| model.id.as_str().into());
    column("name", &|model| model.name.as_str().into());
    column("category", &|model| model.category.as_str().into());
    column("architecture", &|model| model.architecture.word().into());
    column("parameters_m", &|model| (model.parameters / 1e6).into());
    column("active_parameters_m", &|model| model.active_parameters.map(|count| count / 1e6).into());
    column("embedding_parameters_m", &|model| {
        if model.embedding_parameters > 0.0 { (model.embedding_parameters / 1e6).into() } else { Cell::Null }
    });
    column("forward_gflop", &|model| (model.flops_forward.0 / 1e9).into());
    column("sample", &|model| model.sample.as_str().into());
    column("sample_kb", &|model| model.bytes_per_sample.map(|bytes| bytes.0 / 1e3).into());
    column("optimizer", &|model| model.optimizer.clone().into());
    column("dataset", &|model| model.dataset.name.clone().into());
    column("dataset_samples", &|model| model.dataset.samples.into());
    column("as_of", &|model| model.fact.as_of.map(|day| day.to_string()).into());
    column("source", &|model| model.fact.sources.join("; ").into());
    table
}

fn profiles(catalog: &Catalog) -> Table {
    let mut rows: Vec<[Cell; 4]> = Vec::new();
    for name in catalog.measured_names() {
        // One that cannot be read says so where a scenario names it.
        let Ok(profile) = catalog.measured_profile(&name) else { continue };
        let here = catalog.here.as_ref().is_some_and(|here| profile.machine.same_machine(here));
        let sections: Vec<&str> = profile.sections().iter().map(|section| section.word()).collect();
        let figures = format!(
            "{}, {} curves ({}){}",
            profile.machine.words(),
            profile.curves.len(),
            sections.join(", "),
            if here { "" } else { "; another machine" }
        );
        rows.push([
            "measured".into(),
            name.into(),
            figures.into(),
            format!("capplan calibrate, {}", profile.measured).into(),
        ]);
    }
    for process in catalog.spot.values() {
        let shares = format!(
            "{} {}: available {} % of the time",
            process.provider,
            process.instance_class,
            (100.0 * process.availability).round()
        );
        rows.push([
            "spot market".into(),
            process.id.as_str().into(),
            shares.into(),
            process.fact.sources.join("; ").into(),
        ]);
    }
    for fabric in catalog.fabrics.values() {
        let shares = format!(
            "{} % of nominal, ±{} %",
            (100.0 * fabric.bandwidth_share).round(),
            (100.0 * fabric.uncertainty).round()
        );
        rows.push([
            "fabric".into(),
            fabric.name.as_str().into(),
            shares.into(),
            fabric.fact.sources.join("; ").into(),
        ]);
    }
    for scaling in catalog.decode.values() {
        let law = format!(
            "σ {} κ {}, ±{} %",
            scaling.sigma,
            scaling.kappa,
            (100.0 * scaling.relative_error).round()
        );
        rows.push([
            "decode workers".into(),
            scaling.cpu.as_str().into(),
            law.into(),
            scaling.fact.sources.join("; ").into(),
        ]);
    }
    for rates in catalog.failures.values() {
        let rate = format!("{} a node-day, {} a job-day", rates.per_node_day, rates.per_job_day);
        rows.push([
            "failures".into(),
            rates.environment.as_str().into(),
            rate.into(),
            rates.fact.sources.join("; ").into(),
        ]);
    }
    of_rows(["kind", "name", "figures", "source"], rows)
}

fn examples() -> Table {
    let title = |name: &str| {
        let text = crate::catalog::example(name)?;
        let root = crate::document::load(name, text).ok()?;
        root.get("name").and_then(|entry| entry.node.text().map(str::to_owned))
    };
    let rows =
        EXAMPLES.iter().map(|name| [Cell::from(format!("example:{name}")), title(name).into()]).collect();
    of_rows(["example", "title"], rows)
}

/// A table of rows.
pub(super) fn of_rows<const N: usize>(names: [&str; N], rows: Vec<[Cell; N]>) -> Table {
    let mut table = Table::default();
    for (index, name) in names.iter().enumerate() {
        table.push(*name, rows.iter().map(|row| row[index].clone()));
    }
    table
}

const OPERATORS: &[&str] = &[">=", "<=", "!=", "=", ">", "<", "~"];

fn keep(table: &mut Table, filter: &str) -> Result<(), ListError> {
    let bad = || ListError::BadFilter(filter.to_owned());
    let (at, operator) = OPERATORS
        .iter()
        .filter_map(|operator| filter.find(operator).map(|at| (at, *operator)))
        .min_by_key(|(at, operator)| (*at, std::cmp::Reverse(operator.len())))
        .ok_or_else(bad)?;
    let (name, value) = (filter[..at].trim(), filter[at + operator.len()..].trim());
    let column = find(table, name)?;
    let number: Option<f64> = value.parse().ok();
    if matches!(operator, ">" | "<" | ">=" | "<=") && number.is_none() {
        return Err(ListError::NotANumber(value.to_owned()));
    }
    let passes = |cell: &Cell| {
        let as_number = match cell {
            Cell::Number(value) => Some(*value),
            Cell::Integer(value) => Some(*value as f64),
            _ => None,
        };
        let text = cell.exact().to_lowercase();
        let equal = match (as_number, number) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => text == value.to_lowercase(),
        };
        match operator {
            "=" => equal,
            "!=" => !equal,
            "~" => text.contains(&value.to_lowercase()),
            _ => as_number.zip(number).is_some_and(|(ours, theirs)| match operator {
                ">" => ours > theirs,
                "<" => ours < theirs,
                ">=" => ours >= theirs,
                _ => ours <= theirs,
            }),
        }
    };
    let rows: Vec<usize> =
        (0..table.height()).filter(|row| passes(&table.columns[column].cells[*row])).collect();
    table.select(&rows);
    Ok(())
}

/// Sorts by a column; what is unknown comes last either way.
fn order(table: &mut Table, sort: &str) -> Result<(), ListError> {
    let (name, descending) = match sort.strip_prefix('-') {
        Some(name) => (name, true),
        None => (sort, false),
    };
    let column = find(table, name)?;
    let cells = table.columns[column].cells.clone();
    let key = |cell: &Cell| match cell {
        Cell::Number(value) => Some((*value, String::new())),
        Cell::Integer(value) => Some((*value as f64, String::new())),
        Cell::Null => None,
        other => Some((0.0, other.exact())),
    };
    let mut rows: Vec<usize> = (0..cells.len()).collect();
    rows.sort_by(|left, right| match (key(&cells[*left]), key(&cells[*right])) {
        (Some(left), Some(right)) => {
            let ascending = left.0.total_cmp(&right.0).then(left.1.cmp(&right.1));
            if descending { ascending.reverse() } else { ascending }
        }
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, None) => std::cmp::Ordering::Equal,
    });
    table.select(&rows);
    Ok(())
}

fn find(table: &Table, name: &str) -> Result<usize, ListError> {
    table.columns.iter().position(|column| column.name == name).ok_or_else(|| {
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        ListError::NoColumn {
            name: name.to_owned(),
            suggestion: nearest(name, names.iter().copied()).map(str::to_owned),
            columns: names.join(", "),
        }
    })
}
