//! The registry of keys of a measured profile.

use crate::catalog::keys::{key, required};
use crate::document::{Kind, Table};

const FINITE: Kind = Kind::Number { min: -f64::MAX, max: f64::MAX };
const POSITIVE: Kind = Kind::Number { min: f64::MIN_POSITIVE, max: f64::MAX };
const SECTION: Kind = Kind::Choice(&["machine", "train", "infer", "input", "together"]);

/// A measured profile.
pub(super) static PROFILE: Table = Table {
    doc: "What `capplan calibrate` measured on one machine. Written by the program; the checksum covers every byte.",
    keys: &[
        required("format", Kind::Count { min: 1, max: 1 }, "Version of the file format."),
        required("checksum", Kind::Text, "SHA-256 over the file without these digits."),
        required("name", Kind::Text, "Name of the profile."),
        required("measured", Kind::Text, "Day of the measurement, YYYY-MM-DD."),
        key("imported_from", Kind::Text, "File and format of another tool that the samples come from."),
        key("accepted_noise", Kind::Boolean, "Whether it was kept although the machine was noisy."),
        required("machine", Kind::Table(&MACHINE), "The machine."),
        key("curve", Kind::Tables(&CURVE), "Curves."),
        key("figure", Kind::Tables(&FIGURE), "Single figures."),
    ],
};

static MACHINE: Table = Table {
    doc: "The machine that the figures hold for.",
    keys: &[
        key("cpu", Kind::Text, "Brand of the processor."),
        key("cores", Kind::count(), "Cores that the program could use."),
        key("memory", Kind::count(), "Memory in bytes."),
        key("system", Kind::Text, "Operating system and architecture."),
        required("device", Kind::Text, "The device that computed."),
        key("driver", Kind::Text, "Its driver."),
        key("accelerator", Kind::Text, "Its name in the catalog."),
        required("program", Kind::Text, "Version of the program that measured."),
        key("candle", Kind::Text, "Version of the library that computed."),
    ],
};

static CURVE: Table = Table {
    doc: "One quantity against one size.",
    keys: &[
        required("section", SECTION, "What was exercised."),
        required("quantity", Kind::Text, "What was observed."),
        required("unit", Kind::Text, "Its unit."),
        required("axis", Kind::Text, "The size."),
        key("settings", Kind::Map(&Kind::Text), "What stayed the same."),
        required("noise", Kind::at_least_zero(), "Relative spread between runs of one size."),
        key("fit", Kind::Table(&FIT), "The fitted curve."),
        required("run", Kind::Tables(&RUN), "Runs with their raw samples."),
        key("skipped", Kind::Tables(&SKIPPED), "Sizes left out."),
    ],
};

static FIT: Table = Table {
    doc: "The fitted curve.",
    keys: &[
        required(
            "form",
            Kind::Choice(&["affine", "floor-then-slope", "two-segment", "saturating", "usl"]),
            "Its form, chosen by the error at sizes left out.",
        ),
        required("coefficient", Kind::Map(&Kind::Numbers), "Each as [value, low, high] at 95 %."),
        required("from", POSITIVE, "Smallest size."),
        required("to", POSITIVE, "Largest size."),
        required("median_error", Kind::at_least_zero(), "Median relative error."),
        required("max_error", Kind::at_least_zero(), "Largest relative error."),
        key("leave_one_out", Kind::at_least_zero(), "Mean relative error at sizes left out."),
        key("theil_sen_gap", FINITE, "Slope of least squares over that of Theil and Sen, less 1."),
    ],
};

static RUN: Table = Table {
    doc: "A fresh start at one size, its warm-up dropped.",
    keys: &[
        required("at", POSITIVE, "The size."),
        required("repeat", Kind::count(), "Which repeat of this size."),
        key("started", Kind::at_least_zero(), "Seconds from the start of the calibration."),
        required("samples", Kind::Numbers, "Every sample."),
    ],
};

static SKIPPED: Table = Table {
    doc: "A size that was not measured.",
    keys: &[required("at", POSITIVE, "The size."), required("reason", Kind::Text, "Why.")],
};

static FIGURE: Table = Table {
    doc: "A single figure.",
    keys: &[
        required("section", SECTION, "What was exercised."),
        required("name", Kind::Text, "What it is."),
        required("unit", Kind::Text, "Unit; 1 for a ratio."),
        required("value", FINITE, "Value."),
        required("lo", FINITE, "Lower end of what was seen."),
        required("hi", FINITE, "Upper end of what was seen."),
        key("settings", Kind::Map(&Kind::Text), "What it holds for."),
    ],
};
