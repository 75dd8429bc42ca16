//! Kinds of requests: which one comes, how long it is, what it shares.

use super::cycle::Cycle;
use super::fault::TrafficError;
use super::lengths::Sampler;
use super::request::{Prefix, Request};
use super::spec::{ArrivalSpec, LengthLaw, Mix, TraceFormat, TraceSource, TrafficSpec};
use super::trace::{TraceError, TraceRow};
use super::traffic::within;
use crate::stats::Stream;
use crate::units::SimTime;

/// Kinds of a mix, ready to be drawn.
#[derive(Debug)]
pub(super) struct Kinds {
    kinds: Vec<Kind>,
    choices: Stream,
    most_tokens: u32,
}

#[derive(Debug)]
struct Kind {
    /// Sum of the shares up to this kind.
    up_to: f64,
    lengths: Lengths,
    priority: u8,
    model: u16,
    /// First group, groups, shared tokens.
    prefix: Option<(u32, u32, u32)>,
    inputs: Stream,
    outputs: Stream,
    groups: Stream,
}

#[derive(Debug)]
enum Lengths {
    /// Of the row that the time comes from.
    OfRow,
    /// Of the next row of a trace.
    Cycle(Box<Cycle>),
    Laws(Sampler, Sampler),
}

impl Kinds {
    pub(super) fn open(spec: &TrafficSpec, seed: u64, replica: u32) -> Result<Self, TraceError> {
        let mut up_to = 0.0;
        let mut first_group = 0_u32;
        let mut kinds = Vec::with_capacity(spec.mixes.len());
        for (index, mix) in spec.mixes.iter().enumerate() {
            let entity = format!("traffic-{index}");
            let stream = |purpose| Stream::named(seed, replica, &entity, purpose);
            up_to += mix.share;
            let prefix = mix.prefix.map(|(groups, tokens)| (first_group, groups, tokens));
            first_group = first_group.wrapping_add(mix.prefix.map_or(0, |(groups, _)| groups));
            kinds.push(Kind {
                up_to,
                lengths: Lengths::open(mix, &spec.arrivals)?,
                priority: mix.priority,
                model: mix.model,
                prefix,
                inputs: stream("input"),
                outputs: stream("output"),
                groups: stream("prefix"),
            });
        }
        let choices = Stream::named(seed, replica, "traffic", "mix");
        Ok(Self { kinds, choices, most_tokens: spec.most_tokens.unwrap_or(u32::MAX) })
    }

    /// The request that arrives now; `None` when a trace of lengths is over.
    pub(super) fn request(
        &mut self,
        at: SimTime,
        row: Option<&TraceRow>,
    ) -> Result<Option<Request>, TraceError> {
        let Some(last) = self.kinds.len().checked_sub(1) else { return Ok(None) };
        let chosen = if last == 0 {
            0
        } else {
            let drawn = self.choices.uniform();
            self.kinds.iter().position(|kind| drawn < kind.up_to).unwrap_or(last)
        };
        let (chosen, most) = (&mut self.kinds[chosen], self.most_tokens);
        chosen.request(at, row, most)
    }
}

impl Kind {
    fn request(
        &mut self,
        at: SimTime,
        row: Option<&TraceRow>,
        most: u32,
    ) -> Result<Option<Request>, TraceError> {
        let (input, output, shared) = match &mut self.lengths {
            Lengths::Laws(input, output) => {
                (input.draw(&mut self.inputs), output.draw(&mut self.outputs), None)
            }
            Lengths::OfRow => match row {
                Some(row) => (row.input, row.output, row.prefix),
                None => return Ok(None),
            },
            Lengths::Cycle(rows) => match rows.next()? {
                Some(row) => (row.input, row.output, row.prefix),
                None => return Ok(None),
            },
        };
        let input = input.min(most.saturating_sub(1)).max(1);
        let output = output.min(most.saturating_sub(input));
        let own = self.prefix.map(|(first, groups, tokens)| Prefix {
            group: first.wrapping_add(self.groups.below(groups as usize) as u32),
            tokens: tokens.min(input),
        });
        let prefix = shared.or(own);
        let (model, priority) = (self.model, self.priority);
        Ok(Some(Request { at, input, output, model, priority, prefix }))
    }
}

impl Lengths {
    fn open(mix: &Mix, arrivals: &ArrivalSpec) -> Result<Self, TraceError> {
        let Some(source) = &mix.lengths.trace else {
            return Ok(Self::Laws(Sampler::new(&mix.lengths.input), Sampler::new(&mix.lengths.output)));
        };
        let of_row = |times: &TraceSource| times.path == source.path && times.format == source.format;
        match arrivals {
            ArrivalSpec::Trace(times) if of_row(times) && times.format != TraceFormat::Windows => {
                Ok(Self::OfRow)
            }
            _ => Ok(Self::Cycle(Box::new(Cycle::open(source)?))),
        }
    }
}

impl TrafficSpec {
    /// Checks every figure; files are left alone.
    ///
    /// # Errors
    /// The first figure that is out of its range.
    pub fn check(&self) -> Result<(), TrafficError> {
        self.arrivals.check()?;
        if self.mixes.is_empty() {
            return Err(TrafficError::NoKind);
        }
        for mix in &self.mixes {
            within("the share of a kind of requests", mix.share, 0.0, 1.0)?;
            match &mix.lengths.trace {
                Some(source) => within("the speed of a trace", source.speed, 1e-6, 1e9)?,
                None => {
                    mix.lengths.input.check("prompt")?;
                    mix.lengths.output.check("answer")?;
                }
            }
        }
        let sum: f64 = self.mixes.iter().map(|mix| mix.share).sum();
        if (sum - 1.0).abs() > 1e-6 {
            return Err(TrafficError::Shares { sum });
        }
        let ends = |mix: &Mix| mix.lengths.trace.as_ref().is_some_and(|trace| !trace.repeat);
        if self.arrivals == ArrivalSpec::Burst && self.requests.is_none() && !self.mixes.iter().any(ends) {
            return Err(TrafficError::Endless);
        }
        Ok(())
    }
}

impl LengthLaw {
    fn check(&self, what: &'static str) -> Result<(), TrafficError> {
        let sound = |value: f64| value.is_finite() && value > 0.0;
        let fault = match self {
            Self::Fixed(_) => None,
            Self::Uniform(least, most) => (least > most).then_some("has its ends the wrong way round"),
            Self::LogNormal { median, mean, .. } if !sound(*median) || !sound(*mean) => {
                Some("needs a median and a mean above 0")
            }
            Self::LogNormal { median, mean, .. } => {
                (mean < median).then_some("has a mean below its median, which a lognormal law never has")
            }
            Self::Empirical(quantiles) if quantiles.is_empty() => Some("has no quantile"),
            Self::Empirical(quantiles) => {
                (!quantiles.is_sorted()).then_some("has quantiles that do not ascend")
            }
        };
        fault.map_or(Ok(()), |fault| Err(TrafficError::Lengths { what, fault }))
    }
}
