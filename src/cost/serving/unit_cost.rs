//! From an hourly bill and rates to the cost of a million tokens, predictions or target-met requests.

use crate::catalog::ApiPrice;
use crate::units::{Money, PricePerHour, PricePerMillion};

/// Cost of a million tokens of own machines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenCosts {
    /// The bill over all tokens, input and output alike.
    pub blended: PricePerMillion,
    /// Input tokens, when an output token is charged at the given multiple of them.
    pub input: PricePerMillion,
    /// Output tokens, at that multiple.
    pub output: PricePerMillion,
}

/// The bill over what it bought, as the price of a million: predictions, requests that met their targets, tokens.
/// `None` when nothing flows, or the price of so rare an event would not fit.
#[must_use]
pub fn cost_per_million(hourly: PricePerHour, per_second: f64) -> Option<PricePerMillion> {
    let usd = hourly.usd_per_hour() * 1e6 / (3600.0 * per_second);
    (per_second > 0.0 && usd.is_finite() && usd.abs() < 1e15).then(|| PricePerMillion(Money::from_usd(usd)))
}

/// The bill over input and output tokens: blended, and split so that an output token costs `ratio` input tokens, as
/// price lists do. Both splits pay for the bill exactly: `input × in + output × out = bill`.
#[must_use]
pub fn token_costs(hourly: PricePerHour, input: f64, output: f64, ratio: f64) -> Option<TokenCosts> {
    if !(input >= 0.0 && output >= 0.0 && ratio > 0.0) {
        return None;
    }
    let as_input = cost_per_million(hourly, input + ratio * output)?;
    Some(TokenCosts {
        blended: cost_per_million(hourly, input + output)?,
        input: as_input,
        output: as_input.scaled(ratio),
    })
}

/// How many input tokens an output token costs on price lists: the median over the prices; `None` of none.
#[must_use]
pub fn output_price_ratio<'a>(prices: impl IntoIterator<Item = &'a ApiPrice>) -> Option<f64> {
    let mut ratios: Vec<f64> = prices
        .into_iter()
        .filter(|price| price.input.0 > Money::ZERO)
        .map(|price| price.output.usd_per_million() / price.input.usd_per_million())
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied()
}

/// What a million requests of that many tokens each cost at an API.
#[must_use]
pub fn api_price_of_requests(
    price: &ApiPrice,
    input_tokens: f64,
    cached_share: f64,
    output_tokens: f64,
) -> PricePerMillion {
    PricePerMillion(price.cost(1e6 * input_tokens, cached_share, 1e6 * output_tokens))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usd(hour: f64) -> PricePerHour {
        PricePerHour(Money::from_usd(hour))
    }

    #[test]
    fn a_dollar_for_a_million_in_an_hour() {
        let price = cost_per_million(usd(3.6), 1000.0).unwrap_or_default();
        assert_eq!(price, PricePerMillion(Money::from_usd(1.0)));
        assert_eq!(cost_per_million(usd(3.6), 0.0), None);
        assert_eq!(cost_per_million(usd(3.6), f64::NAN), None);
        assert_eq!(cost_per_million(usd(3.6), 5e-324), None);
    }

    proptest! {
        #[test]
        fn a_split_pays_for_the_bill(hour in 0.1..1e3f64, input in 1.0..1e6f64, output in 1.0..1e6f64, ratio in 0.5..10.0f64) {
            let costs = token_costs(usd(hour), input, output, ratio).ok_or_else(|| TestCaseError::fail("none"))?;
            let paid = (costs.input.usd_per_million() * input + costs.output.usd_per_million() * output) * 3600.0 / 1e6;
            // Prices are whole nano-dollars, which shows at high rates.
            let rounding = 1e-9 * (1.0 + ratio) * (input + output) * 3600.0 / 1e6;
            prop_assert!((paid - hour).abs() <= 1e-9 * hour + rounding, "{paid} {hour}");
            let cheap = costs.input.min(costs.output);
            prop_assert!(costs.blended >= cheap && costs.blended <= costs.input.max(costs.output));
        }

        #[test]
        fn doubled_prices_double_the_cost(nano in 1i128..1_000_000_000_000, rate in 1e-3..1e4f64) {
            let once = cost_per_million(PricePerHour(Money(nano)), rate).unwrap_or_default().0.0;
            let twice = cost_per_million(PricePerHour(Money(2 * nano)), rate).unwrap_or_default().0.0;
            prop_assert!((twice - 2 * once).abs() <= 1 + once / 1_000_000_000_000);
        }
    }
}
