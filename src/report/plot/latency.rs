//! The time of requests as a distribution, fleet by fleet, with the target.

use crate::scenario::RequestTime;
use crate::study::{Comparison, Distribution, Percentiles, Row};
use crate::units::{Seconds, Significant};

use super::figure::{Axis, Direction, Figure, Legend, Mark, Scale, fleet_style};
use super::pareto::scale;

/// Times that a comparison may tell of, the most telling first.
const TIMES: &[RequestTime] = &[RequestTime::FirstToken, RequestTime::Whole, RequestTime::PerOutputToken];

/// Times that some fleet has a distribution of, each with its words.
#[must_use]
pub fn latency_times(comparison: &Comparison) -> Vec<(RequestTime, &'static str)> {
    let told = |time: &&RequestTime| comparison.rows.iter().any(|row| percentiles(row, **time).is_some());
    TIMES.iter().filter(told).map(|time| (*time, words(*time))).collect()
}

fn words(time: RequestTime) -> &'static str {
    match time {
        RequestTime::FirstToken => "time to first token",
        RequestTime::PerOutputToken => "time between tokens",
        RequestTime::Whole => "end to end, as the client sees it",
    }
}

fn percentiles(row: &Row, time: RequestTime) -> Option<Percentiles> {
    let figures = row.serving.as_ref()?;
    match time {
        RequestTime::FirstToken => figures.ttft_s,
        RequestTime::PerOutputToken => figures.tpot_s,
        RequestTime::Whole => figures.latency_s,
    }
}

fn distribution(row: &Row, time: RequestTime) -> Option<&Distribution> {
    row.serving.as_ref()?.distributions.iter().find(|own| own.time == time)
}

/// Share of requests whose time lies within so many seconds; none where no fleet has such times.
#[must_use]
pub fn latencies(comparison: &Comparison, time: RequestTime) -> Option<Figure> {
    let (mut marks, mut legend, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut limits: Vec<(f64, f64)> = Vec::new();
    for (index, row) in comparison.rows.iter().enumerate() {
        let Some(known) = percentiles(row, time) else { continue };
        let style = fleet_style(index);
        let stated: Vec<_> = known
            .parts()
            .into_iter()
            .zip([50.0, 90.0, 95.0, 99.0])
            .filter_map(|((word, time), share)| Some((word, time?, share)))
            .collect();
        let points: Vec<[f64; 2]> = match distribution(row, time) {
            Some(own) => own.points.iter().map(|(share, seconds)| [*seconds, 100.0 * share]).collect(),
            None => stated.iter().map(|(_, time, share)| [time.mean, *share]).collect(),
        };
        for limit in distribution(row, time).into_iter().flat_map(|own| &own.limits) {
            if !limits.contains(limit) {
                limits.push(*limit);
            }
        }
        values.extend(points.iter().map(|point| point[0]));
        marks.push(Mark::Line { points, style, label: row.fleet.clone() });
        for (word, time, share) in stated {
            marks.push(Mark::Point {
                at: [time.mean, share],
                across: Some([time.lo, time.hi]),
                up: None,
                style,
                label: format!("{} {word}: {} s", row.fleet, Significant(time.mean, 3)),
            });
        }
        legend.push(Legend { label: row.fleet.clone(), style });
    }
    if legend.is_empty() {
        return None;
    }
    values.extend(limits.iter().map(|(_, seconds)| *seconds));
    for (share, seconds) in limits {
        let share = 100.0 * share;
        let label = format!("target: {} % within {}", Significant(share, 3), span(Seconds(seconds)));
        marks.push(Mark::Rule { axis: Direction::Across, value: seconds, label });
        let label = format!("{} %", Significant(share, 3));
        marks.push(Mark::Rule { axis: Direction::Up, value: share, label });
    }
    let (name, title) = match time {
        RequestTime::FirstToken => ("latency-first-token", "How soon the first token comes"),
        RequestTime::PerOutputToken => ("latency-per-token", "How fast tokens follow"),
        RequestTime::Whole => ("latency", "How long requests take"),
    };
    let x = Axis::new(format!("{}, s", words(time)), scale(values.into_iter()));
    let y =
        Axis { label: "share of requests, %".to_owned(), scale: Scale::Linear, range: Some((0.0, 100.0)) };
    let note = "bars: 90 % intervals of the percentiles stated".to_owned();
    Some(Figure { name, title: title.to_owned(), x, y, marks, legend, note })
}

/// A limit as scenarios have it.
fn span(time: Seconds) -> String {
    if time.0 < 1.0 {
        format!("{} ms", Significant(1e3 * time.0, 4))
    } else {
        format!("{} s", Significant(time.0, 4))
    }
}
