//! Iterations of a served language model, out of what the user measured: prompts by their number and by their length,
//! and answers by the sequences decoded at once and by the tokens they stand behind.
//!
//! An iteration of `n` sequences decoding behind a mean context `c`, beside prompts of `t` tokens, is
//! `linear(n + t) + attention(n, c) + prompt(t, history)`, linear being what both kinds of tokens share. The measured
//! curves come back exactly where an iteration is one of theirs: decoding alone, and one prompt alone.

use crate::catalog::measured::{MeasuredCurve, Section};
use crate::catalog::{Model, Precision, Provenance};
use crate::stats::FittedCurve;
use crate::steptime::DeviceLimit;
use crate::steptime::serving::{StepLaws, StepTable, TableScope};
use crate::units::Seconds;

use super::draws::{factors, log_deviation};
use super::query::{MeasuredAnswer, NotMeasured};
use super::{MeasuredSteps, Way};

/// Share of a decoded batch's time that is attention at most, however the curve over contexts was fitted.
const MOST_ATTENTION: f64 = 0.95;

/// Iterations of one replica, and how well they are known.
#[derive(Clone, Debug)]
pub struct MeasuredIterations {
    laws: Laws,
    /// Standard deviation of the logarithm of the error of every time.
    pub log_error: f64,
    /// How they are known.
    pub provenance: Provenance,
    /// Where they come from, in one line.
    pub basis: String,
}

impl MeasuredIterations {
    /// The times, each multiplied by a factor.
    #[must_use]
    pub fn table(&self, scope: &TableScope, factor: f64) -> StepTable {
        let laws = &self.laws;
        let factor = factor * laws.slower;
        StepTable::tabulate(&StepLaws {
            linear: &|tokens| laws.linear(tokens) * factor,
            // What a sequence costs beside its tokens is in the curve over sequences.
            sampled: &|_| 0.0,
            decode_attention: &|sequences, context| laws.attention(sequences, context) * factor,
            prefill_attention: &|chunk, history| laws.prompt(chunk, history) * factor,
            most_tokens: scope.most_tokens,
            most_sequences: scope.most_sequences,
            longest: scope.longest,
            tokens_per_decode: scope.tokens_per_decode,
        })
    }
}

/// The curves, in seconds. What clients of a server saw has neither several prompts at once nor contexts apart.
#[derive(Clone, Debug)]
struct Laws {
    /// Prompts of so many tokens each, by their number.
    prompts: Option<(FittedCurve, f64)>,
    /// One prompt, by its tokens.
    lengths: FittedCurve,
    /// Sequences decoded behind `decode_context` tokens, by their number.
    decodes: FittedCurve,
    decode_context: f64,
    /// So many sequences decoded, by the tokens they stand behind.
    contexts: Option<(FittedCurve, f64)>,
    /// How many times longer everything takes on the device asked about.
    slower: f64,
}

impl Laws {
    /// What contexts add to decoding sequences: the curve over contexts, above its value at none.
    fn behind(&self, sequences: f64, context: f64) -> f64 {
        let Some((contexts, batch)) = &self.contexts else { return 0.0 };
        (contexts.evaluate(context) - contexts.evaluate(0.0)).max(0.0) * sequences / batch
    }

    /// Decoding sequences alone, as if they stood behind nothing.
    fn decoding(&self, sequences: f64) -> f64 {
        let whole = self.decodes.evaluate(sequences.max(1.0));
        whole - self.behind(sequences, self.decode_context).min(MOST_ATTENTION * whole)
    }

    /// Seconds of a pair of a query and a key in a prompt: prompts of as many tokens differ by their lengths alone.
    fn pair(&self) -> f64 {
        let Some((prompts, own)) = &self.prompts else { return 0.0 };
        let tokens = self.lengths.to;
        if tokens <= *own {
            return 0.0;
        }
        let more = self.lengths.evaluate(tokens) - prompts.evaluate(tokens / own);
        (2.0 * more / (tokens * (tokens - own))).max(0.0)
    }

    /// What depends on the tokens of an iteration alone: the lesser of reading and of decoding so many. What either
    /// takes beyond it is its own: sequences that are decoded cost more than tokens that are read.
    fn linear(&self, tokens: f64) -> f64 {
        let reading = match &self.prompts {
            Some((prompts, own)) => prompts.evaluate(tokens / own) - self.pair() * tokens * own / 2.0,
            None => self.lengths.evaluate(tokens),
        };
        reading.min(self.decoding(tokens)).max(0.0)
    }

    /// Decoding sequences beyond what their tokens take as tokens.
    fn attention(&self, sequences: f64, context: f64) -> f64 {
        let whole = self.decoding(sequences) + self.behind(sequences, context);
        (whole - self.linear(sequences)).max(0.0)
    }

    /// A chunk of a prompt behind what was read of it before, beyond what its tokens take as tokens.
    fn prompt(&self, chunk: f64, history: f64) -> f64 {
        (self.lengths.evaluate(chunk) - self.linear(chunk)).max(0.0) + self.pair() * chunk * history
    }
}

impl MeasuredSteps {
    /// Iterations of a language model on the device that `way` names, at most `sequences` at once.
    ///
    /// # Errors
    /// When the profile has no curve of prompts by their length or of decoded sequences, or one of a single size.
    pub fn iterations(
        &self,
        way: Way<'_>,
        model: &Model,
        precision: Precision,
        sequences: u32,
    ) -> Result<MeasuredIterations, NotMeasured> {
        let lengths = self.serving_curve(model, precision, ("prefill", "sequence"));
        let lengths = lengths.ok_or_else(|| self.no_curve("prefill against sequence", model, precision))?;
        let decodes = self.serving_curve(model, precision, ("decode", "batch"));
        let decodes = decodes.ok_or_else(|| self.no_curve("decode against batch", model, precision))?;
        let fitted = |curve: &MeasuredCurve| {
            curve.fit.as_ref().map(|fit| fit.fitted).ok_or_else(|| NotMeasured::OneSize {
                profile: self.profile.name.clone(),
                curve: curve.title(),
            })
        };
        let with = |name, setting| {
            let curve = self.serving_curve(model, precision, name)?;
            curve.fit.as_ref().map(|fit| fit.fitted).zip(number(curve, setting))
        };
        let (prompts, contexts) =
            (with(("prefill", "batch"), "sequence"), with(("decode", "context"), "batch"));
        let mut laws = Laws {
            prompts,
            lengths: fitted(lengths)?,
            decodes: fitted(decodes)?,
            decode_context: number(decodes, "context").unwrap_or(1.0),
            contexts,
            slower: 1.0,
        };
        let most = f64::from(sequences.max(1));
        let widest = [(lengths, laws.lengths.to), (decodes, 1.0), (decodes, most)]
            .map(|(curve, at)| factors(curve, at))
            .into_iter()
            .max_by(|left, right| log_deviation(left).total_cmp(&log_deviation(right)))
            .unwrap_or_else(|| vec![1.0]);
        let stretch = laws.decodes.stretch(most);
        let own = MeasuredAnswer {
            seconds: Seconds(laws.decodes.evaluate(1.0)),
            log_error: log_deviation(&widest),
            factors: widest,
            provenance: if stretch > 1.0 { Provenance::Extrapolated } else { self.provenance() },
            limit: DeviceLimit::Compute,
            basis: format!(
                "{}: prefill of {} to {} tokens, decode of {} to {} sequences{}{}; scheduled as the engine does",
                self.words(),
                laws.lengths.from,
                laws.lengths.to,
                laws.decodes.from,
                laws.decodes.to,
                if laws.contexts.is_some() { "" } else { " behind contexts as long as they were there" },
                if stretch > 1.0 { format!(", extrapolated {stretch:.3} times") } else { String::new() }
            ),
            warnings: Vec::new(),
        };
        let answer = match way {
            Way::Own => own.clone(),
            Way::Carried(transfer, accelerator) => self.carry(&own, transfer, accelerator, precision)?,
        };
        laws.slower = answer.seconds / own.seconds;
        Ok(MeasuredIterations {
            laws,
            log_error: answer.log_error,
            provenance: answer.provenance,
            basis: answer.basis,
        })
    }

    /// Most sequences that were decoded at once; `None` where none were.
    #[must_use]
    pub fn most_decoded(&self, model: &Model, precision: Precision) -> Option<u32> {
        let curve = self.serving_curve(model, precision, ("decode", "batch"))?;
        Some(curve.fit.as_ref()?.fitted.to as u32)
    }

    fn serving_curve(
        &self,
        model: &Model,
        precision: Precision,
        (quantity, axis): (&str, &str),
    ) -> Option<&MeasuredCurve> {
        let of_model = |curve: &MeasuredCurve| {
            curve
                .setting("model")
                .is_some_and(|name| name == model.id || model.aliases.iter().any(|alias| alias == name))
        };
        self.profile.section(Section::Infer).find(|curve| {
            curve.quantity == quantity
                && curve.axis == axis
                && of_model(curve)
                && curve.setting("precision").is_none_or(|word| word == precision.word())
        })
    }
}

/// A setting that is a count.
fn number(curve: &MeasuredCurve, key: &str) -> Option<f64> {
    curve.setting(key)?.parse().ok().filter(|value| *value >= 1.0)
}
