//! What users do from the first start on.

use capplan::gui::{Command, View};
use capplan::report::result_json;
use egui::{Key, Modifiers};

use super::{Window, command_line};

#[test]
fn a_newcomer_gets_a_result_by_one_click() {
    let mut window = Window::open(None);
    window.click("Daily recommender: one large machine or many cheap ones?");
    window.until("the example has run", |session| session.shown().is_some());
    let shown = window.session().shown().unwrap();
    assert!(shown.comparison.recommended.is_some());
    assert!(window.sees(&shown.comparison.verdict.clone()), "the verdict is not on the screen");
    assert!(!window.session().stale());
}

#[test]
fn the_window_gives_the_figures_of_the_command_line_to_the_last_byte() {
    for name in capplan::catalog::EXAMPLES.iter() {
        let name = format!("example:{name}");
        let mut window = Window::open(Some(&name));
        window.press(Modifiers::NONE, Key::F5);
        window.until("the run is done", |session| session.shown().is_some());
        assert_eq!(result_json(&window.session().shown().unwrap().comparison), command_line(&name), "{name}");
    }
}

#[test]
fn every_view_draws_and_is_reached_by_its_tab() {
    let mut window = Window::open(Some("example:daily-recommender"));
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    for view in View::ALL {
        window.click(view.words());
        assert_eq!(window.session().view(), *view);
    }
}

#[test]
fn numbers_that_matter_are_found_in_the_background() {
    let mut window = Window::open(Some("example:daily-recommender"));
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    window.send(Command::Show(View::Sensitivity));
    window.click("Find out what matters");
    window.until("the swings are known", |session| {
        session.shown().is_some_and(|shown| shown.sensitivity.is_some())
    });
    let sensitivity = window.session().shown().unwrap().sensitivity.clone().unwrap();
    let keys: Vec<&str> = sensitivity.swings.iter().map(|swing| swing.key.as_str()).collect();
    assert!(keys.contains(&"workload.dataset.samples"), "{keys:?}");
    assert!(keys.contains(&"pricing.price_factor"), "{keys:?}");
}

#[test]
fn a_run_stops_within_a_second_and_leaves_the_last_result() {
    let mut window = Window::open(Some("example:pretraining-70b"));
    window.send(Command::Run);
    window.send(Command::Cancel);
    let since = std::time::Instant::now();
    window.until("the run has stopped", |session| session.progress().is_none());
    assert!(since.elapsed() < std::time::Duration::from_secs(1));
    assert!(window.session().shown().is_none());
    assert!(window.sees("stopped"));
}
