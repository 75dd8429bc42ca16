//! Fleets appear as they finish, and the last good result comes back when a run is stopped.

use capplan::gui::Command;
use capplan::report::result_json;

use super::{Window, command_line};

#[test]
fn fleets_appear_before_the_run_has_ended() {
    let name = "example:chat";
    let mut window = Window::open(Some(name));
    window.send(Command::Run);
    window.until("the first fleet has finished", |session| {
        session.partial().is_some() || session.shown().is_some()
    });
    let partial = window.session().partial().expect("no fleet was shown before all had finished").clone();
    assert!(!partial.places.is_empty() && partial.places.len() < partial.fleets, "{:?}", partial.places);
    assert!(window.sees(&format!("of {} fleets", partial.fleets)));
    window.until("the run is done", |session| session.shown().is_some());
    assert!(window.session().partial().is_none());
    let whole = &window.session().shown().unwrap().comparison;
    for (row, place) in partial.comparison.rows.iter().zip(&partial.places) {
        assert_eq!((&row.fleet, row.cost_usd), (&whole.rows[*place].fleet, whole.rows[*place].cost_usd));
    }
    assert_eq!(result_json(whole), command_line(name));
}

#[test]
fn a_stopped_run_gives_the_last_result_back() {
    let mut window = Window::open(Some("example:chat"));
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    let before = result_json(&window.session().shown().unwrap().comparison);
    window.send(Command::Set { path: "seed".to_owned(), value: Some("7".to_owned()) });
    window.send(Command::Run);
    window.until("the first fleet has finished", |session| {
        session.partial().is_some() || session.progress().is_none()
    });
    window.send(Command::Cancel);
    assert!(window.session().partial().is_none());
    assert_eq!(result_json(&window.session().shown().unwrap().comparison), before);
    assert!(window.session().stale() && window.sees("older than the scenario"));
}
