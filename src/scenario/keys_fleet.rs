//! The registry of keys of a fleet: its machines, its layout, its groups.

use crate::document::{Default, Kind, Table};
use crate::units::Dimension;

use super::keys::{BYTES, COUNTS, MONEY, PURCHASES, SOME_TIME, key};
use crate::fleet::{GroupRole, HostingKind, Placement};

/// A candidate fleet.
pub(super) static FLEET: Table = Table {
    doc: "A candidate fleet; lists make it a sweep.",
    keys: &[
        key("name", Kind::Text, Default::Required, "Its name in the tables; unique."),
        key(
            "instance",
            Kind::Text,
            Default::Absent,
            "Catalog machine, as `gcp/a3-highgpu-8g` or `gcp/n1-standard-16+4xT4`.",
        ),
        key(
            "machine",
            Kind::Either(&[Kind::Choice(&[THIS_MACHINE]), Kind::Table(&MACHINE)]),
            Default::Absent,
            "An owned or unlisted machine instead; \"this machine\" is the one that the workload's profile was measured on.",
        ),
        key(
            "count",
            Kind::Either(&[COUNTS, Kind::Numbers, Kind::Table(&RANGE)]),
            Default::Count(1),
            "Instances: one count, a list, or a range.",
        ),
        key(
            "region",
            Kind::Either(&[Kind::Text, Kind::Texts]),
            Default::Derived("the cheapest with a price"),
            "Region, or a list.",
        ),
        key(
            "purchase",
            Kind::Either(&[Kind::Choice(PURCHASES), Kind::Texts]),
            Default::Text("on-demand"),
            "Terms, or a list.",
        ),
        key(
            "replicas",
            Kind::Either(&[Kind::Choice(&["auto"]), COUNTS]),
            Default::Derived("as many as `count` machines hold"),
            "Inference: replicas of the model, or \"auto\" for the fewest machines that hold the targets.",
        ),
        key(
            "layout",
            Kind::Either(&[Kind::Choice(&["auto"]), Kind::Table(&LAYOUT)]),
            Default::Text("auto"),
            "Parallel layout.",
        ),
        key(
            "hosting",
            Kind::Either(&[Kind::Choice(HostingKind::WORDS), Kind::Texts]),
            Default::Derived("that of [workload.hosting]"),
            "Inference: where the model lives on this fleet, or a list to compare.",
        ),
        key(
            "models",
            Kind::Either(&[Kind::Choice(Placement::WORDS), Kind::Texts]),
            Default::Derived("together"),
            "Inference of several models: all on every replica (`together`), or each on machines of its own (`apart`); or a list.",
        ),
        key(
            "group",
            Kind::Tables(&GROUP),
            Default::Absent,
            "Inference online: groups of different machines, instead of `instance`.",
        ),
    ],
};

static RANGE: Table = Table {
    doc: "A range of counts.",
    keys: &[
        key("from", COUNTS, Default::Count(1), "First."),
        key("to", COUNTS, Default::Required, "Last, always included."),
        key(
            "step",
            Kind::Either(&[Kind::Choice(&["double"]), COUNTS]),
            Default::Text("double"),
            "Doubling, or a fixed step.",
        ),
    ],
};

/// A parallel layout.
pub(super) static LAYOUT: Table = Table {
    doc: "A parallel layout; what is left out is searched. Models that are not transformers of known shape are data-parallel.",
    keys: &[
        key("data_parallel", COUNTS, Default::Derived("searched"), "Replicas of the model."),
        key("tensor_parallel", COUNTS, Default::Derived("searched"), "Devices that split each layer."),
        key(
            "sequence_parallel",
            Kind::Boolean,
            Default::Derived("wherever tensor parallelism is"),
            "Whether norms and dropouts are split along the sequence.",
        ),
        key("pipeline_parallel", COUNTS, Default::Derived("searched"), "Stages of layers."),
        key(
            "virtual_stages",
            COUNTS,
            Default::Derived("searched"),
            "Chunks of layers per stage, interleaved.",
        ),
        key("context_parallel", COUNTS, Default::Derived("searched"), "Devices that share a sequence."),
        key("expert_parallel", COUNTS, Default::Derived("searched"), "Devices that share a layer's experts."),
        key(
            "sharding",
            Kind::Choice(&["none", "zero-1", "zero-2", "zero-3"]),
            Default::Derived("searched"),
            "What replicas share instead of repeating: nothing, the optimizer's state, gradients too, weights too (FSDP).",
        ),
        key(
            "shard_group",
            COUNTS,
            Default::Derived("all replicas"),
            "Replicas that share among themselves (hybrid shard).",
        ),
        key(
            "micro_batch",
            COUNTS,
            Default::Derived("searched"),
            "Samples per accelerator and micro-batch; of one replica where a model is split.",
        ),
        key("gradient_accumulation", COUNTS, Default::Derived("searched"), "Micro-batches per step."),
        key(
            "recompute",
            Kind::Choice(&["none", "selective", "full"]),
            Default::Derived("searched"),
            "What the backward pass computes anew instead of keeping.",
        ),
        key(
            "offload",
            Kind::Choice(&["none", "optimizer", "parameters"]),
            Default::Derived("only if nothing else fits"),
            "What lives in host memory.",
        ),
    ],
};

/// A group of like machines of a served fleet.
pub(super) static GROUP: Table = Table {
    doc: "Inference online: a group of like machines; a fleet has several, each with machines and terms of its own.",
    keys: &[
        key(
            "role",
            Kind::Choice(GroupRole::WORDS),
            Default::Required,
            "What for: `prefill` reads prompts and sends their cache to `decode`; `base`, `burst` and `online` serve whole requests.",
        ),
        key("instance", Kind::Text, Default::Absent, "Catalog machine."),
        key(
            "machine",
            Kind::Either(&[Kind::Choice(&[THIS_MACHINE]), Kind::Table(&MACHINE)]),
            Default::Absent,
            "An owned or unlisted machine instead; \"this machine\" is the one that the workload's profile was measured on.",
        ),
        key("count", Kind::Count { min: 1, max: 256 }, Default::Count(1), "Instances."),
        key("region", Kind::Text, Default::Derived("the cheapest with a price"), "Region."),
        key("purchase", Kind::Choice(PURCHASES), Default::Text("on-demand"), "Terms."),
        key(
            "layout",
            Kind::Either(&[Kind::Choice(&["auto"]), Kind::Table(&LAYOUT)]),
            Default::Text("auto"),
            "Parallel layout of its replicas.",
        ),
    ],
};

/// The machine of the workload's profile, in one word.
pub(super) const THIS_MACHINE: &str = "this machine";

/// An owned or unlisted machine.
pub(super) static MACHINE: Table = Table {
    doc: "An owned or unlisted machine.",
    keys: &[
        key(
            "measured",
            Kind::Boolean,
            Default::Boolean(false),
            "Whether it is the machine that the workload's profile was measured on.",
        ),
        key("accelerator", Kind::Text, Default::Absent, "Catalog name of its accelerators."),
        key("accelerators", Kind::Count { min: 0, max: 10_000 }, Default::Count(0), "Accelerators in it."),
        key("vcpus", Kind::Number { min: 0.1, max: 100_000.0 }, Default::Absent, "vCPUs."),
        key("memory", BYTES, Default::Absent, "Host memory."),
        key("network", Kind::positive(Dimension::BytesPerSecond), Default::Absent, "NIC bandwidth."),
        key("local_disk", BYTES, Default::Absent, "Local disk."),
        key(
            "price_per_hour",
            Kind::non_negative(Dimension::MoneyPerHour),
            Default::Absent,
            "Price of an hour; for owned machines the amortisation and energy, or use `purchase_price`.",
        ),
        key("purchase_price", MONEY, Default::Absent, "Owned: what it cost."),
        key("lifetime", SOME_TIME, Default::Text("4 years"), "Owned: over how long that is written off."),
        key(
            "utilisation",
            Kind::Number { min: 0.001, max: 1.0 },
            Default::Number(0.7),
            "Owned: share of its hours that are used.",
        ),
        key("power", Kind::positive(Dimension::Power), Default::Absent, "Owned: power at work."),
        key(
            "electricity",
            Kind::Number { min: 0.0, max: 10.0 },
            Default::Number(0.15),
            "Owned: price of a kilowatt-hour in USD.",
        ),
    ],
};
