//! Steady states of a replica in closed form: what its requests see under a load.
//!
//! Of N running sequences every one needs `steps` decode iterations and one prompt in a cycle; a prompt lengthens the
//! iterations of all others by what it adds to them. Waiting follows Little's law where a cap binds, and the formula of
//! a single server with even service (M/D/1) below it.

use crate::catalog::{Batching, Preemption};
use crate::steptime::serving::ServingLaws;

use super::row::{LanguageRow, Load};

/// Rounds of a closed-loop run: its requests are ten times its clients as a rule, and the first of each comes at once.
const CLOSED_ROUNDS: f64 = 10.0;
/// Utilisation of prompts beyond which a finite run no longer sees the queue of an endless one.
const MOST_UTILISATION: f64 = 0.97;
/// Requests of a run whose length is not known.
const USUAL_REQUESTS: f64 = 1000.0;
/// Prompts of like length that one iteration computes at most.
const PROMPTS_TOGETHER: f64 = 8.0;
/// Chunks of one prompt that are summed one by one.
const MOST_CHUNKS: f64 = 64.0;

/// What requests see, and how many of them a second the whole deployment finishes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    /// Mean seconds to the first token; of a static batch, of the whole prompt phase.
    pub first: f64,
    /// Mean seconds per output token after it.
    pub per_token: f64,
    /// Mean seconds of a request, or of a batch.
    pub latency: f64,
    /// Requests per second.
    pub rate: f64,
}

/// A number of running sequences in its steady state.
#[derive(Clone, Copy, Debug, Default)]
struct Running {
    /// Seconds of a decode iteration.
    step: f64,
    /// Seconds that a prompt adds to the others.
    prompt: f64,
    /// Seconds from a prompt's first iteration to its first token.
    first: f64,
    /// Seconds per output token.
    per_token: f64,
    /// Requests per second.
    rate: f64,
}

/// A replica with its laws.
pub(crate) struct Replica<'a> {
    row: &'a LanguageRow,
    laws: ServingLaws<'a>,
    budget: f64,
    steps: f64,
    /// Mean context of a decoding sequence.
    context: f64,
}

impl<'a> Replica<'a> {
    pub(crate) fn new(row: &'a LanguageRow, laws: ServingLaws<'a>) -> Self {
        let lengths = &row.lengths;
        // A sequence is met the more often, the longer it is.
        let met = lengths.output * (1.0 + lengths.output_spread);
        Self {
            row,
            laws,
            budget: f64::from(row.engine.max_batched_tokens).max(1.0),
            steps: (lengths.output - 1.0).max(0.0),
            context: lengths.input + met / 2.0,
        }
    }

    /// What the load of the row makes of it.
    pub(crate) fn figures(&self) -> Figures {
        let mut found = match self.row.load {
            Load::Static(batch) => self.static_batch(batch),
            Load::Saturated => self.closed(self.cap(), false),
            Load::Closed(clients) => match self.row.prefill_replicas {
                Some(prefill) => self.apart(clients, prefill),
                None => self.closed(clients, true),
            },
            Load::Rate(rate, requests) => self.offered(rate, requests),
            Load::Burst(requests) => self.burst(requests),
        };
        found.rate *= self.row.replicas;
        found
    }

    fn input(&self) -> f64 {
        self.row.lengths.input
    }

    fn prompts_first(&self) -> bool {
        self.row.engine.batching == Batching::PrefillFirst
    }

    /// Most sequences that run at once, by slots and by the cache. Who never preempts admits what its
    /// whole answer has room for.
    fn cap(&self) -> f64 {
        let reserved = self.row.engine.preemption == Preemption::Never;
        let tokens = if reserved { self.row.lengths.input + self.row.lengths.output } else { self.context };
        self.row.slots.min(self.row.cached(tokens)).max(1.0)
    }

    fn decode(&self, sequences: f64) -> f64 {
        self.laws.linear(sequences)
            + self.laws.sampled(sequences)
            + self.laws.decode_attention(sequences, self.context)
    }

    /// Attention of one prompt, chunk by chunk.
    fn prompt_attention(&self) -> f64 {
        let input = self.input();
        let chunks = (input / self.budget).ceil().clamp(1.0, MOST_CHUNKS);
        let chunk = input / chunks;
        (0..chunks as u32).map(|index| self.laws.prefill_attention(chunk, f64::from(index) * chunk)).sum()
    }

    /// Seconds of the prompts of `count` requests with nothing beside them.
    fn prompts(&self, count: f64) -> f64 {
        let tokens = count * self.input();
        let whole = (tokens / self.budget).floor();
        let rest = tokens - whole * self.budget;
        let mut seconds = whole * self.laws.linear(self.budget);
        if rest >= 1.0 {
            seconds += self.laws.linear(rest);
        }
        seconds + self.laws.sampled(count) + count * self.prompt_attention()
    }

    /// Seconds that one prompt adds while `others` sequences decode.
    fn added(&self, others: f64) -> f64 {
        if others < 0.5 || self.prompts_first() {
            return self.prompts(1.0);
        }
        let room = (self.budget - others).max(self.budget / 8.0);
        let input = self.input();
        let chunk = input.min(room);
        let linear = (self.laws.linear(others + chunk) - self.laws.linear(others)).max(0.0);
        let sampled = self.laws.sampled(others + 1.0) - self.laws.sampled(others);
        linear * input / chunk + sampled.max(0.0) + self.prompt_attention()
    }

    /// Seconds from a prompt's first iteration to its first token while `others` decode.
    fn own_prompt(&self, others: f64) -> f64 {
        if others < 0.5 || self.prompts_first() {
            return self.prompts(1.0);
        }
        let chunks = (self.input() / (self.budget - others).max(self.budget / 8.0)).max(1.0).ceil();
        chunks * self.decode(others) + self.added(others)
    }

    fn running(&self, sequences: f64) -> Running {
        let mut decoding = sequences;
        let mut found = Running::default();
        for _ in 0..4 {
            let others = decoding * (1.0 - 1.0 / sequences.max(1.0));
            let step = self.decode(decoding.max(1.0));
            let prompt = self.added(others);
            let first = self.own_prompt(others);
            // While one sequence decodes, every other one computes a prompt in its cycle.
            let alone = self.steps * step;
            let cycle = alone + sequences * prompt;
            let share = if cycle > 0.0 { (alone / cycle).min(1.0) } else { 1.0 };
            let decode = alone + (sequences - 1.0).max(0.0) * prompt * share.max(self.overlap());
            let per_token = if self.steps > 0.0 { decode / self.steps } else { step };
            found = Running { step, prompt, first, per_token, rate: sequences / (decode + first) };
            decoding = (decoding + sequences * decode / (decode + first)) / 2.0;
        }
        found
    }

    /// Share of the other prompts that fall into a sequence's own decoding however short it is.
    fn overlap(&self) -> f64 {
        if self.steps > 0.0 { 0.5 } else { 0.0 }
    }

    fn static_batch(&self, batch: f64) -> Figures {
        let cap = self.row.cached(self.context).min(batch);
        let waves = batch / cap;
        let first = self.prompts(cap);
        let per_token = self.decode(cap);
        let (request, response) = self.laws.request();
        let one = first + self.steps * per_token;
        let latency = request + response + waves * one;
        Figures { first: request + first, per_token, latency, rate: batch / latency }
    }

    /// Seconds that a prompt waits for others, of Poisson arrivals at a rate.
    fn wait(&self, rate: f64, of: &Running) -> f64 {
        let busy = (rate * of.prompt).min(MOST_UTILISATION);
        busy / (2.0 * (1.0 - busy)) * of.prompt * (1.0 + self.row.lengths.input_spread) + of.step / 2.0
    }

    fn closed(&self, clients: f64, starts_at_once: bool) -> Figures {
        let running = self.cap().min(clients).max(1.0);
        let found = self.running(running);
        let (request, response) = self.laws.request();
        let mut first = request + found.first;
        if running > 1.0 {
            first += self.wait(found.rate, &found).min((running - 1.0) / 2.0 * found.prompt + found.step);
        }
        if clients > running {
            first += (clients - running) / found.rate;
        }
        if starts_at_once {
            first += self.prompts(running) / 2.0 / CLOSED_ROUNDS;
        }
        let latency = first + self.steps * found.per_token + response;
        let bound = clients > running;
        let rate = if bound { found.rate } else { clients / latency.max(1e-9) };
        Figures { first, per_token: found.per_token, latency, rate }
    }

    /// Prompts and answers on replicas of their own; `prefill` counts those of prompts in the size of the others, and may
    /// be a part of one. Prompts of several requests share an iteration as far as the budget goes.
    fn apart(&self, clients: f64, prefill: f64) -> Figures {
        let together = (self.budget / self.input()).clamp(1.0, PROMPTS_TOGETHER);
        let alone = self.prompts(1.0) / prefill.min(1.0);
        let service = self.prompts(together) / together / prefill.min(1.0);
        let served = prefill.max(1.0) / self.row.replicas / service;
        let (request, response) = self.laws.request();
        let cap = self.cap();
        let mut decoding = clients.min(cap);
        let mut found = Figures::default();
        for _ in 0..6 {
            let per_token = self.decode(decoding.max(1.0));
            let answer = self.steps * per_token + response;
            let rate = (clients / (request + alone + answer)).min(MOST_UTILISATION * served);
            let busy = rate / served;
            let wait = busy / (2.0 * (1.0 - busy)) * service;
            let queued = (clients / rate - answer - request).max(alone);
            let start = clients * served.recip() / 2.0 / CLOSED_ROUNDS;
            let first = request + (alone + wait).max(queued * f64::from(u8::from(busy > 0.96))) + start;
            let latency = first + answer;
            found = Figures { first, per_token, latency, rate: clients / latency };
            let next = (found.rate * self.steps * per_token).min(cap);
            decoding = (decoding + next) / 2.0;
        }
        found
    }

    fn offered(&self, rate: f64, requests: Option<f64>) -> Figures {
        let cap = self.cap();
        let full = self.running(cap);
        let (request, response) = self.laws.request();
        let count = requests.unwrap_or(USUAL_REQUESTS);
        if rate >= full.rate {
            let late = count / 2.0 * (1.0 / full.rate - 1.0 / rate);
            let first = request + full.first + late.max(0.0) + self.wait(full.rate, &full);
            let latency = first + self.steps * full.per_token + response;
            let span = count / full.rate + latency - late.max(0.0);
            return Figures { first, per_token: full.per_token, latency, rate: count / span };
        }
        let mut running = (rate * self.steps * self.decode(1.0)).clamp(1.0, cap);
        let mut found = Running::default();
        for _ in 0..30 {
            found = self.running(running);
            let next = (rate * (found.first + self.steps * found.per_token)).clamp(1.0, cap);
            let moved = (next - running).abs() / running;
            running = (running + next) / 2.0;
            if moved < 1e-3 {
                break;
            }
        }
        let first = request + found.first + self.wait(rate, &found);
        let latency = first + self.steps * found.per_token + response;
        let span = count / rate + latency;
        Figures { first, per_token: found.per_token, latency, rate: count / span }
    }

    /// So many requests at once: their prompts first, decoding beside them, as far as the cache goes.
    fn burst(&self, requests: f64) -> Figures {
        let cap = self.cap().min(requests);
        let full = self.running(cap);
        let (request, response) = self.laws.request();
        let backlog = self.prompts(cap);
        let crowded = self.laws.linear(self.budget) + self.decode(cap) - self.laws.linear(cap);
        let plain = self.decode(cap);
        // Mean over places in the queue of the iterations that still carry prompts.
        let places = 16;
        let mean: f64 = (0..places)
            .map(|place| {
                let left = backlog * (1.0 - (f64::from(place) + 0.5) / f64::from(places));
                let beside = (left / crowded).min(self.steps);
                beside * crowded + (self.steps - beside) * plain
            })
            .sum::<f64>()
            / f64::from(places);
        let waves = (requests / cap).max(1.0);
        let beyond = (requests - cap) / full.rate;
        let first = request + backlog / 2.0 + beyond * (1.0 - 1.0 / waves) / 2.0 * waves.min(2.0);
        let per_token = if self.steps > 0.0 { mean / self.steps } else { plain };
        let latency = first + mean + response;
        let span = backlog + self.steps * plain + beyond + request;
        Figures { first, per_token, latency, rate: requests / span }
    }
}
