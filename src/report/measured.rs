//! A measured profile as text, a table and JSON: every curve with its coefficients, range and errors.

use serde_json::{Value, json};

use crate::catalog::MeasuredProfile;
use crate::catalog::measured::{MeasuredCurve, ProfileOrigin};
use crate::stats::{Form, median, quantile, sorted};

use super::table::{Cell, Table};

/// Every curve in a row.
#[must_use]
pub fn measured_table(profile: &MeasuredProfile) -> Table {
    let curves = &profile.curves;
    let mut table = Table::default();
    let mut push = |name: &str, cell: &dyn Fn(&MeasuredCurve) -> Cell| {
        table.push(name, curves.iter().map(cell));
    };
    push("section", &|curve| Cell::from(curve.section.word()));
    push("quantity", &|curve| Cell::from(curve.quantity.as_str()));
    push("axis", &|curve| Cell::from(curve.axis.as_str()));
    push("settings", &|curve| Cell::from(settings(curve)));
    push("from", &|curve| ends(curve).map(|ends| ends.0).into());
    push("to", &|curve| ends(curve).map(|ends| ends.1).into());
    push("runs", &|curve| Cell::from(curve.runs.len() as u64));
    push("form", &|curve| curve.fit.as_ref().map(|fit| word(fit.fitted.curve.form())).into());
    push("curve", &|curve| Cell::from(equation(curve)));
    push("unit", &|curve| Cell::from(curve.unit.as_str()));
    let percent = |value: f64| 100.0 * value;
    push("median_error_pct", &|curve| curve.fit.as_ref().map(|fit| percent(fit.fitted.median_error)).into());
    push("max_error_pct", &|curve| curve.fit.as_ref().map(|fit| percent(fit.fitted.max_error)).into());
    push("left_out_error_pct", &|curve| curve.fit.as_ref().map(|fit| percent(fit.leave_one_out)).into());
    push("noise_pct", &|curve| Cell::from(percent(curve.noise)));
    table
}

/// The same for a terminal: what tells a reader most, in few columns.
#[must_use]
pub fn measured_short_table(profile: &MeasuredProfile) -> Table {
    let curves = &profile.curves;
    let mut table = Table::default();
    let mut push = |name: &str, cell: &dyn Fn(&MeasuredCurve) -> Cell| {
        table.push(name, curves.iter().map(cell));
    };
    let short = |value: f64| crate::units::Significant(value, 3).to_string();
    push("curve", &|curve| Cell::from(format!("{} {}", curve.section.word(), curve.quantity)));
    push("of", &|curve| Cell::from(settings(curve)));
    push("against", &|curve| {
        let range =
            ends(curve).map_or(String::new(), |(from, to)| format!(" {} to {}", short(from), short(to)));
        Cell::from(format!("{}{range}", curve.axis))
    });
    push("fit", &|curve| Cell::from(equation(curve)));
    push("unit", &|curve| match curve.fit {
        Some(_) => Cell::from(curve.unit.as_str()),
        None => Cell::from(scaled(&curve.unit).1.trim()),
    });
    push("error_pct", &|curve| {
        let told = |fit: &crate::catalog::measured::CurveFit| {
            let left_out = if fit.leave_one_out.is_finite() {
                format!(", left out {}", short(100.0 * fit.leave_one_out))
            } else {
                String::new()
            };
            format!(
                "{}, most {}{left_out}",
                short(100.0 * fit.fitted.median_error),
                short(100.0 * fit.fitted.max_error)
            )
        };
        curve.fit.as_ref().map(told).into()
    });
    push("noise_pct", &|curve| Cell::from(100.0 * curve.noise));
    table
}

/// The word of a form.
fn word(form: Form) -> &'static str {
    match form {
        Form::Affine => "affine",
        Form::FloorThenSlope => "floor then slope",
        Form::TwoSegment => "two segments",
        Form::Saturating => "saturating",
        Form::Usl => "scalability law",
    }
}

fn settings(curve: &MeasuredCurve) -> String {
    let words: Vec<String> = curve
        .settings
        .iter()
        .map(|(key, value)| match key.as_str() {
            "model" | "precision" => value.clone(),
            _ => format!("{key} {value}"),
        })
        .collect();
    words.join(", ")
}

fn ends(curve: &MeasuredCurve) -> Option<(f64, f64)> {
    curve
        .runs
        .iter()
        .map(|run| (run.at, run.at))
        .reduce(|left, right| (left.0.min(right.0), left.1.max(right.1)))
}

/// Coefficients with half the width of their intervals, or the value at the largest size where nothing was fitted.
fn equation(curve: &MeasuredCurve) -> String {
    let (scale, _) = scaled(&curve.unit);
    let short = |value: f64| crate::units::Significant(value, 3).to_string();
    match &curve.fit {
        Some(fit) => {
            let terms: Vec<String> = fit
                .intervals
                .iter()
                .map(|one| format!("{} {} ± {}", one.name, short(one.value), short(0.5 * (one.hi - one.lo))))
                .collect();
            terms.join(", ")
        }
        None => ends(curve)
            .and_then(|(_, to)| Some((to, level(curve, to)?)))
            .map_or(String::new(), |(to, value)| format!("{} at {}", short(value / scale), short(to))),
    }
}

/// A large unit for large figures, and what it is in the plain one.
fn scaled(unit: &str) -> (f64, String) {
    match unit {
        "1" => (1.0, String::new()),
        "flop/s" => (1e9, " GFLOP/s".to_owned()),
        "bytes/s" => (1e9, " GB/s".to_owned()),
        other => (1.0, format!(" {other}")),
    }
}

/// Median over the runs of a size.
fn level(curve: &MeasuredCurve, at: f64) -> Option<f64> {
    median(&curve.points().iter().filter(|point| point.x == at).map(|point| point.y).collect::<Vec<f64>>())
}

/// The machine, the figures, what was left out, and what the reader should know.
#[must_use]
pub fn measured_text(profile: &MeasuredProfile) -> String {
    let from = match &profile.origin {
        ProfileOrigin::Measured => "measured".to_owned(),
        ProfileOrigin::Imported { from } => format!("imported from {from}"),
    };
    let mut text = format!(
        "{}: {}, {from} {} by {}{}\n",
        super::clean(&profile.name),
        super::clean(&profile.machine.words()),
        profile.measured,
        super::clean(&profile.machine.program),
        if profile.accepted_noise { ", noise accepted" } else { "" }
    );
    for figure in &profile.figures {
        let (scale, unit) = scaled(&figure.unit);
        let short = |value: f64| crate::units::Significant(value / scale, 3).to_string();
        let settings: Vec<String> =
            figure.settings.iter().map(|(key, value)| format!("{key} {value}")).collect();
        text.push_str(&format!(
            "  {} {}{unit} ({} to {}){}\n",
            figure.name,
            short(figure.value),
            short(figure.lo),
            short(figure.hi),
            if settings.is_empty() { String::new() } else { format!(", {}", settings.join(", ")) }
        ));
    }
    for curve in &profile.curves {
        for skipped in &curve.skipped {
            let title = super::clean(&curve.title());
            text.push_str(&format!(
                "  left out of {title}: {} ({})\n",
                skipped.at,
                super::clean(&skipped.reason)
            ));
        }
        if let Some(gap) = curve.fit.as_ref().and_then(|fit| fit.theil_sen_gap).filter(|gap| gap.abs() > 0.1)
        {
            let suspects: Vec<String> = suspects(curve).iter().map(f64::to_string).collect();
            let which = if suspects.is_empty() {
                String::new()
            } else {
                format!("; look at {}", suspects.join(", "))
            };
            text.push_str(&format!(
                "  {}: the slope of least squares differs by {:.0} % from the robust one{which}\n",
                super::clean(&curve.title()),
                100.0 * gap
            ));
        }
    }
    text
}

/// Sizes whose level is off the curve by more than three times the usual error.
fn suspects(curve: &MeasuredCurve) -> Vec<f64> {
    let Some(fit) = &curve.fit else { return Vec::new() };
    let mut sizes: Vec<f64> = curve.runs.iter().map(|run| run.at).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let limit = 3.0 * fit.fitted.median_error.max(0.01);
    let off = |size: &f64| {
        level(curve, *size).is_some_and(|value| (fit.fitted.evaluate(*size) / value - 1.0).abs() > limit)
    };
    sizes.into_iter().filter(off).collect()
}

/// The same as one object; each size with its median and its tenth and ninetieth percentile over all samples.
#[must_use]
pub fn measured_json(profile: &MeasuredProfile) -> Value {
    let curves: Vec<Value> = profile.curves.iter().map(curve_json).collect();
    let figures: Vec<Value> = profile
        .figures
        .iter()
        .map(|figure| {
            json!({
                "section": figure.section.word(), "name": figure.name, "unit": figure.unit,
                "value": figure.value, "lo": figure.lo, "hi": figure.hi, "settings": figure.settings,
            })
        })
        .collect();
    let machine = &profile.machine;
    json!({
        "format": 1,
        "name": profile.name,
        "measured": profile.measured.to_string(),
        "accepted_noise": profile.accepted_noise,
        "machine": {
            "cpu": machine.cpu, "cores": machine.cores, "memory": machine.memory, "system": machine.system,
            "device": machine.device, "driver": machine.driver, "program": machine.program,
        },
        "curves": curves,
        "figures": figures,
    })
}

fn curve_json(curve: &MeasuredCurve) -> Value {
    let mut sizes: Vec<f64> = curve.runs.iter().map(|run| run.at).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let points: Vec<Value> = sizes
        .iter()
        .map(|size| {
            let same = curve.runs.iter().filter(|run| run.at == *size);
            let all = sorted(&same.flat_map(|run| run.samples.iter().copied()).collect::<Vec<f64>>());
            json!({
                "at": size, "median": level(curve, *size), "p10": quantile(&all, 0.1), "p90": quantile(&all, 0.9),
            })
        })
        .collect();
    let fit = curve.fit.as_ref().map(|fit| {
        let coefficients: serde_json::Map<String, Value> = fit
            .intervals
            .iter()
            .map(|one| (one.name.to_owned(), json!({ "value": one.value, "lo": one.lo, "hi": one.hi })))
            .collect();
        json!({
            "form": fit.fitted.curve.form(), "coefficients": coefficients,
            "from": fit.fitted.from, "to": fit.fitted.to,
            "median_error": fit.fitted.median_error, "max_error": fit.fitted.max_error,
            "left_out_error": fit.leave_one_out.is_finite().then_some(fit.leave_one_out),
        })
    });
    json!({
        "section": curve.section.word(), "quantity": curve.quantity, "unit": curve.unit, "axis": curve.axis,
        "settings": curve.settings, "noise": curve.noise, "points": points, "fit": fit,
        "skipped": curve.skipped.iter().map(|one| json!({ "at": one.at, "reason": one.reason })).collect::<Vec<_>>(),
    })
}
