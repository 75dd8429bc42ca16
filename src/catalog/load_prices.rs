//! Instances and offers: all-in prices, TPU slices, and hosts combined with accelerators.

use std::collections::BTreeMap;

use crate::document::{Code, Diagnostics, Reader};
use crate::units::{Bytes, PricePerHour};

use super::instance::{Instance, InstanceKind, Offer, SpotPrice};
use super::load::{Catalog, FileReader, date, owned};

/// A TPU chip at more than this a chip-hour is a catalogue's way of saying "no price"; so is any accelerator.
const SENTINEL_USD_PER_ACCELERATOR_HOUR: f64 = 100.0;

/// Hosts and attachments, before they are combined.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    /// Hosts by `provider/name`.
    hosts: BTreeMap<String, Instance>,
    /// Attachments by `provider/name`.
    attachments: BTreeMap<String, Attachment>,
    /// Hosts that attachments allow.
    rules: Vec<AttachRule>,
    /// Machine types made of both.
    composed: Vec<Composed>,
}

#[derive(Clone, Debug)]
struct Attachment {
    accelerator: String,
    /// By region and count.
    offers: Vec<(u64, Offer)>,
}

#[derive(Clone, Debug)]
struct AttachRule {
    accelerator: String,
    count: u64,
    max_vcpus: Option<u64>,
    max_memory: Option<Bytes>,
    host_family: Option<String>,
}

#[derive(Clone, Debug)]
struct Composed {
    provider: String,
    name: String,
    host: String,
    attachment: String,
    count: u64,
    shape: Instance,
}

impl Catalog {
    pub(super) fn add_prices(&mut self, file: &FileReader<'_>, faults: &mut Diagnostics) {
        let provider = file.reader.text("provider").unwrap_or("user");
        for entry in file.reader.tables("instance") {
            let instance = instance(&entry, provider, file, faults);
            self.keep_place(format!("instance {}", instance.id()), &entry, "accelerator");
            self.instances.insert(instance.id(), instance);
        }
        for entry in file.reader.tables("host") {
            let host = instance(&entry, provider, file, faults);
            self.parts.hosts.insert(host.id(), host);
        }
        for entry in file.reader.tables("attachment") {
            let offers = entry
                .tables("offers")
                .iter()
                .map(|offer_entry| {
                    let count = offer_entry.count("count").unwrap_or(1);
                    (count, offer(offer_entry, count as f64, file, faults))
                })
                .collect();
            let attachment = Attachment { accelerator: owned(&entry, "accelerator"), offers };
            self.parts.attachments.insert(format!("{provider}/{}", owned(&entry, "name")), attachment);
        }
        for entry in file.reader.tables("attach_rule") {
            self.parts.rules.push(AttachRule {
                accelerator: owned(&entry, "accelerator"),
                count: entry.count("count").unwrap_or(1),
                max_vcpus: entry.count("max_vcpus"),
                max_memory: entry.bytes("max_memory"),
                host_family: entry.text("host_family").map(str::to_owned),
            });
        }
        for entry in file.reader.tables("composed") {
            self.parts.composed.push(Composed {
                provider: provider.to_owned(),
                name: owned(&entry, "name"),
                host: owned(&entry, "host"),
                attachment: owned(&entry, "attachment"),
                count: entry.count("count").unwrap_or(1),
                shape: instance(&entry, provider, file, faults),
            });
        }
    }

    /// Builds the machine types whose price is host plus attachment.
    pub(super) fn compose(&mut self, faults: &mut Diagnostics) {
        for composed in std::mem::take(&mut self.parts.composed) {
            let host = self.parts.hosts.get(&format!("{}/{}", composed.provider, composed.host));
            let attachment =
                self.parts.attachments.get(&format!("{}/{}", composed.provider, composed.attachment));
            match (host, attachment) {
                (Some(host), Some(attachment)) => {
                    let mut built = combine(host, attachment, composed.count, composed.name.clone());
                    let shape = composed.shape;
                    built.network = shape.network.or(built.network);
                    built.local_disk = shape.local_disk.or(built.local_disk);
                    built.family = shape.family.or(built.family);
                    self.instances.entry(built.id()).or_insert(built);
                }
                _ => faults.push(crate::document::Diagnostic::new(
                    Code::UnknownName,
                    "composed",
                    format!("`{}` names a host or attachment that is not there", composed.name),
                )),
            }
        }
    }

    /// A host with accelerators attached, as `gcp/n1-standard-16+4xT4`; `None` when the text has no such form or
    /// names nothing, or when the provider does not allow the combination.
    #[must_use]
    pub fn attached(&self, id: &str) -> Option<Instance> {
        let (host_id, attached) = id.split_once('+')?;
        let (count, accelerator) = attached.split_once('x')?;
        let count: u64 = count.parse().ok()?;
        let provider = host_id.split('/').next()?;
        let host = self.parts.hosts.get(host_id).or_else(|| self.instances.get(host_id))?;
        let (_, attachment) = self
            .parts
            .attachments
            .iter()
            .find(|(name, found)| name.starts_with(provider) && found.accelerator == accelerator)?;
        let allowed = self.parts.rules.iter().any(|rule| {
            rule.accelerator == accelerator
                && rule.count == count
                && rule.max_vcpus.is_none_or(|most| host.vcpus.is_none_or(|vcpus| vcpus <= most as f64))
                && rule.max_memory.is_none_or(|most| host.memory.is_none_or(|memory| memory <= most))
                && rule.host_family.as_deref().is_none_or(|family| host.name.starts_with(family))
        });
        let name = format!("{}+{attached}", host.name);
        allowed.then(|| combine(host, attachment, count, name))
    }
}

fn combine(host: &Instance, attachment: &Attachment, count: u64, name: String) -> Instance {
    let mut offers = Vec::new();
    for host_offer in &host.offers {
        let exact =
            attachment.offers.iter().find(|(of, offer)| *of == count && offer.region == host_offer.region);
        let scaled = || {
            let (of, offer) =
                attachment.offers.iter().find(|(_, offer)| offer.region == host_offer.region)?;
            Some((offer, count as f64 / *of as f64))
        };
        let Some((part, factor)) = exact.map(|(_, offer)| (offer, 1.0)).or_else(scaled) else { continue };
        offers.push(add_offers(host_offer, part, factor));
    }
    Instance {
        name,
        kind: InstanceKind::Composed,
        accelerator: Some(attachment.accelerator.clone()),
        accelerators: count as f64,
        offers,
        ..host.clone()
    }
}

/// On-demand with on-demand and spot with spot; what either lacks, the sum lacks.
fn add_offers(host: &Offer, part: &Offer, factor: f64) -> Offer {
    let both = |left: Option<PricePerHour>, right: Option<PricePerHour>| Some(left? + right?.scaled(factor));
    let spot = host.spot.zip(part.spot).map(|(left, right)| SpotPrice {
        low: left.low + right.low.scaled(factor),
        typical: left.typical + right.typical.scaled(factor),
        high: left.high + right.high.scaled(factor),
        as_of: left.as_of.min(right.as_of),
    });
    let mut fact = host.fact.clone();
    fact.as_of = fact.as_of.min(part.fact.as_of);
    fact.sources
        .extend(part.fact.sources.iter().filter(|source| !host.fact.sources.contains(source)).cloned());
    Offer {
        region: host.region.clone(),
        on_demand: both(host.on_demand, part.on_demand),
        spot,
        fact,
        marks: Vec::new(),
    }
}

fn instance(entry: &Reader<'_>, provider: &str, file: &FileReader<'_>, faults: &mut Diagnostics) -> Instance {
    let accelerators = entry.number("accelerators").unwrap_or(0.0);
    let offers = entry.tables("offers").iter().map(|item| offer(item, accelerators, file, faults)).collect();
    Instance {
        provider: provider.to_owned(),
        name: owned(entry, "name"),
        kind: if entry.text("kind") == Some("tpu-slice") {
            InstanceKind::TpuSlice
        } else {
            InstanceKind::Machine
        },
        accelerator: entry.text("accelerator").map(str::to_owned),
        accelerators,
        vcpus: entry.number("vcpus"),
        memory: entry.bytes("memory"),
        network: entry.byte_rate("network"),
        local_disk: entry.bytes("local_disk"),
        cpu: entry.text("cpu").map(str::to_owned),
        family: entry.text("family").map(str::to_owned),
        hosts: entry.count("hosts").unwrap_or(1),
        offers,
    }
}

/// One price row; sentinels and spot prices at or above on-demand are refused.
fn offer(entry: &Reader<'_>, accelerators: f64, file: &FileReader<'_>, faults: &mut Diagnostics) -> Offer {
    let fact = file.fact(entry, faults);
    let single = entry.price_per_hour("spot");
    let typical = entry.price_per_hour("spot_typical").or(single);
    let spot = typical.map(|typical| SpotPrice {
        low: entry.price_per_hour("spot_low").unwrap_or(typical),
        typical,
        high: entry.price_per_hour("spot_high").unwrap_or(typical),
        as_of: date(entry, "spot_as_of", faults).or(fact.as_of),
    });
    let on_demand = entry.price_per_hour("on_demand");
    let mut refuse = |key: &str, message: String| {
        faults.push(
            entry
                .fault(Code::Refused, "offers", key, message)
                .suggest("leave the price out: missing is unknown"),
        );
    };
    let limit = SENTINEL_USD_PER_ACCELERATOR_HOUR * accelerators.max(1.0);
    for (key, price) in [("on_demand", on_demand), ("spot", typical)] {
        if let Some(price) = price.filter(|price| price.usd_per_hour() > limit) {
            refuse(key, format!("{} is a sentinel, not a price", price.0));
        }
    }
    if let (Some(on_demand), Some(spot)) = (on_demand, spot) {
        if spot.typical >= on_demand {
            refuse("spot", format!("spot {} is not below on-demand {}", spot.typical.0, on_demand.0));
        }
        if !(spot.low <= spot.typical && spot.typical <= spot.high) {
            refuse("spot_low", "the spot range is not ordered low, typical, high".to_owned());
        }
    }
    Offer { region: owned(entry, "region"), on_demand, spot, fact, marks: Vec::new() }
}
