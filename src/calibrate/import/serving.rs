//! What a serving benchmark tells of one run.

/// One run of a benchmark: requests of about the same kind under the same load.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ServingRow {
    /// File and path, for messages.
    pub place: String,
    /// Name of the model.
    pub model: Option<String>,
    /// Requests in flight on average, or the limit that was set.
    pub concurrency: Option<f64>,
    /// Requests answered per second.
    pub rate: Option<f64>,
    /// Prompt tokens of a request, on average.
    pub prompt: Option<f64>,
    /// Output tokens of a request, on average.
    pub output: Option<f64>,
    /// Seconds to the first token.
    pub ttft: Option<f64>,
    /// Seconds per output token after the first.
    pub tpot: Option<f64>,
    /// Seconds of the whole request.
    pub e2e: Option<f64>,
    /// Prompt tokens and seconds to the first token of single requests.
    pub requests: Vec<(f64, f64)>,
}

impl ServingRow {
    /// Requests in flight: as told, or by Little's law.
    pub fn in_flight(&self) -> Option<f64> {
        let by_law = self.rate.zip(self.seconds()).map(|(rate, seconds)| rate * seconds);
        self.concurrency.or(by_law)
    }

    /// Seconds of a request: as told, or first token and the others.
    pub fn seconds(&self) -> Option<f64> {
        let of_tokens = || Some(self.ttft? + self.tpot? * (self.output? - 1.0).max(0.0));
        self.e2e.or_else(of_tokens)
    }

    /// Requests that are being answered, token by token, at a time: by Little's law, or those in flight.
    pub fn decoding(&self) -> Option<f64> {
        let by_law = || Some(self.rate? * self.tpot? * (self.output? - 1.0).max(0.0));
        let in_flight = self.in_flight();
        let decoding = by_law().or(in_flight)?;
        Some(in_flight.map_or(decoding, |most| decoding.min(most)).max(1.0))
    }
}
