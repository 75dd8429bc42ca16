//! A figure with the mark of how it is known, and the legend of marks.

use egui::text::LayoutJob;
use egui::{Align, FontSelection, Label, Response, RichText, Sense};

use crate::catalog::Provenance;
use crate::report::Known;

/// The text with its mark, to be clicked or reached by keys; cut where there is no room when `cut`.
pub(in crate::gui) fn marked(ui: &mut egui::Ui, text: RichText, known: Option<Known>, cut: bool) -> Response {
    let mut job = LayoutJob::default();
    text.append_to(&mut job, ui.style(), FontSelection::Default, Align::Center);
    if let Some(known) = known {
        let mark = RichText::new(format!(" {}", known.letter())).small().color(colour(ui, known));
        mark.append_to(&mut job, ui.style(), FontSelection::Default, Align::Center);
    }
    let label = Label::new(job).selectable(false).sense(Sense::click());
    let label = ui.add(if cut { label.truncate() } else { label.extend() });
    match known {
        Some(known) => label.on_hover_ui(|ui| {
            ui.label(known.meaning());
            ui.weak("Click to see where it comes from");
        }),
        None => label,
    }
}

fn colour(ui: &egui::Ui, known: Known) -> egui::Color32 {
    match known {
        Known::Made(Provenance::Assumed | Provenance::Extrapolated) => ui.visuals().warn_fg_color,
        _ => ui.visuals().text_color(),
    }
}

/// What the marks mean, on one line.
pub(super) fn legend(ui: &mut egui::Ui) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        ui.label(RichText::new("Known").small().weak());
        for known in Known::ALL {
            let text = RichText::new(format!("{} {}", known.letter(), known.word())).small();
            ui.label(text.color(colour(ui, *known))).on_hover_text(known.meaning());
        }
    });
}
