//! A figure as SVG: for files, the offline report and prints. White ground, no script, no reference outward.

use std::fmt::Write as _;

use super::figure::{Axis, Direction, Figure, Mark, Marker, Scale, Style};
use super::ticks::{tick_text, ticks};

const WIDTH: f64 = 760.0;
const TOP: f64 = 34.0;
const RIGHT: f64 = 22.0;
const BOTTOM: f64 = 48.0;
/// Width of a letter of 12 pixels, on average.
const LETTER: f64 = 6.4;
/// Letters of a name before it is cut.
const NAME: usize = 30;
/// Entries of a legend before the rest is only counted.
const ENTRIES: usize = 16;
const FONT: &str = "font-family=\"'Ubuntu', 'Helvetica Neue', Arial, sans-serif\" font-size=\"12\"";

/// The frame within which marks lie.
struct Frame<'a> {
    figure: &'a Figure,
    left: f64,
    height: f64,
    ranges: [(f64, f64); 2],
}

impl Figure {
    /// The picture as one SVG document.
    #[must_use]
    pub fn svg(&self) -> String {
        let frame = Frame::of(self);
        let legend = frame.legend();
        let note = if self.note.is_empty() { 0.0 } else { 20.0 };
        let total = TOP + frame.height + BOTTOM + legend.1 + note;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {total:.0}\" width=\"{WIDTH}\" height=\"{total:.0}\" role=\"img\" {FONT}>\n\
             <title>{}</title>\n<rect width=\"{WIDTH}\" height=\"{total:.0}\" fill=\"#ffffff\"/>\n\
             <text x=\"{:.1}\" y=\"20\" font-size=\"14\" font-weight=\"bold\" fill=\"#222222\">{}</text>\n",
            escaped(&self.title),
            frame.left,
            escaped(&self.title)
        );
        frame.bands(&mut out);
        frame.axes(&mut out);
        frame.marks(&mut out);
        out.push_str(&legend.0);
        if note > 0.0 {
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\" fill=\"#555555\">{}</text>",
                frame.left,
                total - 8.0,
                escaped(&self.note)
            );
        }
        out.push_str("</svg>\n");
        out
    }
}

impl<'a> Frame<'a> {
    fn of(figure: &'a Figure) -> Self {
        let ranges = figure.ranges();
        let (letters, height) = match &figure.y.scale {
            Scale::Named(names) => {
                let longest = names.iter().map(|name| name.chars().count().min(NAME)).max().unwrap_or(0);
                (longest, 24.0 * names.len().max(2) as f64)
            }
            scale => {
                let texts = ticks(scale, ranges[1]).into_iter().map(|tick| tick_text(tick).chars().count());
                (texts.max().unwrap_or(1), 330.0)
            }
        };
        Self { figure, left: 40.0 + letters as f64 * LETTER, height, ranges }
    }

    fn width(&self) -> f64 {
        WIDTH - RIGHT - self.left
    }

    /// Share of the way along an axis; none for what has no place there.
    fn share(&self, axis: &Axis, (low, high): (f64, f64), value: f64) -> Option<f64> {
        let share = match axis.scale {
            Scale::Logarithmic => libm::log(value / low) / libm::log(high / low),
            _ => (value - low) / (high - low),
        };
        share.is_finite().then(|| share.clamp(-0.05, 1.05))
    }

    fn x(&self, value: f64) -> Option<f64> {
        Some(self.left + self.share(&self.figure.x, self.ranges[0], value)? * self.width())
    }

    fn y(&self, value: f64) -> Option<f64> {
        let share = self.share(&self.figure.y, self.ranges[1], value)?;
        // Named places run downwards, as the rows of a table do.
        let down = if matches!(self.figure.y.scale, Scale::Named(_)) { share } else { 1.0 - share };
        Some(TOP + down * self.height)
    }

    fn bands(&self, out: &mut String) {
        for mark in &self.figure.marks {
            let Mark::Band { span, label } = mark else { continue };
            let (Some(one), Some(other)) = (self.y(span[0]), self.y(span[1])) else { continue };
            let _ = writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"#000000\" fill-opacity=\"0.07\"><title>{}</title></rect>",
                self.left,
                one.min(other),
                self.width(),
                (one - other).abs(),
                escaped(label)
            );
        }
    }

    fn axes(&self, out: &mut String) {
        let (bottom, right) = (TOP + self.height, WIDTH - RIGHT);
        for tick in ticks(&self.figure.x.scale, self.ranges[0]) {
            let Some(x) = self.x(tick) else { continue };
            let _ = writeln!(
                out,
                "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"#e4e4e4\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#333333\">{}</text>",
                bottom + 16.0,
                escaped(&self.name(&self.figure.x, tick))
            );
        }
        for tick in ticks(&self.figure.y.scale, self.ranges[1]) {
            let Some(y) = self.y(tick) else { continue };
            let _ = writeln!(
                out,
                "<line x1=\"{:.1}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#e4e4e4\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#333333\">{}</text>",
                self.left,
                self.left - 6.0,
                y + 4.0,
                escaped(&self.name(&self.figure.y, tick))
            );
        }
        let _ = writeln!(
            out,
            "<rect x=\"{0:.1}\" y=\"{TOP}\" width=\"{1:.1}\" height=\"{2:.1}\" fill=\"none\" stroke=\"#666666\"/>\n\
             <text x=\"{3:.1}\" y=\"{4:.1}\" text-anchor=\"middle\" fill=\"#333333\">{5}</text>\n\
             <text x=\"14\" y=\"{6:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 14 {6:.1})\" fill=\"#333333\">{7}</text>",
            self.left,
            self.width(),
            self.height,
            self.left + self.width() / 2.0,
            bottom + 36.0,
            escaped(&self.figure.x.label),
            TOP + self.height / 2.0,
            escaped(&self.figure.y.label)
        );
    }

    fn name(&self, axis: &Axis, tick: f64) -> String {
        match &axis.scale {
            Scale::Named(names) => cut(names.get(tick as usize).map_or("", String::as_str)),
            _ => tick_text(tick),
        }
    }

    fn marks(&self, out: &mut String) {
        for mark in &self.figure.marks {
            match mark {
                Mark::Point { at, across, up, style, label } => {
                    self.point(out, *at, [*across, *up], *style, label);
                }
                Mark::Line { points, style, label } => self.line(out, points, *style, label),
                Mark::Bar { at, span, style, label } => self.bar(out, *at, *span, *style, label),
                Mark::Rule { axis, value, label } => self.rule(out, *axis, *value, label),
                Mark::Band { .. } => {}
            }
        }
    }

    fn point(&self, out: &mut String, at: [f64; 2], reach: [Option<[f64; 2]>; 2], style: Style, label: &str) {
        let (Some(x), Some(y)) = (self.x(at[0]), self.y(at[1])) else { return };
        let (colour, opacity) = (hex(style), opacity(style));
        let mut stroke = |ends: Option<[f64; 4]>| {
            if let Some([x1, y1, x2, y2]) = ends {
                let _ = writeln!(
                    out,
                    "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" stroke-opacity=\"{:.2}\"/>",
                    opacity * 0.6
                );
            }
        };
        stroke(reach[0].and_then(|[low, high]| Some([self.x(low)?, y, self.x(high)?, y])));
        stroke(reach[1].and_then(|[low, high]| Some([x, self.y(low)?, x, self.y(high)?])));
        let _ = writeln!(
            out,
            "<g fill=\"{colour}\" stroke=\"{colour}\" fill-opacity=\"{opacity}\" stroke-opacity=\"{opacity}\">{}<title>{}</title></g>",
            shape(style.marker, x, y),
            escaped(label)
        );
    }

    fn line(&self, out: &mut String, points: &[[f64; 2]], style: Style, label: &str) {
        let places = points.iter().filter_map(|point| Some((self.x(point[0])?, self.y(point[1])?)));
        let mut path = String::new();
        for (x, y) in places {
            let _ = write!(path, "{x:.1},{y:.1} ");
        }
        let dashes = if style.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.8\" stroke-opacity=\"{}\"{dashes}><title>{}</title></polyline>",
            path.trim_end(),
            hex(style),
            opacity(style),
            escaped(label)
        );
    }

    fn bar(&self, out: &mut String, at: f64, span: [f64; 2], style: Style, label: &str) {
        let (Some(y), Some(one), Some(other)) = (self.y(at), self.x(span[0]), self.x(span[1])) else {
            return;
        };
        let _ = writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"15\" fill=\"{}\" fill-opacity=\"{}\"><title>{}</title></rect>",
            one.min(other),
            y - 7.5,
            (one - other).abs(),
            hex(style),
            opacity(style),
            escaped(label)
        );
    }

    fn rule(&self, out: &mut String, axis: Direction, value: f64, label: &str) {
        let place = match axis {
            Direction::Across => self.x(value).map(|x| [x, TOP, x, TOP + self.height, x + 4.0, TOP + 12.0]),
            Direction::Up => {
                self.y(value).map(|y| [self.left, y, WIDTH - RIGHT, y, self.left + 4.0, y - 4.0])
            }
        };
        let Some([x1, y1, x2, y2, x, y]) = place else { return };
        let _ = writeln!(
            out,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#444444\" stroke-dasharray=\"4 3\"/>\
             <text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"11\" fill=\"#444444\">{}</text>",
            escaped(label)
        );
    }

    /// Below the picture, in rows; and how high it is.
    fn legend(&self) -> (String, f64) {
        let entries = &self.figure.legend;
        if entries.len() < 2 {
            return (String::new(), 0.0);
        }
        let (mut x, mut y) = (self.left, TOP + self.height + BOTTOM + 4.0);
        let mut out = String::new();
        for entry in entries.iter().take(ENTRIES) {
            let name = cut(&entry.label);
            let wide = 26.0 + LETTER * name.chars().count() as f64;
            if x + wide > WIDTH && x > self.left {
                (x, y) = (self.left, y + 18.0);
            }
            let _ = writeln!(
                out,
                "<g fill=\"{0}\" stroke=\"{0}\" fill-opacity=\"{1}\" stroke-opacity=\"{1}\">{2}</g><text x=\"{3:.1}\" y=\"{4:.1}\" fill=\"#222222\">{5}</text>",
                hex(entry.style),
                opacity(entry.style),
                shape(entry.style.marker, x + 6.0, y),
                x + 15.0,
                y + 4.0,
                escaped(&name)
            );
            x += wide;
        }
        if entries.len() > ENTRIES {
            let more = entries.len() - ENTRIES;
            y += 18.0;
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"#555555\">and {more} more</text>",
                self.left,
                y + 4.0
            );
        }
        (out, y + 14.0 - TOP - self.height - BOTTOM)
    }
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    name.chars().take(NAME - 1).chain(['…']).collect()
}

fn hex(style: Style) -> String {
    let [red, green, blue] = style.colour;
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn opacity(style: Style) -> f64 {
    if style.faint { 0.35 } else { 0.9 }
}

fn shape(marker: Marker, x: f64, y: f64) -> String {
    let polygon = |points: &[(f64, f64)]| {
        let text: Vec<String> =
            points.iter().map(|(dx, dy)| format!("{:.1},{:.1}", x + dx, y + dy)).collect();
        format!("<polygon points=\"{}\"/>", text.join(" "))
    };
    let stroke = |path: &str| format!("<path d=\"{path}\" fill=\"none\" stroke-width=\"2.4\"/>");
    match marker {
        Marker::Circle => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>"),
        Marker::Square => polygon(&[(-4.0, -4.0), (4.0, -4.0), (4.0, 4.0), (-4.0, 4.0)]),
        Marker::Diamond => polygon(&[(0.0, -5.5), (5.5, 0.0), (0.0, 5.5), (-5.5, 0.0)]),
        Marker::Up => polygon(&[(0.0, -5.0), (5.0, 4.0), (-5.0, 4.0)]),
        Marker::Down => polygon(&[(0.0, 5.0), (5.0, -4.0), (-5.0, -4.0)]),
        Marker::Cross => stroke(&format!("M{:.1} {:.1} l8 8 m0 -8 l-8 8", x - 4.0, y - 4.0)),
        Marker::Plus => stroke(&format!("M{:.1} {y:.1} h10 m-5 -5 v10", x - 5.0)),
    }
}

/// Text that XML and HTML take for nothing else.
pub(in crate::report) fn escaped(text: &str) -> String {
    crate::report::clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
