//! Layouts in words.

use std::fmt;

use crate::catalog::{Offload, ParallelLayout, Recompute, Sharding};
use crate::fleet::LayoutRequest;

/// A layout as tables print it: degrees above one, batches, what is sharded, recomputed and offloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayoutWords(pub ParallelLayout);

fn word<T: Copy + PartialEq>(all: &[(&'static str, T)], value: T) -> &'static str {
    all.iter().find(|(_, other)| *other == value).map_or("", |(word, _)| word)
}

impl fmt::Display for LayoutWords {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = &self.0;
        write!(out, "data {}", layout.data)?;
        for (name, degree) in [
            ("tensor", layout.tensor),
            ("pipeline", layout.pipeline),
            ("context", layout.context),
            ("expert", layout.expert),
            ("virtual stages", layout.virtual_stages),
        ] {
            if degree > 1 {
                write!(out, " × {name} {degree}")?;
            }
        }
        write!(out, ", micro-batch {} × {} accumulated", layout.micro_batch, layout.accumulation)?;
        if layout.sharding != Sharding::None {
            write!(out, ", {}", word(Sharding::ALL, layout.sharding))?;
        }
        if layout.shard_group > 0 {
            write!(out, " in groups of {}", layout.shard_group)?;
        }
        if layout.recompute != Recompute::None {
            write!(out, ", {} recompute", word(Recompute::ALL, layout.recompute))?;
        }
        if layout.offload != Offload::None {
            write!(out, ", {} on the host", word(Offload::ALL, layout.offload))?;
        }
        Ok(())
    }
}

/// What a request fixes, as in scenarios; `auto` where that is nothing.
#[must_use]
pub(super) fn asked(request: &LayoutRequest) -> String {
    let numbers = [
        ("data_parallel", request.data),
        ("tensor_parallel", request.tensor),
        ("pipeline_parallel", request.pipeline),
        ("virtual_stages", request.virtual_stages),
        ("context_parallel", request.context),
        ("expert_parallel", request.expert),
        ("shard_group", request.shard_group),
        ("micro_batch", request.micro_batch),
        ("gradient_accumulation", request.gradient_accumulation),
    ];
    let fixed: Vec<String> =
        numbers.iter().filter_map(|(name, value)| value.map(|value| format!("{name} = {value}"))).collect();
    let fixed: Vec<String> = match request.sharding {
        Some(sharding) => {
            fixed.into_iter().chain([format!("sharding = {}", word(Sharding::ALL, sharding))]).collect()
        }
        None => fixed,
    };
    if fixed.is_empty() { "auto".to_owned() } else { fixed.join(", ") }
}
