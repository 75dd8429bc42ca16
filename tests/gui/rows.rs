//! A long table costs a frame what a short one does: only rows on the screen are drawn.

use capplan::gui::Command;

use super::Window;
use super::timeline::frame_seconds;

/// A window with the result of so many counts of one machine: a short form, a long table.
fn window(fleets: usize) -> Window {
    let counts: Vec<String> = (1..=fleets).map(|count| count.to_string()).collect();
    let text = format!(
        "format = 1\nname = \"many\"\n[workload]\nmodel = \"resnet-50\"\nglobal_batch = 65536\nsteps = 100\n\
         [[fleet]]\nname = \"f\"\ninstance = \"gcp/g2-standard-8\"\ncount = [{}]\nregion = \"us-central1\"\n",
        counts.join(", ")
    );
    let folder = tempfile::tempdir().unwrap();
    let path = crate::cli::write(folder.path(), "many.toml", &text);
    let mut window = Window::open(Some(&path));
    window.send(Command::Run);
    window.until("the run is done", |session| {
        session.shown().is_some_and(|shown| shown.table.height() == fleets)
    });
    window.until("nothing runs", |session| session.progress().is_none());
    window
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn a_frame_of_a_thousand_rows_takes_what_one_of_a_hundred_does() {
    let mut times = [100, 1000].map(|fleets| {
        let mut window = window(fleets);
        let _ = frame_seconds(&mut window, 10, |_| {});
        frame_seconds(&mut window, 100, |_| {})
    });
    let [Some(few), Some(many)] = std::mem::take(&mut times) else {
        println!("the time of a thread cannot be read here; the time of a frame is not checked");
        return;
    };
    println!("a frame: {:.2} ms of a hundred rows, {:.2} ms of a thousand", 1e3 * few, 1e3 * many);
    assert!(many <= 16e-3, "{many}");
    // Ten thousand, were they allowed, would then take no more than a frame either.
    assert!(many <= 1.5 * few + 1e-3, "{few} {many}");
}
