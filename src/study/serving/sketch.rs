//! What a replica of a language model does in the mean, without queues: the first guess of a search, and what bounds.

use crate::fleet::GroupRole;
use crate::scenario::{RequestTime, ServingSpec};
use crate::steptime::serving::{ServingLaws, ServingSeconds, ServingTerm, StepTable};
use crate::units::Seconds;
use crate::workload::inference::Rules;

use super::Asked;
use super::way::mean_lengths;

/// What a replica does in the mean, without queues.
pub(super) struct Sketch<'a> {
    pub table: &'a StepTable,
    pub rules: &'a Rules,
    pub cache_tokens: f64,
    pub spec: &'a ServingSpec,
    pub asked: &'a Asked<'a>,
    pub role: Option<GroupRole>,
}

impl Sketch<'_> {
    /// Shares of prompts and of answers that this group computes: a prefill group reads only, a decode group writes only.
    fn shares(&self) -> (f64, f64) {
        match self.role {
            Some(GroupRole::Prefill) => (1.0, 0.0),
            Some(GroupRole::Decode) => (0.0, 1.0),
            _ => (1.0, 1.0),
        }
    }

    /// Nanoseconds of prefilling the mean prompt, chunk by chunk, alone.
    fn prefill_ns(&self) -> f64 {
        let input = (mean_lengths(self.spec).0 + 0.5) as u32;
        let chunk =
            if self.rules.chunked_prefill { self.rules.max_batched_tokens.max(1) } else { input.max(1) };
        let (mut done, mut sum) = (0, 0.0);
        while done < input {
            let own = chunk.min(input - done);
            sum += self.table.iteration_ns(0, 0, own, self.table.prefill_attention_ns(own, done), 1);
            done += own;
        }
        sum
    }

    fn decode_ns(&self, sequences: u32) -> f64 {
        let (input, output) = mean_lengths(self.spec);
        let contexts = f64::from(sequences) * (input + output / 2.0);
        self.table.iteration_ns(sequences, contexts as u64, 0, 0.0, sequences)
    }

    /// Tokens that an iteration yields for each sequence.
    fn yielded(&self) -> f64 {
        self.rules.speculation.map_or(1.0, |speculation| {
            let (alpha, drafts) = (speculation.acceptance, f64::from(speculation.drafts));
            (1.0 - libm::pow(alpha, drafts + 1.0)) / (1.0 - alpha)
        })
    }

    /// Requests per second of one replica at the largest batch that keeps the tokens' pace, and that batch.
    pub fn rate(&self) -> (f64, u32) {
        let (input, output) = mean_lengths(self.spec);
        let held = (self.cache_tokens / (input + output).max(1.0)).max(1.0);
        let most = f64::from(self.rules.max_sequences).min(held) as u32;
        let (reads, writes) = self.shares();
        let prefill = reads * self.prefill_ns();
        let of = |batch: u32| {
            let per_token = self.decode_ns(batch) / self.yielded();
            let work = prefill + writes * output * per_token / f64::from(batch);
            // Between two tokens of a sequence, prompts of others are read as well.
            let pace = per_token + prefill * f64::from(batch) / output.max(1.0);
            (1e9 / work, pace / 1e9)
        };
        let targets = self.asked.scenario.objective.latency.iter();
        let keeps_pace = self.role != Some(GroupRole::Prefill);
        let pace_limit = targets
            .filter(|target| target.time == RequestTime::PerOutputToken)
            .map(|target| target.limit.0)
            .fold(f64::INFINITY, f64::min);
        let mut batch = most.max(1);
        while batch > 1 && keeps_pace && of(batch).1 > pace_limit {
            batch = (batch * 7 / 8).max(1).min(batch - 1);
        }
        (of(batch).0, batch)
    }

    /// A request alone: to its first token, and to its end.
    pub fn alone(&self) -> (Seconds, Seconds) {
        let first = self.rules.request_overhead.seconds().0 + self.prefill_ns() / 1e9;
        let output = mean_lengths(self.spec).1;
        let rest = (output - 1.0).max(0.0) * self.decode_ns(1) / self.yielded() / 1e9;
        (Seconds(first), Seconds(first + rest + self.rules.response_overhead.seconds().0))
    }

    /// What the time of a replica goes into at a batch, as shares of it by bound, greatest first.
    pub fn parts(&self, batch: u32, laws: &ServingLaws<'_>) -> Vec<(&'static str, f64)> {
        let (input, output) = mean_lengths(self.spec);
        let mut sums =
            [("compute", 0.0), ("memory-bandwidth", 0.0), ("network", 0.0), ("host-overhead", 0.0)];
        let mut add = |parts: &ServingSeconds, times: f64, reading: bool| {
            for (_, term) in ServingTerm::ALL {
                sums[bound_of(term, reading)].1 += times * parts.seconds[term as usize];
            }
        };
        let (reads, writes) = self.shares();
        let chunk = f64::from(self.rules.max_batched_tokens).min(input).max(1.0);
        add(&laws.device_parts(chunk), reads * input / chunk, true);
        let iterations = writes * output / self.yielded() / f64::from(batch.max(1));
        add(&laws.device_parts(f64::from(batch * self.table.tokens_per_decode())), iterations, false);
        let sequences = f64::from(batch);
        let attention = laws.decode_attention(sequences, input + output / 2.0) * iterations;
        sums[1].1 += attention + laws.sampled(sequences) * iterations;
        sums[0].1 += reads * self.table.prefill_attention_ns((input + 0.5) as u32, 0) / 1e9;
        let device: f64 = sums.iter().map(|(_, seconds)| seconds).sum();
        let written = writes * output / self.yielded() * self.decode_ns(batch) / sequences;
        let work = (reads * self.prefill_ns() + written) / 1e9;
        sums[3].1 += (work - device).max(0.0);
        let total: f64 = sums.iter().map(|(_, seconds)| seconds).sum();
        let mut shares: Vec<(&str, f64)> =
            sums.iter().map(|(name, seconds)| (*name, seconds / total.max(1e-12))).collect();
        shares.sort_by(|left, right| right.1.total_cmp(&left.1));
        shares
    }
}

/// The bound that a term belongs to, as a place in the list; `reading` of prompts.
fn bound_of(term: ServingTerm, reading: bool) -> usize {
    match term {
        ServingTerm::Arithmetic | ServingTerm::PromptAttention => 0,
        ServingTerm::Experts => usize::from(!reading),
        ServingTerm::Streaming
        | ServingTerm::Vocabulary
        | ServingTerm::DecodeAttention
        | ServingTerm::Elementwise => 1,
        ServingTerm::TensorExchange | ServingTerm::ExpertExchange | ServingTerm::PipelineExchange => 2,
        ServingTerm::Host | ServingTerm::PromptHost | ServingTerm::Request => 3,
    }
}
