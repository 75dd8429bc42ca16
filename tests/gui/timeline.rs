//! The timeline: recorded in the background, drawn in time, and never of another scenario.

use std::time::{Duration, Instant};

use capplan::gui::{Command, Session, Stage, View, Wanted};
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};

use super::Window;

/// More steps than spans are kept.
const LONG: &str = r#"
format = 1
name = "long"
[workload]
model = "resnet-50"
global_batch = 64
steps = 1_200_000
[[fleet]]
name = "a"
instance = "gcp/a2-highgpu-1g"
region = "us-central1"
"#;

fn stage(session: &Session) -> Stage {
    let recommended = session.shown().and_then(|shown| shown.comparison.recommended.clone());
    let fleet = session.selected().map(str::to_owned).or(recommended).unwrap_or_default();
    session.timeline(&Wanted { fleet, window: None })
}

fn done(session: &Session) -> bool {
    matches!(stage(session), Stage::Done(_))
}

fn run(scenario: &str) -> Window {
    let mut window = Window::open(Some(scenario));
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    window
}

#[test]
fn the_timeline_of_the_selected_fleet_is_recorded_and_drawn() {
    let mut window = run("example:daily-recommender");
    window.click("Timeline");
    window.until("it is recorded", done);
    let Stage::Done(recorded) = stage(window.session()) else { unreachable!() };
    let fleet = recorded.wanted.fleet.clone();
    assert_eq!(window.session().shown().unwrap().comparison.recommended.as_ref(), Some(&fleet));
    assert!(recorded.lanes.timeline().spans.len() > 100_000);
    assert!(window.sees(&format!("Timeline of {fleet}: 2 lanes")));
    assert!(window.sees("wait for input"), "the legend lacks words");
    // Zooming shows a part, and the whole comes back.
    let span = |window: &Window| {
        let node = window.0.get_by_label_contains("Shown: ");
        let node = node.accesskit_node();
        node.value().or(node.label()).unwrap()
    };
    let whole = span(&window);
    window.click("Zoom in");
    assert_ne!(span(&window), whole);
    window.click("Later");
    window.click("Earlier");
    window.click("Zoom out");
    window.click("Whole run");
    assert_eq!(span(&window), whole);
    // Another fleet has a timeline of its own.
    let rows = &window.session().shown().unwrap().comparison.rows;
    let other = rows.iter().find(|row| row.feasible && row.fleet != fleet).unwrap().fleet.clone();
    window.send(Command::Select(Some(other.clone())));
    window.until("the other is recorded", done);
    assert!(window.sees(&format!("Timeline of {other}")));
}

#[test]
fn the_timeline_of_a_service_tells_of_its_requests() {
    let mut window = run("example:resnet-online");
    window.send(Command::Show(View::Timeline));
    window.until("it is recorded", done);
    let Stage::Done(recorded) = stage(window.session()) else { unreachable!() };
    assert!(recorded.lanes.timeline().tracks.iter().any(|track| track == "batches"));
    assert!(recorded.lanes.timeline().tracks.iter().any(|track| track == "requests 1"));
    // A part of the time is recorded where it is asked for.
    window.type_into("Record from", "1 s");
    window.type_into("until", "2 s");
    window.click("Record this part");
    let part = (capplan::units::Seconds(1.0), capplan::units::Seconds(2.0));
    let wanted = Wanted { fleet: recorded.wanted.fleet.clone(), window: Some(part) };
    window.until("the part is recorded", |session| matches!(session.timeline(&wanted), Stage::Done(_)));
    window.type_into("until", "0.5 s");
    assert!(window.sees("it must end after it begins"));
    window.type_into("until", "soon");
    assert!(!window.sees("Record this part"));
}

#[test]
fn a_fleet_that_cannot_run_says_so_instead() {
    let mut window = run("example:resnet-imagenet");
    window
        .send(Command::Set { path: "workload.model".to_owned(), value: Some("\"llama-3-70b\"".to_owned()) });
    window.send(Command::Undo);
    window.send(Command::Select(Some("no such fleet".to_owned())));
    window.send(Command::Show(View::Timeline));
    window.until("it is refused", |session| matches!(stage(session), Stage::Refused(_)));
    assert!(window.sees("there is no fleet"));
    assert!(window.sees("Record again"));
}

#[test]
fn a_recording_stops_when_the_scenario_changes() {
    let mut window = run("example:chat");
    window.send(Command::Show(View::Timeline));
    let recording = |session: &Session| matches!(stage(session), Stage::Recording(_));
    assert!(recording(window.session()) || done(window.session()));
    window.send(Command::Set { path: "seed".to_owned(), value: Some("7".to_owned()) });
    let since = Instant::now();
    window.until("it stops", |session| !matches!(stage(session), Stage::Recording(_)));
    assert!(since.elapsed() < Duration::from_secs(1));
    // What is older than the text is not recorded anew.
    if !done(window.session()) {
        window.press(Modifiers::NONE, Key::Escape);
        assert!(!recording(window.session()));
    }
}

/// CPU seconds of this thread.
fn thread_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse::<f64>().ok().map(|ns| ns / 1e9)
}

/// Mean CPU seconds of a frame, triangles included.
pub fn frame_seconds(
    window: &mut Window,
    frames: usize,
    mut between: impl FnMut(&mut Window),
) -> Option<f64> {
    let before = thread_seconds()?;
    for _ in 0..frames {
        between(window);
        window.0.step();
        let shapes = window.0.output().shapes.clone();
        assert!(!window.0.ctx.tessellate(shapes, 1.0).is_empty());
    }
    Some((thread_seconds()? - before) / frames as f64)
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn a_million_spans_are_drawn_within_a_frame() {
    let folder = tempfile::tempdir().unwrap();
    let path = crate::cli::write(folder.path(), "long.toml", LONG);
    let mut window = run(&path);
    window.send(Command::Show(View::Timeline));
    window.until("it is recorded", done);
    let Stage::Done(recorded) = stage(window.session()) else { unreachable!() };
    let spans = recorded.lanes.timeline().spans.len();
    assert!(spans > 800_000, "{spans}");
    let still = frame_seconds(&mut window, 100, |_| {});
    let mut turn = 0;
    let moving = frame_seconds(&mut window, 100, |window| {
        turn += 1;
        let label = ["Zoom in", "Later", "Zoom out", "Earlier"][turn % 4];
        window.0.get_by_label(label).click();
    });
    match still.zip(moving) {
        Some((still, moving)) => {
            println!("{spans} spans: {:.2} ms a frame, {:.2} ms while they move", 1e3 * still, 1e3 * moving);
            assert!(still <= 16e-3 && moving <= 16e-3, "{still} {moving}");
        }
        None => println!("the time of a thread cannot be read here; the time of a frame is not checked"),
    }
}
