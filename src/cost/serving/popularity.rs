//! How unevenly things are asked for: Zipf's law, and how many requests the most wanted ones cover.

/// The k-th most wanted of `items` things is asked for in proportion to `k^-skew`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Popularity {
    items: f64,
    skew: f64,
    /// Sums over the ranks that are added one by one, and over all.
    head: f64,
    all: f64,
}

/// Ranks summed one by one; the rest follows Euler and Maclaurin, whose error is then below 1e-12.
const HEAD: u32 = 32;

impl Popularity {
    /// A popularity; items are whole and at least one, the exponent is not negative.
    #[must_use]
    pub fn new(items: f64, skew: f64) -> Self {
        let within =
            |value: f64, low: f64, high: f64| if value.is_nan() { low } else { value.clamp(low, high) };
        let (items, skew) = (within(items, 1.0, 1e15).floor(), within(skew, 0.0, 20.0));
        let mut popularity = Self { items, skew, head: 0.0, all: 1.0 };
        popularity.head = popularity.added(HEAD);
        popularity.all = popularity.harmonic(items);
        popularity
    }

    /// Things that may be asked for.
    #[must_use]
    pub fn items(&self) -> f64 {
        self.items
    }

    /// Share of requests for the most wanted `count` things; of a fraction of a thing, that fraction of its requests.
    #[must_use]
    pub fn coverage(&self, count: f64) -> f64 {
        if count >= self.items {
            return 1.0;
        }
        if count.is_nan() || count <= 0.0 {
            return 0.0;
        }
        let whole = count.floor();
        let part = (count - whole) * libm::pow(whole + 1.0, -self.skew);
        ((self.harmonic(whole) + part) / self.all).clamp(0.0, 1.0)
    }

    /// The fewest things that cover a share of requests: the inverse of [`Self::coverage`].
    #[must_use]
    pub fn items_for(&self, share: f64) -> f64 {
        if share.is_nan() || share <= 0.0 {
            return 0.0;
        }
        if share >= 1.0 {
            return self.items;
        }
        // The greatest whole number of things that does not cover more, then a part of the next.
        let (mut low, mut high) = (0.0, self.items);
        while high - low > 1.0 {
            let middle = ((low + high) / 2.0).floor();
            if self.coverage(middle) <= share { low = middle } else { high = middle }
        }
        let (below, above) = (self.coverage(low), self.coverage(high));
        if above > below { low + ((share - below) / (above - below)).clamp(0.0, 1.0) } else { low }
    }

    fn added(&self, count: u32) -> f64 {
        (1..=count).map(|rank| libm::pow(f64::from(rank), -self.skew)).sum()
    }

    /// `Σ k^-skew` over the first `count` ranks, a whole number.
    fn harmonic(&self, count: f64) -> f64 {
        let power = |rank: f64, more: f64| libm::pow(rank, -self.skew - more);
        let (from, to) = (f64::from(HEAD), count);
        if to <= from {
            return self.added(count as u32);
        }
        let skew = self.skew;
        let log = libm::log(to / from);
        let integral = if (1.0 - skew).abs() < 1e-12 {
            log
        } else {
            libm::pow(from, 1.0 - skew) * libm::expm1((1.0 - skew) * log) / (1.0 - skew)
        };
        let first = skew / 12.0 * (power(from, 1.0) - power(to, 1.0));
        let third = skew * (skew + 1.0) * (skew + 2.0) / 720.0 * (power(from, 3.0) - power(to, 3.0));
        self.head + integral + (power(to, 0.0) - power(from, 0.0)) / 2.0 + first - third
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sums_agree_with_adding_up() {
        for skew in [0.0, 0.5, 0.8, 1.0, 1.2, 2.0, 5.0] {
            let popularity = Popularity::new(100_000.0, skew);
            let mut sum = 0.0;
            let all: f64 = (1..=100_000).map(|rank| libm::pow(f64::from(rank), -skew)).sum();
            for rank in 1..=100_000u32 {
                sum += libm::pow(f64::from(rank), -skew);
                if [1, 31, 32, 33, 1000, 99_999].contains(&rank) {
                    let found = popularity.coverage(f64::from(rank));
                    assert!((found - sum / all).abs() < 1e-11, "{skew} {rank}: {found} {}", sum / all);
                }
            }
        }
    }

    #[test]
    fn evenly_means_in_proportion_and_nonsense_ends() {
        let even = Popularity::new(500e6, 0.0);
        assert!((even.coverage(100e6) - 0.2).abs() < 1e-12);
        // With exponent 1 the top fifth of a million covers nearly nine of ten requests.
        let uneven = Popularity::new(1e6, 1.0);
        assert!((uneven.coverage(2e5) - 0.888).abs() < 1e-3, "{}", uneven.coverage(2e5));
        for strange in [f64::NAN, -1.0, f64::INFINITY, 1e308, 5e-324] {
            let popularity = Popularity::new(strange, strange);
            for share in [f64::NAN, -1.0, 0.5, 2.0, f64::INFINITY] {
                assert!((0.0..=1.0).contains(&popularity.coverage(share)));
                assert!(popularity.items_for(share).is_finite());
            }
        }
    }

    proptest! {
        #[test]
        fn things_and_shares_are_inverse(items in 1.0..1e12f64, skew in 0.0..2.5f64, share in 0.0..1.0f64) {
            let popularity = Popularity::new(items, skew);
            let back = popularity.coverage(popularity.items_for(share));
            prop_assert!((back - share).abs() < 1e-9, "{back} {share}");
        }

        #[test]
        fn more_things_cover_more_with_less_each(items in 100.0..1e9f64, skew in 0.0..2.5f64, share in 0.01..0.45f64) {
            let popularity = Popularity::new(items, skew);
            let (one, two) = (popularity.coverage(share * items), popularity.coverage(2.0 * share * items));
            prop_assert!(two >= one && two <= 2.0 * one + 1e-12, "{one} {two}");
        }
    }
}
