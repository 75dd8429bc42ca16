//! Edits: form and text are one document, remarks survive, undo brings the stored result back.

use capplan::gui::Command;
use egui::{Key, Modifiers};

use super::Window;

fn set(path: &str, value: &str) -> Command {
    Command::Set { path: path.to_owned(), value: Some(value.to_owned()) }
}

#[test]
fn a_field_of_the_form_changes_one_line_of_the_text() {
    let mut window = Window::open(Some("example:daily-recommender"));
    let before = window.text().to_owned();
    window.type_into("global batch", "32768");
    let changed: Vec<(&str, &str)> =
        before.lines().zip(window.text().lines()).filter(|(old, new)| old != new).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].1.starts_with("global_batch = 32768"), "{changed:?}");
    // What stands behind the value as a remark stays there.
    assert_eq!(
        changed[0].0.split_once('#').map(|(_, remark)| remark),
        changed[0].1.split_once('#').map(|(_, remark)| remark)
    );
}

#[test]
fn undo_shows_the_stored_result_of_the_text_at_once() {
    let mut window = Window::open(Some("example:daily-recommender"));
    window.send(Command::Run);
    window.until("the first run is done", |session| session.shown().is_some());
    let first = window.session().shown().unwrap().comparison.clone();
    window.send(set("workload.epochs", "2"));
    assert!(window.session().stale(), "a result of another text is not marked");
    assert!(window.sees("older than the scenario"));
    window.send(Command::Run);
    window.until("the second run is done", |session| !session.stale());
    assert!(window.session().shown().unwrap().comparison != first);
    window.press(Modifiers::COMMAND, Key::Z);
    assert!(!window.session().stale());
    assert!(window.session().shown().unwrap().comparison == first);
    window.press(Modifiers::COMMAND, Key::Y);
    assert!(window.session().shown().unwrap().comparison != first);
}

#[test]
fn a_fleet_is_added_from_the_catalog_and_removed() {
    let mut window = Window::open(Some("example:daily-recommender"));
    let fleets = |window: &Window| {
        window.session().document().unwrap().checked().scenario.as_ref().unwrap().fleets.len()
    };
    let before = fleets(&window);
    let (instance, region) = ("gcp/g2-standard-8".to_owned(), "us-central1".to_owned());
    window.send(Command::AddFleet { instance, region });
    assert_eq!(fleets(&window), before + 1);
    window.send(Command::RemoveFleet(before));
    assert_eq!(fleets(&window), before);
}

#[test]
fn a_result_is_never_shown_for_a_scenario_opened_meanwhile() {
    let mut window = Window::open(Some("example:pretraining-70b"));
    window.send(Command::Run);
    window.send(Command::Open("example:resnet-online".to_owned()));
    std::thread::sleep(std::time::Duration::from_millis(300));
    window.settle();
    assert!(window.session().shown().is_none());
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    assert_eq!(window.session().shown().unwrap().text, window.text());
}
