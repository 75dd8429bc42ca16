//! `capplan list api-prices` and `capplan list managed`: what is bought by the token or managed by a cloud.

use crate::catalog::{ApiPrice, Catalog, ManagedService};

use super::table::{Cell, Table};

/// Prices of models behind an API.
pub(super) fn api_prices(catalog: &Catalog) -> Table {
    let all: Vec<&ApiPrice> = catalog.api_prices.values().collect();
    let mut table = Table::default();
    let mut column = |name: &str, value: &dyn Fn(&ApiPrice) -> Cell| {
        table.push(name, all.iter().map(|price| value(price)));
    };
    column("api", &|price| price.id().into());
    column("provider", &|price| price.provider.as_str().into());
    column("model", &|price| price.model.clone().into());
    column("input_usd_per_mtok", &|price| price.input.usd_per_million().into());
    column("output_usd_per_mtok", &|price| price.output.usd_per_million().into());
    column("cache_read_usd_per_mtok", &|price| price.cache_read.map(|read| read.usd_per_million()).into());
    column("context_tokens", &|price| price.context.into());
    column("answers", &|price| if price.batch { "within hours" } else { "at once" }.into());
    column("as_of", &|price| price.fact.as_of.map(|day| day.to_string()).into());
    column("source", &|price| price.fact.sources.join("; ").into());
    table
}

/// Items of managed services' price lists.
pub(super) fn managed(catalog: &Catalog) -> Table {
    let all: Vec<&ManagedService> = catalog.services.values().collect();
    let mut table = Table::default();
    let mut column = |name: &str, value: &dyn Fn(&ManagedService) -> Cell| {
        table.push(name, all.iter().map(|item| value(item)));
    };
    column("provider", &|item| item.provider.as_str().into());
    column("service", &|item| item.service.as_str().into());
    column("item", &|item| item.item.as_str().into());
    column("kind", &|item| item.kind.word().into());
    column("accelerator", &|item| item.accelerator.clone().into());
    column("premium_percent", &|item| item.premium.map(|share| 100.0 * share).into());
    column("usd_h", &|item| item.hourly.map(|price| price.usd_per_hour()).into());
    column("usd_once", &|item| item.once.map(|price| price.usd()).into());
    column("usd_per_million", &|item| item.per_million.map(|price| price.usd_per_million()).into());
    column("per", &|item| item.per.map(|unit| unit.word().to_owned()).into());
    column("idle_billed", &|item| if item.idle_billed { "yes" } else { "no" }.into());
    column("as_of", &|item| item.fact.as_of.map(|day| day.to_string()).into());
    column("source", &|item| item.fact.sources.join("; ").into());
    table
}
