//! The registry of keys that carry a measured profile to other devices.

use crate::document::{Default, Kind, Table};

use super::keys::key;
use crate::steptime::measured::TransferRule;

/// One device that a profile is carried to.
pub(super) static TRANSFER: Table = Table {
    doc: "A device that the profile is carried to, by a rule of the user's choice.",
    keys: &[
        key("to", Kind::Text, Default::Required, "Catalog name of the device."),
        key(
            "rule",
            Kind::Choice(TransferRule::WORDS),
            Default::Required,
            "The user's own ratio; the ratio of two profiles; or the ratio of peaks, within a factor of 2.7.",
        ),
        key(
            "ratio",
            Kind::Number { min: 1e-6, max: 1e6 },
            Default::Absent,
            "Rule `ratio`: how many times faster the device is than the measured one.",
        ),
        key(
            "error",
            Kind::Number { min: 0.0, max: 3.0 },
            Default::Number(0.12),
            "Rule `ratio`: relative error of that; the least that a published rule reached by default.",
        ),
        key("pair", Kind::Text, Default::Absent, "Rule `measured-pair`: profile of the device."),
    ],
};
