//! From an offer and the terms to an hourly rate, with the discounts that apply.

use thiserror::Error;

use crate::catalog::{Catalog, Instance, Mark, Provenance, Purchase};
use crate::units::{Money, PricePerByteMonth, PricePerHour, Seconds};

/// A discount that the user negotiated.
#[derive(Clone, Debug, PartialEq)]
pub struct NegotiatedDiscount {
    /// Provider id; empty for all.
    pub provider: String,
    /// Instance family or name prefix; empty for all.
    pub family: String,
    /// Terms; `None` for all.
    pub purchase: Option<Purchase>,
    /// Share off the list price, 0 to 1.
    pub share: f64,
}

/// What the user says of prices beside the catalog.
#[derive(Clone, Debug, Default)]
pub struct Assumptions {
    /// Negotiated discounts; the first that fits holds.
    pub discounts: Vec<NegotiatedDiscount>,
    /// Factor on every price, for "what if prices doubled".
    pub price_factor: Option<f64>,
    /// Storage price, instead of the catalog's.
    pub storage: Option<PricePerByteMonth>,
    /// Egress price of a gigabyte, instead of the catalog's.
    pub egress: Option<Money>,
    /// Egress already used this month is not modelled; this volume is taken out of the region per run.
    pub egress_bytes: f64,
    /// Share of the committed hours that the organisation uses in all; the rest of a commitment is lost money.
    pub commitment_utilisation: f64,
    /// Management fee per hour of cluster, as for a managed Kubernetes.
    pub cluster_fee: Option<PricePerHour>,
}

/// A price with its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PriceRange {
    /// Least.
    pub low: PricePerHour,
    /// Usual.
    pub typical: PricePerHour,
    /// Greatest.
    pub high: PricePerHour,
}

/// What one instance-hour costs and how time is counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Tariff {
    /// Price of one instance-hour after discounts.
    pub hourly: PriceRange,
    /// List price before discounts.
    pub list: PricePerHour,
    /// Share taken off the list price.
    pub discount: f64,
    /// Time is rounded up to this.
    pub granularity: Seconds,
    /// Least time billed.
    pub minimum: Seconds,
    /// Terms.
    pub purchase: Purchase,
    /// How the price is known.
    pub provenance: Provenance,
    /// Where it comes from: row, date, discount.
    pub origin: String,
    /// What the catalog marks about it.
    pub marks: Vec<Mark>,
    /// Share of committed hours that is used; 1 unless committed.
    pub commitment_utilisation: f64,
    /// Whether a spot price is a single snapshot, whose range is assumed.
    pub single_snapshot: bool,
}

/// No price is known: the fleet cannot be ranked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unpriced {
    /// The instance has no offer in the region.
    #[error("no price of {instance} in {region} is known{}", with(regions))]
    NoOffer {
        /// Instance id.
        instance: String,
        /// Region asked for.
        region: String,
        /// Regions that have one.
        regions: String,
    },
    /// The offer lacks these terms.
    #[error("no {purchase} price of {instance} in {region} is known")]
    NoTerm {
        /// Instance id.
        instance: String,
        /// Region.
        region: String,
        /// Terms asked for.
        purchase: &'static str,
    },
    /// The provider has no such managed service in the catalog.
    #[error("no {kind} service of {provider} is in the catalog")]
    NoService {
        /// Provider id.
        provider: String,
        /// What the service would do.
        kind: &'static str,
    },
    /// The premium of the managed service is not known.
    #[error("the price of {service} is not known; the scenario may give a premium")]
    NoPremium {
        /// Service.
        service: String,
    },
    /// An owned or unlisted machine without `price_per_hour`.
    #[error("{instance} has no `price_per_hour`")]
    NoOwnedPrice {
        /// Instance id.
        instance: String,
    },
}

fn with(regions: &str) -> String {
    if regions.is_empty() { String::new() } else { format!("; priced in {regions}") }
}

impl Assumptions {
    /// Factor on every price.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.price_factor.unwrap_or(1.0)
    }

    /// Share off all that a provider sells, managed services included: a discount that names no family and no terms.
    #[must_use]
    pub fn discount_on_all(&self, provider: &str) -> f64 {
        self.discounts
            .iter()
            .find(|discount| {
                (discount.provider.is_empty() || discount.provider == provider)
                    && discount.family.is_empty()
                    && discount.purchase.is_none()
            })
            .map_or(0.0, |discount| discount.share)
    }
}

impl Tariff {
    /// The tariff of an instance in a region on given terms.
    ///
    /// # Errors
    /// When the price is unknown. It is never taken to be zero.
    pub fn of(
        catalog: &Catalog,
        instance: &Instance,
        region: &str,
        purchase: Purchase,
        owned: Option<PricePerHour>,
        assumptions: &Assumptions,
    ) -> Result<Self, Unpriced> {
        let quote = match owned {
            Some(price) => {
                Quote::plain(price, Provenance::Assumed, "price_per_hour in the scenario".to_owned())
            }
            None => quote(catalog, instance, region, purchase)?,
        };
        let negotiated = negotiated(instance, purchase, assumptions);
        let factor = (1.0 - negotiated) * (1.0 - quote.discount) * assumptions.factor();
        let scale = |price: PricePerHour| price.scaled(factor);
        let rule = catalog.billing_rule(instance);
        Ok(Self {
            hourly: PriceRange {
                low: scale(quote.range.low),
                typical: scale(quote.range.typical),
                high: scale(quote.range.high),
            },
            list: quote.range.typical,
            discount: 1.0 - (1.0 - negotiated) * (1.0 - quote.discount),
            granularity: rule.map_or(Seconds(1.0), |rule| rule.granularity),
            minimum: rule.map_or(Seconds(60.0), |rule| rule.minimum),
            purchase,
            provenance: quote.provenance,
            origin: quote.origin,
            marks: quote.marks,
            single_snapshot: quote.single_snapshot,
            commitment_utilisation: if purchase.commitment_years().is_some() {
                assumptions.commitment_utilisation
            } else {
                1.0
            },
        })
    }

    /// Time as billed: at least the minimum, rounded up to the granularity.
    #[must_use]
    pub fn billed(&self, time: Seconds) -> Seconds {
        if time.0 <= 0.0 {
            return Seconds::ZERO;
        }
        let step = self.granularity.0.max(1e-9);
        Seconds((time.0.max(self.minimum.0) / step - 1e-9).ceil() * step)
    }
}

struct Quote {
    range: PriceRange,
    discount: f64,
    provenance: Provenance,
    origin: String,
    marks: Vec<Mark>,
    single_snapshot: bool,
}

impl Quote {
    fn plain(price: PricePerHour, provenance: Provenance, origin: String) -> Self {
        let range = PriceRange { low: price, typical: price, high: price };
        Self { range, discount: 0.0, provenance, origin, marks: Vec::new(), single_snapshot: false }
    }
}

fn quote(
    catalog: &Catalog,
    instance: &Instance,
    region: &str,
    purchase: Purchase,
) -> Result<Quote, Unpriced> {
    if purchase == Purchase::Owned {
        return Err(Unpriced::NoOwnedPrice { instance: instance.id() });
    }
    let offer = instance.offer(region).ok_or_else(|| {
        let mut regions: Vec<&str> =
            instance.offers.iter().map(|offer| offer.region.as_str()).take(6).collect();
        regions.sort_unstable();
        Unpriced::NoOffer { instance: instance.id(), region: region.to_owned(), regions: regions.join(", ") }
    })?;
    let no_term =
        || Unpriced::NoTerm { instance: instance.id(), region: region.to_owned(), purchase: purchase.word() };
    let day = |day: Option<crate::units::Date>| day.map_or_else(String::new, |day| format!(", {day}"));
    let origin = format!("{} {region}{}", instance.id(), day(offer.fact.as_of));
    let mut quote = match purchase {
        Purchase::Spot => {
            let spot = offer.spot.ok_or_else(no_term)?;
            let single_snapshot = spot.low == spot.high;
            // One snapshot of unknown day: spot prices move by a factor of two, but not above on-demand.
            let range = if single_snapshot {
                let twice = spot.typical.scaled(2.0);
                let high = offer.on_demand.map_or(twice, |on_demand| twice.min(on_demand));
                PriceRange { low: spot.typical.scaled(0.5), typical: spot.typical, high }
            } else {
                PriceRange { low: spot.low, typical: spot.typical, high: spot.high }
            };
            let origin = format!("{} {region} spot{}", instance.id(), day(spot.as_of));
            let provenance = Provenance::Catalog;
            Quote { range, discount: 0.0, provenance, origin, marks: Vec::new(), single_snapshot }
        }
        _ => Quote::plain(offer.on_demand.ok_or_else(no_term)?, Provenance::Catalog, origin),
    };
    if let Some(years) = purchase.commitment_years() {
        let discount = catalog.commitment(instance, years).ok_or_else(no_term)?;
        quote.discount = discount.percent / 100.0;
        quote.origin.push_str(&format!(", {} {} years −{} %", discount.scheme, years, discount.percent));
    }
    quote.marks = offer
        .marks
        .iter()
        .copied()
        .filter(|mark| (*mark == Mark::OldSpot) == (purchase == Purchase::Spot))
        .collect();
    Ok(quote)
}

fn negotiated(instance: &Instance, purchase: Purchase, assumptions: &Assumptions) -> f64 {
    let family = instance.family.as_deref().unwrap_or_default();
    assumptions
        .discounts
        .iter()
        .find(|discount| {
            (discount.provider.is_empty() || discount.provider == instance.provider)
                && (discount.family.is_empty()
                    || family == discount.family
                    || instance.name.starts_with(&discount.family))
                && discount.purchase.is_none_or(|wanted| wanted == purchase)
        })
        .map_or(0.0, |discount| discount.share)
}
