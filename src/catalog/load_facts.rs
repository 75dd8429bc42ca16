//! Storage, egress, billing, discounts, carbon, fabrics, failures, spot processes and input-pipeline facts.

use crate::document::{Diagnostics, Reader};
use crate::units::{Bytes, PricePerByteMonth, Seconds};

use super::facts::{
    BillingRule, BootTimes, CarbonRegion, DecodeScaling, Discount, Egress, EgressKind, Fabric, FabricScope,
    FailureRates, Phases, RestartTimes, SpotProcess, Storage, StorageKind, StorageReader,
};
use super::load::{Catalog, FileReader, owned};

impl Catalog {
    pub(super) fn add_facts(&mut self, file: &FileReader<'_>, faults: &mut Diagnostics) {
        self.add_storage(file, faults);
        self.add_tariffs(file, faults);
        self.add_failures(file, faults);
        self.add_spot(file, faults);
        self.add_pipeline(file, faults);
    }

    fn add_storage(&mut self, file: &FileReader<'_>, faults: &mut Diagnostics) {
        before(&mut self.storage, file.reader.tables("storage"), |entry| {
            Some(Storage {
                provider: owned(entry, "provider"),
                product: owned(entry, "product"),
                kind: match entry.text("kind") {
                    Some("block") => StorageKind::Block,
                    Some("file") => StorageKind::File,
                    Some("local") => StorageKind::Local,
                    _ => StorageKind::Object,
                },
                region: entry.text("region").unwrap_or("any").to_owned(),
                capacity: entry.money("capacity").map(PricePerByteMonth),
                retrieval: entry.money("retrieval"),
                throughput_per_byte: entry
                    .byte_rate("throughput_per_gib")
                    .map(|rate| rate.0 / Bytes::from_gib(1.0).0),
                max_read: entry.byte_rate("max_read"),
                max_write: entry.byte_rate("max_write"),
                class_a: entry.money("class_a"),
                class_b: entry.money("class_b"),
                fact: file.fact(entry, faults),
            })
        });
        let mut egress = Vec::new();
        before(&mut egress, file.reader.tables("egress"), |entry| {
            Some(Egress {
                provider: owned(entry, "provider"),
                kind: match entry.text("kind") {
                    Some("inter-region") => EgressKind::InterRegion,
                    Some("inter-zone") => EgressKind::InterZone,
                    Some("ingress") => EgressKind::Ingress,
                    _ => EgressKind::Internet,
                },
                region: entry.text("region").map(str::to_owned),
                from: entry.bytes("from").unwrap_or(Bytes::ZERO),
                price: entry.money("price").unwrap_or_default(),
                fact: file.fact(entry, faults),
            })
        });
        // Tiers belong together: those of a later file take the place of all tiers of that way out.
        self.egress.retain(|old: &Egress| {
            let way = |tier: &Egress| {
                let region = tier.region.clone().unwrap_or_else(|| "any".to_owned());
                (tier.provider.clone(), tier.kind, region)
            };
            !egress.iter().any(|new| way(new) == way(old))
        });
        self.egress.splice(0..0, egress);
    }

    fn add_tariffs(&mut self, file: &FileReader<'_>, faults: &mut Diagnostics) {
        before(&mut self.billing, file.reader.tables("rule"), |entry| {
            Some(BillingRule {
                provider: owned(entry, "provider"),
                product: owned(entry, "product"),
                granularity: entry.seconds("granularity").unwrap_or(Seconds(1.0)),
                minimum: entry.seconds("minimum").unwrap_or(Seconds::ZERO),
                fact: file.fact(entry, faults),
            })
        });
        before(&mut self.discounts, file.reader.tables("discount"), |entry| {
            let percent = entry.number("percent")?;
            Some(Discount {
                provider: owned(entry, "provider"),
                scheme: owned(entry, "scheme"),
                family: entry.text("family").unwrap_or_default().to_owned(),
                term_years: entry.number("term_years").unwrap_or(0.0),
                percent,
                ceiling: entry.text("basis") == Some("up to"),
                fact: file.fact(entry, faults),
            })
        });
        before(&mut self.carbon, file.reader.tables("region"), |entry| {
            let grams_per_kwh = entry.number("grid_gco2eq_per_kwh")?;
            Some(CarbonRegion {
                provider: owned(entry, "provider"),
                region: owned(entry, "region"),
                grams_per_kwh,
                pue: entry.number("pue"),
                fact: file.fact(entry, faults),
            })
        });
    }

    fn add_failures(&mut self, file: &FileReader<'_>, faults: &mut Diagnostics) {
        for entry in file.reader.tables("rate") {
            let rates = FailureRates {
                environment: owned(&entry, "environment"),
                per_node_day: entry.number("node_failures_per_node_day").unwrap_or(0.0),
                per_job_day: entry.number("job_failures_per_day").unwrap_or(0.0),
                fact: file.fact(&entry, faults),
            };
            self.failures.insert(rates.environment.clone(), rates);
        }
        for entry in file.reader.tables("restart") {
            let times = RestartTimes {
                name: owned(&entry, "name"),
                low: seconds(&entry, "low"),
                typical: seconds(&entry, "typical"),
                high: seconds(&entry, "high"),
                fact: file.fact(&entry, faults),
            };
            self.restarts.insert(times.name.clone(), times);
        }
        for entry in file.reader.tables("boot") {
            // Weights are a serving matter; a training job restores its checkpoint instead.
            let parts =
                |key| ["vm", "driver", "image"].iter().map(|part| seconds(&entry.table(part), key)).sum();
            let times = BootTimes {
                provider: owned(&entry, "provider"),
                low: parts("low"),
                typical: parts("typical"),
                high: parts("high"),
                fact: file.fact(&entry, faults),
            };
            self.boots.insert(times.provider.clone(), times);
        }
        for entry in file.reader.tables("notice") {
            self.notices.insert(owned(&entry, "provider"), entry.number("seconds").unwrap_or(0.0));
        }
    }

    fn add_spot(&mut self, file: &FileReader<'_>, faults: &mut Diagnostics) {
        for entry in file.reader.tables("process") {
            let phases = |key| {
                let law = entry.table(key);
                Phases { p: law.numbers("p"), mean_hours: law.numbers("mean_hours") }
            };
            let process = SpotProcess {
                id: owned(&entry, "id"),
                provider: owned(&entry, "provider"),
                instance_class: owned(&entry, "instance_class"),
                zone: entry.text("zone").unwrap_or_default().to_owned(),
                up: phases("up"),
                down: phases("down"),
                up_quantiles: entry.numbers("up_hours_quantiles"),
                down_quantiles: entry.numbers("down_hours_quantiles"),
                availability: entry.number("mean_availability").unwrap_or(1.0),
                fact: file.fact(&entry, faults),
            };
            self.spot.insert(process.id.clone(), process);
        }
    }

    fn add_pipeline(&mut self, file: &FileReader<'_>, faults: &mut Diagnostics) {
        for entry in file.reader.tables("fabric") {
            let fabric = Fabric {
                name: owned(&entry, "name"),
                scope: if entry.text("scope") == Some("inter-node") {
                    FabricScope::InterNode
                } else {
                    FabricScope::IntraNode
                },
                alpha: seconds(&entry, "alpha"),
                bandwidth_share: entry.number("bandwidth_share").unwrap_or(1.0),
                large_message_bandwidth: entry.byte_rate("large_message_bandwidth"),
                uncertainty: entry.number("uncertainty").unwrap_or(0.0),
                fact: file.fact(&entry, faults),
            };
            self.fabrics.insert(fabric.name.clone(), fabric);
        }
        for entry in file.reader.tables("usl") {
            let scaling = DecodeScaling {
                cpu: owned(&entry, "cpu"),
                sigma: entry.number("sigma").unwrap_or(0.0),
                kappa: entry.number("kappa").unwrap_or(0.0),
                relative_error: entry.number("relative_error").unwrap_or(0.0),
                fact: file.fact(&entry, faults),
            };
            self.decode.insert(scaling.cpu.clone(), scaling);
        }
        for entry in file.reader.tables("reader") {
            let found = StorageReader {
                product: owned(&entry, "product"),
                stream: entry.byte_rate("single_stream"),
                aggregate: entry.byte_rate("aggregate"),
                latency: entry.seconds("latency"),
                fact: file.fact(&entry, faults),
            };
            // Several measurements of one product complete each other; the first of each figure holds.
            match self.readers.get_mut(&found.product) {
                Some(known) => {
                    known.stream = known.stream.or(found.stream);
                    known.aggregate = known.aggregate.or(found.aggregate);
                    known.latency = known.latency.or(found.latency);
                }
                None => {
                    self.readers.insert(found.product.clone(), found);
                }
            }
        }
    }
}

fn seconds(entry: &Reader<'_>, key: &str) -> Seconds {
    entry.seconds(key).unwrap_or(Seconds::ZERO)
}

/// Puts the entries of a file before those of earlier files: the first that fits is taken, so the user's own holds.
fn before<T>(list: &mut Vec<T>, entries: Vec<Reader<'_>>, mut of: impl FnMut(&Reader<'_>) -> Option<T>) {
    let new: Vec<T> = entries.iter().filter_map(&mut of).collect();
    list.splice(0..0, new);
}
