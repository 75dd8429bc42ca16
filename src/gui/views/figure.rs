//! Draws a [`Figure`] with the window's plotter: the same marks, colours and words as in files.

use egui::Color32;
use egui_plot::{
    Bar, BarChart, GridMark, HLine, HoverPosition, Legend, Line, LineStyle, MarkerShape, Plot, PlotPoint,
    PlotPoints, PlotUi, Points, Span, VLine,
};

use crate::report::{Direction, Figure, Mark, Marker, Scale, Style, tick_text, ticks};

/// Draws the figure over all the room there is; marks of other fleets than the selected are left as they are, its own
/// are drawn larger.
pub(in crate::gui) fn figure(ui: &mut egui::Ui, figure: &Figure, selected: Option<&str>) {
    ui.strong(&figure.title);
    if !figure.note.is_empty() {
        ui.weak(&figure.note);
    }
    let (x, y) = (figure.x.scale.clone(), figure.y.scale.clone());
    let [across, up] = figure.ranges();
    let upside_down = matches!(figure.y.scale, Scale::Named(_));
    // What was zoomed to is kept for as long as the picture reaches as far: a curve that is still measured, or another
    // result, is shown whole.
    let reach = [across.0, across.1, up.0, up.1].map(f64::to_bits);
    let plot = Plot::new((figure.name, reach, x == Scale::Logarithmic, y == Scale::Logarithmic))
        .legend(Legend::default())
        .x_axis_label(figure.x.label.clone())
        .y_axis_label(figure.y.label.clone())
        .invert_y(upside_down)
        .x_grid_spacer(spacer(x.clone(), across))
        .y_grid_spacer(spacer(y.clone(), up))
        .x_axis_formatter(move |mark, _| name(&x, mark.value))
        .y_axis_formatter(move |mark, _| name(&y, mark.value))
        .default_x_bounds(place(&figure.x.scale, across.0), place(&figure.x.scale, across.1))
        .default_y_bounds(place(&figure.y.scale, up.0), place(&figure.y.scale, up.1))
        .label_formatter(|position| hint(figure, position))
        .allow_scroll(false);
    let drawn = plot.show(ui, |plot| {
        for mark in figure.marks.iter().filter(|mark| !one_of_many(figure, mark)) {
            draw(plot, figure, mark, selected);
        }
        for entry in &figure.legend {
            let points: Vec<[f64; 2]> = many(figure, entry.style)
                .map(|(at, _)| [place(&figure.x.scale, at[0]), place(&figure.y.scale, at[1])])
                .collect();
            if !points.is_empty() {
                let points = Points::new(entry.label.clone(), PlotPoints::from(points));
                let points = points.color(colour(entry.style)).shape(shape(entry.style.marker));
                plot.points(points.radius(2.5));
            }
        }
    });
    let title = &figure.title;
    drawn.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::GraphicsDocument, true, title));
}

/// Whether a point is one of thousands that share a style and stand in the legend together.
fn one_of_many(figure: &Figure, mark: &Mark) -> bool {
    let named = |label: &str| figure.legend.iter().any(|entry| entry.label == label);
    matches!(mark, Mark::Point { across: None, up: None, label, .. } if !named(label))
}

/// The points of a style, with what each is.
fn many(figure: &Figure, style: Style) -> impl Iterator<Item = ([f64; 2], &str)> {
    figure.marks.iter().filter_map(move |mark| match mark {
        Mark::Point { at, style: own, label, .. } if *own == style && one_of_many(figure, mark) => {
            Some((*at, label.as_str()))
        }
        _ => None,
    })
}

/// What a point is called in the legend: as the entry of its style, so that points along a line do not crowd it.
fn legend_name(figure: &Figure, style: Style, label: &str) -> String {
    let named = figure.legend.iter().any(|entry| entry.label == label);
    let entry = figure.legend.iter().find(|entry| !named && entry.style == style);
    entry.map_or_else(|| label.to_owned(), |entry| entry.label.clone())
}

/// The words of the point that stands at a place of the plotter.
fn point_at(figure: &Figure, at: PlotPoint) -> Option<&str> {
    figure.marks.iter().find_map(|mark| match mark {
        Mark::Point { at: own, label, .. } => {
            let here = [place(&figure.x.scale, own[0]), place(&figure.y.scale, own[1])] == [at.x, at.y];
            here.then_some(label.as_str())
        }
        _ => None,
    })
}

/// What the pointer is on, in the units of the axes.
fn hint(figure: &Figure, position: &HoverPosition<'_>) -> Option<String> {
    let HoverPosition::NearDataPoint { plot_name, position, index } = position else { return None };
    let entry = figure.legend.iter().find(|entry| entry.label == *plot_name);
    if let Some((_, label)) = entry.and_then(|entry| many(figure, entry.style).nth(*index)) {
        return Some(label.to_owned());
    }
    let (x, y) = (name(&figure.x.scale, position.x), name(&figure.y.scale, position.y));
    let words = point_at(figure, *position).unwrap_or(plot_name);
    Some(format!("{words}\n{}: {x}\n{}: {y}", figure.x.label, figure.y.label))
}

/// Where a value stands on the plotter's own, linear axis.
fn place(scale: &Scale, value: f64) -> f64 {
    if *scale == Scale::Logarithmic { libm::log10(value) } else { value }
}

fn name(scale: &Scale, place: f64) -> String {
    match scale {
        Scale::Named(names) if place.fract() == 0.0 && place >= 0.0 => {
            names.get(place as usize).map_or_else(String::new, |name| name.chars().take(28).collect())
        }
        Scale::Named(_) => String::new(),
        Scale::Logarithmic => tick_text(libm::pow(10.0, place)),
        Scale::Linear => tick_text(place),
    }
}

fn spacer(scale: Scale, range: (f64, f64)) -> impl Fn(egui_plot::GridInput) -> Vec<GridMark> {
    move |input| {
        let (low, high) = input.bounds;
        let marks = match &scale {
            Scale::Named(_) => ticks(&scale, range),
            Scale::Logarithmic => {
                let ends = (libm::pow(10.0, low), libm::pow(10.0, high));
                ticks(&scale, ends).into_iter().map(libm::log10).collect()
            }
            Scale::Linear => ticks(&scale, (low, high)),
        };
        let step = marks.windows(2).map(|pair| pair[1] - pair[0]).fold(high - low, f64::min);
        // Where there is no room for every tick's name, decades keep theirs.
        let is_decade = |value: f64| scale == Scale::Logarithmic && (value - value.round()).abs() < 1e-9;
        let step_of = |value: f64| if is_decade(value) { step.max(1.0) } else { step };
        marks
            .into_iter()
            .map(|value| GridMark { value, step_size: step_of(value).max(input.base_step_size) })
            .collect()
    }
}

fn colour(style: Style) -> Color32 {
    let [red, green, blue] = style.colour;
    let opaque = Color32::from_rgb(red, green, blue);
    if style.faint { opaque.gamma_multiply(0.4) } else { opaque }
}

fn shape(marker: Marker) -> MarkerShape {
    match marker {
        Marker::Circle => MarkerShape::Circle,
        Marker::Square => MarkerShape::Square,
        Marker::Diamond => MarkerShape::Diamond,
        Marker::Up => MarkerShape::Up,
        Marker::Down => MarkerShape::Down,
        Marker::Cross => MarkerShape::Cross,
        Marker::Plus => MarkerShape::Plus,
    }
}

/// The marker of a fleet beside its name in a table, as it stands in every picture.
pub(super) fn marker(ui: &mut egui::Ui, style: Style) {
    let (rect, _) = ui.allocate_exact_size([11.0, 11.0].into(), egui::Sense::hover());
    let (centre, painter, fill) = (rect.center(), ui.painter(), colour(style));
    let polygon = |points: &[[f32; 2]]| {
        let points = points.iter().map(|[x, y]| centre + egui::vec2(*x, *y)).collect();
        painter.add(egui::Shape::convex_polygon(points, fill, egui::Stroke::NONE));
    };
    let strokes = |ends: [[f32; 2]; 4]| {
        let at = |[x, y]: [f32; 2]| centre + egui::vec2(x, y);
        let [a, b, c, d] = ends.map(at);
        painter.line_segment([a, b], (2.0, fill));
        painter.line_segment([c, d], (2.0, fill));
    };
    match style.marker {
        Marker::Circle => {
            painter.circle_filled(centre, 4.5, fill);
        }
        Marker::Square => polygon(&[[-4.0, -4.0], [4.0, -4.0], [4.0, 4.0], [-4.0, 4.0]]),
        Marker::Diamond => polygon(&[[0.0, -5.5], [5.5, 0.0], [0.0, 5.5], [-5.5, 0.0]]),
        Marker::Up => polygon(&[[0.0, -5.0], [5.0, 4.0], [-5.0, 4.0]]),
        Marker::Down => polygon(&[[0.0, 5.0], [5.0, -4.0], [-5.0, -4.0]]),
        Marker::Cross => strokes([[-4.0, -4.0], [4.0, 4.0], [-4.0, 4.0], [4.0, -4.0]]),
        Marker::Plus => strokes([[-5.0, 0.0], [5.0, 0.0], [0.0, -5.0], [0.0, 5.0]]),
    }
}

fn draw(plot: &mut PlotUi<'_>, figure: &Figure, mark: &Mark, selected: Option<&str>) {
    let to = |point: [f64; 2]| [place(&figure.x.scale, point[0]), place(&figure.y.scale, point[1])];
    let drawn = |point: &[f64; 2]| point.iter().all(|value| value.is_finite());
    match mark {
        Mark::Point { at, across, up, style, label } => {
            let at_place = to(*at);
            if !drawn(&at_place) {
                return;
            }
            let bars = [
                across.map(|[low, high]| [to([low, at[1]]), to([high, at[1]])]),
                up.map(|[low, high]| [to([at[0], low]), to([at[0], high])]),
            ];
            for ends in bars.into_iter().flatten().filter(|ends| ends.iter().all(drawn)) {
                let line =
                    Line::new("", PlotPoints::from(ends.to_vec())).color(colour(*style).gamma_multiply(0.6));
                plot.line(line.allow_hover(false));
            }
            let radius = if selected == Some(label) { 8.0 } else { 5.0 };
            let points = Points::new(legend_name(figure, *style, label), PlotPoints::from(vec![at_place]));
            plot.points(points.color(colour(*style)).shape(shape(style.marker)).radius(radius));
        }
        Mark::Line { points, style, label } => {
            let places: Vec<[f64; 2]> = points.iter().map(|point| to(*point)).filter(drawn).collect();
            let dashes = if style.dashed { LineStyle::dashed_dense() } else { LineStyle::Solid };
            let width = if selected == Some(label) { 3.5 } else { 2.0 };
            let line = Line::new(label.clone(), PlotPoints::from(places)).color(colour(*style));
            plot.line(line.style(dashes).width(width));
        }
        Mark::Bar { at, span, style, label } => {
            let [from, end] = span.map(|value| place(&figure.x.scale, value));
            let bar = Bar::new(*at, end - from).base_offset(from).width(0.7).name(label).fill(colour(*style));
            let legend = figure.legend.iter().find(|entry| entry.style == *style);
            let name = legend.map_or_else(String::new, |entry| entry.label.clone());
            let words = label.clone();
            let chart = BarChart::new(name, vec![bar]).horizontal().color(colour(*style));
            plot.bar_chart(chart.element_formatter(Box::new(move |_, _| words.clone())));
        }
        Mark::Rule { axis, value, label } => {
            let style = LineStyle::dashed_loose();
            match axis {
                Direction::Across => plot.vline(
                    VLine::new(label.clone(), place(&figure.x.scale, *value))
                        .color(Color32::GRAY)
                        .style(style),
                ),
                Direction::Up => plot.hline(
                    HLine::new(label.clone(), place(&figure.y.scale, *value))
                        .color(Color32::GRAY)
                        .style(style),
                ),
            }
        }
        Mark::Band { span, label } => {
            let [low, high] = span.map(|value| place(&figure.y.scale, value));
            let grey = Color32::from_gray(128).gamma_multiply(0.12);
            plot.add(Span::new(label.clone(), low..=high).axis(egui_plot::Axis::Y).fill(grey));
        }
    }
}
