//! Where figures come from: marks, and the explanation of the command line at a click or a key.

use capplan::gui::{Command, Figure};
use capplan::report::known;
use egui::{Key, Modifiers};

use super::Window;
use crate::cli::capplan;

fn line(scenario: &str, fleet: &str, metric: &str) -> String {
    let output = capplan().args(["explain", scenario, fleet, metric]).output().unwrap();
    assert!(output.status.success(), "{fleet} {metric}");
    String::from_utf8(output.stdout).unwrap()
}

fn figure(fleet: &str, column: &str) -> Command {
    Command::Explain(Some(Figure { fleet: fleet.to_owned(), column: column.to_owned() }))
}

#[test]
fn a_figure_is_explained_as_by_the_command_line() {
    for (name, columns) in [
        ("example:daily-recommender", [("cost_usd_mean", "cost_usd"), ("bound_next", "bound")]),
        ("example:chat", [("ttft_s_p99_mean", "ttft_s_p99"), ("price_usd_per_hour", "price_usd_per_hour")]),
    ] {
        let mut window = Window::open(Some(name));
        window.send(Command::Run);
        window.until("the run is done", |session| session.shown().is_some());
        let fleet = window.session().shown().unwrap().comparison.recommended.clone().unwrap();
        for (column, metric) in columns {
            window.send(figure(&fleet, column));
            window.until("it is explained", |session| session.told().is_some_and(|told| told.text.is_some()));
            assert_eq!(window.session().told().unwrap().text, Some(line(name, &fleet, metric)), "{column}");
        }
    }
}

#[test]
fn a_click_on_a_cell_and_the_keys_ask_for_its_explanation() {
    let mut window = Window::open(Some("example:daily-recommender"));
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    let shown = window.session().shown().unwrap();
    let fleet = shown.comparison.recommended.clone().unwrap();
    let row = shown.comparison.rows.iter().position(|row| row.fleet == fleet).unwrap();
    let cell = shown.table.column("cost_usd_mean").unwrap().cells[row].short();
    let mark = known(&shown.comparison.rows[row], "cost_usd_mean").unwrap().letter();
    window.click_first(&format!("{cell} {mark}"));
    let told = window.session().told().unwrap();
    assert_eq!((told.figure.fleet.as_str(), told.figure.column.as_str()), (fleet.as_str(), "cost_usd_mean"));
    window.send(Command::Explain(None));
    assert!(window.session().told().is_none());
    // Down from the first line, right from the clicked column.
    window.press(Modifiers::NONE, Key::ArrowRight);
    window.press(Modifiers::NONE, Key::Enter);
    let told = window.session().told().unwrap();
    assert_eq!(told.figure.fleet, fleet);
    assert_ne!(told.figure.column, "cost_usd_mean");
}

#[test]
fn columns_are_told_in_words_and_every_mark_has_its_meaning() {
    let mut window = Window::open(Some("example:daily-recommender"));
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    for words in ["cost, USD", "time, s", "waiting for input, share", "x extrapolated", "p published"] {
        assert!(window.sees(words), "{words}");
    }
    assert!(!window.sees("cost_usd_mean"));
}
