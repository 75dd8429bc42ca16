//! The keys of price lists: machines, offers, attachments, billing, discounts, storage, egress, services, regions.

use crate::document::{Kind, Table};
use crate::units::Dimension;

use super::keys::{AS_OF, BYTE_RATE, BYTES, NOTES, SOURCE, TIME, key, required};

const PRICE: Kind = Kind::positive(Dimension::MoneyPerHour);
const PER_BYTE: Kind = Kind::non_negative(Dimension::MoneyPerByte);

pub(super) static INSTANCE: Table = Table {
    doc: "A machine type.",
    keys: &[
        required("name", Kind::Text, "The cloud's own name."),
        key("kind", Kind::Choice(&["machine", "tpu-slice", "host"]), "How its price is put together."),
        key("accelerator", Kind::Text, "Catalog name of its accelerators."),
        key("accelerators", Kind::Number { min: 0.001, max: 1e6 }, "Accelerators in one instance."),
        key("vcpus", Kind::Number { min: 0.1, max: 1e7 }, "vCPUs."),
        key("memory", BYTES, "Host memory."),
        key("network", BYTE_RATE, "NIC bandwidth."),
        key("local_disk", BYTES, "Local disk in the price."),
        key("cpu", Kind::Text, "Catalog name of its vCPU."),
        key("family", Kind::Text, "Family."),
        key("hosts", Kind::count(), "Hosts of a TPU slice."),
        key("offers", Kind::Tables(&OFFER), "Prices."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static OFFER: Table = Table {
    doc: "The price of one instance in one region.",
    keys: &[
        required("region", Kind::Text, "Region, or `any`."),
        key("count", Kind::count(), "Attachment: accelerators attached."),
        key("on_demand", PRICE, "On-demand price."),
        key("spot", PRICE, "Spot price, from one source."),
        key("spot_low", PRICE, "Least spot price seen."),
        key("spot_typical", PRICE, "Median spot price."),
        key("spot_high", PRICE, "Greatest spot price seen."),
        key("spot_as_of", Kind::Text, "Day of the spot price, where it differs."),
        key(
            "spot_source",
            Kind::Either(&[Kind::Text, Kind::Texts]),
            "Sources of the spot price, where they differ.",
        ),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

pub(super) static ATTACHMENT: Table = Table {
    doc: "Accelerators priced without a host.",
    keys: &[
        required("name", Kind::Text, "The cloud's own name."),
        key("kind", Kind::Choice(&["accelerator"]), "How its price is put together."),
        required("accelerator", Kind::Text, "Catalog name."),
        key("offers", Kind::Tables(&OFFER), "Prices by region and count."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

pub(super) static ATTACH_RULE: Table = Table {
    doc: "Hosts that an attachment allows.",
    keys: &[
        required("accelerator", Kind::Text, "Catalog name."),
        required("count", Kind::count(), "Accelerators attached."),
        key("max_vcpus", Kind::count(), "Most vCPUs of the host."),
        key("max_memory", BYTES, "Most memory of the host."),
        key("host_family", Kind::Text, "Family of the host."),
        key("network", BYTE_RATE, "NIC bandwidth with the attachment."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

pub(super) static COMPOSED: Table = Table {
    doc: "A machine type whose price is host plus attachment.",
    keys: &[
        required("name", Kind::Text, "The cloud's own name."),
        required("host", Kind::Text, "Name of the `[[host]]`."),
        required("attachment", Kind::Text, "Name of the `[[attachment]]`."),
        required("count", Kind::count(), "Accelerators attached."),
        key("network", BYTE_RATE, "NIC bandwidth."),
        key("local_disk", BYTES, "Local disk (not in either price)."),
        key("family", Kind::Text, "Family."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

pub(super) static RULE: Table = Table {
    doc: "How a provider counts time.",
    keys: &[
        required("provider", Kind::Text, "Provider id."),
        required("product", Kind::Text, "Product."),
        key("granularity", TIME, "Time is rounded up to this."),
        key("minimum", TIME, "Least time billed."),
        key("starts_when", Kind::Text, "When billing starts."),
        key("stops_when", Kind::Text, "When billing stops."),
        key("idle_billed", Kind::Boolean, "Whether idle time is billed."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

pub(super) static DISCOUNT: Table = Table {
    doc: "A discount.",
    keys: &[
        required("provider", Kind::Text, "Provider id."),
        required("scheme", Kind::Text, "Scheme."),
        key("scope", Kind::Text, "What it covers."),
        key("family", Kind::Either(&[Kind::Choice(&[""]), Kind::Text]), "Instance family; empty for all."),
        key("term_years", Kind::Number { min: 0.0, max: 10.0 }, "Commitment in years."),
        key("payment", Kind::Text, "How it is paid."),
        key("percent", Kind::Number { min: -100.0, max: 100.0 }, "Percent off on-demand."),
        key("basis", Kind::Text, "How the figure was found."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

pub(super) static STORAGE: Table = Table {
    doc: "A storage product.",
    keys: &[
        required("provider", Kind::Text, "Provider id."),
        required("product", Kind::Text, "Product slug."),
        required("kind", Kind::Choice(&["object", "block", "file", "local"]), "Sort."),
        key("region", Kind::Text, "Region."),
        key("capacity", Kind::non_negative(Dimension::MoneyPerByteMonth), "Price of capacity."),
        key("retrieval", PER_BYTE, "Price of reading back."),
        key("throughput_per_gib", BYTE_RATE, "Throughput that comes with each GiB."),
        key("max_read", BYTE_RATE, "Greatest read rate of an instance."),
        key("max_write", BYTE_RATE, "Greatest write rate of an instance."),
        key("class_a", Kind::non_negative(Dimension::Money), "Price of a thousand writes."),
        key("class_b", Kind::non_negative(Dimension::Money), "Price of a thousand reads."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

pub(super) static EGRESS: Table = Table {
    doc: "A tier of egress prices.",
    keys: &[
        required("provider", Kind::Text, "Provider id."),
        required(
            "kind",
            Kind::Choice(&["internet", "inter-region", "inter-zone", "ingress"]),
            "Where it goes.",
        ),
        key("region", Kind::Text, "Region."),
        key("from", Kind::non_negative(Dimension::Bytes), "Monthly volume from which it holds."),
        key("to", Kind::non_negative(Dimension::Bytes), "Monthly volume up to which it holds."),
        required("price", PER_BYTE, "Price."),
        key("free_per_month", Kind::non_negative(Dimension::Bytes), "Free volume a month."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

pub(super) static SERVICE: Table = Table {
    doc: "A managed service: a premium on the machine's price, a price in its place, or a fee.",
    keys: &[
        required("provider", Kind::Text, "Provider id."),
        required("service", Kind::Text, "Service."),
        required("item", Kind::Text, "Item of its price list."),
        required(
            "kind",
            Kind::Choice(&["endpoint", "batch-job", "pipeline", "serverless", "cluster", "other"]),
            "What it does for its user.",
        ),
        key("accelerator", Kind::Text, "Catalog name of the accelerator that the item is about."),
        key(
            "premium_percent",
            Kind::Number { min: 0.0, max: 1000.0 },
            "Percent of the machine's on-demand price that comes on top.",
        ),
        key("hourly", Kind::non_negative(Dimension::MoneyPerHour), "Price of an hour."),
        key("once", Kind::non_negative(Dimension::Money), "Price of one run."),
        key("per_million", Kind::non_negative(Dimension::MoneyPerMillion), "Price of a million."),
        key(
            "per",
            Kind::Choice(&["machine", "accelerator", "vcpu", "gib", "cluster", "run", "request"]),
            "What the price is for.",
        ),
        key("idle_billed", Kind::Boolean, "Whether it costs while no request is there."),
        key("least_vcpus", Kind::Number { min: 0.1, max: 1e4 }, "vCPUs that must be taken with it."),
        key("least_memory", BYTES, "Memory that must be taken with it."),
        key("start", TIME, "Time to start one more instance."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

pub(super) static API: Table = Table {
    doc: "A price list of models behind an API.",
    keys: &[
        required("provider", Kind::Text, "Who sells it."),
        required("prices", Kind::Tables(&API_PRICE), "Prices by model."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};

static API_PRICE: Table = Table {
    doc: "The price of one model behind an API.",
    keys: &[
        required("name", Kind::Text, "The seller's own name of the model."),
        key("model", Kind::Text, "Catalog model of the same shape."),
        required("input", Kind::positive(Dimension::MoneyPerMillion), "Price of a million input tokens."),
        required("output", Kind::positive(Dimension::MoneyPerMillion), "Price of a million output tokens."),
        key(
            "cache_read",
            Kind::non_negative(Dimension::MoneyPerMillion),
            "Price of a million input tokens found in the seller's cache.",
        ),
        key("context", Kind::count(), "Longest context in tokens."),
        key("batch", Kind::Boolean, "Whether answers may take hours."),
    ],
};

pub(super) static REGION: Table = Table {
    doc: "Carbon intensity of a region.",
    keys: &[
        required("provider", Kind::Text, "Provider id."),
        required("region", Kind::Text, "Region."),
        key("location", Kind::Text, "Place."),
        key("year", Kind::Count { min: 2000, max: 2100 }, "Year."),
        key("grid_gco2eq_per_kwh", Kind::at_least_zero(), "Grid intensity."),
        key("cfe_fraction", Kind::share(), "Carbon-free share."),
        key("pue", Kind::Number { min: 1.0, max: 5.0 }, "Power usage effectiveness."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};
