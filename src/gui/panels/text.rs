//! The scenario as text, faults underlined where the command line puts its carets.

use std::sync::Arc;

use egui::text::{CCursor, CCursorRange, LayoutJob};
use egui::{Color32, FontId, Galley, Stroke, TextBuffer, TextEdit, TextFormat, Ui};

use crate::gui::app::App;

pub(super) fn show(app: &mut App, ui: &mut egui::Ui) {
    let cursor = app.session.take_cursor();
    let Some(document) = app.session.document_mut() else { return };
    let spans: Vec<std::ops::Range<usize>> =
        document.checked().problems.iter().filter_map(|problem| problem.span.clone()).collect();
    let fault = ui.visuals().error_fg_color;
    let (plain, remark) = (ui.visuals().text_color(), ui.visuals().weak_text_color());
    let mut layouter = |ui: &Ui, text: &dyn TextBuffer, wrap: f32| -> Arc<Galley> {
        let mut job = coloured(text.as_str(), &spans, (plain, remark, fault));
        job.wrap.max_width = wrap;
        ui.fonts_mut(|fonts| fonts.layout_job(job))
    };
    egui::ScrollArea::vertical().id_salt("text").auto_shrink(false).show(ui, |ui| {
        let editor = TextEdit::multiline(document.text_mut())
            .id_salt("scenario text")
            .code_editor()
            .desired_width(f32::INFINITY)
            .desired_rows(24)
            .layouter(&mut layouter);
        let mut output = editor.show(ui);
        output
            .response
            .widget_info(|| egui::WidgetInfo::labeled(egui::Role::MultilineTextInput, true, "Scenario text"));
        if output.response.changed() {
            document.touched();
        }
        if let Some(place) = cursor {
            let letters = document.text().char_indices().take_while(|(byte, _)| *byte < place).count();
            let range = CCursorRange::one(CCursor::new(letters));
            output.state.cursor.set_char_range(Some(range));
            output.state.store(ui.ctx(), output.response.id);
            output.response.request_focus();
            let rect = output.galley.pos_from_cursor(CCursor::new(letters));
            ui.scroll_to_rect(rect.translate(output.galley_pos.to_vec2()), Some(egui::Align::Center));
        }
    });
}

/// Remarks weak, faults underlined.
fn coloured(
    text: &str,
    spans: &[std::ops::Range<usize>],
    (plain, remark, fault): (Color32, Color32, Color32),
) -> LayoutJob {
    let mut cuts: Vec<usize> = vec![0, text.len()];
    let mut remarks = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(start) = line.find('#') {
            remarks.push(at + start..at + line.len());
            cuts.push(at + start);
        }
        at += line.len();
        cuts.push(at);
    }
    cuts.extend(spans.iter().flat_map(|span| [span.start, span.end]));
    cuts.retain(|cut| *cut <= text.len() && text.is_char_boundary(*cut));
    cuts.sort_unstable();
    cuts.dedup();
    let within =
        |ranges: &[std::ops::Range<usize>], place: usize| ranges.iter().any(|range| range.contains(&place));
    let mut job = LayoutJob::default();
    for pair in cuts.windows(2) {
        let wrong = within(spans, pair[0]);
        let format = TextFormat {
            font_id: FontId::monospace(12.5),
            color: if within(&remarks, pair[0]) { remark } else { plain },
            underline: if wrong { Stroke::new(1.5, fault) } else { Stroke::NONE },
            ..TextFormat::default()
        };
        job.append(&text[pair[0]..pair[1]], 0.0, format);
    }
    job
}
