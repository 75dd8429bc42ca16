//! What `capplan calibrate` measured on one machine: curves with every raw sample, figures, and the machine they hold
//! for. The file is TOML with a checksum ([`MeasuredProfile::read`], [`MeasuredProfile::to_toml`]); whether a figure of
//! it may be used elsewhere is said by [`Fingerprint::differences`], and never decided silently.

mod fingerprint;
mod fitting;
mod keys;
mod read;
mod write;

use std::collections::BTreeMap;

use crate::stats::{FittedCurve, Point, median};
use crate::units::Date;

pub use fingerprint::{Difference, Fingerprint};
pub use write::SaveError;

/// Version of the file format that this program writes.
pub const PROFILE_FORMAT: u64 = 1;

/// What was measured on one machine.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredProfile {
    /// Name, by which `list profiles` shows it.
    pub name: String,
    /// Day of the measurement.
    pub measured: Date,
    /// Where the samples come from.
    pub origin: ProfileOrigin,
    /// Whether it was kept although the machine was noisy or throttled.
    pub accepted_noise: bool,
    /// The machine.
    pub machine: Fingerprint,
    /// Curves.
    pub curves: Vec<MeasuredCurve>,
    /// Single figures: peaks, ratios, checks.
    pub figures: Vec<MeasuredFigure>,
}

/// Where the samples come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileOrigin {
    /// Run by this program on the machine of the fingerprint.
    Measured,
    /// Read from a file that another tool had written.
    Imported {
        /// The file, and the tool's format.
        from: String,
    },
}

/// What was exercised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Bare products and copies: the roof of the machine.
    Machine,
    /// Training steps with resident input.
    Train,
    /// Forward passes, prefill and decode.
    Infer,
    /// The input pipeline alone.
    Input,
    /// Compute and input overlapped.
    Together,
}

impl Section {
    /// Every section with its word in files.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("machine", Self::Machine),
        ("train", Self::Train),
        ("infer", Self::Infer),
        ("input", Self::Input),
        ("together", Self::Together),
    ];

    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, section)| *section == self).map_or("", |(word, _)| word)
    }
}

/// Fixed settings of a curve or figure: model, precision, sequence, threads, … as words.
pub type Settings = BTreeMap<String, String>;

/// One quantity against one size.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredCurve {
    /// What was exercised.
    pub section: Section,
    /// What was observed: `step`, `forward`, `backward`, `optimizer`, `prefill`, `decode`, `items`, …
    pub quantity: String,
    /// Its unit: `s`, `items/s`, `bytes/s`, `flop/s`.
    pub unit: String,
    /// The size: `batch`, `sequence`, `context`, `width`, `threads`, `workers`, …
    pub axis: String,
    /// What stayed the same.
    pub settings: Settings,
    /// Every run with its raw samples.
    pub runs: Vec<Run>,
    /// The fitted curve; none where fewer than two sizes were measured, as in the machine's probes.
    pub fit: Option<CurveFit>,
    /// Relative spread between runs of one size: the median over sizes of their standard deviation.
    pub noise: f64,
    /// Sizes left out, with the reason, as those that do not fit in memory.
    pub skipped: Vec<Skipped>,
}

/// One run at one size: a fresh start, its warm-up dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The size.
    pub at: f64,
    /// Which repeat of this size, from 1.
    pub repeat: u64,
    /// Seconds from the start of the calibration.
    pub started: f64,
    /// Every sample.
    pub samples: Vec<f64>,
}

/// A size that was not measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Skipped {
    /// The size.
    pub at: f64,
    /// Why.
    pub reason: String,
}

/// A fitted curve with what is known of its error.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveFit {
    /// The curve, its range and its residuals.
    pub fitted: FittedCurve,
    /// The 95 % intervals of its coefficients, by name.
    pub intervals: Vec<CoefficientInterval>,
    /// Mean relative error at sizes left out, as a share; infinite when nothing could be left out.
    pub leave_one_out: f64,
    /// Slope of least squares over that of Theil and Sen, less 1: beyond ±10 % some point is suspect. `None` for rates.
    pub theil_sen_gap: Option<f64>,
}

/// A coefficient with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoefficientInterval {
    /// Its name in the form.
    pub name: &'static str,
    /// The value.
    pub value: f64,
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
}

/// A single figure.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredFigure {
    /// What was exercised.
    pub section: Section,
    /// What it is: `matmul-peak`, `memory-bandwidth`, `overlap`, …
    pub name: String,
    /// Unit, `1` for a ratio.
    pub unit: String,
    /// Value.
    pub value: f64,
    /// Lower end of what was seen.
    pub lo: f64,
    /// Upper end of what was seen.
    pub hi: f64,
    /// What it holds for.
    pub settings: Settings,
}

impl MeasuredProfile {
    /// The curves of a section.
    pub fn section(&self, section: Section) -> impl Iterator<Item = &MeasuredCurve> {
        self.curves.iter().filter(move |curve| curve.section == section)
    }

    /// A curve by section, quantity and axis whose settings hold all of `settings`.
    #[must_use]
    pub fn curve(
        &self,
        section: Section,
        quantity: &str,
        axis: &str,
        settings: &[(&str, &str)],
    ) -> Option<&MeasuredCurve> {
        self.section(section).find(|curve| {
            curve.quantity == quantity
                && curve.axis == axis
                && settings.iter().all(|(key, value)| curve.setting(key) == Some(value))
        })
    }

    /// A figure by section and name.
    #[must_use]
    pub fn figure(&self, section: Section, name: &str) -> Option<&MeasuredFigure> {
        self.figures.iter().find(|figure| figure.section == section && figure.name == name)
    }

    /// The sections that it holds, in order.
    #[must_use]
    pub fn sections(&self) -> Vec<Section> {
        let of = |section: &Section| {
            self.curves.iter().any(|curve| curve.section == *section)
                || self.figures.iter().any(|figure| figure.section == *section)
        };
        Section::ALL.iter().map(|(_, section)| *section).filter(of).collect()
    }

    /// Takes over the sections of a newer measurement of the same machine; the rest stays.
    pub fn replace_sections(&mut self, newer: Self) {
        let sections = newer.sections();
        self.curves.retain(|curve| !sections.contains(&curve.section));
        self.figures.retain(|figure| !sections.contains(&figure.section));
        self.curves.extend(newer.curves);
        self.figures.extend(newer.figures);
        self.measured = newer.measured;
        self.machine = newer.machine;
        self.accepted_noise |= newer.accepted_noise;
    }
}

impl MeasuredCurve {
    /// A setting.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str)
    }

    /// One point per run: its size and the median of its samples.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        self.runs.iter().filter_map(|run| Some(Point { x: run.at, y: median(&run.samples)? })).collect()
    }

    /// In one line: `train step against batch (gpt-mini, f32)`.
    #[must_use]
    pub fn title(&self) -> String {
        let settings: Vec<String> = self.settings.values().cloned().collect();
        let of = if settings.is_empty() { String::new() } else { format!(" ({})", settings.join(", ")) };
        format!("{} {} against {}{of}", self.section.word(), self.quantity, self.axis)
    }
}
