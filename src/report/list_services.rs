//! `capplan list api-prices`, `managed` and `engines`: what is bought by the token, managed by a cloud, or serves on own
//! machines.

use crate::catalog::{ApiPrice, Batching, Catalog, Engine, ManagedService};

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

/// Serving engines with their scheduling rules.
pub(super) fn engines(catalog: &Catalog) -> Table {
    let all: Vec<&Engine> = catalog.engines.values().collect();
    let mut table = Table::default();
    let mut column = |name: &str, value: &dyn Fn(&Engine) -> Cell| {
        table.push(name, all.iter().map(|engine| value(engine)));
    };
    let yes = |is: bool| if is { "yes" } else { "no" }.into();
    column("engine", &|engine| engine.id.as_str().into());
    column("name", &|engine| engine.name.as_str().into());
    column("family", &|engine| engine.family.as_str().into());
    column("batching", &|engine| {
        let word = match engine.batching {
            Batching::DecodeFirst => "decode-first",
            Batching::PrefillFirst => "prefill-first",
            Batching::Static => "static",
        };
        word.into()
    });
    column("chunked_prefill", &|engine| yes(engine.chunked_prefill));
    column("max_batched_tokens", &|engine| u64::from(engine.max_batched_tokens).into());
    column("max_sequences", &|engine| u64::from(engine.max_sequences).into());
    column("block_tokens", &|engine| u64::from(engine.block_tokens).into());
    column("memory_fraction", &|engine| engine.memory_fraction.into());
    column("preemption", &|engine| engine.preemption.word().into());
    column("prefix_cache", &|engine| yes(engine.prefix_cache));
    column("step_overhead_us", &|engine| (engine.step_overhead.0 * 1e6).into());
    column("as_of", &|engine| engine.fact.as_of.map(|day| day.to_string()).into());
    column("source", &|engine| engine.fact.sources.join("; ").into());
    table
}
