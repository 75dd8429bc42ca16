//! What matters: the reach of each number, the greatest on top.

use crate::study::{SWING, Sensitivity, SwingEnd};
use crate::units::Significant;

use super::figure::{Axis, Direction, Figure, Legend, Mark, Scale, Style};

/// Numbers shown.
const SHOWN: usize = 14;

/// The tornado; none when nothing matters.
#[must_use]
pub fn tornado(sensitivity: &Sensitivity) -> Option<Figure> {
    let shown: Vec<_> = sensitivity.swings.iter().take(SHOWN).collect();
    if shown.is_empty() {
        return None;
    }
    let styles = [Style::nth(0), Style::nth(1)];
    let mut marks = Vec::new();
    for (place, swing) in shown.iter().enumerate() {
        for (end, style) in [(&swing.low, styles[0]), (&swing.high, styles[1])] {
            let Some(SwingEnd { value, score: Some(score), recommended }) = end else { continue };
            let other = recommended.as_deref() != Some(&sensitivity.fleet);
            let then = match (other, recommended) {
                (false, _) => String::new(),
                (true, Some(name)) => format!("; then {name} is to be taken"),
                (true, None) => "; then no fleet holds the targets".to_owned(),
            };
            marks.push(Mark::Bar {
                at: place as f64,
                span: [sensitivity.base, *score],
                style,
                label: format!(
                    "{} = {value}: {} {}{then}",
                    swing.key,
                    Significant(*score, 4),
                    sensitivity.measure
                ),
            });
        }
    }
    let label = "as it stands".to_owned();
    marks.push(Mark::Rule { axis: Direction::Across, value: sensitivity.base, label });
    let name = |swing: &&crate::study::Swing| {
        let flag = if swing.flips(&sensitivity.fleet) { " *" } else { "" };
        format!("{}{flag}", swing.key.strip_prefix("workload.").unwrap_or(&swing.key))
    };
    let percent = 100.0 * SWING;
    let legend = [format!("{percent} % lower"), format!("{percent} % higher")];
    Some(Figure {
        name: "sensitivity",
        title: format!("What {} costs when one number moves", sensitivity.fleet),
        x: Axis::new(sensitivity.measure, Scale::Linear),
        y: Axis::new("", Scale::Named(shown.iter().map(name).collect())),
        marks,
        legend: legend.into_iter().zip(styles).map(|(label, style)| Legend { label, style }).collect(),
        note: format!(
            "* another fleet would be taken; {} numbers without effect",
            sensitivity.without_effect
        ),
    })
}
