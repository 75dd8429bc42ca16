//! What a row's replica shows under its load when it is simulated request by request, as scenarios are.

use std::sync::Arc;

use crate::engine::Cancel;
use crate::steptime::serving::{ServingLaws, TableScope};
use crate::units::{Seconds, SimSpan};
use crate::workload::Workload;
use crate::workload::arrivals::{ArrivalSpec, LengthSpec, Mix, TrafficSpec};
use crate::workload::inference::{FleetJob, KvSpace, ReplicaModel, Rules, ServingRun};

use super::row::{LanguageRow, Load};

/// Requests of each client of a closed loop, as the usual clients send them.
const CLOSED_ROUNDS: f64 = 10.0;
/// Requests beyond which a closed loop has no more of them than a few for each client.
const MANY_REQUESTS: f64 = 4000.0;
const FEWEST_ROUNDS: f64 = 3.0;
/// Requests of a run at a rate whose length is not known.
const USUAL_REQUESTS: f64 = 1000.0;
/// Requests of the shorter run of two whose difference is the steady state.
const STEADY: (f64, f64) = (64.0, 4096.0);
/// Most tokens and sequences of a table.
const MOST_TOKENS: f64 = 1e6;
const MOST_SEQUENCES: f64 = 4096.0;

/// What was seen of a replica.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The run.
    pub run: ServingRun,
    /// Requests per second.
    pub rate: f64,
    /// Further seconds to the first token: half the time between two looks for requests, where these are rare.
    pub delay: f64,
}

/// Simulates a row; `None` where its load is one that closed forms describe exactly, or that nobody can serve.
pub(super) fn seen(row: &LanguageRow, laws: &ServingLaws<'_>) -> Option<Seen> {
    if row.prefill_replicas.is_some() {
        return None;
    }
    let requests = match row.load {
        Load::Static(_) => return None,
        Load::Saturated => match row.requests {
            Some(requests) => (requests / row.replicas).max(1.0),
            None => {
                let tokens = row.lengths.input + row.lengths.output;
                let cap = row.slots.min(row.cached(tokens));
                (2.0 * cap).clamp(STEADY.0, STEADY.1)
            }
        },
        Load::Closed(clients) => {
            let usual = (CLOSED_ROUNDS * clients).min(MANY_REQUESTS.max(FEWEST_ROUNDS * clients));
            row.requests.map_or(usual, |requests| requests / row.replicas).max(clients)
        }
        Load::Rate(_, requests) => requests.unwrap_or(USUAL_REQUESTS).max(1.0),
        Load::Burst(requests) => requests,
    };
    let model = model(row, laws);
    let run = simulate(&model, traffic(row, requests));
    if run.finished == 0 || run.span == SimSpan::ZERO {
        return None;
    }
    let rate = run.finished as f64 / run.span.seconds().0;
    // A run without a known end is one of many requests: what is left when filling and draining are taken out.
    let steady = matches!(row.load, Load::Saturated) && row.requests.is_none();
    if !steady {
        return Some(polled(row, run, rate));
    }
    let longer = simulate(&model, traffic(row, 2.0 * requests));
    let more = longer.finished.saturating_sub(run.finished) as f64;
    let span = longer.span.seconds().0 - run.span.seconds().0;
    let rate = if more > 0.0 && span > 0.0 { more / span } else { rate };
    Some(polled(row, longer, rate))
}

/// Clients that wait for the server to look finish so much less.
fn polled(row: &LanguageRow, run: ServingRun, rate: f64) -> Seen {
    let each = run.time_per_output_token.mean().unwrap_or(0.0) / 1e9;
    let delay = row.polls.unwrap_or(0.0) / 2.0 * each;
    let latency = run.latency.mean().unwrap_or(0.0) / 1e9;
    let slower =
        if matches!(row.load, Load::Closed(_)) { latency / (latency + delay).max(1e-9) } else { 1.0 };
    Seen { run, rate: rate * slower, delay }
}

fn simulate(model: &ReplicaModel, traffic: TrafficSpec) -> ServingRun {
    let job = FleetJob { traffic, ..FleetJob::alone(model.clone()) };
    job.simulate(1, 0, &Cancel::new())
}

fn traffic(row: &LanguageRow, requests: f64) -> TrafficSpec {
    let (input, output) = row.lengths.laws();
    let whole = |number: f64| number.round().clamp(1.0, 1e6);
    let arrivals = match row.load {
        Load::Static(_) | Load::Saturated | Load::Burst(_) => ArrivalSpec::Burst,
        Load::Closed(clients) => ArrivalSpec::Closed { clients: whole(clients) as u32, think: Seconds::ZERO },
        Load::Rate(rate, _) => ArrivalSpec::Poisson { rate },
    };
    let mix = Mix {
        share: 1.0,
        lengths: LengthSpec { input, output, trace: None },
        priority: 0,
        model: 0,
        prefix: None,
    };
    TrafficSpec { arrivals, mixes: vec![mix], requests: Some(whole(requests) as u64), most_tokens: None }
}

/// The replica of a row as the simulation takes it.
pub(super) fn model(row: &LanguageRow, laws: &ServingLaws<'_>) -> ReplicaModel {
    let engine = &row.engine;
    let groups = row.layout.attention_data as f64;
    let (input, output) = row.lengths.laws();
    let longest = input.most().saturating_add(output.most()).max(1);
    let mean = row.lengths.input + row.lengths.output;
    let block = f64::from(engine.block_tokens);
    let least = f64::from(longest.div_ceil(engine.block_tokens));
    let blocks = (row.cached(mean) * mean / block).clamp(least, 1e15) as u64;
    let budget = (f64::from(engine.max_batched_tokens) * groups).clamp(1.0, MOST_TOKENS);
    let sequences = row.slots.clamp(1.0, MOST_SEQUENCES.min(budget));
    let offered = match row.load {
        Load::Closed(clients) => clients.ceil(),
        Load::Burst(requests) => requests.ceil(),
        _ => MOST_SEQUENCES,
    };
    let scope = TableScope {
        most_tokens: budget as u32,
        most_sequences: sequences.min(offered).max(1.0) as u32,
        longest,
        tokens_per_decode: 1,
    };
    let (request, response) = laws.request();
    let rules = Rules {
        batching: engine.batching,
        chunked_prefill: engine.chunked_prefill,
        max_batched_tokens: budget as u32,
        max_sequences: sequences as u32,
        watermark_blocks: (engine.watermark * blocks as f64) as u64,
        preemption: engine.preemption,
        prefix_cache: false,
        speculation: None,
        request_overhead: SimSpan::from_seconds(Seconds(request)),
        response_overhead: SimSpan::from_seconds(Seconds(response)),
    };
    let kv = KvSpace { blocks, block_tokens: engine.block_tokens, swap_blocks: 0, swap_block_ns: 0.0 };
    ReplicaModel { table: Arc::new(laws.table(&scope, 1.0)), kv, rules }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::stats::Stream;
    use crate::validate::serving::language::{LanguagePredictor, expect::Outcome};
    use crate::validate::serving::{ServingConfiguration, rows};

    /// How far the closed forms, from which the fit takes its slopes, may stand from the simulation: a logarithm.
    const APART: f64 = 0.6;

    fn configuration(words: &str) -> Option<ServingConfiguration> {
        let text = format!(
            "category,model,precision,accelerator,accelerator_count,tp,framework,scenario,input_tokens,\
             output_tokens,metric,value\nllm,{words},tok_s_output,1\n"
        );
        rows("test", text.as_bytes()).ok()?.next()?.ok()?.configuration.ok()
    }

    #[test]
    fn closed_forms_of_saturated_replicas_agree_with_their_simulation() {
        let catalog = Catalog::read(&[]).unwrap_or_default();
        let Ok(parts) = LanguagePredictor::parts(&catalog) else { unreachable!("no tables") };
        let mut stream = Stream::named(7, 0, "test", "saturated");
        let scales = Default::default();
        let mut worst = 0.0_f64;
        for engine in ["vLLM 0.10.0", "TensorRT-LLM 0.17", "SGLang 0.5.0"] {
            for (model, devices) in [("llama-3-8b", 1), ("llama-3-70b", 4), ("mixtral-8x7b", 4)] {
                for device in ["H100-SXM-80GB", "A100-SXM4-80GB"] {
                    let (input, output) = (64 + stream.below(4000), 128 + stream.below(900));
                    let words = format!(
                        "{model},bf16,{device},{devices},{devices},{engine},offline,{input},{output}"
                    );
                    let row = configuration(&words).map(|own| LanguageRow::of(&parts.sources(), &own));
                    let Some(Ok(row)) = row else { unreachable!("{words}") };
                    let rates = (Outcome::closed(&row, &scales).rate(), Outcome::of(&row, &scales).rate());
                    let apart = libm::log(rates.0 / rates.1);
                    assert!(apart.abs() <= APART, "{words}: {apart}");
                    worst = worst.max(apart.abs());
                }
            }
        }
        println!("closed forms stand apart by at most {worst:.3}");
    }
}
