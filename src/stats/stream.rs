//! Named streams of random numbers: the same name gives the same numbers, whatever else is drawn elsewhere.

use rand::Rng;
use rand_pcg::Pcg64Mcg;

use super::law::table_at;
use super::normal_quantile;

/// A stream of random numbers for one purpose of one entity in one replica.
///
/// The whole 128-bit state comes from a hash of the four names, so streams are independent and adding one
/// shifts nobody. Every draw takes exactly one number from the generator, so that two candidates that draw
/// from equally named streams stay in step (common random numbers). All laws but [`Stream::gamma`] and
/// [`Stream::hyperexponential`] invert a distribution function: a larger number means a larger value under
/// both candidates. `exp`, `ln` and `pow` come from `libm`, so the values are the same on every platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    generator: Pcg64Mcg,
}

impl Stream {
    /// The stream of `purpose` of `entity` in replica `replica` of the study with root seed `seed`.
    #[must_use]
    pub fn named(seed: u64, replica: u32, entity: &str, purpose: &str) -> Self {
        Self { generator: Pcg64Mcg::new(hash(seed, replica, entity, purpose)) }
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Uniform in the open interval (0, 1): neither end is ever drawn.
    pub fn uniform(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
    }

    /// A whole number below `count`, all equally likely; 0 when `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        // The upper half of a 128-bit product; for counts below 2³² the bias is under 2⁻³².
        ((u128::from(self.bits()) * count as u128) >> 64) as usize
    }

    /// Exponential with the given mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.uniform())
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform())
    }

    /// Lognormal with the given mean and coefficient of variation (standard deviation / mean).
    pub fn lognormal_mean_cv(&mut self, mean: f64, cv: f64) -> f64 {
        let variance = libm::log1p(cv * cv);
        mean * libm::exp(variance.sqrt() * self.normal() - 0.5 * variance)
    }

    /// Weibull with the given mean and shape (below 1: the longer it lasted, the longer it will).
    pub fn weibull(&mut self, mean: f64, shape: f64) -> f64 {
        let scale = mean / libm::tgamma(1.0 + 1.0 / shape);
        scale * libm::pow(-libm::log(1.0 - self.uniform()), 1.0 / shape)
    }

    /// Gamma with the given mean and coefficient of variation; `cv` = 1 is exponential, 0 is the mean itself.
    ///
    /// Marsaglia and Tsang 2000, on a stream of its own seeded by one number of this one: however many
    /// candidates are rejected, this stream moves by one.
    pub fn gamma(&mut self, mean: f64, cv: f64) -> f64 {
        let mut own = Self { generator: Pcg64Mcg::new(spread(self.bits())) };
        let shape = 1.0 / (cv * cv);
        if !shape.is_finite() {
            return mean;
        }
        let standard = if shape >= 1.0 {
            own.gamma_of_shape(shape)
        } else {
            own.gamma_of_shape(shape + 1.0) * libm::pow(own.uniform(), 1.0 / shape)
        };
        mean * standard / shape
    }

    /// By inverse of a table of quantiles at evenly spaced probabilities from 0 to 1, linear in between; 0
    /// for an empty table.
    pub fn empirical(&mut self, quantiles: &[f64]) -> f64 {
        table_at(quantiles, self.uniform())
    }

    /// A mixture of exponentials, given as (probability, mean). The one number chooses the branch, and its
    /// place within the branch gives the value.
    pub fn hyperexponential(&mut self, branches: &[(f64, f64)]) -> f64 {
        let mut rest = self.uniform();
        let mut last = 0.0;
        for &(probability, mean) in branches {
            if rest < probability {
                return -mean * libm::log1p(-rest / probability);
            }
            rest -= probability;
            last = mean;
        }
        // Only a sum of probabilities below 1 (by rounding) leads here.
        last
    }

    /// Gamma of scale 1 and shape at least 1 (Marsaglia and Tsang 2000).
    fn gamma_of_shape(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let z = self.normal();
            let cube = 1.0 + c * z;
            if cube <= 0.0 {
                continue;
            }
            let v = cube * cube * cube;
            if libm::log(self.uniform()) < 0.5 * z * z + d * (1.0 - v + libm::log(v)) {
                return d * v;
            }
        }
    }
}

/// 128 bits from the four names, the same on every platform and in every version (a test pins them).
fn hash(seed: u64, replica: u32, entity: &str, purpose: &str) -> u128 {
    let mut lanes = Lanes([0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344]);
    lanes.absorb(seed);
    lanes.absorb(u64::from(replica));
    lanes.absorb_text(entity);
    lanes.absorb_text(purpose);
    lanes.value()
}

/// 128 bits from 64.
fn spread(bits: u64) -> u128 {
    let mut lanes = Lanes([0xA409_3822_299F_31D0, 0x082E_FA98_EC4E_6C89]);
    lanes.absorb(bits);
    lanes.value()
}

/// Two chains of the `SplitMix64` finaliser with different starts.
struct Lanes([u64; 2]);

impl Lanes {
    fn absorb(&mut self, word: u64) {
        for lane in &mut self.0 {
            *lane = mix((*lane ^ word).wrapping_add(0x9E37_79B9_7F4A_7C15));
        }
    }

    /// The length goes first, so that ("ab", "c") and ("a", "bc") differ.
    fn absorb_text(&mut self, text: &str) {
        self.absorb(text.len() as u64);
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.absorb(u64::from_le_bytes(word));
        }
    }

    fn value(self) -> u128 {
        u128::from(self.0[0]) << 64 | u128::from(self.0[1])
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood 2014): a bijection that lets every bit depend on
/// every bit.
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn stream() -> Stream {
        Stream::named(42, 0, "stream", "test")
    }

    /// Mean and coefficient of variation of many draws.
    fn moments(mut draw: impl FnMut(&mut Stream) -> f64) -> (f64, f64) {
        let mut stream = stream();
        let count = 400_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..count {
            let value = draw(&mut stream);
            sum += value;
            squares += value * value;
        }
        let mean = sum / f64::from(count);
        (mean, (squares / f64::from(count) - mean * mean).sqrt() / mean)
    }

    fn assert_near((mean, cv): (f64, f64), expected: (f64, f64)) {
        assert!((mean / expected.0 - 1.0).abs() < 0.01, "mean {mean}, expected {}", expected.0);
        assert!((cv / expected.1 - 1.0).abs() < 0.02, "cv {cv}, expected {}", expected.1);
    }

    #[test]
    fn a_name_gives_the_same_numbers_in_every_version() {
        let mut pinned = Stream::named(42, 7, "node-3", "failures");
        assert_eq!(
            [pinned.bits(), pinned.bits(), pinned.bits()],
            PINNED,
            "golden results of every study change with these"
        );
    }
    const PINNED: [u64; 3] =
        [8_595_270_133_263_407_261, 10_592_304_499_374_805_170, 1_417_952_975_080_786_372];

    #[test]
    fn every_part_of_the_name_matters() {
        let mut seen = HashSet::new();
        for seed in 0..8 {
            for replica in 0..8 {
                for (entity, purpose) in [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", ""), ("c", "ab")] {
                    assert!(seen.insert(Stream::named(seed, replica, entity, purpose).bits()));
                }
            }
        }
    }

    #[test]
    fn neighbouring_replicas_are_uncorrelated() {
        let mut first = Stream::named(1, 0, "queue", "service");
        let mut second = Stream::named(1, 1, "queue", "service");
        let count = 100_000;
        let product: f64 = (0..count).map(|_| (first.uniform() - 0.5) * (second.uniform() - 0.5)).sum();
        let correlation = 12.0 * product / f64::from(count);
        assert!(correlation.abs() < 4.0 / f64::from(count).sqrt(), "{correlation}");
    }

    #[test]
    fn uniform_numbers_stay_inside_the_open_interval() {
        assert!((u64::MAX >> 12) as f64 + 0.5 < (1u64 << 52) as f64);
        let mut stream = stream();
        assert!((0..100_000).map(|_| stream.uniform()).all(|u| 0.0 < u && u < 1.0));
    }

    #[test]
    fn laws_have_the_mean_and_spread_that_they_were_given() {
        assert_near(moments(|stream| stream.exponential(3.0)), (3.0, 1.0));
        assert_near(moments(|stream| 5.0 + stream.normal()), (5.0, 0.2));
        assert_near(moments(|stream| stream.lognormal_mean_cv(2.0, 0.7)), (2.0, 0.7));
        assert_near(moments(|stream| stream.gamma(2.0, 0.5)), (2.0, 0.5));
        assert_near(moments(|stream| stream.gamma(2.0, 2.0)), (2.0, 2.0));
        assert_near(moments(|stream| stream.weibull(2.0, 2.0)), (2.0, 0.522_723));
        assert_near(moments(|stream| stream.weibull(2.0, 0.7)), (2.0, 1.462_42));
        assert_near(moments(|stream| stream.empirical(&[1.0, 2.0, 5.0])), (2.5, 0.476_10));
        let branches = [(0.25, 4.0), (0.75, 4.0 / 3.0)];
        assert_near(moments(|stream| stream.hyperexponential(&branches)), (2.0, 1.290_99));
    }

    #[test]
    fn every_draw_moves_the_stream_by_one_number() {
        let draws: [fn(&mut Stream) -> f64; 8] = [
            |s| s.uniform(),
            |s| s.exponential(1.0),
            |s| s.normal(),
            |s| s.lognormal_mean_cv(1.0, 0.5),
            |s| s.gamma(1.0, 3.0),
            |s| s.weibull(1.0, 0.5),
            |s| s.empirical(&[1.0, 2.0]),
            |s| s.hyperexponential(&[(1.0, 1.0)]),
        ];
        let mut reference = stream();
        reference.bits();
        for draw in draws {
            let mut stream = stream();
            draw(&mut stream);
            assert_eq!(stream, reference);
        }
    }

    #[test]
    fn tables_of_one_or_no_quantile_are_constants() {
        assert_eq!(stream().empirical(&[3.0]), 3.0);
        assert_eq!(stream().empirical(&[]), 0.0);
        assert_eq!(stream().gamma(3.0, 0.0), 3.0);
        assert_eq!(stream().below(0), 0);
    }
}
