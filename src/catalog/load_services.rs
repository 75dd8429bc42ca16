//! Prices of models behind an API, and managed services.

use crate::document::{Code, Diagnostics, Reader};
use crate::units::PricePerMillion;

use super::Fact;
use super::checks::unknown;
use super::load::{Catalog, FileReader, owned};
use super::services::{ApiPrice, ManagedService, ServiceKind, ServiceUnit};

impl Catalog {
    pub(super) fn add_services(&mut self, file: &FileReader<'_>, faults: &mut Diagnostics) {
        for list in file.reader.tables("api") {
            let fact = file.fact(&list, faults);
            for entry in list.tables("prices") {
                let price = api_price(&entry, &owned(&list, "provider"), &fact, faults);
                self.keep_place(format!("api {}", price.id()), &entry, "model");
                self.api_prices.insert(price.id(), price);
            }
        }
        for entry in file.reader.tables("service") {
            let service = service(&entry, file, faults);
            self.keep_place(format!("service {}", service.id()), &entry, "accelerator");
            self.services.insert(service.id(), service);
        }
    }

    /// Every model that a price names must exist; it is kept by its id.
    pub(super) fn join_api_prices(&mut self, faults: &mut Diagnostics) {
        let Self { api_prices, models, places, .. } = self;
        for price in api_prices.values_mut() {
            let Some(name) = price.model.take() else { continue };
            let found = models
                .get(&name)
                .or_else(|| models.values().find(|model| model.aliases.contains(&name)))
                .map(|model| model.id.clone());
            if found.is_none() {
                let key = format!("api {}", price.id());
                faults.push(unknown(places, key, "model", &name, models.keys()));
            }
            price.model = found;
        }
    }
}

fn api_price(entry: &Reader<'_>, provider: &str, fact: &Fact, faults: &mut Diagnostics) -> ApiPrice {
    let price = |key: &str| entry.money(key).map(PricePerMillion);
    let input = price("input").unwrap_or_default();
    let cache_read = price("cache_read");
    if cache_read.is_some_and(|cached| cached > input) {
        faults.push(
            entry
                .fault(Code::OutOfRange, "", "cache_read", "reading from the cache costs more than `input`")
                .suggest("leave it out when the seller has no such price"),
        );
    }
    ApiPrice {
        provider: provider.to_owned(),
        name: owned(entry, "name"),
        model: entry.text("model").map(str::to_owned),
        input,
        output: price("output").unwrap_or_default(),
        cache_read,
        context: entry.count("context"),
        batch: entry.boolean("batch"),
        fact: fact.clone(),
    }
}

fn service(entry: &Reader<'_>, file: &FileReader<'_>, faults: &mut Diagnostics) -> ManagedService {
    let kind = entry
        .text("kind")
        .and_then(|word| ServiceKind::ALL.iter().find(|(known, _)| *known == word))
        .map_or(ServiceKind::Other, |(_, kind)| *kind);
    let per = entry
        .text("per")
        .and_then(|word| ServiceUnit::ALL.iter().find(|(known, _)| *known == word))
        .map(|(_, unit)| *unit);
    for key in ["hourly", "once", "per_million"] {
        if entry.has(key) && per.is_none() {
            let message = format!("`{key}` does not say what it is for");
            faults.push(entry.fault(Code::MissingKey, "", key, message).suggest("add `per`"));
        }
    }
    ManagedService {
        provider: owned(entry, "provider"),
        service: owned(entry, "service"),
        item: owned(entry, "item"),
        kind,
        accelerator: entry.text("accelerator").map(str::to_owned),
        premium: entry.number("premium_percent").map(|percent| percent / 100.0),
        hourly: entry.price_per_hour("hourly"),
        once: entry.money("once"),
        per_million: entry.money("per_million").map(PricePerMillion),
        per,
        idle_billed: if entry.has("idle_billed") {
            entry.boolean("idle_billed")
        } else {
            matches!(kind, ServiceKind::Endpoint | ServiceKind::Cluster)
        },
        least_vcpus: entry.number("least_vcpus"),
        least_memory: entry.bytes("least_memory"),
        start: entry.seconds("start"),
        fact: file.fact(entry, faults),
    }
}
