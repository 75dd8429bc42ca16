//! The registry of keys of prices beside the catalog.

use crate::document::{Default, Kind, Table};
use crate::units::Dimension;

use super::keys::{PURCHASES, key};

pub(super) static PRICING: Table = Table {
    doc: "Prices beside the catalog.",
    keys: &[
        key(
            "discount",
            Kind::Tables(&DISCOUNT),
            Default::Absent,
            "Negotiated discounts; the first that fits holds.",
        ),
        key(
            "price_factor",
            Kind::Number { min: 0.0, max: 1000.0 },
            Default::Number(1.0),
            "Factor on every price: machines, storage, requests, egress, fees.",
        ),
        key(
            "storage_price",
            Kind::non_negative(Dimension::MoneyPerByteMonth),
            Default::Derived("the catalog's"),
            "Price of storage.",
        ),
        key(
            "egress_price",
            Kind::non_negative(Dimension::MoneyPerByte),
            Default::Derived("the catalog's"),
            "Price of egress.",
        ),
        key(
            "egress_per_run",
            Kind::non_negative(Dimension::Bytes),
            Default::Text("0 B"),
            "Data that leaves the region in each run.",
        ),
        key(
            "cluster_fee",
            Kind::non_negative(Dimension::MoneyPerHour),
            Default::Absent,
            "Management fee of the cluster.",
        ),
        key(
            "commitment_utilisation",
            Kind::Number { min: 0.001, max: 1.0 },
            Default::Number(1.0),
            "Share of committed hours that the organisation uses in all.",
        ),
    ],
};

static DISCOUNT: Table = Table {
    doc: "A negotiated discount.",
    keys: &[
        key("provider", Kind::Text, Default::Absent, "Provider id; all if left out."),
        key("family", Kind::Text, Default::Absent, "Instance family or name prefix; all if left out."),
        key("purchase", Kind::Choice(PURCHASES), Default::Absent, "Terms; all if left out."),
        key(
            "percent",
            Kind::Number { min: 0.0, max: 100.0 },
            Default::Required,
            "Percent off the list price.",
        ),
    ],
};
