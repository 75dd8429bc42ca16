//! Everything can be reached: by its name for a screen reader, by keys alone, and in a small window.

use std::collections::BTreeSet;

use capplan::gui::{Command, Purpose, View};
use egui::{Key, Modifiers};

use super::Window;

/// A window that shows a result of a training and a serving scenario in turn, with what may lie over it.
fn through_all(mut look: impl FnMut(&mut Window, &str), size: [f32; 2]) {
    look(&mut Window::sized(None, size), "the first screen");
    for example in ["daily-recommender", "chat"] {
        let mut window = Window::sized(Some(&format!("example:{example}")), size);
        look(&mut window, "no result yet");
        window.send(Command::Run);
        window.until("the run is done", |session| session.shown().is_some());
        for view in View::ALL {
            window.send(Command::Show(*view));
            look(&mut window, view.words());
        }
        window.send(Command::ShowBeside(Some(View::Compare)));
        look(&mut window, "two views");
        window.send(Command::ToggleText);
        look(&mut window, "the text");
        window.send(Command::ToggleText);
        for (command, name) in [
            (Command::ToggleCatalog, "the catalog"),
            (Command::TogglePalette, "the palette"),
            (Command::ExportDialog, "the export"),
            (Command::AskPath(Purpose::Save), "the path"),
        ] {
            window.send(command);
            look(&mut window, name);
            window.press(Modifiers::NONE, Key::Escape);
        }
        window.send(Command::Set { path: "seed".to_owned(), value: Some("7".to_owned()) });
        window.send(Command::New);
        look(&mut window, "the question");
    }
}

#[test]
fn every_control_has_a_name() {
    let mut seen = 0;
    through_all(
        |window, place| {
            let controls = window.controls();
            seen += controls.len();
            let unnamed = controls.iter().filter(|control| control.name.trim().is_empty());
            let unnamed: String = unnamed.map(ToString::to_string).collect();
            assert!(unnamed.is_empty(), "without a name on {place}: {unnamed}");
        },
        [1280.0, 800.0],
    );
    assert!(seen > 1000, "the test sees nothing: {seen}");
}

#[test]
fn the_smallest_window_cuts_nothing_off() {
    through_all(
        |window, place| {
            let within = window.rect().expand(1.0);
            let cut = window.controls().into_iter().filter(|control| !within.contains_rect(control.rect));
            // The legend of a picture may be longer than the picture; what it says stands in the table as well.
            let cut = cut.filter(|control| place == "Compare" || control.role != "CheckBox");
            let cut: Vec<_> = cut.collect();
            // Of those that have to be scrolled to, some are tried.
            for control in cut.iter().step_by(1 + cut.len() / 4).chain(cut.last()) {
                assert!(window.reaches(control), "cannot be reached on {place}: {control}");
            }
        },
        [1024.0, 640.0],
    );
}

#[test]
fn the_tab_key_goes_round_all_controls() {
    let mut window = Window::open(Some("example:daily-recommender"));
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    let wanted: BTreeSet<String> = window.controls().into_iter().map(|control| control.name).collect();
    let mut reached = BTreeSet::new();
    for _ in 0..400 {
        window.press(Modifiers::NONE, Key::Tab);
        reached.extend(window.focused());
    }
    for name in
        ["Run", "Export…", "Add fleet…", "Compare", "What matters", "global batch", "Filter", "Every figure"]
    {
        assert!(wanted.contains(name), "{name} is no control");
        assert!(reached.contains(name), "the Tab key never comes to {name}");
    }
}

#[test]
fn a_scenario_is_run_explored_and_exported_by_keys_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, capplan::catalog::example("daily-recommender").unwrap()).unwrap();
    let mut window = Window::open(None);
    window.press(Modifiers::COMMAND, Key::L);
    window.type_text(path.to_str().unwrap());
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.session().document().unwrap().path(), Some(path.as_path()));
    window.press(Modifiers::NONE, Key::F5);
    window.until("the run is done", |session| session.shown().is_some());
    window.press(Modifiers::COMMAND, Key::Num2);
    assert_eq!(window.session().view(), View::ALL[1]);
    // The palette: words, an arrow down and up again, and Enter.
    window.press(Modifiers::COMMAND, Key::P);
    window.type_text("show mem");
    window.press(Modifiers::NONE, Key::ArrowDown);
    window.press(Modifiers::NONE, Key::ArrowUp);
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.session().view(), View::Memory);
    window.press(Modifiers::COMMAND, Key::P);
    assert!(window.sees("F5"), "the palette shows no keys");
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.sees("Command palette"));
    window.press(Modifiers::COMMAND, Key::E);
    assert!(window.sees("Write files"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.sees("Write files"));
}

#[test]
fn two_views_stand_side_by_side_and_never_twice_the_same() {
    let mut window = Window::open(Some("example:daily-recommender"));
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::Num2);
    assert!(window.sees("Filter") && window.sees("Across"), "not both are there");
    assert_eq!(window.session().view(), View::Compare);
    // The one that stands beside is chosen: they change places.
    window.send(Command::Show(View::Pareto));
    assert!(window.sees("Filter") && window.sees("Across"));
    window.click("Show one view");
    assert!(!window.sees("Filter") && window.sees("Across"));
}
