//! Text to profile: format and checksum first, then every key, then what the numbers must satisfy together.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::catalog::load::date;
use crate::document::{
    Code, Diagnostic, Diagnostics, LoadError, MAX_DOCUMENT_BYTES, Node, Reader, Value, check, load, read_file,
};
use crate::stats::{Curve, FittedCurve, Form};

use super::keys::PROFILE;
use super::{
    CoefficientInterval, CurveFit, Fingerprint, MeasuredCurve, MeasuredFigure, MeasuredProfile,
    PROFILE_FORMAT, ProfileOrigin, Run, Section, Settings, Skipped,
};

/// The line that holds the checksum starts so.
const CHECKSUM: &str = "\nchecksum = \"";

/// The words of forms in files.
pub(super) const FORMS: [(&str, Form); 5] = [
    ("affine", Form::Affine),
    ("floor-then-slope", Form::FloorThenSlope),
    ("two-segment", Form::TwoSegment),
    ("saturating", Form::Saturating),
    ("usl", Form::Usl),
];

impl MeasuredProfile {
    /// Reads a profile's text; `name` is the file's, for places.
    ///
    /// # Errors
    /// Of another format, damaged, or senseless: every fault with its place.
    pub fn read(name: &str, text: &str) -> Result<Self, Diagnostics> {
        let root = load(name, text).map_err(|faults| damaged(name, text).unwrap_or(faults))?;
        if let Some(fault) = other_format(&root) {
            return Err(only(fault));
        }
        if let Some(faults) = damaged(name, text) {
            return Err(faults);
        }
        let mut faults = Diagnostics::new();
        check(&root, &PROFILE, "", &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        let profile = profile(&Reader::new(&root, &PROFILE), &mut faults);
        faults.into_result(profile)
    }

    /// Reads a profile's file.
    ///
    /// # Errors
    /// When the file cannot be read, or is no sound profile.
    pub fn open(path: &Path) -> Result<Result<Self, Diagnostics>, LoadError> {
        let text = read_file(path, MAX_DOCUMENT_BYTES)?;
        Ok(Self::read(&path.display().to_string(), &text))
    }

    /// Whether a document looks like a profile rather than another catalog file.
    #[must_use]
    pub fn is_profile(root: &Node) -> bool {
        root.get("checksum").is_some() && root.get("machine").is_some()
    }
}

fn only(fault: Diagnostic) -> Diagnostics {
    let mut faults = Diagnostics::new();
    faults.push(fault);
    faults
}

fn other_format(root: &Node) -> Option<Diagnostic> {
    let entry = root.get("format")?;
    let Value::Integer(format) = entry.node.value else { return None };
    let (age, code) = match u64::try_from(format) {
        Ok(PROFILE_FORMAT) => return None,
        Ok(format) if format > PROFILE_FORMAT => ("a newer", Code::NewerFormat),
        _ => ("an older", Code::Refused),
    };
    let message = format!(
        "format {format} was made by {age} capplan, or the file is damaged; this one reads {PROFILE_FORMAT}"
    );
    Some(
        Diagnostic::new(code, "format", message)
            .at(&entry.node.origin)
            .suggest("measure again with `capplan calibrate`"),
    )
}

/// The text without the digits of its checksum, and those digits.
fn split(text: &str) -> Option<(String, &str)> {
    let start = text.find(CHECKSUM)? + CHECKSUM.len();
    let end = start + text.get(start..)?.find('"')?;
    Some((format!("{}{}", text.get(..start)?, text.get(end..)?), text.get(start..end)?))
}

/// SHA-256 of a text, in hexadecimal digits.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A fault where the checksum is absent or wrong.
fn damaged(name: &str, text: &str) -> Option<Diagnostics> {
    let message = match split(text) {
        Some((rest, digits)) if digest(&rest) == digits => return None,
        Some(_) => "the file was changed, cut short or damaged since it was written: its checksum is wrong",
        None => "not a measured profile: it has no `checksum` line",
    };
    let fault = Diagnostic::new(Code::Refused, "checksum", format!("{name}: {message}"));
    Some(only(
        fault.suggest("measure again with `capplan calibrate`, or take the file from where it was whole"),
    ))
}

fn profile(file: &Reader<'_>, faults: &mut Diagnostics) -> MeasuredProfile {
    let curves = file.tables("curve");
    MeasuredProfile {
        name: owned(file, "name"),
        measured: date(file, "measured", faults).unwrap_or(crate::units::Date(0)),
        origin: match file.text("imported_from") {
            Some(from) => ProfileOrigin::Imported { from: from.to_owned() },
            None => ProfileOrigin::Measured,
        },
        accepted_noise: file.boolean("accepted_noise"),
        machine: fingerprint(&file.table("machine")),
        curves: curves
            .iter()
            .enumerate()
            .map(|(index, entry)| curve(entry, &format!("curve[{index}]"), faults))
            .collect(),
        figures: file.tables("figure").iter().map(figure).collect(),
    }
}

fn owned(entry: &Reader<'_>, key: &str) -> String {
    entry.text(key).unwrap_or_default().to_owned()
}

fn fingerprint(entry: &Reader<'_>) -> Fingerprint {
    let some = |key: &str| entry.text(key).map(str::to_owned);
    Fingerprint {
        cpu: owned(entry, "cpu"),
        cores: entry.count("cores"),
        memory: entry.count("memory"),
        system: owned(entry, "system"),
        device: owned(entry, "device"),
        driver: some("driver"),
        accelerator: some("accelerator"),
        program: owned(entry, "program"),
        candle: some("candle"),
    }
}

fn section(entry: &Reader<'_>) -> Section {
    let word = entry.text("section").unwrap_or_default();
    Section::ALL.iter().find(|(name, _)| *name == word).map_or(Section::Machine, |(_, section)| *section)
}

fn settings(entry: &Reader<'_>) -> Settings {
    match entry.get("settings").map(|node| &node.value) {
        Some(Value::Table(entries)) => entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), entry.node.text()?.to_owned())))
            .collect(),
        _ => Settings::new(),
    }
}

fn figure(entry: &Reader<'_>) -> MeasuredFigure {
    let number = |key: &str| entry.number(key).unwrap_or(0.0);
    MeasuredFigure {
        section: section(entry),
        name: owned(entry, "name"),
        unit: owned(entry, "unit"),
        value: number("value"),
        lo: number("lo"),
        hi: number("hi"),
        settings: settings(entry),
    }
}

fn curve(entry: &Reader<'_>, path: &str, faults: &mut Diagnostics) -> MeasuredCurve {
    let runs: Vec<Run> = entry.tables("run").iter().map(|run| read_run(run, path, faults)).collect();
    let number = |table: &Reader<'_>, key: &str| table.number(key).unwrap_or(0.0);
    let fit = entry.has("fit").then(|| fit(&entry.table("fit"), path, &runs, faults)).flatten();
    MeasuredCurve {
        section: section(entry),
        quantity: owned(entry, "quantity"),
        unit: owned(entry, "unit"),
        axis: owned(entry, "axis"),
        settings: settings(entry),
        runs,
        fit,
        noise: number(entry, "noise"),
        skipped: entry
            .tables("skipped")
            .iter()
            .map(|skipped| Skipped { at: number(skipped, "at"), reason: owned(skipped, "reason") })
            .collect(),
    }
}

fn read_run(entry: &Reader<'_>, path: &str, faults: &mut Diagnostics) -> Run {
    let samples = entry.numbers("samples");
    if samples.is_empty() || samples.iter().any(|sample| *sample <= 0.0) {
        let message = "a run needs samples, each above 0";
        faults.push(entry.fault(Code::OutOfRange, &format!("{path}.run"), "samples", message));
    }
    Run {
        at: entry.number("at").unwrap_or(1.0),
        repeat: entry.count("repeat").unwrap_or(1),
        started: entry.number("started").unwrap_or(0.0),
        samples,
    }
}

fn fit(entry: &Reader<'_>, path: &str, runs: &[Run], faults: &mut Diagnostics) -> Option<CurveFit> {
    let path = format!("{path}.fit");
    let mut sizes: Vec<f64> = runs.iter().map(|run| run.at).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let (Some(&smallest), Some(&largest), true) = (sizes.first(), sizes.last(), sizes.len() > 1) else {
        let message = format!("a fit needs at least 2 sizes; this curve was measured at {}", sizes.len());
        faults.push(
            entry
                .fault(Code::OutOfRange, &path, "", message)
                .suggest("measure more sizes: a larger --budget"),
        );
        return None;
    };
    let (from, to) = (entry.number("from")?, entry.number("to")?);
    if from != smallest || to != largest {
        let message = format!("the fit covers {from} to {to}, the runs {smallest} to {largest}");
        faults.push(entry.fault(Code::Conflict, &path, "from", message));
    }
    let word = entry.text("form")?;
    let form = FORMS.iter().find(|(name, _)| *name == word)?.1;
    let intervals = coefficients(entry, &path, form, faults)?;
    let values: Vec<f64> = intervals.iter().map(|interval| interval.value).collect();
    Some(CurveFit {
        fitted: FittedCurve {
            curve: curve_of(form, &values)?,
            from,
            to,
            points: runs.len(),
            median_error: entry.number("median_error")?,
            max_error: entry.number("max_error")?,
        },
        intervals,
        leave_one_out: entry.number("leave_one_out").unwrap_or(f64::INFINITY),
        theil_sen_gap: entry.number("theil_sen_gap"),
    })
}

fn coefficients(
    entry: &Reader<'_>,
    path: &str,
    form: Form,
    faults: &mut Diagnostics,
) -> Option<Vec<CoefficientInterval>> {
    let table = entry.get("coefficient")?;
    let mut found = Vec::new();
    for &name in names_of(form) {
        let numbers: Vec<f64> = match table.get(name).map(|entry| &entry.node.value) {
            Some(Value::Array(items)) => items.iter().filter_map(Node::number).collect(),
            _ => Vec::new(),
        };
        match numbers[..] {
            [value, lo, hi] if value >= 0.0 && lo <= hi => {
                found.push(CoefficientInterval { name, value, lo, hi });
            }
            _ => {
                let message = format!("`{name}` must be [value, low, high] with a value of 0 or more");
                faults.push(entry.fault(Code::OutOfRange, path, "coefficient", message));
                return None;
            }
        }
    }
    Some(found)
}

/// Names of a form's coefficients, in the order of [`values_of`].
pub(super) fn names_of(form: Form) -> &'static [&'static str] {
    match form {
        Form::Affine => &["a", "b"],
        Form::FloorThenSlope => &["floor", "a", "b"],
        Form::TwoSegment => &["a", "b", "knot", "c"],
        Form::Saturating => &["max", "half"],
        Form::Usl => &["lambda", "sigma", "kappa"],
    }
}

/// A curve's coefficients.
pub(super) fn values_of(curve: &Curve) -> Vec<f64> {
    match *curve {
        Curve::Affine { a, b } => vec![a, b],
        Curve::FloorThenSlope { floor, a, b } => vec![floor, a, b],
        Curve::TwoSegment { a, b, knot, c } => vec![a, b, knot, c],
        Curve::Saturating { max, half } => vec![max, half],
        Curve::Usl { lambda, sigma, kappa } => vec![lambda, sigma, kappa],
    }
}

/// The curve of a form with such coefficients; `None` when there are too few or too many.
fn curve_of(form: Form, values: &[f64]) -> Option<Curve> {
    Some(match (form, values) {
        (Form::Affine, &[a, b]) => Curve::Affine { a, b },
        (Form::FloorThenSlope, &[floor, a, b]) => Curve::FloorThenSlope { floor, a, b },
        (Form::TwoSegment, &[a, b, knot, c]) => Curve::TwoSegment { a, b, knot, c },
        (Form::Saturating, &[max, half]) => Curve::Saturating { max, half },
        (Form::Usl, &[lambda, sigma, kappa]) => Curve::Usl { lambda, sigma, kappa },
        _ => return None,
    })
}
