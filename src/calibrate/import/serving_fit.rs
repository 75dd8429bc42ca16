//! The law of a server's steps from what its clients saw: prefill from the first token where nobody waits, decoding from the
//! time per token, less what prefills in between took.

use crate::catalog::measured::{MeasuredCurve, Section, Settings};
use crate::stats::Form;

use super::residual::Residual;
use super::serving::ServingRow;
use super::steps::curve_of;
use super::{ImportError, ImportFormat, Imported, Told};

/// Runs of up to so many times the fewest requests in flight tell of prefills that nobody waits for.
const UNLOADED: f64 = 1.5;
/// Share of a server's time that is taken to be left for decoding at least.
const LEAST_DECODING: f64 = 0.1;

/// The two laws.
struct Laws<'a> {
    prefill: &'a MeasuredCurve,
    decode: Option<&'a MeasuredCurve>,
}

pub(super) fn fit(rows: &[ServingRow], told: &Told, format: ImportFormat) -> Result<Imported, ImportError> {
    let nothing = |message: &str| ImportError::Nothing {
        file: rows.first().map_or_else(|| "no file".to_owned(), |row| row.place.clone()),
        message: message.to_owned(),
    };
    if rows.is_empty() {
        return Err(nothing("no benchmark of it answered a request"));
    }
    let mut notes = Vec::new();
    let mut settings = Settings::new();
    let model = told.model.clone().or_else(|| rows.iter().find_map(|row| row.model.clone()));
    if model.is_none() {
        notes.push("the files name no model; --model says which".to_owned());
    }
    settings.insert("model".to_owned(), model.unwrap_or_else(|| "unknown".to_owned()));
    let prefill = prefill(rows, &settings);
    if prefill.runs.is_empty() {
        return Err(nothing("no run tells its prompt tokens and the time to its first token"));
    }
    if prefill.fit.is_none() {
        notes.push(
            "one prompt length only: the prefill is a point, and no curve; add runs with other lengths"
                .to_owned(),
        );
    }
    let decode = decode(rows, &prefill, settings);
    if decode.fit.is_none() {
        notes.push(
            "one concurrency only: the decode step is a point, and no curve; add runs at others".to_owned(),
        );
    }
    let laws = Laws { prefill: &prefill, decode: (!decode.runs.is_empty()).then_some(&decode) };
    let residuals = residuals(rows, &laws);
    let curves = [prefill, decode].into_iter().filter(|curve| !curve.runs.is_empty()).collect();
    Ok(Imported { format, rows: rows.len(), curves, figures: Vec::new(), residuals, notes })
}

fn prefill(rows: &[ServingRow], settings: &Settings) -> MeasuredCurve {
    let known = || rows.iter().filter(|row| row.ttft.is_some() && row.prompt.is_some());
    let fewest = known().filter_map(ServingRow::in_flight).fold(f64::INFINITY, f64::min);
    let quiet = known().filter(|row| row.in_flight().is_none_or(|many| many <= UNLOADED * fewest.max(1.0)));
    let mut seen: Vec<(f64, f64)> = Vec::new();
    for row in quiet {
        match (row.requests.is_empty(), row.prompt, row.ttft) {
            (false, ..) => seen.extend(&row.requests),
            (true, Some(prompt), Some(first)) => seen.push((prompt, first)),
            _ => {}
        }
    }
    let seen = seen.into_iter().map(|(prompt, first)| (bucket(prompt), first)).collect();
    curve_of((Section::Infer, "prefill", "sequence"), settings.clone(), seen, &Form::TIMES)
}

/// Prompts of almost the same length count as one: the nearest of six to a doubling.
fn bucket(tokens: f64) -> f64 {
    let steps = (6.0 * libm::log2(tokens.max(1.0))).round() / 6.0;
    libm::exp2(steps).round().max(1.0)
}

fn decode(rows: &[ServingRow], prefill: &MeasuredCurve, settings: Settings) -> MeasuredCurve {
    let seen = rows.iter().filter_map(|row| {
        let step = row.tpot? * (1.0 - prefill_share(row, prefill));
        Some((round(row.decoding()?), step))
    });
    curve_of((Section::Infer, "decode", "batch"), settings, seen.collect(), &Form::TIMES)
}

/// To two digits: the mean of a count is not known better.
fn round(count: f64) -> f64 {
    let unit = libm::pow(10.0, libm::floor(libm::log10(count.max(1.0))) - 1.0).min(1.0);
    ((count / unit).round() * unit).max(1.0)
}

/// Share of the server's time that goes into prefills, during which nobody's tokens are made.
fn prefill_share(row: &ServingRow, prefill: &MeasuredCurve) -> f64 {
    let share = row.rate.zip(row.prompt).map(|(rate, prompt)| rate * at(prefill, prompt));
    share.unwrap_or(0.0).clamp(0.0, 1.0 - LEAST_DECODING)
}

/// A curve's value, or that of its nearest point.
fn at(curve: &MeasuredCurve, size: f64) -> f64 {
    if let Some(fit) = &curve.fit {
        return fit.fitted.evaluate(size);
    }
    let far = |x: f64| libm::log(x / size).abs();
    let points = curve.points();
    points.iter().min_by(|left, right| far(left.x).total_cmp(&far(right.x))).map_or(0.0, |point| point.y)
}

fn residuals(rows: &[ServingRow], laws: &Laws<'_>) -> Vec<Residual> {
    let (mut first, mut token, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let share = prefill_share(row, laws.prefill);
        let prefill = row.prompt.map(|prompt| at(laws.prefill, prompt));
        let step = laws.decode.zip(row.decoding()).map(|(curve, batch)| at(curve, batch));
        // Between two tokens lie a step and the prefills that fall due meanwhile.
        let tpot = step.map(|step| step / (1.0 - share));
        // A prompt waits for the step under way and, when there are several, for the other prompts.
        let ttft = prefill.map(|prefill| {
            let queue = 0.5 * share / (1.0 - share) * prefill;
            let busy = row.in_flight().is_some_and(|many| many > UNLOADED);
            prefill + if busy { queue + 0.5 * step.unwrap_or(0.0) } else { 0.0 }
        });
        let pair = |all: &mut Vec<_>, predicted: Option<f64>, observed: Option<f64>| {
            if let Some((predicted, observed)) = predicted.zip(observed).filter(|(_, seen)| *seen > 0.0) {
                all.push((predicted, observed, row.place.clone()));
            }
        };
        pair(&mut first, ttft, row.ttft);
        pair(&mut token, tpot, row.tpot);
        let others = tpot.zip(row.output).map(|(tpot, output)| tpot * (output - 1.0).max(0.0));
        pair(&mut whole, ttft.zip(others).map(|(first, others)| first + others), row.seconds());
    }
    [("ttft", first), ("tpot", token), ("e2e", whole)]
        .iter()
        .filter_map(|(metric, pairs)| Residual::of(metric, pairs))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server whose laws are known, seen as its clients would.
    fn seen(prompt: f64, output: f64, batch: f64) -> ServingRow {
        let (prefill, step) = (0.02 + 1e-4 * prompt, 0.01 + 2e-4 * batch);
        // Little: batch = rate × tpot × (output − 1), tpot = step / (1 − rate × prefill).
        let rate = batch / (step * (output - 1.0) + batch * prefill);
        let tpot = step / (1.0 - rate * prefill);
        ServingRow {
            place: format!("{prompt}/{batch}"),
            model: Some("m".to_owned()),
            rate: Some(rate),
            prompt: Some(prompt),
            output: Some(output),
            ttft: Some(prefill),
            tpot: Some(tpot),
            ..ServingRow::default()
        }
    }

    #[test]
    fn known_laws_come_back() {
        let rows: Vec<ServingRow> =
            [(128.0, 1.0), (512.0, 1.0), (2048.0, 1.0), (512.0, 4.0), (512.0, 16.0), (512.0, 64.0)]
                .map(|(prompt, batch)| seen(prompt, 257.0, batch))
                .to_vec();
        let imported = fit(&rows, &Told::default(), ImportFormat::Vllm).unwrap();
        let [prefill, decode] = &imported.curves[..] else { panic!("{imported:?}") };
        for tokens in [200.0, 1000.0] {
            let found = at(prefill, tokens) / (0.02 + 1e-4 * tokens);
            assert!((found - 1.0).abs() < 0.02, "{tokens}: {found}");
        }
        for batch in [1.0, 10.0, 50.0] {
            let found = at(decode, batch) / (0.01 + 2e-4 * batch);
            assert!((found - 1.0).abs() < 0.02, "{batch}: {found}");
        }
        let tpot = imported.residuals.iter().find(|residual| residual.metric == "tpot").unwrap();
        assert!(tpot.rows == 6 && tpot.max_error < 0.02, "{tpot:?}");
        assert!(imported.notes.is_empty(), "{:?}", imported.notes);
    }

    #[test]
    fn one_size_is_a_point_and_no_curve() {
        let imported = fit(&[seen(512.0, 100.0, 1.0)], &Told::default(), ImportFormat::Vllm).unwrap();
        assert!(imported.curves.iter().all(|curve| curve.fit.is_none() && curve.runs.len() == 1));
        assert_eq!(imported.notes.len(), 2);
        assert!(fit(&[], &Told::default(), ImportFormat::Vllm).is_err());
        let silent = ServingRow { tpot: Some(0.1), place: "f".to_owned(), ..ServingRow::default() };
        assert!(fit(&[silent], &Told::default(), ImportFormat::Vllm).is_err());
    }
}
