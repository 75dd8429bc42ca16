//! Finding things by name, with near names when there is no such thing.

use std::sync::Arc;

use thiserror::Error;

use crate::document::{Diagnostics, nearest_list};

use super::accelerator::Accelerator;
use super::embedded::measured_profiles;
use super::engine::Engine;
use super::facts::{BillingRule, CarbonRegion, Discount, Storage};
use super::instance::{Instance, InstanceKind};
use super::load::Catalog;
use super::measured::MeasuredProfile;
use super::model::Model;
use super::services::{ApiPrice, ManagedService, ServiceKind};

/// A name that the catalog does not know.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown {what} `{name}`")]
pub struct Unknown {
    /// What was looked for.
    pub what: &'static str,
    /// The name as typed.
    pub name: String,
    /// Near names, or how to list them.
    pub suggestion: String,
}

impl Unknown {
    fn new<'a>(what: &'static str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let near = nearest_list(name, known, 4);
        let suggestion = if near.is_empty() {
            format!("see `capplan list {what}s`")
        } else {
            format!("nearest: {near}; see `capplan list {what}s`")
        };
        Self { what, name: name.to_owned(), suggestion }
    }
}

/// Why there is no measured profile of a name.
#[derive(Debug, Error)]
pub enum NoProfile {
    /// Nobody knows the name.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// One that travels inside the program is damaged.
    #[error("the measured profile `{name}` is damaged")]
    Damaged {
        /// Its name.
        name: String,
        /// How.
        faults: Diagnostics,
    },
}

impl Catalog {
    /// Names of all measured profiles, those of overlays and those inside the program.
    #[must_use]
    pub fn measured_names(&self) -> Vec<String> {
        let inside = measured_profiles().into_iter().map(|(name, _)| name.to_owned());
        let mut names: Vec<String> = self.measured.keys().cloned().chain(inside).collect();
        names.sort();
        names.dedup();
        names
    }

    /// A measured profile by name.
    ///
    /// # Errors
    /// With near names when there is none.
    pub fn measured_profile(&self, name: &str) -> Result<Arc<MeasuredProfile>, NoProfile> {
        if let Some(profile) = self.measured.get(name) {
            return Ok(Arc::clone(profile));
        }
        let inside = measured_profiles().into_iter().find(|(known, _)| *known == name);
        match inside {
            Some((_, text)) => MeasuredProfile::read(&format!("assets/profiles/measured/{name}.toml"), text)
                .map(Arc::new)
                .map_err(|faults| NoProfile::Damaged { name: name.to_owned(), faults }),
            None => {
                let names = self.measured_names();
                Err(Unknown::new("profile", name, names.iter().map(String::as_str)).into())
            }
        }
    }

    /// An accelerator by name.
    ///
    /// # Errors
    /// With near names when there is none.
    pub fn accelerator(&self, name: &str) -> Result<&Accelerator, Unknown> {
        self.accelerators
            .get(name)
            .ok_or_else(|| Unknown::new("accelerator", name, self.accelerators.keys().map(String::as_str)))
    }

    /// An instance by `provider/name`, or a host with accelerators attached.
    ///
    /// # Errors
    /// With near names when there is none.
    pub fn instance(&self, id: &str) -> Result<Instance, Unknown> {
        self.instances
            .get(id)
            .cloned()
            .or_else(|| self.attached(id))
            .ok_or_else(|| Unknown::new("instance", id, self.instances.keys().map(String::as_str)))
    }

    /// A model by id or alias.
    ///
    /// # Errors
    /// With near names when there is none.
    pub fn model(&self, name: &str) -> Result<&Model, Unknown> {
        self.models
            .get(name)
            .or_else(|| self.models.values().find(|model| model.aliases.iter().any(|alias| alias == name)))
            .ok_or_else(|| Unknown::new("model", name, self.models.keys().map(String::as_str)))
    }

    /// A serving engine by id or alias.
    ///
    /// # Errors
    /// With near names when there is none.
    pub fn engine(&self, name: &str) -> Result<&Engine, Unknown> {
        let lower = name.to_lowercase();
        self.engines
            .get(name)
            .or_else(|| self.engines.values().find(|engine| engine.aliases.contains(&lower)))
            .ok_or_else(|| Unknown::new("engine", name, self.engines.keys().map(String::as_str)))
    }

    /// The storage product of a provider in a region; a row for another region serves when there is none.
    #[must_use]
    pub fn storage_product(&self, provider: &str, product: &str, region: &str) -> Option<&Storage> {
        let same = || self.storage.iter().filter(|item| item.provider == provider && item.product == product);
        same()
            .find(|item| item.region == region && item.capacity.is_some())
            .or_else(|| same().find(|item| item.capacity.is_some()))
            .or_else(|| same().next())
    }

    /// How a provider counts the time of an instance.
    #[must_use]
    pub fn billing_rule(&self, instance: &Instance) -> Option<&BillingRule> {
        let tpu = instance.kind == InstanceKind::TpuSlice;
        self.billing
            .iter()
            .filter(|rule| rule.provider == instance.provider)
            .find(|rule| rule.product.contains("tpu") == tpu)
    }

    /// The price of a model behind an API, by `provider/name`.
    ///
    /// # Errors
    /// With near names when there is none.
    pub fn api_price(&self, id: &str) -> Result<&ApiPrice, Unknown> {
        self.api_prices
            .get(id)
            .ok_or_else(|| Unknown::new("api-price", id, self.api_prices.keys().map(String::as_str)))
    }

    /// What the shape of a catalog model is sold for behind APIs, cheapest first for so many input tokens to so many
    /// output tokens; `batch` adds prices whose answers may take hours.
    #[must_use]
    pub fn api_prices_of(&self, model: &str, mix: (f64, f64), batch: bool) -> Vec<&ApiPrice> {
        let mut found: Vec<&ApiPrice> = self
            .api_prices
            .values()
            .filter(|price| price.model.as_deref() == Some(model) && (batch || !price.batch))
            .collect();
        found.sort_by_key(|price| price.cost(1e6 * mix.0, 0.0, 1e6 * mix.1));
        found
    }

    /// The item of a provider's managed services that does this: one about the accelerator, or else a general one, or
    /// else one about another accelerator; items with a price before items without.
    #[must_use]
    pub fn managed(
        &self,
        provider: &str,
        kind: ServiceKind,
        accelerator: Option<&str>,
    ) -> Option<&ManagedService> {
        self.services.values().filter(|item| item.provider == provider && item.kind == kind).min_by_key(
            |item| {
                let about = match (item.accelerator.as_deref(), accelerator) {
                    (Some(ours), Some(wanted)) if ours == wanted => 0,
                    (None, _) => 1,
                    _ => 2,
                };
                (!item.is_priced(), about)
            },
        )
    }

    /// What a provider's managed service adds to a machine, as a share of its on-demand price; `None` when not known.
    #[must_use]
    pub fn premium(&self, provider: &str, kind: ServiceKind, accelerator: Option<&str>) -> Option<f64> {
        self.managed(provider, kind, accelerator).and_then(|service| service.premium)
    }

    /// How a managed service counts time, where it is known: the rule of a product named after it.
    #[must_use]
    pub fn service_rule(&self, service: &ManagedService) -> Option<&BillingRule> {
        self.billing
            .iter()
            .find(|rule| rule.provider == service.provider && rule.product.starts_with(&service.service))
    }

    /// The discount of a commitment of `years` on an instance: its family's, that of machines without accelerators, or
    /// else the provider's general one. Advertised ceilings are no rates and are passed over.
    #[must_use]
    pub fn commitment(&self, instance: &Instance, years: f64) -> Option<&Discount> {
        let fits = |discount: &&Discount| {
            discount.provider == instance.provider && discount.term_years == years && !discount.ceiling
        };
        let own = instance.family.as_deref().unwrap_or_default();
        let matches: [&dyn Fn(&str) -> bool; 3] = [
            &|family| !family.is_empty() && (family == own || instance.name.starts_with(family)),
            &|family| family == "cpu" && instance.accelerator.is_none(),
            &|family| family.is_empty(),
        ];
        matches
            .iter()
            .find_map(|matches| self.discounts.iter().filter(fits).find(|discount| matches(&discount.family)))
    }

    /// Carbon intensity of a region.
    #[must_use]
    pub fn carbon_region(&self, provider: &str, region: &str) -> Option<&CarbonRegion> {
        self.carbon.iter().find(|item| item.provider == provider && item.region == region)
    }
}
