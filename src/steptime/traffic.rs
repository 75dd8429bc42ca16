//! What a step of one configuration moves over links, in seconds at nominal rates; the regression fits what is felt of it.

use super::factors::Setting;
use super::subject::ModelFacts;

/// Values of the pooled embedding vectors of a sample at most: 26 tables of 128 (Criteo).
const POOLED_VALUES: f64 = 26.0 * 128.0;
/// Bytes of a gradient between hosts, where exchanges are in 16 bit.
const GRADIENT_BYTES_ACROSS: f64 = 2.0;
/// An embedding row is read, and its gradient is added to it.
const LOOKUP_PASSES: f64 = 3.0;

/// Seconds of exchange in a micro-step, and who takes part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Traffic {
    /// Devices that the device link joins.
    pub linked: u64,
    /// Groups of so joined devices: hosts, or racks where the link spans hosts.
    pub hosts: u64,
    /// Ring all-reduce of 32-bit gradients inside: 2(n−1)/n·4P/B.
    pub inside: f64,
    /// Ring all-reduce between hosts over the cards of each: 2(k−1)/k·2P/B.
    pub across: f64,
    /// All-to-all of pooled vectors and of their gradients, on the slower tier.
    pub tables: f64,
    /// Bytes of embedding rows that one device reads and writes.
    pub lookup_bytes: f64,
}

impl Traffic {
    pub(super) fn of(setting: &Setting<'_>, model: &ModelFacts) -> Self {
        let (linked, hosts) = domains(setting);
        let accumulation = setting.accumulation.max(1.0);
        let link = fabric_bandwidth(setting);
        let of_host = setting.card.unwrap_or_else(|| usual_card(setting) * setting.devices.max(1) as f64);
        let card = of_host * linked as f64 / setting.devices.max(1) as f64;
        let sent = |ranks: u64| (ranks - 1) as f64 / ranks as f64;
        let gradients = model.reduced_parameters;
        let pooled = if model.sharded_rows { 2.0 * pooled_bytes(setting) } else { 0.0 };
        let lookups = if model.family == "rec" { setting.model.embedding_lookup_bytes.0 } else { 0.0 };
        Self {
            linked,
            hosts,
            inside: 2.0 * sent(linked) * 4.0 * gradients / link / accumulation,
            across: 2.0 * sent(hosts) * GRADIENT_BYTES_ACROSS * gradients / card / accumulation,
            tables: (pooled * sent(linked) / link).max(pooled * sent(hosts) * linked as f64 / card),
            lookup_bytes: LOOKUP_PASSES * setting.micro_batch * lookups,
        }
    }

    /// Devices of the job.
    pub(super) fn ranks(&self) -> u64 {
        self.linked * self.hosts
    }
}

/// Devices joined by their own link, and the groups of them. A rack-wide link makes hosts of the rack one group.
fn domains(setting: &Setting<'_>) -> (u64, u64) {
    let (devices, hosts) = (setting.devices.max(1), setting.hosts.max(1));
    match setting.accelerator.link_domain {
        Some(domain) if hosts > 1 => {
            let all = devices * hosts;
            let linked = all.min(domain.max(1));
            (linked, all.div_ceil(linked))
        }
        _ => (devices, hosts),
    }
}

/// Bytes of the pooled vectors of a micro-batch: no more than the rows they are pooled from.
fn pooled_bytes(setting: &Setting<'_>) -> f64 {
    let single = setting.model.embedding_lookup_bytes.0.min(POOLED_VALUES * 4.0);
    setting.micro_batch * single * setting.arithmetic.value_bytes() / 4.0
}

/// Nominal bytes per second that place the exchange; the slope is fitted. NVLink gives half its sheet's rate.
fn fabric_bandwidth(setting: &Setting<'_>) -> f64 {
    match setting.fabric {
        "nvlink" => 0.5 * setting.accelerator.link_bandwidth.map_or(150e9, |rate| rate.0),
        "pcie" => 10e9,
        "packed" => 8e9,
        "spread" => 1.5e9,
        "xgmi" => 150e9,
        "roce" | "ici" => 100e9,
        _ => 20e9,
    }
}

/// Bytes per second of a device's share of its host's cards, by the cards sold with its generation: one 10 Gbit/s
/// Ethernet card up to Maxwell, about 25 Gbit/s a device with Pascal and Turing, four 100 Gbit/s cards to eight Volta,
/// and one card a device since: HDR with Ampere and Ada, NDR with later ones, XDR with Blackwell Ultra.
fn usual_card(setting: &Setting<'_>) -> f64 {
    match setting.accelerator.generation.as_str() {
        "kepler" | "maxwell" => 1.25e9,
        "pascal" | "turing" => 3e9,
        "volta" => 6.25e9,
        "hopper" | "blackwell" => 50e9,
        "blackwell-ultra" => 100e9,
        _ => 25e9,
    }
}
