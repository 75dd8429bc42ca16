//! Serving engines.

use crate::document::Diagnostics;
use crate::units::Seconds;

use super::engine::{Batching, Engine, LargeDevice, MemoryShare, Preemption};
use super::load::{Catalog, FileReader, owned};

impl Catalog {
    pub(super) fn add_engines(&mut self, file: &FileReader<'_>, faults: &mut Diagnostics) {
        for entry in file.reader.tables("engine") {
            let count = |key: &str| entry.count(key).and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
            let time = |key: &str| entry.seconds(key).unwrap_or(Seconds::ZERO);
            let engine = Engine {
                id: owned(&entry, "id"),
                name: owned(&entry, "name"),
                aliases: entry.texts("aliases").iter().map(|alias| alias.to_lowercase()).collect(),
                family: owned(&entry, "family"),
                batching: match entry.text("batching") {
                    Some("prefill-first") => Batching::PrefillFirst,
                    Some("static") => Batching::Static,
                    _ => Batching::DecodeFirst,
                },
                chunked_prefill: entry.boolean("chunked_prefill"),
                max_batched_tokens: count("max_batched_tokens"),
                max_sequences: count("max_sequences"),
                block_tokens: count("block_tokens"),
                memory_fraction: entry.number("memory_fraction").unwrap_or(0.9),
                memory_share: match entry.text("memory_share") {
                    Some("free") => MemoryShare::Free,
                    Some("static") => MemoryShare::Static,
                    _ => MemoryShare::Device,
                },
                large: entry.bytes("large_memory").map(|memory| LargeDevice {
                    memory,
                    except: owned(&entry, "large_except"),
                    max_batched_tokens: count("large_max_batched_tokens"),
                    max_sequences: count("large_max_sequences"),
                }),
                watermark: entry.number("watermark").unwrap_or(0.0),
                preemption: entry
                    .text("preemption")
                    .and_then(Preemption::of)
                    .unwrap_or(Preemption::Recompute),
                prefix_cache: entry.boolean("prefix_cache"),
                layer_overhead: time("layer_overhead"),
                step_overhead: time("step_overhead"),
                sequence_overhead: time("sequence_overhead"),
                request_overhead: time("request_overhead"),
                response_overhead: time("response_overhead"),
                fact: file.fact(&entry, faults),
            };
            self.engines.insert(engine.id.clone(), engine);
        }
    }
}
