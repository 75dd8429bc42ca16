//! Draws the lanes: each frame what stands in each pixel, kept until the scope moves.

use std::collections::HashMap;

use egui::{
    Align2, Color32, FontId, Key, Mesh, Pos2, Rect, Role, ScrollArea, Sense, Shape, Ui, WidgetInfo, vec2,
};

use crate::gui::recorder::Recorded;
use crate::report::{Piece, Scale, act_colour, tick_text, ticks};
use crate::units::SimTime;
use crate::workload::{Act, TimelineSpan};

use super::scope::{BUTTONS, Scope};

/// Height of a lane, and what of it is left empty.
const LANE: f32 = 20.0;
const GAP: f32 = 3.0;
/// Width of the names of the lanes.
const NAMES: f32 = 150.0;
const RULER: f32 = 20.0;
/// Width from which on a span has its name in it.
const NAMED: f32 = 46.0;
/// Names in spans of one frame at most.
const MOST_NAMES: usize = 400;
/// Pixels within which a span is pointed at.
const NEAR: f64 = 3.0;

/// Pieces of the lanes on the screen, for one scope and one width.
#[derive(Default)]
pub(in crate::gui) struct Drawn {
    of: (u64, u64, u32),
    lanes: HashMap<usize, Vec<Piece>>,
}

/// Draws what is on the screen; the span that is pointed at.
pub(super) fn show(
    ui: &mut Ui,
    recorded: &Recorded,
    scope: &mut Scope,
    drawn: &mut Drawn,
) -> Option<TimelineSpan> {
    let lanes = recorded.lanes.timeline().tracks.len();
    let (ruler, _) = ui.allocate_exact_size(vec2(ui.available_width(), RULER), Sense::hover());
    // The bar at the side may take some of the width of the lanes.
    let area = ScrollArea::vertical().id_salt("timeline lanes").auto_shrink(false);
    let shown = area.show_viewport(ui, |ui, viewport| {
        ui.set_height(lanes as f32 * LANE);
        let top = ui.max_rect().top();
        let across = ui.max_rect().x_range();
        let first = (viewport.min.y / LANE).max(0.0) as usize;
        let last = ((viewport.max.y / LANE).ceil().max(0.0) as usize).min(lanes);
        let at = |lane: usize| {
            let from = top + lane as f32 * LANE;
            Rect::from_x_y_ranges(across, from..=from + LANE)
        };
        let seen = at(first).union(at(last.max(first + 1) - 1));
        let response = ui.interact(seen, ui.scope_id().with("lanes"), Sense::click_and_drag());
        let words = format!("Timeline of {}: {lanes} lanes", recorded.wanted.fleet);
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, &words));
        if response.clicked() {
            response.request_focus();
        }
        move_scope(ui, &response, across.min + NAMES, scope);
        paint(ui, recorded, *scope, drawn, (first..last, &at));
        let pointer = response.hover_pos()?;
        let lane = ((pointer.y - top) / LANE) as usize;
        let width = (across.max - across.min - NAMES).max(1.0);
        let each = scope.length() / f64::from(width);
        let time = scope.ends().0.0 as f64 + f64::from(pointer.x - across.min - NAMES) * each;
        if pointer.x < across.min + NAMES || time < 0.0 {
            return None;
        }
        recorded.lanes.span_at(lane, SimTime(time as u64), (NEAR * each) as u64).copied()
    });
    let width = shown.inner_rect.width();
    paint_ruler(ui, Rect::from_min_size(ruler.min, vec2(width, RULER)), *scope);
    shown.inner
}

/// Wheel, drag and keys.
fn move_scope(ui: &Ui, response: &egui::Response, left: f32, scope: &mut Scope) {
    let width = (response.rect.right() - left).max(1.0);
    if response.dragged() {
        scope.pan(f64::from(-response.drag_delta().x / width));
    }
    let Some(pointer) = response.hover_pos() else { return keys(ui, response, scope) };
    let (zoom, across) = ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta().x));
    if zoom != 1.0 {
        scope.zoom(f64::from(zoom), f64::from(((pointer.x - left) / width).clamp(0.0, 1.0)));
    }
    if across != 0.0 {
        scope.pan(f64::from(-across / width));
    }
    keys(ui, response, scope);
}

/// The keys of Perfetto, unless somebody types.
fn keys(ui: &Ui, response: &egui::Response, scope: &mut Scope) {
    let free = ui.memory(|memory| memory.focused().is_none()) && response.hovered();
    if !free && !response.has_focus() {
        return;
    }
    for (key, button) in [(Key::Num0, 0), (Key::W, 1), (Key::S, 2), (Key::A, 3), (Key::D, 4)] {
        if ui.input(|input| input.key_pressed(key) && input.modifiers.is_none()) {
            (BUTTONS[button].2)(scope);
        }
    }
}

fn colour(act: Act) -> Color32 {
    let [red, green, blue] = act_colour(act);
    Color32::from_rgb(red, green, blue)
}

/// Paints the lanes in one mesh, and words over it.
fn paint(
    ui: &Ui,
    recorded: &Recorded,
    scope: Scope,
    drawn: &mut Drawn,
    (seen, at): (std::ops::Range<usize>, &dyn Fn(usize) -> Rect),
) {
    let (from, until) = scope.ends();
    let painter = ui.painter();
    let mut mesh = Mesh::default();
    let mut words: Vec<(Rect, &'static str, Color32)> = Vec::new();
    let mut marks = Vec::new();
    for lane in seen.clone() {
        let whole = at(lane);
        let left = whole.left() + NAMES;
        let width = (whole.right() - left).max(1.0);
        if drawn.of != (from.0, until.0, width.to_bits()) {
            *drawn = Drawn { of: (from.0, until.0, width.to_bits()), lanes: HashMap::new() };
        }
        if lane % 2 == 1 {
            mesh.add_colored_rect(whole, ui.visuals().faint_bg_color);
        }
        let pieces =
            drawn.lanes.entry(lane).or_insert_with(|| recorded.lanes.pieces(lane, (from, until), width));
        for piece in &*pieces {
            let ends = [piece.from.max(0.0), piece.to.min(width)];
            // A span of its own is parted from the next by a line of the ground.
            let line = if piece.alone && piece.to - piece.from > 4.0 { 1.0 } else { 0.0 };
            let rect = Rect::from_min_max(
                Pos2::new(left + ends[0], whole.top() + GAP),
                Pos2::new((left + ends[1] - line).max(left + ends[0] + 0.5), whole.bottom() - GAP),
            );
            let fill = colour(piece.act);
            if !piece.act.instant() {
                // What shares a pixel is stacked, each as high as its share of the time.
                let top = rect.bottom() - rect.height() * piece.share;
                mesh.add_colored_rect(Rect::from_min_max(Pos2::new(rect.left(), top), rect.max), fill);
                if let Some((act, share)) = piece.second {
                    let ends = [top - rect.height() * share, top];
                    let over = Rect::from_x_y_ranges(rect.x_range(), ends[0]..=ends[1]);
                    mesh.add_colored_rect(over, colour(act));
                }
            }
            if let Some(act) = piece.mark.or(piece.act.instant().then_some(piece.act)) {
                marks.push((rect.center_top(), colour(act)));
            }
            if piece.alone && rect.width() >= NAMED && words.len() < MOST_NAMES {
                words.push((rect, piece.act.words(), on(fill)));
            }
        }
    }
    painter.add(Shape::mesh(mesh));
    for (rect, text, colour) in words {
        let at = rect.left_center() + vec2(4.0, 0.0);
        painter.with_clip_rect(rect.intersect(painter.clip_rect())).text(
            at,
            Align2::LEFT_CENTER,
            text,
            FontId::proportional(11.0),
            colour,
        );
    }
    for (top, fill) in marks {
        let points = [[-5.0, -3.0], [5.0, -3.0], [0.0, 6.0]].map(|[x, y]| top + vec2(x, y));
        painter.line_segment([top, top + vec2(0.0, LANE - 2.0 * GAP)], (2.0, fill));
        painter.add(Shape::convex_polygon(points.to_vec(), fill, egui::Stroke::NONE));
    }
    names(ui, recorded, seen, at);
}

/// Names of the lanes, over whatever reaches under them.
fn names(ui: &Ui, recorded: &Recorded, seen: std::ops::Range<usize>, at: &dyn Fn(usize) -> Rect) {
    let tracks = &recorded.lanes.timeline().tracks;
    for lane in seen {
        let Some(name) = tracks.get(lane) else { continue };
        let rect = Rect::from_min_size(at(lane).min, vec2(NAMES - 6.0, LANE));
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let font = FontId::proportional(12.0);
        painter.text(rect.left_center(), Align2::LEFT_CENTER, name, font, ui.visuals().text_color());
    }
}

/// Black or white, whichever is read better.
fn on(fill: Color32) -> Color32 {
    let light = 0.299 * f32::from(fill.r()) + 0.587 * f32::from(fill.g()) + 0.114 * f32::from(fill.b());
    if light > 140.0 { Color32::BLACK } else { Color32::WHITE }
}

/// The time above the lanes.
fn paint_ruler(ui: &Ui, rect: Rect, scope: Scope) {
    let (from, until) = scope.ends();
    let (low, high) = (from.seconds().0, until.seconds().0);
    let left = rect.left() + NAMES;
    let width = (rect.right() - left).max(1.0);
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let grey = ui.visuals().weak_text_color();
    let font = FontId::proportional(11.0);
    painter.text(rect.left_center(), Align2::LEFT_CENTER, "seconds", font.clone(), grey);
    for tick in ticks(&Scale::Linear, (low, high)) {
        let x = left + ((tick - low) / (high - low).max(1e-12)) as f32 * width;
        painter.line_segment([Pos2::new(x, rect.bottom() - 5.0), Pos2::new(x, rect.bottom())], (1.0, grey));
        let at = Pos2::new(x + 3.0, rect.center().y);
        painter.text(at, Align2::LEFT_CENTER, tick_text(tick), font.clone(), grey);
    }
}
