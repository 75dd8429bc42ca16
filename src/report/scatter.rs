//! Predicted against published values as one SVG picture: logarithmic axes, the diagonal, and bands of 10 and 30 %.

use std::fmt::Write as _;

use crate::validate::{Report, RowReport};

const SIZE: f64 = 720.0;
const MARGIN: f64 = 64.0;
/// Okabe and Ito's colours, told apart with any sight.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c8c00"];
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
    let scale = Scale::of(points.iter().flat_map(|(_, published, predicted)| [*published, *predicted]));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SIZE} {SIZE}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{SIZE}\" height=\"{SIZE}\" fill=\"white\"/>\n"
    );
    for (factor, colour) in BANDS {
        svg.push_str(&scale.band(factor, colour));
    }
    svg.push_str(&scale.axes());
    let mut categories: Vec<&str> = points.iter().map(|(row, ..)| row.category.as_str()).collect();
    categories.sort_unstable();
    categories.dedup();
    for (row, published, predicted) in &points {
        let index = categories.iter().position(|category| *category == row.category).unwrap_or(0);
        let (x, y) = (scale.x(*published), scale.y(*predicted));
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
        let told = median.map_or(String::new(), |median| format!(", median error {median:.1} %"));
        let _ = writeln!(
            svg,
            "<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{colour}\"/><text x=\"{}\" y=\"{y}\">{}: {scored} rows{told}</text>",
            MARGIN + 16.0,
            y - 4.0,
            MARGIN + 26.0,
            escaped(category),
        );
    }
    svg
}

/// One logarithmic scale for both axes.
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

    fn y(&self, value: f64) -> f64 {
        SIZE - MARGIN - self.along(value) * (SIZE - 2.0 * MARGIN)
    }

    fn band(&self, factor: f64, colour: &str) -> String {
        let shift = libm::log10(factor) / (self.high - self.low) * (SIZE - 2.0 * MARGIN);
        let (near, far) = (MARGIN, SIZE - MARGIN);
        format!(
            "<polygon points=\"{near:.1},{:.1} {:.1},{near:.1} {far:.1},{near:.1} {far:.1},{:.1} {:.1},{far:.1} {near:.1},{far:.1}\" fill=\"{colour}\"/>\n",
            far - shift,
            far - shift,
            near + shift,
            near + shift,
        )
    }

    fn axes(&self) -> String {
        let (near, far) = (MARGIN, SIZE - MARGIN);
        let mut svg = format!(
            "<line x1=\"{near}\" y1=\"{far}\" x2=\"{far}\" y2=\"{near}\" stroke=\"#666666\"/>\n\
             <rect x=\"{near}\" y=\"{near}\" width=\"{0}\" height=\"{0}\" fill=\"none\" stroke=\"#333333\"/>\n\
             <text x=\"{1}\" y=\"{2}\" text-anchor=\"middle\">published (in the unit of each row)</text>\n\
             <text x=\"18\" y=\"{1}\" text-anchor=\"middle\" transform=\"rotate(-90 18 {1})\">predicted, own accelerator and model left out; bands of 10 and 30 %</text>\n",
            far - near,
            SIZE / 2.0,
            SIZE - 16.0,
        );
        let mut power = self.low;
        while power <= self.high {
            let value = libm::pow(10.0, power);
            let (x, y) = (self.x(value), self.y(value));
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">1e{power}</text><text x=\"{}\" y=\"{y:.1}\" text-anchor=\"end\">1e{power}</text>",
                far + 18.0,
                near - 6.0
            );
            power += 1.0;
        }
        svg
    }
}

/// Text that XML takes for nothing else.
fn escaped(text: &str) -> String {
    super::clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
