//! `sequence_length` and `tokens`: samples that are sequences of the scenario's own length.

use crate::catalog::Model;
use crate::document::{Code, Reader};

use super::resolve::Resolver;

/// Gives the model sequences of `tokens`: arithmetic outside attention, bytes and samples per epoch follow in
/// proportion, that of attention with the square (4·s²·h per layer with attention).
pub(super) fn set(resolver: &mut Resolver<'_>, table: &Reader<'_>, model: &mut Model, tokens: f64) {
    let (Some(shape), Some(usual)) = (model.transformer, model.sequence_length) else {
        let message = format!("the samples of `{}` have a fixed size", model.id);
        let fault = table.fault(Code::Conflict, "workload", "sequence_length", message);
        resolver.faults.push(fault.suggest("leave it out, or take a transformer whose shape is in its file"));
        return;
    };
    if tokens == usual {
        return;
    }
    let ratio = tokens / usual;
    let attention = |tokens: f64| 4.0 * tokens * tokens * shape.hidden * shape.attention_layers;
    let rest = (model.flops_forward.0 - attention(usual)).max(0.0);
    model.flops_forward.0 = rest * ratio + attention(tokens).min(model.flops_forward.0 * ratio * ratio);
    model.sequence_length = Some(tokens);
    for bytes in [
        &mut model.bytes_per_sample,
        &mut model.decoded_bytes_per_sample,
        &mut model.dataset.sample_bytes,
        &mut model.activation_memory,
    ] {
        *bytes = bytes.map(|bytes| bytes * ratio);
    }
    model.dataset.samples = model.dataset.samples.map(|samples| (samples / ratio).max(1.0));
}

/// Samples that `tokens` are.
pub(super) fn samples(resolver: &mut Resolver<'_>, table: &Reader<'_>, model: &Model) -> Option<f64> {
    let tokens = table.number("tokens")?;
    let Some(length) = model.sequence_length else {
        let message = format!("the samples of `{}` are not tokens", model.id);
        let fault = table.fault(Code::Conflict, "workload", "tokens", message);
        resolver.faults.push(fault.suggest("allowed: epochs, steps, samples or samples_to_target"));
        return None;
    };
    Some((tokens / length).max(1.0))
}
