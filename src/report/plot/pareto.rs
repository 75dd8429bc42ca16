//! Two figures of every fleet against each other, with their intervals, and the frontier where both are better low.

use crate::study::{Comparison, Estimate, Row};

use super::figure::{Axis, Figure, Legend, Mark, Scale, Style, fleet_style};

/// A figure that an axis can show.
#[derive(Clone, Copy)]
pub struct Measure {
    /// Name of the axis, with the unit.
    pub label: &'static str,
    /// Short name, as in the result.
    pub key: &'static str,
    /// Whether more is better.
    pub more_is_better: bool,
    value: fn(&Row) -> Option<Estimate>,
}

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl std::fmt::Debug for Measure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.key)
    }
}

const fn less(key: &'static str, label: &'static str, value: fn(&Row) -> Option<Estimate>) -> Measure {
    Measure { label, key, more_is_better: false, value }
}

const fn more(key: &'static str, label: &'static str, value: fn(&Row) -> Option<Estimate>) -> Measure {
    Measure { label, key, more_is_better: true, value }
}

const ALL: [Measure; 14] = [
    less("cost_usd", "cost of a run, USD", |row| row.cost_usd),
    less("time_s", "time, s", |row| row.time_s),
    less("cost_per_month_usd", "cost of a month, USD", |row| row.serving.as_ref()?.cost_per_month_usd),
    less("cost_per_million_tokens_usd", "cost of a million tokens, USD", |row| {
        row.serving.as_ref()?.cost_per_million_tokens_usd
    }),
    less("cost_per_million_predictions_usd", "cost of a million answers, USD", |row| {
        row.serving.as_ref()?.cost_per_million_predictions_usd
    }),
    less("ttft_s_p99", "time to first token, p99, s", |row| row.serving.as_ref()?.ttft_s?.p99),
    less("tpot_s_p99", "time per output token, p99, s", |row| row.serving.as_ref()?.tpot_s?.p99),
    less("e2e_s_p99", "end to end, p99, s", |row| row.serving.as_ref()?.e2e_s?.p99),
    less("latency_s_p99", "latency, p99, s", |row| row.serving.as_ref()?.latency_s?.p99),
    more("capacity_requests_per_s", "capacity, requests/s", |row| {
        row.serving.as_ref()?.capacity_requests_per_s
    }),
    more("samples_per_s", "samples/s", |row| row.samples_per_s),
    less("carbon_kg", "carbon, kg", |row| row.carbon_kg),
    more("mfu", "share of the peak arithmetic", |row| row.mfu),
    less("price_usd_per_hour", "price of the fleet, USD/h", |row| {
        row.price_usd_per_hour.map(Estimate::exact)
    }),
];

impl Measure {
    /// The figure of a row.
    #[must_use]
    pub fn of(&self, row: &Row) -> Option<Estimate> {
        (self.value)(row).filter(|estimate| estimate.mean.is_finite())
    }

    /// What a reader wants first: time and cost of a job, latency and cost of a service.
    #[must_use]
    pub fn usual(comparison: &Comparison) -> (Self, Self) {
        let first = |keys: &[&str]| {
            let known = measures(comparison);
            keys.iter().find_map(|key| known.iter().find(|measure| measure.key == *key).copied())
        };
        let cost = first(&["cost_usd", "cost_per_month_usd"]).unwrap_or(ALL[0]);
        let time = first(&["ttft_s_p99", "latency_s_p99", "e2e_s_p99", "time_s"]).unwrap_or(ALL[1]);
        (time, cost)
    }
}

/// The measures that some row of a comparison has.
#[must_use]
pub fn measures(comparison: &Comparison) -> Vec<Measure> {
    ALL.into_iter().filter(|measure| comparison.rows.iter().any(|row| measure.of(row).is_some())).collect()
}

/// The scatter; none when fewer than two fleets have both figures.
#[must_use]
pub fn pareto(comparison: &Comparison, x: Measure, y: Measure) -> Option<Figure> {
    let placed: Vec<(usize, &Row, Estimate, Estimate)> = comparison
        .rows
        .iter()
        .enumerate()
        .filter_map(|(index, row)| Some((index, row, x.of(row)?, y.of(row)?)))
        .collect();
    if placed.len() < 2 {
        return None;
    }
    let places: Vec<[f64; 2]> = placed.iter().map(|(_, _, across, up)| [across.mean, up.mean]).collect();
    let front = frontier(&places, [x.more_is_better, y.more_is_better]);
    let mut marks = Vec::new();
    if front.len() > 1 {
        let points = front.iter().map(|index| places[*index]).collect();
        let style = Style { colour: [0x77; 3], dashed: true, ..Style::nth(0) };
        marks.push(Mark::Line { points, style, label: "no fleet is better in both".to_owned() });
    }
    for (place, (index, row, across, up)) in placed.iter().enumerate() {
        marks.push(Mark::Point {
            at: places[place],
            across: Some([across.lo, across.hi]),
            up: Some([up.lo, up.hi]),
            style: fleet_style(*index).faintly(!front.contains(&place)),
            label: row.fleet.clone(),
        });
    }
    let legend = placed
        .iter()
        .map(|(index, row, ..)| Legend { label: row.fleet.clone(), style: fleet_style(*index) })
        .collect();
    Some(Figure {
        name: "pareto",
        title: format!("{} against {}", name(y.label), name(x.label)),
        x: Axis::new(x.label, scale(places.iter().map(|place| place[0]))),
        y: Axis::new(y.label, scale(places.iter().map(|place| place[1]))),
        marks,
        legend,
        note: "bars: 90 % intervals of the expected values; faint: another fleet is better in both"
            .to_owned(),
    })
}

fn name(label: &str) -> &str {
    label.rsplit_once(',').map_or(label, |(name, _)| name)
}

/// Logarithmic where values span more than an order of magnitude.
pub(super) fn scale(values: impl Iterator<Item = f64>) -> Scale {
    let (low, high) =
        values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    if low > 0.0 && high / low > 12.0 { Scale::Logarithmic } else { Scale::Linear }
}

/// Indices of the places that none beats in both, by the first figure.
fn frontier(places: &[[f64; 2]], more_is_better: [bool; 2]) -> Vec<usize> {
    let signed =
        |place: &[f64; 2]| [0, 1].map(|axis| if more_is_better[axis] { -place[axis] } else { place[axis] });
    let beaten = |place: [f64; 2]| {
        places.iter().map(signed).any(|other| other != place && other[0] <= place[0] && other[1] <= place[1])
    };
    let mut front: Vec<usize> = (0..places.len()).filter(|index| !beaten(signed(&places[*index]))).collect();
    front.sort_by(|left, right| places[*left][0].total_cmp(&places[*right][0]));
    front
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frontier_holds_what_nothing_beats() {
        let places = [[1.0, 9.0], [2.0, 5.0], [3.0, 6.0], [9.0, 1.0], [9.0, 2.0]];
        assert_eq!(frontier(&places, [false, false]), [0, 1, 3]);
        assert_eq!(frontier(&places, [true, true]), [0, 2, 4]);
    }
}
