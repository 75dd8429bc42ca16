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

#[test]
fn what_is_typed_in_one_go_is_one_step_of_undo() {
    let mut window = Window::open(Some("example:chat"));
    window.send(Command::ToggleText);
    let before = window.text().to_owned();
    window.focus("Scenario text");
    for part in ["# one", " and", " two"] {
        window.type_text(part);
        // The text rests long enough to be checked, not long enough to be another step.
        window.until("it is checked", |session| session.document().unwrap().due().is_none());
    }
    assert!(window.text().contains("# one and two"));
    window.send(set("seed", "9"));
    window.press(Modifiers::COMMAND, Key::Z);
    assert!(window.text().contains("# one and two") && !window.text().contains("seed = 9"));
    window.press(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.text(), before);
    window.press(Modifiers::COMMAND, Key::Y);
    assert!(window.text().contains("# one and two"));
}

#[test]
fn a_problem_leads_to_its_place_in_the_text() {
    let mut window = Window::open(Some("example:chat"));
    window.send(set("workload.model", "\"llama-3-9b\""));
    let problem = window.session().document().unwrap().checked().problems[0].clone();
    let (line, column) = problem.place.unwrap();
    assert_eq!(&window.text()[problem.span.clone().unwrap()], "\"llama-3-9b\"");
    window.click_containing(&format!("line {line}, column {column}"));
    assert_eq!(window.focused().as_deref(), Some("Scenario text"));
    // What is typed now stands before the value.
    window.type_text("X");
    assert!(window.text().contains("model = X\"llama-3-9b\""), "{}", window.text());
}

#[test]
fn a_mark_before_the_text_moves_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("marked.toml");
    let text = capplan::catalog::example("chat").unwrap().replace("seed = 42", "seed = -1");
    std::fs::write(&path, format!("\u{feff}{text}")).unwrap();
    let window = Window::open(Some(path.to_str().unwrap()));
    let problems = &window.session().document().unwrap().checked().problems;
    assert_eq!(&window.text()[problems[0].span.clone().unwrap()], "-1");
    assert!(!window.session().document().unwrap().unsaved());
}

#[test]
fn the_form_has_what_a_planner_changes_first_although_it_is_not_set() {
    let folder = tempfile::tempdir().unwrap();
    let bare = "format = 1\n[workload]\nmodel = \"resnet-50\"\nglobal_batch = 256\nepochs = 1\n\
                [[fleet]]\nname = \"a\"\ninstance = \"gcp/a2-highgpu-1g\"\n";
    let path = folder.path().join("bare.toml");
    std::fs::write(&path, bare).unwrap();
    let mut window = Window::open(Some(path.to_str().unwrap()));
    let names: Vec<String> = window.controls().into_iter().map(|control| control.name).collect();
    let wanted = [
        "deadline",
        "budget",
        "minimize",
        "model",
        "precision",
        "global batch",
        "epochs",
        "instance",
        "count",
        "region",
        "purchase",
    ];
    for name in wanted {
        assert!(names.iter().any(|known| known == name), "{name} is not in the form: {names:?}");
    }
    assert!(!names.iter().any(|name| name == "ttft p99"), "a training job has no latency to its first token");
    window.type_into("count", "2");
    assert!(window.text().contains("count = 2"));
    window.type_into("deadline", "3 h");
    assert!(window.text().contains("deadline = \"3 h\""), "{}", window.text());
    window.click("Choose workload.model");
    window.type_into("Part of the name", "bert-large");
    window.click("bert-large");
    assert!(window.text().contains("model = \"bert-large\""), "{}", window.text());
}
