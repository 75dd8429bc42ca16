//! Predicted over published values as one SVG picture: the published value along, the ratio up, both on logarithmic axes,
//! with bands of 10 and 30 %.

use std::fmt::Write as _;

use crate::validate::{Report, RowReport};

const SIZE: f64 = 720.0;
const MARGIN: f64 = 64.0;
/// Okabe and Ito's colours, told apart with any sight.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c8c00"];
/// The greatest ratio drawn.
const MOST: f64 = 3.0;
const RATIOS: [f64; 7] = [0.33, 0.5, 0.77, 1.0, 1.3, 2.0, 3.0];
const BANDS: [(f64, &str); 2] = [(1.3, "#f2f2f2"), (1.1, "#dddddd")];

/// The picture; empty axes when nothing was scored.
#[must_use]
pub fn validation_scatter(report: &Report) -> String {
    let points: Vec<(&RowReport, f64, f64)> = report
        .rows
        .iter()
        .filter_map(|row| Some((row, row.published?, row.predicted?)))
        .filter(|(_, published, predicted)| *published > 0.0 && *predicted > 0.0)
        .collect();
    let scale = Scale::of(points.iter().map(|(_, published, _)| *published));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SIZE} {SIZE}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{SIZE}\" height=\"{SIZE}\" fill=\"white\"/>\n"
    );
    for (factor, colour) in BANDS {
        svg.push_str(&band(factor, colour));
    }
    svg.push_str(&scale.axes());
    let mut categories: Vec<&str> = points.iter().map(|(row, ..)| row.category.as_str()).collect();
    categories.sort_unstable();
    categories.dedup();
    for (row, published, predicted) in &points {
        let index = categories.iter().position(|category| *category == row.category).unwrap_or(0);
        let (x, y) = (scale.x(*published), ratio_y(predicted / published));
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{}\" fill-opacity=\"0.6\"><title>{}: {published} published, {predicted:.4} predicted</title></circle>",
            COLOURS[index % COLOURS.len()],
            escaped(&row.id),
        );
    }
    svg.push_str(&legend(report, &categories));
    svg.push_str("</svg>\n");
    svg
}

fn legend(report: &Report, categories: &[&str]) -> String {
    let mut svg = String::new();
    for (index, category) in categories.iter().enumerate() {
        let y = MARGIN + 18.0 + 18.0 * index as f64;
        let colour = COLOURS[index % COLOURS.len()];
        let group = report.groups.iter().find(|group| group.by == "category" && group.key == *category);
        let median = group.and_then(|group| group.median_abs_pct_error);
        let scored = group.map_or(0, |group| group.scored);
        let rows = if scored == 1 { "row" } else { "rows" };
        let told = median.map_or(String::new(), |median| format!(", median error {median:.1} %"));
        let _ = writeln!(
            svg,
            "<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{colour}\"/><text x=\"{}\" y=\"{y}\">{}: {scored} {rows}{told}</text>",
            MARGIN + 16.0,
            y - 4.0,
            MARGIN + 26.0,
            escaped(category),
        );
    }
    svg
}

/// The logarithmic scale along.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) =
            values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        if high <= 0.0 {
            return Self { low: 0.0, high: 1.0 };
        }
        let (low, high) = (libm::log10(low).floor(), libm::log10(high).ceil());
        Self { low, high: high.max(low + 1.0) }
    }

    fn along(&self, value: f64) -> f64 {
        (libm::log10(value) - self.low) / (self.high - self.low)
    }

    fn x(&self, value: f64) -> f64 {
        MARGIN + self.along(value) * (SIZE - 2.0 * MARGIN)
    }

    fn axes(&self) -> String {
        let (near, far) = (MARGIN, SIZE - MARGIN);
        let mut svg = format!(
            "<line x1=\"{near}\" y1=\"{0}\" x2=\"{far}\" y2=\"{0}\" stroke=\"#666666\"/>\n\
             <rect x=\"{near}\" y=\"{near}\" width=\"{1}\" height=\"{1}\" fill=\"none\" stroke=\"#333333\"/>\n\
             <text x=\"{2}\" y=\"{3}\" text-anchor=\"middle\">published, in the unit of each row</text>\n\
             <text x=\"18\" y=\"{2}\" text-anchor=\"middle\" transform=\"rotate(-90 18 {2})\">predicted over published, own accelerator and model left out</text>\n",
            ratio_y(1.0),
            far - near,
            SIZE / 2.0,
            SIZE - 16.0,
        );
        let mut power = self.low;
        while power <= self.high {
            let x = self.x(libm::pow(10.0, power));
            let y = far + 18.0;
            let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">1e{power}</text>");
            power += 1.0;
        }
        for ratio in RATIOS {
            let (x, y) = (near - 6.0, ratio_y(ratio) + 4.0);
            let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{ratio}</text>");
        }
        svg
    }
}

/// Where a ratio stands; those beyond the scale stand on its edge.
fn ratio_y(ratio: f64) -> f64 {
    let share = libm::log(ratio) / libm::log(MOST);
    SIZE / 2.0 - share.clamp(-1.0, 1.0) * (SIZE / 2.0 - MARGIN)
}

fn band(factor: f64, colour: &str) -> String {
    let (top, bottom) = (ratio_y(factor), ratio_y(1.0 / factor));
    let width = SIZE - 2.0 * MARGIN;
    format!(
        "<rect x=\"{MARGIN}\" y=\"{top:.1}\" width=\"{width}\" height=\"{:.1}\" fill=\"{colour}\"/>\n",
        bottom - top
    )
}

/// Text that XML takes for nothing else.
fn escaped(text: &str) -> String {
    super::clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
