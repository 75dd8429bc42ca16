//! The catalog is broad, sourced and sound.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use capplan::catalog::{AcceleratorKind, Catalog, InstanceKind, Mark, Purchase};
use capplan::cost::{Assumptions, Tariff};

fn catalog() -> Catalog {
    Catalog::read(&[]).unwrap()
}

#[test]
fn it_holds_the_breadth_that_is_promised() {
    let catalog = catalog();
    let devices = catalog.accelerators.values().filter(|item| item.kind != AcceleratorKind::Cpu).count();
    assert!(devices >= 45, "{devices} accelerators");
    let priced = |provider: &str| {
        let of = catalog.instances.values().filter(|instance| instance.provider == provider);
        of.flat_map(|instance| &instance.offers)
            .filter(|offer| offer.on_demand.is_some() || offer.spot.is_some())
            .count()
    };
    let providers: BTreeSet<&str> =
        catalog.instances.values().map(|instance| instance.provider.as_str()).collect();
    let total: usize = providers.iter().map(|provider| priced(provider)).sum();
    assert!(total >= 400, "{total} priced offers");
    let smaller =
        providers.iter().filter(|name| !["gcp", "aws", "azure"].contains(*name) && priced(name) > 0).count();
    assert!(priced("gcp") > 100 && priced("aws") > 100 && priced("azure") > 100 && smaller >= 5);
    let cpu_only = catalog.instances.values().filter(|instance| instance.accelerator.is_none()).count();
    assert!(cpu_only >= 10, "{cpu_only} machines without accelerators");
    let ranges = catalog
        .instances
        .values()
        .flat_map(|instance| &instance.offers)
        .filter(|offer| offer.spot.is_some_and(|spot| spot.low < spot.high));
    assert!(ranges.count() >= 10, "spot prices have no ranges");
    for model in [
        "resnet-50",
        "efficientnet-b4",
        "bert-large",
        "dlrm-dcnv2",
        "wide-and-deep",
        "ncf",
        "mask-rcnn",
        "unet-3d",
        "stable-diffusion",
        "transformer-xl",
        "gpt-small",
    ] {
        assert!(catalog.models.contains_key(model), "{model} is missing");
    }
}

#[test]
fn every_entry_names_its_source() {
    let catalog = catalog();
    for accelerator in catalog.accelerators.values() {
        assert!(!accelerator.fact.sources.is_empty(), "{}", accelerator.name);
    }
    for model in catalog.models.values() {
        assert!(!model.fact.sources.is_empty(), "{}", model.id);
    }
    for instance in catalog.instances.values() {
        for offer in &instance.offers {
            assert!(!offer.fact.sources.is_empty(), "{} {}", instance.id(), offer.region);
            assert!(offer.fact.as_of.is_some(), "{} {} has no date", instance.id(), offer.region);
            if let (Some(on_demand), Some(spot)) = (offer.on_demand, offer.spot) {
                assert!(spot.typical < on_demand, "{} {}", instance.id(), offer.region);
            }
        }
    }
}

/// Dollars an hour for an instance on demand.
fn hourly(catalog: &Catalog, id: &str, region: &str) -> f64 {
    let instance = catalog.instance(id).unwrap();
    let tariff =
        Tariff::of(catalog, &instance, region, Purchase::OnDemand, None, &Assumptions::default()).unwrap();
    tariff.hourly.typical.usd_per_hour()
}

#[test]
fn gcp_machines_are_priced_in_three_ways() {
    let catalog = catalog();
    let all_in = catalog.instance("gcp/a3-highgpu-8g").unwrap();
    assert_eq!(all_in.kind, InstanceKind::Machine);
    assert!((hourly(&catalog, "gcp/a3-highgpu-8g", "us-central1") - 88.49).abs() < 1e-9);
    let composed = catalog.instance("gcp/a3-megagpu-8g").unwrap();
    assert_eq!((composed.kind, composed.accelerators), (InstanceKind::Composed, 8.0));
    let attached = catalog.instance("gcp/n1-standard-16+4xT4").unwrap();
    assert_eq!(
        (attached.accelerator.as_deref(), attached.accelerators, attached.vcpus),
        (Some("T4"), 4.0, Some(16.0))
    );
    let host = hourly(&catalog, "gcp/n1-standard-16", "us-central1");
    let whole = hourly(&catalog, "gcp/n1-standard-16+4xT4", "us-central1");
    assert!((whole - host - 4.0 * 0.35).abs() < 1e-6, "{whole} - {host}");
    // One T4 allows no more than 48 vCPUs, and no machine but N1.
    assert!(catalog.instance("gcp/n1-highmem-96+1xT4").is_err());
    assert!(catalog.instance("gcp/c3-standard-44+1xT4").is_err());
}

#[test]
fn tpu_slices_cost_their_chips() {
    let catalog = catalog();
    let slice = catalog.instance("gcp/v5litepod-16").unwrap();
    assert_eq!((slice.kind, slice.whole_accelerators()), (InstanceKind::TpuSlice, 16));
    assert!((hourly(&catalog, "gcp/v5litepod-16", "us-central1") - 16.0 * 1.2).abs() < 1e-9);
    // v5p names count cores.
    assert_eq!(catalog.instance("gcp/tpu-v5p-8").unwrap().whole_accelerators(), 4);
}

#[test]
fn a_commitment_takes_the_published_percentage_off() {
    let catalog = catalog();
    let instance = catalog.instance("gcp/a2-highgpu-8g").unwrap();
    let of = |purchase| {
        Tariff::of(&catalog, &instance, "us-central1", purchase, None, &Assumptions::default())
            .unwrap()
            .hourly
            .typical
            .usd_per_hour()
    };
    let ratio = of(Purchase::CommittedOneYear) / of(Purchase::OnDemand);
    assert!((ratio - 0.63).abs() < 1e-6, "{ratio}");
}

#[test]
fn old_prices_are_marked_against_the_newest() {
    let catalog = catalog();
    let today = catalog.date().unwrap();
    let mut marked = 0;
    for offer in catalog.instances.values().flat_map(|instance| &instance.offers) {
        let old = offer.on_demand.is_some() && today.days_since(offer.fact.as_of.unwrap()) > 365;
        assert_eq!(offer.marks.contains(&Mark::OldOnDemand), old);
        marked += usize::from(old);
    }
    assert!(marked > 0, "no price is old: the test shows nothing");
}

#[test]
fn prices_agree_with_the_collected_facts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/prices.csv");
    if !path.exists() {
        println!("skipped: {} is not here", path.display());
        return;
    }
    let catalog = catalog();
    let mut compared = 0;
    let mut apart = Vec::new();
    for record in csv::Reader::from_path(path).unwrap().records() {
        let record = record.unwrap();
        let (provider, region, name) = (&record[0], &record[1], &record[2]);
        let name = name.strip_prefix("Standard_").unwrap_or(name);
        let Some(instance) = catalog.instances.get(&format!("{provider}/{name}")) else { continue };
        let Some(offer) = instance.offers.iter().find(|offer| offer.region == region) else { continue };
        let (Ok(published), Some(ours)) = (record[8].parse::<f64>(), offer.on_demand) else { continue };
        compared += 1;
        if (ours.usd_per_hour() / published - 1.0).abs() > 1e-4 {
            apart.push(format!("{provider}/{name} {region}: {} and {published}", ours.usd_per_hour()));
        }
    }
    assert!(compared > 800, "{compared}");
    // Several sources price some machines; the newest holds.
    assert!(apart.len() < compared / 10, "{} of {compared}: {apart:?}", apart.len());
}

#[test]
fn traced_markets_are_available_as_often_as_their_trace() {
    use capplan::units::Seconds;
    use capplan::workload::failures::SpotMarket;
    let catalog = catalog();
    let mut apart = Vec::new();
    for process in catalog.spot.values() {
        for fitted in [false, true] {
            let found = SpotMarket::of_process(process, fitted, Seconds::ZERO).availability();
            if (found - process.availability).abs() > 0.05 {
                apart.push(format!("{} {found:.2} {:.2}", process.id, process.availability));
            }
        }
    }
    // Two traces begin or end in a run so long that leaving it out of the fit shows.
    assert!(apart.len() <= 4, "{apart:?}");
}

#[test]
fn advertised_ceilings_are_never_applied() {
    let catalog = catalog();
    for (id, region) in [("aws/g5.12xlarge", "us-east-1"), ("gcp/v5litepod-16", "us-central1")] {
        let instance = catalog.instance(id).unwrap();
        let three = Tariff::of(
            &catalog,
            &instance,
            region,
            Purchase::CommittedThreeYears,
            None,
            &Assumptions::default(),
        );
        assert!(three.is_err(), "{id}: {three:?}");
    }
}

#[test]
fn a_price_far_under_its_other_regions_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let offers: Vec<String> = ["10", "10.5", "9.8", "4"]
        .iter()
        .enumerate()
        .map(|(index, price)| {
            format!("{{ region = \"r{index}\", on_demand = \"{price} USD/h\", as_of = \"2026-09-01\" }}")
        })
        .collect();
    let text = format!(
        "format = 1\nprovider = \"mine\"\n[[instance]]\nname = \"box\"\naccelerator = \"T4\"\naccelerators = 1\noffers = [{}]\n",
        offers.join(", ")
    );
    std::fs::write(folder.path().join("mine.toml"), text).unwrap();
    let catalog = Catalog::read(&[folder.path().to_owned()]).unwrap();
    let marked: Vec<&str> = catalog.instances["mine/box"]
        .offers
        .iter()
        .filter(|offer| offer.marks.contains(&Mark::RegionalOutlier))
        .map(|offer| offer.region.as_str())
        .collect();
    assert_eq!(marked, ["r3"]);
}
