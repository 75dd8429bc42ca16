//! Machines that a cloud manages: a premium on their price, or a price by the active hour in its place.

use crate::catalog::{Catalog, Instance, Provenance, Purchase, ServiceKind, ServiceUnit};
use crate::units::{Bytes, PricePerHour, Seconds};

use super::super::tariff::Unpriced;
use super::super::{Assumptions, PriceRange, Tariff};

/// A machine in somebody else's care.
#[derive(Clone, Debug, PartialEq)]
pub struct Hosted {
    /// The machine itself; its time is counted as the service counts it.
    pub machine: Tariff,
    /// Hourly fee of the service on top of the machine.
    pub fee: PricePerHour,
    /// The fee as a share of the machine's price after discounts.
    pub premium: f64,
    /// Whether it costs while no request is there.
    pub idle_billed: bool,
    /// How the fee is known.
    pub provenance: Provenance,
    /// Where the fee comes from.
    pub origin: String,
}

impl Hosted {
    /// The tariff of a machine under a managed service. The fee is a share of the on-demand price; commitments and spot
    /// terms do not lower it, a discount negotiated on all that the provider sells does. `premium` is the
    /// scenario's own figure.
    ///
    /// # Errors
    /// When the machine or the premium has no price.
    pub fn of(
        catalog: &Catalog,
        (instance, region): (&Instance, &str),
        (purchase, owned): (Purchase, Option<PricePerHour>),
        (kind, premium): (ServiceKind, Option<f64>),
        assumptions: &Assumptions,
    ) -> Result<Self, Unpriced> {
        let mut machine = Tariff::of(catalog, instance, region, purchase, owned, assumptions)?;
        let service = catalog.managed(&instance.provider, kind, instance.accelerator.as_deref());
        let (share, provenance, origin) = match (premium, service) {
            (Some(share), _) => (share, Provenance::Assumed, "premium in the scenario".to_owned()),
            (None, None) => {
                let provider = instance.provider.clone();
                return Err(Unpriced::NoService { provider, kind: kind.word() });
            }
            (None, Some(service)) => {
                let id = service.id();
                let share = service.premium.ok_or_else(|| Unpriced::NoPremium { service: id.clone() })?;
                let same = service.accelerator.is_none() || service.accelerator == instance.accelerator;
                let known = if same { Provenance::Catalog } else { Provenance::Extrapolated };
                (share, known, format!("{id} {} %", 100.0 * share))
            }
        };
        if let Some(rule) = service.and_then(|service| catalog.service_rule(service)) {
            (machine.granularity, machine.minimum) = (rule.granularity, rule.minimum);
        }
        let on_demand = owned
            .or_else(|| instance.offer(region).and_then(|offer| offer.on_demand))
            .unwrap_or(machine.list);
        let kept = 1.0 - assumptions.discount_on_all(&instance.provider);
        let fee = on_demand.scaled(share * kept * assumptions.factor());
        let hourly = machine.hourly.typical.usd_per_hour();
        let premium = if hourly > 0.0 { fee.usd_per_hour() / hourly } else { 0.0 };
        let idle_billed = service.is_none_or(|service| service.idle_billed);
        Ok(Self { machine, fee, premium, idle_billed, provenance, origin })
    }

    /// Machine and fee as one tariff.
    #[must_use]
    pub fn tariff(&self) -> Tariff {
        let with_fee = |price: PricePerHour| price + self.fee;
        let hourly = self.machine.hourly;
        Tariff {
            hourly: PriceRange {
                low: with_fee(hourly.low),
                typical: with_fee(hourly.typical),
                high: with_fee(hourly.high),
            },
            provenance: self.machine.provenance.max(self.provenance),
            origin: format!("{}, {}", self.machine.origin, self.origin),
            ..self.machine.clone()
        }
    }
}

/// An instance that comes and goes with requests, and costs only while it is active.
#[derive(Clone, Debug, PartialEq)]
pub struct Serverless {
    /// Price of an active hour: accelerators, vCPUs and memory.
    pub hourly: PricePerHour,
    /// vCPUs taken: what was asked for, or what the accelerator needs.
    pub vcpus: f64,
    /// Memory taken.
    pub memory: Bytes,
    /// Time to start one more instance.
    pub start: Option<Seconds>,
    /// How active time is counted.
    pub granularity: Seconds,
    /// Where the price comes from.
    pub origin: String,
}

impl Serverless {
    /// The price of an instance with accelerators (none, when `accelerators` is 0), vCPUs and memory.
    ///
    /// # Errors
    /// When the provider has no such service, or a part of it has no price.
    pub fn of(
        catalog: &Catalog,
        provider: &str,
        (accelerator, accelerators): (Option<&str>, f64),
        (vcpus, memory): (f64, Bytes),
        assumptions: &Assumptions,
    ) -> Result<Self, Unpriced> {
        let missing = || Unpriced::NoService { provider: provider.to_owned(), kind: "serverless" };
        let items = || {
            catalog
                .services
                .values()
                .filter(|item| item.provider == provider && item.kind == ServiceKind::Serverless)
        };
        let device = match accelerator.filter(|_| accelerators > 0.0) {
            Some(wanted) => {
                Some(items().find(|item| item.accelerator.as_deref() == Some(wanted)).ok_or_else(missing)?)
            }
            None => None,
        };
        let service = device.map(|item| item.service.as_str());
        let part = |unit: ServiceUnit| {
            let fits = |item: &&&crate::catalog::ManagedService| {
                item.per == Some(unit) && service.is_none_or(|service| item.service == service)
            };
            items().collect::<Vec<_>>().iter().find(fits).copied().ok_or_else(missing)
        };
        let priced = |item: &crate::catalog::ManagedService| {
            item.hourly.ok_or_else(|| Unpriced::NoPremium { service: item.id() })
        };
        let least = |of: Option<f64>| of.unwrap_or(0.0) * accelerators;
        let vcpus = vcpus.max(least(device.and_then(|item| item.least_vcpus)));
        let memory = Bytes(memory.0.max(least(device.and_then(|item| item.least_memory).map(|held| held.0))));
        let (cpu, gib) = (part(ServiceUnit::Vcpu)?, part(ServiceUnit::Gib)?);
        let mut hourly = priced(cpu)?.scaled(vcpus) + priced(gib)?.scaled(memory.gib());
        if let Some(item) = device {
            hourly = hourly + priced(item)?.scaled(accelerators);
        }
        let kept = 1.0 - assumptions.discount_on_all(provider);
        Ok(Self {
            hourly: hourly.scaled(kept * assumptions.factor()),
            vcpus,
            memory,
            start: device.and_then(|item| item.start),
            granularity: catalog.service_rule(cpu).map_or(Seconds(1.0), |rule| rule.granularity),
            origin: format!("{provider}/{}", cpu.service),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cost::NegotiatedDiscount;

    fn hosted(
        id: &str,
        purchase: Purchase,
        premium: Option<f64>,
        assumptions: &Assumptions,
    ) -> Result<Hosted, Unpriced> {
        let catalog = Catalog::read(&[]).unwrap();
        let instance = catalog.instance(id).unwrap();
        let region = if instance.provider == "gcp" { "us-central1" } else { "us-east-1" };
        let kind = (ServiceKind::Endpoint, premium);
        Hosted::of(&catalog, (&instance, region), (purchase, None), kind, assumptions)
    }

    fn usual() -> Assumptions {
        Assumptions { commitment_utilisation: 1.0, ..Assumptions::default() }
    }

    #[test]
    fn the_published_bill_comes_out() {
        // 8 A100 under Vertex AI: 35.26 USD/h.
        let hosted = hosted("gcp/a2-highgpu-8g", Purchase::OnDemand, None, &usual()).unwrap();
        let bill = hosted.tariff().hourly.typical.usd_per_hour();
        assert!((bill - 35.26).abs() < 0.01, "{bill}");
        assert_eq!((hosted.provenance, hosted.idle_billed), (Provenance::Catalog, true));
    }

    #[test]
    fn commitments_do_not_lower_the_fee_and_discounts_on_all_do() {
        let list = hosted("gcp/a2-highgpu-8g", Purchase::OnDemand, None, &usual()).unwrap();
        let committed = hosted("gcp/a2-highgpu-8g", Purchase::CommittedOneYear, None, &usual()).unwrap();
        assert_eq!(committed.fee, list.fee);
        assert!(committed.machine.hourly.typical < list.machine.hourly.typical && committed.premium > 0.2);
        let discount = |family: &str| {
            let (provider, family) = ("gcp".to_owned(), family.to_owned());
            let discounts = vec![NegotiatedDiscount { provider, family, purchase: None, share: 0.25 }];
            let assumptions = Assumptions { discounts, ..usual() };
            hosted("gcp/a2-highgpu-8g", Purchase::OnDemand, None, &assumptions).unwrap()
        };
        assert_eq!(discount("").fee, list.fee.scaled(0.75));
        assert_eq!(discount("a2").fee, list.fee);
        let doubled = Assumptions { price_factor: Some(2.0), ..usual() };
        let doubled = hosted("gcp/a2-highgpu-8g", Purchase::OnDemand, None, &doubled).unwrap();
        assert_eq!(doubled.fee, list.fee.scaled(2.0));
    }

    #[test]
    fn what_is_not_known_is_not_zero() {
        let unknown = hosted("aws/g5.xlarge", Purchase::OnDemand, None, &usual());
        assert!(unknown.unwrap_err().to_string().contains("sagemaker"));
        let own = hosted("aws/g5.xlarge", Purchase::OnDemand, Some(0.15), &usual()).unwrap();
        assert_eq!((own.provenance, own.fee), (Provenance::Assumed, own.machine.list.scaled(0.15)));
        let other = hosted("gcp/g2-standard-8", Purchase::OnDemand, None, &usual()).unwrap();
        assert_eq!(other.provenance, Provenance::Extrapolated);
    }

    #[test]
    fn a_serverless_instance_is_dearer_by_the_hour_and_cheaper_when_rarely_used() {
        let catalog = Catalog::read(&[]).unwrap();
        let of = |accelerator, vcpus| {
            let size = (vcpus, Bytes::from_gib(32.0));
            Serverless::of(&catalog, "gcp", (Some(accelerator), 1.0), size, &usual())
        };
        let active = of("L4", 8.0).unwrap();
        // 0.67 + 8 × 0.07776 + 32 × 0.00864, near the 1.40 that one user reported in another region.
        assert!((active.hourly.usd_per_hour() - 1.56856).abs() < 1e-9, "{}", active.hourly.usd_per_hour());
        assert_eq!((of("L4", 1.0).unwrap().vcpus, active.granularity), (4.0, Seconds(0.1)));
        assert!(of("T4", 8.0).is_err());
    }
}
