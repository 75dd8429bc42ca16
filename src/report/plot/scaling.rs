//! Devices against time and cost: where more of a machine stops paying, and where one kind passes another.

use crate::study::{Comparison, Row};

use super::figure::{Axis, Figure, Legend, Mark, Scale, Style};

/// Time against devices, one line for each machine that stands in the comparison with several counts.
#[must_use]
pub fn scaling(comparison: &Comparison) -> Option<Figure> {
    let mut kinds: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in comparison.rows.iter().filter(|row| row.time_s.is_some()) {
        let kind = format!("{} {}", row.instance, row.purchase.word());
        match kinds.iter_mut().find(|(name, _)| *name == kind) {
            Some((_, rows)) => rows.push(row),
            None => kinds.push((kind, vec![row])),
        }
    }
    if kinds.iter().all(|(_, rows)| rows.len() < 2) {
        return None;
    }
    let mut marks = Vec::new();
    let mut legend = Vec::new();
    for (index, (kind, rows)) in kinds.iter_mut().enumerate() {
        rows.sort_by_key(|row| row.instances);
        let style = Style::nth(index);
        let devices = |row: &Row| if row.accelerators > 0 { row.accelerators } else { row.instances } as f64;
        let points: Vec<[f64; 2]> =
            rows.iter().filter_map(|row| Some([devices(row), row.time_s?.mean])).collect();
        marks.push(Mark::Line { points, style, label: kind.clone() });
        for row in rows.iter() {
            let Some(time) = row.time_s else { continue };
            marks.push(Mark::Point {
                at: [devices(row), time.mean],
                across: None,
                up: Some([time.lo, time.hi]),
                style,
                label: row.fleet.clone(),
            });
        }
        if let ([first, _, ..], Some(time)) = (rows.as_slice(), rows[0].time_s) {
            let ideal = |row: &&Row| [devices(row), time.mean * devices(first) / devices(row)];
            let points = rows.iter().map(ideal).collect();
            let style = Style { dashed: true, faint: true, ..style };
            marks.push(Mark::Line { points, style, label: format!("{kind}, in proportion") });
        }
        legend.push(Legend { label: kind.clone(), style });
    }
    Some(Figure {
        name: "scaling",
        title: "Time against devices".to_owned(),
        x: Axis::new("devices", Scale::Logarithmic),
        y: Axis::new("time, s", Scale::Logarithmic),
        marks,
        legend,
        note: "broken lines: in proportion to the first count of each machine".to_owned(),
    })
}
