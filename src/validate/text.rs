//! What the words of published tables mean. Rules over text only: no catalog, no value.

use super::configuration::StatedPrecision;

/// The stack that a row's framework, round and interconnect tell.
pub(super) fn stack(framework: &str, round: &str, interconnect: &str) -> &'static str {
    let framework = framework.to_lowercase();
    if !round.is_empty() {
        return "mlperf";
    }
    if framework.contains("deeplearningexamples") {
        return "ngc";
    }
    if framework.starts_with("deepspeed") {
        return "ds";
    }
    // Gavel's cluster measurements.
    if interconnect.starts_with("workers ") {
        return "research";
    }
    let named = [("tensorflow2", "tf2"), ("tensorflow", "tf1"), ("mx", "mxnet"), ("paddle", "paddle")];
    named.iter().find(|(start, _)| framework.starts_with(start)).map_or("pytorch", |(_, stack)| *stack)
}

/// The precision that a row states; benchmarks that say nothing train in mixed precision.
pub(super) fn precision(stated: &str) -> StatedPrecision {
    let stated = stated.to_lowercase();
    let mixed = stated.is_empty()
        || stated.starts_with("amp")
        || stated == "fp16"
        || stated == "bf16"
        || stated == "fp8"
        || stated.contains("mixed");
    if mixed {
        StatedPrecision::Mixed
    } else if stated.starts_with("tf32") {
        StatedPrecision::Tf32
    } else {
        StatedPrecision::Single
    }
}

/// The fabric inside a host where the interconnect column states it for this row: how workers were placed, or for
/// benchmark rounds the link of this very machine.
pub(super) fn inside(interconnect: &str, stack: &str, sxm: bool) -> Option<&'static str> {
    let text = interconnect.to_lowercase();
    if text.contains("unconsolidated") || text.contains("spread") {
        Some("spread")
    } else if text.contains("packed") {
        Some("packed")
    } else if stack == "mlperf" && (text.contains("nvlink") || text.contains("nvswitch")) {
        Some("nvlink")
    } else if stack == "mlperf" && text.contains("pcie") && !sxm {
        Some("pcie")
    } else {
        None
    }
}

/// The variant of a model: the last part of its published name.
pub(super) fn variant(model: &str) -> String {
    let bare = model.replace("Model=", "").replace("arch=", "");
    bare.rsplit('/').next().unwrap_or_default().to_lowercase()
}

/// Whether a unit counts tokens.
pub(super) fn counts_tokens(unit: &str) -> bool {
    let unit = unit.to_lowercase();
    unit.contains("token") || unit.starts_with("tok")
}

/// Bytes per second of the Ethernet card of a host whose rate is not told: 10 Gbit/s.
const USUAL_ETHERNET: f64 = 1.25e9;

/// The network between hosts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Plain Ethernet, and not InfiniBand or its like.
    pub tcp: bool,
    /// Nominal bytes per second of a host, where the text tells.
    pub bandwidth: Option<f64>,
}

impl Network {
    /// Bytes per second of a host's cards; `None` where the device's generation tells best.
    pub(super) fn card(self) -> Option<f64> {
        self.bandwidth.or(self.tcp.then_some(USUAL_ETHERNET))
    }
}

/// When the results of a benchmark round were published, as a year: `v0.5` at the end of 2018, then one or two rounds a
/// year. `None` of what is no round.
pub(super) fn round_year(round: &str) -> Option<f64> {
    let (major, minor) = round.strip_prefix('v')?.split_once('.')?;
    let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    let (major, minor) = (f64::from(major), f64::from(minor));
    Some(if major < 1.0 { 2018.9 + 0.8 * (minor - 5.0) } else { 2020.5 + major + 0.4 * minor })
}

/// The network that an interconnect column names, after `host net:` where it has one; `None` when it names none.
pub(super) fn network(interconnect: &str) -> Option<Network> {
    let text = interconnect.to_lowercase();
    let text = text.rsplit("host net:").next().unwrap_or_default();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let direct =
        has(&["infiniband", "connectx", " ib", "hdr", "ndr", "edr", "omni-path", "mellanox", "roce", "efa"]);
    if !direct && !has(&["ethernet", "gbe", "10gb", "unconsolidated", "packed"]) {
        return None;
    }
    let cards: Vec<&str> = text.split([',', '+', ';']).collect();
    let for_data = |card: &&&str| !card.contains("storage") && !card.contains("management");
    let rate: f64 = cards.iter().filter(for_data).filter_map(|card| card_rate(card)).sum();
    Some(Network { tcp: !direct, bandwidth: (rate > 0.0).then_some(rate) })
}

/// Bytes per second of `8x connectx-7 ib ndr 400gb/s`: the count before `x` times the gigabits before `gb`.
fn card_rate(card: &str) -> Option<f64> {
    let gigabits = number_before(card, card.find("gb")?)?;
    let count = card.find('x').and_then(|at| number_before(card, at)).unwrap_or(1.0);
    Some(count * gigabits * 1e9 / 8.0)
}

fn number_before(text: &str, end: usize) -> Option<f64> {
    let text = text[..end].trim_end();
    let digits = text.rfind(|letter: char| !letter.is_ascii_digit()).map_or(text, |at| {
        let width = text[at..].chars().next().map_or(1, char::len_utf8);
        &text[at + width..]
    });
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_networks_are_read_from_words() {
        let text = "NVLINK Gen4 | host net: Storage: 2x ConnectX-7 IB NDR 400Gb/s, Compute: 8x ConnectX-7 IB NDR 400Gb/s";
        let network = network(text).unwrap();
        assert_eq!((network.tcp, network.bandwidth), (false, Some(8.0 * 400e9 / 8.0)));
        assert_eq!(super::network("NVLink | host net:"), None);
        assert_eq!(super::network("| host net: Gig Ethernet").unwrap().card(), Some(USUAL_ETHERNET));
    }

    #[test]
    fn rounds_have_a_year() {
        assert_eq!(["v0.7", "v1.1", "v5.0"].map(round_year), [2020.5, 2021.9, 2025.5].map(Some));
        assert_eq!(["", "v1", "5.0", "vx.y"].map(round_year), [None; 4]);
    }

    #[test]
    fn workers_that_are_spread_share_no_host() {
        assert_eq!(
            inside("workers spread over machines (unconsolidated)", "research", false),
            Some("spread")
        );
        assert_eq!(
            inside("workers packed on fewest machines (consolidated)", "research", false),
            Some("packed")
        );
        assert_eq!(inside("single host (PCIe or NVLink per product)", "pytorch", false), None);
    }

    #[test]
    fn variants_drop_folder_and_option_names() {
        assert_eq!(variant("Classification/ConvNets Model=resnet50"), "convnets resnet50");
        assert_eq!(variant("ResNet-50 v1.5"), "resnet-50 v1.5");
    }
}
