//! Percentiles of the time of a request, fleet by fleet.

use crate::study::{Comparison, Estimate, Percentiles, Row};

use super::figure::{Axis, Figure, Legend, Mark, Scale, fleet_style};
use super::pareto::scale;

/// Share of requests answered within a time; none where no fleet has latencies.
#[must_use]
pub fn latencies(comparison: &Comparison) -> Option<Figure> {
    type Times = fn(&Row) -> Option<Percentiles>;
    let kinds: [(&str, Times); 3] = [
        ("time to first token, s", |row| row.serving.as_ref()?.ttft_s),
        ("latency as the client sees it, s", |row| row.serving.as_ref()?.latency_s),
        ("end to end, s", |row| row.serving.as_ref()?.e2e_s),
    ];
    let (label, times) =
        kinds.into_iter().find(|(_, times)| comparison.rows.iter().any(|row| times(row).is_some()))?;
    let mut marks = Vec::new();
    let mut legend = Vec::new();
    let mut values = Vec::new();
    for (index, row) in comparison.rows.iter().enumerate() {
        let Some(percentiles) = times(row) else { continue };
        let style = fleet_style(index);
        let shares = [50.0, 90.0, 95.0, 99.0];
        let known: Vec<(&str, Estimate, f64)> = percentiles
            .parts()
            .into_iter()
            .zip(shares)
            .filter_map(|((word, time), share)| Some((word, time?, share)))
            .collect();
        let points: Vec<[f64; 2]> = known.iter().map(|(_, time, share)| [time.mean, *share]).collect();
        values.extend(points.iter().map(|point| point[0]));
        marks.push(Mark::Line { points, style, label: row.fleet.clone() });
        for (word, time, share) in known {
            marks.push(Mark::Point {
                at: [time.mean, share],
                across: Some([time.lo, time.hi]),
                up: None,
                style,
                label: format!("{} {word}", row.fleet),
            });
        }
        legend.push(Legend { label: row.fleet.clone(), style });
    }
    let x = Axis::new(label, scale(values.into_iter()));
    let y =
        Axis { label: "share of requests, %".to_owned(), scale: Scale::Linear, range: Some((40.0, 100.0)) };
    let note = "bars: 90 % intervals of each percentile".to_owned();
    Some(Figure { name: "latency", title: "How long requests take".to_owned(), x, y, marks, legend, note })
}
