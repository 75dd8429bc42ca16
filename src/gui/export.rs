//! What leaves the window: the visible table or everything, in the forms that the command line writes.

use std::path::{Path, PathBuf};

use crate::report::{Artifact, Provenances, Table, artifacts, figures, pictures, write_folder};

use super::session::{Session, Shown};

/// What to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum What {
    /// Every file of `simulate --out`.
    #[default]
    Everything,
    /// The table as it stands on the screen.
    VisibleTable,
    /// The pictures.
    Pictures,
}

/// The dialog.
#[derive(Debug, Default)]
pub(super) struct ExportDialog {
    shown: bool,
    what: What,
    folder: String,
    replace: bool,
    outcome: Option<Result<Vec<String>, String>>,
}

/// Files of the visible table.
fn table_files(table: &Table) -> Vec<Artifact> {
    let json = format!("{:#}\n", table.json());
    vec![
        Artifact::new("table.csv", table.csv()),
        Artifact::new("table.md", table.markdown()),
        Artifact::new("table.json", json),
    ]
}

impl ExportDialog {
    /// Opens it.
    pub(super) fn open(&mut self, session: &Session) {
        if session.shown().is_none() {
            return;
        }
        self.shown = true;
        self.outcome = None;
        if self.folder.is_empty() {
            self.folder = "capplan-out".to_owned();
        }
    }

    /// Whether it is open.
    pub(super) fn shown(&self) -> bool {
        self.shown
    }

    /// Closes it; false when it was not open.
    pub(super) fn close(&mut self) -> bool {
        std::mem::take(&mut self.shown)
    }

    fn files(&self, shown: &Shown, table: &Table, digest: &str) -> Result<Vec<Artifact>, String> {
        match self.what {
            What::Everything => {
                let provenances = Provenances {
                    scenario: shown.text.clone(),
                    resolved: shown.resolved.clone(),
                    catalog_digest: digest.to_owned(),
                };
                artifacts(&shown.comparison, &provenances).map_err(|error| error.to_string())
            }
            What::VisibleTable => Ok(table_files(table)),
            What::Pictures => pictures(&figures(&shown.comparison)).map_err(|error| error.to_string()),
        }
    }

    /// Draws it; writes when asked to.
    pub(super) fn draw(&mut self, context: &egui::Context, session: &Session, table: Option<&Table>) {
        let (Some(shown), Some(table)) = (session.shown(), table) else { return };
        if !self.shown {
            return;
        }
        let mut open = true;
        egui::Window::new("Export").open(&mut open).collapsible(false).resizable(false).show(context, |ui| {
            ui.radio_value(
                &mut self.what,
                What::Everything,
                "Everything: result, tables, workbook, pictures, report",
            );
            ui.radio_value(&mut self.what, What::VisibleTable, "The table as it stands: CSV, Markdown, JSON");
            ui.radio_value(&mut self.what, What::Pictures, "The pictures: SVG and PNG");
            ui.horizontal(|ui| {
                let label = ui.label("Folder");
                ui.text_edit_singleline(&mut self.folder).labelled_by(label.id);
            });
            ui.checkbox(&mut self.replace, "Replace files that are there");
            let folder = PathBuf::from(self.folder.trim());
            if ui.add_enabled(!self.folder.trim().is_empty(), egui::Button::new("Write files")).clicked() {
                let written = self
                    .files(shown, table, &session.catalog().digest)
                    .and_then(|files| write(&folder, &files, self.replace));
                self.outcome = Some(written);
            }
            match &self.outcome {
                Some(Ok(lines)) => {
                    lines.iter().for_each(|line| {
                        ui.label(line);
                    });
                    if self.what == What::Everything {
                        let name =
                            session.document().map_or_else(String::new, |document| document.argument());
                        ui.label("The same from the command line");
                        ui.code(format!("capplan simulate {name} --out {}", folder.display()));
                    }
                }
                Some(Err(error)) => {
                    ui.colored_label(ui.visuals().error_fg_color, error);
                }
                None => {}
            }
        });
        self.shown = open;
    }
}

/// Writes all files or none; each with its size.
fn write(folder: &Path, files: &[Artifact], replace: bool) -> Result<Vec<String>, String> {
    write_folder(folder, files, replace)
        .map_err(|error| error.to_string().replace("use --force", "tick the box"))?;
    Ok(files
        .iter()
        .map(|file| format!("{} ({} bytes)", folder.join(&*file.name).display(), file.bytes.len()))
        .collect())
}
