//! The bound table of the course: what each bound is called, what to do about it, and what is not ideal.

/// What to do about a bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Action {
    /// The course's class.
    pub class: &'static str,
    /// What helps.
    pub act: &'static str,
    /// What helps, but at the expense of the model.
    pub not_ideal: &'static str,
}

/// The row of a bound.
pub(super) fn action(bound: &str) -> Action {
    let (class, act, not_ideal) = match bound {
        "input-read" => (
            "I/O bound",
            "store as records, parallelise reads, faster tier, cache after the first epoch",
            "smaller batch",
        ),
        "input-decode" => (
            "I/O bound",
            "preprocessed records, more vCPUs per accelerator, decode on the device",
            "less augmentation, smaller batch",
        ),
        "host-to-device" => (
            "I/O bound",
            "send encoded or 8-bit samples, newer PCIe, fewer devices per host",
            "smaller inputs",
        ),
        "compute" => (
            "CPU (compute) bound",
            "faster or more accelerators, lower precision",
            "simpler model, fewer steps",
        ),
        "memory-bandwidth" => (
            "memory bound",
            "accelerators with more memory bandwidth, fused kernels, lower precision",
            "fewer layers, smaller batch",
        ),
        "network" => (
            "network bound",
            "fewer and larger machines, faster cards, larger batch per accelerator, gradient compression",
            "fewer parameters",
        ),
        "host-overhead" => {
            ("CPU (compute) bound", "larger batch per accelerator, compiled graphs", "larger layers")
        }
        "pipeline-bubble" => {
            ("CPU (compute) bound", "more micro-batches, interleaved stages, fewer stages", "larger batch")
        }
        "kv-capacity" => (
            "memory bound",
            "accelerators with more memory, 8-bit weights or cache, more replicas",
            "shorter contexts and answers",
        ),
        "queue" => (
            "queueing",
            "more replicas, chunked prefill, a smaller batch, a router that knows the load",
            "looser limits, refusing requests",
        ),
        "failures" => (
            "availability",
            "checkpoint more often or faster, on-demand machines, another zone or smaller fleet",
            "fewer steps",
        ),
        _ => ("", "", ""),
    };
    Action { class, act, not_ideal }
}
