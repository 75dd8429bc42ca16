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
mod reach;
mod rows;
mod snapshots;
mod timeline;
mod tools;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use capplan::catalog::Catalog;
use capplan::gui::{App, Options, Session};
use capplan::steptime::StepTimes;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

static KNOWN: LazyLock<(Arc<Catalog>, Arc<StepTimes>)> = LazyLock::new(|| {
    let mut catalog = Catalog::read(&[]).unwrap();
    catalog.here = Some(capplan::calibrate::here());
    (Arc::new(catalog), Arc::new(StepTimes::embedded().unwrap()))
});

/// A window without a display.
pub struct Window(Harness<'static, App>);

/// Something that is clicked, typed into or moved, as a screen reader sees it.
pub struct Control {
    pub name: String,
    pub rect: egui::Rect,
    /// What it is, for messages.
    pub role: String,
}

impl std::fmt::Display for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} `{}` at {:?}; ", self.role, self.name, self.rect)
    }
}

impl Window {
    /// A window with what a newcomer has, and a scenario where one is named.
    pub fn open(scenario: Option<&str>) -> Self {
        Self::sized(scenario, [1280.0, 800.0])
    }

    /// The same of another size.
    pub fn sized(scenario: Option<&str>, size: [f32; 2]) -> Self {
        let (catalog, steps) = (KNOWN.0.clone(), KNOWN.1.clone());
        let context = egui::Context::default();
        let mut app = App::new(&context, catalog, steps, Options::default(), scenario.map(str::to_owned));
        app.session_mut().set_program(env!("CARGO_BIN_EXE_capplan").into());
        let draw = |ui: &mut egui::Ui, app: &mut App| {
            app.step(ui.ctx());
            app.draw(ui);
        };
        let mut window = Self(Harness::builder().with_size(size).build_ui_state(draw, app));
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

    pub fn click_containing(&mut self, label: &str) {
        self.0.get_by_label_contains(label).click();
        self.settle();
    }

    /// Puts the cursor into a field, at its end.
    pub fn focus(&mut self, label: &str) {
        self.0.get_by_label(label).focus();
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

    /// Drops a file onto the window.
    pub fn drop_file(&mut self, file: egui::DroppedFileHandle) {
        self.0.input_mut().dropped_files.push(file);
        self.settle();
    }

    /// Types where the cursor is.
    pub fn type_text(&mut self, text: &str) {
        self.0.event(egui::Event::Text(text.to_owned()));
        self.settle();
    }

    /// Everything that can be clicked, typed into or moved.
    pub fn controls(&self) -> Vec<Control> {
        use egui::accesskit::{Action, Role};
        let nodes = self.0.root().children_recursive();
        let takes = |node: &egui_kittest::Node<'_>| {
            let node = node.accesskit_node();
            let acts = [Action::Click, Action::Focus, Action::Increment, Action::SetValue];
            // Words that can only be selected and copied are no control, and scroll bars say what they are.
            !node.is_disabled()
                && !matches!(node.role(), Role::Label | Role::ScrollBar)
                && acts.iter().any(|action| node.data().supports_action(*action))
        };
        // The bar by which a window within the window is moved: the library leaves it without a name.
        let bar = |node: &egui_kittest::Node<'_>| {
            let (role, rect) = (node.accesskit_node().role(), node.rect());
            role == Role::Unknown && rect.height() < 50.0 && rect.width() > 100.0
        };
        nodes
            .filter(|node| takes(node) && !bar(node))
            .map(|node| Control {
                name: node.accesskit_node().label().unwrap_or_default(),
                rect: node.rect(),
                role: format!("{:?}", node.accesskit_node().role()),
            })
            .collect()
    }

    /// Whether a control is within the window, once it was scrolled to as a screen reader does.
    pub fn reaches(&mut self, control: &Control) -> bool {
        let same = |node: &egui_kittest::Node<'_>| {
            let node = node.accesskit_node();
            node.label().unwrap_or_default() == control.name && format!("{:?}", node.role()) == control.role
        };
        if let Some(node) = self.0.root().children_recursive().filter(same).last() {
            node.scroll_to_me();
        }
        self.0.run_steps(30);
        let within = self.rect().expand(1.0);
        // Of what is larger than the window a part is enough.
        self.controls().iter().any(|other| {
            (&other.name, &other.role) == (&control.name, &control.role)
                && within.intersects(other.rect)
                && (within.contains_rect(other.rect) || other.rect.height() > within.height() / 2.0)
        })
    }

    /// The name of what the keys go to.
    pub fn focused(&self) -> Option<String> {
        let mut nodes = self.0.root().children_recursive();
        nodes.find(|node| node.is_focused()).and_then(|node| node.accesskit_node().label())
    }

    /// The window's own rectangle.
    pub fn rect(&self) -> egui::Rect {
        self.0.ctx.content_rect()
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
