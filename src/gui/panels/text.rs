//! The scenario as text, faults underlined where the command line puts its carets.

use std::ops::Range;
use std::sync::Arc;

use egui::text::{CCursor, CCursorRange, LayoutJob};
use egui::{Color32, FontId, Galley, Stroke, TextBuffer, TextEdit, TextFormat, Ui};

use crate::gui::app::App;

pub(super) fn show(app: &mut App, ui: &mut egui::Ui) {
    let cursor = app.session.take_cursor();
    let state = &mut app.panels.text;
    let Some(document) = app.session.document_mut() else { return };
    let spans: Vec<Range<usize>> =
        document.checked().problems.iter().filter_map(|problem| problem.span.clone()).collect();
    let visuals = ui.visuals();
    let colours = [visuals.text_color(), visuals.weak_text_color(), visuals.error_fg_color];
    let mut layouter = |ui: &Ui, text: &dyn TextBuffer, wrap: f32| -> Arc<Galley> {
        let mut job = state.job(text.as_str(), &spans, colours);
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

/// The text as it was laid out last: laying out a long one anew for every frame would be felt.
#[derive(Debug, Default)]
pub(in crate::gui) struct TextState {
    text: String,
    spans: Vec<Range<usize>>,
    colours: Option<[Color32; 3]>,
    job: LayoutJob,
}

impl TextState {
    fn job(&mut self, text: &str, spans: &[Range<usize>], colours: [Color32; 3]) -> LayoutJob {
        if self.colours != Some(colours) || self.text != text || self.spans != spans {
            (self.text, self.spans, self.colours) = (text.to_owned(), spans.to_vec(), Some(colours));
            self.job = coloured(text, spans, colours);
        }
        self.job.clone()
    }
}

/// Where the remark of a line begins; a `#` between quotes begins none.
fn remark(line: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (place, letter) in line.char_indices() {
        match (quote, letter) {
            (None, '#') => return Some(place),
            (None, '"' | '\'') => quote = Some(letter),
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(open), letter) if open == letter && !escaped => quote = None,
            _ => {}
        }
        escaped = false;
    }
    None
}

/// Bytes to underline for a fault; one of no length is shown by the letter that it stands before, or behind at the end.
fn underlined(text: &str, span: &Range<usize>) -> Range<usize> {
    let within = |place: usize| text.get(place..).and_then(|rest| rest.chars().next()).map(char::len_utf8);
    match within(span.start) {
        _ if span.start < span.end => span.clone(),
        Some(length) if text.as_bytes()[span.start] != b'\n' => span.start..span.start + length,
        _ => text
            .get(..span.start)
            .and_then(|before| before.char_indices().next_back())
            .map_or(span.clone(), |(start, _)| start..span.start),
    }
}

/// Remarks weak, faults underlined; in one pass over the text.
fn coloured(text: &str, spans: &[Range<usize>], [plain, weak, fault]: [Color32; 3]) -> LayoutJob {
    // Where something changes, and whether a remark is read from there on.
    let mut cuts: Vec<(usize, Option<bool>)> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        cuts.push((at, Some(false)));
        cuts.extend(remark(line).map(|start| (at + start, Some(true))));
        at += line.len();
    }
    let mut spans: Vec<Range<usize>> = spans.iter().map(|span| underlined(text, span)).collect();
    spans.retain(|span| text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
    spans.sort_by_key(|span| span.start);
    cuts.extend(spans.iter().flat_map(|span| [(span.start, None), (span.end, None)]));
    cuts.push((text.len(), None));
    cuts.sort_by_key(|(place, _)| *place);
    let mut job = LayoutJob::default();
    let (mut in_remark, mut wrong_until, mut next) = (false, 0, 0);
    for pair in cuts.windows(2) {
        let (place, end) = (pair[0].0, pair[1].0);
        in_remark = pair[0].1.unwrap_or(in_remark);
        while spans.get(next).is_some_and(|span| span.start <= place) {
            wrong_until = wrong_until.max(spans[next].end);
            next += 1;
        }
        let format = TextFormat {
            font_id: FontId::monospace(12.5),
            color: if in_remark { weak } else { plain },
            underline: if place < wrong_until { Stroke::new(1.5, fault) } else { Stroke::NONE },
            ..TextFormat::default()
        };
        if place < end {
            job.append(&text[place..end], 0.0, format);
        }
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOURS: [Color32; 3] = [Color32::WHITE, Color32::GRAY, Color32::RED];

    fn parts(text: &str, spans: &[(usize, usize)]) -> Vec<(String, bool, bool)> {
        let spans: Vec<Range<usize>> = spans.iter().map(|(start, end)| *start..*end).collect();
        let job = coloured(text, &spans, COLOURS);
        assert_eq!(job.text, text);
        let part = |section: &egui::text::LayoutSection| {
            let bytes = section.byte_range.start.0..section.byte_range.end.0;
            let format = &section.format;
            (text[bytes].to_owned(), format.color == Color32::GRAY, format.underline != Stroke::NONE)
        };
        job.sections.iter().map(part).collect()
    }

    #[test]
    fn remarks_are_weak_and_faults_underlined() {
        let text = "a = \"#1\" # why\nb = 2\n";
        let told = parts(text, &[(4, 8)]);
        let words: Vec<&str> = told.iter().map(|(text, ..)| text.as_str()).collect();
        assert_eq!(words, ["a = ", "\"#1\"", " ", "# why\n", "b = 2\n"]);
        assert!(told[1].2 && !told[1].1 && told[3].1 && !told[3].2 && !told[4].1);
        // A fault of no length is seen as well, at the end of the text too.
        assert!(parts("ab", &[(1, 1)])[1].2);
        assert_eq!(parts("ab", &[(2, 2)])[1], ("b".to_owned(), false, true));
        // Spans of a text that was changed since are no reason to stop.
        assert_eq!(parts("ä", &[(1, 2), (9, 12), (0, 1)]).len(), 1);
        assert!(parts("", &[(0, 0)]).is_empty());
    }

    #[test]
    fn a_long_text_is_coloured_at_once() {
        let text = "x = 1 # remark\n".repeat(60_000);
        let spans: Vec<Range<usize>> = (0..60_000).map(|line| line * 15..line * 15 + 3).collect();
        let since = std::time::Instant::now();
        let job = coloured(&text, &spans, COLOURS);
        assert!(job.sections.len() >= 120_000);
        assert!(since.elapsed() < std::time::Duration::from_secs(2), "{:?}", since.elapsed());
    }
}
