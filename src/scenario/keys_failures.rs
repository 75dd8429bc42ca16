//! The registry of keys of what interrupts a workload, and of its start.

use crate::document::{Default, Kind, Table};
use crate::units::Dimension;

use super::keys::{SOME_TIME, TIME, key};

pub(super) static FAILURES: Table = Table {
    doc: "What interrupts the job.",
    keys: &[
        key("environment", Kind::Text, Default::Text("default"), "Failure rates of the catalog."),
        key(
            "node_failures",
            Kind::non_negative(Dimension::Rate),
            Default::Derived("the environment's"),
            "Failures of one node.",
        ),
        key(
            "job_failures",
            Kind::non_negative(Dimension::Rate),
            Default::Derived("the environment's"),
            "Further failures of the job, whatever its size.",
        ),
        key("detection", TIME, Default::Text("2 min"), "Until somebody notices."),
        key("restart", TIME, Default::Text("5 min"), "From noticing to restoring."),
        key(
            "spot_process",
            Kind::Text,
            Default::Derived("a traced market of V100 machines of like size, or of CPU machines"),
            "Spot availability of the catalog.",
        ),
        key("spot_up", SOME_TIME, Default::Absent, "Mean time between losses instead (exponential)."),
        key("spot_down", TIME, Default::Text("30 min"), "Mean time without capacity, with `spot_up`."),
        key(
            "spot_law",
            Kind::Choice(&["trace", "fitted"]),
            Default::Text("trace"),
            "Draw runs from the trace's quantiles or from the fitted mixture.",
        ),
    ],
};

pub(super) static STARTUP: Table = Table {
    doc: "From the request to the first step.",
    keys: &[
        key("boot", TIME, Default::Derived("the provider's range"), "Provisioning, driver and image."),
        key("wait", TIME, Default::Text("0 s"), "Waiting for capacity that is not spot."),
    ],
};
