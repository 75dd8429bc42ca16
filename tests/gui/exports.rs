//! What leaves the window is what the command line writes.

use capplan::gui::Command;

use super::Window;
use crate::cli::capplan;

#[test]
fn everything_exported_equals_the_folder_of_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("window"), folder.path().join("line"));
    let mut window = Window::open(Some("example:daily-recommender"));
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    window.send(Command::ExportDialog);
    window.type_into("Folder", ours.to_str().unwrap());
    window.click("Write files");
    let line = ["simulate", "example:daily-recommender", "-q", "--out", theirs.to_str().unwrap()];
    assert!(capplan().args(line).output().unwrap().status.success());
    let mut names: Vec<_> =
        std::fs::read_dir(&theirs).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        let (ours, theirs) =
            (std::fs::read(ours.join(&name)).unwrap(), std::fs::read(theirs.join(&name)).unwrap());
        assert!(ours == theirs, "{} differs", name.display());
    }
    // A second time nothing is replaced unasked.
    window.click("Write files");
    assert!(window.sees("tick the box"));
}

#[test]
fn pictures_are_written_as_svg_and_png() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("pictures");
    let mut window = Window::open(Some("example:chat"));
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    window.send(Command::ExportDialog);
    window.click("The pictures: SVG and PNG");
    window.type_into("Folder", out.to_str().unwrap());
    window.click("Write files");
    for name in ["pareto", "cost", "latency", "memory"] {
        let svg = std::fs::read_to_string(out.join(format!("{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && svg.len() > 1500, "{name}");
        assert_eq!(&std::fs::read(out.join(format!("{name}.png"))).unwrap()[1..4], b"PNG", "{name}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut window = Window::open(Some("example:daily-recommender"));
    window.send(Command::Run);
    window.until("the run is done", |session| session.shown().is_some());
    window.send(Command::ExportDialog);
    // The first can be made by nobody, not even by root.
    for wanted in ["/proc/capplan-export".to_owned(), file.join("under").display().to_string()] {
        window.type_into("Folder", &wanted);
        window.click("Write files");
        assert!(window.sees("cannot"), "{wanted}");
        assert!(!window.sees("result.json"), "{wanted}");
    }
}
