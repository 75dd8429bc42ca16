//! A small plot of characters: measured points and the curve through them, both axes in logarithms.

use crate::stats::{Curve, Point};

/// Columns of the area.
const COLUMNS: usize = 56;
/// Rows of the area.
const ROWS: usize = 9;

/// Draws points (`o`) and a curve (`·`), with the ends of both axes; empty without two different sizes.
#[must_use]
pub fn curve_plot(title: &str, axis: &str, unit: &str, points: &[Point], curve: Option<&Curve>) -> String {
    let good: Vec<Point> = points.iter().copied().filter(|point| point.x > 0.0 && point.y > 0.0).collect();
    let ends = |of: fn(&Point) -> f64| {
        good.iter()
            .map(of)
            .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)))
    };
    let ((left, right), (bottom, top)) = (ends(|point| point.x), ends(|point| point.y));
    if good.is_empty() || right <= left {
        return String::new();
    }
    // A flat curve is drawn in the middle.
    let (bottom, top) = if top > bottom * 1.01 { (bottom, top) } else { (bottom * 0.9, top * 1.1) };
    let mut area = vec![[' '; COLUMNS]; ROWS];
    let row = |y: f64| {
        let share = libm::log(y / bottom) / libm::log(top / bottom);
        (-0.001..=1.001).contains(&share).then(|| ROWS - 1 - (share * (ROWS - 1) as f64).round() as usize)
    };
    if let Some(curve) = curve {
        let ratio = libm::log(right / left) / (COLUMNS - 1) as f64;
        for (column, x) in (0..COLUMNS).map(|column| (column, left * libm::exp(ratio * column as f64))) {
            if let Some(row) = row(curve.evaluate(x)) {
                area[row][column] = '·';
            }
        }
    }
    for point in &good {
        let share = libm::log(point.x / left) / libm::log(right / left);
        if let Some(row) = row(point.y) {
            area[row][(share * (COLUMNS - 1) as f64).round() as usize] = 'o';
        }
    }
    let short = |value: f64| crate::units::Significant(value, 3).to_string();
    let (high, low) = (short(top), short(bottom));
    let margin = high.len().max(low.len());
    let mut text = format!("{title}\n");
    for (index, cells) in area.iter().enumerate() {
        let label = match index {
            0 => &high,
            _ if index == ROWS - 1 => &low,
            _ => "",
        };
        let cells: String = cells.iter().collect();
        text.push_str(&format!("{label:>margin$} │{}\n", cells.trim_end()));
    }
    let (from, to) = (short(left), short(right));
    let gap = COLUMNS.saturating_sub(from.len() + to.len() + axis.len()) / 2;
    text.push_str(&format!(
        "{:>margin$} └{}\n{:>margin$}  {from}{:gap$}{axis}{:gap$}{to}   {unit}\n",
        "",
        "─".repeat(COLUMNS),
        "",
        "",
        ""
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_on_their_curve() {
        let curve = Curve::Affine { a: 1.0, b: 1.0 };
        let points: Vec<Point> =
            [1.0, 4.0, 16.0, 64.0].iter().map(|&x| Point { x, y: curve.evaluate(x) }).collect();
        let plot = curve_plot("step", "batch", "s", &points, Some(&curve));
        assert_eq!(plot.matches('o').count(), 4, "{plot}");
        let lines: Vec<&str> = plot.lines().collect();
        assert!(lines[1].trim_end().ends_with('o') && lines[ROWS].contains("│o"), "{plot}");
        assert!(lines.iter().all(|line| line.chars().count() < 80), "{plot}");
    }

    #[test]
    fn nothing_is_drawn_of_one_size_and_flat_lines_are_drawn() {
        let one = [Point { x: 2.0, y: 1.0 }];
        assert_eq!(curve_plot("t", "batch", "s", &one, None), "");
        assert_eq!(curve_plot("t", "batch", "s", &[], None), "");
        let flat = [Point { x: 1.0, y: 3.0 }, Point { x: 2.0, y: 3.0 }];
        assert_eq!(curve_plot("t", "batch", "s", &flat, None).matches('o').count(), 2);
    }
}
