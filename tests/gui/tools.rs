//! Views that stand on their own: predictions against published measurements, and the calibration of this machine.

use capplan::gui::{Asked, Command, Section, View};

use super::{Window, command_line};
use crate::cli::{capplan, stdout};

#[test]
fn the_validation_view_has_the_errors_of_the_command_line() {
    let mut window = Window::open(None);
    window.send(Command::Show(View::Validation));
    window.until("the rows are predicted", |session| session.validated().is_some());
    let table = window.session().validated().unwrap().table.csv();
    let line = capplan().args(["validate", "--format", "markdown", "-q"]).output().unwrap();
    let markdown = window.session().validated().unwrap().table.markdown();
    assert_eq!(markdown, stdout(&line));
    let median = table.lines().nth(1).unwrap().split(',').nth(5).unwrap().parse::<f64>().unwrap();
    assert!(window.sees(&capplan::report::Cell::Number(median).short()), "{median}");
    assert!(window.sees("median error, %"));
}

#[test]
fn past_runs_come_back_by_a_click_and_give_their_text() {
    let mut window = Window::open(Some("example:daily-recommender"));
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    let first = window.session().shown().unwrap().clone();
    window.send(Command::Set { path: "seed".to_owned(), value: Some("7".to_owned()) });
    window.send(Command::Run);
    window.until("the second run is done", |session| session.results().len() == 2);
    assert!(!window.session().stale());
    window.click("Past runs (2)");
    window.click(&format!("Run {}", first.number));
    assert_eq!(window.session().shown().unwrap().number, first.number);
    assert!(window.session().stale(), "a result of another text is not marked");
    window.send(Command::TakeText(first.number));
    assert_eq!(window.text(), first.text);
    assert!(!window.session().stale());
    window.send(Command::Undo);
    assert!(window.text().contains("seed = 7"));
    window.send(Command::Forget(first.number));
    assert!(window.sees("Past runs (1)"));
    assert_eq!(capplan::report::result_json(&first.comparison), command_line("example:daily-recommender"));
}

fn asked(out: &str) -> Asked {
    Asked {
        section: Section::Train,
        models: vec![false, false, true],
        budget: "4 s".to_owned(),
        out: out.to_owned(),
        restart: false,
    }
}

#[test]
fn a_calibration_shows_its_points_and_saves_the_profile() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("mine.toml");
    let mut window = Window::open(None);
    window.send(Command::Show(View::Calibration));
    assert!(window.sees("This machine:") && window.sees("Profiles"));
    window.send(Command::Calibrate(asked(out.to_str().unwrap())));
    window.until("points appear", |session| !session.live().tasks.is_empty());
    assert!(window.sees("runs, about") || window.session().calibrated().is_some());
    window.until("it has ended", |session| !session.calibrating());
    let ended = window.session().calibrated();
    assert!(ended.is_some(), "{:?}", window.session().calibration_message());
    // A noisy machine keeps nothing unasked, as on the command line.
    if ended.unwrap().saved.is_none() {
        assert!(!out.exists() && window.sees("not saved"));
        window.click("Keep it although noisy");
    }
    assert!(window.sees("wrote"), "{:?}", window.session().calibration_message());
    let profile = capplan::catalog::MeasuredProfile::open(&out).unwrap().unwrap();
    assert!(!profile.curves.is_empty());
    assert_eq!(profile.to_toml(), window.session().calibrated().unwrap().profile.to_toml());
    assert!(!out.with_file_name("mine.toml.partial").exists());
}

#[test]
fn a_calibration_stops_within_a_second_and_goes_on_from_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("mine.toml");
    let mut window = Window::open(None);
    window.send(Command::Show(View::Calibration));
    let asked = Asked { budget: "10 m".to_owned(), ..asked(out.to_str().unwrap()) };
    window.send(Command::Calibrate(asked));
    window.until("points appear", |session| !session.live().tasks.is_empty());
    let since = std::time::Instant::now();
    window.click("Stop calibrating");
    assert!(!window.session().calibrating() && since.elapsed() < std::time::Duration::from_secs(1));
    assert!(window.sees("stopped"));
    assert!(out.with_file_name("mine.toml.partial").exists() && !out.exists());
}

#[test]
fn what_is_asked_amiss_is_told_before_anything_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.toml");
    std::fs::write(&other, "format = 1\n").unwrap();
    let mut window = Window::open(None);
    window.send(Command::Show(View::Calibration));
    let wrong = [
        (Asked { budget: "soon".to_owned(), ..asked("") }, "write it like 2m"),
        (Asked { budget: "0 s".to_owned(), ..asked("") }, "between 1 s and 1 day"),
        (Asked { models: vec![false; 3], ..asked("") }, "choose a model"),
        (asked(other.to_str().unwrap()), "checksum"),
        (asked(folder.path().to_str().unwrap()), "is a directory"),
        (asked(folder.path().join("none/mine.toml").to_str().unwrap()), "cannot write"),
    ];
    for (asked, told) in wrong {
        window.send(Command::Calibrate(asked));
        window.until("it is refused", |session| !session.calibrating());
        assert!(window.sees(told), "{told}: {:?}", window.session().calibration_message());
        assert!(window.session().live().tasks.is_empty());
    }
}
