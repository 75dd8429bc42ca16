//! The registry of catalog keys. Any catalog file may hold any of these tables; those of price lists stand in
//! `keys_prices.rs`, those of models in `keys_models.rs`.

use crate::document::{Default, Key, Kind, Table};
use crate::units::Dimension;

use super::keys_engines::ENGINE;
use super::keys_models::MODEL;
use super::keys_prices::{
    API, ATTACH_RULE, ATTACHMENT, COMPOSED, DISCOUNT, EGRESS, INSTANCE, REGION, RULE, SERVICE, STORAGE,
};

pub(super) const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, default: Default::Absent, doc }
}

pub(super) const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, default: Default::Required, doc }
}

pub(super) const SOURCE: Key =
    key("source", Kind::Either(&[Kind::Text, Kind::Texts]), "Keys of `[sources]`.");
pub(super) const AS_OF: Key = key("as_of", Kind::Text, "Day the figures hold for, YYYY-MM-DD.");
pub(super) const NOTES: Key = key("notes", Kind::Text, "A remark.");
pub(super) const BYTES: Kind = Kind::positive(Dimension::Bytes);
pub(super) const TIME: Kind = Kind::non_negative(Dimension::Time);
pub(super) const BYTE_RATE: Kind = Kind::positive(Dimension::BytesPerSecond);
const FLOP_RATE: Kind = Kind::positive(Dimension::FlopsPerSecond);

/// A catalog file.
pub static CATALOG_FILE: Table = Table {
    doc: "A catalog file: accelerators, instances with offers, models and facts, in any mix.",
    keys: &[
        required("format", Kind::Count { min: 1, max: 1 }, "Version of the file format."),
        key("sources", Kind::Map(&Kind::Text), "Short keys for full citations."),
        key("provider", Kind::Text, "Provider of the instances in this file."),
        key("display_name", Kind::Text, "Provider's name in full."),
        key("currency", Kind::Choice(&["USD"]), "Currency of the prices."),
        key("hours_per_month", Kind::Number { min: 700.0, max: 760.0 }, "Hours in the provider's month."),
        key("accelerator", Kind::Tables(&ACCELERATOR), "Accelerators."),
        key("instance", Kind::Tables(&INSTANCE), "Machine types with their offers."),
        key("host", Kind::Tables(&INSTANCE), "Hosts priced without their accelerators."),
        key("attachment", Kind::Tables(&ATTACHMENT), "Accelerators priced without a host."),
        key("attach_rule", Kind::Tables(&ATTACH_RULE), "Hosts that an attachment allows."),
        key("composed", Kind::Tables(&COMPOSED), "Machine types whose price is host plus attachment."),
        key("model", Kind::Table(&MODEL), "A model."),
        key("rule", Kind::Tables(&RULE), "Billing rules."),
        key("discount", Kind::Tables(&DISCOUNT), "Discounts."),
        key("storage", Kind::Tables(&STORAGE), "Storage products."),
        key("egress", Kind::Tables(&EGRESS), "Egress tiers."),
        key("service", Kind::Tables(&SERVICE), "Managed services."),
        key("api", Kind::Tables(&API), "Prices of models behind an API."),
        key("region", Kind::Tables(&REGION), "Carbon intensity of regions."),
        key("fabric", Kind::Tables(&FABRIC), "Fitted fabrics."),
        key("rate", Kind::Tables(&RATE), "Failure rates."),
        key("restart", Kind::Tables(&RESTART), "Restart times."),
        key("boot", Kind::Tables(&BOOT), "Boot times."),
        key("notice", Kind::Tables(&NOTICE), "Notice before a spot machine is taken."),
        key("process", Kind::Tables(&PROCESS), "Spot availability."),
        key("decode", Kind::Tables(&DECODE), "Measured curves of decode workers."),
        key("record", Kind::Tables(&RECORD), "Measured rates of reading records."),
        key("usl", Kind::Tables(&USL), "Scaling of decode workers per processor family."),
        key("reader", Kind::Tables(&READER), "What one reader of a storage product gets."),
        key("engine", Kind::Tables(&ENGINE), "Serving engines."),
    ],
};

static ACCELERATOR: Table = Table {
    doc: "An accelerator, or one vCPU. Peaks are dense.",
    keys: &[
        required("name", Kind::Text, "Catalog name."),
        required("vendor", Kind::Text, "Maker."),
        required("kind", Kind::Choice(&["gpu", "tpu", "asic", "cpu"]), "Sort of device."),
        required("generation", Kind::Text, "Architecture generation."),
        key("year", Kind::Count { min: 1990, max: 2100 }, "Release year."),
        key("memory", BYTES, "Device memory."),
        key("memory_bandwidth", BYTE_RATE, "Device memory bandwidth."),
        key("peak_fp32", FLOP_RATE, "Dense 32-bit peak."),
        key("peak_tf32", FLOP_RATE, "Dense TF32 peak."),
        key("peak_16bit", FLOP_RATE, "Dense bf16/fp16 peak."),
        key("peak_fp8", FLOP_RATE, "Dense fp8 peak."),
        key("peak_int8", FLOP_RATE, "Dense int8 peak."),
        key("peak_fp4", FLOP_RATE, "Dense fp4 peak."),
        key("measured_matmul_16bit", FLOP_RATE, "Best measured 16-bit matrix product."),
        key("power", Kind::positive(Dimension::Power), "Power."),
        key("interconnect", Kind::Text, "Device link."),
        key("link_bandwidth", BYTE_RATE, "Link bandwidth per device and direction."),
        key("pcie_generation", Kind::Count { min: 1, max: 9 }, "PCIe generation."),
        key("per_host", Kind::count(), "Devices in a usual host."),
        key("link_domain", Kind::count(), "Devices that the device link joins, over hosts."),
        key("no_peer_access", Kind::Boolean, "Whether peers reach each other through host memory only."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static FABRIC: Table = Table {
    doc: "A fitted fabric.",
    keys: &[
        required("name", Kind::Text, "Name."),
        required("scope", Kind::Choice(&["intra-node", "inter-node"]), "Where it runs."),
        required("alpha", TIME, "Latency per hop."),
        required(
            "bandwidth_share",
            Kind::Number { min: 0.001, max: 1.0 },
            "Achieved share of nominal bandwidth.",
        ),
        key("large_message_bandwidth", BYTE_RATE, "Achieved bandwidth where the nominal is unknown."),
        key("uncertainty", Kind::at_least_zero(), "Relative error of the fit."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static RATE: Table = Table {
    doc: "Failure rates of an environment.",
    keys: &[
        required("environment", Kind::Text, "Environment."),
        key("node_failures_per_node_day", Kind::at_least_zero(), "Failures per node and day."),
        key("job_failures_per_day", Kind::at_least_zero(), "Further failures per job and day."),
        key("uncertainty", Kind::at_least_zero(), "Relative error of the rate."),
        key("nodes", Kind::count(), "Nodes watched."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static RESTART: Table = Table {
    doc: "Time from a failure to computing again.",
    keys: &[
        required("name", Kind::Text, "Name."),
        required("low", TIME, "Least."),
        required("typical", TIME, "Usual."),
        required("high", TIME, "Greatest."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static BOOT: Table = Table {
    doc: "Time from the grant of a machine to computing, part by part.",
    keys: &[
        required("provider", Kind::Text, "Provider id, or `any`."),
        key("vm", Kind::Table(&RANGE), "Provisioning."),
        key("driver", Kind::Table(&RANGE), "Driver."),
        key("image", Kind::Table(&RANGE), "Container image."),
        key("weights", Kind::Table(&RANGE), "Weights from storage (serving)."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static RANGE: Table = Table {
    doc: "A range of times.",
    keys: &[
        required("low", TIME, "Least."),
        required("typical", TIME, "Usual."),
        required("high", TIME, "Greatest."),
    ],
};

static NOTICE: Table = Table {
    doc: "Notice before a spot machine is taken.",
    keys: &[
        required("provider", Kind::Text, "Provider id."),
        required("seconds", Kind::at_least_zero(), "Notice in seconds."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static PROCESS: Table = Table {
    doc: "Spot availability fitted to a real trace.",
    keys: &[
        required("id", Kind::Text, "Id."),
        required("provider", Kind::Text, "Provider id."),
        required("instance_class", Kind::Text, "What was traced."),
        key("instance", Kind::Text, "Instance traced."),
        key("zone", Kind::Text, "Zone."),
        required("up", Kind::Table(&PHASES), "Law of up runs."),
        required("down", Kind::Table(&PHASES), "Law of down runs."),
        key("up_hours_quantiles", Kind::Numbers, "Quantiles of up runs, 0 to 100 %."),
        key("down_hours_quantiles", Kind::Numbers, "Quantiles of down runs, 0 to 100 %."),
        key("mean_availability", Kind::share(), "Share of time with capacity."),
        key("runs", Kind::at_least_zero(), "Runs in the trace."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static PHASES: Table = Table {
    doc: "A hyperexponential law.",
    keys: &[
        key("kind", Kind::Choice(&["hyperexponential", "exponential"]), "Law."),
        required("p", Kind::Numbers, "Probabilities."),
        required("mean_hours", Kind::Numbers, "Means."),
    ],
};

static DECODE: Table = Table {
    doc: "A measured curve of decode workers.",
    keys: &[
        required("cpu", Kind::Text, "Catalog name of the vCPU."),
        required("library", Kind::Text, "Decoder."),
        key("format", Kind::Text, "File format."),
        key("vcpus", Kind::count(), "vCPUs of the machine."),
        key("workers", Kind::Numbers, "Workers."),
        key("items_per_s", Kind::Numbers, "Rates at those workers."),
        key("single_core_items_per_s", Kind::at_least_zero(), "Rate of one core in process."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static USL: Table = Table {
    doc: "Universal scalability law of decode workers.",
    keys: &[
        required("cpu", Kind::Text, "Catalog name of the vCPU, or `any`."),
        key("library", Kind::Text, "Loader."),
        key("scope", Kind::Text, "What is counted."),
        key("vcpus", Kind::count(), "vCPUs of the machine."),
        required("sigma", Kind::share(), "Contention."),
        required("kappa", Kind::share(), "Coherency."),
        key("lambda_items_per_s", Kind::at_least_zero(), "Rate of one worker."),
        key("relative_error", Kind::at_least_zero(), "Mean error of the fit."),
        key("worst_error", Kind::at_least_zero(), "Worst error of the fit."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static READER: Table = Table {
    doc: "What readers of a storage product get.",
    keys: &[
        required("product", Kind::Text, "Product slug or class."),
        key("access", Kind::Text, "Way of access."),
        key("latency", TIME, "Time to first byte."),
        key("single_stream", BYTE_RATE, "Throughput of one stream."),
        key("aggregate", BYTE_RATE, "Most one machine gets."),
        key("streams", Kind::count(), "Streams when that was measured."),
        key("clients", Kind::count(), "Clients when that was measured."),
        key("iops", Kind::at_least_zero(), "Most I/O operations per second."),
        key("requests_per_s", Kind::at_least_zero(), "Most requests."),
        key("throughput_per_gib", BYTE_RATE, "Throughput that comes with each GiB."),
        key("max_write", BYTE_RATE, "Greatest write rate."),
        key("relative_error", Kind::at_least_zero(), "Error of the fit."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static RECORD: Table = Table {
    doc: "A measured rate of reading preprocessed records.",
    keys: &[
        required("format", Kind::Text, "Record format."),
        key("storage", Kind::Text, "Where the records lie."),
        key("vcpus", Kind::count(), "vCPUs."),
        key("items_per_s", Kind::at_least_zero(), "Rate."),
        key("sample_bytes", BYTES, "Stored bytes per sample."),
        key("convert", TIME, "Time of the conversion."),
        key("converted_bytes", BYTES, "Size after conversion."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};
