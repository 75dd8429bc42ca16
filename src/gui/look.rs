//! Colours of the window, chosen so that every text can be read: 4.5 : 1 against whatever it stands on.

use egui::{Color32, Context, Visuals};

/// Gives the window its colours, light and dark.
pub(super) fn apply(context: &Context) {
    context.set_visuals_of(egui::Theme::Dark, dark());
    context.set_visuals_of(egui::Theme::Light, light());
}

fn dark() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.weak_text_color = Some(Color32::from_gray(178));
    visuals.widgets.noninteractive.fg_stroke.color = Color32::from_gray(205);
    visuals.selection.bg_fill = Color32::from_rgb(0, 66, 96);
    // A cursor that blinks would draw the window anew twice a second.
    visuals.text_cursor.blink = false;
    visuals.warn_fg_color = Color32::from_rgb(255, 165, 70);
    visuals.error_fg_color = Color32::from_rgb(255, 125, 115);
    visuals
}

fn light() -> Visuals {
    let mut visuals = Visuals::light();
    visuals.weak_text_color = Some(Color32::from_gray(85));
    visuals.widgets.noninteractive.fg_stroke.color = Color32::from_gray(55);
    visuals.selection.bg_fill = Color32::from_rgb(180, 222, 255);
    visuals.hyperlink_color = Color32::from_rgb(0, 90, 170);
    // A cursor that blinks would draw the window anew twice a second.
    visuals.text_cursor.blink = false;
    visuals.warn_fg_color = Color32::from_rgb(140, 70, 0);
    visuals.error_fg_color = Color32::from_rgb(175, 20, 20);
    // White fields on a nearly white panel are not seen without a line around them.
    visuals.widgets.inactive.bg_stroke = egui::Stroke::new(1.0, Color32::from_gray(190));
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fleet_style;

    fn linear(channel: f64) -> f64 {
        if channel <= 0.04045 { channel / 12.92 } else { libm::pow((channel + 0.055) / 1.055, 2.4) }
    }

    fn linear_rgb([red, green, blue]: [u8; 3]) -> [f64; 3] {
        [red, green, blue].map(|channel| linear(f64::from(channel) / 255.0))
    }

    /// Contrast as the Web Content Accessibility Guidelines define it.
    fn contrast(left: Color32, right: Color32) -> f64 {
        let luminance = |colour: Color32| {
            let [red, green, blue] = linear_rgb([colour.r(), colour.g(), colour.b()]);
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (left, right) = (luminance(left), luminance(right));
        (left.max(right) + 0.05) / (left.min(right) + 0.05)
    }

    #[test]
    fn every_text_can_be_read_on_what_it_stands_on() {
        assert!((contrast(Color32::WHITE, Color32::BLACK) - 21.0).abs() < 1e-9);
        for visuals in [dark(), light()] {
            let texts = [
                visuals.text_color(),
                visuals.weak_text_color(),
                visuals.strong_text_color(),
                visuals.hyperlink_color,
                visuals.warn_fg_color,
                visuals.error_fg_color,
            ];
            let striped = visuals.panel_fill.blend(visuals.faint_bg_color);
            let grounds = [visuals.panel_fill, visuals.window_fill(), visuals.text_edit_bg_color(), striped];
            let mut pairs: Vec<(Color32, Color32)> =
                texts.iter().flat_map(|text| grounds.map(|ground| (*text, ground))).collect();
            pairs.extend(texts[..3].iter().map(|text| (*text, visuals.selection.bg_fill)));
            pairs.push((visuals.selection.stroke.color, visuals.selection.bg_fill));
            pairs.push((visuals.text_color(), visuals.code_bg_color));
            let widgets = &visuals.widgets;
            let widgets = [widgets.inactive, widgets.hovered, widgets.active, widgets.open];
            pairs.extend(widgets.iter().map(|widget| (widget.fg_stroke.color, widget.weak_bg_fill)));
            for (text, ground) in pairs {
                let reached = contrast(text, ground);
                assert!(reached >= 4.5, "{text:?} on {ground:?} (dark: {}): {reached:.2}", visuals.dark_mode);
            }
        }
    }

    /// What eyes without one kind of cones make of a colour (Viénot, Brettel and Mollon 1999; blue after Machado 2009).
    fn seen([red, green, blue]: [f64; 3], rows: [[f64; 3]; 3]) -> [f64; 3] {
        rows.map(|[r, g, b]| (r * red + g * green + b * blue).clamp(0.0, 1.0))
    }

    fn lab([red, green, blue]: [f64; 3]) -> [f64; 3] {
        let bend =
            |value: f64| if value > 0.008_856 { libm::cbrt(value) } else { 7.787 * value + 16.0 / 116.0 };
        let x = bend((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505);
        let y = bend(0.2126 * red + 0.7152 * green + 0.0722 * blue);
        let z = bend((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn fleets_are_told_apart_with_any_sight() {
        let sights = [
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [[0.1124, 0.8876, 0.0], [0.1124, 0.8876, 0.0], [0.004, -0.004, 1.0]],
            [[0.2928, 0.7072, 0.0], [0.2928, 0.7072, 0.0], [-0.0223, 0.0223, 1.0]],
            [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
        ];
        for sight in sights {
            let look = |index: usize| lab(seen(linear_rgb(fleet_style(index).colour), sight));
            for left in 0..8 {
                for right in 0..left {
                    let apart =
                        look(left).iter().zip(look(right)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
                    assert!(apart.sqrt() > 14.0, "{left} and {right} look alike: {:.1}", apart.sqrt());
                }
            }
        }
        // Colour and marker together come back only after every pair was used.
        let pairs: Vec<_> =
            (0..56).map(|index| (fleet_style(index).colour, fleet_style(index).marker)).collect();
        for (index, pair) in pairs.iter().enumerate() {
            assert!(!pairs[..index].contains(pair), "fleet {index} looks like another");
        }
    }
}
