//! The window, driven through its accessibility tree: what a label promises, a click does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod catalog;
mod edits;
mod explain;
mod exports;
mod faults;
mod flows;
mod latency;
mod partial;
mod timeline;
mod tools;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use capplan::catalog::Catalog;
use capplan::gui::{App, Options, Session};
use capplan::steptime::StepTimes;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

static KNOWN: LazyLock<(Arc<Catalog>, Arc<StepTimes>)> = LazyLock::new(|| {
    let mut catalog = Catalog::read(&[]).unwrap();
    catalog.here = Some(capplan::calibrate::here());
    (Arc::new(catalog), Arc::new(StepTimes::embedded().unwrap()))
});

/// A window without a display.
pub struct Window(Harness<'static, App>);

impl Window {
    /// A window with what a newcomer has, and a scenario where one is named.
    pub fn open(scenario: Option<&str>) -> Self {
        let (catalog, steps) = (KNOWN.0.clone(), KNOWN.1.clone());
        let context = egui::Context::default();
        let mut app = App::new(&context, catalog, steps, Options::default(), scenario.map(str::to_owned));
        app.session_mut().set_program(env!("CARGO_BIN_EXE_capplan").into());
        let draw = |ui: &mut egui::Ui, app: &mut App| {
            app.step(ui.ctx());
            app.draw(ui);
        };
        let mut window = Self(Harness::builder().with_size([1280.0, 800.0]).build_ui_state(draw, app));
        window.settle();
        window
    }

    /// Some frames, so that commands are carried out and their outcome is drawn.
    pub fn settle(&mut self) {
        self.0.run_steps(4);
    }

    /// Frames until something holds; the test fails after half a minute.
    pub fn until(&mut self, what: &str, holds: impl Fn(&Session) -> bool) {
        let since = Instant::now();
        while !holds(self.session()) {
            assert!(since.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(10));
            self.0.step();
        }
        self.settle();
    }

    pub fn session(&self) -> &Session {
        self.0.state().session()
    }

    pub fn text(&self) -> &str {
        self.session().document().unwrap().text()
    }

    pub fn click(&mut self, label: &str) {
        self.0.get_by_label(label).click();
        self.settle();
    }

    /// The first of several with that label.
    pub fn click_first(&mut self, label: &str) {
        self.0.get_all_by_label(label).next().unwrap().click();
        self.settle();
    }

    pub fn sees(&self, label: &str) -> bool {
        self.0.query_all_by_label_contains(label).count() > 0
    }

    /// Replaces what stands in a field, as a user does.
    pub fn type_into(&mut self, label: &str, text: &str) {
        self.0.get_by_label(label).focus();
        self.settle();
        self.0.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        self.settle();
        self.0.get_by_label(label).type_text(text);
        self.settle();
        self.0.key_press(egui::Key::Enter);
        self.settle();
    }

    pub fn press(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        self.0.key_press_modifiers(modifiers, key);
        self.settle();
    }

    pub fn send(&mut self, command: capplan::gui::Command) {
        self.0.state_mut().send(command);
        self.settle();
    }
}

/// The same scenario on the command line.
pub fn command_line(name: &str) -> String {
    let output = crate::cli::capplan().args(["simulate", name, "--format", "json", "-q"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
