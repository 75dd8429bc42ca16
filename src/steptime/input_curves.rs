//! What a profile says of its machine's input pipeline: processor time of a sample, reading it cold and warm, and how
//! workers scale.

use crate::catalog::MeasuredProfile;
use crate::catalog::measured::{MeasuredCurve, Section};
use crate::stats::{Curve, median};

/// From a mean absolute error to a standard deviation of a normal law: √(π/2).
const MEAN_TO_DEVIATION: f64 = 1.253_314_137_315_5;
/// Beyond so many times its range a curve says nothing reliable: that is marked.
const FAR: f64 = 2.0;

/// Error of a law of scaling by its ends alone: what stands between them may bend. A judgement.
const FEW_COUNTS: f64 = 0.15;

/// The input section of a profile.
#[derive(Clone, Copy, Debug)]
pub struct InputCurves<'a>(&'a MeasuredProfile);

/// A figure off a measured curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Read {
    /// The figure.
    pub value: f64,
    /// Standard deviation of the logarithm of its error.
    pub log_error: f64,
    /// Whether the size lies far beyond those measured.
    pub is_far: bool,
}

/// How workers scale, by Gunther's law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// Contention.
    pub sigma: f64,
    /// Crosstalk.
    pub kappa: f64,
    /// Most workers that were measured.
    pub most: f64,
    /// Standard deviation of the logarithm of its error.
    pub log_error: f64,
}

impl<'a> InputCurves<'a> {
    /// Those of a profile; `None` where it has no input section.
    #[must_use]
    pub fn of(profile: &'a MeasuredProfile) -> Option<Self> {
        profile.section(Section::Input).next().map(|_| Self(profile))
    }

    /// Seconds that one core takes to make a sample of so many stored bytes ready: decoding, resizing and converting of
    /// pictures, check and conversion of records.
    #[must_use]
    pub fn processor(&self, mode: &str, codec: Option<&str>, bytes: f64) -> Option<Read> {
        let mut settings = vec![("mode", mode), ("cache", "warm")];
        settings.extend(codec.map(|codec| ("codec", codec)));
        read(self.0.curve(Section::Input, "processor", "bytes", &settings)?, bytes)
    }

    /// Seconds that one thread takes to feed a sample of so many bytes from memory.
    #[must_use]
    pub fn feed(&self, bytes: f64) -> Option<Read> {
        read(self.0.curve(Section::Input, "feed", "bytes", &[("mode", "direct-feed")])?, bytes)
    }

    /// Seconds that one reader takes for a sample of so many stored bytes, from the disk or from the cache.
    #[must_use]
    pub fn reading(&self, mode: &str, is_cold: bool, bytes: f64) -> Option<Read> {
        let cache = if is_cold { "cold" } else { "warm" };
        read(self.0.curve(Section::Input, "read", "bytes", &[("mode", mode), ("cache", cache)])?, bytes)
    }

    /// How several workers of a mode share the cores.
    #[must_use]
    pub fn workers(&self, mode: &str) -> Option<Scaling> {
        scaling(self.0.curve(Section::Input, "items", "workers", &[("mode", mode), ("cache", "warm")])?)
    }

    /// How several readers share the disk.
    #[must_use]
    pub fn readers(&self) -> Option<Scaling> {
        scaling(self.0.curve(Section::Input, "read", "workers", &[("cache", "cold")])?)
    }
}

fn read(curve: &MeasuredCurve, at: f64) -> Option<Read> {
    let fit = curve.fit.as_ref()?;
    let value = fit.fitted.evaluate(at);
    let stretch = fit.fitted.stretch(at);
    (value.is_finite() && value > 0.0).then(|| Read {
        value,
        log_error: error_of(curve) * stretch,
        is_far: stretch > FAR,
    })
}

/// Error of the form, at sizes left out where there are enough of them, and the spread from run to run.
fn error_of(curve: &MeasuredCurve) -> f64 {
    let form = curve.fit.as_ref().map_or(0.0, |fit| {
        if fit.leave_one_out.is_finite() { fit.leave_one_out } else { fit.fitted.max_error }
    });
    libm::hypot(MEAN_TO_DEVIATION * form, curve.noise)
}

fn scaling(curve: &MeasuredCurve) -> Option<Scaling> {
    if let Some(fit) = &curve.fit
        && let Curve::Usl { sigma, kappa, .. } = fit.fitted.curve
    {
        return Some(Scaling { sigma, kappa, most: fit.fitted.to, log_error: error_of(curve) });
    }
    // A budget that ended early left fewer counts than the law has parameters: contention alone, by the ends.
    let points = curve.points();
    let most = points.iter().map(|point| point.x).fold(1.0, f64::max);
    let level = |workers: f64| {
        let same: Vec<f64> = points.iter().filter(|point| point.x == workers).map(|point| point.y).collect();
        median(&same)
    };
    let speedup = level(most)? / level(1.0)?;
    let sigma = if most > 1.0 { ((most / speedup - 1.0) / (most - 1.0)).max(0.0) } else { 0.0 };
    Some(Scaling { sigma, kappa: 0.0, most, log_error: curve.noise.max(FEW_COUNTS) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Fingerprint;
    use crate::catalog::measured::{ProfileOrigin, Run, Settings};
    use crate::stats::{Form, usl};
    use crate::units::Date;

    fn curve(quantity: &str, axis: &str, words: &[(&str, &str)], points: &[(f64, f64)]) -> MeasuredCurve {
        let run = |(at, value): &(f64, f64)| Run { at: *at, repeat: 1, started: 0.0, samples: vec![*value] };
        let settings: Settings =
            words.iter().map(|(key, word)| ((*key).to_owned(), (*word).to_owned())).collect();
        let mut curve = MeasuredCurve {
            section: Section::Input,
            quantity: quantity.to_owned(),
            unit: "s".to_owned(),
            axis: axis.to_owned(),
            settings,
            runs: points.iter().map(run).collect(),
            fit: None,
            noise: 0.0,
            skipped: Vec::new(),
        };
        let forms: &[Form] = if axis == "workers" { &[Form::Usl] } else { &Form::TIMES };
        let _ = curve.refit(forms);
        curve
    }

    fn profile(curves: Vec<MeasuredCurve>) -> MeasuredProfile {
        MeasuredProfile {
            name: "p".to_owned(),
            measured: Date(0),
            origin: ProfileOrigin::Measured,
            accepted_noise: false,
            machine: Fingerprint::default(),
            curves,
            figures: Vec::new(),
        }
    }

    #[test]
    fn figures_come_off_the_curve_of_their_mode_and_codec() {
        let line = |a: f64, b: f64| [1e4, 2e4, 4e4, 8e4, 16e4].map(|x| (x, a + b * x));
        let native = |codec| [("mode", "native-ops"), ("cache", "warm"), ("codec", codec)];
        let profile = profile(vec![
            curve("processor", "bytes", &native("png"), &line(0.0, 5e-8)),
            curve("processor", "bytes", &native("jpeg"), &line(1e-4, 2e-8)),
            curve("feed", "bytes", &[("mode", "direct-feed")], &line(1e-6, 1e-10)),
        ]);
        let curves = InputCurves::of(&profile).unwrap();
        let jpeg = curves.processor("native-ops", Some("jpeg"), 5e4).unwrap();
        assert!((jpeg.value / 1.1e-3 - 1.0).abs() < 1e-9 && !jpeg.is_far, "{jpeg:?}");
        assert!(curves.processor("native-ops", Some("jpeg"), 5e5).unwrap().is_far);
        assert!((curves.feed(5e4).unwrap().value / 6e-6 - 1.0).abs() < 1e-9);
        assert_eq!(curves.reading("native-ops", true, 5e4), None);
        assert_eq!(curves.processor("preprocessed-records", None, 5e4), None);
        assert!(InputCurves::of(&self::profile(Vec::new())).is_none());
    }

    #[test]
    fn workers_scale_by_the_law_or_by_the_ends_where_there_are_too_few_counts() {
        let rate = |workers: f64| (workers, usl(workers, 100.0, 0.2, 0.01));
        let words = [("mode", "native-ops"), ("cache", "warm")];
        let of = |counts: &[f64]| {
            let points: Vec<(f64, f64)> = counts.iter().map(|count| rate(*count)).collect();
            let profile = profile(vec![curve("items", "workers", &words, &points)]);
            InputCurves::of(&profile).unwrap().workers("native-ops").unwrap()
        };
        let law = of(&[1.0, 2.0, 3.0, 4.0, 6.0]);
        assert!((law.sigma - 0.2).abs() < 1e-9 && (law.kappa - 0.01).abs() < 1e-9 && law.most == 6.0);
        let ends = of(&[1.0, 4.0]);
        let found = usl(4.0, 100.0, ends.sigma, ends.kappa);
        assert!((found / rate(4.0).1 - 1.0).abs() < 1e-9 && ends.log_error > law.log_error, "{ends:?}");
        assert_eq!(of(&[1.0]).sigma, 0.0);
    }
}
