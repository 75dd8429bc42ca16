//! Iteration times of one replica, tabulated once.
//!
//! An iteration of continuous batching takes
//! `linear(tokens) + sampled(sequences) + decode_attention(sequences, contexts) + Σ prefill_attention(chunk, history)`.
//! Each law is sampled on a grid and interpolated; decode attention is linear in the sum of contexts between knots, so
//! that a stable batch can be leapt over in closed form.

/// The laws behind a table, in seconds. They are called while tabulating only.
pub struct StepLaws<'a> {
    /// What depends on the tokens of an iteration alone: products, element-wise passes, exchanges, launches, and the
    /// host's work of a step.
    pub linear: &'a dyn Fn(f64) -> f64,
    /// What depends on the sequences that yield a token: vocabulary, sampling, the host's work of a sequence.
    pub sampled: &'a dyn Fn(f64) -> f64,
    /// Decode attention of `sequences` with a mean context, all layers.
    pub decode_attention: &'a dyn Fn(f64, f64) -> f64,
    /// Prefill attention of one chunk of tokens behind a history, all layers.
    pub prefill_attention: &'a dyn Fn(f64, f64) -> f64,
    /// Most tokens of an iteration.
    pub most_tokens: u32,
    /// Most sequences of an iteration.
    pub most_sequences: u32,
    /// Longest context.
    pub longest: u32,
    /// Tokens that a decoding sequence adds to an iteration: 1, and the drafts when it speculates.
    pub tokens_per_decode: u32,
}

/// Tokens up to which every count has its own entry.
const EXACT_TOKENS: usize = 1024;
/// Tokens between entries beyond.
const TOKEN_STRIDE: usize = 64;
/// Most tokens and sequences that are sampled; beyond, the last slope goes on.
const MOST_TOKENS: u32 = 1 << 20;
const MOST_SEQUENCES: u32 = 1 << 12;
/// Mean contexts at which decode attention is sampled: powers of two from here.
const FIRST_KNOT: u64 = 64;

/// Iteration times of one replica.
#[derive(Clone, Debug)]
pub struct StepTable {
    linear: Vec<f64>,
    chunk_base: Vec<f64>,
    chunk_slope: Vec<f64>,
    sampled: Vec<f64>,
    /// Decode attention at the knots, `knots` values for each count of sequences from 1.
    decode: Vec<f64>,
    knots: usize,
    tokens_per_decode: u32,
}

/// The time of a decode-only iteration as a line in the sum of contexts: `base_ns + slope_ns · sum`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecodeLine {
    /// Nanoseconds at a sum of 0.
    pub base_ns: f64,
    /// Nanoseconds for each token of context.
    pub slope_ns: f64,
    /// The line holds for sums below this.
    pub valid_below: u64,
}

impl StepTable {
    /// Samples the laws.
    #[must_use]
    pub fn tabulate(laws: &StepLaws<'_>) -> Self {
        let ns = |seconds: f64| seconds.max(0.0) * 1e9;
        let most_sequences = laws.most_sequences.clamp(1, MOST_SEQUENCES);
        let grid: Vec<f64> =
            grid(laws.most_tokens.min(MOST_TOKENS) as usize).map(|tokens| tokens as f64).collect();
        let history = f64::from(laws.longest.max(2)) / 2.0;
        let chunk = |tokens: f64, history: f64| {
            if tokens > 0.0 { ns((laws.prefill_attention)(tokens, history)) } else { 0.0 }
        };
        let mut knots = 2;
        while FIRST_KNOT << (knots - 1) < u64::from(laws.longest) {
            knots += 1;
        }
        let mut decode = Vec::with_capacity(knots * most_sequences as usize);
        for sequences in 1..=most_sequences {
            decode.extend((0..knots).map(|knot| {
                let context = (FIRST_KNOT << knot) as f64;
                ns((laws.decode_attention)(f64::from(sequences), context))
            }));
        }
        Self {
            linear: grid.iter().map(|tokens| ns((laws.linear)(*tokens))).collect(),
            chunk_base: grid.iter().map(|tokens| chunk(*tokens, 0.0)).collect(),
            chunk_slope: grid
                .iter()
                .map(|tokens| ((chunk(*tokens, history) - chunk(*tokens, 0.0)) / history).max(0.0))
                .collect(),
            sampled: (0..=most_sequences).map(|count| ns((laws.sampled)(f64::from(count)))).collect(),
            decode,
            knots,
            tokens_per_decode: laws.tokens_per_decode.max(1),
        }
    }

    /// Tokens that a decoding sequence adds to an iteration.
    #[must_use]
    pub fn tokens_per_decode(&self) -> u32 {
        self.tokens_per_decode
    }

    /// Most sequences that the table holds.
    #[must_use]
    pub fn most_sequences(&self) -> u32 {
        (self.sampled.len() - 1) as u32
    }

    /// Nanoseconds of the prefill attention of one chunk behind a history.
    #[must_use]
    pub fn prefill_attention_ns(&self, tokens: u32, history: u32) -> f64 {
        let at = place(tokens as usize);
        interpolate(&self.chunk_base, at) + interpolate(&self.chunk_slope, at) * f64::from(history)
    }

    /// The time of a decode-only iteration of `sequences` around a sum of contexts.
    #[must_use]
    pub fn decode_line(&self, sequences: u32, contexts: u64) -> DecodeLine {
        let tokens = sequences.saturating_mul(self.tokens_per_decode);
        let outside = interpolate(&self.linear, place(tokens as usize)) + self.sampled_ns(sequences);
        let (base, slope, valid_below) = self.attention_line(sequences, contexts);
        DecodeLine { base_ns: outside + base, slope_ns: slope, valid_below }
    }

    /// Nanoseconds of an iteration of `decodes` sequences of a sum of contexts beside `prefill_tokens` of chunks whose
    /// attention takes `prefill_attention_ns`; `sampled` sequences yield a token.
    #[must_use]
    pub fn iteration_ns(
        &self,
        decodes: u32,
        contexts: u64,
        prefill_tokens: u32,
        prefill_attention_ns: f64,
        sampled: u32,
    ) -> f64 {
        let tokens = decodes.saturating_mul(self.tokens_per_decode).saturating_add(prefill_tokens);
        let mut sum = interpolate(&self.linear, place(tokens as usize)) + self.sampled_ns(sampled);
        if decodes > 0 {
            let (base, slope, _) = self.attention_line(decodes, contexts);
            sum += base + slope * contexts as f64;
        }
        sum + prefill_attention_ns
    }

    fn sampled_ns(&self, sequences: u32) -> f64 {
        interpolate(&self.sampled, (sequences as usize, 0.0))
    }

    /// Decode attention as a line in the sum of contexts, and the sum at which the next line begins.
    fn attention_line(&self, sequences: u32, contexts: u64) -> (f64, f64, u64) {
        let count = u64::from(sequences.clamp(1, self.most_sequences().max(1)));
        let mean = contexts / u64::from(sequences.max(1));
        let segment = if mean < 2 * FIRST_KNOT { 0 } else { (mean / FIRST_KNOT).ilog2() as usize };
        let segment = segment.min(self.knots - 2);
        let row = (count as usize - 1) * self.knots + segment;
        let (low, high) = (self.decode[row], self.decode[row + 1]);
        let from = FIRST_KNOT << segment;
        let slope = (high - low) / from as f64;
        let scale = f64::from(sequences) / count as f64;
        let last = segment == self.knots - 2;
        let valid = if last { u64::MAX } else { (2 * from).saturating_mul(u64::from(sequences)) };
        ((low - slope * from as f64) * scale, slope / count as f64, valid)
    }
}

fn grid(most: usize) -> impl Iterator<Item = usize> {
    let beyond = most.saturating_sub(EXACT_TOKENS).div_ceil(TOKEN_STRIDE);
    (0..=EXACT_TOKENS).chain((1..=beyond + 1).map(|step| EXACT_TOKENS + step * TOKEN_STRIDE))
}

/// Index and share towards the next entry.
fn place(tokens: usize) -> (usize, f64) {
    if tokens <= EXACT_TOKENS {
        return (tokens, 0.0);
    }
    let beyond = tokens - EXACT_TOKENS;
    (EXACT_TOKENS + beyond / TOKEN_STRIDE, (beyond % TOKEN_STRIDE) as f64 / TOKEN_STRIDE as f64)
}

/// Beyond the last entry the last slope goes on.
fn interpolate(values: &[f64], (index, share): (usize, f64)) -> f64 {
    match values.get(index..) {
        Some([low, high, ..]) => low + (high - low) * share,
        _ => {
            let last = values.len() - 1;
            let slope = values[last] - values[last - 1];
            values[last] + slope * ((index - last) as f64 + share)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> StepTable {
        StepTable::tabulate(&StepLaws {
            linear: &|tokens| 1e-3 + 1e-6 * tokens,
            sampled: &|count| 1e-6 * count,
            decode_attention: &|count, context| 1e-9 * count * context,
            prefill_attention: &|tokens, history| 1e-9 * tokens * (tokens / 2.0 + history),
            most_tokens: 8192,
            most_sequences: 256,
            longest: 32_768,
            tokens_per_decode: 1,
        })
    }

    #[test]
    fn linear_laws_come_back_exactly() {
        let table = table();
        for (decodes, mean) in [(1_u32, 7_u64), (3, 64), (17, 1000), (256, 40_000)] {
            let contexts = u64::from(decodes) * mean;
            let expected = 1e6 + 1e3 * f64::from(decodes) + 1e3 * f64::from(decodes) + contexts as f64;
            let line = table.decode_line(decodes, contexts);
            let of_line = line.base_ns + line.slope_ns * contexts as f64;
            assert!((of_line / expected - 1.0).abs() < 1e-9, "{decodes} {mean}: {of_line} {expected}");
            let direct = table.iteration_ns(decodes, contexts, 0, 0.0, decodes);
            assert!((direct / of_line - 1.0).abs() < 1e-12);
            assert!(contexts < line.valid_below);
        }
        let chunk = table.prefill_attention_ns(512, 1024);
        assert!((chunk / (512.0 * (256.0 + 1024.0)) - 1.0).abs() < 1e-9);
        let crowd = table.iteration_ns(1000, 1_000_000, 0, 0.0, 1000);
        assert!((crowd / (1e6 + 1e6 + 1e6 + 1e6) - 1.0).abs() < 1e-9, "{crowd}");
        let far = table.iteration_ns(0, 0, 100_000, 0.0, 0);
        assert!((far / (1e6 + 1e3 * 100_000.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn laws_of_any_size_are_tabulated() {
        for most in [0, 1, u32::MAX] {
            let table = StepTable::tabulate(&StepLaws {
                linear: &|_| f64::NAN,
                sampled: &|_| f64::INFINITY,
                decode_attention: &|count, _| count,
                prefill_attention: &|_, _| -1.0,
                most_tokens: most,
                most_sequences: most,
                longest: most,
                tokens_per_decode: most,
            });
            assert!(table.most_sequences() <= MOST_SEQUENCES);
            let line = table.decode_line(2, 10);
            assert!(line.valid_below > 10);
            assert!(table.prefill_attention_ns(u32::MAX, u32::MAX) == 0.0);
            let _ = table.iteration_ns(u32::MAX, u64::MAX, u32::MAX, 0.0, u32::MAX);
        }
    }
}
