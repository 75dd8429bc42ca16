//! Keys of serving engines.

use crate::document::{Default, Key, Kind, Table};

use super::engine::Preemption;
use super::keys::{AS_OF, BYTES, NOTES, SOURCE, TIME, key, required};

const fn usual(name: &'static str, kind: Kind, default: Default, doc: &'static str) -> Key {
    Key { name, kind, default, doc }
}

pub(super) static ENGINE: Table = Table {
    doc: "A serving engine of one version: scheduling rules and host overheads.",
    keys: &[
        required("id", Kind::Text, "Catalog id."),
        required("name", Kind::Text, "Name."),
        key("aliases", Kind::Texts, "Names used in published tables, lower case."),
        required("family", Kind::Text, "Software family."),
        required("batching", Kind::Choice(&["decode-first", "prefill-first", "static"]), "How batches form."),
        usual(
            "chunked_prefill",
            Kind::Boolean,
            Default::Boolean(false),
            "Whether prompts are cut to the token budget.",
        ),
        required("max_batched_tokens", Kind::Count { min: 1, max: 1 << 24 }, "Most tokens of an iteration."),
        required("max_sequences", Kind::Count { min: 1, max: 1 << 20 }, "Most sequences of an iteration."),
        required("block_tokens", Kind::Count { min: 1, max: 1 << 16 }, "Tokens of a cache block."),
        required("memory_fraction", Kind::Number { min: 0.05, max: 1.0 }, "Share of device memory taken."),
        usual(
            "memory_share",
            Kind::Choice(&["device", "free", "static"]),
            Default::Text("device"),
            "What the share is of: the device; what weights and working set leave; the device, working set outside.",
        ),
        key("large_memory", BYTES, "Memory from which a device has the sizes below."),
        key("large_except", Kind::Text, "Generation of devices that never have them."),
        key(
            "large_max_batched_tokens",
            Kind::Count { min: 1, max: 1 << 24 },
            "Most tokens of an iteration there.",
        ),
        key(
            "large_max_sequences",
            Kind::Count { min: 1, max: 1 << 20 },
            "Most sequences of an iteration there.",
        ),
        key("watermark", Kind::share(), "Share of blocks kept free on admission."),
        usual(
            "preemption",
            Kind::Choice(Preemption::WORDS),
            Default::Text("recompute"),
            "What happens when blocks run out.",
        ),
        usual("prefix_cache", Kind::Boolean, Default::Boolean(false), "Whether prefixes are kept."),
        key("layer_overhead", TIME, "Host time of launching one layer without graphs."),
        key("step_overhead", TIME, "Host time of a step that the device does not hide."),
        key("sequence_overhead", TIME, "The same for each sequence of a step."),
        key("request_overhead", TIME, "Time of a request before it may be scheduled."),
        key("response_overhead", TIME, "Time of a request after its last token."),
        SOURCE,
        AS_OF,
        NOTES,
    ],
};
