//! The window: eframe calls `logic` and `ui`; widgets send commands, which are carried out between two frames.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use egui::{Context, ThemePreference, ViewportCommand};

use crate::catalog::Catalog;
use crate::steptime::StepTimes;

use super::command::{Command, SHORTCUTS, view_keys};
use super::export::ExportDialog;
use super::look;
use super::options::{Options, Theme};
use super::panels::{self, Purpose};
use super::picture::{Outcome, Picture};
use super::session::Session;
use super::views::States;

/// The window.
pub struct App {
    pub(super) session: Session,
    pub(super) options: Options,
    pub(super) states: States,
    pub(super) panels: panels::Panels,
    pub(super) export: ExportDialog,
    pub(super) send: Vec<Command>,
    title: String,
    closing: bool,
    picture: Option<Picture>,
    first_frame: Option<FirstFrame>,
}

/// Told once the first frame is on the screen.
pub(super) type FirstFrame = Box<dyn FnOnce()>;

impl App {
    /// A window over a catalog; `open` names a scenario to start with.
    #[must_use]
    pub fn new(
        context: &Context,
        catalog: Arc<Catalog>,
        step_times: Arc<StepTimes>,
        options: Options,
        open: Option<String>,
    ) -> Self {
        let waker = context.clone();
        let wake = Arc::new(move || waker.request_repaint());
        let mut app = Self {
            session: Session::new(catalog, step_times, wake),
            options,
            states: States::default(),
            panels: panels::Panels::default(),
            export: ExportDialog::default(),
            send: Vec::new(),
            title: String::new(),
            closing: false,
            picture: None,
            first_frame: None,
        };
        app.session.apply(Command::Show(app.options.view));
        look::apply(context);
        app.look(context);
        if let Some(name) = open {
            app.open(&name);
        }
        app
    }

    /// Takes a picture of the window once the scenario has run, and closes it; nothing is remembered.
    pub(super) fn take_picture(&mut self, file: PathBuf, outcome: Outcome) {
        self.picture = Some(Picture::new(file, outcome));
    }

    /// Tells when the first frame is on the screen.
    pub(super) fn tell_first_frame(&mut self, tell: FirstFrame) {
        self.first_frame = Some(tell);
    }

    /// The model, for tests and reports.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The model, to be set up before the first frame.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Sends a command, as a widget would.
    pub fn send(&mut self, command: Command) {
        self.send.push(command);
    }

    fn look(&self, context: &Context) {
        context.set_theme(match self.options.theme {
            Theme::System => ThemePreference::System,
            Theme::Light => ThemePreference::Light,
            Theme::Dark => ThemePreference::Dark,
        });
        if (context.zoom_factor() - self.options.zoom).abs() > 1e-3 {
            context.set_zoom_factor(self.options.zoom);
        }
    }

    fn open(&mut self, name: &str) {
        self.session.apply(Command::Open(name.to_owned()));
        if self.session.document().is_some_and(|document| document.argument() == name) {
            self.options.opened(name);
        }
    }

    /// Between two frames: keys, dropped files, commands, time.
    pub fn step(&mut self, context: &Context) {
        self.keys(context);
        self.dropped(context);
        for command in std::mem::take(&mut self.send) {
            self.carry_out(context, command);
        }
        if let Some(path) = self.panels.dialogs.take() {
            let command = path;
            self.carry_out(context, command);
        }
        if self.session.tick() {
            context.request_repaint();
        }
        if let Some(rest) = self.session.document().and_then(|document| document.due()) {
            context.request_repaint_after(rest);
        }
        if self.session.progress().is_some() {
            context.request_repaint_after(Duration::from_millis(200));
        }
        if let Some(picture) = &mut self.picture
            && picture.step(context, &self.session, &mut self.send)
        {
            self.closing = true;
            context.send_viewport_cmd(ViewportCommand::Close);
        }
        self.close_or_ask(context);
        self.retitle(context);
    }

    fn keys(&mut self, context: &Context) {
        // A question is answered first; Esc then closes what lies over the rest, and only then stops a run.
        if self.session.question().is_some() || self.panels.path.asked() {
            return;
        }
        let escape = context.input(|input| input.key_pressed(egui::Key::Escape));
        if escape && (self.panels.palette.close() || self.export.close() || self.panels.catalog.close()) {
            context.input_mut(|input| input.consume_key(egui::Modifiers::NONE, egui::Key::Escape));
        }
        for shortcut in SHORTCUTS {
            // Undo within a text field is the field's own unless it is the scenario's text.
            let Some(keys) = &shortcut.keys else { continue };
            if shortcut.command == Command::Cancel && self.session.progress().is_none() {
                continue;
            }
            if context.input_mut(|input| input.consume_shortcut(keys)) {
                self.send.push(shortcut.command.clone());
            }
        }
        for (keys, command) in view_keys() {
            if context.input_mut(|input| input.consume_shortcut(&keys)) {
                self.send.push(command);
            }
        }
    }

    fn dropped(&mut self, context: &Context) {
        let dropped = context.input(|input| input.raw.dropped_files.first().cloned());
        if let Some(path) = dropped.map(|file| file.path().to_path_buf()) {
            self.send.push(Command::Open(path.display().to_string()));
        }
    }

    fn carry_out(&mut self, context: &Context, command: Command) {
        match command {
            Command::Open(name) => self.open(&name),
            Command::OpenDialog => self.panels.dialogs.open(context),
            Command::SaveAsDialog => self.panels.dialogs.save_as(context),
            Command::AskPath(Purpose::Save) if self.session.document().is_none() => {}
            Command::AskPath(purpose) => self.panels.path.ask(purpose),
            Command::SaveAs(path) => self.save_as(path),
            Command::Save if self.session.document().is_some_and(|document| document.path().is_none()) => {
                self.panels.dialogs.save_as(context);
            }
            Command::ExportDialog => self.export.open(&self.session),
            Command::CopyTable => self.copy_table(context),
            Command::TogglePalette => self.panels.palette.toggle(),
            Command::ToggleScenario => self.options.scenario ^= true,
            Command::ToggleDetails => self.options.details ^= true,
            Command::ToggleProblems => self.options.problems ^= true,
            Command::ToggleText => self.options.text ^= true,
            Command::ToggleCatalog => self.panels.catalog.toggle(),
            Command::ZoomIn => self.zoom(context, 1.1),
            Command::ZoomOut => self.zoom(context, 1.0 / 1.1),
            Command::ZoomReset => {
                self.options.zoom = 1.0;
                self.look(context);
            }
            Command::NextTheme => {
                self.options.theme = match self.options.theme {
                    Theme::System => Theme::Light,
                    Theme::Light => Theme::Dark,
                    Theme::Dark => Theme::System,
                };
                self.look(context);
            }
            Command::Quit => {
                self.session.apply(Command::Quit);
                if self.session.question().is_none() {
                    self.closing = true;
                    context.send_viewport_cmd(ViewportCommand::Close);
                }
            }
            Command::Show(view) => {
                // Never twice the same: the two change places.
                if self.options.beside == Some(view) {
                    self.options.beside = Some(self.options.view);
                }
                // A window does not start with work that nobody asked it for.
                if view.of_result() {
                    self.options.view = view;
                }
                self.session.apply(command);
            }
            Command::ShowBeside(view) => {
                self.options.beside = view.filter(|view| view.of_result() && *view != self.options.view);
            }
            Command::GoTo(_) => {
                (self.options.text, self.options.scenario) = (true, true);
                self.session.apply(command);
            }
            command => self.session.apply(command),
        }
    }

    fn save_as(&mut self, path: PathBuf) {
        self.session.apply(Command::SaveAs(path.clone()));
        if self.session.document().is_some_and(|document| document.path() == Some(&path)) {
            self.options.opened(&path.display().to_string());
        }
    }

    fn zoom(&mut self, context: &Context, factor: f32) {
        self.options.zoom = (self.options.zoom * factor).clamp(0.5, 3.0);
        self.look(context);
    }

    fn copy_table(&mut self, context: &Context) {
        if let Some(screen) = panels::screen(self) {
            let rows = screen.table.height();
            context.copy_text(screen.table.tab_separated());
            self.session.say(format!("copied {rows} rows"));
        }
    }

    fn close_or_ask(&mut self, context: &Context) {
        if !context.input(|input| input.viewport().close_requested()) || self.closing {
            return;
        }
        self.session.apply(Command::Quit);
        if self.session.question().is_some() {
            context.send_viewport_cmd(ViewportCommand::CancelClose);
        }
    }

    fn retitle(&mut self, context: &Context) {
        let title = self
            .session
            .document()
            .map_or_else(|| "capplan".to_owned(), |document| format!("{} – capplan", document.title()));
        if title != self.title {
            context.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// Draws everything; changes nothing but by commands.
    pub fn draw(&mut self, ui: &mut egui::Ui) {
        panels::draw(self, ui);
        let size = ui.ctx().content_rect().size();
        self.options.size = [size.x, size.y];
    }
}

impl eframe::App for App {
    fn logic(&mut self, context: &Context, _: &mut eframe::Frame) {
        // The frame before this one was presented before this one began.
        if context.cumulative_frame_nr() > 0 {
            self.first_frame.take().into_iter().for_each(|tell| tell());
        } else if self.first_frame.is_some() {
            context.request_repaint();
        }
        self.step(context);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn on_exit(&mut self, _: Option<&eframe::glow::Context>) {
        self.session.apply(Command::Cancel);
        #[cfg(feature = "calibrate")]
        {
            self.session.apply(Command::StopCalibrating);
            // The thread that wrote a data set may have no time to remove it.
            crate::calibrate::input::folder::remove_present();
        }
        if self.picture.is_none() {
            self.options.save();
        }
    }
}
