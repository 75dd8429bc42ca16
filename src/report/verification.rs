//! A verification as text, a table and JSON.

use serde_json::{Value, json};

use crate::units::Significant;
use crate::validate::{JobCheck, Verification};

use super::table::{Cell, Table};

/// The verdict in a few lines.
#[must_use]
pub fn verification_text(verification: &Verification) -> String {
    let mut text = String::new();
    let short = |value: f64| Significant(value, 3).to_string();
    let kinds = [
        (false, false, "steps, passes and tokens"),
        (false, true, "parts of steps"),
        (true, false, "samples made by the input pipeline"),
        (true, true, "parts of samples"),
    ];
    for (input, part, what) in kinds {
        let Some((median, worst)) = verification.errors(input, part) else { continue };
        let inside = verification.of(input, part).filter(|size| size.is_inside()).count();
        text.push_str(&format!(
            "{} {what} of sizes that the profile has not seen: median error {} %, worst {} %, {inside} inside their 90 % intervals\n",
            verification.of(input, part).count(),
            short(100.0 * median),
            short(100.0 * worst)
        ));
    }
    match &verification.job {
        Some(job) => text.push_str(&job_text(job)),
        None => text.push_str("no real job: the profile has no curve of capplan-gpt in fp32\n"),
    }
    text
}

fn job_text(job: &JobCheck) -> String {
    let short = |value: f64| Significant(value, 4).to_string();
    format!(
        "a real job of {} steps of {} sequences, data on disk: {} s predicted ({} to {}), {} s measured: {} % off, {}\n\
         loss {} → {}; bound by {}, as predicted: {} (the device waited {} % of the time for input)\n",
        job.steps,
        job.batch,
        short(job.predicted.mean),
        short(job.predicted.lo),
        short(job.predicted.hi),
        short(job.measured),
        Significant(100.0 * job.error(), 2),
        if job.is_inside() { "inside the interval" } else { "outside the interval" },
        short(job.first_loss),
        short(job.last_loss),
        job.bound,
        if job.is_bound_right() { "yes" } else { "no" },
        Significant(100.0 * job.waited, 2)
    )
}

/// Every size in a row.
#[must_use]
pub fn verification_table(verification: &Verification) -> Table {
    let sizes = &verification.sizes;
    let mut table = Table::default();
    table.push("curve", sizes.iter().map(|size| Cell::from(size.curve.as_str())));
    table.push("part", sizes.iter().map(|size| Cell::from(size.part)));
    table.push("at", sizes.iter().map(|size| Cell::from(size.at)));
    table.push("predicted", sizes.iter().map(|size| Cell::from(size.predicted.mean)));
    table.push("lo", sizes.iter().map(|size| Cell::from(size.predicted.lo)));
    table.push("hi", sizes.iter().map(|size| Cell::from(size.predicted.hi)));
    table.push("measured", sizes.iter().map(|size| Cell::from(size.measured)));
    table.push("error_pct", sizes.iter().map(|size| Cell::from(100.0 * size.error())));
    table.push("inside", sizes.iter().map(|size| Cell::from(size.is_inside())));
    table
}

/// The same as one object.
#[must_use]
pub fn verification_json(verification: &Verification) -> Value {
    let of = |input: bool, part: bool| {
        let errors = verification.errors(input, part);
        json!({
            "checked": verification.of(input, part).count(),
            "median_error_pct": errors.map(|errors| 100.0 * errors.0),
            "worst_error_pct": errors.map(|errors| 100.0 * errors.1),
        })
    };
    let job = verification.job.as_ref().map(|job| {
        json!({
            "batch": job.batch, "steps": job.steps, "predicted_s": job.predicted.mean, "lo": job.predicted.lo,
            "hi": job.predicted.hi, "measured_s": job.measured, "error_pct": 100.0 * job.error(),
            "inside": job.is_inside(), "bound": job.bound, "bound_right": job.is_bound_right(),
            "input_wait_share": job.waited, "first_loss": job.first_loss, "last_loss": job.last_loss,
        })
    });
    json!({
        "format": 1,
        "compute": of(false, false),
        "compute_parts": of(false, true),
        "input": of(true, false),
        "input_parts": of(true, true),
        "sizes": verification_table(verification).json(),
        "job": job,
    })
}
